/* SPDX-License-Identifier: MIT */
/*
 * See rcache.h. Follows __iova_rcache_get(), __iova_rcache_insert() and what they call in
 * Linux 6.1's drivers/iommu/iova.c.
 */
#include "dma/iova/rcache.h"

#include <errno.h>

/* ---- a CPU's two magazines ---- */

/* Magazines for a CPU that was not certain to come by. False without memory. */
bool rcache_furnish(struct magazines *m, struct cpu_cache *c)
{
	c->loaded = magazine_new(&m->store);
	c->previous = c->loaded ? magazine_new(&m->store) : NULL;
	if (c->previous)
		return true;
	if (c->loaded)
		magazine_free(&m->store, c->loaded);
	c->loaded = NULL;
	return false;
}

static void swap(struct cpu_cache *c)
{
	struct magazine *m = c->loaded;

	c->loaded = c->previous;
	c->previous = m;
}

static struct depot *enter_depot(struct magazines *m, unsigned class)
{
	locks_take(rcache_locks(m), RCACHE_LOCK_DEPOT + class);
	locks_touch(rcache_locks(m), RCACHE_LOCK_DEPOT + class);
	return &m->depot[class];
}

static void leave_depot(struct magazines *m, unsigned class)
{
	locks_release(rcache_locks(m), RCACHE_LOCK_DEPOT + class);
}

/* iova_magazine_free_pfns(): all of it back into the tree, the bottom first. */
static void empty(struct magazines *m, struct magazine *full)
{
	locks_take(rcache_locks(m), RCACHE_LOCK_TREE);
	for (unsigned i = 0; i < full->size; i++)
		tree_drop(&m->tree, range_find(&m->tree.r.t, magazine_read(&m->store, full, i)));
	full->size = 0;
	locks_release(rcache_locks(m), RCACHE_LOCK_TREE);
}

/*
 * Make room in a cache both of whose magazines are full: the loaded one goes to the depot. If that
 * is full, too, it is the caller's to empty. False if there is no memory for another.
 */
static bool ship(struct magazines *m, struct cpu_cache *c, unsigned class,
		 struct magazine **surplus)
{
	struct magazine *fresh = magazine_new(&m->store);
	struct depot *d;

	if (!fresh)
		return false;
	d = enter_depot(m, class);
	if (d->size < RCACHE_DEPOT_MAX)
		d->magazine[d->size++] = c->loaded;
	else
		*surplus = c->loaded;
	leave_depot(m, class);
	c->loaded = fresh;
	return true;
}

bool rcache_make_room(struct magazines *m, struct cpu_cache *c, unsigned class,
		      struct magazine **surplus)
{
	magazine_look(&m->store, c->previous);
	if (c->previous->size == MAGAZINE_SIZE)
		return ship(m, c, class, surplus);
	swap(c);
	return true;
}

/* A magazine that the depot had no room for. */
void rcache_give_up(struct magazines *m, struct magazine *surplus)
{
	empty(m, surplus);
	magazine_free(&m->store, surplus);
}

/* Swap in what is not empty, if anything of this CPU's or the depot's is. */
bool rcache_reload(struct magazines *m, struct cpu_cache *c, unsigned class)
{
	struct depot *d;
	bool found;

	magazine_look(&m->store, c->previous);
	if (c->previous->size) {
		swap(c);
		return true;
	}
	d = enter_depot(m, class);
	found = d->size > 0;
	if (found) {
		magazine_free(&m->store, c->loaded);
		c->loaded = d->magazine[--d->size];
	}
	leave_depot(m, class);
	return found;
}

