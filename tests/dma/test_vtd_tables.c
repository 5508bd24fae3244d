/* SPDX-License-Identifier: MIT */
/*
 * What the VT-d driver writes into memory: root, context and second-level entries, byte by byte,
 * and what it does with devices, domain-ids, other domains and faults.
 */
#include <errno.h>

#include "base/rng.h"
#include "vtdrig.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void a_device_gets_a_context_entry_with_four_levels_and_domain_2(void **state)
{
	static struct vtdrig rig;
	struct iotoll_dma_device *other;
	uint64_t root, context;
	iotoll_phys_t table;
	size_t bytes;

	(void)state;
	vtdrig_start(&rig, CAP_VALUE, ECAP_VALUE, "strict");
	iotoll_dma_domain_table(rig.domain, &table, &bytes);
	assert_int_equal(bytes, 4096);
	root = rig.reg[RTADDR / 8];
	context = vtdrig_word(&rig, root);
	assert_int_equal(context & 0xFFF, 1); /* present */
	assert_int_equal(vtdrig_word(&rig, root + 8), 0);
	context &= ~UINT64_C(0xFFF);
	/* 00:01.0 is devfn 8: present, translation type 0, the top table. */
	assert_int_equal(vtdrig_word(&rig, context + 8 * 16), IOTOLL_PHYS_U64(table) | 1);
	/* AW 2 (48 bits), domain 2 in 23:8 */
	assert_int_equal(vtdrig_word(&rig, context + 8 * 16 + 8), 0x202);
	/* Another bus, another context table, the same domain. */
	assert_int_equal(vtdrig_word(&rig, root + 0x3A * 16), 0);
	assert_int_equal(iotoll_dma_attach(&other, rig.domain, 0x3AFF, UINT32_MAX), 0);
	context = vtdrig_word(&rig, root + 0x3A * 16) & ~UINT64_C(0xFFF);
	assert_int_equal(vtdrig_word(&rig, context + 0xFF * 16), IOTOLL_PHYS_U64(table) | 1);
	assert_int_equal(vtdrig_word(&rig, context + 0xFF * 16 + 8), 0x202);
	/* Nothing needed to be forgotten for that. */
	assert_int_equal(rig.descs, 0);
	iotoll_dma_detach(other);
	assert_int_equal(vtdrig_word(&rig, context + 0xFF * 16), 0);
	{
		static const uint64_t descs[][2] = {
			/* type 1, granularity 3, domain 2, source-id 3AFFh in 47:32 */
			{UINT64_C(0x00003AFF00020031), 0},
			{UINT64_C(0x0000000200000025), 0},
			{0x000200E2, 0}, /* the domain's translations */
			{UINT64_C(0x0000000200000025), 0},
		};

		vtdrig_expect_descs(&rig, descs, COUNT(descs));
	}
	vtdrig_close(&rig);
}

static void a_device_belongs_to_one_domain_at_a_time(void **state)
{
	const struct iotoll_dma_config config = vtdrig_config("strict");
	struct iotoll_dma_domain *second;
	struct iotoll_dma_device *dev;
	static struct vtdrig rig;
	uint64_t context;

	(void)state;
	vtdrig_start(&rig, CAP_VALUE, ECAP_VALUE, "strict");
	assert_int_equal(iotoll_dma_domain_create(&second, rig.env, &config, NULL, 0), 0);
	/* The unit is up and translates already. */
	assert_int_equal(rig.logged, 0);
	assert_int_equal(iotoll_dma_attach(&dev, second, 0x0008, UINT32_MAX), -EBUSY);
	assert_null(dev);
	assert_int_equal(iotoll_dma_attach(&dev, second, 0x0010, UINT32_MAX), 0);
	context = vtdrig_word(&rig, rig.reg[RTADDR / 8]) & ~UINT64_C(0xFFF);
	assert_int_equal(vtdrig_word(&rig, context + 0x10 * 16 + 8), 0x302); /* domain 3 */
	iotoll_dma_detach(dev);
	iotoll_dma_domain_destroy(second);
	/* The first goes on translating. */
	assert_int_equal(rig.reg[GSTS / 8] >> 32 & 0x84000000, 0x84000000);
	assert_int_equal(iotoll_dma_domain_create(&second, rig.env, &config, NULL, 0), 0);
	assert_int_equal(iotoll_dma_attach(&dev, second, 0x0010, UINT32_MAX), 0);
	assert_int_equal(vtdrig_word(&rig, context + 0x10 * 16 + 8), 0x302); /* 3 again */
	iotoll_dma_domain_destroy(second);
	vtdrig_close(&rig);
	assert_int_equal(rig.reg[GSTS / 8] >> 32 & 0x84000000, 0);
}

