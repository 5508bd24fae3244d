// SPDX-License-Identifier: MIT
/*
 * The rIOMMU driver and hardware half together: what a device reaches, to the byte.
 */
#include <errno.h>

#include "base/rng.h"
#include "hwrig.h"

#define LIVE   120u
#define GONE   64u
#define MEMORY (UINT64_C(8) << 20) /* of a rig's 64 MiB: where buffers lie */

static void start(struct hwrig *h, const char *strategy, unsigned rings)
{
	const struct iotoll_dma_config config = {.driver = "riommu",
						 .strategy = strategy,
						 .table_entries = 300,
						 .check_misuse = true};
	const struct iommu_config hw = {
		.model = "riommu",
		.iotlb = {.entries = rings, .ways = 0, .line_pages = 1, .policy = "lru"}};

	hwrig_start_as(h, &hw, &config);
}

static uint64_t map(struct hwrig *h, unsigned ring, uint64_t paddr, size_t bytes,
		    enum iotoll_dma_dir dir)
{
	const struct iotoll_dma_attrs attrs = {.ring = ring};
	const iotoll_iova_t iova =
		iotoll_dma_map_page_attrs(h->dev, IOTOLL_PHYS(paddr), bytes, dir, &attrs);

	assert_false(iotoll_dma_mapping_error(iova));
	return IOTOLL_IOVA_U64(iova);
}

static void unmap(struct hwrig *h, unsigned ring, uint64_t iova, size_t bytes,
		  enum iotoll_dma_dir dir, bool more)
{
	const struct iotoll_dma_attrs attrs = {.ring = ring, .more = more};

	iotoll_dma_unmap_page_attrs(h->dev, IOTOLL_IOVA(iova), bytes, dir, &attrs);
}

static int reach(struct hwrig *h, uint64_t iova, enum iotoll_access access)
{
	uint64_t paddr;

	return hwrig_access(h, iova, access, &paddr);
}

/* Could the device access it now? Changes nothing. */
static bool reachable(const struct hwrig *h, uint64_t iova)
{
	const struct iotoll_source source = {.devid = 8};
	struct iotoll_xlat x;

	return iommu_probe(h->iommu, source, iova, IOTOLL_READ, &x) == 0 ||
	       iommu_probe(h->iommu, source, iova, IOTOLL_WRITE, &x) == 0;
}

