// SPDX-License-Identifier: MIT
/*
 * The replay of replay.h. One task on each simulated CPU. The reader is one event ahead: the task
 * whose CPU that event was recorded on sleeps until its time, takes it, reads the next one and only
 * then does the work, so that events start in recorded order but overlap where they overlapped. An
 * unmap may then come while the map it ends is still being made on another CPU, and waits for it.
 */
#include <errno.h>
#include <stdlib.h>

#include "trace/replay_impl.h"

/*
 * Sleep until the time of the event that is ours, unless earlier work has kept us beyond it; not at
 * all where work is all there is to wait for.
 */
static void replay_await(struct replay_worker *w)
{
	struct replay *rp = w->replay;
	struct replay_result *r = rp->result;
	const sim_time now = cpu_now(w->cpu);
	sim_time due;

	if (!rp->begun) { /* the first one is when it is */
		rp->begun = true;
		rp->origin = now;
	}
	if (rp->config->pace == REPLAY_CLOSED)
		return;
	due = rp->origin + rp->next_ns * SIM_NS;
	if (now <= due) {
		task_sleep(w->task, due - now);
		return;
	}
	/* An access is a device's, and may have another event's time; flushes follow from these. */
	if (!recorded_is_move(&rp->next))
		return;
	r->late_events++;
	if (now - due > r->late_max_ps)
		r->late_max_ps = now - due;
}

/* Make the maps that were there before the first event; they count for nothing. */
static void replay_earlier(struct replay_worker *w)
{
	struct replay *rp = w->replay;
	const struct recording *from = rp->recording;
	struct replay_result *r = rp->result;

	for (size_t i = 0; i < from->befores && !rp->over; i++)
		if (from->before[i].device == rp->device)
			replay_map(w, &from->before[i]);
	replay_ticks_queue(w);
	*r = (struct replay_result){.earlier_maps = r->maps,
				    .ticks_taken = rp->ticks,
				    .span_ns = r->span_ns,
				    .folded_cpu_events = r->folded_cpu_events};
	cpu_sync(w->cpu);
	replay_zero(rp);
	rp->before = false;
	waitq_wake(&rp->turn, NULL);
}

static void replay_work(void *ctx)
{
	struct replay_worker *w = ctx;
	struct replay *rp = w->replay;

	w->task = task_current(w->cpu);
	if (rp->before && w == replay_ticks_worker(rp))
		replay_earlier(w);
	while (!rp->over) {
		struct recorded ev;

		if (rp->before || rp->next_worker != w) {
			waitq_wait(&rp->turn, w->cpu);
			continue;
		}
		replay_await(w);
		ev = rp->next;
		replay_fetch(rp);
		if (rp->over || rp->next_worker != w)
			waitq_wake(&rp->turn, NULL); /* bookkeeping of ours, too */
		if (ev.kind == TRACE_MAP)
			replay_map(w, &ev);
		else if (ev.kind == TRACE_UNMAP)
			replay_unmap(w, &ev);
		else if (ev.kind == TRACE_ACCESS)
			replay_accessed(w, &ev);
		else
			replay_ticks_event(w, &ev);
		if (cpu_now(w->cpu) > rp->finished)
			rp->finished = cpu_now(w->cpu);
	}
	waitq_wake(&rp->turn, NULL);
}

static int replay_start(struct replay *rp)
{
	int rc;

	rp->count = rp->solo.machine->ncpus;
	rp->workers = calloc(rp->count, sizeof(*rp->workers));
	rp->sg = calloc(rp->recording ? rp->recording->pieces + 1 : 1, sizeof(*rp->sg));
	if (!rp->workers || !rp->sg)
		return err_set(rp->err, -ENOMEM, "replay: out of memory");
	for (unsigned i = 0; i < rp->count; i++) {
		rp->workers[i].replay = rp;
		rp->workers[i].cpu = machine_cpu(rp->solo.machine, i);
	}
	rc = replay_begin(rp);
	if (rc || !rp->next_worker)
		return rc;
	for (unsigned i = 0; i < rp->count; i++) {
		struct replay_worker *w = &rp->workers[i];

		if (!task_create(w->cpu, "replay", replay_work, w))
			return err_set(rp->err, -ENOMEM, "replay: out of memory");
	}
	replay_zero(rp);
	return 0;
}

/* Run until nothing is left to happen: every task has then ended. */
static int replay_drive(struct replay *rp)
{
	while (sim_next(rp->solo.sim) != SIM_NEVER) {
		const int rc = sim_run(rp->solo.sim, sim_next(rp->solo.sim));

		if (rc)
			return err_set(rp->err, rc, "replay: the simulation stopped");
	}
	return rp->rc;
}

#define REPLAY_DEVID 0x0008u /* device 1, function 0 */

static int replay_machine(struct replay *rp)
{
	const struct replay_config *c = rp->config;
	struct rig_config rig = {
		.model = c->iommu,
		.iotlb = c->iotlb,
		.strategy = c->strategy,
		.allocator = c->allocator,
		.table_entries = c->table_entries,
		.start_hint = c->start_hint,
		.split_locks = c->split_locks,
		.whole_lists = true,
	};
	struct profile profile = *c->profile;
	int rc;

	if (c->cpus)
		profile.cpus = c->cpus;
	replay_hear(c, &rig);
	rc = solo_init(&rp->solo, &profile, &rig, REPLAY_DEVID, rp->err);
	if (rc)
		return err_prefix(rp->err, rc, "replay: ");
	replay_ticks_begin(rp);
	return replay_show(rp);
}

static int replay_all(struct replay *given)
{
	struct replay rp = *given;
	int rc;

	*rp.result = (struct replay_result){0};
	rc = match_init(&rp.match);
	if (rc)
		return err_set(rp.err, rc, "replay: out of memory");
	rc = replay_machine(&rp);
	if (rc)
		goto fini_machine;
	rc = replay_start(&rp);
	if (!rc)
		rc = replay_drive(&rp);
	if (!rc)
		replay_report(&rp);
fini_machine:
	if (rp.config->timeline)
		timeline_clock(rp.config->timeline, NULL);
	/* The tasks go first: whatever they held lies in the workers. */
	solo_fini(&rp.solo);
	for (unsigned i = 0; rp.workers && i < rp.count; i++) {
		match_list_fini(&rp.workers[i].ended);
		free(rp.workers[i].sg);
	}
	free(rp.workers);
	free(rp.sg);
	match_fini(&rp.match);
	return rc;
}

int replay_run(struct trace *trace, const struct replay_config *config, struct replay_result *out,
	       struct err *err)
{
	struct err ignored;
	struct replay rp = {
		.config = config, .trace = trace, .result = out, .err = err ? err : &ignored};

	trace_stop_when(trace, config->should_stop, config->ctx);
	return replay_all(&rp);
}

int replay_recorded(const struct recording *recording, int device,
		    const struct replay_config *config, struct replay_result *out, struct err *err)
{
	struct err ignored;
	struct replay rp = {.config = config,
			    .recording = recording,
			    .device = device,
			    .before = true,
			    .result = out,
			    .err = err ? err : &ignored};

	return replay_all(&rp);
}
