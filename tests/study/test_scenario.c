/* SPDX-License-Identifier: MIT */
/* Scenarios: defaults, reading, setting, refusing with words, writing back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/time.h"
#include "study/scenario.h"

static int setup(void **state)
{
	struct scenario *s = calloc(1, sizeof(*s));

	assert_int_equal(scenario_init(s), 0);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	scenario_fini(*state);
	free(*state);
	return 0;
}

static void refuse(struct scenario *s, const char *assignment, const char *words)
{
	struct err err = {{0}};

	assert_int_equal(scenario_set(s, assignment, &err), -EINVAL);
	assert_string_equal(err.text, words);
}

static void every_default_is_accepted_by_its_own_row(void **state)
{
	struct scenario *s = *state;
	const struct param *p;
	char text[256];
	struct err err;
	size_t n = 0;

	for (; (p = scenario_param(n)); n++) {
		snprintf(text, sizeof(text), "%s.%s=%s", p->section, p->key, p->fallback);
		assert_int_equal(scenario_set(s, text, &err), 0);
		assert_true(strlen(p->help) > 0);
	}
	assert_true(n > 30);
	assert_int_equal(s->message_bytes, 16384);
	assert_int_equal(s->duration_ps, SIM_S);
	assert_string_equal(s->sut.profile, "x460-2007");
}

static void values_take_units_and_names(void **state)
{
	struct scenario *s = *state;
	struct err err;

	assert_int_equal(scenario_set(s, "run.duration = 2.5 ms", &err), 0);
	assert_int_equal(s->duration_ps, 2500 * SIM_US);
	assert_int_equal(scenario_set(s, "load.nodelay=on", &err), 0);
	assert_int_equal(s->nodelay, 1);
	assert_int_equal(scenario_set(s, "sut.estimates=high", &err), 0);
	assert_int_equal(s->sut.estimates, 2);
	assert_int_equal(scenario_set(s, "iommu.iotlb_policy=fifo", &err), 0);
	assert_string_equal(s->iotlb_policy, "fifo");
}

static void typos_get_the_nearest_name(void **state)
{
	struct err err = {{0}};

	refuse(*state, "load.mesage_bytes=64",
	       "load.mesage_bytes: unknown key; did you mean load.message_bytes?");
	refuse(*state, "message_bytes=64", "'message_bytes=64': expected section.key=value");
	refuse(*state, "dma.message_bytes=64",
	       "dma.message_bytes: unknown key; did you mean load.message_bytes?");
	assert_int_equal(scenario_set(*state, "iommu.model=calgari", &err), -EINVAL);
	assert_non_null(strstr(err.text, "iommu.model: 'calgari' is not one of none, calgary"));
	assert_non_null(strstr(err.text, "; did you mean calgary?"));
	refuse(*state, "load.nodelay=yes", "load.nodelay: 'yes' is not one of off, on");
	refuse(*state, "zzz.qqq=1", "zzz.qqq: unknown key; 'iotoll list settings' shows all");
}

static void values_out_of_range_or_without_unit_are_refused(void **state)
{
	struct scenario *s = *state;
	struct err err;

	refuse(s, "load.message_bytes=0",
	       "load.message_bytes: '0' is out of range, expected 1 to 1048576");
	refuse(s, "iommu.iotlb_line_pages=17",
	       "iommu.iotlb_line_pages: '17' is out of range, expected 1 to 16");
	assert_int_equal(scenario_set(s, "run.duration=1", &err), -EINVAL);
	assert_non_null(strstr(err.text, "run.duration: "));
	assert_int_equal(scenario_set(s, "run.duration=1 parsec", &err), -EINVAL);
	assert_int_equal(scenario_set(s, "load.message_bytes=64 B", &err), -EINVAL);
	assert_int_equal(scenario_set(s, "load.message_bytes=-1", &err), -EINVAL);
	/* and nothing changed */
	assert_int_equal(s->message_bytes, 16384);
	assert_int_equal(s->duration_ps, SIM_S);
}

static uint64_t settle(const char *model, const char *set, size_t field)
{
	struct scenario s;
	struct err err;
	uint64_t value;

	assert_int_equal(scenario_init(&s), 0);
	assert_int_equal(scenario_setf(&s, &err, "iommu.model=%s", model), 0);
	if (set)
		assert_int_equal(scenario_set(&s, set, &err), 0);
	assert_int_equal(scenario_finish(&s, &err), 0);
	memcpy(&value, (char *)&s + field, sizeof(value));
	scenario_fini(&s);
	return value;
}

