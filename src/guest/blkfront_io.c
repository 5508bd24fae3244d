/* SPDX-License-Identifier: MIT */
/*
 * Requests onto the ring and answers off it (Linux: blkif_queue_request, blkif_int). A request has
 * at most the segments of a ring entry, none of which leaves its page: the block layer cut it so.
 */
#include <errno.h>

#include "guest/blkfront_internal.h"

/* ---- requests ---- */

static uint8_t operation_of(const struct blkfront *f, const struct blk_request *rq)
{
	switch (rq->op) {
	case BIO_READ:
		return BLKIF_OP_READ;
	case BIO_WRITE:
		return BLKIF_OP_WRITE;
	default:
		return f->flush ? BLKIF_OP_FLUSH_DISKCACHE : BLKIF_OP_WRITE_BARRIER;
	}
}

/* Grant the page of segment @i, and say which sectors of it. */
static struct blkif_request_segment put_segment(struct blkfront *f, struct cpu *cpu,
						struct front_request *r, unsigned i)
{
	const struct bio_vec *v = &r->rq->segment[i];
	const unsigned first = (unsigned)(v->paddr % PAGE_BYTES) / BLOCK_SECTOR_BYTES;

	pv_grant_access(f->k->grants, cpu, r->ref[i], f->backend.domid, pv_mfn(f->k, cpu, v->paddr),
			r->rq->op == BIO_WRITE);
	return (struct blkif_request_segment){
		.gref = r->ref[i],
		.first_sect = (uint8_t)first,
		.last_sect = (uint8_t)(first + v->bytes / BLOCK_SECTOR_BYTES - 1),
	};
}

/* Lock held; there is an id. */
static void put_request(struct blkfront *f, struct cpu *cpu, struct blk_request *rq)
{
	const uint8_t id = f->free[--f->nfree];
	struct front_request *r = &f->request[id];
	blkif_request_t *slot = RING_GET_REQUEST(&f->ring, f->ring.req_prod_pvt);
	blkif_sring_t *sring = f->ring.sring;
	const RING_IDX old = f->ring.req_prod_pvt;
	blkif_request_t req = {
		.operation = operation_of(f, rq),
		.nr_segments = (uint8_t)rq->nsegments,
		.id = id,
		.sector_number = rq->sector,
	};

	r->rq = rq;
	r->operation = req.operation;
	for (unsigned i = 0; i < rq->nsegments; i++)
		req.seg[i] = put_segment(f, cpu, r, i);
	*slot = req;
	pv_touch(f->k, cpu, slot,
		 offsetof(blkif_request_t, seg) + rq->nsegments * sizeof(req.seg[0]), true);
	f->ring.req_prod_pvt++;
	f->stats.requests++;
	f->stats.segments += rq->nsegments;
	f->stats.flushes += rq->op == BIO_FLUSH;
	if (!pv_ring_push(f->k, cpu, sring, &sring->req_prod, &sring->req_event, old,
			  f->ring.req_prod_pvt))
		return;
	f->stats.notified++;
	pv_event_notify(f->k->events, cpu, (evtchn_port_t)f->port);
}

/* ---- answers ---- */

/* Take the pages back. False: the backend has at least one of them mapped. */
static bool take_back(struct blkfront *f, struct cpu *cpu, const struct front_request *r)
{
	for (unsigned i = 0; i < r->rq->nsegments; i++)
		if (pv_grant_end_access(f->k->grants, cpu, r->ref[i]))
			return false;
	return true;
}

static void finish(struct blkfront *f, struct cpu *cpu, struct front_request *r,
		   enum blk_result result)
{
	struct blk_request *rq = r->rq;

	r->rq = NULL;
	f->free[f->nfree++] = (uint8_t)(r - f->request);
	cpu_charge(cpu, machine_cost(f->k->machine)->disk_blkfront / 2);
	blk_complete(f->queue, cpu, rq, result);
}

/*
 * The backend lied: nothing of it is believed any more. What it has let go of fails; a request
 * whose pages it could still write to never ends, lest they be used for something else.
 */
static void give_up(struct blkfront *f, struct cpu *cpu)
{
	f->broken = true;
	f->stats.broken = 1;
	for (unsigned i = 0; i < BLKIF_RING; i++)
		if (f->request[i].rq && take_back(f, cpu, &f->request[i]))
			finish(f, cpu, &f->request[i], BLK_FAILED);
}

