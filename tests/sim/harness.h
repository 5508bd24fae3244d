/* SPDX-License-Identifier: MIT */
/* A machine with round numbers, so that a test can say what an operation costs in its head. */
#ifndef IOTOLL_TESTS_SIM_HARNESS_H
#define IOTOLL_TESTS_SIM_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/machine.h"

/* Costs are powers of ten or distinct multiples, in picoseconds. */
static inline struct profile harness_profile(unsigned cpus)
{
	return (struct profile){
		.name = "test",
		.clock_mhz = 1000,
		.cpus = cpus,
		.memory_bytes = 16 << 20,
		.l2_bytes = 64 * 1024,
		.l2_ways = 4,
		.cost = {.dram_miss = 100000,
			 .line_transfer = 200000,
			 .cache_hit = 1000,
			 .copy_cold = 50000,
			 .copy_warm = 10000,
			 .clflush = 70000,
			 .locked_rmw = 40000,
			 .irq_flags = 2000,
			 .mmio_read = 700000,
			 .mmio_write = 30000,
			 .interrupt = 500000,
			 .context_switch = 900000,
			 .ipi = 300000,
			 .wakeup = 60000,
			 .posted_write_latency = 150000},
	};
}

static inline struct machine *harness_machine(struct sim *sim, unsigned cpus)
{
	const struct profile p = harness_profile(cpus);
	struct machine *m = NULL;
	struct err err = {{0}};

	assert_int_equal(machine_create(&m, sim, &p, &err), 0);
	return m;
}

static inline uint64_t harness_seed(void)
{
	const char *text = getenv("IOTOLL_TEST_SEED");
	const uint64_t seed = text ? strtoull(text, NULL, 0) : 20070627;

	print_message("seed %llu (IOTOLL_TEST_SEED)\n", (unsigned long long)seed);
	return seed;
}

#endif
