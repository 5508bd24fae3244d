// SPDX-License-Identifier: MIT
/*
 * A thread's own cache of translations: see include/iotoll/translator.h for what it promises and
 * hw/shared.h for how it learns of invalidations.
 *
 * An entry is half a cache line. A hit reads the hint which of four it is, the entry, one time of
 * the page's and one of the tag's, and writes nothing but its own count; nothing is kept about the
 * order of use, as that would be a store for each hit: replacement is by turns. Lines and large
 * pages are named as in hw/iotlb_impl.h.
 *
 * Why a hit is right without a lock: the times are stored before an invalidation is complete and
 * are never taken back, so whoever begins after it, in the order the threads have, reads the new
 * ones. A fill takes its time under the lock that invalidations hold, together with the answer.
 */
#include "iotoll/translator.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include "hw/range.h"
#include "hw/shared.h"

#define WAYS 4u
/* So that lines of one set seldom share a hint. */
#define HINTS_PER_ENTRY 4u
#define ENTRIES_MAX     65536u
#define PAGE_SHIFT      12
#define PAGE_BYTES      (UINT64_C(1) << PAGE_SHIFT)
/* A line is a page number, or that of a large page with its order above; see iotlb_impl.h. */
#define LINE_EMPTY  UINT64_MAX
#define ORDER_SHIFT 58
/* A word is the block's frame and, in its low bits, the rights. */
#define RIGHTS ((uint64_t)(IOTOLL_READ | IOTOLL_WRITE))

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NOINLINE      __attribute__((noinline))
#define LIKELY(x)     __builtin_expect(x, 1)

struct entry {
	alignas(32) uint64_t line;
	uint64_t word;
	uint64_t time; /* of the fill */
};

struct iotoll_translator {
	/* What a hit reads. */
	struct entry *entry; /* [set_mask + 1][WAYS] */
	uint64_t set_mask;
	uint8_t *hint; /* [hint_mask + 1] by line: the way it is likely to be in */
	uint64_t hint_mask;
	const struct iommu_shared *shared;
	const struct shared_scope *scope; /* of @tag */
	uint64_t mix;
	uint64_t orders; /* bit n: large pages of this order were filled in */
	unsigned turn;   /* the way to replace next */
	struct iommu *iommu;
	struct iotoll_source source;
	uint32_t tag; /* of all that is held */
	/* Written by its own thread, read by whoever asks for statistics. */
	alignas(64) atomic_uint_least64_t hits;
	atomic_uint_least64_t misses, dropped;
	/* Odd while a transaction is under way. */
	alignas(64) atomic_uint_least64_t transaction;
	pthread_mutex_t transaction_lock; /* held during one, where membarrier(2) is refused */
	struct iotoll_translator *next;   /* under the IOMMU's list_lock */
};

