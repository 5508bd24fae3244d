// SPDX-License-Identifier: MIT
/*
 * AMD-Vi's registers as rows ("IOMMU MMIO Registers"): where, what reset leaves, which bits take a
 * written value, which a written 1 clears. All are 64 bits wide and little-endian; either half can
 * be read and written by itself.
 *
 * Decided here:
 *  - bits of features that the extended feature register denies read 0 whatever is written;
 *  - an access that meets no register reads 0, writes nothing and is counted;
 *  - base registers, heads and tails can be written at any time and count from then on;
 *  - IommuEn and CmdBufEn change no cache: what was held before translation was switched off is
 *    found again when it is switched on.
 */
#include "hw/amdvi_impl.h"
#include "hw/shared.h"

#define RING_BASE (AMDVI_FRAME | AMDVI_RING_LENGTH)
#define CONTROLS                                                                               \
	(AMDVI_CTRL_IOMMU_EN | AMDVI_CTRL_HT_TUN_EN | AMDVI_CTRL_EVT_LOG_EN |                  \
	 AMDVI_CTRL_EVT_INT_EN | AMDVI_CTRL_COMWAIT_INT_EN | AMDVI_CTRL_INV_TIMEOUT |          \
	 AMDVI_CTRL_PASS_PW | AMDVI_CTRL_RES_PASS_PW | AMDVI_CTRL_COHERENT | AMDVI_CTRL_ISOC | \
	 AMDVI_CTRL_CMDBUF_EN | AMDVI_CTRL_PPR_LOG_EN | AMDVI_CTRL_PPR_INT_EN | AMDVI_CTRL_PPR_EN)
#define STATUS_W1C                                                                     \
	(AMDVI_STATUS_EVT_OVERFLOW | AMDVI_STATUS_EVT_INT | AMDVI_STATUS_COMWAIT_INT | \
	 AMDVI_STATUS_PPR_OVERFLOW | AMDVI_STATUS_PPR_INT)

struct reg_row {
	uint32_t offset;
	uint64_t reset;
	uint64_t write;                               /* bits that take the written value */
	uint64_t clear;                               /* bits that a written 1 clears */
	void (*wrote)(struct amdvi *a, uint64_t old); /* NULL: no side effect */
};

/* "Command Buffer Base Address Register": a write begins the buffer anew. */
static void cmdbuf_base_wrote(struct amdvi *a, uint64_t old)
{
	(void)old;
	a->reg[REG_CMD_HEAD] = a->reg[REG_CMD_TAIL] = 0;
}

static void evtlog_base_wrote(struct amdvi *a, uint64_t old)
{
	(void)old;
	a->reg[REG_EVT_HEAD] = a->reg[REG_EVT_TAIL] = 0;
}

static void pprlog_base_wrote(struct amdvi *a, uint64_t old)
{
	(void)old;
	a->reg[REG_PPR_HEAD] = a->reg[REG_PPR_TAIL] = 0;
}

static void cmd_pointer_wrote(struct amdvi *a, uint64_t old)
{
	(void)old;
	amdvi_commands_run(a);
}

static bool has_all(uint64_t value, uint64_t bits)
{
	return (value & bits) == bits;
}

/* A log starts with the rising edge of @bits, unless the overflow that stopped it is still noted.
 */
static void log_enabled(struct amdvi *a, uint64_t old, uint64_t bits, uint64_t run,
			uint64_t overflow)
{
	uint64_t *status = &a->reg[REG_STATUS];

	if (!has_all(a->reg[REG_CONTROL], bits))
		*status &= ~run;
	else if (!has_all(old, bits) && (*status & overflow) == 0)
		*status |= run;
}

/*
 * Buffer and logs run while they and the unit are enabled; what stopped them is forgotten only by
 * the next rising edge.
 */
static void control_wrote(struct amdvi *a, uint64_t old)
{
	const uint64_t now = a->reg[REG_CONTROL];
	const uint64_t buffer = AMDVI_CTRL_IOMMU_EN | AMDVI_CTRL_CMDBUF_EN;
	uint64_t *status = &a->reg[REG_STATUS];

	log_enabled(a, old, AMDVI_CTRL_IOMMU_EN | AMDVI_CTRL_EVT_LOG_EN, AMDVI_STATUS_EVT_RUN,
		    AMDVI_STATUS_EVT_OVERFLOW);
	log_enabled(a, old, AMDVI_CTRL_IOMMU_EN | AMDVI_CTRL_PPR_LOG_EN, AMDVI_STATUS_PPR_RUN,
		    AMDVI_STATUS_PPR_OVERFLOW);
	if (!has_all(now, buffer)) {
		*status &= ~AMDVI_STATUS_CMD_RUN;
	} else if (!has_all(old, buffer)) {
		*status |= AMDVI_STATUS_CMD_RUN;
		a->tags = (struct ats_tags){.next = a->tags.next};
		amdvi_commands_run(a);
	}
}

