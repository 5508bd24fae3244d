/* SPDX-License-Identifier: MIT */
/*
 * The kernel's side of a recording, by libtracefs: an instance "iotoll-PID" and probes of the group
 * "iotoll_PID". The number tells the next recorder whose they were.
 */
#include "trace/record.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracefs.h>
#include <unistd.h>

#define INSTANCE "iotoll-"
#define GROUP    "iotoll_"
#define RETURNS \
	10 /* calls on their way at once that a return probe follows, as docs/traces.md has it */
#define OF_OURS (TRACEFS_DYNEVENT_KPROBE | TRACEFS_DYNEVENT_KRETPROBE)

struct record {
	struct tracefs_instance *instance;
	struct tracefs_dynevent *probe[POINTS_MAX];
	unsigned probes;
	char name[32], group[32], dir[PATH_MAX / 2];
	int fd;
};

/* ---- what was left behind ---- */

/* Is @name @prefix and the number of a process that is no more? */
static bool orphan(const char *name, const char *prefix)
{
	const size_t n = strlen(prefix);
	char *end;
	long pid;

	if (strncmp(name, prefix, n) || name[n] < '1' || name[n] > '9')
		return false;
	errno = 0;
	pid = strtol(name + n, &end, 10);
	return !errno && !*end && pid <= INT_MAX && kill((pid_t)pid, 0) && errno == ESRCH;
}

static int sweep_instance(const char *name, void *ctx)
{
	struct tracefs_instance *instance;

	(void)ctx;
	if (!orphan(name, INSTANCE))
		return 0;
	instance = tracefs_instance_alloc(NULL, name);
	if (!instance)
		return 0;
	(void)tracefs_trace_off(instance);
	(void)tracefs_event_disable(instance, NULL, NULL);
	(void)tracefs_instance_destroy(instance);
	tracefs_instance_free(instance);
	return 0;
}

static void sweep_probes(void)
{
	struct tracefs_dynevent **all = tracefs_dynevent_get_all(OF_OURS, NULL);

	for (unsigned i = 0; all && all[i]; i++) {
		char *group = NULL;

		(void)tracefs_dynevent_info(all[i], &group, NULL, NULL, NULL, NULL);
		if (group && orphan(group, GROUP))
			(void)tracefs_dynevent_destroy(all[i], true);
		free(group);
	}
	tracefs_dynevent_list_free(all);
}

/* ---- making it ---- */

/* What the kernel's refusal @code to do @what asks for. */
static int refused(int code, const struct record *r, const char *what, struct err *err)
{
	if (code == EACCES || code == EPERM)
		return err_set(
			err, -code,
			"%s: may not %s: expected to be root (CAP_SYS_ADMIN where the kernel "
			"is locked down: CONFIG_SECURITY_LOCKDOWN_LSM), see also iotoll record "
			"--print-command",
			r->dir, what);
	if (code == EROFS)
		return err_set(err, -EROFS,
			       "%s: may not %s: it is mounted read-only: expected mount -o "
			       "remount,rw %s, as root and not in a container",
			       r->dir, what, r->dir);
	return err_set(err, code ? -code : -EIO, "%s: cannot %s: %s", r->dir, what,
		       strerror(code ? code : EIO));
}

static void make_probes(struct record *r, const struct points *p, struct err *said)
{
	for (unsigned i = 0; i < p->probes; i++) {
		const struct point_probe *b = p->probe[i];
		struct tracefs_dynevent *d =
			b->returns ? tracefs_kretprobe_alloc(r->group, b->event, b->function,
							     points_fetch(b), RETURNS)
				   : tracefs_kprobe_alloc(r->group, b->event, b->function,
							  points_fetch(b));

		errno = 0;
		if (d && !tracefs_dynevent_create(d)) {
			r->probe[r->probes++] = d;
			continue;
		}
		(void)err_set(said, 0, "no probe %s on %s: %s", b->event, b->function,
			      strerror(errno ? errno : ENOMEM));
		tracefs_dynevent_free(d);
	}
}

static int enable(struct record *r, const struct points *p, struct err *err)
{
	char what[80];

	for (unsigned i = 0; i < p->events; i++) {
		errno = 0;
		if (!tracefs_event_enable(r->instance, p->event[i]->system, p->event[i]->event))
			continue;
		snprintf(what, sizeof(what), "switch on %s:%s", p->event[i]->system,
			 p->event[i]->event);
		return refused(errno, r, what, err);
	}
	errno = 0;
	if (r->probes && tracefs_event_enable(r->instance, r->group, NULL))
		return refused(errno, r, "switch on its probes", err);
	return 0;
}

