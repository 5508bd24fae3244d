// SPDX-License-Identifier: MIT
/*
 * See atc.h. The cache itself is the one IOTLB of hw/iotlb.h, with a single tag.
 *
 * Decided here:
 *  - a translation without the right that an access needs is asked for again, and what comes
 *    replaces all that was held for its pages;
 *  - an answer without R and W is not held and ends the access; so does CA. UR switches the cache
 *    off, and everything goes untranslated until software switches it on again;
 *  - an answer for less than the smallest unit is not held, and its access goes untranslated;
 *  - U is held like a translation, so that each access does not ask again;
 *  - an invalidation that comes while the cache is off is completed at once: nothing is held;
 *  - N, Exe, Priv and Global of answers mean nothing to it: it has no PASID and always snoops.
 */
#include "hw/atc_impl.h"

#include <errno.h>
#include <stdlib.h>

#define HELD (ATS_ENTRY_R | ATS_ENTRY_W | ATS_ENTRY_U)

static void page_dropped(void *ctx, uint32_t tag, uint64_t pfn)
{
	const struct atc *a = ctx;

	(void)tag;
	if (a->dropped != NULL)
		a->dropped(a->dropped_ctx, pfn, 0);
}

static void block_dropped(void *ctx, uint32_t tag, uint64_t pfn, unsigned order)
{
	const struct atc *a = ctx;

	(void)tag;
	if (a->dropped != NULL)
		a->dropped(a->dropped_ctx, pfn, order);
}

static int check_number(const char *name, unsigned value, unsigned from, unsigned to,
			struct err *err)
{
	if (value >= from && value <= to)
		return 0;
	return err_set(err, -EINVAL, "atc %s %u: expected %u..%u", name, value, from, to);
}

int atc_create(struct atc **out, const struct atc_config *config, struct err *err)
{
	struct atc *a;
	int ret = check_number("depth", config->depth, 1, ATS_TAGS, err);

	if (ret == 0)
		ret = check_number("completions", config->completions, 1, ATS_COMPLETIONS_MAX, err);
	if (ret == 0)
		ret = check_number("ask", config->ask, 1, ATS_REQUEST_MAX, err);
	if (ret == 0 && config->cache.entries != 0)
		ret = check_number("cache.line_pages", config->cache.line_pages, 1, 1, err);
	if (ret != 0)
		return ret;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return err_set(err, -ENOMEM, "no memory for an atc");
	a->config = *config;
	ret = iotlb_create(&a->cache, &config->cache, err);
	if (ret != 0) {
		free(a);
		return ret;
	}
	iotlb_on_drop(a->cache, page_dropped, a);
	iotlb_on_drop_large(a->cache, block_dropped, a);
	*out = a;
	return 0;
}

void atc_destroy(struct atc *a)
{
	if (a == NULL)
		return;
	iotlb_destroy(a->cache);
	free(a);
}

void atc_drop_all(struct atc *a)
{
	iotlb_invalidate_all(a->cache);
	for (struct atc_access *x = a->accesses; x != NULL; x = x->next)
		x->overtaken = x->overtaken || x->asking;
}

/* ---- accesses ---- */

static void in_use(struct atc *a, struct atc_access *x)
{
	x->next = a->accesses;
	a->accesses = x;
}

static void out_of_use(struct atc *a, struct atc_access *x)
{
	struct atc_access **at = &a->accesses;

	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
	x->next = NULL;
}

static uint64_t needed(enum iotoll_access direction)
{
	return direction == IOTOLL_WRITE ? ATS_ENTRY_W : ATS_ENTRY_R;
}

/* @x, in use by now, goes to the block of 2^@log2 bytes at @frame. */
static enum atc_verdict take(struct atc_access *x, uint64_t frame, unsigned log2)
{
	const uint64_t span = ats_span(log2);

	x->using = true;
	x->first = x->iova & ~span;
	x->last = x->iova | span;
	x->paddr = (frame & ~span) | (x->iova & span);
	x->bytes = x->last - x->iova + (x->last - x->iova != UINT64_MAX);
	return ATC_TRANSLATED;
}

static enum atc_verdict ask(struct atc *a, struct atc_access *x)
{
	const unsigned unit = ATS_PAGE_SHIFT + (a->control & ATS_CTRL_STU);

	x->asking = true;
	x->overtaken = false;
	x->first = x->iova & ~ats_span(unit);
	x->last = x->first + ((uint64_t)a->config.ask << unit) - 1;
	if (x->last < x->first)
		x->last = UINT64_MAX;
	return ATC_ASK;
}

