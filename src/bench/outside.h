/* SPDX-License-Identifier: MIT */
/* Rows whose work is somebody else's: struct bench_outside as a subject. */
#ifndef IOTOLL_BENCH_OUTSIDE_H
#define IOTOLL_BENCH_OUTSIDE_H

#include "bench/row.h"

/* @row has to live as long as what is made of it. */
struct row outside_row(const struct bench_outside *row);

#endif
