/* SPDX-License-Identifier: MIT */
/*
 * Virtual time: unsigned 64-bit picoseconds since the machine was switched on (213 days fit).
 * Picoseconds because one cycle at 3.0 GHz is a third of a nanosecond.
 */
#ifndef IOTOLL_SIM_TIME_H
#define IOTOLL_SIM_TIME_H

#include <stdint.h>

typedef uint64_t sim_time;

#define SIM_PS    ((sim_time)1)
#define SIM_NS    ((sim_time)1000)
#define SIM_US    ((sim_time)1000000)
#define SIM_MS    ((sim_time)1000000000)
#define SIM_S     ((sim_time)1000000000000)
#define SIM_NEVER UINT64_MAX

#endif
