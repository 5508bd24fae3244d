/* SPDX-License-Identifier: MIT */
/* The inside of the predictor of kernel recordings, shared by kernel*.c and nobody else. */
#ifndef IOTOLL_PREDICT_KERNEL_H
#define IOTOLL_PREDICT_KERNEL_H

#include "predict/impl.h"
#include "predict/lane.h"
#include "trace/flush_cause.h"

#define KERNEL_LANES   8u
#define KERNEL_DEVICES 16u
#define KERNEL_CALLS   8u    /* DMA API calls under way on a CPU: one and interrupts in it */
#define KERNEL_UNMAPS  64u   /* of a CPU, whose invalidations are still to come */
#define KERNEL_QUEUED  4096u /* unmaps before the first flush of a lazy domain: all its rings */
#define NO_DEVICE      (-1)
#define NO_TAG         (-1)

/* How the recorded kernel makes the IOTLB forget; found out from the recording's beginning. */
enum kernel_mode {
	KERNEL_UNDECIDED,
	KERNEL_STRICT, /* at each unmap */
	KERNEL_LAZY,   /* all of a domain, from a queue */
	KERNEL_BARE,   /* not recorded */
};

/* An event, in pages, for as long as it is needed. */
struct kernel_event {
	enum trace_kind kind;
	unsigned cpu;
	uint64_t line, first, pages;
	int device;   /* NO_DEVICE: not said */
	int tag;      /* of a descriptor */
	bool by_page; /* ... it is page-selective */
	bool iotlb;   /* ... of the IOTLB */
	uint64_t word[2];
};

/* A call of the DMA API that has not returned. */
struct kernel_call {
	enum trace_kind kind;
	int device;
	uint64_t pages; /* of a single map: expected; of a list: mapped so far */
	uint64_t first, line;
	bool slow;
};

struct kernel_unmap {
	uint64_t line, first, pages;
	unsigned cpu;
	int device;
};

struct kernel_cpu {
	struct kernel_call call[KERNEL_CALLS];
	unsigned calls;
	struct kernel_unmap asked; /* by the DMA API; pages 0: none */
	uint64_t slow_pages;       /* an allocation from the tree whose call is not known; or 0 */
	struct kernel_unmap unmap[KERNEL_UNMAPS];
	unsigned unmaps;
	struct flush_probes said; /* of the flush that comes */
	/* An unmap that should flush, and what it should say. */
	int flush_lane; /* -1: none */
	uint64_t flush_line;
	struct lane_descriptor flush_desc;
	int last_lane; /* the last that a map here was for; -1 */
};

struct kernel_lane {
	struct lane *lane;
	int tag, device;
	bool flushed; /* lazy: its queue's contents are known */
	struct kernel_unmap *queued;
	unsigned queue;
};

/* A map that could be for several domains: what each of their models said when it came. */
struct kernel_riddle {
	uint64_t line, first, pages;
	uint64_t ours[KERNEL_LANES]; /* UINT64_MAX: could not be told */
};

struct kernel {
	const struct predict_config *config;
	struct predict_result *result;
	enum kernel_mode mode;
	struct kernel_lane lane[KERNEL_LANES];
	unsigned lanes;
	char device[KERNEL_DEVICES][24];
	unsigned devices;
	struct kernel_cpu cpu[MIRROR_CPUS];
	bool tells_slow; /* the recording says which allocations went to the tree */
	/* Until the mode is known. */
	struct kernel_event *early;
	size_t earlies, early_room;
	unsigned early_unmaps;
	/* Maps whose domain is not known yet. */
	struct kernel_riddle *riddle;
	size_t riddles, riddle_room;
	uint64_t owners_guessed, owners_never_told;
};

/* ---- kernel_calls.c: maps, and the DMA API around them ---- */

/* 0, -ENOMEM, -EINVAL with @err. */
int kernel_map(struct kernel *k, const struct kernel_event *ev, struct err *err) MUST_CHECK;
int kernel_call(struct kernel *k, const struct kernel_event *ev, struct err *err) MUST_CHECK;

/* ---- kernel_unmap.c: unmaps, invalidations, flushes ---- */

int kernel_unmap(struct kernel *k, const struct kernel_event *ev, struct err *err) MUST_CHECK;
int kernel_descriptor(struct kernel *k, const struct kernel_event *ev, struct err *err) MUST_CHECK;
/* No more come: a flush that was expected did not. */
void kernel_settle(struct kernel *k);

/* ---- kernel_owner.c: whose an address is ---- */

/* The lane of @device, of @tag: made if need be. 0 or an error with @err. */
int kernel_lane_of_device(struct kernel *k, int device, unsigned *out, struct err *err) MUST_CHECK;
int kernel_lane_of_tag(struct kernel *k, int tag, uint64_t first, uint64_t pages, unsigned *out,
		       struct err *err) MUST_CHECK;
/*
 * Whose a map is that no probe names a device for: the lane to go on with in *@out, and whether
 * that is known; else *@riddle has what each lane says to it.
 */
int kernel_owner(struct kernel *k, unsigned cpu, uint64_t first, uint64_t pages, unsigned *out,
		 bool *known, struct kernel_riddle *riddle, struct err *err) MUST_CHECK;
/* To be judged when its domain is named. 0 or -ENOMEM with @err. */
int kernel_pose(struct kernel *k, const struct kernel_riddle *riddle, struct err *err) MUST_CHECK;
/* An unmap named the domain, @lane's, of whatever was mapped there. */
void kernel_solve(struct kernel *k, unsigned lane, uint64_t first, uint64_t pages);
/* The lane that holds just this range, -1 if none does. */
int kernel_holder(const struct kernel *k, uint64_t first, uint64_t pages);
/* Forget all lanes: what follows is another time. */
void kernel_drop_lanes(struct kernel *k);

#endif
