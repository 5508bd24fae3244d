/* SPDX-License-Identifier: MIT */
/* Recordings by hand and from files, and their replay, for the tests of both. */
#ifndef IOTOLL_TESTS_TRACE_RECORDING_SCENE_H
#define IOTOLL_TESTS_TRACE_RECORDING_SCENE_H

#include "replay_scene.h"

#define TRACES IOTOLL_SOURCE_ROOT "/traces/"

/* clang-format off */
#define QI(cpu, at, word0, word1) \
	" t-1 [" cpu "] d..1. " at ": qi_submit: iotlb_inv dmar0: " word0 " " word1 " 0x0 0x0\n"
#define PAGE(word0, iova) QI("000", "1.0", word0, iova)
#define CALL(cpu, text)  " t-1 [" cpu "] d..1. 1.000000: " text "\n"
/* clang-format on */

static inline struct recording read_text(const char *text)
{
	struct recording r = {.events = 0};
	struct trace *t = NULL;
	struct err err = {""};

	if (trace_open_memory(&t, text, strlen(text), "text", "ftrace", &err) ||
	    recording_read(&r, t, &err))
		fail_msg("%s", err.text);
	trace_close(t);
	return r;
}

static inline struct recording read_file(const char *path)
{
	struct recording r = {.events = 0};
	struct trace *t = NULL;
	struct err err = {""};

	if (trace_open(&t, path, NULL, &err) || recording_read(&r, t, &err))
		fail_msg("%s", err.text);
	trace_close(t);
	return r;
}

/* As on the profile's machine with @cpus CPUs and Linux 6.1. */
static inline struct replay_result replay_on(const struct recording *r, int device,
					     const char *strategy, unsigned cpus)
{
	const struct replay_config config = {
		.profile = &profile,
		.cpus = cpus,
		.iommu = "vtd",
		.iotlb = {.entries = 64, .ways = 4, .line_pages = 1, .policy = "lru"},
		.strategy = strategy,
		.allocator = "magazines",
		.table_entries = 1048576,
		.split_locks = true,
	};
	struct replay_result out;
	struct err err = {""};

	if (replay_recorded(r, device, &config, &out, &err))
		fail_msg("%s", err.text);
	return out;
}

static inline struct replay_result replay_strictly(const struct recording *r, int device,
						   const char *strategy)
{
	return replay_on(r, device, strategy, 1);
}

#endif
