/* SPDX-License-Identifier: MIT */
/*
 * What stands before an event's fields in the kernel's texts: who, where, when and which event.
 *
 *	iperf3-141     [000] D.h1.    13.886403: unmap: IOMMU: ...           tracefs, trace-cmd
 *	iperf3     141 [000]    13.886403:   iommu:unmap: IOMMU: ...         perf script
 *
 * Task names may hold anything, brackets included, so a line is split at the first '[' from which
 *on it makes sense.
 */
#ifndef IOTOLL_TRACE_PREFIX_H
#define IOTOLL_TRACE_PREFIX_H

#include "trace/cut.h"
#include "trace/event.h"

#define PREFIX_CPU_MAX 8191u /* CONFIG_NR_CPUS of x86 goes this far */

enum prefix_style { PREFIX_FTRACE, PREFIX_PERF };

/*
 * @line is an event: true, *@ev with kind TRACE_OTHER, task, pid, cpu, context (if it is there),
 * time and name, and *@fields. In the style of perf the name is "group:name".
 */
bool prefix_take(struct cut line, enum prefix_style style, struct trace_event *ev,
		 struct cut *fields);

#endif
