/* SPDX-License-Identifier: MIT */
/*
 * The lock of a whole chip. Domains of one chip each have their own lock; a driver whose flush
 * touches every bus of the chip must not do so while another domain's flush does: it would save,
 * and later restore, the state the other has put a bus into. Such a driver takes part in the chip
 * lock, and every flush of that environment is then made under it, inside the domain's lock.
 * Nobody pays for it otherwise.
 */
#ifndef IOTOLL_DMA_CHIP_H
#define IOTOLL_DMA_CHIP_H

#include "base/err.h"
#include "dma_env.h"

/* From now on flushes of @env take the lock. 0 or -ENOMEM. Not while streaming calls run. */
int chip_join(struct dma_env *env) MUST_CHECK;
/* Undo one chip_join(). */
void chip_leave(struct dma_env *env);

/* Around a flush; nothing happens while nobody has joined. */
void chip_lock(struct dma_env *env);
void chip_unlock(struct dma_env *env);

#endif
