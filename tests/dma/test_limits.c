/* SPDX-License-Identifier: MIT */
/*
 * Which addresses a device may get: reservations, masks, the table's size; and what a
 * configuration that makes no sense is told.
 */
#include <errno.h>

#include "rig.h"

#define MASK(bits) ((UINT64_C(1) << (bits)) - 1)

/* Map until the table is full; how many addresses fell into [from, to)? */
static unsigned given_between(struct rig *rig, uint64_t from, uint64_t to)
{
	unsigned n = 0;

	for (;;) {
		const iotoll_iova_t iova =
			iotoll_dma_map_page(rig->dev, IOTOLL_PHYS(0x1000), 1, IOTOLL_DMA_TO_DEVICE);

		if (iotoll_dma_mapping_error(iova))
			return n;
		n += IOTOLL_IOVA_U64(iova) >= from && IOTOLL_IOVA_U64(iova) < to;
	}
}

static void emergency_pages_and_the_bios_hole_are_never_handed_out(void **state)
{
	const struct iotoll_dma_config config = rig_config();
	static struct rig rig;

	(void)state;
	rig_start(&rig, &config);
	assert_int_equal(rig_stats(&rig).usable_entries, 8192 - 32 - 96);
	assert_int_equal(given_between(&rig, 0, 0x20000), 0);
	/* All but the last entry. */
	assert_int_equal(rig_stats(&rig).pages_live, 8192 - 32 - 96 - 1);
	rig_close(&rig);
	rig_start(&rig, &config);
	assert_int_equal(given_between(&rig, 0xA0000, 0x100000), 0);
	rig_close(&rig);
	rig_start(&rig, &config);
	/* The neighbours of both are. */
	assert_int_equal(given_between(&rig, 0x20000, 0xA0000), 128);
	rig_close(&rig);
}

/* PHB 1 registers. */
static void set_window(struct rig *rig, uint64_t low, uint64_t high, uint64_t size_low,
		       uint64_t size_high, uint32_t which)
{
	if (which == 1) {
		rig_put32(rig, 0x9190, (uint32_t)low);
		rig_put32(rig, 0x91A0, (uint32_t)high);
		rig_put32(rig, 0x91C0, (uint32_t)size_low);
		return;
	}
	rig_put32(rig, 0x92B0, (uint32_t)low);
	rig_put32(rig, 0x92C0, (uint32_t)high);
	rig_put32(rig, 0x92D0, (uint32_t)size_high);
	rig_put32(rig, 0x92E0, (uint32_t)size_low);
}

static void start_in(struct rig *rig)
{
	struct iotoll_dma_config config = rig_config();

	config.table_entries = 1u << 20;
	assert_int_equal(iotoll_dma_domain_create(&rig->domain, rig->env, &config, NULL, 0), 0);
	assert_int_equal(iotoll_dma_attach(&rig->dev, rig->domain, 8, UINT32_MAX), 0);
}

