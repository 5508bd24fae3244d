// SPDX-License-Identifier: MIT
/*
 * Calgary's registers as rows: where, how wide, what reset leaves, what a write may change. Rows
 * hold logical (big-endian documented) values; the byte lanes turn them for a little-endian CPU in
 * one place, for every register alike. That the Linux driver handles AER and the split queue
 * without swapping changes nothing here: it only ever puts back what it read, or looks at one
 * byte.
 *
 * Not published, decided here:
 *  - reset values: what a driver may expect firmware to have left. Arbitration on (AER all ones),
 *    translation off, windows closed, bus numbers 0, 1, 2, 4 as on the first Calgary of a chassis;
 *  - an access that meets no register reads 0, writes nothing and is counted;
 *  - either 32-bit half of a 64-bit register can be read and written by itself; writing either
 *    half of a TAR invalidates;
 *  - CSR bits fall where 0 is written, so that the only write known, 0, clears it. PLSSR is set
 *    and cleared with CSR. MCSR_ENABLE does not gate the latch;
 *  - an idle split queue shows ones in its status byte, a busy one zeros; other bits are 0;
 *  - any SLOT_DISABLE bit shuts the whole bus: the driver only ever sets all three, and which
 *    device sits in which slot is not known to the bridge model;
 *  - the agent in CSR is the low five bits of the requester's id.
 */
#include "hw/calgary_impl.h"
#include "hw/shared.h"

#define ONES32 UINT64_C(0xFFFFFFFF)
#define ONES64 UINT64_MAX

struct reg_row {
	uint32_t offset; /* of PHB 0's */
	uint32_t step;   /* to the next PHB's; 0: one per chip */
	unsigned bytes;  /* width */
	uint64_t reset;  /* STUFF differs by PHB: see calgary_regs_reset() */
	uint64_t write;  /* bits that take the written value */
	uint64_t clear;  /* bits that a written 0 clears */
	uint64_t (*load)(const struct calgary_phb *phb);      /* NULL: the value held */
	void (*wrote)(struct calgary_phb *phb, uint64_t old); /* NULL: no side effect */
};

static uint64_t splitq_load(const struct calgary_phb *phb)
{
	return phb->outstanding == 0 ? CALGARY_SPLITQ_IDLE : 0;
}

/* Any write, whatever its value, invalidates: the driver rewrites the same value to flush. */
static void tar_wrote(struct calgary_phb *phb, uint64_t old)
{
	(void)old;
	iotlb_invalidate_all(phb->cache);
}

static bool runs(uint64_t aer, uint64_t config)
{
	return aer != 0 && (config & CALGARY_SLOT_DISABLE) == 0;
}

bool calgary_phb_runs(const struct calgary_phb *phb)
{
	return runs(phb->reg[REG_AER], phb->reg[REG_CONFIG_RW]);
}

void calgary_tell_arbitration(struct calgary_phb *phb, bool was)
{
	const struct iotoll_iommu_observer *o = &phb->chip->base.observer;
	bool now = calgary_phb_runs(phb);

	if (now != was && o->arbitration != NULL)
		o->arbitration(o->ctx, phb->number, now);
}

static void aer_wrote(struct calgary_phb *phb, uint64_t old)
{
	calgary_tell_arbitration(phb, runs(old, phb->reg[REG_CONFIG_RW]));
}

static void config_wrote(struct calgary_phb *phb, uint64_t old)
{
	calgary_tell_arbitration(phb, runs(phb->reg[REG_AER], old));
}

static void csr_wrote(struct calgary_phb *phb, uint64_t old)
{
	(void)old;
	if ((phb->reg[REG_CSR] & CALGARY_CSR_ERRORS) == 0)
		phb->reg[REG_PLSSR] = 0;
}

void calgary_latch_error(struct calgary_phb *phb, uint16_t devid)
{
	if ((phb->reg[REG_CSR] & CALGARY_CSR_ERRORS) != 0)
		return;
	phb->reg[REG_CSR] = CALGARY_CSR_SEEN_ERROR |
			    (((uint64_t)devid << CALGARY_CSR_AGENT_SHIFT) & CALGARY_CSR_AGENT);
	phb->reg[REG_PLSSR] = CALGARY_PLSSR_SEEN;
}

