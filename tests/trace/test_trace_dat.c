// SPDX-License-Identifier: MIT
/*
 * trace.dat of both versions: real formats and real pages of a ring buffer (tests/trace/samples),
 * and what becomes of files that are cut short.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "trace/print.h"
#include "trace/trace.h"

#define SAMPLES IOTOLL_SOURCE_ROOT "/tests/trace/samples/"

static char *file_bytes(const char *name, size_t *bytes)
{
	char path[512];
	char *at;
	FILE *f;

	snprintf(path, sizeof(path), SAMPLES "%s", name);
	f = fopen(path, "rb");
	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	*bytes = (size_t)ftell(f);
	rewind(f);
	at = malloc(*bytes);
	assert_non_null(at);
	assert_int_equal(fread(at, 1, *bytes, f), *bytes);
	fclose(f);
	return at;
}

/* How the events print; *@rc is how it ended. */
static char *print_all(const void *data, size_t bytes, struct trace_tally *y, int *rc,
		       struct err *err)
{
	char *text = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&text, &length);
	struct trace *t = NULL;
	struct trace_event ev;

	*rc = trace_open_memory(&t, data, bytes, "file", NULL, err);
	if (!*rc) {
		while ((*rc = trace_next(t, &ev, err)) > 0)
			trace_print_text(to, &ev);
		*y = *trace_tally(t);
	}
	trace_close(t);
	fclose(to);
	return text;
}

static void both_versions_hold_the_same(void **state)
{
	static const char *const names[] = {"api-v6.dat", "api-v7.dat"};
	static const char first[] =
		"    18.813602398 [000] ksoftirqd/0-14 api-map-ret(map_page_ret) iova=0xffdea740 "
		"site=0xffffffffb1ae8d90 caller=0xffffffffc02858b9\n"
		"    18.813608828 [000] ksoftirqd/0-14 api-map(map_page) dev=0000:00:01.0 "
		"bytes=1522 dir=from-device offset=4032 site=0xffffffffb1ae8d90\n"
		"    18.813612603 [000] ksoftirqd/0-14 map iova=0xffdda000 bytes=8192 "
		"paddr=0x7f8a8000\n";
	char *text[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct trace_tally y;
		struct err err = {""};
		size_t bytes;
		char *data = file_bytes(names[i], &bytes);
		int rc;

		text[i] = print_all(data, bytes, &y, &rc, &err);
		assert_int_equal(rc, 0);
		assert_int_equal(y.events, 542);
		assert_int_equal(y.maps, 104);
		assert_int_equal(y.unmaps, 114);
		assert_int_equal(y.cpus, 1);
		assert_int_equal(y.lost_events + y.backwards, 0);
		assert_int_equal(strncmp(text[i], first, strlen(first)), 0);
		free(data);
	}
	assert_string_equal(text[0], text[1]);
	free(text[0]);
	free(text[1]);
}

static void cut_anywhere_it_is_refused(void **state)
{
	static const char *const names[] = {"api-v6.dat", "api-v7.dat"};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		size_t bytes;
		char *data = file_bytes(names[i], &bytes);

		for (size_t cut = 10; cut < bytes; cut += 1 + cut / 4096) {
			struct trace_tally y;
			struct err err = {""};
			char *part = malloc(cut);
			int rc;

			assert_non_null(part);
			memcpy(part, data, cut);
			free(print_all(part, cut, &y, &rc, &err));
			if (rc != -22 || strncmp(err.text, "file: ", 6) != 0)
				fail_msg("%s cut at %zu: %d %s", names[i], cut, rc, err.text);
			free(part);
		}
		free(data);
	}
}

static void what_the_ring_buffer_overwrote_is_lost(void **state)
{
	struct trace_tally y;
	struct err err = {""};
	size_t bytes;
	char *data = file_bytes("api-v7.dat", &bytes), *stat;
	int rc;

	(void)state;
	stat = memmem(data, bytes, "\noverrun: 0", 11);
	assert_non_null(stat);
	stat[10] = '7';
	free(print_all(data, bytes, &y, &rc, &err));
	assert_int_equal(rc, 0);
	assert_int_equal(y.lost_marks, 1);
	assert_int_equal(y.lost_events, 7);
	free(data);
}

static void numbers_beyond_the_file_are_refused(void **state)
{
	static const struct {
		const char *name, *expected;
		size_t at;
		unsigned char value;
	} rows[] = {
		{"api-v6.dat", "version 6 or 7", 10, '5'},
		{"api-v6.dat", "an order of bytes", 12, 2},
		{"api-v6.dat", "words of 4 or 8", 13, 5},
		{"api-v6.dat", "pages of 4 KiB", 14, 1},
		{"api-v6.dat", "ends beyond the file", 37, 0x7F},
		{"api-v7.dat", "the file is cut short", 34, 0x7F},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct trace_tally y;
		struct err err = {""};
		size_t bytes;
		char *data = file_bytes(rows[i].name, &bytes);
		int rc;

		data[rows[i].at] = (char)rows[i].value;
		free(print_all(data, bytes, &y, &rc, &err));
		if (rc != -22 || !strstr(err.text, rows[i].expected))
			fail_msg("%zu: %d %s", i, rc, err.text);
		free(data);
	}
}

static void a_pipe_will_not_do(void **state)
{
	struct trace *t = NULL;
	struct err err = {""};
	char path[64];
	size_t bytes;
	char *data = file_bytes("api-v7.dat", &bytes);
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], data, bytes), bytes);
	close(ends[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	assert_int_equal(trace_open(&t, path, NULL, &err), -22);
	assert_non_null(strstr(err.text, "has to be a file"));
	close(ends[0]);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_versions_hold_the_same),
		cmocka_unit_test(cut_anywhere_it_is_refused),
		cmocka_unit_test(what_the_ring_buffer_overwrote_is_lost),
		cmocka_unit_test(numbers_beyond_the_file_are_refused),
		cmocka_unit_test(a_pipe_will_not_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
