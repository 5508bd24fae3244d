// SPDX-License-Identifier: MIT
/*
 * Intel VT-d, hardware half: creation, reset and the operations table. Registers are in
 * vtd_regs.c, the walk in vtd_walk.c, the caches in vtd_caches.c, the queue in vtd_queue.c, faults
 * in vtd_fault.c, ATS in vtd_ats.c, capabilities in vtd_config.c, layouts in spec/vtd.h.
 */
#include <errno.h>
#include <stdlib.h>

#include "hw/vtd_impl.h"

/* The IOTLB knows domains, not devices: the requester id told is 0. */
static void vtd_dropped(void *ctx, uint32_t tag, uint64_t pfn)
{
	struct vtd *v = ctx;
	const struct iotoll_iommu_observer *o = &v->base.observer;

	(void)tag;
	if (o->dropped != NULL)
		o->dropped(o->ctx, (struct iotoll_source){0}, pfn);
}

/* Each page of a large one, as the observer counts in pages; nobody listening costs nothing. */
static void vtd_dropped_large(void *ctx, uint32_t tag, uint64_t pfn, unsigned order)
{
	const struct vtd *v = ctx;

	if (v->base.observer.dropped == NULL)
		return;
	for (uint64_t i = 0; i < UINT64_C(1) << order; i++)
		vtd_dropped(ctx, tag, pfn + i);
}

static void vtd_destroy(struct iommu *iommu)
{
	struct vtd *v = vtd_of(iommu);

	for (unsigned l = 2; l <= VTD_MAX_LEVELS; l++)
		free(v->paging[l]);
	free(v->context);
	free(v->record);
	iotlb_destroy(v->iotlb);
	free(v);
}

static void forget_all(struct vtd *v)
{
	for (unsigned i = 0; i < v->config.context_entries; i++)
		v->context[i] = (struct vtd_context){0};
	for (unsigned l = 2; l <= VTD_MAX_LEVELS; l++)
		for (unsigned i = 0; i < v->config.paging_entries; i++)
			v->paging[l][i].prefix = VTD_NO_PREFIX;
}

static int allocate(struct vtd *v)
{
	const struct vtd_config *c = &v->config;

	v->record = calloc(c->fault_records, sizeof(*v->record));
	if (v->record == NULL)
		return -ENOMEM;
	v->context_mask = c->context_entries != 0 ? c->context_entries - 1 : 0;
	v->context = calloc(v->context_mask + 1, sizeof(*v->context));
	if (v->context == NULL)
		return -ENOMEM;
	for (unsigned l = 2; c->paging_entries != 0 && l <= VTD_MAX_LEVELS; l++) {
		v->paging[l] = calloc(c->paging_entries, sizeof(*v->paging[l]));
		if (v->paging[l] == NULL)
			return -ENOMEM;
	}
	forget_all(v);
	return 0;
}

static void derive(struct vtd *v)
{
	v->cap = vtd_config_cap(&v->config);
	v->ecap = vtd_config_ecap(&v->config);
	for (unsigned l = 1; l <= VTD_MAX_LEVELS; l++) {
		v->leaf_rsvd[l] = vtd_config_leaf_rsvd(&v->config, l);
		v->table_rsvd[l] = vtd_config_table_rsvd(&v->config, l);
	}
}

static int vtd_create(struct iommu **out, const struct iommu_config *config, struct err *err)
{
	const struct vtd_config *shape = config->vtd != NULL ? config->vtd : &vtd_xeon;
	struct vtd *v;
	int ret = vtd_config_check(shape, err);

	if (ret != 0)
		return ret;
	v = calloc(1, sizeof(*v));
	if (v == NULL)
		return err_set(err, -ENOMEM, "no memory for a vtd");
	v->base.ops = &vtd_ops;
	v->memory = config->memory;
	v->config = *shape;
	v->track_stale = config->track_stale;
	derive(v);
	ret = iotlb_create(&v->iotlb, &config->iotlb, err);
	if (ret != 0)
		goto destroy;
	iotlb_on_drop(v->iotlb, vtd_dropped, v);
	iotlb_on_drop_large(v->iotlb, vtd_dropped_large, v);
	ret = allocate(v);
	if (ret != 0) {
		ret = err_set(err, ret, "no memory for a vtd's caches");
		goto destroy;
	}
	vtd_regs_reset(v);
	*out = &v->base;
	return 0;

destroy:
	vtd_destroy(&v->base);
	return ret;
}

