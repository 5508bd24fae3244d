/* SPDX-License-Identifier: MIT */
/*
 * Behind the controller: the stripes, the drives, and writing. A write is taken into
 * the cache if there is room, and written out when its drive has nothing to read, or at once when
 * the cache gets short of clean lines; a write too large for the cache goes through.
 */
#include <errno.h>
#include <stdlib.h>

#include "dev/disk_internal.h"

/* ---- where bytes of the volume lie ---- */

struct disk_slot *disk_slot_of(struct disk *disk, uint64_t offset)
{
	return &disk->slot[offset / disk->stripe % disk->drives];
}

static uint64_t drive_at(const struct disk *disk, uint64_t offset)
{
	return offset / disk->stripe / disk->drives * disk->stripe + offset % disk->stripe;
}

static uint64_t volume_at(const struct disk *disk, const struct disk_slot *s, uint64_t at)
{
	const uint64_t row = at / disk->stripe;

	return (row * disk->drives + (uint64_t)(s - disk->slot)) * disk->stripe + at % disk->stripe;
}

uint32_t disk_piece(const struct disk *disk, uint64_t offset, uint64_t end)
{
	const uint64_t left = disk->stripe - offset % disk->stripe;

	return (uint32_t)(end - offset < left ? end - offset : left);
}

/* ---- dirty blocks ---- */

static void dirty_set(struct disk *disk, uint64_t block)
{
	struct disk_slot *s = disk_slot_of(disk, block * DISK_BLOCK_BYTES);
	const uint64_t bit = drive_at(disk, block * DISK_BLOCK_BYTES) / DISK_BLOCK_BYTES;

	s->dirty[bit / 64] |= UINT64_C(1) << bit % 64;
	s->summary[bit / 4096] |= UINT64_C(1) << bit / 64 % 64;
}

static bool dirty_test(const struct disk_slot *s, uint64_t bit)
{
	return s->dirty[bit / 64] >> bit % 64 & 1;
}

static void dirty_clear(struct disk_slot *s, uint64_t bit)
{
	s->dirty[bit / 64] &= ~(UINT64_C(1) << bit % 64);
	if (!s->dirty[bit / 64])
		s->summary[bit / 4096] &= ~(UINT64_C(1) << bit / 64 % 64);
}

/* The first dirty block of the drive at or above @from; UINT64_MAX if there is none. */
static uint64_t dirty_next(const struct disk_slot *s, uint64_t from)
{
	uint64_t word = from / 64;
	uint64_t bits = word < s->words ? s->dirty[word] & UINT64_MAX << from % 64 : 0;

	while (!bits) {
		uint64_t upper;

		word++;
		if (word >= s->words)
			return UINT64_MAX;
		upper = s->summary[word / 64] & UINT64_MAX << word % 64;
		if (!upper) {
			word |= 63;
			continue;
		}
		word = word / 64 * 64 + (uint64_t)__builtin_ctzll(upper);
		bits = s->dirty[word];
	}
	return word * 64 + (uint64_t)__builtin_ctzll(bits);
}

/* ---- jobs ---- */

struct disk_job *disk_job_make(struct disk *disk, uint64_t offset, uint32_t bytes, bool write)
{
	struct disk_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->at = drive_at(disk, offset);
	job->volume = offset;
	job->bytes = bytes;
	job->write = write;
	*(write ? &disk->stats.drive_writes : &disk->stats.drive_reads) += 1;
	*(write ? &disk->stats.drive_written_bytes : &disk->stats.drive_read_bytes) += bytes;
	return job;
}

static void job_drop(struct disk_job *job)
{
	free(job);
}

/* Write out some of what is dirty on the drive, or NULL. */
static struct disk_job *destage(struct disk *disk, struct disk_slot *s)
{
	uint64_t first = dirty_next(s, s->sweep), n = 0;
	struct disk_job *job;

