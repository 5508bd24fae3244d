// SPDX-License-Identifier: MIT
/*
 * AMD-Vi's command buffer: what each command does and leaves alone, what stops it.
 */
#include <errno.h>

#include "amdvi_rig.h"

#define DEV 0x0008
#define DOM UINT64_C(0x0042)
/* Opcodes, in 63:60. */
#define OP(n)   ((uint64_t)(n) << 60)
#define WAIT    OP(1)
#define INV_DTE OP(2)
#define INV     (OP(3) | DOM << 32)
#define EVERY   UINT64_C(0x7FFFFFFFFFFFF000)

static struct amd amd;

static int setup(void **state)
{
	(void)state;
	amd_make(&amd, &amd_iotlb, true);
	amd_enable(&amd);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	amd_free(&amd);
	return 0;
}

/* Two levels: page @n of the first 2 MiB at (0x100 + n) << 12. */
static void identity_but_one_mib_up(void)
{
	amd_dte(&amd, DEV, AMD_DTE(2, AMD_TABLES), DOM);
	amd_poke(&amd, AMD_TABLES, AMD_PDE(1, AMD_TABLES + 0x1000));
	for (unsigned n = 0; n < 512; n++)
		amd_poke(&amd, AMD_TABLES + 0x1000 + n * 8, AMD_PTE((0x100 + n) << 12));
}

/* Does the unit still answer for @iova out of the IOTLB? */
static bool held(uint64_t iova)
{
	struct iotoll_xlat x;
	const int ret =
		iommu_probe(amd.iommu, (struct iotoll_source){.devid = DEV}, iova, IOTOLL_READ, &x);

	return ret == 0 && x.hit;
}

static void completion_wait_stores_its_data_where_it_says(void **state)
{
	(void)state;
	/* S, address 0x404008: bits 51:3. */
	amd_command(&amd, WAIT | 0x404008 | 1, UINT64_C(0x1122334455667788));
	assert_int_equal(amd.bytes[0x404008], 0x88);
	assert_int_equal(amd.bytes[0x40400F], 0x11);
	assert_int_equal(amd_peek(&amd, 0x404010), 0);
	assert_int_equal(amd_readq(&amd, AMD_R_CHEAD), 0x10);
	assert_int_equal(amd_readq(&amd, AMD_R_STATUS), 0x18);
	/* Without S nothing is stored, with I the status bit is set. */
	amd_command(&amd, WAIT | 0x404010 | 2 | 4, UINT64_MAX);
	assert_int_equal(amd_peek(&amd, 0x404010), 0);
	assert_int_equal(amd_readq(&amd, AMD_R_STATUS), 0x1C);
}

static void changed_entries_are_found_only_after_their_invalidation(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	identity_but_one_mib_up();
	assert_int_equal(amd_read_goes(&amd, DEV, 0x5000), 0x105000);
	amd_poke(&amd, AMD_TABLES + 0x1000 + 5 * 8, AMD_PTE(0x777000));
	assert_int_equal(amd_dma(&amd, DEV, 0x5000, IOTOLL_READ, &x), 0);
	assert_int_equal(x.paddr, 0x105000);
	assert_true(x.hit && x.stale);
	amd_command(&amd, INV, 0x4000);
	amd_command(&amd, OP(3) | (DOM + 1) << 32, 0x5000); /* another domain's */
	assert_int_equal(amd_read_goes(&amd, DEV, 0x5000), 0x105000);
	amd_command(&amd, INV, 0x5000);
	assert_int_equal(amd_read_goes(&amd, DEV, 0x5000), 0x777000);
	assert_int_equal(amd.drops, 1);
	assert_int_equal(amd.dropped, 5);
}

static void not_present_entries_are_never_held(void **state)
{
	(void)state;
	identity_but_one_mib_up();
	amd_poke(&amd, AMD_TABLES + 0x1000 + 5 * 8, 0);
	assert_int_equal(amd_dma(&amd, DEV, 0x5000, IOTOLL_READ, NULL), -EPERM);
	amd_poke(&amd, AMD_TABLES + 0x1000 + 5 * 8, AMD_PTE(0x777000));
	assert_int_equal(amd_read_goes(&amd, DEV, 0x5000), 0x777000);
}

