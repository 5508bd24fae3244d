/* SPDX-License-Identifier: MIT */
/* Recordings as timelines: each mapping, call and loss is there, whatever the recording lacks. */
#include <stdio.h>
#include <unistd.h>

#include "../watch/timeline_read.h"
#include "replay_scene.h"
#include "trace/export.h"

static json_t *about;

static json_t *exported(const char *path)
{
	char to_path[] = "/tmp/iotoll-export-XXXXXX";
	FILE *to = fdopen(mkstemp(to_path), "w");
	struct trace_exporter *x;
	struct trace_event ev;
	struct err err = {""};
	struct trace *t;
	json_t *events;
	int rc;

	assert_non_null(to);
	assert_int_equal(trace_open(&t, path, NULL, &err), 0);
	trace_want_marks(t);
	assert_int_equal(export_create(&x, to), 0);
	while ((rc = trace_next(t, &ev, &err)) > 0)
		assert_int_equal(export_take(x, &ev), 0);
	assert_int_equal(rc, 0);
	assert_int_equal(export_finish(x, trace_tally(t)), 0);
	export_destroy(x);
	trace_close(t);
	fclose(to);
	json_decref(about);
	about = json_load_file(to_path, 0, NULL);
	events = tl_read(to_path, false);
	unlink(to_path);
	return events;
}

/* Of @text. */
static json_t *of_text(const char *text)
{
	char path[] = "/tmp/iotoll-export-XXXXXX";
	FILE *to = fdopen(mkstemp(path), "w");
	json_t *events;

	assert_non_null(to);
	fputs(text, to);
	fclose(to);
	events = exported(path);
	unlink(path);
	return events;
}

static int forget_about(void **state)
{
	(void)state;
	json_decref(about);
	about = NULL;
	return 0;
}

static uint64_t about_number(const char *key)
{
	return (uint64_t)json_integer_value(
		json_object_get(json_object_get(about, "otherData"), key));
}

#define LINE(cpu, at, rest) " nvme-7 [" cpu "] d..1. " at ": " rest "\n"

static void a_mapping_lives_from_map_to_unmap(void **state)
{
	json_t *events = of_text(MAP1("5.000100", "0xfff00000", "0x1000") MAP1(
		"5.000200", "0xfffa0000", "0x2000") UNMAP1("5.000350", "0xfff00000"));
	json_t *e;
	size_t i;

	(void)state;
	assert_int_equal(tl_count(events, 'b', "map", 0), 2);
	assert_int_equal(tl_count(events, 'e', "map", 0), 2);
	json_array_foreach(events, i, e) if (!strcmp(tl_string(e, "ph"), "e"))
	{
		assert_string_equal(tl_string(e, "id"), "0x1");
		assert_int_equal(tl_ps(e, "ts"), 250000000); /* 250 us after the first event */
		break;
	}
	assert_int_equal(about_number("first_ns"), 5000100000);
	json_decref(events);
}

static void a_list_is_unmapped_at_once_and_strangers_end_nothing(void **state)
{
	json_t *events = of_text(
		MAP1("5.000100", "0xfff00000", "0x1000") MAP1("5.000110", "0xfff01000", "0x7000")
			UNMAP("001", "5.000300", "0xfff00000", "8192", "8192")
				UNMAP1("5.000400", "0x10000"));

	(void)state;
	assert_int_equal(tl_count(events, 'e', "map", 0), 2);
	assert_int_equal(tl_count(events, 'i', "unmap", 0), 1);
	json_decref(events);
}

