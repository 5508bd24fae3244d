/* SPDX-License-Identifier: MIT */
/*
 * Pages of a domain that get another frame while its device works: "The Price of Safety", section
 * 4.3.1, has the table that was made in advance updated, and its entry invalidated, whenever a
 * balloon or a page flip changes what is behind a page. Is either needed, and what does it cost
 * against mapping each buffer?
 *
 * The frames come from a few of the domain's that lie at no page, and those of before take their
 * place: nothing leaves the domain. Flips that give frames away cost the other tables, too, since
 * what a device might still reach must not change hands; so a rate of flips up to which the table
 * made in advance pays here is one up to which it pays there.
 */
#include <errno.h>
#include <string.h>

#include "sim/task.h"
#include "study/bench_domains.h"

#define FLIPS  64u
#define SPARES BENCH_FLIPS
#define RING   256u /* pages mapped in turn: a receive ring */
#define WORD   8u

static int device_writes(struct bench_domains *b, uint64_t iova, uint64_t value)
{
	return bus_dma_now(b->hyper.rig.bus, BENCH_DEVID, iova, &value, WORD, IOTOLL_WRITE, NULL);
}

static uint64_t word_of(const struct bench_domains *b, phys_t machine)
{
	uint64_t value;

	memcpy(&value, memory_ptr(b->board->mem, machine, WORD), WORD);
	return value;
}

/* ---- where DMA lands ---- */

static int flip_once(struct bench_domains *b, phys_t scratch, uint64_t *spare, uint64_t value,
		     struct flip_result *out)
{
	struct memory *view = b->domain[BENCH_HOLDER]->view;
	iotoll_iova_t iova;
	phys_t page, old;
	int rc;

	if (!bench_domains_page(b, &page))
		return -ENOMEM;
	old = memory_machine(view, page);
	iova = iotoll_dma_map_page(b->device, IOTOLL_PHYS(page), PAGE_BYTES,
				   IOTOLL_DMA_FROM_DEVICE);
	rc = device_writes(b, IOTOLL_IOVA_U64(iova), value); /* the IOTLB has it now */
	if (!rc)
		rc = bench_domains_flip(b, scratch, &page, spare, 1);
	if (!rc)
		rc = device_writes(b, IOTOLL_IOVA_U64(iova), value + 1);
	if (!rc) {
		out->flips++;
		out->in_new += word_of(b, memory_machine(view, page)) == value + 1;
		out->in_old += word_of(b, old) == value + 1;
	}
	iotoll_dma_unmap_page(b->device, iova, PAGE_BYTES, IOTOLL_DMA_FROM_DEVICE);
	return rc;
}

int experiment_flip(const struct profile *p, enum flip_table how, struct flip_result *out,
		    struct err *err)
{
	const struct bench_domains_config config = {.strategy = "preallocated",
						    .frozen = how == FLIP_FROZEN,
						    .unflushed = how == FLIP_UNFLUSHED};
	struct bench_domains b;
	phys_t scratch;
	uint64_t spare;
	int rc = bench_domains_init(&b, p, &config, err);

	*out = (struct flip_result){0};
	if (!rc) {
		if (!bench_domains_page(&b, &scratch))
			rc = -ENOMEM;
		if (!rc)
			rc = bench_domains_frames(&b, scratch, &spare, 1);
		for (uint64_t i = 0; i < FLIPS && !rc; i++)
			rc = flip_once(&b, scratch, &spare, 1 + 2 * i, out);
		if (rc)
			(void)err_set(err, rc, "the experiment with flips: %s", strerror(-rc));
	}
	bench_domains_fini(&b);
	return rc;
}

/* ---- what it costs ---- */

struct program {
	struct bench_domains b;
	uint64_t mappings;
	unsigned per_thousand, batch;
	phys_t scratch, page[RING];
	uint64_t spare[SPARES];
	struct flip_cost cost;
	struct task *task;
	int rc;
};

static void one_mapping(struct program *g, uint64_t n)
{
	struct bench_domains *b = &g->b;
	const phys_t page = g->page[n % RING];
	const iotoll_iova_t iova = iotoll_dma_map_page(b->device, IOTOLL_PHYS(page), PAGE_BYTES,
						       IOTOLL_DMA_FROM_DEVICE);

	if (iotoll_dma_mapping_error(iova)) {
		g->rc = -ENOSPC;
		return;
	}
	if (device_writes(b, IOTOLL_IOVA_U64(iova), n + 1) ||
	    word_of(b, memory_machine(b->domain[BENCH_HOLDER]->view, page)) != n + 1)
		g->cost.misplaced++;
	iotoll_dma_unmap_page(b->device, iova, PAGE_BYTES, IOTOLL_DMA_FROM_DEVICE);
}

/* Pages that are not mapped just now: those whose turn comes last. */
static void some_flips(struct program *g, uint64_t n)
{
	phys_t page[BENCH_FLIPS];

	for (unsigned i = 0; i < g->batch; i++)
		page[i] = g->page[(n + RING / 2 + i) % RING];
	g->rc = bench_domains_flip(&g->b, g->scratch, page, g->spare, g->batch);
	g->cost.flips += g->batch;
}

static void work(void *ctx)
{
	struct program *g = ctx;
	uint64_t due = 0;

	for (uint64_t n = 0; n < g->mappings && !g->rc; n++) {
		one_mapping(g, n);
		due += g->per_thousand;
		for (; due >= 1000u * g->batch && !g->rc; due -= 1000u * g->batch)
			some_flips(g, n);
		cpu_sync(task_cpu(g->task));
	}
}

static int prepare(struct program *g)
{
	bool there = bench_domains_page(&g->b, &g->scratch);

	for (unsigned i = 0; i < RING; i++)
		there = there && bench_domains_page(&g->b, &g->page[i]);
	return there ? bench_domains_frames(&g->b, g->scratch, g->spare, SPARES) : -ENOMEM;
}

static int execute(struct program *g, const struct profile *p)
{
	struct machine *m = g->b.domain[BENCH_HOLDER]->machine;
	struct cpu *cpu = machine_cpu(m, 0);
	struct xen_counters before, after;
	struct cpu_account account;

	xen_counters(g->b.hyper.xen, &before);
	cpu_account_reset(cpu, sim_now(g->b.sim));
	g->task = task_create(cpu, "mappings", work, g);
	if (!g->task)
		return -ENOMEM;
	while (!task_done(g->task) && !g->rc)
		(void)!sim_run(g->b.sim, sim_now(g->b.sim) + SIM_S);
	cpu_account(cpu, &account);
	xen_counters(g->b.hyper.xen, &after);
	g->cost.mappings = g->mappings;
	g->cost.follows = after.iommu_follows - before.iommu_follows;
	g->cost.flushes = after.iommu_flushes - before.iommu_flushes;
	g->cost.cycles = (double)account.busy_ps * p->clock_mhz / 1e6 / (double)g->mappings;
	return g->rc;
}

int experiment_flip_cost(const struct profile *p, const char *strategy, uint64_t mappings,
			 unsigned per_thousand, unsigned batch, struct flip_cost *out,
			 struct err *err)
{
	const struct bench_domains_config config = {.strategy = strategy};
	struct program g = {.mappings = mappings, .per_thousand = per_thousand, .batch = batch};
	int rc = bench_domains_init(&g.b, p, &config, err);

	if (!rc) {
		rc = prepare(&g);
		if (!rc)
			rc = execute(&g, p);
		if (rc)
			(void)err_set(err, rc, "the experiment with flips: %s", strerror(-rc));
	}
	*out = g.cost;
	bench_domains_fini(&g.b);
	return rc;
}
