/* SPDX-License-Identifier: MIT */
/*
 * A testbed whose load's domain is going to die in the middle of a run, and what must be true of
 * the hypervisor, of the device and of every frame then. Tests fail where it is not.
 */
#ifndef IOTOLL_TESTS_STUDY_DEATH_WORLD_H
#define IOTOLL_TESTS_STUDY_DEATH_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "study/platform.h"
#include "study/testbed.h"

struct world {
	struct scenario s;
	struct testbed t;
	struct hyper *h;
	uint64_t *mfn; /* the dying domain's frames */
	uint64_t frames;
	uint64_t others;     /* frames in use but for both domains' own */
	struct host *dead;   /* an empty shell: the load knows where its buffers lay */
	struct machine gone; /* the same for the host */
};

/* An IOMMU and the machine that has it, as settings. */
extern const char *const death_models[3][2];

/* @scenario with small memories, a small table and @sets, its load started. */
void death_start(struct world *w, const char *scenario, const char *const model[2],
		 const char *const *sets);
void death_run_for(struct world *w, uint64_t ps);
void death_books_are_right(const struct world *w);
/* Before it dies: the dying domain's frames. */
void death_note_frames(struct world *w);
/* Every address the device can use: none leads to a frame that is nobody's. */
void death_nothing_freed_is_reachable(const struct world *w);
/* Fill what was freed: the array says of which frames that is. To be freed. */
bool *death_poison_freed(const struct world *w);
/* What was freed and is still free was written by nobody. */
void death_nothing_freed_was_written(const struct world *w, const bool *freed);
/* No frame is lost: after a flush nothing is left of it but what the others have. */
void death_nothing_is_left(struct world *w);
/* Take everything down; the load is gone. */
void death_finish(struct world *w);

#endif