/* clang-format off */
#define CHIP(r)		(r), 0
#define TARS		CALGARY_TAR0, CALGARY_TAR_STEP
#define DEBUG(r)	(CALGARY_DEBUG_BLOCK + (r)), CALGARY_BLOCK_STEP
#define PHB(r)		(CALGARY_PHB_BLOCK + (r)), CALGARY_BLOCK_STEP
/* A window whose first byte lies above its last is closed: [2 MiB, 1 MiB). */
#define CLOSED		UINT64_C(0x200000)

static const struct reg_row rows[REG_COUNT] = {
	/*			offset, step			bytes reset   write   clear */
	[REG_CCR]	     = {CHIP(CALGARY_CCR),		8, 0,	   ONES64, 0, NULL, NULL},
	[REG_TAR]	     = {TARS,				8, 0,	   ONES64, 0, NULL, tar_wrote},
	[REG_STUFF]	     = {DEBUG(CALGARY_DEBUG_STUFF),	4, 0,	   0,	   0, NULL, NULL},
	[REG_SPLITQ]	     = {DEBUG(CALGARY_DEBUG_SPLITQ),	8, 0,	   0,	   0, splitq_load, NULL},
	[REG_CSR]	     = {PHB(CALGARY_CSR),		4, 0,	   0, ONES32, NULL, csr_wrote},
	[REG_PLSSR]	     = {PHB(CALGARY_PLSSR),		4, 0,	   0,	   0, NULL, NULL},
	[REG_CONFIG_RW]	     = {PHB(CALGARY_CONFIG_RW),		4, 0,	   ONES32, 0, NULL, config_wrote},
	[REG_IOBASE_LOW]     = {PHB(CALGARY_IOBASE_LOW),	4, 0,	   ONES32, 0, NULL, NULL},
	[REG_IOBASE_HIGH]    = {PHB(CALGARY_IOBASE_HIGH),	4, 0,	   ONES32, 0, NULL, NULL},
	[REG_MEM_1_LOW]	     = {PHB(CALGARY_MEM_1_LOW),		4, CLOSED, ONES32, 0, NULL, NULL},
	[REG_MEM_1_HIGH]     = {PHB(CALGARY_MEM_1_HIGH),	4, 0,	   ONES32, 0, NULL, NULL},
	[REG_IO_ADDR_SIZE]   = {PHB(CALGARY_IO_ADDR_SIZE),	4, 0,	   ONES32, 0, NULL, NULL},
	[REG_MEM_1_SIZE]     = {PHB(CALGARY_MEM_1_SIZE),	4, 0,	   ONES32, 0, NULL, NULL},
	[REG_MEM_ST]	     = {PHB(CALGARY_MEM_ST),		4, 0,	   ONES32, 0, NULL, NULL},
	[REG_AER]	     = {PHB(CALGARY_AER),		4, ONES32, ONES32, 0, NULL, aer_wrote},
	[REG_CONFIG_0_HIGH]  = {PHB(CALGARY_CONFIG_0_HIGH),	4, 0,	   ONES32, 0, NULL, NULL},
	[REG_CONFIG_0_LOW]   = {PHB(CALGARY_CONFIG_0_LOW),	4, 0,	   ONES32, 0, NULL, NULL},
	[REG_CONFIG_0_END]   = {PHB(CALGARY_CONFIG_0_END),	4, 0,	   ONES32, 0, NULL, NULL},
	[REG_MEM_2_LOW]	     = {PHB(CALGARY_MEM_2_LOW),		4, CLOSED, ONES32, 0, NULL, NULL},
	[REG_MEM_2_HIGH]     = {PHB(CALGARY_MEM_2_HIGH),	4, 0,	   ONES32, 0, NULL, NULL},
	[REG_MEM_2_SIZE_HIGH]= {PHB(CALGARY_MEM_2_SIZE_HIGH),	4, 0,	   ONES32, 0, NULL, NULL},
	[REG_MEM_2_SIZE_LOW] = {PHB(CALGARY_MEM_2_SIZE_LOW),	4, 0,	   ONES32, 0, NULL, NULL},
	[REG_DOSHOLE]	     = {PHB(CALGARY_DOSHOLE),		4, 0,	   ONES32, 0, NULL, NULL},
};
/* clang-format on */

