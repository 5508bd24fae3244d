/* SPDX-License-Identifier: MIT */
/*
 * The DART driver's set-up and errors, register access by register access, and the bytes of its
 * table.
 */
#include "dart_chip.h"

#include <errno.h>

static void setting_up_u3_is_one_write_then_everything_is_invalidated(void **state)
{
	static struct chip c;

	(void)state;
	chip_start(&c, false, "deferred");
	const uint32_t cntl = table_at(&c) | 0x200; /* 512 pages do not fit 9 bits: 0 */
	const struct rig_access want[] = {
		{'W', 4, CNTL, cntl},
		{'R', 4, CNTL, cntl},
		{'W', 4, CNTL, cntl | 0x400},
		{'R', 4, CNTL, cntl},
	};

	rig_expect(&c.rig, want, COUNT(want));
	assert_int_equal(table_at(&c) % (16u << 20), 0);
	assert_true(table_at(&c) < 0x80000000u);
	rig_close(&c.rig);
}

static void setting_up_u4_writes_base_size_and_enable(void **state)
{
	static struct chip c;

	(void)state;
	chip_start(&c, true, "deferred");
	const struct rig_access want[] = {
		{'W', 4, U4_BASE, table_at(&c) >> 12},
		{'W', 4, U4_SIZE, 512},
		{'W', 4, CNTL, 0x80000000},
		{'R', 4, CNTL, 0x80000000},
		{'W', 4, CNTL, 0xA0000000},
		{'R', 4, CNTL, 0x80000000},
	};

	rig_expect(&c.rig, want, COUNT(want));
	rig_close(&c.rig);
}

static void the_size_field_carries_smaller_tables(void **state)
{
	static struct chip c;

	(void)state;
	for (int u4 = 0; u4 < 2; u4++) {
		struct iotoll_dma_config config = dart_config(u4, "deferred");

		config.table_entries = 3 * 1024;
		chip_open(&c, u4);
		assert_int_equal(
			iotoll_dma_domain_create(&c.rig.domain, c.rig.env, &config, NULL, 0), 0);
		if (u4)
			assert_int_equal(c.reg[U4_SIZE / 4], 3);
		else
			assert_int_equal(c.reg[CNTL / 4], table_at(&c) | 0x203);
		rig_close(&c.rig);
	}
}

static void entry_is_told(const struct chip *c, uint64_t index, bool granted)
{
	struct iotoll_dma_entry entry;

	assert_int_equal(iotoll_dma_domain_entry(c->rig.domain, IOTOLL_IOVA(index << 12), &entry),
			 0);
	assert_int_equal(IOTOLL_PHYS_U64(entry.paddr), table_at(c) + 4 * index);
	assert_int_equal(entry.bytes, 4);
	assert_int_equal(entry.read, granted);
	assert_int_equal(entry.write, granted);
}

static void entries_ignore_the_direction_and_unused_ones_name_the_dummy_page(void **state)
{
	static const enum iotoll_dma_dir dirs[] = {IOTOLL_DMA_TO_DEVICE, IOTOLL_DMA_FROM_DEVICE,
						   IOTOLL_DMA_BIDIRECTIONAL};
	static struct chip c;

	(void)state;
	chip_start(&c, true, "deferred");
	entry_is_dummy(&c, 0);
	entry_is_dummy(&c, 1);
	entry_is_dummy(&c, 524287);
	for (unsigned i = 0; i < 3; i++) {
		/* 36 bits: page 0xFED012 or 0xFED013 */
		const uint64_t iova = IOTOLL_IOVA_U64(iotoll_dma_map_page(
			c.rig.dev, IOTOLL_PHYS(UINT64_C(0xFED012FFF)), 2, dirs[i]));

		assert_int_equal(iova & 0xFFF, 0xFFF);
		entry_is(&c, iova >> 12, 0x80, 0xFE, 0xD0, 0x12);
		entry_is(&c, (iova >> 12) + 1, 0x80, 0xFE, 0xD0, 0x13);
		entry_is_told(&c, (iova >> 12) + 1, true);
		iotoll_dma_unmap_page(c.rig.dev, IOTOLL_IOVA(iova), 2, dirs[i]);
		entry_is_dummy(&c, iova >> 12);
		entry_is_dummy(&c, (iova >> 12) + 1);
	}
	assert_true(iotoll_dma_mapping_error(iotoll_dma_map_page(
		c.rig.dev, IOTOLL_PHYS(UINT64_C(0xFFFFFFFFF)), 2, IOTOLL_DMA_TO_DEVICE)));
	rig_close(&c.rig);
}

