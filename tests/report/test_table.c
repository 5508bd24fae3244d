// SPDX-License-Identifier: MIT
/* Text tables and UTF-8 widths, to the byte. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "capture.h"
#include "report/table.h"
#include "report/utf8.h"

static void expect(struct table *t, unsigned width, const char *wanted)
{
	struct capture c;

	capture_open(&c);
	assert_int_equal(table_print(t, c.out, width), 0);
	assert_string_equal(capture_close(&c), wanted);
	capture_free(&c);
	table_destroy(t);
}

static void columns_align_by_what_they_show(void **state)
{
	struct table *t = table_create();

	(void)state;
	table_column(t, "Name", TABLE_LEFT);
	table_column(t, "CPU\n%", TABLE_RIGHT);
	table_cell(t, "strict");
	table_cell(t, "%.1f", 9.5);
	table_cell(t, "off");
	table_cell(t, "%.1f", 100.0);
	expect(t, 0,
	       "          CPU\n"
	       "Name        %\n"
	       "-------------\n"
	       "strict    9.5\n"
	       "off     100.0\n");
}

static void width_counts_characters_not_bytes(void **state)
{
	struct table *t = table_create();

	(void)state;
	table_column(t, "", TABLE_LEFT);
	table_column(t, "", TABLE_LEFT);
	table_cell(t, "\xc2\xb5s");
	table_cell(t, "a");
	table_cell(t, "\xe6\xbc\xa2");
	table_cell(t, "b");
	table_cell(t, "abc");
	table_cell(t, "c");
	expect(t, 0, "\xc2\xb5s   a\n\xe6\xbc\xa2   b\nabc  c\n");
}

static void last_column_wraps_at_words(void **state)
{
	struct table *t = table_create();

	(void)state;
	table_column(t, "Id", TABLE_LEFT);
	table_column(t, "Text", TABLE_LEFT);
	table_cell(t, "S1");
	table_cell(t, "throughput is practically unaffected");
	expect(t, 26,
	       "Id  Text\n"
	       "--------------------------\n"
	       "S1  throughput is\n"
	       "    practically unaffected\n");
}

static void word_longer_than_the_column_is_broken(void **state)
{
	struct table *t = table_create();

	(void)state;
	table_column(t, "", TABLE_LEFT);
	table_cell(t, "0123456789012345678901234");
	expect(t, 20, "01234567890123456789\n01234\n");
}

static void lines_never_end_in_blanks(void **state)
{
	struct table *t = table_create();

	(void)state;
	table_column(t, "A", TABLE_LEFT);
	table_column(t, "B", TABLE_LEFT);
	table_column(t, "C", TABLE_RIGHT);
	table_cell(t, "long cell");
	table_end_row(t);
	table_cell(t, "x");
	table_cell(t, "y");
	table_end_row(t);
	expect(t, 0, "A          B  C\n---------------\nlong cell\nx          y\n");
}

static void rules_stand_where_they_were_asked_for(void **state)
{
	struct table *t = table_create();

	(void)state;
	table_column(t, "", TABLE_LEFT);
	table_cell(t, "a");
	table_rule(t);
	table_cell(t, "b");
	table_rule(t);
	expect(t, 0, "a\n-\nb\n-\n");
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
	struct table *t = table_create();

	(void)state;
	table_column(t, "h\x1b[2J", TABLE_LEFT);
	table_cell(t, "a\x1b]0;title\x07z\tq\nr\x9b");
	expect(t, 0,
	       "h\xef\xbf\xbd[2J\n-----------------\n"
	       "a\xef\xbf\xbd]0;title\xef\xbf\xbdz q r\xef\xbf\xbd\n");
}

static void table_that_was_never_made_reports_no_memory(void **state)
{
	struct capture c;

	(void)state;
	table_column(NULL, "x", TABLE_LEFT);
	table_cell(NULL, "x");
	table_end_row(NULL);
	table_rule(NULL);
	table_destroy(NULL);
	capture_open(&c);
	assert_int_equal(table_print(NULL, c.out, 0), -ENOMEM);
	capture_close(&c);
	capture_free(&c);
}

static void missing_owned_text_counts_as_no_memory(void **state)
{
	struct table *t = table_create();
	struct capture c;

	(void)state;
	table_column(t, "x", TABLE_LEFT);
	table_take(t, NULL);
	capture_open(&c);
	assert_int_equal(table_print(t, c.out, 0), -ENOMEM);
	capture_close(&c);
	capture_free(&c);
	table_destroy(t);
}

static void full_device_is_an_error(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct table *t = table_create();

	(void)state;
	if (!full)
		skip();
	setvbuf(full, NULL, _IONBF, 0);
	table_column(t, "x", TABLE_LEFT);
	table_cell(t, "y");
	assert_int_equal(table_print(t, full, 0), -EIO);
	table_destroy(t);
	fclose(full);
}

static void ill_formed_utf8_is_one_replacement_a_byte(void **state)
{
	static const char *const bad[] = {"\x80",         "\xc0\xaf",         "\xe0\x80\x80",
					  "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff",
					  "\xe2\x82"};
	uint32_t cp;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(utf8_next(bad[i], &cp), 1);
		assert_int_equal(cp, UTF8_REPLACEMENT);
		assert_int_equal(utf8_columns(bad[i]), strlen(bad[i]));
	}
	assert_int_equal(utf8_next("\xf0\x9f\x98\x80", &cp), 4);
	assert_int_equal(cp, 0x1f600);
	assert_int_equal(utf8_next("", &cp), 0);
	assert_int_equal(utf8_columns("e\xcc\x81"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_align_by_what_they_show),
		cmocka_unit_test(width_counts_characters_not_bytes),
		cmocka_unit_test(last_column_wraps_at_words),
		cmocka_unit_test(word_longer_than_the_column_is_broken),
		cmocka_unit_test(lines_never_end_in_blanks),
		cmocka_unit_test(rules_stand_where_they_were_asked_for),
		cmocka_unit_test(control_characters_do_not_reach_the_terminal),
		cmocka_unit_test(table_that_was_never_made_reports_no_memory),
		cmocka_unit_test(missing_owned_text_counts_as_no_memory),
		cmocka_unit_test(full_device_is_an_error),
		cmocka_unit_test(ill_formed_utf8_is_one_replacement_a_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
