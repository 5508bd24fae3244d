/* SPDX-License-Identifier: MIT */
/*
 * The credit scheduler of Xen 3.1: a run queue for each physical CPU, sorted by priority and first
 * come first served within it; a CPU whose own queue has nothing better than OVER looks for work
 * with a higher priority in the others'. Books in sched_credit_books.c.
 *
 * Ticks of all CPUs fall on the same instants, CPU 0's first, which also keeps the books; Xen's lie
 * wherever each CPU was started. Left out is the search for a less loaded package when a tick finds
 * a virtual CPU running: the cache model has no packages.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/event.h"
#include "xen/sched_credit.h"
#include "xen/schedulers.h"

struct queue {
	unsigned count;
	unsigned vcpu[GATE_MAX_VCPUS];
};

struct credit {
	struct credit_books books;
	struct gate *gate;
	struct event tick;
	uint64_t ticks;
	struct queue queue[]; /* of each physical CPU */
};

static int priority_of(const struct credit *c, unsigned vcpu)
{
	return vcpu == GATE_NOBODY ? CREDIT_IDLE : c->books.vcpu[vcpu].priority;
}

/* ---- run queues ---- */

/* Behind all that have its priority or a higher one. */
static void queue_insert(struct credit *c, unsigned vcpu)
{
	struct queue *q = &c->queue[c->books.vcpu[vcpu].processor];
	unsigned at = 0;

	while (at < q->count && priority_of(c, vcpu) <= priority_of(c, q->vcpu[at]))
		at++;
	memmove(q->vcpu + at + 1, q->vcpu + at, (q->count - at) * sizeof(q->vcpu[0]));
	q->vcpu[at] = vcpu;
	q->count++;
	c->books.vcpu[vcpu].queued = true;
}

static void queue_remove(struct credit *c, unsigned vcpu)
{
	struct queue *q = &c->queue[c->books.vcpu[vcpu].processor];
	unsigned at = 0;

	while (q->vcpu[at] != vcpu)
		at++;
	q->count--;
	memmove(q->vcpu + at, q->vcpu + at + 1, (q->count - at) * sizeof(q->vcpu[0]));
	c->books.vcpu[vcpu].queued = false;
}

/* Priorities changed: those that are not OVER go before those that are, otherwise in order. */
static void queue_sort(struct queue *q, const struct credit *c)
{
	unsigned over[GATE_MAX_VCPUS], kept = 0, overs = 0;

	for (unsigned i = 0; i < q->count; i++) {
		if (priority_of(c, q->vcpu[i]) > CREDIT_OVER)
			q->vcpu[kept++] = q->vcpu[i];
		else
			over[overs++] = q->vcpu[i];
	}
	memcpy(q->vcpu + kept, over, overs * sizeof(*over));
}

/* @vcpu can run: its CPU is told if that is better than what it does, idle ones if it is busy. */
static void tickle(struct credit *c, unsigned vcpu)
{
	const struct credit_vcpu *v = &c->books.vcpu[vcpu];
	const unsigned holder = gate_holder(c->gate, v->processor);

	if (v->priority > priority_of(c, holder))
		gate_poke(c->gate, v->processor);
	if (holder == GATE_NOBODY)
		return;
	for (unsigned p = 0; p < c->books.pcpus; p++)
		if (gate_holder(c->gate, p) == GATE_NOBODY && v->affinity >> p & 1)
			gate_poke(c->gate, p);
}

static void credit_wake(void *state, unsigned vcpu)
{
	struct credit *c = state;
	struct credit_vcpu *v = &c->books.vcpu[vcpu];

	if (v->parked || v->queued)
		return;
	if (v->priority == CREDIT_UNDER)
		v->priority = CREDIT_BOOST;
	queue_insert(c, vcpu);
	tickle(c, vcpu);
}

/* ---- choosing ---- */

