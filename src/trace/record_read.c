/* SPDX-License-Identifier: MIT */
/*
 * From the kernel's trace_pipe to a native trace. One thread moves bytes and knows when to stop;
 * the other reads them like any trace. So a recording ends where the kernel's text does, at a whole
 * line, however it is stopped.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "trace/native.h"
#include "trace/record.h"

#define PATIENCE_MS 100

struct pump {
	int from, to;
	const struct record_about *about;
	atomic_uint_least64_t events;
	atomic_bool given_up; /* the reader: nobody wants any more */
	uint64_t bytes;
	int rc;
};

/* False: nobody reads any more. */
static bool pump_write(struct pump *p, const char *at, size_t bytes)
{
	while (bytes) {
		const ssize_t n = write(p->to, at, bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		at += n;
		bytes -= (size_t)n;
	}
	return true;
}

/* What there is. 1: that was something; 0: nothing now; negative: nothing ever. */
static int pump_once(struct pump *p)
{
	char buffer[65536];
	const ssize_t n = read(p->from, buffer, sizeof(buffer));

	if (n > 0) {
		p->bytes += (uint64_t)n;
		return pump_write(p, buffer, (size_t)n) ? 1 : -EPIPE;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	p->rc = n < 0 ? -errno : 0;
	return -ENODATA;
}

/* As the kernel's trace file has it and trace_pipe has not: so even no event at all is a trace. */
static bool pump_header(struct pump *p)
{
	char words[64];

	if (p->about->cpus)
		snprintf(words, sizeof(words), "# tracer: nop\n#   #P:%u\n", p->about->cpus);
	else
		snprintf(words, sizeof(words), "# tracer: nop\n");
	return pump_write(p, words, strlen(words));
}

static void *pump_run(void *ctx)
{
	struct pump *p = ctx;
	const struct record_about *a = p->about;
	struct pollfd wait = {.fd = p->from, .events = POLLIN};
	sigset_t pipe_only;
	int more = 0;

	/* A reader that gave up is an error of write() here, not the end of the program. */
	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_only, NULL);
	if (!pump_header(p))
		more = -EPIPE;
	while (more >= 0 && !atomic_load(&p->given_up) && !a->should_stop(a->ctx)) {
		if (!more)
			(void)poll(&wait, 1, PATIENCE_MS);
		more = pump_once(p);
		if (a->progress)
			a->progress(a->ctx, atomic_load(&p->events), p->bytes);
	}
	if (a->stop)
		a->stop(a->ctx);
	do
		more = more < 0 ? more : pump_once(p);
	while (more > 0);
	(void)close(p->to);
	return NULL;
}

static int read_all(struct trace *t, struct native_writer *w, struct pump *p,
		    struct record_result *result, struct err *err)
{
	struct trace_event ev;
	struct err why = {""};
	int more, rc = 0;

	while (!rc && (more = trace_next(t, &ev, &why)) > 0) {
		rc = native_put(w, &ev);
		atomic_fetch_add(&p->events, 1);
	}
	if (rc)
		return err_set(err, rc, "the recording cannot be written: %s", strerror(-rc));
	if (more < 0)
		snprintf(result->broken, sizeof(result->broken), "%s", why.text);
	result->tally = *trace_tally(t);
	rc = native_finish(w, &result->tally);
	return rc ? err_set(err, rc, "the recording cannot be written: %s", strerror(-rc)) : 0;
}

/* Signals that end a recording go to the thread that sees to it. */
static void hold_signals(sigset_t *before)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &ends, before);
}

/* @fd is the reading end, which is closed. */
static int read_pipe(int fd, FILE *to, struct pump *p, struct record_result *result,
		     struct err *err)
{
	struct native_writer *w = NULL;
	struct trace *t = NULL;
	char path[32];
	int rc;

	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	rc = trace_open(&t, path, "ftrace", err);
	(void)close(fd);
	if (!rc) {
		trace_want_marks(t);
		rc = native_create(&w, to, false);
		if (rc)
			err_set(err, rc, "out of memory");
	}
	if (!rc)
		rc = read_all(t, w, p, result, err);
	native_destroy(w);
	trace_close(t);
	return rc;
}

int record_read(int fd, FILE *to, const struct record_about *about, struct record_result *result,
		struct err *err)
{
	struct pump p = {.from = fd, .about = about};
	sigset_t before;
	pthread_t thread;
	int ends[2], rc;

	*result = (struct record_result){.broken = ""};
	atomic_init(&p.events, 0);
	atomic_init(&p.given_up, false);
	if (pipe2(ends, O_CLOEXEC))
		return err_set(err, -errno, "no pipe: %s", strerror(errno));
	p.to = ends[1];
	rc = pthread_create(&thread, NULL, pump_run, &p);
	if (rc) {
		(void)close(ends[0]);
		(void)close(ends[1]);
		return err_set(err, -rc, "no thread: %s", strerror(rc));
	}
	hold_signals(&before);
	rc = read_pipe(ends[0], to, &p, result, err);
	atomic_store(&p.given_up, true);
	pthread_join(thread, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!rc && p.rc)
		snprintf(result->broken, sizeof(result->broken), "trace_pipe: %s", strerror(-p.rc));
	return rc;
}