enum atc_verdict atc_begin(struct atc *a, struct atc_access *x, uint64_t iova,
			   enum iotoll_access direction)
{
	uint64_t word;
	unsigned order;

	*x = (struct atc_access){.iova = iova, .direction = direction};
	if (!atc_enabled(a)) {
		a->stats.untranslated++;
		return ATC_UNTRANSLATED;
	}
	if (iotlb_lookup(a->cache, 0, iova >> ATS_PAGE_SHIFT, &word, &order)) {
		if ((word & ATS_ENTRY_U) != 0) {
			a->stats.untranslated++;
			return ATC_UNTRANSLATED;
		}
		if ((word & needed(direction)) != 0) {
			a->stats.hits++;
			in_use(a, x);
			return take(x, word & ATS_ADDRESS, ATS_PAGE_SHIFT + order);
		}
		a->stats.upgrades++;
	}
	a->stats.misses++;
	in_use(a, x);
	return ask(a, x);
}

void atc_request(const struct atc *a, const struct atc_access *x, struct ats_request *out)
{
	*out = (struct ats_request){
		.address = x->first,
		.count = a->config.ask,
		.stu = a->control & ATS_CTRL_STU,
		/* It asks for what it may come to need: a receive buffer is read by nobody. */
		.no_write = x->direction == IOTOLL_READ,
	};
}

/* Hold @entry, the answer for the block around @iova. */
static void hold(struct atc *a, uint64_t iova, uint64_t entry, unsigned log2)
{
	const unsigned order = log2 - ATS_PAGE_SHIFT;
	const uint64_t pfn = (iova & ~ats_span(log2)) >> ATS_PAGE_SHIFT;
	const uint64_t word = ats_entry_base(entry) | (entry & HELD);

	if (order > 51) /* everything there is: more than the cache can name */
		return;
	/* Whatever was held for these pages, in whatever size, is no longer the latest answer. */
	(void)iotlb_invalidate_range(a->cache, 0, pfn, UINT64_C(1) << order);
	if (order == 0)
		iotlb_insert(a->cache, 0, pfn, &word);
	else
		iotlb_insert_large(a->cache, 0, pfn, order, word);
}

static bool usable(const struct atc *a, uint64_t entry)
{
	return (entry & (ATS_ENTRY_R | ATS_ENTRY_W)) != 0 &&
	       ats_range_log2(entry, ATS_ENTRY_S) >= ATS_PAGE_SHIFT + (a->control & ATS_CTRL_STU);
}

/* Hold every answer, the first last: nothing that came with it may push it out. */
static void hold_all(struct atc *a, const struct atc_access *x, const struct ats_completion *c)
{
	const unsigned unit = ATS_PAGE_SHIFT + (a->control & ATS_CTRL_STU);

	for (unsigned i = c->count < a->config.ask ? c->count : a->config.ask; i-- != 0;) {
		const uint64_t iova = x->first + ((uint64_t)i << unit);

		if (iova >= x->first && usable(a, c->entry[i]))
			hold(a, iova, c->entry[i], ats_range_log2(c->entry[i], ATS_ENTRY_S));
	}
}

static enum atc_verdict leave(struct atc *a, struct atc_access *x, uint64_t *count,
			      enum atc_verdict verdict)
{
	out_of_use(a, x);
	x->asking = false;
	(*count)++;
	return verdict;
}

static enum atc_verdict answered(struct atc *a, struct atc_access *x,
				 const struct ats_completion *c)
{
	const uint64_t entry = c->entry[0];

	hold_all(a, x, c);
	if (c->count == 0 || (entry & (ATS_ENTRY_R | ATS_ENTRY_W)) == 0)
		return leave(a, x, &a->stats.denied, ATC_DENIED);
	if (!usable(a, entry)) {
		a->stats.malformed++;
		return leave(a, x, &a->stats.untranslated, ATC_UNTRANSLATED);
	}
	if ((entry & ATS_ENTRY_U) != 0)
		return leave(a, x, &a->stats.untranslated, ATC_UNTRANSLATED);
	if ((entry & needed(x->direction)) == 0)
		return leave(a, x, &a->stats.denied, ATC_DENIED);
	x->asking = false;
	return take(x, ats_entry_base(entry), ats_range_log2(entry, ATS_ENTRY_S));
}

