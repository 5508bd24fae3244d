// SPDX-License-Identifier: MIT
/*
 * AMD-Vi as translation agent, bit by published bit: translation requests, translated requests,
 * INVALIDATE_IOTLB_PAGES, the PPR log, and what a device that lies can and cannot do.
 */
#include <errno.h>

#include "amdvi_rig.h"
#include "fabric.h"

#define DEV    0x0028u
#define DOM    7u
#define I      (UINT64_C(1) << 32) /* of quadword 1: bit 96 */
#define PPR    (UINT64_C(1) << 52)
#define U      (UINT64_C(1) << 59)
#define FC     (UINT64_C(1) << 60)
#define T1     AMD_TABLES
#define OP(n)  ((uint64_t)(n) << 60)
#define WAIT   OP(1)
#define WINDOW UINT64_C(0xFEE00000)
#define PPRLOG UINT64_C(0x406000)

static struct amd amd;
static struct fabric fabric;

static const struct iommu_ats_ops *ats(void)
{
	return amd.iommu->ops->ats;
}

/* One level of tables at T1, I set. */
static int setup(void **state)
{
	(void)state;
	amd_make(&amd, &amd_iotlb, false);
	amd_enable(&amd);
	amd_dte(&amd, DEV, AMD_DTE(1, T1), DOM | I);
	fabric_join(&fabric, amd.iommu);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	amd_free(&amd);
	return 0;
}

static struct ats_completion ask(uint64_t address, bool no_write)
{
	const struct ats_request request = {
		.source = {.devid = DEV}, .address = address, .count = 1, .no_write = no_write};
	struct ats_completion c;

	assert_int_equal(ats()->request(amd.iommu, &request, &c), 0);
	return c;
}

static uint64_t entry(uint64_t address)
{
	const struct ats_completion c = ask(address, false);

	assert_int_equal(c.status, ATS_SUCCESS);
	assert_int_equal(c.count, 1);
	return c.entry[0];
}

static int go(uint64_t paddr, enum iotoll_access access)
{
	const struct iotoll_source source = {.devid = DEV};
	struct iotoll_xlat x, p;
	const int foretold = ats()->probe_translated(amd.iommu, source, paddr, access, &p);
	const int ret = ats()->translated(amd.iommu, source, paddr, access, &x);

	assert_int_equal(ret, foretold);
	if (ret == 0)
		assert_int_equal(x.paddr, paddr);
	return ret;
}

/* Let go of the cached entry of DEV. */
static void forget_entry(void)
{
	amd_command(&amd, OP(2) | DEV, 0);
}

static void answers_carry_rights_size_u_and_fc(void **state)
{
	(void)state;
	amd_poke(&amd, T1, AMD_PTE(0x80000));
	amd_poke(&amd, T1 + 8, 1 | AMD_IW | 0x81000);
	amd_poke(&amd, T1 + 16, AMD_PTE(0x82000) | U);
	amd_poke(&amd, T1 + 24, AMD_PTE(0x83000) | FC);
	for (unsigned i = 8; i < 16; i++) /* 32 KiB: next level 7, bits 14:12 = 011 */
		amd_poke(&amd, T1 + 8 * i, AMD_PTE(0x93000) | AMD_NEXT(7));
	for (unsigned twice = 0; twice < 2; twice++) { /* out of the tables, out of the IOTLB */
		assert_int_equal(entry(0x0000), 0x80003);
		assert_int_equal(entry(0x1000), 0x81002);
		assert_int_equal(entry(0x2000), 0x82007); /* U is bit 2 */
		assert_int_equal(entry(0x3000), 0x83403); /* N is bit 10 */
		assert_int_equal(entry(0x9000), 0x93803); /* S and 011 */
		assert_int_equal(ask(0, true).entry[0], 0x80001);
	}
	assert_int_equal(entry(0x5000), 0);
	assert_int_equal(entry(0x200000), 0); /* beyond Mode 1 */
	assert_int_equal(amd_events(&amd), 0);
}

