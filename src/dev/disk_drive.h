/* SPDX-License-Identifier: MIT */
/*
 * One drive of an array: a head over a stack of tracks that turn beneath it, and a queue of jobs.
 * Time is made of three parts: the seek, which grows with the square root of the distance; the
 * wait until the first sector comes by, which depends on when that is, as platters never stop; and
 * the transfer. Tracks are skewed so that a step to the next one loses nothing but the step.
 */
#ifndef IOTOLL_DEV_DISK_DRIVE_H
#define IOTOLL_DEV_DISK_DRIVE_H

#include "sim/machine.h"

/* A run of bytes to read or write. Allocated and freed by the drive's owner. */
struct disk_job {
	uint64_t at;    /* on the drive, in bytes */
	uint32_t bytes; /* > 0 */
	bool write;
	bool destage;    /* out of the cache, not through it */
	uint64_t volume; /* offset of the first byte in the volume, for the owner */
	uint64_t sequence;
	void *owner; /* the command that waits for it, or NULL */
	struct disk_job *next;
	struct disk_job *peer; /* the owner's */
};

struct disk_drive {
	struct machine *machine;
	uint64_t track_bytes, tracks;
	sim_time phase; /* of its rotation */
	bool fifo;
	uint64_t head;                 /* track it is on */
	bool upward;                   /* the elevator's direction */
	struct disk_job *first, *last; /* waiting, in order of arrival */
	struct disk_job *active;
	struct event event;
	uint64_t busy_ps;
	/* From an event: @job is done; the drive no longer knows it. */
	void (*done)(void *ctx, struct disk_drive *drive, struct disk_job *job);
	/* Nothing waits: a background job if there is one, else NULL. */
	struct disk_job *(*idle)(void *ctx, struct disk_drive *drive);
	void *ctx;
};

/*
 * A drive of the profile's rows, number @index of @count (their rotations are not in step). The
 * callbacks are filled in by the caller afterwards.
 */
void disk_drive_init(struct disk_drive *d, struct machine *machine, unsigned index, unsigned count,
		     bool fifo);
/* Jobs still there are handed to @drop. */
void disk_drive_fini(struct disk_drive *d, void (*drop)(struct disk_job *job));
void disk_drive_submit(struct disk_drive *d, struct disk_job *job);
/* Look for work if there is none: the owner has something for idle() to find. */
void disk_drive_kick(struct disk_drive *d);
/* How long a job of @bytes at @at takes if it starts at @now with the head on track @head. */
uint64_t disk_drive_service(const struct disk_drive *d, sim_time now, uint64_t head, uint64_t at,
			    uint32_t bytes);

#endif
