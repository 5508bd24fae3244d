// SPDX-License-Identifier: MIT
/*
 * DART's TLB: what it holds, how long, and that nothing a guest writes does harm.
 */
#include <errno.h>

#include "../base/seed.h"
#include "dart_rig.h"

#define CNTL    0x3000
#define U4_BASE 0x3010
#define U4_SIZE 0x3020

#define TABLE 0x100000

static void u3_start(struct drig *rig, const struct iommu_dart_config *config, uint32_t size)
{
	drig_make(rig, "dart-u3", config, NULL);
	drig_write(rig, CNTL, TABLE | 0x200 | size);
}

static void u4_start(struct drig *rig, uint32_t size)
{
	drig_make(rig, "dart-u4", NULL, NULL);
	drig_write(rig, U4_BASE, TABLE >> 12);
	drig_write(rig, U4_SIZE, size);
	drig_write(rig, CNTL, 0x80000000);
}

/* Entries 0 to 7 lead to pages 0x100 to 0x107. */
static void map_eight(struct drig *rig)
{
	for (uint8_t i = 0; i < 8; i++)
		drig_poke(rig, TABLE + 4 * i, 0x80, 0, 1, i);
}

static void a_miss_brings_the_aligned_group_of_four(void **state)
{
	struct drig rig;

	(void)state;
	u3_start(&rig, NULL, 1);
	map_eight(&rig);
	drig_poke(&rig, TABLE + 4 * 3, 0, 0, 1, 3); /* page 3 is not valid, so not held */
	assert_false(drig_hits(&rig, 0x1000, 0x101000));
	assert_true(drig_hits(&rig, 0x0000, 0x100000));
	assert_true(drig_hits(&rig, 0x2000, 0x102000));
	assert_int_equal(drig_dma(&rig, 0, 0x3000, IOTOLL_READ, NULL), -EPERM);
	assert_false(drig_hits(&rig, 0x4000, 0x104000)); /* the next group */
	/* Once valid it is fetched without any invalidation: nothing is held against it. */
	drig_poke(&rig, TABLE + 4 * 3, 0x80, 0, 1, 3);
	assert_false(drig_hits(&rig, 0x3000, 0x103000));
	assert_true(drig_hits(&rig, 0x3000, 0x103000));
	drig_free(&rig);
}

/* The reason why Linux flushes as it maps: with a dummy page nothing is ever not held. */
static void a_valid_dummy_that_is_held_hides_a_new_mapping_until_invalidated(void **state)
{
	struct iotoll_xlat x;
	struct drig rig;

	(void)state;
	u4_start(&rig, 1);
	map_eight(&rig);
	drig_poke(&rig, TABLE + 4 * 1, 0x80, 0, 7, 0x77); /* unused: the dummy, page 0x777 */
	assert_false(drig_hits(&rig, 0x0000, 0x100000));
	drig_poke(&rig, TABLE + 4 * 1, 0x80, 0, 1, 1);
	assert_int_equal(drig_dma(&rig, 0, 0x1000, IOTOLL_WRITE, &x), 0);
	assert_int_equal(x.paddr, 0x777000);
	assert_true(x.stale);
	drig_write(&rig, CNTL, 0xC0000001);
	assert_false(drig_hits(&rig, 0x1000, 0x101000));
	drig_free(&rig);
}

static void invalidating_one_page_leaves_the_others_of_its_line(void **state)
{
	struct iotlb_stats stats;
	struct drig rig;

	(void)state;
	u4_start(&rig, 1);
	map_eight(&rig);
	assert_false(drig_hits(&rig, 0x0000, 0x100000));
	assert_false(drig_hits(&rig, 0x4000, 0x104000));
	drig_write(&rig, CNTL, 0xC0000002);
	/* page 2 left, for both buses */
	assert_int_equal(rig.drops, 2);
	assert_int_equal(rig.dropped[0], 2);
	assert_int_equal(rig.dropped[1], 2);
	assert_int_equal(rig.dropped_bus[0] + rig.dropped_bus[1], 1);
	assert_true(drig_hits(&rig, 0x1000, 0x101000));
	assert_true(drig_hits(&rig, 0x3000, 0x103000));
	assert_false(drig_hits(&rig, 0x2000, 0x102000));
	/* Asking for what is not held is a request all the same, and changes nothing. */
	drig_write(&rig, CNTL, 0xC7FFFFFF);
	assert_true(drig_hits(&rig, 0x5000, 0x105000));
	rig.iommu->ops->stats(rig.iommu, &stats);
	assert_int_equal(rig.iommu->ops->invalidations(rig.iommu), 2);
	assert_int_equal(stats.flushes, 0);
	drig_write(&rig, CNTL, 0xA0000000);
	assert_false(drig_hits(&rig, 0x1000, 0x101000));
	assert_false(drig_hits(&rig, 0x5000, 0x105000));
	rig.iommu->ops->stats(rig.iommu, &stats);
	assert_int_equal(stats.flushes, 1);
	assert_int_equal(rig.iommu->ops->invalidations(rig.iommu), 3);
	drig_free(&rig);
}

