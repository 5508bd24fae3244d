/* SPDX-License-Identifier: MIT */
/*
 * A model of one recorded domain's address allocator: a row of our allocators, and what is known of
 * how far it can be trusted. A recording begins with caches filled and a tree in use; of both
 * nothing is known. A cache is a stack, so what was seen to go on it comes off it exactly, however
 * much unknown lies below; when it is empty here, what comes is unobservable, until the recording
 * says of an allocation that it went to the tree: then that CPU's cache was empty there, too.
 *
 * How full magazines were at the beginning shows where more ranges are free than two of them hold,
 * or CPUs take from each other. When several predictions close to each other were wrong, the
 * number that the first magazines of one CPU held is looked for again: every one of the 256 there
 * are is tried on what was recorded so far, never on what comes. The unknown ranges are
 * placeholders, which never count as predicted.
 */
#ifndef IOTOLL_PREDICT_MIRROR_H
#define IOTOLL_PREDICT_MIRROR_H

#include "dma/iova/iova.h"

#define MIRROR_CLASSES 6u /* ranges of 1, 2, 4 .. 32 pages are cached */
#define MIRROR_CPUS    16u

enum mirror_verdict { MIRROR_EXACT, MIRROR_WRONG, MIRROR_UNOBSERVABLE };

/* Does the recording say whether an allocation went to the tree? */
enum mirror_slow { MIRROR_SLOW_UNSAID, MIRROR_SLOW_NO, MIRROR_SLOW_YES };

enum mirror_op { MIRROR_ALLOC, MIRROR_FREE, MIRROR_ADOPT, MIRROR_FORGET, MIRROR_STRANGERS };

/* One thing that happened, as it is kept for trying other beginnings. */
struct mirror_event {
	uint64_t first, count;
	uint8_t op, cpu, slow;
};

/* The allocator, and what is known of it: all that an event changes. */
struct mirror_state {
	struct iova *iova;
	unsigned cpu;                              /* whose call it is */
	bool emptied[MIRROR_CPUS][MIRROR_CLASSES]; /* was known to be empty once */
	bool tree_known;
};

struct mirror {
	struct dma_env *env;
	uint64_t entries;
	struct mirror_state now;
	uint8_t fill[MIRROR_CPUS][MIRROR_CLASSES]; /* unknown ranges at the beginning: 0..255 */
	struct {
		uint64_t first, count;
	} reserved[16];
	unsigned reservations;
	struct mirror_event *log;
	size_t events, room;
	unsigned recent[MIRROR_CPUS][MIRROR_CLASSES]; /* wrong, of late */
	uint64_t allocations[MIRROR_CLASSES], last_wrong[MIRROR_CLASSES];
	unsigned fits[MIRROR_CLASSES];
};

/* What a map came to. */
struct mirror_answer {
	enum mirror_verdict verdict;
	uint64_t predicted; /* UINT64_MAX: no room */
	char state[192];    /* what that rested on */
};

/* Nothing known but that there are @entries. 0 or -ENOMEM. */
int mirror_init(struct mirror *m, struct dma_env *env, uint64_t entries) MUST_CHECK;
/* Allowed on a zeroed struct. */
void mirror_fini(struct mirror *m);
/* Never to be handed out. 0; -ENOSPC, -ENOMEM. */
int mirror_reserve(struct mirror *m, uint64_t first, uint64_t count) MUST_CHECK;
/*
 * CPU @cpu asked for @count and got @first. 0 and the verdict in *@answer; -EEXIST if somebody
 * holds them (wrong, and nothing changes); -ENOMEM.
 */
int mirror_alloc(struct mirror *m, unsigned cpu, uint64_t first, uint64_t count,
		 enum mirror_slow slow, struct mirror_answer *answer) MUST_CHECK;
/* What would be predicted, UINT64_MAX if nothing could be; and is it? Nothing changes. */
uint64_t mirror_ask(struct mirror *m, unsigned cpu, uint64_t count) MUST_CHECK;
/* They are somebody's since before the recording. 0, -EEXIST, -ENOMEM. */
int mirror_adopt(struct mirror *m, uint64_t first, uint64_t count) MUST_CHECK;
bool mirror_owns(const struct mirror *m, uint64_t first, uint64_t count);
/* Held entries come back on @cpu; or they were somebody else's all the time. */
void mirror_free(struct mirror *m, unsigned cpu, uint64_t first, uint64_t count);
void mirror_forget(struct mirror *m, uint64_t first, uint64_t count);
/* Ranges that were never seen may have gone into any cache. */
void mirror_strangers(struct mirror *m);

#endif
