/* SPDX-License-Identifier: MIT */
/* The inside of an export, shared by export*.c and nobody else. */
#ifndef IOTOLL_TRACE_EXPORT_IMPL_H
#define IOTOLL_TRACE_EXPORT_IMPL_H

#include "trace/export.h"
#include "trace/match.h"
#include "watch/timeline_json.h"

enum { EXPORT_MAPPINGS = 1, EXPORT_CPUS, EXPORT_IOTLB, EXPORT_CALLS };

#define EXPORT_CALLS_MAX 64u /* that wait for their return at once; then the oldest does not */
#define EXPORT_IDLE      (1u << 30) /* thread of a CPU's idle task: pid 0 is one of each CPU */

/* A call that has not returned; what it says is copied, the event is not there any more. */
struct export_call {
	enum trace_kind kind;
	unsigned cpu;
	uint32_t thread;
	uint64_t ps, bytes, has;
	char name[24], dev[40];
	uint8_t dir;
};

struct trace_exporter {
	struct tl_out out;
	struct match match;
	struct match_list ended;
	struct pfnmap named; /* threads of processes that have names */
	struct export_call call[EXPORT_CALLS_MAX];
	unsigned calls;
	bool begun, timed;
	uint64_t first_ns, last_ps, number, ids;
};

/* Where @ev goes: time, and thread of the CPU; fills in phase TL_INSTANT and the arguments. */
struct tl_event export_instant(struct trace_exporter *x, const struct trace_event *ev);
/* Call thread @tid of process @pid so, unless it has a name. 0 or -ENOMEM. */
int export_name(struct trace_exporter *x, uint32_t pid, uint32_t tid, const char *name,
		size_t bytes) MUST_CHECK;

/* ---- export_calls.c ---- */
/* @ev is a call that may have a return, or a return: 1 if it was dealt with, 0, -ENOMEM. */
int export_call(struct trace_exporter *x, const struct trace_event *ev, uint64_t ps) MUST_CHECK;
/* Calls whose return was not recorded: instants. */
void export_calls_end(struct trace_exporter *x);

#endif
