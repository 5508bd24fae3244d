// SPDX-License-Identifier: MIT
/* Opening, recognising and counting recorded traces, whatever their format: see trace.h. */
#include "trace/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "trace/format.h"

#define TRACE_STOP_LINES 256u /* between questions whether to stop */

extern const struct trace_format trace_format_ftrace;
extern const struct trace_format trace_format_csv;
extern const struct trace_format trace_format_native;
extern const struct trace_format trace_format_trace_dat;
extern const struct trace_format trace_format_perf;
extern const struct trace_format trace_format_qemu_vtd;
extern const struct trace_format trace_format_qemu_tce;

/* The registry: an explicit array, NULL-terminated, in the order in which they are tried. */
static const struct trace_format *const trace_formats[] = {
	&trace_format_native, &trace_format_trace_dat, &trace_format_csv,      &trace_format_perf,
	&trace_format_ftrace, &trace_format_qemu_vtd,  &trace_format_qemu_tce, NULL,
};

const char *trace_format_row(unsigned index, const char **title)
{
	for (unsigned i = 0; trace_formats[i]; i++) {
		if (i != index)
			continue;
		if (title)
			*title = trace_formats[i]->title;
		return trace_formats[i]->name;
	}
	return NULL;
}

/* First bytes of files that may hold a trace, but not in a way that is read here. */
static const struct {
	const char *magic;
	size_t bytes;
	const char *advice;
} trace_foreign[] = {
	{"BZh", 3, "compressed with bzip2: decompress it first (bzip2 -dc FILE | ... -)"},
	{"PERFILE2", 8, "a binary perf file: write it as text first (perf script -i FILE)"},
};

int trace_unreadable(const struct trace *t, int rc, struct err *err)
{
	if (rc == -EBADMSG)
		return err_set(
			err, -EINVAL,
			"%s: what %s compressed is damaged or ends early, at byte %llu or before",
			t->name, t->input.packing, (unsigned long long)input_position(&t->input));
	return err_set(err, rc, "%s: cannot be read: %s", t->name, strerror(-rc));
}

static int trace_unknown_format(const char *format, struct err *err)
{
	char names[200] = "";

	for (unsigned i = 0; trace_formats[i]; i++) {
		strncat(names, i ? ", " : "", sizeof(names) - strlen(names) - 1);
		strncat(names, trace_formats[i]->name, sizeof(names) - strlen(names) - 1);
	}
	return err_set(err, -EINVAL, "trace format '%s' is unknown: expected one of %s", format,
		       names);
}

static int trace_recognise(struct trace *t, const char *format, struct err *err)
{
	const char *head;
	size_t bytes;
	const int rc = input_peek(&t->input, &head, &bytes);

	if (rc)
		return trace_unreadable(t, rc, err);
	if (!bytes)
		return err_set(err, -EINVAL, "%s: empty: expected a trace", t->name);
	for (size_t i = 0; i < sizeof(trace_foreign) / sizeof(trace_foreign[0]); i++)
		if (bytes >= trace_foreign[i].bytes &&
		    memcmp(head, trace_foreign[i].magic, trace_foreign[i].bytes) == 0)
			return err_set(err, -EINVAL, "%s: %s", t->name, trace_foreign[i].advice);
	for (unsigned i = 0; trace_formats[i]; i++) {
		const struct trace_format *f = trace_formats[i];

		if (format ? strcmp(format, f->name) == 0 : f->claims(head, bytes)) {
			t->format = f;
			return 0;
		}
	}
	if (format)
		return trace_unknown_format(format, err);
	return err_set(err, -EINVAL,
		       "%s: not recognised as a trace: expected the text of the kernel's trace "
		       "file, of trace-cmd report or of perf script, of QEMU's vtd_* or "
		       "spapr_iommu_* trace points, ...: 'iotoll list formats' has them all",
		       t->name);
}

/* A file may be called by any bytes; what messages and results call it is text. */
static struct trace *trace_new(const char *name)
{
	struct trace *t = calloc(1, sizeof(*t));
	size_t bytes, bad;

	if (!t)
		return NULL;
	bytes = utf8_cut(name, strlen(name), sizeof(t->name) - 1);
	memcpy(t->name, name, bytes);
	while (!utf8_is_text(t->name, bytes, &bad))
		t->name[bad] = '?';
	return t;
}

static int trace_begin(struct trace **out, struct trace *t, const char *format, struct err *err)
{
	int rc = trace_recognise(t, format, err);

	if (!rc && t->format->open)
		rc = t->format->open(t, err);
	if (rc)
		trace_close(t);
	else
		*out = t;
	return rc;
}

int trace_open(struct trace **out, const char *path, const char *format, struct err *err)
{
	struct trace *t = trace_new(strcmp(path, "-") ? path : "standard input");
	int rc;

	if (!t)
		return err_set(err, -ENOMEM, "%s: out of memory", path);
	rc = input_open(&t->input, path);
	if (rc) {
		free(t);
		return err_set(err, rc, "%s: cannot be read: %s", path, strerror(-rc));
	}
	return trace_begin(out, t, format, err);
}

