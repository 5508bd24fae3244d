/* SPDX-License-Identifier: MIT */
/*
 * Making and taking down one mapping: address, table entries, strategy, book and observer. Called
 * between domain_begin() and domain_end(). Successes are counted by the caller, because a list
 * that is rolled back was never mapped.
 */
#ifndef IOTOLL_DMA_MAPPING_H
#define IOTOLL_DMA_MAPPING_H

#include "dma/domain.h"

/*
 * Map want->bytes at @paddr for want->dev; want->iova is set. 0; -EINVAL (nothing to map, a range
 * that wraps or that no entry or device address can name, a direction that is none), -ENOSPC,
 * -ENOMEM. On failure nothing has changed but what was flushed.
 */
int mapping_add(struct mapping *want, iotoll_phys_t paddr) MUST_CHECK;
/*
 * What mapping_add() mapped, of a list all that it mapped, is about to be given out: have devices
 * see it, tell the observer. To be called for each, in order, before anything of it is removed.
 */
void mapping_announce(const struct mapping *mapping, iotoll_phys_t paddr);
/* The table has all that was asked for (dma_driver.sent): what waited for it is announced. */
void mapping_sent(void *domain);
/*
 * For a mapping that is a call's only one: commit and announce it. 0, or why it was refused, in
 * which case it is down again.
 */
int mapping_commit(const struct mapping *mapping, iotoll_phys_t paddr) MUST_CHECK;
/* The first half of that: is there anything to map, and does a device reach it? 0, -EINVAL. */
int mapping_check(const struct mapping *want, uint64_t paddr) MUST_CHECK;
/*
 * What somebody else's entries (driver_ops.lent) lead to needs none of its own: true, and @want's
 * address in *@at.
 */
bool mapping_lent(const struct mapping *want, uint64_t paddr, uint64_t *at);
bool mapping_is_lent(const struct mapping *mapping);
/* Told of late (mapping_sent()) and about to go: told of now. */
void mapping_announce_late(const struct mapping *mapping);
/*
 * Find the mapping that @what unmaps, and take it out of the book: *@found. False if there is none
 * (counted); else it is the caller's to take down.
 */
bool mapping_claim(const struct mapping *what, struct mapping *found) MUST_CHECK;
/*
 * Take down the mapping that @what unmaps. Returns the pages it had, 0 if the unmap was refused
 * (and counted). Entries are cleared, then the strategy decides, then they are free again.
 */
uint64_t mapping_remove(const struct mapping *what);
/* The same for a mapping already out of the book: no questions asked. */
void mapping_take_down(const struct mapping *mapping);

/* None is as good as none set. */
static inline struct iotoll_dma_attrs mapping_hints(const struct iotoll_dma_attrs *attrs)
{
	return attrs ? *attrs : (struct iotoll_dma_attrs){.ring = 0};
}

/* Count one success of @pages pages. */
void mapping_count_map(struct iotoll_dma_domain *domain, uint64_t pages);
void mapping_count_unmap(struct iotoll_dma_domain *domain, uint64_t pages);
void mapping_count_failure(struct iotoll_dma_domain *domain);

#endif
