// SPDX-License-Identifier: MIT
/* Reading ftrace text: both forms, what is accepted beside events, and every way to be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ftrace_text.h"

static const char kernel_text[] =
	"# tracer: nop\n"
	"#\n"
	"# entries-in-buffer/entries-written: 4/4   #P:2\n"
	"#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n"
	"          iperf3-141     [000] b..1.    13.882221: map: " MAP_FIELDS "\n"
	"          iperf3-141     [001] D.h1.    13.886403: unmap: " UNMAP_FIELDS "\n"
	"          iperf3-141     [001] D.h2.    13.886649: qi_submit: iotlb_inv dmar0: 0x300f2 "
	"0xffef0002 0x0 0x0\n"
	"   kworker/0:1H-38     [000] ..s..    14.000000: map: " MAP_FIELDS "\n";

static const char report_text[] =
	"cpus=2\n"
	"          iperf3-141   [000]    13.882221: map:                  " MAP_FIELDS "\n"
	"          iperf3-141   [001]    13.886403: unmap:                " UNMAP_FIELDS "\n"
	"          iperf3-141   [001]    13.886649: qi_submit:            iotlb_inv dmar0: 0x300f2 "
	"0xffef0002 0x0 0x0\n"
	"   kworker/0:1H-38     [000]    14.000000: map:                  " MAP_FIELDS "\n";

static void assert_same_event(const struct trace_event *a, const struct trace_event *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->cpu, b->cpu);
	assert_int_equal(a->time_ns, b->time_ns);
	assert_int_equal(a->name_bytes, b->name_bytes);
	assert_memory_equal(a->name, b->name, a->name_bytes);
	if (a->kind == TRACE_OTHER)
		return;
	assert_int_equal(a->iova, b->iova);
	assert_int_equal(a->bytes, b->bytes);
	assert_int_equal(a->paddr, b->paddr);
	assert_int_equal(a->done_bytes, b->done_bytes);
}

static void both_text_forms_give_the_same_events(void **state)
{
	struct trace *a = open_text(kernel_text, sizeof(kernel_text) - 1);
	struct trace *b = open_text(report_text, sizeof(report_text) - 1);
	struct trace_event x, y;
	struct err err;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(trace_next(a, &x, &err), 1);
		assert_int_equal(trace_next(b, &y, &err), 1);
		assert_same_event(&x, &y);
	}
	assert_int_equal(trace_next(a, &x, &err), 0);
	assert_int_equal(trace_next(b, &y, &err), 0);
	assert_int_equal(trace_tally(a)->cpus, 2);
	assert_int_equal(trace_tally(b)->cpus, 2);
	trace_close(a);
	trace_close(b);
}

static void fields_are_what_the_line_says(void **state)
{
	struct trace *t = open_text(kernel_text, sizeof(kernel_text) - 1);
	struct trace_event ev;
	struct err err;

	(void)state;
	assert_int_equal(trace_next(t, &ev, &err), 1);
	assert_int_equal(ev.kind, TRACE_MAP);
	assert_int_equal(ev.line, 5);
	assert_int_equal(ev.cpu, 0);
	assert_int_equal(ev.time_ns, 13882221000);
	assert_int_equal(ev.iova, 0xffefc000);
	assert_int_equal(ev.paddr, 0x7cb8c000);
	assert_int_equal(ev.bytes, 4096);
	assert_int_equal(trace_next(t, &ev, &err), 1);
	assert_int_equal(ev.kind, TRACE_UNMAP);
	assert_int_equal(ev.cpu, 1);
	assert_int_equal(ev.iova, 0xffef0000);
	assert_int_equal(ev.bytes, 16384);
	assert_int_equal(ev.done_bytes, 16384);
	assert_int_equal(trace_next(t, &ev, &err), 1);
	assert_int_equal(ev.kind, TRACE_QI_SUBMIT);
	assert_int_equal(ev.name_bytes, 9);
	assert_memory_equal(ev.name, "qi_submit", 9);
	assert_int_equal(ev.word[0], 0x300f2);
	assert_int_equal(ev.tag, 3);
	assert_int_equal(ev.iova, 0xffef0000);
	assert_int_equal(ev.bytes, 16384);
	assert_int_equal(ev.dev.bytes, 5);
	assert_memory_equal(ev.dev.at, "dmar0", 5);
	trace_close(t);
}

static void task_names_may_hold_anything(void **state)
{
	static const char *const tasks[] = {
		"kworker/0:1H-38",
		"Web Content-12",
		"<idle>-0",
		"a-b-c-7",
		"[kthread]-9",
		"x [1] y-3",
		"x[000]-3",
		"map: IOMMU: iova=0x-4",
		"a: b [000] c-5",
		"\xC3\xA9t\xC3\xA9-6",
		"(tgid)-8     (    141)",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++) {
		struct trace_event ev = {.kind = TRACE_OTHER};
		struct trace_tally tally;
		struct err err;
		char line[400];
		const int n = snprintf(line, sizeof(line), "  %s  [003] d..2. 1.5: map: %s\n",
				       tasks[i], MAP_FIELDS);

		assert_int_equal(read_all(line, (size_t)n, &ev, &tally, &err), 0);
		if (tally.maps != 1 || ev.cpu != 3 || ev.time_ns != 1500000000)
			fail_msg("task '%s' was not taken apart", tasks[i]);
	}
}

static void flags_and_stamps_of_all_kernels_are_read(void **state)
{
	static const struct {
		const char *middle;
		uint64_t ns;
	} rows[] = {
		{"[000] .... 1.000001:", 1000001000},    /* four flags, before 5.18 */
		{"[000] D.h1. 1.000001:", 1000001000},   /* five */
		{"[000] .....1. 1.000001:", 1000001000}, /* with preempt-lazy */
		{"[000] 1.000001234:", 1000001234},      /* trace-cmd report -t */
		{"[8191]\td..1.\t999999999.5:", 999999999500000000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct trace_event ev = {.kind = TRACE_OTHER};
		struct trace_tally tally;
		struct err err;
		char line[400];
		const int n = snprintf(line, sizeof(line), " a-1 %s map: %s\n", rows[i].middle,
				       MAP_FIELDS);

		assert_int_equal(read_all(line, (size_t)n, &ev, &tally, &err), 0);
		if (tally.maps != 1 || ev.time_ns != rows[i].ns)
			fail_msg("'%s' was not read", rows[i].middle);
	}
}

