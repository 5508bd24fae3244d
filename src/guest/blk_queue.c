/* SPDX-License-Identifier: MIT */
/*
 * The request queue (__make_request(), scsi_request_fn() of Linux): submission, plugging, handing
 * requests to the driver, and the pool they come from.
 */
#include "guest/blk.h"

#include <errno.h>
#include <stdlib.h>

#include "guest/blk_internal.h"

#define REQUESTS_MAX 4096u
#define BYTES_MAX    (1u << 20)

/* ---- the pool ---- */

struct blk_request *blk_take(struct blk_queue *q)
{
	struct blk_request *rq = q->free;
	phys_t line;

	if (!rq)
		return NULL;
	line = rq->line;
	q->free = rq->next;
	q->nfree--;
	rq->nsegments = rq->nbios = rq->retries = 0;
	rq->bytes = 0;
	rq->driver = NULL;
	rq->line = line;
	/* As Linux: congested at 7/8, no longer below 13/16. */
	if (q->nfree < q->config.requests / 8)
		q->dev.congested = true;
	return rq;
}

void blk_give(struct blk_queue *q, struct blk_request *rq)
{
	rq->next = q->free;
	q->free = rq;
	q->nfree++;
}

/* ---- to the driver ---- */

/* @rq goes to the driver, or has come back untouched. */
static void count(struct blk_queue *q, const struct blk_request *rq, bool goes)
{
	const uint64_t one = goes ? 1 : UINT64_MAX, n = rq->nsegments;

	q->stats.requests += one;
	q->stats.segments += goes ? n : -n;
	*(rq->op == BIO_READ    ? &q->stats.read_requests
	  : rq->op == BIO_WRITE ? &q->stats.write_requests
				: &q->stats.flush_requests) += one;
}

/* The next request that may go, with the lock held. */
static struct blk_request *dispatch(struct blk_queue *q)
{
	struct blk_request *rq = q->first;

	if (!rq || q->plugged || q->blocked || q->in_flight >= q->config.depth)
		return NULL;
	q->first = rq->next;
	if (!q->first)
		q->last = NULL;
	q->queued--;
	q->in_flight++;
	if (q->in_flight > q->stats.in_flight_peak)
		q->stats.in_flight_peak = q->in_flight;
	count(q, rq, true);
	return rq;
}

/* The driver has no room: back to the head of the queue. Lock held. */
static void take_back(struct blk_queue *q, struct blk_request *rq)
{
	rq->next = q->first;
	q->first = rq;
	if (!q->last)
		q->last = rq;
	q->queued++;
	q->in_flight--;
	q->blocked = true;
	q->stats.requeues++;
	count(q, rq, false);
}

/* Put @bio into requests. False: there were not enough, the rest of it must wait. */
static bool queue_bio(struct blk_queue *q, struct bio *bio)
{
	if ((bio->cut || !blk_merge(q, bio)) && !blk_cut(q, bio))
		return false;
	bio->pending--; /* its own part: it is wholly in the queue */
	return true;
}

/* Requests have become free: bios that waited for one, then tasks. Lock held. */
static void replenish(struct blk_queue *q, struct cpu *cpu)
{
	while (q->first_bio && q->nfree) {
		struct bio *bio = q->first_bio;

		if (!queue_bio(q, bio))
			break;
		q->first_bio = bio->next;
		if (!q->first_bio)
			q->last_bio = NULL;
	}
	if (q->dev.congested && q->nfree > q->config.requests * 3 / 16) {
		q->dev.congested = false;
		waitq_wake(&q->dev.room, cpu);
	}
}

void blk_run(struct blk_queue *q, struct cpu *cpu)
{
	const uint64_t work = machine_cost(q->machine)->disk_request;
	struct blk_request *rq;

	vlock_acquire_irq(&q->lock, cpu);
	replenish(q, cpu);
	while ((rq = dispatch(q))) {
		int rc;

		vlock_release_irq(&q->lock, cpu);
		cpu_charge(cpu, work / 4);
		rc = q->config.ops->start(q->config.ctx, cpu, rq);
		if (rc && rc != -EBUSY)
			blk_complete(q, cpu, rq, BLK_FAILED);
		vlock_acquire_irq(&q->lock, cpu);
		if (rc == -EBUSY)
			take_back(q, rq);
	}
	vlock_release_irq(&q->lock, cpu);
}

/* ---- from above ---- */