/* With S the lowest zero from bit 12 up says how many: bit 12 clear 8 KiB, 13:12 = 01 16 KiB... */
static void invalidation_with_s_covers_2_to_the_power_its_address_encodes(void **state)
{
	static const struct iotlb_config large = {
		.entries = 512, .ways = 512, .line_pages = 1, .policy = "lru"};

	(void)state;
	amd_free(&amd);
	amd_make(&amd, &large, false);
	amd_enable(&amd);
	identity_but_one_mib_up();
	for (unsigned log2 = 12; log2 <= 21; log2++) {
		const uint64_t at = log2 < 20 ? UINT64_C(0x80000) : 0;
		const uint64_t marker = log2 > 12 ? (UINT64_C(1) << (log2 - 1)) - 0x1000 : 0;
		const uint64_t first = at >> log2 << log2;
		const uint64_t end = first + (UINT64_C(1) << log2);

		amd_invalidate_all(&amd);
		for (unsigned n = 0; n < 512; n++)
			amd_read_goes(&amd, DEV, n * UINT64_C(4096));
		amd_command(&amd, INV, at | marker | (log2 > 12));
		for (unsigned n = 0; n < 512; n++) {
			const uint64_t iova = n * UINT64_C(4096);

			assert_int_equal(held(iova), iova < first || iova >= end);
		}
	}
	amd_command(&amd, INV, EVERY | 1);
	for (unsigned n = 0; n < 512; n++)
		assert_false(held(n * UINT64_C(4096)));
}

static void one_small_page_takes_the_large_page_around_it_along(void **state)
{
	(void)state;
	amd_dte(&amd, DEV, AMD_DTE(2, AMD_TABLES), DOM);
	amd_poke(&amd, AMD_TABLES, AMD_PTE(0x200000)); /* 2 MiB */
	assert_int_equal(amd_read_goes(&amd, DEV, 0x1234), 0x201234);
	assert_true(held(0x1FF000));
	amd_command(&amd, INV, 0x7000);
	assert_false(held(0x1234));
	assert_false(held(0x1FF000));
	assert_int_equal(amd.drops, 512);
}

static void tables_named_by_held_entries_change_only_with_pde(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	identity_but_one_mib_up();
	assert_int_equal(amd_read_goes(&amd, DEV, 0x5000), 0x105000);
	/* The level-2 entry now leads to another level-1 table. */
	amd_poke(&amd, AMD_TABLES, AMD_PDE(1, AMD_TABLES + 0x2000));
	amd_poke(&amd, AMD_TABLES + 0x2000 + 5 * 8, AMD_PTE(0x777000));
	amd_command(&amd, INV, EVERY | 1);
	assert_int_equal(amd_dma(&amd, DEV, 0x5000, IOTOLL_READ, &x), 0);
	assert_int_equal(x.paddr, 0x105000); /* walked through the table held */
	assert_true(x.stale && !x.hit);
	assert_int_equal(x.fetches, 1);
	amd_command(&amd, INV, 0x200000 | 2); /* PDE, but of the next 2 MiB */
	amd_command(&amd, INV, 0x5000);
	assert_int_equal(amd_read_goes(&amd, DEV, 0x5000), 0x105000);
	amd_command(&amd, INV, 0x5000 | 2);
	assert_int_equal(amd_read_goes(&amd, DEV, 0x5000), 0x777000);
}