static void the_peripheral_windows_are_read_from_the_registers_and_withheld(void **state)
{
	static struct rig rig;

	(void)state;
	/* MEM_1 from 3.5 GiB to 0xEFFFFFFF: 256 MiB. "Size" is a limit in units of 1 MiB. */
	rig_open(&rig, 64u << 20);
	set_window(&rig, 0xE0000000, 0, 0xEFF00000, 0, 1);
	set_window(&rig, 0xF0000000, 0, 0xF00FFFFF, 0, 2);
	start_in(&rig);
	assert_int_equal(rig_stats(&rig).usable_entries, (1u << 20) - 32 - 96 - 65536);
	rig_close(&rig);
	/* MEM_2 counts only if it is enabled. */
	rig_open(&rig, 64u << 20);
	set_window(&rig, 0xE0000000, 0, 0xEFF00000, 0, 1);
	set_window(&rig, 0xF0000000, 0, 0xF00FFFFF, 0, 2);
	rig_put32(&rig, 0x9160, CALGARY_MEM2_ENABLE);
	start_in(&rig);
	assert_int_equal(rig_stats(&rig).usable_entries, (1u << 20) - 32 - 96 - 65536 - 256);
	rig_close(&rig);
	/* One above 4 GiB is above the table; one that ends below its start is none. */
	rig_open(&rig, 64u << 20);
	set_window(&rig, 0xE0000000, 0, 0xD0000000, 0, 1);
	set_window(&rig, 0, 1, 0xFFFFFFFF, 1, 2);
	rig_put32(&rig, 0x9160, CALGARY_MEM2_ENABLE);
	start_in(&rig);
	assert_int_equal(rig_stats(&rig).usable_entries, (1u << 20) - 32 - 96);
	rig_close(&rig);
	/* One that runs past the table's end is cut off there. */
	rig_open(&rig, 64u << 20);
	set_window(&rig, 0xFFF00000, 0, 0xFFF00000, 0, 1);
	set_window(&rig, 0xFFE00000, 0, 0, 1, 2);
	rig_put32(&rig, 0x9160, CALGARY_MEM2_ENABLE);
	start_in(&rig);
	assert_int_equal(rig_stats(&rig).usable_entries, (1u << 20) - 32 - 96 - 512);
	rig_close(&rig);
}

static void a_device_gets_only_addresses_below_its_mask(void **state)
{
	static struct rig rig;

	(void)state;
	for (unsigned i = 0; rig_translating(i); i++) {
		struct iotoll_dma_config config = rig_config();
		struct iotoll_dma_device *narrow;

		config.strategy = rig_translating(i);
		config.start_hint = 2000;
		rig_start(&rig, &config);
		/* 20 bits: 256 pages, of which 32 and 96 are withheld. */
		assert_int_equal(iotoll_dma_attach(&narrow, rig.domain, 9, MASK(20)), 0);
		for (unsigned n = 0; n < 128; n++) {
			const iotoll_iova_t iova = iotoll_dma_map_page(narrow, IOTOLL_PHYS(0x1000),
								       4096, IOTOLL_DMA_TO_DEVICE);

			assert_in_range(IOTOLL_IOVA_U64(iova), 0x20000, MASK(20));
			/* The other device moves the hint on, perhaps beyond the mask. */
			for (unsigned pages = 1; pages < 200; pages += 30)
				rig_unmap(&rig, rig_map(&rig, 0x1000, pages << 12), pages << 12);
			if (n == 0)
				assert_int_equal(rig_stats(&rig).wraps, 1);
			rig_settle(&rig);
		}
		assert_true(iotoll_dma_mapping_error(
			iotoll_dma_map_page(narrow, IOTOLL_PHYS(0x1000), 1, IOTOLL_DMA_TO_DEVICE)));
		/* 21 bits reach further. */
		assert_int_equal(iotoll_dma_set_mask(narrow, MASK(21)), 0);
		assert_false(iotoll_dma_mapping_error(
			iotoll_dma_map_page(narrow, IOTOLL_PHYS(0x1000), 1, IOTOLL_DMA_TO_DEVICE)));
		iotoll_dma_detach(narrow);
		rig_close(&rig);
	}
}

