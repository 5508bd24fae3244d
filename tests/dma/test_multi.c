/* SPDX-License-Identifier: MIT */
/*
 * Lists of buffers that are mapped and unmapped together, through every IOMMU with its hardware
 * half and under every strategy: they lead where single calls would have led, end when the call
 * does, and go out and are forgotten once instead of one by one.
 */
#include <errno.h>

#include "base/rng.h"
#include "hwrig.h"

#define MEMORY (UINT64_C(8) << 20) /* where buffers begin */
#define PAGES  (MEMORY / 4096 + 5) /* and what they touch */
#define LIVE   96
#define LIST   40
#define STEPS  150u

struct model {
	const char *name;
	uint64_t entries;
	bool superpages;
};

static const struct model models[] = {
	{"calgary", 8192, false}, {"vtd", 8192, false},     {"vtd", 8192, true},
	{"amdvi", 8192, false},   {"dart-u3", 1024, false}, {"dart-u4", 1024, false},
	{"riommu", 300, false},
};

#define MODELS (sizeof(models) / sizeof(models[0]))

/* Where pages are mapped at their own addresses, the table covers the rig's memory. */
static uint64_t entries_of(const struct model *m, const char *strategy)
{
	return !strncmp(strategy, "identity", 8) ? (64u << 20) / 4096 : m->entries;
}

static struct iotoll_dma_config config_of(const struct model *m, const char *strategy, bool book)
{
	return (struct iotoll_dma_config){.driver = m->name,
					  .strategy = strategy,
					  .allocator = "next-fit",
					  .table_entries = entries_of(m, strategy),
					  .superpages = m->superpages,
					  .check_misuse = book};
}

/* False: they do not go together. */
static bool start(struct hwrig *h, const struct model *m, const char *strategy, bool book)
{
	const struct iotoll_dma_config config = config_of(m, strategy, book);
	struct iommu_config hw = {.model = m->name};

	if (iotoll_dma_config_check(&config, NULL, 0) ||
	    (m->superpages && entries_of(m, strategy) != m->entries))
		return false;
	hw.iotlb = iommu_find(m->name)->geometry;
	strcpy(hw.iotlb.policy, "lru");
	hwrig_start_as(h, &hw, &config);
	return true;
}

static bool reads(enum iotoll_dma_dir dir)
{
	return dir != IOTOLL_DMA_FROM_DEVICE;
}

/* First and last byte of @e lead to its own memory, or to a copy of it that is as long. */
static void expect_reached(struct hwrig *h, const struct iotoll_sg *e, enum iotoll_dma_dir dir,
			   bool copies)
{
	const enum iotoll_access access = reads(dir) ? IOTOLL_READ : IOTOLL_WRITE;
	const uint64_t iova = IOTOLL_IOVA_U64(e->dma_address), at = IOTOLL_PHYS_U64(e->paddr);
	uint64_t to;

	assert_int_equal(e->dma_bytes, e->bytes);
	assert_int_equal(hwrig_access(h, iova, access, &to), 0);
	if (!copies)
		assert_int_equal(to, at);
	assert_int_equal(hwrig_access(h, iova + e->bytes - 1, access, &to), 0);
	if (!copies)
		assert_int_equal(to, at + e->bytes - 1);
}

struct live {
	struct iotoll_sg sg[LIVE];
	int n;
	enum iotoll_dma_dir dir; /* of all of them */
	phys_t memory;           /* nobody else's: copies are written there */
};

static void add(struct hwrig *h, struct live *l, struct rng *rng, bool copies)
{
	const struct iotoll_dma_attrs attrs = {.ring = 1 + (unsigned)rng_below(rng, 2)};
	const int n = 1 + (int)rng_below(rng, LIST);
	struct iotoll_sg *sg = &l->sg[l->n];

	if (l->n + n > LIVE)
		return;
	for (int i = 0; i < n; i++)
		sg[i] = (struct iotoll_sg){.paddr = IOTOLL_PHYS(l->memory + rng_below(rng, MEMORY)),
					   .bytes = rng_below(rng, 6)
							    ? 1 + (size_t)rng_below(rng, 2000)
							    : 1 + (size_t)rng_below(rng, 20000)};
	if (!iotoll_dma_map_multi(h->dev, sg, n, l->dir, &attrs)) {
		for (int i = 0; i < n; i++)
			assert_true(iotoll_dma_mapping_error(sg[i].dma_address));
		return;
	}
	for (int i = 0; i < n; i++)
		expect_reached(h, &sg[i], l->dir, copies);
	l->n += n;
}