static void the_tlb_is_32_sets_of_4_ways_by_address_bits_18_to_14(void **state)
{
	struct drig rig;

	(void)state;
	u3_start(&rig, NULL, 0);
	/* Five pages 2^19 bytes apart share a set; a sixth, one line further, does not. */
	for (uint8_t i = 0; i < 6; i++)
		drig_poke(&rig, TABLE + 4 * (128 * i), 0x80, 0, 2, i);
	drig_poke(&rig, TABLE + 4 * 4, 0x80, 0, 3, 0);
	for (unsigned i = 0; i < 4; i++)
		assert_false(drig_hits(&rig, (uint64_t)i << 19, 0x200000 + 0x1000 * i));
	assert_false(drig_hits(&rig, 0x4000, 0x300000));
	for (unsigned i = 0; i < 4; i++)
		assert_true(drig_hits(&rig, (uint64_t)i << 19, 0x200000 + 0x1000 * i));
	assert_false(drig_hits(&rig, UINT64_C(4) << 19, 0x204000));
	assert_false(drig_hits(&rig, 0, 0x200000)); /* the least recently used went */
	assert_true(drig_hits(&rig, 0x4000, 0x300000));
	drig_free(&rig);
}

static void a_hit_that_the_table_no_longer_backs_is_stale(void **state)
{
	struct iotoll_xlat x;
	struct drig rig;

	(void)state;
	u3_start(&rig, NULL, 1);
	map_eight(&rig);
	assert_false(drig_hits(&rig, 0x1000, 0x101000));
	drig_poke(&rig, TABLE + 4, 0x9F, 0, 1, 1); /* reserved bits are nobody's business */
	assert_int_equal(drig_dma(&rig, 0, 0x1000, IOTOLL_READ, &x), 0);
	assert_false(x.stale);
	drig_poke(&rig, TABLE + 4, 0, 0, 0, 0);
	assert_int_equal(drig_dma(&rig, 0, 0x1000, IOTOLL_READ, &x), 0);
	assert_true(x.stale && x.hit);
	assert_int_equal(x.paddr, 0x101000);
	drig_free(&rig);
}

/* What the chip should hold and answer, one word a page: 0 is nothing. */
struct model {
	uint32_t table[64], held[64];
};

static void model_access(struct model *m, unsigned page)
{
	if (m->held[page] == 0 && m->table[page] >> 31 != 0)
		memcpy(&m->held[page & ~3u], &m->table[page & ~3u], 4 * sizeof(m->held[0]));
	for (unsigned i = page & ~3u; i < (page | 3u) + 1; i++)
		if (m->held[i] >> 31 == 0)
			m->held[i] = 0;
}

/*
 * Random stores, accesses and invalidations against the plainest model there is, with few enough
 * pages that nothing is evicted. probe() is asked before every access and must foretell it.
 */
