// SPDX-License-Identifier: MIT
/*
 * AMD-Vi, hardware half: creation, reset and the operations table. Layouts are in spec/amdvi.h;
 * each of the other files amdvi_*.c is one part of the unit.
 */
#include <errno.h>
#include <stdlib.h>

#include "hw/amdvi_impl.h"

/* Of a page larger than this many small ones (1 GiB), nobody is told page by page. */
#define TOLD_ORDER_MAX 18u

int amdvi_read(const struct amdvi *a, uint64_t paddr, void *to, size_t bytes)
{
	return a->memory.read(a->memory.ctx, paddr, to, bytes) == 0 ? 0 : -EFAULT;
}

int amdvi_write(const struct amdvi *a, uint64_t paddr, const void *from, size_t bytes)
{
	if (a->memory.write == NULL)
		return -EFAULT;
	return a->memory.write(a->memory.ctx, paddr, from, bytes) == 0 ? 0 : -EFAULT;
}

static void dropped(void *ctx, uint32_t domain, uint64_t pfn)
{
	const struct amdvi *a = ctx;
	const struct iotoll_iommu_observer *o = &a->base.observer;

	(void)domain; /* several devices may share it: none is named */
	if (o->dropped != NULL)
		o->dropped(o->ctx, (struct iotoll_source){.bus = 0}, pfn);
}

/* Pages beyond 1 GiB are a guest's folly, not a mapping that someone follows: told as one. */
static void dropped_large(void *ctx, uint32_t domain, uint64_t pfn, unsigned order)
{
	const uint64_t pages = order <= TOLD_ORDER_MAX ? UINT64_C(1) << order : 1;
	const struct amdvi *a = ctx;

	if (a->base.observer.dropped == NULL)
		return;
	for (uint64_t i = 0; i < pages; i++)
		dropped(ctx, domain, pfn + i);
}

static void amdvi_destroy(struct iommu *iommu)
{
	struct amdvi *a = amdvi_of(iommu);

	iotlb_destroy(a->iotlb);
	free(a);
}

static int amdvi_create(struct iommu **out, const struct iommu_config *config, struct err *err)
{
	struct amdvi *a = calloc(1, sizeof(*a));
	int ret;

	if (a == NULL)
		return err_set(err, -ENOMEM, "no memory for an AMD-Vi unit");
	a->base.ops = &amdvi_ops;
	a->memory = config->memory;
	a->track_stale = config->track_stale;
	ret = iotlb_create(&a->iotlb, &config->iotlb, err);
	if (ret != 0) {
		free(a);
		return ret;
	}
	iotlb_on_drop(a->iotlb, dropped, a);
	iotlb_on_drop_large(a->iotlb, dropped_large, a);
	amdvi_regs_reset(a);
	*out = &a->base;
	return 0;
}

static void amdvi_reset(struct iommu *iommu)
{
	struct amdvi *a = amdvi_of(iommu);

	amdvi_regs_reset(a);
	amdvi_drop_all(a);
}

/* The unit never holds a bus back: what it refuses it aborts. */
static bool amdvi_may_start(const struct iommu *iommu, unsigned bus)
{
	(void)iommu;
	return bus == 0;
}

/* Requests that are under way need no count: COMPLETION_WAIT is done at once (see amdvi_cmd.c). */
static void amdvi_begin_or_end(struct iommu *iommu, unsigned bus)
{
	(void)iommu;
	(void)bus;
}

static void amdvi_stats(const struct iommu *iommu, struct iotlb_stats *out)
{
	iotlb_stats(amdvi_of_const(iommu)->iotlb, out);
}

static uint64_t amdvi_invalidations(const struct iommu *iommu)
{
	return amdvi_of_const(iommu)->invalidations;
}

/* The status register, and how far the event log has got. */
static void amdvi_latched(const struct iommu *iommu, unsigned bus, uint64_t *status,
			  uint64_t *detail)
{
	const struct amdvi *a = amdvi_of_const(iommu);

	*status = bus == 0 ? a->reg[REG_STATUS] : 0;
	*detail = bus == 0 ? a->reg[REG_EVT_TAIL] : 0;
}

uint64_t amdvi_stray_accesses(const struct iommu *iommu)
{
	return iommu->ops == &amdvi_ops ? amdvi_of_const(iommu)->strays : 0;
}

uint64_t amdvi_interrupts(const struct iommu *iommu)
{
	return iommu->ops == &amdvi_ops ? amdvi_of_const(iommu)->interrupts : 0;
}

const struct iommu_ops amdvi_ops = {
	.name = "amdvi",
	.title = "AMD-Vi: a table of one to six levels per domain, commands and events in memory",
	.geometry = {.entries = 64, .ways = 4, .line_pages = 1}, /* assumed */
	.create = amdvi_create,
	.destroy = amdvi_destroy,
	.reset = amdvi_reset,
	.reg_read = amdvi_reg_read,
	.reg_write = amdvi_reg_write,
	.translate = amdvi_translate,
	.probe = amdvi_probe,
	.held = amdvi_held,
	.may_start = amdvi_may_start,
	.begin = amdvi_begin_or_end,
	.end = amdvi_begin_or_end,
	.stats = amdvi_stats,
	.invalidations = amdvi_invalidations,
	.latched = amdvi_latched,
	.ats = &amdvi_ats_ops,
};
