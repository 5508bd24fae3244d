// SPDX-License-Identifier: MIT
/* A study and its runs as a page and as terminal text. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "capture.h"
#include "markup.h"
#include "report/page.h"
#include "report/run_text.h"
#include "report/sections.h"
#include "report/study_text.h"
#include "sample.h"

static char *page_of(const json_t *study)
{
	const char *at, *wrong;
	struct err err = {""};
	struct capture c;

	capture_open(&c);
	assert_int_equal(report_page(c.out, study, &err), 0);
	wrong = markup_check(capture_close(&c), true, &at);
	if (wrong)
		fail_msg("%s at: %.80s", wrong, at);
	return c.text;
}

static void page_is_well_formed_and_whole(void **state)
{
	json_t *study = json_of(SAMPLE_STUDY);
	char *page = page_of(study);

	(void)state;
	assert_int_equal(markup_count(page, "figure"), 2);
	assert_int_equal(markup_count(page, "svg"), 4);
	assert_non_null(strstr(page, "<span class=\"badge bad\">does not hold</span>"));
	assert_non_null(strstr(page, "<li class=\"badge good\">1 holds</li>"));
	assert_non_null(strstr(page, "href=\"#run-b:2foff:2f16\""));
	assert_non_null(strstr(page, "id=\"run-b:2foff:2f16\""));
	assert_non_null(strstr(page, "iotoll run bare-metal --set load.message_bytes=16 "
				     "--set iommu.strategy=off"));
	free(page);
	json_decref(study);
}

/* The sample with @more runs that no figure names. */
static json_t *study_with_unlinked(unsigned more)
{
	json_t *study = json_of(SAMPLE_STUDY);
	json_t *runs = json_object_get(study, "runs");

	for (unsigned i = 0; i < more; i++) {
		json_t *run = json_deep_copy(json_array_get(runs, 0));
		char id[32];

		snprintf(id, sizeof(id), "c/off/%u", i);
		json_object_set_new(run, "id", json_string(id));
		json_array_append_new(runs, run);
	}
	return study;
}

static void page_has_the_runs_that_figures_link_to_and_no_others(void **state)
{
	json_t *study = study_with_unlinked(3);
	char *page = page_of(study);

	(void)state;
	assert_non_null(strstr(page, "id=\"run-b:2foff:2f16\""));
	assert_null(strstr(page, "c/off/"));
	assert_null(strstr(page, "run-c:"));
	assert_non_null(strstr(page, "<p>1 of 4, those that the figures"));
	assert_non_null(strstr(page, "3 more, from which ranges, tables and claims are made as "
				     "well, are not on this page: <a href=\"study.json\">"));
	free(page);
	json_decref(study);
}

static void page_with_every_run_speaks_of_no_others(void **state)
{
	json_t *study = study_with_unlinked(0);
	char *page = page_of(study);

	(void)state;
	assert_non_null(strstr(page, "<p>1 of 1, "));
	assert_null(strstr(page, "not on this page"));
	free(page);
	json_decref(study);
}

static void every_run_that_is_there_can_be_reached_by_its_link(void **state)
{
	json_t *study = study_with_unlinked(2), *points;
	char *page;

	(void)state;
	/* A point of another series leads to one of them, another to a run that is not there. */
	points = json_object_get(
		json_array_get(json_object_get(json_array_get(json_object_get(study, "figures"), 0),
					       "series"),
			       1),
		"points");
	json_object_set_new(json_array_get(points, 0), "run", json_string("c/off/1"));
	json_object_set_new(json_array_get(points, 1), "run", json_string("nowhere"));
	page = page_of(study);
	assert_non_null(strstr(page, "href=\"#run-c:2foff:2f1\""));
	assert_non_null(strstr(page, "id=\"run-c:2foff:2f1\""));
	assert_null(strstr(page, "id=\"run-c:2foff:2f0\""));
	assert_non_null(strstr(page, "<p>2 of 3, "));
	free(page);
	json_decref(study);
}

/* The sample, its second figure and its table in a part of a section. */
static json_t *study_with_section(void)
{
	json_t *study = json_of(SAMPLE_STUDY);
	json_t *figures = json_object_get(study, "figures");
	json_t *part = json_pack("{s:s, s:s, s:[s], s:[O], s:O}", "id", "old", "title", "Then",
				 "words", "What it says.", "figures", json_array_get(figures, 1),
				 "tables", json_object_get(study, "tables"));

	json_array_remove(figures, 1);
	json_object_del(study, "tables");
	json_object_set_new(study, "sections",
			    json_pack("[{s:s, s:s, s:[o]}]", "id", "ages", "title", "Ages & after",
				      "parts", part));
	return study;
}

