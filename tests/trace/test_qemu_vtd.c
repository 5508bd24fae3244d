// SPDX-License-Identifier: MIT
/* The reader of what QEMU's VT-d model says of its IOTLB. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "trace/trace.h"

static struct trace *open_text(const char *text)
{
	struct trace *t;
	struct err err;

	assert_int_equal(trace_open_memory(&t, text, strlen(text), "text", NULL, &err), 0);
	assert_string_equal(trace_format_name(t), "qemu-vtd");
	return t;
}

static void lookups_and_invalidations_are_taken(void **state)
{
	struct trace *t = open_text(
		"7.177113:vtd_iotlb_page_update IOTLB page update sid 0x10 iova 0xffffe000 slpte "
		"0x3e761003 domain 0x4\n"
		"7.177127:vtd_iotlb_cc_hit IOTLB context hit bus 0x0 devfn 0x10 high 0x401 low 0x1 "
		"gen 1\n"
		"7.180470:vtd_iotlb_page_hit IOTLB page hit sid 0x8 iova 0xffffe040 slpte "
		"0x3e761003 domain 0x3\n"
		"7.178521:vtd_inv_desc_iotlb_pages iotlb invalidate domain 0x4 addr 0xffffd000 "
		"mask 0x2\n"
		"8.000001:vtd_inv_desc_iotlb_domain iotlb invalidate whole domain 0x3\n"
		"8.000002:vtd_inv_desc_iotlb_global iotlb invalidate global\n");
	struct trace_event ev;

	(void)state;
	assert_int_equal(trace_next(t, &ev, NULL), 1);
	assert_int_equal(ev.kind, TRACE_ACCESS);
	assert_int_equal(ev.iova, 0xffffe000);
	assert_int_equal(ev.tag, 4);
	assert_int_equal(ev.time_ns, 7177113000);
	assert_int_equal(trace_next(t, &ev, NULL), 1);
	assert_int_equal(ev.kind, TRACE_OTHER);
	assert_int_equal(trace_next(t, &ev, NULL), 1);
	assert_int_equal(ev.kind, TRACE_ACCESS);
	assert_int_equal(ev.tag, 3);
	assert_int_equal(trace_next(t, &ev, NULL), 1);
	assert_int_equal(ev.kind, TRACE_INVALIDATE);
	assert_int_equal(ev.iova,
			 0xffffc000); /* four pages, aligned: bits 12 and 13 do not count */
	assert_int_equal(ev.bytes, 4 * 4096);
	assert_int_equal(trace_next(t, &ev, NULL), 1);
	assert_int_equal(ev.kind, TRACE_INVALIDATE_TAG);
	assert_int_equal(ev.tag, 3);
	assert_int_equal(trace_next(t, &ev, NULL), 1);
	assert_int_equal(ev.kind, TRACE_INVALIDATE_ALL);
	assert_int_equal(trace_next(t, &ev, NULL), 0);
	assert_int_equal(trace_tally(t)->accesses, 2);
	assert_int_equal(trace_tally(t)->invalidations, 3);
	assert_int_equal(trace_tally(t)->others, 1);
	assert_int_equal(trace_tally(t)->backwards, 1);
	trace_close(t);
}

static void a_malformed_line_of_a_known_event_is_refused_with_its_number(void **state)
{
	static const char *const lines[] = {
		"1.000000:vtd_iotlb_page_hit IOTLB page hit sid 0x10 iova 0xffffe040 slpte 0x1\n",
		"1.000000:vtd_iotlb_page_hit IOTLB page hit sid 0x10 iova e040 slpte 0x1 domain "
		"0x4\n",
		"1.000000:vtd_iotlb_page_hit IOTLB page hit sid 0x10 iova 0x1 slpte 0x1 domain "
		"0x10000\n",
		"1.000000:vtd_inv_desc_iotlb_pages iotlb invalidate domain 0x4 addr 0x1000 mask "
		"0x34\n",
		"1.000000:vtd_inv_desc_iotlb_domain iotlb invalidate whole domain\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct trace *t = open_text(lines[i]);
		struct trace_event ev;
		struct err err;

		assert_int_equal(trace_next(t, &ev, &err), -EINVAL);
		assert_memory_equal(err.text, "text:1: vtd_", 12);
		trace_close(t);
	}
}

static void a_line_cut_short_is_refused(void **state)
{
	struct trace *t = open_text("8.000002:vtd_inv_desc_iotlb_global iotlb inval");
	struct trace_event ev;
	struct err err;

	(void)state;
	assert_int_equal(trace_next(t, &ev, &err), -EINVAL);
	assert_string_equal(err.text, "text:1: the last line is cut short: expected a newline");
	trace_close(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lookups_and_invalidations_are_taken),
		cmocka_unit_test(a_malformed_line_of_a_known_event_is_refused_with_its_number),
		cmocka_unit_test(a_line_cut_short_is_refused),
	};

	return cmocka_run_group_tests_name("trace/qemu_vtd", tests, NULL, NULL);
}
