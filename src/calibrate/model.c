/* SPDX-License-Identifier: MIT */
/*
 * The loop in the laboratory: a task on a CPU of the profile's machine takes the oldest mapping of
 * a ring down and makes another, and does nothing else; what its CPU was charged is the answer. The
 * machine is this program rather than a chipset: one lock, tables that whoever walks them finds in
 * the caches.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "calibrate/calibrate_impl.h"
#include "rig/solo.h"
#include "sim/profile.h"
#include "sim/task.h"

#define DEVICE 8u
#define WARM   (CHECK_ENTRIES + CHECK_ENTRIES / 4) /* pairs: once around the table, and more */
#define PAIRS  (4 * CHECK_ENTRIES)

struct program {
	struct solo solo;
	struct task *task;
	phys_t buffers;
	iotoll_iova_t ring[CHECK_RING];
	uint64_t busy_ps;
	bool failed;
};

static uint64_t busy(const struct program *g)
{
	struct cpu_account account;

	cpu_account(machine_cpu(g->solo.machine, 0), &account);
	return account.busy_ps;
}

static void pair(struct program *g, unsigned slot, bool first)
{
	if (!first)
		iotoll_dma_unmap_page(g->solo.device, g->ring[slot], PAGE_BYTES,
				      IOTOLL_DMA_FROM_DEVICE);
	g->ring[slot] = iotoll_dma_map_page(g->solo.device,
					    IOTOLL_PHYS(g->buffers + (uint64_t)slot * PAGE_BYTES),
					    PAGE_BYTES, IOTOLL_DMA_FROM_DEVICE);
	g->failed |= iotoll_dma_mapping_error(g->ring[slot]);
	cpu_sync(task_cpu(g->task));
}

static void work(void *ctx)
{
	struct program *g = ctx;
	uint64_t before = 0;

	for (uint64_t i = 0; i < WARM + PAIRS && !g->failed; i++) {
		if (i == WARM)
			before = busy(g);
		pair(g, i % CHECK_RING, i < CHECK_RING);
	}
	g->busy_ps = busy(g) - before;
	for (unsigned i = 0; i < CHECK_RING && !g->failed; i++)
		iotoll_dma_unmap_page(g->solo.device, g->ring[i], PAGE_BYTES,
				      IOTOLL_DMA_FROM_DEVICE);
}

static int execute(struct program *g, double *ns, struct err *err)
{
	if (memory_alloc(g->solo.machine->mem, CHECK_RING, PAGE_BYTES, 0, &g->buffers))
		return err_set(err, -ENOMEM, "no memory for buffers");
	g->task = task_create(machine_cpu(g->solo.machine, 0), "pairs", work, g);
	if (!g->task)
		return err_set(err, -ENOMEM, "no memory for a task");
	while (!task_done(g->task))
		(void)!sim_run(g->solo.sim, sim_now(g->solo.sim) + SIM_S);
	if (g->failed)
		return err_set(err, -ENOSPC, "no room for %u mappings", CHECK_RING);
	*ns = (double)g->busy_ps / 1e3 / PAIRS;
	return 0;
}

int model_possible(const char *path, struct err *err)
{
	struct profile profile;
	const int rc = profile_load(&profile, path, ESTIMATE_DEFAULT, NULL, err);

	if (rc || profile.has_iommu)
		return rc;
	return err_set(err, -EINVAL, "%s: expected a profile with an [iommu] section", path);
}

int model_pair(double *ns, const char *path, const char *const *overrides, const char *iommu,
	       const char *strategy, struct err *err)
{
	struct rig_config config = {.model = iommu,
				    .iotlb = iommu_find(iommu)->geometry,
				    .strategy = strategy,
				    .allocator = "next-fit",
				    .table_entries = CHECK_ENTRIES,
				    .snooped = true};
	struct program g = {.task = NULL};
	struct profile profile;
	int rc = model_possible(path, err);

	if (!rc)
		rc = profile_load(&profile, path, ESTIMATE_DEFAULT, overrides, err);
	if (rc)
		return rc;
	snprintf(config.iotlb.policy, sizeof(config.iotlb.policy), "lru");
	rc = solo_init(&g.solo, &profile, &config, DEVICE, err);
	if (rc)
		return rc;
	rc = execute(&g, ns, err);
	solo_fini(&g.solo);
	return rc;
}
