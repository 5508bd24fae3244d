/* SPDX-License-Identifier: MIT */
/* The inside of a replay that runs, shared by replay*.c and nobody else. */
#ifndef IOTOLL_TRACE_REPLAY_IMPL_H
#define IOTOLL_TRACE_REPLAY_IMPL_H

#include "rig/solo.h"
#include "sim/task.h"
#include "trace/match.h"
#include "trace/replay.h"

struct replay;

/* What one CPU replays with. */
struct replay_worker {
	struct replay *replay;
	struct cpu *cpu;
	struct task *task;
	struct match_list ended;
	struct iotoll_sg *sg;
	size_t sg_room;
};

struct replay {
	const struct replay_config *config;
	/* Where events come from: a trace as it is read, or one device of a recording. */
	struct trace *trace;
	const struct recording *recording;
	int device;
	size_t at;   /* the recording's next event */
	bool before; /* maps from before the recording are still being made */
	struct solo solo;
	struct match match;
	struct replay_result *result;
	struct replay_worker *workers;
	unsigned count;       /* of workers */
	struct iotoll_sg *sg; /* pieces of the recording's lists, as they are mapped here */

	struct recorded next; /* the event to come, and ... */
	uint64_t next_ns;     /* ... its time since the first one */
	struct replay_worker *next_worker;
	uint64_t last_stamp_ns;
	uint64_t events_seen;
	sim_time origin;   /* when the first event ran */
	sim_time finished; /* when the last one's work was done */
	bool begun;
	bool ticks;          /* the timer is the recording's: see replay.h */
	uint64_t full_rings; /* flushes by full rings up to the last recorded flush */
	struct waitq turn;   /* workers whose turn it is not */
	struct waitq ready;  /* workers that unmap what another still maps */
	bool over;
	int rc; /* 0 or what went wrong, with ... */
	struct err *err;
};

/* No event comes any more: because of @rc, unless that is 0. */
void replay_end(struct replay *rp, int rc);
/* The first event; without one @rp->next_worker stays NULL. 0 or an error with @rp->err. */
int replay_begin(struct replay *rp) MUST_CHECK;
/* The next one, and whose it is; or the end. */
void replay_fetch(struct replay *rp);
/* Costs and exposure count from now on. */
void replay_zero(struct replay *rp);
/* Fill in what can only be said at the end. */
void replay_report(struct replay *rp);

/* ---- replay_moves.c: what an event does on @w's CPU ---- */

void replay_map(struct replay_worker *w, const struct recorded *ev);
void replay_unmap(struct replay_worker *w, const struct recorded *ev);

/* The device accesses what has become of the page that was recorded. */
void replay_accessed(struct replay_worker *w, const struct recorded *ev);

/* ---- replay_ticks.c: a lazy kernel's flushes ---- */

/* Take the recording's over, if there are any and they mean something here. */
void replay_ticks_begin(struct replay *rp);
/* Have waiting in the flush queue what did when the recording began. Before replay_zero(). */
void replay_ticks_queue(struct replay_worker *w);
/* Which worker's CPU that is on. */
struct replay_worker *replay_ticks_worker(struct replay *rp);
/* A recorded flush of the domain, or a step. */
void replay_ticks_event(struct replay_worker *w, const struct recorded *ev);

/* Have the rig to be made tell the timeline that was asked for, if any. */
void replay_hear(const struct replay_config *c, struct rig_config *rig);
/* Let the timeline that was asked for, if any, watch the machine. 0; -ENOMEM, which is told. */
int replay_show(struct replay *rp) MUST_CHECK;

#endif