	if (first == UINT64_MAX)
		first = dirty_next(s, 0);
	if (first == UINT64_MAX || s->destaging)
		return NULL;
	do
		n++;
	while ((first + n) * DISK_BLOCK_BYTES % disk->stripe && dirty_test(s, first + n));
	job = disk_job_make(disk, volume_at(disk, s, first * DISK_BLOCK_BYTES),
			    (uint32_t)(n * DISK_BLOCK_BYTES), true);
	if (!job)
		return NULL;
	for (uint64_t i = 0; i < n; i++)
		dirty_clear(s, first + i);
	s->sweep = first + n;
	s->destaging = true;
	job->destage = true;
	return job;
}

static struct disk_job *on_idle(void *ctx, struct disk_drive *drive)
{
	return destage(ctx, (struct disk_slot *)drive);
}

/* ---- room in the cache ---- */

/* Lines that writes may hold: the rest is for reading. */
static uint64_t write_lines(const struct disk *disk)
{
	return (uint64_t)disk->cache.lines * 4 / 5;
}

static bool short_of_room(const struct disk *disk)
{
	return disk->first_room || (disk->cache.dirty + disk->reserved) * 4 > write_lines(disk) * 3;
}

static bool reserve(struct disk *disk, struct disk_io *io)
{
	if (disk->cache.dirty + disk->reserved + io->blocks > write_lines(disk))
		return false;
	disk->reserved += io->blocks;
	io->reserved = true;
	return true;
}

static void release(struct disk *disk, struct disk_io *io)
{
	if (io->reserved)
		disk->reserved -= io->blocks;
	io->reserved = false;
}

/* Writes that waited, in order. */
static void on_room(void *ctx)
{
	struct disk *disk = ctx;

	while (disk->first_room && reserve(disk, disk->first_room)) {
		struct disk_io *io = disk->first_room;

		disk->first_room = io->next;
		if (!disk->first_room)
			disk->last_room = NULL;
		disk_ready(disk, io);
	}
}

void disk_array_write(struct disk *disk, struct disk_io *io)
{
	if (io->blocks > write_lines(disk) / 2) { /* through */
		disk_ready(disk, io);
		return;
	}
	if (!disk->first_room && reserve(disk, io)) {
		disk_ready(disk, io);
		return;
	}
	disk->stats.cache_waits++;
	io->stage = DISK_STAGE_ROOM;
	*(disk->last_room ? &disk->last_room->next : &disk->first_room) = io;
	disk->last_room = io;
}

static void write_through(struct disk *disk, struct disk_io *io)
{
	const uint64_t end = io->offset + io->bytes;
	struct disk_job *list = NULL, *next;
	uint32_t bytes;

	for (uint64_t at = io->offset; at < end; at += bytes) {
		struct disk_job *job;

		bytes = disk_piece(disk, at, end);
		job = disk_job_make(disk, at, bytes, true);
		if (!job)
			break;
		job->owner = io;
		job->next = list;
		list = job;
		io->jobs++;
	}
	if (!io->jobs) {
		disk_fail(disk, io, SCSI_KEY_HARDWARE_ERROR, SCSI_ASC_NONE);
		return;
	}
	io->stage = DISK_STAGE_WRITING;
	for (; list; list = next) {
		next = list->next;
		disk_drive_submit(&disk_slot_of(disk, list->volume)->drive, list);
	}
}

void disk_array_written(struct disk *disk, struct disk_io *io)
{
	if (!io->reserved) {
		write_through(disk, io);
		return;
	}
	release(disk, io);
	for (uint64_t i = 0; i < io->blocks; i++) {
		const uint64_t block = io->first_block + i;

		/* Room was reserved, so this cannot fail. */
		if (disk_cache_add(&disk->cache, block, true))
			dirty_set(disk, block);
		disk_drive_kick(&disk_slot_of(disk, block * DISK_BLOCK_BYTES)->drive);
	}
	disk_end(disk, io, SCSI_STATUS_GOOD);
}

