// SPDX-License-Identifier: MIT
/*
 * trace-cmd's binary files, versions 6 and 7, through libtracecmd: each CPU's ring buffer is read
 * on its own, and the events of all are merged by their time. Which types of events there are is in
 * the file itself; frequent ones are taken field by field (trace_dat_plan.c), others as the text
 * that their print format makes. Events of instances (trace-cmd record -B) are merged in as well.
 *
 * libtracecmd needs a file it can seek in; memory is lent to it as one. All of this happens in a
 * child (trace_dat_guard.c), whose end gives everything back.
 */
#include "trace/trace_dat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <trace-cmd.h>
#include <unistd.h>

#include "trace/trace_dat_check.h"

/* One CPU of one instance. */
struct dat_source {
	struct tracecmd_input *handle;
	struct tep_record *record; /* its next one */
	int cpu;
};

struct dat {
	struct tracecmd_input *handle;
	struct tracecmd_input **instance;
	int instances;
	struct dat_source *source;
	unsigned sources;
	struct dat_plan **plan; /* by event id */
	int plans;
	struct tep_record *held; /* the event given out points into it */
	struct trace_seq text;
	int pid;
	const char *task;
};

static int dat_add_sources(struct dat *d, struct tracecmd_input *handle)
{
	const int cpus = tep_get_cpus(tracecmd_get_tep(handle));
	struct dat_source *grown;

	if (cpus < 0 || cpus > 8192)
		return -EINVAL;
	grown = realloc(d->source, (d->sources + (size_t)cpus + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	d->source = grown;
	for (int cpu = 0; cpu < cpus; cpu++) {
		struct tep_record *first = tracecmd_read_cpu_first(handle, cpu);

		if (!first)
			continue;
		tracecmd_free_record(first);
		grown[d->sources++] =
			(struct dat_source){handle, tracecmd_read_cpu_first(handle, cpu), cpu};
	}
	return 0;
}

static int dat_add_instances(struct dat *d)
{
	int rc = dat_add_sources(d, d->handle);
	const int count = tracecmd_buffer_instances(d->handle);

	if (rc || count <= 0)
		return rc;
	d->instance = calloc((size_t)count, sizeof(struct tracecmd_input *));
	if (!d->instance)
		return -ENOMEM;
	for (int i = 0; i < count && !rc; i++) {
		struct tracecmd_input *h = tracecmd_buffer_instance_handle(d->handle, i);

		if (!h)
			return -EINVAL;
		d->instance[d->instances++] = h;
		rc = dat_add_sources(d, h);
	}
	return rc;
}

/* A descriptor of the file's own, at its beginning. */
static int dat_fd(struct trace *t, struct err *err)
{
	const struct input *in = &t->input;
	int fd;

	if (in->fd >= 0 && input_is_file(in)) {
		fd = dup(in->fd);
	} else if (in->fd < 0 && !in->unpack) {
		fd = memfd_create("trace.dat", MFD_CLOEXEC);
		if (fd >= 0 && write(fd, in->at, (size_t)(in->end - in->at)) != in->end - in->at)
			goto close_it;
	} else {
		return err_set(err, -EINVAL,
			       "%s: trace-cmd's binary format has to be a file, neither compressed "
			       "nor out of a pipe: write it to one, or use trace-cmd report FILE",
			       t->name);
	}
	if (fd >= 0 && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
close_it:
	if (fd >= 0)
		(void)close(fd);
	return err_set(err, -EIO, "%s: cannot be read: %s", t->name, strerror(errno));
}

int dat_library_check(struct trace *t, struct err *err)
{
	uint64_t overrun;
	const int fd = dat_fd(t, err);
	int rc;

	if (fd < 0)
		return fd;
	rc = dat_check(fd, t->name, &overrun, err);
	(void)close(fd);
	return rc;
}

int dat_library_open(struct trace *t, struct err *err)
{
	struct dat *d = calloc(1, sizeof(*d));
	uint64_t overrun = 0;
	int rc, fd;

	if (!d)
		return err_set(err, -ENOMEM, "%s: out of memory", t->name);
	t->state = d;
	d->pid = -1;
	trace_seq_init(&d->text);
	fd = dat_fd(t, err);
	if (fd < 0)
		return fd;
	rc = dat_check(fd, t->name, &overrun, err);
	if (rc) {
		(void)close(fd);
		return rc;
	}
	tracecmd_set_loglevel(TEP_LOG_NONE);
	tep_set_loglevel(TEP_LOG_NONE);
	d->handle = tracecmd_open_fd(fd, TRACECMD_FL_LOAD_NO_PLUGINS);
	if (!d->handle)
		return err_set(err, -EINVAL,
			       "%s: expected a whole trace-cmd file of version 6 or 7", t->name);
	rc = dat_add_instances(d);
	if (rc)
		return err_set(err, rc, "%s: its buffers cannot be opened", t->name);
	if (overrun) { /* the oldest ones: they would stand before the first event */
		t->tally.lost_marks++;
		t->tally.lost_events += overrun;
	}
	t->tally.cpus = (unsigned)tep_get_cpus(tracecmd_get_tep(d->handle));
	return 0;
}

/* The earliest of all sources; equal stamps in the order of CPUs. NULL: that was all. */
static struct dat_source *dat_earliest(const struct dat *d)
{
	struct dat_source *best = NULL;

	for (unsigned i = 0; i < d->sources; i++) {
		struct dat_source *s = &d->source[i];

		if (s->record && (!best || s->record->ts < best->record->ts))
			best = s;
	}
	return best;
}

/* How to read @record's type; NULL: the file does not describe it, or no memory. */
static const struct dat_plan *dat_plan_of(struct dat *d, struct tep_handle *tep,
					  struct tep_record *record)
{
	const int id = tep_data_type(tep, record);
	struct tep_event *event;

	if (id < 0 || id > 65535)
		return NULL;
	if (id >= d->plans) {
		const size_t grown = (size_t)id + 64;
		struct dat_plan **at = realloc((void *)d->plan, grown * sizeof(*at));

		if (!at)
			return NULL;
		memset((void *)(at + d->plans), 0, (grown - (size_t)d->plans) * sizeof(*at));
		d->plan = at;
		d->plans = (int)grown;
	}
	if (d->plan[id])
		return d->plan[id];
	event = tep_find_event_by_record(tep, record);
	d->plan[id] = event ? malloc(sizeof(struct dat_plan)) : NULL;
	if (d->plan[id])
		dat_plan(d->plan[id], event);
	return d->plan[id];
}

/* Who, where and when. */
static void dat_columns(struct trace *t, struct tep_handle *tep, struct tep_record *record,
			const struct dat_plan *plan, struct trace_event *ev)
{
	struct dat *d = t->state;
	const int pid = tep_data_pid(tep, record);

	if (pid != d->pid || !d->task) {
		d->pid = pid;
		d->task = tep_data_comm_from_pid(tep, pid);
	}
	ev->kind = TRACE_OTHER;
	ev->has = TRACE_HAS(TRACE_F_TIME) | TRACE_HAS(TRACE_F_TASK);
	ev->line = ++t->input.line;
	ev->cpu = (unsigned)record->cpu;
	ev->time_ns = record->ts;
	ev->pid = pid;
	ev->task = (struct trace_text){d->task, strlen(d->task)};
	ev->name = plan->event->name;
	ev->name_bytes = strlen(ev->name);
}

/* As its print format has it. */
static const char *dat_by_text(struct trace *t, struct tep_handle *tep, struct tep_record *record,
			       const struct dat_plan *plan, struct trace_event *ev)
{
	struct dat *d = t->state;
	struct cut c;

	trace_seq_reset(&d->text);
	tep_print_event(tep, &d->text, record, "%s", TEP_PRINT_INFO);
	trace_seq_terminate(&d->text);
	c = (struct cut){d->text.buffer, d->text.buffer + d->text.len};
	while (c.end > c.at && (c.end[-1] == '\n' || cut_is_blank(c.end[-1])))
		c.end--;
	cut_blanks(&c);
	return fields_take_row(t, plan->row, c, ev);
}

static int dat_event(struct trace *t, struct dat_source *s, struct trace_event *ev, struct err *err)
{
	struct dat *d = t->state;
	struct tep_handle *tep = tracecmd_get_tep(s->handle);
	const struct dat_plan *plan = dat_plan_of(d, tep, s->record);
	const char *wrong = NULL;

	if (!plan)
		return err_set(
			err, -EINVAL,
			"%s: event %llu, at byte %llu: its type is not described in the file",
			t->name, (unsigned long long)t->input.line + 1,
			(unsigned long long)s->record->offset);
	dat_columns(t, tep, s->record, plan, ev);
	if (plan->by_text || !dat_take(plan, s->record, ev)) {
		ev->kind = TRACE_OTHER;
		ev->has = TRACE_HAS(TRACE_F_TIME) | TRACE_HAS(TRACE_F_TASK);
		wrong = dat_by_text(t, tep, s->record, plan, ev);
	} else {
		wrong = trace_event_wrong(ev);
	}
	if (wrong)
		return err_set(err, -EINVAL, "%s: event %llu: %s: expected %s", t->name,
			       (unsigned long long)ev->line, plan->event->name, wrong);
	return 1;
}

/* What the ring buffer lost before the record that is next. */
static int dat_loss(struct trace *t, const struct dat_source *s, struct trace_event *ev)
{
	const long long missed = s->record->missed_events;

	*ev = (struct trace_event){.kind = TRACE_LOST,
				   .has = TRACE_HAS(TRACE_F_LOST),
				   .cpu = (unsigned)s->record->cpu,
				   .lost = missed > 0 ? (uint64_t)missed : 0};
	s->record->missed_events = 0;
	return trace_mark(t, ev);
}

int dat_library_next(struct trace *t, struct trace_event *ev, struct err *err)
{
	struct dat *d = t->state;
	struct dat_source *s;
	int rc;

	if (d->held)
		tracecmd_free_record(d->held);
	d->held = NULL;
	t->tally.lines++; /* for trace_stopped(), which counts in lines */
	if (trace_stopped(t, err))
		return -EINTR;
	s = dat_earliest(d);
	if (!s) {
		t->tally.lines--;
		return 0;
	}
	if (s->record->missed_events && dat_loss(t, s, ev)) {
		t->tally.lines--;
		return 1;
	}
	rc = dat_event(t, s, ev, err);
	t->input.taken = s->record->offset;
	d->held = s->record;
	s->record = tracecmd_read_data(s->handle, s->cpu);
	return rc;
}
