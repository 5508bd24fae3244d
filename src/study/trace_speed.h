/* SPDX-License-Identifier: MIT */
/*
 * How fast a recording becomes miss ratios on this host: a native trace of accesses, read from its
 * file and taken through an IOTLB, as 'iotoll iotlb' does it. What is timed and how is the
 * caller's; here are file and pass.
 */
#ifndef IOTOLL_STUDY_TRACE_SPEED_H
#define IOTOLL_STUDY_TRACE_SPEED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct trace_speed;

/*
 * Write the trace into a file that has no name and goes with it. @every_size: exact curve of all
 * sizes, fully associative; else one IOTLB of 256 entries, 4 ways. *@each: accesses in it. 0;
 * -errno with @err; -ENOMEM.
 */
int trace_speed_open(struct trace_speed **out, bool every_size, uint64_t *each,
		     struct err *err) MUST_CHECK;
/* From the file to the ratios; false if that failed. */
bool trace_speed_run(struct trace_speed *s);
void trace_speed_close(struct trace_speed *s);

#endif
