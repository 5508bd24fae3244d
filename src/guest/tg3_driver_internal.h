/* SPDX-License-Identifier: MIT */
/* What the files of the tg3 driver share. */
#ifndef IOTOLL_GUEST_TG3_DRIVER_INTERNAL_H
#define IOTOLL_GUEST_TG3_DRIVER_INTERNAL_H

#include "guest/net_queue.h"
#include "guest/tg3_driver.h"
#include "guest/tg3_driver_chunk.h"
#include "spec/tg3.h"

#define RX_POSTED         200u  /* TG3_DEF_RX_RING_PENDING */
#define RX_OFFSET         2u    /* the IP header falls on a multiple of four */
#define RX_MAPPED_BYTES   1600u /* RX_PKT_BUF_SZ: 1536 + offset + 64, less the offset */
#define RX_OBJECT_BYTES   2048u /* of those 1602 bytes plus what Linux keeps at their end */
#define RX_COPY_THRESHOLD 256u
#define FCS_BYTES         4u
#define TX_LIMIT          511u /* a full ring looks like an empty one */
#define TX_STOP_AT        18u  /* with more free, the largest frame finds room */
#define TX_WAKE_ABOVE     (TG3_SEND_ENTRIES / 4)
#define POLL_WEIGHT       64u

/* What the DMA layer is told that a buffer is for (iotoll_dma_attrs.ring). */
enum { DMA_RING_STD = 1, DMA_RING_SEND };

/* A range mapped for good. */
struct coherent {
	uint8_t *ptr;
	iotoll_iova_t iova;
	phys_t paddr;
	size_t bytes;
};

struct rx_slot {
	void *object; /* NULL: not posted */
	bool buffer;  /* one of the DMA API's */
	iotoll_iova_t iova;
};

/* One send descriptor in flight. */
struct tx_slot {
	iotoll_iova_t iova;
	uint32_t bytes;             /* 0: not mapped, but copied */
	struct net_release release; /* fn is NULL for all but a frame's last */
};

struct tg3_driver {
	struct machine *machine;
	struct kmalloc *kmalloc;
	struct net_upper upper;
	struct mmio_window *regs;
	struct iotoll_dma_device *dma;
	struct irq *irq;
	struct softirq poll;
	bool read_back_doorbells;
	size_t rx_object_bytes;

	struct coherent std, ret, send, status, stats_block;
	struct coherent small; /* a place for each send descriptor, for copies of short frames */
	uint32_t tx_copy;      /* the longest of those; 0: none is copied */

	bool rx_more; /* the last unmap of the poll said that another would follow */
	struct rx_slot rx[TG3_STD_ENTRIES];
	unsigned std_prod, ret_cons;
	struct tg3_chunks *chunks; /* NULL: buffer by buffer */

	struct vlock tx_lock;
	void *lines; /* tx_lock's cache line */
	struct tx_slot tx[TG3_SEND_ENTRIES];
	unsigned tx_prod, tx_cons;
	bool tx_stopped;
	struct net_queue queue;

	uint32_t last_tag;
	struct tg3_driver_stats stats;
};

/* tg3_driver.c */
void tg3_driver_doorbell(struct tg3_driver *d, struct cpu *cpu, uint32_t mailbox, uint32_t value);

/* tg3_driver_rx.c */
/* Take a fresh buffer for descriptor @index. 0, -ENOMEM, -EIO (not mapped). */
int tg3_driver_rx_fill(struct tg3_driver *d, struct cpu *cpu, unsigned index) MUST_CHECK;
/* Up to @budget returned frames; @producer is the chip's. The number handled. */
unsigned tg3_driver_rx(struct tg3_driver *d, struct cpu *cpu, unsigned budget);
void tg3_driver_rx_free(struct tg3_driver *d);
/* Write the descriptor that tells the chip about slot @index. */
void tg3_driver_rx_post(struct tg3_driver *d, struct cpu *cpu, unsigned index);
/* The frame of @bytes in @object, from RX_OFFSET on; the object goes with it. */
void tg3_driver_hand_up(struct tg3_driver *d, struct cpu *cpu, void *object, size_t bytes);

/* tg3_driver_tx.c */
/* Give back what the chip has sent; start what waited. */
void tg3_driver_tx_reap(struct tg3_driver *d, struct cpu *cpu, unsigned consumer);
void tg3_driver_tx_free(struct tg3_driver *d);

/* tg3_driver_irq.c */
void tg3_driver_interrupt(void *ctx, struct cpu *cpu);
bool tg3_driver_poll(void *ctx, struct cpu *cpu);
/* The status block as it is in memory now, indices in range. */
void tg3_driver_status(struct tg3_driver *d, struct cpu *cpu, struct tg3_status *out);

#endif
