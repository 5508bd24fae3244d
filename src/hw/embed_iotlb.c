// SPDX-License-Identifier: MIT
/*
 * The IOTLB as a program outside sees it: include/iotoll/iotlb.h over hw/iotlb.h, whose callers are
 * the models and whose arguments are right. Those of others are looked at here.
 */
#include "iotoll/iotlb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/iotlb_hit.h"

struct iotoll_iotlb {
	struct iotlb *inside;
	unsigned line_pages;
	void (*dropped)(void *ctx, uint32_t tag, uint64_t pfn, unsigned order);
	void *dropped_ctx;
};

static bool is_page(uint64_t pfn)
{
	return pfn >> PFN_BITS == 0;
}

static void page_dropped(void *ctx, uint32_t tag, uint64_t pfn)
{
	const struct iotoll_iotlb *t = ctx;

	t->dropped(t->dropped_ctx, tag, pfn, 0);
}

static void large_dropped(void *ctx, uint32_t tag, uint64_t pfn, unsigned order)
{
	const struct iotoll_iotlb *t = ctx;

	t->dropped(t->dropped_ctx, tag, pfn, order);
}

static int create(struct iotoll_iotlb **out, const struct iotoll_iotlb_config *config,
		  struct err *err)
{
	const char *policy = config->policy != NULL ? config->policy : "lru";
	struct iotlb_config geometry = {.entries = config->entries,
					.ways = config->ways,
					.line_pages = config->line_pages,
					.seed = config->seed};
	struct iotoll_iotlb *t;
	int rc;

	if (strlen(policy) >= sizeof(geometry.policy))
		return err_set(err, -EINVAL, "iotlb policy '%s': expected one of the list", policy);
	memcpy(geometry.policy, policy, strlen(policy) + 1);
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return err_set(err, -ENOMEM, "no memory for an iotlb");
	rc = iotlb_create(&t->inside, &geometry, err);
	if (rc != 0) {
		free(t);
		return rc;
	}
	t->line_pages = iotlb_line_pages(t->inside);
	t->dropped = config->dropped;
	t->dropped_ctx = config->dropped_ctx;
	if (t->dropped != NULL) {
		iotlb_on_drop(t->inside, page_dropped, t);
		iotlb_on_drop_large(t->inside, large_dropped, t);
	}
	*out = t;
	return 0;
}

int iotoll_iotlb_create(struct iotoll_iotlb **out, const struct iotoll_iotlb_config *config,
			char *why, size_t why_bytes)
{
	struct err err = {""};
	int rc;

	if (out == NULL)
		return -EINVAL;
	*out = NULL;
	rc = config != NULL ? create(out, config, &err)
			    : err_set(&err, -EINVAL, "iotlb: expected a config");
	if (rc != 0 && why != NULL && why_bytes != 0)
		(void)snprintf(why, why_bytes, "%s", err.text);
	return rc;
}

void iotoll_iotlb_destroy(struct iotoll_iotlb *t)
{
	if (t == NULL)
		return;
	iotlb_destroy(t->inside);
	free(t);
}

bool iotoll_iotlb_lookup(struct iotoll_iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry,
			 unsigned *order)
{
	struct iotlb *const inside = t->inside;
	unsigned covers = 0;
	ptrdiff_t slot = -1;
	uint64_t found = 0;

	if (!is_page(pfn))
		return false;
	if (IOTLB_LIKELY(iotlb_has(inside, IOTLB_FOUR_PLAIN)))
		slot = iotlb_spot(inside, IOTLB_FOUR_PLAIN, tag, pfn, &found);
	if (IOTLB_LIKELY(slot >= 0)) {
		iotlb_spotted(inside, IOTLB_FOUR_PLAIN, slot);
		*entry = found;
	} else if (!iotlb_lookup(inside, tag, pfn, entry, &covers)) {
		return false;
	}
	if (order != NULL)
		*order = covers;
	return true;
}

bool iotoll_iotlb_probe(const struct iotoll_iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry,
			unsigned *order)
{
	unsigned covers = 0;
	const bool held = is_page(pfn) && iotlb_peek(t->inside, tag, pfn, entry, &covers);

	if (held && order != NULL)
		*order = covers;
	return held;
}

int iotoll_iotlb_fill(struct iotoll_iotlb *t, uint32_t tag, uint64_t pfn, const uint64_t *entries)
{
	if (!is_page(pfn))
		return -EINVAL;
	iotlb_insert(t->inside, tag, pfn, entries);
	return 0;
}

int iotoll_iotlb_fill_large(struct iotoll_iotlb *t, uint32_t tag, uint64_t pfn, unsigned order,
			    uint64_t entry)
{
	if (!is_page(pfn) || entry == 0 || order > ORDER_MAX ||
	    UINT64_C(1) << order <= t->line_pages)
		return -EINVAL;
	iotlb_insert_large(t->inside, tag, pfn, order, entry);
	return 0;
}

unsigned iotoll_iotlb_invalidate(struct iotoll_iotlb *t, uint32_t tag, uint64_t first,
				 uint64_t pages)
{
	return iotlb_invalidate_range(t->inside, tag, first, pages);
}

bool iotoll_iotlb_invalidate_page(struct iotoll_iotlb *t, uint32_t tag, uint64_t pfn)
{
	return is_page(pfn) && iotlb_invalidate_page(t->inside, tag, pfn);
}

unsigned iotoll_iotlb_invalidate_tag(struct iotoll_iotlb *t, uint32_t tag)
{
	return iotlb_invalidate_tag(t->inside, tag);
}

void iotoll_iotlb_invalidate_all(struct iotoll_iotlb *t)
{
	iotlb_invalidate_all(t->inside);
}

void iotoll_iotlb_stats(const struct iotoll_iotlb *t, struct iotoll_iotlb_stats *out)
{
	struct iotlb_stats s;

	iotlb_stats(t->inside, &s);
	*out = (struct iotoll_iotlb_stats){.hits = s.hits,
					   .misses = s.misses,
					   .evictions = s.evictions,
					   .invalidated = s.invalidated};
}
