/* SPDX-License-Identifier: MIT */
/* The inside of a timeline, shared by timeline*.c and nobody else. */
#ifndef IOTOLL_WATCH_TIMELINE_IMPL_H
#define IOTOLL_WATCH_TIMELINE_IMPL_H

#include "watch/requests.h"
#include "watch/timeline.h"
#include "watch/timeline_json.h"

/* Processes that every document has; machines follow, three each. */
enum { PID_MAPPINGS = 1, PID_IOTLB, PID_MACHINES };
#define PIDS_PER_MACHINE 3 /* CPUs, locks, lock waits */

/* What is written of one CPU. */
struct timeline_track {
	struct timeline *timeline;
	uint32_t pid, tid;
	unsigned machine;
	bool open; /* a slice that may go on */
	enum charge what;
	sim_time from, to;
	bool waited; /* it has waited for a lock: its thread has a name */
};

/* A lock of a machine, by the address of its word. */
struct timeline_lock {
	unsigned machine;
	phys_t line;
	bool held;
	sim_time since;
	const struct timeline_track *holder;
};

/* A piece of a live request; the book's reach is its number here. */
struct timeline_span {
	uint64_t id, iova, bytes;
	sim_time since;
	bool open, written, lasting; /* lasting: coherent memory */
	uint32_t free;               /* the next free one */
};

struct timeline {
	struct tl_out out;
	sim_time from, last;
	uint64_t most;
	bool cut;
	int rc; /* the first thing that went wrong */
	const struct machine *clock;
	struct timeline_track **track;
	size_t tracks;
	char (*machine)[32];
	unsigned machines;
	struct timeline_lock *lock;
	size_t locks, lock_room;
	struct requests book;
	struct timeline_span *span;
	uint32_t spans, span_room, span_free;
	uint64_t ids;
	bool lasting; /* the next map is of coherent memory */
	struct iotoll_dma_observer maps;
	struct iotlb_observer iotlb;
};

/* Room for one more of @bytes each in *@at, which has @count, doubling. 0 or -ENOMEM. */
int timeline_grow(void **at, size_t count, size_t *room, size_t bytes) MUST_CHECK;
/* Write @e unless it is over before the beginning, or one too many; clips what began before. */
void timeline_put(struct timeline *t, struct tl_event *e);
/* The time of the protected machine. */
sim_time timeline_now(struct timeline *t);

/* ---- timeline_locks.c: as in struct cpu_watcher; @ctx is the track ---- */
void timeline_locked(void *ctx, const struct cpu *cpu, phys_t line, sim_time asked);
void timeline_unlocked(void *ctx, const struct cpu *cpu, phys_t line);
void timeline_locks_end(struct timeline *t);

/* ---- timeline_maps.c ---- */
/* 0 or -ENOMEM. */
int timeline_maps_init(struct timeline *t) MUST_CHECK;
void timeline_maps_end(struct timeline *t);
void timeline_maps_fini(struct timeline *t);

#endif
