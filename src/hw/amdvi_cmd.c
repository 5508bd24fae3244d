// SPDX-License-Identifier: MIT
/*
 * AMD-Vi's command buffer ("Commands"): software writes 16-byte commands at the tail, the unit
 * executes from the head until the two meet. What it cannot read or does not know stops it, head
 * on that command, until software switches CmdBufEn off and on again.
 *
 * Decided here:
 *  - commands are executed one after the other when the tail is written or the buffer starts to
 *    run, and are done at once, but for what is sent to devices: that is under way until they have
 *    completed it. A COMPLETION_WAIT stays at the head until they have, and so keeps what follows
 *    back whether F is set or not;
 *  - a head or tail that software set beyond the buffer counts modulo its length;
 *  - commands of features that the extended feature register denies (PREFETCH_IOMMU_PAGES, anything
 *    with GN) are illegal; the PASID means nothing without GN;
 *  - an invalidation that a device does not complete in time raises IOTLB_INV_TIMEOUT and counts as
 *    done; one for a device that is not there does so at once. With InvTimeOut 0 it is waited for,
 *    and the next COMPLETION_WAIT stays where it is until the buffer is switched off and on, which
 *    forgets what is under way;
 *  - INVALIDATE_IOTLB_PAGES for a device that has MaxPend (0 and more than 32: 32) under way stays
 * at the head until it has fewer. QueueID is not looked at: a function has a queue of its own;
 *  - a store of COMPLETION_WAIT that no memory takes is a COMMAND_HARDWARE_ERROR;
 *  - invalidations with S drop whatever they touch, large pages that they cover in part included.
 */
#include <errno.h>
#include <string.h>

#include "hw/amdvi_impl.h"
#include "hw/shared.h"

enum outcome { DONE, ILLEGAL, BROKEN, WAITS };

struct command {
	uint64_t quad[2];
	uint64_t at; /* where it lies; for BROKEN, what could not be reached */
};

static enum outcome completion_wait(struct amdvi *a, struct command *c)
{
	const uint64_t address = c->quad[0] & AMDVI_WAIT_ADDRESS;
	uint8_t bytes[8];

	if (a->tags.outstanding != 0)
		return WAITS;
	if ((c->quad[0] & AMDVI_WAIT_S) != 0) {
		amdvi_pack(bytes, c->quad[1]);
		if (amdvi_write(a, address, bytes, sizeof(bytes)) != 0) {
			c->at = address;
			return BROKEN;
		}
	}
	if ((c->quad[0] & AMDVI_WAIT_I) != 0 &&
	    (a->reg[REG_STATUS] & AMDVI_STATUS_COMWAIT_INT) == 0) {
		a->reg[REG_STATUS] |= AMDVI_STATUS_COMWAIT_INT;
		amdvi_interrupt(a, AMDVI_CTRL_COMWAIT_INT_EN);
	}
	return DONE;
}

static enum outcome inv_devtab_entry(struct amdvi *a, struct command *c)
{
	a->invalidations++;
	amdvi_dte_drop(a, (uint16_t)(c->quad[0] & AMDVI_CMD_DEVID));
	return DONE;
}

/* log2 of the bytes that an invalidation's quadword 1 names; 64: everything. */
static unsigned inv_log2(uint64_t quad)
{
	return (quad & AMDVI_INV_S) != 0 ? ats_size_log2(quad & AMDVI_INV_ADDRESS)
					 : AMDVI_PAGE_SHIFT;
}

static enum outcome inv_iommu_pages(struct amdvi *a, struct command *c)
{
	const uint16_t domain =
		(uint16_t)((c->quad[0] & AMDVI_CMD_DOMAIN) >> AMDVI_CMD_DOMAIN_SHIFT);
	const unsigned log2 = inv_log2(c->quad[1]);
	const uint64_t span = log2 < 64 ? AMDVI_BIT(log2) - 1 : UINT64_MAX;
	const uint64_t first = c->quad[1] & AMDVI_INV_ADDRESS & ~span;

	a->invalidations++;
	if (log2 == 64) {
		iotlb_invalidate_tag(a->iotlb, domain);
		iommu_forget_tag(&a->base, domain);
	} else {
		iotlb_invalidate_range(a->iotlb, domain, first >> AMDVI_PAGE_SHIFT,
				       (span >> AMDVI_PAGE_SHIFT) + 1);
		iommu_forget_pages(&a->base, domain, first >> AMDVI_PAGE_SHIFT,
				   (span >> AMDVI_PAGE_SHIFT) + 1);
	}
	if ((c->quad[1] & AMDVI_INV_PDE) != 0)
		amdvi_pde_drop(a, domain, first, first | span);
	return DONE;
}

static enum outcome inv_iotlb_pages(struct amdvi *a, struct command *c)
{
	const unsigned pending =
		(unsigned)((c->quad[0] & AMDVI_CMD_MAXPEND) >> AMDVI_CMD_MAXPEND_SHIFT);
	const unsigned limit = pending != 0 && pending < ATS_TAGS ? pending : ATS_TAGS;
	const uint64_t payload = (c->quad[1] & AMDVI_INV_ADDRESS) |
				 ((c->quad[1] & AMDVI_INV_S) != 0 ? ATS_INVALIDATE_S : 0);

	return amdvi_device_invalidate(a, (uint16_t)(c->quad[0] & AMDVI_CMD_DEVID), limit, payload,
				       c->at)
		       ? DONE
		       : WAITS;
}

