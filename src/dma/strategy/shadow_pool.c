/* SPDX-License-Identifier: MIT */
/* See shadow_pool.h. */
#include "dma/strategy/shadow_pool.h"

#include <errno.h>

#include "dma/entries.h"

#define SIZES  2u
#define RIGHTS 3u

static struct shadow *shadow_of(const struct shadow_pool *pool)
{
	return pool->dev->domain->strategy_data;
}

static iotoll_phys_t head_line(const struct shadow_pool *pool, unsigned list)
{
	return IOTOLL_PHYS(IOTOLL_PHYS_U64(pool->lines) + (uint64_t)list * 2 * DMA_LINE_BYTES);
}

static iotoll_phys_t tail_line(const struct shadow_pool *pool, unsigned list)
{
	return IOTOLL_PHYS(IOTOLL_PHYS_U64(head_line(pool, list)) + DMA_LINE_BYTES);
}

/* ---- lists ---- */

/*
 * The head goes on to the next by its CPU alone, and is set from 0 by whoever appends the first;
 * links are set once, by whoever appends.
 */
static uint32_t get(const uint32_t *link)
{
	return __atomic_load_n(link, __ATOMIC_ACQUIRE);
}

static void set(uint32_t *link, uint32_t to)
{
	__atomic_store_n(link, to, __ATOMIC_RELEASE);
}

static void append(struct shadow_pool *pool, unsigned number, uint64_t entry)
{
	struct dma_env *env = pool->dev->domain->env;
	struct shadow_list *l = &pool->list[number];
	const uint32_t link = (uint32_t)entry + 1;
	struct record *rec = record_touch(pool->records, entry, true);

	set(&rec->next, 0);
	env_lock(env, &l->lock);
	env_touch(env, tail_line(pool, number), DMA_LINE_BYTES, true);
	if (l->tail) {
		set(&record_touch(pool->records, l->tail - 1, true)->next, link);
	} else {
		env_touch(env, head_line(pool, number), DMA_LINE_BYTES, true);
		set(&l->head, link);
	}
	l->tail = link;
	env_unlock(env, &l->lock);
}

/* The last buffer of a list, if nobody has appended another meanwhile: then the first. */
static void take_last(struct shadow_pool *pool, unsigned number)
{
	struct dma_env *env = pool->dev->domain->env;
	struct shadow_list *l = &pool->list[number];
	uint32_t next;

	env_lock(env, &l->lock);
	env_touch(env, tail_line(pool, number), DMA_LINE_BYTES, true);
	next = get(&record_touch(pool->records, l->head - 1, false)->next);
	if (!next)
		l->tail = 0;
	set(&l->head, next);
	env_unlock(env, &l->lock);
}

static bool take(struct shadow_pool *pool, unsigned number, uint64_t *entry)
{
	struct dma_env *env = pool->dev->domain->env;
	struct shadow_list *l = &pool->list[number];
	uint32_t head, next;

	env_own_begin(env, &l->own);
	env_touch(env, head_line(pool, number), DMA_LINE_BYTES, true);
	head = get(&l->head);
	if (head) {
		next = get(&record_touch(pool->records, head - 1, false)->next);
		if (next)
			set(&l->head, next);
		else
			take_last(pool, number);
		*entry = head - 1;
	}
	env_own_end(env, &l->own);
	return head != 0;
}

/* ---- making ---- */

static void describe(struct shadow_pool *pool, const struct shadow_slab *slab, unsigned list,
		     bool large)
{
	for (unsigned i = 0; i < SHADOW_SLAB_PAGES; i++)
		*record_touch(pool->records, slab->first + i, true) = (struct record){
			.copy = IOTOLL_PHYS_U64(slab->frames) + (uint64_t)i * DMA_PAGE_BYTES,
			.next = large && i ? (uint32_t)slab->first + 1 : 0,
			.owner = pool,
			.list = list,
			.state = large && i ? RECORD_PART : RECORD_IDLE};
}

/* With the table open. */
static int make_entries(struct shadow_pool *pool, const struct mapping *want,
			struct shadow_slab *slab)
{
	struct shadow *s = shadow_of(pool);
	struct shadow_slab *slabs;
	int rc;

	if (s->most && s->pages + SHADOW_SLAB_PAGES > s->most)
		return -ENOSPC;
	slabs = realloc(pool->slab, (pool->slabs + 1) * sizeof(*slabs));
	if (!slabs)
		return -ENOMEM;
	pool->slab = slabs;
	rc = entries_set(want, IOTOLL_PHYS_U64(slab->frames), SHADOW_SLAB_PAGES, &slab->first);
	if (rc)
		return rc;
	rc = records_prepare(pool->records, slab->first, SHADOW_SLAB_PAGES);
	if (rc) {
		entries_clear(pool->dev->domain, slab->first, SHADOW_SLAB_PAGES);
		return rc;
	}
	s->pages += SHADOW_SLAB_PAGES;
	pool->slab[pool->slabs++] = *slab;
	return 0;
}

