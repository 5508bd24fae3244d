/* SPDX-License-Identifier: MIT */
/* What owned.c and owned_map.c share: what is known of a table entry. */
#ifndef IOTOLL_DMA_STRATEGY_OWNED_INTERNAL_H
#define IOTOLL_DMA_STRATEGY_OWNED_INTERNAL_H

#include "dma/entries.h"
#include "dma/strategy/owned.h"

/*
 * In struct owned.said: with this bit, the entry is the unit's with that first frame; without, as
 * many entries from here on are a request's that is mapped where it lies; 0: neither.
 */
#define OWNED_UNIT (UINT32_C(1) << 31)

static inline uint32_t owned_said(const struct owned *o, uint64_t entry)
{
	return entry < o->domain->driver->entries
		       ? __atomic_load_n(&o->said[entry], __ATOMIC_RELAXED)
		       : 0;
}

static inline void owned_say(struct owned *o, uint64_t entry, uint32_t what)
{
	__atomic_store_n(&o->said[entry], what, __ATOMIC_RELAXED);
}

/* The word of the bits that @entry's is in, charged. */
static inline uint64_t *owned_bits(const struct owned *o, uint64_t entry, bool write)
{
	const iotoll_phys_t at = IOTOLL_PHYS(IOTOLL_PHYS_U64(o->bits) + entry / 64 * 8);

	env_work(o->domain->env, DMA_WORK_BITMAP_WORD, 1);
	env_touch(o->domain->env, at, sizeof(uint64_t), write);
	return env_ptr(o->domain->env, at, sizeof(uint64_t));
}

#endif
