// SPDX-License-Identifier: MIT
/* Every way in which the reader of ftrace text refuses what it is given, and its words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ftrace_text.h"

#define PRE "# tracer: nop\n a-1 [000] d..1. 1.5: "
static const struct {
	const char *text, *expected;
} malformed[] = {
	{PRE "map: hello\n", "file:2: map: expected 'IOMMU: iova=0x'"},
	{PRE "map:\n", "file:2: map: expected 'IOMMU: iova=0x'"},
	{PRE "map: IOMMU: iova=0x paddr=0x1000 size=4096\n", "1 to 16 hexadecimal digits"},
	{PRE "map: IOMMU: iova=0x10000000000001000 paddr=0x1000 size=4096\n",
	 "1 to 16 hexadecimal digits"},
	{PRE "map: IOMMU: iova=0x1001 paddr=0x1000 size=4096\n",
	 "an iova that is a multiple of 4096"},
	{PRE "map: IOMMU: iova=0x1000 - paddr=0x1000 size=4096\n", "the end of the range"},
	{PRE "map: IOMMU: iova=0x1000 - 0x3000 paddr=0x1000 size=4096\n",
	 "a range that ends at iova + size"},
	{PRE "map: IOMMU: iova=0x1000 size=4096\n", "'paddr=0x'"},
	{PRE "map: IOMMU: iova=0x1000 paddr=0x1080 size=4096\n",
	 "a paddr that is a multiple of 4096"},
	{PRE "map: IOMMU: iova=0x1000 paddr=0xfffffffffff000 size=4096\n",
	 "paddr + size of at most 2^52"},
	{PRE "map: IOMMU: iova=0x1000 paddr=0x0 size=9007199254740992\n",
	 "paddr + size of at most 2^52"},
	{PRE "map: IOMMU: iova=0x1000 paddr=0x1000\n", "'size=' and a positive multiple"},
	{PRE "map: IOMMU: iova=0x1000 paddr=0x1000 size=0\n", "a positive multiple of 4096"},
	{PRE "map: IOMMU: iova=0x1000 paddr=0x1000 size=100\n", "a positive multiple of 4096"},
	{PRE "map: IOMMU: iova=0x1000 paddr=0x1000 size=-4096\n", "a positive multiple of 4096"},
	{PRE "map: IOMMU: iova=0x1000 paddr=0x1000 size=99999999999999999999999\n",
	 "a positive multiple of 4096"},
	{PRE "map: IOMMU: iova=0xfffffffffffff000 paddr=0x1000 size=8192\n",
	 "iova + size of at most 2^64"},
	{PRE "map: IOMMU: iova=0x1000 paddr=0x1000 size=4096 more\n", "nothing more on the line"},
	{PRE "map: IOMMU: iova=0x1000 paddr=0x1000 size=4096k\n", "nothing more on the line"},
	{PRE "unmap: IOMMU: iova=0x1000 size=4096\n", "file:2: unmap: expected 'unmapped_size='"},
	{PRE "unmap: IOMMU: iova=0x1000 size=4096 unmapped_size=1\n", "'unmapped_size='"},
	{PRE "unmap: IOMMU: iova=0xfffffffffffff000 size=4096 unmapped_size=8192\n",
	 "stays below 2^64"},
	{PRE "qi_submit: iotlb_inv\n", "file:2: qi_submit: expected a unit's name"},
	{PRE "qi_submit: iotlb_inv dmar0: 0x300f2 0x0 0x0\n", "four words"},
	{PRE "qi_submit: iotlb_inv dmar0: 0x300f2 0x0 0x0 0x0 0x0\n", "nothing more"},
	{PRE "io_page_fault: IOMMU:x 0:0 iova=12 flags=0x0\n", "'iova=0x'"},
	{PRE "dma_map_page: 0:0 dir=UP dma_addr=0 size=1\n", "a direction"},
	{PRE "dma_map_page: 0:0 dir=NONE dma_addr=g\n", "a number"},
	{PRE "dma_map_sg: 0:0 dir=NONE nents=3/2\n", "a number"},
	{PRE "dma_map_sg: 0:0 dir=NONE sizes={0x1 0x2}\n", "a comma"},
	{PRE "dma_map_sg: 0:0 dir=NONE sizes={0x1,0x2\n", "ends with a brace"},
	{"# tracer: nop\n a-1 [000] d..1. 1.x5: map: " MAP_FIELDS "\n",
	 "file:2: expected 'task-pid [cpu] flags seconds.microseconds: map:'"},
	{"# tracer: nop\n a-1 [000] d..1. 12345678901.5: map: " MAP_FIELDS "\n", "file:2: "},
	{"# tracer: nop\n a-1 [000] d..1. 1.1234567890: map: " MAP_FIELDS "\n", "file:2: "},
	{"# tracer: nop\n a-1 [000] d..1. 12345: map: " MAP_FIELDS "\n", "file:2: "},
	{"# tracer: nop\n a-1 [99999] d..1. 1.5: map: " MAP_FIELDS "\n", "file:2: "},
	{"# tracer: nop\n a-1 d..1. 1.5: map: " MAP_FIELDS "\n", "file:2: "},
	{PRE "map: " MAP_FIELDS, "file:2: the last line is cut short: expected a newline"},
	{PRE "unm", "file:2: the last line is cut short"},
	{PRE "x: \xFF\n", "file:2: byte 0xff at column 26 is not UTF-8 text"},
	{PRE "x: \xC0\x80\n", "file:2: byte 0xc0 at column 26"},
	{PRE "x: \xED\xA0\x80\n", "file:2: byte 0xed at column 26"},
	{PRE "x: \xE2\x82", "file:2: byte 0xe2 at column 26"},
	{"# caf\xE9\n", "file:1: byte 0xe9 at column 6"},
};

static void malformed_lines_say_where_and_what_was_expected(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		struct trace_event ev;
		struct trace_tally tally;
		struct err err = {""};
		const int rc =
			read_all(malformed[i].text, strlen(malformed[i].text), &ev, &tally, &err);

		if (rc != -22 || !strstr(err.text, malformed[i].expected))
			fail_msg("'%s'\n  gave %d '%s'\n  instead of '%s'", malformed[i].text, rc,
				 err.text, malformed[i].expected);
	}
}

static void a_zero_byte_is_no_text(void **state)
{
	static const char text[] = "# tracer: nop\n a-1 [000]\0 1.5: map: x\n";
	struct trace_event ev;
	struct trace_tally tally;
	struct err err;

	(void)state;
	assert_int_equal(read_all(text, sizeof(text) - 1, &ev, &tally, &err), -22);
	assert_non_null(strstr(err.text, "file:2: byte 0x00 at column 11"));
}

static void overlong_lines_are_refused(void **state)
{
	const size_t bytes = 200000;
	char *text = malloc(bytes);
	struct trace_event ev;
	struct trace_tally tally;
	struct err err;

	(void)state;
	assert_non_null(text);
	memset(text, 'a', bytes);
	memcpy(text, "# x\n", 4);
	assert_int_equal(read_all(text, bytes, &ev, &tally, &err), -22);
	assert_string_equal(err.text, "file:2: line longer than 65536 bytes");
	free(text);
}

static void an_ended_reader_keeps_its_answer(void **state)
{
	static const char text[] = "# tracer: nop\n a-1 [000] 1.5: map: bad\n" MAP_LINE;
	struct trace *t = open_text(text, sizeof(text) - 1);
	struct trace_event ev;
	struct err first = {""}, second = {""};

	(void)state;
	assert_int_equal(trace_next(t, &ev, &first), -22);
	assert_int_equal(trace_next(t, &ev, &second), -22);
	assert_string_equal(first.text, second.text);
	assert_int_equal(trace_next(t, &ev, NULL), -22);
	assert_int_equal(trace_tally(t)->maps, 0);
	trace_close(t);
}

static void foreign_files_are_refused_with_advice(void **state)
{
	static const struct {
		const char *head;
		size_t bytes;
		const char *advice;
	} rows[] = {
		{"\xFD"
		 "7zXZ\0\0",
		 7, "what xz compressed is damaged or ends early"},
		{"\x1F\x8B\x08", 3, "what gzip compressed is damaged or ends early"},
		{"\x28\xB5\x2F\xFD\x24", 5, "what zstd compressed is damaged or ends early"},
		{"PERFILE2\1", 9, "perf script"},
		{"BZh9", 4, "bzip2 -dc"},
		{"\x17\x08\x44tracing6", 11, "the file is cut short"},
		{"\x17\x08\x44tracing5", 12, "version 6 or 7"},
		{"", 0, "empty"},
		{"hello\nworld\n", 12, "not recognised"},
		{"{\"a\": [1]}\n", 11, "not recognised"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct trace *t = NULL;
		struct err err = {""};

		assert_int_equal(
			trace_open_memory(&t, rows[i].head, rows[i].bytes, "file", NULL, &err),
			-22);
		assert_null(t);
		if (!strstr(err.text, rows[i].advice) || strncmp(err.text, "file: ", 6) != 0)
			fail_msg("'%s' does not advise '%s'", err.text, rows[i].advice);
	}
}

static void an_unknown_format_name_is_refused(void **state)
{
	struct trace *t = NULL;
	struct err err = {""};
	unsigned rows = 0;
	const char *name, *title;

	(void)state;
	assert_int_equal(
		trace_open_memory(&t, MAP_LINE, strlen(MAP_LINE), "file", "blktrace", &err), -22);
	assert_non_null(strstr(err.text, "trace format 'blktrace' is unknown: expected one of "));
	for (; (name = trace_format_row(rows, &title)); rows++) {
		assert_non_null(strstr(err.text, name));
		assert_true(strlen(title) > 0);
	}
	assert_true(rows >= 3);
}

static void a_file_that_cannot_be_read_says_why(void **state)
{
	struct trace *t = NULL;
	struct err err = {""};

	(void)state;
	assert_int_equal(trace_open(&t, "/nonexistent/trace", NULL, &err), -2);
	assert_string_equal(err.text,
			    "/nonexistent/trace: cannot be read: No such file or directory");
	assert_int_equal(trace_open(&t, "/", NULL, &err), -21);
	assert_null(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malformed_lines_say_where_and_what_was_expected),
		cmocka_unit_test(a_zero_byte_is_no_text),
		cmocka_unit_test(overlong_lines_are_refused),
		cmocka_unit_test(an_ended_reader_keeps_its_answer),
		cmocka_unit_test(foreign_files_are_refused_with_advice),
		cmocka_unit_test(an_unknown_format_name_is_refused),
		cmocka_unit_test(a_file_that_cannot_be_read_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