/* Registers and caches to their reset state. Statistics belong to whoever watches and stay. */
static void vtd_reset(struct iommu *iommu)
{
	struct vtd *v = vtd_of(iommu);

	vtd_regs_reset(v);
	vtd_caches_flush(v);
}

/* The unit stops nobody: what it does not allow, it refuses. */
static bool vtd_may_start(const struct iommu *iommu, unsigned bus)
{
	(void)iommu;
	return bus == 0;
}

/* Draining is instantaneous here: commands act between transactions, so there is none to count. */
static void vtd_begin(struct iommu *iommu, unsigned bus)
{
	(void)iommu;
	(void)bus;
}

static void vtd_end(struct iommu *iommu, unsigned bus)
{
	(void)iommu;
	(void)bus;
}

static void vtd_iotlb_stats(const struct iommu *iommu, struct iotlb_stats *out)
{
	iotlb_stats(vtd_of_const(iommu)->iotlb, out);
}

static uint64_t vtd_invalidations(const struct iommu *iommu)
{
	return vtd_of_const(iommu)->stats.invalidations;
}

/* FSTS, and the upper half of the first pending record (reason, requester). */
static void vtd_latched(const struct iommu *iommu, unsigned bus, uint64_t *status, uint64_t *detail)
{
	const struct vtd *v = vtd_of_const(iommu);

	*status = bus == 0 ? vtd_fault_status(v) : 0;
	*detail = bus == 0 && v->pending != 0 ? v->record[v->first_record].hi : 0;
}

void vtd_stats(const struct iommu *iommu, struct vtd_stats *out)
{
	const struct vtd *v = vtd_of_const(iommu);
	struct iotlb_stats hits;

	if (iommu->ops != &vtd_ops) {
		*out = (struct vtd_stats){0};
		return;
	}
	*out = v->stats;
	iotlb_stats(v->iotlb, &hits);
	/* Whoever is in front has his context entry at hand, and nothing else is counted then. */
	out->context_hits += hits.hits - v->slow_hits;
}

bool vtd_check(const struct iommu *iommu)
{
	const struct vtd *v = vtd_of_const(iommu);
	unsigned pending = 0;

	if (iommu->ops != &vtd_ops)
		return false;
	for (unsigned n = 0; n < v->config.fault_records; n++)
		pending += (v->record[n].hi & VTD_FRCD_HI_F) != 0;
	if (!ats_tags_check(&v->tags) || (v->queue.waiting && v->tags.outstanding == 0))
		return false;
	if (pending != v->pending || v->next_record >= v->config.fault_records ||
	    v->first_record >= v->config.fault_records || v->queue.busy)
		return false;
	for (size_t i = 0; i <= v->context_mask; i++)
		if (!v->context[i].valid && v->context[i].below != 0)
			return false;
	for (unsigned i = 0; i < v->config.context_entries; i++)
		if (v->context[i].valid && (vtd_context_find(v, v->context[i].sid) == NULL ||
					    (v->context[i].reason != 0 &&
					     (!v->config.caching_mode || v->context[i].did != 0))))
			return false;
	return iotlb_check(v->iotlb);
}

const struct iommu_ops vtd_ops = {
	.name = "vtd",
	.title = "Intel VT-d: a table per domain of 3 or 4 levels, invalidated page by page",
	.geometry = {.entries = 64, .ways = 4, .line_pages = 1}, /* assumed */
	.create = vtd_create,
	.destroy = vtd_destroy,
	.reset = vtd_reset,
	.reg_read = vtd_reg_read,
	.reg_write = vtd_reg_write,
	.translate = vtd_translate,
	.probe = vtd_probe,
	.may_start = vtd_may_start,
	.begin = vtd_begin,
	.end = vtd_end,
	.stats = vtd_iotlb_stats,
	.invalidations = vtd_invalidations,
	.latched = vtd_latched,
	.ats = &vtd_ats_ops,
	.held = vtd_held,
};
