/* SPDX-License-Identifier: MIT */
/*
 * The Calgary driver's register accesses, one by one and with the values a little-endian CPU
 * stores. Offsets are written out here instead of taken from spec/calgary.h, so that a mistake in
 * the shared header shows.
 */
#include "rig.h"

#include <limits.h>

/* PHB 1. */
#define TAR       0x588
#define SPLITQ    0x5870
#define CSR       0x9110
#define PLSSR     0x9120
#define CONFIG_RW 0x9160
#define AER       0x9200

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static uint64_t table_at(const struct rig *rig)
{
	iotoll_phys_t paddr;
	size_t bytes;

	iotoll_dma_domain_table(rig->domain, &paddr, &bytes);
	return IOTOLL_PHYS_U64(paddr);
}

/* What a writeq of the TAR carries for a table at @base with size code @code. */
static uint64_t tar_raw(uint64_t kept, uint64_t base, unsigned code)
{
	return __builtin_bswap64(kept | base | code);
}

static void setting_up_reads_the_windows_programs_the_tar_and_enables_translation(void **state)
{
	const struct iotoll_dma_config config = rig_config();
	static struct rig rig;
	char why[80];

	(void)state;
	rig_open(&rig, 64u << 20);
	/* Bits outside software's control must survive; old software bits must not. */
	rig_put64(&rig, TAR, UINT64_C(0xABCD0000000FFFFF));
	rig_put32(&rig, CONFIG_RW, 0x00000041);
	assert_int_equal(iotoll_dma_domain_create(&rig.domain, rig.env, &config, why, sizeof(why)),
			 0);
	{
		const uint64_t kept = UINT64_C(0xABCD000000007FF0);
		const uint64_t tar = tar_raw(kept, table_at(&rig), 0);
		const struct rig_access want[] = {
			{'R', 4, 0x9190, 0}, /* MEM_1 low, high, size */
			{'R', 4, 0x91A0, 0},
			{'R', 4, 0x91C0, 0},
			{'R', 4, CONFIG_RW, 0x41000000}, /* is MEM_2 enabled? */
			{'R', 8, TAR, UINT64_C(0xFFFF0F000000CDAB)},
			{'W', 8, TAR, tar},
			{'R', 8, TAR, tar},
			{'R', 4, CONFIG_RW, 0x41000000},
			{'W', 4, CONFIG_RW, 0x41001021},
			{'R', 4, CONFIG_RW, 0x41001021},
		};

		rig_expect(&rig, want, COUNT(want));
	}
	assert_int_equal(table_at(&rig) % (64u << 10), 0);
	rig_close(&rig);
}

static void the_tar_carries_the_size_code_and_an_aligned_base_for_every_table_size(void **state)
{
	(void)state;
	for (unsigned code = 0; code < 8; code++) {
		struct iotoll_dma_config config = rig_config();
		static struct rig rig;

		config.table_entries = UINT64_C(8192) << code;
		rig_start(&rig, &config);
		assert_int_equal(rig_get64(&rig, TAR), table_at(&rig) | code);
		assert_int_equal(table_at(&rig) % (config.table_entries * 8), 0);
		rig_close(&rig);
	}
}

static void flush_of(struct rig *rig, bool quiesce_system)
{
	struct iotoll_dma_config config = rig_config();

	config.strategy = "strict";
	config.quiesce_system = quiesce_system;
	rig_start(rig, &config);
	for (unsigned phb = 0; phb < 4; phb++)
		rig_put32(rig, 0x8200 + 0x1000 * phb, 0xF0000000 + phb);
	rig_put32(rig, PLSSR, 0x00000012);
	const uint64_t iova = rig_map(rig, 0x100000, 4096);

	rig_forget(rig);
	rig->busy_reads = 2;
	rig_unmap(rig, iova, 4096);
}

