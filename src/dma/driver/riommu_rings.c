/* SPDX-License-Identifier: MIT */
/*
 * Rings as an allocator: map() of the paper as far as it chooses an entry. A ring's tail goes up by
 * one with each mapping, and a ring all of whose entries are mapped refuses another; there is
 * nothing to search, because a device returns its buffers in the order in which it was given them.
 *
 * The paper says nothing of those that do not. Here the tail passes over entries that are still in
 * use, each of which costs a look: our choice, so that buffers of a disk adapter, or of a driver
 * that names no ring, have somewhere to go. What the tail and the count of a ring cost is a cache
 * line of its own for each.
 */
#include <errno.h>

#include "dma/driver/riommu_internal.h"
#include "dma/iova/entry_set.h"

#define LINE_BYTES  64u
#define FRAME_BYTES 4096u

struct ring {
	uint64_t tail; /* the next to be handed out, or, at the end, its length */
	uint64_t live;
};

struct rings {
	struct iova base;
	uint64_t length;
	iotoll_phys_t lines; /* a page frame: a line for each long ring, one for the short ones */
	struct ring ring[STREAM_RINGS];
	uint64_t lasting_used; /* so many short rings were in use before, those with low numbers */
	struct entry_set used;
};

_Static_assert((STREAM_RINGS + 1) * LINE_BYTES <= FRAME_BYTES, "the lines are a frame");

static struct rings *rings_of(struct iova *a)
{
	return (struct rings *)a;
}

static const struct rings *rings_of_const(const struct iova *a)
{
	return (const struct rings *)a;
}

static void touch(const struct rings *r, unsigned line)
{
	env_touch(r->base.env, IOTOLL_PHYS(IOTOLL_PHYS_U64(r->lines) + line * LINE_BYTES),
		  sizeof(struct ring), true);
}

static void rings_destroy(struct iova *a)
{
	struct rings *r = rings_of(a);

	entry_set_fini(&r->used);
	if (IOTOLL_PHYS_U64(r->lines))
		env_free_pages(a->env, r->lines, 1);
	free(r);
}

/* A device's ring begins where it begins: the start hint means nothing. */
static int rings_create(struct iova **out, struct dma_env *env, const struct iova_config *config)
{
	const uint64_t entries = config->entries;
	struct rings *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->base.env = env;
	r->base.entries = entries;
	r->length = (entries - LASTING_RINGS) / STREAM_RINGS;
	if (entry_set_init(&r->used, entries) ||
	    env_alloc_pages(env, 1, FRAME_BYTES, 0, &r->lines)) {
		rings_destroy(&r->base);
		return -ENOMEM;
	}
	*out = &r->base;
	return 0;
}

/* Rings are as long as they are made: nothing is withheld. */
static int rings_reserve(struct iova *a, uint64_t first, uint64_t count)
{
	(void)a;
	(void)first;
	return count ? -ENOSPC : 0;
}

static void look(struct rings *r)
{
	r->base.words_searched++;
	env_work(r->base.env, DMA_WORK_BITMAP_WORD, 1);
}

static void say_wrapped(struct rings *r)
{
	r->base.wraps++;
	r->base.wrapped(r->base.ctx);
}

static uint64_t take(struct rings *r, uint64_t entry)
{
	entry_set_put(&r->used, entry, 1, true);
	r->base.live++;
	return entry;
}

/* The next entry of a long ring. */
static int next_of(struct rings *r, unsigned rid, uint64_t *out)
{
	const uint64_t base = rid * r->length;
	struct ring *ring = &r->ring[rid];

	touch(r, rid);
	if (ring->live == r->length)
		return -ENOSPC;
	do {
		if (ring->tail == r->length) {
			ring->tail = 0;
			say_wrapped(r);
		}
		look(r);
	} while (entry_set_count(&r->used, base + ring->tail++, 1) != 0);
	ring->live++;
	*out = take(r, base + ring->tail - 1);
	return 0;
}

/* A ring of one entry. False if there is none. */
static bool lasting_one(struct rings *r, uint64_t *out)
{
	const uint64_t base = STREAM_RINGS * r->length;

	touch(r, STREAM_RINGS);
	for (uint64_t i = 0; i < LASTING_RINGS; i++) {
		look(r);
		if (entry_set_count(&r->used, base + i, 1) != 0)
			continue;
		if (i < r->lasting_used)
			say_wrapped(r);
		else
			r->lasting_used = i + 1;
		*out = take(r, base + i);
		return true;
	}
	return false;
}

static int rings_alloc(struct iova *a, const struct iova_want *want, uint64_t *out)
{
	struct rings *r = rings_of(a);

	if (want->count != 1 || want->limit < a->entries)
		return -ENOSPC;
	if (want->lasting && lasting_one(r, out))
		return 0;
	return next_of(r, want->ring ? 1 + (want->ring - 1) % (STREAM_RINGS - 1) : 0, out);
}

static bool rings_own(const struct iova *a, uint64_t first, uint64_t count)
{
	return entry_set_has_all(&rings_of_const(a)->used, first, count);
}

static void rings_free(struct iova *a, uint64_t first, uint64_t count)
{
	struct rings *r = rings_of(a);

	for (uint64_t i = first; i < first + count; i++) {
		const uint16_t rid = riommu_rid(r->length, i);

		if (rid < STREAM_RINGS)
			r->ring[rid].live--;
		touch(r, rid < STREAM_RINGS ? rid : STREAM_RINGS);
	}
	entry_set_put(&r->used, first, count, false);
	a->live -= count;
}

static bool rings_usable_below(const struct iova *a, uint64_t limit)
{
	return limit >= a->entries;
}

static bool rings_check(const struct iova *a)
{
	const struct rings *r = rings_of_const(a);
	uint64_t live = 0;

	for (unsigned i = 0; i < STREAM_RINGS; i++) {
		if (r->ring[i].tail > r->length ||
		    r->ring[i].live != entry_set_count(&r->used, i * r->length, r->length))
			return false;
		live += r->ring[i].live;
	}
	live += entry_set_count(&r->used, STREAM_RINGS * r->length, LASTING_RINGS);
	return live == a->live && a->reserved == 0;
}

const struct iova_ops riommu_rings_ops = {
	.name = "rings",
	.title = "the tails of rIOMMU's rings",
	.wraps = true,
	.create = rings_create,
	.destroy = rings_destroy,
	.reserve = rings_reserve,
	.alloc = rings_alloc,
	.owns = rings_own,
	.free = rings_free,
	.usable_below = rings_usable_below,
	.check = rings_check,
};
