/* SPDX-License-Identifier: MIT */
/*
 * Creating, observing, counting and destroying domains, and the bracket around every call that
 * maps or unmaps: as in the paper's kernel (Linux 2.6.21 with the Calgary driver) one spin lock
 * per table, interrupts off, held over search, bitmap, table writes and flush. With split locks, as
 * later kernels have it, there is none: allocator, strategy and whoever gives the hardware commands
 * lock what is theirs, entries are written as they are, and calls of several CPUs overlap wherever
 * one waits for a lock or a register.
 *
 * Two cache lines stand for what CPUs pass around in that kernel: the lock word, and the table's
 * struct with hint and bitmap pointer, which every map writes and every unmap reads.
 */
#include "dma/domain.h"
#include "dma/choose.h"
#include "dma/counting.h"
#include "dma/mapping.h"
#include "dma/straight.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void domain_touch(struct iotoll_dma_domain *domain, bool write)
{
	const uint64_t lines = IOTOLL_PHYS_U64(domain->shared_lines);

	env_touch(domain->env, IOTOLL_PHYS(lines + DMA_LINE_BYTES), DMA_LINE_BYTES, write);
}

/*
 * Without a table a map is one comparison and an addition, which every profile's driver costs
 * contain: nothing is charged and nothing locked. The book of mappings and the observer have the
 * quiet lock, which no modelled kernel has and nobody is charged for.
 */
int domain_begin(struct iotoll_dma_domain *domain, enum dma_phase phase)
{
	int token = 0;

	if (domain->iova) {
		token = env_enter(domain->env, phase);
		env_work(domain->env, DMA_WORK_CALL, 1);
	}
	if (domain_locked(domain) && !domain->split) {
		env_lock(domain->env, &domain->lock);
		domain_touch(domain, phase == DMA_PHASE_MAP);
	}
	if (domain_watched(domain))
		env_quiet_lock(&domain->quiet);
	return token;
}

static int commit(struct iotoll_dma_domain *domain)
{
	return domain->driver->ops->commit ? domain->driver->ops->commit(domain->driver) : 0;
}

int domain_commit(struct iotoll_dma_domain *domain)
{
	return domain->strategy->own_locks ? 0 : commit(domain);
}

void domain_open_table(struct iotoll_dma_domain *domain)
{
	env_lock(domain->env, &domain->lock);
	domain_touch(domain, true);
}

int domain_close_table(struct iotoll_dma_domain *domain)
{
	const int rc = commit(domain);

	domain_settle(domain);
	env_unlock(domain->env, &domain->lock);
	return rc;
}

/* What is left to commit here only cleared entries, which nobody refuses. */
void domain_end(struct iotoll_dma_domain *domain, int token)
{
	if (domain->iova)
		(void)!domain_commit(domain);
	if (domain_watched(domain))
		env_quiet_unlock(&domain->quiet);
	if (domain_locked(domain) && !domain->split)
		env_unlock(domain->env, &domain->lock);
	if (domain->iova)
		env_leave(domain->env, token);
}

uint64_t domain_limit(const struct iotoll_dma_domain *domain, uint64_t dma_mask)
{
	const struct driver_bytewise *b = domain_bytewise(domain);
	const uint64_t entries = domain->iova->entries, pages = dma_mask >> DMA_PAGE_SHIFT;

	if (b) /* all or nothing: what is high in an address is not how many there are */
		return dma_mask >= b->address(domain->driver, entries - 1) + (b->max_bytes - 1)
			       ? entries
			       : 0;
	return pages < entries ? pages + 1 : entries;
}

iotoll_iova_t domain_address(const struct iotoll_dma_domain *domain, uint64_t first)
{
	const struct driver_bytewise *b = domain_bytewise(domain);

	return IOTOLL_IOVA(b ? b->address(domain->driver, first) : first << DMA_PAGE_SHIFT);
}

