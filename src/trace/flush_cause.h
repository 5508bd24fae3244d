/* SPDX-License-Identifier: MIT */
/*
 * Why a flush queue flushed, as far as the probes of docs/traces.md say: before the descriptor of
 * the whole domain comes fq_flush_iotlb, and before that, on the same CPU, fq_flush_timeout if it
 * was the timer. Without either nothing is known: probes do not nest, and what happens within
 * another's handler is lost to them.
 */
#ifndef IOTOLL_TRACE_FLUSH_CAUSE_H
#define IOTOLL_TRACE_FLUSH_CAUSE_H

#include "trace/event.h"

enum flush_cause { FLUSH_UNSAID, FLUSH_TIMER, FLUSH_RING };

/* What the probes of one CPU have said since its last flush. Zero-initialise. */
struct flush_probes {
	bool timeout, flush;
};

static inline void flush_probes_take(struct flush_probes *p, enum trace_kind kind)
{
	p->timeout |= kind == TRACE_FQ_TIMEOUT;
	p->flush |= kind == TRACE_FQ_FLUSH;
}

/* Of the flush whose descriptor has come. */
static inline enum flush_cause flush_probes_cause(struct flush_probes *p)
{
	const struct flush_probes said = *p;

	*p = (struct flush_probes){.timeout = false};
	if (said.timeout)
		return FLUSH_TIMER;
	return said.flush ? FLUSH_RING : FLUSH_UNSAID;
}

#endif
