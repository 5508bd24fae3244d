/* SPDX-License-Identifier: MIT */
/*
 * A Fibre Channel host bus adapter of the QLogic ISP2300 family, programmed through the registers,
 * mailboxes and rings of spec/qla2300.h, with one target (id 0) at the other end of its 2 Gb/s
 * link: a disk. Request entries are read by DMA one by one, data moves in pieces of a frame, status
 * entries are written by DMA. Mailbox commands are over at once; the firmware is in ROM.
 *
 * Nothing a host writes wedges it for good, and a reset always helps. What the chip's documents
 * leave to firmware is decided thus: an entry that makes no sense is handed back with its entry
 * status set; continuations of the wrong type end the command they follow (INV_ORDER) and are then
 * looked at as commands themselves; a queue index out of range raises SYSTEM_ERR and stops both
 * queues, as a refused DMA of a request or response entry does with its own event; data that
 * cannot be moved end the command with CS_DMA. When the bus is shut off the adapter falls silent
 * until a reset.
 */
#ifndef IOTOLL_DEV_QLA_H
#define IOTOLL_DEV_QLA_H

#include "dev/bus.h"
#include "dev/disk.h"
#include "sim/cpu.h"
#include "sim/mmio.h"

struct qla;

struct qla_config {
	struct bus *bus;
	uint16_t devid;
	struct irq *irq;   /* INTx; NULL: nobody listens */
	struct disk *disk; /* target 0; must outlive the adapter */
	struct bus_limits bus_limits;
};

struct qla_stats {
	uint64_t commands;                      /* sent to the target */
	uint64_t entries_read, entries_written; /* of the rings */
	uint64_t read_bytes, written_bytes;     /* data moved to and from memory */
	uint64_t frames_received, frames_sent;  /* those with data */
	uint64_t bad_entries;                   /* handed back */
	uint64_t dma_errors;                    /* refused accesses of any kind */
	uint64_t interrupts;                    /* times the line went up */
	uint64_t mailbox_commands, async_events, resets;
	uint64_t unknown_accesses; /* registers that do not exist, widths that do not fit */
	uint64_t ring_full;        /* status entries that had to wait for the host */
};

/* The PCI-X command set as the firmware leaves it; zero @out and fill it. */
void qla_config_default(struct qla_config *out);
/* 0 and *@out; -EINVAL (bus limits, no bus or disk), -ENOMEM. The profile must have [disk]. */
int qla_create(struct qla **out, const struct qla_config *config) MUST_CHECK;
/* Commands in progress are aborted. NULL is allowed. */
void qla_destroy(struct qla *hba);

/* The register window's behaviour, for mmio_window_init() with the adapter as ctx. */
extern const struct mmio_ops qla_mmio_ops;

/* Valid until qla_destroy(). */
const struct qla_stats *qla_stats(const struct qla *hba);

#endif
