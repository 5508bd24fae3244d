/* SPDX-License-Identifier: MIT */
/*
 * Linux's dma_map_benchmark on this library: kernel/dma/map_benchmark.c says what is done (each
 * call is timed by itself, its time cut to whole units of 100 ns, mean and deviation in whole
 * numbers), tools/testing/selftests/dma/dma_map_benchmark.c what can be asked. Calls of this
 * library take less than such a unit, so the same calls are summed uncut as well.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/gang.h"
#include "bench/machine.h"

#define PAGE     4096u
#define STAIN    0x66 /* what the kernel writes into the buffer */
#define SLICE_NS 50e6 /* between two looks at whether to stop */

struct sums {
	uint64_t units, squares;
	double ns, squares_ns;
};

struct tester {
	uint64_t buffer, loops;
	struct sums map, unmap;
} __attribute__((aligned(64)));

struct test {
	const struct bench_map_params *params;
	struct machine machine;
	struct tester *tester;
	double until;
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void wait_ns(uint64_t ns)
{
	const uint64_t from = now();

	while (ns && now() - from < ns)
		;
}

static void sum(struct sums *s, uint64_t ns)
{
	const uint64_t units = ns / 100;

	s->units += units;
	s->squares += units * units;
	s->ns += (double)ns;
	s->squares_ns += (double)ns * (double)ns;
}

static bool once(struct test *x, unsigned thread)
{
	struct tester *t = &x->tester[thread];
	struct iotoll_dma_device *dev = x->machine.device[thread];
	const enum iotoll_dma_dir dir = (enum iotoll_dma_dir)x->params->dir;
	const size_t bytes = (size_t)x->params->granule * PAGE;
	iotoll_iova_t iova;
	uint64_t from;

	if (dir != IOTOLL_DMA_FROM_DEVICE)
		memset(x->machine.memory + t->buffer, STAIN, bytes);
	from = now();
	iova = iotoll_dma_map_page(dev, IOTOLL_PHYS(t->buffer), bytes, dir);
	if (iotoll_dma_mapping_error(iova))
		return false;
	sum(&t->map, now() - from);
	wait_ns(x->params->delay_ns);
	from = now();
	iotoll_dma_unmap_page(dev, iova, bytes, dir);
	sum(&t->unmap, now() - from);
	t->loops++;
	return true;
}

/* @ops is no count here: it goes on until its time. */
static bool test_work(void *data, unsigned thread, uint64_t ops)
{
	struct test *x = data;

	(void)ops;
	while (gang_now_ns() < x->until)
		if (!once(x, thread))
			return false;
	return true;
}

static void add(struct sums *to, const struct sums *from)
{
	to->units += from->units;
	to->squares += from->squares;
	to->ns += from->ns;
	to->squares_ns += from->squares_ns;
}

static uint64_t whole_root(uint64_t x)
{
	uint64_t root = (uint64_t)sqrt((double)x);

	while (root * root > x)
		root--;
	return root;
}

/* The kernel's arithmetic: mean and variance are divided first, and are whole. */
static void in_units(const struct sums *s, uint64_t loops, uint64_t *mean, uint64_t *deviation)
{
	*mean = s->units / loops;
	*deviation = whole_root(s->squares / loops - *mean * *mean);
}

static void in_ns(const struct sums *s, uint64_t loops, double *mean, double *deviation)
{
	const double square = s->squares_ns / (double)loops;

	*mean = s->ns / (double)loops;
	*deviation = square > *mean * *mean ? sqrt(square - *mean * *mean) : 0;
}

static void sum_up(const struct test *x, struct bench_map_result *out)
{
	struct sums map = {0}, unmap = {0};
	uint64_t loops = 0, from = now();

	for (unsigned i = 0; i < x->params->threads; i++) {
		add(&map, &x->tester[i].map);
		add(&unmap, &x->tester[i].unmap);
		loops += x->tester[i].loops;
	}
	*out = (struct bench_map_result){.loops = loops};
	if (loops) {
		in_units(&map, loops, &out->map_100ns, &out->map_deviation);
		in_units(&unmap, loops, &out->unmap_100ns, &out->unmap_deviation);
		in_ns(&map, loops, &out->map_ns, &out->map_deviation_ns);
		in_ns(&unmap, loops, &out->unmap_ns, &out->unmap_deviation_ns);
	}
	for (unsigned i = 0; i < 1000; i++)
		(void)now();
	out->clock_ns = (double)(now() - from) / 1001;
}

static int prepare(struct test *x, struct err *err)
{
	int rc = 0;

	x->tester = aligned_alloc(64, x->params->threads * sizeof(*x->tester));
	if (!x->tester)
		return -ENOMEM;
	for (unsigned i = 0; i < x->params->threads && !rc; i++) {
		x->tester[i] = (struct tester){.loops = 0};
		rc = machine_frames(&x->machine, x->params->granule, &x->tester[i].buffer, err);
	}
	return rc;
}

static int run_for_its_time(struct test *x, struct gang *gang, bool (*stop)(void *ctx), void *ctx,
			    struct err *err)
{
	const double end = gang_now_ns() + x->params->seconds * 1e9;
	const struct gang_round round = {
		.work = test_work, .ctx = x, .ops = 1, .threads = x->params->threads, .once = true};

	while (gang_now_ns() < end) {
		const double slice = gang_now_ns() + SLICE_NS;
		struct gang_time t;

		if (stop && stop(ctx))
			return -EINTR;
		x->until = slice < end ? slice : end;
		gang_do(gang, &round, &t);
		if (t.failed)
			return err_set(err, -EIO, "a map failed");
	}
	return 0;
}

int bench_map_run(const struct bench_map_params *params, const struct bench_setup *setup,
		  bool (*stop)(void *ctx), void *ctx, struct bench_map_result *out, struct err *err)
{
	const uint64_t mask = params->bits == 64 ? UINT64_MAX : (UINT64_C(1) << params->bits) - 1;
	struct test x = {.params = params};
	struct bench_setup its = *setup;
	struct gang *gang = NULL;
	int rc;

	its.threads = params->threads;
	rc = machine_open(&x.machine, &its, (uint64_t)params->threads * params->granule, mask, err);
	if (rc)
		return rc == -EIO ? -EINVAL : rc;
	rc = prepare(&x, err);
	if (!rc)
		rc = gang_create(&gang, params->threads, params->node, err);
	if (!rc)
		rc = run_for_its_time(&x, gang, stop, ctx, err);
	if (!rc)
		sum_up(&x, out);
	gang_destroy(gang);
	machine_close(&x.machine);
	free(x.tester);
	return rc;
}
