/* SPDX-License-Identifier: MIT */
/*
 * Threads that measure: each on a processor of its own as far as there are enough, begun together
 * for each round. A thread that has done its share goes on with the same work until the last one
 * has, so that whoever is slower is not measured against nobody.
 *
 * A round does not count if one of its threads was put off its processor against its will meanwhile
 * (getrusage(2), ru_nivcsw), or began much later than another: that is other programs' load. Where
 * there are more threads than processors this cannot be had; then threads are timed in their own
 * processor time.
 */
#ifndef IOTOLL_BENCH_GANG_H
#define IOTOLL_BENCH_GANG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define GANG_MAX 1024u

struct gang;

/* What a round does; false: it failed, and nothing more is asked of it. */
typedef bool (*gang_work)(void *ctx, unsigned thread, uint64_t ops);

struct gang_round {
	gang_work work;
	void *ctx;
	uint64_t ops;        /* of each measured thread */
	unsigned threads;    /* that take part, at most those of the gang; the first ones */
	unsigned background; /* of them, the last ones: they work, and are not timed */
	bool once; /* nobody goes on: the threads wait for each other's work by themselves */
	bool processor_time; /* as if there were too few processors: for rounds that last long */
};

struct gang_time {
	double ns;   /* mean over the measured threads of the time for one operation */
	bool counts; /* all began together, and nobody was put off */
	bool failed; /* work() said so */
};

/*
 * Start @threads (1..GANG_MAX) threads, of processors that this one may use; @node (-1: any) says
 * of which NUMA node. 0, -EINVAL with @err if there is no such node, -ENOMEM, -EAGAIN.
 */
int gang_create(struct gang **out, unsigned threads, int node, struct err *err) MUST_CHECK;
/* NULL is allowed. */
void gang_destroy(struct gang *gang);
/* Are there fewer processors than threads? */
bool gang_crowded(const struct gang *gang);
void gang_do(struct gang *gang, const struct gang_round *round, struct gang_time *out);
/* The monotonic clock. */
double gang_now_ns(void);

#endif