bool domain_entry_at(const struct iotoll_dma_domain *domain, iotoll_iova_t iova, uint64_t *entry)
{
	const struct driver_bytewise *b = domain_bytewise(domain);

	if (b)
		return b->entry_at(domain->driver, IOTOLL_IOVA_U64(iova), entry);
	*entry = IOTOLL_IOVA_U64(iova) >> DMA_PAGE_SHIFT;
	return true;
}

static void on_wrap(void *ctx)
{
	struct iotoll_dma_domain *domain = ctx;

	if (domain->strategy->wrapped)
		domain->strategy->wrapped(domain);
}

/* Everything a translating domain has beyond its driver. Undone by domain_destroy(). */
static int set_up_table(struct iotoll_dma_domain *domain, const struct iova_ops *allocator,
			const struct iotoll_dma_config *config, struct err *err)
{
	const struct iova_config iova = {.entries = domain->driver->entries,
					 .start_hint = config->start_hint,
					 .cached_ranges = config->cached_ranges,
					 .locks = config->split_locks};
	int rc;

	if (config->start_hint >= domain->driver->entries)
		return err_set(err, -EINVAL, "start_hint %llu: less than table_entries expected",
			       (unsigned long long)config->start_hint);
	rc = env_alloc_pages(domain->env, 1, DMA_PAGE_BYTES, 0, &domain->shared_lines);
	if (rc)
		return err_set(err, -ENOMEM, "no memory for the domain's lock");
	/* A domain that has an allocator has all of this: domain_destroy() goes by it. */
	rc = allocator->create(&domain->iova, domain->env, &iova);
	if (rc) {
		env_free_pages(domain->env, domain->shared_lines, 1);
		return err_set(err, rc, "no memory for allocator %s", allocator->name);
	}
	domain->iova->ops = allocator;
	domain->iova->wrapped = on_wrap;
	domain->iova->ctx = domain;
	env_lock_init(domain->env, &domain->lock, domain->shared_lines);
	rc = entry_set_init(&domain->leaving, iova.entries);
	if (rc)
		return err_set(err, rc, "no memory for what is being unmapped");
	rc = domain->driver->ops->reserve(domain->driver, domain->iova);
	if (rc == -ENOMEM)
		return err_set(err, rc, "no memory for the allocator's withheld ranges");
	if (rc)
		return err_set(err, -EINVAL, "the allocator cannot withhold that many ranges");
	if (!domain->iova->ops->usable_below(domain->iova, domain->driver->entries))
		return err_set(err, -EINVAL, "no table entry is left besides the reserved ones");
	return 0;
}

int domain_replace_allocator(struct iotoll_dma_domain *domain, struct iova *iova)
{
	const int rc = domain->driver->ops->reserve(domain->driver, iova);

	if (rc)
		return rc;
	domain->iova->ops->destroy(domain->iova);
	domain->iova = iova;
	iova->wrapped = on_wrap;
	iova->ctx = domain;
	return 0;
}

static int domain_init(struct iotoll_dma_domain *domain, const struct iotoll_dma_config *config,
		       struct err *err)
{
	const struct strategy_ops *strategy;
	const struct driver_ops *driver;
	const struct iova_ops *allocator;
	int rc = dma_choose(config, &strategy, &driver, &allocator, err);

