// SPDX-License-Identifier: MIT
/*
 * DART, hardware half: creation, reset and the operations tables of its two chips. Registers are
 * in dart_regs.c, the walk in dart_translate.c, layouts in spec/dart.h.
 *
 * The TLB is shared by all buses, so each page that leaves it has left for every one of them and
 * is reported for each. Its size, 32 sets of 4 ways of 4 pages, is that of U3's tag array; for U4,
 * of which nothing is known, the same is assumed. A DMA is never held up for an invalidation.
 */
#include <errno.h>
#include <stdlib.h>

#include "hw/dart_impl.h"

static void dart_dropped(void *ctx, uint32_t tag, uint64_t pfn)
{
	const struct dart *d = ctx;
	const struct iotoll_iommu_observer *o = &d->base.observer;

	(void)tag;
	for (unsigned bus = 0; o->dropped != NULL && bus < d->kind->buses; bus++)
		o->dropped(o->ctx, (struct iotoll_source){.bus = (uint16_t)bus}, pfn);
}

static int dart_create(struct iommu **out, const struct iommu_config *config,
		       const struct iommu_ops *ops, const struct dart_kind *kind, struct err *err)
{
	struct dart *d = calloc(1, sizeof(*d));
	int ret;

	if (d == NULL)
		return err_set(err, -ENOMEM, "no memory for a %s", ops->name);
	d->base.ops = ops;
	d->kind = kind;
	d->memory = config->memory;
	d->config = config->dart;
	d->track_stale = config->track_stale;
	ret = iotlb_create(&d->tlb, &config->iotlb, err);
	if (ret != 0) {
		free(d);
		return ret;
	}
	iotlb_on_drop(d->tlb, dart_dropped, d);
	rng_seed(&d->rng, config->iotlb.seed);
	dart_regs_reset(d);
	*out = &d->base;
	return 0;
}

static int dart_u3_create(struct iommu **out, const struct iommu_config *config, struct err *err)
{
	return dart_create(out, config, &dart_u3_ops, &dart_u3, err);
}

static int dart_u4_create(struct iommu **out, const struct iommu_config *config, struct err *err)
{
	return dart_create(out, config, &dart_u4_ops, &dart_u4, err);
}

static void dart_destroy(struct iommu *iommu)
{
	struct dart *d = dart_of(iommu);

	iotlb_destroy(d->tlb);
	free(d);
}

/* Statistics belong to whoever watches and stay. */
static void dart_reset(struct iommu *iommu)
{
	struct dart *d = dart_of(iommu);

	dart_regs_reset(d);
	iotlb_invalidate_all(d->tlb);
}

static bool dart_may_start(const struct iommu *iommu, unsigned bus)
{
	return bus < dart_of_const(iommu)->kind->buses;
}

/* Nothing waits for transactions to end, so nobody counts them. */
static void dart_transaction(struct iommu *iommu, unsigned bus)
{
	(void)iommu;
	(void)bus;
}

static void dart_stats(const struct iommu *iommu, struct iotlb_stats *out)
{
	iotlb_stats(dart_of_const(iommu)->tlb, out);
}

static uint64_t dart_invalidations(const struct iommu *iommu)
{
	const struct dart *d = dart_of_const(iommu);
	struct iotlb_stats stats;

	iotlb_stats(d->tlb, &stats);
	return stats.flushes + d->selective;
}

static void dart_latched(const struct iommu *iommu, unsigned bus, uint64_t *status,
			 uint64_t *detail)
{
	const struct dart *d = dart_of_const(iommu);

	*status = bus < d->kind->buses ? d->reg[DART_REG_APIEXCP] : 0;
	*detail = bus < d->kind->buses ? d->reg[DART_REG_EXCP] : 0;
}

uint64_t dart_stray_accesses(const struct iommu *iommu)
{
	if (iommu->ops != &dart_u3_ops && iommu->ops != &dart_u4_ops)
		return 0;
	return dart_of_const(iommu)->strays;
}

/* clang-format off */
#define DART_GEOMETRY {							\
	.entries = DART_TLB_SETS * DART_TLB_WAYS,			\
	.ways = DART_TLB_WAYS,						\
	.line_pages = DART_TLB_LINE_PAGES,				\
}
/* clang-format on */

const struct iommu_ops dart_u3_ops = {
	.name = "dart-u3",
	.title = "DART of U3 (CPC925): one table per chip, flushed only as a whole",
	.geometry = DART_GEOMETRY,
	.create = dart_u3_create,
	.destroy = dart_destroy,
	.reset = dart_reset,
	.reg_read = dart_reg_read,
	.reg_write = dart_reg_write,
	.translate = dart_translate,
	.probe = dart_probe,
	.held = dart_held,
	.may_start = dart_may_start,
	.begin = dart_transaction,
	.end = dart_transaction,
	.stats = dart_stats,
	.invalidations = dart_invalidations,
	.latched = dart_latched,
};

const struct iommu_ops dart_u4_ops = {
	.name = "dart-u4",
	.title = "DART of U4 (CPC945): one table per chip, flushed whole or page by page",
	.geometry = DART_GEOMETRY,
	.create = dart_u4_create,
	.destroy = dart_destroy,
	.reset = dart_reset,
	.reg_read = dart_reg_read,
	.reg_write = dart_reg_write,
	.translate = dart_translate,
	.probe = dart_probe,
	.held = dart_held,
	.may_start = dart_may_start,
	.begin = dart_transaction,
	.end = dart_transaction,
	.stats = dart_stats,
	.invalidations = dart_invalidations,
	.latched = dart_latched,
};
