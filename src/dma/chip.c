/* SPDX-License-Identifier: MIT */
/*
 * See chip.h.
 */
#include "dma/chip.h"

#include <errno.h>

int chip_claim(struct dma_env *env, unsigned bus)
{
	const uint64_t bit = UINT64_C(1) << bus;

	if (env->chip.buses & bit)
		return -EBUSY;
	env->chip.buses |= bit;
	return 0;
}

void chip_release(struct dma_env *env, unsigned bus)
{
	env->chip.buses &= ~(UINT64_C(1) << bus);
}

int chip_join(struct dma_env *env)
{
	const int rc = env->chip.users ? 0 : env_chip_init(env);

	env->chip.users += !rc;
	return rc;
}

void chip_leave(struct dma_env *env)
{
	if (--env->chip.users == 0)
		env_chip_fini(env);
}

bool chip_lock(struct dma_env *env)
{
	const bool taken = env_chip_has_lock(env);

	if (taken)
		env_lock(env, &env->chip.lock);
	return taken;
}

void chip_unlock(struct dma_env *env, bool taken)
{
	if (taken)
		env_unlock(env, &env->chip.lock);
}

void chip_lock_stats(const struct dma_env *env, uint64_t *acquisitions, uint64_t *contended,
		     uint64_t *wait_ps)
{
	uint64_t a, c, w;

	if (!env_chip_has_lock(env))
		return;
	env_lock_stats(&env->chip.lock, &a, &c, &w);
	*acquisitions += a;
	*contended += c;
	*wait_ps += w;
}
