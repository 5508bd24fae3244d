/* SPDX-License-Identifier: MIT */
/* See bitmap.h. */
#include "dma/iova/bitmap.h"

#include <errno.h>

#define WORD_BITS   64u
#define FRAME_BYTES 4096u

/* Mask of the bits of one word that lie in [first, end), which must meet the word. */
static uint64_t word_mask(uint64_t word, uint64_t first, uint64_t end)
{
	const uint64_t base = word * WORD_BITS;
	const unsigned lo = first > base ? (unsigned)(first - base) : 0;
	const uint64_t above = end - base;
	uint64_t mask = UINT64_MAX << lo;

	if (above < WORD_BITS)
		mask &= (UINT64_C(1) << above) - 1;
	return mask;
}

uint64_t bitmap_next(const struct bitmap *b, uint64_t from, uint64_t end, bool value)
{
	const uint64_t flip = value ? 0 : UINT64_MAX;

	while (from < end) {
		const uint64_t word = from / WORD_BITS;
		const uint64_t bits = __atomic_load_n(&b->words[word], __ATOMIC_RELAXED);
		const uint64_t found = (bits ^ flip) & word_mask(word, from, end);

		if (found)
			return word * WORD_BITS + (unsigned)__builtin_ctzll(found);
		from = (word + 1) * WORD_BITS;
	}
	return end;
}

static void touch_words(struct bitmap *b, uint64_t first_word, uint64_t words, bool write)
{
	env_touch(b->env, IOTOLL_PHYS(IOTOLL_PHYS_U64(b->paddr) + first_word * sizeof(uint64_t)),
		  words * sizeof(uint64_t), write);
}

bool bitmap_search(struct bitmap *b, uint64_t from, uint64_t end, uint64_t count,
		   unsigned align_log2, uint64_t *out, uint64_t *searched)
{
	const uint64_t first_word = from / WORD_BITS, low = (UINT64_C(1) << align_log2) - 1;
	uint64_t at = from, seen = from; /* seen: the furthest bit looked at */
	bool found = false;

	while (at < end) {
		at = bitmap_next(b, at, end, false);
		seen = at < end ? at : end - 1;
		if (at == end)
			break;
		at = (at + low) & ~low;
		if (at >= end || count > end - at)
			break;
		seen = bitmap_next(b, at, at + count, true);
		if (seen == at + count) {
			seen--;
			found = true;
			break;
		}
		at = seen + 1;
	}
	if (from < end) {
		const uint64_t words = seen / WORD_BITS - first_word + 1;

		*searched += words;
		env_work(b->env, DMA_WORK_BITMAP_WORD, words);
		touch_words(b, first_word, words, false);
	}
	*out = at;
	return found;
}

static void put_shared(uint64_t *word, uint64_t mask, bool value)
{
	if (value)
		(void)__atomic_fetch_or(word, mask, __ATOMIC_RELAXED);
	else
		(void)__atomic_fetch_and(word, ~mask, __ATOMIC_RELAXED);
}

void bitmap_put(struct bitmap *b, uint64_t first, uint64_t end, bool value)
{
	for (uint64_t i = first / WORD_BITS; i * WORD_BITS < end; i++) {
		const uint64_t mask = word_mask(i, first, end);
		uint64_t *word = &b->words[i];

		if (b->shared)
			put_shared(word, mask, value);
		else
			__atomic_store_n(word, value ? *word | mask : *word & ~mask,
					 __ATOMIC_RELAXED);
	}
}

void bitmap_write(struct bitmap *b, uint64_t first, uint64_t count, bool value)
{
	bitmap_put(b, first, first + count, value);
	touch_words(b, first / WORD_BITS, (first + count - 1) / WORD_BITS - first / WORD_BITS + 1,
		    true);
}

int bitmap_init(struct bitmap *b, struct dma_env *env, uint64_t entries)
{
	const uint64_t words = (entries + WORD_BITS - 1) / WORD_BITS;
	const uint64_t frames = (words * sizeof(uint64_t) + FRAME_BYTES - 1) / FRAME_BYTES;

	*b = (struct bitmap){.env = env};
	if (env_alloc_pages(env, frames, FRAME_BYTES, 0, &b->paddr))
		return -ENOMEM;
	b->frames = frames;
	b->words = env_ptr(env, b->paddr, frames * FRAME_BYTES);
	for (uint64_t i = 0; i < frames * FRAME_BYTES / sizeof(uint64_t); i++)
		b->words[i] = 0;
	return 0;
}

void bitmap_fini(struct bitmap *b)
{
	if (b->frames)
		env_free_pages(b->env, b->paddr, b->frames);
	*b = (struct bitmap){.env = b->env};
}