/* Asked first, since libtracefs (1.6) forgets the memory of a name whose instance it cannot make.
 */
static bool has_room_for_instance(const struct record *r)
{
	char path[4096];
	const int n = snprintf(path, sizeof(path), "%s/instances", r->dir);

	if (n > 0 && (size_t)n < sizeof(path))
		return access(path, W_OK | X_OK) == 0;
	errno = ENAMETOOLONG;
	return false;
}

/* Losses are told in what is read only where old events give way to new ones. */
static int set_up(struct record *r, const struct points *p, unsigned buffer_kib, struct err *said,
		  struct err *err)
{
	int rc;

	errno = 0;
	if (has_room_for_instance(r))
		r->instance = tracefs_instance_create(r->name);
	if (!r->instance)
		return refused(errno, r, "make an instance of the kernel's tracing", err);
	errno = 0;
	if (tracefs_trace_off(r->instance))
		return refused(errno, r, "stop its instance", err);
	if (tracefs_instance_set_buffer_size(r->instance, buffer_kib, -1))
		return err_set(err, -ENOMEM,
			       "%s: no buffer of %u KiB for each CPU: expected a smaller --buffer",
			       r->dir, buffer_kib);
	errno = 0;
	if (tracefs_option_enable(r->instance, TRACEFS_OPTION_OVERWRITE))
		return refused(errno, r, "have new events replace old ones", err);
	/* One clock for all CPUs, so that their events have an order. */
	if (tracefs_instance_file_write(r->instance, "trace_clock", "mono") < 0)
		return refused(errno, r, "set the clock 'mono'", err);
	make_probes(r, p, said);
	if (!p->events && !r->probes)
		return err_set(err, -EPERM,
			       "%s: no tracepoint is there and the kernel refuses probes (%s)",
			       r->dir, said ? said->text : "");
	rc = enable(r, p, err);
	if (rc)
		return rc;
	r->fd = tracefs_instance_file_open(r->instance, "trace_pipe",
					   O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (r->fd < 0)
		return refused(errno, r, "read trace_pipe", err);
	errno = 0;
	return tracefs_trace_on(r->instance) ? refused(errno, r, "start its instance", err) : 0;
}

int record_begin(struct record **out, const struct points *points, unsigned buffer_kib,
		 struct err *said, struct err *err)
{
	struct record *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return err_set(err, -ENOMEM, "out of memory");
	r->fd = -1;
	snprintf(r->dir, sizeof(r->dir), "%s", points->dir);
	snprintf(r->name, sizeof(r->name), INSTANCE "%d", (int)getpid());
	snprintf(r->group, sizeof(r->group), GROUP "%d", (int)getpid());
	tracefs_set_loglevel(TEP_LOG_NONE);
	if (tracefs_set_tracing_dir(r->dir)) {
		free(r);
		return err_set(err, -ENOMEM, "out of memory");
	}
	tracefs_instances_walk(sweep_instance, NULL);
	sweep_probes();
	rc = set_up(r, points, buffer_kib, said, err);
	if (rc) {
		struct err more = {""};

		if (record_end(r, &more))
			(void)err_prefix(err, rc, "%s; ", more.text);
		return rc;
	}
	*out = r;
	return 0;
}

int record_fd(const struct record *r)
{
	return r->fd;
}

void record_stop(struct record *r)
{
	(void)tracefs_trace_off(r->instance);
}

int record_end(struct record *r, struct err *err)
{
	int rc = 0;

	if (!r)
		return 0;
	if (r->fd >= 0)
		(void)close(r->fd);
	if (r->instance) {
		(void)tracefs_trace_off(r->instance);
		(void)tracefs_event_disable(r->instance, NULL, NULL);
		errno = 0;
		if (tracefs_instance_destroy(r->instance))
			rc = err_set(
				err, errno ? -errno : -EBUSY,
				"%s/instances/%s could not be removed: expected rmdir to do it",
				r->dir, r->name);
		tracefs_instance_free(r->instance);
	}
	while (r->probes) {
		struct tracefs_dynevent *d = r->probe[--r->probes];

		errno = 0;
		if (tracefs_dynevent_destroy(d, true) && !rc)
			rc = err_set(err, errno ? -errno : -EBUSY,
				     "%s/kprobe_events: a probe of %s could not be removed", r->dir,
				     r->group);
		tracefs_dynevent_free(d);
	}
	free(r);
	return rc;
}
