/* SPDX-License-Identifier: MIT */
/* Heads, platters and the elevator. */
#include "dev/disk_drive.h"

#include "dev/disk.h"

static uint64_t isqrt(uint64_t v)
{
	uint64_t root = 0;

	for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
		if ((root + bit) * (root + bit) <= v)
			root += bit;
	return root;
}

/*
 * Over @distance tracks: seek_track for one, seek_average for a third of them all, in between and
 * beyond along a square root.
 */
static uint64_t seek_ps(const struct disk_drive *d, uint64_t distance)
{
	const struct cost *cost = machine_cost(d->machine);
	const uint64_t slow = cost->disk_seek_average > cost->disk_seek_track
				      ? cost->disk_seek_average - cost->disk_seek_track
				      : 0;
	uint64_t share; /* sqrt(3 distance / tracks) in 1/65536 */

	if (!distance)
		return 0;
	share = isqrt((uint64_t)(((unsigned __int128)3 * (distance - 1) << 32) / d->tracks));
	return cost->disk_seek_track + (uint64_t)((unsigned __int128)slow * share >> 16);
}

/* When in a revolution byte @at passes the head. */
static uint64_t angle_ps(const struct disk_drive *d, uint64_t at)
{
	const struct cost *cost = machine_cost(d->machine);
	const uint64_t skew = cost->disk_seek_track % cost->disk_rotation;
	const uint64_t track = at / d->track_bytes;
	/* A track's last byte is followed, a step later, by the next track's first. */
	const unsigned __int128 turned =
		(unsigned __int128)track * (d->track_bytes * cost->disk_media_byte + skew) +
		at % d->track_bytes * cost->disk_media_byte + d->phase;

	return (uint64_t)(turned % cost->disk_rotation);
}

uint64_t disk_drive_service(const struct disk_drive *d, sim_time now, uint64_t head, uint64_t at,
			    uint32_t bytes)
{
	const struct cost *cost = machine_cost(d->machine);
	const uint64_t first = at / d->track_bytes, last = (at + bytes - 1) / d->track_bytes;
	const uint64_t seek = seek_ps(d, first > head ? first - head : head - first);
	const uint64_t there = (now + seek) % cost->disk_rotation;
	const uint64_t wait = (angle_ps(d, at) + cost->disk_rotation - there) % cost->disk_rotation;

	return seek + wait + bytes * cost->disk_media_byte +
	       (last - first) * (cost->disk_seek_track % cost->disk_rotation);
}

/* Does @a come before @b for the elevator, which is at the head and goes one way? */
static bool nearer(const struct disk_drive *d, const struct disk_job *a, const struct disk_job *b)
{
	const bool a_ahead =
		d->upward ? a->at / d->track_bytes >= d->head : a->at / d->track_bytes <= d->head;
	const bool b_ahead =
		d->upward ? b->at / d->track_bytes >= d->head : b->at / d->track_bytes <= d->head;

	if (a_ahead != b_ahead)
		return a_ahead;
	/* Behind the head they are met on the way back, farthest first turned into nearest. */
	return a_ahead == d->upward ? a->at < b->at : a->at > b->at;
}

static struct disk_job *take(struct disk_drive *d)
{
	struct disk_job **best = &d->first, *job, *before = NULL;

	if (!d->first)
		return d->idle(d->ctx, d);
	for (struct disk_job **at = &d->first; *at && !d->fifo; at = &(*at)->next)
		if (nearer(d, *at, *best))
			best = at;
	job = *best;
	*best = job->next;
	d->last = NULL;
	for (before = d->first; before; before = before->next)
		d->last = before;
	return job;
}

static void start(struct disk_drive *d)
{
	const sim_time now = sim_now(d->machine->sim);
	struct disk_job *job = take(d);
	uint64_t took, track;

	if (!job)
		return;
	track = job->at / d->track_bytes;
	if (track != d->head)
		d->upward = track > d->head;
	took = disk_drive_service(d, now, d->head, job->at, job->bytes);
	d->head = (job->at + job->bytes - 1) / d->track_bytes;
	d->active = job;
	d->busy_ps += took;
	sim_schedule(d->machine->sim, &d->event, now + took);
}

static void on_event(void *ctx)
{
	struct disk_drive *d = ctx;
	struct disk_job *job = d->active;

	d->active = NULL;
	d->done(d->ctx, d, job);
	disk_drive_kick(d);
}

void disk_drive_kick(struct disk_drive *d)
{
	if (!d->active)
		start(d);
}

void disk_drive_submit(struct disk_drive *d, struct disk_job *job)
{
	job->next = NULL;
	*(d->last ? &d->last->next : &d->first) = job;
	d->last = job;
	disk_drive_kick(d);
}

void disk_drive_init(struct disk_drive *d, struct machine *machine, unsigned index, unsigned count,
		     bool fifo)
{
	const struct cost *cost = machine_cost(machine);
	const uint64_t track = cost->disk_rotation / cost->disk_media_byte / DISK_SECTOR_BYTES;

	*d = (struct disk_drive){.machine = machine, .fifo = fifo, .upward = true};
	d->track_bytes = (track ? track : 1) * DISK_SECTOR_BYTES;
	d->tracks = (machine->profile.disk_drive_bytes + d->track_bytes - 1) / d->track_bytes;
	d->phase = cost->disk_rotation / count * index;
	event_init(&d->event, on_event, d);
}

void disk_drive_fini(struct disk_drive *d, void (*drop)(struct disk_job *job))
{
	struct disk_job *next;

	if (!d->machine)
		return;
	sim_cancel(d->machine->sim, &d->event);
	if (d->active)
		drop(d->active);
	d->active = NULL;
	for (struct disk_job *job = d->first; job; job = next) {
		next = job->next;
		drop(job);
	}
	d->first = d->last = NULL;
}