static void a_call_and_its_return_are_one_slice_and_a_lost_return_leaves_an_instant(void **state)
{
	static const char text[] = LINE(
		"000", "1.000001",
		"map_page: (iommu_dma_map_page+0x0/0x1) dev=\"0000:00:02.0\" off=0 "
		"size=64 dir=1")
		LINE("001", "1.000004",
		     "map_page_ret: (dma_map_page_attrs+0x1/0x2 <- iommu_dma_map_page) "
		     "iova=0xffff0000")
			LINE("000", "1.000009",
			     "map_page: (iommu_dma_map_page+0x0/0x1) dev=\"0000:00:02.0\" off=0 "
			     "size=64 dir=1");
	json_t *events = of_text(text), *e;
	size_t i;

	(void)state;
	assert_int_equal(tl_count(events, 'X', "map_page", 0), 1);
	assert_int_equal(tl_count(events, 'i', "map_page", 0), 1);
	json_array_foreach(events, i, e) if (!strcmp(tl_string(e, "ph"), "X"))
	{
		assert_int_equal(tl_ps(e, "dur"), 3000000);
		assert_string_equal(tl_string(json_object_get(e, "args"), "iova"), "0xffff0000");
		assert_int_equal(tl_thread(e) & UINT32_MAX, 7); /* the task, wherever it ran */
	}
	json_decref(events);
}

static void losses_and_stamps_that_go_back_do_no_harm(void **state)
{
	json_t *events =
		of_text(MAP1("5.000100", "0xfff00000",
			     "0x1000") "CPU:1 [LOST 17 EVENTS]\n" UNMAP1("5.000050", "0xfff00000"));

	(void)state;
	assert_int_equal(tl_count(events, 'i', "lost", 0), 1);
	assert_int_equal(tl_count(events, 'e', "map", 0), 1);
	assert_int_equal(about_number("lost_events"), 17);
	json_decref(events);
}

static void recordings_of_all_kinds_can_be_exported(void **state)
{
	static const char *const paths[] = {
		"/traces/vtd-lazy-rx.probes.txt", "/traces/vtd-strict-rx.iotlb.txt",
		"/traces/tce-veth-boot.txt", "/tests/trace/samples/api-v6.dat",
		"/tests/trace/samples/api-v7.dat"};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char path[512];
		json_t *events;

		snprintf(path, sizeof(path), "%s%s", IOTOLL_SOURCE_ROOT, paths[i]);
		events = exported(path);
		assert_true(json_array_size(events) > 300);
		json_decref(events);
	}
}

/* What is replayed and watched is what is replayed and not watched. */
static void a_replay_is_the_same_with_a_timeline(void **state)
{
	char path[] = "/tmp/iotoll-export-XXXXXX";
	struct timeline_config to = {.most = 100000, .to = fdopen(mkstemp(path), "w")};
	struct replay_config config = config_of("strict");
	struct replay_result plain, shown;
	struct err err;
	json_t *events;
	static const char text[] =
		MAP1("1.000100", "0xfff00000", "0x1000") MAP1("1.000200", "0xfff01000", "0x2000")
			UNMAP1("1.000300", "0xfff00000") UNMAP1("1.000400", "0xfff01000");

	(void)state;
	assert_non_null(to.to);
	memset(&plain, 0, sizeof(plain));
	memset(&shown, 0, sizeof(shown));
	assert_int_equal(run_text(text, &config, &plain, &err), 0);
	assert_int_equal(timeline_create(&config.timeline, &to), 0);
	assert_int_equal(run_text(text, &config, &shown, &err), 0);
	assert_int_equal(timeline_finish(config.timeline, NULL), 0);
	timeline_destroy(config.timeline);
	fclose(to.to);
	assert_memory_equal(&plain, &shown, sizeof(plain));
	events = tl_read(path, true);
	unlink(path);
	assert_int_equal(tl_count(events, 'b', "map", 0), 2);
	assert_true(tl_count(events, 'X', "unmap", 0) >= 2);
	json_decref(events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mapping_lives_from_map_to_unmap),
		cmocka_unit_test(a_list_is_unmapped_at_once_and_strangers_end_nothing),
		cmocka_unit_test(
			a_call_and_its_return_are_one_slice_and_a_lost_return_leaves_an_instant),
		cmocka_unit_test(losses_and_stamps_that_go_back_do_no_harm),
		cmocka_unit_test_teardown(recordings_of_all_kinds_can_be_exported, forget_about),
		cmocka_unit_test(a_replay_is_the_same_with_a_timeline),
	};

	return cmocka_run_group_tests(tests, load_profile, forget_about);
}
