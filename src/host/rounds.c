/* SPDX-License-Identifier: MIT */
/* Rounds of a measurement, and what is said of them all. */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "host/host_impl.h"

#define ROUNDS       151u
#define QUICK_ROUNDS 31u
#define LEAST        9u /* fewer say nothing */
#define WARM         2u
#define SECONDS      10.0
#define QUICK        2.0

static double clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

double host_thread_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

double host_wall_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

int host_not(struct host_sample *out, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(out->why_not, sizeof(out->why_not), fmt, args);
	va_end(args);
	out->median = out->p10 = out->p90 = 0;
	return 0;
}

void host_method(struct host_sample *out, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(out->method, sizeof(out->method), fmt, args);
	va_end(args);
}

static int ascending(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void summarise(struct host_sample *out, double *value, unsigned n)
{
	out->samples = n;
	if (n < LEAST) {
		host_not(out, "%u rounds of %u at the least: the CPUs were busy otherwise", n,
			 LEAST);
		return;
	}
	qsort(value, n, sizeof(value[0]), ascending);
	out->median = value[n / 2];
	out->p10 = value[n / 10];
	out->p90 = value[n - 1 - n / 10];
	if (!(out->p10 > 0))
		host_not(out, "shorter than what was subtracted for the measuring itself");
}

int host_rounds(const struct host_options *options, host_round_fn *round, void *ctx,
		struct host_sample *out)
{
	const unsigned want = options->quick ? QUICK_ROUNDS : ROUNDS;
	const double until = host_wall_ns() + (options->quick ? QUICK : SECONDS) * 1e9;
	double value[ROUNDS];
	unsigned n = 0;

	for (unsigned i = 0; n < want && (i < want || host_wall_ns() < until); i++) {
		const double v = round(ctx);

		if (options->should_stop && options->should_stop(options->ctx))
			return -EINTR;
		if (v >= 0 && i >= WARM)
			value[n++] = v;
	}
	summarise(out, value, n);
	return 0;
}

static void *wait_for_end(void *ctx)
{
	(void)pthread_mutex_lock(ctx);
	(void)pthread_mutex_unlock(ctx);
	return NULL;
}

int host_rounds_threaded(const struct host_options *options, host_round_fn *round, void *ctx,
			 struct host_sample *out)
{
	pthread_mutex_t end = PTHREAD_MUTEX_INITIALIZER;
	pthread_t sleeper;
	int rc;

	(void)pthread_mutex_lock(&end);
	if (pthread_create(&sleeper, NULL, wait_for_end, &end)) {
		(void)pthread_mutex_unlock(&end);
		return host_not(out, "no second thread to be had");
	}
	rc = host_rounds(options, round, ctx, out);
	(void)pthread_mutex_unlock(&end);
	(void)pthread_join(sleeper, NULL);
	return rc;
}
