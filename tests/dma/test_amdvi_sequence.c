/* SPDX-License-Identifier: MIT */
/*
 * The AMD-Vi driver's register accesses, device table entries, page table entries and commands, one
 * by one and bit by bit.
 */
#include "amdvirig.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define RIGHTS   UINT64_C(0x6000000000000000) /* IR, IW */

static uint64_t device_table(const struct amdrig *r)
{
	return r->reg[DEVTAB / 8] & ~UINT64_C(0xFFF);
}

static void expect_accesses(const struct amdrig *r, const struct rig_access *want, size_t n)
{
	rig_expect_log(r->log, r->logged, want, n);
}

static void bringing_up_follows_linux_step_by_step(void **state)
{
	const struct iotoll_dma_config config = amdrig_config("strict");
	static struct amdrig r;

	(void)state;
	amdrig_open(&r, 64u << 20);
	r.reg[CONTROL / 8] = 0x100D; /* somebody left it on */
	assert_int_equal(iotoll_dma_domain_create(&r.domain, r.env, &config, NULL, 0), 0);
	const uint64_t table = device_table(&r);
	const struct rig_access want[] = {
		{'R', 8, EFR, 0x840},
		/* off: command buffer, event interrupt, event log, unit */
		{'R', 8, CONTROL, 0x100D},
		{'W', 8, CONTROL, 0x000D},
		{'R', 8, CONTROL, 0x000D},
		{'W', 8, CONTROL, 0x0005},
		{'R', 8, CONTROL, 0x0005},
		{'W', 8, CONTROL, 0x0001},
		{'R', 8, CONTROL, 0x0001},
		{'W', 8, CONTROL, 0},
		/* and again when translation is asked for: iommu_disable() */
		{'R', 8, CONTROL, 0},
		{'W', 8, CONTROL, 0},
		{'R', 8, CONTROL, 0},
		{'W', 8, CONTROL, 0},
		{'R', 8, CONTROL, 0},
		{'W', 8, CONTROL, 0},
		{'R', 8, CONTROL, 0},
		{'W', 8, CONTROL, 0},
		/* Coherent (10), InvTimeOut 4 (7:5): a second */
		{'R', 8, CONTROL, 0},
		{'W', 8, CONTROL, 0x0480},
		/* every DeviceID; 512 commands and 512 events (length code 9 in 59:56) */
		{'W', 8, DEVTAB, table | 0x1FF},
		{'W', 8, CMDBUF, (table + 0x200000) | UINT64_C(9) << 56},
		{'R', 8, CONTROL, 0x0480},
		{'W', 8, CONTROL, 0x0480},
		{'W', 4, CHEAD, 0},
		{'W', 4, CTAIL, 0},
		{'R', 8, CONTROL, 0x0480},
		{'W', 8, CONTROL, 0x1480},
		{'W', 8, EVTLOG, (table + 0x202000) | UINT64_C(9) << 56},
		{'W', 4, EHEAD, 0},
		{'W', 4, ETAIL, 0},
		{'W', 4, STATUS, 7},
		{'R', 8, CONTROL, 0x1480},
		{'W', 8, CONTROL, 0x1484},
		{'W', 8, EXCL, 0},
		{'R', 8, CONTROL, 0x1484},
		{'W', 8, CONTROL, 0x1485},
		/* INVALIDATE_IOMMU_ALL and a COMPLETION_WAIT */
		{'W', 4, CTAIL, 0x10},
		{'W', 4, CTAIL, 0x20},
	};

	assert_int_equal(table % 4096, 0);
	expect_accesses(&r, want, COUNT(want));
	assert_int_equal(r.commands, 2);
	assert_int_equal(r.command[0][0], UINT64_C(8) << 60);
	assert_int_equal(r.command[0][1], 0);
	/* S, the semaphore behind the event log, number 1. */
	assert_int_equal(r.command[1][0], UINT64_C(1) << 60 | (table + 0x204000) | 1);
	assert_int_equal(r.command[1][1], 1);
	amdrig_close(&r);
}

