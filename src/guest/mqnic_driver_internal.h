/* SPDX-License-Identifier: MIT */
/* What the files of the multi-queue NIC's driver share. */
#ifndef IOTOLL_GUEST_MQNIC_DRIVER_INTERNAL_H
#define IOTOLL_GUEST_MQNIC_DRIVER_INTERNAL_H

#include "guest/dma_list.h"
#include "guest/mqnic_driver.h"
#include "spec/mqnic.h"

#define RX_FRAGMENT_BYTES 2048u /* DEFAULT_FRAG_SIZE */
#define RX_BULK           8u    /* entries posted at a time, at least */

/* One page, or the pages of a chunk (mqnic_driver_hold.c), one behind the other. */
struct mqnic_page {
	struct mqnic_page *next; /* free ones; all of them */
	struct mqnic_page *next_all;
	phys_t paddr;
	iotoll_iova_t iova;
	unsigned pages;
	bool mapped, chunk;
	unsigned refs; /* the driver's one, and one a piece above; 0: not in use */
	bool buffer;   /* one of the DMA API's, which keeps pages itself */
};

struct rx_fragment {
	struct mqnic_page *page;
	uint32_t offset;
	bool last; /* of its page */
};

struct rx_entry {
	struct rx_fragment fragment[MQNIC_RX_FRAGMENTS];
};

/* One mapping of a packet in flight. */
struct tx_map {
	iotoll_iova_t iova;
	uint32_t bytes; /* 0: not mapped, but copied */
};

/* A packet in flight, kept at its first block. */
struct tx_entry {
	unsigned blocks, maps;
	void (*done)(void *ctx, struct cpu *cpu, void *owner, int status);
	void *ctx, *owner;
};

/* A range mapped for good. */
struct shared {
	uint8_t *ptr;
	iotoll_iova_t iova;
	phys_t paddr;
	size_t bytes;
};

struct rx_queue {
	struct shared ring, cq, record;
	struct rx_entry *entry;
	uint32_t posted, taken;  /* counters of entries */
	unsigned begun;          /* fragments that the next one has already */
	struct mqnic_page *page; /* begun, and used up to */
	uint32_t page_used;
	/* Pages that were still mapped when the driver was through with them, oldest first. */
	struct mqnic_page **cache;
	uint32_t cache_head, cache_tail;
	struct rx_hold *hold; /* NULL: frames go up as they come */
};

struct tx_queue {
	struct shared ring, cq;
	struct shared small;    /* a place for each block, for the copy of a short first piece */
	struct tx_entry *entry; /* by first block */
	struct tx_map *map;     /* of what is in flight, a ring: four a block is more than fit */
	uint32_t map_head, map_tail;
	uint32_t produced, reaped, rung; /* in blocks */
	uint32_t taken;                  /* completions */
	bool full;
	struct vlock lock;
};

/* What a queue works with that maps in lists. */
struct queue_lists {
	phys_t frames; /* where they lie; 0: there are none */
	struct dma_list poll, tx, drop;
	struct mqnic_page *stock[DMA_LIST_MAX]; /* mapped ahead, in this refill */
	unsigned stock_first, stock_count;
	struct mqnic_page *dropped[DMA_LIST_MAX]; /* of the list @drop */
	struct tx_done {
		struct tx_entry entry;
		bool ok;
	} done[DMA_LIST_MAX];
};

struct driver_queue {
	struct mqnic_driver *driver;
	unsigned number;
	struct cpu *cpu;
	struct softirq poll;
	bool unmapping; /* the last unmap said that another would follow */
	struct rx_queue rx;
	struct tx_queue tx;
	struct queue_lists lists;
};

struct mqnic_driver {
	struct mqnic_driver_config config;
	struct mqnic_upper upper;
	struct machine *machine;
	struct iotoll_dma_device *dma;
	unsigned fragments, log_stride;
	uint32_t fragment_bytes, longest; /* frame, without FCS */
	struct mqnic_page *free_pages, *pages;
	struct mqnic_page *free_chunks; /* with their memory */
	phys_t lock_lines;
	struct mqnic_driver_stats stats;
	struct driver_queue queue[MQNIC_QUEUES_MAX];
};

static inline uint32_t mqnic_queue_register(const struct driver_queue *q, uint32_t offset)
{
	return MQNIC_QUEUE + q->number * MQNIC_QUEUE_STEP + offset;
}

