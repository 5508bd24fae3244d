// SPDX-License-Identifier: MIT
/* Lines of a trace that is text: see line.h. */
#include "trace/line.h"

#include <errno.h>

#include "base/utf8.h"

/* 1 and *@line; otherwise as trace_line(). */
static int line_take(struct trace *t, struct cut *line, bool *whole, struct err *err)
{
	const unsigned long long number = t->input.line + 1;
	size_t bytes = 0, bad = 0;
	const int rc = input_line(&t->input, &line->at, &bytes, whole);

	if (rc == -EMSGSIZE)
		return err_set(err, -EINVAL, "%s:%llu: line longer than %u bytes", t->name, number,
			       INPUT_LINE_MAX);
	if (rc < 0)
		return trace_unreadable(t, rc, err);
	if (rc == 0)
		return 0;
	line->end = line->at + bytes;
	t->tally.lines++;
	if (!utf8_is_text(line->at, bytes, &bad))
		return err_set(err, -EINVAL, "%s:%llu: byte 0x%02x at column %zu is not UTF-8 text",
			       t->name, number, (unsigned char)line->at[bad], bad + 1);
	return 1;
}

int trace_line(struct trace *t, struct cut *line, bool (*comment)(struct trace *t, struct cut line),
	       struct err *err)
{
	bool whole = true;

	while (!trace_stopped(t, err)) {
		const int rc = line_take(t, line, &whole, err);

		if (rc <= 0)
			return rc;
		if (line->at < line->end && *line->at == '#') {
			t->tally.comments++;
			if (comment && comment(t, *line))
				return 1;
			continue;
		}
		/* A number cut short is still a number: without its newline no line is trusted. */
		if (!whole)
			return err_set(err, -EINVAL,
				       "%s:%llu: the last line is cut short: expected a newline",
				       t->name, (unsigned long long)t->input.line);
		return 1;
	}
	return -EINTR;
}

int trace_line_wrong(struct trace *t, const struct trace_event *ev, const char *expected,
		     struct err *err)
{
	return err_set(err, -EINVAL, "%s:%llu: %.*s: expected %s", t->name,
		       (unsigned long long)t->input.line, (int)ev->name_bytes, ev->name, expected);
}
