// SPDX-License-Identifier: MIT
/*
 * That CAP and ECAP of a VT-d unit say what its configuration says, and which configurations there
 * are none of.
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

static uint64_t read_reg(uint32_t offset, unsigned bytes)
{
	return rig.iommu->ops->reg_read(rig.iommu, offset, bytes);
}

static void write_reg(uint32_t offset, uint64_t value, unsigned bytes)
{
	rig.iommu->ops->reg_write(rig.iommu, offset, value, bytes);
}

static uint64_t cap_of(const struct vtd_config *config, unsigned offset)
{
	uint64_t value;

	vrig_free(&rig);
	vrig_make(&rig, config, NULL, false);
	value = read_reg(offset, 8);
	return value;
}

static void default_is_a_xeon_without_what_is_left_out(void **state)
{
	(void)state;
	/*
	 * Such machines print cap d2078c106f0466, ecap f020de. Without protected memory (bits
	 * 6:5), with 39-bit tables (bit 9); without interrupt remapping (IR 3, EIM 4, MHMV 23:20).
	 */
	assert_int_equal(read_reg(0x8, 8), UINT64_C(0xD2078C106F0466) - 0x60 + 0x200);
	assert_int_equal(read_reg(0x10, 8), UINT64_C(0xF020DE) - 0xF00018);
}

static void qemus_capabilities_can_be_had(void **state)
{
	(void)state;
	assert_int_equal(cap_of(&vtd_like_qemu, 0x8), UINT64_C(0x00D2008C222F0606));
	assert_int_equal(cap_of(&vtd_like_qemu, 0x10), 0xF42);
	assert_int_equal(read_reg(0xF8, 8), 0); /* IOTLB there */
	write_reg(0xF8, UINT64_C(0x9000000000000000), 8);
	assert_int_equal(read_reg(0xF8, 8), UINT64_C(0x1200000000000000));
}

static void each_capability_is_its_own_bits(void **state)
{
	struct vtd_config c = {
		.levels_3 = true,
		.guest_bits = 39,
		.host_bits = 36,
		.domain_bits = 4,
		.fault_records = 1,
		.fault_offset = 0xF0,
		.iotlb_offset = 0x100,
	};

	(void)state;
	/* SAGAW bit 1, MGAW 38, FRO 0xF; IRO 0x10 */
	assert_int_equal(cap_of(&c, 0x8), 0x0F260200);
	assert_int_equal(cap_of(&c, 0x10), 0x1000);
	c.levels_4 = c.write_flush = c.caching_mode = c.zero_length_reads = true;
	assert_int_equal(cap_of(&c, 0x8), 0x0F260200 | 1 << 10 | 1 << 4 | 1 << 7 | 1 << 22);
	c = (struct vtd_config){.levels_3 = true,
				.guest_bits = 39,
				.host_bits = 36,
				.domain_bits = 10,
				.fault_records = 3,
				.fault_offset = 0x110,
				.iotlb_offset = 0x100,
				.page_selective = true,
				.max_mask = 9,
				.pages_1g = true,
				.coherent = true,
				.device_tlb = true};
	assert_int_equal(cap_of(&c, 0x8), UINT64_C(0x0009028811260203));
	assert_int_equal(cap_of(&c, 0x10), 0x1005);
	c.queued = c.pass_through = c.snoop_control = true;
	assert_int_equal(cap_of(&c, 0x10), 0x10C7);
}

static void unit_without_a_queue_cannot_switch_it_on(void **state)
{
	struct vtd_config c = vtd_xeon;

	(void)state;
	c.queued = false;
	(void)cap_of(&c, 0x8);
	write_reg(0x18, 0x04000000, 4);
	assert_int_equal(read_reg(0x1C, 4), 0);
}

static int no_memory(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	(void)ctx;
	(void)paddr;
	(void)to;
	(void)bytes;
	return -EFAULT;
}

static void refused(const struct vtd_config *c, const char *words)
{
	struct iommu_config config = {
		.model = "vtd", .iotlb = vrig_iotlb, .memory = {.read = no_memory}, .vtd = c};
	struct iommu *iommu;
	struct err err;

	assert_int_equal(iommu_create(&iommu, &config, &err), -EINVAL);
	assert_string_equal(err.text, words);
}

static void impossible_configurations_are_refused_in_words(void **state)
{
	struct vtd_config c;

	(void)state;
#define REFUSED(change, words)      \
	do {                        \
		c = vtd_xeon;       \
		change;             \
		refused(&c, words); \
	} while (0)
	REFUSED(c.levels_3 = c.levels_4 = false, "vtd: expected levels_3, levels_4 or both");
	REFUSED(c.guest_bits = 38, "vtd guest_bits 38: expected 39..48");
	REFUSED(c.host_bits = 53, "vtd host_bits 53: expected 36..52");
	REFUSED(c.domain_bits = 7, "vtd domain_bits 7: expected an even number");
	REFUSED(c.domain_bits = 18, "vtd domain_bits 18: expected 4..16");
	REFUSED(c.max_mask = 53, "vtd max_mask 53: expected 0..52");
	REFUSED(c.compared_bits = 53, "vtd compared_bits 53: expected 0..52");
	REFUSED(c.page_selective = false, "vtd max_mask 18: expected 0..0");
	REFUSED(c.fault_records = 0, "vtd fault_records 0: expected 1..240");
	REFUSED(c.fault_offset = 0x108,
		"vtd fault_offset 0x108: expected a multiple of 16 in 0xf0..0xf80");
	REFUSED(c.fault_offset = 0xFFFFFFF0,
		"vtd fault_offset 0xfffffff0: expected a multiple of 16 in 0xf0..0xf80");
	REFUSED(c.iotlb_offset = 0x80,
		"vtd iotlb_offset 0x80: expected a multiple of 16 in 0xf0..0xff0");
	REFUSED(c.iotlb_offset = 0x170, "vtd iotlb_offset 0x170: expected a place beside the fault "
					"records at 0x100..0x180");
	REFUSED(c.context_entries = 3,
		"vtd context_entries 3: expected 0 or a power of two up to 65536");
	REFUSED(c.paging_entries = 131072,
		"vtd paging_entries 131072: expected 0 or a power of two up to 65536");
#undef REFUSED
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(default_is_a_xeon_without_what_is_left_out),
		CASE(qemus_capabilities_can_be_had),
		CASE(each_capability_is_its_own_bits),
		CASE(unit_without_a_queue_cannot_switch_it_on),
		CASE(impossible_configurations_are_refused_in_words),
	};

	return cmocka_run_group_tests_name("hw/vtd_config", tests, NULL, NULL);
}
