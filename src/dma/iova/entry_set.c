/* SPDX-License-Identifier: MIT */
/* See entry_set.h. */
#include "dma/iova/entry_set.h"

#include <errno.h>
#include <stdlib.h>

#define WORD_BITS 64u

int entry_set_init(struct entry_set *s, uint64_t entries)
{
	*s = (struct entry_set){.entries = entries};
	s->word = calloc((entries + WORD_BITS - 1) / WORD_BITS, sizeof(*s->word));
	return s->word ? 0 : -ENOMEM;
}

void entry_set_fini(struct entry_set *s)
{
	free(s->word);
	*s = (struct entry_set){.entries = 0};
}

/* The bits of the word that holds @at which lie in [at, end); where the next word begins. */
static uint64_t piece(uint64_t at, uint64_t end, uint64_t *next)
{
	const uint64_t base = at / WORD_BITS * WORD_BITS;
	uint64_t mask = UINT64_MAX << (at - base);

	*next = base + WORD_BITS;
	if (end < *next)
		mask &= (UINT64_C(1) << (end - base)) - 1;
	return mask;
}

void entry_set_put(struct entry_set *s, uint64_t first, uint64_t count, bool in)
{
	const uint64_t end = first + count;
	uint64_t next;

	for (uint64_t at = first; at < end; at = next) {
		uint64_t *word = &s->word[at / WORD_BITS];
		const uint64_t mask = piece(at, end, &next);

		*word = in ? *word | mask : *word & ~mask;
	}
}

uint64_t entry_set_count(const struct entry_set *s, uint64_t first, uint64_t count)
{
	const uint64_t left = first < s->entries ? s->entries - first : 0;
	const uint64_t end = first + (count < left ? count : left);
	uint64_t next, sum = 0;

	for (uint64_t at = first; at < end; at = next) {
		const uint64_t word = s->word[at / WORD_BITS];

		sum += (unsigned)__builtin_popcountll(word & piece(at, end, &next));
	}
	return sum;
}
