/* SPDX-License-Identifier: MIT */
/*
 * Completion (blk_complete_request(), scsi_io_completion() of Linux): requests are collected for
 * the CPU that took the interrupt and finished in its softirq; what failed for a passing reason is
 * queued again in front of everything else.
 */
#include <errno.h>
#include <string.h>

#include "guest/blk_internal.h"

void blk_bio_part(struct blk_queue *q, struct cpu *cpu, struct bio *bio, int status)
{
	const sim_time now = machine_now(q->machine);

	if (status && !bio->status)
		bio->status = status;
	if (--bio->pending)
		return;
	cpu_charge(cpu, machine_cost(q->machine)->disk_bio / 2);
	hist_add(&q->stats.latency[bio->op], now > bio->submitted_at ? now - bio->submitted_at : 0);
	if (bio->status)
		q->stats.failed++;
	else if (bio->op == BIO_READ)
		q->stats.read_bytes += bio_bytes(bio);
	else
		q->stats.written_bytes += bio_bytes(bio);
	bio->done(bio, cpu, bio->status);
}

/* Another attempt? Then it goes to the head of the queue. Lock held. */
static bool again(struct blk_queue *q, struct blk_request *rq)
{
	if (rq->result == BLK_RETRY && rq->retries < BLK_RETRIES) {
		rq->retries++;
		q->stats.retries++;
	} else if (rq->result == BLK_AGAIN) {
		q->stats.requeues++;
	} else {
		return false;
	}
	rq->next = q->first;
	q->first = rq;
	if (!q->last)
		q->last = rq;
	q->queued++;
	return true;
}

static void finish(struct blk_queue *q, struct cpu *cpu, struct blk_request *rq)
{
	struct bio *bio[BLK_BIOS_MAX];
	const unsigned n = rq->nbios;
	const int status = rq->result == BLK_OK ? 0 : -EIO;
	bool requeued;

	cpu_charge(cpu, machine_cost(q->machine)->disk_request / 2);
	cpu_touch(cpu, rq->line, BLK_REQUEST_TOUCHED, true);
	memcpy(bio, rq->bio, n * sizeof(bio[0]));
	vlock_acquire_irq(&q->lock, cpu);
	q->in_flight--;
	/* As scsi_device's device_blocked: full until something else has ended. */
	q->blocked = rq->result == BLK_AGAIN && q->in_flight;
	requeued = again(q, rq);
	if (!requeued)
		blk_give(q, rq);
	vlock_release_irq(&q->lock, cpu);
	for (unsigned i = 0; i < n && !requeued; i++)
		blk_bio_part(q, cpu, bio[i], status);
}

static bool on_softirq(void *ctx, struct cpu *cpu)
{
	struct blk_cpu *c = ctx;
	const enum charge before = cpu_enter(cpu, CHARGE_BLOCK);

	while (c->first) {
		struct blk_request *rq = c->first;

		c->first = rq->next;
		if (!c->first)
			c->last = NULL;
		finish(c->q, cpu, rq);
	}
	if (c->restart)
		c->q->blocked = false;
	c->restart = false;
	blk_unplug(c->q); /* a completion runs the queue, plugged or not (blk_run_queue()) */
	blk_run(c->q, cpu);
	cpu_leave(cpu, before);
	return false;
}

void blk_complete(struct blk_queue *q, struct cpu *cpu, struct blk_request *rq,
		  enum blk_result result)
{
	struct blk_cpu *c = &q->cpu[cpu ? cpu_id(cpu) : 0];

	rq->result = (uint8_t)result;
	rq->next = NULL;
	*(c->last ? &c->last->next : &c->first) = rq;
	c->last = rq;
	if (cpu)
		softirq_raise(cpu, &c->softirq);
	else
		on_softirq(c, NULL);
}

void blk_restart(struct blk_queue *q, struct cpu *cpu)
{
	struct blk_cpu *c = &q->cpu[cpu ? cpu_id(cpu) : 0];

	if (!q->blocked)
		return;
	c->restart = true;
	if (cpu)
		softirq_raise(cpu, &c->softirq);
	else
		on_softirq(c, NULL);
}

void blk_done_init(struct blk_queue *q)
{
	for (unsigned i = 0; i < q->machine->ncpus; i++)
		q->cpu[i] =
			(struct blk_cpu){.q = q, .softirq = {.run = on_softirq, .ctx = &q->cpu[i]}};
}