static void a_flush_is_seven_steps_on_its_own_bus(void **state)
{
	static struct rig rig;

	(void)state;
	flush_of(&rig, false);
	const struct rig_access want[] = {
		{'R', 4, AER, 0x010000F0},
		{'W', 4, AER, 0},
		{'R', 4, PLSSR, 0x12000000},
		{'R', 8, SPLITQ, 0x7f},
		{'R', 8, SPLITQ, 0x7f},
		{'R', 8, SPLITQ, 0xff},
		{'W', 8, TAR, tar_raw(0, table_at(&rig), 0)},
		{'W', 4, AER, 0x010000F0},
		{'R', 4, AER, 0x010000F0},
	};

	rig_expect(&rig, want, COUNT(want));
	assert_int_equal(rig_stats(&rig).flushes, 1);
	assert_int_equal(rig_stats(&rig).flush_polls, 3);
	assert_int_equal(rig_stats(&rig).flush_timeouts, 0);
	rig_close(&rig);
}

static void a_lean_flush_knows_the_arbitration_mask_and_still_waits_for_the_tar(void **state)
{
	struct iotoll_dma_config config = rig_config();
	static struct rig rig;

	(void)state;
	config.strategy = "strict";
	config.lean_driver = true;
	rig_open(&rig, 64u << 20);
	rig_put32(&rig, AER, 0xF0000001);
	assert_int_equal(iotoll_dma_domain_create(&rig.domain, rig.env, &config, NULL, 0), 0);
	assert_int_equal(iotoll_dma_attach(&rig.dev, rig.domain, 8, UINT32_MAX), 0);
	const uint64_t iova = rig_map(&rig, 0x100000, 4096);

	rig_forget(&rig);
	rig_unmap(&rig, iova, 4096);
	const struct rig_access want[] = {
		{'W', 4, AER, 0},          {'R', 4, PLSSR, 0},
		{'R', 8, SPLITQ, 0xff},    {'W', 8, TAR, tar_raw(0, table_at(&rig), 0)},
		{'W', 4, AER, 0x010000F0}, {'R', 4, AER, 0x010000F0},
	};

	rig_expect(&rig, want, COUNT(want));
	rig_close(&rig);
}

static void the_lean_driver_lets_devices_read_only_what_they_are_to_read(void **state)
{
	static const struct {
		enum iotoll_dma_dir dir;
		bool read, write;
	} want[] = {{IOTOLL_DMA_TO_DEVICE, true, false},
		    {IOTOLL_DMA_FROM_DEVICE, false, true},
		    {IOTOLL_DMA_BIDIRECTIONAL, true, true}};

	(void)state;
	for (unsigned lean = 0; lean < 2; lean++) {
		struct iotoll_dma_config config = rig_config();
		static struct rig rig;

		config.strategy = "strict";
		config.lean_driver = lean;
		rig_start(&rig, &config);
		for (unsigned i = 0; i < 3; i++) {
			const iotoll_iova_t iova = iotoll_dma_map_page(
				rig.dev, IOTOLL_PHYS(0x100000), 5 * 4096, want[i].dir);
			struct iotoll_dma_entry entry;

			for (unsigned page = 0; page < 5; page++) {
				const uint64_t at = IOTOLL_IOVA_U64(iova) + 4096 * page;

				assert_int_equal(iotoll_dma_domain_entry(rig.domain,
									 IOTOLL_IOVA(at), &entry),
						 0);
				assert_int_equal(entry.read, !lean || want[i].read);
				assert_int_equal(entry.write, want[i].write);
			}
			iotoll_dma_unmap_page(rig.dev, iova, 5 * 4096, want[i].dir);
		}
		rig_close(&rig);
	}
}

static void quiescing_the_system_stops_and_drains_every_bus_around_one_tar_write(void **state)
{
	struct rig_access want[64];
	static struct rig rig;
	size_t n = 0;

	(void)state;
	flush_of(&rig, true);
	for (unsigned phb = 0; phb < 4; phb++) {
		const uint64_t block = 0x8000 + 0x1000 * phb;

		want[n++] = (struct rig_access){'R', 4, block + 0x200, 0xF0 + (phb << 24)};
		want[n++] = (struct rig_access){'W', 4, block + 0x200, 0};
		want[n++] = (struct rig_access){'R', 4, block + 0x120, phb == 1 ? 0x12000000 : 0};
	}
	want[n++] = (struct rig_access){'R', 8, 0x4870, 0x7f};
	want[n++] = (struct rig_access){'R', 8, 0x4870, 0x7f};
	for (unsigned phb = 0; phb < 4; phb++)
		want[n++] = (struct rig_access){'R', 8, 0x4870 + 0x1000 * phb, 0xff};
	want[n++] = (struct rig_access){'W', 8, TAR, tar_raw(0, table_at(&rig), 0)};
	for (unsigned phb = 0; phb < 4; phb++) {
		const uint64_t aer = 0x8200 + 0x1000 * phb;

		want[n++] = (struct rig_access){'W', 4, aer, 0xF0 + (phb << 24)};
		want[n++] = (struct rig_access){'R', 4, aer, 0xF0 + (phb << 24)};
	}
	rig_expect(&rig, want, n);
	assert_int_equal(rig_stats(&rig).flushes, 1);
	assert_int_equal(rig_stats(&rig).flush_polls, 6);
	rig_close(&rig);
}

