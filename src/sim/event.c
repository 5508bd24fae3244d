/* SPDX-License-Identifier: MIT */
/*
 * The event queue: a binary heap of pointers to caller-owned events, ordered by instant and then
 * by order of scheduling. Four children a node would halve the depth, but a queue here holds a
 * few dozen events, one or two per device, where the binary heap is as fast.
 */
#include "sim/event.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct sim {
	struct event **heap;
	size_t count, capacity;
	sim_time now;
	uint64_t seq, executed;
	bool stop;
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
		sim->heap[i]->slot = 0;
	free(sim->heap);
	free(sim);
}

sim_time sim_now(const struct sim *sim)
{
	return sim->now;
}

sim_time sim_next(const struct sim *sim)
{
	return sim->count ? sim->heap[0]->at : SIM_NEVER;
}

uint64_t sim_events(const struct sim *sim)
{
	return sim->executed;
}

void sim_stop(struct sim *sim)
{
	sim->stop = true;
}

static inline bool earlier(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static inline void place(struct sim *sim, struct event *ev, size_t i)
{
	sim->heap[i] = ev;
	ev->slot = i + 1;
}

static void sift_up(struct sim *sim, struct event *ev, size_t i)
{
	while (i) {
		const size_t parent = (i - 1) / 2;

		if (!earlier(ev, sim->heap[parent]))
			break;
		place(sim, sim->heap[parent], i);
		i = parent;
	}
	place(sim, ev, i);
}

static void sift_down(struct sim *sim, struct event *ev, size_t i)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= sim->count)
			break;
		if (child + 1 < sim->count && earlier(sim->heap[child + 1], sim->heap[child]))
			child++;
		if (!earlier(sim->heap[child], ev))
			break;
		place(sim, sim->heap[child], i);
		i = child;
	}
	place(sim, ev, i);
}

/* Put @ev where its new key belongs, starting from slot @i, in whichever direction. */
static void resettle(struct sim *sim, struct event *ev, size_t i)
{
	if (i && earlier(ev, sim->heap[(i - 1) / 2]))
		sift_up(sim, ev, i);
	else
		sift_down(sim, ev, i);
}

static void remove_at(struct sim *sim, size_t i)
{
	struct event *last;

	sim->heap[i]->slot = 0;
	last = sim->heap[--sim->count];
	if (i < sim->count)
		resettle(sim, last, i);
}

static void grow(struct sim *sim)
{
	struct event **heap = realloc(sim->heap, 2 * sim->capacity * sizeof(*heap));

	/* A machine has a bounded number of event owners; there is no way on without them. */
	if (!heap)
		abort();
	sim->heap = heap;
	sim->capacity *= 2;
}

void sim_schedule(struct sim *sim, struct event *ev, sim_time at)
{
	ev->at = at < sim->now ? sim->now : at;
	ev->seq = sim->seq++;
	if (ev->slot) {
		resettle(sim, ev, ev->slot - 1);
		return;
	}
	if (sim->count == sim->capacity)
		grow(sim);
	sift_up(sim, ev, sim->count++);
}

void sim_cancel(struct sim *sim, struct event *ev)
{
	if (ev->slot)
		remove_at(sim, ev->slot - 1);
}

void sim_advance(struct sim *sim, sim_time at)
{
	assert(at <= sim_next(sim));
	if (at > sim->now)
		sim->now = at;
}

int sim_run(struct sim *sim, sim_time until)
{
	sim->stop = false;
	while (sim->count && sim->heap[0]->at <= until) {
		struct event *ev = sim->heap[0];

		remove_at(sim, 0);
		sim->now = ev->at;
		sim->executed++;
		ev->fn(ev->ctx);
		if (sim->stop)
			return -EINTR;
	}
	if (sim->now < until)
		sim->now = until;
	return 0;
}