static void a_section_has_what_its_parts_have(void **state)
{
	json_t *study = study_with_section();
	json_t *figures = sections_all(study, "figures"), *tables = sections_all(study, "tables");
	char *page = page_of(study);
	struct capture c;
	struct err err;

	(void)state;
	assert_int_equal(json_array_size(figures), 2);
	assert_int_equal(json_array_size(tables), 1);
	assert_int_equal(markup_count(page, "figure"), 2);
	assert_non_null(strstr(page, "<a href=\"#ages\">Ages &amp; after</a>"));
	assert_non_null(strstr(page, "<section id=\"ages\">\n<h2>Ages &amp; after</h2>"));
	assert_non_null(strstr(page, "<section id=\"old\">\n<h3>Then</h3>"));
	assert_null(strstr(page, "<section id=\"tables\">"));
	capture_open(&c);
	assert_int_equal(study_text(c.out, study, NULL, 0, &err), 0);
	capture_close(&c);
	assert_non_null(strstr(c.text, "\nThen\n\nWhat it says.\n\nTable cycles: T\n"));
	capture_free(&c);
	free(page);
	json_decref(figures);
	json_decref(tables);
	json_decref(study);
}

static void a_page_says_which_command_made_it(void **state)
{
	json_t *study = json_of(SAMPLE_STUDY);
	char *page = page_of(study);

	(void)state;
	assert_non_null(strstr(page, "<p class=\"kicker\">iotoll study: paper</p>"));
	free(page);
	json_object_set_new(study, "study", json_string("compare"));
	json_object_set_new(study, "comparison", json_object());
	page = page_of(study);
	assert_non_null(strstr(page, "<p class=\"kicker\">iotoll compare</p>"));
	free(page);
	json_decref(study);
}

static void what_bands_are_is_said_by_the_figures_note_alone(void **state)
{
	json_t *study = json_of(SAMPLE_STUDY);
	json_t *figure = json_array_get(json_object_get(study, "figures"), 0);
	json_t *point = json_array_get(
		json_object_get(json_array_get(json_object_get(figure, "series"), 0), "points"), 0);
	char *page;

	(void)state;
	json_object_set_new(point, "low", json_real(0));
	json_object_set_new(point, "high", json_real(100));
	json_object_set_new(figure, "note", json_string("Bands: seeds."));
	page = page_of(study);
	assert_non_null(strstr(page, "Bands: seeds."));
	assert_null(strstr(page, "Bands: low"));
	free(page);
	json_decref(study);
}

static void page_fetches_nothing(void **state)
{
	static const char *const foreign[] = {"http", "//",      "<script", "<link",
					      "<img", "@import", "url("};
	json_t *study = json_of(SAMPLE_STUDY);
	char *page = page_of(study);

	(void)state;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		assert_null(strstr(page, foreign[i]));
	free(page);
	json_decref(study);
}

static void ids_of_the_page_are_unique(void **state)
{
	json_t *study = json_of(SAMPLE_STUDY);
	char *page = page_of(study);

	(void)state;
	for (const char *s = page; (s = strstr(s, " id=\"")) != NULL; s++) {
		char id[128];

		snprintf(id, sizeof(id), "%.*s", (int)strcspn(s + 5, "\"") + 6, s);
		assert_null(strstr(s + 1, id));
	}
	free(page);
	json_decref(study);
}

/* Replace every string below @json that is not a kind or scale. */
static void poison(json_t *json, const char *evil)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_string(json)) {
		json_string_set(json, evil);
	} else if (json_is_array(json)) {
		json_array_foreach(json, i, value) poison(value, evil);
	} else if (json_is_object(json)) {
		json_object_foreach(json, key, value) if (strcmp(key, "kind") != 0 &&
							  strcmp(key, "x_scale") != 0)
			poison(value, evil);
	}
}

static void hostile_strings_are_escaped_everywhere(void **state)
{
	json_t *study = json_of(SAMPLE_STUDY);
	char *page;

	(void)state;
	poison(study, "</pre></style>\"'><script>alert(1)</script>&\x02\xc2\xb5");
	page = page_of(study);
	assert_null(strstr(page, "<script"));
	assert_null(strstr(page, "\x02"));
	free(page);
	json_decref(study);
}

static void members_that_are_missing_are_left_out(void **state)
{
	static const char *const little[] = {
		"{}",
		"{'figures': [{'kind': 'line'}], 'tables': [{}], 'claims': [{}], 'runs': [{}]}",
		"{'figures': {}, 'tables': 3, 'claims': 'x', 'runs': null, 'seed': 'one'}",
		"{'runs': [{'cpu_cycles': {'copy': 0}, 'warnings': [3, {}], 'client': 7}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(little) / sizeof(little[0]); i++) {
		json_t *study = json_of(little[i]);
		struct err err = {""};
		struct capture c;

		free(page_of(study));
		capture_open(&c);
		assert_int_equal(study_text(c.out, study, NULL, 0, &err), 0);
		capture_close(&c);
		capture_free(&c);
		json_decref(study);
	}
}

static void terminal_shows_change_and_ends_with_the_page(void **state)
{
	json_t *study = json_of(SAMPLE_STUDY);
	struct err err = {""};
	struct capture c;

	(void)state;
	capture_open(&c);
	assert_int_equal(study_text(c.out, study, "out/index.html", 100, &err), 0);
	capture_close(&c);
	assert_non_null(strstr(c.text, "-20.0 %\n"));
	assert_non_null(
		strstr(c.text, "claims: holds 1, does not hold 1, not tested 0, reported 0"));
	assert_string_equal(c.text + strlen(c.text) - strlen("\nout/index.html\n"),
			    "\nout/index.html\n");
	capture_free(&c);
	json_decref(study);
}