static void a_bus_that_does_not_drain_is_flushed_after_a_hundred_reads_and_counted(void **state)
{
	static struct rig rig;
	struct iotoll_dma_config config = rig_config();

	(void)state;
	config.strategy = "strict";
	rig_start(&rig, &config);
	rig_unmap(&rig, rig_map(&rig, 0x1000, 1), 1);
	rig.busy_reads = 98;
	rig_unmap(&rig, rig_map(&rig, 0x1000, 1), 1);
	assert_int_equal(rig_stats(&rig).flush_polls, 1 + 99);
	assert_int_equal(rig_stats(&rig).flush_timeouts, 0);
	/* Linux warns after the 100th read even if it found the bus idle ... */
	rig.busy_reads = 99;
	rig_unmap(&rig, rig_map(&rig, 0x1000, 1), 1);
	assert_int_equal(rig_stats(&rig).flush_polls, 1 + 99 + 100);
	assert_int_equal(rig_stats(&rig).flush_timeouts, 1);
	/* ... and there is no 101st. */
	rig.busy_reads = UINT_MAX;
	rig_forget(&rig);
	rig_unmap(&rig, rig_map(&rig, 0x1000, 1), 1);
	assert_int_equal(rig_stats(&rig).flush_polls, 1 + 99 + 100 + 100);
	assert_int_equal(rig_stats(&rig).flush_timeouts, 2);
	assert_int_equal(rig.logged, 3 + 100 + 3);
	assert_int_equal(rig.log[103].op, 'W');
	assert_int_equal(rig.log[103].offset, TAR);
	rig_close(&rig);
}

static void mapping_and_unmapping_touch_no_register_unless_they_flush(void **state)
{
	const struct iotoll_dma_config config = rig_config();
	static struct rig rig;

	(void)state;
	rig_start(&rig, &config);
	rig_forget(&rig);
	rig_unmap(&rig, rig_map(&rig, 0x12345678, 9000), 9000);
	rig_expect(&rig, NULL, 0);
	rig_close(&rig);
}

static void the_watchdog_reads_one_register_while_all_is_well(void **state)
{
	const struct iotoll_dma_config config = rig_config();
	const struct rig_access want[] = {{'R', 4, CSR, 0x00000100}};
	struct iotoll_dma_fault fault;
	static struct rig rig;

	(void)state;
	rig_start(&rig, &config);
	/* An agent without an error bit is no error. */
	rig_put32(&rig, CSR, 0x00010000);
	rig_forget(&rig);
	assert_int_equal(iotoll_dma_domain_watchdog(rig.domain, &fault), 0);
	rig_expect(&rig, want, COUNT(want));
	rig_close(&rig);
}

static void the_watchdog_reports_clears_and_shuts_the_bus_off_for_good(void **state)
{
	const struct iotoll_dma_config config = rig_config();
	const struct rig_access want[] = {
		{'R', 4, CSR, 0x00000110},
		{'R', 4, PLSSR, 0x00000004},
		{'W', 4, CSR, 0},
		{'R', 4, CONFIG_RW, 0x00001021},
		{'W', 4, CONFIG_RW, 0x0000103D},
		{'R', 4, CONFIG_RW, 0x0000103D},
	};
	struct iotoll_dma_fault fault;
	static struct rig rig;

	(void)state;
	rig_start(&rig, &config);
	rig_put32(&rig, CSR, 0x10010000);
	rig_put32(&rig, PLSSR, 0x04000000);
	rig_forget(&rig);
	assert_int_equal(iotoll_dma_domain_watchdog(rig.domain, &fault), 1);
	rig_expect(&rig, want, COUNT(want));
	assert_int_equal(fault.status, 0x10010000);
	assert_int_equal(fault.detail, 0x04000000);
	assert_int_equal(fault.agent, 1);
	/* The timer is not armed again: nothing is read any more. */
	rig_forget(&rig);
	rig_put32(&rig, CSR, 0x10010000);
	assert_int_equal(iotoll_dma_domain_watchdog(rig.domain, NULL), 0);
	rig_expect(&rig, NULL, 0);
	rig_close(&rig);
}

