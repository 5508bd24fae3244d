/* SPDX-License-Identifier: MIT */
/* Timelines of whole runs: they change nothing, and add up to what the run's result says. */
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "../watch/timeline_read.h"
#include "sim/cpu.h"
#include "study/run.h"
#include "study/study.h"
#include "watch/timeline.h"

#define SUT_CPUS 3 /* the first machine's process */

static json_t *run(const char *const *sets, struct timeline *t)
{
	const struct run_options options = {.timeline = t};
	json_t *result = NULL;
	struct scenario s;
	struct err err = {{0}};
	int rc;

	assert_int_equal(scenario_init(&s), 0);
	assert_int_equal(scenario_read(&s, "bare-metal", &err), 0);
	assert_int_equal(scenario_set(&s, "run.duration=4 ms", &err), 0);
	for (; *sets; sets++)
		assert_int_equal(scenario_set(&s, *sets, &err), 0);
	rc = scenario_finish(&s, &err);
	if (!rc)
		rc = run_scenario(&s, &options, &result, &err);
	if (rc)
		print_error("%s\n", err.text);
	assert_int_equal(rc, 0);
	scenario_fini(&s);
	return result;
}

/* With and without a timeline: the same result, bit by bit. The events, and *@result. */
static json_t *watched(const char *const *sets, json_t **result)
{
	char path[] = "/tmp/iotoll-timeline-XXXXXX", *plain, *shown;
	const int fd = mkstemp(path);
	struct timeline_config config = {.most = TIMELINE_EVENTS};
	json_t *alone = run(sets, NULL), *events;
	struct timeline *t;
	bool cut = true;

	assert_true(fd >= 0);
	config.to = fdopen(fd, "w");
	assert_non_null(config.to);
	assert_int_equal(timeline_create(&t, &config), 0);
	*result = run(sets, t);
	assert_int_equal(timeline_finish(t, &cut), 0);
	assert_false(cut);
	timeline_destroy(t);
	fclose(config.to);
	plain = json_dumps(alone, 0);
	shown = json_dumps(*result, 0);
	assert_string_equal(plain, shown);
	free(plain);
	free(shown);
	json_decref(alone);
	events = tl_read(path, true);
	unlink(path);
	return events;
}

#define WATCHED(result, ...) watched((const char *const[]){__VA_ARGS__, NULL}, result)

static uint64_t sum(const json_t *events, unsigned pid, const char *name)
{
	uint64_t ps = 0;
	json_t *e;
	size_t i;

	json_array_foreach(events, i,
			   e) if (tl_thread(e) >> 32 == pid && *tl_string(e, "ph") == 'X' &&
				  !strcmp(tl_string(e, "name"), name)) ps += tl_ps(e, "dur");
	return ps;
}

/* Without a warm-up everything is measured, from the first instant to the last byte read. */
static void slices_add_up_to_the_accounts(void **state)
{
	json_t *result, *events = WATCHED(&result, "run.warmup=0 ms", "iommu.model=vtd",
					  "dma.strategy=strict");
	const double mhz = result_number(result, "cpu_clock_mhz");

	(void)state;
	for (int c = 0; c < CHARGE_COUNT; c++) {
		const char *name = charge_name((enum charge)c);
		char path[64];
		double cycles;

		snprintf(path, sizeof(path), "cpu_cycles.%s", name);
		cycles = result_number(result, path);
		assert_true(fabs((double)sum(events, SUT_CPUS, name) * mhz / 1e6 - cycles) <= 1);
	}
	assert_true(sum(events, SUT_CPUS, "flush") > 0);
	json_decref(events);
	json_decref(result);
}

static void every_map_and_invalidation_is_there(void **state)
{
	json_t *result, *events = WATCHED(&result, "run.warmup=0 ms", "iommu.model=vtd",
					  "dma.strategy=strict");
	const double maps = result_number(result, "dma.maps");
	const double forgets = result_number(result, "iommu.invalidations");

	(void)state;
	/* Those of the boot are not counted by the run, but shown; a list is shown in pieces. */
	assert_true(maps > 0 && forgets > 0);
	assert_true(tl_count(events, 'b', "map", 0) >= (unsigned)maps);
	assert_true(tl_count(events, 'i', "pages", 0) >= (unsigned)forgets);
	json_decref(events);
	json_decref(result);
}

static void deferred_and_copying_strategies_are_watched_too(void **state)
{
	static const char *const names[] = {"dma.strategy=deferred", "dma.strategy=shadow",
					    "dma.strategy=identity"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		json_t *result,
			*events = WATCHED(&result, "run.warmup=1 ms", "iommu.model=vtd", names[i]);

		assert_true(tl_count(events, 'b', "map", 0) > 0);
		json_decref(events);
		json_decref(result);
	}
}

static void domains_of_a_hypervisor_have_processes_of_their_own(void **state)
{
	json_t *result,
		*events = WATCHED(&result, "run.warmup=1 ms", "platform.kind=domu", "sut.app_cpu=0",
				  "iommu.model=calgary", "dma.strategy=strict");

	(void)state;
	assert_true(tl_count(events, 'X', "hypervisor", 0) > 0);
	/* mappings, IOTLB, ours, and three each of dom0, domU and the client */
	assert_int_equal(tl_count(events, 'M', "process_name", 0), 3 + 3 * 3);
	json_decref(events);
	json_decref(result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slices_add_up_to_the_accounts),
		cmocka_unit_test(every_map_and_invalidation_is_there),
		cmocka_unit_test(deferred_and_copying_strategies_are_watched_too),
		cmocka_unit_test(domains_of_a_hypervisor_have_processes_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
