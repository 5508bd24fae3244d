/* SPDX-License-Identifier: MIT */
/*
 * See rcache.h. Follows __iova_rcache_get(), __iova_rcache_insert() and what they call in
 * Linux 6.1's drivers/iommu/iova.c.
 */
#include "dma/iova/rcache.h"

#include <errno.h>

/* ---- a CPU's two magazines ---- */

/* With the CPU's lock: its cache of @class, whose line is needed first. */
static struct cpu_cache *enter(struct magazines *m, unsigned cpu, unsigned class)
{
	const unsigned index = cpu * RCACHE_CLASSES + class;

	locks_take(rcache_locks(m), RCACHE_LOCK_CPU + index);
	locks_touch(rcache_locks(m), RCACHE_LOCK_CPU + index);
	return &m->cpu[index];
}

static void leave(struct magazines *m, unsigned cpu, unsigned class)
{
	locks_release(rcache_locks(m), RCACHE_LOCK_CPU + cpu * RCACHE_CLASSES + class);
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

/* __iova_rcache_insert() */
bool rcache_put(struct magazines *m, unsigned cpu, unsigned class, uint64_t first)
{
	struct magazine *surplus = NULL;
	struct cpu_cache *c = enter(m, cpu, class);
	bool room = true;

	magazine_look(&m->store, c->loaded);
	if (c->loaded->size == MAGAZINE_SIZE) {
		magazine_look(&m->store, c->previous);
		if (c->previous->size < MAGAZINE_SIZE)
			swap(c);
		else
			room = ship(m, c, class, &surplus);
	}
	if (room)
		magazine_push(&m->store, c->loaded, first);
	leave(m, cpu, class);
	if (surplus) {
		empty(m, surplus);
		magazine_free(&m->store, surplus);
	}
	return room;
}

/* Swap in what is not empty, if anything of this CPU's or the depot's is. */
static bool reload(struct magazines *m, struct cpu_cache *c, unsigned class)
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

/* __iova_rcache_get(): the first entry of a free range, at most @bound; 0 if none is at hand. */
uint64_t rcache_get(struct magazines *m, unsigned cpu, unsigned class, uint64_t bound)
{
	struct cpu_cache *c = enter(m, cpu, class);
	uint64_t first = 0;

	magazine_look(&m->store, c->loaded);
	if (c->loaded->size || reload(m, c, class))
		first = magazine_pop(&m->store, c->loaded, bound);
	leave(m, cpu, class);
	return first;
}

/* free_cpu_cached_iovas() for every CPU, then free_global_cached_iovas(). */
void rcache_empty(struct magazines *m)
{
	for (unsigned cpu = 0; cpu < m->cpus; cpu++)
		for (unsigned class = 0; class < RCACHE_CLASSES; class ++) {
			struct cpu_cache *c = enter(m, cpu, class);

			empty(m, c->loaded);
			empty(m, c->previous);
			leave(m, cpu, class);
		}
	for (unsigned class = 0; class < RCACHE_CLASSES; class ++) {
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

		if (!node || n->lo != full->first[i] || n->held || n->withheld ||
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
		const struct cpu_cache *c = &m->cpu[cpu * RCACHE_CLASSES + class];

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

	for (unsigned class = 0; class < RCACHE_CLASSES; class ++)
		if (!check_class(m, class, &cached))
			return false;
	/* So many that none is in two places. */
	for (uint32_t i = range_lowest(t); i; i = range_above(t, i))
		idle += i != m->tree.anchor && !t->node[i].held && !t->node[i].withheld;
	return idle == cached;
}

/* ---- life ---- */

void rcache_fini(struct magazines *m)
{
	magazine_store_fini(&m->store);
	locks_fini(rcache_locks(m));
	free(m->cpu);
}

int rcache_init(struct magazines *m, bool locks)
{
	const unsigned caches = m->cpus * RCACHE_CLASSES;
	const int rc =
		locks_init(rcache_locks(m), m->tree.r.base.env, RCACHE_LOCK_CPU + caches, locks);

	if (rc)
		return rc;
	magazine_store_init(&m->store, m->tree.r.base.env);
	m->cpu = calloc(caches, sizeof(*m->cpu));
	if (!m->cpu)
		return -ENOMEM;
	for (unsigned i = 0; i < caches; i++) {
		m->cpu[i].loaded = magazine_new(&m->store);
		m->cpu[i].previous = magazine_new(&m->store);
		if (!m->cpu[i].loaded || !m->cpu[i].previous)
			return -ENOMEM;
	}
	return 0;
}
