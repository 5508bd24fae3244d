/* SPDX-License-Identifier: MIT */
/* The IOMMU's register window in virtual time. */
#include "dev/iommu_regs.h"

static uint64_t invalidations(const struct iommu *iommu)
{
	struct iotlb_stats stats;

	if (iommu->ops->invalidations)
		return iommu->ops->invalidations(iommu);
	iommu->ops->stats(iommu, &stats);
	return stats.flushes;
}

static uint64_t regs_read(void *ctx, uint64_t offset, unsigned width)
{
	struct iommu_regs *r = ctx;

	return r->iommu->ops->reg_read(r->iommu, offset, width);
}

static void regs_write(void *ctx, uint64_t offset, uint64_t value, unsigned width)
{
	struct iommu_regs *r = ctx;
	const uint64_t before = invalidations(r->iommu);

	r->iommu->ops->reg_write(r->iommu, offset, value, width);
	/* At boot (no CPU runs) nothing takes time. */
	if (invalidations(r->iommu) != before && sim_now(r->window.machine->sim))
		r->busy_until = sim_now(r->window.machine->sim) +
				machine_cost(r->window.machine)->iommu_invalidate;
}

static uint64_t regs_busy(void *ctx)
{
	const struct iommu_regs *r = ctx;
	const sim_time now = sim_now(r->window.machine->sim);

	return r->busy_until > now ? r->busy_until - now : 0;
}

static const struct mmio_ops ops = {.read = regs_read, .write = regs_write, .busy_ps = regs_busy};

void iommu_regs_init(struct iommu_regs *r, struct machine *m, struct iommu *iommu)
{
	mmio_window_init(&r->window, m, &ops, r);
	r->window.read_ps = machine_cost(m)->iommu_reg_read;
	r->iommu = iommu;
	r->busy_until = 0;
}

void iommu_regs_fini(struct iommu_regs *r)
{
	mmio_window_fini(&r->window);
}
