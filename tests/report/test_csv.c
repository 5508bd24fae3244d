// SPDX-License-Identifier: MIT
/* CSV, flattening and number formats, to the byte. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "capture.h"
#include "report/csv.h"
#include "report/flat.h"
#include "report/number.h"

static int write_with(int (*fn)(FILE *, const json_t *, struct err *), const char *json, char *text,
		      size_t room, struct err *err)
{
	json_t *document = json_of(json);
	struct capture c;
	int ret;

	capture_open(&c);
	ret = fn(c.out, document, err);
	snprintf(text, room, "%s", capture_close(&c));
	capture_free(&c);
	json_decref(document);
	return ret;
}

static void expect(int (*fn)(FILE *, const json_t *, struct err *), const char *json,
		   const char *wanted)
{
	struct err err = {""};
	char text[4096];

	assert_int_equal(write_with(fn, json, text, sizeof(text), &err), 0);
	assert_string_equal(text, wanted);
}

static void fields_are_quoted_when_they_must_be(void **state)
{
	const char *const fields[] = {"plain", "a,b", "say \"hi\"", "two\nlines",
				      "cr\r",  "",    " b "};
	struct capture c;

	(void)state;
	capture_open(&c);
	csv_row(c.out, fields, 7);
	assert_string_equal(capture_close(&c),
			    "plain,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\"cr\r\",, b \r\n");
	capture_free(&c);
}

static void run_is_flattened_in_document_order(void **state)
{
	(void)state;
	expect(report_run_csv,
	       "{'z': 1, 'settings': {'load.message_bytes': '1024'}, 'cpu_percent': [12.5, 0],"
	       " 'locks': {}, 'faults': [], 'ok': true, 'none': null, 'a': 0.1}",
	       "key,value\r\nz,1\r\nsettings.load.message_bytes,1024\r\ncpu_percent.0,12.5\r\n"
	       "cpu_percent.1,0\r\nlocks,{}\r\nfaults,[]\r\nok,true\r\nnone,null\r\na,0.1\r\n");
}

static void figure_has_one_line_a_point(void **state)
{
	(void)state;
	expect(report_figure_csv,
	       "{'id': '2', 'kind': 'line', 'x_label': 'Message size (bytes)', 'y_label': 'Mb/s',"
	       " 'series': [{'name': 'IOMMU on', 'points': [{'x': 32, 'y': 2.5, 'run': 'a'},"
	       " {'x': 16, 'y': 57.1, 'low': 50.0, 'high': 60}, {'x': 64, 'y': null}]}]}",
	       "series,bar,Message size (bytes),Mb/s,low,high,run\r\n"
	       "IOMMU on,,16,57.1,50,60,\r\nIOMMU on,,32,2.5,,,a\r\nIOMMU on,,64,,,,\r\n");
}

static void figures_of_a_study_share_one_file(void **state)
{
	(void)state;
	expect(report_study_csv,
	       "{'figures': [{'id': '2', 'kind': 'line', 'series': [{'name': 'a', 'points': ["
	       "{'x': 1, 'y': 2}]}]}, {'id': 'c', 'kind': 'stacked-bars', 'series': [{'name': 'b',"
	       " 'bar': 'on', 'points': [{'x': 3, 'y': 4, 'run': 'r'}]}]}]}",
	       "figure,series,bar,x,y,low,high,run\r\n2,a,,1,2,,,\r\nc,b,on,3,4,,,r\r\n");
}

static void table_heading_carries_units(void **state)
{
	(void)state;
	expect(report_table_csv,
	       "{'columns': [{'name': 'Message', 'unit': 'bytes'}, {'name': 'note'}],"
	       " 'rows': [['16', 'a,b'], [32], ['64', null]]}",
	       "Message (bytes),note\r\n16,\"a,b\"\r\n32,\r\n64,\r\n");
}

static void row_longer_than_its_heading_is_refused(void **state)
{
	struct err err = {""};
	char text[512];

	(void)state;
	assert_int_equal(write_with(report_table_csv,
				    "{'id': 't', 'columns': [{'name': 'a'}], 'rows': [[1, 2]]}",
				    text, sizeof(text), &err),
			 -EINVAL);
	assert_string_equal(err.text, "table t: row 1 has 2 cells for 1 columns");
}

static void rows_have_a_column_for_each_key_any_of_them_has(void **state)
{
	(void)state;
	expect(report_rows_csv,
	       "[{'name': 'a,b', 'price': 1.5, 'reach': {'stale': 3}},"
	       " {'name': 'c', 'why': 'rain', 'reach': {'stale': null, 'rest': 0}}]",
	       "name,price,reach.stale,why,reach.rest\r\n\"a,b\",1.5,3,,\r\nc,,,rain,0\r\n");
	expect(report_rows_csv, "[]", "\r\n");
}

static void claims_without_fields_are_empty_fields(void **state)
{
	(void)state;
	expect(report_claims_csv, "{'claims': [{'id': 'S1', 'verdict': 'holds'}]}",
	       "id,claim,source,rule,measured,verdict,note\r\nS1,,,,,holds,\r\n");
	expect(report_claims_csv, "{}", "id,claim,source,rule,measured,verdict,note\r\n");
}

static void run_that_is_no_object_is_refused(void **state)
{
	struct err err = {""};
	char text[64];

	(void)state;
	assert_int_equal(write_with(report_run_csv, "[1]", text, sizeof(text), &err), -EINVAL);
	assert_string_equal(err.text, "a run's result is not a JSON object");
}

static int stop_at_second(void *ctx, const char *key, const json_t *leaf)
{
	int *n = ctx;

	(void)key;
	(void)leaf;
	return ++*n == 2 ? 7 : 0;
}

static void walk_ends_when_its_callback_says_so(void **state)
{
	json_t *json = json_of("{'a': 1, 'b': {'c': 2}, 'd': 3}");
	int n = 0;

	(void)state;
	assert_int_equal(flat_each(json, "p", stop_at_second, &n), 7);
	assert_int_equal(n, 2);
	json_decref(json);
}

static void document_nested_without_end_is_refused(void **state)
{
	json_t *inner = json_integer(1);
	struct err err = {""};
	struct capture c;

	(void)state;
	for (int i = 0; i < 100; i++) {
		json_t *outer = json_object();

		json_object_set_new(outer, "a", inner);
		inner = outer;
	}
	capture_open(&c);
	assert_int_equal(report_run_csv(c.out, inner, &err), -EINVAL);
	capture_close(&c);
	capture_free(&c);
	assert_string_equal(err.text, "a run's result nests too deeply");
	json_decref(inner);
}

static void exact_numbers_read_back_the_same(void **state)
{
	static const double values[] = {0.1, 1.0 / 3, 57.1, 1e300, -2.5e-300, 123456789012345678.0,
					0,   4.9e-324};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		assert_true(strtod(number_exact(values[i]).text, NULL) == values[i]);
	assert_string_equal(number_exact(57.1).text, "57.1");
}

static void human_numbers_show_four_digits(void **state)
{
	(void)state;
	assert_string_equal(number_human(57.123456).text, "57.12");
	assert_string_equal(number_human(114868.2).text, "114868");
	assert_string_equal(number_human(0).text, "0");
	assert_string_equal(number_readable(27.802860029611114).text, "27.8029");
	assert_string_equal(number_readable(1234567.89).text, "1234568");
	assert_string_equal(number_human(-0.0).text, "0");
	assert_string_equal(number_fixed(-0.001, 2).text, "0.00");
	assert_string_equal(number_fixed(-0.006, 2).text, "-0.01");
	assert_string_equal(number_fixed(1e300, 2).text, "1e+300");
	assert_string_equal(number_percent_change(12.34).text, "+12.3 %");
	assert_string_equal(number_percent_change(-12.36).text, "-12.4 %");
	assert_string_equal(number_percent_change(-0.01).text, "0.0 %");
	assert_int_equal(number_decimals(941.4), 1);
	assert_int_equal(number_decimals(9414), 0);
	assert_int_equal(number_decimals(0.5), 4);
	assert_int_equal(number_decimals(0), 0);
}

static void sizes_read_as_people_say_them(void **state)
{
	(void)state;
	assert_string_equal(number_bytes(16).text, "16 B");
	assert_string_equal(number_bytes(1024).text, "1 KiB");
	assert_string_equal(number_bytes(1536).text, "1.5 KiB");
	assert_string_equal(number_bytes(65536).text, "64 KiB");
	assert_string_equal(number_bytes(1048576).text, "1 MiB");
	assert_string_equal(number_bytes(0).text, "0 B");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_quoted_when_they_must_be),
		cmocka_unit_test(run_is_flattened_in_document_order),
		cmocka_unit_test(figure_has_one_line_a_point),
		cmocka_unit_test(figures_of_a_study_share_one_file),
		cmocka_unit_test(table_heading_carries_units),
		cmocka_unit_test(row_longer_than_its_heading_is_refused),
		cmocka_unit_test(rows_have_a_column_for_each_key_any_of_them_has),
		cmocka_unit_test(claims_without_fields_are_empty_fields),
		cmocka_unit_test(run_that_is_no_object_is_refused),
		cmocka_unit_test(walk_ends_when_its_callback_says_so),
		cmocka_unit_test(document_nested_without_end_is_refused),
		cmocka_unit_test(exact_numbers_read_back_the_same),
		cmocka_unit_test(human_numbers_show_four_digits),
		cmocka_unit_test(sizes_read_as_people_say_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
