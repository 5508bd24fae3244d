// SPDX-License-Identifier: MIT
/*
 * The rIOTLB: of each ring in use the mapping used last and the one after it. Which rings stay when
 * there are too many is left to the IOTLB that all models have, with its geometry and replacement
 * policies; the paper has one entry for each ring and says nothing of running out.
 *
 * What leaves is told page by page, since that is how exposure is watched: a mapping of n bytes is
 * the pages that n bytes from its first rIOVA on touch. A mapping that moves from "next" to "used
 * last", or comes back unchanged as "next", has not left.
 */
#include <errno.h>
#include <stdlib.h>

#include "hw/riommu_impl.h"

#define PAGE_SHIFT 12
#define PAGE_BYTES (UINT64_C(1) << PAGE_SHIFT)

/* Does @e hold @rpte as number @rentry of its ring? */
static bool holds(const struct riotlb_entry *e, uint32_t rentry, struct riommu_pair rpte)
{
	if (e == NULL)
		return false;
	if (e->rentry == rentry && riommu_rpte_same(e->rpte, rpte))
		return true;
	return riommu_rpte_valid(e->next) && riommu_next(e->rentry, e->ring_entries) == rentry &&
	       riommu_rpte_same(e->next, rpte);
}

static void tell_mapping(const struct riommu *d, const struct riotlb_entry *was, uint32_t rentry,
			 struct riommu_pair rpte, const struct riotlb_entry *now)
{
	const struct iotoll_iommu_observer *o = &d->base.observer;
	const struct iotoll_source source = {.bus = 0, .devid = was->devid};
	const uint64_t first = riommu_iova(was->rid, rentry, 0) >> PAGE_SHIFT;
	const uint64_t pages = ((rpte.hi & RIOMMU_RPTE_SIZE) + PAGE_BYTES - 1) >> PAGE_SHIFT;

	if (o->dropped == NULL || !riommu_rpte_valid(rpte) || holds(now, rentry, rpte))
		return;
	for (uint64_t i = 0; i < pages; i++)
		o->dropped(o->ctx, source, first + i);
}

/* @was has been replaced by @now, or, if that is NULL, by nothing. */
static void tell(const struct riommu *d, const struct riotlb_entry *was,
		 const struct riotlb_entry *now)
{
	tell_mapping(d, was, was->rentry, was->rpte, now);
	tell_mapping(d, was, riommu_next(was->rentry, was->ring_entries), was->next, now);
}

/* ---- where what is held of a ring lies ---- */

static uint32_t *chain_of(const struct riommu *d, uint16_t devid, uint16_t rid)
{
	/* An odd multiplier spreads the 32 bits; the high ones are the better mixed. */
	const uint32_t key = ((uint32_t)devid << 16 | rid) * UINT32_C(0x9E3779B1);

	return &d->chain[key >> 12 & d->chain_mask];
}

static uint32_t take_place(struct riommu *d, const struct riotlb_entry *entry)
{
	uint32_t *chain = chain_of(d, entry->devid, entry->rid);
	const uint32_t at = d->free_place;

	d->free_place = d->place[at].link;
	d->place[at].entry = *entry;
	d->place[at].link = *chain;
	*chain = at;
	return at;
}

/* The IOTLB gave up the ring @pfn of requester @tag. */
static void ring_dropped(void *ctx, uint32_t tag, uint64_t pfn)
{
	struct riommu *d = ctx;
	uint32_t *link = chain_of(d, (uint16_t)tag, (uint16_t)pfn);
	struct riotlb_entry was;
	uint32_t at;

	while (d->place[*link].entry.devid != tag || d->place[*link].entry.rid != pfn)
		link = &d->place[*link].link;
	at = *link;
	was = d->place[at].entry;
	*link = d->place[at].link;
	d->place[at].link = d->free_place;
	d->free_place = at;
	tell(d, &was, NULL);
}

const struct riotlb_entry *riotlb_access(struct riommu *d, uint16_t devid, uint16_t rid)
{
	uint64_t at;

	return iotlb_access(d->rings, devid, rid, &at) ? &d->place[at].entry : NULL;
}

const struct riotlb_entry *riotlb_peek(const struct riommu *d, uint16_t devid, uint16_t rid)
{
	uint64_t at;

	return iotlb_probe(d->rings, devid, rid, &at) ? &d->place[at].entry : NULL;
}

void riotlb_put(struct riommu *d, const struct riotlb_entry *entry)
{
	struct riotlb_entry was;
	uint64_t at;

	if (d->place == NULL)
		return;
	if (!iotlb_probe(d->rings, entry->devid, entry->rid, &at)) {
		const uint64_t taken = take_place(d, entry);

		iotlb_insert(d->rings, entry->devid, entry->rid, &taken);
		return;
	}
	was = d->place[at].entry;
	d->place[at].entry = *entry;
	tell(d, &was, entry);
}

/* ---- set up ---- */

int riotlb_init(struct riommu *d, const struct iotlb_config *config, struct err *err)
{
	uint32_t chains = 1;
	int ret;

	if (config->entries != 0 && config->line_pages != 1)
		return err_set(err, -EINVAL, "line_pages %u: a ring is held by itself: 1 expected",
			       config->line_pages);
	ret = iotlb_create(&d->rings, config, err);
	if (ret != 0 || config->entries == 0)
		return ret;
	iotlb_on_drop(d->rings, ring_dropped, d);
	while (chains < config->entries)
		chains *= 2;
	d->chain_mask = chains - 1;
	d->chain = calloc(chains, sizeof(*d->chain));
	/* Number 0 is none, and one more than are held: see struct riotlb_place. */
	d->place = calloc((size_t)config->entries + 2, sizeof(*d->place));
	if (d->chain == NULL || d->place == NULL)
		return err_set(err, -ENOMEM, "no memory for an rIOTLB of %u rings",
			       config->entries);
	for (uint32_t i = 1; i <= config->entries; i++)
		d->place[i].link = i + 1;
	d->free_place = 1;
	return 0;
}

void riotlb_fini(struct riommu *d)
{
	iotlb_destroy(d->rings);
	free(d->chain);
	free(d->place);
}
