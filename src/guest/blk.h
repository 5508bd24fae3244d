/* SPDX-License-Identifier: MIT */
/*
 * The block layer of a simulated kernel, after Linux 2.6.2x: a queue that makes requests of bios,
 * merges neighbours, is plugged for a moment when it was empty, keeps so many requests at the
 * driver and no more, and completes them in a softirq of the CPU that took the interrupt. The I/O
 * scheduler is "noop": it merges and keeps the order of arrival (the array behind the adapter
 * sorts).
 *
 * Work is charged as CHARGE_BLOCK out of section [disk] of the profile; what the queue's lock and
 * its requests cost in cache lines comes on top.
 */
#ifndef IOTOLL_GUEST_BLK_H
#define IOTOLL_GUEST_BLK_H

#include "base/hist.h"
#include "guest/blockdev.h"
#include "guest/kmalloc.h"
#include "sim/lock.h"

#define BLK_SEGMENTS_MAX 128u /* MAX_PHYS_SEGMENTS */
#define BLK_BIOS_MAX     BLK_SEGMENTS_MAX
#define BLK_SEGMENT_MAX  65536u /* MAX_SEGMENT_SIZE: bytes of one segment */
#define BLK_RETRIES      5u     /* SD_MAX_RETRIES */

struct blk_queue;

/* What a driver is handed. Everything up to @nsegments is its to read, @driver to use. */
struct blk_request {
	enum bio_op op;
	uint64_t sector;
	uint32_t bytes; /* 0 for BIO_FLUSH */
	struct bio_vec segment[BLK_SEGMENTS_MAX];
	unsigned nsegments;
	void *driver;

	/* The queue's own. */
	struct bio *bio[BLK_BIOS_MAX];
	unsigned nbios;
	unsigned retries;
	uint8_t result;
	phys_t line; /* where the kernel keeps the request */
	struct blk_request *next;
};

enum blk_result {
	BLK_OK,
	BLK_AGAIN,  /* the device had no room: later, as often as need be */
	BLK_RETRY,  /* failed, but another attempt may not: up to BLK_RETRIES */
	BLK_FAILED, /* for good */
};

struct blk_driver_ops {
	/*
	 * Start @rq. 0: blk_complete() will be called; -EBUSY: no room, blk_restart() will be
	 * called; any other negative value: it cannot be done, the request fails.
	 */
	int (*start)(void *ctx, struct cpu *cpu, struct blk_request *rq);
};

struct blk_config {
	struct machine *machine;
	struct kmalloc *kmalloc;
	const struct blk_driver_ops *ops;
	void *ctx;
	uint64_t sectors;
	struct cpu *timer_cpu; /* the unplug timer goes off there */
	/* 0: the default. */
	uint32_t max_bytes;        /* of a request, whole sectors; 128 KiB */
	unsigned max_segments;     /* 1..BLK_SEGMENTS_MAX; that */
	uint32_t segment_boundary; /* a power of two no segment crosses, from a sector; none */
	uint32_t alignment;        /* of ranges: see struct blockdev; none */
	unsigned depth;            /* requests at the driver; 32 */
	unsigned requests;         /* that exist; 128 (BLKDEV_MAX_RQ), up to 4096 */
	uint64_t unplug_ps;        /* 3 ms */
	unsigned unplug_threshold; /* requests that unplug; 4 */
};

struct blk_stats {
	uint64_t bios, read_bios, write_bios, flush_bios;
	uint64_t requests, read_requests, write_requests, flush_requests; /* handed to the driver */
	uint64_t back_merges, front_merges; /* bios that joined a request */
	uint64_t splits; /* bios that became more than one request: the extra ones */
	uint64_t read_bytes, written_bytes; /* of bios that went well */
	uint64_t segments;                  /* of requests handed to the driver */
	uint64_t retries, requeues; /* attempts after BLK_RETRY, after BLK_AGAIN or -EBUSY */
	uint64_t failed;            /* bios done with an error */
	uint64_t plugs, unplugs_explicit, unplugs_threshold, unplugs_timer;
	uint64_t waited; /* bios for which there was no request */
	unsigned in_flight, in_flight_peak, queued;
	uint64_t lock_acquisitions, lock_contended, lock_wait_ps;
	struct hist latency[3]; /* of bios by operation: picoseconds from submission to done() */
};

/* 0 and *@out; -EINVAL with @err for limits out of range; -ENOMEM. */
int blk_create(struct blk_queue **out, const struct blk_config *config, struct err *err) MUST_CHECK;
/* Nothing may be in flight at the driver; bios still queued are forgotten. NULL is allowed. */
void blk_destroy(struct blk_queue *q);
/* What is given to whoever does I/O. */
struct blockdev *blk_device(struct blk_queue *q);
/*
 * From the driver, in any context: @rq is over. It is completed in a softirq of @cpu (at once where
 * there is none: boot).
 */
void blk_complete(struct blk_queue *q, struct cpu *cpu, struct blk_request *rq,
		  enum blk_result result);
/* From the driver, after -EBUSY: there may be room again. Runs the queue in a softirq of @cpu. */
void blk_restart(struct blk_queue *q, struct cpu *cpu);
void blk_stats(const struct blk_queue *q, struct blk_stats *out);

#endif
