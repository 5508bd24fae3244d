// SPDX-License-Identifier: MIT
/* What a replayed event does, on the CPU of its worker: see replay.h. */
#include <errno.h>
#include <stdlib.h>

#include "trace/replay_impl.h"

#define REPLAY_PAGE_SHIFT     12
#define REPLAY_LIVE_PAGES_MAX ((uint64_t)1 << 24) /* all of the greatest memory */
#define REPLAY_GRANT_POLL_PS  (100 * SIM_NS) /* how often a device held up by arbitration looks */

/* The device accesses @pages pages from @iova on once each. */
static void touch(struct replay_worker *w, iotoll_iova_t iova, uint64_t pages,
		  enum iotoll_access access)
{
	struct replay *rp = w->replay;
	struct iommu *iommu = rp->solo.rig.iommu;
	const struct iotoll_source source = rp->solo.source;
	const uint64_t first = IOTOLL_IOVA_U64(iova) >> REPLAY_PAGE_SHIFT;

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

static uint64_t pages_of(uint64_t address, uint64_t bytes)
{
	const uint64_t page = UINT64_C(1) << REPLAY_PAGE_SHIFT;

	return (address % page + bytes + page - 1) / page;
}

/* The pieces of a list, as they are mapped here; NULL: @map is of none. */
static struct iotoll_sg *list_of(const struct replay *rp, const struct match_map *map)
{
	return map->number > 1 ? &rp->sg[map->tag] : NULL;
}

static enum iotoll_access access_of(const struct match_map *map)
{
	return map->dir == IOTOLL_DMA_TO_DEVICE ? IOTOLL_READ : IOTOLL_WRITE;
}

/* What page @page of @map is for devices here. */
static iotoll_iova_t page_here(const struct replay *rp, const struct match_map *map, uint64_t page)
{
	const struct iotoll_sg *sg = list_of(rp, map);
	iotoll_iova_t at = map->iova;

	for (uint64_t i = 0; sg && i < map->number; i++) {
		const uint64_t pages =
			pages_of(IOTOLL_IOVA_U64(sg[i].dma_address), sg[i].dma_bytes);

		at = sg[i].dma_address;
		if (page < pages)
			break;
		page -= pages;
	}
	return IOTOLL_IOVA(IOTOLL_IOVA_U64(at) + (page << REPLAY_PAGE_SHIFT));
}

void replay_accessed(struct replay_worker *w, const struct recorded *ev)
{
	struct replay *rp = w->replay;
	const uint64_t page = ev->iova >> REPLAY_PAGE_SHIFT;
	const struct match_map *map = match_at(&rp->match, page);

	if (!map || map->state != MATCH_READY) {
		rp->result->stray_accesses++;
		return;
	}
	cpu_sync(w->cpu);
	touch(w, page_here(rp, map, page - map->first), 1, access_of(map));
}

/* The device accesses each page of a mapping once, or the first one alone. */
static void replay_access(struct replay_worker *w, const struct match_map *map)
{
	const bool first = w->replay->config->access == REPLAY_ACCESS_FIRST;
	const struct iotoll_sg *sg = list_of(w->replay, map);
	const enum iotoll_access access = access_of(map);

	cpu_sync(w->cpu);
	if (first || !sg)
		touch(w, map->iova, first ? 1 : map->pages, access);
	for (uint64_t i = 0; sg && !first && i < map->number; i++)
		touch(w, sg[i].dma_address,
		      pages_of(IOTOLL_IOVA_U64(sg[i].dma_address), sg[i].dma_bytes), access);
}

/* Where the recorded frame is in our memory; false if it does not fit at all. */
static bool replay_frame(struct replay *rp, uint64_t recorded, uint64_t bytes, uint64_t *paddr)
{
	const uint64_t memory = rp->solo.machine->profile.memory_bytes;

	if (bytes > memory)
		return false;
	*paddr = recorded;
	if (recorded < memory && bytes <= memory - recorded)
		return true;
	rp->result->folded_maps++;
	*paddr = recorded % memory;
	if (bytes > memory - *paddr)
		*paddr = memory - bytes;
	return true;
}

static bool map_list(struct replay *rp, const struct recorded *ev, struct match_map *map)
{
	struct iotoll_sg *sg = &rp->sg[ev->piece];
	const struct recorded_piece *piece = &rp->recording->piece[ev->piece];

	for (uint32_t i = 0; i < ev->pieces; i++) {
		uint64_t paddr;

		if (!replay_frame(rp, piece[i].paddr, piece[i].bytes, &paddr))
			return false;
		sg[i] = (struct iotoll_sg){.paddr = IOTOLL_PHYS(paddr), .bytes = piece[i].bytes};
	}
	map->tag = ev->piece;
	map->number = ev->pieces;
	if (iotoll_dma_map_sg(rp->solo.device, sg, (int)ev->pieces,
			      (enum iotoll_dma_dir)map->dir) != (int)ev->pieces)
		return false;
	map->iova = sg[0].dma_address;
	return true;
}

static bool map_one(struct replay *rp, const struct recorded *ev, struct match_map *map)
{
	uint64_t paddr;

	if (!replay_frame(rp, ev->paddr, ev->bytes, &paddr))
		return false;
	map->bytes = ev->asked ? ev->asked : ev->bytes;
	map->iova = iotoll_dma_map_page(rp->solo.device, IOTOLL_PHYS(paddr + ev->offset),
					map->bytes, (enum iotoll_dma_dir)map->dir);
	return !iotoll_dma_mapping_error(map->iova);
}

/* It never came to be. */
static void map_failed(struct replay *rp, struct match_map *map)
{
	map->state = MATCH_FAILED;
	if (map->taken)
		return;
	match_forget(&rp->match, map);
	match_release(&rp->match, map);
}

void replay_map(struct replay_worker *w, const struct recorded *ev)
{
	struct replay *rp = w->replay;
	struct replay_result *r = rp->result;
	const uint64_t pages = ev->bytes >> REPLAY_PAGE_SHIFT;
	struct match_map *map;
	bool shared;
	int rc;

	if (ev->bytes > rp->solo.machine->profile.memory_bytes ||
	    pages > REPLAY_LIVE_PAGES_MAX - rp->match.live_pages) {
		r->map_failures += ev->pieces;
		return;
	}
	rc = match_add(&rp->match, ev->iova >> REPLAY_PAGE_SHIFT, pages, &map, &shared);
	if (rc) {
		replay_end(rp, err_set(rp->err, rc, "replay: out of memory"));
		return;
	}
	r->ambiguous_maps += shared;
	map->dir = ev->dir; /* the values are Linux's on both sides */
	map->number = 1;
	if (ev->pieces > 1 ? !map_list(rp, ev, map) : !map_one(rp, ev, map)) {
		r->map_failures += ev->pieces;
		map_failed(rp, map);
	} else {
		r->maps += map->number;
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
	for (size_t i = 0; i < ended->count; i++)
		if (ended->map[i]->dir != ended->map[0]->dir || ended->map[i]->number > 1)
			return false;
	return ended->count > 1;
}

static void unmap_list(struct replay *rp, struct iotoll_sg *sg, uint64_t pieces, uint8_t dir)
{
	rp->result->sg_unmaps++;
	rp->result->sg_pieces += pieces;
	iotoll_dma_unmap_sg(rp->solo.device, sg, (int)pieces, (enum iotoll_dma_dir)dir);
}

static void unmap_map(struct replay *rp, const struct match_map *map)
{
	struct iotoll_sg *sg = list_of(rp, map);

	if (sg)
		unmap_list(rp, sg, map->number, map->dir);
	else
		iotoll_dma_unmap_page(rp->solo.device, map->iova, map->bytes,
				      (enum iotoll_dma_dir)map->dir);
}

static void replay_unmap_ended(struct replay_worker *w)
{
	struct replay *rp = w->replay;
	const struct match_list *ended = &w->ended;
	const bool list = replay_alike(ended);
	const int rc = list ? replay_sg(w) : 0;

	for (size_t i = 0; i < ended->count; i++)
		if (rp->config->access == REPLAY_ACCESS_AT_UNMAP ||
		    rp->config->access == REPLAY_ACCESS_FIRST)
			replay_access(w, ended->map[i]);
	if (rc)
		replay_end(rp, rc);
	else if (list)
		unmap_list(rp, w->sg, ended->count, ended->map[0]->dir);
	for (size_t i = 0; i < ended->count; i++) {
		if (!rc && !list)
			unmap_map(rp, ended->map[i]);
		rp->result->unmaps += ended->map[i]->number;
		match_release(&rp->match, ended->map[i]);
	}
}

void replay_unmap(struct replay_worker *w, const struct recorded *ev)
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
