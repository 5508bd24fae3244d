/* SPDX-License-Identifier: MIT */
/* The study of the paper on disks: its judge and its table, held against made-up results. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "study/paper_disk.h"

static struct paper paper;

static int declare(void **state)
{
	struct err err = {{0}};

	(void)state;
	return paper_init(&paper, 1, &err);
}

static int forget(void **state)
{
	(void)state;
	paper_fini(&paper);
	return 0;
}

static void files(double mb, double cost)
{
	static const char *const ids[] = {"mixed", "random-direct", "sequential"};
	static const char *const tails[] = {"", "/seed2", "/seed3"};

	for (int f = 0; f < 3; f++) {
		for (int t = 0; t < 3; t++) {
			char name[96];

			for (size_t i = 0; i < paper.study.count; i++) {
				struct study_point *x = &paper.study.point[i];
				const bool on =
					!strcmp(x->id, paper_id(name, "ffsb/bare-metal/%s/on%s",
								ids[f], tails[t]));

				if (!on && strcmp(x->id, paper_id(name, "ffsb/bare-metal/%s/off%s",
								  ids[f], tails[t])) != 0)
					continue;
				json_decref(x->result);
				/* 1e6 KiB of disk for 1e6 maps, in as long as @mb says */
				x->result = json_pack("{s:f, s:f, s:{s:f, s:f}, s:{s:f, s:f}}",
						      "elapsed_s", on ? 100 / mb : 1.0,
						      "cpu_utilization_percent",
						      on ? cost * mb : 100.0, "disk", "bytes_read",
						      1024e6, "bytes_written", 0.0, "dma", "maps",
						      1e6, "single_entry_fraction", f ? 0.75 : 1.0);
			}
		}
	}
}

static const char *cell(const json_t *table, const char *row, size_t column)
{
	const json_t *cells;
	size_t i;

	json_array_foreach(json_object_get(table, "rows"), i, cells)
	{
		if (!strcmp(json_string_value(json_array_get(cells, 0)), row))
			return json_string_value(json_array_get(cells, column));
	}
	fail_msg("no row %s", row);
	return "";
}

static void a_guests_row_tells_dom0s_part(void **state)
{
	static const char *const domains =
		"{s:f, s:f, s:{s:[{s:[{s:f}, {s:f}]}, {s:[{s:f}]}]}, s:{s:f, s:f}}";
	json_t *table;

	(void)state;
	for (size_t i = 0; i < paper.study.count; i++) {
		struct study_point *x = &paper.study.point[i];
		const bool on = !strcmp(x->id, "ffsb/domu/mixed/on");

		if (!on && strcmp(x->id, "ffsb/domu/mixed/off") != 0)
			continue;
		json_decref(x->result);
		x->result = json_pack(domains, "elapsed_s", 1.0, "cpu_utilization_percent",
				      on ? 110.0 : 100.0, "xen", "domains", "vcpus", "percent",
				      on ? 35.0 : 25.0, "percent", 15.25, "vcpus", "percent", 59.75,
				      "disk", "bytes_read", 1024e6, "bytes_written", 0.0);
		assert_non_null(x->result);
	}
	table = paper_disk_table(&paper);
	assert_string_equal(cell(table, "a bit of everything, 16 threads, domU", 5),
			    "100.0 (40.2)");
	assert_string_equal(cell(table, "a bit of everything, 16 threads, domU", 6),
			    "110.0 (50.2)");
	assert_string_equal(cell(table, "a bit of everything, 16 threads, domU", 7), "+10.0");
	assert_string_equal(cell(table, "a bit of everything, 16 threads, dom0", 5), "-");
	json_decref(table);
}

static int ffsb_says(void)
{
	struct claim_result r = {.verdict = VERDICT_NOT_TESTED, .note = ""};

	paper_judge_ffsb(&paper, &r);
	return (int)r.verdict;
}

static void ffsb_is_comparable_within_a_factor_of_three_a_map(void **state)
{
	double least, greatest;

	(void)state;
	/* The network: 1 us a map. 1e6 KiB and 1e6 maps. */
	for (size_t i = 0; i < paper.study.count; i++) {
		struct study_point *x = &paper.study.point[i];
		const bool on = !strcmp(x->id, "m16384/on");

		if (!on && strcmp(x->id, "m16384/off") != 0)
			continue;
		json_decref(x->result);
		x->result = json_pack("{s:f, s:f, s:{s:f}}", "service_demand_us_per_kb",
				      on ? 2.0 : 1.0, "payload_bytes", 1024e6, "dma", "maps", 1e6);
	}
	files(100, 1.5); /* half a us a map */
	assert_int_equal(ffsb_says(), VERDICT_HOLDS);
	files(94, 1.5);
	assert_int_equal(ffsb_says(), VERDICT_FAILS);
	files(100, 4.1);
	assert_int_equal(ffsb_says(), VERDICT_FAILS);
	files(100, 1.3);
	assert_int_equal(ffsb_says(), VERDICT_FAILS);
	files(100, 0.9);
	assert_int_equal(ffsb_says(), VERDICT_FAILS);
	paper_disk_single(&paper, &least, &greatest);
	assert_true(fabs(least - 75) < 1e-9 && fabs(greatest - 100) < 1e-9);
}

static void without_runs_nothing_is_judged(void **state)
{
	double least, greatest;

	(void)state;
	assert_int_equal(ffsb_says(), VERDICT_NOT_TESTED);
	paper_disk_single(&paper, &least, &greatest);
	assert_true(isnan(least) && isnan(greatest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_runs_nothing_is_judged),
		cmocka_unit_test(a_guests_row_tells_dom0s_part),
		cmocka_unit_test(ffsb_is_comparable_within_a_factor_of_three_a_map),
	};

	return cmocka_run_group_tests(tests, declare, forget);
}
