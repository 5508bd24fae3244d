/* SPDX-License-Identifier: MIT */
/* What the writer of our binary format remembers of the event last written: native_*.c alone. */
#ifndef IOTOLL_TRACE_NATIVE_RECENT_H
#define IOTOLL_TRACE_NATIVE_RECENT_H

#include <stdbool.h>
#include <stdint.h>

#include "trace/event.h"

#define NATIVE_RECENT_TEXT 24

/*
 * The shape that the last event of a kind had. Recordings go back and forth between a few, and
 * looking one up by its words costs more than all the rest.
 */
struct native_recent {
	uint32_t number; /* 0: none in this block */
	struct trace_event ev;
	char name[NATIVE_RECENT_TEXT], task[NATIVE_RECENT_TEXT], dev[NATIVE_RECENT_TEXT];
};

/* Does @ev have the shape that the last one of its kind had? */
bool native_is_recent(const struct native_recent *r, const struct trace_event *ev);
/* Remember @ev, whose shape is @number, if it is a simple one. */
void native_keep(struct native_recent *r, const struct trace_event *ev, uint64_t number);

#endif
