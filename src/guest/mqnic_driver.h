/* SPDX-License-Identifier: MIT */
/*
 * Driver of the multi-queue NIC (spec/mqnic.h), after Linux's mlx5 of 6.1 as far as DMA and CPU
 * work go: a queue pair and a NAPI context for each CPU that takes interrupts, receive buffers of 2
 * KiB, two in a page that is mapped once for both, or whole pages where frames are longer than
 * four such buffers; pages posted in batches; pages whose frames the stack has let go kept mapped
 * in a cache of 256 (mlx5's page cache) and used again, unless the DMA API has memory for buffers
 * and sees to that itself; what is sent mapped piece by piece, one doorbell for a burst. It reaches
 * the NIC only through its register window, its interrupts and memory mapped for it.
 *
 * Each mapping names its ring to the DMA layer: 2q + 1 for receive queue q, 2q + 2 for its send
 * queue.
 */
#ifndef IOTOLL_GUEST_MQNIC_DRIVER_H
#define IOTOLL_GUEST_MQNIC_DRIVER_H

#include "guest/netdev.h"
#include "iotoll/dma.h"
#include "sim/lock.h"
#include "sim/mmio.h"

#define MQNIC_RX_FRAGMENTS    4u
#define MQNIC_POLL_WEIGHT     64u
#define MQNIC_CHUNK_PAGES_MAX 512u

struct mqnic_driver;
struct mqnic_page; /* a page of memory with what was received in it */

/* A received frame without FCS, in pieces of pages that it keeps from being used again. */
struct mqnic_frame {
	struct {
		struct mqnic_page *page;
		phys_t paddr;
		uint32_t bytes;
	} piece[MQNIC_RX_FRAGMENTS];
	unsigned pieces;
	uint32_t bytes, hash;
};

/* What is to be sent: one frame, or with @mss a run of frames that the NIC cuts. */
struct mqnic_packet {
	struct net_piece piece[NET_PIECES]; /* the first holds the headers, with TSO nothing else */
	unsigned pieces;
	uint32_t bytes;
	uint16_t mss;
	/* The NIC is through with the bytes; @status -EIO: it could not send them. */
	void (*done)(void *ctx, struct cpu *cpu, void *owner, int status);
	void *ctx, *owner;
};

/* Who is above. All are called on the queue's CPU, in softirq context. */
struct mqnic_upper {
	void *ctx;
	/* @frame itself is copied; each of its pages is due to mqnic_driver_put(). */
	void (*receive)(void *ctx, struct cpu *cpu, unsigned queue,
			const struct mqnic_frame *frame);
	/* A round of polling is over: what was put together goes up now. */
	void (*polled)(void *ctx, struct cpu *cpu, unsigned queue);
	/* A send queue that had refused a packet has room again. */
	void (*room)(void *ctx, struct cpu *cpu, unsigned queue);
};

struct mqnic_driver_config {
	struct machine *machine;
	struct mmio_window *regs;
	struct iotoll_dma_device *dma;
	struct irq *irq;     /* one a queue: handler, ctx and target are filled in here */
	unsigned queues;     /* 1 to what the NIC has */
	unsigned irq_cpu;    /* of the first queue; the next ones' follow */
	uint32_t mtu;        /* MQNIC_MTU_MIN to MQNIC_MTU_MAX */
	unsigned log_rx;     /* entries of a receive ring, 2^n, n = 4..13 */
	unsigned log_tx;     /* blocks of a send ring, likewise */
	unsigned page_cache; /* pages; 0: each page is unmapped when both its halves are filled */
	/*
	 * Receive into chunks of so many pages, 1 to MQNIC_CHUNK_PAGES_MAX, mapped and unmapped as
	 * one; nothing is kept mapped, and frames go up when their chunk is unmapped, or as copies
	 * when none has come for so long. 0: pages, whose frames go up at once.
	 */
	unsigned rx_chunk_pages;
	uint64_t rx_hold_ps;
	/* A packet's first piece of up to so many bytes, a multiple of a cache line, is sent from a
	 * copy in memory that stays mapped (mlx5 has it in the ring itself); 0: none. */
	uint32_t tx_copy_bytes;
	uint32_t rx_us, rx_frames, tx_us, tx_frames; /* interrupt moderation */
	/*
	 * Map and unmap in lists (iotoll_dma_map_multi()) what there is at a time: the pages of
	 * a refill, the pieces of a packet, what was sent, the pages that a poll gives up.
	 */
	bool batch;
};

struct mqnic_driver_stats {
	uint64_t interrupts, polls;
	uint64_t rx_frames, rx_bytes;
	uint64_t rx_errors;       /* completions that say so */
	uint64_t rx_pages;        /* receive pages needed; of those */
	uint64_t rx_pages_cached; /* were still mapped, */
	uint64_t rx_pages_busy;   /* were not, as the cache's oldest was in use above */
	uint64_t rx_no_memory, rx_map_errors;
	uint64_t rx_still_mapped; /* frames that went up while a request had their memory */
	uint64_t rx_copied;       /* frames that did not wait for their chunk any longer */
	uint64_t tx_packets, tx_bytes, tx_pieces;
	uint64_t tx_doorbells;
	uint64_t tx_full;       /* packets refused: no room */
	uint64_t tx_map_errors; /* packets refused: not mapped */
	uint64_t tx_errors;     /* completions that say so */
	uint64_t bad;           /* completions that make no sense */
	uint64_t tx_lock_acquisitions, tx_lock_contended, tx_lock_wait_ps;
};

/*
 * Reset the NIC, allocate and program its queues, post receive buffers, switch it on. Everything in
 * @config must outlive the driver. 0; -EINVAL; -ENOMEM; -EIO if something could not be mapped;
 * -ENODEV if no such NIC answers. @err says which.
 */
int mqnic_driver_open(struct mqnic_driver **out, const struct mqnic_driver_config *config,
		      struct err *err) MUST_CHECK;
/*
 * Reset the NIC, take everything down; packets under way are not told done. Pages above may still
 * be out: they die with the driver. No CPU may run driver code afterwards. NULL is allowed.
 */
void mqnic_driver_close(struct mqnic_driver *d);

/* Who is above from here on (copied); before, frames are dropped. NULL: nobody. */
void mqnic_driver_attach(struct mqnic_driver *d, const struct mqnic_upper *upper);

/* The stack has read what lay in @page. */
void mqnic_driver_put(struct mqnic_driver *d, struct mqnic_page *page);
/*
 * Send @packet on @queue; @more: another follows at once, so the doorbell can wait for it. 0:
 * done() follows; -ENOBUFS: no room, room() follows; -EIO: not mapped. Task or softirq context.
 */
int mqnic_driver_xmit(struct mqnic_driver *d, struct cpu *cpu, unsigned queue,
		      const struct mqnic_packet *packet, bool more) MUST_CHECK;
/* The queue whose interrupts @cpu takes; another CPU's share one. */
unsigned mqnic_driver_queue(const struct mqnic_driver *d, const struct cpu *cpu);
/* The CPU that takes @queue's interrupts. */
struct cpu *mqnic_driver_cpu(const struct mqnic_driver *d, unsigned queue);
void mqnic_driver_stats(const struct mqnic_driver *d, struct mqnic_driver_stats *out);

#endif