static void ranges_without_an_end_are_those_of_older_kernels(void **state)
{
	static const char text[] =
		" a-1 [000] .... 1.5: map: IOMMU: iova=0x0000000000001000 paddr=0x0000000000002000 "
		"size=8192\n"
		" a-1 [000] .... 1.6: unmap: IOMMU: iova=0x0000000000001000 size=8192 "
		"unmapped_size=4096\n";
	struct trace_event ev = {.kind = TRACE_OTHER};
	struct trace_tally tally;
	struct err err;

	(void)state;
	assert_int_equal(read_all(text, sizeof(text) - 1, &ev, &tally, &err), 0);
	assert_int_equal(tally.maps, 1);
	assert_int_equal(tally.unmaps, 1);
	assert_int_equal(ev.bytes, 8192);
	assert_int_equal(ev.done_bytes, 4096);
}

static void what_is_no_event_is_counted_by_kind(void **state)
{
	static const char text[] =
		"# tracer: nop\n"
		"# step rx\n"
		"cpus=4\n"
		"\n" MAP_LINE "version = 6\n"
		"CPU 1 is empty\n"
		"CPU:1 [LOST 18 EVENTS]\n"
		"CPU:0 [LOST EVENTS]\n"
		"CPU:2 [7 EVENTS DROPPED]\n"
		" a-1 [002] .... 13.0: io_page_fault: IOMMU:x 0000:00:01.0 iova=0x1000 flags=0x1\n"
		" a-1 [001] .... 14.0: qi_submit: iotlb_inv dmar0: 0x400e2 0x0 0x0 0x0\n"
		" a-1 [001] .... 15.0: qi_submit: iotlb_inv dmar0: 0x400e2 0x0 0x0 0x0\n";
	struct trace_event ev;
	struct trace_tally tally;
	struct err err;

	(void)state;
	assert_int_equal(read_all(text, sizeof(text) - 1, &ev, &tally, &err), 0);
	assert_int_equal(tally.lines, 13);
	assert_int_equal(tally.comments, 2);
	assert_int_equal(tally.steps, 1);
	assert_int_equal(tally.cpus, 4);
	assert_int_equal(tally.unknown_lines, 2);
	assert_int_equal(tally.lost_events, 25);
	assert_int_equal(tally.lost_marks, 3);
	assert_int_equal(tally.events, 4);
	assert_int_equal(tally.others, 3);
	assert_int_equal(tally.other_names, 2);
	assert_string_equal(tally.other[0].name, "io_page_fault");
	assert_int_equal(tally.other[0].count, 1);
	assert_string_equal(tally.other[1].name, "qi_submit");
	assert_int_equal(tally.other[1].count, 2);
	assert_int_equal(tally.highest_cpu, 2);
	assert_int_equal(tally.backwards, 1);
	assert_int_equal(tally.first_ns, 13882221000);
	assert_int_equal(tally.last_ns, 15000000000);
}

static void names_beyond_the_room_are_counted_together(void **state)
{
	char text[TRACE_OTHER_NAMES * 64 + 1024];
	size_t at = 0;
	struct trace_event ev;
	struct trace_tally tally;
	struct err err;

	(void)state;
	for (unsigned i = 0; i < TRACE_OTHER_NAMES + 5; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, " a-1 [000] 1.0: ev%u: x\n",
				       i);
	assert_int_equal(read_all(text, at, &ev, &tally, &err), 0);
	assert_int_equal(tally.others, TRACE_OTHER_NAMES + 5);
	assert_int_equal(tally.other_names, TRACE_OTHER_NAMES);
	assert_int_equal(tally.other_beyond, 5);
}

