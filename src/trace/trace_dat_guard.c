// SPDX-License-Identifier: MIT
/*
 * trace.dat, read by a process of its own. libtracecmd and libtraceevent believe what a file says
 * of its formats, and a damaged one can make them crash or go round for ever; so they run in a
 * child, which passes events on in our native format through a pipe. If the child dies, that is a
 * message and no more. It also is the other CPU's work.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace/native.h"
#include "trace/trace_dat.h"

#define GUARD_PATIENCE_MS 60000 /* without a single byte: it goes round for ever */

/* How the child ended, in memory that both see. */
struct guard_words {
	int rc;
	struct err err;
};

struct guard {
	struct guard_words *said;
	struct trace *inner; /* the native end of the pipe */
	pid_t child;
	int fd;
};

/* ---- the child ---- */

static int guard_copy(struct trace *t, FILE *to, struct err *err)
{
	struct native_writer *w = NULL;
	struct trace_event ev;
	int rc = native_create(&w, to, false), more = 0;

	if (!rc)
		rc = dat_library_open(t, err);
	while (!rc && (more = dat_library_next(t, &ev, err)) > 0)
		rc = native_put(w, &ev);
	if (!rc && !more)
		rc = native_finish(w, &t->tally);
	return rc ? rc : more;
}

static void guard_child(struct trace *t, int fd, struct guard_words *said)
{
	FILE *to = fdopen(fd, "w");

	signal(SIGINT, SIG_IGN); /* the terminal's: whoever started us will end us */
	t->marks = true;
	t->should_stop = NULL;
	t->state = NULL;
	said->rc = to ? guard_copy(t, to, &said->err) : -ENOMEM;
	if (to)
		(void)fflush(to);
	_exit(0);
}

/* ---- and who waits for it ---- */

static int guard_start(struct trace *t, struct guard *g, struct err *err)
{
	int ends[2];

	g->said = mmap(NULL, sizeof(*g->said), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (g->said == MAP_FAILED) {
		g->said = NULL;
		return err_set(err, -ENOMEM, "%s: out of memory", t->name);
	}
	if (pipe(ends))
		return err_set(err, -errno, "%s: no pipe: %s", t->name, strerror(errno));
	g->said->rc = -EIO; /* what it is if the child never gets to say */
	g->child = fork();
	if (g->child == 0) {
		(void)close(ends[0]);
		guard_child(t, ends[1], g->said);
	}
	(void)close(ends[1]);
	g->fd = ends[0];
	return g->child > 0 ? 0
			    : err_set(err, -errno, "%s: no process: %s", t->name, strerror(errno));
}

/* What the child has to say for itself, now that nothing more comes from it. */
static int guard_end(struct trace *t, struct err *err)
{
	struct guard *g = t->state;
	int status = 0;

	while (g->child > 0 && waitpid(g->child, &status, 0) < 0 && errno == EINTR)
		continue;
	g->child = 0;
	if (WIFSIGNALED(status))
		return err_set(err, -EINVAL,
			       "%s: damaged: libtracecmd was ended by signal %d (%s) over it",
			       t->name, WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (g->said->rc && !g->said->err.text[0])
		return err_set(err, g->said->rc, "%s: cannot be read: %s", t->name,
			       strerror(-g->said->rc));
	if (err)
		*err = g->said->err;
	return g->said->rc;
}

/* Wait until the child has said something. 0; -EINTR; -EINVAL with @err if it never does. */
static int guard_wait(struct trace *t, struct err *err)
{
	struct guard *g = t->state;
	struct pollfd p = {.fd = g->fd, .events = POLLIN};
	const int ready = poll(&p, 1, GUARD_PATIENCE_MS);

	if (ready > 0)
		return 0;
	if (ready < 0)
		return err_set(err, -errno, "%s: interrupted", t->name);
	return err_set(err, -EINVAL, "%s: damaged: libtracecmd makes nothing of it in %d s",
		       t->name, GUARD_PATIENCE_MS / 1000);
}

static int guard_open(struct trace *t, struct err *err)
{
	struct guard *g = calloc(1, sizeof(*g));
	char path[32];
	int rc = dat_library_check(t, err);

	if (rc) {
		free(g);
		return rc;
	}
	if (!g)
		return err_set(err, -ENOMEM, "%s: out of memory", t->name);
	t->state = g;
	g->fd = -1;
	rc = guard_start(t, g, err);
	if (!rc)
		rc = guard_wait(t, err);
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "/dev/fd/%d", g->fd);
	rc = trace_open(&g->inner, path, "native", err);
	if (!rc) {
		trace_want_marks(g->inner);
		t->tally.cpus = g->inner->tally.cpus;
		return 0;
	}
	/* No native file at all: then the child has said why. */
	g->inner = NULL;
	rc = guard_end(t, err);
	return rc ? rc : err_set(err, -EINVAL, "%s: nothing to be read in it", t->name);
}

static void guard_close(struct trace *t)
{
	struct guard *g = t->state;

	if (g->child > 0) {
		(void)kill(g->child, SIGKILL);
		(void)waitpid(g->child, NULL, 0);
	}
	trace_close(g->inner);
	if (g->fd >= 0)
		(void)close(g->fd);
	if (g->said)
		(void)munmap(g->said, sizeof(*g->said));
	free(g);
	t->state = NULL;
}

static int guard_next(struct trace *t, struct trace_event *ev, struct err *err)
{
	struct guard *g = t->state;
	struct trace *in = g->inner;
	int rc;

	in->should_stop = t->should_stop;
	in->stop_ctx = t->stop_ctx;
	for (;;) {
		rc = trace_next(in, ev, err);
		if (rc <= 0)
			break;
		ev->line = t->input.line += ev->kind != TRACE_LOST;
		t->tally.lines += ev->kind != TRACE_LOST;
		if (ev->kind != TRACE_LOST || trace_mark(t, ev))
			return 1;
	}
	if (rc == -EINTR)
		return rc;
	if (rc == 0) { /* what the rings overwrote is only known at the end */
		t->tally.cpus = in->tally.cpus;
		t->tally.lost_marks = in->tally.lost_marks;
		t->tally.lost_events = in->tally.lost_events;
	}
	/* A stream that breaks off is the child's doing, and so are the words for it. */
	return rc == 0 ? guard_end(t, err) : (guard_end(t, err), rc);
}

static bool guard_claims(const char *head, size_t bytes)
{
	static const char magic[] = "\x17\x08\x44tracing";

	return bytes >= sizeof(magic) - 1 && memcmp(head, magic, sizeof(magic) - 1) == 0;
}

const struct trace_format trace_format_trace_dat = {
	.name = "trace-dat",
	.title = "binary files of trace-cmd record (trace.dat, versions 6 and 7)",
	.claims = guard_claims,
	.open = guard_open,
	.close = guard_close,
	.next = guard_next,
};
