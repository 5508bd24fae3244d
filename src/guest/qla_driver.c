/* SPDX-License-Identifier: MIT */
/*
 * Opening and closing the adapter: reset, firmware, rings, in the order of
 * qla2x00_initialize_adapter() of Linux, less what only a real chip's NVRAM, RAM test and loop
 * need.
 */
#include "guest/qla_driver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/qla_driver_internal.h"

#define DEPTH_MAX   256u
#define POLLS       100u /* of HOST_STATUS for a mailbox command; ours answers at once */
#define FRAME_BYTES 2048u

void qla_wr(struct qla_driver *d, struct cpu *cpu, uint32_t offset, uint16_t value)
{
	mmio_write(d->config.regs, cpu, offset, value, 2);
}

uint16_t qla_rd(struct qla_driver *d, struct cpu *cpu, uint32_t offset)
{
	return (uint16_t)mmio_read(d->config.regs, cpu, offset, 2);
}

/* ---- mailbox commands ---- */

/* Mailboxes 0 to 7 of @mb out and back. 0 or -EIO. */
static int mailbox(struct qla_driver *d, struct cpu *cpu, uint16_t mb[8])
{
	for (unsigned i = 0; i < 8; i++)
		qla_wr(d, cpu, QLA_MAILBOX(i), mb[i]);
	qla_wr(d, cpu, QLA_HCCR, QLA_HCCR_SET_HOST_INT);
	for (unsigned i = 0; i < POLLS; i++) {
		const uint32_t stat = (uint32_t)mmio_read(d->config.regs, cpu, QLA_HOST_STATUS, 4);
		const uint32_t cause = stat & QLA_HSR_CAUSE;

		if (!(stat & QLA_HSR_RISC_INT))
			continue;
		if (cause == QLA_CAUSE_ROM_DONE || cause == QLA_CAUSE_MBX_DONE)
			for (unsigned n = 1; n < 8; n++)
				mb[n] = qla_rd(d, cpu, QLA_MAILBOX(n));
		mb[0] = (uint16_t)(stat >> 16);
		qla_wr(d, cpu, QLA_SEMAPHORE, 0);
		qla_wr(d, cpu, QLA_HCCR, QLA_HCCR_CLR_RISC_INT);
		if (cause == QLA_CAUSE_ROM_DONE || cause == QLA_CAUSE_MBX_DONE)
			return mb[0] == QLA_MBS_COMPLETE ? 0 : -EIO;
		if (cause == QLA_CAUSE_ROM_FAILED || cause == QLA_CAUSE_MBX_FAILED)
			return -EIO;
		/* Something older: it is of no use any more. */
	}
	return -EIO;
}

static int command(struct qla_driver *d, struct cpu *cpu, const char *what, uint16_t mb[8],
		   struct err *err)
{
	const uint16_t number = mb[0];

	if (!mailbox(d, cpu, mb))
		return 0;
	return err_set(err, -EIO, "the adapter cannot %s: mailbox command %02x answers %04x", what,
		       number, mb[0]);
}

/* ---- the chip ---- */

static int chip_reset(struct qla_driver *d, struct cpu *cpu, struct err *err)
{
	uint16_t id[3];

	qla_wr(d, cpu, QLA_ICTRL, 0);
	qla_wr(d, cpu, QLA_CTRL_STATUS, QLA_CTRL_SOFT_RESET);
	if (qla_rd(d, cpu, QLA_CTRL_STATUS) & QLA_CTRL_SOFT_RESET)
		return err_set(err, -ENODEV, "the adapter does not come out of its reset");
	for (unsigned i = 0; i < 3; i++)
		id[i] = qla_rd(d, cpu, QLA_MAILBOX(i + 1));
	if (id[0] != QLA_PROD_ID_1 || id[1] != QLA_PROD_ID_2 || id[2] != QLA_PROD_ID_3)
		return err_set(err, -ENODEV,
			       "no ISP2300 answers: its mailboxes read %04x %04x %04x", id[0],
			       id[1], id[2]);
	return 0;
}

