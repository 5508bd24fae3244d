// SPDX-License-Identifier: MIT
/*
 * VT-d's registers: what reset leaves, which bits software may change, which access widths there
 * are, the command bits.
 */
#include <errno.h>

#include "vtd_rig.h"

static struct vrig rig;

static int setup(void **state)
{
	(void)state;
	vrig_make(&rig, NULL, NULL, false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vrig_free(&rig);
	return 0;
}

#define ONES UINT64_MAX

/* Reset value, and what reads back after all ones and after all zeros were written. */
static const struct {
	uint32_t offset;
	unsigned bytes;
	uint64_t reset, ones, zeros;
} masks[] = {
	{0x000, 4, 0x10, 0x10, 0x10},           /* VER 1.0 */
	{0x018, 4, 0, 0, 0},                    /* GCMD, write only */
	{0x020, 8, 0, ~UINT64_C(0xFFF), 0},     /* RTADDR 63:12 */
	{0x034, 4, 0, 0, 0},                    /* FSTS: nothing to clear */
	{0x038, 4, 0x80000000, 0x80000000, 0},  /* FECTL: IM; IP read only */
	{0x03C, 4, 0, 0xFFFF, 0},               /* FEDATA 15:0 */
	{0x040, 4, 0, 0xFFFFFFFC, 0},           /* FEADDR 31:2 */
	{0x044, 4, 0, 0, 0},                    /* FEUADDR: no EIM */
	{0x058, 8, 0, 0, 0},                    /* AFLOG: no AFL */
	{0x064, 4, 0, 0, 0},                    /* PMEN: no PLMR, PHMR */
	{0x068, 4, 0, 0, 0},                    /* PLMBASE */
	{0x06C, 4, 0, 0, 0},                    /* PLMLIMIT */
	{0x070, 8, 0, 0, 0},                    /* PHMBASE */
	{0x078, 8, 0, 0, 0},                    /* PHMLIMIT */
	{0x080, 8, 0, 0, 0},                    /* IQH, read only */
	{0x088, 8, 0, 0x7FFF0, 0},              /* IQT 18:4 */
	{0x090, 8, 0, ~UINT64_C(0xFFF) | 7, 0}, /* IQA 63:12, 2:0; no 256-bit width */
	{0x09C, 4, 0, 0, 0},                    /* ICS: nothing to clear */
	{0x0A0, 4, 0x80000000, 0x80000000, 0},  /* IECTL */
	{0x0A4, 4, 0, 0xFFFF, 0},               /* IEDATA */
	{0x0A8, 4, 0, 0xFFFFFFFC, 0},           /* IEADDR */
	{0x0AC, 4, 0, 0, 0},                    /* IEUADDR */
	{0x0B0, 8, 0, 0, 0},                    /* IQERCD, read only */
	{0x0B8, 8, 0, 0, 0},                    /* IRTA: no IR */
	{0x100, 8, 0, 0, 0},                    /* a fault record, lower half */
	{0x108, 8, 0, 0, 0},                    /* and upper */
	{0x178, 8, 0, 0, 0},                    /* of the eighth */
	{0x200, 8, 0, 0, 0},                    /* IVA, write only */
};

static uint64_t read_reg(uint32_t offset, unsigned bytes)
{
	return rig.iommu->ops->reg_read(rig.iommu, offset, bytes);
}

static void write_reg(uint32_t offset, uint64_t value, unsigned bytes)
{
	rig.iommu->ops->reg_write(rig.iommu, offset, value, bytes);
}

static void every_register_keeps_its_masks(void **state)
{
	struct vtd_stats stats;

	(void)state;
	for (unsigned i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		uint32_t at = masks[i].offset;
		unsigned bytes = masks[i].bytes;

		assert_int_equal(read_reg(at, bytes), masks[i].reset);
		if (at == 0x18)
			continue; /* a command, below */
		write_reg(at, ONES, bytes);
		assert_int_equal(read_reg(at, bytes), masks[i].ones);
		write_reg(at, 0, bytes);
		assert_int_equal(read_reg(at, bytes), masks[i].zeros);
		rig.iommu->ops->reset(rig.iommu);
		assert_int_equal(read_reg(at, bytes), masks[i].reset);
	}
	vtd_stats(rig.iommu, &stats);
	assert_int_equal(stats.strays, 0);
}

static void halves_of_a_wide_register_are_written_apart(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		uint32_t at = masks[i].offset;

		if (masks[i].bytes != 8)
			continue;
		write_reg(at, 0xFFFFFFFF, 4);
		assert_int_equal(read_reg(at, 8), masks[i].ones & 0xFFFFFFFF);
		write_reg(at + 4, 0xFFFFFFFF, 4);
		assert_int_equal(read_reg(at + 4, 4), masks[i].ones >> 32);
		write_reg(at, 0, 4);
		assert_int_equal(read_reg(at, 8), masks[i].ones >> 32 << 32);
	}
}

