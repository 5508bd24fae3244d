/* SPDX-License-Identifier: MIT */
/*
 * Locks of one part of a domain, each in a cache line of its own. A part that works under a lock
 * which somebody else takes has none: then taking one is nothing at all.
 */
#ifndef IOTOLL_DMA_LOCKS_H
#define IOTOLL_DMA_LOCKS_H

#include <stdbool.h>

#include "base/err.h"
#include "dma_env.h"

struct locks {
	struct dma_env *env;
	struct dma_lock *lock;
	unsigned count;
	bool active;
	iotoll_phys_t lines;
	uint64_t stride; /* bytes from one's line to the next one's */
	uint64_t frames; /* of lines that are its own */
};

/*
 * @count of them, 0 is allowed; if not @active only their lines, for what else lies there. 0 or
 * -ENOMEM: then there is nothing.
 */
int locks_init(struct locks *l, struct dma_env *env, unsigned count, bool active) MUST_CHECK;
/* The same, active, in lines that the caller has: the first at @lines, each @stride bytes further.
 */
int locks_init_at(struct locks *l, struct dma_env *env, unsigned count, iotoll_phys_t lines,
		  uint64_t stride) MUST_CHECK;
/* Nobody may hold any. Allowed on a zeroed struct. */
void locks_fini(struct locks *l);
/* Number @i. Interrupts are off while it is held. Nothing happens if they are not active. */
void locks_take(struct locks *l, unsigned i);
void locks_release(struct locks *l, unsigned i);
/* Charge for a change of what lies in the line of number @i, less than the count. */
void locks_touch(struct locks *l, unsigned i);
/* Add what all of them have counted. */
void locks_stats(const struct locks *l, uint64_t *acquisitions, uint64_t *contended,
		 uint64_t *wait_ps);

#endif
