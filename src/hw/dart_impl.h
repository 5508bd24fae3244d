/* SPDX-License-Identifier: MIT */
/*
 * What the files of the DART model share. Private to src/hw/dart*.c.
 */
#ifndef IOTOLL_HW_DART_IMPL_H
#define IOTOLL_HW_DART_IMPL_H

#include "base/rng.h"
#include "hw/dart.h"
#include "hw/iotlb.h"
#include "spec/dart.h"

#define DART_HT  0u /* buses of the generic interface */
#define DART_PCI 1u

/* Registers that hold something. Not every chip has all of them. */
enum dart_reg {
	DART_REG_CNTL,
	DART_REG_BASE,
	DART_REG_SIZE,
	DART_REG_EXCP,
	DART_REG_APIEXCP,
	DART_REG_APIMASK,
	DART_REG_COUNT,
};

struct dart;
struct dart_row;

/* In what the two chips differ. */
struct dart_kind {
	unsigned buses;
	const struct dart_row *rows; /* of registers; the last has no bytes */
	uint32_t enable;             /* in CNTL, like those below */
	uint32_t invalidate_all;
	uint32_t invalidate_one; /* 0: it cannot */
	uint64_t (*table)(const struct dart *d);
	uint64_t (*pages)(const struct dart *d); /* of the table */
	bool rights;                             /* enforces the entries' rights */
	bool bypass;                             /* PCI Express devices can go past */
	bool captures;                           /* its exception register's layout is known */
};

struct dart {
	struct iommu base; /* first */
	const struct dart_kind *kind;
	struct iotoll_memory memory;
	struct iommu_dart_config config;
	bool track_stale;
	uint32_t reg[DART_REG_COUNT];
	struct iotlb *tlb;
	/* Addresses below are looked up in the table, whoever asks; 0 while it is not enabled. */
	uint64_t below;
	/* For how long the bits of invalidations that the chip noticed will stay up. */
	unsigned reads_left;
	uint32_t missed; /* the bits it has not noticed: they stay until software clears them */
	uint64_t selective, strays;
	struct rng rng;
};

static inline struct dart *dart_of(struct iommu *iommu)
{
	return (struct dart *)iommu;
}

static inline const struct dart *dart_of_const(const struct iommu *iommu)
{
	return (const struct dart *)iommu;
}

/* dart_regs.c */

extern const struct dart_kind dart_u3;
extern const struct dart_kind dart_u4;

uint64_t dart_reg_read(struct iommu *iommu, uint64_t offset, unsigned width);
void dart_reg_write(struct iommu *iommu, uint64_t offset, uint64_t value, unsigned width);
/* Every register to its reset value, no invalidation in progress. */
void dart_regs_reset(struct dart *d);

/* dart_translate.c */

int dart_translate(struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		   enum iotoll_access access, struct iotoll_xlat *out);
int dart_probe(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
	       enum iotoll_access access, struct iotoll_xlat *out);
bool dart_held(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
	       struct iommu_held *out);
/* Forget page @pfn, keeping the others of its line. */
void dart_invalidate_page(struct dart *d, uint64_t pfn);

#endif
