// SPDX-License-Identifier: MIT
/*
 * The IOTLB: sets of ways kept field by field, so that a lookup scans consecutive line numbers.
 * A line number is the page number without the bits that pick a page within the line; its low
 * bits pick the set. A large page is kept by its own number with its order above it, so the same
 * scan finds it; orders that nobody holds are not looked for. Replacement is the policy's affair
 * (hw/policy.h); empty ways are filled first, lowest first.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/iotlb_impl.h"
#include "hw/policy.h"

static bool power_of_two(unsigned n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

static int check_config(const struct iotlb_config *c, struct err *err)
{
	char names[200];

	if (c->entries > IOTLB_MAX_ENTRIES)
		return err_set(err, -EINVAL, "iotlb entries %u: expected 0..%u", c->entries,
			       IOTLB_MAX_ENTRIES);
	if (c->entries == 0)
		return 0;
	if (c->ways > c->entries || (c->ways != 0 && c->entries % c->ways != 0))
		return err_set(err, -EINVAL,
			       "iotlb ways %u: expected 0 (fully associative) or a divisor of the "
			       "%u entries",
			       c->ways, c->entries);
	if (c->ways != 0 && !power_of_two(c->entries / c->ways))
		return err_set(err, -EINVAL,
			       "iotlb entries %u in %u ways make %u sets: expected a power of two",
			       c->entries, c->ways, c->entries / c->ways);
	if (!power_of_two(c->line_pages) || c->line_pages > IOTLB_MAX_LINE_PAGES)
		return err_set(err, -EINVAL, "iotlb line_pages %u: expected 1, 2, 4, 8 or 16",
			       c->line_pages);
	if (memchr(c->policy, '\0', sizeof(c->policy)) != NULL && policy_find(c->policy) != NULL)
		return 0;
	policy_names(names, sizeof(names));
	return err_set(err, -EINVAL, "iotlb policy '%.*s': expected one of %s",
		       (int)sizeof(c->policy), c->policy, names);
}

static int allocate(struct iotlb *t)
{
	size_t n = t->entries;

	t->line = malloc(n * sizeof(*t->line));
	t->tag = calloc(n, sizeof(*t->tag));
	t->stamp = calloc(n, sizeof(*t->stamp));
	t->entry = calloc(n * t->line_pages, sizeof(*t->entry));
	if (t->line == NULL || t->tag == NULL || t->stamp == NULL || t->entry == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		t->line[i] = LINE_EMPTY;
	return 0;
}

int iotlb_create(struct iotlb **out, const struct iotlb_config *config, struct err *err)
{
	struct iotlb *t;
	int ret = check_config(config, err);

	if (ret != 0)
		return ret;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return err_set(err, -ENOMEM, "no memory for an iotlb");
	t->line_pages = 1;
	if (config->entries != 0) {
		t->policy = policy_find(config->policy);
		t->entries = config->entries;
		t->ways = config->ways != 0 ? config->ways : config->entries;
		t->sets = t->entries / t->ways;
		t->line_pages = config->line_pages;
		t->line_shift = (unsigned)__builtin_ctz(config->line_pages);
		rng_seed(&t->rng, config->seed);
		ret = allocate(t);
		if (ret != 0) {
			iotlb_destroy(t);
			return err_set(err, ret, "no memory for an iotlb of %u entries",
				       config->entries);
		}
	}
	*out = t;
	return 0;
}

void iotlb_destroy(struct iotlb *t)
{
	if (t == NULL)
		return;
	free(t->line);
	free(t->tag);
	free(t->stamp);
	free(t->entry);
	free(t);
}

void iotlb_on_drop(struct iotlb *t, void (*fn)(void *ctx, uint32_t tag, uint64_t pfn), void *ctx)
{
	t->drop = fn;
	t->drop_ctx = ctx;
}

void iotlb_on_drop_large(struct iotlb *t,
			 void (*fn)(void *ctx, uint32_t tag, uint64_t pfn, unsigned order),
			 void *ctx)
{
	t->drop_large = fn;
	t->drop_large_ctx = ctx;
}

/* The slot that answers for @pfn with *@entry, or -1. */
static inline ptrdiff_t find_page(const struct iotlb *t, uint32_t tag, uint64_t pfn,
				  uint64_t *entry)
{
	ptrdiff_t slot;

	assert(pfn >> PFN_BITS == 0);
	slot = find(t, tag, pfn >> t->line_shift);
	if (slot >= 0) {
		uint64_t found = held_entry(t, (size_t)slot, pfn);

		if (found != 0) {
			*entry = found;
			return slot;
		}
	}
	if (t->orders == 0)
		return -1;
	slot = iotlb_find_large(t, tag, pfn);
	if (slot >= 0)
		*entry = slot_entries(t, (size_t)slot)[0];
	return slot;
}