/* The queue was empty: wait for neighbours. Lock held. */
static void plug(struct blk_queue *q)
{
	q->plugged = true;
	q->stats.plugs++;
	sim_schedule(q->machine->sim, &q->unplug_timer,
		     machine_now(q->machine) + q->config.unplug_ps);
}

bool blk_unplug(struct blk_queue *q)
{
	if (!q->plugged)
		return false;
	q->plugged = false;
	sim_cancel(q->machine->sim, &q->unplug_timer);
	return true;
}

/* True: the queue is to be run. Lock held. */
static bool take_in(struct blk_queue *q, struct cpu *cpu, struct bio *bio)
{
	const uint64_t work = machine_cost(q->machine)->disk_request;
	const bool empty = !q->first;
	const struct blk_request *tail = q->last;

	if (q->first_bio || !queue_bio(q, bio)) {
		q->stats.waited++;
		bio->next = NULL;
		*(q->last_bio ? &q->last_bio->next : &q->first_bio) = bio;
		q->last_bio = bio;
	}
	if (q->last != tail) {
		cpu_charge(cpu, work / 4);
		cpu_touch(cpu, q->last->line, BLK_REQUEST_TOUCHED, true);
	}
	if (empty && q->first && !bio->sync && bio->op != BIO_FLUSH)
		plug(q);
	else if (q->plugged && (bio->sync || bio->op == BIO_FLUSH))
		q->stats.unplugs_explicit += blk_unplug(q);
	else if (q->plugged && q->queued >= q->config.unplug_threshold)
		q->stats.unplugs_threshold += blk_unplug(q);
	return !q->plugged;
}

static void count_bio(struct blk_queue *q, const struct bio *bio)
{
	q->stats.bios++;
	*(bio->op == BIO_READ    ? &q->stats.read_bios
	  : bio->op == BIO_WRITE ? &q->stats.write_bios
				 : &q->stats.flush_bios) += 1;
}

static void on_submit(struct blockdev *dev, struct cpu *cpu, struct bio *bio)
{
	struct blk_queue *q = (struct blk_queue *)dev;
	const enum charge before = cpu_enter(cpu, CHARGE_BLOCK);
	const uint64_t work = machine_cost(q->machine)->disk_bio;
	bool run;

	if (!blk_cuttable(q, bio)) {
		bio->done(bio, cpu, -EINVAL);
		cpu_leave(cpu, before);
		return;
	}
	cpu_charge(cpu, work - work / 2);
	bio->cut = 0;
	bio->submitted_at = machine_now(q->machine);
	bio->pending = 1; /* until it is wholly in the queue */
	vlock_acquire_irq(&q->lock, cpu);
	count_bio(q, bio);
	run = take_in(q, cpu, bio);
	vlock_release_irq(&q->lock, cpu);
	if (run)
		blk_run(q, cpu);
	cpu_leave(cpu, before);
}

static void run_unplugged(struct blk_queue *q, struct cpu *cpu, uint64_t *counter)
{
	const enum charge before = cpu_enter(cpu, CHARGE_BLOCK);
	bool run;

	vlock_acquire_irq(&q->lock, cpu);
	run = blk_unplug(q);
	*counter += run;
	vlock_release_irq(&q->lock, cpu);
	if (run)
		blk_run(q, cpu);
	cpu_leave(cpu, before);
}

static void on_unplug(struct blockdev *dev, struct cpu *cpu)
{
	struct blk_queue *q = (struct blk_queue *)dev;

	if (q->plugged)
		run_unplugged(q, cpu, &q->stats.unplugs_explicit);
}

static const struct blockdev_ops ops = {.submit = on_submit, .unplug = on_unplug};

/* ---- the timer ---- */

static void on_timer(void *ctx)
{
	struct blk_queue *q = ctx;

	irq_raise(&q->timer_irq);
}

static void on_timer_irq(void *ctx, struct cpu *cpu)
{
	struct blk_queue *q = ctx;

	softirq_raise(cpu, &q->timer_softirq);
}

static bool on_timer_softirq(void *ctx, struct cpu *cpu)
{
	struct blk_queue *q = ctx;

	run_unplugged(q, cpu, &q->stats.unplugs_timer);
	return false;
}

/* ---- making and unmaking ---- */