/* Some of the live ones, in any order, together or one of them alone. */
static void drop(struct hwrig *h, struct live *l, struct rng *rng, bool strict)
{
	struct iotoll_sg gone[LIST];
	int n = 0;

	while (l->n && n < LIST && (n == 0 || rng_below(rng, 8))) {
		const int i = (int)rng_below(rng, (uint64_t)l->n);

		gone[n++] = l->sg[i];
		l->sg[i] = l->sg[--l->n];
	}
	if (n == 1)
		iotoll_dma_unmap_page(h->dev, gone[0].dma_address, gone[0].dma_bytes, l->dir);
	else
		iotoll_dma_unmap_multi(h->dev, gone, n, l->dir, NULL);
	for (int i = 0; i < n && strict; i++) {
		const struct iotoll_source source = {.devid = 8};
		struct iotoll_xlat x;
		const int rc = iommu_probe(h->iommu, source, IOTOLL_IOVA_U64(gone[i].dma_address),
					   reads(l->dir) ? IOTOLL_READ : IOTOLL_WRITE, &x);
		iotoll_phys_t dummy;

		/* Nowhere, or where all that is unused leads. */
		if (!rc) {
			assert_true(iotoll_dma_domain_dummy(h->domain, &dummy));
			assert_int_equal(x.paddr & ~(uint64_t)4095, IOTOLL_PHYS_U64(dummy));
		}
	}
}

static void random_program(struct hwrig *h, const char *strategy, uint64_t seed)
{
	static const enum iotoll_dma_dir dirs[] = {IOTOLL_DMA_BIDIRECTIONAL, IOTOLL_DMA_TO_DEVICE,
						   IOTOLL_DMA_FROM_DEVICE};
	/* Where the device works on another page, or goes to all memory. */
	const bool copies = !strcmp(strategy, "shadow") || !strcmp(strategy, "swiotlb");
	const bool strict = !strcmp(strategy, "strict");
	struct iotoll_dma_stats stats;
	struct live l = {.n = 0};
	struct rng rng;

	rng_seed(&rng, seed);
	assert_int_equal(memory_alloc(h->memory, PAGES, 4096, 0, &l.memory), 0);
	l.dir = dirs[rng_below(&rng, 3)];
	for (unsigned step = 0; step < STEPS; step++) {
		if (rng_below(&rng, 2))
			add(h, &l, &rng, copies);
		else
			drop(h, &l, &rng, strict);
		for (int i = 0; i < l.n && step % 16 == 0; i++)
			expect_reached(h, &l.sg[i], l.dir, copies);
	}
	while (l.n)
		drop(h, &l, &rng, strict);
	memory_free(h->memory, l.memory, PAGES);
	stats = hwrig_stats(h);
	assert_true(stats.maps > STEPS);
	assert_int_equal(stats.maps, stats.unmaps);
	for (unsigned i = 0; i < IOTOLL_MISUSE_COUNT; i++)
		assert_int_equal(stats.misuse[i], 0);
}

static void lists_lead_where_they_should_and_end_with_the_call(void **state)
{
	const uint64_t seed = rig_seed();
	static struct hwrig h;
	const char *strategy;
	unsigned ran = 0;

	(void)state;
	for (unsigned s = 0; (strategy = iotoll_dma_strategy_name(s, NULL)) != NULL; s++)
		for (unsigned m = 0; m < MODELS; m++)
			for (unsigned book = 0; book < 2; book++) {
				/* Without entries of their own requests have nothing to look at. */
				if (!strcmp(strategy, "off") || !strcmp(strategy, "preallocated") ||
				    !start(&h, &models[m], strategy, book))
					continue;
				random_program(&h, strategy, seed + m);
				hwrig_close(&h);
				ran++;
			}
	assert_true(ran > 100);
}