static void points_measured_twice_at_one_x_are_both_listed(void **state)
{
	json_t *study =
		json_of("{'figures': [{'id': '1', 'kind': 'line', 'x_label': 'us', 'series': ["
			"{'name': 'off', 'points': [{'x': 5, 'y': 2}, {'x': 5, 'y': 1}]},"
			"{'name': 'on', 'points': [{'x': 5, 'y': 4}, {'x': 6, 'y': 0}]}]}]}");
	struct err err = {""};
	struct capture c;

	(void)state;
	capture_open(&c);
	assert_int_equal(report_study_text(c.out, study, &err), 0);
	assert_string_equal(capture_close(&c), "\nFigure 1\n"
					       "us    off     on    change\n"
					       "--------------------------\n"
					       " 5  1.000  4.000  +300.0 %\n"
					       " 5  2.000      -         -\n"
					       " 6      -  0.000         -\n");
	capture_free(&c);
	json_decref(study);
}

static void run_prints_netperf_columns_to_the_byte(void **state)
{
	json_t *run = json_of(SAMPLE_RUN);
	struct err err = {""};
	struct capture c;

	(void)state;
	capture_open(&c);
	assert_int_equal(run_text(c.out, run, RUN_TEXT_FULL, 100, &err), 0);
	assert_string_equal(
		capture_close(&c),
		"b/off/16, scenario bare-metal\n"
		"seed 1, iotoll 0.1.0\n"
		"warning:  client CPU 0 above 95 %\n"
		"\n"
		"  Recv    Send     Send                       Utilization            Service "
		"Demand\n"
		"Socket  Socket  Message  Elapsed                     Send      Recv            "
		"Send "
		"   Recv\n"
		"  Size    Size     Size     Time  Throughput        local    remote           "
		"local "
		" remote\n"
		" bytes   bytes    bytes    secs.  10^6bits/s     % of 200  % of 800           "
		"us/KB "
		"  us/KB\n"
		"----------------------------------------------------------------------------------"
		"--"
		"-------\n"
		"     -       -       16    10.00       50.00        54.10    134.10           "
		"2.140 "
		"  5.911\n"
		"\n"
		"CPU time  cycles  per KB  % of busy\n"
		"-------------------------------------------------------------------\n"
		"copy         600     0.0       75.0  ##############################\n"
		"map          200     0.0       25.0  ##########\n"
		"idle          50     0.0\n"
		"\n"
		"Run\n"
		"  payload_bytes  62500000\n"
		"  cpu_percent    134.1 0\n"
		"\n"
		"Settings\n"
		"  load.message_bytes  16\n"
		"  iommu.strategy      off\n"
		"\n"
		"Client\n"
		"  cpu_utilization_percent   54.1\n"
		"  cpu_max_percent           200\n"
		"  service_demand_us_per_kb  2.14\n"
		"\n"
		"DMA layer\n"
		"  maps       7\n"
		"  new.field  kept\n");
	capture_free(&c);
	json_decref(run);
}

static void command_is_quoted_for_a_shell(void **state)
{
	json_t *run = json_of("{'scenario': 'my scenario', 'settings': {'a.b': 'x y'}}");
	char *command = run_command(run);

	(void)state;
	assert_string_equal(command, "iotoll run 'my scenario' --set 'a.b=x y'");
	free(command);
	json_object_set_new(run, "scenario", json_string("it's; rm -rf $HOME"));
	json_object_del(run, "settings");
	command = run_command(run);
	assert_string_equal(command, "iotoll run 'it'\\''s; rm -rf $HOME'");
	free(command);
	json_object_set_new(run, "command", json_pack("[s,s,s]", "iotoll", "run", ""));
	command = run_command(run);
	assert_string_equal(command, "iotoll run ''");
	free(command);
	json_decref(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_is_well_formed_and_whole),
		cmocka_unit_test(page_has_the_runs_that_figures_link_to_and_no_others),
		cmocka_unit_test(page_with_every_run_speaks_of_no_others),
		cmocka_unit_test(every_run_that_is_there_can_be_reached_by_its_link),
		cmocka_unit_test(a_section_has_what_its_parts_have),
		cmocka_unit_test(a_page_says_which_command_made_it),
		cmocka_unit_test(what_bands_are_is_said_by_the_figures_note_alone),
		cmocka_unit_test(page_fetches_nothing),
		cmocka_unit_test(ids_of_the_page_are_unique),
		cmocka_unit_test(hostile_strings_are_escaped_everywhere),
		cmocka_unit_test(members_that_are_missing_are_left_out),
		cmocka_unit_test(terminal_shows_change_and_ends_with_the_page),
		cmocka_unit_test(points_measured_twice_at_one_x_are_both_listed),
		cmocka_unit_test(run_prints_netperf_columns_to_the_byte),
		cmocka_unit_test(command_is_quoted_for_a_shell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
