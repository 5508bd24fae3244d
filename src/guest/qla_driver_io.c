/* SPDX-License-Identifier: MIT */
/*
 * From a request to entries in the ring (sd_prep_fn(), qla2x00_start_scsi() of Linux). Everything
 * from the handle to the doorbell happens under the host lock, the mapping included; the doorbell
 * is read back so that it has arrived.
 */
#include <errno.h>

#include "guest/qla_driver_internal.h"

/* ---- the SCSI command ---- */

/* Ten-byte commands where they reach, as sd does. */
static void cdb_fill(uint8_t *cdb, const struct blk_request *rq)
{
	const uint32_t sectors = rq->bytes / BLOCK_SECTOR_BYTES;
	const bool write = rq->op == BIO_WRITE;

	if (rq->op == BIO_FLUSH) {
		cdb[0] = SCSI_SYNCHRONIZE_CACHE_10;
	} else if (rq->sector + sectors <= UINT32_MAX && sectors <= UINT16_MAX) {
		cdb[0] = write ? SCSI_WRITE_10 : SCSI_READ_10;
		scsi_put32(cdb + 2, (uint32_t)rq->sector);
		scsi_put16(cdb + 7, (uint16_t)sectors);
	} else {
		cdb[0] = write ? SCSI_WRITE_16 : SCSI_READ_16;
		scsi_put64(cdb + 2, rq->sector);
		scsi_put32(cdb + 10, sectors);
	}
}

/* ---- entries ---- */

static uint8_t *next_entry(struct qla_driver *d, struct cpu *cpu, uint8_t type)
{
	const size_t at = (size_t)d->req_index * QLA_ENTRY_BYTES;
	uint8_t *e = d->req.ptr + at;

	cpu_touch(cpu, d->req.paddr + at, QLA_ENTRY_BYTES, true);
	memset(e, 0, QLA_ENTRY_BYTES);
	e[QLA_OFF_TYPE] = type;
	e[QLA_OFF_COUNT] = 1;
	d->req_index = (d->req_index + 1) % QLA_DRIVER_REQUESTS;
	d->req_room--;
	d->stats.entries++;
	return e;
}

static void segments_fill(struct qla_driver *d, struct cpu *cpu, uint8_t *e,
			  const struct qla_command *c)
{
	const bool wide = d->config.dma64;
	unsigned offset = 0, slot = 0, slots;
	bool a64;

	slots = qla_slots(e[QLA_OFF_TYPE], &offset, &a64);
	for (int i = 0; i < c->mapped; i++, slot++) {
		if (slot == slots) {
			e = next_entry(d, cpu, wide ? QLA_TYPE_CONTINUE_A64 : QLA_TYPE_CONTINUE);
			slots = qla_slots(e[QLA_OFF_TYPE], &offset, &a64);
			slot = 0;
		}
		qla_segment_pack(e + offset + slot * qla_segment_bytes(wide), wide,
				 (struct qla_segment){
					 .address = IOTOLL_IOVA_U64(c->sg[i].dma_address),
					 .bytes = (uint32_t)c->sg[i].dma_bytes,
				 });
	}
}

static void command_fill(struct qla_driver *d, struct cpu *cpu, const struct qla_command *c,
			 unsigned handle, unsigned entries)
{
	const struct blk_request *rq = c->rq;
	uint8_t *e = next_entry(d, cpu, d->config.dma64 ? QLA_TYPE_COMMAND_A64 : QLA_TYPE_COMMAND);
	const uint16_t direction = rq->op == BIO_WRITE  ? QLA_CF_WRITE
				   : rq->op == BIO_READ ? QLA_CF_READ
							: 0;

	e[QLA_OFF_COUNT] = (uint8_t)entries;
	qla_put32(e + QLA_OFF_HANDLE, handle);
	qla_put16(e + QLA_CMD_OFF_FLAGS, direction | QLA_CF_SIMPLE_TAG);
	qla_put16(e + QLA_CMD_OFF_TIMEOUT, (uint16_t)(d->config.timeout_ps / SIM_S));
	qla_put16(e + QLA_CMD_OFF_SEGMENT_COUNT, (uint16_t)c->mapped);
	cdb_fill(e + QLA_CMD_OFF_CDB, rq);
	qla_put32(e + QLA_CMD_OFF_BYTES, rq->bytes);
	segments_fill(d, cpu, e, c);
}

/* ---- submission, under the lock ---- */

