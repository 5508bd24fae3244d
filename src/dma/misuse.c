/* SPDX-License-Identifier: MIT */
/*
 * The book of live mappings: an open-addressed table with linear probing, at most half full,
 * whose deletions move later entries back so that no tombstones remain. Where several entries
 * would serve, a running number picks the oldest; the order of slots never shows.
 */
#include "dma/misuse.h"

#include <errno.h>
#include <stdlib.h>

#define PAGE_SHIFT_IO 12u
#define FIRST_SLOTS   256u

struct slot {
	struct mapping mapping; /* bytes 0: free */
	uint64_t seq;
};

struct misuse {
	struct slot *slots;
	size_t count; /* slots, a power of two */
	size_t live;
	size_t reserved; /* room kept for entries that are about to come */
	uint64_t seq;
	uint64_t longest_pages; /* of any mapping ever added: how far back a sync must look */
};

static uint64_t first_page(const struct mapping *mapping)
{
	return IOTOLL_IOVA_U64(mapping->iova) >> PAGE_SHIFT_IO;
}

/* Last byte. Saturates instead of wrapping. */
static uint64_t last_byte(const struct mapping *mapping)
{
	const uint64_t first = IOTOLL_IOVA_U64(mapping->iova);

	return mapping->bytes - 1 > UINT64_MAX - first ? UINT64_MAX : first + mapping->bytes - 1;
}