static void neighbours_in_a_page_are_out_of_reach(void **state)
{
	struct hwrig h;
	uint64_t iova, paddr;

	(void)state;
	start(&h, "strict", 64);
	iova = map(&h, 1, 0x123ABC, 100, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(hwrig_access(&h, iova, IOTOLL_WRITE, &paddr), 0);
	assert_int_equal(paddr, 0x123ABC);
	assert_int_equal(hwrig_access(&h, iova + 99, IOTOLL_WRITE, &paddr), 0);
	assert_int_equal(paddr, 0x123ABC + 99);
	assert_int_equal(reach(&h, iova + 100, IOTOLL_WRITE), -EPERM);
	assert_int_equal(reach(&h, iova, IOTOLL_READ), -EPERM);
	unmap(&h, 1, iova, 100, IOTOLL_DMA_FROM_DEVICE, false);
	assert_int_equal(reach(&h, iova, IOTOLL_WRITE), -EPERM);
	hwrig_close(&h);
}

static void a_buffer_across_pages_is_one_entry(void **state)
{
	struct hwrig h;
	uint64_t iova, paddr;

	(void)state;
	start(&h, "strict", 64);
	iova = map(&h, 1, 0x123FF0, 9000, IOTOLL_DMA_BIDIRECTIONAL);
	assert_int_equal(hwrig_access(&h, iova + 8999, IOTOLL_READ, &paddr), 0);
	assert_int_equal(paddr, 0x123FF0 + 8999);
	assert_int_equal(reach(&h, iova + 9000, IOTOLL_READ), -EPERM);
	assert_int_equal(hwrig_stats(&h).table_writes, 1);
	unmap(&h, 1, iova, 9000, IOTOLL_DMA_BIDIRECTIONAL, false);
	hwrig_close(&h);
}

static void within_a_burst_two_mappings_of_a_ring_stay_at_most(void **state)
{
	struct hwrig h;
	uint64_t iova[10];
	unsigned open = 0;

	(void)state;
	start(&h, "burst", 64);
	for (unsigned i = 0; i < 10; i++)
		iova[i] = map(&h, 1, 0x100000 + 0x1000 * i, 1500, IOTOLL_DMA_FROM_DEVICE);
	for (unsigned i = 0; i < 6; i++) /* the device is at 5, and has fetched 6 ahead */
		assert_int_equal(reach(&h, iova[i], IOTOLL_WRITE), 0);
	for (unsigned i = 0; i < 9; i++)
		unmap(&h, 1, iova[i], 1500, IOTOLL_DMA_FROM_DEVICE, true);
	for (unsigned i = 0; i < 9; i++) {
		assert_int_equal(reachable(&h, iova[i]), i == 5 || i == 6);
		open += reachable(&h, iova[i]);
	}
	assert_int_equal(open, 2);
	unmap(&h, 1, iova[9], 1500, IOTOLL_DMA_FROM_DEVICE, false);
	for (unsigned i = 0; i < 10; i++)
		assert_false(reachable(&h, iova[i]));
	assert_int_equal(hwrig_stats(&h).invalidations, 1);
	hwrig_close(&h);
}

static void a_burst_longer_than_its_list_ends_early(void **state)
{
	struct hwrig h;
	uint64_t iova[290];

	(void)state;
	start(&h, "burst", 64);
	for (unsigned i = 0; i < 290; i++)
		iova[i] = map(&h, 1, 0x1000 * i, 100, IOTOLL_DMA_FROM_DEVICE);
	/* From the last to the first and back, so that none is its predecessor's neighbour. */
	for (unsigned i = 0; i < 290; i++)
		unmap(&h, 1, iova[i % 2 ? 289 - i / 2 : i / 2], 100, IOTOLL_DMA_FROM_DEVICE,
		      i != 289);
	assert_int_equal(hwrig_stats(&h).invalidations, 2);
	assert_int_equal(hwrig_stats(&h).kept_pages, 0);
	assert_int_equal(hwrig_stats(&h).kept_peak, 256);
	hwrig_close(&h);
}

static void a_domain_that_goes_leaves_nothing_behind(void **state)
{
	struct hwrig h;
	uint64_t iova, paddr;

	(void)state;
	start(&h, "deferred", 64);
	iova = map(&h, 1, 0x100000, 1500, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(reach(&h, iova, IOTOLL_WRITE), 0);
	unmap(&h, 1, iova, 1500, IOTOLL_DMA_FROM_DEVICE, false);
	assert_true(reachable(&h, iova)); /* deferred: held, and not flushed */
	iotoll_dma_detach(h.dev);
	h.dev = NULL;
	assert_false(reachable(&h, iova));
	iotoll_dma_domain_destroy(h.domain);
	h.domain = NULL;
	assert_int_equal(hwrig_access(&h, 0x1234, IOTOLL_WRITE, &paddr), 0);
	assert_int_equal(paddr, 0x1234); /* off */
	hwrig_close(&h);
}

/* ---- random programs ---- */

struct buffer {
	uint64_t iova, paddr;
	size_t bytes;
	enum iotoll_dma_dir dir;
	unsigned ring;
};

struct program {
	struct hwrig h;
	struct rng *rng;
	struct buffer live[LIVE];
	unsigned n;
	uint64_t gone[GONE]; /* addresses unmapped of late */
	unsigned ngone;
	bool open; /* the last unmap said that more would follow */
};

static bool is_live(const struct program *p, uint64_t iova)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->live[i].iova == iova)
			return true;
	return false;
}

static void map_one(struct program *p)
{
	static const enum iotoll_dma_dir dirs[] = {IOTOLL_DMA_BIDIRECTIONAL, IOTOLL_DMA_TO_DEVICE,
						   IOTOLL_DMA_FROM_DEVICE};
	struct buffer b = {.dir = dirs[rng_below(p->rng, 3)],
			   .ring = (unsigned)rng_below(p->rng, 4),
			   .paddr = rng_below(p->rng, MEMORY),
			   .bytes = (size_t)(1 + rng_below(p->rng, 9000))};

	b.iova = map(&p->h, b.ring, b.paddr, b.bytes, b.dir);
	assert_false(is_live(p, b.iova));
	p->live[p->n++] = b;
}

