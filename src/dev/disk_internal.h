/* SPDX-License-Identifier: MIT */
/* What the files of the array share: disk.c (commands), disk_array.c (drives, writes), disk_read.c.
 */
#ifndef IOTOLL_DEV_DISK_INTERNAL_H
#define IOTOLL_DEV_DISK_INTERNAL_H

#include "dev/disk.h"
#include "dev/disk_cache.h"
#include "dev/disk_drive.h"
#include "mem/memory.h"

#define DISK_STREAMS 16u

enum disk_stage {
	DISK_STAGE_CONTROLLER, /* the controller looks at it */
	DISK_STAGE_ROOM,       /* a write waits for room in the cache */
	DISK_STAGE_READING,    /* drives bring what the cache lacks */
	DISK_STAGE_DATA,       /* the initiator moves data */
	DISK_STAGE_WRITING,    /* written through: drives have it */
	DISK_STAGE_ENDING,     /* over() is due */
};

/* A sequence of reads, each beginning where the last one ended. */
struct disk_stream {
	uint64_t end;   /* of the last read */
	uint64_t ahead; /* read ahead up to here */
	uint64_t used;  /* when, in commands */
	unsigned length;
};

/* A drive and its dirty blocks, as bits in the order in which they lie on it. */
struct disk_slot {
	struct disk_drive drive;
	uint64_t *dirty, *summary; /* a bit for each block; one for each word of them */
	uint64_t words;
	uint64_t sweep; /* block after the last one written out */
	bool destaging;
};

struct disk {
	struct disk_config config;
	struct machine *machine;
	struct memory *store;
	uint64_t stripe; /* bytes */
	unsigned drives;
	struct disk_slot *slot;
	struct disk_cache cache;
	uint64_t reserved; /* lines promised to writes in progress */
	sim_time controller_free;
	struct disk_io *reads;                  /* in DISK_STAGE_READING */
	struct disk_io *first_room, *last_room; /* in DISK_STAGE_ROOM */
	struct event room;                      /* look at them again */
	struct disk_job *reading;               /* read jobs on the drives, by peer */
	uint64_t sequence;                      /* of read jobs */
	struct disk_stream stream[DISK_STREAMS];
	uint64_t damaged;
	unsigned depth; /* commands in progress */
	struct disk_stats stats;
};

/* disk.c */
void disk_ready(struct disk *disk, struct disk_io *io);
/* over() at @at. */
void disk_end(struct disk *disk, struct disk_io *io, uint8_t status);
void disk_fail(struct disk *disk, struct disk_io *io, uint8_t key, uint16_t asc);

/* disk_array.c */
/* The drive on which byte @offset of the volume lies. */
struct disk_slot *disk_slot_of(struct disk *disk, uint64_t offset);
/* Of [offset, end), the bytes that lie in one piece on one drive. */
uint32_t disk_piece(const struct disk *disk, uint64_t offset, uint64_t end);
/* A job for a piece, counted; NULL without memory. */
struct disk_job *disk_job_make(struct disk *disk, uint64_t offset, uint32_t bytes, bool write);
int disk_array_init(struct disk *disk) MUST_CHECK;
void disk_array_fini(struct disk *disk);
/* Begin: disk_ready() or disk_fail() follow, perhaps at once. */
void disk_array_write(struct disk *disk, struct disk_io *io);
/* All data of a write have been put: disk_end() or disk_fail() follow. */
void disk_array_written(struct disk *disk, struct disk_io *io);
/* Forget @io. */
void disk_array_abort(struct disk *disk, struct disk_io *io);

/* disk_read.c */
/* Begin, as disk_array_write(). */
void disk_array_read(struct disk *disk, struct disk_io *io);
/* A read job is done: keep its blocks, go on with who waited for them. */
void disk_read_done(struct disk *disk, struct disk_job *job);

#endif
