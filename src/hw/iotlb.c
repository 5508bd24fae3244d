// SPDX-License-Identifier: MIT
/*
 * The IOTLB: sets of ways kept field by field, so that a lookup scans consecutive line numbers.
 * A line number is the page number without the bits that pick a page within the line; its low
 * bits pick the set. A large page is kept by its own number with its order above it, so the same
 * scan finds it; orders that nobody holds are not looked for. Large sets have an index beside
 * them (iotlb_index.c). Replacement is the policy's affair
 * (hw/policy.h); empty ways are filled first, lowest first.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/iotlb_hit.h"
#include "hw/policy.h"

#define NOINLINE __attribute__((noinline))

static int allocate(struct iotlb *t)
{
	size_t n = t->entries;

	t->line = malloc(n * sizeof(*t->line));
	t->tag = calloc(n, sizeof(*t->tag));
	t->state = calloc(t->sets * t->words + 1, sizeof(*t->state)); /* some need no word */
	t->ahead = t->prefetch != IOTLB_PREFETCH_NONE ? calloc(n, sizeof(*t->ahead)) : NULL;
	t->entry = calloc(n * t->line_pages, sizeof(*t->entry));
	t->unfilled = calloc(t->sets, sizeof(*t->unfilled));
	if (t->line == NULL || t->tag == NULL || t->state == NULL || t->entry == NULL ||
	    t->unfilled == NULL || (t->prefetch != IOTLB_PREFETCH_NONE && t->ahead == NULL))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		t->line[i] = LINE_EMPTY;
	if (t->ways == 4 && t->low_bits) {
		t->hint_mask = (uint64_t)n * HINTS_PER_ENTRY - 1;
		t->hint = calloc(t->hint_mask + 1, sizeof(*t->hint));
		return t->hint != NULL ? 0 : -ENOMEM;
	}
	return t->ways > SEARCHED_WAYS ? iotlb_index_create(t) : 0;
}

static void configure(struct iotlb *t, const struct iotlb_config *config)
{
	unsigned partitions = config->partitions != 0 ? config->partitions : 1;

	t->policy = policy_find(config->policy);
	t->entries = config->entries;
	t->ways = config->ways != 0 ? config->ways : config->entries;
	t->sets = t->entries / t->ways;
	t->set_mask = t->sets - 1;
	t->words = t->policy->words(t->ways);
	t->stamps = t->policy->stamps;
	t->line_pages = config->line_pages;
	t->page_mask = config->line_pages - 1;
	t->line_shift = (unsigned)__builtin_ctz(config->line_pages);
	t->set_choice = config->index;
	t->partition_mask = partitions - 1;
	t->low_bits = t->set_choice == IOTLB_INDEX_MODULO && partitions == 1;
	t->set_bits = (unsigned)__builtin_ctz(t->sets / partitions);
	t->prefetch = config->prefetch;
	rng_seed(&t->rng, config->seed);
}

int iotlb_create(struct iotlb **out, const struct iotlb_config *config, struct err *err)
{
	const char *field;
	struct iotlb *t;
	int ret = iotlb_config_check(config, &field, err);

	if (ret != 0)
		return ret;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return err_set(err, -ENOMEM, "no memory for an iotlb");
	t->line_pages = 1;
	t->observer = config->observer;
	if (config->entries != 0) {
		configure(t, config);
		ret = allocate(t);
		if (ret != 0) {
			iotlb_destroy(t);
			return err_set(err, ret, "no memory for an iotlb of %u entries",
				       config->entries);
		}
	}
	t->attended = t->observer != NULL || t->prefetch != IOTLB_PREFETCH_NONE;
	t->four_ways = t->hint != NULL && !t->attended;
	t->four_plain = t->four_ways && t->line_pages == 1 && t->stamps;
	t->others = t->entries != 0 && !t->attended;
	*out = t;
	return 0;
}