static void every_device_is_blocked_until_it_is_attached(void **state)
{
	static struct amdrig r;
	iotoll_phys_t root;
	size_t bytes;

	(void)state;
	amdrig_start(&r, "strict");
	iotoll_dma_domain_table(r.domain, &root, &bytes);
	for (uint64_t devid = 0; devid < 65536; devid++) {
		const uint64_t at = device_table(&r) + devid * 32;

		/* V, TV, Mode 3 in 11:9, IR, IW; domain 1. Or V and TV alone. */
		assert_int_equal(amdrig_load(&r, at),
				 devid == 0x0108 ? RIGHTS | IOTOLL_PHYS_U64(root) | 0x603 : 3);
		assert_int_equal(amdrig_load(&r, at + 8), devid == 0x0108 ? 1 : 0);
		assert_int_equal(amdrig_load(&r, at + 16), 0);
		assert_int_equal(amdrig_load(&r, at + 24), 0);
	}
	/* Behind it, after what bringing up queued: INVALIDATE_DEVTAB_ENTRY, wait, all pages of
	 * domain 1 with PDE (bit 1) and S, wait. */
	assert_int_equal(r.commands, 6);
	assert_int_equal(r.command[2][0], UINT64_C(2) << 60 | 0x0108);
	assert_int_equal(r.command[2][1], 0);
	assert_int_equal(r.command[3][1], 2);
	assert_int_equal(r.command[4][0], UINT64_C(3) << 60 | UINT64_C(1) << 32);
	assert_int_equal(r.command[4][1], UINT64_C(0x7FFFFFFFFFFFF003));
	assert_int_equal(r.command[5][1], 3);
	amdrig_forget(&r);
	iotoll_dma_detach(r.dev);
	r.dev = NULL;
	assert_int_equal(amdrig_load(&r, device_table(&r) + 0x0108 * 32), 3);
	assert_int_equal(amdrig_load(&r, device_table(&r) + 0x0108 * 32 + 8), 0);
	assert_int_equal(r.commands, 4);
	assert_int_equal(r.command[0][0], UINT64_C(2) << 60 | 0x0108);
	amdrig_close(&r);
}

/* The entry of @iova, found through the tables: three levels, 9 address bits each. */
static uint64_t leaf(const struct amdrig *r, uint64_t iova)
{
	iotoll_phys_t root;
	uint64_t table;
	size_t bytes;

	iotoll_dma_domain_table(r->domain, &root, &bytes);
	table = IOTOLL_PHYS_U64(root);
	for (unsigned level = 3; level > 1; level--) {
		const uint64_t pde =
			amdrig_load(r, table + (iova >> (12 + 9 * (level - 1))) % 512 * 8);

		/* PR, next level, IR, IW, and no other bit. */
		assert_int_equal(pde & ~UINT64_C(0x000FFFFFFFFFF000),
				 RIGHTS | (level - 1) << 9 | 1);
		table = pde & UINT64_C(0x000FFFFFFFFFF000);
	}
	return amdrig_load(r, table + (iova >> 12) % 512 * 8);
}

static void entries_have_the_rights_asked_for_and_fc(void **state)
{
	static const struct {
		enum iotoll_dma_dir dir;
		uint64_t bits; /* FC is 60, IR 61, IW 62 */
	} cases[] = {{IOTOLL_DMA_TO_DEVICE, UINT64_C(0x3000000000000001)},
		     {IOTOLL_DMA_FROM_DEVICE, UINT64_C(0x5000000000000001)},
		     {IOTOLL_DMA_BIDIRECTIONAL, UINT64_C(0x7000000000000001)}};
	static struct amdrig r;

	(void)state;
	amdrig_start(&r, "strict");
	for (unsigned i = 0; i < COUNT(cases); i++) {
		const uint64_t iova = amdrig_map(&r, 0x123456, 8192, cases[i].dir);

		assert_int_equal(iova & 0xFFF, 0x456);
		for (unsigned p = 0; p < 3; p++)
			assert_int_equal(leaf(&r, iova + p * 4096),
					 cases[i].bits | (0x123000 + p * 0x1000));
		iotoll_dma_unmap_page(r.dev, IOTOLL_IOVA(iova), 8192, cases[i].dir);
		assert_int_equal(leaf(&r, iova), 0);
		assert_int_equal(leaf(&r, iova + 8192), 0);
	}
	amdrig_close(&r);
}