/* The last entry always is, the bridge prefetches beyond what is mapped. */
static void the_first_entry_is_withheld_only_with_a_cached_table(void **state)
{
	static struct chip c;

	(void)state;
	for (int cached = 0; cached < 2; cached++) {
		struct iotoll_dma_config config = dart_config(true, "deferred");

		config.table_cached = cached;
		chip_open(&c, true);
		assert_int_equal(
			iotoll_dma_domain_create(&c.rig.domain, c.rig.env, &config, NULL, 0), 0);
		assert_int_equal(iotoll_dma_attach(&c.rig.dev, c.rig.domain, 8, UINT32_MAX), 0);
		assert_int_equal(rig_stats(&c.rig).usable_entries, 524288 - 1 - cached);
		assert_int_equal(rig_map(&c.rig, 0x123000, 4096), 4096 * cached);
		entry_is(&c, (uint64_t)cached, 0x80, 0x00, 0x01, 0x23);
		rig_unmap(&c.rig, 4096 * (uint64_t)cached, 4096);
		entry_is_dummy(&c, (uint64_t)cached);
		rig_close(&c.rig);
	}
}

static void unused_entries_can_be_invalid_instead(void **state)
{
	struct iotoll_dma_config config = dart_config(true, "strict");
	static struct chip c;
	iotoll_phys_t dummy;
	uint64_t iova;

	(void)state;
	config.unused_invalid = true;
	chip_open(&c, true);
	assert_int_equal(iotoll_dma_domain_create(&c.rig.domain, c.rig.env, &config, NULL, 0), 0);
	assert_int_equal(iotoll_dma_attach(&c.rig.dev, c.rig.domain, 8, UINT32_MAX), 0);
	assert_false(iotoll_dma_domain_dummy(c.rig.domain, &dummy));
	iova = rig_map(&c.rig, 0x123000, 4096);
	entry_is(&c, iova >> 12, 0x80, 0x00, 0x01, 0x23);
	rig_unmap(&c.rig, iova, 4096);
	entry_is(&c, iova >> 12, 0, 0, 0, 0);
	entry_is(&c, 7, 0, 0, 0, 0);
	entry_is_told(&c, 9, false);
	rig_close(&c.rig);
}

static void without_a_table_a_dart_that_is_on_is_switched_off_and_emptied(void **state)
{
	static struct chip c;

	(void)state;
	for (int u4 = 0; u4 < 2; u4++) {
		struct iotoll_dma_config config = dart_config(u4, "off");
		const uint32_t on = u4 ? 0x80000000 : 0x01000200;

		chip_open(&c, u4);
		assert_int_equal(
			iotoll_dma_domain_create(&c.rig.domain, c.rig.env, &config, NULL, 0), 0);
		assert_int_equal(logged(&c, 'W'), 0);
		iotoll_dma_domain_destroy(c.rig.domain);
		c.reg[CNTL / 4] = on;
		assert_int_equal(
			iotoll_dma_domain_create(&c.rig.domain, c.rig.env, &config, NULL, 0), 0);
		assert_int_equal(c.set, 1);
		assert_int_equal(c.reg[CNTL / 4], 0);
		rig_close(&c.rig);
	}
}