static void rights_of_the_device_entry_count(void **state)
{
	(void)state;
	amd_poke(&amd, T1, AMD_PTE(0x80000));
	amd_dte(&amd, DEV, UINT64_C(3) | AMD_NEXT(1) | T1 | AMD_IR, DOM | I);
	assert_int_equal(entry(0), 0x80001);
	forget_entry();
	amd_dte(&amd, DEV, UINT64_C(3) | AMD_RW, DOM | I); /* Mode 0 */
	assert_int_equal(entry(0x7000), 0x7003);
}

static void requests_without_i_are_refused_and_logged(void **state)
{
	static const uint64_t entries[][2] = {
		{AMD_DTE(1, T1), DOM},                    /* I 0 */
		{0, I},                                   /* V 0 */
		{1 | AMD_NEXT(1) | T1 | AMD_RW, DOM | I}, /* TV 0 */
	};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		amd_dte(&amd, DEV, entries[i][0], entries[i][1]);
		forget_entry();
		assert_int_equal(ask(0x5000, false).status, ATS_UNSUPPORTED);
		/* INVALID_DEVICE_REQUEST, TR (bit 56), type 0 */
		amd_expect_event(&amd, i, UINT64_C(0x8100000000000000) | DEV, 0x5000);
	}
	assert_int_equal(amd.faults, 3);
}

static void wrong_tables_abort_the_request(void **state)
{
	(void)state;
	amd_poke(&amd, T1, AMD_PTE(0x80000) | UINT64_C(1) << 52);
	assert_int_equal(ask(0, false).status, ATS_ABORT);
	/* IO_PAGE_FAULT with TR, RZ, PR */
	amd_expect_event(&amd, 0, UINT64_C(0x2190000000000000) | (uint64_t)DOM << 32 | DEV, 0);
	amd_poke(&amd, T1, AMD_PTE(0x80000));
	amd_dte(&amd, DEV, AMD_DTE(1, T1) | 4, DOM | I); /* reserved bit 2 */
	forget_entry();
	assert_int_equal(ask(0, false).status, ATS_ABORT);
	assert_int_equal(amd_events(&amd), 2);
}

static void interrupts_are_told_to_go_untranslated(void **state)
{
	(void)state;
	assert_int_equal(entry(WINDOW), WINDOW | 6);
	assert_int_equal(go(WINDOW, IOTOLL_WRITE), -EPERM);
	assert_int_equal(go(WINDOW + 0xFFFFF, IOTOLL_READ), -EPERM);
	assert_int_equal(amd_events(&amd), 2);
	assert_int_equal(go(WINDOW - 1, IOTOLL_WRITE), 0);
}

static void a_lie_is_contained_without_i_and_goes_through_with_it(void **state)
{
	(void)state;
	assert_int_equal(go(0x123456, IOTOLL_WRITE), 0); /* no table maps anything */
	assert_int_equal(amd_events(&amd), 0);
	amd_dte(&amd, DEV, AMD_DTE(1, T1), DOM);
	assert_int_equal(go(0x123456, IOTOLL_WRITE), 0); /* the old entry is cached */
	forget_entry();
	assert_int_equal(go(0x123456, IOTOLL_WRITE), -EPERM);
	/* INVALID_DEVICE_REQUEST, type 1 in 59:57 */
	amd_expect_event(&amd, 0, UINT64_C(0x8200000000000000) | DEV, 0x123456);
	amd_dte(&amd, DEV, 0, I); /* V 0: untranslated requests pass, translated ones do not */
	forget_entry();
	assert_int_equal(go(0x123456, IOTOLL_READ), -EPERM);
	assert_int_equal(amd_events(&amd), 2);
}

