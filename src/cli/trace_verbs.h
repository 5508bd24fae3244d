/* SPDX-License-Identifier: MIT */
/* What the files of iotoll trace share: its arguments, and how a trace is gone through. */
#ifndef IOTOLL_CLI_TRACE_VERBS_H
#define IOTOLL_CLI_TRACE_VERBS_H

#include "cli/cli.h"
#include "trace/pick.h"
#include "trace/survey.h"

#define TRACE_FILES 64

struct trace_args;
struct native_writer;
struct trace_exporter;

/* One verb: what it does with the arguments. 0 or -errno with a->err. */
struct trace_verb {
	const char *name, *summary;
	int (*run)(struct trace_args *a);
};

/* How events are written. */
struct trace_shape {
	const char *name;
	void (*head)(FILE *to);
	void (*put)(FILE *to, const struct trace_event *ev); /* NULL: native */
};

struct trace_args {
	const struct trace_verb *verb;
	const char *path[TRACE_FILES];
	unsigned paths;
	const char *format; /* of the traces; NULL: recognise it */
	const char *out;
	const struct trace_shape *shape;
	bool pack, allow_loss;
	struct pick pick;
	struct cli_format how;
	bool perfetto; /* --format said so: for export */
	struct survey survey;
	struct err err;
};

/* One trace that is gone through; @to NULL: nothing is written. */
struct trace_walk {
	struct trace_args *a;
	FILE *to;
	struct native_writer *native;
	struct trace_exporter *timeline;
};

int trace_walk_open(struct trace_args *a, unsigned index, struct trace **t) MUST_CHECK;
/* To its end: surveyed, and what is wanted written. 0 or -errno with a->err. */
int trace_walk_all(struct trace_walk *w, struct trace *t) MUST_CHECK;
/*
 * What was lost goes to standard error; more than is bearable is refused if @refuse, unless losses
 * are allowed.
 */
int trace_walk_judge(struct trace_args *a, const struct trace *t, bool refuse) MUST_CHECK;

/* Is there exactly one trace? 0 or -EINVAL with a->err. */
int trace_one_file(struct trace_args *a) MUST_CHECK;
/* The one trace as a->shape says, into a->out, whole or not at all, or to standard output. */
int trace_copy(struct trace_args *a) MUST_CHECK;

extern const struct trace_shape trace_shape_perfetto;
/* For argp: --format, and whether it goes with the verb. 0, or EINVAL with a->err. */
error_t trace_take_format(struct trace_args *a, const char *arg);
error_t trace_fit_format(struct trace_args *a);

int trace_export(struct trace_args *a);
int trace_info(struct trace_args *a);
int trace_stats(struct trace_args *a);

#endif