static void masks_that_are_none_or_reach_nothing_are_refused(void **state)
{
	struct iotoll_dma_config config = rig_config();
	struct iotoll_dma_device *dev;
	static struct rig rig;

	(void)state;
	rig_start(&rig, &config);
	assert_int_equal(iotoll_dma_attach(&dev, rig.domain, 9, 0), -EINVAL);
	assert_null(dev);
	assert_int_equal(iotoll_dma_attach(&dev, rig.domain, 9, 0xFFFFFFFE), -EINVAL);
	assert_int_equal(iotoll_dma_attach(&dev, rig.domain, 9, 0xFFFF0FFF), -EINVAL);
	assert_int_equal(iotoll_dma_attach(&dev, rig.domain, 9, MASK(11)), -EIO);
	/* Below 128 KiB there are only emergency pages. */
	assert_int_equal(iotoll_dma_attach(&dev, rig.domain, 9, MASK(17)), -EIO);
	assert_int_equal(iotoll_dma_attach(&dev, rig.domain, 9, MASK(18)), 0);
	assert_int_equal(iotoll_dma_set_mask(dev, MASK(17)), -EIO);
	assert_int_equal(iotoll_dma_set_mask(dev, 5), -EINVAL);
	assert_int_equal(iotoll_dma_set_mask(dev, UINT64_MAX), 0);
	iotoll_dma_detach(dev);
	rig_close(&rig);
	config.strategy = "off";
	rig_start(&rig, &config);
	assert_int_equal(iotoll_dma_attach(&dev, rig.domain, 9, MASK(24)), 0);
	assert_true(iotoll_dma_mapping_error(
		iotoll_dma_map_page(dev, IOTOLL_PHYS(MASK(24)), 2, IOTOLL_DMA_TO_DEVICE)));
	assert_int_equal(IOTOLL_IOVA_U64(iotoll_dma_map_page(dev, IOTOLL_PHYS(MASK(24)), 1,
							     IOTOLL_DMA_TO_DEVICE)),
			 MASK(24));
	iotoll_dma_detach(dev);
	rig_close(&rig);
}

static void refused(struct rig *rig, const struct iotoll_dma_config *config, const char *words)
{
	char why[160] = "";

	assert_int_equal(iotoll_dma_domain_create(&rig->domain, rig->env, config, why, sizeof(why)),
			 -EINVAL);
	assert_null(rig->domain);
	if (!strstr(why, words))
		fail_msg("'%s' does not speak of '%s'", why, words);
	/* Nobody has to listen. */
	assert_int_equal(iotoll_dma_domain_create(&rig->domain, rig->env, config, NULL, 0),
			 -EINVAL);
	assert_int_equal(memory_allocated_pages(rig->memory), 0);
}

static void impossible_configurations_are_refused_with_words(void **state)
{
	struct iotoll_dma_config config;
	static struct rig rig;

	(void)state;
	rig_open(&rig, 16u << 20);
	config = rig_config();
	config.strategy = "lenient";
	refused(&rig, &config, "lenient");
	config.strategy = NULL;
	refused(&rig, &config, "strategy");
	config = rig_config();
	config.driver = "dartboard";
	refused(&rig, &config, "dartboard");
	config = rig_config();
	config.allocator = "best-fit";
	refused(&rig, &config, "best-fit");
	config.allocator = NULL;
	refused(&rig, &config, "allocator");
	config.strategy = "off";
	config.allocator = "best-fit";
	refused(&rig, &config, "best-fit");
	config = rig_config();
	config.driver = "none";
	refused(&rig, &config, "none");
	config = rig_config();
	config.bus = 4;
	refused(&rig, &config, "0..3");
	config = rig_config();
	config.start_hint = 8192;
	refused(&rig, &config, "start_hint");
	config.start_hint = 0;
	for (uint64_t entries = 0; entries < 20000; entries += 4096) {
		config.table_entries = entries;
		if (entries != 8192 && entries != 16384)
			refused(&rig, &config, "table_entries");
	}
	config.table_entries = 2u << 20;
	refused(&rig, &config, "table_entries");
	rig_close(&rig);
}

static void a_table_that_does_not_fit_into_memory_is_refused(void **state)
{
	struct iotoll_dma_config config = rig_config();
	static struct rig rig;
	char why[160];

	(void)state;
	rig_open(&rig, 8u << 20);
	config.table_entries = 1u << 20;
	assert_int_equal(iotoll_dma_domain_create(&rig.domain, rig.env, &config, why, sizeof(why)),
			 -ENOMEM);
	assert_non_null(strstr(why, "1048576"));
	rig_close(&rig);
}