static void random_programs_agree_with_a_plain_model(void **state)
{
	const struct iotoll_source source = {.bus = 0, .devid = 1};
	static struct model m;
	struct drig rig;
	struct rng rng;

	(void)state;
	seed_from_env(&rng);
	u4_start(&rig, 1);
	memset(&m, 0, sizeof(m));
	for (unsigned step = 0; step < 200000; step++) {
		const unsigned page = (unsigned)rng_below(&rng, 64),
			       what = (unsigned)rng_below(&rng, 8);
		struct iotoll_xlat x, foretold;
		uint32_t entry;
		int rc;

		if (what < 2) {
			/* any bits at all in the top byte; 7 in 8 valid */
			entry = (uint32_t)rng_below(&rng, 1u << 31);
			if (rng_below(&rng, 8) != 0)
				entry |= 0x80000000;
			m.table[page] = entry;
			drig_poke(&rig, TABLE + 4 * page, (uint8_t)(entry >> 24),
				  (uint8_t)(entry >> 16), (uint8_t)(entry >> 8), (uint8_t)entry);
		} else if (what == 2) {
			drig_write(&rig, CNTL, 0xC0000000 | page);
			m.held[page] = 0;
			assert_int_equal(drig_read(&rig, CNTL) >> 28, 9);
		} else if (what == 3 && rng_below(&rng, 16) == 0) {
			drig_write(&rig, CNTL, 0xA0000000);
			memset(m.held, 0, sizeof(m.held));
			assert_int_equal(drig_read(&rig, CNTL) >> 28, 9);
		} else {
			const enum iotoll_access access = what & 1 ? IOTOLL_READ : IOTOLL_WRITE;
			const uint32_t forbidden = what & 1 ? 0x40000000 : 0x20000000;
			const bool hit = m.held[page] != 0;
			const int told =
				iommu_probe(rig.iommu, source, page * 4096u, access, &foretold);

			model_access(&m, page);
			entry = m.held[page];
			rc = drig_dma(&rig, 0, page * 4096u, access, &x);
			assert_int_equal(rc, told);
			assert_int_equal(x.paddr, foretold.paddr);
			assert_int_equal(x.fetches, foretold.fetches);
			assert_true(x.hit == foretold.hit && x.stale == foretold.stale);
			assert_int_equal(rc, entry == 0 || (entry & forbidden) != 0 ? -EPERM : 0);
			if (rc == 0) {
				assert_int_equal(x.paddr, (uint64_t)(entry & 0xFFFFFF) << 12);
				assert_int_equal(x.hit, hit);
				assert_int_equal(x.stale, hit && ((entry ^ m.table[page]) &
								  0xE0FFFFFF) != 0);
			}
		}
	}
	drig_free(&rig);
}

static void tables_and_registers_of_any_content_do_no_harm(void **state)
{
	static const char *const models[] = {"dart-u3", "dart-u4"};
	struct drig rig;
	struct rng rng;

	(void)state;
	seed_from_env(&rng);
	for (unsigned round = 0; round < 40; round++) {
		const struct iommu_dart_config config = {.busy_reads = (unsigned)rng_below(&rng, 3),
							 .missed_one_in = rng_below(&rng, 3)};

		drig_make(&rig, models[round % 2], &config, NULL);
		for (size_t i = 0; i < DRIG_BYTES; i += 509)
			rig.bytes[i] = (uint8_t)rng_u64(&rng);
		for (unsigned step = 0; step < 500; step++) {
			const uint64_t iova = rng_u64(&rng) >> rng_below(&rng, 64);
			struct iotoll_xlat x;
			int rc;

			drig_write(&rig, 0x3000 + 16 * rng_below(&rng, 4), (uint32_t)rng_u64(&rng));
			(void)drig_read(&rig, 0x3000 + 16 * rng_below(&rng, 4));
			rc = drig_dma(&rig, (uint16_t)rng_below(&rng, 2), iova, IOTOLL_READ, &x);
			assert_true(rc == 0 || rc == -EPERM || rc == -EFAULT || rc == -ENODEV);
			assert_true(rc != 0 || (x.bytes != 0 && x.bytes <= 4096));
		}
		drig_free(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_miss_brings_the_aligned_group_of_four),
		cmocka_unit_test(a_valid_dummy_that_is_held_hides_a_new_mapping_until_invalidated),
		cmocka_unit_test(invalidating_one_page_leaves_the_others_of_its_line),
		cmocka_unit_test(the_tlb_is_32_sets_of_4_ways_by_address_bits_18_to_14),
		cmocka_unit_test(a_hit_that_the_table_no_longer_backs_is_stale),
		cmocka_unit_test(random_programs_agree_with_a_plain_model),
		cmocka_unit_test(tables_and_registers_of_any_content_do_no_harm),
	};

	return cmocka_run_group_tests_name("hw/dart_tlb", tests, NULL, NULL);
}