static void an_untranslated_domain_beside_a_translated_one_passes_through(void **state)
{
	struct iotoll_dma_config config = vtdrig_config("off");
	struct iotoll_dma_domain *second;
	struct iotoll_dma_device *dev;
	static struct vtdrig rig;
	uint64_t context;
	char why[128] = "";

	(void)state;
	config.allocator = NULL;
	vtdrig_start(&rig, CAP_VALUE, ECAP_VALUE, "strict");
	assert_int_equal(iotoll_dma_domain_create(&second, rig.env, &config, NULL, 0), 0);
	assert_int_equal(iotoll_dma_attach(&dev, second, 0x0010, UINT32_MAX), 0);
	context = vtdrig_word(&rig, rig.reg[RTADDR / 8]) & ~UINT64_C(0xFFF);
	/* Translation type 2 in 3:2, no table, the largest width, a domain of its own. */
	assert_int_equal(vtdrig_word(&rig, context + 0x10 * 16), 0x9);
	assert_int_equal(vtdrig_word(&rig, context + 0x10 * 16 + 8), 0x302);
	assert_int_equal(iotoll_dma_map_page(dev, IOTOLL_PHYS(0x5123), 10, IOTOLL_DMA_TO_DEVICE),
			 0x5123);
	iotoll_dma_domain_destroy(second);
	vtdrig_close(&rig);

	vtdrig_start(&rig, CAP_VALUE, ECAP_VALUE & ~ECAP_PT, "strict");
	assert_int_equal(iotoll_dma_domain_create(&second, rig.env, &config, why, sizeof(why)),
			 -EINVAL);
	assert_string_equal(why, "the VT-d unit translates and cannot pass through");
	vtdrig_close(&rig);
}

