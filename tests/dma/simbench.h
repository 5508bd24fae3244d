/* SPDX-License-Identifier: MIT */
/*
 * A simulated machine with round numbers and a Calgary whose registers only remember, for tests of
 * what the DMA layer is charged and of what it does in virtual time.
 */
#ifndef IOTOLL_TESTS_DMA_SIMBENCH_H
#define IOTOLL_TESTS_DMA_SIMBENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dma_env.h"
#include "iotoll/dma.h"
#include "sim/task.h"
#include "spec/calgary.h"

enum {
	MISS = 100000,
	TRANSFER = 200000,
	HIT = 1000,
	CLFLUSH = 70000,
	RMW = 40000,
	IRQ = 2000,
	READ = 700000,
	WRITE = 30000,
	CALL = 60000,
	WORD = 5000,
	STORE = 8000,
	COLD = 90000,
	WARM = 3000,
};

struct bench {
	struct sim *sim;
	struct machine *machine;
	struct mmio_window regs;
	struct dma_env env;
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device *dev;
	uint64_t reg[CALGARY_WINDOW_BYTES / 8];
	void (*body)(struct bench *b);
	struct cpu_account before;
	bool ran;
};

/* Entering, the lock's word, the table's struct, leaving: all lines warm. */
#define FRAME (CALL + IRQ + RMW + HIT)

/* A domain on bus 2 under @strategy and a device in it; two CPUs. */
void bench_set_up(struct bench *b, const char *strategy);
/* Asserts that no page frame is left allocated. */
void bench_tear_down(struct bench *b);
/* Run @body on @cpu until it is done, and a second beyond. */
void bench_on_cpu(struct bench *b, unsigned cpu, void (*body)(struct bench *b));
/* Start @body on @cpu; sim_run() is the caller's. */
void bench_begin(struct bench *b, unsigned cpu, void (*body)(struct bench *b));
/* From a body: what this CPU has been charged since bench_start(), by category and in all. */
void bench_start(struct bench *b);
uint64_t bench_spent(struct bench *b, enum charge what);
uint64_t bench_busy(struct bench *b);
/* Map @bytes for writing by the device; must succeed. And back. */
iotoll_iova_t bench_map(struct bench *b, size_t bytes);
void bench_unmap(struct bench *b, iotoll_iova_t iova, size_t bytes);
struct iotoll_dma_stats bench_stats(const struct bench *b);

#endif
