// SPDX-License-Identifier: MIT
/*
 * What the rIOTLB holds of a ring, and when it is let go of: the mapping used last and, fetched
 * ahead, the one after it.
 */
#include <errno.h>

#include "riommu_rig.h"

#define MEM(i) (UINT64_C(0x80000) + 0x800 * (i))

static uint64_t page(unsigned ring, unsigned entry)
{
	return RRIG_IOVA(ring, entry, 0) >> 12;
}

static void fill(struct rrig *rig, unsigned ring, unsigned entries)
{
	for (unsigned i = 0; i < entries; i++)
		rrig_map(rig, ring, i, MEM(i), 1500, 7);
}

static struct iotlb_stats stats(struct rrig *rig)
{
	struct iotlb_stats s;

	rig->iommu->ops->stats(rig->iommu, &s);
	return s;
}

static void a_device_that_walks_its_ring_in_order_misses_once(void **state)
{
	struct rrig rig;
	struct iotoll_xlat x;

	(void)state;
	rrig_make(&rig, 4);
	fill(&rig, 2, 8);
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(2, 0, 0), MEM(0)), 'w');
	for (unsigned i = 1; i < 24; i++) { /* three times round */
		const unsigned reads = rig.reads;

		assert_int_equal(rrig_dma(&rig, RRIG_IOVA(2, i % 8, 0), IOTOLL_WRITE, &x), 0);
		assert_int_equal(x.paddr, MEM(i % 8));
		assert_true(x.hit);
		assert_int_equal(x.fetches, 0);
		assert_int_equal(x.ahead, 1);
		assert_int_equal(rig.reads - reads, 4); /* fetched ahead; is it stale: a walk */
		assert_int_equal(rrig_way(&rig, RRIG_IOVA(2, i % 8, 700), MEM(i % 8) + 700), 'h');
	}
	assert_int_equal(stats(&rig).misses, 1);
	assert_int_equal(stats(&rig).hits, 46);
	assert_int_equal(stats(&rig).prefetched, 24);
	assert_int_equal(stats(&rig).useful, 23);
	rrig_free(&rig);
}

static void moving_on_lets_go_of_the_former(void **state)
{
	struct rrig rig;

	(void)state;
	rrig_make(&rig, 4);
	fill(&rig, 2, 8);
	(void)rrig_way(&rig, RRIG_IOVA(2, 0, 0), MEM(0));
	assert_int_equal(rig.drops, 0);
	(void)rrig_way(&rig, RRIG_IOVA(2, 1, 0), MEM(1));
	assert_int_equal(rig.drops, 1);
	assert_int_equal(rig.dropped[0], page(2, 0));
	/* cleared in the table: no longer reachable, though nobody has invalidated anything */
	rrig_map(&rig, 2, 0, MEM(0), 1500, 3);
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(2, 0, 0), IOTOLL_READ, NULL), -EPERM);
	/* the one used last and the one after it are */
	rrig_map(&rig, 2, 1, MEM(1), 1500, 3);
	rrig_map(&rig, 2, 2, MEM(2), 1500, 3);
	rrig_map(&rig, 2, 3, MEM(3), 1500, 3);
	assert_int_equal(rrig_probe(&rig, RRIG_IOVA(2, 1, 0), MEM(1)), 's');
	assert_int_equal(rrig_probe(&rig, RRIG_IOVA(2, 2, 0), MEM(2)), 's');
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(2, 3, 0), IOTOLL_READ, NULL), -EPERM);
	rrig_free(&rig);
}

static void one_invalidation_ends_a_burst_of_unmaps(void **state)
{
	struct rrig rig;

	(void)state;
	rrig_make(&rig, 4);
	fill(&rig, 1, 4);
	fill(&rig, 2, 8);
	(void)rrig_way(&rig, RRIG_IOVA(1, 0, 0), MEM(0));
	for (unsigned i = 0; i < 5; i++)
		(void)rrig_way(&rig, RRIG_IOVA(2, i, 0), MEM(i));
	for (unsigned i = 0; i < 8; i++)
		rrig_map(&rig, 2, i, MEM(i), 1500, 3);
	rig.drops = 0;
	rrig_write(&rig, 0x20, UINT64_C(0x0000000100280002)); /* ring 2 of device 0x28 */
	assert_int_equal(rig.drops, 2);
	assert_int_equal(rig.dropped[0], page(2, 4));
	assert_int_equal(rig.dropped[1], page(2, 5));
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(rrig_dma(&rig, RRIG_IOVA(2, i, 0), IOTOLL_READ, NULL), -EPERM);
	/* the other ring was none of its business */
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(1, 0, 0), MEM(0)), 'h');
	rrig_free(&rig);
}

