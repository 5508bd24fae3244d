// SPDX-License-Identifier: MIT
/*
 * AMD-Vi's page requests ("Peripheral Page Request Logging"): a ring like the event log's into
 * which the unit writes what devices ask for, and the command by which software answers. When the
 * ring is full, PPROverflow is set, PPRLogRun falls and requests are lost, unanswered, until
 * software has cleared the one and switched PPRLogEn off and on again.
 *
 * Decided here:
 *  - a request of a device that may send none (V or PPR of its entry 0, the unit or PPREn off)
 *    raises INVALID_PPR_REQUEST where there is a log to hold it; the last of a group is answered
 *    "invalid request", so that the device does not wait for ever. Overflow answers nobody, as the
 *    extended feature register denies automatic responses;
 *  - the tag is the group's index, with bit 9 for its last request;
 *  - the entry is a posted write: if no memory takes it, the tail moves all the same.
 */
#include "hw/amdvi_impl.h"

static bool respond(struct amdvi *a, uint16_t devid, unsigned index, unsigned code)
{
	const struct ats_fabric *f = a->base.fabric;

	a->ats.page_responses++;
	return f != NULL && f->page_response != NULL &&
	       f->page_response(f->ctx, devid, index, code);
}

static bool may_ask(struct amdvi *a, const struct amdvi_request *r, struct amdvi_verdict *v)
{
	const uint64_t on = AMDVI_CTRL_IOMMU_EN | AMDVI_CTRL_PPR_EN;

	if ((a->reg[REG_CONTROL] & on) != on)
		return false;
	amdvi_dte_find(a, r, AMDVI_LOOK_ACCESS, v);
	if (v->dte_fetched)
		amdvi_dte_hold(a, r->devid, &v->dte);
	return v->error == 0 && (v->dte.quad[0] & AMDVI_DTE_V) != 0 &&
	       (v->dte.quad[0] & AMDVI_DTE_PPR) != 0;
}

static void refuse(struct amdvi *a, const struct amdvi_request *r, uint64_t request)
{
	const struct amdvi_event event =
		amdvi_event_of(AMDVI_EVT_INVALID_PPR, 0, 0, r, request & ATS_ADDRESS);

	a->ats.page_lost++;
	amdvi_log(a, &event);
	if ((request & PRI_REQUEST_L) != 0)
		(void)respond(a, r->devid, pri_request_index(request), PRI_INVALID);
}

static void raise_status(struct amdvi *a, uint64_t bit)
{
	const bool was = (a->reg[REG_STATUS] & bit) != 0;

	a->reg[REG_STATUS] |= bit;
	if (!was)
		amdvi_interrupt(a, AMDVI_CTRL_PPR_INT_EN);
}

static void log_request(struct amdvi *a, uint16_t devid, uint64_t request)
{
	const uint64_t ring = amdvi_ring_bytes(a->reg[REG_PPRLOG_BASE]);
	const uint64_t tail = a->reg[REG_PPR_TAIL] % ring;
	const uint64_t next = (tail + AMDVI_RING_ENTRY_BYTES) % ring;
	uint8_t bytes[AMDVI_RING_ENTRY_BYTES];
	uint64_t quad = AMDVI_PPR_FAULT | devid |
			(uint64_t)pri_request_index(request) << AMDVI_PPR_TAG_SHIFT;

	if ((a->reg[REG_STATUS] & AMDVI_STATUS_PPR_RUN) == 0) {
		a->ats.page_lost++;
		return;
	}
	if (next == a->reg[REG_PPR_HEAD] % ring) {
		a->ats.page_lost++;
		a->reg[REG_STATUS] &= ~AMDVI_STATUS_PPR_RUN;
		raise_status(a, AMDVI_STATUS_PPR_OVERFLOW);
		return;
	}
	quad |= (request & PRI_REQUEST_L) != 0 ? AMDVI_PPR_TAG_LAST : 0;
	quad |= (request & PRI_REQUEST_R) != 0 ? AMDVI_PPR_READ : 0;
	quad |= (request & PRI_REQUEST_W) != 0 ? AMDVI_PPR_WRITE : 0;
	amdvi_pack(bytes, quad);
	amdvi_pack(bytes + 8, request & ATS_ADDRESS);
	(void)amdvi_write(a, (a->reg[REG_PPRLOG_BASE] & AMDVI_FRAME) + tail, bytes, sizeof(bytes));
	a->reg[REG_PPR_TAIL] = next;
	raise_status(a, AMDVI_STATUS_PPR_INT);
}

void amdvi_page_request(struct iommu *iommu, uint16_t devid, uint64_t request)
{
	const struct amdvi_request r = {devid, request & ATS_ADDRESS, IOTOLL_READ};
	struct amdvi *a = amdvi_of(iommu);
	struct amdvi_verdict v = {0};

	a->ats.page_requests++;
	if (may_ask(a, &r, &v))
		log_request(a, devid, request);
	else
		refuse(a, &r, request);
}

void amdvi_page_respond(struct amdvi *a, uint16_t devid, unsigned index, unsigned code)
{
	(void)respond(a, devid, index, code);
}