/* Both rings empty, no entry of the response ring new. */
static void rings_clear(struct qla_driver *d)
{
	d->req_index = 0;
	d->rsp_index = 0;
	d->req_room = QLA_DRIVER_REQUESTS;
	memset(d->req.ptr, 0, d->req.bytes);
	memset(d->rsp.ptr, 0, d->rsp.bytes);
	for (unsigned i = 0; i < QLA_DRIVER_RESPONSES; i++)
		qla_put32(d->rsp.ptr + i * QLA_ENTRY_BYTES + QLA_RSP_OFF_SIGNATURE,
			  QLA_RESPONSE_PROCESSED);
}

static void icb_fill(struct qla_driver *d)
{
	uint8_t *icb = d->icb.ptr;

	memset(icb, 0, QLA_ICB_BYTES);
	icb[QLA_ICB_OFF_VERSION] = QLA_ICB_VERSION;
	qla_put16(icb + QLA_ICB_OFF_FRAME_PAYLOAD, FRAME_BYTES);
	qla_put16(icb + QLA_ICB_OFF_THROTTLE, UINT16_MAX);
	qla_put16(icb + QLA_ICB_OFF_REQ_LENGTH, QLA_DRIVER_REQUESTS);
	qla_put16(icb + QLA_ICB_OFF_RSP_LENGTH, QLA_DRIVER_RESPONSES);
	qla_put64(icb + QLA_ICB_OFF_REQ_ADDRESS, IOTOLL_IOVA_U64(d->req.iova));
	qla_put64(icb + QLA_ICB_OFF_RSP_ADDRESS, IOTOLL_IOVA_U64(d->rsp.iova));
}

int qla_driver_chip_start(struct qla_driver *d, struct cpu *cpu, struct err *err)
{
	const uint64_t icb = IOTOLL_IOVA_U64(d->icb.iova);
	uint16_t execute[8] = {QLA_MBC_EXECUTE_FIRMWARE};
	uint16_t initialize[8] = {QLA_MBC_INITIALIZE_FIRMWARE,
				  0,
				  (uint16_t)(icb >> 16),
				  (uint16_t)icb,
				  0,
				  0,
				  (uint16_t)(icb >> 48),
				  (uint16_t)(icb >> 32)};
	uint16_t state[8] = {QLA_MBC_GET_FIRMWARE_STATE};
	int rc = chip_reset(d, cpu, err);

	rings_clear(d);
	icb_fill(d);
	if (!rc)
		rc = command(d, cpu, "start its firmware", execute, err);
	if (!rc)
		rc = command(d, cpu, "take its rings", initialize, err);
	if (!rc)
		rc = command(d, cpu, "say how it is", state, err);
	if (!rc && state[1] != QLA_FSTATE_READY)
		rc = err_set(err, -EIO, "the adapter's firmware is in state %u, not ready",
			     state[1]);
	if (!rc)
		qla_wr(d, cpu, QLA_ICTRL, QLA_ICTRL_EN_INT | QLA_ICTRL_EN_RISC);
	return rc;
}

/* ---- memory ---- */

static int ring_alloc(struct qla_driver *d, struct qla_ring *r, size_t bytes)
{
	iotoll_phys_t paddr;

	r->ptr = iotoll_dma_alloc_coherent(d->config.dma, bytes, &r->iova, &paddr);
	if (!r->ptr)
		return -ENOMEM;
	r->paddr = IOTOLL_PHYS_U64(paddr);
	r->bytes = bytes;
	return 0;
}

static void ring_free(struct qla_driver *d, struct qla_ring *r)
{
	if (r->ptr)
		iotoll_dma_free_coherent(d->config.dma, r->bytes, r->ptr, r->iova);
	r->ptr = NULL;
}