static void what_is_left_to_the_model_is_settled_by_it(void **state)
{
	const size_t table = offsetof(struct scenario, table_entries),
		     lines = offsetof(struct scenario, iotlb_entries),
		     ways = offsetof(struct scenario, iotlb_ways),
		     line = offsetof(struct scenario, iotlb_line_pages);

	(void)state;
	assert_int_equal(settle("calgary", NULL, table), 1048576);
	assert_int_equal(settle("calgary", NULL, lines), 64);
	assert_int_equal(settle("calgary", NULL, ways), 4);
	assert_int_equal(settle("calgary", NULL, line), 1);
	assert_int_equal(settle("none", NULL, table), 1048576);
	for (int u4 = 0; u4 < 2; u4++) {
		const char *model = u4 ? "dart-u4" : "dart-u3";

		assert_int_equal(settle(model, NULL, table), 524288); /* 2 MiB of 4 bytes */
		assert_int_equal(settle(model, NULL, lines), 128);    /* 32 sets of 4 */
		assert_int_equal(settle(model, NULL, ways), 4);
		assert_int_equal(settle(model, NULL, line), 4);
	}
	assert_int_equal(settle("riommu", NULL, table), 1024); /* of each ring */
	assert_int_equal(settle("riommu", NULL, lines), 64);
	assert_int_equal(settle("riommu", NULL, ways), 0);
	assert_int_equal(settle("riommu", NULL, line), 1);
	assert_int_equal(settle("dart-u4", "iommu.iotlb_entries=8", lines), 8);
	assert_int_equal(settle("dart-u4", "iommu.table_entries=2048", table), 2048);
}

static void impossible_combinations_are_refused(void **state)
{
	struct scenario *s = *state;
	struct err err;

	assert_int_equal(scenario_set(s, "dma.strategy=strict", &err), 0);
	assert_int_equal(scenario_finish(s, &err), -EINVAL);
	assert_string_equal(
		err.text,
		"--set dma.strategy: 'strict' needs an IOMMU but iommu.model is none; expected "
		"off, auto, or a model");
	assert_int_equal(scenario_set(s, "dma.strategy=auto", &err), 0);
	assert_int_equal(scenario_set(s, "inject.corrupt_tce=1 ms", &err), 0);
	assert_int_equal(scenario_finish(s, &err), -EINVAL);
	assert_non_null(strstr(err.text, "inject.corrupt_tce"));
}

static void combination(const char *const set[], const char *words)
{
	struct scenario s;
	struct err err = {{0}};

	assert_int_equal(scenario_init(&s), 0);
	for (; *set; set++)
		assert_int_equal(scenario_set(&s, *set, &err), 0);
	assert_int_equal(scenario_finish(&s, &err), words ? -EINVAL : 0);
	if (words)
		assert_string_equal(err.text, words);
	scenario_fini(&s);
}

static void allocators_and_locks_that_do_not_go_together_are_refused_at_their_key(void **state)
{
	(void)state;
	combination(
		(const char *[]){"iommu.model=vtd", "dma.allocator=magazines", NULL},
		"--set dma.allocator: strategy deferred flushes when its allocator wraps, which "
		"magazines never does: expected next-fit or another that does");
	combination((const char *[]){"iommu.model=vtd", "dma.strategy=strict",
				     "dma.allocator=magazines", "dma.start=random", NULL},
		    "--set dma.start: allocator magazines searches in no laps; expected bottom");
	combination((const char *[]){"iommu.model=dart-u4", "dma.locks=split", NULL},
		    "--set dma.locks: split locks: driver dart-u4 is not made for them; "
		    "expected one");
	/* DART flushes what it maps, so that no allocator need wrap. */
	combination((const char *[]){"iommu.model=dart-u4", "dma.allocator=tree", "dma.locks=auto",
				     NULL},
		    NULL);
}

static void locks_are_split_where_it_is_said_or_the_kernel_had_it(void **state)
{
	static const struct {
		const char *model, *locks;
		bool split;
	} row[] = {{"calgary", "auto", false}, {"calgary", "split", true},
		   {"vtd", "auto", true},      {"vtd", "one", false},
		   {"amdvi", "auto", true},    {"dart-u4", "auto", false}};
	struct err err = {{0}};

	(void)state;
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct scenario s;

		assert_int_equal(scenario_init(&s), 0);
		assert_false(scenario_splits_locks(&s));
		assert_int_equal(scenario_setf(&s, &err, "iommu.model=%s", row[i].model), 0);
		assert_int_equal(scenario_setf(&s, &err, "dma.locks=%s", row[i].locks), 0);
		assert_int_equal(scenario_finish(&s, &err), 0);
		assert_int_equal(scenario_splits_locks(&s), row[i].split);
		scenario_fini(&s);
	}
}

