/* SPDX-License-Identifier: MIT */
/* The page cache: its pages: where they are found, who holds them, which one goes next. */
#include <assert.h>
#include <errno.h>

#include "guest/pagecache_internal.h"

/* ---- finding ---- */

static uint64_t slot(const struct pagecache *pc, const struct mapping *m, uint64_t index)
{
	uint64_t h = (m->id * 0x9e3779b97f4a7c15ull) ^ (index * 0xbf58476d1ce4e5b9ull);

	return (h ^ (h >> 29)) & pc->hash_mask;
}

struct page *page_find(const struct mapping *m, uint64_t index)
{
	struct page *p = m->cache->hash[slot(m->cache, m, index)];

	while (p && (p->mapping != m || p->index != index))
		p = p->hash_next;
	return p;
}

void page_charge(const struct pagecache *pc, struct cpu *cpu, uint64_t pages)
{
	cpu_charge(cpu, pages * machine_cost(pc->machine)->fs_page);
}

/* ---- age ---- */

static void lru_remove(struct pagecache *pc, struct page *p)
{
	*(p->lru_older ? &p->lru_older->lru_newer : &pc->oldest) = p->lru_newer;
	*(p->lru_newer ? &p->lru_newer->lru_older : &pc->newest) = p->lru_older;
}

static void lru_add(struct pagecache *pc, struct page *p)
{
	p->lru_older = pc->newest;
	p->lru_newer = NULL;
	*(pc->newest ? &pc->newest->lru_newer : &pc->oldest) = p;
	pc->newest = p;
}

void page_used(struct page *p)
{
	struct pagecache *pc = p->mapping->cache;

	if (pc->newest == p)
		return;
	lru_remove(pc, p);
	lru_add(pc, p);
}

/* ---- in and out ---- */

static void insert(struct mapping *m, uint64_t index, struct page *p)
{
	struct pagecache *pc = m->cache;
	struct page **at = &pc->hash[slot(pc, m, index)];

	p->mapping = m;
	p->index = index;
	p->uptodate = p->dirty = p->writeback = p->mark = false;
	p->error = 0;
	p->locked = true;
	p->pins = 1;
	p->hash_next = *at;
	*at = p;
	p->map_before = NULL;
	p->map_after = m->pages;
	if (m->pages)
		m->pages->map_before = p;
	m->pages = p;
	lru_add(pc, p);
	pc->in_use++;
}

static void take_out(struct page *p)
{
	struct mapping *m = p->mapping;
	struct pagecache *pc = m->cache;
	struct page **at = &pc->hash[slot(pc, m, p->index)];

	assert(!p->locked && !p->pins && !p->dirty && !p->writeback && !p->wait.first);
	while (*at != p)
		at = &(*at)->hash_next;
	*at = p->hash_next;
	*(p->map_before ? &p->map_before->map_after : &m->pages) = p->map_after;
	if (p->map_after)
		p->map_after->map_before = p->map_before;
	lru_remove(pc, p);
	p->mapping = NULL;
	p->hash_next = pc->free;
	pc->free = p;
	pc->in_use--;
}

static bool reclaimable(const struct page *p)
{
	return !p->locked && !p->pins && !p->dirty && !p->writeback && !p->wait.first;
}

/* A free page, without sleeping: never used, freed, or the oldest that nobody needs. */
static struct page *take_page(struct pagecache *pc)
{
	struct page *p = pc->free;

	if (!p && pc->made < pc->config.pages) {
		p = &pc->page[pc->made];
		if (!memory_alloc(pc->machine->mem, 1, PAGE_BYTES, 0, &p->paddr)) {
			p->data = memory_ptr(pc->machine->mem, p->paddr, PAGE_BYTES);
			pc->made++;
			return p;
		}
	}
	if (!pc->free) {
		for (p = pc->oldest; p && !reclaimable(p);)
			p = p->lru_newer;
		if (!p)
			return NULL;
		take_out(p);
		pc->stats.reclaimed++;
	}
	p = pc->free;
	pc->free = p->hash_next;
	return p;
}

/* Sleep until it is worth looking for a page again. -ENOMEM if nothing will ever change that. */
static int wait_for_page(struct pagecache *pc, struct cpu *cpu)
{
	bool hope = pc->writeback > 0 || pc->dirty > 0;

	for (const struct page *p = pc->oldest; p && !hope; p = p->lru_newer)
		hope = p->locked;
	if (!hope)
		return -ENOMEM;
	if (pc->dirty)
		pagecache_wake_flusher(pc, cpu);
	blockdev_unplug(pc->dev, cpu);
	waitq_wait(&pc->freed, cpu);
	return 0;
}

struct page *page_add(struct mapping *m, uint64_t index, struct cpu *cpu, bool may_sleep, int *rc)
{
	struct pagecache *pc = m->cache;
	struct page *p;

	*rc = 0;
	page_charge(pc, cpu, 1);
	while (!(p = take_page(pc))) {
		if (!may_sleep) {
			*rc = -EAGAIN;
			return NULL;
		}
		*rc = wait_for_page(pc, cpu);
		if (*rc)
			return NULL;
	}
	if (page_find(m, index)) { /* while this one slept */
		p->hash_next = pc->free;
		pc->free = p;
		return NULL;
	}
	insert(m, index, p);
	return p;
}

/* ---- holding ---- */

void page_pin(struct page *p)
{
	p->pins++;
}

static void wake_takers(struct pagecache *pc, struct cpu *cpu)
{
	waitq_wake(&pc->freed, cpu);
}