	if (rc)
		return rc;
	if (config->split_locks && env_threads(domain->env)) {
		rc = dma_choose_threads(strategy, driver, allocator, err);
		if (rc)
			return rc;
	}
	rc = driver->create(&domain->driver, domain->env, config, strategy->translates, err);
	if (rc)
		return rc;
	domain->driver->ops = driver;
	domain->driver->sent = mapping_sent;
	domain->driver->sent_ctx = domain;
	if (config->check_misuse) {
		domain->misuse = misuse_create();
		if (!domain->misuse)
			return err_set(err, -ENOMEM, "no memory to watch for misuse");
	}
	if (strategy->translates && !strategy->standing) {
		rc = set_up_table(domain, allocator, config, err);
		if (rc)
			return rc;
	}
	domain->quota = config->quota;
	domain->pages_change = config->pages_change;
	domain->superpages = config->superpages;
	domain->whole_lists = config->whole_lists && domain->iova && allocator->whole_lists;
	domain->split = config->split_locks && domain->iova;
	if (domain->split && env_threads(domain->env) && counting_init(domain))
		return err_set(err, -ENOMEM, "no memory for counters");
	env_timer_init(domain->env, &domain->timer, domain_timer, domain);
	if (strategy->fits) {
		rc = strategy->fits(domain, err);
		if (rc)
			return rc;
	}
	if (strategy->create) {
		rc = strategy->create(domain);
		if (rc)
			return err_set(err, rc, "no memory for strategy %s", strategy->name);
	}
	domain->strategy = strategy;
	domain->driver->leaves_only = strategy->leaves_only;
	straight_decide(domain);
	if (strategy->translates)
		domain->driver->ops->enable(domain->driver);
	return 0;
}

int iotoll_dma_domain_create(struct iotoll_dma_domain **out, struct dma_env *env,
			     const struct iotoll_dma_config *config, char *why, size_t why_bytes)
{
	struct iotoll_dma_domain *domain;
	struct err err = {.text = "no memory for the domain"};
	int rc = -ENOMEM;

	if (!out)
		return -EINVAL;
	*out = NULL;
	if (!env || !config)
		rc = err_set(&err, -EINVAL, "a domain needs an environment and a config");
	domain = rc == -ENOMEM ? aligned_alloc(DMA_LINE_BYTES, sizeof(*domain)) : NULL;
	if (domain) {
		memset(domain, 0, sizeof(*domain));
		domain->env = env;
		env_quiet_init(&domain->quiet);
		rc = domain_init(domain, config, &err);
		if (rc)
			iotoll_dma_domain_destroy(domain);
		else
			*out = domain;
	}
	if (rc && why && why_bytes)
		(void)snprintf(why, why_bytes, "%s", err.text);
	return rc;
}

void iotoll_dma_domain_destroy(struct iotoll_dma_domain *domain)
{
	if (!domain)
		return;
	while (domain->devices)
		iotoll_dma_detach(domain->devices);
	/* Translation goes off before the memory that translates is anybody else's. */
	if (domain->driver)
		domain->driver->ops->destroy(domain->driver);
	env_timer_fini(domain->env, &domain->timer);
	if (domain->strategy && domain->strategy->destroy)
		domain->strategy->destroy(domain);
	if (domain->iova) {
		env_lock_fini(&domain->lock);
		env_free_pages(domain->env, domain->shared_lines, 1);
		domain->iova->ops->destroy(domain->iova);
	}
	locks_fini(&domain->strategy_locks);
	entry_set_fini(&domain->leaving);
	counting_fini(domain);
	misuse_destroy(domain->misuse);
	env_quiet_fini(&domain->quiet);
	free(domain);
}

void iotoll_dma_domain_observe(struct iotoll_dma_domain *domain,
			       const struct iotoll_dma_observer *observer)
{
	if (!domain)
		return;
	domain->observed = observer != NULL;
	domain->observer = observer ? *observer : (struct iotoll_dma_observer){.ctx = NULL};
	straight_decide(domain);
}

int iotoll_dma_domain_watchdog(struct iotoll_dma_domain *domain, struct iotoll_dma_fault *out)
{
	struct iotoll_dma_fault ignored;

	if (!domain)
		return -EINVAL;
	return domain->driver->ops->watchdog(domain->driver, out ? out : &ignored);
}

void iotoll_dma_domain_table(const struct iotoll_dma_domain *domain, iotoll_phys_t *paddr,
			     size_t *bytes)
{
	if (paddr)
		*paddr = domain ? domain->driver->table : IOTOLL_PHYS(0);
	if (bytes)
		*bytes = domain ? domain->driver->table_bytes : 0;
}

