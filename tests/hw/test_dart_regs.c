// SPDX-License-Identifier: MIT
/*
 * DART's registers, U3 and U4: what is held, what falls by itself, what is captured.
 */
#include <errno.h>

#include "dart_rig.h"

/* Offsets from 0xF8030000. */
#define APIEXCP 0x0060
#define APIMASK 0x0070
#define CNTL    0x3000
#define U3_EXCP 0x3010
#define U4_BASE 0x3010
#define U4_SIZE 0x3020
#define U4_EXCP 0x3030

#define TABLE 0x100000

static void u3_control_holds_base_stop_enable_and_size_but_never_the_invalidate_bit(void **state)
{
	struct drig rig;

	(void)state;
	drig_make(&rig, "dart-u3", NULL, NULL);
	assert_int_equal(drig_read(&rig, CNTL), 0);
	drig_write(&rig, CNTL, 0xFFFFFFFF);
	/* all but 0x400, which was done by the first poll */
	assert_int_equal(drig_read(&rig, CNTL), 0xFFFFFBFF);
	drig_write(&rig, CNTL, 0x00100201);
	assert_int_equal(drig_read(&rig, CNTL), 0x00100201);
	drig_free(&rig);
}

static void u4_registers_hold_their_fields(void **state)
{
	struct drig rig;

	(void)state;
	drig_make(&rig, "dart-u4", NULL, NULL);
	drig_write(&rig, CNTL, 0xFFFFFFFF);
	/* enable, idle (ours), parity, 27 bits of page; both invalidate bits are down */
	assert_int_equal(drig_read(&rig, CNTL), 0x9FFFFFFF);
	drig_write(&rig, CNTL, 0);
	assert_int_equal(drig_read(&rig, CNTL), 0x10000000);
	drig_write(&rig, U4_BASE, 0xFFFFFFFF);
	assert_int_equal(drig_read(&rig, U4_BASE), 0x00FFFFFF);
	drig_write(&rig, U4_SIZE, 0xFFFFFFFF);
	assert_int_equal(drig_read(&rig, U4_SIZE), 0x0001FFFF);
	drig_write(&rig, U4_EXCP, 0xFFFFFFFF);
	assert_int_equal(drig_read(&rig, U4_EXCP), 0);
	drig_free(&rig);
}

static void accesses_that_meet_no_register_read_zero_and_are_counted(void **state)
{
	struct drig rig;

	(void)state;
	drig_make(&rig, "dart-u4", NULL, NULL);
	assert_int_equal(dart_stray_accesses(rig.iommu), 0);
	drig_write(&rig, 0x3004, 1); /* registers are 16 bytes apart */
	drig_write(&rig, 0x4000, 1); /* TLB tags: not modelled */
	assert_int_equal(drig_read(&rig, 0x4000), 0);
	assert_int_equal(drig_read(&rig, APIEXCP), 0); /* CPC925's */
	assert_int_equal(rig.iommu->ops->reg_read(rig.iommu, CNTL, 8), 0);
	assert_int_equal(rig.iommu->ops->reg_read(rig.iommu, UINT64_MAX, 4), 0);
	assert_int_equal(dart_stray_accesses(rig.iommu), 6);
	drig_free(&rig);
	drig_make(&rig, "dart-u3", NULL, NULL);
	drig_write(&rig, APIMASK, 0x80000000);
	assert_int_equal(drig_read(&rig, APIMASK), 0x80000000);
	assert_int_equal(dart_stray_accesses(rig.iommu), 0);
	drig_free(&rig);
}

/* One page mapped at I/O page 5 and held. */
static void hold(struct drig *rig, bool u4)
{
	/* entry 5 at 0x100000 + 0x14: valid, page 0x123 */
	drig_poke(rig, TABLE + 0x14, 0x80, 0x00, 0x01, 0x23);
	if (u4) {
		drig_write(rig, U4_BASE, TABLE >> 12);
		drig_write(rig, U4_SIZE, 1);
		drig_write(rig, CNTL, 0x80000000);
	} else {
		drig_write(rig, CNTL, TABLE | 0x200 | 1);
	}
	assert_false(drig_hits(rig, 0x5000, 0x123000));
	assert_true(drig_hits(rig, 0x5000, 0x123000));
}

