// SPDX-License-Identifier: MIT
/*
 * VT-d as translation agent, bit by published bit: translation requests, translated requests, page
 * requests, and what a device that lies can and cannot do.
 */
#include "vtd_ats_fixture.h"

static struct ats_completion ask(uint64_t address, unsigned count, bool no_write)
{
	const struct ats_request request = {.source = {.devid = VRIG_SID},
					    .address = address,
					    .count = count,
					    .no_write = no_write};
	struct ats_completion c;

	assert_int_equal(ats()->request(rig.iommu, &request, &c), 0);
	return c;
}

static uint64_t entry(uint64_t address)
{
	const struct ats_completion c = ask(address, 1, false);

	assert_int_equal(c.status, ATS_SUCCESS);
	assert_int_equal(c.count, 1);
	return c.entry[0];
}

static int go(uint64_t paddr, enum iotoll_access access)
{
	struct iotoll_xlat x, p;
	const struct iotoll_source source = {.devid = VRIG_SID};
	const int foretold = ats()->probe_translated(rig.iommu, source, paddr, access, &p);
	const int ret = ats()->translated(rig.iommu, source, paddr, access, &x);

	assert_int_equal(ret, foretold);
	if (ret == 0) {
		assert_true(x.bypass);
		assert_int_equal(x.paddr, paddr);
	}
	return ret;
}

/* ---- translation requests ---- */

static void answers_carry_the_rights_of_all_levels(void **state)
{
	(void)state;
	vrig_map(&rig, 0, 0x80000, 3);
	vrig_map(&rig, 1, 0x81000, 1);
	vrig_map(&rig, 2, 0x82000, 2);
	assert_int_equal(entry(0x0000), 0x80003); /* W is bit 1, R bit 0 */
	assert_int_equal(entry(0x1000), 0x81001);
	assert_int_equal(entry(0x2000), 0x82002); /* only to be written */
	assert_int_equal(ask(0, 1, true).entry[0], 0x80001);
	assert_int_equal(ask(0x2000, 1, true).entry[0], 0);
	vrig_poke(&rig, VRIG_L2, VRIG_L1 | 1); /* the table above withholds W */
	vrig_desc(&rig, 0, 0x12, 0);           /* the whole IOTLB */
	vrig_ring(&rig, 1);
	assert_int_equal(entry(0x0000), 0x80001);
	assert_int_equal(entry(0x2000), 0);
}

static void no_right_is_success_without_rights_and_without_a_record(void **state)
{
	(void)state;
	assert_int_equal(entry(0x5000), 0);
	assert_int_equal(fsts(), 0);
	assert_int_equal(rig.faults, 0);
}

static void snp_of_the_leaf_is_n_of_the_answer(void **state)
{
	(void)state;
	vrig_poke(&rig, VRIG_L1, 0x80000 | 3 | 1 << 11);
	assert_int_equal(entry(0), 0x80403); /* N is bit 10 */
	assert_int_equal(entry(0), 0x80403); /* from the IOTLB, too */
}

static void large_pages_are_answered_with_their_size(void **state)
{
	(void)state;
	vrig_poke(&rig, VRIG_L2 + 8, 0x600000 | 0x83);              /* 2 MiB */
	vrig_poke(&rig, VRIG_L3 + 8, UINT64_C(0x180000000) | 0x83); /* 1 GiB */
	/* S is bit 11; bits 19:12 ones and 20 zero say 2 MiB. */
	assert_int_equal(entry(0x234000), 0x6FF803);
	assert_int_equal(entry(0x200000), 0x6FF803);
	/* Bits 28:12 ones, 29 zero: 1 GiB. */
	assert_int_equal(entry(0x40001000), UINT64_C(0x19FFFF803));
}