/* The next free handle after the last one given out; 0 if there is none. */
static unsigned find_handle(struct qla_driver *d)
{
	unsigned handle = d->last_handle;

	for (unsigned i = 1; i < QLA_DRIVER_HANDLES && d->free; i++) {
		handle = handle + 1 == QLA_DRIVER_HANDLES ? 1 : handle + 1;
		if (!d->by_handle[handle])
			return handle;
	}
	return 0;
}

/* Room for @entries and two to spare? The chip is asked only if what is known is short. */
static bool have_room(struct qla_driver *d, struct cpu *cpu, unsigned entries)
{
	unsigned out;

	if (d->req_room >= entries + 2)
		return true;
	d->stats.out_reads++;
	out = qla_rd(d, cpu, QLA_REQ_OUT);
	if (out >= QLA_DRIVER_REQUESTS)
		return false;
	d->req_room = d->req_index < out ? out - d->req_index
					 : QLA_DRIVER_REQUESTS - (d->req_index - out);
	return d->req_room >= entries + 2;
}

static int map(struct qla_driver *d, struct qla_command *c)
{
	const struct blk_request *rq = c->rq;
	const int n = (int)rq->nsegments;

	c->dir = rq->op == BIO_WRITE ? IOTOLL_DMA_TO_DEVICE : IOTOLL_DMA_FROM_DEVICE;
	c->mapped = 0;
	for (int i = 0; i < n; i++)
		c->sg[i] = (struct iotoll_sg){.paddr = IOTOLL_PHYS(rq->segment[i].paddr),
					      .bytes = rq->segment[i].bytes};
	if (!n)
		return 0;
	c->mapped = iotoll_dma_map_sg(d->config.dma, c->sg, n, c->dir);
	return c->mapped ? 0 : -ENOMEM;
}

static void unmap(struct qla_driver *d, struct qla_command *c)
{
	if (c->mapped)
		iotoll_dma_unmap_sg(d->config.dma, c->sg, c->mapped, c->dir);
	c->mapped = 0;
}

struct blk_request *qla_driver_take(struct qla_driver *d, unsigned handle)
{
	struct qla_command *c = d->by_handle[handle];

	d->by_handle[handle] = NULL;
	d->outstanding--;
	unmap(d, c);
	c->next = d->free;
	d->free = c;
	return c->rq;
}

/* Not now, if something will end and make room; else never. */
static int later(const struct qla_driver *d)
{
	return d->outstanding || d->reset_wanted ? -EBUSY : -EIO;
}

static int submit(struct qla_driver *d, struct cpu *cpu, struct blk_request *rq)
{
	const unsigned handle = find_handle(d);
	struct qla_command *c = d->free;
	unsigned entries;

	if (d->stats.offline)
		return -EIO;
	if (d->reset_wanted || !handle)
		return later(d);
	c->rq = rq;
	if (map(d, c)) {
		d->stats.map_errors++;
		return later(d);
	}
	entries = qla_entries((unsigned)c->mapped, d->config.dma64);
	if (!have_room(d, cpu, entries)) {
		d->stats.ring_full++;
		unmap(d, c);
		return later(d);
	}
	d->free = c->next;
	d->by_handle[handle] = c;
	d->last_handle = handle;
	d->outstanding++;
	d->stats.commands++;
	c->deadline = machine_now(d->machine) + d->config.timeout_ps;
	qla_driver_arm(d, c->deadline);
	command_fill(d, cpu, c, handle, entries);
	d->stats.map_errors += iotoll_dma_publish(d->config.dma) != 0;
	qla_wr(d, cpu, QLA_REQ_IN, (uint16_t)d->req_index);
	qla_rd(d, cpu, QLA_REQ_IN); /* so that it has arrived: PCI posting */
	return 0;
}

static int on_start(void *ctx, struct cpu *cpu, struct blk_request *rq)
{
	struct qla_driver *d = ctx;
	const struct cost *cost = machine_cost(d->machine);
	const enum charge before = cpu_enter(cpu, CHARGE_DRIVER);
	int rc;

	vlock_acquire_irq(&d->lock, cpu);
	cpu_charge(cpu,
		   cost->disk_driver - cost->disk_driver / 2 + rq->nsegments * cost->disk_segment);
	rc = submit(d, cpu, rq);
	if (rc && rc != -EBUSY)
		d->stats.errors++;
	vlock_release_irq(&d->lock, cpu);
	cpu_leave(cpu, before);
	return rc;
}

const struct blk_driver_ops qla_driver_blk = {.start = on_start};
