/* SPDX-License-Identifier: MIT */
/*
 * The NIC: one port of a BCM5704, programmed through the registers and rings of spec/tg3.h and
 * doing everything else, rings, status block and frames, by DMA over its bus. One send ring, one
 * return ring and the standard producer ring, as the Linux driver uses it at MTU 1500.
 *
 * A refused DMA never wedges it. It sets its bit in RDMAC_STATUS or WDMAC_STATUS and the error
 * bit of the next status block, which is forced. A frame whose fragment could not be read is
 * not sent; a frame that could not be written is lost and its descriptor comes back flagged
 * TG3_RXD_FLAG_ERROR, so that the driver keeps its buffer; a descriptor fetch is tried again at
 * the next write to that ring's producer mailbox. When the bus is shut off the NIC falls
 * silent until a reset. (The chip's documents leave all of this to firmware: our choices.)
 */
#ifndef IOTOLL_DEV_TG3_H
#define IOTOLL_DEV_TG3_H

#include "dev/bus.h"
#include "dev/frame.h"
#include "sim/cpu.h"
#include "sim/mmio.h"

struct tg3;

struct tg3_config {
	struct bus *bus;
	uint16_t devid;
	uint8_t mac[6];
	struct frame_pool *pool; /* where frames to send come from; must outlive the NIC */
	struct irq *irq;         /* INTx; NULL: nobody listens */
	struct frame_sink wire;  /* where frames go; .send NULL: they are dropped and counted */
	/*
	 * How the "new descriptor clears ticks" bits act, which no document settles: true, each
	 * frame restarts the coalescing timer, so that a steady stream is paced by the frame limit;
	 * false, the timer runs from the first frame after a status block.
	 */
	bool tick_restart;
	uint32_t rx_buffer_bytes; /* on-chip receive buffer; 0 = 65536 */
	uint32_t tx_buffer_bytes; /* frames fetched ahead of the wire; 0 = 4 full ones (our choice)
				   */
	/*
	 * tg3_config_default(): the PCI-X command set after reset. one_dma here forces what the
	 * driver otherwise asks for in DMA_RW_CTRL.
	 */
	struct bus_limits bus_limits;
};

struct tg3_stats {
	uint64_t rx_frames, rx_bytes; /* placed in host memory; bytes include FCS */
	uint64_t rx_unicast, rx_multicast, rx_broadcast; /* of those that arrived */
	uint64_t rx_drop_disabled;      /* arrived while receive or the bus was off */
	uint64_t rx_drop_filter;        /* for another station */
	uint64_t rx_drop_long;          /* longer than RX_MTU_SIZE or than the posted buffer */
	uint64_t rx_drop_no_descriptor; /* on-chip buffer full because nothing was posted */
	uint64_t rx_drop_full;          /* on-chip buffer full for another reason */
	uint64_t rx_drop_dma;           /* could not be written to host memory */
	uint64_t tx_frames, tx_bytes;   /* handed to the wire; bytes without FCS */
	uint64_t tx_unicast, tx_multicast, tx_broadcast;
	uint64_t tx_drop_dma; /* a fragment could not be read */
	uint64_t tx_drop_bad; /* asks for an offload not modelled, empty or too long */
	uint64_t tx_drop_no_wire;
	uint64_t rx_descriptor_fetches, rx_descriptors; /* DMA reads, and what they brought */
	uint64_t tx_descriptor_fetches, tx_descriptors;
	uint64_t status_blocks, statistics_blocks;
	uint64_t interrupts; /* assertions of the line */
	uint64_t dma_errors_read, dma_errors_write;
	uint64_t unknown_accesses; /* registers that do not exist, widths that are not 4 or 8 */
	uint64_t resets;
};

/* Defaults for everything that is not the caller's wiring: zero @out and fill it. */
void tg3_config_default(struct tg3_config *out);

/* 0 and *@out; -EINVAL (bus limits, no bus or pool), -ENOMEM. */
int tg3_create(struct tg3 **out, const struct tg3_config *config) MUST_CHECK;
/* Frames it holds go back to the pool. NULL is allowed. */
void tg3_destroy(struct tg3 *nic);

/* The register window's behaviour, for mmio_window_init() with the NIC as ctx. */
extern const struct mmio_ops tg3_mmio_ops;

/* A frame, of at least 60 bytes as links deliver them, has arrived; the NIC takes it over. */
void tg3_receive(struct tg3 *nic, struct frame *frame);
/* The same as the callback of link_attach(), with the NIC as ctx. */
void tg3_receive_cb(void *nic, struct frame *frame);
/* Frames go to @wire from now on. */
void tg3_connect(struct tg3 *nic, struct frame_sink wire);

/* Valid until tg3_destroy(); a reader that wants an interval subtracts two copies. */
const struct tg3_stats *tg3_stats(const struct tg3 *nic);

#endif
