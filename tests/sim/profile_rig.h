/* SPDX-License-Identifier: MIT */
/* A small profile in a scratch file, with lines replaced, for the tests of its loader. */
#ifndef IOTOLL_TESTS_SIM_PROFILE_RIG_H
#define IOTOLL_TESTS_SIM_PROFILE_RIG_H

#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "sim/profile.h"

/* A profile of one line a key, so that line numbers are array positions plus one. */
static const char *const good[] = {
	"[machine]",
	"title = Test machine",
	"clock = 2 GHz | published | a",
	"cpus = 4 | published | a",
	"memory = 1 GiB | estimated 1..4 | a",
	"l2 = 1 MiB | estimated 1..2 | a",
	"l2_ways = 8 | measured | a",
	"[memory]",
	"dram_miss = 100 ns | estimated 80..150 | a",
	"line_transfer = 120 ns | published 100..200 | a",
	"cache_hit = 10 cycles | estimated 4..28 | a",
	"copy_cold = 57.6 ns | measured | a",
	"copy_warm = 16 ns | measured | a",
	"clflush = 275 cycles | measured | a",
	"[cpu]",
	"locked_rmw = 132 cycles | measured | a",
	"irq_flags = 125 cycles | measured | a",
	"mmio_read = 750 ns | measured | a",
	"mmio_write = 100 ns | measured | a",
	"interrupt = 1700 cycles | measured | a",
	"syscall = 540 cycles | measured | a",
	"context_switch = 3608 cycles | measured | a",
	"ipi = 1.5 us | measured | a",
	"wakeup = 600 cycles | measured | a",
	"[kernel]",
	"rx_segment = 2600 cycles | measured | a",
	"rx_ack = 1500 cycles | measured | a",
	"tx_segment = 2600 cycles | measured | a",
	"tx_ack = 1400 cycles | measured | a",
	"socket_send = 1200 cycles | measured | a",
	"socket_recv = 1200 cycles | measured | a",
	"driver_rx = 900 cycles | measured | a",
	"driver_tx = 900 cycles | measured | a",
	"driver_poll = 400 cycles | measured | a",
	"irq_body = 600 cycles | measured | a",
	"skb_alloc = 700 cycles | measured | a",
	"app_call = 150 cycles | measured | a",
	"[iommu]",
	"dma_call = 90 cycles | measured | a",
	"bitmap_word = 20 cycles | measured | a",
	"tce_store = 20 cycles | measured | a",
	"walk_read = 250 ns | measured | a",
	"iotlb_hit = 10 ns | measured | a",
	"invalidate = 1.7 us | measured | a",
	"[bus]",
	"overhead = 45 ns | measured | a",
	"byte = 1.18 ns | measured | a",
	"dma_read_latency = 500 ns | measured | a",
	"posted_write_latency = 150 ns | measured | a",
	"[disk]",
	"bio = 1500 cycles | measured | a",
	"request = 6000 cycles | measured | a",
	"segment = 60 cycles | measured | a",
	"driver = 2000 cycles | measured | a",
	"irq_body = 300 cycles | measured | a",
	"fs_call = 800 cycles | measured | a",
	"fs_name = 1200 cycles | measured | a",
	"fs_page = 500 cycles | measured | a",
	"fs_word = 20 cycles | measured | a",
	"adapter_command = 20 us | measured | a",
	"link_byte = 4.706 ns | measured | a",
	"link_latency = 2 us | measured | a",
	"array_command = 25 us | measured | a",
	"array_latency = 200 us | measured | a",
	"cache = 512 MiB | estimated 128..1024 | a",
	"drive = 136 GiB | estimated 34..279 | a",
	"spindles = 8 | estimated 1..16 | a",
	"stripe = 64 KiB | estimated 16..256 | a",
	"seek_track = 0.2 ms | measured | a",
	"seek_average = 3.3 ms | estimated 2.6..3.8 | a",
	"rotation = 4 ms | measured | a",
	"media_byte = 13.7 ns | measured | a",
};

#define LINES (sizeof(good) / sizeof(good[0]))

struct rig {
	char path[256]; /* the profile under test */
	char scratch[64];
	struct profile p;
	struct err err;
};

static inline int rig_make(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	int fd;

	if (!rig)
		return 1;
	strcpy(rig->scratch, "/tmp/iotoll-profile-XXXXXX");
	fd = mkstemp(rig->scratch);
	strcpy(rig->path, rig->scratch);
	*state = rig;
	return fd < 0 || close(fd);
}

static inline int rig_drop(void **state)
{
	struct rig *rig = *state;

	unlink(rig->scratch);
	free(rig);
	return 0;
}

/* Write the good profile with lines @first..@last replaced by @text (NULL: an empty line). */
static inline void write_with(struct rig *rig, unsigned first, unsigned last, const char *text)
{
	FILE *file = fopen(rig->scratch, "w");

	assert_non_null(file);
	for (unsigned i = 0; i < LINES; i++) {
		const bool replaced = i + 1 >= first && i + 1 <= last;

		fprintf(file, "%s\n", replaced ? text ? text : "" : good[i]);
	}
	assert_int_equal(fclose(file), 0);
}

static inline void loads(struct rig *rig, enum estimate end, const char *const *overrides)
{
	if (profile_load(&rig->p, rig->path, end, overrides, &rig->err))
		fail_msg("%s", rig->err.text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_make, rig_drop)

#endif
