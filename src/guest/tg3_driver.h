/* SPDX-License-Identifier: MIT */
/*
 * Driver of the BCM5704 (src/spec/tg3.h), after Linux's tg3 of 2.6.21 as far as DMA and CPU work
 * go: NAPI, buffers mapped one by one, small frames copied out of buffers that stay mapped,
 * larger ones replaced by a freshly mapped buffer, of the DMA API's if it has some, before the old
 * one is unmapped, one doorbell
 * per packet sent, completed sends reaped in the poll. It reaches the NIC only through its
 * register window, its interrupt line and memory mapped for it.
 */
#ifndef IOTOLL_GUEST_TG3_DRIVER_H
#define IOTOLL_GUEST_TG3_DRIVER_H

#include "guest/kmalloc.h"
#include "guest/netdev.h"
#include "iotoll/dma.h"
#include "sim/lock.h"
#include "sim/mmio.h"

#define TG3_DRIVER_QUEUE 1000u /* frames waiting for a send descriptor: txqueuelen */

struct tg3_driver;

/*
 * Host coalescing while interrupts are on: microseconds (0: no such condition) and frames. With
 * rx_frames 0 the driver programs what Linux does on a 5704.
 */
struct tg3_coalesce {
	uint32_t rx_us, rx_frames, tx_us, tx_frames;
};

struct tg3_driver_config {
	struct machine *machine;
	struct kmalloc *kmalloc;
	struct net_upper upper; /* where received frames go */
	struct mmio_window *regs;
	struct iotoll_dma_device *dma;
	struct irq *irq; /* the NIC's line: handler, ctx and target are filled in here */
	struct cpu *irq_cpu;
	uint8_t mac[6];
	/*
	 * Read each doorbell back: hosts with an AMD-8131 PCI-X bridge (and two others) reorder
	 * mailbox writes, so the driver makes each of them arrive before it goes on.
	 */
	bool read_back_doorbells;
	bool promiscuous;  /* take frames for any address: a bridge's port */
	bool page_buffers; /* receive into whole pages, which can then be given away */
	/*
	 * Receive into chunks of so many pages (tg3_driver_chunk.h), from which frames are copied
	 * when none has come for so long; 0: buffer by buffer. Not with page_buffers.
	 */
	unsigned rx_chunk_pages;
	uint64_t rx_hold_ps;
	/* Frames of up to so many bytes, rounded up to cache lines, are sent from copies in memory
	 * that stays mapped; 0: none. */
	uint32_t tx_copy_bytes;
	/*
	 * Map and unmap in lists (iotoll_dma_map_multi()) what there is at a time: the frames
	 * of a poll, the pieces of a packet and of those behind it in the queue, what was sent.
	 */
	bool batch;
	struct tg3_coalesce coalesce;
};

struct tg3_driver_stats {
	uint64_t interrupts, spurious; /* spurious: the line was not ours */
	uint64_t polls;
	uint64_t rx_frames, rx_bytes;
	uint64_t rx_copied;     /* of rx_frames: short, the mapped buffer stayed */
	uint64_t rx_no_memory;  /* dropped: no buffer to put in its place */
	uint64_t rx_map_errors; /* dropped: the new buffer could not be mapped */
	uint64_t rx_errors;     /* the chip marked the frame bad */
	uint64_t rx_bad;        /* returned descriptors that make no sense */
	uint64_t tx_frames, tx_bytes;
	uint64_t tx_queued;     /* of tx_frames: had to wait for a descriptor */
	uint64_t tx_dropped;    /* the queue was full */
	uint64_t tx_map_errors; /* dropped: could not be mapped */
	uint64_t late_refusals; /* doorbells by which some mapping had been refused after all */
	uint64_t dma_errors;    /* polls that found the chip's DMA attention up */
	uint64_t status_bad;    /* status blocks with impossible indices */
	uint64_t tx_lock_acquisitions, tx_lock_contended, tx_lock_wait_ps;
};

/*
 * Reset the chip, allocate and program its rings, post 200 receive buffers, switch it on.
 * Everything in @config must outlive the driver. 0; -ENOMEM; -EIO if a ring or a buffer could not
 * be mapped; -ENODEV if no BCM5704 answers. @err says which.
 */
int tg3_driver_open(struct tg3_driver **out, const struct tg3_driver_config *config,
		    struct err *err) MUST_CHECK;
/*
 * Reset the chip, take everything down, give frames back to their owners (who must still exist).
 * Nothing may be sent to it any more and no CPU may run driver code afterwards. NULL is allowed.
 */
void tg3_driver_close(struct tg3_driver *d);
/* The interface to send to. A frame of several pieces takes a descriptor for each. */
struct netdev tg3_driver_netdev(struct tg3_driver *d);
/* I/O address of the receive buffer posted last; false if none is. For experiments. */
bool tg3_driver_last_posted(const struct tg3_driver *d, iotoll_iova_t *iova);
void tg3_driver_stats(const struct tg3_driver *d, struct tg3_driver_stats *out);

#endif
