/* SPDX-License-Identifier: MIT */
/* See gang.h. */
#include "bench/gang.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_NS 2e6 /* at the start line before others are let run */
#define SKEW        0.1 /* of the time of its share by which a thread may begin after another */

struct member {
	struct gang *gang;
	unsigned index;
	pthread_t id;
	double ns;       /* of an operation */
	double from, to; /* of its share, on the monotonic clock */
	bool put_off, failed;
} __attribute__((aligned(64)));

struct gang {
	struct member *member;
	unsigned threads, started, cpus;
	cpu_set_t allowed;
	pthread_mutex_t begin;  /* held until all members are there, or will not be */
	pthread_barrier_t gate; /* the members, and who asks for a round */
	bool stop, crowded;
	struct gang_round round;
	unsigned ready __attribute__((aligned(64)));    /* members on the start line */
	unsigned measured __attribute__((aligned(64))); /* members that have done their share */
};

static double clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double gang_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static long times_put_off(void)
{
	struct rusage u;

	return getrusage(RUSAGE_THREAD, &u) ? 0 : u.ru_nivcsw;
}

/* The @n-th processor of @set, which is not empty, counted round and round. */
static unsigned nth_cpu(const cpu_set_t *set, unsigned n)
{
	unsigned left = n % (unsigned)CPU_COUNT(set), cpu = 0;

	for (;; cpu++)
		if (CPU_ISSET(cpu, set) && left-- == 0)
			return cpu;
}

static void pin(const struct member *m)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(nth_cpu(&m->gang->allowed, m->index), &one);
	/* Where it is refused the scheduler chooses: the figures are then less steady. */
	(void)pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
}

/* Whoever spins is running when the last one comes; who shares a processor has to let it come. */
static void start_line(struct gang *g, unsigned threads)
{
	const double patience = g->crowded ? 0 : PATIENCE_NS;
	const double from = gang_now_ns();

	__atomic_fetch_add(&g->ready, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&g->ready, __ATOMIC_ACQUIRE) < threads)
		if (gang_now_ns() - from > patience)
			(void)sched_yield();
}

static void go_on(struct member *m, unsigned measured)
{
	const struct gang_round *r = &m->gang->round;
	const uint64_t slice = r->ops / 64 ? r->ops / 64 : 1;

	while (!m->failed && __atomic_load_n(&m->gang->measured, __ATOMIC_ACQUIRE) < measured)
		m->failed = !r->work(r->ctx, m->index, slice);
}

static void do_share(struct member *m)
{
	struct gang *g = m->gang;
	const struct gang_round *r = &g->round;
	const bool own = g->crowded || r->processor_time;
	const double before = own ? clock_ns(CLOCK_THREAD_CPUTIME_ID) : 0;

	m->from = gang_now_ns();
	m->failed = !r->work(r->ctx, m->index, r->ops);
	m->to = gang_now_ns();
	m->ns = own ? clock_ns(CLOCK_THREAD_CPUTIME_ID) - before : m->to - m->from;
	m->ns /= (double)r->ops;
	__atomic_fetch_add(&g->measured, 1, __ATOMIC_ACQ_REL);
}

static void run(struct member *m)
{
	const struct gang_round *r = &m->gang->round;
	const unsigned measured = r->threads - r->background;
	const bool timed = m->index < measured;
	long before;

	m->failed = false;
	start_line(m->gang, r->threads);
	before = times_put_off();
	if (timed)
		do_share(m);
	if (!timed || !r->once)
		go_on(m, measured);
	m->put_off = times_put_off() != before;
}

static void *member_main(void *arg)
{
	struct member *m = arg;

	(void)pthread_mutex_lock(&m->gang->begin);
	(void)pthread_mutex_unlock(&m->gang->begin);
	if (m->gang->stop)
		return NULL;
	pin(m);
	for (;;) {
		(void)pthread_barrier_wait(&m->gang->gate);
		if (m->gang->stop)
			return NULL;
		if (m->index < m->gang->round.threads)
			run(m);
		(void)pthread_barrier_wait(&m->gang->gate);
	}
}

/* Take from @set what is not in "0-3,8", a list as the kernel prints them. */
static void keep_listed(cpu_set_t *set, FILE *list)
{
	unsigned first, last;
	cpu_set_t named;
	int c = ',';

	CPU_ZERO(&named);
	while (c == ',' && fscanf(list, "%u", &first) == 1) {
		last = first;
		c = fgetc(list);
		if (c == '-') {
			if (fscanf(list, "%u", &last) != 1)
				break;
			c = fgetc(list);
		}
		for (; first <= last && first < CPU_SETSIZE; first++)
			CPU_SET(first, &named);
	}
	CPU_AND(set, set, &named);
}

