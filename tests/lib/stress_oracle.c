/* SPDX-License-Identifier: MIT */
/* See stress_oracle.h. */
#include "stress_oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SHIFT        12u
#define LINE_SHIFT        6u
#define OWN               (UINT64_C(1) << 63) /* one request's, and no other's */
#define COUNT_BITS        16u
#define COUNT_MASK        ((UINT64_C(1) << COUNT_BITS) - 1)
#define FRAME_WORD(frame) (((frame) + 1) << COUNT_BITS)

/* clang-format off */
static const struct promise promises[] = {
	{.strategy = "off", .shares = true, .keeps = true, .same = true},
	{.strategy = "strict", .gone = true},
	{.strategy = "deferred", .stale = true},
	{.strategy = "deferred-tracked"},
	{.strategy = "batched"},
	{.strategy = "flush-queue"},
	/* Bursts of one unmap, here. */
	{.strategy = "burst", .gone = true},
	{.strategy = "fast-and-safe", .gone = true},
	{.strategy = "shared", .shares = true, .gone = true},
	{.strategy = "optimistic", .shares = true, .keeps = true},
	{.strategy = "on-demand", .shares = true, .keeps = true},
	{.strategy = "persistent", .shares = true, .keeps = true},
	{.strategy = "never-free", .keeps = true, .stale = true},
	{.strategy = "preallocated", .shares = true, .keeps = true, .same = true},
	{.strategy = "identity", .shares = true, .gone = true},
	{.strategy = "identity-deferred", .shares = true},
	{.strategy = "shadow", .copies = true, .gone = true, .keeps = true},
	{.strategy = "swiotlb", .copies = true, .gone = true},
	/* All but their own buffers, which share the pages that they lie in. */
	{.strategy = "page-pool", .gone = true, .keeps = true},
	{.strategy = "damn", .gone = true, .keeps = true},
	{.strategy = "unflushed", .stale = true},
};
/* clang-format on */

const struct promise *promise_of(const char *strategy)
{
	for (size_t i = 0; i < sizeof(promises) / sizeof(promises[0]); i++)
		if (strcmp(promises[i].strategy, strategy) == 0)
			return &promises[i];
	return NULL;
}

void oracle_init(struct oracle *o, uint64_t pages, uint64_t memory_bytes)
{
	*o = (struct oracle){.pages = pages, .lines = memory_bytes >> LINE_SHIFT};
	o->page = calloc(o->pages, sizeof(*o->page));
	o->line = calloc(o->lines, 1);
	if (o->page && o->line)
		return;
	fprintf(stderr, "stress: no memory for the oracle\n");
	exit(2);
}

void oracle_fini(struct oracle *o)
{
	free(o->page);
	free(o->line);
}

/* One request more for @word's page, for which @frame is behind it. */
static bool claim_page(uint64_t *word, uint64_t frame, bool shares)
{
	uint64_t old = __atomic_load_n(word, __ATOMIC_RELAXED), now;

	do {
		if (old == 0)
			now = (shares ? 0 : OWN) | FRAME_WORD(frame) | 1;
		else if (shares && !(old & OWN) && (old & ~COUNT_MASK) == FRAME_WORD(frame))
			now = old + 1;
		else
			return false;
	} while (!__atomic_compare_exchange_n(word, &old, now, true, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return true;
}

static bool release_page(uint64_t *word, uint64_t frame, bool shares)
{
	const uint64_t whose = (shares ? 0 : OWN) | FRAME_WORD(frame);
	uint64_t old = __atomic_load_n(word, __ATOMIC_RELAXED), now;

	do {
		if ((old & ~COUNT_MASK) != whose || (old & COUNT_MASK) == 0)
			return false;
		now = (old & COUNT_MASK) == 1 ? 0 : old - 1;
	} while (!__atomic_compare_exchange_n(word, &old, now, true, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return true;
}

static bool each_page(struct oracle *o, uint64_t iova, uint64_t paddr, size_t bytes, bool shares,
		      bool (*change)(uint64_t *word, uint64_t frame, bool shares))
{
	const uint64_t first = iova >> PAGE_SHIFT, last = (iova + bytes - 1) >> PAGE_SHIFT;

	if (last < first || last >= o->pages)
		return false;
	for (uint64_t i = first; i <= last; i++)
		if (!change(&o->page[i], (paddr >> PAGE_SHIFT) + (i - first), shares))
			return false;
	return true;
}

bool oracle_claim(struct oracle *o, uint64_t iova, uint64_t paddr, size_t bytes, bool shares)
{
	return each_page(o, iova, paddr, bytes, shares, claim_page);
}

bool oracle_release(struct oracle *o, uint64_t iova, uint64_t paddr, size_t bytes, bool shares)
{
	return each_page(o, iova, paddr, bytes, shares, release_page);
}

static bool set_lines(struct oracle *o, uint64_t paddr, size_t bytes, uint8_t from, uint8_t to)
{
	const uint64_t last = (paddr + bytes - 1) >> LINE_SHIFT;

	if (last >= o->lines)
		return false;
	for (uint64_t i = paddr >> LINE_SHIFT; i <= last; i++)
		if (__atomic_exchange_n(&o->line[i], to, __ATOMIC_RELAXED) != from)
			return false;
	return true;
}

bool oracle_take_lines(struct oracle *o, uint64_t paddr, size_t bytes)
{
	return set_lines(o, paddr, bytes, 0, 1);
}

bool oracle_give_lines(struct oracle *o, uint64_t paddr, size_t bytes)
{
	return set_lines(o, paddr, bytes, 1, 0);
}

uint64_t oracle_frame(uint64_t word)
{
	return ((word & ~OWN) >> COUNT_BITS) - 1;
}

bool oracle_empty(const struct oracle *o)
{
	for (uint64_t i = 0; i < o->pages; i++)
		if (o->page[i])
			return false;
	for (uint64_t i = 0; i < o->lines; i++)
		if (o->line[i])
			return false;
	return true;
}