static enum blk_result result_of(struct blkfront *f, const struct front_request *r, int16_t status)
{
	if (status == BLKIF_RSP_EOPNOTSUPP && r->rq->op == BIO_FLUSH) {
		f->flush = f->barrier = false;
		f->stats.withdrawn = 1;
		return BLK_OK;
	}
	if (status == BLKIF_RSP_OKAY)
		return BLK_OK;
	f->stats.errors++;
	return BLK_FAILED;
}

/* One answer: true unless the backend has lied. */
static bool reap_one(struct blkfront *f, struct cpu *cpu, const blkif_response_t *rsp)
{
	struct front_request *r;

	if (rsp->id >= BLKIF_RING)
		return false;
	r = &f->request[rsp->id];
	if (!r->rq || rsp->operation != r->operation || !take_back(f, cpu, r))
		return false;
	f->stats.responses++;
	finish(f, cpu, r, result_of(f, r, rsp->status));
	return true;
}

/* What has been answered so far. False: that cannot be. */
static bool reap_round(struct blkfront *f, struct cpu *cpu, bool *more)
{
	blkif_sring_t *sring = f->ring.sring;
	RING_IDX prod;

	cpu_sync(cpu);
	prod = pv_ring_look(f->k, cpu, sring, &sring->rsp_prod);
	if (prod - f->ring.rsp_cons > f->ring.req_prod_pvt - f->ring.rsp_cons)
		return false;
	while (f->ring.rsp_cons != prod) {
		blkif_response_t rsp;

		RING_COPY_RESPONSE(&f->ring, f->ring.rsp_cons, &rsp);
		pv_touch(f->k, cpu, RING_GET_RESPONSE(&f->ring, f->ring.rsp_cons), sizeof(rsp),
			 false);
		f->ring.rsp_cons++;
		if (!reap_one(f, cpu, &rsp))
			return false;
	}
	pv_ring_ask(f->k, cpu, &sring->rsp_event, prod + 1);
	*more = f->ring.req_prod_pvt != prod &&
		pv_ring_look(f->k, cpu, sring, &sring->rsp_prod) != prod;
	return true;
}

/* Lock held. */
static void reap(struct blkfront *f, struct cpu *cpu)
{
	bool more = !f->broken;

	while (more)
		if (!reap_round(f, cpu, &more))
			break;
	if (more || f->broken)
		give_up(f, cpu);
}

void blkfront_interrupt(void *ctx, struct cpu *cpu)
{
	struct blkfront *f = ctx;
	enum charge before;

	f->stats.interrupts++;
	cpu_charge(cpu, machine_cost(f->k->machine)->disk_irq_body);
	before = cpu_enter(cpu, CHARGE_DRIVER);
	vlock_acquire(&f->lock, cpu);
	reap(f, cpu);
	vlock_release(&f->lock, cpu);
	blk_restart(f->queue, cpu);
	cpu_leave(cpu, before);
}

/* ---- from the block layer ---- */

static int submit(struct blkfront *f, struct cpu *cpu, struct blk_request *rq)
{
	if (f->broken) {
		give_up(f, cpu); /* perhaps it has let go of more */
		return -EIO;
	}
	if (rq->op == BIO_WRITE && f->backend.readonly)
		return -EROFS;
	if (!f->connected)
		return -EBUSY;
	if (!f->nfree) {
		f->stats.ring_full++;
		return -EBUSY;
	}
	if (rq->op == BIO_FLUSH && !f->flush && !f->barrier)
		blk_complete(f->queue, cpu, rq, BLK_OK);
	else
		put_request(f, cpu, rq);
	return 0;
}

static int on_start(void *ctx, struct cpu *cpu, struct blk_request *rq)
{
	struct blkfront *f = ctx;
	const struct cost *cost = machine_cost(f->k->machine);
	const enum charge before = cpu_enter(cpu, CHARGE_DRIVER);
	int rc;

	vlock_acquire_irq(&f->lock, cpu);
	cpu_charge(cpu, cost->disk_blkfront - cost->disk_blkfront / 2 +
				rq->nsegments * cost->disk_segment);
	rc = submit(f, cpu, rq);
	vlock_release_irq(&f->lock, cpu);
	cpu_leave(cpu, before);
	return rc;
}

const struct blk_driver_ops blkfront_blk = {.start = on_start};
