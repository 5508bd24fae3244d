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

#define REPLAY_PAGE_SHIFT     12
#define REPLAY_LIVE_PAGES_MAX ((uint64_t)1 << 24) /* all of the greatest memory */
#define REPLAY_GRANT_POLL_PS  (100 * SIM_NS) /* how often a device held up by arbitration looks */

/* The device accesses each page of a mapping once, or the first one alone. */
static void replay_access(struct replay_worker *w, const struct match_map *map)
{
	struct replay *rp = w->replay;
	struct iommu *iommu = rp->solo.rig.iommu;
	const struct iotoll_source source = rp->solo.source;
	const uint64_t first = IOTOLL_IOVA_U64(map->iova) >> REPLAY_PAGE_SHIFT;
	const uint64_t pages = rp->config->access == REPLAY_ACCESS_FIRST ? 1 : map->pages;
	const enum iotoll_access access =
		map->dir == IOTOLL_DMA_TO_DEVICE ? IOTOLL_READ : IOTOLL_WRITE;

	cpu_sync(w->cpu);
	for (uint64_t i = 0; i < pages; i++) {
		struct iotoll_xlat x;

		rp->result->accesses++;
		if (!iommu)
			continue;
		/* Another CPU may be flushing: then the bridge grants nothing and the DMA waits. */
		while (!iommu->ops->may_start(iommu, source.bus))
			task_sleep(w->task, REPLAY_GRANT_POLL_PS);
		iommu->ops->begin(iommu, source.bus);
		if (iommu_translate(iommu, source, (first + i) << REPLAY_PAGE_SHIFT, access, &x))
			rp->result->access_faults++;
		iommu->ops->end(iommu, source.bus);
	}
}

/* Where the recorded frame is in our memory; false if it does not fit at all. */
static bool replay_frame(struct replay *rp, const struct recorded *ev, uint64_t *paddr)
{
	const uint64_t memory = rp->solo.machine->profile.memory_bytes;

	if (ev->bytes > memory)
		return false;
	*paddr = ev->paddr;
	if (ev->paddr < memory && ev->bytes <= memory - ev->paddr)
		return true;
	rp->result->folded_maps++;
	*paddr = ev->paddr % memory;
	if (ev->bytes > memory - *paddr)
		*paddr = memory - ev->bytes;
	return true;
}

static void replay_map(struct replay_worker *w, const struct recorded *ev)
{
	struct replay *rp = w->replay;
	struct replay_result *r = rp->result;
	const uint64_t pages = ev->bytes >> REPLAY_PAGE_SHIFT;
	struct match_map *map;
	uint64_t paddr;
	bool shared;
	int rc;

	if (!replay_frame(rp, ev, &paddr) || pages > REPLAY_LIVE_PAGES_MAX - rp->match.live_pages) {
		r->map_failures++;
		return;
	}
	rc = match_add(&rp->match, ev->iova >> REPLAY_PAGE_SHIFT, pages, &map, &shared);
	if (rc) {
		replay_end(rp, err_set(rp->err, rc, "replay: out of memory"));
		return;
	}
	r->ambiguous_maps += shared;
	map->bytes = ev->asked ? ev->asked : ev->bytes;
	map->dir = ev->dir; /* the values are Linux's on both sides */
	map->iova = iotoll_dma_map_page(rp->solo.device, IOTOLL_PHYS(paddr + ev->offset),
					map->bytes, (enum iotoll_dma_dir)map->dir);
	if (iotoll_dma_mapping_error(map->iova)) {
		r->map_failures++;
		map->state = MATCH_FAILED;
		if (!map->taken) {
			match_forget(&rp->match, map);
			match_release(&rp->match, map);
		}
	} else {
		r->maps++;
		r->mapped_pages += pages;
		r->single_page_maps += pages == 1;
		if (rp->config->access == REPLAY_ACCESS_AT_MAP && !rp->before)
			replay_access(w, map);
		map->state = MATCH_READY;
	}
	waitq_wake(&rp->ready, NULL); /* free of charge: no kernel does this */
}