static void invalidations_have_the_scope_they_say(void **state)
{
	static const struct {
		uint64_t command;
		char ring1, ring2;
	} cases[] = {
		{UINT64_C(0x0000000100280001), 'w', 'h'}, {UINT64_C(0x0000000100280003), 'h', 'h'},
		{UINT64_C(0x0000000100290001), 'h', 'h'}, /* another device's */
		{UINT64_C(0x0000000200280000), 'w', 'w'}, {UINT64_C(0x0000000200290000), 'h', 'h'},
		{UINT64_C(0x0000000300000000), 'w', 'w'},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct rrig rig;

		rrig_make(&rig, 4);
		fill(&rig, 1, 4);
		fill(&rig, 2, 8);
		(void)rrig_way(&rig, RRIG_IOVA(1, 0, 0), MEM(0));
		(void)rrig_way(&rig, RRIG_IOVA(2, 0, 0), MEM(0));
		rrig_write(&rig, 0x20, cases[i].command);
		assert_int_equal(rrig_way(&rig, RRIG_IOVA(1, 0, 0), MEM(0)), cases[i].ring1);
		assert_int_equal(rrig_way(&rig, RRIG_IOVA(2, 0, 0), MEM(0)), cases[i].ring2);
		rrig_free(&rig);
	}
}

static void what_was_not_valid_when_fetched_ahead_is_walked_to(void **state)
{
	struct rrig rig;

	(void)state;
	rrig_make(&rig, 4);
	rrig_map(&rig, 2, 0, MEM(0), 1500, 7);
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(2, 0, 0), MEM(0)), 'w');
	rrig_map(&rig, 2, 1, MEM(1), 1500, 7); /* mapped too late for it */
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(2, 0, 5), MEM(0) + 5), 'h');
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(2, 1, 0), MEM(1)), 'w');
	rrig_free(&rig);
}

static void going_back_or_skipping_ahead_walks(void **state)
{
	struct rrig rig;

	(void)state;
	rrig_make(&rig, 4);
	fill(&rig, 2, 8);
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(2, 3, 0), MEM(3)), 'w');
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(2, 2, 0), MEM(2)), 'w');
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(2, 3, 0), MEM(3)), 'h');
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(2, 5, 0), MEM(5)), 'w');
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(2, 7, 0), MEM(7)), 'w');
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(2, 0, 0), MEM(0)), 'h'); /* round the end */
	rrig_free(&rig);
}

static void a_ring_of_one_has_nothing_ahead(void **state)
{
	struct rrig rig;
	struct iotoll_xlat x;

	(void)state;
	rrig_make(&rig, 4);
	rrig_map(&rig, 0, 0, MEM(0), 0x3000, 7);
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(0, 0, 0x2FFF), IOTOLL_READ, &x), 0);
	assert_int_equal(x.ahead, 0);
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(0, 0, 0x1800), MEM(0) + 0x1800), 'h');
	/* three pages of I/O address space, told one by one */
	rrig_write(&rig, 0x20, UINT64_C(0x0000000300000000));
	assert_int_equal(rig.drops, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(rig.dropped[i], page(0, 0) + i);
	rrig_free(&rig);
}

static void a_refused_access_has_moved_the_entry_a_failed_walk_has_not(void **state)
{
	struct rrig rig;

	(void)state;
	rrig_make(&rig, 4);
	fill(&rig, 2, 8);
	rrig_map(&rig, 2, 1, MEM(1), 1500, 5); /* for reading */
	rrig_map(&rig, 2, 6, MEM(6), 1500, 3); /* not valid */
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(2, 0, 0), MEM(0)), 'w');
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(2, 1, 0), IOTOLL_WRITE, NULL), -EPERM);
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(2, 2, 0), MEM(2)), 'h');
	assert_int_equal(rrig_dma(&rig, RRIG_IOVA(2, 6, 0), IOTOLL_WRITE, NULL), -EPERM);
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(2, 3, 0), MEM(3)), 'h');
	rrig_free(&rig);
}

