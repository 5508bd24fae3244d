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

/*
 * Bytes one by one up to where a word begins, four words at a time, words, what is left. Compilers
 * do not unroll atomic accesses.
 */
#define FOUR (4 * WORD)

static uint64_t load(const struct entry_set *s, uint64_t i)
{
	return __atomic_load_n(word_at(s, i), __ATOMIC_RELAXED);
}

static void store(struct entry_set *s, uint64_t i, uint64_t words)
{
	__atomic_store_n(word_at(s, i), words, __ATOMIC_RELAXED);
}

void entry_set_fill(struct entry_set *s, uint64_t first, uint64_t count, uint8_t value)
{
	const uint64_t end = first + count, words = value * OF_BYTE;
	uint64_t i = first;

	for (; i < end && i % WORD; i++)
		entry_set_store(s, i, value);
	for (; end - i >= FOUR; i += FOUR) {
		store(s, i, words);
		store(s, i + WORD, words);
		store(s, i + 2 * WORD, words);
		store(s, i + 3 * WORD, words);
	}
	for (; end - i >= WORD; i += WORD)
		store(s, i, words);
	for (; i < end; i++)
		entry_set_store(s, i, value);
}

bool entry_set_all(const struct entry_set *s, uint64_t first, uint64_t count, uint8_t mask)
{
	const uint64_t end = first + count, words = mask * OF_BYTE;
	uint64_t i = first, both = words;

	for (; i < end && i % WORD; i++)
		both &= entry_set_byte(s, i) * OF_BYTE;
	for (; end - i >= FOUR; i += FOUR)
		both &= load(s, i) & load(s, i + WORD) & load(s, i + 2 * WORD) &
			load(s, i + 3 * WORD);
	for (; end - i >= WORD; i += WORD)
		both &= load(s, i);
	for (; i < end; i++)
		both &= entry_set_byte(s, i) * OF_BYTE;
	return both == words;
}

bool entry_set_any(const struct entry_set *s, uint64_t first, uint64_t count)
{
	const uint64_t left = first < s->entries ? s->entries - first : 0;
	const uint64_t end = first + (count < left ? count : left);
	uint64_t i = first, any = 0;

	for (; i < end && i % WORD; i++)
		any |= entry_set_byte(s, i);
	for (; end - i >= FOUR; i += FOUR)
		any |= load(s, i) | load(s, i + WORD) | load(s, i + 2 * WORD) |
		       load(s, i + 3 * WORD);
	for (; end - i >= WORD; i += WORD)
		any |= load(s, i);
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

	for (; i < end && i % WORD; i++)
		sum += entry_set_byte(s, i) != 0;
	for (; end - i >= WORD; i += WORD)
		sum += not_zero(load(s, i));
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
