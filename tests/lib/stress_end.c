/* SPDX-License-Identifier: MIT */
/*
 * What must be true of a domain when every request is over. See stress.h.
 */
#include <errno.h>
#include <stdlib.h>

#include "stress.h"

static struct iotoll_dma_stats stats_of(const struct world *w)
{
	struct iotoll_dma_stats stats;

	iotoll_dma_domain_stats(w->domain, &stats);
	return stats;
}

static void expect(const struct world *w, const char *what, uint64_t is, uint64_t should)
{
	if (is != should)
		world_broken(w, "%s: %llu, should be %llu", what, (unsigned long long)is,
			     (unsigned long long)should);
}

/* Whatever was put off happens. */
static void settle(const struct world *w)
{
	for (unsigned i = 0; i < DEVICES; i++)
		iotoll_dma_unmap_end(w->dev[i]);
	for (unsigned i = 0; i < 3; i++)
		(void)iotoll_dma_domain_tick(w->domain);
}

static void check_stats(const struct world *w, const struct tally *t)
{
	static const char *const names[IOTOLL_MISUSE_COUNT] = {
		[IOTOLL_MISUSE_UNMAP_UNKNOWN] = "unmaps of what is not mapped",
		[IOTOLL_MISUSE_WRONG_SIZE] = "wrong sizes",
		[IOTOLL_MISUSE_WRONG_DIRECTION] = "wrong directions",
		[IOTOLL_MISUSE_WRONG_DEVICE] = "wrong devices",
		[IOTOLL_MISUSE_WRONG_TYPE] = "wrong types",
		[IOTOLL_MISUSE_SYNC_UNMAPPED] = "syncs of what is not mapped",
		[IOTOLL_MISUSE_LEAK] = "leaks",
	};
	const struct iotoll_dma_stats s = stats_of(w);

	expect(w, "stats.maps", s.maps, t->maps);
	expect(w, "stats.unmaps", s.unmaps, t->unmaps);
	expect(w, "stats.map_failures", s.map_failures, t->failures);
	expect(w, "stats.coherent_allocs", s.coherent_allocs, t->coherents);
	expect(w, "stats.coherent_frees", s.coherent_frees, t->coherents);
	expect(w, "stats.emergency_unmaps", s.emergency_unmaps, 0);
	for (unsigned i = 0; i < IOTOLL_MISUSE_COUNT; i++)
		expect(w, names[i], s.misuse[i], 0);
	if (w->promise->keeps)
		return;
	expect(w, "stats.kept_pages", s.kept_pages, 0);
	expect(w, "stats.pages_live", s.pages_live, 0);
}

/* In the table, and as the hardware half reads it: no entry lets a device do anything. */
static void check_table(struct world *w)
{
	for (uint64_t page = 0; page < w->entries && !w->promise->keeps; page++) {
		struct iotoll_dma_entry entry;
		iotoll_phys_t dummy;
		uint64_t paddr = 0;
		bool hit;

		if (!iotoll_dma_domain_dummy(w->domain, &dummy) &&
		    iotoll_dma_domain_entry(w->domain, IOTOLL_IOVA(page * PAGE), &entry) == 0 &&
		    (entry.read || entry.write))
			world_broken(w, "entry %#llx is not cleared", (unsigned long long)page);
		for (unsigned access = IOTOLL_READ; access <= IOTOLL_WRITE; access++) {
			if (!world_has_hardware(w) ||
			    world_reach(w, (unsigned)page % DEVICES, page * PAGE,
					(enum iotoll_access)access, false, &paddr, &hit) ||
			    (hit && !w->promise->gone))
				continue;
			world_broken(w, "page %#llx, which nobody has, leads to %#llx",
				     (unsigned long long)page, (unsigned long long)paddr);
		}
	}
}

/* Where addresses are handed out, and nothing is kept, each can be had. Not for a few requests. */
static bool fills_up(const struct world *w)
{
	return !w->promise->keeps && stats_of(w).usable_entries && w->of->operations >= w->entries;
}

/* Page @n of memory; where one ring finds nothing another may, which has some to itself. */
static iotoll_iova_t map_one(struct world *w, uint64_t n, struct iotoll_dma_attrs *attrs,
			     struct tally *t)
{
	for (;;) {
		const iotoll_iova_t iova = iotoll_dma_map_page_attrs(
			w->dev[0], IOTOLL_PHYS((n + 1) * PAGE), PAGE, IOTOLL_DMA_TO_DEVICE, attrs);

		t->operations++;
		if (!iotoll_dma_mapping_error(iova))
			return iova;
		t->failures++;
		if (attrs->ring == RINGS)
			return iova;
		attrs->ring++;
	}
}

uint64_t stress_fill_up(struct world *w, struct tally *t)
{
	struct iotoll_dma_attrs attrs = {.ring = 0};
	const uint64_t most = fills_up(w) ? stats_of(w).usable_entries + 1 : 0;
	iotoll_iova_t *iova = calloc(most + 1, sizeof(*iova));
	uint64_t n;

	if (!iova)
		world_broken(w, "no memory");
	for (n = 0; n < most; n++) {
		iova[n] = map_one(w, n, &attrs, t);
		if (iotoll_dma_mapping_error(iova[n]))
			break;
		if (!oracle_claim(&w->oracle, IOTOLL_IOVA_U64(iova[n]), (n + 1) * PAGE, PAGE,
				  w->promise->shares))
			world_broken(w, "%#llx: handed out twice",
				     (unsigned long long)IOTOLL_IOVA_U64(iova[n]));
	}
	t->maps += n;
	t->unmaps += n;
	t->operations += n;
	for (uint64_t i = 0; i < n; i++) {
		if (!oracle_release(&w->oracle, IOTOLL_IOVA_U64(iova[i]), (i + 1) * PAGE, PAGE,
				    w->promise->shares))
			world_broken(w, "%#llx was taken from its owner",
				     (unsigned long long)IOTOLL_IOVA_U64(iova[i]));
		iotoll_dma_unmap_page(w->dev[0], iova[i], PAGE, IOTOLL_DMA_TO_DEVICE);
	}
	free(iova);
	settle(w);
	return n;
}

static void add(struct tally *sum, const struct tally *of)
{
	sum->operations += of->operations;
	sum->maps += of->maps;
	sum->unmaps += of->unmaps;
	sum->failures += of->failures;
	sum->coherents += of->coherents;
	sum->buffers += of->buffers;
	sum->checks += of->checks;
}

void stress_end(struct stress *s, uint64_t capacity, struct tally *sum)
{
	struct world *w = &s->world;

	for (unsigned i = 0; i < w->of->threads; i++)
		add(&s->tally, &s->worker[i].tally);
	settle(w);
	check_stats(w, &s->tally);
	check_table(w);
	expect(w, "entries that can be handed out again", stress_fill_up(w, &s->tally), capacity);
	check_stats(w, &s->tally);
	check_table(w);
	if (!oracle_empty(&w->oracle))
		world_broken(w, "the oracle's books are not empty");
	add(sum, &s->tally);
}
