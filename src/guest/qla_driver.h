/* SPDX-License-Identifier: MIT */
/*
 * Driver of the ISP2300 (spec/qla2300.h) with the disk part of a SCSI layer, after Linux's qla2xxx
 * and sd of 2.6.24 as far as DMA and CPU work go: one host lock under which a command gets its
 * handle, its scatter list is mapped in one call, its entries are written and the queue's index is
 * written and read back; an interrupt handler that goes round until the chip has nothing more; the
 * list unmapped when the command is over; a timer that resets the chip under commands that take too
 * long. It reaches the adapter only through its register window, its interrupt line and memory
 * mapped for it, and believes nothing that it finds there without a look.
 */
#ifndef IOTOLL_GUEST_QLA_DRIVER_H
#define IOTOLL_GUEST_QLA_DRIVER_H

#include "guest/blk.h"
#include "iotoll/dma.h"
#include "sim/mmio.h"

#define QLA_DRIVER_REQUESTS  2048u /* entries of the request ring */
#define QLA_DRIVER_RESPONSES 512u
#define QLA_DRIVER_HANDLES   1024u
#define QLA_DRIVER_DEPTH     32u          /* commands at the disk (ql2xmaxqdepth) */
#define QLA_DRIVER_TIMEOUT   (30 * SIM_S) /* SD_TIMEOUT */

struct qla_driver;

struct qla_driver_config {
	struct machine *machine;
	struct kmalloc *kmalloc;
	struct mmio_window *regs;
	struct iotoll_dma_device *dma;
	struct irq *irq; /* the adapter's line: handler, ctx and target are filled in here */
	struct cpu *irq_cpu;
	uint64_t sectors;    /* of the disk, as the scan of the bus found it */
	bool dma64;          /* the machine has addresses beyond 32 bits: type 3 commands */
	unsigned depth;      /* 0: QLA_DRIVER_DEPTH; up to 256 */
	uint64_t timeout_ps; /* 0: QLA_DRIVER_TIMEOUT */
	uint32_t max_bytes;  /* of a request; 0: the block layer's default */
	unsigned max_segments;
};

struct qla_driver_stats {
	uint64_t commands, completions;
	uint64_t entries; /* request entries written */
	uint64_t interrupts, spurious, rounds;
	uint64_t errors;      /* commands that ended badly, for whatever reason */
	uint64_t dma_errors;  /* of those: the adapter could not move their data */
	uint64_t sense;       /* of those: the disk said why */
	uint64_t handed_back; /* of those: the adapter did not take the entry */
	uint64_t map_errors, ring_full, out_reads;
	uint64_t async_events, timeouts, resets, failed_resets;
	uint64_t bad_entries; /* response entries that make no sense: ignored */
	bool offline;         /* the adapter could not be brought back: everything fails */
	uint64_t lock_acquisitions, lock_contended, lock_wait_ps;
};

/*
 * Reset the chip, start its firmware, give it its rings. Everything in @config must outlive the
 * driver. 0; -ENOMEM; -EIO if a ring could not be mapped or the chip does not do as it is told;
 * -ENODEV if no ISP2300 is there. @err says which. Scanning the bus for disks is left out.
 */
int qla_driver_open(struct qla_driver **out, const struct qla_driver_config *config,
		    struct err *err) MUST_CHECK;
/*
 * Reset the chip and take everything down; what is in flight is forgotten. No CPU may run driver
 * code afterwards. NULL is allowed.
 */
void qla_driver_close(struct qla_driver *d);
/* The disk. */
struct blockdev *qla_driver_disk(struct qla_driver *d);
struct blk_queue *qla_driver_queue(struct qla_driver *d);
void qla_driver_stats(const struct qla_driver *d, struct qla_driver_stats *out);

#endif