static void strict_unmap_queues_one_invalidation_and_one_wait(void **state)
{
	static struct amdrig r;

	(void)state;
	amdrig_start(&r, "strict");
	const uint64_t iova = amdrig_map(&r, 0x123000, 4096, IOTOLL_DMA_TO_DEVICE);
	const uint64_t tail = r.reg[CTAIL / 8];

	amdrig_forget(&r);
	iotoll_dma_unmap_page(r.dev, IOTOLL_IOVA(iova), 4096, IOTOLL_DMA_TO_DEVICE);
	const struct rig_access want[] = {
		{'W', 4, CTAIL, tail + 16},
		{'W', 4, CTAIL, tail + 32},
	};

	expect_accesses(&r, want, COUNT(want));
	assert_int_equal(r.command[0][0], UINT64_C(3) << 60 | UINT64_C(1) << 32);
	assert_int_equal(r.command[0][1], iova | 2); /* PDE, no S: one page */
	assert_int_equal(r.command[1][0] >> 60, 1);
	assert_int_equal(r.command[1][1], 4);
	assert_int_equal(amdrig_stats(&r).invalidations, 1);
	amdrig_close(&r);
}

/*
 * The smallest aligned block: pages 8..9 are one of 8 KiB (bit 12 clear), 9..10 lie in 8..11
 * (16 KiB: 01 in 13:12), 7..8 in 0..15 (64 KiB: 0111 in 15:12).
 */
static void several_pages_are_named_by_the_block_around_them(void **state)
{
	static const struct {
		uint64_t first, pages, quad;
	} cases[] = {{8, 2, 0x8003}, {9, 2, 0x9003}, {7, 2, 0x7003}, {8, 8, 0xB003}};
	static struct amdrig r;

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct iotoll_dma_config config = amdrig_config("strict");

		amdrig_open(&r, 64u << 20);
		config.start_hint = cases[i].first;
		assert_int_equal(iotoll_dma_domain_create(&r.domain, r.env, &config, NULL, 0), 0);
		assert_int_equal(iotoll_dma_attach(&r.dev, r.domain, 8, UINT32_MAX), 0);
		const uint64_t iova =
			amdrig_map(&r, 0x100000, cases[i].pages * 4096, IOTOLL_DMA_TO_DEVICE);

		assert_int_equal(iova, cases[i].first * 4096);
		amdrig_forget(&r);
		iotoll_dma_unmap_page(r.dev, IOTOLL_IOVA(iova), cases[i].pages * 4096,
				      IOTOLL_DMA_TO_DEVICE);
		assert_int_equal(r.command[0][1], cases[i].quad);
		amdrig_close(&r);
	}
}

static void interrupt_and_hypertransport_ranges_are_withheld(void **state)
{
	struct iotoll_dma_config config = amdrig_config("strict");
	static struct amdrig r;

	(void)state;
	/* 2^28 entries reach 1 TiB: page 0, 256 pages of interrupts, 3 * 2^20 from 0xFD00000000. */
	amdrig_open(&r, 128u << 20);
	config.table_entries = UINT64_C(1) << 28;
	assert_int_equal(iotoll_dma_domain_create(&r.domain, r.env, &config, NULL, 0), 0);
	assert_int_equal(amdrig_stats(&r).usable_entries,
			 (UINT64_C(1) << 28) - 1 - 256 - 3 * (UINT64_C(1) << 20));
	amdrig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bringing_up_follows_linux_step_by_step),
		cmocka_unit_test(every_device_is_blocked_until_it_is_attached),
		cmocka_unit_test(entries_have_the_rights_asked_for_and_fc),
		cmocka_unit_test(strict_unmap_queues_one_invalidation_and_one_wait),
		cmocka_unit_test(several_pages_are_named_by_the_block_around_them),
		cmocka_unit_test(interrupt_and_hypertransport_ranges_are_withheld),
	};

	return cmocka_run_group_tests_name("dma/amdvi_sequence", tests, NULL, NULL);
}
