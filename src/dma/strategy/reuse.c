/* SPDX-License-Identifier: MIT */
/*
 * See reuse.h. A run is a stretch of pages mapped by one request and serving every later one that
 * begins at its first page and is no longer: nearly all requests are of one page. A request that
 * finds a run of its first page too short, and in use, gets entries of its own in the ordinary,
 * strict way. So does a longer one where pages come and go, so that each page can be forgotten.
 */
#include <errno.h>

#include "dma/entries.h"
#include "dma/strategy/reuse_runs.h"

static struct reuse *reuse_of(const struct iotoll_dma_domain *domain)
{
	return domain->strategy_data;
}

/* ---- making and evicting ---- */

/* Take the entries down; the run is not at rest. */
static void drop(struct iotoll_dma_domain *domain, uint32_t number)
{
	struct reuse *r = reuse_of(domain);
	struct run *run = run_touch(r, number, true);

	pagemap_drop(&r->by_entry, run->first, run->pages);
	if (pagemap_get(&r->by_frame, run->frame) == number)
		pagemap_drop(&r->by_frame, run->frame, 1);
	r->mapped_pages -= run->pages;
	entries_clear(domain, run->first, run->pages);
	run->behind = r->free;
	r->free = number;
}

/*
 * Of a batch the IOTLB is told once, with a flush of everything; alone, a run's entries are
 * forgotten by themselves where the hardware can.
 */
static void finish_batch(struct iotoll_dma_domain *domain)
{
	struct reuse *r = reuse_of(domain);

	r->batching = false;
	if (r->pending == 1)
		domain_invalidate(domain, r->first[0], r->count[0]);
	else if (r->pending)
		domain_flush(domain);
	for (uint32_t i = 0; i < r->pending; i++)
		domain_release(domain, r->first[i], r->count[i]);
	r->pending = 0;
}

bool reuse_cleared(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count)
{
	struct reuse *r = reuse_of(domain);

	if (!r->batching) {
		domain_invalidate(domain, first, count);
		return true;
	}
	r->first[r->pending] = first;
	r->count[r->pending++] = count;
	return false;
}

/* The oldest at rest go, up to a batch of them, while @more says so. */
static void evict(struct iotoll_dma_domain *domain,
		  bool (*more)(const struct iotoll_dma_domain *domain))
{
	struct reuse *r = reuse_of(domain);

	/* A machine may be taken down while one of its CPUs stands in the middle of a batch. */
	r->pending = 0;
	r->batching = true;
	for (unsigned i = 0; i < r->policy.batch && r->oldest && more(domain); i++) {
		const uint32_t number = r->oldest;

		run_wake(r, number);
		drop(domain, number);
	}
	finish_batch(domain);
}

static bool always(const struct iotoll_dma_domain *domain)
{
	(void)domain;
	return true;
}

static bool overdue(const struct iotoll_dma_domain *domain)
{
	const struct reuse *r = reuse_of(domain);

	return env_now_ps(domain->env) - run_peek(r, r->oldest)->since_ps >= r->policy.idle_ps;
}

static bool may(uint32_t allowed, enum iotoll_dma_dir dir, enum iotoll_dma_dir not_needed_for)
{
	return allowed || dir == not_needed_for;
}

static bool covers(const struct run *run, enum iotoll_dma_dir dir)
{
	return may(run->reads, dir, IOTOLL_DMA_FROM_DEVICE) &&
	       may(run->writes, dir, IOTOLL_DMA_TO_DEVICE);
}

/* Have the entries allow @dir as well. What the IOTLB holds of them allows less: it must go. */
static void widen(struct iotoll_dma_domain *domain, struct run *run, enum iotoll_dma_dir dir)
{
	run->reads |= dir != IOTOLL_DMA_FROM_DEVICE;
	run->writes |= dir != IOTOLL_DMA_TO_DEVICE;
	entries_rewrite(domain, run->first, run->pages, run->paddr,
			!run->reads    ? IOTOLL_DMA_FROM_DEVICE
			: !run->writes ? IOTOLL_DMA_TO_DEVICE
				       : IOTOLL_DMA_BIDIRECTIONAL);
	domain_invalidate(domain, run->first, run->pages);
}