static void capabilities_cannot_be_written(void **state)
{
	uint64_t cap = read_reg(0x8, 8), ecap = read_reg(0x10, 8);

	(void)state;
	write_reg(0x8, ONES, 8);
	write_reg(0x10, 0, 8);
	write_reg(0x1C, 0xFFFFFFFF, 4); /* GSTS */
	assert_int_equal(read_reg(0x8, 8), cap);
	assert_int_equal(read_reg(0x10, 8), ecap);
	assert_int_equal(read_reg(0x1C, 4), 0);
}

static void narrow_and_crooked_accesses_meet_nothing(void **state)
{
	static const struct {
		uint64_t offset;
		unsigned width;
	} strays[] = {{0x20, 1},           {0x20, 2},
		      {0x21, 1},           {0x22, 4},
		      {0x24, 8},           {0x20, 16},
		      {0x20, 0},           {0x1000, 4},
		      {UINT64_MAX - 3, 4}, {UINT64_C(1) << 32 | 0x20, 8},
		      {0xF0, 4},           {0x48, 4}};
	struct vtd_stats stats;

	(void)state;
	write_reg(0x20, ONES, 8);
	for (unsigned i = 0; i < sizeof(strays) / sizeof(strays[0]); i++) {
		rig.iommu->ops->reg_write(rig.iommu, strays[i].offset, 0, strays[i].width);
		assert_int_equal(
			rig.iommu->ops->reg_read(rig.iommu, strays[i].offset, strays[i].width), 0);
		vtd_stats(rig.iommu, &stats);
		assert_int_equal(stats.strays, 2 * (i + 1));
	}
	assert_int_equal(read_reg(0x20, 8), ~UINT64_C(0xFFF));
}

static void wide_access_to_two_narrow_registers_is_two_accesses(void **state)
{
	(void)state;
	write_reg(0x38, UINT64_C(0x0000123400000000), 8); /* FECTL, FEDATA */
	assert_int_equal(read_reg(0x38, 4), 0);
	assert_int_equal(read_reg(0x3C, 4), 0x1234);
	assert_int_equal(read_reg(0x38, 8), UINT64_C(0x0000123400000000));
}

/* ---- commands ---- */

static void global_status_follows_levels_and_remembers_one_shots(void **state)
{
	(void)state;
	write_reg(0x18, 0x80000000, 4);
	assert_int_equal(read_reg(0x1C, 4), 0x80000000);
	write_reg(0x18, 0x04000000, 4); /* levels are what each write says */
	assert_int_equal(read_reg(0x1C, 4), 0x04000000);
	write_reg(0x18, 0x40000000, 4);
	assert_int_equal(read_reg(0x1C, 4), 0x40000000);
	write_reg(0x18, 0, 4);
	assert_int_equal(read_reg(0x1C, 4), 0x40000000);
	/* WBF is done at once; SFL, EAFL, IRE, SIRTP, CFI and the rest have nothing to act on. */
	write_reg(0x18, 0x3BFFFFFF, 4);
	assert_int_equal(read_reg(0x1C, 4), 0x40000000);
}

static void root_table_is_latched_by_its_command_alone(void **state)
{
	(void)state;
	vrig_standard(&rig);
	vrig_map(&rig, 0, 0x80000, 3);
	write_reg(0x20, 0x70000, 8); /* an empty table */
	assert_int_equal(vrig_reaches(&rig, 0), 0x80000);
	vrig_flush(&rig);
	assert_int_equal(vrig_reaches(&rig, 0), 0x80000);
	write_reg(0x18, 0xC0000000, 4);
	assert_int_equal(vrig_reaches(&rig, 0), 0x80000); /* caches stay */
	vrig_flush(&rig);
	assert_int_equal(vrig_reaches(&rig, 0), UINT64_MAX);
}

static void root_table_command_flushes_if_the_capability_says_so(void **state)
{
	struct vtd_config config = vtd_xeon;

	(void)state;
	vrig_free(&rig);
	config.srtp_flushes = true;
	vrig_make(&rig, &config, NULL, false);
	assert_int_equal(read_reg(0x8, 8) >> 63, 1);
	vrig_standard(&rig);
	vrig_map(&rig, 0, 0x80000, 3);
	assert_int_equal(vrig_reaches(&rig, 0), 0x80000);
	write_reg(0x20, 0x70000, 8);
	write_reg(0x18, 0xC0000000, 4);
	assert_int_equal(vrig_reaches(&rig, 0), UINT64_MAX);
}

