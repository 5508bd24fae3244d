/* SPDX-License-Identifier: MIT */
/*
 * Counting what happens to a domain. Under its lock there is one struct of counters. Where locks
 * are split and threads are real each place of env_owner() has one, which its thread adds to with
 * plain stores; number 0, which threads share, with atomic ones. Who asks adds them up.
 *
 * The most that was ever live or kept cannot be had exactly so: a thread looks at the sum when it
 * has 64 more than when it last did, or than it had at the least since, give or take 64; so a peak
 * is told too low by 128 for each thread at the most.
 */
#ifndef IOTOLL_DMA_COUNTING_H
#define IOTOLL_DMA_COUNTING_H

#include "dma/domain.h"

#define COUNTING_STEP 64u

struct dma_counts {
	struct iotoll_dma_stats stats;
	uint64_t live_seen, kept_seen; /* up to here the sum need not be looked at */
} __attribute__((aligned(128)));

struct counting {
	struct iotoll_dma_stats *stats;
	struct dma_counts *share; /* NULL: there is one for all, under the domain's lock */
	bool shared;              /* several threads may be at it */
};

/* Shares for @domain. 0 or -ENOMEM. */
int counting_init(struct iotoll_dma_domain *domain) MUST_CHECK;
void counting_fini(struct iotoll_dma_domain *domain);
/* Add what the shares say to @out. */
void counting_sum(const struct iotoll_dma_domain *domain, struct iotoll_dma_stats *out);
/* All from 0 on, but what is live and kept. */
void counting_reset(struct iotoll_dma_domain *domain);
/* The slow half of the two below. */
__attribute__((cold)) void counting_look(struct iotoll_dma_domain *domain, struct dma_counts *share,
					 uint64_t live, uint64_t kept);

/* The caller's. */
static inline struct counting counting_of(struct iotoll_dma_domain *domain)
{
	struct counting c = {.stats = &domain->stats};

	if (domain->shares) {
		const unsigned place = env_owner(domain->env);

		c.share = &domain->shares[place];
		c.stats = &c.share->stats;
		c.shared = place == 0;
	}
	return c;
}

/* @what is one of c->stats. */
static inline uint64_t counting_add(const struct counting *c, uint64_t *what, uint64_t n)
{
	const uint64_t sum = __atomic_load_n(what, __ATOMIC_RELAXED) + n;

	if (__builtin_expect(c->shared, 0))
		return __atomic_add_fetch(what, n, __ATOMIC_RELAXED);
	__atomic_store_n(what, sum, __ATOMIC_RELAXED);
	return sum;
}

/* A share's number fell to @now: when it rises again the sum may be higher than it ever was. */
static inline void counting_fell(uint64_t *seen, uint64_t now)
{
	if (__builtin_expect((int64_t)(__atomic_load_n(seen, __ATOMIC_RELAXED) - now) >
				     2 * (int64_t)COUNTING_STEP,
			     0))
		__atomic_store_n(seen, now + COUNTING_STEP, __ATOMIC_RELAXED);
}

/* Entries went out of use. */
static inline void counting_dead(const struct iotoll_dma_domain *domain, const struct counting *c,
				 uint64_t pages)
{
	const uint64_t live = counting_add(c, &c->stats->pages_live, -pages);

	if (domain->shares)
		counting_fell(&c->share->live_seen, live);
}

/* The strategy has let them go. */
static inline void counting_let_go(const struct iotoll_dma_domain *domain, const struct counting *c,
				   uint64_t pages)
{
	const uint64_t kept = counting_add(c, &c->stats->kept_pages, -pages);

	if (domain->shares)
		counting_fell(&c->share->kept_seen, kept);
}

/* Entries came into use; a share's own number may be below 0, as others take them down. */
static inline void counting_live(struct iotoll_dma_domain *domain, const struct counting *c,
				 uint64_t pages)
{
	const uint64_t live = counting_add(c, &c->stats->pages_live, pages);

	if (!c->share) {
		if (live > c->stats->pages_peak)
			c->stats->pages_peak = live;
	} else if (__builtin_expect((int64_t)(live - __atomic_load_n(&c->share->live_seen,
								     __ATOMIC_RELAXED)) > 0,
				    0)) {
		counting_look(domain, c->share, live, c->share->stats.kept_pages);
	}
}

/* The strategy keeps them from now on. */
static inline void counting_kept(struct iotoll_dma_domain *domain, const struct counting *c,
				 uint64_t pages)
{
	const uint64_t kept = counting_add(c, &c->stats->kept_pages, pages);

	if (!c->share) {
		if (kept > c->stats->kept_peak)
			c->stats->kept_peak = kept;
	} else if (__builtin_expect((int64_t)(kept - __atomic_load_n(&c->share->kept_seen,
								     __ATOMIC_RELAXED)) > 0,
				    0)) {
		counting_look(domain, c->share, c->share->stats.pages_live, kept);
	}
}

#endif
