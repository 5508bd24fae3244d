/* SPDX-License-Identifier: MIT */
/* What the files of the tg3 driver share. */
#ifndef IOTOLL_GUEST_TG3_DRIVER_INTERNAL_H
#define IOTOLL_GUEST_TG3_DRIVER_INTERNAL_H

#include "guest/dma_list.h"
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

/* A returned buffer and what is to become of it. */
struct rx_taken {
	enum rx_fate {
		RX_LIE,     /* the descriptor names no buffer of ours */
		RX_RECYCLE, /* nothing worth keeping in it */
		RX_COPY,    /* a short frame */
		RX_REPLACE,
	} fate;
	unsigned index;
	struct rx_slot slot, fresh;
	size_t bytes;
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

	/* Only with lists. What a poll and what sending, under tx_lock, work with. */
	bool batch;
	struct dma_list poll_list, tx_list;
	struct rx_taken taken[DMA_LIST_MAX];
	struct net_frame waiting[DMA_LIST_MAX];

	uint32_t last_tag;
	struct tg3_driver_stats stats;
};

/* tg3_driver.c */
void tg3_driver_doorbell(struct tg3_driver *d, struct cpu *cpu, uint32_t mailbox, uint32_t value);

/* tg3_driver_rx.c */
/* Post a fresh buffer. 0, -ENOMEM, -EIO (not mapped). */
int tg3_driver_rx_fill(struct tg3_driver *d, struct cpu *cpu) MUST_CHECK;
/* Up to @budget returned frames; @producer is the chip's. The number handled. */
unsigned tg3_driver_rx(struct tg3_driver *d, struct cpu *cpu, unsigned budget);
void tg3_driver_rx_free(struct tg3_driver *d);
/* Write the descriptor that tells the chip about slot @index. */
void tg3_driver_rx_post(struct tg3_driver *d, struct cpu *cpu, unsigned index);
/* The frame of @bytes in @object, from RX_OFFSET on; the object goes with it. */
void tg3_driver_hand_up(struct tg3_driver *d, struct cpu *cpu, void *object, size_t bytes);
/*
 * What is to become of the buffer that @desc returns, if slot @target is the next to be posted.
 * Counted; unless it is a lie, the buffer is no longer in its slot.
 */
void tg3_driver_rx_judge(struct tg3_driver *d, const struct tg3_rxd *desc, unsigned target,
			 struct rx_taken *out);
/* A fresh buffer, not mapped. 0, -ENOMEM. */
int tg3_driver_rx_alloc(struct tg3_driver *d, struct cpu *cpu, struct rx_slot *out) MUST_CHECK;
/* Give its memory back. */
void tg3_driver_rx_put(struct tg3_driver *d, const struct rx_slot *slot);
/* The frame of @bytes in @slot's memory, from RX_OFFSET on, which goes with it. */
void tg3_driver_rx_slot_up(struct tg3_driver *d, struct cpu *cpu, const struct rx_slot *slot,
			   size_t bytes);
phys_t tg3_driver_rx_phys(const struct tg3_driver *d, const struct rx_slot *slot);
/* @slot is the next that the chip gets. */
void tg3_driver_rx_post_next(struct tg3_driver *d, struct cpu *cpu, const struct rx_slot *slot);
/* Read the next returned descriptor. */
void tg3_driver_rx_next(struct tg3_driver *d, struct cpu *cpu, struct tg3_rxd *out);
/* The frame in the buffer goes up; of a short one a copy, and the buffer goes back to the chip. */
void tg3_driver_rx_copy(struct tg3_driver *d, struct cpu *cpu, const struct rx_taken *taken);

/* tg3_driver_tx.c */
/* Give back what the chip has sent; start what waited. */
void tg3_driver_tx_reap(struct tg3_driver *d, struct cpu *cpu, unsigned consumer);
void tg3_driver_tx_free(struct tg3_driver *d);
/* Descriptors that are free. */
unsigned tg3_driver_tx_available(const struct tg3_driver *d);
/* @frame is in place from tx_prod on: its descriptors and slots are written. Ring. */
void tg3_driver_tx_start(struct tg3_driver *d, struct cpu *cpu, const struct net_frame *frame);
/* Is @piece sent from a copy, without being mapped? Then its slot has no bytes. */
bool tg3_driver_tx_copied(const struct tg3_driver *d, const struct net_piece *piece);
/* Write descriptor @index for @piece, which is mapped at @mapped, or is copied. */
void tg3_driver_tx_describe(struct tg3_driver *d, struct cpu *cpu, unsigned index,
			    const struct net_piece *piece, iotoll_iova_t mapped, bool last);
/* Map @frame, write its descriptors, ring. 0 or -EIO. Lock held. */
int tg3_driver_tx_submit(struct tg3_driver *d, struct cpu *cpu,
			 const struct net_frame *frame) MUST_CHECK;

/* tg3_driver_lists.c: the same in lists */
int tg3_driver_lists_alloc(struct tg3_driver *d) MUST_CHECK;
void tg3_driver_lists_free(struct tg3_driver *d);
/* Up to @most returned frames, the chip's producer being @producer. The number handled. */
unsigned tg3_driver_lists_rx(struct tg3_driver *d, struct cpu *cpu, unsigned most,
			     unsigned producer);
/* Submit the first frames of the queue, at least one of which there is. Lock held. */
void tg3_driver_lists_run_queue(struct tg3_driver *d, struct cpu *cpu);
int tg3_driver_lists_submit(struct tg3_driver *d, struct cpu *cpu,
			    const struct net_frame *frame) MUST_CHECK;
/* Give back up to DMA_LIST_MAX of what was sent. */
void tg3_driver_lists_reap(struct tg3_driver *d, struct cpu *cpu, unsigned consumer);

/* tg3_driver_irq.c */
void tg3_driver_interrupt(void *ctx, struct cpu *cpu);
bool tg3_driver_poll(void *ctx, struct cpu *cpu);
/* The status block as it is in memory now, indices in range. */
void tg3_driver_status(struct tg3_driver *d, struct cpu *cpu, struct tg3_status *out);

#endif
