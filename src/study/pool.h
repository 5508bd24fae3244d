/* SPDX-License-Identifier: MIT */
/*
 * Independent jobs in parallel processes: each runs in a forked child that writes its result into
 * a pipe. A child that dies takes only its own job with it. Results are handed over in the
 * parent, in order of completion.
 */
#ifndef IOTOLL_STUDY_POOL_H
#define IOTOLL_STUDY_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

struct pool_ops {
	void *ctx;
	/* In the child: do job @index and write its result to @out. 0, or -errno with @err. */
	int (*job)(void *ctx, size_t index, FILE *out, struct err *err);
	/* In the parent: job @index gave @bytes of @text (NUL-terminated). Nonzero stops all. */
	int (*done)(void *ctx, size_t index, const char *text, size_t bytes, struct err *err);
	/* In the parent, about four times a second and after each result. May be NULL. */
	void (*progress)(void *ctx, size_t finished, size_t total);
	/* In the parent: true asks to stop (Ctrl-C). May be NULL. */
	bool (*should_stop)(void *ctx);
};

/*
 * Run jobs 0..@jobs-1 in at most @workers children (0 = as many as there are processors).
 * 0; -EINTR after a stop; else the first failure's code with its words in @err. On any return
 * no child is left.
 */
int pool_run(const struct pool_ops *ops, size_t jobs, unsigned workers, struct err *err) MUST_CHECK;

#endif
