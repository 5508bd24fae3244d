/* SPDX-License-Identifier: MIT */
/*
 * See chip.h. The lock word has a page frame of its own, as every lock has a line of its own.
 */
#include "dma/chip.h"

#define FRAME_BYTES 4096u

int chip_join(struct dma_env *env)
{
	struct dma_chip *chip = &env->chip;

	if (chip->users == 0) {
		const int rc = env_alloc_pages(env, 1, FRAME_BYTES, 0, &chip->line);

		if (rc)
			return rc;
		env_lock_init(env, &chip->lock, chip->line);
	}
	chip->users++;
	return 0;
}

void chip_leave(struct dma_env *env)
{
	struct dma_chip *chip = &env->chip;

	if (--chip->users)
		return;
	env_lock_fini(&chip->lock);
	env_free_pages(env, chip->line, 1);
}

void chip_lock(struct dma_env *env)
{
	if (env->chip.users)
		env_lock(env, &env->chip.lock);
}

void chip_unlock(struct dma_env *env)
{
	if (env->chip.users)
		env_unlock(env, &env->chip.lock);
}