/*
 * The completion number @taken of a ring of 2^@log at @cq, if the NIC has written it. False and the
 * present has been reached: there is none.
 */
bool mqnic_driver_cqe(struct cpu *cpu, const struct shared *cq, uint32_t taken, unsigned log,
		      struct mqnic_cqe *out);

/* mqnic_driver_rx.c */
unsigned mqnic_driver_rx(struct driver_queue *q, struct cpu *cpu, unsigned budget);
/* Post what the ring has room for. 0; -ENOMEM, -EIO: less than that, and why. */
int mqnic_driver_refill(struct driver_queue *q, struct cpu *cpu);
void mqnic_driver_rx_free(struct driver_queue *q);

/* mqnic_driver_page.c */
struct mqnic_page *mqnic_driver_page_get(struct driver_queue *q, struct cpu *cpu, int *error);
/* The NIC is through with all of @page: keep it mapped, or unmap it and let it go. */
void mqnic_driver_page_release(struct driver_queue *q, struct mqnic_page *page);
void mqnic_driver_page_drop(struct driver_queue *q, struct mqnic_page *page);
/* The unmaps of this poll, sent packets' and pages', were all for now: a burst ends. */
void mqnic_driver_unmapped(struct driver_queue *q);
void mqnic_driver_pages_free(struct mqnic_driver *d);
/* A page of memory, not mapped, with one reference; NULL: there is none. */
struct mqnic_page *mqnic_driver_page_new(struct mqnic_driver *d);

/* mqnic_driver_hold.c: frames wait until their chunk is unmapped */
int mqnic_driver_hold_create(struct driver_queue *q) MUST_CHECK;
void mqnic_driver_hold_free(struct driver_queue *q);
/* @frame waits, or goes up as a copy if it is short and nothing waits before it. */
void mqnic_driver_hold(struct driver_queue *q, struct cpu *cpu, const struct mqnic_frame *frame);
/* The NIC cannot reach what waits any more: it goes up. */
void mqnic_driver_hold_up(struct driver_queue *q, struct cpu *cpu);
/* A poll ends. */
void mqnic_driver_hold_polled(struct driver_queue *q, struct cpu *cpu);
/* mqnic_driver_rx.c: @frame goes up. */
void mqnic_driver_hand_up(struct driver_queue *q, struct cpu *cpu, const struct mqnic_frame *frame);

/* mqnic_driver_tx.c */
/* Packets that were sent. */
unsigned mqnic_driver_reap(struct driver_queue *q, struct cpu *cpu);
void mqnic_driver_tx_free(struct driver_queue *q);

/* mqnic_driver_lists.c: the same in lists */
int mqnic_driver_lists_alloc(struct driver_queue *q) MUST_CHECK;
void mqnic_driver_lists_free(struct driver_queue *q);
/* A fresh page, mapped, out of as many as this refill needs. NULL: *@error, counted. */
struct mqnic_page *mqnic_driver_lists_page(struct driver_queue *q, struct cpu *cpu, int *error);
/* Unmap and put @page, by mqnic_driver_lists_dropped() at the latest. */
void mqnic_driver_lists_drop(struct driver_queue *q, struct mqnic_page *page);
void mqnic_driver_lists_dropped(struct driver_queue *q);
/* Unmap and put what a refill left over. */
void mqnic_driver_lists_unstock(struct driver_queue *q);
/* Map the pieces of @p but for one that is copied, in their order, by lists.tx. 0, -EIO. */
int mqnic_driver_lists_pieces(struct driver_queue *q, struct cpu *cpu,
			      const struct mqnic_packet *p) MUST_CHECK;
/* As mqnic_driver_reap(), up to waking who waits for room. */
unsigned mqnic_driver_lists_reap(struct driver_queue *q, struct cpu *cpu);
/* mqnic_driver_page.c: a page of the machine's, not mapped; NULL: none is left */
struct mqnic_page *mqnic_driver_page_fresh(struct driver_queue *q);
/* mqnic_driver_tx.c: is piece @i sent from a copy, without being mapped? */
bool mqnic_driver_tx_copied(const struct mqnic_driver *d, const struct mqnic_packet *p, unsigned i);
/* A completion is through, its mappings are gone */
void mqnic_driver_tx_done(struct driver_queue *q, struct cpu *cpu, const struct tx_entry *e,
			  bool ok);

#endif
