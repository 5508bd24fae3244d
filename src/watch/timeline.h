/* SPDX-License-Identifier: MIT */
/*
 * A run as a timeline (timeline_json.h): what each CPU's time goes to, who holds and who waits for
 * which lock, what the IOTLB is told to forget, and how long each mapping lives. An observer: it
 * listens to CPUs, to the DMA layer and to the IOTLB, and changes nothing.
 *
 * Processes and threads of the document: a process for each machine or domain with a thread for
 * each CPU; "NAME locks" with a thread for each lock (slices: it is held) ; "NAME lock waits" with
 * one for each CPU; "mappings", of overlapping begins and ends; "IOTLB", of instants. What a CPU
 * does is one category at any instant, the same ones as in results, so slices of one thread never
 * overlap. Written as it comes: each thread is in order of time, the document as a whole is not,
 * since CPUs run ahead of one another.
 */
#ifndef IOTOLL_WATCH_TIMELINE_H
#define IOTOLL_WATCH_TIMELINE_H

#include <stdio.h>

#include "base/err.h"
#include "hw/iommu.h"
#include "iotoll/dma.h"
#include "sim/cpu.h"

struct timeline;

/* How many events there are if nothing else is said: our choice, what viewers open without pain. */
#define TIMELINE_EVENTS 1000000u

struct timeline_config {
	FILE *to; /* stays the caller's */
	/* Events that end before are left out; what began before and lasts begins there. */
	sim_time from;
	uint64_t most; /* events; what comes later is left out, and the document says so */
};

/* 0 and *@out, which has begun to write; -ENOMEM. */
int timeline_create(struct timeline **out, const struct timeline_config *config) MUST_CHECK;
/*
 * Watch @cpu, as a thread called "CPU N" of the process @machine ("sut", "sut dom0"), made with its
 * first. The CPU may go before the timeline. 0 or -ENOMEM.
 */
int timeline_cpu(struct timeline *t, struct cpu *cpu, const char *machine) MUST_CHECK;
/*
 * To be told of the protected machine's maps and of its IOTLBs; both live as long as @t. Until
 * timeline_clock() they go by time 0, which is right for what a kernel does at boot.
 */
const struct iotoll_dma_observer *timeline_maps(struct timeline *t);
const struct iotlb_observer *timeline_iotlb(struct timeline *t);
/* The machine by whose time they go from here on; NULL, before it is destroyed: the last one. */
void timeline_clock(struct timeline *t, const struct machine *m);
/*
 * End what is open (args.end: "of the timeline") and the document. 0; -ENOMEM if something could
 * not be kept, -EIO if something could not be written: then the document is not to be used. *@cut
 * (may be NULL) is whether events were left out for being too many.
 */
int timeline_finish(struct timeline *t, bool *cut) MUST_CHECK;
/* NULL is allowed. No watched CPU may run afterwards. */
void timeline_destroy(struct timeline *t);

#endif