static void long_names_are_cut_between_characters(void **state)
{
	/* 38 bytes and one character of two: 39 fit, and half a character is none. */
	static const char text[] =
		" a-1 [000] 1.0: abcdefghijklmnopqrstuvwxyz012345678901\xc3\xa9z: x\n"
		" a-1 [000] 1.0: abcdefghijklmnopqrstuvwxyz0123456789012\xc3\xa9: x\n"
		" a-1 [000] 1.0: abcdefghijklmnopqrstuvwxyz01234567890123: x\n";
	struct trace_event ev;
	struct trace_tally tally;
	struct err err;

	(void)state;
	assert_int_equal(read_all(text, sizeof(text) - 1, &ev, &tally, &err), 0);
	assert_int_equal(tally.other_names, 2);
	assert_string_equal(tally.other[0].name, "abcdefghijklmnopqrstuvwxyz012345678901");
	assert_string_equal(tally.other[1].name, "abcdefghijklmnopqrstuvwxyz0123456789012");
	assert_int_equal(tally.other[1].count, 2);
}

static void a_file_called_by_no_text_is_named_by_text(void **state)
{
	char name[300] = "caf\xe9 ";
	struct trace *t = NULL;
	struct err err;

	(void)state;
	assert_int_equal(trace_open_memory(&t, MAP_LINE, strlen(MAP_LINE), name, NULL, &err), 0);
	assert_string_equal(trace_name(t), "caf? ");
	trace_close(t);
	memset(name, 'n', 254);
	strcpy(name + 254, "\xc3\xa9");
	assert_int_equal(trace_open_memory(&t, MAP_LINE, strlen(MAP_LINE), name, NULL, &err), 0);
	assert_int_equal(strlen(trace_name(t)), 254);
	trace_close(t);
}

static void carriage_returns_before_newlines_are_no_part_of_the_line(void **state)
{
	static const char text[] = " a-1 [000] 1.5: map: " MAP_FIELDS "\r\n";
	struct trace_event ev;
	struct trace_tally tally;
	struct err err;

	(void)state;
	assert_int_equal(read_all(text, sizeof(text) - 1, &ev, &tally, &err), 0);
	assert_int_equal(tally.maps, 1);
}

static void a_range_may_end_at_the_very_top(void **state)
{
	static const char text[] =
		" a-1 [000] 1.5: unmap: IOMMU: iova=0xfffffffffffff000 - 0x0000000000000000 "
		"size=4096 unmapped_size=4096\n";
	struct trace_event ev;
	struct trace_tally tally;
	struct err err;

	(void)state;
	assert_int_equal(read_all(text, sizeof(text) - 1, &ev, &tally, &err), 0);
	assert_int_equal(tally.unmaps, 1);
}

static void formats_are_recognised_by_their_content(void **state)
{
	static const char *const texts[] = {
		kernel_text, report_text, MAP_LINE, "# step x\ncpus=1\n", "stray line\n" MAP_LINE,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct trace *t = NULL;
		struct err err = {""};

		if (trace_open_memory(&t, texts[i], strlen(texts[i]), "file", NULL, &err))
			fail_msg("%s", err.text);
		assert_string_equal(trace_format_name(t), "ftrace");
		assert_string_equal(trace_name(t), "file");
		trace_close(t);
	}
}

/* More than one buffer. */
static void files_longer_than_the_buffer_are_read_whole(void **state)
{
	char path[] = "/tmp/iotoll-test-XXXXXX";
	const int fd = mkstemp(path);
	struct trace *t = NULL;
	struct trace_event ev;
	struct err err = {""};
	uint64_t total = 0;
	FILE *f;

	(void)state;
	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	for (unsigned i = 0; i < 20000; i++)
		fprintf(f, " a-1 [000] d..1. %u.5: map: %s\n", i, MAP_FIELDS);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(trace_open(&t, path, NULL, &err), 0);
	for (unsigned i = 0; i < 20000; i++) {
		assert_int_equal(trace_next(t, &ev, &err), 1);
		assert_int_equal(ev.line, i + 1);
		assert_int_equal(ev.time_ns, i * UINT64_C(1000000000) + 500000000);
	}
	assert_int_equal(trace_next(t, &ev, &err), 0);
	assert_true(trace_position(t, &total) == total && total > 2000000);
	trace_close(t);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_text_forms_give_the_same_events),
		cmocka_unit_test(fields_are_what_the_line_says),
		cmocka_unit_test(task_names_may_hold_anything),
		cmocka_unit_test(flags_and_stamps_of_all_kernels_are_read),
		cmocka_unit_test(ranges_without_an_end_are_those_of_older_kernels),
		cmocka_unit_test(what_is_no_event_is_counted_by_kind),
		cmocka_unit_test(names_beyond_the_room_are_counted_together),
		cmocka_unit_test(long_names_are_cut_between_characters),
		cmocka_unit_test(a_file_called_by_no_text_is_named_by_text),
		cmocka_unit_test(carriage_returns_before_newlines_are_no_part_of_the_line),
		cmocka_unit_test(a_range_may_end_at_the_very_top),
		cmocka_unit_test(formats_are_recognised_by_their_content),
		cmocka_unit_test(files_longer_than_the_buffer_are_read_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