enum atc_verdict atc_answer(struct atc *a, struct atc_access *x,
			    const struct ats_completion *completion)
{
	if (!x->asking)
		return ATC_DENIED;
	if (completion->status == ATS_UNSUPPORTED) {
		a->stats.unsupported++;
		a->refused = true;
		atc_drop_all(a);
	}
	if (!atc_enabled(a))
		return leave(a, x, &a->stats.untranslated, ATC_UNTRANSLATED);
	if (x->overtaken) {
		a->stats.overtaken++;
		return ask(a, x);
	}
	if (completion->status == ATS_ABORT) {
		a->stats.aborted++;
		return leave(a, x, &a->stats.denied, ATC_DENIED);
	}
	return answered(a, x, completion);
}

static void completed(struct atc *a, unsigned itag)
{
	a->ready |= UINT32_C(1) << itag;
	a->stats.completions++;
}

void atc_end(struct atc *a, struct atc_access *x)
{
	if (!x->using && !x->asking)
		return;
	out_of_use(a, x);
	x->using = x->asking = false;
	for (unsigned i = 0; x->holds != 0 && i < ATS_TAGS; i++) {
		if ((x->holds >> i & 1) == 0)
			continue;
		if (--a->tag[i].waits == 0)
			completed(a, i);
	}
	x->holds = 0;
}

/* ---- invalidation ---- */

int atc_invalidate(struct atc *a, unsigned itag, uint64_t payload)
{
	const unsigned log2 = ats_range_log2(payload, ATS_INVALIDATE_S);
	const uint64_t first = payload & ATS_ADDRESS & ~ats_span(log2);
	const uint64_t last = first | ats_span(log2);
	unsigned busy = 0;

	if (itag >= ATS_TAGS)
		return -EINVAL;
	if (a->tag[itag].busy)
		return -EBUSY;
	for (unsigned i = 0; i < ATS_TAGS; i++)
		busy += a->tag[i].busy;
	a->stats.overruns += busy >= a->config.depth;
	a->stats.invalidations++;
	a->tag[itag].busy = true;
	a->tag[itag].waits = 0;
	if (log2 == 64)
		iotlb_invalidate_all(a->cache);
	else
		(void)iotlb_invalidate_range(a->cache, 0, first >> ATS_PAGE_SHIFT,
					     ((last - first) >> ATS_PAGE_SHIFT) + 1);
	for (struct atc_access *x = a->accesses; x != NULL; x = x->next) {
		if (x->first > last || x->last < first)
			continue;
		x->overtaken = x->overtaken || x->asking;
		if (!x->using)
			continue;
		x->holds |= UINT32_C(1) << itag;
		a->tag[itag].waits++;
	}
	if (a->tag[itag].waits == 0)
		completed(a, itag);
	else
		a->stats.waited++;
	return 0;
}

uint32_t atc_completed(struct atc *a, unsigned *cc, unsigned *messages)
{
	const uint32_t ready = a->ready;

	for (unsigned i = 0; i < ATS_TAGS; i++)
		if ((ready >> i & 1) != 0)
			a->tag[i].busy = false;
	a->ready = 0;
	*messages = a->config.completions;
	*cc = a->config.completions & 7; /* 0 means 8 */
	return ready;
}

/* ---- watching ---- */

bool atc_peek(const struct atc *a, uint64_t iova, enum iotoll_access direction, uint64_t *paddr)
{
	uint64_t word, span;
	unsigned order;

	if (!atc_enabled(a) || !iotlb_peek(a->cache, 0, iova >> ATS_PAGE_SHIFT, &word, &order) ||
	    (word & ATS_ENTRY_U) != 0 || (word & needed(direction)) == 0)
		return false;
	span = ats_span(ATS_PAGE_SHIFT + order);
	*paddr = (word & ATS_ADDRESS & ~span) | (iova & span);
	return true;
}

void atc_on_drop(struct atc *a, void (*fn)(void *ctx, uint64_t pfn, unsigned order), void *ctx)
{
	a->dropped = fn;
	a->dropped_ctx = ctx;
}

void atc_stats(const struct atc *a, struct atc_stats *out)
{
	*out = a->stats;
}

bool atc_check(const struct atc *a)
{
	unsigned waits[ATS_TAGS] = {0};

	for (const struct atc_access *x = a->accesses; x != NULL; x = x->next) {
		if (x->using == x->asking || x->iova < x->first || x->iova > x->last ||
		    (x->asking && x->holds != 0))
			return false;
		for (unsigned i = 0; i < ATS_TAGS; i++)
			waits[i] += x->holds >> i & 1;
	}
	for (unsigned i = 0; i < ATS_TAGS; i++) {
		const bool ready = (a->ready >> i & 1) != 0;

		if (waits[i] != a->tag[i].waits || (ready && waits[i] != 0) ||
		    a->tag[i].busy != (ready || waits[i] != 0))
			return false;
	}
	return iotlb_check(a->cache);
}
