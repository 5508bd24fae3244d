/* SPDX-License-Identifier: MIT */
/*
 * Lines between two CPUs: a second thread, pinned to another CPU, writes what the measuring one
 * then reads. Rounds in which one of them was not running come out long or are given up.
 */
#include <pthread.h>

#include "host/host_impl.h"
#include "host/loops.h"

#define LINES     1024ul /* 64 KiB: more than a first level, less than a second */
#define EXCHANGES 1000ul

struct pair {
	uint64_t word __attribute__((aligned(2 * HOST_LINE))); /* whose turn it is */
	bool stop __attribute__((aligned(2 * HOST_LINE)));
	struct host_memory m;
	unsigned cpu;
	uint64_t next; /* value of the word at which the measuring side goes on */
	void *at;
};

static void *ponger(void *ctx)
{
	struct pair *p = ctx;

	if (!host_pin(p->cpu))
		(void)loop_pong(&p->word, 1, UINT64_MAX / 4, &p->stop);
	return NULL;
}

static double pong_round(void *ctx)
{
	struct pair *p = ctx;
	const double before = host_thread_ns();

	if (!loop_pong(&p->word, p->next, EXCHANGES, &p->stop))
		return -1;
	p->next += 2 * EXCHANGES;
	return (host_thread_ns() - before) / (2.0 * (double)EXCHANGES);
}

static void *writer(void *ctx)
{
	struct pair *p = ctx;

	if (host_pin(p->cpu))
		return NULL;
	for (uint64_t turn = 1; loop_wait(&p->word, turn, &p->stop); turn += 2) {
		loop_dirty(p->m.base, LINES, sizeof(void *));
		__atomic_store_n(&p->word, turn + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static double transfer_round(void *ctx)
{
	struct pair *p = ctx;
	double before;

	__atomic_store_n(&p->word, p->next + 1, __ATOMIC_RELEASE);
	p->next += 2;
	if (!loop_wait(&p->word, p->next, &p->stop))
		return -1;
	before = host_thread_ns();
	p->at = loop_chase(p->at, LINES);
	return (host_thread_ns() - before) / (double)LINES;
}

/* @other on the second CPU while rounds run on the first. */
static int with_other(struct pair *p, void *(*other)(void *), host_round_fn *round,
		      const struct host_job *job, struct host_sample *out)
{
	pthread_t thread;
	int rc;

	if (pthread_create(&thread, NULL, other, p))
		return host_not(out, "no second thread to be had");
	rc = host_rounds(job->options, round, p, out);
	__atomic_store_n(&p->stop, true, __ATOMIC_RELAXED);
	(void)pthread_join(thread, NULL);
	return rc;
}

static const char *which(bool siblings)
{
	return siblings ? ", two of one core" : "";
}

int host_pingpong(const struct host_job *job, struct host_sample *out)
{
	struct pair p = {.next = 0};

	if (job->cpus < 2)
		return host_not(out, "this process may run on one CPU only");
	p.cpu = job->cpu[1];
	host_method(
		out,
		"two threads on CPUs %u and %u%s write a word in turn, %lu times a round: half of "
		"a round trip",
		job->cpu[0], job->cpu[1], which(job->siblings), EXCHANGES);
	return with_other(&p, ponger, pong_round, job, out);
}

int host_transfer(const struct host_job *job, struct host_sample *out)
{
	struct pair p = {.next = 0};
	int rc;

	if (job->cpus < 2)
		return host_not(out, "this process may run on one CPU only");
	p.cpu = job->cpu[1];
	if (host_memory_init(&p.m, LINES * HOST_LINE, true))
		return host_not(out, "no memory");
	if (host_link_lines(p.m.base, LINES * HOST_LINE, 1)) {
		host_memory_fini(&p.m);
		return host_not(out, "no memory");
	}
	p.at = p.m.base;
	host_method(out,
		    "dependent loads on CPU %u of %lu lines that a thread on CPU %u%s has just "
		    "written, "
		    "in random order",
		    job->cpu[0], LINES, job->cpu[1], which(job->siblings));
	rc = with_other(&p, writer, transfer_round, job, out);
	host_memory_fini(&p.m);
	return rc;
}
