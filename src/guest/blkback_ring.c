/* SPDX-License-Identifier: MIT */
/*
 * Requests off the ring, each copied once and the copy checked (Linux: do_block_io_op,
 * dispatch_rw_block_io), and answers onto it (make_response).
 */
#include "guest/blkback_internal.h"

/* ---- answers ---- */

void blkback_respond(struct blkback_vbd *v, struct cpu *cpu, uint64_t id, uint8_t operation,
		     int16_t status)
{
	const uint64_t work = machine_cost(v->bb->k->machine)->disk_blkback;
	blkif_sring_t *sring = v->ring.sring;
	blkif_response_t *rsp;
	RING_IDX old;
	bool notify;

	cpu_charge(cpu, work / 2);
	vlock_acquire_bh(&v->lock, cpu);
	old = v->ring.rsp_prod_pvt;
	rsp = RING_GET_RESPONSE(&v->ring, v->ring.rsp_prod_pvt++);
	*rsp = (blkif_response_t){.id = id, .operation = operation, .status = status};
	pv_touch(v->bb->k, cpu, rsp, sizeof(*rsp), true);
	notify = pv_ring_push(v->bb->k, cpu, sring, &sring->rsp_prod, &sring->rsp_event, old,
			      v->ring.rsp_prod_pvt);
	vlock_release_bh(&v->lock, cpu);
	if (!notify || v->closed)
		return;
	v->stats.notified++;
	pv_event_notify(v->bb->k->events, cpu, (evtchn_port_t)v->port);
}

/* ---- checks ---- */

/* Do the request's sectors lie on the disk, and its segments in their pages? */
static bool sensible(const struct blkback_vbd *v, const blkif_request_t *req)
{
	uint64_t sectors = 0;

	for (unsigned i = 0; i < req->nr_segments; i++) {
		const struct blkif_request_segment *s = &req->seg[i];

		if (s->first_sect > s->last_sect || s->last_sect >= BLKIF_PAGE_SECTORS)
			return false;
		sectors += s->last_sect - s->first_sect + 1u;
	}
	if (sectors && (req->sector_number > v->extent.sectors ||
			sectors > v->extent.sectors - req->sector_number))
		return false;
	return req->operation == BLKIF_OP_READ || !sectors || !v->extent.readonly;
}

static int16_t verdict(struct blkback_vbd *v, const blkif_request_t *req)
{
	bool good;

	switch (req->operation) {
	case BLKIF_OP_READ:
	case BLKIF_OP_WRITE:
		good = req->nr_segments && req->nr_segments <= BLKIF_SEGMENTS;
		break;
	case BLKIF_OP_WRITE_BARRIER:
		good = req->nr_segments <= BLKIF_SEGMENTS;
		break;
	case BLKIF_OP_FLUSH_DISKCACHE:
		good = !req->nr_segments;
		break;
	case BLKIF_OP_INDIRECT: /* more segments than were offered, which is none */
		good = false;
		break;
	default:
		v->stats.unsupported++;
		return BLKIF_RSP_EOPNOTSUPP;
	}
	if (good && sensible(v, req))
		return BLKIF_RSP_OKAY;
	v->stats.bad_requests++;
	return BLKIF_RSP_ERROR;
}

/* ---- requests ---- */

static bool unconsumed(struct blkback_vbd *v, struct cpu *cpu)
{
	blkif_sring_t *sring = v->ring.sring;
	const RING_IDX prod = pv_ring_look(v->bb->k, cpu, sring, &sring->req_prod);

	if (!xen_ring_possible(prod, v->ring.req_cons, v->ring.rsp_prod_pvt, RING_SIZE(&v->ring))) {
		v->disabled = true;
		v->stats.disabled = 1;
		return false;
	}
	return prod != v->ring.req_cons;
}

/* As RING_FINAL_CHECK_FOR_REQUESTS(), with the index read once each time. */
static bool work_to_do(struct blkback_vbd *v, struct cpu *cpu)
{
	cpu_sync(cpu);
	if (v->closed || v->disabled)
		return false;
	if (unconsumed(v, cpu))
		return true;
	if (v->disabled)
		return false;
	pv_ring_ask(v->bb->k, cpu, &v->ring.sring->req_event, v->ring.req_cons + 1);
	return unconsumed(v, cpu);
}

/* One request, for which @p was taken. False: it made no sense. */
static bool dispatch(struct blkback_vbd *v, struct cpu *cpu, struct blkback_pending *p)
{
	const uint64_t work = machine_cost(v->bb->k->machine)->disk_blkback;
	int16_t status;

	RING_COPY_REQUEST(&v->ring, v->ring.req_cons, &p->req);
	pv_touch(v->bb->k, cpu, RING_GET_REQUEST(&v->ring, v->ring.req_cons), sizeof(p->req),
		 false);
	v->ring.req_cons++;
	cpu_charge(cpu, work - work / 2);
	status = verdict(v, &p->req);
	if (status != BLKIF_RSP_OKAY) {
		blkback_respond(v, cpu, p->req.id, p->req.operation, status);
		blkback_give(p, cpu);
		return false;
	}
	if (p->req.operation == BLKIF_OP_WRITE_BARRIER)
		v->parked = p;
	else
		blkback_start(p, cpu);
	return true;
}

/* May another request be started? A barrier lets all before it end, then itself. */
static bool in_order(struct blkback_vbd *v, struct cpu *cpu)
{
	struct blkback_pending *p = v->parked;

	if ((p || v->ordered) && v->in_flight)
		return false;
	v->ordered = p != NULL;
	v->parked = NULL;
	if (p)
		blkback_start(p, cpu);
	return !p || !v->in_flight;
}

/* The next request. False: none now; *@good is false if it made no sense. */
static bool serve_one(struct blkback_vbd *v, struct cpu *cpu, bool *good)
{
	struct blkback_pending *p;

	if (v->closed || !in_order(v, cpu) || !work_to_do(v, cpu)) {
		blkback_leave_line(v, cpu);
		return false;
	}
	p = blkback_take(v, cpu);
	if (!p)
		return false;
	*good = dispatch(v, cpu, p);
	if (cpu)
		task_preempt_point(task_current(cpu));
	return *good;
}

bool blkback_serve(struct blkback_vbd *v, struct cpu *cpu)
{
	bool good = true;

	while (serve_one(v, cpu, &good))
		;
	blockdev_unplug(v->extent.dev, cpu);
	return good;
}
