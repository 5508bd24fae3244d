/* SPDX-License-Identifier: MIT */
/*
 * Next-fit in pools, a lock for each: POWER's allocator (Linux 6.1, arch/powerpc/kernel/iommu.c:
 * iommu_init_table(), iommu_range_alloc(), __iommu_free(); lib/iommu-helper.c: iommu_area_alloc()),
 * which came with sparc64's remedy for a contended table lock. Three quarters of the table are four
 * pools (one, if the table is smaller than 1 GiB) and each CPU begins in one of them; the last
 * quarter is for runs of more than 15 entries. Each pool has a hint, behind which the next search
 * begins and which, after a short run, moves on to the next block of 16 entries. Freeing never
 * moves a hint: an entry comes back when its pool has gone round, or was needed by a CPU of
 * another.
 *
 * The last entry of a pool is never used, nor, where the table begins at 0 as here, entry 0. No
 * run crosses a boundary of 4 GiB.
 *
 * Ours: POWER's hypervisor calls keep no stale entries, so there is nothing it would flush; here
 * each search that goes back says so as next-fit does.
 */
#include <errno.h>
#include <stdio.h>

#include "dma/iova/bitmap.h"
#include "dma/iova/entry_set.h"
#include "dma/iova/iova.h"

#define POOLS_MAX       4u  /* IOMMU_NR_POOLS */
#define SHORT_MAX       15u /* longer runs are the large pool's */
#define BLOCK           16u /* it_blocksize: 16 entries in a line of 128 bytes */
#define GIB_ENTRIES     (UINT64_C(1) << 18)
#define SEGMENT_ENTRIES (UINT64_C(1) << 20) /* dma_get_seg_boundary() where nobody set one */
#define GOLDEN_RATIO_32 0x61C88647u
#define HASH_BITS       2u /* IOMMU_POOL_HASHBITS */

struct pool {
	uint64_t start, end, hint;
};

struct pools {
	struct iova base;
	struct bitmap bits;
	struct pool pool[POOLS_MAX + 1]; /* the large one is number @small */
	unsigned small;
	struct entry_set held, withheld;     /* guards, free of charge */
	uint64_t hint_before[POOLS_MAX + 1]; /* without locks: the last search */
};

/* One search, from the pool it begins in to wherever it ends up. */
struct search {
	struct pools *p;
	const struct iova_want *want;
	uint64_t mask; /* the highest entry the device can drive */
	unsigned at;   /* the pool whose lock is held */
	unsigned next; /* the small pool it was last in */
	unsigned pass;
};

/* hash_32() */
static unsigned pool_of_cpu(const struct pools *p, unsigned cpu)
{
	return (uint32_t)(cpu * GOLDEN_RATIO_32) >> (32 - HASH_BITS) & (p->small - 1);
}

/* get_pool() */
static unsigned pool_of_entry(const struct pools *p, uint64_t entry)
{
	return entry >= p->pool[p->small].start ? p->small : (unsigned)(entry / p->pool[0].end);
}

static void enter(struct pools *p, unsigned i)
{
	locks_take(&p->base.locks, i);
	locks_touch(&p->base.locks, i);
}

static void move_to(struct search *s, unsigned pool)
{
	locks_release(&s->p->base.locks, s->at);
	s->at = pool;
	enter(s->p, pool);
}

static void went_back(struct search *s)
{
	(void)__atomic_fetch_add(&s->p->base.wraps, 1, __ATOMIC_RELAXED);
	s->p->base.wrapped(s->p->base.ctx);
}

/* Where this pass begins, and the end of what it may use. */
static uint64_t begin(struct search *s, uint64_t *limit)
{
	const struct pool *pool = &s->p->pool[s->at];
	const uint64_t *handle = s->want->handle;
	const bool resumes =
		s->pass == 0 && handle && *handle && *handle >= pool->start && *handle < pool->end;
	const uint64_t from = resumes ? *handle : pool->hint;
	uint64_t start = from;

	*limit = pool->end;
	if (start >= *limit)
		start = pool->start;
	if (*limit > s->mask) {
		*limit = s->mask + 1;
		if ((start & s->mask) >= *limit || s->pass > 0) {
			move_to(s, 0);
			start = s->p->pool[0].start;
		} else {
			start &= s->mask;
		}
	}
	if (start < from || s->pass > 0)
		went_back(s);
	return start;
}

