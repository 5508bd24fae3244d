/* SPDX-License-Identifier: MIT */
/*
 * Load latency: one pointer in each cache line of a working set, linked in one cycle of random
 * order so that no prefetcher knows the next, followed one by one. A working set of half a level's
 * size lies in that level; eight times the last one's, in memory.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/rng.h"
#include "host/host_impl.h"
#include "host/loops.h"

#define LEAST_DRAM ((size_t)64 << 20)
#define MOST_DRAM  ((size_t)1 << 30)
#define ROUND_NS   150e3

struct chase {
	void *at;
	unsigned long loads;
};

/* Sattolo's shuffle: one cycle through all of them. */
int host_link_lines(void *base, size_t bytes, uint64_t seed)
{
	const size_t lines = bytes / HOST_LINE;
	uint32_t *order = malloc(lines * sizeof(*order));
	struct rng rng;

	if (!order)
		return -ENOMEM;
	rng_seed(&rng, seed);
	for (size_t i = 0; i < lines; i++)
		order[i] = (uint32_t)i;
	for (size_t i = lines - 1; i; i--) {
		const size_t j = rng_below(&rng, i);
		const uint32_t t = order[i];

		order[i] = order[j];
		order[j] = t;
	}
	for (size_t i = 0; i < lines; i++)
		*(void **)((char *)base + i * HOST_LINE) =
			(char *)base + order[i] * (size_t)HOST_LINE;
	free(order);
	return 0;
}

static double chase_round(void *ctx)
{
	struct chase *c = ctx;
	const double before = host_thread_ns();

	c->at = loop_chase(c->at, c->loads);
	return (host_thread_ns() - before) / (double)c->loads;
}

/*
 * Around twice to bring everything to where it stays, unless it is memory; then as many loads a
 * round as fill it.
 */
static void warm(struct chase *c, size_t bytes)
{
	const unsigned long lines = bytes / HOST_LINE;
	const unsigned long once = bytes < LEAST_DRAM ? 2 * lines : 100000;
	const double before = host_thread_ns();
	double each;

	c->at = loop_chase(c->at, once);
	each = (host_thread_ns() - before) / (double)once;
	c->loads = each > 0 ? (unsigned long)(ROUND_NS / each) : 1000;
	if (c->loads < 500)
		c->loads = 500;
}

static int chase(const struct host_job *job, size_t bytes, bool huge, const char *where,
		 bool by_steps, struct host_sample *out)
{
	struct host_memory m;
	struct chase c;
	int rc;

	if (host_memory_init(&m, bytes, huge) || host_link_lines(m.base, bytes, bytes)) {
		host_memory_fini(&m);
		return host_not(out, "no %zu KiB of memory", bytes >> 10);
	}
	host_method(
		out,
		"dependent loads through %zu KiB in random order of lines (%s, its size %s), %s",
		bytes >> 10, where, by_steps ? "found by steps" : "as sysfs says",
		!huge             ? "pages of 4 KiB"
		: m.huge == bytes ? "huge pages"
		: m.huge          ? "part of it huge pages"
				  : "pages of 4 KiB, huge ones were not to be had");
	c.at = m.base;
	warm(&c, bytes);
	rc = host_rounds(job->options, chase_round, &c, out);
	host_memory_fini(&m);
	return rc;
}

size_t host_dram_bytes(const struct host_caches *caches)
{
	size_t largest =
		caches->llc_bytes > caches->l2_bytes ? caches->llc_bytes : caches->l2_bytes;

	largest *= 8;
	if (largest < LEAST_DRAM)
		largest = LEAST_DRAM;
	return host_memory_most(largest < MOST_DRAM ? largest : MOST_DRAM) / HOST_LINE * HOST_LINE;
}

int host_load(const struct host_job *job, struct host_sample *out)
{
	struct host_caches caches;
	bool by_steps;
	size_t bytes;
	int rc = host_caches_here(&caches, job, &by_steps);

	if (rc == -EINTR)
		return rc;
	if (rc)
		return host_not(out, "no memory");
	switch (job->row->arg) {
	case 1:
		bytes = caches.l1_bytes / 2;
		return chase(job, bytes ? bytes : 8192, true, "half of the first level", by_steps,
			     out);
	case 2:
		if (!caches.l2_bytes)
			return host_not(out, "there is no second level");
		return chase(job, caches.l2_bytes / 2, true, "half of the second level", by_steps,
			     out);
	case 3:
		if (!caches.llc_bytes)
			return host_not(out, "there is no third level");
		/* Not more: others may be using the rest of what is shared. */
		bytes = caches.llc_bytes / 4 > 2 * caches.l2_bytes ? caches.llc_bytes / 4
								   : caches.llc_bytes / 2;
		return chase(job, bytes, true, "a part of the last level", by_steps, out);
	default:
		return chase(job, host_dram_bytes(&caches), job->row->arg == 4,
			     "eight times the last level, 64 MiB at the least", by_steps, out);
	}
}