static inline bool look_up(struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry,
			   size_t *found)
{
	ptrdiff_t slot = find_page(t, tag, pfn, entry);
	size_t base;

	t->clock++;
	if (slot < 0) {
		t->stats.misses++;
		return false;
	}
	t->stats.hits++;
	base = set_base(t, t->line[slot]);
	t->policy->touch(&t->stamp[base], t->ways, (unsigned)((size_t)slot - base), t->clock);
	*found = (size_t)slot;
	return true;
}

bool iotlb_access(struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry)
{
	size_t slot;

	return look_up(t, tag, pfn, entry, &slot);
}

bool iotlb_lookup(struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry, unsigned *order)
{
	size_t slot;

	if (!look_up(t, tag, pfn, entry, &slot))
		return false;
	*order = line_order(t->line[slot]);
	return true;
}

bool iotlb_probe(const struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry)
{
	return find_page(t, tag, pfn, entry) >= 0;
}

bool iotlb_peek(const struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry, unsigned *order)
{
	ptrdiff_t slot = find_page(t, tag, pfn, entry);

	if (slot < 0)
		return false;
	*order = line_order(t->line[slot]);
	return true;
}

uint64_t iotlb_line_first(const struct iotlb *t, uint64_t pfn)
{
	return pfn >> t->line_shift << t->line_shift;
}

unsigned iotlb_line_pages(const struct iotlb *t)
{
	return t->line_pages;
}

/* Put @entries over what @slot holds of the same line; tell of each page whose entry went. */
static void refill(struct iotlb *t, size_t slot, const uint64_t *entries)
{
	uint64_t first = t->line[slot] << t->line_shift;
	uint64_t *held = slot_entries(t, slot);

	for (unsigned i = 0; i < t->line_pages; i++) {
		uint64_t old = held[i];

		held[i] = entries[i];
		if (old != 0 && old != entries[i] && t->drop != NULL)
			t->drop(t->drop_ctx, t->tag[slot], first + i);
	}
}

/* A slot of the set at @base to fill: an empty one if there is, else the policy's victim. */
static size_t make_room(struct iotlb *t, size_t base)
{
	size_t slot;

	for (slot = base; slot < base + t->ways; slot++)
		if (t->line[slot] == LINE_EMPTY)
			return slot;
	slot = base + t->policy->victim(&t->stamp[base], t->ways, rng_u64(&t->rng));
	t->stats.evictions++;
	iotlb_drop_slot(t, slot);
	return slot;
}

void iotlb_insert(struct iotlb *t, uint32_t tag, uint64_t pfn, const uint64_t *entries)
{
	uint64_t line = pfn >> t->line_shift;
	ptrdiff_t held = find(t, tag, line);
	size_t base, slot;

	if (t->entries == 0)
		return;
	if (iotlb_all_zero(entries, t->line_pages)) {
		if (held >= 0)
			iotlb_invalidate(t, tag, pfn);
		return;
	}
	base = set_base(t, line);
	t->clock++;
	if (held >= 0) {
		slot = (size_t)held;
		refill(t, slot, entries);
		t->policy->touch(&t->stamp[base], t->ways, (unsigned)(slot - base), t->clock);
		return;
	}
	slot = make_room(t, base);
	t->line[slot] = line;
	t->tag[slot] = tag;
	memcpy(slot_entries(t, slot), entries, t->line_pages * sizeof(*entries));
	t->valid++;
	t->policy->fill(&t->stamp[base], t->ways, (unsigned)(slot - base), t->clock);
}

void iotlb_insert_large(struct iotlb *t, uint32_t tag, uint64_t pfn, unsigned order, uint64_t entry)
{
	uint64_t line = large_line(pfn, order);
	ptrdiff_t held;
	size_t base, slot;

	assert(order <= ORDER_MAX && (order > t->line_shift || t->line_pages == 1) && entry != 0);
	if (t->entries == 0)
		return;
	if (order == 0) {
		iotlb_insert(t, tag, pfn, &entry);
		return;
	}
	held = find(t, tag, line);
	base = set_base(t, line);
	t->clock++;
	if (held >= 0) {
		uint64_t old = slot_entries(t, (size_t)held)[0];

		slot_entries(t, (size_t)held)[0] = entry;
		if (old != entry)
			iotlb_tell_large(t, tag, pfn >> order << order, order);
		t->policy->touch(&t->stamp[base], t->ways, (unsigned)((size_t)held - base),
				 t->clock);
		return;
	}
	slot = make_room(t, base);
	t->line[slot] = line;
	t->tag[slot] = tag;
	memset(slot_entries(t, slot), 0, t->line_pages * sizeof(entry));
	slot_entries(t, slot)[0] = entry;
	t->valid++;
	t->held[order]++;
	t->orders |= (uint64_t)1 << order;
	t->policy->fill(&t->stamp[base], t->ways, (unsigned)(slot - base), t->clock);
}

void iotlb_stats(const struct iotlb *t, struct iotlb_stats *out)
{
	*out = t->stats;
}