/* Entries for @pages from @paddr on, if need be at the cost of those at rest. */
static int make_entries(struct iotoll_dma_domain *domain, const struct mapping *want,
			uint64_t paddr, uint64_t pages, uint64_t *first)
{
	struct reuse *r = reuse_of(domain);
	int rc;

	while (r->oldest && r->mapped_pages + pages > r->policy.mapped)
		evict(domain, always);
	rc = entries_set(want, paddr, pages, first);
	while (rc == -ENOSPC && r->oldest) {
		evict(domain, always);
		rc = entries_set(want, paddr, pages, first);
	}
	return rc;
}

/* A run of @want's pages, which devices find from @frame on. */
static int make(struct iotoll_dma_domain *domain, struct mapping *want, uint64_t paddr,
		uint64_t frame)
{
	struct reuse *r = reuse_of(domain);
	const uint64_t pages = dma_pages(paddr, want->bytes);
	struct run *run;
	uint32_t number;
	uint64_t first;
	int rc = r->free ? 0 : runs_grow(r);

	if (!rc)
		rc = make_entries(domain, want, paddr, pages, &first);
	if (rc)
		return rc;
	number = r->free; /* evicting may have given others back */
	want->iova = entries_address(first, paddr);
	if (pagemap_put(&r->by_entry, first, pages, number)) {
		entries_clear(domain, first, pages);
		return -ENOMEM;
	}
	if (pagemap_put(&r->by_frame, frame, 1, number)) {
		pagemap_drop(&r->by_entry, first, pages);
		entries_clear(domain, first, pages);
		return -ENOMEM;
	}
	run = run_touch(r, number, true);
	r->free = run->behind;
	*run = (struct run){
		.paddr = paddr & ~(uint64_t)(DMA_PAGE_BYTES - 1),
		.frame = frame,
		.first = first,
		.pages = (uint32_t)pages,
		.users = 1,
		.reads = want->dir != IOTOLL_DMA_FROM_DEVICE,
		.writes = want->dir != IOTOLL_DMA_TO_DEVICE,
	};
	r->mapped_pages += pages;
	return 0;
}

/* ---- requests ---- */

/* Does the run serve it, for a device that can drive its addresses? */
static bool serves(const struct run *run, const struct mapping *want, uint64_t pages)
{
	return run->pages >= pages &&
	       run->first + run->pages - 1 <= want->dev->dma_mask >> DMA_PAGE_SHIFT;
}

/* The frame that devices find at @paddr, UINT64_MAX if they do not find all of it in one piece. */
static uint64_t frame_of(const struct iotoll_dma_domain *domain, uint64_t paddr, size_t bytes)
{
	const uint64_t at = env_bus_address(domain->env, paddr, bytes);

	return at == ENV_NO_BUS_ADDRESS ? at : at >> DMA_PAGE_SHIFT;
}

int reuse_map(struct iotoll_dma_domain *domain, struct mapping *want, uint64_t paddr)
{
	struct reuse *r = reuse_of(domain);
	const uint64_t pages = dma_pages(paddr, want->bytes);
	const uint64_t frame = frame_of(domain, paddr, want->bytes);
	const uint32_t number = (uint32_t)pagemap_get(&r->by_frame, frame);
	struct run *run = number ? run_touch(r, number, true) : NULL;
	uint64_t first;
	int rc;

	if (run && serves(run, want, pages)) {
		if (run->users++ == 0)
			run_wake(r, number);
		if (!covers(run, want->dir))
			widen(domain, run, want->dir);
		want->iova = entries_address(run->first, paddr);
		domain->stats.reused_maps++;
		return 0;
	}
	if (run && run->users == 0) {
		run_wake(r, number);
		drop(domain, number);
		run = NULL;
	}
	if (!run && frame < r->by_frame.keys && !(domain->pages_change && pages > 1))
		return make(domain, want, paddr, frame);
	rc = make_entries(domain, want, paddr, pages, &first);
	if (!rc)
		want->iova = entries_address(first, paddr);
	return rc;
}

