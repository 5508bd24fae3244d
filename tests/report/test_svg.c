// SPDX-License-Identifier: MIT
/* Figures: well-formed, escaped, complete, and refused where they cannot be drawn. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "capture.h"
#include "markup.h"
#include "report/svg.h"
#include "sample.h"

static void assert_markup(const char *text)
{
	const char *at, *wrong = markup_check(text, false, &at);

	if (wrong)
		fail_msg("%s at: %.60s", wrong, at);
}

/* The figure as a file of its own; to be freed. */
static char *drawn(const char *json)
{
	json_t *figure = json_of(json);
	struct err err = {""};
	struct capture c;
	int ret;

	capture_open(&c);
	ret = report_figure_svg(c.out, figure, &err);
	capture_close(&c);
	json_decref(figure);
	if (ret)
		fail_msg("%d %s", ret, err.text);
	assert_markup(c.text);
	return c.text;
}

static void refused(const char *json, const char *why)
{
	json_t *figure = json_of(json);
	struct err err = {""};
	struct capture c;

	capture_open(&c);
	assert_int_equal(report_figure_svg(c.out, figure, &err), -EINVAL);
	assert_string_equal(err.text, why);
	capture_close(&c);
	capture_free(&c);
	json_decref(figure);
}

static void every_point_has_a_tooltip_with_its_value(void **state)
{
	char *svg = drawn(SAMPLE_LINE);

	(void)state;
	assert_non_null(strstr(svg, "<title>IOMMU off, 16 B: 50 Mb/s</title>"));
	assert_non_null(strstr(svg, "<title>IOMMU on, 1 KiB: 900 Mb/s (880 to 910)</title>"));
	assert_int_equal(markup_count(svg, "title"), 4 + 1);
	assert_int_equal(markup_count(svg, "polyline"), 2);
	free(svg);
}

static void axis_shows_sizes_as_people_say_them(void **state)
{
	char *svg = drawn(SAMPLE_LINE);

	(void)state;
	assert_non_null(strstr(svg, ">16 B</text>"));
	assert_non_null(strstr(svg, ">1 KiB</text>"));
	assert_non_null(strstr(svg, ">1000</text>"));
	free(svg);
}

static void segments_of_zero_are_not_drawn(void **state)
{
	char *svg = drawn(SAMPLE_BARS);

	(void)state;
	assert_non_null(strstr(svg, "<title>on, map, 64 B: 0.25 cycles/byte</title>"));
	assert_null(strstr(svg, "<title>off, map"));
	/* Ground, two swatches, six segments. */
	assert_int_equal(markup_count(svg, "rect"), 1 + 2 + 6);
	free(svg);
}

static void bars_stand_on_each_other(void **state)
{
	/* 1 + 3 of 4: the upper segment ends at the top of the plot, the lower at its base. */
	char *svg = drawn("{'id': 'b', 'kind': 'stacked-bars', 'series': ["
			  "{'bar': 'x', 'name': 'copy', 'points': [{'x': 1, 'y': 1}]},"
			  "{'bar': 'x', 'name': 'map', 'points': [{'x': 1, 'y': 3}]}]}");
	double y[2], height[2];
	const char *s = svg;

	(void)state;
	for (int i = 0; i < 2; i++) {
		double x, width;

		s = strstr(s, " v-halo\"");
		assert_non_null(s);
		while (s > svg && *s != '<')
			s--;
		assert_int_equal(sscanf(s, "<rect x=\"%lf\" y=\"%lf\" width=\"%lf\" height=\"%lf\"",
					&x, &y[i], &width, &height[i]),
				 4);
		s = strstr(s, " v-halo\"") + 1;
	}
	assert_true(y[1] + height[1] - y[0] < 0.02 && y[0] - y[1] - height[1] < 0.02);
	assert_true(height[1] / height[0] > 2.999 && height[1] / height[0] < 3.001);
	free(svg);
}

static void points_of_a_scatter_plot_carry_their_names(void **state)
{
	char *svg = drawn(SAMPLE_SCATTER);

	(void)state;
	assert_non_null(strstr(svg, ">strict</text>"));
	assert_non_null(strstr(svg, ">late</text>"));
	assert_non_null(strstr(svg, "<title>strict: 200, 0 B (on the Pareto front)</title>"));
	assert_non_null(strstr(svg, "<title>late: 40, 1 MiB</title>"));
	/* A target a point, two marks in the legend. */
	assert_int_equal(markup_count(svg, "circle"), 3 * 2 + 2);
	assert_int_equal(markup_count(svg, "path"), 1); /* the front */
	free(svg);
}