/* Wait for maps in the making; drop those that failed. */
static void replay_settle(struct replay_worker *w)
{
	struct match_list *ended = &w->ended;
	size_t kept = 0;

	for (size_t i = 0; i < ended->count; i++) {
		struct match_map *map = ended->map[i];

		while (map->state == MATCH_PENDING)
			waitq_wait(&w->replay->ready, w->cpu);
		if (map->state == MATCH_READY)
			ended->map[kept++] = map;
		else
			match_release(&w->replay->match, map);
	}
	ended->count = kept;
}

static int replay_sg(struct replay_worker *w)
{
	const size_t count = w->ended.count;

	if (count > w->sg_room) {
		struct iotoll_sg *grown = realloc(w->sg, count * sizeof(*grown));

		if (!grown)
			return err_set(w->replay->err, -ENOMEM, "replay: out of memory");
		w->sg = grown;
		w->sg_room = count;
	}
	for (size_t i = 0; i < count; i++)
		w->sg[i] = (struct iotoll_sg){.bytes = w->ended.map[i]->bytes,
					      .dma_address = w->ended.map[i]->iova,
					      .dma_bytes = w->ended.map[i]->bytes};
	return 0;
}

/* May they be given to one call? A list has one direction. */
static bool replay_alike(const struct match_list *ended)
{
	for (size_t i = 1; i < ended->count; i++)
		if (ended->map[i]->dir != ended->map[0]->dir)
			return false;
	return true;
}

static void replay_unmap_ended(struct replay_worker *w)
{
	struct replay *rp = w->replay;
	const struct match_list *ended = &w->ended;
	const bool list = ended->count > 1 && replay_alike(ended);
	const int rc = list ? replay_sg(w) : 0;

	for (size_t i = 0; i < ended->count; i++)
		if (rp->config->access == REPLAY_ACCESS_AT_UNMAP ||
		    rp->config->access == REPLAY_ACCESS_FIRST)
			replay_access(w, ended->map[i]);
	if (rc) {
		replay_end(rp, rc);
	} else if (list) {
		rp->result->sg_unmaps++;
		rp->result->sg_pieces += ended->count;
		iotoll_dma_unmap_sg(rp->solo.device, w->sg, (int)ended->count,
				    (enum iotoll_dma_dir)ended->map[0]->dir);
	} else {
		for (size_t i = 0; i < ended->count; i++)
			iotoll_dma_unmap_page(rp->solo.device, ended->map[i]->iova,
					      ended->map[i]->bytes,
					      (enum iotoll_dma_dir)ended->map[i]->dir);
	}
	rp->result->unmaps += ended->count;
	for (size_t i = 0; i < ended->count; i++)
		match_release(&rp->match, ended->map[i]);
}

static void replay_unmap(struct replay_worker *w, const struct recorded *ev)
{
	struct replay *rp = w->replay;
	struct replay_result *r = rp->result;
	const uint64_t pages = ev->done_bytes >> REPLAY_PAGE_SHIFT;
	int rc;

	r->short_unmaps += ev->done_bytes != ev->bytes;
	rc = match_take(&rp->match, ev->iova >> REPLAY_PAGE_SHIFT, pages, &w->ended);
	if (rc)
		replay_end(rp, err_set(rp->err, rc, "replay: out of memory"));
	r->partial_unmaps += w->ended.partial;
	r->unmatched_unmaps += pages && w->ended.pages == 0;
	r->unmatched_pages += pages - w->ended.pages;
	replay_settle(w);
	replay_unmap_ended(w);
}

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
	*r = (struct replay_result){.earlier_maps = r->maps,
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
	if (rp->before && w == rp->workers)
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
		else
			replay_unmap(w, &ev);
		if (cpu_now(w->cpu) > rp->finished)
			rp->finished = cpu_now(w->cpu);
	}
	waitq_wake(&rp->turn, NULL);
}

static int replay_start(struct replay *rp)
{
	int rc;

	rp->count = rp->solo.machine->ncpus;
	rp->most_pages = rp->solo.rig.env.regs ? rp->config->table_entries : UINT64_MAX;
	rp->workers = calloc(rp->count, sizeof(*rp->workers));
	if (!rp->workers)
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
	};
	struct profile profile = *c->profile;
	int rc;

	if (c->cpus)
		profile.cpus = c->cpus;
	replay_hear(c, &rig);
	rc = solo_init(&rp->solo, &profile, &rig, REPLAY_DEVID, rp->err);
	return rc ? err_prefix(rp->err, rc, "replay: ") : replay_show(rp);
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
