// SPDX-License-Identifier: MIT
/* Putting the replay machine together: see replay_rig.h. */
#include "trace/replay_rig.h"

#include <errno.h>
#include <string.h>

#define REPLAY_BUS   0u
#define REPLAY_DEVID 0x0008u /* device 1, function 0 */

static int rig_memory_read(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	const void *from = memory_ptr(ctx, paddr, bytes);

	if (!from)
		return -EFAULT;
	memcpy(to, from, bytes);
	return 0;
}

static int rig_memory_write(void *ctx, uint64_t paddr, const void *from, size_t bytes)
{
	void *to = memory_ptr(ctx, paddr, bytes);

	if (!to)
		return -EFAULT;
	memcpy(to, from, bytes);
	return 0;
}

static uint64_t rig_now_ps(void *ctx)
{
	return machine_now(ctx);
}

static void rig_dropped(void *ctx, struct iommu_source source, uint64_t iova_pfn)
{
	const struct replay_rig *rig = ctx;

	if (rig->exposure)
		exposure_dropped(rig->exposure, source, iova_pfn);
}

static int rig_make_iommu(struct replay_rig *rig, const struct replay_config *config,
			  struct err *err)
{
	const struct iommu_config ic = {
		.model = config->iommu,
		.iotlb = config->iotlb,
		.memory = {.ctx = rig->machine->mem,
			   .read = rig_memory_read,
			   .write = rig_memory_write},
	};
	const int rc = iommu_create(&rig->iommu, &ic, err);

	if (rc)
		return rc;
	rig->iommu->observer = (struct iommu_observer){.ctx = rig, .dropped = rig_dropped};
	iommu_regs_init(&rig->regs, rig->machine, rig->iommu);
	rig->env.regs = &rig->regs.window;
	return 0;
}

static int rig_make_domain(struct replay_rig *rig, const struct replay_config *config,
			   struct err *err)
{
	const struct iotoll_dma_config dc = {
		.driver = config->iommu,
		.strategy = config->strategy,
		.allocator = config->allocator,
		.bus = REPLAY_BUS,
		.table_entries = config->table_entries,
		.start_hint = config->start_hint,
	};
	char why[200] = "";
	int rc = iotoll_dma_domain_create(&rig->domain, &rig->env, &dc, why, sizeof(why));

	if (rc)
		return err_set(err, rc, "replay: %s", why[0] ? why : strerror(-rc));
	rc = iotoll_dma_attach(&rig->device, rig->domain, REPLAY_DEVID, UINT32_MAX);
	/* Without translation a 32-bit device reaches only 4 GiB of more: take one that does all.
	 */
	if (rc == -EIO)
		rc = iotoll_dma_attach(&rig->device, rig->domain, REPLAY_DEVID, UINT64_MAX);
	if (rc)
		return err_set(err, rc, "replay: the device cannot be attached: %s", strerror(-rc));
	return 0;
}

static int rig_make_watch(struct replay_rig *rig, const struct replay_config *config,
			  struct err *err)
{
	const struct exposure_config xc = {
		.iommu = strcmp(config->strategy, "off") ? rig->iommu : NULL,
		.source = rig->source,
		.memory_bytes = memory_bytes(rig->machine->mem),
		.now_ps = rig_now_ps,
		.ctx = rig->machine,
	};
	struct iotoll_dma_observer watcher;
	const int rc = exposure_create(&rig->exposure, &xc, err);

	if (rc)
		return rc;
	watcher = exposure_observer(rig->exposure);
	iotoll_dma_domain_observe(rig->domain, &watcher);
	return 0;
}

int replay_rig_init(struct replay_rig *rig, const struct replay_config *config, struct err *err)
{
	struct profile profile = *config->profile;
	int rc;

	*rig = (struct replay_rig){.source = {.bus = REPLAY_BUS, .devid = REPLAY_DEVID}};
	if (config->cpus)
		profile.cpus = config->cpus;
	rig->sim = sim_create();
	if (!rig->sim)
		return err_set(err, -ENOMEM, "replay: out of memory");
	rc = machine_create(&rig->machine, rig->sim, &profile, err);
	if (rc)
		return rc;
	rig->env.machine = rig->machine;
	if (strcmp(config->iommu, "none") != 0)
		rc = rig_make_iommu(rig, config, err);
	if (!rc)
		rc = rig_make_domain(rig, config, err);
	if (!rc)
		rc = rig_make_watch(rig, config, err);
	return rc;
}

void replay_rig_fini(struct replay_rig *rig)
{
	if (rig->domain)
		iotoll_dma_domain_observe(rig->domain, NULL);
	iotoll_dma_detach(rig->device);
	iotoll_dma_domain_destroy(rig->domain);
	if (rig->iommu)
		iommu_regs_fini(&rig->regs);
	machine_destroy(rig->machine);
	iommu_destroy(rig->iommu);
	exposure_destroy(rig->exposure);
	sim_destroy(rig->sim);
	*rig = (struct replay_rig){0};
}