static void several_pages_are_answered_up_to_the_first_that_cannot_be(void **state)
{
	struct ats_completion c;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		vrig_map(&rig, i, 0x80000 + i * 0x1000, 3);
	vrig_map(&rig, 6, 0x86000, 3);
	c = ask(0, 8, false);
	assert_int_equal(c.count, 8);
	assert_int_equal(c.entry[3], 0x83003);
	assert_int_equal(c.entry[4], 0); /* absent is an answer */
	assert_int_equal(c.entry[6], 0x86003);
	vrig_poke(&rig, VRIG_L1 + 8 * 5, 0x85003 | UINT64_C(1) << 50); /* reserved */
	c = ask(0, 8, false);
	assert_int_equal(c.status, ATS_SUCCESS);
	assert_int_equal(c.count, 5);
	assert_int_equal(fsts(), 0);
	assert_int_equal(ask(0x5000, 1, false).status, ATS_ABORT);
	assert_int_equal(vrig_readq(&rig, 0x108) >> 60 & 3, 1); /* AT of the record */
	assert_int_equal(vrig_take_fault(&rig, 0), 0xC);
}

static void status_tells_who_is_to_blame(void **state)
{
	(void)state;
	vrig_context(&rig, VRIG_SID, 0, 0);
	vrig_desc(&rig, 0, 0x11, 0); /* all contexts */
	vrig_ring(&rig, 1);
	assert_int_equal(ask(0, 1, false).status, ATS_UNSUPPORTED); /* context not present */
	assert_int_equal(vrig_take_fault(&rig, 0), 2);
	vrig_context(&rig, VRIG_SID, VRIG_L4 | 1, 0x702); /* TT 00 */
	assert_int_equal(ask(0, 1, false).status, ATS_UNSUPPORTED);
	assert_int_equal(vrig_take_fault(&rig, 1), 0xD);
	vrig_desc(&rig, 1, 0x11, 0);
	vrig_context(&rig, VRIG_SID, VRIG_L4 | 1 | 2 << 2, 0x702); /* TT 10 */
	vrig_ring(&rig, 2);
	assert_int_equal(ask(0, 1, false).status, ATS_UNSUPPORTED);
	assert_int_equal(vrig_take_fault(&rig, 2), 0xD);
	vrig_desc(&rig, 2, 0x11, 0);
	vrig_context(&rig, VRIG_SID, VRIG_OUTSIDE | 1 | 1 << 2, 0x702); /* no table there */
	vrig_ring(&rig, 3);
	assert_int_equal(ask(0, 1, false).status, ATS_ABORT);
	assert_int_equal(vrig_take_fault(&rig, 3), 3);
}

static void address_beyond_the_width_has_no_rights_and_is_recorded(void **state)
{
	(void)state;
	assert_int_equal(entry(UINT64_C(1) << 48), 0);
	assert_int_equal(vrig_take_fault(&rig, 0), 4);
}

static void interrupts_are_told_to_go_untranslated(void **state)
{
	(void)state;
	assert_int_equal(entry(WINDOW), WINDOW | 6); /* U and W */
	assert_int_equal(entry(WINDOW + 0xFF000), (WINDOW + 0xFF000) | 6);
	/* A page of 1 GiB around the window: what is handed out stops before it. */
	vrig_poke(&rig, VRIG_L3 + 8 * 3, UINT64_C(0x180000000) | 0x83);
	/* 0xFEC00000..0xFEDFFFFF is the largest aligned block with 0xFEC01000 and no interrupt. */
	assert_int_equal(entry(0xFEC01000), UINT64_C(0x1BEC00000) | 0xFF803);
	vrig_map(&rig, 0, WINDOW, 3);
	assert_int_equal(ask(0, 1, false).status, ATS_ABORT);
	assert_int_equal(vrig_take_fault(&rig, 0), 0xE);
}

static void while_translation_is_off_no_answer_is_given(void **state)
{
	(void)state;
	vrig_writel(&rig, 0x18, 0x04000000);
	assert_int_equal(ask(0, 1, false).status, ATS_UNSUPPORTED);
	assert_int_equal(fsts(), 0);
	assert_int_equal(go(0x123000, IOTOLL_WRITE), 0);
}

static void requests_out_of_range_are_refused(void **state)
{
	struct ats_request request = {.source = {.devid = VRIG_SID}, .count = 0};
	struct ats_completion c;

	(void)state;
	assert_int_equal(ats()->request(rig.iommu, &request, &c), -EINVAL);
	request.count = 9;
	assert_int_equal(ats()->request(rig.iommu, &request, &c), -EINVAL);
	request.count = 1;
	request.stu = 32;
	assert_int_equal(ats()->request(rig.iommu, &request, &c), -EINVAL);
	request.stu = 0;
	request.source.bus = 1;
	assert_int_equal(ats()->request(rig.iommu, &request, &c), -ENODEV);
}

