// SPDX-License-Identifier: MIT
/*
 * rIOMMU, hardware half: creation, reset and its operations table. Registers are in riommu_regs.c,
 * the walk in riommu_translate.c, what is held in riommu_riotlb.c, layouts in spec/riommu.h.
 *
 * The paper gives each ring its entry and no limit. 64 are held here, any ring in any entry, so
 * that no device of the laboratory has more rings than entries; a smaller number can be asked for.
 */
#include <errno.h>
#include <stdlib.h>

#include "hw/riommu_impl.h"

#define RIOTLB_RINGS 64u

static void riommu_destroy(struct iommu *iommu)
{
	struct riommu *d = riommu_of(iommu);

	riotlb_fini(d);
	free(d);
}

static int riommu_create(struct iommu **out, const struct iommu_config *config, struct err *err)
{
	struct riommu *d = calloc(1, sizeof(*d));
	int ret;

	if (d == NULL)
		return err_set(err, -ENOMEM, "no memory for a riommu");
	d->base.ops = &riommu_ops;
	d->memory = config->memory;
	d->track_stale = config->track_stale;
	ret = riotlb_init(d, &config->iotlb, err);
	if (ret != 0) {
		riommu_destroy(&d->base);
		return ret;
	}
	*out = &d->base;
	return 0;
}

/* Statistics belong to whoever watches and stay. */
static void riommu_reset(struct iommu *iommu)
{
	struct riommu *d = riommu_of(iommu);

	d->control = d->devices = d->device_count = 0;
	d->fault = d->fault_iova = 0;
	iotlb_invalidate_all(d->rings);
}

static bool riommu_may_start(const struct iommu *iommu, unsigned bus)
{
	(void)iommu;
	return bus == 0;
}

/* Nothing waits for transactions to end, so nobody counts them. */
static void riommu_transaction(struct iommu *iommu, unsigned bus)
{
	(void)iommu;
	(void)bus;
}

/* A hit is an access that waited for no table, whichever of the two mappings answered. */
static void riommu_stats(const struct iommu *iommu, struct iotlb_stats *out)
{
	const struct riommu *d = riommu_of_const(iommu);

	iotlb_stats(d->rings, out);
	out->hits = d->hits;
	out->misses = d->misses;
	out->prefetched = d->prefetched;
	out->useful = d->useful;
}

static uint64_t riommu_invalidations(const struct iommu *iommu)
{
	return riommu_of_const(iommu)->commands;
}

static void riommu_latched(const struct iommu *iommu, unsigned bus, uint64_t *status,
			   uint64_t *detail)
{
	const struct riommu *d = riommu_of_const(iommu);

	*status = bus == 0 ? d->fault : 0;
	*detail = bus == 0 ? d->fault_iova : 0;
}

uint64_t riommu_stray_accesses(const struct iommu *iommu)
{
	return iommu->ops == &riommu_ops ? riommu_of_const(iommu)->strays : 0;
}

const struct iommu_ops riommu_ops = {
	.name = "riommu",
	.title = "rIOMMU (ASPLOS 2015, a design): a flat ring of mappings per device ring, to the "
		 "byte",
	.geometry = {.entries = RIOTLB_RINGS, .ways = 0, .line_pages = 1},
	.create = riommu_create,
	.destroy = riommu_destroy,
	.reset = riommu_reset,
	.reg_read = riommu_reg_read,
	.reg_write = riommu_reg_write,
	.translate = riommu_translate,
	.probe = riommu_probe,
	.may_start = riommu_may_start,
	.begin = riommu_transaction,
	.end = riommu_transaction,
	.stats = riommu_stats,
	.invalidations = riommu_invalidations,
	.latched = riommu_latched,
};