static void points_in_one_place_share_a_label_a_line_each(void **state)
{
	static const char *const names[] = {"one", "two", "three"};
	char *svg = drawn("{'id': 's', 'kind': 'scatter', 'series': ["
			  "{'name': 'one', 'points': [{'x': 50, 'y': 1000}]},"
			  "{'name': 'two', 'points': [{'x': 50.1, 'y': 1001}]},"
			  "{'name': 'three', 'points': [{'x': 50, 'y': 1000}]},"
			  "{'name': 'far', 'points': [{'x': 100, 'y': 2000}]}]}");
	double x[3], y[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		char tail[32];
		const char *s;

		snprintf(tail, sizeof(tail), ">%s</text>", names[i]);
		s = strstr(svg, tail);
		assert_non_null(s);
		while (strncmp(s, "<text", 5))
			s--;
		assert_int_equal(sscanf(s, "<text x=\"%lf\" y=\"%lf\"", &x[i], &y[i]), 2);
	}
	/* centred on each other, a line of the text's height apart */
	assert_true(x[0] == x[1] && x[1] == x[2]);
	for (int i = 0; i < 3; i++)
		for (int k = 0; k < i; k++)
			assert_true(y[i] - y[k] > 9 || y[k] - y[i] > 9);
	free(svg);
}

static void zero_has_a_band_below_a_log_scale(void **state)
{
	char *svg = drawn(SAMPLE_SCATTER);

	(void)state;
	assert_non_null(strstr(svg, ">0</text>"));
	assert_non_null(strstr(svg, ">16 MiB</text>"));
	assert_non_null(strstr(svg, ">4 GiB</text>"));
	free(svg);
}

static void missing_values_break_the_line(void **state)
{
	char *svg = drawn("{'id': 'g', 'kind': 'line', 'series': [{'name': 'a', 'points': ["
			  "{'x': 1, 'y': 1}, {'x': 2, 'y': 2}, {'x': 3, 'y': null}, {'x': 4},"
			  "{'x': 5, 'y': 5}, {'x': 6, 'y': 6}]}]}");

	(void)state;
	assert_int_equal(markup_count(svg, "polyline"), 2);
	free(svg);
}