static void the_invalidate_bit_is_up_for_as_many_polls_as_configured(void **state)
{
	const struct iommu_dart_config slow = {.busy_reads = 3};
	struct drig rig;

	(void)state;
	drig_make(&rig, "dart-u3", &slow, NULL);
	hold(&rig, false);
	drig_write(&rig, CNTL, TABLE | 0x600 | 1);
	for (int poll = 0; poll < 3; poll++)
		assert_int_equal(drig_read(&rig, CNTL) & 0x400, 0x400);
	assert_int_equal(drig_read(&rig, CNTL), TABLE | 0x200 | 1);
	assert_int_equal(drig_read(&rig, CNTL), TABLE | 0x200 | 1);
	assert_false(drig_hits(&rig, 0x5000, 0x123000));
	drig_free(&rig);
	drig_make(&rig, "dart-u4", &slow, NULL);
	hold(&rig, true);
	drig_write(&rig, CNTL, 0xC0000005);
	for (int poll = 0; poll < 3; poll++)
		assert_int_equal(drig_read(&rig, CNTL), 0xC0000005);
	assert_int_equal(drig_read(&rig, CNTL), 0x90000005);
	assert_false(drig_hits(&rig, 0x5000, 0x123000));
	drig_free(&rig);
}

static void a_bit_that_is_up_starts_nothing_until_it_was_down(void **state)
{
	const struct iommu_dart_config slow = {.busy_reads = 1000};
	struct drig rig;

	(void)state;
	drig_make(&rig, "dart-u3", &slow, NULL);
	hold(&rig, false);
	drig_write(&rig, CNTL, TABLE | 0x600 | 1);
	assert_false(drig_hits(&rig, 0x5000, 0x123000));
	drig_write(&rig, CNTL, TABLE | 0x600 | 1);
	assert_true(drig_hits(&rig, 0x5000, 0x123000));
	drig_write(&rig, CNTL, TABLE | 0x200 | 1);
	assert_int_equal(drig_read(&rig, CNTL) & 0x400, 0);
	assert_true(drig_hits(&rig, 0x5000, 0x123000));
	drig_write(&rig, CNTL, TABLE | 0x600 | 1);
	assert_false(drig_hits(&rig, 0x5000, 0x123000));
	drig_free(&rig);
}

static void a_missed_request_stays_up_and_forgets_nothing_until_cleared_and_set(void **state)
{
	const struct iommu_dart_config deaf = {.missed_one_in = 1};
	const struct iommu_dart_config often = {.missed_one_in = 2};
	unsigned heard = 0, missed = 0;
	struct drig rig;

	(void)state;
	drig_make(&rig, "dart-u3", &deaf, NULL);
	hold(&rig, false);
	drig_write(&rig, CNTL, TABLE | 0x600 | 1);
	for (int poll = 0; poll < 100; poll++)
		assert_int_equal(drig_read(&rig, CNTL), TABLE | 0x600 | 1);
	assert_true(drig_hits(&rig, 0x5000, 0x123000));
	drig_free(&rig);
	/* One in two: setting it again helps sooner or later, in either direction. */
	drig_make(&rig, "dart-u3", &often, NULL);
	for (int i = 0; i < 64; i++) {
		hold(&rig, false);
		drig_write(&rig, CNTL, TABLE | 0x600 | 1);
		if ((drig_read(&rig, CNTL) & 0x400) != 0) {
			missed++;
			assert_true(drig_hits(&rig, 0x5000, 0x123000));
		} else {
			heard++;
			assert_false(drig_hits(&rig, 0x5000, 0x123000));
		}
		drig_write(&rig, CNTL, 0);
		rig.iommu->ops->reset(rig.iommu);
	}
	assert_true(heard > 8 && missed > 8);
	drig_free(&rig);
}

static void a_missed_request_is_not_done_by_another_that_is_heard(void **state)
{
	const struct iommu_dart_config often = {.missed_one_in = 2};
	unsigned mixed = 0;
	struct drig rig;

	(void)state;
	drig_make(&rig, "dart-u4", &often, NULL);
	for (int i = 0; i < 64; i++) {
		hold(&rig, true);
		drig_write(&rig, CNTL, 0xA0000000);
		if ((drig_read(&rig, CNTL) & 0x20000000) != 0) { /* everything: missed */
			drig_write(&rig, CNTL,
				   0xE0000100); /* page 0x100 too, which none asks for */
			if ((drig_read(&rig, CNTL) & 0x40000000) == 0) { /* heard */
				mixed++;
				assert_int_equal(drig_read(&rig, CNTL), 0xA0000100);
				assert_true(drig_hits(&rig, 0x5000, 0x123000));
			}
		}
		rig.iommu->ops->reset(rig.iommu);
	}
	assert_true(mixed > 4);
	drig_free(&rig);
}