static void invalidation_commands_answer_what_was_done(void **state)
{
	(void)state;
	/* CCMD: go 63, asked 62:61, done 60:59, DID 15:0; FM 33:32 and SID 31:16 read 0 */
	write_reg(0x28, UINT64_C(0xA000000300280007), 8);
	assert_int_equal(read_reg(0x28, 8), UINT64_C(0x2800000000000007));
	write_reg(0x28, UINT64_C(0xC000000000000007), 8);
	assert_int_equal(read_reg(0x28, 8), UINT64_C(0x5000000000000007));
	write_reg(0x28, UINT64_C(0xE000000000280007), 8);
	assert_int_equal(read_reg(0x28, 8), UINT64_C(0x7800000000000007));
	write_reg(0x28, UINT64_C(0x8000000000000000), 8); /* no granularity */
	assert_int_equal(read_reg(0x28, 8), 0);
	/* IOTLB: go 63, asked 61:60, done 58:57, DR 49, DW 48, DID 47:32 */
	write_reg(0x208, UINT64_C(0x9003000700000000), 8);
	assert_int_equal(read_reg(0x208, 8), UINT64_C(0x1203000700000000));
	write_reg(0x208, UINT64_C(0xA000000700000000), 8);
	assert_int_equal(read_reg(0x208, 8), UINT64_C(0x2400000700000000));
	write_reg(0x200, 0x1000 | 18, 8); /* AM 18 is the largest */
	write_reg(0x208, UINT64_C(0xB000000700000000), 8);
	assert_int_equal(read_reg(0x208, 8), UINT64_C(0x3600000700000000));
	write_reg(0x200, 0x1000 | 19, 8);
	write_reg(0x208, UINT64_C(0xB000000700000000), 8);
	assert_int_equal(read_reg(0x208, 8), UINT64_C(0x3000000700000000)); /* refused */
	write_reg(0x208, UINT64_C(0x8000000000000000), 8);
	assert_int_equal(read_reg(0x208, 8), 0);
}

static void commands_act_when_the_half_with_the_go_bit_is_written(void **state)
{
	(void)state;
	vrig_standard(&rig);
	vrig_map(&rig, 0, 0x80000, 3);
	assert_int_equal(vrig_reaches(&rig, 0), 0x80000);
	vrig_map(&rig, 0, 0x90000, 3);
	vrig_writel(&rig, 0x208, 0); /* lower half */
	assert_int_equal(vrig_reaches(&rig, 0), 0x80000);
	vrig_writel(&rig, 0x20C, 0xA0000007); /* upper: go, domain 7 */
	assert_int_equal(vrig_reaches(&rig, 0), 0x90000);
	vrig_writel(&rig, 0x28, 0x00280007);
	vrig_writel(&rig, 0x2C, 0xE0000000);
	assert_int_equal(vrig_readl(&rig, 0x2C), 0x78000000);
	assert_int_equal(vrig_readl(&rig, 0x28), 0x00000007);
}

static void register_commands_wait_for_ever_while_the_queue_is_on(void **state)
{
	(void)state;
	vrig_standard(&rig);
	vrig_queue(&rig);
	vrig_map(&rig, 0, 0x80000, 3);
	assert_int_equal(vrig_reaches(&rig, 0), 0x80000);
	vrig_map(&rig, 0, 0x90000, 3);
	vrig_flush(&rig);
	assert_int_equal(vrig_reaches(&rig, 0), 0x80000);
	assert_int_equal(read_reg(0x28, 8), UINT64_C(0xA000000000000000));
	assert_int_equal(read_reg(0x208, 8), UINT64_C(0x9000000000000000));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_register_keeps_its_masks),
		CASE(halves_of_a_wide_register_are_written_apart),
		CASE(capabilities_cannot_be_written),
		CASE(narrow_and_crooked_accesses_meet_nothing),
		CASE(wide_access_to_two_narrow_registers_is_two_accesses),
		CASE(global_status_follows_levels_and_remembers_one_shots),
		CASE(root_table_is_latched_by_its_command_alone),
		CASE(root_table_command_flushes_if_the_capability_says_so),
		CASE(invalidation_commands_answer_what_was_done),
		CASE(commands_act_when_the_half_with_the_go_bit_is_written),
		CASE(register_commands_wait_for_ever_while_the_queue_is_on),
	};

	return cmocka_run_group_tests_name("hw/vtd_regs", tests, NULL, NULL);
}
