// SPDX-License-Identifier: MIT
/*
 * The IOTLB: sets of ways kept field by field, so that a lookup scans consecutive line numbers.
 * A line number is the page number without the bits that pick a page within the line; its low
 * bits pick the set. Replacement is the policy's affair (hw/policy.h); empty ways are filled
 * first, lowest first.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "hw/iotlb.h"
#include "hw/policy.h"

/* Page numbers are shorter than this, so this marks an empty way. */
#define LINE_EMPTY UINT64_MAX
#define PFN_BITS   52

struct iotlb {
	const struct iotlb_policy *policy;
	unsigned entries, sets, ways;
	unsigned line_pages, line_shift;
	unsigned valid; /* lines held */
	uint64_t clock;
	uint64_t *line;  /* [sets * ways] line number or LINE_EMPTY */
	uint32_t *tag;   /* [sets * ways] */
	uint64_t *stamp; /* [sets * ways] the policy's */
	uint64_t *entry; /* [sets * ways][line_pages] raw table entries, 0 = not held */
	struct rng rng;
	void (*drop)(void *ctx, uint32_t tag, uint64_t pfn);
	void *drop_ctx;
	struct iotlb_stats stats;
};

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

/* First slot of the set that @line belongs to. */
static size_t set_base(const struct iotlb *t, uint64_t line)
{
	return (size_t)(line & (t->sets - 1)) * t->ways;
}

/* The slot that holds (@tag, @line), or -1. */
static inline ptrdiff_t find(const struct iotlb *t, uint32_t tag, uint64_t line)
{
	size_t base;

	assert(line >> PFN_BITS == 0);
	if (t->entries == 0)
		return -1;
	base = set_base(t, line);
	for (size_t i = base; i < base + t->ways; i++)
		if (t->line[i] == line && t->tag[i] == tag)
			return (ptrdiff_t)i;
	return -1;
}

static inline uint64_t *slot_entries(const struct iotlb *t, size_t slot)
{
	return &t->entry[slot << t->line_shift];
}

static inline uint64_t peek(const struct iotlb *t, size_t slot, uint64_t pfn)
{
	return slot_entries(t, slot)[pfn & (t->line_pages - 1)];
}

/* Empty @slot, then tell of each page it held. */
static void drop_slot(struct iotlb *t, size_t slot)
{
	uint64_t first = t->line[slot] << t->line_shift;
	const uint64_t *entry = slot_entries(t, slot);

	t->line[slot] = LINE_EMPTY;
	t->valid--;
	if (t->drop == NULL)
		return;
	for (unsigned i = 0; i < t->line_pages; i++)
		if (entry[i] != 0)
			t->drop(t->drop_ctx, t->tag[slot], first + i);
}

bool iotlb_access(struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry)
{
	uint64_t line = pfn >> t->line_shift;
	ptrdiff_t slot = find(t, tag, line);
	size_t base;

	t->clock++;
	if (slot < 0 || peek(t, (size_t)slot, pfn) == 0) {
		t->stats.misses++;
		return false;
	}
	t->stats.hits++;
	base = set_base(t, line);
	t->policy->touch(&t->stamp[base], t->ways, (unsigned)((size_t)slot - base), t->clock);
	*entry = peek(t, (size_t)slot, pfn);
	return true;
}

bool iotlb_probe(const struct iotlb *t, uint32_t tag, uint64_t pfn, uint64_t *entry)
{
	ptrdiff_t slot = find(t, tag, pfn >> t->line_shift);

	if (slot < 0 || peek(t, (size_t)slot, pfn) == 0)
		return false;
	*entry = peek(t, (size_t)slot, pfn);
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

static bool all_zero(const uint64_t *entries, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (entries[i] != 0)
			return false;
	return true;
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
	drop_slot(t, slot);
	return slot;
}

void iotlb_insert(struct iotlb *t, uint32_t tag, uint64_t pfn, const uint64_t *entries)
{
	uint64_t line = pfn >> t->line_shift;
	ptrdiff_t held = find(t, tag, line);
	size_t base, slot;

	if (t->entries == 0)
		return;
	if (all_zero(entries, t->line_pages)) {
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

bool iotlb_invalidate(struct iotlb *t, uint32_t tag, uint64_t pfn)
{
	ptrdiff_t slot = find(t, tag, pfn >> t->line_shift);

	if (slot < 0)
		return false;
	t->stats.invalidated++;
	drop_slot(t, (size_t)slot);
	return true;
}

unsigned iotlb_invalidate_tag(struct iotlb *t, uint32_t tag)
{
	unsigned n = 0;

	for (size_t slot = 0; slot < t->entries; slot++) {
		if (t->line[slot] == LINE_EMPTY || t->tag[slot] != tag)
			continue;
		drop_slot(t, slot);
		n++;
	}
	t->stats.invalidated += n;
	return n;
}

void iotlb_invalidate_all(struct iotlb *t)
{
	t->stats.flushes++;
	t->stats.invalidated += t->valid;
	for (size_t slot = 0; t->valid != 0; slot++)
		if (t->line[slot] != LINE_EMPTY)
			drop_slot(t, slot);
}

void iotlb_stats(const struct iotlb *t, struct iotlb_stats *out)
{
	*out = t->stats;
}

bool iotlb_check(const struct iotlb *t)
{
	unsigned valid = 0;

	for (size_t slot = 0; slot < t->entries; slot++) {
		size_t base = slot / t->ways * t->ways;

		if (t->line[slot] == LINE_EMPTY)
			continue;
		valid++;
		if (set_base(t, t->line[slot]) != base || t->stamp[slot] > t->clock)
			return false;
		if (all_zero(slot_entries(t, slot), t->line_pages))
			return false;
		for (size_t other = slot + 1; other < base + t->ways; other++)
			if (t->line[other] == t->line[slot] && t->tag[other] == t->tag[slot])
				return false;
	}
	return valid == t->valid && valid <= t->entries &&
	       t->stats.invalidated + t->stats.evictions <= t->clock;
}