static void u4_captures_source_page_direction_and_reason(void **state)
{
	struct drig rig;

	(void)state;
	drig_make(&rig, "dart-u4", NULL, NULL);
	hold(&rig, true);
	/* entry 6: no read; entry 7: no write; entry 8: invalid */
	drig_poke(&rig, TABLE + 0x18, 0xC0, 0x00, 0x01, 0x24);
	drig_poke(&rig, TABLE + 0x1C, 0xA0, 0x00, 0x01, 0x25);
	assert_int_equal(drig_dma(&rig, 0, 0x8FFF, IOTOLL_WRITE, NULL), -EPERM);
	/* HyperTransport, page 8, write, entry: 80000000 + 80 + 8 + 1 */
	assert_int_equal(drig_read(&rig, U4_EXCP), 0x80000089);
	assert_int_equal(drig_read(&rig, U4_EXCP), 0x80000089);
	drig_write(&rig, CNTL, 0xA0000000); /* lines are fetched by fours: forget 4 to 7 */
	assert_int_equal(drig_dma(&rig, 1, 0x6000, IOTOLL_READ, NULL), -EPERM);
	assert_int_equal(drig_read(&rig, U4_EXCP), 0x00000062); /* PCI Express, read protection */
	assert_int_equal(drig_dma(&rig, 0, 0x7000, IOTOLL_WRITE, NULL), -EPERM);
	assert_int_equal(drig_read(&rig, U4_EXCP), 0x8000007B); /* write, write protection */
	assert_int_equal(drig_dma(&rig, 0, UINT64_C(0x7FFFFFF000), IOTOLL_READ, NULL), -EPERM);
	assert_int_equal(drig_read(&rig, U4_EXCP), 0xFFFFFFF0); /* all 27 bits, out of bounds */
	drig_write(&rig, U4_BASE, 0x00FFFFFF);
	drig_write(&rig, CNTL, 0xA0000000);
	assert_int_equal(drig_dma(&rig, 1, 0x3000, IOTOLL_READ, NULL), -EFAULT);
	assert_int_equal(drig_read(&rig, U4_EXCP), 0x00000034); /* addressing exception */
	assert_int_equal(rig.faults, 5);
	assert_int_equal(rig.fault_iova, 0x3000);
	assert_int_equal(rig.fault_source.bus, 1);
	drig_free(&rig);
}

static void u3_flags_an_exception_until_the_flag_is_read(void **state)
{
	struct drig rig;
	uint64_t status, detail;

	(void)state;
	drig_make(&rig, "dart-u3", NULL, NULL);
	hold(&rig, false);
	assert_int_equal(drig_read(&rig, APIEXCP), 0);
	assert_int_equal(drig_dma(&rig, 0, 0x9000, IOTOLL_READ, NULL), -EPERM);
	rig.iommu->ops->latched(rig.iommu, 0, &status, &detail);
	assert_int_equal(status, 0x80000000);
	assert_int_equal(drig_read(&rig, APIEXCP), 0x80000000);
	assert_int_equal(drig_read(&rig, APIEXCP), 0);
	assert_int_equal(drig_read(&rig, U3_EXCP), 0); /* its fields' places are not known */
	drig_free(&rig);
}

static void reset_switches_off_and_empties(void **state)
{
	struct iotoll_xlat x;
	struct drig rig;

	(void)state;
	drig_make(&rig, "dart-u4", NULL, NULL);
	hold(&rig, true);
	rig.iommu->ops->reset(rig.iommu);
	assert_int_equal(drig_read(&rig, U4_BASE), 0);
	assert_int_equal(drig_dma(&rig, 0, 0x5000, IOTOLL_WRITE, &x), 0);
	assert_true(x.bypass);
	hold(&rig, true);
	drig_free(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			u3_control_holds_base_stop_enable_and_size_but_never_the_invalidate_bit),
		cmocka_unit_test(u4_registers_hold_their_fields),
		cmocka_unit_test(accesses_that_meet_no_register_read_zero_and_are_counted),
		cmocka_unit_test(the_invalidate_bit_is_up_for_as_many_polls_as_configured),
		cmocka_unit_test(a_bit_that_is_up_starts_nothing_until_it_was_down),
		cmocka_unit_test(
			a_missed_request_stays_up_and_forgets_nothing_until_cleared_and_set),
		cmocka_unit_test(a_missed_request_is_not_done_by_another_that_is_heard),
		cmocka_unit_test(u4_captures_source_page_direction_and_reason),
		cmocka_unit_test(u3_flags_an_exception_until_the_flag_is_read),
		cmocka_unit_test(reset_switches_off_and_empties),
	};

	return cmocka_run_group_tests_name("hw/dart_regs", tests, NULL, NULL);
}
