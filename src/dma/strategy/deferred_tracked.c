/* SPDX-License-Identifier: MIT */
/*
 * Deferred, with the roll-around gap closed: flush exactly when an entry is about to be reused
 * that was freed since the last flush, wherever the allocator's hint is. A flush cannot cover
 * what is mapped at that moment, so flushes come one lap less what is in flight apart, where plain
 * deferred has one a lap. A full table flushes never: a search that finds nothing reuses
 * nothing. The repair is ours.
 *
 * What was freed is kept as one word for 32 entries: a bit for each, and above them the number
 * of the flush epoch in which those bits were set. Bits of an older epoch count as clear, so a
 * flush forgets everything at once by beginning the next epoch instead of wiping the words. The
 * words lie in page frames and are charged for like the allocator's bitmap. With split locks they
 * have one of their own, over the flush as well, or what is freed during it would be forgotten with
 * what it covers.
 */
#include <errno.h>

#include "dma/domain.h"

#define FRAME_BYTES  4096u
#define WORD_ENTRIES 32u
#define EPOCH_SHIFT  32u
#define FIRST_EPOCH  1u

struct tracked {
	iotoll_phys_t paddr;
	uint64_t frames;
	uint64_t count; /* words */
	uint64_t *words;
	uint32_t epoch;
};

static void forget_all(struct tracked *t)
{
	for (uint64_t i = 0; i < t->count; i++)
		t->words[i] = 0;
	t->epoch = FIRST_EPOCH;
}

/* Charge for the words that hold [first, first + count). */
static void touch(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count, bool write)
{
	const struct tracked *t = domain->strategy_data;
	const uint64_t word = first / WORD_ENTRIES;
	const uint64_t words = (first + count - 1) / WORD_ENTRIES - word + 1;

	env_work(domain->env, DMA_WORK_BITMAP_WORD, words);
	env_touch(domain->env, IOTOLL_PHYS(IOTOLL_PHYS_U64(t->paddr) + word * sizeof(uint64_t)),
		  words * sizeof(uint64_t), write);
}

/* The bits of @word that lie in [first, end), which must meet it. */
static uint64_t bits_of(uint64_t word, uint64_t first, uint64_t end)
{
	const uint64_t base = word * WORD_ENTRIES;
	const uint64_t lo = first > base ? first - base : 0;
	const uint64_t hi = end - base < WORD_ENTRIES ? end - base : WORD_ENTRIES;

	return ((UINT64_C(1) << hi) - 1) & ~((UINT64_C(1) << lo) - 1);
}

static bool tracked_cleared(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count)
{
	struct tracked *t = domain->strategy_data;
	const uint64_t end = first + count;

	locks_take(&domain->strategy_locks, 0);
	touch(domain, first, count, true);
	for (uint64_t i = first / WORD_ENTRIES; i * WORD_ENTRIES < end; i++) {
		if (t->words[i] >> EPOCH_SHIFT != t->epoch)
			t->words[i] = (uint64_t)t->epoch << EPOCH_SHIFT;
		t->words[i] |= bits_of(i, first, end);
	}
	locks_release(&domain->strategy_locks, 0);
	return true;
}

/* Is one of them marked in this epoch? */
static bool is_marked(struct tracked *t, uint64_t first, uint64_t end)
{
	for (uint64_t i = first / WORD_ENTRIES; i * WORD_ENTRIES < end; i++)
		if (t->words[i] >> EPOCH_SHIFT == t->epoch &&
		    (t->words[i] & bits_of(i, first, end)) != 0)
			return true;
	return false;
}

static void tracked_allocated(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count)
{
	struct tracked *t = domain->strategy_data;

	locks_take(&domain->strategy_locks, 0);
	touch(domain, first, count, false);
	if (is_marked(t, first, first + count)) {
		domain_flush_for_reuse(domain);
		if (t->epoch == UINT32_MAX)
			forget_all(t);
		else
			t->epoch++;
	}
	locks_release(&domain->strategy_locks, 0);
}

static void tracked_destroy(struct iotoll_dma_domain *domain)
{
	struct tracked *t = domain->strategy_data;

	env_free_pages(domain->env, t->paddr, t->frames);
	free(t);
}

static int tracked_create(struct iotoll_dma_domain *domain)
{
	struct tracked *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return -ENOMEM;
	t->count = (domain->driver->entries + WORD_ENTRIES - 1) / WORD_ENTRIES;
	t->frames = (t->count * sizeof(uint64_t) + FRAME_BYTES - 1) / FRAME_BYTES;
	rc = env_alloc_pages(domain->env, t->frames, FRAME_BYTES, 0, &t->paddr);
	if (rc) {
		free(t);
		return -ENOMEM;
	}
	t->words = env_ptr(domain->env, t->paddr, t->frames * FRAME_BYTES);
	forget_all(t);
	domain->strategy_data = t;
	if (domain->split && locks_init(&domain->strategy_locks, domain->env, 1, true)) {
		tracked_destroy(domain);
		return -ENOMEM;
	}
	return 0;
}

const struct strategy_ops deferred_tracked_ops = {
	.name = "deferred-tracked",
	.title = "flush the IOTLB before an entry freed since the last flush is reused",
	.does = "As deferred, but the IOTLB is flushed whenever an entry freed since the last "
		"flush "
		"is about to be used again, wherever the allocator stands.",
	.protects = "No address leads to a former owner's page once it has a new one.",
	.gives_up =
		"An unmapped page can be reached for as long as the IOTLB holds it, at most until "
		"its address is used again.",
	.source = "our repair of \"The Price of Safety\" (OLS 2007), section 4.1",
	.translates = true,
	.overlaps = true,
	.threads = true,
	.create = tracked_create,
	.destroy = tracked_destroy,
	.allocated = tracked_allocated,
	.cleared = tracked_cleared,
};