/* ---- a drive is done ---- */

static void write_done(struct disk *disk, struct disk_slot *s, const struct disk_job *job)
{
	struct disk_io *io = job->owner;

	if (io) {
		if (!--io->jobs)
			disk_end(disk, io, SCSI_STATUS_GOOD);
		return;
	}
	if (!job->destage) /* written through, and its command aborted */
		return;
	s->destaging = false;
	for (uint64_t i = 0; i < job->bytes; i += DISK_BLOCK_BYTES)
		if (!dirty_test(s, (job->at + i) / DISK_BLOCK_BYTES)) /* not again */
			disk_cache_clean(&disk->cache, (job->volume + i) / DISK_BLOCK_BYTES);
	on_room(disk);
}

static void on_done(void *ctx, struct disk_drive *drive, struct disk_job *job)
{
	struct disk *disk = ctx;
	struct disk_slot *s = (struct disk_slot *)drive;
	struct disk_job *more;

	if (job->write)
		write_done(disk, s, job);
	else
		disk_read_done(disk, job);
	free(job);
	/* Reads have had their turn if the cache runs out. */
	if (short_of_room(disk)) {
		more = destage(disk, s);
		if (more)
			disk_drive_submit(drive, more);
	}
}

/* ---- forgetting ---- */

static void disown(struct disk_job *job, const struct disk_io *io)
{
	if (job && job->owner == io)
		job->owner = NULL;
}

void disk_array_abort(struct disk *disk, struct disk_io *io)
{
	struct disk_io **at;

	release(disk, io);
	for (at = &disk->reads; *at && *at != io; at = &(*at)->next)
		;
	if (*at)
		*at = io->next;
	for (at = &disk->first_room; *at && *at != io; at = &(*at)->next)
		;
	if (*at)
		*at = io->next;
	disk->last_room = NULL;
	for (struct disk_io *i = disk->first_room; i; i = i->next)
		disk->last_room = i;
	for (unsigned i = 0; i < disk->drives; i++) {
		struct disk_drive *d = &disk->slot[i].drive;

		disown(d->active, io);
		for (struct disk_job *job = d->first; job; job = job->next)
			disown(job, io);
	}
	if (disk->first_room)
		sim_schedule(disk->machine->sim, &disk->room, sim_now(disk->machine->sim));
}

int disk_array_init(struct disk *disk)
{
	const struct profile *p = &disk->machine->profile;
	const uint64_t rows = (disk->config.bytes / p->disk_stripe_bytes) / p->disk_spindles + 1;

	disk->stripe = p->disk_stripe_bytes;
	event_init(&disk->room, on_room, disk);
	disk->slot = calloc(p->disk_spindles, sizeof(*disk->slot));
	if (!disk->slot || disk_cache_init(&disk->cache, p->disk_cache_bytes))
		return -ENOMEM;
	disk->drives = p->disk_spindles;
	for (unsigned i = 0; i < disk->drives; i++) {
		struct disk_slot *s = &disk->slot[i];

		disk_drive_init(&s->drive, disk->machine, i, disk->drives, disk->config.fifo);
		s->drive.done = on_done;
		s->drive.idle = on_idle;
		s->drive.ctx = disk;
		s->words = rows * disk->stripe / DISK_BLOCK_BYTES / 64 + 1;
		s->dirty = calloc(s->words, sizeof(*s->dirty));
		s->summary = calloc(s->words / 64 + 1, sizeof(*s->summary));
		if (!s->dirty || !s->summary)
			return -ENOMEM;
	}
	return 0;
}

void disk_array_fini(struct disk *disk)
{
	sim_cancel(disk->machine->sim, &disk->room);
	for (unsigned i = 0; i < disk->drives; i++) {
		disk_drive_fini(&disk->slot[i].drive, job_drop);
		free(disk->slot[i].dirty);
		free(disk->slot[i].summary);
	}
	free(disk->slot);
	disk_cache_fini(&disk->cache);
}