static void device_entry_counts_until_it_is_invalidated_and_pages_outlive_it(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	identity_but_one_mib_up();
	assert_int_equal(amd_read_goes(&amd, DEV, 0x5000), 0x105000);
	amd_dte(&amd, DEV, AMD_DTE(1, AMD_TABLES + 0x3000), DOM);
	amd_poke(&amd, AMD_TABLES + 0x3000 + 5 * 8, AMD_PTE(0x777000));
	amd_command(&amd, INV, EVERY | 1 | 2);
	assert_int_equal(amd_read_goes(&amd, DEV, 0x5000), 0x105000);
	amd_command(&amd, INV_DTE | (DEV + 64), 0); /* same place in any cache of 64 */
	assert_int_equal(amd_read_goes(&amd, DEV, 0x5000), 0x105000);
	amd_command(&amd, INV_DTE | DEV, 0);
	assert_int_equal(amd_dma(&amd, DEV, 0x5000, IOTOLL_READ, &x), 0);
	assert_int_equal(x.paddr, 0x105000); /* the page is still held for the domain */
	assert_true(x.hit && x.stale);
	amd_command(&amd, INV, EVERY | 1 | 2);
	assert_int_equal(amd_read_goes(&amd, DEV, 0x5000), 0x777000);
}

static void devices_of_one_domain_share_what_is_held_but_not_their_rights(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	identity_but_one_mib_up();
	amd_dte(&amd, DEV + 1, AMD_DTE(2, AMD_TABLES) & ~AMD_IW, DOM);
	amd_dte(&amd, DEV + 2, AMD_DTE(2, AMD_TABLES), DOM + 1);
	amd_read_goes(&amd, DEV, 0x5000);
	assert_int_equal(amd_dma(&amd, DEV + 1, 0x5000, IOTOLL_READ, &x), 0);
	assert_true(x.hit);
	assert_int_equal(amd_dma(&amd, DEV + 1, 0x5000, IOTOLL_WRITE, NULL), -EPERM);
	assert_int_equal(amd_dma(&amd, DEV + 2, 0x5000, IOTOLL_WRITE, &x), 0);
	assert_false(x.hit);
}

static void invalidate_all_forgets_pages_tables_and_device_entries(void **state)
{
	struct iotoll_xlat x;

	(void)state;
	identity_but_one_mib_up();
	amd_read_goes(&amd, DEV, 0x5000);
	amd_invalidate_all(&amd);
	assert_int_equal(amd_dma(&amd, DEV, 0x5000, IOTOLL_READ, &x), 0);
	assert_int_equal(x.fetches, 3);
}

static void interrupt_table_invalidation_is_accepted(void **state)
{
	(void)state;
	amd_command(&amd, OP(5) | DEV, 0);
	assert_int_equal(amd_readq(&amd, AMD_R_CHEAD), 0x10);
	assert_int_equal(amd_readq(&amd, AMD_R_STATUS), 0x18);
}

static void head_and_tail_wrap_at_each_length_of_the_buffer(void **state)
{
	(void)state;
	/* Length code n: 2^n commands; codes below 8 are reserved and count as 8. */
	for (uint64_t code = 0; code <= 15; code++) {
		const uint64_t bytes = UINT64_C(16) << (code < 8 ? 8 : code);
		const uint64_t buffer = 0x500000;

		amd_writeq(&amd, AMD_R_CMDBUF, buffer | code << 56);
		memset(amd.bytes + buffer, 0, bytes);
		amd_poke(&amd, buffer + bytes - 16, WAIT | AMD_SEM | 1);
		amd_poke(&amd, buffer + bytes - 8, code + 1);
		amd_poke(&amd, buffer, WAIT | (AMD_SEM + 8) | 1);
		amd_poke(&amd, buffer + 8, code + 100);
		amd_writeq(&amd, AMD_R_CONTROL, 5); /* off while head and tail are moved */
		amd_writeq(&amd, AMD_R_CHEAD, bytes - 16);
		amd_writeq(&amd, AMD_R_CTAIL, 0x10);
		amd_writeq(&amd, AMD_R_CONTROL, 0x1005);
		assert_int_equal(amd_peek(&amd, AMD_SEM), code + 1);
		assert_int_equal(amd_peek(&amd, AMD_SEM + 8), code + 100);
		assert_int_equal(amd_readq(&amd, AMD_R_CHEAD), 0x10);
	}
}