static void auto_strategy_follows_the_iommu(void **state)
{
	struct scenario *s = *state;
	struct scenario with;
	struct err err;

	assert_int_equal(scenario_copy(&with, s), 0);
	assert_int_equal(scenario_finish(s, &err), 0);
	assert_string_equal(s->strategy, "off");
	assert_int_equal(scenario_set(&with, "iommu.model=calgary", &err), 0);
	assert_int_equal(scenario_finish(&with, &err), 0);
	assert_string_equal(with.strategy, "deferred");
	scenario_fini(&with);
}

static void profile_numbers_can_be_overridden(void **state)
{
	struct scenario *s = *state;
	struct err err;
	char *text;

	assert_int_equal(scenario_set(s, "sut.memory.dram_miss=150 ns", &err), 0);
	assert_int_equal(scenario_set(s, "sut.memory.dram_miss=140 ns", &err), 0);
	assert_int_equal(scenario_set(s, "client.cpu.syscall=1 us", &err), 0);
	assert_string_equal(s->sut_override[0], "memory.dram_miss=140 ns");
	assert_null(s->sut_override[1]);
	assert_string_equal(s->client_override[0], "cpu.syscall=1 us");
	text = scenario_text(s);
	assert_non_null(strstr(text, "[sut.memory]\ndram_miss = 140 ns\n"));
	free(text);
}

/* Write @text into a temporary file, read it, and give the answer. */
static int read_text(struct scenario *s, const char *text, struct err *err)
{
	char path[] = "/tmp/iotoll-scenario-XXXXXX.ini";
	const int fd = mkstemps(path, 4);
	int rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
	rc = scenario_read(s, path, err);
	unlink(path);
	return rc;
}

static void the_effective_text_reads_back_the_same(void **state)
{
	struct scenario *s = *state, copy;
	struct err err = {{0}};
	char *text, *again;

	assert_int_equal(scenario_set(s, "load.message_bytes=777", &err), 0);
	assert_int_equal(scenario_set(s, "sut.iommu.walk_read=0 ns", &err), 0);
	text = scenario_text(s);
	assert_int_equal(scenario_init(&copy), 0);
	assert_int_equal(read_text(&copy, text, &err), 0);
	again = scenario_text(&copy);
	assert_string_equal(text, again);
	assert_int_equal(copy.message_bytes, 777);
	free(text);
	free(again);
	scenario_fini(&copy);
}

static void errors_in_files_name_file_line_and_key(void **state)
{
	struct err err = {{0}};

	assert_int_equal(read_text(*state, "[load]\n\nname = tcp_strem\n", &err), -EINVAL);
	assert_non_null(strstr(err.text, ".ini:3: load.name: 'tcp_strem' is not one of"));
	assert_non_null(strstr(err.text, "did you mean tcp_stream?"));
	assert_int_equal(read_text(*state, "[run]\nspeed = 3\n", &err), -EINVAL);
	assert_non_null(strstr(err.text, ".ini:2: run.speed: unknown key"));
	assert_int_equal(read_text(*state, "[run\nseed = 3\n", &err), -EINVAL);
	assert_non_null(strstr(err.text, ".ini:1:"));
}

static void an_unknown_scenario_lists_what_there_is(void **state)
{
	struct err err = {{0}};

	assert_int_equal(scenario_read(*state, "bare-metall", &err), -ENOENT);
	assert_non_null(strstr(err.text, "did you mean bare-metal?"));
	assert_int_equal(scenario_read(*state, "./nowhere.ini", &err), -ENOENT);
	assert_non_null(strstr(err.text, "./nowhere.ini"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_default_is_accepted_by_its_own_row),
		CASE(values_take_units_and_names),
		CASE(typos_get_the_nearest_name),
		CASE(values_out_of_range_or_without_unit_are_refused),
		CASE(what_is_left_to_the_model_is_settled_by_it),
		CASE(impossible_combinations_are_refused),
		CASE(allocators_and_locks_that_do_not_go_together_are_refused_at_their_key),
		CASE(locks_are_split_where_it_is_said_or_the_kernel_had_it),
		CASE(auto_strategy_follows_the_iommu),
		CASE(profile_numbers_can_be_overridden),
		CASE(the_effective_text_reads_back_the_same),
		CASE(errors_in_files_name_file_line_and_key),
		CASE(an_unknown_scenario_lists_what_there_is),
	};

	return cmocka_run_group_tests_name("study/scenario", tests, NULL, NULL);
}