static int choose_cpus(struct gang *g, int node, struct err *err)
{
	char path[64];
	FILE *list;

	CPU_ZERO(&g->allowed);
	if (sched_getaffinity(0, sizeof(g->allowed), &g->allowed)) {
		/* More processors than fit: take the first ones. */
		for (long i = 0; i < sysconf(_SC_NPROCESSORS_ONLN) && i < CPU_SETSIZE; i++)
			CPU_SET((unsigned)i, &g->allowed);
	}
	if (node >= 0) {
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist", node);
		list = fopen(path, "r");
		if (!list)
			return err_set(err, -EINVAL, "NUMA node %d: this machine has none", node);
		keep_listed(&g->allowed, list);
		(void)fclose(list);
	}
	g->cpus = (unsigned)CPU_COUNT(&g->allowed);
	return g->cpus ? 0 : err_set(err, -EINVAL, "NUMA node %d has no processor for us", node);
}

/* All of them, or those that are there are told to stop and wait to be joined. */
static int start_members(struct gang *g)
{
	int rc = -ENOMEM;

	g->member = aligned_alloc(64, g->threads * sizeof(*g->member));
	if (!g->member)
		return rc;
	(void)pthread_mutex_lock(&g->begin);
	for (; g->started < g->threads; g->started++) {
		struct member *m = &g->member[g->started];

		*m = (struct member){.gang = g, .index = g->started};
		rc = -pthread_create(&m->id, NULL, member_main, m);
		if (rc) {
			g->stop = true;
			break;
		}
	}
	(void)pthread_mutex_unlock(&g->begin);
	return rc;
}

static void join_members(struct gang *g)
{
	for (unsigned i = 0; i < g->started; i++)
		(void)pthread_join(g->member[i].id, NULL);
	(void)pthread_barrier_destroy(&g->gate);
	(void)pthread_mutex_destroy(&g->begin);
	free(g->member);
	free(g);
}

int gang_create(struct gang **out, unsigned threads, int node, struct err *err)
{
	struct gang *g = aligned_alloc(64, sizeof(*g));
	int rc;

	*out = NULL;
	if (!g)
		return -ENOMEM;
	*g = (struct gang){.threads = threads};
	rc = choose_cpus(g, node, err);
	if (rc || pthread_barrier_init(&g->gate, NULL, threads + 1)) {
		free(g);
		return rc ? rc : -ENOMEM;
	}
	g->crowded = threads > g->cpus;
	(void)pthread_mutex_init(&g->begin, NULL);
	rc = start_members(g);
	if (rc) {
		join_members(g);
		return rc;
	}
	*out = g;
	return 0;
}

void gang_destroy(struct gang *g)
{
	if (!g)
		return;
	g->stop = true;
	(void)pthread_barrier_wait(&g->gate);
	join_members(g);
}

bool gang_crowded(const struct gang *g)
{
	return g->crowded;
}

/* Did those that are timed begin as good as together? */
static bool together(const struct gang *g, unsigned measured)
{
	double first = g->member[0].from, last = first, shortest = g->member[0].to - first;

	for (unsigned i = 1; i < measured; i++) {
		const struct member *m = &g->member[i];

		first = m->from < first ? m->from : first;
		last = m->from > last ? m->from : last;
		shortest = m->to - m->from < shortest ? m->to - m->from : shortest;
	}
	return last - first <= SKEW * shortest;
}

void gang_do(struct gang *g, const struct gang_round *round, struct gang_time *out)
{
	const unsigned measured = round->threads - round->background;
	bool put_off = false;

	g->round = *round;
	g->ready = 0;
	g->measured = 0;
	(void)pthread_barrier_wait(&g->gate);
	(void)pthread_barrier_wait(&g->gate);
	*out = (struct gang_time){.ns = 0};
	for (unsigned i = 0; i < round->threads; i++) {
		const struct member *m = &g->member[i];

		out->failed |= m->failed;
		put_off |= m->put_off;
		if (i < measured)
			out->ns += m->ns / measured;
	}
	out->counts = g->crowded || round->processor_time ||
		      (!put_off && (round->once || together(g, measured)));
}