void page_put(struct page *p, struct cpu *cpu)
{
	assert(p->pins);
	if (--p->pins == 1)
		waitq_wake(&p->wait, cpu); /* who drops it may wait to be the last */
	if (reclaimable(p))
		wake_takers(p->mapping->cache, cpu);
}

void page_lock(struct page *p, struct cpu *cpu)
{
	cpu_sync(cpu);
	while (p->locked) {
		blockdev_unplug(p->mapping->cache->dev, cpu);
		if (p->locked)
			waitq_wait(&p->wait, cpu);
	}
	p->locked = true;
}

void page_unlock(struct page *p, struct cpu *cpu)
{
	assert(p->locked);
	p->locked = false;
	waitq_wake(&p->wait, cpu);
	if (reclaimable(p))
		wake_takers(p->mapping->cache, cpu);
}

int page_get(struct mapping *m, uint64_t index, struct cpu *cpu, struct page **out)
{
	struct page *p;
	int rc;

	for (;;) {
		p = page_find(m, index);
		if (p) {
			page_charge(m->cache, cpu, 1);
			page_pin(p);
			page_used(p);
			page_lock(p, cpu);
			break;
		}
		p = page_add(m, index, cpu, true, &rc);
		if (rc)
			return rc;
		if (p)
			break;
	}
	*out = p;
	return 0;
}

/* ---- dirt ---- */

static void list_mapping(struct mapping *m)
{
	struct pagecache *pc = m->cache;

	if (m->listed)
		return;
	m->listed = true;
	if (!pc->dirty_mappings) {
		pc->dirty_mappings = m->next_dirty = m->prev_dirty = m;
		return;
	}
	m->next_dirty = pc->dirty_mappings;
	m->prev_dirty = pc->dirty_mappings->prev_dirty;
	m->prev_dirty->next_dirty = m;
	m->next_dirty->prev_dirty = m;
}

static void unlist_mapping(struct mapping *m)
{
	struct pagecache *pc = m->cache;

	if (!m->listed)
		return;
	m->listed = false;
	m->next_dirty->prev_dirty = m->prev_dirty;
	m->prev_dirty->next_dirty = m->next_dirty;
	if (pc->dirty_mappings == m)
		pc->dirty_mappings = m->next_dirty == m ? NULL : m->next_dirty;
}

void page_dirty(struct page *p, struct cpu *cpu)
{
	struct mapping *m = p->mapping;
	struct pagecache *pc = m->cache;

	p->uptodate = true;
	if (p->dirty)
		return;
	p->dirty = true;
	p->dirty_seq = ++pc->sequence;
	p->dirtied = machine_now(pc->machine);
	p->dirty_after = NULL;
	p->dirty_before = m->dirty_last;
	*(m->dirty_last ? &m->dirty_last->dirty_after : &m->dirty_first) = p;
	m->dirty_last = p;
	m->dirty++;
	list_mapping(m);
	if (++pc->dirty > pagecache_background(pc))
		pagecache_wake_flusher(pc, cpu);
}

void page_forget_dirty(struct page *p)
{
	struct mapping *m = p->mapping;

	if (!p->dirty)
		return;
	*(p->dirty_before ? &p->dirty_before->dirty_after : &m->dirty_first) = p->dirty_after;
	*(p->dirty_after ? &p->dirty_after->dirty_before : &m->dirty_last) = p->dirty_before;
	p->dirty = false;
	m->dirty--;
	m->cache->dirty--;
	if (!m->dirty)
		unlist_mapping(m);
}

/* ---- mappings ---- */

void mapping_init(struct mapping *m, struct pagecache *pc, const struct mapping_ops *ops)
{
	*m = (struct mapping){.cache = pc, .ops = ops, .id = ++pc->next_id};
}

static void drop(struct page *p, struct cpu *cpu)
{
	struct pagecache *pc = p->mapping->cache;

	page_pin(p);
	page_lock(p, cpu);
	/* Besides those on their way, somebody who waited for that may not have woken up yet. */
	while (p->writeback || p->pins > 1) {
		blockdev_unplug(pc->dev, cpu);
		if (p->writeback || p->pins > 1)
			waitq_wait(&p->wait, cpu);
	}
	page_forget_dirty(p);
	page_unlock(p, cpu);
	p->pins = 0;
	take_out(p);
	wake_takers(pc, cpu);
}

/* Some page of @m in the range. Few pages are asked for one by one, many by walking all of them. */
static struct page *any_in(const struct mapping *m, uint64_t first, uint64_t count)
{
	for (struct page *p = m->pages; p; p = p->map_after) {
		if (p->index >= first && p->index - first < count)
			return p;
	}
	return NULL;
}

void mapping_drop(struct mapping *m, uint64_t first, struct cpu *cpu)
{
	struct page *p;

	while ((p = any_in(m, first, UINT64_MAX)))
		drop(p, cpu);
}

int mapping_write_and_drop(struct mapping *m, uint64_t first, uint64_t count, bool alone,
			   struct cpu *cpu)
{
	if (m->dirty || m->writeback) {
		const int rc = pagecache_write_back(m, cpu);

		if (rc)
			return rc;
	}
	for (uint64_t i = first; i < first + count; i++) {
		struct page *p = page_find(m, i);

		if (p && alone)
			drop(p, cpu); /* whoever still has it is about to let go */
		else if (p && reclaimable(p))
			take_out(p);
	}
	return 0;
}