void iotlb_destroy(struct iotlb *t)
{
	if (t == NULL)
		return;
	free(t->line);
	free(t->tag);
	free(t->state);
	free(t->ahead);
	free(t->entry);
	free(t->unfilled);
	free(t->index);
	free(t->hint);
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

/* The large page that answers for @pfn with *@entry, or -1. */
static ptrdiff_t find_large_page(const struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry)
{
	ptrdiff_t slot = t->orders != 0 ? iotlb_find_large(t, tag, pfn) : -1;

	if (slot >= 0)
		*entry = slot_entries(t, (size_t)slot)[0];
	return slot;
}

/* The slot of @set whose line answers for @pfn with *@entry, or -1. */
static inline ptrdiff_t find_page(const struct iotlb *t, size_t set, uint32_t tag, uint64_t pfn,
				  uint64_t *entry)
{
	ptrdiff_t slot = find_in(t, set, tag, pfn >> t->line_shift);
	uint64_t found;

	if (slot < 0)
		return -1;
	found = held_entry(t, (size_t)slot, pfn);
	if (found == 0)
		return -1;
	*entry = found;
	return slot;
}

/* The slot that answers for @pfn with *@entry, or -1. */
static ptrdiff_t peek(const struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry)
{
	ptrdiff_t slot;

	assert(pfn >> PFN_BITS == 0);
	if (t->entries == 0)
		return -1;
	slot = find_page(t, set_of(t, tag, pfn >> t->line_shift), tag, pfn, entry);
	return slot >= 0 ? slot : find_large_page(t, tag, pfn, entry);
}

/* The slot that answers an access, or -1: whatever the geometry, the policy and who is told. */
static ptrdiff_t look_up(struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry)
{
	const ptrdiff_t slot = peek(t, tag, pfn, entry);

	t->clock++;
	if (t->attended)
		iotlb_attend(t, tag, pfn, slot);
	if (slot < 0) {
		t->stats.misses++;
		return -1;
	}
	touch_way(t, set_of(t, tag, t->line[slot]), (size_t)slot);
	if (line_order(t->line[slot]) == 0)
		leave_hint(t, t->line[slot], (size_t)slot);
	return slot;
}

NOINLINE ptrdiff_t iotlb_spot_other(const struct iotlb *t, uint32_t tag, uint64_t pfn,
				    uint64_t *entry)
{
	return find_page(t, set_of(t, tag, pfn >> t->line_shift), tag, pfn, entry);
}

void iotlb_touch_slot(struct iotlb *t, size_t slot)
{
	touch_way(t, slot / t->ways, slot);
}

static NOINLINE bool access_slowly(struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry)
{
	const ptrdiff_t slot = t->others ? iotlb_spot_other(t, tag, pfn, entry) : -1;

	if (slot >= 0) {
		iotlb_spotted(t, IOTLB_OTHERS, slot);
		return true;
	}
	return look_up(t, tag, pfn, entry) >= 0;
}

bool iotlb_access(struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry)
{
	uint64_t found;
	ptrdiff_t slot;

	assert(pfn >> PFN_BITS == 0);
	if (!IOTLB_LIKELY(iotlb_has(t, IOTLB_FOUR_WAYS)))
		return access_slowly(t, tag, pfn, entry);
	slot = iotlb_spot(t, IOTLB_FOUR_WAYS, tag, pfn, &found);
	if (!IOTLB_LIKELY(slot >= 0 && found != 0))
		return access_slowly(t, tag, pfn, entry);
	iotlb_spotted(t, IOTLB_FOUR_WAYS, slot);
	*entry = found;
	return true;
}

/* The general way alone: models with large pages have gone the other before (iotlb_hit.h). */
bool iotlb_lookup(struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry, unsigned *order)
{
	const ptrdiff_t slot = look_up(t, tag, pfn, entry);

	if (slot < 0)
		return false;
	*order = line_order(t->line[slot]);
	return true;
}

bool iotlb_probe(const struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry)
{
	return peek(t, tag, pfn, entry) >= 0;
}

bool iotlb_peek(const struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry, unsigned *order)
{
	ptrdiff_t slot = peek(t, tag, pfn, entry);

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

/* A way of @set to fill: an empty one if there is, else the policy's victim. */
static unsigned make_room(struct iotlb *t, size_t set)
{
	unsigned way;

	for (way = t->unfilled[set]; way < t->ways; way++)
		if (t->line[set * t->ways + way] == LINE_EMPTY)
			break;
	t->unfilled[set] = way;
	if (way < t->ways)
		return way;
	way = t->policy->victim(&t->state[set * t->words], t->ways, rng_u64(&t->rng));
	t->stats.evictions++;
	iotlb_drop_slot(t, set * t->ways + way);
	return way;
}

/* Find room for (@tag, @line), which is not held; its entries are the caller's to fill in. */
static size_t fill_slot(struct iotlb *t, uint32_t tag, uint64_t line)
{
	size_t set = set_of(t, tag, line);
	unsigned way = make_room(t, set);
	size_t slot = set * t->ways + way;

	t->line[slot] = line;
	t->tag[slot] = tag;
	leave_hint(t, line, slot);
	if (t->index != NULL)
		iotlb_index_add(t, slot);
	if (t->ahead != NULL)
		t->ahead[slot] = false;
	t->valid++;
	t->policy->fill(&t->state[set * t->words], t->ways, way, t->clock,
			line ^ (uint64_t)tag << 32);
	return slot;
}

/* The slot that now holds the line, or -1 if there is none; *@was_held: it did before. */
static ptrdiff_t insert(struct iotlb *t, uint32_t tag, uint64_t pfn, const uint64_t *entries,
			bool *was_held)
{
	uint64_t line = pfn >> t->line_shift;
	ptrdiff_t held = find(t, tag, line);
	size_t slot;

	*was_held = held >= 0;
	if (t->entries == 0)
		return -1;
	if (iotlb_all_zero(entries, t->line_pages)) {
		t->stats.invalidated += held >= 0;
		if (held >= 0)
			iotlb_drop_slot(t, (size_t)held);
		return -1;
	}
	t->clock++;
	t->inserts++;
	if (held >= 0) {
		refill(t, (size_t)held, entries);
		iotlb_touch_slot(t, (size_t)held);
		return held;
	}
	slot = fill_slot(t, tag, line);
	memcpy(slot_entries(t, slot), entries, t->line_pages * sizeof(*entries));
	return (ptrdiff_t)slot;
}

void iotlb_insert(struct iotlb *t, uint32_t tag, uint64_t pfn, const uint64_t *entries)
{
	bool was_held;

	(void)insert(t, tag, pfn, entries, &was_held);
}

void iotlb_insert_ahead(struct iotlb *t, uint32_t tag, uint64_t pfn, const uint64_t *entries)
{
	bool was_held;
	ptrdiff_t slot = insert(t, tag, pfn, entries, &was_held);

	if (slot < 0 || was_held || t->ahead == NULL)
		return;
	t->ahead[slot] = true;
	t->stats.prefetched++;
}

void iotlb_insert_large(struct iotlb *t, uint32_t tag, uint64_t pfn, unsigned order, uint64_t entry)
{
	uint64_t line = large_line(pfn, order);
	ptrdiff_t held;
	size_t slot;

	assert(order <= ORDER_MAX && (order > t->line_shift || t->line_pages == 1) && entry != 0);
	if (t->entries == 0)
		return;
	if (order == 0) {
		iotlb_insert(t, tag, pfn, &entry);
		return;
	}
	held = find(t, tag, line);
	t->clock++;
	t->inserts++;
	if (held >= 0) {
		uint64_t old = slot_entries(t, (size_t)held)[0];

		slot_entries(t, (size_t)held)[0] = entry;
		if (old != entry)
			iotlb_tell_large(t, tag, pfn >> order << order, order);
		iotlb_touch_slot(t, (size_t)held);
		return;
	}
	slot = fill_slot(t, tag, line);
	memset(slot_entries(t, slot), 0, t->line_pages * sizeof(entry));
	slot_entries(t, slot)[0] = entry;
	t->held[order]++;
	t->orders |= (uint64_t)1 << order;
}

void iotlb_stats(const struct iotlb *t, struct iotlb_stats *out)
{
	*out = t->stats;
	out->hits = t->clock - t->inserts - t->stats.misses;
}