/* First bus behind each PHB of the first Calgary of a chassis; each has that one bus. */
static const uint8_t first_bus[CALGARY_PHBS] = {0, 1, 2, 4};

void calgary_regs_reset(struct calgary_phb *phb)
{
	for (unsigned r = 0; r < REG_COUNT; r++)
		phb->reg[r] = rows[r].reset;
	phb->reg[REG_STUFF] =
		(uint64_t)first_bus[phb->number] << 16 | (uint64_t)first_bus[phb->number] << 8;
	calgary_plan_table(phb);
}

/* Does the @width-byte access at @offset meet @row? Then whose register, and which bytes of it. */
static bool meets(const struct reg_row *row, uint64_t offset, unsigned width, unsigned *phb,
		  unsigned *lane)
{
	uint64_t from = offset - row->offset;

	if (offset < row->offset)
		return false;
	*phb = row->step != 0 ? (unsigned)(from / row->step) : 0;
	*lane = (unsigned)(row->step != 0 ? from % row->step : from);
	if (*phb >= CALGARY_PHBS || from >= CALGARY_WINDOW_BYTES || *lane >= row->bytes)
		return false;
	return width == row->bytes ? *lane == 0 : width == 4 && *lane % 4 == 0;
}

static const struct reg_row *find_row(struct calgary *c, uint64_t offset, unsigned width,
				      struct calgary_phb **phb, unsigned *lane)
{
	unsigned number;

	for (unsigned r = 0; r < REG_COUNT; r++) {
		if (!meets(&rows[r], offset, width, &number, lane))
			continue;
		*phb = &c->phb[number];
		return &rows[r];
	}
	c->strays++;
	return NULL;
}

/* Where the @width bytes from @lane on lie in the logical value of a register of @row's width. */
static unsigned lane_shift(const struct reg_row *row, unsigned lane, unsigned width)
{
	return 8 * (row->bytes - lane - width);
}

static uint64_t turn(uint64_t value, unsigned width)
{
	return width == 8 ? calgary_cpu64(value) : calgary_cpu32((uint32_t)value);
}

uint64_t calgary_reg_read(struct iommu *iommu, uint64_t offset, unsigned width)
{
	struct calgary_phb *phb;
	unsigned lane;
	const struct reg_row *row = find_row(calgary_of(iommu), offset, width, &phb, &lane);
	uint64_t value;

	if (row == NULL)
		return 0;
	value = row->load != NULL ? row->load(phb) : phb->reg[row - rows];
	return turn(value >> lane_shift(row, lane, width), width);
}

void calgary_reg_write(struct iommu *iommu, uint64_t offset, uint64_t value, unsigned width)
{
	struct calgary_phb *phb;
	unsigned lane, shift;
	const struct reg_row *row = find_row(calgary_of(iommu), offset, width, &phb, &lane);
	uint64_t *held, old, written;

	if (row == NULL)
		return;
	held = &phb->reg[row - rows];
	old = *held;
	shift = lane_shift(row, lane, width);
	written = turn(value, width) << shift;
	if (width < row->bytes) /* the other half keeps its value */
		written |= old & ~(ONES32 << shift);
	*held = (old & ~row->write & (written | ~row->clear)) | (written & row->write);
	calgary_plan_table(phb);
	if (row->wrote != NULL)
		row->wrote(phb, old);
	/* What a flush writes besides the TAR changes no translation. */
	if (row != &rows[REG_AER] && row != &rows[REG_CSR])
		iommu_forget_tag(&phb->chip->base, phb->number);
}
