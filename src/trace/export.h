/* SPDX-License-Identifier: MIT */
/*
 * A recording as a timeline for ui.perfetto.dev and chrome://tracing (watch/timeline_json.h): how
 * long each mapping lived, calls of the DMA API from call to return where both were recorded, and
 * everything else as instants of the CPU, or of the IOTLB. Streams: what is kept is what lives.
 */
#ifndef IOTOLL_TRACE_EXPORT_H
#define IOTOLL_TRACE_EXPORT_H

#include <stdio.h>

#include "base/err.h"
#include "trace/event.h"
#include "trace/trace.h"

struct trace_exporter;

/* Begin to write to @to, which stays the caller's. 0 or -ENOMEM. */
int export_create(struct trace_exporter **out, FILE *to) MUST_CHECK;
/* The next event or mark. 0 or -ENOMEM. */
int export_take(struct trace_exporter *x, const struct trace_event *ev) MUST_CHECK;
/* End what lives and the document, which repeats what @tally says is missing. 0 or -EIO. */
int export_finish(struct trace_exporter *x, const struct trace_tally *tally) MUST_CHECK;
/* NULL is allowed. */
void export_destroy(struct trace_exporter *x);

#endif
