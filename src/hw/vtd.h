/* SPDX-License-Identifier: MIT */
/*
 * The hardware half of an Intel VT-d remapping unit in legacy mode: root and context tables,
 * second-level tables of 3 or 4 levels with large pages, pass-through, the context cache, the
 * IOTLB tagged by domain, paging-structure caches, invalidation through registers and through
 * the queue, and fault recording. What software finds in CAP and ECAP follows from a struct
 * vtd_config. With ECAP.DT it serves ATS (hw/ats.h).
 *
 * Left out: interrupt remapping (ECAP.IR and EIM read 0), scalable mode and PASIDs, the page
 * request queue (what may use it is a bit of scalable mode's context entries), protected memory
 * regions, advanced fault logging. Their registers read 0 and ignore writes.
 *
 * A unit serves one PCI segment: struct iotoll_source has bus 0 (the host bridge) and devid the
 * 16-bit requester id, PCI bus in 15:8, device and function in 7:0. What the documents leave open
 * and this model decided is told where it is decided.
 */
#ifndef IOTOLL_HW_VTD_H
#define IOTOLL_HW_VTD_H

#include "hw/ats.h"

/* The registry's row. */
extern const struct iommu_ops vtd_ops;

/* What the unit is able to do, hence CAP and ECAP. */
struct vtd_config {
	bool levels_3, levels_4; /* SAGAW: 39 and 48 bit tables; at least one */
	unsigned guest_bits;     /* MGAW: 39..48 */
	unsigned host_bits;      /* width of physical addresses: 36..52; bits above are reserved */
	bool pages_2m, pages_1g; /* SLLPS */
	unsigned domain_bits;    /* ND: 4, 6 .. 16 */
	bool page_selective;     /* PSI */
	unsigned max_mask;       /* MAMV: 0..52; needs page_selective unless 0 */
	/*
	 * So many low bits of a page number does a page-selective invalidation compare, and it
	 * drops whatever agrees in them: units may forget more than they are asked to. 0: all 52.
	 */
	unsigned compared_bits;
	unsigned fault_records;   /* NFR: 1..256 */
	uint32_t fault_offset;    /* FRO: a multiple of 16, within the page behind the others */
	uint32_t iotlb_offset;    /* IRO: the same */
	bool caching_mode;        /* CM: entries that fault are cached, too */
	bool write_flush;         /* RWBF */
	bool coherent;            /* C */
	bool queued;              /* QI */
	bool pass_through;        /* PT */
	bool snoop_control;       /* SC: bit 11 of a leaf is software's */
	bool device_tlb;          /* DT: TT 1, bit 62 of a leaf, device-TLB descriptors */
	bool drain;               /* DWD and DRD */
	bool zero_length_reads;   /* ZLR */
	bool srtp_flushes;        /* ESRTPS */
	unsigned context_entries; /* of the context cache: 0 or a power of two up to 65536 */
	unsigned paging_entries;  /* of each level's paging-structure cache: the same */
};

/*
 * What a model gets whose iommu_config.vtd is NULL: the capabilities of the Xeon E5 v3 and v4 as
 * Linux prints them when booting on them (cap d2078c106f0466, ecap f020de), without what is left
 * out here, and with 3-level tables besides. Cache sizes are not published: 256 contexts, 16
 * entries for each level.
 */
extern const struct vtd_config vtd_xeon;
/*
 * The capabilities that QEMU 7.2 shows with aw-bits=48 and intremap=off, and no paging-structure
 * caches: for comparing the two.
 */
extern const struct vtd_config vtd_like_qemu;

struct vtd_stats {
	uint64_t context_hits, context_misses; /* of translations */
	uint64_t paging_hits;                  /* walks that began below the top */
	uint64_t walks;                        /* of second-level tables */
	uint64_t invalidations;                /* of the IOTLB, carried out */
	uint64_t descriptors;                  /* of the queue, carried out */
	uint64_t faults, recorded, lost;       /* accesses refused; records; for want of one */
	uint64_t strays; /* register accesses that met no register: read 0, wrote nothing */
};

/* Since creation. All 0 if @iommu is no VT-d. */
void vtd_stats(const struct iommu *iommu, struct vtd_stats *out);

/* Recompute every invariant from scratch; false if one is broken or @iommu is no VT-d. For tests.
 */
bool vtd_check(const struct iommu *iommu);

#endif
