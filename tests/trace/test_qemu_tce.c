// SPDX-License-Identifier: MIT
/* The reader of what QEMU's sPAPR IOMMU says of hypercalls. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "trace/trace.h"

#define PUT      "spapr_iommu_pci_put liobn=0x80000000 "
#define INDIRECT "spapr_iommu_indirect liobn=0x71000002 "
#define STUFF    "spapr_iommu_pci_stuff liobn=0x80000000 "

/* The first event of @text, which has one line. */
static int first_event(const char *text, struct trace_event *ev, struct err *err)
{
	struct trace *t;
	int rc = trace_open_memory(&t, text, strlen(text), "file", NULL, err);

	assert_int_equal(rc, 0);
	assert_string_equal(trace_format_name(t), "qemu-tce");
	rc = trace_next(t, ev, err);
	trace_close(t);
	return rc;
}

static void a_put_is_one_entry(void **state)
{
	struct trace_event ev;

	(void)state;
	assert_int_equal(first_event(PUT "ioba=0x50000 tce=0x55d8003 ret=0\n", &ev, NULL), 1);
	assert_int_equal(ev.kind, TRACE_TCE_PUT);
	assert_int_equal(ev.tag, 0x80000000);
	assert_int_equal(ev.iova, 0x50000);
	assert_int_equal(ev.bytes, 4096);
	assert_int_equal(ev.entry, 0x55d8003);
	assert_int_equal(ev.ret, 0);
	assert_false(trace_has(&ev, TRACE_F_TIME));
}

static void a_batch_has_the_number_and_value_of_its_last_entry(void **state)
{
	struct trace_event ev;

	(void)state;
	assert_int_equal(first_event(INDIRECT "ioba=0xc000000 tcelist=0x38d0000 iobaN=0xf "
					      "tceN=0x39af003 ret=0\n",
				     &ev, NULL),
			 1);
	assert_int_equal(ev.kind, TRACE_TCE_INDIRECT);
	assert_int_equal(ev.tag, 0x71000002);
	assert_int_equal(ev.iova, 0xc000000);
	assert_int_equal(ev.bytes, 65536);
	assert_int_equal(ev.pages, 16);
	assert_int_equal(ev.entry, 0x39af003);
}

static void a_stuff_is_told_of_behind_its_entries(void **state)
{
	struct trace_event ev;

	(void)state;
	assert_int_equal(
		first_event(STUFF "ioba=0x600000 tcevalue=0x0 npages=512 ret=0\n", &ev, NULL), 1);
	assert_int_equal(ev.kind, TRACE_TCE_STUFF);
	assert_int_equal(ev.iova, 0x400000);
	assert_int_equal(ev.bytes, 2097152);
	assert_int_equal(ev.entry, 0);
}

static void what_the_hypervisor_refused_says_so(void **state)
{
	struct trace_event ev;

	(void)state;
	assert_int_equal(first_event(PUT "ioba=0x50000 tce=0x55d8003 ret=-4\n", &ev, NULL), 1);
	assert_int_equal(ev.kind, TRACE_TCE_PUT);
	assert_int_equal(ev.ret, -4); /* H_PARAMETER */
}

static void entries_of_large_pages_have_no_bytes(void **state)
{
	struct trace_event ev;

	(void)state;
	assert_int_equal(first_event(INDIRECT "ioba=0x800000000000000 tcelist=0x2120000 "
					      "iobaN=0x3f tceN=0x3f000003 ret=0\n",
				     &ev, NULL),
			 1);
	assert_int_equal(ev.pages, 64);
	assert_false(trace_has(&ev, TRACE_F_BYTES));
}

static void other_events_are_passed_on_by_name(void **state)
{
	struct trace_event ev;

	(void)state;
	assert_int_equal(first_event("spapr_iommu_new_table liobn=0x80000000 fd=-1\n", &ev, NULL),
			 1);
	assert_int_equal(ev.kind, TRACE_OTHER);
	assert_memory_equal(ev.text.at, "liobn=0x80000000 fd=-1", ev.text.bytes);
}

static void malformed_lines_are_refused_with_their_number(void **state)
{
	static const char *const lines[] = {
		PUT "ioba=0x50000 tce=0x55d8003\n",
		PUT "ioba=0x50001 tce=0x55d8003 ret=0\n",
		PUT "ioba=50000 tce=0x55d8003 ret=0\n",
		PUT "ioba=0x50000 tce=0x1fff0000000000003 ret=0\n",
		PUT "ioba=0x50000 tce=0x55d8003 ret=0 more\n",
		INDIRECT "ioba=0x0 tcelist=0x1 iobaN=0x200 tceN=0x39af003 ret=0\n",
		INDIRECT "ioba=0x7fffffffffff000 tcelist=0x1 iobaN=0xf tceN=0x3 ret=0\n",
		STUFF "ioba=0x2000 tcevalue=0x0 npages=3 ret=0\n", /* begins below 0 */
		STUFF "ioba=0x2000 tcevalue=0x0 npages=0 ret=0\n",
		STUFF "ioba=0x2000 tcevalue=0x0 npages=18446744073709551615 ret=0\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct trace_event ev;
		struct err err = {""};

		assert_int_equal(first_event(lines[i], &ev, &err), -EINVAL);
		assert_memory_equal(err.text, "file:1: spapr_iommu_", 20);
		assert_non_null(strstr(err.text, ": expected "));
	}
}

static void a_last_line_without_its_newline_is_refused(void **state)
{
	struct trace_event ev;
	struct err err = {""};

	(void)state;
	assert_int_equal(first_event(PUT "ioba=0x50000 tce=0x55d8003 ret=0", &ev, &err), -EINVAL);
	assert_non_null(strstr(err.text, "cut short"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_put_is_one_entry),
		cmocka_unit_test(a_batch_has_the_number_and_value_of_its_last_entry),
		cmocka_unit_test(a_stuff_is_told_of_behind_its_entries),
		cmocka_unit_test(what_the_hypervisor_refused_says_so),
		cmocka_unit_test(entries_of_large_pages_have_no_bytes),
		cmocka_unit_test(other_events_are_passed_on_by_name),
		cmocka_unit_test(malformed_lines_are_refused_with_their_number),
		cmocka_unit_test(a_last_line_without_its_newline_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
