// SPDX-License-Identifier: MIT
/* Replays of the recording that ships with the project. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "replay_scene.h"

#define RECORDING IOTOLL_SOURCE_ROOT "/traces/vtd-strict-rx-4096.trace.txt"

static struct replay_result recording(const struct replay_config *config)
{
	struct replay_result r = {.maps = 0};
	struct trace *t = NULL;
	struct err err = {""};

	if (trace_open(&t, RECORDING, NULL, &err) || replay_run(t, config, &r, &err))
		fail_msg("%s", err.text);
	trace_close(t);
	return r;
}

/* Everything a result says, in text: structures have holes that hold anything. */
static void describe(const struct replay_result *r, char *text, size_t bytes)
{
	const struct exposure_stats *x = &r->exposure;

	(void)snprintf(
		text, bytes,
		"%llu %llu %llu %llu %llu | %llu %llu %llu %llu %llu %llu | %llu %llu %llu | %llu "
		"%llu "
		"%llu %llu %llu %llu %a %a %a %a | %a %a %a",
		(unsigned long long)r->maps, (unsigned long long)r->unmaps,
		(unsigned long long)r->span_ps, (unsigned long long)r->late_events,
		(unsigned long long)r->late_max_ps, (unsigned long long)r->cpu.busy_ps,
		(unsigned long long)r->cpu.ps[CHARGE_MAP],
		(unsigned long long)r->cpu.ps[CHARGE_UNMAP],
		(unsigned long long)r->cpu.ps[CHARGE_FLUSH], (unsigned long long)r->dma.flush_ps,
		(unsigned long long)r->dma.words_searched, (unsigned long long)r->iotlb.misses,
		(unsigned long long)r->iotlb.evictions, (unsigned long long)r->iotlb.hits,
		(unsigned long long)x->stale_pages, (unsigned long long)x->windows,
		(unsigned long long)x->window_p99_ns, (unsigned long long)x->reused_frame_pages,
		(unsigned long long)x->open_oldest_ns, (unsigned long long)x->reachable_bytes,
		x->stale_page_seconds, x->window_mean_ns, x->live_mean_pages, x->stale_mean_pages,
		r->cycles_per_map, r->cycles_per_pair, r->reachable_after[2]);
}

static void two_replays_of_a_recording_are_identical(void **state)
{
	char a[2000], b[2000];

	(void)state;
	for (unsigned i = 0; iotoll_dma_strategy_name(i, NULL); i++) {
		const struct replay_config config = config_of(iotoll_dma_strategy_name(i, NULL));
		struct replay_result r = recording(&config);

		describe(&r, a, sizeof(a));
		r = recording(&config);
		describe(&r, b, sizeof(b));
		assert_string_equal(a, b);
	}
}

/* Entries go as requests end, and the IOTLB forgets them later. */
static bool forgets_late(const char *strategy)
{
	static const char *const names[] = {"deferred", "deferred-tracked", "batched",
					    "flush-queue", "unflushed"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], strategy) == 0)
			return true;
	return false;
}

static void the_recording_under_every_strategy(void **state)
{
	(void)state;
	for (unsigned i = 0; iotoll_dma_strategy_name(i, NULL); i++) {
		const char *strategy = iotoll_dma_strategy_name(i, NULL);
		const struct replay_config config = config_of(strategy);
		const struct replay_result r = recording(&config);

		assert_int_equal(r.trace.maps, 638);
		assert_int_equal(r.trace.unmaps, 641);
		assert_int_equal(r.trace.others, 641);
		assert_int_equal(r.trace.unknown_lines, 0);
		assert_int_equal(r.maps, 638);
		assert_int_equal(r.unmaps, 386);
		assert_int_equal(r.unmatched_unmaps, 255);
		assert_int_equal(r.live_maps, 252);
		assert_int_equal(r.access_faults, 0);
		assert_int_equal(r.exposure.unbalanced_pages, 0);
		if (strcmp(strategy, "strict") == 0) {
			assert_int_equal(r.dma.flushes, 386);
			assert_int_equal(r.exposure.stale_pages, 0);
		} else if (strcmp(strategy, "off") == 0 || strcmp(strategy, "preallocated") == 0) {
			assert_true(r.exposure.untranslated);
		} else if (forgets_late(strategy)) {
			assert_true(r.exposure.stale_pages > 0);
			assert_int_equal(r.exposure.stale_pages, r.exposure.unmapped_pages);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_replays_of_a_recording_are_identical),
		cmocka_unit_test(the_recording_under_every_strategy),
	};

	return cmocka_run_group_tests(tests, load_profile, NULL);
}
