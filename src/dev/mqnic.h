/* SPDX-License-Identifier: MIT */
/*
 * The multi-queue NIC: up to 16 queue pairs, programmed through the registers and rings of
 * spec/mqnic.h, on a PCI Express link of its own (dev/pcie.h). It stands for adapters of 10 to 200
 * Gb/s by what crosses the link: work entries prefetched in batches, the bytes of each frame, a
 * completion of 64 bytes behind them, an interrupt message behind that.
 *
 * Frames wait in an on-chip buffer, one for all queues, in the order in which they came. Their
 * space is free again once they have crossed the link, so whatever holds up writes (credits, and
 * behind those IOTLB misses) fills it, and then frames are lost. No flow control on the wire.
 *
 * A send entry's bytes are gathered on chip as a whole before its first frame goes out. With TSO
 * the NIC repeats the headers, counts sequence numbers and IP identifications on, and leaves PSH to
 * the last frame; it writes IP and TCP checksums whenever a frame is TCP over IPv4.
 *
 * A DMA read that is refused ends the entry with an error completion; a work entry that could not
 * be fetched at all is fetched again at the next doorbell or, of a receive queue, frame. Writes are
 * posted: the NIC does not learn that one was refused. (All of this is our choice.)
 */
#ifndef IOTOLL_DEV_MQNIC_H
#define IOTOLL_DEV_MQNIC_H

#include "dev/frame.h"
#include "dev/pcie.h"
#include "sim/cpu.h"
#include "sim/mmio.h"

struct mqnic;

struct mqnic_config {
	struct bus *bus;
	uint16_t devid;
	unsigned queues; /* queue pairs, 1 to MQNIC_QUEUES_MAX */
	unsigned tags;   /* reads in flight; 0: PCIE_TAGS_MAX */
	uint8_t mac[6];
	struct frame_pool *pool;  /* where frames to send come from; must outlive the NIC */
	struct irq *irq;          /* an array, one a queue pair; NULL: nobody listens */
	uint32_t mbps;            /* of the wire */
	struct frame_sink wire;   /* where frames go; .send NULL: they are dropped and counted */
	uint32_t rx_buffer_bytes; /* on-chip receive buffer; 0 = 512 KiB (our choice) */
	uint32_t tx_buffer_bytes; /* on-chip send buffer; 0 = 256 KiB (our choice) */
};

struct mqnic_stats {
	uint64_t rx_frames, rx_bytes;   /* sent to host memory, without FCS */
	uint64_t rx_drop_disabled;      /* the NIC, or the queue it belongs to, was off */
	uint64_t rx_drop_filter;        /* for another station */
	uint64_t rx_drop_long;          /* longer than the MTU or than the posted buffer */
	uint64_t rx_drop_full;          /* the on-chip buffer was full */
	uint64_t rx_drop_no_descriptor; /* nothing was posted */
	uint64_t rx_buffer_peak;        /* bytes of it in use at once, at most */
	uint64_t tx_frames, tx_bytes;   /* handed to the wire */
	uint64_t tx_entries;            /* send entries carried out */
	uint64_t tx_drop_dma;           /* entries whose memory could not be read */
	uint64_t tx_drop_bad;           /* entries that make no sense */
	uint64_t tx_drop_no_wire;
	uint64_t rx_fetches, tx_fetches; /* DMA reads of work entries */
	uint64_t record_reads;           /* of doorbell records */
	uint64_t completions;
	uint64_t interrupts;
	uint64_t dma_errors_read;  /* refused: the NIC was told */
	uint64_t dma_errors_write; /* refused: it was not, the simulator counts */
	uint64_t unknown_accesses; /* registers that do not exist, other widths than 4 or 8 */
	uint64_t resets;
};

/* 0 and *@out; -EINVAL (queues, tags, rate, no [pcie] in the profile, no bus or pool), -ENOMEM. */
int mqnic_create(struct mqnic **out, const struct mqnic_config *config) MUST_CHECK;
/* Frames it holds go back to the pool. NULL is allowed. */
void mqnic_destroy(struct mqnic *nic);

/* The register window's behaviour, for mmio_window_init() with the NIC as ctx. */
extern const struct mmio_ops mqnic_mmio_ops;

/* A frame has arrived, with the NIC as ctx: for link_attach(). The NIC takes it over. */
void mqnic_receive(void *nic, struct frame *frame);
/* Frames go to @wire from now on. */
void mqnic_connect(struct mqnic *nic, struct frame_sink wire);

/* Valid until mqnic_destroy(); a reader that wants an interval subtracts two copies. */
const struct mqnic_stats *mqnic_stats(const struct mqnic *nic);
const struct pcie_stats *mqnic_pcie_stats(const struct mqnic *nic);

#endif