static void completion_wait_waits_for_devices(void **state)
{
	(void)state;
	/* S: bits 14:12 = 111: 64 KiB; MaxPend 31:24. */
	amd_command(&amd, OP(4) | DEV | 4 << 24 | (uint64_t)DEV << 32, 0x17001);
	amd_command(&amd, OP(4) | 0x1234, 0x5000);
	amd_command(&amd, WAIT | AMD_SEM | 1, 9);
	assert_int_equal(fabric.sent, 2);
	assert_int_equal(fabric.log[0].devid, DEV);
	assert_int_equal(fabric.log[0].payload, 0x17800);
	assert_int_equal(fabric.log[1].devid, 0x1234);
	assert_int_equal(fabric.log[1].payload, 0x5000);
	assert_int_equal(amd_readq(&amd, AMD_R_CHEAD), 0x20);
	fabric_complete(&fabric, amd.iommu, 1);
	assert_int_equal(amd_peek(&amd, AMD_SEM), 0);
	ats()->completion(amd.iommu, DEV, UINT32_C(1) << 5, 1); /* of no tag in use */
	ats()->completion(amd.iommu, 0x1234, 1, 1);             /* another device's */
	assert_int_equal(amd_peek(&amd, AMD_SEM), 0);
	fabric_complete(&fabric, amd.iommu, 0);
	assert_int_equal(amd_peek(&amd, AMD_SEM), 9);
	assert_int_equal(amd_events(&amd), 0);
}

static void max_pend_is_respected(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		amd_command(&amd, OP(4) | DEV | 1 << 24, i << 12);
	assert_int_equal(fabric.sent, 1);
	fabric_complete(&fabric, amd.iommu, 0);
	assert_int_equal(fabric.sent, 2);
	fabric.prompt = amd.iommu; /* the third answers from within */
	fabric_complete(&fabric, amd.iommu, 1);
	assert_int_equal(fabric.sent, 3);
	assert_int_equal(amd_readq(&amd, AMD_R_CHEAD), 0x30);
	for (unsigned i = 0; i < 20; i++)
		amd_command(&amd, OP(4) | DEV | 1 << 24, i << 12);
	assert_int_equal(fabric.sent, 23);
}

static void time_out_is_logged_and_lets_the_wait_go(void **state)
{
	(void)state;
	amd_writeq(&amd, AMD_R_CONTROL, 0x1005 | 4 << 5);
	assert_int_equal(ats()->limit_ns(amd.iommu), 1000000000);
	amd_command(&amd, WAIT | (AMD_SEM + 8) | 1, 1);
	amd_command(&amd, OP(4) | DEV, 0x5000);
	amd_command(&amd, WAIT | AMD_SEM | 1, 9);
	assert_int_equal(amd_peek(&amd, AMD_SEM), 0);
	ats()->time_out(amd.iommu, fabric.log[0].itag);
	amd_expect_event(&amd, 0, UINT64_C(0x7000000000000000) | DEV, AMD_CMDBUF + 16);
	assert_int_equal(amd_peek(&amd, AMD_SEM), 9);
	amd_writeq(&amd, AMD_R_CONTROL, 0x1005);
	assert_int_equal(ats()->limit_ns(amd.iommu), 0);
}

/* ---- page requests ---- */

static void ppr_on(void)
{
	amd_dte(&amd, DEV, AMD_DTE(1, T1) | PPR, DOM | I);
	forget_entry();
	amd_writeq(&amd, 0x38, PPRLOG | UINT64_C(8) << 56);
	amd_writeq(&amd, AMD_R_CONTROL, 0xF005);
}