/* free_cpu_cached_iovas() for every CPU, then free_global_cached_iovas(). */
void rcache_empty(struct magazines *m)
{
	for (unsigned cpu = 0; cpu < m->cpus; cpu++)
		for (unsigned class = 0; class < m->classes; class ++) {
			const struct rcache_entered e = rcache_enter(m, cpu, class, false);

			if (e.cache->loaded) {
				empty(m, e.cache->loaded);
				empty(m, e.cache->previous);
			}
			rcache_leave(m, cpu, class, e.token);
		}
	for (unsigned class = 0; class < m->classes; class ++) {
		struct depot *d = enter_depot(m, class);

		while (d->size) {
			/* The bottom first, as there. */
			empty(m, d->magazine[0]);
			magazine_free(&m->store, d->magazine[0]);
			d->size--;
			for (unsigned i = 0; i < d->size; i++)
				d->magazine[i] = d->magazine[i + 1];
		}
		leave_depot(m, class);
	}
}

/* ---- check ---- */

/* Every entry of a magazine begins a range that nobody holds, of its class. */
static bool check_magazine(const struct magazines *m, const struct magazine *full, unsigned class,
			   uint64_t *cached)
{
	for (unsigned i = 0; i < full->size; i++) {
		const uint32_t node = range_peek(&m->tree.r.t, full->first[i]);
		const struct range_node *n = &m->tree.r.t.node[node];

		if (!node || n->lo != full->first[i] || n->withheld ||
		    entry_set_byte(&m->handed.set, n->lo) ||
		    n->hi - n->lo + 1 != UINT64_C(1) << class)
			return false;
	}
	*cached += full->size;
	return true;
}

static bool check_class(const struct magazines *m, unsigned class, uint64_t *cached)
{
	const struct depot *d = &m->depot[class];

	for (unsigned cpu = 0; cpu < m->cpus; cpu++) {
		const struct cpu_cache *c = &m->cpu[cpu].of[class];

		if (!c->loaded)
			continue;
		if (c->previous->size && c->previous->size != MAGAZINE_SIZE)
			return false;
		if (!check_magazine(m, c->loaded, class, cached) ||
		    !check_magazine(m, c->previous, class, cached))
			return false;
	}
	for (unsigned i = 0; i < d->size; i++)
		/* Full, unless a range was seized out of it. */
		if (d->magazine[i]->size > MAGAZINE_SIZE ||
		    !check_magazine(m, d->magazine[i], class, cached))
			return false;
	return d->size <= RCACHE_DEPOT_MAX;
}

bool rcache_check(const struct magazines *m)
{
	const struct range_tree *t = &m->tree.r.t;
	uint64_t cached = 0, idle = 0;

	for (unsigned class = 0; class < m->classes; class ++)
		if (!check_class(m, class, &cached))
			return false;
	/* So many that none is in two places. */
	for (uint32_t i = range_lowest(t); i; i = range_above(t, i))
		idle += i != m->tree.anchor && !t->node[i].withheld &&
			!entry_set_byte(&m->handed.set, t->node[i].lo);
	return idle == cached;
}

/* ---- life ---- */

void rcache_fini(struct magazines *m)
{
	magazine_store_fini(&m->store);
	locks_fini(rcache_locks(m));
	free(m->cpu);
}

int rcache_init(struct magazines *m, unsigned certain, bool locks)
{
	const unsigned caches = m->cpus * RCACHE_CLASSES;
	const int rc =
		locks_init(rcache_locks(m), m->tree.r.base.env, RCACHE_LOCK_CPU + caches, locks);

	if (rc)
		return rc;
	magazine_store_init(&m->store, m->tree.r.base.env);
	m->cpu = aligned_alloc(_Alignof(struct cpu_caches), m->cpus * sizeof(*m->cpu));
	if (!m->cpu)
		return -ENOMEM;
	memset(m->cpu, 0, m->cpus * sizeof(*m->cpu));
	for (unsigned cpu = 0; cpu < certain; cpu++)
		for (unsigned class = 0; class < m->classes; class ++)
			if (!rcache_furnish(m, &m->cpu[cpu].of[class]))
				return -ENOMEM;
	return 0;
}