static int set_limits(struct blk_queue *q, struct err *err)
{
	struct blk_config *c = &q->config;

	c->max_bytes = c->max_bytes ? c->max_bytes : 131072;
	c->max_segments = c->max_segments ? c->max_segments : BLK_SEGMENTS_MAX;
	c->depth = c->depth ? c->depth : 32;
	c->requests = c->requests ? c->requests : 128;
	c->unplug_ps = c->unplug_ps ? c->unplug_ps : 3 * SIM_MS;
	c->unplug_threshold = c->unplug_threshold ? c->unplug_threshold : 4;
	if (c->max_bytes % BLOCK_SECTOR_BYTES || c->max_bytes > BYTES_MAX)
		return err_set(err, -EINVAL,
			       "requests of %u bytes: expected whole sectors, up to 1 MiB",
			       c->max_bytes);
	if ((c->segment_boundary & (c->segment_boundary - 1)) ||
	    (c->segment_boundary && c->segment_boundary < BLOCK_SECTOR_BYTES))
		return err_set(
			err, -EINVAL,
			"segments that end at each %u bytes: expected a power of two, from %u",
			c->segment_boundary, BLOCK_SECTOR_BYTES);
	if (c->max_segments > BLK_SEGMENTS_MAX)
		return err_set(err, -EINVAL, "%u segments in a request: expected 1 to %u",
			       c->max_segments, BLK_SEGMENTS_MAX);
	if (c->requests > REQUESTS_MAX || c->requests < 16)
		return err_set(err, -EINVAL, "a queue of %u requests: expected 16 to %u",
			       c->requests, REQUESTS_MAX);
	return 0;
}

static int fill_pool(struct blk_queue *q)
{
	const size_t bytes = CACHE_LINE_BYTES + (size_t)q->config.requests * BLK_REQUEST_BYTES;

	q->memory = kmalloc_alloc(q->config.kmalloc, bytes);
	q->pool = calloc(q->config.requests, sizeof(*q->pool));
	q->cpu = calloc(q->machine->ncpus, sizeof(*q->cpu));
	if (!q->memory || !q->pool || !q->cpu)
		return -ENOMEM;
	for (unsigned i = q->config.requests; i--;) {
		q->pool[i].line = kmalloc_phys(q->config.kmalloc, q->memory) + CACHE_LINE_BYTES +
				  (phys_t)i * BLK_REQUEST_BYTES;
		blk_give(q, &q->pool[i]);
	}
	vlock_init(&q->lock, q->machine, kmalloc_phys(q->config.kmalloc, q->memory));
	return 0;
}

int blk_create(struct blk_queue **out, const struct blk_config *config, struct err *err)
{
	struct blk_queue *q = calloc(1, sizeof(*q));
	int rc;

	if (!q)
		return err_set(err, -ENOMEM, "no memory for a block queue");
	q->config = *config;
	q->machine = config->machine;
	rc = set_limits(q, err);
	if (!rc && fill_pool(q))
		rc = err_set(err, -ENOMEM, "no memory for a block queue");
	if (rc) {
		blk_destroy(q);
		return rc;
	}
	q->dev.ops = &ops;
	q->dev.sectors = config->sectors;
	q->dev.max_bytes = q->config.max_bytes;
	q->dev.max_segments = q->config.max_segments;
	q->dev.alignment = q->config.alignment;
	event_init(&q->unplug_timer, on_timer, q);
	q->timer_irq = (struct irq){.handler = on_timer_irq, .ctx = q, .target = config->timer_cpu};
	q->timer_softirq = (struct softirq){.run = on_timer_softirq, .ctx = q};
	blk_done_init(q);
	for (unsigned i = 0; i < 3; i++)
		hist_init(&q->stats.latency[i]);
	*out = q;
	return 0;
}

void blk_destroy(struct blk_queue *q)
{
	if (!q)
		return;
	sim_cancel(q->machine->sim, &q->unplug_timer);
	kmalloc_free(q->config.kmalloc, q->memory);
	free(q->pool);
	free(q->cpu);
	free(q);
}

struct blockdev *blk_device(struct blk_queue *q)
{
	return &q->dev;
}

void blk_stats(const struct blk_queue *q, struct blk_stats *out)
{
	*out = q->stats;
	out->in_flight = q->in_flight;
	out->queued = q->queued;
	out->lock_acquisitions = q->lock.acquisitions;
	out->lock_contended = q->lock.contended;
	out->lock_wait_ps = q->lock.wait_ps;
}
