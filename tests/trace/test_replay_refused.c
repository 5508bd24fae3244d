// SPDX-License-Identifier: MIT
/* What a replay refuses, and its words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "replay_scene.h"

static void configurations_that_cannot_be_are_refused(void **state)
{
	struct replay_config config[4];
	struct replay_result r;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		config[i] = config_of("strict");
	config[0].iommu = "tarragon";
	config[1].strategy = "lenient";
	config[2].table_entries = 1000;
	config[3].cpus = 1000;
	for (unsigned i = 0; i < 4; i++) {
		struct err err = {""};

		assert_int_equal(run_text(SIX, &config[i], &r, &err), -22);
		assert_true(err.text[0] != '\0');
	}
}

static void a_trace_without_maps_is_refused(void **state)
{
	const struct replay_config config = config_of("strict");
	struct replay_result r;
	struct err err = {""};

	(void)state;
	assert_int_equal(
		run_text("# tracer: nop\n t-1 [000] 1.5: sched_switch: x\n", &config, &r, &err),
		-22);
	assert_string_equal(err.text, "text: no map or unmap event in 2 lines: expected events of "
				      "iommu:map and iommu:unmap");
}

static void a_recording_of_years_is_refused(void **state)
{
	const struct replay_config config = config_of("strict");
	struct replay_result r;
	struct err err = {""};

	(void)state;
	assert_int_equal(run_text(MAP1("1.0", "0x1000", "0x8000") UNMAP1("99999999.0", "0x1000"),
				  &config, &r, &err),
			 -22);
	assert_non_null(strstr(err.text, "text:2: expected a recording of at most"));
}

static void a_malformed_line_ends_the_replay_with_its_place(void **state)
{
	const struct replay_config config = config_of("strict");
	struct replay_result r;
	struct err err = {""};

	(void)state;
	assert_int_equal(run_text(MAP1("1.0", "0x1000", "0x8000") MAP1("1.1", "0x2000", "0x8000")
					  UNMAP1("1.2", "0x1001"),
				  &config, &r, &err),
			 -22);
	assert_non_null(strstr(err.text, "text:3: unmap: expected an iova"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configurations_that_cannot_be_are_refused),
		cmocka_unit_test(a_trace_without_maps_is_refused),
		cmocka_unit_test(a_recording_of_years_is_refused),
		cmocka_unit_test(a_malformed_line_ends_the_replay_with_its_place),
	};

	return cmocka_run_group_tests(tests, load_profile, NULL);
}