static void a_ring_of_two_keeps_both_until_the_table_says_otherwise(void **state)
{
	struct rrig rig;

	(void)state;
	rrig_make(&rig, 4);
	rrig_poke(&rig, 0x4010, RRIG_RING(1), 2);
	fill(&rig, 1, 2);
	(void)rrig_way(&rig, RRIG_IOVA(1, 0, 0), MEM(0));
	(void)rrig_way(&rig, RRIG_IOVA(1, 1, 0), MEM(1));
	assert_int_equal(rig.drops, 0); /* 0 was let go of and fetched again, as it was */
	rrig_map(&rig, 1, 1, MEM(5), 100, 7);
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(1, 0, 0), MEM(0)), 'h');
	assert_int_equal(rig.drops, 1); /* 1 was fetched again, and it is another */
	assert_int_equal(rig.dropped[0], page(1, 1));
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(1, 1, 0), MEM(5)), 'h');
	rrig_free(&rig);
}

static void with_too_many_rings_the_policy_picks_who_goes(void **state)
{
	struct rrig rig;

	(void)state;
	rrig_make(&rig, 2);
	rrig_map(&rig, 0, 0, MEM(7), 10, 7);
	fill(&rig, 1, 4);
	fill(&rig, 2, 8);
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(0, 0, 0), MEM(7)), 'w');
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(1, 0, 0), MEM(0)), 'w');
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(0, 0, 0), MEM(7)), 'h');
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(2, 0, 0), MEM(0)), 'w'); /* instead of ring 1 */
	assert_int_equal(rig.drops, 2);
	assert_int_equal(rig.dropped[0], page(1, 0));
	assert_int_equal(rig.dropped[1], page(1, 1));
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(0, 0, 0), MEM(7)), 'h');
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(1, 1, 0), MEM(1)), 'w');
	assert_int_equal(stats(&rig).evictions, 2);
	rrig_free(&rig);
}

static void without_an_riotlb_everything_walks_and_nothing_is_fetched_ahead(void **state)
{
	struct rrig rig;
	struct iotoll_xlat x;

	(void)state;
	rrig_make(&rig, 0);
	fill(&rig, 2, 8);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(rrig_dma(&rig, RRIG_IOVA(2, i / 2, 0), IOTOLL_READ, &x), 0);
		assert_false(x.hit);
		assert_int_equal(x.fetches, 3);
		assert_int_equal(x.ahead, 0);
	}
	rrig_write(&rig, 0x20, UINT64_C(0x0000000300000000));
	assert_int_equal(rig.drops, 0);
	rrig_free(&rig);
}

static void a_probe_changes_nothing(void **state)
{
	struct rrig rig;
	struct iotlb_stats before;

	(void)state;
	rrig_make(&rig, 2);
	fill(&rig, 1, 4);
	fill(&rig, 2, 8);
	assert_int_equal(rrig_probe(&rig, RRIG_IOVA(2, 0, 0), MEM(0)), 'w');
	assert_int_equal(rrig_probe(&rig, RRIG_IOVA(2, 0, 0), MEM(0)), 'w');
	(void)rrig_way(&rig, RRIG_IOVA(2, 0, 0), MEM(0));
	before = stats(&rig);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(rrig_probe(&rig, RRIG_IOVA(2, i, 0), MEM(i)), i < 2 ? 'h' : 'w');
	assert_int_equal(rrig_probe(&rig, RRIG_IOVA(1, 0, 0), MEM(0)), 'w');
	assert_int_equal(rig.drops, 0);
	assert_int_equal(rig.faults, 0);
	assert_int_equal(stats(&rig).hits, before.hits);
	assert_int_equal(stats(&rig).misses, before.misses);
	assert_int_equal(rrig_way(&rig, RRIG_IOVA(2, 1, 0), MEM(1)), 'h');
	rrig_free(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_that_walks_its_ring_in_order_misses_once),
		cmocka_unit_test(moving_on_lets_go_of_the_former),
		cmocka_unit_test(one_invalidation_ends_a_burst_of_unmaps),
		cmocka_unit_test(invalidations_have_the_scope_they_say),
		cmocka_unit_test(what_was_not_valid_when_fetched_ahead_is_walked_to),
		cmocka_unit_test(going_back_or_skipping_ahead_walks),
		cmocka_unit_test(a_ring_of_one_has_nothing_ahead),
		cmocka_unit_test(a_refused_access_has_moved_the_entry_a_failed_walk_has_not),
		cmocka_unit_test(a_ring_of_two_keeps_both_until_the_table_says_otherwise),
		cmocka_unit_test(with_too_many_rings_the_policy_picks_who_goes),
		cmocka_unit_test(without_an_riotlb_everything_walks_and_nothing_is_fetched_ahead),
		cmocka_unit_test(a_probe_changes_nothing),
	};

	return cmocka_run_group_tests_name("hw/riommu_riotlb", tests, NULL, NULL);
}
