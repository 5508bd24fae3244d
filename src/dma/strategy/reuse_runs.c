/* SPDX-License-Identifier: MIT */
/* See reuse_runs.h. */
#include "dma/strategy/reuse_runs.h"

#include <errno.h>

static iotoll_phys_t run_paddr(const struct reuse *r, uint32_t number)
{
	const uint32_t i = number - 1;

	return IOTOLL_PHYS(IOTOLL_PHYS_U64(r->slab[i / SLAB_RUNS]) +
			   i % SLAB_RUNS * sizeof(struct run));
}

struct run *run_peek(const struct reuse *r, uint32_t number)
{
	return env_ptr(r->by_frame.env, run_paddr(r, number), sizeof(struct run));
}

struct run *run_touch(const struct reuse *r, uint32_t number, bool write)
{
	env_touch(r->by_frame.env, run_paddr(r, number), sizeof(struct run), write);
	return run_peek(r, number);
}

int runs_grow(struct reuse *r)
{
	iotoll_phys_t *slab = realloc(r->slab, (r->slabs + 1) * sizeof(*slab));
	int rc;

	if (!slab)
		return -ENOMEM;
	r->slab = slab;
	rc = env_alloc_pages(r->by_frame.env, 1, DMA_PAGE_BYTES, 0, &slab[r->slabs]);
	if (rc)
		return rc;
	r->slabs++;
	for (uint32_t i = SLAB_RUNS; i-- > 0;) {
		const uint32_t number = (r->slabs - 1) * SLAB_RUNS + i + 1;

		*run_touch(r, number, true) = (struct run){.behind = r->free};
		r->free = number;
	}
	return 0;
}

void run_rest(struct iotoll_dma_domain *domain, uint32_t number)
{
	struct reuse *r = domain->strategy_data;
	struct run *run = run_touch(r, number, true);

	run->since_ps = env_now_ps(domain->env);
	run->before = r->newest;
	run->behind = NOBODY;
	if (r->newest)
		run_touch(r, r->newest, true)->behind = number;
	else
		r->oldest = number;
	r->newest = number;
	r->idle_pages += run->pages;
}

void run_wake(struct reuse *r, uint32_t number)
{
	const struct run *run = run_peek(r, number);

	if (run->before)
		run_touch(r, run->before, true)->behind = run->behind;
	else
		r->oldest = run->behind;
	if (run->behind)
		run_touch(r, run->behind, true)->before = run->before;
	else
		r->newest = run->before;
	r->idle_pages -= run->pages;
}

void runs_free(struct reuse *r)
{
	for (uint32_t i = 0; i < r->slabs; i++)
		env_free_pages(r->by_frame.env, r->slab[i], 1);
	free(r->slab);
}
