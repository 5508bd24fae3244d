/* SPDX-License-Identifier: MIT */
/*
 * The event queue: a binary heap of pointers to caller-owned events, ordered by instant and then
 * by order of scheduling. Four children a node would halve the depth, but a queue here holds a
 * few dozen events, one or two per device, where the binary heap is as fast.
 */
#include "sim/event.h"

#include <errno.h>
#include <stdlib.h>

/* The key is kept beside the pointer: sifting reads no event. */
struct node {
	sim_time at;
	uint64_t seq;
	struct event *ev;
};

struct sim {
	struct node *heap;
	size_t count, capacity;
	sim_time now, until;
	uint64_t seq, executed;
	bool stop, running;
};

struct sim *sim_create(void)
{
	struct sim *sim = calloc(1, sizeof(*sim));

	if (!sim)
		return NULL;
	sim->capacity = 64;
	sim->heap = malloc(sim->capacity * sizeof(*sim->heap));
	if (!sim->heap) {
		free(sim);
		return NULL;
	}
	return sim;
}

void sim_destroy(struct sim *sim)
{
	if (!sim)
		return;
	for (size_t i = 0; i < sim->count; i++)
		sim->heap[i].ev->slot = 0;
	free(sim->heap);
	free(sim);
}

sim_time sim_now(const struct sim *sim)
{
	return sim->now;
}

sim_time sim_next(const struct sim *sim)
{
	return sim->count ? sim->heap[0].at : SIM_NEVER;
}

uint64_t sim_events(const struct sim *sim)
{
	return sim->executed;
}

void sim_stop(struct sim *sim)
{
	sim->stop = true;
}

static inline bool earlier(const struct node *a, const struct node *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static inline void place(struct sim *sim, struct node node, size_t i)
{
	sim->heap[i] = node;
	node.ev->slot = i + 1;
}

/* Inline: a node that was just made stays in registers, and goes to memory once. */
static inline __attribute__((always_inline)) void sift_up(struct sim *sim, struct node node,
							  size_t i)
{
	while (i) {
		const size_t parent = (i - 1) / 2;

		if (!earlier(&node, &sim->heap[parent]))
			break;
		place(sim, sim->heap[parent], i);
		i = parent;
	}
	place(sim, node, i);
}

static void sift_down(struct sim *sim, struct node node, size_t i)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= sim->count)
			break;
		if (child + 1 < sim->count && earlier(&sim->heap[child + 1], &sim->heap[child]))
			child++;
		if (!earlier(&sim->heap[child], &node))
			break;
		place(sim, sim->heap[child], i);
		i = child;
	}
	place(sim, node, i);
}

/* Put @node where its key belongs, starting from slot @i, in whichever direction. */
static void resettle(struct sim *sim, struct node node, size_t i)
{
	if (i && earlier(&node, &sim->heap[(i - 1) / 2]))
		sift_up(sim, node, i);
	else
		sift_down(sim, node, i);
}

static void remove_at(struct sim *sim, size_t i)
{
	struct node last;

	sim->heap[i].ev->slot = 0;
	last = sim->heap[--sim->count];
	if (i < sim->count)
		resettle(sim, last, i);
}

static void grow(struct sim *sim)
{
	struct node *heap = realloc(sim->heap, 2 * sim->capacity * sizeof(*heap));

	/* A machine has a bounded number of event owners; there is no way on without them. */
	if (!heap)
		abort();
	sim->heap = heap;
	sim->capacity *= 2;
}

void sim_schedule(struct sim *sim, struct event *ev, sim_time at)
{
	const struct node node = {.at = at < sim->now ? sim->now : at, .seq = sim->seq++, .ev = ev};

	ev->at = node.at;
	if (ev->slot) {
		resettle(sim, node, ev->slot - 1);
		return;
	}
	if (sim->count == sim->capacity)
		grow(sim);
	sift_up(sim, node, sim->count++);
}

void sim_cancel(struct sim *sim, struct event *ev)
{
	if (ev->slot)
		remove_at(sim, ev->slot - 1);
}

bool sim_advance(struct sim *sim, sim_time at)
{
	if (at > sim_next(sim) || at > sim->until || sim->stop)
		return false;
	if (at > sim->now)
		sim->now = at;
	return true;
}

static void run_first(struct sim *sim)
{
	struct event *ev = sim->heap[0].ev;

	remove_at(sim, 0);
	sim->now = ev->at;
	sim->executed++;
	ev->fn(ev->ctx);
}

bool sim_step(struct sim *sim, sim_time limit, void (*except)(void *ctx))
{
	const struct node *first = sim->heap;

	if (!sim->count || first->at >= limit || first->at > sim->until || sim->stop ||
	    first->ev->fn == except)
		return false;
	run_first(sim);
	return true;
}

int sim_run(struct sim *sim, sim_time until)
{
	sim->stop = false;
	sim->until = until;
	sim->running = true;
	while (sim->count && sim->heap[0].at <= until && !sim->stop)
		run_first(sim);
	sim->running = false;
	if (sim->stop)
		return -EINTR;
	if (sim->now < until)
		sim->now = until;
	return 0;
}

bool sim_running(const struct sim *sim)
{
	return sim->running;
}
