/* SPDX-License-Identifier: MIT */
/*
 * The next-fit bitmap of the Calgary driver (Linux 2.6.21, pci-calgary.c, iommu_range_alloc() and
 * lib/bitstr.c): one bit per entry, each search begins where the last allocation ended, and a
 * search that finds nothing up to the end of the table starts once more at the bottom. A run that
 * would end on the table's last entry is refused by the driver's search, so that entry is never
 * used; no run goes around the end.
 *
 * The bitmap lies in page frames, so that its words have addresses whose cache lines the layer
 * can be charged for. On the host a word is examined with one count of trailing zeros.
 *
 * Ours: @limit, for devices that cannot drive the whole table's addresses (the driver never
 * asked). A hint beyond it makes the first search fail at once, hence counts as a wrap.
 */
#include <errno.h>

#include "dma/iova/iova.h"

#define WORD_BITS        64u
#define FRAME_BYTES      4096u
#define RESERVATIONS_MAX 32u

struct range {
	uint64_t first, end; /* half open */
};

struct next_fit {
	struct iova base;
	iotoll_phys_t bitmap;
	uint64_t frames;
	uint64_t *words;
	uint64_t hint;
	struct range reservations[RESERVATIONS_MAX];
	unsigned reservation_count;
};

static struct next_fit *next_fit_of(struct iova *a)
{
	return (struct next_fit *)a;
}

static const struct next_fit *next_fit_of_const(const struct iova *a)
{
	return (const struct next_fit *)a;
}

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

/* The first bit in [from, end) that equals @value, or @end. */
static uint64_t next_bit(const uint64_t *words, uint64_t from, uint64_t end, bool value)
{
	const uint64_t flip = value ? 0 : UINT64_MAX;

	while (from < end) {
		const uint64_t word = from / WORD_BITS;
		const uint64_t found = (words[word] ^ flip) & word_mask(word, from, end);

		if (found)
			return word * WORD_BITS + (unsigned)__builtin_ctzll(found);
		from = (word + 1) * WORD_BITS;
	}
	return end;
}

static void touch_words(struct next_fit *n, uint64_t first_word, uint64_t words, bool write)
{
	env_touch(n->base.env,
		  IOTOLL_PHYS(IOTOLL_PHYS_U64(n->bitmap) + first_word * sizeof(uint64_t)),
		  words * sizeof(uint64_t), write);
}

/* A run of @count clear bits in [from, end); true and its start in *@out. */
static bool search(struct next_fit *n, uint64_t from, uint64_t end, uint64_t count, uint64_t *out)
{
	const uint64_t first_word = from / WORD_BITS;
	uint64_t at = from, seen = from; /* seen: the furthest bit looked at */
	bool found = false;

	while (at < end) {
		at = next_bit(n->words, at, end, false);
		seen = at < end ? at : end - 1;
		if (at == end || count > end - at)
			break;
		seen = next_bit(n->words, at, at + count, true);
		if (seen == at + count) {
			seen--;
			found = true;
			break;
		}
		at = seen + 1;
	}
	if (from < end) {
		const uint64_t words = seen / WORD_BITS - first_word + 1;

		n->base.words_searched += words;
		env_work(n->base.env, DMA_WORK_BITMAP_WORD, words);
		touch_words(n, first_word, words, false);
	}
	*out = at;
	return found;
}

static void set_bits(struct next_fit *n, uint64_t first, uint64_t end, bool value)
{
	for (uint64_t word = first / WORD_BITS; word * WORD_BITS < end; word++) {
		const uint64_t mask = word_mask(word, first, end);

		if (value)
			n->words[word] |= mask;
		else
			n->words[word] &= ~mask;
	}
}

static int next_fit_alloc(struct iova *a, const struct iova_want *want, uint64_t *out)
{
	struct next_fit *n = next_fit_of(a);
	const uint64_t count = want->count;
	const uint64_t end = want->limit < a->entries ? want->limit : a->entries - 1;
	uint64_t first;

	if (!search(n, n->hint, end, count, &first)) {
		a->wraps++;
		a->wrapped(a->ctx);
		if (!search(n, 0, end, count, &first))
			return -ENOSPC;
	}
	set_bits(n, first, first + count, true);
	touch_words(n, first / WORD_BITS, (first + count - 1) / WORD_BITS - first / WORD_BITS + 1,
		    true);
	n->hint = first + count;
	a->live += count;
	*out = first;
	return 0;
}

