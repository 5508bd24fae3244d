/* SPDX-License-Identifier: MIT */
/* See counting.h. */
#include "dma/counting.h"

#include <errno.h>

/* Of struct iotoll_dma_stats, which is nothing but numbers: those that are not simply added up. */
#define NUMBER(member) (offsetof(struct iotoll_dma_stats, member) / sizeof(uint64_t))
#define NUMBERS        (sizeof(struct iotoll_dma_stats) / sizeof(uint64_t))

_Static_assert(sizeof(struct iotoll_dma_stats) % sizeof(uint64_t) == 0, "numbers alone");

int counting_init(struct iotoll_dma_domain *domain)
{
	const size_t bytes = env_owners(domain->env) * sizeof(struct dma_counts);

	domain->shares = aligned_alloc(_Alignof(struct dma_counts), bytes);
	if (!domain->shares)
		return -ENOMEM;
	memset(domain->shares, 0, bytes);
	return 0;
}

void counting_fini(struct iotoll_dma_domain *domain)
{
	free(domain->shares);
	domain->shares = NULL;
}

static uint64_t sum_of(const struct iotoll_dma_domain *domain, size_t number)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < env_owners(domain->env); i++)
		sum += __atomic_load_n((const uint64_t *)&domain->shares[i].stats + number,
				       __ATOMIC_RELAXED);
	return sum;
}

static void raise(uint64_t *peak, uint64_t to)
{
	uint64_t was = __atomic_load_n(peak, __ATOMIC_RELAXED);

	while ((int64_t)(to - was) > 0 &&
	       !__atomic_compare_exchange_n(peak, &was, to, true, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED))
		;
}

void counting_look(struct iotoll_dma_domain *domain, struct dma_counts *share, uint64_t live,
		   uint64_t kept)
{
	__atomic_store_n(&share->live_seen, live + COUNTING_STEP, __ATOMIC_RELAXED);
	__atomic_store_n(&share->kept_seen, kept + COUNTING_STEP, __ATOMIC_RELAXED);
	raise(&domain->stats.pages_peak, sum_of(domain, NUMBER(pages_live)));
	raise(&domain->stats.kept_peak, sum_of(domain, NUMBER(kept_pages)));
}

void counting_sum(const struct iotoll_dma_domain *domain, struct iotoll_dma_stats *out)
{
	uint64_t *to = (uint64_t *)out;

	if (!domain->shares)
		return;
	for (size_t i = 0; i < NUMBERS; i++)
		if (i != NUMBER(pages_peak) && i != NUMBER(kept_peak))
			to[i] += sum_of(domain, i);
	if (out->pages_live > out->pages_peak)
		out->pages_peak = out->pages_live;
	if (out->kept_pages > out->kept_peak)
		out->kept_peak = out->kept_pages;
}

void counting_reset(struct iotoll_dma_domain *domain)
{
	const unsigned shares = domain->shares ? env_owners(domain->env) : 0;
	uint64_t live = domain->stats.pages_live, kept = domain->stats.kept_pages;

	for (unsigned i = 0; i < shares; i++) {
		live += domain->shares[i].stats.pages_live;
		kept += domain->shares[i].stats.kept_pages;
		domain->shares[i] = (struct dma_counts){.live_seen = 0};
	}
	domain->stats = (struct iotoll_dma_stats){
		.pages_live = live, .pages_peak = live, .kept_pages = kept, .kept_peak = kept};
}
