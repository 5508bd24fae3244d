// SPDX-License-Identifier: MIT
/* What events are made of: every kind and field has a name, numbers keep their width, and the words
 * of VT-d descriptors are read as the specification (4.0, section 6.5.2) lays them out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "trace/event.h"

static void kinds_and_fields_have_names_of_their_own(void **state)
{
	(void)state;
	assert_null(trace_kind_name(TRACE_KINDS));
	for (unsigned i = 0; i < TRACE_KINDS; i++) {
		assert_non_null(trace_kind_name(i));
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(trace_kind_name(i), trace_kind_name(j));
	}
	for (unsigned i = 0; i < TRACE_FIELDS; i++) {
		assert_non_null(trace_fields[i].name);
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(trace_fields[i].name, trace_fields[j].name);
	}
	assert_string_equal(trace_dir_name(TRACE_DIR_FROM_DEVICE), "from-device");
	assert_null(trace_dir_name(4));
}

static void a_number_comes_back_as_it_was_put_cut_to_its_width(void **state)
{
	(void)state;
	for (unsigned f = 0; f < TRACE_FIELDS; f++) {
		struct trace_event ev = {0};
		const unsigned bits = trace_fields[f].size * 8u;
		const uint64_t value = 0xFEDCBA9876543201u;

		if (!trace_field_is_number((enum trace_field)f))
			continue;
		trace_field_put(&ev, (enum trace_field)f, value);
		assert_int_equal(ev.has, TRACE_HAS(f));
		assert_int_equal(trace_field_number(&ev, (enum trace_field)f),
				 bits == 64 ? value : value & ((UINT64_C(1) << bits) - 1));
	}
}

static struct trace_event decoded(uint64_t word0, uint64_t word1)
{
	struct trace_event ev = {.kind = TRACE_QI_SUBMIT, .word = {word0, word1, 0, 0}};

	trace_qi_decode(&ev);
	return ev;
}

static void a_page_selective_descriptor_names_domain_and_range(void **state)
{
	/* From a recording: domain 3, granularity 3, two pages from 0xffe50000 on. */
	const struct trace_event ev = decoded(0x300f2, 0xffe50001);

	(void)state;
	assert_int_equal(ev.qi_type, TRACE_QI_IOTLB);
	assert_int_equal(ev.qi_granularity, 3);
	assert_int_equal(ev.tag, 3);
	assert_int_equal(ev.qi_mask, 1);
	assert_int_equal(ev.iova, 0xffe50000);
	assert_int_equal(ev.bytes, 8192);
	assert_true(trace_has(&ev, TRACE_F_TAG) && trace_has(&ev, TRACE_F_IOVA) &&
		    trace_has(&ev, TRACE_F_BYTES));
}

static void address_bits_below_the_mask_do_not_count(void **state)
{
	/* The hint (bit 6) is no part of the address; mask 2 is four pages, aligned. */
	const struct trace_event ev = decoded(0xFFFF0032, 0x7042);

	(void)state;
	assert_int_equal(ev.tag, 0xFFFF);
	assert_int_equal(ev.iova, 0x4000);
	assert_int_equal(ev.bytes, 0x4000);
	/* A mask beyond the address space is no range. */
	assert_false(trace_has(&(struct trace_event){.has = decoded(0x32, 63).has}, TRACE_F_IOVA));
}

static void a_domain_selective_descriptor_has_no_range(void **state)
{
	const struct trace_event ev = decoded(0x400e2, 0);

	(void)state;
	assert_int_equal(ev.qi_granularity, 2);
	assert_int_equal(ev.tag, 4);
	assert_int_equal(ev.has, TRACE_HAS(TRACE_F_TAG));
}

static void a_descriptor_for_interrupts_has_no_domain(void **state)
{
	const struct trace_event ev = decoded(0x1500000014, 0);

	(void)state;
	assert_int_equal(ev.qi_type, TRACE_QI_INTERRUPT);
	assert_int_equal(ev.has, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_and_fields_have_names_of_their_own),
		cmocka_unit_test(a_number_comes_back_as_it_was_put_cut_to_its_width),
		cmocka_unit_test(a_page_selective_descriptor_names_domain_and_range),
		cmocka_unit_test(address_bits_below_the_mask_do_not_count),
		cmocka_unit_test(a_domain_selective_descriptor_has_no_range),
		cmocka_unit_test(a_descriptor_for_interrupts_has_no_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