static void pointers_beyond_the_buffer_count_modulo_its_length(void **state)
{
	(void)state;
	amd_poke(&amd, AMD_CMDBUF, WAIT | AMD_SEM | 1);
	amd_poke(&amd, AMD_CMDBUF + 8, 7);
	amd_writeq(&amd, AMD_R_CTAIL, 0x7F010); /* 0x10 in 4 KiB */
	assert_int_equal(amd_peek(&amd, AMD_SEM), 7);
	assert_int_equal(amd_readq(&amd, AMD_R_CHEAD), 0x10);
}

static void commands_wait_until_the_buffer_is_enabled(void **state)
{
	(void)state;
	amd_writeq(&amd, AMD_R_CONTROL, 5);
	amd_command(&amd, WAIT | AMD_SEM | 1, 7);
	assert_int_equal(amd_peek(&amd, AMD_SEM), 0);
	assert_int_equal(amd_readq(&amd, AMD_R_CHEAD), 0);
	amd_writeq(&amd, AMD_R_CONTROL, 0x1005);
	assert_int_equal(amd_peek(&amd, AMD_SEM), 7);
}

static void illegal_commands_stop_the_buffer_on_themselves(void **state)
{
	static const uint64_t bad[][2] = {
		{OP(0), 0},
		{OP(6) | DEV, 0}, /* prefetch: the unit has none */
		{OP(7) | DEV, 4}, /* GN */
		{OP(9), 0},
		{OP(15), 0},
		{WAIT | UINT64_C(1) << 52, 0},
		{WAIT | UINT64_C(1) << 59, 0},
		{INV_DTE | 0x10000, 0},
		{INV_DTE, 1},
		{INV | 0x100000, 0},
		{INV | UINT64_C(1) << 48, 0},
		{INV, 4}, /* GN: no guest translation */
		{INV, 8},
		{INV, 0x800},
		{OP(4) | DEV, 2},
		{OP(4) | DEV, 0x400},
		{OP(5) | 0x10000, 0},
		{OP(5), UINT64_C(1) << 63},
		{OP(8) | 1, 0},
		{OP(8), 1},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const unsigned events = amd_events(&amd);
		const uint64_t at = amd_readq(&amd, AMD_R_CTAIL);

		amd_command(&amd, bad[i][0], bad[i][1]);
		/* ILLEGAL_COMMAND_ERROR is 5; the address is the command's. */
		amd_expect_event(&amd, events, UINT64_C(0x5000000000000000), AMD_CMDBUF + at);
		assert_int_equal(amd_readq(&amd, AMD_R_CHEAD), at);
		assert_int_equal(amd_readq(&amd, AMD_R_STATUS) & 0x10, 0);
		amd_command(&amd, WAIT | AMD_SEM | 1, i + 1);
		assert_int_not_equal(amd_peek(&amd, AMD_SEM), i + 1);
		/* Mend the command, switch off and on: it goes on from there. */
		amd_poke(&amd, AMD_CMDBUF + at, WAIT);
		amd_writeq(&amd, AMD_R_CONTROL, 5);
		amd_writeq(&amd, AMD_R_CONTROL, 0x1005);
		assert_int_equal(amd_peek(&amd, AMD_SEM), i + 1);
		assert_int_equal(amd_readq(&amd, AMD_R_CHEAD), at + 0x20);
	}
}

static void ignored_fields_do_not_make_a_command_illegal(void **state)
{
	(void)state;
	amd_command(&amd, INV | 0xFFFFF, 0); /* a PASID without GN */
	amd_command(&amd, WAIT | 4, 0);
	assert_int_equal(amd_readq(&amd, AMD_R_CHEAD), 0x20);
	assert_int_equal(amd_events(&amd), 0);
}

static void command_that_cannot_be_read_stops_the_buffer(void **state)
{
	(void)state;
	amd_writeq(&amd, AMD_R_CMDBUF, UINT64_C(0x10000000) | UINT64_C(8) << 56);
	amd_writeq(&amd, AMD_R_CTAIL, 0x10);
	/* COMMAND_HARDWARE_ERROR is 6, type 58:57 = 1: no memory answered. */
	amd_expect_event(&amd, 0, UINT64_C(0x6200000000000000), 0x10000000);
	assert_int_equal(amd_readq(&amd, AMD_R_STATUS), 0x0A);
	assert_int_equal(amd_readq(&amd, AMD_R_CHEAD), 0);
}