/* iommu_area_alloc(): short of the limit's last entry, across no segment's boundary. */
static bool area(struct search *s, uint64_t start, uint64_t limit, uint64_t *out)
{
	const uint64_t count = s->want->count;
	uint64_t searched = 0;
	bool found = false;

	while (!found && bitmap_search(&s->p->bits, start, limit - 1, count, s->want->align_log2,
				       out, &searched)) {
		found = *out % SEGMENT_ENTRIES + count <= SEGMENT_ENTRIES;
		if (!found && count > SEGMENT_ENTRIES)
			break;
		start = (*out / SEGMENT_ENTRIES + 1) * SEGMENT_ENTRIES;
	}
	(void)__atomic_fetch_add(&s->p->base.words_searched, searched, __ATOMIC_RELAXED);
	return found;
}

/* Nothing found: the same pool from its start, the others, the large one. False: give up. */
static bool next_pass(struct search *s)
{
	struct pools *p = s->p;

	if (s->pass > 0 && s->pass <= p->small) {
		s->next = (s->next + 1) & (p->small - 1);
		move_to(s, s->next);
	} else if (s->pass == p->small + 1) {
		move_to(s, p->small);
	} else if (s->pass > p->small + 1) {
		return false;
	}
	p->pool[s->at].hint = p->pool[s->at].start;
	s->pass++;
	return true;
}

/* Where a pool goes on after a run that ends at @end. */
static uint64_t hint_behind(uint64_t end, uint64_t count)
{
	return count > SHORT_MAX ? end : (end + BLOCK - 1) & ~(uint64_t)(BLOCK - 1);
}

static void hold(struct pools *p, uint64_t first, uint64_t count)
{
	bitmap_write(&p->bits, first, count, true);
	entry_set_put(&p->held, first, count, true);
	(void)__atomic_fetch_add(&p->base.live, count, __ATOMIC_RELAXED);
}

static void took(struct search *s, uint64_t first)
{
	const uint64_t end = first + s->want->count;

	s->p->pool[s->at].hint = hint_behind(end, s->want->count);
	if (s->want->handle)
		*s->want->handle = end;
	hold(s->p, first, s->want->count);
}

static int pools_alloc(struct iova *a, const struct iova_want *want, uint64_t *out)
{
	struct pools *p = (struct pools *)a;
	const bool narrow = want->driven ? want->driven < a->entries : want->limit < a->entries;
	const uint64_t all = want->driven ? want->driven - 1 : UINT64_MAX;
	struct search s = {.p = p,
			   .want = want,
			   .mask = narrow ? want->limit - 1 : all,
			   .next = pool_of_cpu(p, iova_cpu(a))};
	bool found;

	for (unsigned i = 0; i <= p->small && !a->locks.active; i++)
		p->hint_before[i] = p->pool[i].hint;
	s.at = want->count > SHORT_MAX ? p->small : s.next;
	enter(p, s.at);
	do {
		uint64_t limit;
		const uint64_t start = begin(&s, &limit);

		found = limit && area(&s, start, limit, out);
	} while (!found && next_pass(&s));
	if (found)
		took(&s, *out);
	locks_release(&a->locks, s.at);
	return found ? 0 : -ENOSPC;
}

/* __iommu_free(), for each pool that the entries lie in. */
static void pools_free(struct iova *a, uint64_t first, uint64_t count)
{
	struct pools *p = (struct pools *)a;

	entry_set_put(&p->held, first, count, false);
	(void)__atomic_fetch_sub(&a->live, count, __ATOMIC_RELAXED);
	while (count) {
		const unsigned i = pool_of_entry(p, first);
		const uint64_t rest = p->pool[i].end - first;
		const uint64_t part = count < rest ? count : rest;

		enter(p, i);
		bitmap_write(&p->bits, first, part, false);
		locks_release(&a->locks, i);
		first += part;
		count -= part;
	}
}

static bool pools_own(const struct iova *a, uint64_t first, uint64_t count)
{
	return entry_set_has_all(&((const struct pools *)a)->held, first, count);
}

static int pools_reserve(struct iova *a, uint64_t first, uint64_t count)
{
	struct pools *p = (struct pools *)a;
	uint64_t clipped = count;

	if (first >= a->entries || count == 0)
		return 0;
	if (clipped > a->entries - first)
		clipped = a->entries - first;
	a->reserved += clipped - entry_set_count(&p->withheld, first, clipped);
	entry_set_put(&p->withheld, first, clipped, true);
	bitmap_put(&p->bits, first, first + clipped, true);
	return 0;
}

/* ---- held against a recording ---- */

static void pools_undo(struct iova *a, uint64_t first, uint64_t count)
{
	struct pools *p = (struct pools *)a;

	pools_free(a, first, count);
	for (unsigned i = 0; i <= p->small; i++)
		p->pool[i].hint = p->hint_before[i];
}

