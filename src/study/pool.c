/* SPDX-License-Identifier: MIT */
/* The process pool. A result travels as "O" + text; a failure as "E" + code + words. */
#include "study/pool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLL_MS     250
#define MAX_WORKERS 256

struct worker {
	pid_t pid; /* 0 = free */
	int fd;
	size_t job;
	char *text;
	size_t bytes, capacity;
};

struct pool {
	const struct pool_ops *ops;
	struct worker *worker;
	unsigned workers;
	size_t jobs, next, finished;
};

static void child(const struct pool_ops *ops, size_t job, int fd)
{
	struct err err = {{0}};
	char *text = NULL;
	size_t bytes = 0;
	FILE *memory, *out = fdopen(fd, "w");
	int rc;

	/* A result that fails half-way must not look like one: collect it first. */
	memory = open_memstream(&text, &bytes);
	if (!out || !memory)
		_exit(1);
	rc = ops->job(ops->ctx, job, memory, &err);
	if (fclose(memory))
		rc = err_set(&err, -ENOMEM, "no memory for the result");
	if (rc)
		fprintf(out, "E%d\n%s", rc, err.text);
	else
		fprintf(out, "O%s", text);
	_exit(fclose(out) ? 1 : 0);
}

static int start(struct pool *p, struct worker *w, struct err *err)
{
	int fds[2];

	if (pipe(fds))
		return err_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
	fflush(NULL);
	w->pid = fork();
	if (w->pid < 0) {
		const int code = -errno;

		w->pid = 0;
		close(fds[0]);
		close(fds[1]);
		return err_set(err, code, "cannot start a process: %s", strerror(-code));
	}
	if (!w->pid) {
		/* Ctrl-C reaches the whole group; the parent decides, and ends us. */
		signal(SIGINT, SIG_IGN);
		signal(SIGTERM, SIG_IGN);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fds[0]);
		child(p->ops, p->next, fds[1]);
	}
	close(fds[1]);
	w->fd = fds[0];
	w->job = p->next++;
	w->bytes = 0;
	return 0;
}

/* The child closed its pipe: take its result in. */
static int finish(struct pool *p, struct worker *w, struct err *err)
{
	int status = 0;
	char *words;

	close(w->fd);
	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		;
	w->pid = 0;
	if (w->bytes && w->text[0] == 'O' && WIFEXITED(status) && !WEXITSTATUS(status)) {
		p->finished++;
		return p->ops->done(p->ops->ctx, w->job, w->text + 1, w->bytes - 1, err);
	}
	if (w->bytes && w->text[0] == 'E') {
		const int code = (int)strtol(w->text + 1, &words, 10);

		return err_set(err, code < 0 ? code : -EIO, "%s", *words ? words + 1 : words);
	}
	if (WIFSIGNALED(status))
		return err_set(err, -EIO, "job %zu was ended by signal %d (%s)", w->job,
			       WTERMSIG(status), strsignal(WTERMSIG(status)));
	return err_set(err, -EIO, "job %zu ended without a result (exit status %d)", w->job,
		       WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

/* Read what there is; 1 when the pipe is at its end. */
static int drain(struct worker *w, struct err *err)
{
	ssize_t n;

	if (w->capacity - w->bytes < 4096) {
		const size_t capacity = w->capacity ? 2 * w->capacity : 65536;
		char *text = realloc(w->text, capacity);

		if (!text)
			return err_set(err, -ENOMEM, "no memory for a result");
		w->text = text;
		w->capacity = capacity;
	}
	do
		n = read(w->fd, w->text + w->bytes, w->capacity - w->bytes - 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(err, -errno, "cannot read a result: %s", strerror(errno));
	w->bytes += (size_t)n;
	w->text[w->bytes] = '\0';
	return n == 0;
}

static int wait_some(struct pool *p, struct err *err)
{
	struct pollfd fds[MAX_WORKERS];
	struct worker *of[MAX_WORKERS];
	nfds_t n = 0;
	int rc = 0;

	for (unsigned i = 0; i < p->workers; i++) {
		if (p->worker[i].pid) {
			of[n] = &p->worker[i];
			fds[n++] = (struct pollfd){.fd = p->worker[i].fd, .events = POLLIN};
		}
	}
	if (poll(fds, n, POLL_MS) < 0 && errno != EINTR)
		return err_set(err, -errno, "poll: %s", strerror(errno));
	for (nfds_t i = 0; i < n && !rc; i++) {
		if (!(fds[i].revents & (POLLIN | POLLHUP | POLLERR)))
			continue;
		rc = drain(of[i], err);
		if (rc == 1)
			rc = finish(p, of[i], err);
	}
	return rc;
}

static bool busy(const struct pool *p)
{
	for (unsigned i = 0; i < p->workers; i++)
		if (p->worker[i].pid)
			return true;
	return false;
}

static void end_all(struct pool *p)
{
	for (unsigned i = 0; i < p->workers; i++) {
		struct worker *w = &p->worker[i];

		if (w->pid) {
			kill(w->pid, SIGKILL);
			close(w->fd);
			while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
				;
		}
		free(w->text);
	}
	free(p->worker);
}

static int loop(struct pool *p, struct err *err)
{
	const struct pool_ops *ops = p->ops;
	int rc = 0;

	while (!rc && (p->next < p->jobs || busy(p))) {
		if (ops->should_stop && ops->should_stop(ops->ctx))
			return err_set(err, -EINTR, "interrupted after %zu of %zu", p->finished,
				       p->jobs);
		for (unsigned i = 0; i < p->workers && p->next < p->jobs && !rc; i++)
			if (!p->worker[i].pid)
				rc = start(p, &p->worker[i], err);
		if (!rc)
			rc = wait_some(p, err);
		if (ops->progress)
			ops->progress(ops->ctx, p->finished, p->jobs);
	}
	return rc;
}

int pool_run(const struct pool_ops *ops, size_t jobs, unsigned workers, struct err *err)
{
	struct pool p = {.ops = ops, .jobs = jobs};
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int rc;

	if (!workers)
		workers = cpus > 0 ? (unsigned)cpus : 1;
	p.workers = workers < MAX_WORKERS ? workers : MAX_WORKERS;
	p.worker = calloc(p.workers, sizeof(*p.worker));
	if (!p.worker)
		return err_set(err, -ENOMEM, "no memory for %u workers", workers);
	rc = loop(&p, err);
	end_all(&p);
	return rc;
}
