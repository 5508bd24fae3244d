/* SPDX-License-Identifier: MIT */
/* What a core does by itself: its clock, locked accesses, a lock, a call, a flush. */
#include <pthread.h>

#include "host/host_impl.h"
#include "host/loops.h"

#define ADDS  (512u << 10)
#define TICKS 200e3 /* ns of a round of the counter */
#define TIMES 20000ul
#define FLUSH 512ul /* lines, 32 KiB */

/* An addition of two registers takes one cycle on every core there is, if it needs the last one. */
static double clock_round(void *ctx)
{
	const double before = host_thread_ns();

	(void)ctx;
	(void)loop_add(ADDS);
	return ADDS * 1e3 / (host_thread_ns() - before);
}

int host_clock(const struct host_job *job, struct host_sample *out)
{
	host_method(out,
		    "%u additions each of which needs the one before, a cycle each, by the "
		    "thread's CPU time",
		    ADDS);
	return host_rounds(job->options, clock_round, NULL, out);
}

static double tsc_round(void *ctx)
{
	const double before = host_wall_ns();
	const uint64_t ticks = loop_ticks();
	double now;

	(void)ctx;
	do
		now = host_wall_ns();
	while (now - before < TICKS);
	return (double)(loop_ticks() - ticks) * 1e3 / (now - before);
}

int host_tsc(const struct host_job *job, struct host_sample *out)
{
	if (!loop_ticks())
		return host_not(out, "no time-stamp counter that programs may read is known here");
	host_method(out, "rdtsc against the system's monotonic clock, over %.0f us", TICKS / 1e3);
	return host_rounds(job->options, tsc_round, NULL, out);
}

struct line {
	uint64_t word[8];
} __attribute__((aligned(HOST_LINE)));

static double atomic_round(void *ctx)
{
	struct line *line = ctx;
	const double before = host_thread_ns();

	loop_atomic(line->word, TIMES);
	return (host_thread_ns() - before) / (double)TIMES;
}

int host_atomic(const struct host_job *job, struct host_sample *out)
{
	struct line line = {{0}};

	host_method(out,
		    "%lu locked additions to one word, back to back, each with its loop's step",
		    TIMES);
	return host_rounds(job->options, atomic_round, &line, out);
}

static double call_round(void *ctx)
{
	const double before = host_thread_ns();

	loop_call(loop_read_back, ctx, TIMES);
	return (host_thread_ns() - before) / (double)TIMES;
}

int host_call(const struct host_job *job, struct host_sample *out)
{
	struct line line = {{0}};

	host_method(out,
		    "%lu calls by a pointer of a function that loads a word, each with its "
		    "loop's step",
		    TIMES);
	return host_rounds(job->options, call_round, &line, out);
}

static double lock_round(void *ctx)
{
	const double before = host_thread_ns();

	loop_lock(ctx, TIMES);
	return (host_thread_ns() - before) / (double)TIMES;
}

int host_lock(const struct host_job *job, struct host_sample *out)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

	host_method(out,
		    "%lu times pthread_mutex_trylock() and pthread_mutex_unlock() in a program "
		    "of two threads, one asleep",
		    TIMES);
	return host_rounds_threaded(job->options, lock_round, &mutex, out);
}

static double flush_round(void *ctx)
{
	double before;

	loop_dirty(ctx, FLUSH, 0);
	before = host_thread_ns();
	loop_flush(ctx, FLUSH);
	return (host_thread_ns() - before) / (double)FLUSH;
}

int host_flush(const struct host_job *job, struct host_sample *out)
{
	struct host_memory m;
	int rc;

	if (!loop_can_flush())
		return host_not(out, "no instruction to write back and drop a line is known here");
	if (host_memory_init(&m, FLUSH * HOST_LINE, true))
		return host_not(out, "no memory");
	host_method(out, "clflush and mfence, line by line, over %lu lines written just before",
		    FLUSH);
	rc = host_rounds(job->options, flush_round, m.base, out);
	host_memory_fini(&m);
	return rc;
}