static enum outcome complete_ppr(struct amdvi *a, struct command *c)
{
	const unsigned tag = (unsigned)((c->quad[1] & AMDVI_PPR_TAG) >> AMDVI_PPR_TAG_SHIFT);

	amdvi_page_respond(a, (uint16_t)(c->quad[0] & AMDVI_CMD_DEVID), tag % PRI_GROUPS,
			   (unsigned)((c->quad[1] & AMDVI_PPR_CODE) >> AMDVI_PPR_CODE_SHIFT));
	return DONE;
}

/* Interrupt tables are neither read nor cached, so there is nothing to forget. */
static enum outcome inv_interrupt_table(struct amdvi *a, struct command *c)
{
	(void)a;
	(void)c;
	return DONE;
}

static enum outcome inv_iommu_all(struct amdvi *a, struct command *c)
{
	(void)c;
	a->invalidations++;
	amdvi_drop_all(a);
	return DONE;
}

/* clang-format off */
/* By opcode: what must be 0 of either quadword, the opcode apart. No function: illegal. */
static const struct {
	uint64_t reserved[2];
	enum outcome (*execute)(struct amdvi *a, struct command *c);
} commands[16] = {
	[AMDVI_OP_COMPLETION_WAIT]     = {{AMDVI_BITS(59, 52), 0}, completion_wait},
	[AMDVI_OP_INV_DEVTAB_ENTRY]    = {{AMDVI_BITS(59, 16), UINT64_MAX}, inv_devtab_entry},
	[AMDVI_OP_INV_IOMMU_PAGES]     = {{AMDVI_BITS(59, 48) | AMDVI_BITS(31, 20),
					   AMDVI_INV_GN | AMDVI_BITS(11, 3)}, inv_iommu_pages},
	[AMDVI_OP_INV_IOTLB_PAGES]     = {{0, AMDVI_BIT(1) | AMDVI_INV_GN | AMDVI_BITS(11, 3)},
					  inv_iotlb_pages},
	[AMDVI_OP_COMPLETE_PPR]	       = {{AMDVI_BITS(59, 52) | AMDVI_BITS(31, 16),
					   ~(AMDVI_PPR_TAG | AMDVI_PPR_CODE)}, complete_ppr},
	[AMDVI_OP_INV_INTERRUPT_TABLE] = {{AMDVI_BITS(59, 16), UINT64_MAX}, inv_interrupt_table},
	[AMDVI_OP_INV_IOMMU_ALL]       = {{AMDVI_BITS(59, 0), UINT64_MAX}, inv_iommu_all},
};
/* clang-format on */

static enum outcome execute(struct amdvi *a, struct command *c)
{
	const unsigned op = (unsigned)(c->quad[0] >> AMDVI_CMD_OP_SHIFT);

	if (commands[op].execute == NULL || (c->quad[0] & commands[op].reserved[0]) != 0 ||
	    (c->quad[1] & commands[op].reserved[1]) != 0)
		return ILLEGAL;
	return commands[op].execute(a, c);
}

static enum outcome fetch_and_execute(struct amdvi *a, uint64_t head, struct command *c)
{
	uint8_t bytes[AMDVI_RING_ENTRY_BYTES];

	c->at = (a->reg[REG_CMDBUF_BASE] & AMDVI_FRAME) + head;
	if (amdvi_read(a, c->at, bytes, sizeof(bytes)) != 0)
		return BROKEN;
	c->quad[0] = amdvi_unpack(bytes);
	c->quad[1] = amdvi_unpack(bytes + 8);
	return execute(a, c);
}

static void stop(struct amdvi *a, enum outcome why, const struct command *c)
{
	const struct amdvi_request nobody = {0};
	struct amdvi_event event;

	if (why == ILLEGAL)
		event = amdvi_event_of(AMDVI_EVT_ILLEGAL_COMMAND, 0, 0, &nobody, c->at);
	else
		event = amdvi_event_of(AMDVI_EVT_COMMAND_HW_ERROR, AMDVI_EVT_HW_MASTER_ABORT, 0,
				       &nobody, c->at);
	a->reg[REG_STATUS] &= ~AMDVI_STATUS_CMD_RUN;
	amdvi_log(a, &event);
}

/*
 * No command can move head, tail or base, so one round of the buffer is the most there is. A device
 * may complete what a command sends it before that command is over; it does not start this again.
 */
void amdvi_commands_run(struct amdvi *a)
{
	const uint64_t ring = amdvi_ring_bytes(a->reg[REG_CMDBUF_BASE]);
	const uint64_t tail = a->reg[REG_CMD_TAIL] % ring;

	if (a->running)
		return;
	a->running = true;
	while ((a->reg[REG_STATUS] & AMDVI_STATUS_CMD_RUN) != 0 &&
	       a->reg[REG_CMD_HEAD] % ring != tail) {
		const uint64_t head = a->reg[REG_CMD_HEAD] % ring;
		struct command c;
		const enum outcome outcome = fetch_and_execute(a, head, &c);

		if (outcome == WAITS)
			break;
		if (outcome != DONE) {
			stop(a, outcome, &c);
			break;
		}
		a->reg[REG_CMD_HEAD] = (head + AMDVI_RING_ENTRY_BYTES) % ring;
	}
	a->running = false;
}

void amdvi_drop_all(struct amdvi *a)
{
	memset(a->dte, 0, sizeof(a->dte));
	memset(a->pde, 0, sizeof(a->pde));
	memset(a->suppressed, 0, sizeof(a->suppressed));
	iotlb_invalidate_all(a->iotlb);
	iommu_forget_all(&a->base);
}
