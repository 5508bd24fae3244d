/* SPDX-License-Identifier: MIT */
/*
 * Making and freeing the native environment, and its page frames behind a lock. See
 * include/iotoll/env.h.
 */
#include "dma_env.h"

#include <errno.h>

int iotoll_env_create(struct dma_env **out, const struct iotoll_env_config *config)
{
	struct dma_env *env;

	if (!out)
		return -EINVAL;
	*out = NULL;
	if (!config || !config->reg_read != !config->reg_write)
		return -EINVAL;
	env = aligned_alloc(_Alignof(struct dma_env), sizeof(*env));
	if (!env)
		return -ENOMEM;
	memset(env, 0, sizeof(*env));
	env->config = *config;
	env->memory = config->memory;
	if (!env->memory) {
		env->memory = config->window ? memory_over(config->window, config->memory_bytes)
					     : memory_create(config->memory_bytes);
		if (!env->memory) {
			const int rc = errno == EINVAL ? -EINVAL : -ENOMEM;

			free(env);
			return rc;
		}
		env->owns_memory = true;
	}
	(void)pthread_mutex_init(&env->pages_lock, NULL);
	env_lock_init(env, &env->chip.lock, IOTOLL_PHYS(0));
	owners_init(&env->owners);
	*out = env;
	return 0;
}

void iotoll_env_destroy(struct dma_env *env)
{
	if (!env)
		return;
	owners_fini(&env->owners);
	env_lock_fini(&env->chip.lock);
	(void)pthread_mutex_destroy(&env->pages_lock);
	if (env->owns_memory)
		memory_destroy(env->memory);
	free(env);
}

void *iotoll_env_ptr(struct dma_env *env, iotoll_phys_t paddr, size_t bytes)
{
	return env ? memory_ptr(env->memory, IOTOLL_PHYS_U64(paddr), bytes) : NULL;
}

int iotoll_env_alloc_pages(struct dma_env *env, uint64_t pages, uint64_t align_bytes,
			   uint64_t below, iotoll_phys_t *out)
{
	phys_t paddr = 0;
	int rc;

	if (!out)
		return -EINVAL;
	*out = IOTOLL_PHYS(0);
	if (!env || !pages || align_bytes < PAGE_BYTES || (align_bytes & (align_bytes - 1)))
		return -EINVAL;
	(void)pthread_mutex_lock(&env->pages_lock);
	rc = memory_alloc(env->memory, pages, align_bytes, below, &paddr);
	(void)pthread_mutex_unlock(&env->pages_lock);
	*out = IOTOLL_PHYS(paddr);
	return rc;
}

int iotoll_env_free_pages(struct dma_env *env, iotoll_phys_t paddr, uint64_t pages)
{
	int rc = -EINVAL;

	if (!env)
		return rc;
	(void)pthread_mutex_lock(&env->pages_lock);
	if (memory_is_allocated(env->memory, IOTOLL_PHYS_U64(paddr), pages)) {
		memory_free(env->memory, IOTOLL_PHYS_U64(paddr), pages);
		rc = 0;
	}
	(void)pthread_mutex_unlock(&env->pages_lock);
	return rc;
}