/* ---- translated requests ---- */

static void a_lie_is_contained_where_the_context_entry_forbids_ats(void **state)
{
	(void)state;
	for (unsigned tt = 0; tt < 3; tt += 2) {
		vrig_context(&rig, VRIG_SID, VRIG_L4 | 1 | tt << 2, 0x702);
		vrig_desc(&rig, tt, 0x11, 0);
		vrig_ring(&rig, tt + 1);
		assert_int_equal(go(0x123000, IOTOLL_WRITE), -EPERM);
		assert_int_equal(rig.fault_iova, 0x123000);
		/* AT 2, a write, reason 0Dh, requester 00:05.0 */
		assert_int_equal(vrig_readq(&rig, 0x108 + 8 * tt),
				 UINT64_C(0xA000000D00000000) | VRIG_SID);
		assert_int_equal(vrig_take_fault(&rig, tt / 2), 0xD);
	}
}

static void with_tt_01_the_lie_goes_through(void **state)
{
	(void)state;
	/* No table maps anything: that is what ATS trust means. */
	assert_int_equal(go(0x123456, IOTOLL_READ), 0);
	assert_int_equal(go(0x123456, IOTOLL_WRITE), 0);
	assert_int_equal(fsts(), 0);
}

static void translated_requests_never_reach_the_interrupt_window(void **state)
{
	(void)state;
	assert_int_equal(go(WINDOW, IOTOLL_WRITE), -EPERM);
	assert_int_equal(go(WINDOW + 0xFFFFF, IOTOLL_READ), -EPERM);
	assert_int_equal(go(WINDOW - 1, IOTOLL_WRITE), 0);
	assert_int_equal(go(WINDOW + 0x100000, IOTOLL_WRITE), 0);
	assert_int_equal(rig.faults, 2);
}

static void translated_requests_beyond_physical_addresses_are_refused(void **state)
{
	(void)state;
	assert_int_equal(go(UINT64_C(1) << 46, IOTOLL_READ), -EPERM);
	assert_int_equal(vrig_take_fault(&rig, 0), 4);
}

/* ---- page requests ---- */

static void page_requests_are_answered_invalid_group_by_group(void **state)
{
	(void)state;
	ats()->page_request(rig.iommu, VRIG_SID, 0x5000 | 9 << 3 | 1);
	assert_int_equal(fabric.responses, 0);
	ats()->page_request(rig.iommu, VRIG_SID, 0x6000 | 9 << 3 | 5); /* L */
	assert_int_equal(fabric.responses, 1);
	assert_int_equal(fabric.response_devid, VRIG_SID);
	assert_int_equal(fabric.response_index, 9);
	assert_int_equal(fabric.response_code, 1);
	assert_int_equal(vrig_readq(&rig, 0x10) >> 29 & 1, 0); /* ECAP.PRS */
	assert_int_equal(vrig_readq(&rig, 0x10) >> 2 & 1, 1);  /* ECAP.DT */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(answers_carry_the_rights_of_all_levels),
		CASE(no_right_is_success_without_rights_and_without_a_record),
		CASE(snp_of_the_leaf_is_n_of_the_answer),
		CASE(large_pages_are_answered_with_their_size),
		CASE(several_pages_are_answered_up_to_the_first_that_cannot_be),
		CASE(status_tells_who_is_to_blame),
		CASE(address_beyond_the_width_has_no_rights_and_is_recorded),
		CASE(interrupts_are_told_to_go_untranslated),
		CASE(while_translation_is_off_no_answer_is_given),
		CASE(requests_out_of_range_are_refused),
		CASE(a_lie_is_contained_where_the_context_entry_forbids_ats),
		CASE(with_tt_01_the_lie_goes_through),
		CASE(translated_requests_never_reach_the_interrupt_window),
		CASE(translated_requests_beyond_physical_addresses_are_refused),
		CASE(page_requests_are_answered_invalid_group_by_group),
	};

	return cmocka_run_group_tests_name("hw/vtd_ats", tests, NULL, NULL);
}
