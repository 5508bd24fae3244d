/* SPDX-License-Identifier: MIT */
/* See entry_set.h. */
#include "dma/iova/entry_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define WORD    8u
#define OF_BYTE UINT64_C(0x0101010101010101)
#define BLOCK   UINT64_C(16384)
/* From here on pages that nobody writes to are not even promised. */
#define SPARSE_BYTES (UINT64_C(1) << 20)

int entry_set_init(struct entry_set *s, uint64_t entries)
{
	*s = (struct entry_set){.entries = entries};
	if (entries < SPARSE_BYTES) {
		s->byte = calloc(entries ? entries : 1, 1);
	} else {
		s->byte = mmap(NULL, entries, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (s->byte == MAP_FAILED)
			s->byte = NULL;
	}
	return s->byte ? 0 : -ENOMEM;
}

void entry_set_fini(struct entry_set *s)
{
	if (s->byte && s->entries >= SPARSE_BYTES)
		(void)munmap(s->byte, s->entries);
	else
		free(s->byte);
	*s = (struct entry_set){.entries = 0};
}

static uint64_t *word_at(const struct entry_set *s, uint64_t i)
{
	return (uint64_t *)(void *)&s->byte[i];
}

/* May the eight from @i on, before @end, be had as one word? */
static bool has_word(uint64_t i, uint64_t end)
{
	return i % WORD == 0 && end - i >= WORD;
}

void entry_set_fill(struct entry_set *s, uint64_t first, uint64_t count, uint8_t value)
{
	const uint64_t end = first + count, words = value * OF_BYTE;
	uint64_t i = first;

	for (; i < end && !has_word(i, end); i++)
		entry_set_store(s, i, value);
	for (; has_word(i, end); i += WORD)
		__atomic_store_n(word_at(s, i), words, __ATOMIC_RELAXED);
	for (; i < end; i++)
		entry_set_store(s, i, value);
}

bool entry_set_all(const struct entry_set *s, uint64_t first, uint64_t count, uint8_t mask)
{
	const uint64_t end = first + count, words = mask * OF_BYTE;
	uint64_t i = first, both = words;

	for (; i < end && !has_word(i, end); i++)
		both &= entry_set_byte(s, i) * OF_BYTE;
	for (; has_word(i, end); i += WORD)
		both &= __atomic_load_n(word_at(s, i), __ATOMIC_RELAXED);
	for (; i < end; i++)
		both &= entry_set_byte(s, i) * OF_BYTE;
	return both == words;
}

bool entry_set_any(const struct entry_set *s, uint64_t first, uint64_t count)
{
	const uint64_t left = first < s->entries ? s->entries - first : 0;
	const uint64_t end = first + (count < left ? count : left);
	uint64_t i = first, any = 0;

	for (; i < end && !has_word(i, end); i++)
		any |= entry_set_byte(s, i);
	for (; has_word(i, end); i += WORD)
		any |= __atomic_load_n(word_at(s, i), __ATOMIC_RELAXED);
	for (; i < end; i++)
		any |= entry_set_byte(s, i);
	return any != 0;
}

/* Bytes of @word that are not 0. */
static unsigned not_zero(uint64_t word)
{
	const uint64_t low = ~(OF_BYTE << 7);

	return (unsigned)__builtin_popcountll((((word & low) + low) | word) & (OF_BYTE << 7));
}

uint64_t entry_set_count(const struct entry_set *s, uint64_t first, uint64_t count)
{
	const uint64_t left = first < s->entries ? s->entries - first : 0;
	const uint64_t end = first + (count < left ? count : left);
	uint64_t i = first, sum = 0;

	for (; i < end && !has_word(i, end); i++)
		sum += entry_set_byte(s, i) != 0;
	for (; has_word(i, end); i += WORD)
		sum += not_zero(__atomic_load_n(word_at(s, i), __ATOMIC_RELAXED));
	for (; i < end; i++)
		sum += entry_set_byte(s, i) != 0;
	return sum;
}

/* Sets are all but empty: whole blocks of nothing are passed over by the library's memcmp(). */
uint64_t entry_set_next(const struct entry_set *s, uint64_t from, uint64_t end)
{
	while (from < end && !s->byte[from]) {
		const uint64_t n = end - from < BLOCK ? end - from : BLOCK;

		if (memcmp(&s->byte[from], &s->byte[from] + 1, n - 1) == 0)
			from += n;
		else
			while (!s->byte[from])
				from++;
	}
	return from;
}
