/* SPDX-License-Identifier: MIT */
/*
 * The event queue. Events are owned by whoever embeds them; the queue links, never allocates per
 * event. Events at the same instant run in the order in which they were scheduled, which makes a
 * run deterministic; code on a CPU whose clock arrives at that instant goes before them. Not thread
 * safe: one simulation, one host thread.
 */
#ifndef IOTOLL_SIM_EVENT_H
#define IOTOLL_SIM_EVENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "sim/time.h"

struct sim;

struct event {
	sim_time at;
	size_t slot; /* position in the heap + 1; 0 = not scheduled */
	void (*fn)(void *ctx);
	void *ctx;
};

/* NULL when memory is short. */
struct sim *sim_create(void);
/* Events still queued are forgotten, not run. NULL is allowed. */
void sim_destroy(struct sim *sim);
/* The present: the instant of the event that is running, or the end of the last sim_run(). */
sim_time sim_now(const struct sim *sim);
/* The instant of the next event, SIM_NEVER if none. */
sim_time sim_next(const struct sim *sim);

static inline void event_init(struct event *ev, void (*fn)(void *ctx), void *ctx)
{
	*ev = (struct event){.fn = fn, .ctx = ctx};
}

static inline bool event_pending(const struct event *ev)
{
	return ev->slot != 0;
}

/*
 * Run @ev->fn at @at, or at the present if @at lies in the past. An event that is already
 * scheduled is moved. Aborts if the heap cannot grow (it grows rarely, to the number of devices).
 */
void sim_schedule(struct sim *sim, struct event *ev, sim_time at);
/* Forget @ev if it is scheduled. */
void sim_cancel(struct sim *sim, struct event *ev);

/*
 * Run events up to and including @until, then set the present to @until (an empty queue jumps
 * there). Returns 0, or -EINTR at once after an event that called sim_stop().
 */
int sim_run(struct sim *sim, sim_time until);
/* Is a sim_run() under way, so that time can pass? */
bool sim_running(const struct sim *sim);
/*
 * Run the next event if it lies before @limit and within the present sim_run(), and its function is
 * not @except. True if it ran. For code on a CPU that lets devices catch up with its clock.
 */
bool sim_step(struct sim *sim, sim_time limit, void (*except)(void *ctx));
/*
 * Move the present forward to @at, as an event at @at would. False, and nothing happens, if an
 * earlier event is pending or the present sim_run() ends before @at.
 */
bool sim_advance(struct sim *sim, sim_time at);
/*
 * Make sim_run() return after the event that is running; until then sim_step() and sim_advance()
 * refuse. From an event, or from code on a CPU.
 */
void sim_stop(struct sim *sim);
/* Events executed so far, for events/s figures. */
uint64_t sim_events(const struct sim *sim);

#endif