static void destroying_disables_translation_then_releases_the_tar(void **state)
{
	const struct iotoll_dma_config config = rig_config();
	static struct rig rig;

	(void)state;
	rig_start(&rig, &config);
	rig_put64(&rig, TAR, UINT64_C(0x1234000000000010) | table_at(&rig));
	rig_forget(&rig);
	const uint64_t tar = tar_raw(UINT64_C(0x1234000000000010), table_at(&rig), 0);
	const uint64_t left = __builtin_bswap64(UINT64_C(0x1234000000000010));
	const struct rig_access want[] = {
		{'R', 4, CONFIG_RW, 0x00001021},
		{'W', 4, CONFIG_RW, 0},
		{'R', 4, CONFIG_RW, 0},
		{'R', 8, TAR, tar},
		{'W', 8, TAR, left},
		{'R', 8, TAR, left},
	};

	iotoll_dma_detach(rig.dev);
	iotoll_dma_domain_destroy(rig.domain);
	rig.dev = NULL;
	rig.domain = NULL;
	rig_expect(&rig, want, COUNT(want));
	rig_close(&rig);
}

static void without_a_table_translation_stays_off_and_is_switched_off_if_found_on(void **state)
{
	struct iotoll_dma_config config = rig_config();
	const struct rig_access untouched[] = {{'R', 4, CONFIG_RW, 0x00001001}};
	const struct rig_access cleared[] = {
		{'R', 4, CONFIG_RW, 0x01001021},
		{'R', 4, CONFIG_RW, 0x01001021},
		{'W', 4, CONFIG_RW, 0x01000000},
		{'R', 4, CONFIG_RW, 0x01000000},
	};
	static struct rig rig;

	(void)state;
	config.strategy = "off";
	rig_open(&rig, 1u << 20);
	rig_put32(&rig, CONFIG_RW, 0x01100000);
	assert_int_equal(iotoll_dma_domain_create(&rig.domain, rig.env, &config, NULL, 0), 0);
	rig_expect(&rig, untouched, COUNT(untouched));
	iotoll_dma_domain_destroy(rig.domain);
	assert_int_equal(rig.logged, 1);
	rig_put32(&rig, CONFIG_RW, 0x21100001);
	rig_forget(&rig);
	assert_int_equal(iotoll_dma_domain_create(&rig.domain, rig.env, &config, NULL, 0), 0);
	rig_expect(&rig, cleared, COUNT(cleared));
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			setting_up_reads_the_windows_programs_the_tar_and_enables_translation),
		cmocka_unit_test(
			the_tar_carries_the_size_code_and_an_aligned_base_for_every_table_size),
		cmocka_unit_test(the_lean_driver_lets_devices_read_only_what_they_are_to_read),
		cmocka_unit_test(a_flush_is_seven_steps_on_its_own_bus),
		cmocka_unit_test(
			a_lean_flush_knows_the_arbitration_mask_and_still_waits_for_the_tar),
		cmocka_unit_test(
			quiescing_the_system_stops_and_drains_every_bus_around_one_tar_write),
		cmocka_unit_test(
			a_bus_that_does_not_drain_is_flushed_after_a_hundred_reads_and_counted),
		cmocka_unit_test(mapping_and_unmapping_touch_no_register_unless_they_flush),
		cmocka_unit_test(the_watchdog_reads_one_register_while_all_is_well),
		cmocka_unit_test(the_watchdog_reports_clears_and_shuts_the_bus_off_for_good),
		cmocka_unit_test(destroying_disables_translation_then_releases_the_tar),
		cmocka_unit_test(
			without_a_table_translation_stays_off_and_is_switched_off_if_found_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
