// SPDX-License-Identifier: MIT
/*
 * Our binary format and CSV, held against random events of every kind: what was written comes back,
 * byte by byte in print; and against files that were cut, damaged or made up.
 */
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../base/seed.h"
#include "random_event.h"
#include "trace/native.h"
#include "trace/print.h"
#include "trace/trace.h"

struct bytes {
	char *at;
	size_t bytes;
};

/* @count random events: as they print, and as a native file or as CSV. */
static struct bytes written(unsigned count, bool pack, bool csv, struct bytes *print)
{
	const struct trace_tally tally = {.cpus = 3};
	struct native_writer *w = NULL;
	struct bytes file = {NULL, 0};
	FILE *to = open_memstream(&file.at, &file.bytes);
	FILE *text = open_memstream(&print->at, &print->bytes);
	uint64_t now = 1;
	struct rng rng;

	seed_from_env(&rng);
	assert_non_null(to);
	assert_non_null(text);
	if (csv)
		trace_print_csv_head(to);
	else
		assert_int_equal(native_create(&w, to, pack), 0);
	for (unsigned i = 0; i < count; i++) {
		struct trace_event ev;

		/* Near, far, and back. */
		now += rng_u64(&rng) >> (20 + rng_below(&rng, 40));
		now -= rng_below(&rng, 8) ? 0 : now / 2;
		ev = random_event(&rng, now, true);
		trace_print_text(text, &ev);
		if (csv)
			trace_print_csv(to, &ev);
		else
			assert_int_equal(native_put(w, &ev), 0);
	}
	if (w)
		assert_int_equal(native_finish(w, &tally), 0);
	native_destroy(w);
	fclose(to);
	fclose(text);
	return file;
}

/* How the events of a file print; *@rc is how it ended. */
static struct bytes printed(const struct bytes *file, int *rc, struct err *err)
{
	struct bytes print = {NULL, 0};
	FILE *text = open_memstream(&print.at, &print.bytes);
	struct trace *t = NULL;
	struct trace_event ev;

	assert_non_null(text);
	*rc = trace_open_memory(&t, file->at, file->bytes, "file", NULL, err);
	if (!*rc) {
		trace_want_marks(t);
		while ((*rc = trace_next(t, &ev, err)) > 0)
			trace_print_text(text, &ev);
	}
	trace_close(t);
	fclose(text);
	return print;
}

static void assert_comes_back(bool pack, bool csv, unsigned count)
{
	struct bytes before, after, file = written(count, pack, csv, &before);
	struct err err = {""};
	int rc;

	after = printed(&file, &rc, &err);
	if (rc)
		fail_msg("%s", err.text);
	assert_int_equal(before.bytes, after.bytes);
	assert_memory_equal(before.at, after.at, before.bytes);
	free(before.at);
	free(after.at);
	free(file.at);
}

static void what_was_written_comes_back(void **state)
{
	(void)state;
	assert_comes_back(false, false, 60000); /* several blocks */
	assert_comes_back(true, false, 20000);
	assert_comes_back(false, false, 0);
}

static void csv_comes_back(void **state)
{
	(void)state;
	assert_comes_back(false, true, 5000);
}

static void a_file_cut_anywhere_is_refused(void **state)
{
	(void)state;
	for (int pack = 0; pack < 2; pack++) {
		struct bytes before, file = written(40, pack, false, &before);

		for (size_t cut = 1; cut < file.bytes; cut++) {
			struct bytes part = {malloc(cut), cut}, after;
			struct err err = {""};
			int rc;

			assert_non_null(part.at);
			memcpy(part.at, file.at, cut); /* so that a sanitizer sees the end */
			after = printed(&part, &rc, &err);
			assert_int_equal(rc, -22);
			assert_true(strncmp(err.text, "file: ", 6) == 0);
			/* What was read until then is right. */
			assert_memory_equal(before.at, after.at, after.bytes);
			free(after.at);
			free(part.at);
		}
		free(before.at);
		free(file.at);
	}
}

static void damage_is_survived(void **state)
{
	struct bytes before, file = written(60, false, false, &before);
	struct rng rng;

	(void)state;
	seed_from_env(&rng);
	for (unsigned i = 0; i < 20000; i++) {
		struct bytes part = {malloc(file.bytes), file.bytes};
		struct err err = {""};
		int rc;

		assert_non_null(part.at);
		memcpy(part.at, file.at, file.bytes);
		for (unsigned n = 0; n <= rng_below(&rng, 3); n++)
			part.at[rng_below(&rng, part.bytes)] ^= (char)(1u << rng_below(&rng, 8));
		free(printed(&part, &rc, &err).at);
		assert_true(rc == 0 || (rc == -22 && err.text[0]));
		free(part.at);
	}
	free(before.at);
	free(file.at);
}