/* What a device may do with each page, told by the table itself. */
static void a_list_has_the_rights_and_places_of_single_calls(void **state)
{
	static struct hwrig one, all;
	struct iotoll_sg sg[LIST];
	struct rng rng;

	(void)state;
	rng_seed(&rng, rig_seed());
	for (unsigned m = 0; m < 3; m++) {
		assert_true(start(&one, &models[m], "strict", true));
		assert_true(start(&all, &models[m], "strict", true));
		for (int i = 0; i < LIST; i++)
			sg[i] = (struct iotoll_sg){.paddr = IOTOLL_PHYS(rng_below(&rng, MEMORY)),
						   .bytes = 1 + (size_t)rng_below(&rng, 9000)};
		assert_int_equal(
			iotoll_dma_map_multi(all.dev, sg, LIST, IOTOLL_DMA_TO_DEVICE, NULL), LIST);
		for (int i = 0; i < LIST; i++) {
			const iotoll_iova_t iova = iotoll_dma_map_page(
				one.dev, sg[i].paddr, sg[i].bytes, IOTOLL_DMA_TO_DEVICE);
			struct iotoll_dma_entry a, b;

			assert_int_equal(IOTOLL_IOVA_U64(iova), IOTOLL_IOVA_U64(sg[i].dma_address));
			assert_int_equal(iotoll_dma_domain_entry(one.domain, iova, &a), 0);
			assert_int_equal(iotoll_dma_domain_entry(all.domain, iova, &b), 0);
			assert_int_equal(a.read, b.read);
			assert_int_equal(a.write, b.write);
			iotoll_dma_unmap_page(one.dev, iova, sg[i].bytes, IOTOLL_DMA_TO_DEVICE);
		}
		assert_int_equal(hwrig_stats(&all).maps, hwrig_stats(&one).maps);
		assert_int_equal(hwrig_stats(&all).table_writes * 2,
				 hwrig_stats(&one).table_writes);
		iotoll_dma_unmap_multi(all.dev, sg, LIST, IOTOLL_DMA_TO_DEVICE, NULL);
		hwrig_close(&one);
		hwrig_close(&all);
	}
}

static uint64_t forgotten(const struct hwrig *h)
{
	return hwrig_stats(h).flushes + hwrig_stats(h).invalidations;
}

static void strict_tells_the_iotlb_once_of_neighbours(void **state)
{
	static struct hwrig h;
	struct iotoll_sg sg[8], other[4];

	(void)state;
	for (unsigned m = 0; m < 4; m++) {
		assert_true(start(&h, &models[m], "strict", true));
		for (int i = 0; i < 8; i++)
			sg[i] = (struct iotoll_sg){.paddr = IOTOLL_PHYS(0x100000 + i * 0x3000),
						   .bytes = 4096};
		assert_int_equal(iotoll_dma_map_multi(h.dev, sg, 8, IOTOLL_DMA_FROM_DEVICE, NULL),
				 8);
		/* Every other one: apart for hardware that knows ranges; a flush is a flush. */
		for (int i = 0; i < 4; i++)
			other[i] = sg[2 * i];
		iotoll_dma_unmap_multi(h.dev, other, 4, IOTOLL_DMA_FROM_DEVICE, NULL);
		assert_int_equal(forgotten(&h), m == 0 ? 1 : 4);
		assert_int_equal(
			iotoll_dma_map_multi(h.dev, other, 4, IOTOLL_DMA_FROM_DEVICE, NULL), 4);
		/* Downwards, too. */
		for (int i = 0; i < 2; i++) {
			const struct iotoll_sg swap = other[i];

			other[i] = other[3 - i];
			other[3 - i] = swap;
		}
		iotoll_dma_unmap_multi(h.dev, other, 4, IOTOLL_DMA_FROM_DEVICE, NULL);
		assert_int_equal(forgotten(&h), m == 0 ? 2 : 5);
		for (int i = 0; i < 4; i++)
			iotoll_dma_unmap_page(h.dev, sg[2 * i + 1].dma_address, 4096,
					      IOTOLL_DMA_FROM_DEVICE);
		hwrig_close(&h);
	}
}

