/* SPDX-License-Identifier: MIT */
/*
 * Wall-clock cost of the native DMA layer on this host: one map and the unmap of the mapping made
 * 256 calls before (as a ring does), for every strategy, on one thread and on four. Registers are
 * plain memory behind a callback, so a flush costs its instructions and calls but none of a real
 * bridge's time: what is measured is the software. The best of several rounds is printed, with
 * the median beside it.
 *
 * Usage: dma_bench [milliseconds per round]
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "iotoll/dma.h"
#include "iotoll/env.h"

#define RING         256u
#define ROUNDS       7u
#define THREADS_MAX  4u
#define WINDOW_BYTES 0x100000u
#define CHECK_EVERY  4096u

struct registers {
	uint8_t bytes[WINDOW_BYTES];
};

struct worker {
	struct iotoll_dma_device *dev;
	const bool *stop;
	uint64_t pairs;
	bool failed;
};

static uint64_t reg_read(void *ctx, uint64_t offset, unsigned width)
{
	const struct registers *regs = ctx;
	uint64_t value = 0;

	memcpy(&value, &regs->bytes[offset], width);
	return value;
}

static void reg_write(void *ctx, uint64_t offset, uint64_t value, unsigned width)
{
	struct registers *regs = ctx;

	memcpy(&regs->bytes[offset], &value, width);
}

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	iotoll_iova_t ring[RING];
	unsigned live = 0;

	while (!__atomic_load_n(w->stop, __ATOMIC_RELAXED)) {
		for (unsigned i = 0; i < CHECK_EVERY; i++) {
			iotoll_iova_t *slot = &ring[i % RING];

			if (live == RING)
				iotoll_dma_unmap_page(w->dev, *slot, 2048, IOTOLL_DMA_FROM_DEVICE);
			else
				live++;
			*slot = iotoll_dma_map_page(w->dev, IOTOLL_PHYS(0x100000 + i * 2048u), 2048,
						    IOTOLL_DMA_FROM_DEVICE);
			if (iotoll_dma_mapping_error(*slot)) {
				w->failed = true;
				return NULL;
			}
		}
		w->pairs += CHECK_EVERY;
	}
	for (unsigned i = 0; i < live; i++)
		iotoll_dma_unmap_page(w->dev, ring[i], 2048, IOTOLL_DMA_FROM_DEVICE);
	return NULL;
}

/* Nanoseconds of wall time for one map and one unmap, all threads together; negative: failed. */
static double round_ns(struct iotoll_dma_domain *domain, unsigned threads, unsigned ms)
{
	struct worker workers[THREADS_MAX];
	pthread_t ids[THREADS_MAX];
	bool stop = false, failed = false;
	uint64_t pairs = 0;
	unsigned started = 0;
	double from, ns;

	for (unsigned i = 0; i < threads; i++) {
		workers[i] = (struct worker){.stop = &stop};
		if (iotoll_dma_attach(&workers[i].dev, domain, (uint16_t)(8 + i), UINT32_MAX))
			failed = true;
	}
	from = now_ns();
	for (; !failed && started < threads; started++)
		if (pthread_create(&ids[started], NULL, work, &workers[started])) {
			failed = true;
			break;
		}
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < started; i++)
		pthread_join(ids[i], NULL);
	ns = now_ns() - from;
	for (unsigned i = 0; i < threads; i++) {
		pairs += workers[i].pairs;
		failed |= workers[i].failed;
		iotoll_dma_detach(workers[i].dev);
	}
	return failed || !pairs ? -1 : ns / (double)pairs;
}

static int ascending(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Best and median over the rounds. */
static bool measure(struct dma_env *env, const char *strategy, bool check, unsigned threads,
		    unsigned ms, double *best, double *median)
{
	const struct iotoll_dma_config config = {.driver = "calgary",
						 .strategy = strategy,
						 .allocator = "next-fit",
						 .table_entries = 1u << 20,
						 .check_misuse = check};
	struct iotoll_dma_domain *domain;
	double rounds[ROUNDS];
	char why[160];

	if (iotoll_dma_domain_create(&domain, env, &config, why, sizeof(why))) {
		fprintf(stderr, "dma_bench: %s\n", why);
		return false;
	}
	(void)round_ns(domain, threads, ms); /* warms caches and the whole table */
	for (unsigned i = 0; i < ROUNDS; i++)
		rounds[i] = round_ns(domain, threads, ms);
	iotoll_dma_domain_destroy(domain);
	qsort(rounds, ROUNDS, sizeof(rounds[0]), ascending);
	*best = rounds[0];
	*median = rounds[ROUNDS / 2];
	return rounds[0] > 0;
}

static bool table(struct dma_env *env, unsigned threads, bool check, unsigned ms)
{
	double base = 0;
	const char *name;

	printf("\n%u thread%s%s\n", threads, threads == 1 ? "" : "s",
	       check ? ", misuse watched for" : "");
	printf("  %-18s %14s %14s %10s\n", "strategy", "ns/pair, best", "median", "x off");
	for (unsigned i = 0; (name = iotoll_dma_strategy_name(i, NULL)) != NULL; i++) {
		double best, median;

		if (!measure(env, name, check, threads, ms, &best, &median))
			return false;
		if (i == 0)
			base = best;
		printf("  %-18s %14.1f %14.1f %10.1f\n", name, best, median, best / base);
	}
	return true;
}

int main(int argc, char **argv)
{
	const unsigned long ms = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
	struct iotoll_env_config config = {
		.reg_read = reg_read, .reg_write = reg_write, .memory_bytes = 256u << 20};
	struct registers *regs = calloc(1, sizeof(*regs));
	struct dma_env *env = NULL;
	bool ok;

	if (!regs || ms < 1 || ms > 10000) {
		fprintf(stderr, "dma_bench: milliseconds per round, 1..10000, expected\n");
		free(regs);
		return 2;
	}
	/* Split queues: always drained. */
	for (unsigned phb = 0; phb < 4; phb++)
		memset(&regs->bytes[0x4870 + 0x1000 * phb], 0xff, 8);
	config.ctx = regs;
	if (iotoll_env_create(&env, &config)) {
		free(regs);
		return 1;
	}
	printf("Wall clock on this host: one map and one unmap of 2 KiB, ring of %u, 1048576 "
	       "entries;\nall threads together, so perfect scaling would halve the time with two "
	       "CPUs.\n",
	       RING);
	ok = table(env, 1, false, (unsigned)ms) && table(env, 4, false, (unsigned)ms) &&
	     table(env, 1, true, (unsigned)ms);
	iotoll_env_destroy(env);
	free(regs);
	return ok ? 0 : 1;
}