int trace_open_memory(struct trace **out, const void *data, size_t bytes, const char *name,
		      const char *format, struct err *err)
{
	struct trace *t = trace_new(name);

	if (!t)
		return err_set(err, -ENOMEM, "%s: out of memory", name);
	if (input_open_memory(&t->input, data, bytes)) {
		free(t);
		return err_set(err, -ENOMEM, "%s: out of memory", name);
	}
	return trace_begin(out, t, format, err);
}

void trace_close(struct trace *t)
{
	if (!t)
		return;
	if (t->state)
		t->format->close(t);
	input_close(&t->input);
	for (size_t i = 0; i < TRACE_LISTS; i++)
		free(t->room[i].at);
	free(t);
}

int trace_room_put(struct trace_room *room, size_t index, uint64_t value)
{
	if (index >= room->room) {
		const size_t grown = room->room ? room->room * 2 : 128;
		uint64_t *at = realloc(room->at, grown * sizeof(*at));

		if (!at)
			return -ENOMEM;
		room->at = at;
		room->room = grown;
	}
	room->at[index] = value;
	return 0;
}

static void trace_count_other(struct trace_tally *y, const struct trace_event *ev)
{
	const size_t room = sizeof(y->other[0].name) - 1;
	const size_t n = utf8_cut(ev->name, ev->name_bytes, room);
	y->others++;
	for (unsigned i = 0; i < y->other_names; i++) {
		if (strlen(y->other[i].name) == n && memcmp(y->other[i].name, ev->name, n) == 0) {
			y->other[i].count++;
			return;
		}
	}
	if (y->other_names == TRACE_OTHER_NAMES) {
		y->other_beyond++;
		return;
	}
	memcpy(y->other[y->other_names].name, ev->name, n);
	y->other[y->other_names].name[n] = '\0';
	y->other[y->other_names++].count = 1;
}

static void trace_count(struct trace_tally *y, const struct trace_event *ev)
{
	if (y->events++ == 0)
		y->first_ns = ev->time_ns;
	else if (ev->time_ns < y->last_ns)
		y->backwards++;
	y->last_ns = ev->time_ns;
	if (ev->cpu > y->highest_cpu)
		y->highest_cpu = ev->cpu;
	if (ev->kind == TRACE_MAP)
		y->maps++;
	else if (ev->kind == TRACE_UNMAP)
		y->unmaps++;
	else if (ev->kind == TRACE_ACCESS)
		y->accesses++;
	else if (ev->kind >= TRACE_INVALIDATE && ev->kind <= TRACE_INVALIDATE_ALL)
		y->invalidations++;
	else
		trace_count_other(y, ev);
}

int trace_next(struct trace *t, struct trace_event *event, struct err *err)
{
	int rc;

	if (t->over) {
		if (err)
			*err = t->last;
		return t->ended;
	}
	rc = t->format->next(t, event, &t->last);
	if (rc > 0) {
		if (event->kind != TRACE_LOST && event->kind != TRACE_STEP)
			trace_count(&t->tally, event);
		return rc;
	}
	t->over = true;
	t->ended = rc;
	if (err)
		*err = t->last;
	return rc;
}

size_t trace_next_accesses(struct trace *t, struct trace_accesses *to)
{
	to->count = 0;
	if (t->over || !t->format->accesses || !t->tally.events)
		return 0;
	to->count = t->format->accesses(t, to);
	t->tally.events += to->count;
	return to->count;
}

int trace_mark(struct trace *t, struct trace_event *ev)
{
	struct trace_tally *y = &t->tally;
	const uint64_t room = UINT64_MAX - y->lost_events;

	ev->line = t->input.line;
	y->lost_marks++;
	y->lost_events += ev->lost > room ? room : ev->lost;
	return t->marks;
}

int trace_step(struct trace *t, struct trace_text title, struct trace_event *ev)
{
	*ev = (struct trace_event){.kind = TRACE_STEP,
				   .has = TRACE_HAS(TRACE_F_TEXT),
				   .line = t->input.line,
				   .text = title};
	t->tally.steps++;
	return t->marks;
}

void trace_want_marks(struct trace *t)
{
	t->marks = true;
}

void trace_stop_when(struct trace *t, bool (*should_stop)(void *ctx), void *ctx)
{
	t->should_stop = should_stop;
	t->stop_ctx = ctx;
}

bool trace_asked_to_stop(struct trace *t, struct err *err)
{
	if (!t->should_stop || !t->should_stop(t->stop_ctx))
		return false;
	(void)err_set(err, -EINTR, "%s: interrupted", t->name);
	return true;
}

bool trace_stopped(struct trace *t, struct err *err)
{
	return t->tally.lines % TRACE_STOP_LINES == 0 && trace_asked_to_stop(t, err);
}

const struct trace_tally *trace_tally(const struct trace *t)
{
	return &t->tally;
}

const char *trace_name(const struct trace *t)
{
	return t->name;
}

const char *trace_format_name(const struct trace *t)
{
	return t->format->name;
}

uint64_t trace_position(const struct trace *t, uint64_t *total_bytes)
{
	if (total_bytes)
		*total_bytes = t->input.total;
	return input_position(&t->input);
}
