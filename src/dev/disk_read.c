/* SPDX-License-Identifier: MIT */
/*
 * Reading from the array: what the cache lacks comes from the drives, each block by one job however
 * many commands want it, and streams are read ahead of.
 */
#include "dev/disk_internal.h"

/* Is [offset, offset + bytes) under way from a drive, by jobs no newer than @sequence? */
static bool under_way(const struct disk *disk, uint64_t offset, uint64_t bytes, uint64_t sequence)
{
	for (const struct disk_job *job = disk->reading; job; job = job->peer)
		if (job->sequence <= sequence && job->volume < offset + bytes &&
		    offset < job->volume + job->bytes)
			return true;
	return false;
}

/* Read the blocks of [offset, end) that are neither there nor coming. False: no memory. */
static bool fetch(struct disk *disk, uint64_t offset, uint64_t end, bool ahead)
{
	while (offset < end) {
		const uint64_t block = offset / DISK_BLOCK_BYTES;
		const uint32_t most = disk_piece(disk, offset, end);
		uint32_t bytes = 0;
		struct disk_job *job;

		while (bytes < most &&
		       !disk_cache_use(&disk->cache, block + bytes / DISK_BLOCK_BYTES) &&
		       !under_way(disk, offset + bytes, DISK_BLOCK_BYTES, UINT64_MAX))
			bytes += DISK_BLOCK_BYTES;
		if (!bytes) {
			offset += DISK_BLOCK_BYTES;
			continue;
		}
		job = disk_job_make(disk, offset, bytes, false);
		if (!job)
			return false;
		job->sequence = ++disk->sequence;
		job->peer = disk->reading;
		disk->reading = job;
		if (ahead)
			disk->stats.read_ahead_bytes += bytes;
		disk_drive_submit(&disk_slot_of(disk, offset)->drive, job);
		offset += bytes;
	}
	return true;
}

/* The stream that @io goes on with, or a new one in place of the one used least recently. */
static struct disk_stream *stream_of(struct disk *disk, const struct disk_io *io)
{
	struct disk_stream *oldest = &disk->stream[0];

	for (unsigned i = 0; i < DISK_STREAMS; i++) {
		struct disk_stream *s = &disk->stream[i];

		if (s->length && s->end == io->offset)
			return s;
		if (s->used < oldest->used)
			oldest = s;
	}
	*oldest = (struct disk_stream){.length = 0};
	return oldest;
}

/* From the second read in sequence on, stay between half and a whole stripe of all drives ahead. */
static void read_ahead(struct disk *disk, const struct disk_io *io)
{
	const uint64_t window = disk->stripe * disk->drives;
	struct disk_stream *s = stream_of(disk, io);
	uint64_t from, to;

	s->used = disk->stats.commands;
	s->end = io->offset + io->bytes;
	if (s->ahead < s->end)
		s->ahead = s->end;
	if (s->length++ < 1 || s->ahead - s->end > window / 2)
		return;
	from = (s->ahead + DISK_BLOCK_BYTES - 1) / DISK_BLOCK_BYTES * DISK_BLOCK_BYTES;
	to = (s->end + window) / DISK_BLOCK_BYTES * DISK_BLOCK_BYTES;
	to = to < disk->config.bytes ? to : disk->config.bytes;
	s->ahead = to > s->ahead ? to : s->ahead;
	/* What memory cannot be found for is not read ahead. */
	(void)fetch(disk, from, to, true);
}

static bool waits(const struct disk *disk, const struct disk_io *io)
{
	return under_way(disk, io->first_block * DISK_BLOCK_BYTES, io->blocks * DISK_BLOCK_BYTES,
			 io->sequence);
}

void disk_array_read(struct disk *disk, struct disk_io *io)
{
	const uint64_t from = io->first_block * DISK_BLOCK_BYTES;

	if (!fetch(disk, from, from + io->blocks * DISK_BLOCK_BYTES, false)) {
		disk_fail(disk, io, SCSI_KEY_HARDWARE_ERROR, SCSI_ASC_NONE);
		return;
	}
	io->sequence = disk->sequence;
	if (disk->cache.lines && !disk->config.no_read_ahead)
		read_ahead(disk, io);
	if (!waits(disk, io)) {
		disk->stats.read_hits++;
		disk_ready(disk, io);
		return;
	}
	io->stage = DISK_STAGE_READING;
	io->next = disk->reads;
	disk->reads = io;
}

/* Reads that have everything now, oldest first. */
static void reads_ready(struct disk *disk)
{
	struct disk_io **at, **ripe;

	do {
		ripe = NULL;
		for (at = &disk->reads; *at; at = &(*at)->next)
			if (!waits(disk, *at))
				ripe = at; /* the list is newest first */
		if (ripe) {
			struct disk_io *io = *ripe;

			*ripe = io->next;
			disk_ready(disk, io);
		}
	} while (ripe);
}

void disk_read_done(struct disk *disk, struct disk_job *job)
{
	struct disk_job **at = &disk->reading;

	while (*at != job)
		at = &(*at)->peer;
	*at = job->peer;
	for (uint64_t i = 0; i < job->bytes; i += DISK_BLOCK_BYTES)
		(void)disk_cache_add(&disk->cache, (job->volume + i) / DISK_BLOCK_BYTES, false);
	reads_ready(disk);
}
