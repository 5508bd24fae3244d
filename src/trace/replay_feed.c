// SPDX-License-Identifier: MIT
/*
 * Where a replay's events come from: a trace, as it is read, or one device of a recording that was
 * read before. See replay.h.
 */
#include <errno.h>

#include "trace/replay_impl.h"

#define REPLAY_PROGRESS_EVERY 65536u

void replay_end(struct replay *rp, int rc)
{
	rp->over = true;
	if (rc && !rp->rc)
		rp->rc = rc;
}

static bool should_stop(const struct replay *rp)
{
	return rp->config->should_stop && rp->config->should_stop(rp->config->ctx);
}

static void progress(struct replay *rp)
{
	const struct replay_config *c = rp->config;
	uint64_t at = rp->at, total = rp->recording ? rp->recording->events : 0;

	rp->events_seen++;
	if (!c->progress || rp->events_seen % REPLAY_PROGRESS_EVERY)
		return;
	if (rp->trace)
		at = trace_position(rp->trace, &total);
	c->progress(c->ctx, rp->events_seen, at, total);
}

/* Time since the first event. A stamp that goes back (files put together) counts as no time. */
static int set_clock(struct replay *rp, uint64_t stamp, bool first)
{
	const char *name = rp->trace ? trace_name(rp->trace) : rp->recording->name;

	if (!first && stamp > rp->last_stamp_ns)
		rp->next_ns += stamp - rp->last_stamp_ns;
	rp->last_stamp_ns = stamp;
	if (rp->next_ns <= REPLAY_SPAN_MAX_S * (uint64_t)1000000000)
		return 0;
	return err_set(rp->err, -EINVAL, "%s:%llu: expected a recording of at most %u seconds",
		       name, (unsigned long long)rp->next.line, REPLAY_SPAN_MAX_S);
}

/* 1 and the next map or unmap of the trace; 0: there is none; an error. */
static int read_on(struct replay *rp)
{
	struct trace_event ev;
	int rc;

	for (;;) {
		rc = trace_next(rp->trace, &ev, rp->err);
		/* One event may be a million pages of work: each is a place to stop. */
		if ((rc > 0 || rc == -EINTR) && should_stop(rp)) {
			rp->result->stopped = true;
			rc = 0;
		}
		if (rc <= 0)
			return rc;
		progress(rp);
		if (ev.kind == TRACE_MAP || ev.kind == TRACE_UNMAP)
			break;
	}
	rp->next = (struct recorded){
		.kind = ev.kind,
		.cpu = ev.cpu,
		.line = ev.line,
		.time_ns = ev.time_ns,
		.iova = ev.iova,
		.bytes = ev.bytes,
		.done_bytes = ev.done_bytes,
		.paddr = ev.paddr,
		.dir = TRACE_DIR_BOTH,
		.tag = -1,
		.device = RECORDING_NOBODY,
		.pieces = 1,
	};
	return 1;
}

/* Moves of the device; its flushes, if the timer is the recording's. */
static bool is_ours(const struct replay *rp, const struct recorded *ev)
{
	if (recorded_is_move(ev))
		return ev->device == rp->device;
	if (ev->kind == TRACE_ACCESS)
		return rp->config->access == REPLAY_ACCESS_RECORDED && ev->device == rp->device;
	/* Before the first step there is nothing to end. */
	return rp->ticks && (ev->kind == TRACE_STEP ? rp->begun : ev->device == rp->device);
}

static int take_next(struct replay *rp)
{
	const struct recording *from = rp->recording;

	while (rp->at < from->events && !is_ours(rp, &from->event[rp->at]))
		rp->at++;
	if (rp->at == from->events)
		return 0;
	if (should_stop(rp)) {
		rp->result->stopped = true;
		return 0;
	}
	progress(rp);
	rp->next = from->event[rp->at++];
	return 1;
}

void replay_fetch(struct replay *rp)
{
	const bool first = !rp->next_worker;
	int rc = rp->trace ? read_on(rp) : take_next(rp);

	if (rc <= 0) {
		replay_end(rp, rc);
		return;
	}
	rc = set_clock(rp, rp->next.time_ns, first);
	if (rc) {
		replay_end(rp, rc);
		return;
	}
	if (recorded_is_move(&rp->next))
		rp->result->span_ns = rp->next_ns;
	rp->result->folded_cpu_events += rp->next.cpu >= rp->count;
	rp->next_worker = &rp->workers[rp->next.cpu % rp->count];
}

int replay_begin(struct replay *rp)
{
	replay_fetch(rp);
	if (rp->rc || rp->next_worker || rp->result->stopped)
		return rp->rc;
	if (!rp->trace)
		return err_set(rp->err, -EINVAL, "%s: no map or unmap of this device",
			       rp->recording->name);
	return err_set(rp->err, -EINVAL,
		       "%s: no map or unmap event in %llu lines: expected events of iommu:map and "
		       "iommu:unmap",
		       trace_name(rp->trace), (unsigned long long)trace_tally(rp->trace)->lines);
}

void replay_zero(struct replay *rp)
{
	for (unsigned i = 0; i < rp->count; i++)
		cpu_account_reset(rp->workers[i].cpu, sim_now(rp->solo.sim));
	iotoll_dma_domain_stats_reset(rp->solo.rig.domain);
	exposure_restart(rp->solo.rig.exposure);
}
