// SPDX-License-Identifier: MIT
/*
 * AMD-Vi's event log ("Event Logging"): a ring of 16-byte entries that the unit writes at its tail
 * and software reads at its head. One entry stays free: when an event would fill it, EventOverflow
 * is set, EventLogRun falls and events are lost until software has cleared the one and switched
 * EventLogEn off and on again.
 *
 * Decided here:
 *  - a head or tail that software set beyond the buffer counts modulo its length;
 *  - the entry is a posted write: if no memory takes it, the tail moves all the same;
 *  - an overflow interrupts like an event does, under EventIntEn.
 */
#include <errno.h>

#include "hw/amdvi_impl.h"

void amdvi_interrupt(struct amdvi *a, uint64_t control_bit)
{
	if ((a->reg[REG_CONTROL] & control_bit) != 0)
		a->interrupts++;
}

/* Set @bit of the status register; an interrupt goes with its rising edge only. */
static void raise_status(struct amdvi *a, uint64_t bit)
{
	const bool was = (a->reg[REG_STATUS] & bit) != 0;

	a->reg[REG_STATUS] |= bit;
	if (!was)
		amdvi_interrupt(a, AMDVI_CTRL_EVT_INT_EN);
}

void amdvi_log(struct amdvi *a, const struct amdvi_event *event)
{
	const uint64_t ring = amdvi_ring_bytes(a->reg[REG_EVTLOG_BASE]);
	const uint64_t tail = a->reg[REG_EVT_TAIL] % ring;
	const uint64_t next = (tail + AMDVI_RING_ENTRY_BYTES) % ring;
	uint8_t bytes[AMDVI_RING_ENTRY_BYTES];

	if ((a->reg[REG_STATUS] & AMDVI_STATUS_EVT_RUN) == 0)
		return;
	if (next == a->reg[REG_EVT_HEAD] % ring) {
		a->reg[REG_STATUS] &= ~AMDVI_STATUS_EVT_RUN;
		raise_status(a, AMDVI_STATUS_EVT_OVERFLOW);
		return;
	}
	amdvi_pack(bytes, event->quad[0]);
	amdvi_pack(bytes + 8, event->quad[1]);
	(void)amdvi_write(a, (a->reg[REG_EVTLOG_BASE] & AMDVI_FRAME) + tail, bytes, sizeof(bytes));
	a->reg[REG_EVT_TAIL] = next;
	raise_status(a, AMDVI_STATUS_EVT_INT);
}

struct amdvi_event amdvi_event_of(unsigned code, uint64_t flags, uint16_t domain,
				  const struct amdvi_request *r, uint64_t address)
{
	return (struct amdvi_event){.quad = {(uint64_t)code << AMDVI_EVT_CODE_SHIFT | flags |
						     (uint64_t)domain << AMDVI_EVT_DOMAIN_SHIFT |
						     r->devid,
					     address}};
}
