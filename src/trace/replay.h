/* SPDX-License-Identifier: MIT */
/*
 * Replaying a recorded DMA trace through our own IOMMU and strategy: each recorded map becomes a
 * map of the same size, each unmap an unmap of what those maps became, on simulated CPUs that pay
 * for the work. Sequence and sizes are the recording's; which I/O addresses come out is our
 * allocator's.
 *
 * What a result rests on, and must be shown with it:
 * - Pace. An event starts at its recorded time, or as soon after as its CPU and the events before
 *   it allow (open loop); or right away (closed loop): then the work itself is all that takes time.
 *   Recordings made in an emulator show order, not speed: such times are no evidence.
 * - CPUs. An event runs on recorded CPU modulo the number replayed on; events start in recorded
 * order.
 * - The device. Recordings of kernels do not hold its accesses; where one does, they can be made as
 *   they were, each to the page here that the recorded one has become. By default each page of a
 * mapping is written once, immediately before its unmap (a DMA's completion precedes the unmap);
 * @access says else. What is mapped for it to read alone is read. The access takes the device no
 * time and moves no bytes; it is the IOTLB's load.
 * - Direction and bytes really asked for are those of the DMA API's calls, where these are recorded
 *   and the replay is one of a struct recording; else everything is mapped both ways and in whole
 *   pages, so that sub-page excess reads as 0.
 * - Of a struct recording a list is mapped in one call and has one range, as in Linux, where the
 *   allocator is of such a kernel; of a trace as it is read each piece is mapped on its own.
 * - The timer of the strategy "flush-queue" goes off where the recorded kernel's did, if that was
 *   lazy as well and the replay is one of a struct recording: when a tick comes is an input. A
 * flush of which no probe says why is the timer's unless our ring was full. Every other strategy's
 * timer goes off by its own rule, at ticks of ours.
 * - Frames beyond the replay machine's memory are folded into it (folded_maps).
 */
#ifndef IOTOLL_TRACE_REPLAY_H
#define IOTOLL_TRACE_REPLAY_H

#include "hw/iommu.h"
#include "iotoll/dma.h"
#include "sim/cpu.h"
#include "trace/recording.h"
#include "trace/trace.h"
#include "watch/exposure.h"
#include "watch/timeline.h"

/* When the device touches the pages of a mapping; each page once, or (FIRST) its first page. */
enum replay_access {
	REPLAY_ACCESS_AT_UNMAP,
	REPLAY_ACCESS_AT_MAP,
	REPLAY_ACCESS_FIRST,
	REPLAY_ACCESS_NONE,
	/* As recorded, of a struct recording that has them: to what was mapped there then. */
	REPLAY_ACCESS_RECORDED
};

/* When an event starts: at its recorded time, or as soon as those before it let it. */
enum replay_pace { REPLAY_OPEN, REPLAY_CLOSED };

/* The recording may span this much virtual time, in seconds (100 days): more is no recording. */
#define REPLAY_SPAN_MAX_S 8640000u

#define REPLAY_DELAYS 5
extern const uint64_t replay_delays_ns[REPLAY_DELAYS];

struct replay_config {
	const struct profile *profile;
	unsigned cpus;             /* CPUs of the machine; 0 = the profile's */
	const char *iommu;         /* model and driver: "calgary", or "none" */
	struct iotlb_config iotlb; /* ignored for "none" */
	const char *strategy;      /* rows of the DMA layer's registries */
	const char *allocator;
	uint64_t table_entries;
	uint64_t start_hint;
	enum replay_access access;
	enum replay_pace pace;
	bool split_locks; /* as struct iotoll_dma_config says */
	/* Shown all of the replay, from which nothing changes; NULL: none. Finish it afterwards. */
	struct timeline *timeline;
	/* May be NULL. Asked at every event, and now and then between; true ends the replay. */
	bool (*should_stop)(void *ctx);
	/* May be NULL. Called every 65536 events. @total_bytes 0: unknown. */
	void (*progress)(void *ctx, uint64_t events, uint64_t bytes, uint64_t total_bytes);
	void *ctx;
};