static void entries_hold_the_page_and_exactly_the_rights_asked_for(void **state)
{
	static struct vtdrig rig;
	uint64_t iova;

	(void)state;
	vtdrig_start(&rig, CAP_VALUE, ECAP_VALUE, "strict");
	iova = vtdrig_map(&rig, 0x1234567, 100, IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(iova & 0xFFF, 0x567);
	assert_int_equal(vtdrig_entry(&rig, 8, iova), 0x1234001); /* R */
	iova = vtdrig_map(&rig, 0x2345000, 100, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(vtdrig_entry(&rig, 8, iova), 0x2345002); /* W */
	iova = vtdrig_map(&rig, 0x3456000, 3 * 4096, IOTOLL_DMA_BIDIRECTIONAL);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(vtdrig_entry(&rig, 8, iova + i * 4096), 0x3456003 + i * 0x1000);
	assert_int_equal(vtdrig_entry(&rig, 8, iova + 3 * 4096), 0);
	iotoll_dma_unmap_page(rig.dev, IOTOLL_IOVA(iova), 3 * 4096, IOTOLL_DMA_BIDIRECTIONAL);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(vtdrig_entry(&rig, 8, iova + i * 4096), 0);
	vtdrig_close(&rig);
}

static void tables_come_with_their_first_address_and_go_with_the_domain(void **state)
{
	static struct vtdrig rig;
	uint64_t before, iova;

	(void)state;
	vtdrig_start(&rig, CAP_VALUE, ECAP_VALUE, "strict");
	before = memory_allocated_pages(rig.memory);
	/* One each of levels 3, 2 and 1 for the first page ... */
	(void)vtdrig_map(&rig, 0x5000, 4096, IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(memory_allocated_pages(rig.memory), before + 3);
	(void)vtdrig_map(&rig, 0x5000, 500 * 4096, IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(memory_allocated_pages(rig.memory), before + 3);
	/* ... one more of level 1 for each 2 MiB: this range crosses into the second. */
	iova = vtdrig_map(&rig, 0x400000, 20 * 4096, IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(iova, 502 * 4096);
	assert_int_equal(memory_allocated_pages(rig.memory), before + 4);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(vtdrig_entry(&rig, 8, iova + i * 4096), 0x400001 + i * 0x1000);
	iotoll_dma_unmap_page(rig.dev, IOTOLL_IOVA(iova), 20 * 4096, IOTOLL_DMA_TO_DEVICE);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(vtdrig_entry(&rig, 8, iova + i * 4096), 0);
	assert_int_equal(memory_allocated_pages(rig.memory), before + 4);
	vtdrig_close(&rig);
}

static void a_map_for_whose_tables_there_is_no_memory_fails_and_leaves_nothing(void **state)
{
	static struct vtdrig rig;
	iotoll_phys_t page, last[3] = {0};
	uint64_t taken = 0, iova;

	(void)state;
	vtdrig_start(&rig, CAP_VALUE, ECAP_VALUE, "strict");
	while (iotoll_env_alloc_pages(rig.env, 1, 4096, 0, &page) == 0)
		last[taken++ % 3] = page;
	assert_true(taken > 1000);
	assert_true(iotoll_dma_mapping_error(
		iotoll_dma_map_page(rig.dev, IOTOLL_PHYS(0x5000), 4096, IOTOLL_DMA_TO_DEVICE)));
	assert_int_equal(vtdrig_stats(&rig).map_failures, 1);
	assert_int_equal(vtdrig_stats(&rig).pages_live, 0);
	/* The path to one page takes three tables. With two it still fails, and keeps what it made.
	 */
	iotoll_env_free_pages(rig.env, last[0], 1);
	iotoll_env_free_pages(rig.env, last[1], 1);
	assert_true(iotoll_dma_mapping_error(
		iotoll_dma_map_page(rig.dev, IOTOLL_PHYS(0x5000), 4096, IOTOLL_DMA_TO_DEVICE)));
	iotoll_env_free_pages(rig.env, last[2], 1);
	iova = vtdrig_map(&rig, 0x5000, 4096, IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(vtdrig_entry(&rig, 8, iova), 0x5001);
	iotoll_dma_detach(rig.dev);
	iotoll_dma_domain_destroy(rig.domain);
	iotoll_env_destroy(rig.env);
	memory_destroy(rig.memory);
}

static void page_0_and_the_interrupt_window_are_never_handed_out(void **state)
{
	struct iotoll_dma_config config = vtdrig_config("strict");
	static struct vtdrig rig;
	uint64_t iova;

	(void)state;
	vtdrig_open(&rig, CAP_VALUE, ECAP_VALUE);
	config.start_hint = 0xFEDFF;
	assert_int_equal(iotoll_dma_domain_create(&rig.domain, rig.env, &config, NULL, 0), 0);
	assert_int_equal(iotoll_dma_attach(&rig.dev, rig.domain, 8, UINT32_MAX), 0);
	assert_int_equal(vtdrig_stats(&rig).usable_entries, (1u << 20) - 1 - 256);
	assert_int_equal(vtdrig_map(&rig, 0x5000, 4096, IOTOLL_DMA_TO_DEVICE), 0xFEDFF000);
	assert_int_equal(vtdrig_map(&rig, 0x5000, 4096, IOTOLL_DMA_TO_DEVICE), 0xFEF00000);
	for (unsigned i = 0; i < 0x1100 - 1; i++) /* FEF00h up to FFFFFh */
		(void)vtdrig_map(&rig, 0x5000, 4096, IOTOLL_DMA_TO_DEVICE);
	iova = vtdrig_map(&rig, 0x5000, 4096, IOTOLL_DMA_TO_DEVICE);
	assert_true(iova >= 0x1000 && iova < 0xFEE00000);
	vtdrig_close(&rig);
}

static void impossible_units_and_tables_are_refused_with_a_reason(void **state)
{
	static const struct {
		uint64_t cap, ecap, entries;
		bool dead;
		int rc;
		const char *why;
	} rows[] = {
		{CAP_VALUE & ~UINT64_C(0x1F00), ECAP_VALUE, 4096, false, -EINVAL,
		 "the VT-d unit's CAP 0xd20780402f0006 has tables of neither 3 nor 4 levels"},
		{CAP_VALUE | 7, ECAP_VALUE, 4096, false, -EINVAL,
		 "the VT-d unit's CAP 0xd20780402f0407 has no legal ND"},
		{CAP_VALUE, ECAP_VALUE, 1, false, -EINVAL,
		 "table_entries 1: 2 to 68719476736 expected"},
		{CAP_VALUE, ECAP_VALUE, 4096, true, -EIO,
		 "the VT-d unit does not carry out its commands"},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct iotoll_dma_config config = vtdrig_config("strict");
		static struct vtdrig rig;
		char why[128] = "";

		vtdrig_open(&rig, rows[i].cap, rows[i].ecap);
		rig.dead = rows[i].dead;
		config.table_entries = rows[i].entries;
		assert_int_equal(
			iotoll_dma_domain_create(&rig.domain, rig.env, &config, why, sizeof(why)),
			rows[i].rc);
		assert_string_equal(why, rows[i].why);
		vtdrig_close(&rig);
	}
}

static void three_levels_serve_where_there_are_no_four(void **state)
{
	static struct vtdrig rig;
	uint64_t context, before;

	(void)state;
	/* SAGAW bit 1 (39 bits) in place of bit 2. */
	vtdrig_start(&rig, CAP_VALUE ^ 0x600, ECAP_VALUE, "strict");
	context = vtdrig_word(&rig, rig.reg[RTADDR / 8]) & ~UINT64_C(0xFFF);
	assert_int_equal(vtdrig_word(&rig, context + 8 * 16 + 8), 0x201); /* AW 1 */
	before = memory_allocated_pages(rig.memory);
	(void)vtdrig_map(&rig, 0x5000, 4096, IOTOLL_DMA_TO_DEVICE);
	assert_int_equal(memory_allocated_pages(rig.memory), before + 2);
	vtdrig_close(&rig);
}

/* Record @n: SID, reason, type 1 (a read) in bit 62, F in bit 63. */
static void put_fault(struct vtdrig *rig, unsigned n, uint64_t iova, unsigned sid, unsigned reason)
{
	rig->reg[(FRCD + n * 16) / 8] = iova;
	rig->reg[(FRCD + n * 16) / 8 + 1] =
		UINT64_C(0xC000000000000000) | (uint64_t)reason << 32 | sid;
}

static void the_watchdog_reads_clears_and_tells_of_the_first_fault(void **state)
{
	struct iotoll_dma_fault fault;
	static struct vtdrig rig;

	(void)state;
	vtdrig_start(&rig, CAP_VALUE, ECAP_VALUE, "strict");
	assert_int_equal(iotoll_dma_domain_watchdog(rig.domain, &fault), 0);
	/* Records 7 and 0 of 8, the first of them 7; one more was lost. */
	put_fault(&rig, 7, 0xABCDE000, 0x0008, 6);
	put_fault(&rig, 0, 0x11111000, 0x0010, 5);
	rig.reg[FSTS / 8] |= UINT64_C(0x0703) << 32;
	vtdrig_forget(&rig);
	assert_int_equal(iotoll_dma_domain_watchdog(rig.domain, &fault), 1);
	assert_int_equal(fault.status, 0x703);
	assert_int_equal(fault.iova, 0xABCDE000);
	assert_int_equal(fault.agent, 0x0008);
	assert_int_equal(fault.detail, 6);
	{
		const struct rig_access want[] = {
			{'R', 4, FSTS, 0x703},
			{'R', 4, FRCD + 0x7C, 0xC0000006},
			{'R', 4, FRCD + 0x78, 0x0008},
			{'R', 8, FRCD + 0x70, 0xABCDE000},
			{'W', 4, FRCD + 0x7C, 0x80000000},
			{'R', 4, FRCD + 0x0C, 0xC0000005},
			{'R', 4, FRCD + 0x08, 0x0010},
			{'R', 8, FRCD + 0x00, 0x11111000},
			{'W', 4, FRCD + 0x0C, 0x80000000},
			{'R', 4, FRCD + 0x1C, 0},
			{'W', 4, FSTS, 0x1},
		};

		vtdrig_expect(&rig, want, COUNT(want));
	}
	vtdrig_close(&rig);
}

/* Whatever is mapped and unmapped, memory holds the live mappings and nothing else. */
static void tables_in_memory_agree_with_what_is_mapped(void **state)
{
	struct {
		uint64_t iova, paddr, pages;
	} live[200];
	struct iotoll_dma_config config = vtdrig_config("deferred-tracked");
	static struct vtdrig rig;
	unsigned n = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, rig_seed());
	vtdrig_open(&rig, CAP_VALUE, ECAP_VALUE);
	config.start_hint = rng_below(&rng, config.table_entries);
	assert_int_equal(iotoll_dma_domain_create(&rig.domain, rig.env, &config, NULL, 0), 0);
	assert_int_equal(iotoll_dma_attach(&rig.dev, rig.domain, 8, UINT32_MAX), 0);
	for (unsigned step = 0; step < 20000; step++) {
		const unsigned i = n ? (unsigned)rng_below(&rng, n) : 0;

		if (n < COUNT(live) && (n == 0 || rng_below(&rng, 2))) {
			live[n].pages = 1 + rng_below(&rng, rng_below(&rng, 8) ? 4 : 700);
			live[n].paddr = rng_below(&rng, 1u << 20) << 12;
			live[n].iova = vtdrig_map(&rig, live[n].paddr, live[n].pages * 4096,
						  IOTOLL_DMA_FROM_DEVICE);
			n++;
			continue;
		}
		for (uint64_t p = 0; p < live[i].pages; p++)
			assert_int_equal(vtdrig_entry(&rig, 8, live[i].iova + p * 4096),
					 (live[i].paddr + p * 4096) | 2);
		iotoll_dma_unmap_page(rig.dev, IOTOLL_IOVA(live[i].iova), live[i].pages * 4096,
				      IOTOLL_DMA_FROM_DEVICE);
		for (uint64_t p = 0; p < live[i].pages; p++)
			assert_int_equal(vtdrig_entry(&rig, 8, live[i].iova + p * 4096), 0);
		live[i] = live[--n];
		vtdrig_forget(&rig);
	}
	vtdrig_forget(&rig);
	vtdrig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_gets_a_context_entry_with_four_levels_and_domain_2),
		cmocka_unit_test(a_device_belongs_to_one_domain_at_a_time),
		cmocka_unit_test(an_untranslated_domain_beside_a_translated_one_passes_through),
		cmocka_unit_test(entries_hold_the_page_and_exactly_the_rights_asked_for),
		cmocka_unit_test(tables_come_with_their_first_address_and_go_with_the_domain),
		cmocka_unit_test(
			a_map_for_whose_tables_there_is_no_memory_fails_and_leaves_nothing),
		cmocka_unit_test(page_0_and_the_interrupt_window_are_never_handed_out),
		cmocka_unit_test(impossible_units_and_tables_are_refused_with_a_reason),
		cmocka_unit_test(three_levels_serve_where_there_are_no_four),
		cmocka_unit_test(the_watchdog_reads_clears_and_tells_of_the_first_fault),
		cmocka_unit_test(tables_in_memory_agree_with_what_is_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