/* One that @pcpu may take from another's queue, of a priority above @than; GATE_NOBODY if none. */
static unsigned steal(struct credit *c, unsigned pcpu, int than)
{
	for (unsigned i = 1; i < c->books.pcpus; i++) {
		const unsigned peer = (pcpu + i) % c->books.pcpus;
		const struct queue *q = &c->queue[peer];

		if (gate_holder(c->gate, peer) == GATE_NOBODY)
			continue;
		for (unsigned at = 0; at < q->count; at++) {
			const unsigned vcpu = q->vcpu[at];

			if (priority_of(c, vcpu) <= than)
				break;
			if (c->books.vcpu[vcpu].affinity >> pcpu & 1)
				return vcpu;
		}
	}
	return GATE_NOBODY;
}

static unsigned credit_choose(void *state, unsigned pcpu, unsigned current, uint64_t *slice_ps)
{
	struct credit *c = state;
	const struct queue *q = &c->queue[pcpu];
	unsigned next, other = GATE_NOBODY;

	if (current != GATE_NOBODY && !c->books.vcpu[current].parked)
		queue_insert(c, current);
	next = q->count ? q->vcpu[0] : GATE_NOBODY;
	if (priority_of(c, next) <= CREDIT_OVER)
		other = steal(c, pcpu, priority_of(c, next));
	if (other != GATE_NOBODY)
		next = other;
	if (next != GATE_NOBODY) {
		queue_remove(c, next);
		c->books.vcpu[next].processor = pcpu;
	}
	*slice_ps = CREDIT_SLICE_PS;
	return next;
}

/* ---- ticks ---- */

static void credit_park(void *ctx, unsigned vcpu, bool park)
{
	struct credit *c = ctx;
	struct credit_vcpu *v = &c->books.vcpu[vcpu];

	if (!park) {
		if (gate_waits(c->gate, vcpu)) {
			queue_insert(c, vcpu);
			tickle(c, vcpu);
		}
	} else if (v->queued) {
		queue_remove(c, vcpu);
	} else if (gate_holder(c->gate, v->processor) == vcpu) {
		gate_poke(c->gate, v->processor);
	}
}

static void on_tick(void *ctx)
{
	struct credit *c = ctx;

	c->ticks++;
	for (unsigned p = 0; p < c->books.pcpus; p++) {
		const unsigned holder = gate_holder(c->gate, p);

		if (holder != GATE_NOBODY)
			credit_tick(&c->books, holder);
		if (!p && c->ticks % CREDIT_PERIOD_TICKS == 0)
			credit_period(&c->books);
		queue_sort(&c->queue[p], c);
	}
	sim_schedule(gate_sim(c->gate), &c->tick, sim_now(gate_sim(c->gate)) + CREDIT_TICK_PS);
}

/* ---- coming and going ---- */

static int credit_create(void **state, struct gate *gate, unsigned pcpus)
{
	struct credit *c = calloc(1, sizeof(*c) + pcpus * sizeof(c->queue[0]));

	if (!c)
		return -ENOMEM;
	c->gate = gate;
	c->books.pcpus = pcpus;
	c->books.park = credit_park;
	c->books.ctx = c;
	event_init(&c->tick, on_tick, c);
	sim_schedule(gate_sim(gate), &c->tick, sim_now(gate_sim(gate)) + CREDIT_TICK_PS);
	*state = c;
	return 0;
}

static void credit_destroy(void *state)
{
	struct credit *c = state;

	sim_cancel(gate_sim(c->gate), &c->tick);
	free(c);
}

static int credit_join(void *state, unsigned vcpu, const struct gate_vcpu *about, struct err *err)
{
	struct credit *c = state;

	(void)err; /* any number of virtual CPUs may share a physical one */
	credit_add(&c->books, vcpu, about);
	return 0;
}

static void credit_leave(void *state, unsigned vcpu)
{
	struct credit *c = state;

	if (c->books.vcpu[vcpu].queued)
		queue_remove(c, vcpu);
	credit_remove(&c->books, vcpu);
}

const struct gate_ops sched_credit = {
	.name = "credit",
	.help = "Xen's credit scheduler: shares by weight, caps, boosts what wakes up",
	.create = credit_create,
	.destroy = credit_destroy,
	.add = credit_join,
	.remove = credit_leave,
	.wake = credit_wake,
	.choose = credit_choose,
};
