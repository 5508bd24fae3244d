/* SPDX-License-Identifier: MIT */
/* Lines of a trace that is text, checked once for all formats. */
#ifndef IOTOLL_TRACE_LINE_H
#define IOTOLL_TRACE_LINE_H

#include "trace/cut.h"
#include "trace/format.h"

/*
 * The next line that is not a comment: 1, *@line, and its number in t->input.line; 0 at the end;
 * -EINVAL with @err for text that is not UTF-8, an overlong line, a last line that was cut short;
 * -errno if reading fails, -EINTR if somebody asked to stop. Counts lines and hands each line that
 * begins with '#' to @comment (NULL: just counts it); true gives that line out after all.
 */
int trace_line(struct trace *t, struct cut *line, bool (*comment)(struct trace *t, struct cut line),
	       struct err *err) MUST_CHECK;
/* -EINVAL with "file:line: name: expected ...", about the line last given. */
int trace_line_wrong(struct trace *t, const struct trace_event *ev, const char *expected,
		     struct err *err) MUST_CHECK;

#endif