/* Nobody keeps a book: the second is not believed, nor are its entries given back twice. */
static void an_element_that_is_there_twice_is_unmapped_once(void **state)
{
	static struct hwrig h;
	struct iotoll_sg sg[3];

	(void)state;
	for (unsigned book = 0; book < 2; book++) {
		assert_true(start(&h, &models[0], "strict", book));
		for (int i = 0; i < 2; i++)
			sg[i] = (struct iotoll_sg){.paddr = IOTOLL_PHYS(0x100000), .bytes = 4096};
		assert_int_equal(iotoll_dma_map_multi(h.dev, sg, 2, IOTOLL_DMA_FROM_DEVICE, NULL),
				 2);
		sg[2] = sg[0];
		iotoll_dma_unmap_multi(h.dev, sg, 3, IOTOLL_DMA_FROM_DEVICE, NULL);
		assert_int_equal(hwrig_stats(&h).unmaps, 2);
		assert_int_equal(hwrig_stats(&h).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 1);
		assert_int_equal(hwrig_stats(&h).pages_live, 0);
		iotoll_dma_unmap_multi(h.dev, sg, 3, IOTOLL_DMA_FROM_DEVICE, NULL);
		assert_int_equal(hwrig_stats(&h).unmaps, 2);
		hwrig_close(&h);
	}
}

static void coherent_memory_in_a_list_is_taken_down_alone(void **state)
{
	static struct hwrig h;
	struct iotoll_sg sg[2];
	iotoll_phys_t paddr;
	iotoll_iova_t iova;
	void *ptr;

	(void)state;
	assert_true(start(&h, &models[0], "strict", true));
	ptr = iotoll_dma_alloc_coherent(h.dev, 4096, &iova, &paddr);
	assert_non_null(ptr);
	sg[0] = (struct iotoll_sg){.paddr = IOTOLL_PHYS(0x100000), .bytes = 4096};
	assert_int_equal(iotoll_dma_map_multi(h.dev, sg, 1, IOTOLL_DMA_BIDIRECTIONAL, NULL), 1);
	sg[1] = (struct iotoll_sg){.dma_address = iova, .dma_bytes = 4096};
	iotoll_dma_unmap_multi(h.dev, sg, 2, IOTOLL_DMA_BIDIRECTIONAL, NULL);
	assert_int_equal(hwrig_stats(&h).misuse[IOTOLL_MISUSE_WRONG_TYPE], 1);
	iotoll_dma_free_coherent(h.dev, 4096, ptr, iova);
	assert_int_equal(hwrig_stats(&h).pages_live, 0);
	hwrig_close(&h);
}

static void lengths_are_counted_as_they_were_asked_for(void **state)
{
	static struct iotoll_sg sg[IOTOLL_DMA_BATCH_SIZES + 3];
	const int n = IOTOLL_DMA_BATCH_SIZES + 3;
	struct iotoll_dma_batches map, unmap;
	static struct hwrig h;

	(void)state;
	assert_true(start(&h, &models[0], "strict", true));
	for (int i = 0; i < n; i++)
		sg[i] = (struct iotoll_sg){.paddr = IOTOLL_PHYS(0x100000 + i * 0x1000),
					   .bytes = 4096};
	assert_int_equal(iotoll_dma_map_multi(h.dev, sg, n, IOTOLL_DMA_FROM_DEVICE, NULL), n);
	iotoll_dma_unmap_multi(h.dev, sg, 2, IOTOLL_DMA_FROM_DEVICE, NULL);
	iotoll_dma_unmap_multi(h.dev, &sg[2], 2, IOTOLL_DMA_FROM_DEVICE, NULL);
	iotoll_dma_unmap_multi(h.dev, &sg[4], n - 4, IOTOLL_DMA_FROM_DEVICE, NULL);
	iotoll_dma_domain_batches(h.domain, &map, &unmap);
	assert_int_equal(map.of[0], 1);
	assert_int_equal(map.beyond, n);
	assert_int_equal(unmap.of[2], 2);
	assert_int_equal(unmap.of[n - 4], 1);
	assert_int_equal(hwrig_stats(&h).unmaps, n);
	iotoll_dma_domain_stats_reset(h.domain);
	iotoll_dma_domain_batches(h.domain, &map, &unmap);
	assert_int_equal(map.of[0] + unmap.of[2], 0);
	hwrig_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_lead_where_they_should_and_end_with_the_call),
		cmocka_unit_test(a_list_has_the_rights_and_places_of_single_calls),
		cmocka_unit_test(strict_tells_the_iotlb_once_of_neighbours),
		cmocka_unit_test(an_element_that_is_there_twice_is_unmapped_once),
		cmocka_unit_test(coherent_memory_in_a_list_is_taken_down_alone),
		cmocka_unit_test(lengths_are_counted_as_they_were_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