static void store_that_no_memory_takes_stops_the_buffer(void **state)
{
	(void)state;
	amd_command(&amd, WAIT | UINT64_C(0x8000000000) | 1, 1);
	amd_expect_event(&amd, 0, UINT64_C(0x6200000000000000), UINT64_C(0x8000000000));
	assert_int_equal(amd_readq(&amd, AMD_R_CHEAD), 0);
}

static void unanswered_device_invalidation_times_out(void **state)
{
	(void)state;
	amd_writeq(&amd, AMD_R_CONTROL, 0x1005 | 2 << 5); /* 10 ms */
	amd_command(&amd, OP(4) | DEV, 0x5000);
	/* IOTLB_INV_TIMEOUT is 7: device, and where the command lies. */
	amd_expect_event(&amd, 0, UINT64_C(0x7000000000000000) | DEV, AMD_CMDBUF);
	amd_command(&amd, WAIT | AMD_SEM | 1, 9);
	assert_int_equal(amd_peek(&amd, AMD_SEM), 9);
}

static void without_time_out_the_next_wait_waits_for_ever(void **state)
{
	(void)state;
	amd_command(&amd, OP(4) | DEV, 0x5000);
	assert_int_equal(amd_events(&amd), 0);
	amd_command(&amd, WAIT | AMD_SEM | 1, 9);
	amd_command(&amd, WAIT | (AMD_SEM + 8) | 1, 9);
	assert_int_equal(amd_peek(&amd, AMD_SEM), 0);
	assert_int_equal(amd_readq(&amd, AMD_R_CHEAD), 0x10);
	assert_int_equal(amd_readq(&amd, AMD_R_STATUS), 0x18); /* it runs, and waits */
	amd_writeq(&amd, AMD_R_CONTROL, 5);
	amd_writeq(&amd, AMD_R_CONTROL, 0x1005);
	assert_int_equal(amd_peek(&amd, AMD_SEM + 8), 9);
}

/* The largest page there is must not be told page by page, nor hold anything up. */
static void dropping_the_largest_page_is_quick(void **state)
{
	(void)state;
	amd_dte(&amd, DEV, AMD_DTE(5, AMD_TABLES), DOM);
	/* 2^52 bytes: bits 50:12 are ones, 51 is not */
	amd_poke(&amd, AMD_TABLES, AMD_PTE(UINT64_C(0x7FFFFFFFFF000)) | AMD_NEXT(7));
	assert_int_equal(amd_read_goes(&amd, DEV, 0x123456), 0x123456);
	amd_command(&amd, INV, EVERY | 1);
	assert_false(held(0x123456));
	assert_int_equal(amd.drops, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(completion_wait_stores_its_data_where_it_says),
		T(changed_entries_are_found_only_after_their_invalidation),
		T(not_present_entries_are_never_held),
		T(invalidation_with_s_covers_2_to_the_power_its_address_encodes),
		T(one_small_page_takes_the_large_page_around_it_along),
		T(tables_named_by_held_entries_change_only_with_pde),
		T(device_entry_counts_until_it_is_invalidated_and_pages_outlive_it),
		T(devices_of_one_domain_share_what_is_held_but_not_their_rights),
		T(invalidate_all_forgets_pages_tables_and_device_entries),
		T(interrupt_table_invalidation_is_accepted),
		T(head_and_tail_wrap_at_each_length_of_the_buffer),
		T(pointers_beyond_the_buffer_count_modulo_its_length),
		T(commands_wait_until_the_buffer_is_enabled),
		T(illegal_commands_stop_the_buffer_on_themselves),
		T(ignored_fields_do_not_make_a_command_illegal),
		T(command_that_cannot_be_read_stops_the_buffer),
		T(store_that_no_memory_takes_stops_the_buffer),
		T(unanswered_device_invalidation_times_out),
		T(without_time_out_the_next_wait_waits_for_ever),
		T(dropping_the_largest_page_is_quick),
	};

	return cmocka_run_group_tests_name("hw/amdvi_commands", tests, NULL, NULL);
}
