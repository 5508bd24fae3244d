/* SPDX-License-Identifier: MIT */
/*
 * A recording held in memory: its maps and unmaps, and whose each of them was. iommu:map and
 * iommu:unmap name nobody, so it is put together from what is recorded around them (Linux 6.1,
 * drivers/iommu/dma-iommu.c: what a CPU does comes in this order):
 *
 * - a map within a call of the DMA API, on the same CPU, is that call's: its device, direction and,
 *   for a single map, the bytes that were asked for;
 * - an unmap that follows such a call for the same address is that call's;
 * - the domain of a page-selective descriptor (qi_submit) that follows an unmap on the same CPU for
 *   the same address is the unmap's. A domain whose unmaps a call names a device for is that
 *   device's; any other stands for a device by itself, "domain 3";
 * - whoever unmaps a page mapped it.
 *
 * Where the tracepoints of "dma:" are all there is, maps and unmaps are those of the pages that
 * their calls touch.
 *
 * The pieces of a list, or of coherent memory, have one range of addresses and are one map here:
 * they were mapped within one call that says so, or unmapped in one event (recording_fold.c).
 *
 * Where everything that is known points to one device all else is taken to be its, too; in a lazy
 * recording of several without calls an unmap is that domain's which flushes after it, if in this
 * step only one does: within 10 ms the timer must. Where that leaves one in doubt they are one,
 * "all devices". What else remains unknown is left out and counted.
 *
 * Unmaps of what was mapped before the recording began get a map of their own (before): of the
 * same size, of frames that the recording does not use, which is our choice. So does each page that
 * a device accesses and nobody maps or unmaps.
 */
#ifndef IOTOLL_TRACE_RECORDING_H
#define IOTOLL_TRACE_RECORDING_H

#include "trace/flush_cause.h"
#include "trace/trace.h"

#define RECORDING_DEVICES 32
#define RECORDING_NOBODY  (-1)

/* One map or unmap; or what only some replays look at. */
struct recorded {
	/*
	 * TRACE_MAP, TRACE_UNMAP; TRACE_FQ_FLUSH: the descriptor that flushed the domain;
	 * TRACE_STEP: what came between is not recorded; TRACE_ACCESS: the device's, to one page.
	 */
	enum trace_kind kind;
	enum flush_cause cause; /* of a flush */
	unsigned cpu;
	uint64_t line;
	uint64_t time_ns;                        /* since the first one; never goes back */
	uint64_t iova, bytes, done_bytes, paddr; /* as struct trace_event has them */
	uint64_t asked;  /* bytes the driver asked for; 0: not recorded, whole pages */
	uint32_t offset; /* in the first page, of what was asked for */
	uint8_t dir;     /* enum trace_dir; TRACE_DIR_BOTH where it is not recorded */
	bool dir_known;
	int tag;    /* domain id that its descriptor names, or must; -1: none known */
	int device; /* index of the recording's device[], or RECORDING_NOBODY */
	/* Of a map: recorded so often, one behind the other. Where 1, @piece means nothing. */
	uint32_t pieces;
	size_t piece; /* first of them in the recording's piece[] */
};

/* Is it a map or an unmap? */
static inline bool recorded_is_move(const struct recorded *ev)
{
	return ev->kind == TRACE_MAP || ev->kind == TRACE_UNMAP;
}

/* One piece of a list: whole pages. */
struct recorded_piece {
	uint64_t paddr, bytes;
};

/* What the recording says of the invalidations of one device. */
struct recorded_flushes {
	uint64_t by_page;                  /* IOTLB descriptors that name a range */
	uint64_t by_domain;                /* that name the domain */
	uint64_t by_cause[FLUSH_RING + 1]; /* of these, as far as probes say */
};

/* One domain of the invalidation queue. */
struct recorded_domain {
	int tag, device; /* RECORDING_NOBODY: not known whose */
	struct recorded_flushes flushes;
};

struct recorded_device {
	char name[24];
	int tag;               /* its domain id, -1: not known, or several */
	uint64_t maps, unmaps; /* as recorded: a list has so many as it has pieces */
	uint64_t lists, list_pieces;
	uint64_t befores; /* maps made before: unmapped in the recording, or accessed alone */
	struct recorded_flushes flushes;
	/*
	 * Lazy: how many waited in the ring of @queued_cpu when the recording began, learnt from
	 * the first flush, if it says that this ring was full. Else nothing depends on it: the
	 * first flush, the timer's, freed what all rings had.
	 */
	unsigned queued, queued_cpu;
	uint64_t queued_paddr; /* so many frames that the recording does not use */
};

struct recording {
	char name[256]; /* of the file */
	const char *format;
	struct trace_tally tally;
	struct recorded *event;
	size_t events, room;
	struct recorded_piece *piece; /* of all lists */
	size_t pieces;
	struct recorded *before; /* maps made before the recording began */
	size_t befores, before_room;
	struct recorded_device device[RECORDING_DEVICES];
	unsigned devices;
	struct recorded_domain domain[RECORDING_DEVICES];
	unsigned domains;
	unsigned cpus; /* 1 + the highest that an event is of */
	uint64_t span_ns;
	uint64_t unknown_maps, unknown_unmaps; /* nobody's: left out */
	uint64_t accesses;                     /* of devices */
	bool joined;                           /* those of recording_read_beside() */
	bool dma_alone;                        /* put together from "dma:" alone: recording_dma.c */
	bool descriptors; /* qi_submit is recorded, so that flushes mean something */
	bool flush_queue; /* so are the flush queue's probes */
};

/*
 * Read @trace, which was just opened, to its end. 0 and *@out, for recording_fini(); -EINVAL with
 * @err (a malformed trace, one without maps and unmaps, more devices than RECORDING_DEVICES);
 * -EINTR after a signal; -ENOMEM. On failure nothing is left.
 */
int recording_read(struct recording *out, struct trace *trace, struct err *err) MUST_CHECK;
/*
 * The same with the accesses of devices in @beside, the IOMMU's side of the same run
 * (recording_join.c); NULL: none. Also -EINVAL if the two do not go together. Who may stop @trace
 * (trace_stop_when()) is asked about @beside, too.
 */
int recording_read_beside(struct recording *out, struct trace *trace, struct trace *beside,
			  struct err *err) MUST_CHECK;
void recording_fini(struct recording *r);
/* -EINVAL, with @err saying that there is no device @name and which there are. */
int recording_nobody(const struct recording *r, const char *name, struct err *err);
/* Does it flush whole domains from a queue? */
static inline bool recording_is_lazy(const struct recorded_device *d)
{
	return d->flushes.by_domain && !d->flushes.by_page;
}
/* The device of this name; RECORDING_NOBODY if there is none. */
int recording_find(const struct recording *r, const char *name);

#endif
