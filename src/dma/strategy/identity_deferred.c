/* SPDX-License-Identifier: MIT */
/*
 * Dynamic identity mapping with batched invalidations (Peleg, Morrison, Serebrin and Tsafrir,
 * "Utilizing the IOMMU Scalably", USENIX ATC 2015): each CPU has a batch of its own, and flushes
 * the whole domain when it has 250, or 10 ms after one began. Since an address always leads to the
 * same page, nothing need be kept from use until then: what a CPU has is a count.
 *
 * One timer serves all CPUs, and one flush of its: as with flush-queue. A page that goes to another
 * domain is forgotten first, for then its address leads elsewhere.
 */
#include <errno.h>

#include "dma/strategy/identity.h"

#define BATCH    250u                  /* Linux's HIGH_WATER_MARK, for each CPU */
#define DELAY_PS UINT64_C(10000000000) /* 10 ms */

/* A CPU's. */
struct batch {
	uint64_t cleared; /* ranges of entries since its last flush */
	uint64_t line_end[7];
};

_Static_assert(sizeof(struct batch) == DMA_LINE_BYTES, "a batch is a cache line");

static struct batch *batch_touch(struct iotoll_dma_domain *domain, unsigned cpu, bool write)
{
	const struct identity *id = domain->strategy_data;
	const iotoll_phys_t at =
		IOTOLL_PHYS(IOTOLL_PHYS_U64(id->lines) + cpu * sizeof(struct batch));

	env_touch(domain->env, at, sizeof(struct batch), write);
	return env_ptr(domain->env, at, sizeof(struct batch));
}

/* Of split locks: others go on while the hardware is waited for. */
static void flush(struct iotoll_dma_domain *domain)
{
	struct identity *id = domain->strategy_data;

	id->flushes_under_way++;
	domain_flush(domain);
	id->flushes_under_way--;
}

/* What is cleared while a flush goes on is the next one's. */
static bool deferred_cleared(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count)
{
	struct identity *id = domain->strategy_data;
	struct batch *mine = batch_touch(domain, env_cpu(domain->env), true);

	(void)first;
	(void)count;
	if (++mine->cleared == BATCH) {
		mine->cleared = 0;
		flush(domain);
	} else if (!id->timer_on) {
		id->timer_on = true;
		domain_set_timer(domain, DELAY_PS);
	}
	return true;
}

/* One flush for all CPUs, if any has something. */
static bool flush_all(struct iotoll_dma_domain *domain)
{
	uint64_t cleared = 0;

	for (unsigned i = 0; i < env_cpus(domain->env); i++) {
		struct batch *b = batch_touch(domain, i, true);

		cleared += b->cleared;
		b->cleared = 0;
	}
	if (cleared)
		flush(domain);
	return cleared != 0;
}

static void deferred_timer(struct iotoll_dma_domain *domain)
{
	struct identity *id = domain->strategy_data;

	id->timer_on = false;
	domain->stats.timer_flushes += flush_all(domain);
}

static void deferred_forget(struct iotoll_dma_domain *domain, uint64_t paddr, uint64_t pages)
{
	const struct identity *id = domain->strategy_data;

	(void)paddr;
	(void)pages;
	/* Counted by nobody any more is not forgotten yet. */
	if (!flush_all(domain) && id->flushes_under_way)
		flush(domain);
}

static int deferred_fits(const struct iotoll_dma_domain *domain, struct err *err)
{
	return identity_fits(domain, "identity-deferred", err);
}

static int deferred_create(struct iotoll_dma_domain *domain)
{
	const uint64_t bytes = env_cpus(domain->env) * sizeof(struct batch);
	struct identity *id;
	int rc = identity_create(domain);

	if (rc)
		return rc;
	id = domain->strategy_data;
	id->line_frames = dma_pages(0, bytes);
	rc = env_alloc_pages(domain->env, id->line_frames, DMA_PAGE_BYTES, 0, &id->lines);
	if (rc) {
		identity_destroy(domain);
		return rc;
	}
	memset(env_ptr(domain->env, id->lines, bytes), 0, bytes);
	return 0;
}

static void deferred_destroy(struct iotoll_dma_domain *domain)
{
	const struct identity *id = domain->strategy_data;

	env_free_pages(domain->env, id->lines, id->line_frames);
	identity_destroy(domain);
}

const struct strategy_ops identity_deferred_ops = {
	.name = "identity-deferred",
	.title = "the same, flushed when 250 wait on a CPU or after 10 ms (the paper's way)",
	.does = "As identity, but an unmap leaves the IOTLB alone. When a CPU has cleared 250 "
		"times, or after 10 ms, one flush of the whole domain has it forget all.",
	.protects = "An address never leads to another page than its own.",
	.gives_up =
		"An unmapped page can be reached for as long as the IOTLB holds it, at most until "
		"the next flush. Devices are told where memory lies.",
	.source = "Peleg, Morrison, Serebrin and Tsafrir, USENIX ATC 2015, dynamic identity "
		  "mapping with batches for each core",
	.translates = true,
	.overlaps = true,
	.own_addresses = true,
	.fits = deferred_fits,
	.create = deferred_create,
	.destroy = deferred_destroy,
	.map = identity_map,
	.unmap = identity_unmap,
	.owns = identity_owns,
	.forget = deferred_forget,
	.cleared = deferred_cleared,
	.timer = deferred_timer,
};
