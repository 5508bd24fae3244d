/* SPDX-License-Identifier: MIT */
/* The inside of the trace.dat reader, shared by trace_dat*.c. */
#ifndef IOTOLL_TRACE_TRACE_DAT_H
#define IOTOLL_TRACE_TRACE_DAT_H

#include "trace/fields.h"

struct tep_event;
struct tep_format_field;
struct tep_record;

#define DAT_STEPS 12 /* fields that an event may have */

/* How to read one type of event. */
struct dat_plan {
	struct tep_event *event;
	const struct fields_row *row; /* NULL: unknown */
	bool by_text;                 /* print it as its print format says, and read that */
	unsigned steps;
	struct {
		struct tep_format_field *from;
		enum trace_field to;
	} step[DAT_STEPS];
};

/* Fill *@plan for @event. */
void dat_plan(struct dat_plan *plan, struct tep_event *event);
/*
 * The fields of @ev, whose columns are filled, out of @record as @plan says. false: this one has to
 * be read by its text.
 */
bool dat_take(const struct dat_plan *plan, const struct tep_record *record, struct trace_event *ev);

/* Does the file's skeleton hang together? 0; -EINVAL with @err, -errno. */
int dat_library_check(struct trace *t, struct err *err) MUST_CHECK;
/*
 * Open @t's file with libtracecmd, and the next event or mark of it: as the functions of struct
 * trace_format. There is no way to close it: the process ends.
 */
int dat_library_open(struct trace *t, struct err *err) MUST_CHECK;
int dat_library_next(struct trace *t, struct trace_event *ev, struct err *err) MUST_CHECK;

#endif
