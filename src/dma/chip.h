/* SPDX-License-Identifier: MIT */
/*
 * What the domains of one chip share: who has which bus, and a lock.
 *
 * Domains of one chip each have their own lock; a driver whose flush touches every bus of the chip
 * must not do so while another domain's flush does: it would save, and later restore, the state
 * the other has put a bus into. Such a driver takes part in the chip lock, and every flush of that
 * environment is then made under it, inside the domain's lock. In the laboratory nobody pays for
 * it otherwise; on real threads a flush always takes it, because whether somebody takes part can
 * change while others flush.
 */
#ifndef IOTOLL_DMA_CHIP_H
#define IOTOLL_DMA_CHIP_H

#include <stdbool.h>

#include "base/err.h"
#include "dma_env.h"

#define CHIP_BUSES 64u

/* @bus (less than CHIP_BUSES) is one domain's until released. 0; -EBUSY if another has it. */
int chip_claim(struct dma_env *env, unsigned bus) MUST_CHECK;
void chip_release(struct dma_env *env, unsigned bus);

/* From now on flushes of @env take the lock. 0 or -ENOMEM. */
int chip_join(struct dma_env *env) MUST_CHECK;
/* Undo one chip_join(). */
void chip_leave(struct dma_env *env);

/* Around a flush: what chip_lock() answers goes to chip_unlock(). */
bool chip_lock(struct dma_env *env) MUST_CHECK;
void chip_unlock(struct dma_env *env, bool taken);
/* Add what the lock has counted, if there is one. */
void chip_lock_stats(const struct dma_env *env, uint64_t *acquisitions, uint64_t *contended,
		     uint64_t *wait_ps);

#endif