static void figures_with_little_in_them_are_drawn(void **state)
{
	static const char *const little[] = {
		"{'kind': 'line'}",
		"{'kind': 'stacked-bars'}",
		"{'kind': 'line', 'series': []}",
		"{'kind': 'line', 'series': [{}]}",
		"{'kind': 'stacked-bars', 'series': [{'points': []}]}",
		"{'kind': 'line', 'series': [{'points': [{'x': 1, 'y': 0}]}]}",
		"{'kind': 'line', 'x_scale': 'log2', 'series': [{'points': [{'x': 1, 'y': -3}]}]}",
		"{'kind': 'stacked-bars', 'series': [{'name': 'c', 'points': [{'x': 1, 'y': 0}]}]}",
		"{'kind': 'line', 'series': [{'points': [{'x': 0, 'y': 0}, {'x': 9, 'y': 1e9}]}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(little) / sizeof(little[0]); i++)
		free(drawn(little[i]));
}

static void hostile_text_is_escaped_everywhere(void **state)
{
	static const char *const kinds[] = {"line", "stacked-bars"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		json_t *evil =
			json_string("</text><script>alert(\"1\")</script>&'\x01\xf0\x9f\x98\x80");
		json_t *figure = json_pack(
			"{s:O, s:O, s:s, s:O, s:O, s:O, s:[{s:O, s:O, s:[{s:i, s:i, s:O}]}]}", "id",
			evil, "title", evil, "kind", kinds[i], "x_label", evil, "y_label", evil,
			"note", evil, "series", "name", evil, "bar", evil, "points", "x", 1, "y", 2,
			"run", evil);
		struct err err = {""};
		struct capture c;

		assert_non_null(figure);
		capture_open(&c);
		assert_int_equal(report_figure_svg(c.out, figure, &err), 0);
		assert_markup(capture_close(&c));
		assert_null(strstr(c.text, "<script"));
		assert_non_null(strstr(c.text, "&lt;script&gt;alert(&quot;1&quot;)"));
		capture_free(&c);
		json_decref(figure);
		json_decref(evil);
	}
}

static void data_beyond_the_given_range_stays_visible(void **state)
{
	char *svg = drawn("{'kind': 'line', 'y_min': 0, 'y_max': 10, 'series': [{'points': ["
			  "{'x': 1, 'y': 25}]}]}");

	(void)state;
	assert_non_null(strstr(svg, ">25</text>"));
	free(svg);
}

static void figure_that_cannot_be_drawn_says_why(void **state)
{
	(void)state;
	refused("{'id': '4', 'kind': 'scatter', 'y_scale': 'log2', 'series': [{'name': 'a',"
		" 'points': [{'x': 1, 'y': -1}]}]}",
		"figure 4: series 'a': point 1: y must not be negative on a log2 axis");
	refused("{'id': '4', 'kind': 'line', 'y_scale': 'log2'}",
		"figure 4: y_scale is 'log2', expected linear");
	refused("{'id': '4', 'kind': 'scatter', 'y_scale': 'log10'}",
		"figure 4: y_scale is 'log10', expected linear or log2");
	refused("{'id': '2', 'kind': 'pie'}",
		"figure 2: kind is 'pie', expected line, stacked-bars or scatter");
	refused("{'id': '2', 'kind': 'line', 'x_scale': 'log3'}",
		"figure 2: x_scale is 'log3', expected log2 or linear");
	refused("{'id': '2', 'kind': 'line', 'x_scale': 'log2', 'series': [{'name': 'a',"
		" 'points': [{'x': 0, 'y': 1}]}]}",
		"figure 2: series 'a': point 1: x must be above 0 on a log2 axis");
	refused("{'id': '2', 'kind': 'line', 'series': [{'name': 'a', 'points': [{'y': 1}]}]}",
		"figure 2: series 'a': point 1: x is not a number");
	refused("{'id': '2', 'kind': 'stacked-bars', 'series': [{'name': 'a', 'points': [{'x': 1, "
		"'y': 1},"
		" {'x': 1, 'y': 2}]}]}",
		"figure 2: series 'a' has x = 1 twice");
	refused("{'id': '2', 'kind': 'stacked-bars', 'series': [{'name': 'a', 'points': ["
		"{'x': 1, 'y': -1}]}]}",
		"figure 2: series 'a': point 1: a stacked value must not be negative");
	refused("[]", "a figure is not a JSON object");
}

static void same_figure_gives_the_same_bytes(void **state)
{
	char *a = drawn(SAMPLE_BARS), *b = drawn(SAMPLE_BARS);

	(void)state;
	assert_string_equal(a, b);
	free(a);
	free(b);
}

static void markup_checker_sees_what_is_wrong(void **state)
{
	static const char *const bad[] = {
		"<a>",         "<a></b>",  "<a b=c/>",   "<a b=\"1\" b=\"2\"/>",
		"<a>&x;</a>",  "<a/><b/>", "x<a/>",      "<a b=\"<\"/>",
		"<a>\x01</a>", "",         "<a><b></a>", "<a b=\"1\"c=\"2\"/>",
	};
	const char *at;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(markup_check(bad[i], false, &at));
	assert_null(markup_check("<a b=\"1\"><c/>&lt;</a>\n", false, &at));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_point_has_a_tooltip_with_its_value),
		cmocka_unit_test(axis_shows_sizes_as_people_say_them),
		cmocka_unit_test(segments_of_zero_are_not_drawn),
		cmocka_unit_test(bars_stand_on_each_other),
		cmocka_unit_test(points_of_a_scatter_plot_carry_their_names),
		cmocka_unit_test(points_in_one_place_share_a_label_a_line_each),
		cmocka_unit_test(zero_has_a_band_below_a_log_scale),
		cmocka_unit_test(missing_values_break_the_line),
		cmocka_unit_test(figures_with_little_in_them_are_drawn),
		cmocka_unit_test(hostile_text_is_escaped_everywhere),
		cmocka_unit_test(data_beyond_the_given_range_stays_visible),
		cmocka_unit_test(figure_that_cannot_be_drawn_says_why),
		cmocka_unit_test(same_figure_gives_the_same_bytes),
		cmocka_unit_test(markup_checker_sees_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
