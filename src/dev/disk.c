/* SPDX-License-Identifier: MIT */
/*
 * Commands: decoding, data, status and sense (SPC-3, SBC-2). What the cache and the drives do with
 * reads and writes is in disk_array.c.
 */
#include "dev/disk.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dev/disk_internal.h"

#define VOLUME_MAX ((uint64_t)64 << 30)

/* ---- the end of a command ---- */

static void leave(struct disk *disk, struct disk_io *io)
{
	sim_cancel(disk->machine->sim, &io->event);
	io->disk = NULL;
	disk->depth--;
}

void disk_end(struct disk *disk, struct disk_io *io, uint8_t status)
{
	io->status = status;
	io->stage = DISK_STAGE_ENDING;
	sim_schedule(disk->machine->sim, &io->event, sim_now(disk->machine->sim));
}

void disk_fail(struct disk *disk, struct disk_io *io, uint8_t key, uint16_t asc)
{
	scsi_sense(io->sense, key, asc);
	io->sense_bytes = SCSI_SENSE_BYTES;
	disk->stats.errors++;
	disk_end(disk, io, SCSI_STATUS_CHECK_CONDITION);
}

void disk_ready(struct disk *disk, struct disk_io *io)
{
	(void)disk;
	io->stage = DISK_STAGE_DATA;
	io->ready(io->ctx, io);
}

/* ---- commands about the disk ---- */