/* The hypervisor refused the newest slab. */
static void forget_newest(struct shadow_pool *pool)
{
	struct iotoll_dma_domain *domain = pool->dev->domain;

	domain_open_table(domain);
	entries_clear(domain, pool->slab[--pool->slabs].first, SHADOW_SLAB_PAGES);
	shadow_of(pool)->pages -= SHADOW_SLAB_PAGES;
	(void)!domain_close_table(domain);
}

/* A slab more: its first buffer is the caller's, others go to the list. Zeroed: no old secrets. */
static int grow(struct shadow_pool *pool, const struct mapping *want, unsigned list, bool large,
		uint64_t *entry)
{
	struct iotoll_dma_domain *domain = pool->dev->domain;
	struct shadow_slab slab;
	int rc = env_alloc_pages(domain->env, SHADOW_SLAB_PAGES, DMA_PAGE_BYTES,
				 bounce_below(domain), &slab.frames);
	int refused;

	if (rc)
		return rc;
	env_clear(domain->env, IOTOLL_PHYS_U64(slab.frames), SHADOW_LARGE);
	domain_open_table(domain);
	rc = make_entries(pool, want, &slab);
	refused = domain_close_table(domain);
	if (!rc && refused) {
		forget_newest(pool);
		rc = refused;
	}
	if (rc) {
		env_free_pages(domain->env, slab.frames, SHADOW_SLAB_PAGES);
		return rc;
	}
	describe(pool, &slab, list, large);
	for (unsigned i = 1; !large && i < SHADOW_SLAB_PAGES; i++)
		append(pool, list, slab.first + i);
	*entry = slab.first;
	return 0;
}

int shadow_pool_acquire(struct shadow_pool *pool, const struct mapping *want, bool large,
			uint64_t *entry)
{
	const unsigned cpu = env_cpu(pool->dev->domain->env);
	const unsigned list = (cpu * SIZES + large) * RIGHTS + want->dir;
	const uint64_t last = want->dev->dma_mask >> DMA_PAGE_SHIFT;
	const unsigned pages = large ? SHADOW_SLAB_PAGES : 1;

	/* What was made before the device's mask shrank is of no use until it is detached. */
	while (take(pool, list, entry))
		if (*entry + pages - 1 <= last)
			return 0;
	return grow(pool, want, list, large, entry);
}

void shadow_pool_release(struct record *rec, uint64_t entry)
{
	rec->state = RECORD_IDLE;
	append(rec->owner, rec->list, entry);
}

/* ---- life ---- */

int shadow_pool_create(struct shadow_pool **out, struct iotoll_dma_device *dev)
{
	struct dma_env *env = dev->domain->env;
	struct shadow_pool *pool = calloc(1, sizeof(*pool));
	int rc = -ENOMEM;

	if (!pool)
		return rc;
	pool->dev = dev;
	pool->records = &shadow_of(pool)->records;
	pool->lists = env_cpus(env) * SIZES * RIGHTS;
	pool->line_pages = dma_pages(0, (size_t)pool->lists * 2 * DMA_LINE_BYTES);
	pool->list = calloc(pool->lists, sizeof(*pool->list));
	if (pool->list)
		rc = env_alloc_pages(env, pool->line_pages, DMA_PAGE_BYTES, 0, &pool->lines);
	if (rc) {
		free(pool->list);
		free(pool);
		return rc;
	}
	for (unsigned i = 0; i < pool->lists; i++) {
		env_own_init(&pool->list[i].own);
		env_lock_init(env, &pool->list[i].lock, tail_line(pool, i));
	}
	*out = pool;
	return 0;
}

void shadow_pool_destroy(struct shadow_pool *pool)
{
	struct iotoll_dma_domain *domain = pool->dev->domain;

	domain_open_table(domain);
	for (size_t i = 0; i < pool->slabs; i++) {
		for (unsigned k = 0; k < SHADOW_SLAB_PAGES; k++)
			record_touch(pool->records, pool->slab[i].first + k, true)->state =
				RECORD_NONE;
		entries_clear(domain, pool->slab[i].first, SHADOW_SLAB_PAGES);
		shadow_of(pool)->pages -= SHADOW_SLAB_PAGES;
	}
	(void)!domain_close_table(domain);
	for (size_t i = 0; i < pool->slabs; i++)
		env_free_pages(domain->env, pool->slab[i].frames, SHADOW_SLAB_PAGES);
	for (unsigned i = 0; i < pool->lists; i++) {
		env_own_fini(&pool->list[i].own);
		env_lock_fini(&pool->list[i].lock);
	}
	env_free_pages(domain->env, pool->lines, pool->line_pages);
	free(pool->slab);
	free(pool->list);
	free(pool);
}