/* A search that found it moves its pool's hint behind it, whatever lay between. */
static int pools_seize(struct iova *a, uint64_t first, uint64_t count, bool searched)
{
	struct pools *p = (struct pools *)a;

	if (first == 0 || first >= a->entries || count > a->entries - first ||
	    bitmap_next(&p->bits, first, first + count, true) < first + count)
		return -EEXIST;
	hold(p, first, count);
	if (searched)
		p->pool[pool_of_entry(p, first)].hint = hint_behind(first + count, count);
	return 0;
}

static void pools_describe(const struct iova *a, const struct iova_want *want, char *to,
			   size_t bytes)
{
	const struct pools *p = (const struct pools *)a;
	const unsigned i = want->count > SHORT_MAX ? p->small : pool_of_cpu(p, iova_cpu(a));
	const struct pool *pool = &p->pool[i];

	snprintf(to, bytes,
		 "%s pool, entries %#llx..%#llx, hint %#llx; of the next 64 from there %llu in use",
		 i == p->small ? "the large" : "a small", (unsigned long long)pool->start,
		 (unsigned long long)pool->end - 1, (unsigned long long)pool->hint,
		 (unsigned long long)entry_set_count(&p->held, pool->hint, 64));
}

static const struct iova_history_ops pools_history = {
	.undo = pools_undo,
	.seize = pools_seize,
	.forget = pools_free,
	.describe = pools_describe,
};

/* Below a device's limit pools do not matter, but the last entry is left all the same. */
static bool pools_usable_below(const struct iova *a, uint64_t limit)
{
	const struct pools *p = (const struct pools *)a;
	const uint64_t end = limit < a->entries ? limit : a->entries;

	for (uint64_t i = 1; i + 1 < end; i++) {
		const unsigned in = pool_of_entry(p, i);

		if (entry_set_count(&p->withheld, i, 1) ||
		    (limit >= a->entries && i + 1 == p->pool[in].end))
			continue;
		return true;
	}
	return false;
}

static bool pools_check(const struct iova *a)
{
	const struct pools *p = (const struct pools *)a;

	for (uint64_t i = 0; i < a->entries; i++) {
		const uint64_t held = entry_set_count(&p->held, i, 1);
		const uint64_t withheld = entry_set_count(&p->withheld, i, 1);
		const bool set = bitmap_next(&p->bits, i, i + 1, true) == i;

		if (set != (held || withheld || i == 0) || (held && (withheld || i == 0)))
			return false;
	}
	return entry_set_count(&p->held, 0, a->entries) == a->live &&
	       entry_set_count(&p->withheld, 0, a->entries) == a->reserved;
}

static void pools_destroy(struct iova *a)
{
	struct pools *p = (struct pools *)a;

	locks_fini(&a->locks);
	bitmap_fini(&p->bits);
	entry_set_fini(&p->held);
	entry_set_fini(&p->withheld);
	free(p);
}

static void divide(struct pools *p, uint64_t entries)
{
	const uint64_t each = entries * 3 / 4 / p->small;

	for (unsigned i = 0; i < p->small; i++)
		p->pool[i] = (struct pool){i * each, (i + 1) * each, i * each};
	p->pool[p->small] = (struct pool){p->small * each, entries, p->small * each};
	bitmap_put(&p->bits, 0, 1, true);
}

static int pools_create(struct iova **out, struct dma_env *env, const struct iova_config *config)
{
	struct pools *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return -ENOMEM;
	p->base = (struct iova){.env = env, .entries = config->entries};
	p->small = config->entries >= GIB_ENTRIES ? POOLS_MAX : 1;
	rc = bitmap_init(&p->bits, env, config->entries);
	if (!rc)
		rc = entry_set_init(&p->held, config->entries);
	if (!rc)
		rc = entry_set_init(&p->withheld, config->entries);
	if (!rc)
		rc = locks_init(&p->base.locks, env, p->small + 1, config->locks);
	if (rc) {
		pools_destroy(&p->base);
		return rc;
	}
	p->bits.shared = config->locks;
	divide(p, config->entries);
	if (config->start_hint)
		p->pool[pool_of_entry(p, config->start_hint)].hint = config->start_hint;
	*out = &p->base;
	return 0;
}

const struct iova_ops pools_ops = {
	.name = "pools",
	.title = "next-fit in pools with a lock each, as Linux on POWER",
	.wraps = true,
	.divides = true,
	.threads = true,
	.create = pools_create,
	.destroy = pools_destroy,
	.reserve = pools_reserve,
	.alloc = pools_alloc,
	.owns = pools_own,
	.free = pools_free,
	.usable_below = pools_usable_below,
	.check = pools_check,
	.history = &pools_history,
};