static uint32_t lesser(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void reply(struct disk *disk, struct disk_io *io, uint32_t bytes, uint32_t allocated)
{
	io->bytes = lesser(bytes, allocated);
	if (!io->bytes) {
		disk_end(disk, io, SCSI_STATUS_GOOD);
		return;
	}
	io->direction = DISK_IN;
	disk_ready(disk, io);
}

static void inquiry(struct disk *disk, struct disk_io *io)
{
	if (io->cdb[1] & 1 || io->cdb[2]) { /* vital product data: none */
		disk_fail(disk, io, SCSI_KEY_ILLEGAL_REQUEST, SCSI_ASC_INVALID_FIELD);
		return;
	}
	io->small[2] = 5;      /* SPC-3 */
	io->small[3] = 2;      /* response format */
	io->small[4] = 36 - 5; /* additional length */
	io->small[7] = 2;      /* command queueing */
	memcpy(io->small + 8, "iotoll  volume          1   ", 28);
	reply(disk, io, 36, scsi_get16(io->cdb + 3));
}

static void capacity(struct disk *disk, struct disk_io *io)
{
	const uint64_t last = disk_sectors(disk) - 1;

	if (io->cdb[0] == SCSI_READ_CAPACITY_10) {
		scsi_put32(io->small, last > UINT32_MAX ? UINT32_MAX : (uint32_t)last);
		scsi_put32(io->small + 4, DISK_SECTOR_BYTES);
		reply(disk, io, 8, 8);
	} else if ((io->cdb[1] & 0x1f) == SCSI_SA_READ_CAPACITY_16) {
		scsi_put64(io->small, last);
		scsi_put32(io->small + 8, DISK_SECTOR_BYTES);
		reply(disk, io, 32, scsi_get32(io->cdb + 10));
	} else {
		disk_fail(disk, io, SCSI_KEY_ILLEGAL_REQUEST, SCSI_ASC_INVALID_FIELD);
	}
}

/* ---- reads and writes ---- */

static void transfer(struct disk *disk, struct disk_io *io, bool write, uint64_t lba,
		     uint32_t sectors)
{
	if (lba > disk_sectors(disk) || sectors > disk_sectors(disk) - lba) {
		disk_fail(disk, io, SCSI_KEY_ILLEGAL_REQUEST, SCSI_ASC_LBA_OUT_OF_RANGE);
		return;
	}
	if (sectors > UINT32_MAX / DISK_SECTOR_BYTES) {
		disk_fail(disk, io, SCSI_KEY_ILLEGAL_REQUEST, SCSI_ASC_INVALID_FIELD);
		return;
	}
	*(write ? &disk->stats.writes : &disk->stats.reads) += 1;
	if (!sectors) {
		disk_end(disk, io, SCSI_STATUS_GOOD);
		return;
	}
	if (disk->damaged - lba < sectors) {
		disk_fail(disk, io, SCSI_KEY_MEDIUM_ERROR, SCSI_ASC_UNRECOVERED_READ);
		return;
	}
	io->offset = lba * DISK_SECTOR_BYTES;
	io->bytes = sectors * DISK_SECTOR_BYTES;
	io->direction = write ? DISK_OUT : DISK_IN;
	io->first_block = io->offset / DISK_BLOCK_BYTES;
	io->blocks = (io->offset + io->bytes - 1) / DISK_BLOCK_BYTES - io->first_block + 1;
	if (write)
		disk_array_write(disk, io);
	else
		disk_array_read(disk, io);
}

/* The controller has the command in hand. */
static void carry_out(struct disk *disk, struct disk_io *io)
{
	const uint8_t *cdb = io->cdb;
	const uint8_t op = cdb[0];

	if (io->lun) {
		disk_fail(disk, io, SCSI_KEY_ILLEGAL_REQUEST, SCSI_ASC_LUN_NOT_SUPPORTED);
		return;
	}
	disk->stats.others += op != SCSI_READ_10 && op != SCSI_WRITE_10 && op != SCSI_READ_16 &&
			      op != SCSI_WRITE_16;
	switch (op) {
	case SCSI_TEST_UNIT_READY:
	case SCSI_SYNCHRONIZE_CACHE_10: /* what is in the cache is safe */
		disk_end(disk, io, SCSI_STATUS_GOOD);
		break;
	case SCSI_INQUIRY:
		inquiry(disk, io);
		break;
	case SCSI_READ_CAPACITY_10:
	case SCSI_SERVICE_ACTION_IN_16:
		capacity(disk, io);
		break;
	case SCSI_READ_10:
	case SCSI_WRITE_10:
		transfer(disk, io, op == SCSI_WRITE_10, scsi_get32(cdb + 2), scsi_get16(cdb + 7));
		break;
	case SCSI_READ_16:
	case SCSI_WRITE_16:
		transfer(disk, io, op == SCSI_WRITE_16, scsi_get64(cdb + 2), scsi_get32(cdb + 10));
		break;
	default:
		disk_fail(disk, io, SCSI_KEY_ILLEGAL_REQUEST, SCSI_ASC_INVALID_OPCODE);
	}
}

static void on_event(void *ctx)
{
	struct disk_io *io = ctx;
	struct disk *disk = io->disk;

	if (io->stage == DISK_STAGE_CONTROLLER) {
		carry_out(disk, io);
		return;
	}
	leave(disk, io);
	io->over(io->ctx, io);
}

/* ---- the initiator's side ---- */

void disk_submit(struct disk *disk, struct disk_io *io)
{
	const struct cost *cost = machine_cost(disk->machine);
	const sim_time now = sim_now(disk->machine->sim);

	assert(!io->disk);
	io->disk = disk;
	io->next = NULL;
	io->direction = DISK_NONE;
	io->bytes = 0;
	io->sense_bytes = 0;
	io->reserved = false;
	io->jobs = 0;
	io->stage = DISK_STAGE_CONTROLLER;
	memset(io->small, 0, sizeof(io->small));
	event_init(&io->event, on_event, io);
	disk->stats.commands++;
	disk->depth++;
	if (disk->depth > disk->stats.queue_peak)
		disk->stats.queue_peak = disk->depth;
	if (disk->depth > disk->config.commands) {
		disk->stats.refused++;
		disk_end(disk, io, SCSI_STATUS_TASK_SET_FULL);
		return;
	}
	if (disk->controller_free < now)
		disk->controller_free = now;
	disk->controller_free += cost->disk_array_command;
	sim_schedule(disk->machine->sim, &io->event,
		     disk->controller_free + cost->disk_array_latency);
}

static uint8_t *place(struct disk *disk, struct disk_io *io, uint32_t at, uint32_t bytes)
{
	assert(io->disk == disk && io->stage == DISK_STAGE_DATA);
	assert(at <= io->bytes && bytes <= io->bytes - at);
	if (!io->blocks)
		return io->small + at;
	return memory_ptr(disk->store, io->offset + at, bytes);
}

void disk_get(struct disk *disk, struct disk_io *io, uint32_t at, void *to, uint32_t bytes)
{
	memcpy(to, place(disk, io, at, bytes), bytes);
	if (io->blocks)
		disk->stats.read_bytes += bytes;
}

void disk_put(struct disk *disk, struct disk_io *io, uint32_t at, const void *from, uint32_t bytes)
{
	memcpy(place(disk, io, at, bytes), from, bytes);
	disk->stats.written_bytes += bytes;
}

void disk_moved(struct disk *disk, struct disk_io *io)
{
	assert(io->disk == disk && io->stage == DISK_STAGE_DATA);
	if (io->direction == DISK_OUT)
		disk_array_written(disk, io);
	else
		disk_end(disk, io, SCSI_STATUS_GOOD);
}

void disk_abort(struct disk *disk, struct disk_io *io)
{
	if (!io->disk)
		return;
	disk_array_abort(disk, io);
	leave(disk, io);
}

/* ---- the rest ---- */

uint64_t disk_sectors(const struct disk *disk)
{
	return disk->config.bytes / DISK_SECTOR_BYTES;
}

void disk_peek(const struct disk *disk, uint64_t offset, void *to, size_t bytes)
{
	memcpy(to, memory_ptr(disk->store, offset, bytes), bytes);
}

void disk_poke(struct disk *disk, uint64_t offset, const void *from, size_t bytes)
{
	memcpy(memory_ptr(disk->store, offset, bytes), from, bytes);
}

void disk_damage(struct disk *disk, uint64_t sector)
{
	disk->damaged = sector;
}

void disk_stats(const struct disk *disk, struct disk_stats *out)
{
	*out = disk->stats;
	out->dirty_bytes = (uint64_t)disk->cache.dirty * DISK_BLOCK_BYTES;
	out->queue_depth = disk->depth;
	for (unsigned i = 0; i < disk->drives; i++)
		out->drive_busy_ps += disk->slot[i].drive.busy_ps;
}

static int check(const struct disk_config *c, struct err *err)
{
	const struct profile *p = &c->machine->profile;
	const uint64_t share = p->disk_spindles ? c->bytes / p->disk_spindles : 0;

	if (!p->has_disk)
		return err_set(err, -EINVAL, "profile %s has no [disk] section", p->name);
	if (!c->bytes || c->bytes % DISK_BLOCK_BYTES || c->bytes > VOLUME_MAX)
		return err_set(
			err, -EINVAL,
			"a volume of %llu bytes: expected a multiple of 4096, 64 GiB at most",
			(unsigned long long)c->bytes);
	if (p->disk_stripe_bytes % DISK_BLOCK_BYTES)
		return err_set(err, -EINVAL, "disk.stripe: expected a multiple of 4 KiB");
	if (share + p->disk_stripe_bytes > p->disk_drive_bytes)
		return err_set(err, -EINVAL, "the volume does not fit on %u drives of disk.drive",
			       p->disk_spindles);
	return 0;
}

int disk_create(struct disk **out, const struct disk_config *config, struct err *err)
{
	struct disk *disk;
	int rc = check(config, err);

	if (rc)
		return rc;
	disk = calloc(1, sizeof(*disk));
	if (!disk)
		return err_set(err, -ENOMEM, "no memory for a disk");
	disk->config = *config;
	if (!disk->config.commands)
		disk->config.commands = DISK_COMMANDS_MAX;
	disk->machine = config->machine;
	disk->damaged = UINT64_MAX;
	disk->store = memory_create(config->bytes);
	if (!disk->store || disk_array_init(disk)) {
		disk_destroy(disk);
		return err_set(err, -ENOMEM, "no memory for a disk of %llu bytes",
			       (unsigned long long)config->bytes);
	}
	*out = disk;
	return 0;
}

void disk_destroy(struct disk *disk)
{
	if (!disk)
		return;
	disk_array_fini(disk);
	memory_destroy(disk->store);
	free(disk);
}