static void the_memory_controllers_poll_reports_u3s_exception_and_nobody_looks_at_u4s(void **state)
{
	const struct rig_access look[] = {{'R', 4, APIEXCP, 0x80000001}};
	struct iotoll_dma_fault fault;
	static struct chip c;

	(void)state;
	chip_start(&c, false, "deferred");
	assert_int_equal(iotoll_dma_domain_watchdog(c.rig.domain, &fault), 0);
	c.reg[APIEXCP / 4] = 0x80000001;
	rig_forget(&c.rig);
	assert_int_equal(iotoll_dma_domain_watchdog(c.rig.domain, &fault), 1);
	rig_expect(&c.rig, look, 1);
	assert_int_equal(fault.status, 0x80000001);
	rig_close(&c.rig);
	chip_start(&c, true, "deferred");
	c.reg[APIEXCP / 4] = 0x80000000;
	rig_forget(&c.rig);
	assert_int_equal(iotoll_dma_domain_watchdog(c.rig.domain, &fault), 0);
	rig_expect(&c.rig, NULL, 0);
	rig_close(&c.rig);
}

static void refused(struct chip *c, const struct iotoll_dma_config *config, const char *words)
{
	char why[160] = "";

	assert_int_equal(
		iotoll_dma_domain_create(&c->rig.domain, c->rig.env, config, why, sizeof(why)),
		-EINVAL);
	if (!strstr(why, words))
		fail_msg("'%s' does not say '%s'", why, words);
}

static void tables_and_buses_that_cannot_be_are_refused(void **state)
{
	static struct chip c;

	(void)state;
	for (int u4 = 0; u4 < 2; u4++) {
		static const uint64_t entries[] = {0, 1, 1000, 1025, UINT64_MAX};
		struct iotoll_dma_config config = dart_config(u4, "deferred");

		chip_open(&c, u4);
		for (unsigned i = 0; i < COUNT(entries); i++) {
			config.table_entries = entries[i];
			refused(&c, &config, "a multiple of 1024");
		}
		/* U3: 512 pages; U4: as many as Linux's 13 bits say */
		config.table_entries = u4 ? 8192 * 1024 : 513 * 1024;
		refused(&c, &config, u4 ? "up to 8387584" : "up to 524288");
		config = dart_config(u4, "deferred");
		config.bus = 1;
		refused(&c, &config, "one table for all");
		rig_close(&c.rig);
	}
}

static void the_one_table_has_one_domain(void **state)
{
	const struct iotoll_dma_config config = dart_config(true, "deferred");
	struct iotoll_dma_domain *second;
	static struct chip c;

	(void)state;
	chip_start(&c, true, "deferred");
	rig_forget(&c.rig);
	assert_int_equal(iotoll_dma_domain_create(&second, c.rig.env, &config, NULL, 0), -EBUSY);
	rig_expect(&c.rig, NULL, 0);
	iotoll_dma_detach(c.rig.dev);
	c.rig.dev = NULL;
	iotoll_dma_domain_destroy(c.rig.domain);
	assert_int_equal(iotoll_dma_domain_create(&c.rig.domain, c.rig.env, &config, NULL, 0), 0);
	rig_close(&c.rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setting_up_u3_is_one_write_then_everything_is_invalidated),
		cmocka_unit_test(setting_up_u4_writes_base_size_and_enable),
		cmocka_unit_test(the_size_field_carries_smaller_tables),
		cmocka_unit_test(entries_ignore_the_direction_and_unused_ones_name_the_dummy_page),
		cmocka_unit_test(the_first_entry_is_withheld_only_with_a_cached_table),
		cmocka_unit_test(unused_entries_can_be_invalid_instead),
		cmocka_unit_test(without_a_table_a_dart_that_is_on_is_switched_off_and_emptied),
		cmocka_unit_test(
			the_memory_controllers_poll_reports_u3s_exception_and_nobody_looks_at_u4s),
		cmocka_unit_test(tables_and_buses_that_cannot_be_are_refused),
		cmocka_unit_test(the_one_table_has_one_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