static void page_requests_are_logged_and_answered(void **state)
{
	(void)state;
	ppr_on();
	assert_int_equal(amd_readq(&amd, AMD_R_STATUS) & 0xE0, 0x80); /* PPRLogRun */
	/* Group 9, last of it, to be read and written. */
	ats()->page_request(amd.iommu, DEV, 0x5000 | 9 << 3 | 7);
	assert_int_equal(amd_readq(&amd, 0x2038), 16);
	/* Type 1; flags 0x024; tag 9 with bit 9. */
	assert_int_equal(amd_peek(&amd, PPRLOG), UINT64_C(0x1024020900000000) | DEV);
	assert_int_equal(amd_peek(&amd, PPRLOG + 8), 0x5000);
	assert_int_equal(amd_readq(&amd, AMD_R_STATUS) & 0xE0, 0xC0); /* PPRInt */
	assert_int_equal(amdvi_interrupts(amd.iommu), 1);
	ats()->page_request(amd.iommu, DEV, 0x6000 | 10 << 3 | 1);
	assert_int_equal(amdvi_interrupts(amd.iommu), 1); /* its rising edge only */
	assert_int_equal(amd_peek(&amd, PPRLOG + 16), UINT64_C(0x1004000A00000000) | DEV);
	assert_int_equal(fabric.responses, 0);
	amd_command(&amd, OP(7) | DEV, UINT64_C(9) << 32 | UINT64_C(1) << 41);
	assert_int_equal(fabric.response_devid, DEV);
	assert_int_equal(fabric.response_index, 9);
	assert_int_equal(fabric.response_code, 0);
	amd_command(&amd, OP(7) | DEV, UINT64_C(0xF00A) << 32);
	assert_int_equal(fabric.response_index, 10);
	assert_int_equal(fabric.response_code, 15);
	assert_int_equal(fabric.responses, 2);
}

static void ppr_log_overflow_stops_it_until_restarted(void **state)
{
	(void)state;
	ppr_on();
	amd_writeq(&amd, 0x2038, 254 * 16);
	ats()->page_request(amd.iommu, DEV, 0x5000 | 1);
	ats()->page_request(amd.iommu, DEV, 0x6000 | 1); /* no room: one stays free */
	assert_int_equal(amd_readq(&amd, 0x2038), 255 * 16);
	assert_int_equal(amd_readq(&amd, AMD_R_STATUS) & 0xE0, 0x60);
	amd_writeq(&amd, 0x2030, 255 * 16);
	ats()->page_request(amd.iommu, DEV, 0x7000 | 1);
	assert_int_equal(amd_readq(&amd, 0x2038), 255 * 16);
	amd_writeq(&amd, AMD_R_CONTROL, 0xD005);
	amd_writeq(&amd, AMD_R_CONTROL, 0xF005);
	assert_int_equal(amd_readq(&amd, AMD_R_STATUS) & 0x80, 0); /* still noted */
	amd_writeq(&amd, AMD_R_STATUS, 0x60);
	amd_writeq(&amd, AMD_R_CONTROL, 0xD005);
	amd_writeq(&amd, AMD_R_CONTROL, 0xF005);
	ats()->page_request(amd.iommu, DEV, 0x8000 | 1);
	assert_int_equal(amd_readq(&amd, 0x2038), 0); /* round the corner */
	assert_int_equal(fabric.responses, 0);
}

static void page_requests_nobody_allowed_are_refused(void **state)
{
	(void)state;
	ppr_on();
	amd_dte(&amd, DEV, AMD_DTE(1, T1), DOM | I); /* PPR 0 */
	forget_entry();
	ats()->page_request(amd.iommu, DEV, 0x5000 | 9 << 3 | 1);
	amd_expect_event(&amd, 0, UINT64_C(0x9000000000000000) | DEV, 0x5000);
	assert_int_equal(fabric.responses, 0);
	ats()->page_request(amd.iommu, DEV, 0x6000 | 9 << 3 | 5);
	assert_int_equal(fabric.response_index, 9);
	assert_int_equal(fabric.response_code, 1);
	assert_int_equal(amd_readq(&amd, 0x2038), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(answers_carry_rights_size_u_and_fc),
		CASE(rights_of_the_device_entry_count),
		CASE(requests_without_i_are_refused_and_logged),
		CASE(wrong_tables_abort_the_request),
		CASE(interrupts_are_told_to_go_untranslated),
		CASE(a_lie_is_contained_without_i_and_goes_through_with_it),
		CASE(completion_wait_waits_for_devices),
		CASE(max_pend_is_respected),
		CASE(time_out_is_logged_and_lets_the_wait_go),
		CASE(page_requests_are_logged_and_answered),
		CASE(ppr_log_overflow_stops_it_until_restarted),
		CASE(page_requests_nobody_allowed_are_refused),
	};

	return cmocka_run_group_tests_name("hw/amdvi_ats", tests, NULL, NULL);
}
