/* SPDX-License-Identifier: MIT */
/*
 * Log-linear histogram. A value v >= 64 whose highest set bit is b (b = 6..63) falls into one of
 * the 32 equal parts of [2^b, 2^(b+1)), chosen by the five bits after the highest; the idea is
 * HdrHistogram's.
 */
#include "base/hist.h"

#include <assert.h>
#include <string.h>

#define EXACT    64u /* values below have a bucket of their own */
#define PART_LOG 5u  /* 32 parts per power of two */

static unsigned hist_index(uint64_t value)
{
	unsigned top, part;

	if (value < EXACT)
		return (unsigned)value;
	top = 63u - (unsigned)__builtin_clzll(value);
	part = (unsigned)(value >> (top - PART_LOG)) & ((1u << PART_LOG) - 1);
	return EXACT + ((top - 6) << PART_LOG) + part;
}

/* The largest value that falls into bucket @index. */
static uint64_t hist_upper(unsigned index)
{
	unsigned top, part;

	if (index < EXACT)
		return index;
	top = 6 + ((index - EXACT) >> PART_LOG);
	part = (index - EXACT) & ((1u << PART_LOG) - 1);
	/* The last bucket's end is 2^64 - 1: the shift wraps to 0 and the subtraction back. */
	return ((uint64_t)(32u + part + 1) << (top - PART_LOG)) - 1;
}

static uint64_t add_saturating(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

void hist_init(struct hist *h)
{
	memset(h, 0, sizeof(*h));
	h->min = UINT64_MAX;
}

void hist_add(struct hist *h, uint64_t value)
{
	h->count++;
	h->sum = add_saturating(h->sum, value);
	if (value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->bucket[hist_index(value)]++;
}

void hist_merge(struct hist *to, const struct hist *from)
{
	to->count += from->count;
	to->sum = add_saturating(to->sum, from->sum);
	if (from->min < to->min)
		to->min = from->min;
	if (from->max > to->max)
		to->max = from->max;
	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

double hist_mean(const struct hist *h)
{
	return h->count ? (double)h->sum / (double)h->count : 0.0;
}

uint64_t hist_percentile(const struct hist *h, unsigned permille)
{
	uint64_t rank, seen = 0;
	unsigned i;

	assert(permille <= 1000);
	if (!h->count)
		return 0;
	/* ceil(count * permille / 1000) without the product overflowing; at least the first. */
	rank = h->count / 1000 * permille + (h->count % 1000 * permille + 999) / 1000;
	if (!rank)
		rank = 1;
	for (i = 0; i < HIST_BUCKETS - 1; i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			break;
	}
	return hist_upper(i) < h->max ? hist_upper(i) : h->max;
}

uint64_t hist_count_above(const struct hist *h, uint64_t value)
{
	uint64_t above = 0;

	for (unsigned i = hist_index(value) + 1; i < HIST_BUCKETS; i++)
		above += h->bucket[i];
	return above;
}