static void assert_refused(const uint64_t *words, size_t count, const char *expected)
{
	struct bytes file = {malloc(count * 8), count * 8}, print;
	struct err err = {""};
	int rc;

	assert_non_null(file.at);
	memcpy(file.at, NATIVE_MAGIC, 8);
	for (size_t i = 1; i < count; i++) {
		const uint64_t word = htole64(words[i]);

		memcpy(file.at + i * 8, &word, 8);
	}
	print = printed(&file, &rc, &err);
	assert_int_equal(rc, -22);
	if (!strstr(err.text, expected))
		fail_msg("'%s' instead of '%s'", err.text, expected);
	free(print.at);
	free(file.at);
}

static void a_made_up_file_says_what_was_expected(void **state)
{
	const uint64_t one = UINT64_C(1) << 32;

	(void)state;
	assert_refused((uint64_t[]){0, 2}, 2, "expected version 1");
	assert_refused((uint64_t[]){0, 1 | one}, 2, "flags 1");
	assert_refused((uint64_t[]){0, 1, 5, 0, 0, 0}, 6, "a block of a known kind");
	assert_refused((uint64_t[]){0, 1, NATIVE_BLOCK_DATA, 8 * one, 8, 2, 0}, 7,
		       "a record in it");
	assert_refused(
		(uint64_t[]){0, 1, NATIVE_BLOCK_DATA, UINT64_MAX << 32, UINT64_MAX & ~7ull, 1}, 6,
		"16 MiB");
	/* An event of a shape that was not described; a control that is none. */
	assert_refused((uint64_t[]){0, 1, NATIVE_BLOCK_DATA, 8 * one, 8, 1, 1}, 7,
		       "a shape that was described before");
	assert_refused((uint64_t[]){0, 1, NATIVE_BLOCK_DATA, 8 * one, 8, 1, 9 << 16}, 7,
		       "a string, a shape, a time or an event");
	/* A string beyond its block. */
	assert_refused(
		(uint64_t[]){0, 1, NATIVE_BLOCK_DATA, 8 * one, 8, 1, NATIVE_STRING << 16 | 9 * one},
		7, "a string that ends within its block");
	/* An end that knows of more events. */
	assert_refused((uint64_t[]){0, 1, NATIVE_BLOCK_END, 32 * one, 32, 0, 3, 0, 0, 0}, 10,
		       "expected 3 events, there were 0");
}

static void csv_says_line_and_what_was_expected(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{"kind,what\n", "file:1: expected a heading of names that"},
		{"kind,cpu,kind\n", "file:1: expected each name once"},
		{"kind,iova\nmap,0x1000\n", "file:2: expected every field that an event"},
		{"kind,iova\nfoo,0x1000\n", "file:2: expected a kind of event"},
		{"kind,iova\naccess\n", "file:2: expected as many fields"},
		{"kind,iova\naccess,1,2\n", "file:2: expected as many fields"},
		{"kind,iova,tag\naccess,x,1\n", "file:2: expected a number"},
		{"kind,iova,tag\naccess,1,65536\n", "file:2: expected a tag of 16 bits"},
		{"kind,iova,tag\naccess,1,0x100000001\n", "a number that fits its field"},
		{"kind,iova,bytes,paddr\nmap,1,4096,0\n", "multiples of 4096"},
		{"kind,dir\napi-map,up\n", "a direction"},
		{"kind,sizes\napi-map-sg,\"{0x1,}\"\n", "a list of numbers"},
		{"kind,name\napi-map,\"x\n", "as many fields"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct bytes file = {(char *)(uintptr_t)rows[i].text, strlen(rows[i].text)};
		struct err err = {""};
		int rc;

		free(printed(&file, &rc, &err).at);
		if (rc != -22 || !strstr(err.text, rows[i].expected))
			fail_msg("'%s' gave %d '%s'", rows[i].text, rc, err.text);
	}
}

static void a_short_table_will_do(void **state)
{
	static const char text[] = "iova,kind,bytes,paddr\r\n4096,map,4096,0x7000\r\n";
	const struct bytes file = {(char *)(uintptr_t)text, sizeof(text) - 1};
	struct err err = {""};
	struct bytes print;
	int rc;

	(void)state;
	print = printed(&file, &rc, &err);
	assert_int_equal(rc, 0);
	assert_string_equal(print.at,
			    "               - [000] map iova=0x1000 bytes=4096 paddr=0x7000\n");
	free(print.at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_comes_back),
		cmocka_unit_test(csv_comes_back),
		cmocka_unit_test(a_file_cut_anywhere_is_refused),
		cmocka_unit_test(damage_is_survived),
		cmocka_unit_test(a_made_up_file_says_what_was_expected),
		cmocka_unit_test(csv_says_line_and_what_was_expected),
		cmocka_unit_test(a_short_table_will_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
