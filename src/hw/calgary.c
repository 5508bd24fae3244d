// SPDX-License-Identifier: MIT
/*
 * IBM Calgary, hardware half: creation, reset, the count of outstanding transactions and the
 * operations table. Registers are in calgary_regs.c, the walk in calgary_translate.c, layouts in
 * spec/calgary.h.
 *
 * TCE caches: the chip's size, associativity and line length are not published, so they are
 * configuration. One cache per PHB is our choice; it fits what is known, that a TAR write flushes
 * that PHB's translations and no other's.
 */
#include <errno.h>
#include <stdlib.h>

#include "hw/calgary_impl.h"

static void calgary_dropped(void *ctx, uint32_t tag, uint64_t pfn)
{
	struct calgary_phb *phb = ctx;
	const struct iotoll_iommu_observer *o = &phb->chip->base.observer;

	(void)tag;
	if (o->dropped != NULL)
		o->dropped(o->ctx, (struct iotoll_source){.bus = (uint16_t)phb->number}, pfn);
}

static void calgary_destroy(struct iommu *iommu)
{
	struct calgary *c = calgary_of(iommu);

	for (unsigned i = 0; i < CALGARY_PHBS; i++)
		iotlb_destroy(c->phb[i].cache);
	free(c);
}

static int calgary_create(struct iommu **out, const struct iommu_config *config, struct err *err)
{
	struct calgary *c = calloc(1, sizeof(*c));
	int ret;

	if (c == NULL)
		return err_set(err, -ENOMEM, "no memory for a calgary");
	c->base.ops = &calgary_ops;
	c->memory = config->memory;
	c->track_stale = config->track_stale;
	for (unsigned i = 0; i < CALGARY_PHBS; i++) {
		struct calgary_phb *phb = &c->phb[i];
		struct iotlb_config geometry = config->iotlb;

		phb->chip = c;
		phb->number = i;
		geometry.seed += i; /* the caches of one chip draw independently */
		ret = iotlb_create(&phb->cache, &geometry, err);
		if (ret != 0)
			goto destroy;
		iotlb_on_drop(phb->cache, calgary_dropped, phb);
		calgary_regs_reset(phb);
	}
	*out = &c->base;
	return 0;

destroy:
	calgary_destroy(&c->base);
	return ret;
}

/*
 * Registers and caches to their reset state. Transactions that are out on the bus stay counted:
 * they end when their devices end them. Statistics belong to whoever watches and stay, too.
 */
static void calgary_reset(struct iommu *iommu)
{
	struct calgary *c = calgary_of(iommu);

	for (unsigned i = 0; i < CALGARY_PHBS; i++) {
		bool ran = calgary_phb_runs(&c->phb[i]);

		calgary_regs_reset(&c->phb[i]);
		iotlb_invalidate_all(c->phb[i].cache);
		calgary_tell_arbitration(&c->phb[i], ran);
	}
}

static bool calgary_may_start(const struct iommu *iommu, unsigned bus)
{
	return bus < CALGARY_PHBS && calgary_phb_runs(&calgary_of_const(iommu)->phb[bus]);
}

static void calgary_begin(struct iommu *iommu, unsigned bus)
{
	if (bus < CALGARY_PHBS)
		calgary_of(iommu)->phb[bus].outstanding++;
}

static void calgary_end(struct iommu *iommu, unsigned bus)
{
	struct calgary *c = calgary_of(iommu);

	/* An end without a begin is the embedder's mistake; the queue stays empty. */
	if (bus < CALGARY_PHBS && c->phb[bus].outstanding != 0)
		c->phb[bus].outstanding--;
}

static void calgary_stats(const struct iommu *iommu, struct iotlb_stats *out)
{
	const struct calgary *c = calgary_of_const(iommu);

	*out = (struct iotlb_stats){0};
	for (unsigned i = 0; i < CALGARY_PHBS; i++) {
		struct iotlb_stats s;

		iotlb_stats(c->phb[i].cache, &s);
		out->hits += s.hits;
		out->misses += s.misses;
		out->evictions += s.evictions;
		out->invalidated += s.invalidated;
		out->flushes += s.flushes;
		out->prefetched += s.prefetched;
		out->useful += s.useful;
	}
}

uint64_t calgary_stray_accesses(const struct iommu *iommu)
{
	return iommu->ops == &calgary_ops ? calgary_of_const(iommu)->strays : 0;
}

static void calgary_latched(const struct iommu *iommu, unsigned bus, uint64_t *status,
			    uint64_t *detail)
{
	const struct calgary *c = calgary_of_const(iommu);

	*status = bus < CALGARY_PHBS ? c->phb[bus].reg[REG_CSR] : 0;
	*detail = bus < CALGARY_PHBS ? c->phb[bus].reg[REG_PLSSR] : 0;
}

const struct iommu_ops calgary_ops = {
	.name = "calgary",
	.title = "IBM Calgary (PCI-X): a TCE table per bus, flushed only as a whole",
	.prefetches = true,
	.geometry = {.entries = 64, .ways = 4, .line_pages = 1}, /* not published: assumed */
	.create = calgary_create,
	.destroy = calgary_destroy,
	.reset = calgary_reset,
	.reg_read = calgary_reg_read,
	.reg_write = calgary_reg_write,
	.translate = calgary_translate,
	.probe = calgary_probe,
	.may_start = calgary_may_start,
	.begin = calgary_begin,
	.end = calgary_end,
	.stats = calgary_stats,
	.latched = calgary_latched,
	.held = calgary_held,
};