static size_t home(size_t slots, uint64_t page)
{
	return (size_t)((page * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (slots - 1);
}

static void insert(struct slot *slots, size_t count, const struct slot *what)
{
	size_t at = home(count, first_page(&what->mapping));

	while (slots[at].mapping.bytes)
		at = (at + 1) & (count - 1);
	slots[at] = *what;
}

struct misuse *misuse_create(void)
{
	struct misuse *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->count = FIRST_SLOTS;
	m->slots = calloc(m->count, sizeof(*m->slots));
	if (!m->slots) {
		free(m);
		return NULL;
	}
	return m;
}

void misuse_destroy(struct misuse *m)
{
	if (!m)
		return;
	free(m->slots);
	free(m);
}

int misuse_reserve(struct misuse *m)
{
	struct slot *grown;

	if (m->live + m->reserved < m->count / 2) {
		m->reserved++;
		return 0;
	}
	grown = calloc(m->count * 2, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	for (size_t i = 0; i < m->count; i++)
		if (m->slots[i].mapping.bytes)
			insert(grown, m->count * 2, &m->slots[i]);
	free(m->slots);
	m->slots = grown;
	m->count *= 2;
	m->reserved++;
	return 0;
}

void misuse_forgo(struct misuse *m)
{
	m->reserved--;
}

void misuse_add(struct misuse *m, const struct mapping *what)
{
	const struct slot slot = {.mapping = *what, .seq = m->seq++};
	const uint64_t pages = (last_byte(what) >> PAGE_SHIFT_IO) - first_page(what) + 1;

	insert(m->slots, m->count, &slot);
	m->live++;
	m->reserved--;
	if (pages > m->longest_pages)
		m->longest_pages = pages;
}

/* Close the gap at @at: move back what probing would no longer find (Knuth 6.4, algorithm R). */
static void erase(struct misuse *m, size_t at)
{
	const size_t mask = m->count - 1;
	size_t next = at;

	m->live--;
	for (;;) {
		m->slots[at].mapping.bytes = 0;
		for (;;) {
			size_t want;

			next = (next + 1) & mask;
			if (!m->slots[next].mapping.bytes)
				return;
			want = home(m->count, first_page(&m->slots[next].mapping));
			/* Does the gap lie on the way from its home to where it is? */
			if (((next - want) & mask) >= ((next - at) & mask))
				break;
		}
		m->slots[at] = m->slots[next];
		at = next;
	}
}

/* In how many respects @have differs from @want. */
static unsigned differences(const struct mapping *have, const struct mapping *want)
{
	return (have->dev != want->dev) + (have->bytes != want->bytes) + (have->dir != want->dir) +
	       (have->kind != want->kind);
}

bool misuse_take(struct misuse *m, const struct mapping *what, uint64_t counts[],
		 struct mapping *out)
{
	const size_t none = m->count;
	size_t best = none;
	unsigned best_differs = 0;

	for (size_t at = home(m->count, first_page(what)); m->slots[at].mapping.bytes;
	     at = (at + 1) & (m->count - 1)) {
		const struct slot *slot = &m->slots[at];
		unsigned differs;

		if (slot->mapping.iova != what->iova)
			continue;
		differs = differences(&slot->mapping, what);
		if (best == none || differs < best_differs ||
		    (differs == best_differs && slot->seq < m->slots[best].seq)) {
			best = at;
			best_differs = differs;
		}
	}
	if (best == none) {
		counts[IOTOLL_MISUSE_UNMAP_UNKNOWN]++;
		return false;
	}
	*out = m->slots[best].mapping;
	counts[IOTOLL_MISUSE_WRONG_SIZE] += out->bytes != what->bytes;
	counts[IOTOLL_MISUSE_WRONG_DIRECTION] += out->dir != what->dir;
	counts[IOTOLL_MISUSE_WRONG_DEVICE] += out->dev != what->dev;
	counts[IOTOLL_MISUSE_WRONG_TYPE] += out->kind != what->kind;
	erase(m, best);
	return true;
}

/* What is known of a synchronised range. */
struct cover {
	bool covered, by_device, direction_fits;
};

static void look_at(const struct mapping *have, const struct mapping *what, struct cover *cover)
{
	if (IOTOLL_IOVA_U64(have->iova) > IOTOLL_IOVA_U64(what->iova) ||
	    last_byte(have) < last_byte(what))
		return;
	cover->covered = true;
	if (have->dev != what->dev)
		return;
	cover->by_device = true;
	if (have->dir == IOTOLL_DMA_BIDIRECTIONAL || have->dir == what->dir)
		cover->direction_fits = true;
}

void misuse_check_sync(const struct misuse *m, const struct mapping *what, uint64_t counts[])
{
	const uint64_t page = first_page(what);
	struct cover cover = {.covered = false};

	if (!what->bytes) {
		/* Nothing is covered by nothing. */
	} else if (m->longest_pages >= m->count) {
		for (size_t at = 0; at < m->count; at++)
			if (m->slots[at].mapping.bytes)
				look_at(&m->slots[at].mapping, what, &cover);
	} else {
		/* The mapping may begin as many pages before as the longest one has. */
		for (uint64_t back = 0; back < m->longest_pages && back <= page; back++)
			for (size_t at = home(m->count, page - back); m->slots[at].mapping.bytes;
			     at = (at + 1) & (m->count - 1))
				look_at(&m->slots[at].mapping, what, &cover);
	}
	if (!cover.covered)
		counts[IOTOLL_MISUSE_SYNC_UNMAPPED]++;
	else if (!cover.by_device)
		counts[IOTOLL_MISUSE_WRONG_DEVICE]++;
	else if (!cover.direction_fits)
		counts[IOTOLL_MISUSE_WRONG_DIRECTION]++;
}

static int by_address_and_age(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;
	const uint64_t at_x = IOTOLL_IOVA_U64(x->mapping.iova);
	const uint64_t at_y = IOTOLL_IOVA_U64(y->mapping.iova);

	if (at_x != at_y)
		return at_x < at_y ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/*
 * How many live mappings @dev has; the first @max are copied to @to. With @max 1 it is the one
 * that comes first in order.
 */
static size_t collect(const struct misuse *m, const struct iotoll_dma_device *dev, struct slot *to,
		      size_t max)
{
	size_t n = 0;

	for (size_t at = 0; at < m->count; at++) {
		if (!m->slots[at].mapping.bytes || m->slots[at].mapping.dev != dev)
			continue;
		if (n < max)
			to[n] = m->slots[at];
		else if (max == 1 && by_address_and_age(&m->slots[at], to) < 0)
			to[0] = m->slots[at];
		n++;
	}
	return n;
}

void misuse_take_all(struct misuse *m, const struct iotoll_dma_device *dev,
		     void (*fn)(void *ctx, const struct mapping *mapping), void *ctx)
{
	uint64_t ignored[IOTOLL_MISUSE_COUNT] = {0};
	struct slot one;
	size_t n = collect(m, dev, &one, 1);
	struct slot *list = n ? calloc(n, sizeof(*list)) : NULL;

	if (list) {
		n = collect(m, dev, list, n);
		qsort(list, n, sizeof(*list), by_address_and_age);
	}
	/* Without memory for a list each one is looked for: slow, but it comes to an end. */
	for (size_t i = 0; i < n; i++) {
		struct mapping taken;

		if (!list)
			(void)collect(m, dev, &one, 1);
		if (misuse_take(m, list ? &list[i].mapping : &one.mapping, ignored, &taken))
			fn(ctx, &taken);
	}
	free(list);
}

size_t misuse_live(const struct misuse *m)
{
	return m->live;
}
