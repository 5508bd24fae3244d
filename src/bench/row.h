/* SPDX-License-Identifier: MIT */
/*
 * A row: something that is measured, its target if it has one, and its rivals, which take turns
 * with it. What a row does is a subject: a table of functions, and a setup that says how it is to
 * be. Private to src/bench.
 */
#ifndef IOTOLL_BENCH_ROW_H
#define IOTOLL_BENCH_ROW_H

#include "bench/bench.h"
#include "bench/gang.h"

struct subject {
	/*
	 * Ready to work for setup->threads threads; @variant: the row's. 0 and *@data; -errno
	 * with @err, and nothing to close.
	 */
	int (*open)(void **data, const struct bench_setup *setup, const void *variant,
		    struct err *err);
	/* See gang_work. */
	bool (*work)(void *data, unsigned thread, uint64_t ops);
	void (*close)(void *data);
	unsigned background; /* see gang_round */
	bool once;
	bool processor_time;
	uint64_t each; /* operations in one, of subjects that do many at a time; 0: 1 */
	uint64_t (*says)(void *data); /* instead of each, once open */
	/* Instead of all that: a figure that is counted. -EOPNOTSUPP: not here, @err says why. */
	int (*count)(const struct bench_setup *setup, double *figure, struct err *err);
};

struct rival_row {
	const char *name;
	const struct subject *subject; /* NULL: the row's */
	struct bench_setup setup;      /* what is different from the row's */
	const void *variant;           /* NULL: the row's */
};

struct row {
	const char *name, *group, *what;
	const struct subject *subject;
	const void *variant; /* for the subject: what a setup has no words for */
	struct bench_setup setup;
	double target;     /* nanoseconds, or million a second */
	const char *floor; /* what of the machine bounds it */
	bool per_page;     /* the figure is divided by the pages of a mapping */
	bool rate;         /* million operations a second, not nanoseconds each */
	const char *unit;  /* of what is counted */
	double flat; /* > 0: the row's figure is at most so many times its first rival's, which
			becomes a row of its own */
	struct rival_row rival[BENCH_RIVALS_MAX];
};

/*
 * Rivals of many rows: Calgary's bitmap of 2007, and the tree of Linux before its magazines, each
 * under one lock.
 */
#define BITMAP_AND_LOCK                               \
	{                                             \
		.name = "bitmap and lock", .setup = { \
			.allocator = "next-fit",      \
			.locks = 1 + BENCH_ONE_LOCK   \
		}                                     \
	}
#define TREE_AND_LOCK                               \
	{                                           \
		.name = "tree and lock", .setup = { \
			.allocator = "tree-linear", \
			.locks = 1 + BENCH_ONE_LOCK \
		}                                   \
	}

/* The rows of each group, ended by one without a name. */
extern const struct row map_rows[], iova_rows[], translate_rows[], invalidate_rows[], iotlb_rows[];

/* @over's members where they are set, else @under's. */
struct bench_setup setup_over(const struct bench_setup *over, const struct bench_setup *under);
/* Measure @row as @options say and tell of it. Errors as bench_run(). */
int row_measure(const struct row *row, const struct bench_options *options,
		struct err *err) MUST_CHECK;

#endif
