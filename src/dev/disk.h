/* SPDX-License-Identifier: MIT */
/*
 * A disk: one volume (LUN) of a storage array, with its data and the time it takes. The array has
 * a controller that every command passes, a cache that keeps writes (battery-backed: what is in it
 * is safe) and read-ahead, and drives over which the volume is striped, each with a head that
 * seeks, platters that turn, and a queue it may reorder. Everything but the data is taken from
 * section [disk] of the machine's profile; no step is random.
 *
 * A command is carried out in two steps with its initiator (the HBA): ready() says that data may
 * be moved, in pieces of any size and order, by disk_get() or disk_put(); disk_moved() that all of
 * it has been; over() that the command has ended and its status and sense are there. Bytes written
 * are the volume's as soon as they are put; a write that ends early leaves any part of them.
 * Commands in progress at the same time are not ordered against each other (simple tags).
 */
#ifndef IOTOLL_DEV_DISK_H
#define IOTOLL_DEV_DISK_H

#include "base/err.h"
#include "sim/machine.h"
#include "spec/scsi.h"

#define DISK_SECTOR_BYTES 512u
#define DISK_CDB_BYTES    16u
#define DISK_COMMANDS_MAX 256u
#define DISK_SMALL_BYTES  64u /* data of commands that are about the disk, not on it */

struct disk;

enum disk_direction {
	DISK_NONE,
	DISK_IN,  /* to the initiator */
	DISK_OUT, /* from it */
};

/* One command, embedded in its initiator. Zero before the first use. */
struct disk_io {
	uint8_t cdb[DISK_CDB_BYTES];
	uint16_t lun;
	/* Both are called from events, never from the functions below. */
	void (*ready)(void *ctx, struct disk_io *io); /* data: see direction, bytes */
	void (*over)(void *ctx, struct disk_io *io);
	void *ctx;

	/* The answer. Direction and bytes are set before ready(), the rest before over(). */
	enum disk_direction direction;
	uint32_t bytes; /* that the command moves */
	uint8_t status; /* SCSI_STATUS_* */
	uint8_t sense[SCSI_SENSE_BYTES];
	unsigned sense_bytes;

	/* The disk's own. */
	struct disk *disk; /* NULL: not in progress */
	struct disk_io *next;
	struct event event;
	uint64_t first_block, blocks; /* of the cache, the whole of those touched */
	uint64_t offset;              /* in the volume, in bytes */
	uint64_t sequence;            /* of the newest drive job when it began to wait */
	uint8_t stage;
	bool reserved; /* holds room in the cache */
	unsigned jobs; /* of its own on the drives, written through */
	uint8_t small[DISK_SMALL_BYTES];
};

struct disk_config {
	struct machine *machine; /* for its clock and its profile, which must have [disk] */
	uint64_t bytes;          /* of the volume: a multiple of 4096 up to 64 GiB */
	bool fifo;               /* drives serve in order of arrival, instead of by an elevator */
	bool no_read_ahead;
	unsigned commands; /* in progress; more: TASK SET FULL; 0: DISK_COMMANDS_MAX */
};

struct disk_stats {
	uint64_t commands, reads, writes, others;
	uint64_t read_bytes, written_bytes; /* moved */
	uint64_t errors;                    /* ended with CHECK CONDITION */
	uint64_t refused;                   /* TASK SET FULL */
	uint64_t read_hits;                 /* reads found in the cache as a whole */
	uint64_t cache_waits;               /* writes that had to wait for room */
	uint64_t drive_reads, drive_read_bytes;
	uint64_t drive_writes, drive_written_bytes;
	uint64_t read_ahead_bytes;         /* of drive_read_bytes */
	uint64_t drive_busy_ps;            /* over all drives */
	uint64_t dirty_bytes, queue_depth; /* now */
	uint64_t queue_peak;
};

/* 0 and *@out; -EINVAL with @err (size, no [disk] section), -ENOMEM. */
int disk_create(struct disk **out, const struct disk_config *config, struct err *err) MUST_CHECK;
/* No command may be in progress. NULL is allowed. */
void disk_destroy(struct disk *disk);

/* Sectors of DISK_SECTOR_BYTES. */
uint64_t disk_sectors(const struct disk *disk);
/* Hand in @io, which must not be in progress. */
void disk_submit(struct disk *disk, struct disk_io *io);
/* Move @bytes at @at of the command's data, at + bytes <= io->bytes, between ready() and over(). */
void disk_get(struct disk *disk, struct disk_io *io, uint32_t at, void *to, uint32_t bytes);
void disk_put(struct disk *disk, struct disk_io *io, uint32_t at, const void *from, uint32_t bytes);
/* No more data will be moved: once, after ready(). over() follows. */
void disk_moved(struct disk *disk, struct disk_io *io);
/* Forget @io wherever it is, without over(). Not in progress: nothing happens. */
void disk_abort(struct disk *disk, struct disk_io *io);

/* The volume's bytes, for tests and for laying out what is on it before a run. */
void disk_peek(const struct disk *disk, uint64_t offset, void *to, size_t bytes);
void disk_poke(struct disk *disk, uint64_t offset, const void *from, size_t bytes);
/*
 * From now on reading (or writing) the sector fails with a medium error, as on a worn platter;
 * UINT64_MAX: none does. One sector at a time.
 */
void disk_damage(struct disk *disk, uint64_t sector);

void disk_stats(const struct disk *disk, struct disk_stats *out);

#endif