static void unmap_one(struct program *p)
{
	/* Nearly in order, as devices return buffers. */
	const unsigned i = rng_below(p->rng, 4) ? 0 : (unsigned)rng_below(p->rng, p->n);
	const struct buffer b = p->live[i];

	p->open = rng_below(p->rng, 3) != 0;
	unmap(&p->h, b.ring, b.iova, b.bytes, b.dir, p->open);
	memmove(&p->live[i], &p->live[i + 1], (p->n - i - 1) * sizeof(b));
	p->n--;
	p->gone[p->ngone++ % GONE] = b.iova;
}

/* A live buffer leads to its own bytes, with its own rights, and no further. */
static void access_one(struct program *p)
{
	const struct buffer *b = &p->live[rng_below(p->rng, p->n)];
	const uint64_t at = rng_below(p->rng, 3) ? rng_below(p->rng, b->bytes) : b->bytes - 1;
	uint64_t paddr;
	int rc = hwrig_access(&p->h, b->iova + at, IOTOLL_READ, &paddr);

	assert_int_equal(rc, b->dir == IOTOLL_DMA_FROM_DEVICE ? -EPERM : 0);
	if (!rc)
		assert_int_equal(paddr, b->paddr + at);
	rc = hwrig_access(&p->h, b->iova + at, IOTOLL_WRITE, &paddr);
	assert_int_equal(rc, b->dir == IOTOLL_DMA_TO_DEVICE ? -EPERM : 0);
	if (!rc)
		assert_int_equal(paddr, b->paddr + at);
	assert_int_equal(reach(&p->h, b->iova + b->bytes, IOTOLL_WRITE), -EPERM);
	assert_int_equal(reach(&p->h, b->iova + b->bytes, IOTOLL_READ), -EPERM);
}

static void check_gone(const struct program *p)
{
	for (unsigned i = 0; i < p->ngone && i < GONE; i++)
		if (!is_live(p, p->gone[i]))
			assert_false(reachable(&p->h, p->gone[i]));
}

static void run(const char *strategy, unsigned rings, uint64_t seed)
{
	static struct program p;
	struct rng rng;
	const bool strict = !strcmp(strategy, "strict"), burst = !strcmp(strategy, "burst");

	rng_seed(&rng, seed);
	memset(&p, 0, sizeof(p));
	p.rng = &rng;
	start(&p.h, strategy, rings);
	for (unsigned step = 0; step < 6000; step++) {
		const uint64_t what = rng_below(&rng, 10);

		if (what < 3 && p.n < LIVE)
			map_one(&p);
		else if (what < 6 && p.n)
			unmap_one(&p);
		else if (p.n)
			access_one(&p);
		if (strict || (burst && !p.open))
			check_gone(&p);
		if (burst && p.open && !rng_below(&rng, 20)) {
			iotoll_dma_unmap_end(p.h.dev);
			p.open = false;
		}
	}
	while (p.n)
		unmap_one(&p);
	assert_int_equal(hwrig_stats(&p.h).map_failures, 0);
	hwrig_close(&p.h);
}

static void whatever_happens_live_buffers_lead_to_their_bytes_alone(void **state)
{
	static const char *const strategies[] = {"strict", "burst", "deferred", "deferred-tracked",
						 "flush-queue"};
	const uint64_t seed = rig_seed();

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		for (unsigned rings = 0; rings <= 64; rings = rings ? rings * 8 : 1)
			run(strategies[i], rings, seed + i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_in_a_page_are_out_of_reach),
		cmocka_unit_test(a_buffer_across_pages_is_one_entry),
		cmocka_unit_test(within_a_burst_two_mappings_of_a_ring_stay_at_most),
		cmocka_unit_test(a_burst_longer_than_its_list_ends_early),
		cmocka_unit_test(a_domain_that_goes_leaves_nothing_behind),
		cmocka_unit_test(whatever_happens_live_buffers_lead_to_their_bytes_alone),
	};

	return cmocka_run_group_tests_name("dma/riommu_hw", tests, NULL, NULL);
}