int iotoll_dma_domain_entry(const struct iotoll_dma_domain *domain, iotoll_iova_t iova,
			    struct iotoll_dma_entry *out)
{
	uint64_t index;

	if (!domain || !out)
		return -EINVAL;
	*out = (struct iotoll_dma_entry){.bytes = 0};
	if (!domain_entry_at(domain, iova, &index) || index >= domain->driver->entries)
		return -ENOENT;
	if (!domain->driver->ops->entry)
		return -ENOSYS;
	return domain->driver->ops->entry(domain->driver, index, out);
}

bool iotoll_dma_domain_bytewise(const struct iotoll_dma_domain *domain)
{
	return domain && domain_bytewise(domain) != NULL;
}

bool iotoll_dma_domain_dummy(const struct iotoll_dma_domain *domain, iotoll_phys_t *paddr)
{
	if (paddr)
		*paddr = domain ? domain->driver->dummy : IOTOLL_PHYS(0);
	return domain && domain->driver->redirects;
}

/* ---- statistics ---- */

static uint64_t shards(const uint64_t *first)
{
	const size_t step = sizeof(struct dma_tally) / sizeof(uint64_t);
	uint64_t sum = 0;

	for (unsigned i = 0; i < TALLY_SHARDS; i++)
		sum += __atomic_load_n(first + i * step, __ATOMIC_RELAXED);
	return sum;
}

/* The domain's one lock and what its strategy locks itself, or all there are. */
static void count_locks(const struct iotoll_dma_domain *domain, uint64_t *acquisitions,
			uint64_t *contended, uint64_t *wait_ps)
{
	env_lock_stats(&domain->lock, acquisitions, contended, wait_ps);
	locks_stats(&domain->strategy_locks, acquisitions, contended, wait_ps);
	if (!domain->split)
		return;
	for (const struct iova *a = domain->iova; a; a = a->below)
		locks_stats(&a->locks, acquisitions, contended, wait_ps);
	chip_lock_stats(domain->env, acquisitions, contended, wait_ps);
}

void iotoll_dma_domain_stats(const struct iotoll_dma_domain *domain, struct iotoll_dma_stats *out)
{
	if (!out)
		return;
	*out = domain ? domain->stats : (struct iotoll_dma_stats){.maps = 0};
	if (!domain)
		return;
	counting_sum(domain, out);
	if (!domain_locked(domain)) {
		out->maps = shards(&domain->tally[0].maps);
		out->unmaps = shards(&domain->tally[0].unmaps);
		out->map_failures = shards(&domain->tally[0].map_failures);
		out->single_entry_maps = out->maps - shards(&domain->tally[0].long_maps);
		out->single_entry_unmaps = out->unmaps - shards(&domain->tally[0].long_unmaps);
		out->mapped_pages_total = out->maps + shards(&domain->tally[0].further_pages);
	}
	if (!domain->iova)
		return;
	out->wraps = domain->iova->wraps - domain->wraps_before;
	out->words_searched = domain->iova->words_searched - domain->words_before;
	out->usable_entries = domain->iova->entries - domain->iova->reserved;
	count_locks(domain, &out->lock_acquisitions, &out->lock_contended, &out->lock_wait_ps);
	out->lock_acquisitions -= domain->acquisitions_before;
	out->lock_contended -= domain->contended_before;
	out->lock_wait_ps -= domain->wait_before;
}

void iotoll_dma_domain_stats_reset(struct iotoll_dma_domain *domain)
{
	if (!domain)
		return;
	counting_reset(domain);
	memset(domain->tally, 0, sizeof(domain->tally));
	memset(domain->batches, 0, sizeof(domain->batches));
	if (!domain->iova)
		return;
	domain->wraps_before = domain->iova->wraps;
	domain->words_before = domain->iova->words_searched;
	count_locks(domain, &domain->acquisitions_before, &domain->contended_before,
		    &domain->wait_before);
}
