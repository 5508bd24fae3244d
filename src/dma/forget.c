/* SPDX-License-Identifier: MIT */
/*
 * Making the IOMMU forget: the whole cache or one range of it. Both are charged as flushes,
 * whatever called for them. And what follows for entries that a strategy keeps until then.
 */
#include "dma/counting.h"

#include <errno.h>

void domain_release(struct iotoll_dma_domain *domain, uint64_t first, uint64_t entries)
{
	const struct counting c = counting_of(domain);

	counting_let_go(domain, &c, entries);
	domain->iova->ops->free(domain->iova, first, entries);
}

void domain_set_timer(struct iotoll_dma_domain *domain, uint64_t delay_ps)
{
	if (!domain->timer_given)
		env_timer_arm(domain->env, &domain->timer, delay_ps);
}

void domain_give_timer(struct iotoll_dma_domain *domain)
{
	domain->timer_given = true;
}

void domain_timer(void *ctx)
{
	struct iotoll_dma_domain *domain = ctx;
	const int token = domain_begin(domain, DMA_PHASE_UNMAP);

	domain->strategy->timer(domain);
	domain_end(domain, token);
}

void iotoll_dma_forget(struct iotoll_dma_domain *domain, iotoll_phys_t paddr, size_t bytes)
{
	bool unsent;
	int token;

	if (!domain || bytes == 0 || bytes - 1 > UINT64_MAX - IOTOLL_PHYS_U64(paddr))
		return;
	/* What was unmapped may still stand in a table that is written in lists. */
	unsent = domain->driver->unsent != 0;
	if (!domain->strategy->forget && !unsent)
		return;
	token = domain_begin(domain, DMA_PHASE_UNMAP);
	if (domain->strategy->forget)
		domain->strategy->forget(domain, IOTOLL_PHYS_U64(paddr),
					 dma_pages(IOTOLL_PHYS_U64(paddr), bytes));
	if (unsent && domain->driver->ops->publish)
		(void)domain->driver->ops->publish(domain->driver);
	domain_end(domain, token);
}

int iotoll_dma_domain_tick(struct iotoll_dma_domain *domain)
{
	return !domain ? -EINVAL : env_timer_poll(domain->env, &domain->timer);
}

/* Around commands to hardware whose driver does not order them itself, where nothing else does. */
static void lock_commands(struct iotoll_dma_domain *domain, bool lock)
{
	if (!domain->split || domain->driver->ops->orders_commands)
		return;
	if (lock)
		env_lock(domain->env, &domain->lock);
	else
		env_unlock(domain->env, &domain->lock);
}

enum forgotten { FLUSH, INVALIDATION };

static void count(struct iotoll_dma_domain *domain, enum forgotten which,
		  const struct driver_flush *took, uint64_t from)
{
	const struct counting c = counting_of(domain);
	const uint64_t ps = env_now_ps(domain->env) - from;

	(void)counting_add(&c, which == FLUSH ? &c.stats->flushes : &c.stats->invalidations, 1);
	if (took->polls)
		(void)counting_add(&c, &c.stats->flush_polls, took->polls);
	if (took->timed_out)
		(void)counting_add(&c, &c.stats->flush_timeouts, 1);
	if (took->device_invalidations)
		(void)counting_add(&c, &c.stats->device_invalidations, took->device_invalidations);
	if (ps)
		(void)counting_add(&c, &c.stats->flush_ps, ps);
}

void domain_flush(struct iotoll_dma_domain *domain)
{
	const int token = env_enter(domain->env, DMA_PHASE_FLUSH);
	const uint64_t from = env_now_ps(domain->env);
	struct driver_flush took;

	lock_commands(domain, true);
	domain->driver->ops->flush(domain->driver, &took);
	lock_commands(domain, false);
	count(domain, FLUSH, &took, from);
	if (domain->flush_due)
		domain->flush_due = false;
	env_leave(domain->env, token);
}

void domain_flush_for_reuse(struct iotoll_dma_domain *domain)
{
	if (!domain->driver->ops->flushes_maps)
		domain_flush(domain);
}

void domain_invalidate(struct iotoll_dma_domain *domain, uint64_t first, uint64_t entries)
{
	struct driver_flush took;
	uint64_t from;
	int token;

	if (!domain->driver->ops->invalidate) {
		domain_flush(domain);
		return;
	}
	token = env_enter(domain->env, DMA_PHASE_FLUSH);
	from = env_now_ps(domain->env);
	lock_commands(domain, true);
	domain->driver->ops->invalidate(domain->driver, first, entries, &took);
	lock_commands(domain, false);
	count(domain, INVALIDATION, &took, from);
	env_leave(domain->env, token);
}

struct entry_run domain_reach(const struct iotoll_dma_domain *domain, struct entry_run run)
{
	const struct driver_ops *ops = domain->driver->ops;

	if (!ops->invalidate)
		return (struct entry_run){0, domain->driver->entries};
	if (ops->reach)
		ops->reach(domain->driver, &run.first, &run.count);
	return run;
}

void domain_invalidate_runs(struct iotoll_dma_domain *domain, const struct entry_run *run,
			    unsigned n)
{
	struct entry_run done = {0, 0};

	for (unsigned i = 0; i < n; i++) {
		if (run[i].first >= done.first &&
		    run[i].first + run[i].count <= done.first + done.count)
			continue;
		done = domain_reach(domain, run[i]);
		domain_invalidate(domain, run[i].first, run[i].count);
	}
}

void domain_mapped(struct iotoll_dma_domain *domain, uint64_t first, uint64_t entries)
{
	struct driver_flush took = {.polls = 0};
	uint64_t from;
	int token;

	if (!domain->driver->ops->mapped) {
		if (domain->driver->ops->flushes_maps)
			domain->flush_due = true;
		return;
	}
	token = env_enter(domain->env, DMA_PHASE_FLUSH);
	from = env_now_ps(domain->env);
	if (domain->driver->ops->mapped(domain->driver, first, entries, &took))
		count(domain, INVALIDATION, &took, from);
	env_leave(domain->env, token);
}

void domain_settle(struct iotoll_dma_domain *domain)
{
	if (domain->flush_due)
		domain_flush(domain);
}