struct replay_result {
	/* What the file held. */
	struct trace_tally trace;
	uint64_t span_ns; /* recorded, from the first to the last map or unmap */
	bool stopped;     /* should_stop() ended it: everything below is up to there */

	/* What became of it. */
	uint64_t maps, unmaps; /* of our DMA layer */
	uint64_t mapped_pages, single_page_maps;
	uint64_t map_failures;   /* no room in the replay's table (or memory) */
	uint64_t sg_unmaps;      /* unmaps of lists ... */
	uint64_t sg_pieces;      /* ... and how many pieces those had */
	uint64_t earlier_maps;   /* of the recording's before: made first, in nothing else here */
	uint64_t partial_unmaps; /* maps that an unmap event took only part of */
	uint64_t short_unmaps;   /* unmapped_size differs from size */
	/* Pages unmapped that nobody had mapped: before the recording began, or in vain here. */
	uint64_t unmatched_pages;
	uint64_t unmatched_unmaps;      /* events with none but such pages */
	uint64_t ambiguous_maps;        /* maps of an I/O page that lived already: two devices */
	uint64_t live_maps, live_pages; /* recorded maps never unmapped */
	/* Where a lazy kernel's timer was taken over: */
	bool ticks_taken;
	uint64_t unsaid_ticks; /* flushes of which no probe says why: the timer's here ... */
	uint64_t unsaid_rings; /* ... or by a ring that was full here */
	uint64_t missed_rings; /* recorded of a full ring, which was not full here */
	uint64_t step_flushes; /* between steps of the recording: in dma, but nowhere recorded */
	uint64_t folded_maps;  /* frame beyond our memory, taken modulo its size */
	uint64_t folded_cpu_events; /* recorded on a CPU we do not have */
	/* Maps and unmaps kept beyond their recorded time by earlier work ... */
	uint64_t late_events;
	uint64_t late_max_ps; /* ... by at most this */

	/* What it cost. */
	unsigned cpus;
	uint32_t clock_mhz;
	uint64_t span_ps;       /* virtual time of the replay, until nothing is left to happen */
	uint64_t work_ps;       /* ... until the last event's work was done */
	struct cpu_account cpu; /* over all CPUs */
	struct iotoll_dma_stats dma;
	struct iotlb_stats iotlb;
	uint64_t accesses, access_faults; /* of the device; the latter were refused */
	uint64_t stray_accesses;          /* recorded, to pages that nobody had mapped: not made */
	/* CPU cycles, each in one category only: a flush within an unmap is no unmap. Rounded. */
	uint64_t cycles_map, cycles_unmap, cycles_flush, cycles_lock_wait;
	double cycles_per_map, cycles_per_unmap;
	/* All four for one map and one unmap: their sum over the mean of maps and unmaps. */
	double cycles_per_pair;

	/* What it bought. */
	struct exposure_stats exposure;
	/* Fraction of unmapped pages still reachable replay_delays_ns[i] after their unmap. */
	double reachable_after[REPLAY_DELAYS];
};

/*
 * Replay @trace, which was just opened, to its end. 0 and *@out; -EINVAL with @err (a malformed
 * trace, a trace without maps and unmaps, a name or size that does not exist); -ENOMEM; -EINTR
 * (a signal ended a read, and should_stop() knows nothing of it). Stopping is no error. The same
 * trace and configuration give the same result, bit for bit.
 */
int replay_run(struct trace *trace, const struct replay_config *config, struct replay_result *out,
	       struct err *err) MUST_CHECK;

/*
 * The same with what @recording has of @device, an index of its devices, after the maps that were
 * there before it began have been made. The recording is only read.
 */
int replay_recorded(const struct recording *recording, int device,
		    const struct replay_config *config, struct replay_result *out,
		    struct err *err) MUST_CHECK;

/* "at-unmap", "at-map", "first-page", "none", "recorded"; NULL past the last. */
const char *replay_access_name(unsigned access);
/* "open", "closed"; NULL past the last. */
const char *replay_pace_name(unsigned pace);

#endif
