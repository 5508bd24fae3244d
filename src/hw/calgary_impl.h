/* SPDX-License-Identifier: MIT */
/*
 * What the files of the Calgary model share. Private to src/hw/calgary*.c.
 */
#ifndef IOTOLL_HW_CALGARY_IMPL_H
#define IOTOLL_HW_CALGARY_IMPL_H

#include "hw/calgary.h"
#include "hw/iotlb.h"
#include "spec/calgary.h"

/* Registers that hold something; the order is that of the rows in calgary_regs.c. */
enum calgary_reg {
	REG_CCR, /* one per chip: kept with PHB 0 */
	REG_TAR,
	REG_STUFF,
	REG_SPLITQ, /* computed, holds nothing */
	REG_CSR,
	REG_PLSSR,
	REG_CONFIG_RW,
	REG_IOBASE_LOW,
	REG_IOBASE_HIGH,
	REG_MEM_1_LOW,
	REG_MEM_1_HIGH,
	REG_IO_ADDR_SIZE,
	REG_MEM_1_SIZE,
	REG_MEM_ST,
	REG_AER,
	REG_CONFIG_0_HIGH,
	REG_CONFIG_0_LOW,
	REG_CONFIG_0_END,
	REG_MEM_2_LOW,
	REG_MEM_2_HIGH,
	REG_MEM_2_SIZE_HIGH,
	REG_MEM_2_SIZE_LOW,
	REG_DOSHOLE,
	REG_COUNT,
};

struct calgary;

struct calgary_phb {
	struct calgary *chip;
	unsigned number;
	uint64_t reg[REG_COUNT]; /* logical values */
	uint64_t outstanding;    /* transactions begun and not ended */
	struct iotlb *cache;     /* the TCE cache */
	/* Addresses in [first, last] go to the table: what the registers say, worked out. */
	uint64_t table_first, table_last;
};

struct calgary {
	struct iommu base; /* first */
	struct iotoll_memory memory;
	bool track_stale;
	uint64_t strays;
	struct calgary_phb phb[CALGARY_PHBS];
};

static inline struct calgary *calgary_of(struct iommu *iommu)
{
	return (struct calgary *)iommu;
}

static inline const struct calgary *calgary_of_const(const struct iommu *iommu)
{
	return (const struct calgary *)iommu;
}

/* calgary_regs.c */

uint64_t calgary_reg_read(struct iommu *iommu, uint64_t offset, unsigned width);
void calgary_reg_write(struct iommu *iommu, uint64_t offset, uint64_t value, unsigned width);
/* Every register of @phb to its reset value, without side effects. */
void calgary_regs_reset(struct calgary_phb *phb);
/* May a device of @phb start a transaction: arbitration on and no slot shut off. */
bool calgary_phb_runs(const struct calgary_phb *phb);
/* Tell the observer if calgary_phb_runs() is no longer what it @was. */
void calgary_tell_arbitration(struct calgary_phb *phb, bool was);
/* Latch an error that @devid caused, unless one is latched already. */
void calgary_latch_error(struct calgary_phb *phb, uint16_t devid);

/* calgary_translate.c */

/* A register of @phb has changed: work out its table_first and table_last. */
void calgary_plan_table(struct calgary_phb *phb);

int calgary_translate(struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		      enum iotoll_access access, struct iotoll_xlat *out);
int calgary_probe(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		  enum iotoll_access access, struct iotoll_xlat *out);
bool calgary_held(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		  struct iommu_held *out);

#endif