static void keep(struct iotoll_dma_domain *domain, uint32_t number)
{
	struct reuse *r = reuse_of(domain);

	run_rest(domain, number);
	while (r->idle_pages > r->policy.idle)
		evict(domain, always);
	while (r->oldest && r->mapped_pages > r->policy.mapped)
		evict(domain, always);
	if (r->policy.idle_ps && r->oldest && !r->timer_on) {
		r->timer_on = true;
		domain_set_timer(domain, r->policy.idle_ps);
	}
}

/*
 * Entries that the table's keeper refused never came to be, and those of coherent memory end with
 * it: its pages are somebody else's at once.
 */
void reuse_unmap(struct iotoll_dma_domain *domain, const struct mapping *what)
{
	struct reuse *r = reuse_of(domain);
	const uint64_t iova = IOTOLL_IOVA_U64(what->iova);
	const uint64_t first = iova >> DMA_PAGE_SHIFT;
	const uint32_t number = (uint32_t)pagemap_get(&r->by_entry, first);
	struct run *run;

	if (!number) {
		entries_clear(domain, first, dma_pages(iova, what->bytes));
		return;
	}
	run = run_touch(r, number, true);
	if (what->refused)
		run->reads = run->writes = 0;
	if (--run->users)
		return;
	if (what->refused || what->kind == MAPPING_COHERENT || r->policy.idle == 0)
		drop(domain, number);
	else
		keep(domain, number);
}

/* Where pages change, runs are of one. */
void reuse_forget(struct iotoll_dma_domain *domain, uint64_t paddr, uint64_t pages)
{
	struct reuse *r = reuse_of(domain);

	for (uint64_t i = 0; i < pages; i++) {
		const uint64_t frame = frame_of(domain, paddr + (i << DMA_PAGE_SHIFT), 1);
		const uint32_t number = (uint32_t)pagemap_get(&r->by_frame, frame);

		if (number && run_touch(r, number, false)->users == 0) {
			run_wake(r, number);
			drop(domain, number);
		}
	}
}

bool reuse_owns(const struct iotoll_dma_domain *domain, const struct mapping *what)
{
	const struct reuse *r = reuse_of(domain);
	const uint64_t iova = IOTOLL_IOVA_U64(what->iova);
	const uint64_t first = iova >> DMA_PAGE_SHIFT, pages = dma_pages(iova, what->bytes);
	const uint32_t number = (uint32_t)pagemap_peek(&r->by_entry, first);

	if (number) {
		const struct run *run = run_peek(r, number);

		return run->users && run->first == first && pages <= run->pages;
	}
	for (uint64_t i = first; i < first + pages; i++)
		if (pagemap_peek(&r->by_entry, i))
			return false;
	return domain->iova->ops->owns(domain->iova, first, pages);
}

/* Whoever has rested long enough goes; for the others time is taken again. */
void reuse_timer(struct iotoll_dma_domain *domain)
{
	struct reuse *r = reuse_of(domain);

	const uint64_t before = domain->stats.flushes;

	r->timer_on = false;
	while (r->oldest && overdue(domain))
		evict(domain, overdue);
	domain->stats.timer_flushes += domain->stats.flushes - before;
	if (r->oldest) {
		r->timer_on = true;
		domain_set_timer(domain, r->policy.idle_ps);
	}
}

/* ---- life ---- */

int reuse_create(struct iotoll_dma_domain *domain, const struct reuse_policy *policy)
{
	struct reuse *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return -ENOMEM;
	r->policy = *policy;
	if (domain->quota && policy->quota_is_idle)
		r->policy.idle = domain->quota;
	else if (domain->quota)
		r->policy.mapped = domain->quota;
	if (r->policy.batch > SLAB_RUNS)
		r->policy.batch = SLAB_RUNS;
	rc = pagemap_init(&r->by_frame, domain->env, env_bus_pages(domain->env));
	if (rc)
		goto free_self;
	rc = pagemap_init(&r->by_entry, domain->env, domain->driver->entries);
	if (rc)
		goto fini_frames;
	domain->strategy_data = r;
	return 0;

fini_frames:
	pagemap_fini(&r->by_frame);
free_self:
	free(r);
	return rc;
}

void reuse_destroy(struct iotoll_dma_domain *domain)
{
	struct reuse *r = reuse_of(domain);

	runs_free(r);
	pagemap_fini(&r->by_entry);
	pagemap_fini(&r->by_frame);
	free(r);
}
