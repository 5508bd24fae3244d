/* SPDX-License-Identifier: MIT */
/*
 * What a map and an unmap cost by themselves, on bare metal and in a domain: section 4.3.3 of "The
 * Price of Safety" would share the cost among many in one call, section 4.3.4 would leave out most
 * of an unmap. A task on a CPU maps and unmaps pages and nothing else; what its CPU was charged is
 * read before and after each call.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sim/task.h"
#include "study/bench_domains.h"

#define TABLE   8192u
#define PAGES   512u /* to map, in turn */
#define MOST    64u  /* in one call */
#define WARM    (TABLE + TABLE / 4)
#define BUFFERS (2 * TABLE)

struct program {
	struct sim *sim;
	struct machine *machine;
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device *device;
	unsigned list;
	phys_t page[PAGES];
	struct task *task;
	uint64_t map_ps, unmap_ps, buffers;
	int rc;
};

static uint64_t busy(const struct program *g)
{
	struct cpu_account account;

	cpu_account(machine_cpu(g->machine, 0), &account);
	return account.busy_ps;
}

static void map(struct program *g, struct iotoll_sg *sg, unsigned n)
{
	bool mapped;

	if (g->list) {
		mapped = iotoll_dma_map_multi(g->device, sg, (int)n, IOTOLL_DMA_FROM_DEVICE,
					      NULL) == (int)n;
	} else {
		sg->dma_address = iotoll_dma_map_page(g->device, sg->paddr, PAGE_BYTES,
						      IOTOLL_DMA_FROM_DEVICE);
		mapped = !iotoll_dma_mapping_error(sg->dma_address);
	}
	if (!mapped)
		g->rc = -ENOSPC;
}

static void unmap(struct program *g, struct iotoll_sg *sg, unsigned n)
{
	if (g->list)
		iotoll_dma_unmap_multi(g->device, sg, (int)n, IOTOLL_DMA_FROM_DEVICE, NULL);
	else
		iotoll_dma_unmap_page(g->device, sg->dma_address, PAGE_BYTES,
				      IOTOLL_DMA_FROM_DEVICE);
}

/* @at: how many buffers went before. */
static void one_call(struct program *g, uint64_t at, unsigned n, bool counts)
{
	struct iotoll_sg sg[MOST];
	uint64_t before, between;

	for (unsigned i = 0; i < n; i++)
		sg[i] = (struct iotoll_sg){.paddr = IOTOLL_PHYS(g->page[(at + i) % PAGES]),
					   .bytes = PAGE_BYTES};
	before = busy(g);
	map(g, sg, n);
	between = busy(g);
	if (g->rc)
		return;
	unmap(g, sg, n);
	if (!counts)
		return;
	g->map_ps += between - before;
	g->unmap_ps += busy(g) - between;
	g->buffers += n;
}

static void work(void *ctx)
{
	struct program *g = ctx;
	const unsigned n = g->list ? g->list : 1;

	for (uint64_t at = 0; at < WARM + BUFFERS && !g->rc; at += n) {
		one_call(g, at, n, at >= WARM);
		cpu_sync(task_cpu(g->task));
	}
}

static int execute(struct program *g, const struct profile *p, struct pair_cost *out)
{
	struct iotoll_dma_stats stats;

	g->task = task_create(machine_cpu(g->machine, 0), "pairs", work, g);
	if (!g->task)
		return -ENOMEM;
	while (!task_done(g->task))
		(void)!sim_run(g->sim, sim_now(g->sim) + SIM_S);
	if (g->rc)
		return g->rc;
	iotoll_dma_domain_stats(g->domain, &stats);
	*out = (struct pair_cost){
		.buffers = g->buffers,
		.wraps = stats.wraps,
		.map = (double)g->map_ps * p->clock_mhz / 1e6 / (double)g->buffers,
		.unmap = (double)g->unmap_ps * p->clock_mhz / 1e6 / (double)g->buffers};
	return 0;
}

/* Every other page, so that no two buffers of a list are neighbours in memory. */
static int take_pages(struct program *g)
{
	int rc = 0;

	for (unsigned i = 0; i < PAGES && !rc; i++) {
		phys_t pair;

		rc = memory_alloc(g->machine->mem, 2, PAGE_BYTES, 0, &pair);
		g->page[i] = pair;
	}
	return rc;
}

static int on_metal(struct program *g, const struct profile *p, const char *strategy,
		    struct pair_cost *out, struct err *err)
{
	struct rig_config config = {.model = "calgary",
				    .iotlb = iommu_find("calgary")->geometry,
				    .strategy = strategy,
				    .allocator = "next-fit",
				    .table_entries = TABLE,
				    .check_misuse = true};
	struct solo solo;
	int rc;

	snprintf(config.iotlb.policy, sizeof(config.iotlb.policy), "lru");
	rc = solo_init(&solo, p, &config, BENCH_DEVID, err);
	if (rc)
		return rc;
	g->sim = solo.sim;
	g->machine = solo.machine;
	g->domain = solo.rig.domain;
	g->device = solo.device;
	rc = take_pages(g);
	if (!rc)
		rc = execute(g, p, out);
	if (rc)
		(void)err_set(err, rc, "maps and unmaps: %s", strerror(-rc));
	solo_fini(&solo);
	return rc;
}

static int in_domain(struct program *g, const struct profile *p, const char *strategy,
		     struct pair_cost *out, struct err *err)
{
	const struct bench_domains_config config = {
		.strategy = strategy, .small = true, .lists = g->list != 0};
	struct bench_domains b;
	int rc = bench_domains_init(&b, p, &config, err);

	if (!rc) {
		g->sim = b.sim;
		g->machine = b.domain[BENCH_HOLDER]->machine;
		g->domain = b.hyper.rig.domain;
		g->device = b.device;
		rc = take_pages(g);
		if (!rc)
			rc = execute(g, p, out);
		if (rc)
			(void)err_set(err, rc, "maps and unmaps: %s", strerror(-rc));
	}
	bench_domains_fini(&b);
	return rc;
}

int experiment_pair_cost(const struct profile *p, const char *strategy, bool metal, unsigned list,
			 struct pair_cost *out, struct err *err)
{
	struct program g = {.list = list < MOST ? list : MOST};

	*out = (struct pair_cost){0};
	return metal ? on_metal(&g, p, strategy, out, err) : in_domain(&g, p, strategy, out, err);
}