/* clang-format off */
static const struct reg_row rows[REG_COUNT] = {
	[REG_DEVTAB_BASE] = {AMDVI_DEVTAB_BASE, 0, AMDVI_FRAME | AMDVI_DEVTAB_SIZE, 0, NULL},
	[REG_CMDBUF_BASE] = {AMDVI_CMDBUF_BASE, 0, RING_BASE, 0, cmdbuf_base_wrote},
	[REG_EVTLOG_BASE] = {AMDVI_EVTLOG_BASE, 0, RING_BASE, 0, evtlog_base_wrote},
	[REG_CONTROL]	  = {AMDVI_CONTROL, 0, CONTROLS, 0, control_wrote},
	[REG_EXCL_BASE]	  = {AMDVI_EXCL_BASE, 0,
			     AMDVI_FRAME | AMDVI_EXCL_ENABLE | AMDVI_EXCL_ALLOW, 0, NULL},
	[REG_EXCL_LIMIT]  = {AMDVI_EXCL_LIMIT, 0, AMDVI_FRAME, 0, NULL},
	[REG_EFR]	  = {AMDVI_EFR, AMDVI_EFR_PPR | AMDVI_EFR_IA | AMDVI_EFR_HATS_6, 0, 0, NULL},
	[REG_PPRLOG_BASE] = {AMDVI_PPRLOG_BASE, 0, RING_BASE, 0, pprlog_base_wrote},
	[REG_CMD_HEAD]	  = {AMDVI_CMD_HEAD, 0, AMDVI_RING_OFFSET, 0, cmd_pointer_wrote},
	[REG_CMD_TAIL]	  = {AMDVI_CMD_TAIL, 0, AMDVI_RING_OFFSET, 0, cmd_pointer_wrote},
	[REG_EVT_HEAD]	  = {AMDVI_EVT_HEAD, 0, AMDVI_RING_OFFSET, 0, NULL},
	[REG_EVT_TAIL]	  = {AMDVI_EVT_TAIL, 0, AMDVI_RING_OFFSET, 0, NULL},
	[REG_STATUS]	  = {AMDVI_STATUS, 0, 0, STATUS_W1C, NULL},
	[REG_PPR_HEAD]	  = {AMDVI_PPR_HEAD, 0, AMDVI_RING_OFFSET, 0, NULL},
	[REG_PPR_TAIL]	  = {AMDVI_PPR_TAIL, 0, AMDVI_RING_OFFSET, 0, NULL},
};
/* clang-format on */

void amdvi_regs_reset(struct amdvi *a)
{
	for (unsigned r = 0; r < REG_COUNT; r++)
		a->reg[r] = rows[r].reset;
	a->tags = (struct ats_tags){.outstanding = 0};
}

/* The register that @width bytes at @offset lie in, and by how many bits they lie above its low
 * end; REG_COUNT if there is none. */
static unsigned find(struct amdvi *a, uint64_t offset, unsigned width, unsigned *shift)
{
	for (unsigned r = 0; (width == 4 || width == 8) && r < REG_COUNT; r++) {
		const uint64_t lane = offset - rows[r].offset;

		if (lane != 0 && !(lane == 4 && width == 4))
			continue;
		*shift = 8 * (unsigned)lane;
		return r;
	}
	a->strays++;
	return REG_COUNT;
}

static uint64_t mask(unsigned width)
{
	return width == 8 ? UINT64_MAX : UINT32_MAX;
}

uint64_t amdvi_reg_read(struct iommu *iommu, uint64_t offset, unsigned width)
{
	struct amdvi *a = amdvi_of(iommu);
	unsigned shift;
	const unsigned r = find(a, offset, width, &shift);

	return r != REG_COUNT ? a->reg[r] >> shift & mask(width) : 0;
}

void amdvi_reg_write(struct iommu *iommu, uint64_t offset, uint64_t value, unsigned width)
{
	struct amdvi *a = amdvi_of(iommu);
	unsigned shift;
	const unsigned r = find(a, offset, width, &shift);
	uint64_t old, lanes, written;

	if (r == REG_COUNT)
		return;
	old = a->reg[r];
	lanes = mask(width) << shift;
	written = (value & mask(width)) << shift;
	a->reg[r] = (old & ~(lanes & rows[r].write) & ~(written & rows[r].clear)) |
		    (written & rows[r].write);
	if (rows[r].wrote != NULL)
		rows[r].wrote(a, old);
	if (r == REG_CONTROL || r == REG_DEVTAB_BASE || r == REG_EXCL_BASE || r == REG_EXCL_LIMIT)
		iommu_forget_all(&a->base);
}
