/* SPDX-License-Identifier: MIT */
/*
 * What the files of the rIOMMU model share. Private to src/hw/riommu*.c.
 */
#ifndef IOTOLL_HW_RIOMMU_IMPL_H
#define IOTOLL_HW_RIOMMU_IMPL_H

#include "hw/iotlb.h"
#include "hw/riommu.h"
#include "spec/riommu.h"

/* What the rIOTLB holds of a ring: struct rIOTLB_entry of the paper. */
struct riotlb_entry {
	uint16_t devid, rid;
	uint32_t rentry;         /* of @rpte */
	struct riommu_pair rpte; /* valid, always */
	struct riommu_pair next; /* of the rentry after it; counts only if valid */
	/* Where the ring is, so that what follows needs no walk: our choice. */
	uint64_t ring;
	uint32_t ring_entries;
};

/*
 * One of as many places as rings can be held, plus one: the newcomer is put down before the
 * replacement policy has said whose place becomes free.
 */
struct riotlb_place {
	struct riotlb_entry entry;
	uint32_t link; /* the next place in its chain, or in the list of free ones; 0 ends it */
};

struct riommu {
	struct iommu base; /* first */
	struct iotoll_memory memory;
	bool track_stale;
	uint64_t control, devices, device_count;
	uint64_t fault, fault_iova;
	uint64_t commands, strays;
	/*
	 * Which rings are held is the IOTLB's business, tagged by requester id and looked up by
	 * rid; its "table entry" is the number of a place.
	 */
	struct iotlb *rings;
	struct riotlb_place *place; /* from 1 on; NULL: nothing is ever held */
	uint32_t *chain;            /* by requester and rid: the first place of each */
	uint32_t chain_mask, free_place;
	uint64_t hits, misses, prefetched, useful;
};

static inline struct riommu *riommu_of(struct iommu *iommu)
{
	return (struct riommu *)iommu;
}

static inline const struct riommu *riommu_of_const(const struct iommu *iommu)
{
	return (const struct riommu *)iommu;
}

/* riommu_riotlb.c */

/* 0; -ENOMEM, -EINVAL with @err. Undone by riotlb_fini(), which is allowed after a failure. */
int riotlb_init(struct riommu *d, const struct iotlb_config *config, struct err *err) MUST_CHECK;
void riotlb_fini(struct riommu *d);
/* What is held of the ring, or NULL; the first of them is an access, the other changes nothing. */
const struct riotlb_entry *riotlb_access(struct riommu *d, uint16_t devid, uint16_t rid);
const struct riotlb_entry *riotlb_peek(const struct riommu *d, uint16_t devid, uint16_t rid);
/* Hold @entry for its ring, in place of whatever is held of it. Tells of what leaves. */
void riotlb_put(struct riommu *d, const struct riotlb_entry *entry);

/* riommu_regs.c */

uint64_t riommu_reg_read(struct iommu *iommu, uint64_t offset, unsigned width);
void riommu_reg_write(struct iommu *iommu, uint64_t offset, uint64_t value, unsigned width);
/* Latch a refused access, if none is. */
void riommu_latch(struct riommu *d, uint16_t devid, uint64_t iova, enum iotoll_access access,
		  enum riommu_reason reason);

/* riommu_translate.c */

int riommu_translate(struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		     enum iotoll_access access, struct iotoll_xlat *out);
int riommu_probe(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		 enum iotoll_access access, struct iotoll_xlat *out);

static inline bool riommu_rpte_valid(struct riommu_pair rpte)
{
	return (rpte.hi & RIOMMU_RPTE_VALID) != 0;
}

/* The same memory with the same rights, whatever the bits without a name. */
static inline bool riommu_rpte_same(struct riommu_pair a, struct riommu_pair b)
{
	return a.lo == b.lo && ((a.hi ^ b.hi) & RIOMMU_RPTE_FIELDS) == 0;
}

static inline uint32_t riommu_next(uint32_t rentry, uint32_t ring_entries)
{
	return rentry + 1 < ring_entries ? rentry + 1 : 0;
}

#endif