static int memory_alloc_all(struct qla_driver *d)
{
	const unsigned n = d->config.depth;

	d->lines = kmalloc_alloc(d->config.kmalloc, CACHE_LINE_BYTES);
	d->command = calloc(n, sizeof(*d->command));
	if (!d->lines || !d->command)
		return -ENOMEM;
	for (unsigned i = n; i--;) {
		d->command[i].next = d->free;
		d->free = &d->command[i];
	}
	if (ring_alloc(d, &d->req, QLA_DRIVER_REQUESTS * QLA_ENTRY_BYTES) ||
	    ring_alloc(d, &d->rsp, QLA_DRIVER_RESPONSES * QLA_ENTRY_BYTES) ||
	    ring_alloc(d, &d->icb, QLA_ICB_BYTES))
		return -ENOMEM;
	return 0;
}

static int queue_make(struct qla_driver *d, struct err *err)
{
	const struct blk_config config = {
		.machine = d->machine,
		.kmalloc = d->config.kmalloc,
		.ops = &qla_driver_blk,
		.ctx = d,
		.sectors = d->config.sectors,
		.timer_cpu = d->config.irq_cpu,
		.depth = d->config.depth,
		.max_bytes = d->config.max_bytes,
		.max_segments = d->config.max_segments,
	};

	return blk_create(&d->queue, &config, err);
}

/* ---- open and close ---- */

int qla_driver_open(struct qla_driver **out, const struct qla_driver_config *config,
		    struct err *err)
{
	struct qla_driver *d;
	int rc;

	if (config->depth > DEPTH_MAX)
		return err_set(err, -EINVAL, "%u commands at a disk: expected 1 to %u",
			       config->depth, DEPTH_MAX);
	d = calloc(1, sizeof(*d));
	if (!d)
		return err_set(err, -ENOMEM, "no memory for the adapter's driver");
	d->config = *config;
	d->config.depth = config->depth ? config->depth : QLA_DRIVER_DEPTH;
	d->config.timeout_ps = config->timeout_ps ? config->timeout_ps : QLA_DRIVER_TIMEOUT;
	d->machine = config->machine;
	qla_driver_reset_init(d);
	*config->irq =
		(struct irq){.handler = qla_driver_interrupt, .ctx = d, .target = config->irq_cpu};
	if (memory_alloc_all(d)) {
		rc = err_set(err, -ENOMEM,
			     "no memory, or no DMA addresses, for the adapter's rings");
		goto close_driver;
	}
	vlock_init(&d->lock, d->machine, kmalloc_phys(d->config.kmalloc, d->lines));
	rc = queue_make(d, err);
	if (!rc)
		rc = qla_driver_chip_start(d, NULL, err);
	if (rc)
		goto close_driver;
	*out = d;
	return 0;

close_driver:
	qla_driver_close(d);
	return rc;
}

void qla_driver_close(struct qla_driver *d)
{
	if (!d)
		return;
	qla_wr(d, NULL, QLA_CTRL_STATUS, QLA_CTRL_SOFT_RESET);
	qla_driver_reset_fini(d);
	for (unsigned i = 0; i < QLA_DRIVER_HANDLES; i++)
		if (d->by_handle[i])
			(void)qla_driver_take(d, i);
	blk_destroy(d->queue);
	ring_free(d, &d->req);
	ring_free(d, &d->rsp);
	ring_free(d, &d->icb);
	kmalloc_free(d->config.kmalloc, d->lines);
	free(d->command);
	free(d);
}

struct blockdev *qla_driver_disk(struct qla_driver *d)
{
	return blk_device(d->queue);
}

struct blk_queue *qla_driver_queue(struct qla_driver *d)
{
	return d->queue;
}

void qla_driver_stats(const struct qla_driver *d, struct qla_driver_stats *out)
{
	*out = d->stats;
	out->lock_acquisitions = d->lock.acquisitions;
	out->lock_contended = d->lock.contended;
	out->lock_wait_ps = d->lock.wait_ps;
}