static bool meets_reservation(const struct next_fit *n, uint64_t first, uint64_t end)
{
	for (unsigned i = 0; i < n->reservation_count; i++)
		if (first < n->reservations[i].end && n->reservations[i].first < end)
			return true;
	return false;
}

static bool next_fit_owns(const struct iova *a, uint64_t first, uint64_t count)
{
	const struct next_fit *n = next_fit_of_const(a);

	if (count == 0 || first >= a->entries || count > a->entries - first)
		return false;
	return !meets_reservation(n, first, first + count) &&
	       next_bit(n->words, first, first + count, false) == first + count;
}

static void next_fit_free(struct iova *a, uint64_t first, uint64_t count)
{
	struct next_fit *n = next_fit_of(a);

	set_bits(n, first, first + count, false);
	touch_words(n, first / WORD_BITS, (first + count - 1) / WORD_BITS - first / WORD_BITS + 1,
		    true);
	a->live -= count;
}

static int next_fit_reserve(struct iova *a, uint64_t first, uint64_t count)
{
	struct next_fit *n = next_fit_of(a);
	uint64_t end;

	if (first >= a->entries || count == 0)
		return 0;
	if (n->reservation_count == RESERVATIONS_MAX)
		return -ENOSPC;
	/* The driver clips the end but then uses the unclipped count; that is not imitated. */
	end = count > a->entries - first ? a->entries : first + count;
	for (uint64_t i = first; i < end; i++)
		if (next_bit(n->words, i, i + 1, false) == i)
			a->reserved++;
	set_bits(n, first, end, true);
	n->reservations[n->reservation_count++] = (struct range){first, end};
	return 0;
}

static bool next_fit_usable_below(const struct iova *a, uint64_t limit)
{
	const struct next_fit *n = next_fit_of_const(a);
	const uint64_t end = limit < a->entries ? limit : a->entries - 1;

	/* The first free entry is 0 or follows a reservation. */
	if (end > 0 && !meets_reservation(n, 0, 1))
		return true;
	for (unsigned i = 0; i < n->reservation_count; i++) {
		const uint64_t at = n->reservations[i].end;

		if (at < end && !meets_reservation(n, at, at + 1))
			return true;
	}
	return false;
}

static bool next_fit_check(const struct iova *a)
{
	const struct next_fit *n = next_fit_of_const(a);
	const uint64_t last = a->entries - 1;
	uint64_t set = 0;

	for (uint64_t i = 0; i < a->entries; i++)
		set += next_bit(n->words, i, i + 1, true) == i;
	if (set != a->live + a->reserved || n->hint > a->entries)
		return false;
	for (unsigned i = 0; i < n->reservation_count; i++) {
		const struct range *r = &n->reservations[i];

		if (next_bit(n->words, r->first, r->end, false) != r->end)
			return false;
	}
	return meets_reservation(n, last, last + 1) ||
	       next_bit(n->words, last, last + 1, true) != last;
}

static void next_fit_destroy(struct iova *a)
{
	struct next_fit *n = next_fit_of(a);

	env_free_pages(a->env, n->bitmap, n->frames);
	free(n);
}

static int next_fit_create(struct iova **out, struct dma_env *env, const struct iova_config *config)
{
	struct next_fit *n = calloc(1, sizeof(*n));
	const uint64_t words = (config->entries + WORD_BITS - 1) / WORD_BITS;
	const uint64_t frames = (words * sizeof(uint64_t) + FRAME_BYTES - 1) / FRAME_BYTES;

	if (!n)
		return -ENOMEM;
	if (env_alloc_pages(env, frames, FRAME_BYTES, 0, &n->bitmap)) {
		free(n);
		return -ENOMEM;
	}
	n->base = (struct iova){.env = env, .entries = config->entries};
	n->frames = frames;
	n->hint = config->start_hint;
	n->words = env_ptr(env, n->bitmap, frames * FRAME_BYTES);
	for (uint64_t i = 0; i < frames * FRAME_BYTES / sizeof(uint64_t); i++)
		n->words[i] = 0;
	*out = &n->base;
	return 0;
}

const struct iova_ops next_fit_ops = {
	.name = "next-fit",
	.title = "next-fit bitmap, as the Calgary driver of Linux 2.6.21",
	.wraps = true,
	.create = next_fit_create,
	.destroy = next_fit_destroy,
	.reserve = next_fit_reserve,
	.alloc = next_fit_alloc,
	.owns = next_fit_owns,
	.free = next_fit_free,
	.usable_below = next_fit_usable_below,
	.check = next_fit_check,
};
