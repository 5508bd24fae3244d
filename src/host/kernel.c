/* SPDX-License-Identifier: MIT */
/* What the kernel takes for a program: a system call, a switch between processes. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/host_impl.h"

#define CALLS 1000u
#define TRIPS 50u

static double syscall_round(void *ctx)
{
	const double before = host_thread_ns();

	(void)ctx;
	for (unsigned i = 0; i < CALLS; i++)
		(void)syscall(SYS_getppid);
	return (host_thread_ns() - before) / CALLS;
}

int host_syscall(const struct host_job *job, struct host_sample *out)
{
	host_method(out, "%u times getppid by syscall()", CALLS);
	return host_rounds(job->options, syscall_round, NULL, out);
}

struct processes {
	int to[2], from[2]; /* the other one's pipes, read end first */
	pid_t other;
	clockid_t clock; /* its CPU time */
	double alone;    /* a byte into a pipe and out of it, without switching */
};

static bool pass(int out, int in)
{
	char byte = 0;

	return write(out, &byte, 1) == 1 && read(in, &byte, 1) == 1;
}

static double alone_round(void *ctx)
{
	const struct processes *p = ctx;
	const double before = host_thread_ns();

	for (unsigned i = 0; i < TRIPS; i++)
		if (!pass(p->to[1], p->to[0]))
			return -1;
	return (host_thread_ns() - before) / TRIPS;
}

static double other_ns(const struct processes *p)
{
	struct timespec ts = {0};

	clock_gettime(p->clock, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* Both processes' CPU time: what others ran in between is not in it. */
static double switch_round(void *ctx)
{
	const struct processes *p = ctx;
	const double before = host_thread_ns() + other_ns(p);
	double took;

	for (unsigned i = 0; i < TRIPS; i++)
		if (!pass(p->to[1], p->from[0]))
			return -1;
	took = (host_thread_ns() + other_ns(p) - before) / (2 * TRIPS) - p->alone;
	return took;
}

/* The other process: it sends back what it gets until there is no more. */
static void echo(const struct processes *p)
{
	char byte;

	close(p->to[1]);
	close(p->from[0]);
	while (read(p->to[0], &byte, 1) == 1 && write(p->from[1], &byte, 1) == 1)
		;
	_exit(0);
}

static void close_pipe(int fd[2])
{
	for (unsigned i = 0; i < 2; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

static int measure_switch(struct processes *p, const struct host_job *job, struct host_sample *out)
{
	struct host_sample alone = {0};
	int rc = host_rounds(job->options, alone_round, p, &alone);

	if (rc)
		return rc;
	if (alone.why_not[0])
		return host_not(out, "%s", alone.why_not);
	p->alone = alone.median;
	p->other = fork();
	if (p->other < 0)
		return host_not(out, "no second process to be had");
	if (!p->other)
		echo(p);
	host_method(
		out,
		"pipes between two processes pinned to one CPU, both's CPU time of half a round "
		"trip, less %.0f ns for the same calls by one process; waking the other is in it",
		p->alone);
	if (clock_getcpuclockid(p->other, &p->clock))
		rc = host_not(out, "the other process's CPU time cannot be read");
	else
		rc = host_rounds(job->options, switch_round, p, out);
	close(p->to[1]);
	p->to[1] = -1;
	(void)waitpid(p->other, NULL, 0);
	return rc;
}

int host_switch(const struct host_job *job, struct host_sample *out)
{
	struct processes p = {.to = {-1, -1}, .from = {-1, -1}};
	int rc;

	if (pipe2(p.to, O_CLOEXEC) || pipe2(p.from, O_CLOEXEC))
		rc = host_not(out, "no pipes to be had");
	else
		rc = measure_switch(&p, job, out);
	close_pipe(p.to);
	close_pipe(p.from);
	return rc;
}