/* One writer: no read-modify-write is needed. */
static ALWAYS_INLINE void count(atomic_uint_least64_t *n)
{
	atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

static ALWAYS_INLINE uint64_t time_at(const atomic_uint_least64_t *at)
{
	return atomic_load_explicit(at, memory_order_relaxed);
}

/* ---- hits ---- */

static ALWAYS_INLINE struct entry *set_of(const struct iotoll_translator *t, uint64_t line)
{
	return &t->entry[(line & t->set_mask) * WAYS];
}

/* The entry of @line, if it is where the hint says. */
static ALWAYS_INLINE struct entry *likely(const struct iotoll_translator *t, uint64_t line)
{
	return &set_of(t, line)[t->hint[line & t->hint_mask]];
}

/* The entry of @line, wherever in its set, and the hint for the next time; or NULL. */
static struct entry *search(struct iotoll_translator *t, uint64_t line)
{
	struct entry *set = set_of(t, line);

	for (unsigned way = 0; way < WAYS; way++)
		if (set[way].line == line) {
			t->hint[line & t->hint_mask] = (uint8_t)way;
			return &set[way];
		}
	return NULL;
}

static ALWAYS_INLINE bool page_is_fresh(const struct iotoll_translator *t, uint64_t pfn,
					uint64_t filled)
{
	return time_at(&t->shared->page[shared_page_of(t->mix, pfn)]) <= filled &&
	       time_at(&t->scope->flushed) <= filled;
}

static bool block_is_fresh(const struct iotoll_translator *t, uint64_t pfn, unsigned order,
			   uint64_t filled)
{
	const uint64_t of_pages =
		order <= SHARED_REGION_ORDER
			? time_at(&t->shared->region[shared_region_of(t->mix, pfn)])
			: time_at(&t->scope->paged);

	return of_pages <= filled && time_at(&t->scope->flushed) <= filled;
}

static ALWAYS_INLINE void give(uint64_t word, uint64_t iova, uint64_t block,
			       struct iotoll_xlat *out)
{
	const uint64_t offset = iova & (block - 1);

	*out = (struct iotoll_xlat){
		.paddr = (word & ~RIGHTS) | offset, .bytes = block - offset, .hit = true};
}

/* The large page around @iova, if one is held that grants @access. */
static NOINLINE bool hit_large(struct iotoll_translator *t, uint64_t iova,
			       enum iotoll_access access, struct iotoll_xlat *out)
{
	const uint64_t pfn = iova >> PAGE_SHIFT;

	for (uint64_t left = t->orders; left != 0; left &= left - 1) {
		const unsigned order = (unsigned)__builtin_ctzll(left);
		const uint64_t line = pfn >> order | (uint64_t)order << ORDER_SHIFT;
		const struct entry *e = search(t, line);

		if (e == NULL)
			continue;
		if (!block_is_fresh(t, pfn, order, e->time)) {
			count(&t->dropped);
			continue;
		}
		if ((e->word & access) == 0)
			return false;
		give(e->word, iova, PAGE_BYTES << order, out);
		count(&t->hits);
		return true;
	}
	return false;
}

/* ---- misses ---- */

static void empty(struct iotoll_translator *t)
{
	for (size_t i = 0; i < (t->set_mask + 1) * WAYS; i++)
		t->entry[i].line = LINE_EMPTY;
	t->orders = 0;
}

/*
 * What is held is of one tag, the requester's domain. Another one means that software has moved the
 * requester elsewhere, perhaps without an invalidation: nothing of before may answer any more.
 */
static void take_tag(struct iotoll_translator *t, uint32_t tag)
{
	if (tag == t->tag && t->scope != NULL)
		return;
	empty(t);
	t->tag = tag;
	t->scope = &t->shared->scope[shared_scope_of(tag)];
	t->mix = shared_mix_of(tag);
}

/* Where to put @line: over itself, into an empty entry, else by turns. */
static struct entry *entry_for(struct iotoll_translator *t, uint64_t line)
{
	struct entry *e = search(t, line);

	if (e == NULL)
		e = set_of(t, line);
	else
		return e;
	for (unsigned way = 0; way < WAYS; way++)
		if (e[way].line == LINE_EMPTY)
			return &e[way];
	return &e[t->turn++ % WAYS];
}

/* Hold what the IOMMU's caches hold of @iova now. With the lock. */
static void fill(struct iotoll_translator *t, uint64_t iova)
{
	const struct iommu_ops *model = t->shared->model;
	struct iommu_held held;
	struct entry *e;
	uint64_t line;

	if (model->held == NULL || !model->held(t->iommu, t->source, iova, &held))
		return;
	take_tag(t, held.tag);
	line = iova >> PAGE_SHIFT >> held.order | (uint64_t)held.order << ORDER_SHIFT;
	e = entry_for(t, line);
	*e = (struct entry){line, held.frame | held.rights, t->shared->clock};
	t->hint[line & t->hint_mask] = (uint8_t)(e - set_of(t, line));
	if (held.order != 0)
		t->orders |= UINT64_C(1) << held.order;
}

/* Does @e grant an @access of page @pfn, and has nothing been invalidated since? */
static ALWAYS_INLINE bool answers(struct iotoll_translator *t, const struct entry *e, uint64_t pfn,
				  enum iotoll_access access)
{
	if (!LIKELY(e->line == pfn && (e->word & access) != 0 && access <= IOTOLL_WRITE))
		return false;
	return LIKELY(page_is_fresh(t, pfn, e->time));
}

static NOINLINE int ask(struct iotoll_translator *t, uint64_t iova, enum iotoll_access access,
			struct iotoll_xlat *out)
{
	int ret;

	count(&t->misses);
	iommu_lock(t->iommu);
	ret = t->shared->model->translate(t->iommu, t->source, iova, access, out);
	if (ret == 0 && !out->bypass)
		fill(t, iova);
	iommu_unlock(t->iommu);
	return ret;
}

/* Not where the hint says, or no longer: all that is held, then the IOMMU. */
static NOINLINE int look_further(struct iotoll_translator *t, uint64_t iova,
				 enum iotoll_access access, struct iotoll_xlat *out)
{
	const uint64_t pfn = iova >> PAGE_SHIFT;
	const struct entry *e = search(t, pfn);

	if (e != NULL && answers(t, e, pfn, access)) {
		give(e->word, iova, PAGE_BYTES, out);
		count(&t->hits);
		return 0;
	}
	if (e != NULL && !page_is_fresh(t, pfn, e->time))
		count(&t->dropped);
	if (t->orders != 0 && (access == IOTOLL_READ || access == IOTOLL_WRITE) &&
	    hit_large(t, iova, access, out))
		return 0;
	return ask(t, iova, access, out);
}

static ALWAYS_INLINE int translate(struct iotoll_translator *t, uint64_t iova,
				   enum iotoll_access access, struct iotoll_xlat *out)
{
	const uint64_t pfn = iova >> PAGE_SHIFT;
	const struct entry *e = likely(t, pfn);

	if (!LIKELY(answers(t, e, pfn, access)))
		return look_further(t, iova, access, out);
	give(e->word, iova, PAGE_BYTES, out);
	count(&t->hits);
	return 0;
}

int iotoll_translator_translate(struct iotoll_translator *t, uint64_t iova,
				enum iotoll_access access, struct iotoll_xlat *out)
{
	return translate(t, iova, access, out);
}

static int translate_one(void *t, uint64_t iova, enum iotoll_access access, struct iotoll_xlat *out)
{
	return translate(t, iova, access, out);
}

int iotoll_translator_translate_range(struct iotoll_translator *t, uint64_t iova, uint64_t bytes,
				      enum iotoll_access access, struct iotoll_piece *pieces,
				      unsigned *count, uint64_t *done)
{
	const struct range range = {iova, bytes, access};

	return range_translate(&range, pieces, count, done, translate_one, t);
}

/* ---- transactions ---- */

/*
 * The transaction's mark must be seen by whoever stores an invalidation's time and then looks for
 * marks, or else the transaction must see that time. A full barrier between the mark and what
 * follows would do; it is the other side that makes this thread execute one, by membarrier(2).
 */
void iotoll_translator_begin(struct iotoll_translator *t)
{
	if (!t->shared->expedited) {
		(void)pthread_mutex_lock(&t->transaction_lock);
		return;
	}
	count(&t->transaction);
	atomic_signal_fence(memory_order_seq_cst);
}

void iotoll_translator_end(struct iotoll_translator *t)
{
	const uint64_t n = atomic_load_explicit(&t->transaction, memory_order_relaxed);

	if (!t->shared->expedited)
		(void)pthread_mutex_unlock(&t->transaction_lock);
	else
		atomic_store_explicit(&t->transaction, n + 1, memory_order_release);
}

/* Wait for the transaction of @t that is under way, if one is. */
static void outlast(struct iotoll_translator *t)
{
	const uint64_t n = atomic_load_explicit(&t->transaction, memory_order_acquire);

	if (!t->shared->expedited) {
		(void)pthread_mutex_lock(&t->transaction_lock);
		(void)pthread_mutex_unlock(&t->transaction_lock);
		return;
	}
	while (n % 2 != 0 && atomic_load_explicit(&t->transaction, memory_order_acquire) == n)
		(void)sched_yield();
}

int iotoll_iommu_drain(struct iotoll_iommu *iommu)
{
	struct iommu_shared *s = iommu ? ((struct iommu *)iommu)->shared : NULL;

	if (s == NULL)
		return -EINVAL;
	if (s->expedited)
		(void)syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
	(void)pthread_mutex_lock(&s->list_lock);
	for (struct iotoll_translator *t = s->translators; t != NULL; t = t->next)
		outlast(t);
	(void)pthread_mutex_unlock(&s->list_lock);
	return 0;
}

/* ---- set up ---- */

static void release(struct iotoll_translator *t)
{
	free(t->entry);
	free(t->hint);
	free(t);
}

int iotoll_translator_create(struct iotoll_translator **out, struct iotoll_iommu *iommu,
			     struct iotoll_source source, unsigned entries)
{
	struct iommu_shared *s;
	struct iotoll_translator *t;

	if (out == NULL)
		return -EINVAL;
	*out = NULL;
	if (iommu == NULL || ((struct iommu *)iommu)->shared == NULL || entries < WAYS ||
	    entries > ENTRIES_MAX || (entries & (entries - 1)) != 0)
		return -EINVAL;
	s = ((struct iommu *)iommu)->shared;
	t = aligned_alloc(alignof(struct iotoll_translator), sizeof(*t));
	if (t == NULL)
		return -ENOMEM;
	memset(t, 0, sizeof(*t));
	t->set_mask = entries / WAYS - 1;
	t->hint_mask = (uint64_t)entries * HINTS_PER_ENTRY - 1;
	t->entry = aligned_alloc(64, entries * sizeof(*t->entry));
	t->hint = calloc(t->hint_mask + 1, sizeof(*t->hint));
	if (t->entry == NULL || t->hint == NULL ||
	    pthread_mutex_init(&t->transaction_lock, NULL) != 0) {
		release(t);
		return -ENOMEM;
	}
	t->shared = s;
	t->iommu = (struct iommu *)iommu;
	t->source = source;
	take_tag(t, 0);
	(void)pthread_mutex_lock(&s->list_lock);
	t->next = s->translators;
	s->translators = t;
	(void)pthread_mutex_unlock(&s->list_lock);
	*out = t;
	return 0;
}

void iotoll_translator_destroy(struct iotoll_translator *t)
{
	struct iotoll_translator **at;
	struct iommu_shared *s;

	if (t == NULL)
		return;
	s = t->iommu->shared;
	(void)pthread_mutex_lock(&s->list_lock);
	for (at = &s->translators; *at != t; at = &(*at)->next)
		;
	*at = t->next;
	(void)pthread_mutex_unlock(&s->list_lock);
	(void)pthread_mutex_destroy(&t->transaction_lock);
	release(t);
}

void iotoll_translator_stats(const struct iotoll_translator *t, struct iotoll_translator_stats *out)
{
	*out = (struct iotoll_translator_stats){
		.hits = time_at(&t->hits),
		.misses = time_at(&t->misses),
		.dropped = time_at(&t->dropped),
	};
}
