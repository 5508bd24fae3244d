// SPDX-License-Identifier: MIT
/*
 * The rIOMMU driver against registers that record, and the bytes of its tables. Offsets, commands
 * and entries are written out, so that a mistake in the shared header shows.
 */
#include <errno.h>

#include "rig.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define DEVICE   8u
#define LENGTH   64u
#define RING(r)  (UINT64_C(0x0000000100080000) + (r)) /* invalidate ring r of device 8 */

static struct iotoll_dma_config config_of(const char *strategy)
{
	return (struct iotoll_dma_config){.driver = "riommu",
					  .strategy = strategy,
					  .table_entries = LENGTH,
					  .check_misuse = true};
}

static void start(struct rig *rig, const char *strategy)
{
	const struct iotoll_dma_config config = config_of(strategy);
	char why[160] = "";

	rig_open(rig, 16u << 20);
	if (iotoll_dma_domain_create(&rig->domain, rig->env, &config, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(iotoll_dma_attach(&rig->dev, rig->domain, DEVICE, UINT64_MAX), 0);
	rig_forget(rig);
}

static uint64_t word(const struct rig *rig, uint64_t paddr)
{
	const uint8_t *at = iotoll_env_ptr(rig->env, IOTOLL_PHYS(paddr), 8);
	uint64_t value = 0;

	for (unsigned i = 0; i < 8; i++)
		value |= (uint64_t)at[i] << 8 * i;
	return value;
}

static uint64_t table_at(const struct rig *rig)
{
	iotoll_phys_t table;
	size_t bytes;

	iotoll_dma_domain_table(rig->domain, &table, &bytes);
	assert_int_equal(bytes, 65536 * 16);
	return IOTOLL_PHYS_U64(table);
}

/* Where the rPTE at @iova lies, by the tables. */
static uint64_t rpte_at(const struct rig *rig, uint64_t iova)
{
	const uint64_t rings = word(rig, table_at(rig) + 16 * DEVICE);

	return word(rig, rings + 16 * (iova >> 48)) + 16 * (iova >> 30 & 0x3FFFF);
}

static uint64_t map(struct rig *rig, unsigned ring, uint64_t paddr, size_t bytes,
		    enum iotoll_dma_dir dir)
{
	const struct iotoll_dma_attrs attrs = {.ring = ring};
	const iotoll_iova_t iova =
		iotoll_dma_map_page_attrs(rig->dev, IOTOLL_PHYS(paddr), bytes, dir, &attrs);

	assert_false(iotoll_dma_mapping_error(iova));
	return IOTOLL_IOVA_U64(iova);
}

static void unmap(struct rig *rig, unsigned ring, uint64_t iova, size_t bytes, bool more)
{
	const struct iotoll_dma_attrs attrs = {.ring = ring, .more = more};

	iotoll_dma_unmap_page_attrs(rig->dev, IOTOLL_IOVA(iova), bytes, IOTOLL_DMA_FROM_DEVICE,
				    &attrs);
}

static void setting_up_points_at_the_table_and_forgets_before_it_enables(void **state)
{
	static struct rig rig;
	const struct iotoll_dma_config config = config_of("strict");

	(void)state;
	rig_open(&rig, 16u << 20);
	assert_int_equal(iotoll_dma_domain_create(&rig.domain, rig.env, &config, NULL, 0), 0);
	const struct rig_access want[] = {
		{'W', 8, 0x10, table_at(&rig)},
		{'W', 8, 0x18, 0x10000},
		{'W', 8, 0x20, UINT64_C(3) << 32},
		{'R', 8, 0x20, UINT64_C(3) << 32},
		{'W', 8, 0x08, 1},
	};
	const struct rig_access off[] = {
		{'W', 8, 0x08, 0},
		{'W', 8, 0x20, UINT64_C(3) << 32},
		{'R', 8, 0x20, UINT64_C(3) << 32},
	};

	rig_expect(&rig, want, COUNT(want));
	assert_int_equal(table_at(&rig) % 4096, 0);
	rig_forget(&rig);
	iotoll_dma_domain_destroy(rig.domain);
	rig.domain = NULL;
	rig_expect(&rig, off, COUNT(off));
	rig_close(&rig);
}

static void a_device_is_linked_while_it_is_attached(void **state)
{
	static struct rig rig;

	(void)state;
	start(&rig, "strict");
	const uint64_t entry = table_at(&rig) + 16 * DEVICE;
	const struct rig_access want[] = {
		{'W', 8, 0x20, UINT64_C(0x0000000200080000)}, /* everything of device 8 */
		{'R', 8, 0x20, UINT64_C(0x0000000200080000)},
	};

	assert_int_equal(word(&rig, entry + 8), 256);
	assert_int_equal(word(&rig, entry) % 4096, 0);
	assert_int_equal(word(&rig, entry + 24), 0); /* device 9 */
	iotoll_dma_detach(rig.dev);
	rig.dev = NULL;
	assert_int_equal(word(&rig, entry + 8), 0);
	rig_expect(&rig, want, COUNT(want));
	rig_close(&rig);
}

static void a_map_fills_the_entry_at_the_rings_tail_and_touches_no_register(void **state)
{
	static struct rig rig;
	const struct {
		enum iotoll_dma_dir dir;
		uint64_t second; /* valid 1 << 32, device writes 1 << 31, reads 1 << 30 */
	} cases[] = {
		{IOTOLL_DMA_FROM_DEVICE, UINT64_C(0x1800005DC)},
		{IOTOLL_DMA_TO_DEVICE, UINT64_C(0x1400005DC)},
		{IOTOLL_DMA_BIDIRECTIONAL, UINT64_C(0x1C00005DC)},
	};

	(void)state;
	start(&rig, "strict");
	for (unsigned i = 0; i < 3; i++) {
		const uint64_t iova = map(&rig, 2, 0x345678 + i, 1500, cases[i].dir);

		assert_int_equal(iova, UINT64_C(2) << 48 | (uint64_t)i << 30);
		assert_int_equal(word(&rig, rpte_at(&rig, iova)), 0x345678 + i);
		assert_int_equal(word(&rig, rpte_at(&rig, iova) + 8), cases[i].second);
	}
	/* another ring, and what belongs to none */
	assert_int_equal(map(&rig, 1, 0x1000, 1, IOTOLL_DMA_FROM_DEVICE), UINT64_C(1) << 48);
	assert_int_equal(map(&rig, 0, 0x1000, 1, IOTOLL_DMA_FROM_DEVICE), 0);
	assert_int_equal(rig.logged, 0);
	assert_int_equal(rig_stats(&rig).pages_live, 5);
	rig_close(&rig);
}

static void strict_invalidates_the_ring_at_each_unmap(void **state)
{
	static struct rig rig;
	const struct rig_access want[] = {
		{'W', 8, 0x20, RING(3)},
		{'R', 8, 0x20, RING(3)},
	};
	uint64_t iova;

	(void)state;
	start(&rig, "strict");
	iova = map(&rig, 3, 0x1000, 100, IOTOLL_DMA_FROM_DEVICE);
	unmap(&rig, 3, iova, 100, true);
	assert_int_equal(word(&rig, rpte_at(&rig, iova) + 8), 0);
	rig_expect(&rig, want, COUNT(want));
	assert_int_equal(rig_stats(&rig).invalidations, 1);
	rig_close(&rig);
}

static void a_burst_is_invalidated_once_at_its_end(void **state)
{
	static struct rig rig;
	const struct rig_access want[] = {
		{'W', 8, 0x20, RING(3)},
		{'R', 8, 0x20, RING(3)},
	};
	uint64_t iova[10];

	(void)state;
	start(&rig, "burst");
	for (unsigned i = 0; i < 10; i++)
		iova[i] = map(&rig, 3, 0x1000 * i, 100, IOTOLL_DMA_FROM_DEVICE);
	for (unsigned i = 0; i < 9; i++)
		unmap(&rig, 3, iova[i], 100, true);
	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(word(&rig, rpte_at(&rig, iova[i]) + 8), 0);
	assert_int_equal(rig.logged, 0);
	assert_int_equal(rig_stats(&rig).kept_pages, 9);
	unmap(&rig, 3, iova[9], 100, false);
	rig_expect(&rig, want, COUNT(want));
	assert_int_equal(rig_stats(&rig).kept_pages, 0);
	rig_close(&rig);
}

static void a_burst_over_two_rings_invalidates_both_and_an_end_can_be_said(void **state)
{
	static struct rig rig;
	const struct rig_access want[] = {
		{'W', 8, 0x20, RING(3)},
		{'R', 8, 0x20, RING(3)},
		{'W', 8, 0x20, RING(1)},
		{'R', 8, 0x20, RING(1)},
	};
	uint64_t a, b, c;

	(void)state;
	start(&rig, "burst");
	a = map(&rig, 3, 0x1000, 100, IOTOLL_DMA_FROM_DEVICE);
	b = map(&rig, 1, 0x2000, 100, IOTOLL_DMA_FROM_DEVICE);
	c = map(&rig, 3, 0x3000, 100, IOTOLL_DMA_FROM_DEVICE);
	unmap(&rig, 3, a, 100, true);
	unmap(&rig, 3, c, 100, true);
	unmap(&rig, 1, b, 100, true);
	assert_int_equal(rig.logged, 0);
	iotoll_dma_unmap_end(rig.dev);
	rig_expect(&rig, want, COUNT(want));
	iotoll_dma_unmap_end(rig.dev); /* nothing is left */
	assert_int_equal(rig.logged, COUNT(want));
	rig_close(&rig);
}

static void every_attached_device_forgets(void **state)
{
	static struct rig rig;
	struct iotoll_dma_device *second;
	const struct rig_access want[] = {
		{'W', 8, 0x20, UINT64_C(0x0000000100510001)},
		{'R', 8, 0x20, UINT64_C(0x0000000100510001)},
		{'W', 8, 0x20, RING(1)},
		{'R', 8, 0x20, RING(1)},
	};

	(void)state;
	start(&rig, "strict");
	assert_int_equal(iotoll_dma_attach(&second, rig.domain, 0x51, UINT64_MAX), 0);
	unmap(&rig, 1, map(&rig, 1, 0x1000, 100, IOTOLL_DMA_FROM_DEVICE), 100, false);
	rig_expect(&rig, want, COUNT(want));
	iotoll_dma_detach(second);
	rig_close(&rig);
}

static void a_full_ring_refuses_and_others_have_room(void **state)
{
	static struct rig rig;
	const struct iotoll_dma_attrs attrs = {.ring = 4};
	uint64_t iova[LENGTH];

	(void)state;
	start(&rig, "strict");
	for (unsigned i = 0; i < LENGTH; i++)
		iova[i] = map(&rig, 4, 0x1000, 100, IOTOLL_DMA_FROM_DEVICE);
	assert_true(iotoll_dma_mapping_error(iotoll_dma_map_page_attrs(
		rig.dev, IOTOLL_PHYS(0x1000), 1, IOTOLL_DMA_FROM_DEVICE, &attrs)));
	(void)map(&rig, 5, 0x1000, 100, IOTOLL_DMA_FROM_DEVICE);
	/* Out of order: the tail passes over what is still mapped. */
	unmap(&rig, 4, iova[7], 100, false);
	unmap(&rig, 4, iova[30], 100, false);
	assert_int_equal(map(&rig, 4, 0x1000, 100, IOTOLL_DMA_FROM_DEVICE), iova[7]);
	assert_int_equal(map(&rig, 4, 0x1000, 100, IOTOLL_DMA_FROM_DEVICE), iova[30]);
	assert_int_equal(rig_stats(&rig).map_failures, 1);
	assert_int_equal(rig_stats(&rig).wraps, 1);
	rig_close(&rig);
}

static void shared_memory_has_a_ring_of_its_own(void **state)
{
	static struct rig rig;
	iotoll_iova_t a, b;
	iotoll_phys_t pa, pb;
	void *p, *q;

	(void)state;
	start(&rig, "strict");
	p = iotoll_dma_alloc_coherent(rig.dev, 5000, &a, &pa);
	q = iotoll_dma_alloc_coherent(rig.dev, 80, &b, &pb);
	assert_non_null(p);
	assert_non_null(q);
	assert_int_equal(IOTOLL_IOVA_U64(a), UINT64_C(60) << 48);
	assert_int_equal(IOTOLL_IOVA_U64(b), UINT64_C(61) << 48);
	assert_int_equal(word(&rig, rpte_at(&rig, IOTOLL_IOVA_U64(a))), IOTOLL_PHYS_U64(pa));
	assert_int_equal(word(&rig, rpte_at(&rig, IOTOLL_IOVA_U64(a)) + 8),
			 UINT64_C(0x1C0002000)); /* whole pages */
	iotoll_dma_free_coherent(rig.dev, 5000, p, a);
	assert_int_equal(word(&rig, rpte_at(&rig, IOTOLL_IOVA_U64(a)) + 8), 0);
	iotoll_dma_free_coherent(rig.dev, 80, q, b);
	rig_close(&rig);
}

static void unmaps_of_what_is_no_mapping_are_refused(void **state)
{
	static struct rig rig;
	struct iotoll_dma_config config = config_of("strict");
	uint64_t iova;

	(void)state;
	config.check_misuse = false;
	rig_open(&rig, 16u << 20);
	assert_int_equal(iotoll_dma_domain_create(&rig.domain, rig.env, &config, NULL, 0), 0);
	assert_int_equal(iotoll_dma_attach(&rig.dev, rig.domain, DEVICE, UINT64_MAX), 0);
	iova = map(&rig, 1, 0x1000, 100, IOTOLL_DMA_FROM_DEVICE);
	rig_forget(&rig);
	unmap(&rig, 1, iova + 4, 100, false);                     /* not where it begins */
	unmap(&rig, 1, iova + (UINT64_C(1) << 30), 100, false);   /* the next, unused */
	unmap(&rig, 1, iova + (UINT64_C(64) << 30), 100, false);  /* beyond the ring */
	unmap(&rig, 1, UINT64_C(60) << 48 | 1 << 30, 100, false); /* beyond a ring of one */
	unmap(&rig, 1, UINT64_C(256) << 48, 100, false);          /* no ring */
	assert_int_equal(rig_stats(&rig).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 5);
	assert_int_equal(rig.logged, 0);
	unmap(&rig, 1, iova, 100, false);
	assert_int_equal(rig.logged, 2);
	unmap(&rig, 1, iova, 100, false);
	assert_int_equal(rig_stats(&rig).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 6);
	rig_close(&rig);
}

static void what_cannot_be_is_refused_with_words(void **state)
{
	static struct rig rig;
	struct iotoll_dma_config config = config_of("strict");
	struct iotoll_dma_domain *second;
	struct iotoll_dma_device *dev;
	char why[200];

	(void)state;
	start(&rig, "strict");
	assert_int_equal(iotoll_dma_domain_create(&second, rig.env, &config, why, sizeof(why)),
			 -EBUSY);
	assert_string_equal(why, "riommu: its one table has a domain already");
	assert_int_equal(iotoll_dma_attach(&dev, rig.domain, 9, UINT32_MAX), -EIO);
	assert_int_equal(iotoll_dma_attach(&dev, rig.domain, DEVICE, UINT64_MAX), -EBUSY);
	assert_int_equal(iotoll_dma_attach_ats(&dev, rig.domain, 9, UINT64_MAX, 4), -EOPNOTSUPP);
	assert_true(iotoll_dma_mapping_error(iotoll_dma_map_page(
		rig.dev, IOTOLL_PHYS(0), (size_t)1 << 30, IOTOLL_DMA_FROM_DEVICE)));
	rig_close(&rig);
	rig_open(&rig, 16u << 20);
	config.table_entries = 1;
	assert_int_equal(iotoll_dma_domain_create(&second, rig.env, &config, why, sizeof(why)),
			 -EINVAL);
	assert_string_equal(why, "table_entries 1: of each ring, 2 to 262143 expected");
	config.table_entries = 0x40000;
	assert_int_equal(iotoll_dma_domain_create(&second, rig.env, &config, why, sizeof(why)),
			 -EINVAL);
	config.table_entries = LENGTH;
	config.bus = 1;
	assert_int_equal(iotoll_dma_domain_create(&second, rig.env, &config, why, sizeof(why)),
			 -EINVAL);
	assert_string_equal(why, "bus 1: riommu has one table for all, bus 0 expected");
	config.bus = 0;
	config.strategy = "persistent";
	config.allocator = "next-fit";
	assert_int_equal(iotoll_dma_domain_create(&second, rig.env, &config, why, sizeof(why)),
			 -EINVAL);
	assert_string_equal(
		why, "strategy persistent keeps pages, the entries of driver riommu name buffers");
	rig_close(&rig);
}

static void the_watchdog_tells_a_fault_and_clears_it(void **state)
{
	static struct rig rig;
	struct iotoll_dma_fault fault;
	const uint64_t latched = UINT64_C(0xA000000500000008), at = UINT64_C(0x0002000040000123);

	(void)state;
	start(&rig, "strict");
	assert_int_equal(iotoll_dma_domain_watchdog(rig.domain, &fault), 0);
	memcpy(&rig.window[0x28], &latched, 8);
	memcpy(&rig.window[0x30], &at, 8);
	rig_forget(&rig);
	assert_int_equal(iotoll_dma_domain_watchdog(rig.domain, &fault), 1);
	assert_int_equal(fault.status, latched);
	assert_int_equal(fault.detail, 5);
	assert_int_equal(fault.agent, 8);
	assert_int_equal(fault.iova, at);
	const struct rig_access want[] = {
		{'R', 8, 0x28, latched},
		{'R', 8, 0x30, at},
		{'W', 8, 0x28, UINT64_C(1) << 63},
	};

	rig_expect(&rig, want, COUNT(want));
	rig_close(&rig);
}

static uint64_t busy_read(void *ctx, uint64_t offset, unsigned width)
{
	(void)width;
	return offset == 0x20 && ++*(unsigned *)ctx ? UINT64_C(1) << 63 : 0;
}

static void ignore_write(void *ctx, uint64_t offset, uint64_t value, unsigned width)
{
	(void)ctx;
	(void)offset;
	(void)value;
	(void)width;
}

static void an_invalidation_that_never_ends_is_given_up(void **state)
{
	unsigned reads = 0;
	const struct iotoll_env_config env = {.ctx = &reads,
					      .reg_read = busy_read,
					      .reg_write = ignore_write,
					      .memory_bytes = 16u << 20};
	const struct iotoll_dma_config config = config_of("strict");
	struct iotoll_dma_stats stats;
	struct rig rig = {.dev = NULL};

	(void)state;
	assert_int_equal(iotoll_env_create(&rig.env, &env), 0);
	assert_int_equal(iotoll_dma_domain_create(&rig.domain, rig.env, &config, NULL, 0), 0);
	assert_int_equal(iotoll_dma_attach(&rig.dev, rig.domain, DEVICE, UINT64_MAX), 0);
	reads = 0;
	unmap(&rig, 1, map(&rig, 1, 0x1000, 100, IOTOLL_DMA_FROM_DEVICE), 100, false);
	assert_int_equal(reads, 1000);
	iotoll_dma_domain_stats(rig.domain, &stats);
	assert_int_equal(stats.flush_timeouts, 1);
	assert_int_equal(stats.flush_polls, 1000);
	iotoll_dma_detach(rig.dev);
	iotoll_dma_domain_destroy(rig.domain);
	iotoll_env_destroy(rig.env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setting_up_points_at_the_table_and_forgets_before_it_enables),
		cmocka_unit_test(a_device_is_linked_while_it_is_attached),
		cmocka_unit_test(a_map_fills_the_entry_at_the_rings_tail_and_touches_no_register),
		cmocka_unit_test(strict_invalidates_the_ring_at_each_unmap),
		cmocka_unit_test(a_burst_is_invalidated_once_at_its_end),
		cmocka_unit_test(a_burst_over_two_rings_invalidates_both_and_an_end_can_be_said),
		cmocka_unit_test(every_attached_device_forgets),
		cmocka_unit_test(a_full_ring_refuses_and_others_have_room),
		cmocka_unit_test(shared_memory_has_a_ring_of_its_own),
		cmocka_unit_test(unmaps_of_what_is_no_mapping_are_refused),
		cmocka_unit_test(what_cannot_be_is_refused_with_words),
		cmocka_unit_test(the_watchdog_tells_a_fault_and_clears_it),
		cmocka_unit_test(an_invalidation_that_never_ends_is_given_up),
	};

	return cmocka_run_group_tests_name("dma/riommu_sequence", tests, NULL, NULL);
}
