/* SPDX-License-Identifier: MIT */
/* Devices that translate while a driver maps and unmaps: see traffic.c. */
#ifndef IOTOLL_BENCH_TRAFFIC_H
#define IOTOLL_BENCH_TRAFFIC_H

#include "bench/row.h"

/* The driver is timed; the other threads are devices that go on translating. */
extern const struct subject traffic_driver;
/* The devices are timed; the last thread is the driver. */
extern const struct subject traffic_devices;
/* The same without the driver. */
extern const struct subject traffic_devices_alone;

#endif