static void calgary_without_registers_is_refused(void **state)
{
	struct iotoll_env_config config = {.memory_bytes = 1u << 20};
	const struct iotoll_dma_config domain_config = rig_config();
	struct iotoll_dma_domain *domain;
	struct dma_env *env;
	char why[160];

	(void)state;
	assert_int_equal(iotoll_env_create(&env, &config), 0);
	assert_int_equal(iotoll_dma_domain_create(&domain, env, &domain_config, why, sizeof(why)),
			 -EINVAL);
	assert_non_null(strstr(why, "registers"));
	iotoll_env_destroy(env);
	config.memory_bytes = 4097;
	assert_int_equal(iotoll_env_create(&env, &config), -EINVAL);
	config.memory_bytes = 0;
	assert_int_equal(iotoll_env_create(&env, &config), -EINVAL);
	assert_null(env);
}

static void every_row_has_a_name_a_title_and_can_be_found_by_it(void **state)
{
	const char *(*const lists[])(unsigned, const char **) = {
		iotoll_dma_strategy_name, iotoll_dma_allocator_name, iotoll_dma_driver_name};
	static struct rig rig;
	const char *title;

	(void)state;
	for (unsigned l = 0; l < 3; l++) {
		assert_non_null(lists[l](0, NULL));
		for (unsigned i = 0; lists[l](i, &title); i++)
			assert_true(strlen(title) > 5);
		assert_null(lists[l](1000, &title));
	}
	for (unsigned i = 0; iotoll_dma_strategy_name(i, &title); i++) {
		const struct iotoll_dma_config config =
			rig_config_for(iotoll_dma_strategy_name(i, NULL));

		rig_start(&rig, &config);
		rig_close(&rig);
		/* Nobody shall pick this one by accident. */
		if (strcmp(config.strategy, "unflushed") == 0)
			assert_non_null(strstr(title, "UNSAFE"));
	}
}

static void a_bus_has_one_domain_at_a_time(void **state)
{
	struct iotoll_dma_config config = rig_config();
	struct iotoll_dma_domain *other;
	static struct rig rig;
	char why[128];

	(void)state;
	rig_start(&rig, &config);
	/* Neither a second table nor a passing look that switches translation off. */
	assert_int_equal(iotoll_dma_domain_create(&other, rig.env, &config, why, sizeof(why)),
			 -EBUSY);
	assert_string_equal(why, "bus 1: has a domain already, expected one a bus");
	config.strategy = "off";
	assert_int_equal(iotoll_dma_domain_create(&other, rig.env, &config, why, sizeof(why)),
			 -EBUSY);
	assert_null(other);
	assert_true((rig_get32(&rig, calgary_phb_reg(1, CALGARY_CONFIG_RW)) & CALGARY_TCE_ENABLE) !=
		    0);
	/* Another bus is free, a refused configuration keeps none, a destroyed domain neither. */
	config = rig_config();
	config.bus = 2;
	config.start_hint = UINT64_MAX;
	assert_int_equal(iotoll_dma_domain_create(&other, rig.env, &config, NULL, 0), -EINVAL);
	config.start_hint = 0;
	assert_int_equal(iotoll_dma_domain_create(&other, rig.env, &config, NULL, 0), 0);
	iotoll_dma_domain_destroy(other);
	assert_int_equal(iotoll_dma_domain_create(&other, rig.env, &config, NULL, 0), 0);
	iotoll_dma_domain_destroy(other);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(emergency_pages_and_the_bios_hole_are_never_handed_out),
		cmocka_unit_test(the_peripheral_windows_are_read_from_the_registers_and_withheld),
		cmocka_unit_test(a_device_gets_only_addresses_below_its_mask),
		cmocka_unit_test(masks_that_are_none_or_reach_nothing_are_refused),
		cmocka_unit_test(impossible_configurations_are_refused_with_words),
		cmocka_unit_test(a_table_that_does_not_fit_into_memory_is_refused),
		cmocka_unit_test(calgary_without_registers_is_refused),
		cmocka_unit_test(a_bus_has_one_domain_at_a_time),
		cmocka_unit_test(every_row_has_a_name_a_title_and_can_be_found_by_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
