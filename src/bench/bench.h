/* SPDX-License-Identifier: MIT */
/*
 * Measuring the native library on this host: real threads, the wall clock, the code that programs
 * embed. This header is all that the rest of the program sees of it. The room is linked, together
 * with what it measures, into one object that shows nothing but the functions of this header and of
 * bench/layer.h, because the laboratory has functions of the same names.
 */
#ifndef IOTOLL_BENCH_BENCH_H
#define IOTOLL_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define BENCH_RIVALS_MAX 4u
#define BENCH_NAME_BYTES 64u

enum bench_pattern {
	BENCH_RING,   /* the oldest is given back, as descriptor rings do */
	BENCH_LIFO,   /* the newest is */
	BENCH_RANDOM, /* any of them, drawn before anything is timed */
	BENCH_PATTERNS,
};

enum bench_locks {
	BENCH_SPLIT_LOCKS, /* none around each call, where strategy and driver can */
	BENCH_ONE_LOCK,
	BENCH_LOCKS,
};

/* What can be asked for; 0 or NULL: as the row has it. */
struct bench_setup {
	const char *iommu;      /* "vtd", "calgary", "dart-u4", ... */
	const char *strategy;   /* "strict", "deferred", ... */
	const char *allocator;  /* "magazines", "next-fit", ... */
	const char *policy;     /* of replacement in an IOTLB */
	unsigned pattern;       /* enum bench_pattern, plus one */
	unsigned locks;         /* enum bench_locks, plus one */
	unsigned threads;       /* 1..1024 */
	unsigned pages;         /* of one mapping, 1..1024 */
	unsigned outstanding;   /* mappings alive at a time, of each thread, 1..65536 */
	unsigned entries, ways; /* of the IOTLB; 0 ways: fully associative */
	uint64_t table_entries; /* of the DMA layer's table; 0: what its driver usually has */
};

/* One of those that took turns with a row in the same run. */
struct bench_rival {
	const char *name;
	double median;
	double ratio; /* median over the turns of this one's figure to the row's */
};

struct bench_result {
	char name[BENCH_NAME_BYTES];
	const char *group, *what, *unit;
	double median, p10, p99;
	double low, high;      /* the 95 % interval of the median */
	const double *samples; /* in order; gone after the call */
	size_t count;          /* of them; 1: a figure that was counted, not timed */
	uint64_t ops;          /* timed at a time, by each thread */
	unsigned dropped;    /* rounds that other programs' load fell into, and that do not count */
	bool disturbed;      /* it fell into all of them, so they had to count */
	bool interval_met;   /* the interval asked for was reached before the time limit */
	bool processor_time; /* more threads than processors: see bench/gang.h */
	double target;       /* 0: none */
	bool more_is_better; /* of unit */
	bool met;            /* the target; false without one */
	const char *floor;   /* of the machine, that bounds it; "" if none does */
	struct bench_setup setup; /* as it was measured */
	struct bench_rival rival[BENCH_RIVALS_MAX];
	unsigned rivals;
};

/* A row that somebody else measures by: this room times it. Group "sim". */
struct bench_outside {
	const char *name, *what;
	/*
	 * Make it ready; *@each: operations of one work(). 0 or -errno with @err, and nothing to
	 * close.
	 */
	int (*open)(void **data, const struct bench_outside *row, uint64_t *each, struct err *err);
	bool (*work)(void *data);
	void (*close)(void *data);
	const void *variant; /* for open() */
	double target;       /* million operations a second; 0: none */
};

struct bench_options {
	const char *group;        /* of bench_groups(); "all" */
	struct bench_setup setup; /* anything set: one row made so, instead of the group's rows */
	double interval_percent;  /* on either side of the median, > 0 */
	double limit_s;           /* a row, and what takes turns with it, at the most; > 0 */
	const struct bench_outside *outside;
	unsigned outside_rows;
	bool quick; /* short rounds and as few as make an interval: for tests */
	/* Told of each row before it and when it is done; stop may be asked at any time. */
	void *ctx;
	bool (*stop)(void *ctx);
	void (*begin)(void *ctx, const char *row, unsigned index, unsigned rows);
	void (*done)(void *ctx, const struct bench_result *result);
	/* A row that could not be measured here, and why. Not an error of the run. */
	void (*left_out)(void *ctx, const char *row, const char *why);
};

/* Names and one-line titles of the groups, "all" last; NULL past it. */
const char *bench_groups(unsigned index, const char **title);
/*
 * Measure. 0; -EINTR: stop() said so, and what was done before is told; -EINVAL with @err: an
 * option names what there is not, or asks for what does not go together; -ENOMEM, -EAGAIN.
 */
int bench_run(const struct bench_options *options, struct err *err) MUST_CHECK;

/* The parameters of Linux's dma_map_benchmark (tools/testing/selftests/dma). */
struct bench_map_params {
	unsigned threads;  /* 1..1024 */
	unsigned seconds;  /* 1..300 */
	int node;          /* NUMA node, -1: any */
	unsigned bits;     /* of the DMA mask, 20..64 */
	unsigned dir;      /* 0: bidirectional, 1: to, 2: from the device */
	unsigned delay_ns; /* between map and unmap, up to 10 ms */
	unsigned granule;  /* pages of a mapping, 1..1024 */
};

struct bench_map_result {
	uint64_t loops;
	/* As the kernel counts: each call in whole units of 100 ns, cut, not rounded. */
	uint64_t map_100ns, map_deviation, unmap_100ns, unmap_deviation;
	/* The same calls, not cut. */
	double map_ns, map_deviation_ns, unmap_ns, unmap_deviation_ns;
	double clock_ns; /* of which the reading of the clock takes */
};

/*
 * What its kernel side does, on this library, with @setup's IOMMU, strategy and allocator. Errors
 * as those of bench_run(); -EIO: a map failed.
 */
int bench_map_run(const struct bench_map_params *params, const struct bench_setup *setup,
		  bool (*stop)(void *ctx), void *ctx, struct bench_map_result *out,
		  struct err *err) MUST_CHECK;

#endif
