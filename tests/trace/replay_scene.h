/* SPDX-License-Identifier: MIT */
/* Hand-written traces and the machine they are replayed on, for the tests of the replay. */
#ifndef IOTOLL_TESTS_TRACE_REPLAY_SCENE_H
#define IOTOLL_TESTS_TRACE_REPLAY_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "trace/replay.h"

#define PROFILE IOTOLL_SOURCE_ROOT "/profiles/x460-2007.ini"

/* One line of a trace. */
#define MAP(cpu, at, iova, paddr, size) \
	" t-1 [" cpu "] d..1. " at ": map: IOMMU: iova=" iova " paddr=" paddr " size=" size "\n"
#define UNMAP(cpu, at, iova, size, done)                                      \
	" t-1 [" cpu "] d..1. " at ": unmap: IOMMU: iova=" iova " size=" size \
	" unmapped_size=" done "\n"
#define MAP1(at, iova, paddr) MAP("000", at, iova, paddr, "4096")
#define UNMAP1(at, iova)      UNMAP("000", at, iova, "4096", "4096")

static struct profile profile;

static inline int load_profile(void **state)
{
	struct err err;

	(void)state;
	if (profile_load(&profile, PROFILE, ESTIMATE_DEFAULT, NULL, &err) == 0)
		return 0;
	fprintf(stderr, "%s\n", err.text);
	return -1;
}

static inline struct replay_config config_of(const char *strategy)
{
	return (struct replay_config){
		.profile = &profile,
		.cpus = 1,
		.iommu = "calgary",
		.iotlb = {.entries = 64, .ways = 4, .line_pages = 1, .policy = "lru"},
		.strategy = strategy,
		.allocator = "next-fit",
		/* An entry for each page of the profile's 4 GiB where addresses are those, or few.
		 */
		.table_entries =
			strcmp(strategy, "preallocated") && strncmp(strategy, "identity", 8)
				? 8192
				: 1048576,
	};
}

static inline int run_text(const char *text, const struct replay_config *config,
			   struct replay_result *r, struct err *err)
{
	struct trace *t = NULL;
	int rc = trace_open_memory(&t, text, strlen(text), "text", "ftrace", err);

	assert_int_equal(rc, 0);
	rc = replay_run(t, config, r, err);
	trace_close(t);
	return rc;
}

static inline struct replay_result replayed(const char *text, const char *strategy)
{
	const struct replay_config config = config_of(strategy);
	struct replay_result r;
	struct err err = {""};

	if (run_text(text, &config, &r, &err))
		fail_msg("%s", err.text);
	return r;
}

/* Three maps of four pages in all, and their unmaps. */
/* clang-format off */
#define SIX \
	MAP1("1.000000", "0x1000", "0x100000") \
	MAP("000", "1.000010", "0x3000", "0x200000", "8192") \
	UNMAP1("1.001000", "0x1000") \
	MAP1("1.002000", "0x1000", "0x300000") \
	UNMAP("000", "1.003000", "0x3000", "8192", "8192") \
	UNMAP1("1.005000", "0x1000")
/* clang-format on */

#endif
