// SPDX-License-Identifier: MIT
/*
 * The text of ftrace, in both forms in which people keep it: as the kernel prints it (trace and
 * trace_pipe of tracefs: a header of '#' lines and a column of context flags, see print_lat_fmt()
 * and print_trace_line() in kernel/trace) and as trace-cmd report does (cpus=N, no flags unless
 * asked for):
 *
 *	iperf3-141     [000] D.h1.    13.886403: unmap: IOMMU: iova=0x... - 0x... size=4096 ...
 *	iperf3-147     [000]    20.885008: map:                  IOMMU: iova=0x... - 0x... paddr=...
 *
 * A line that is an event of another kind is passed on with its text; one that is none is counted;
 * one of a known kind that does not read as it must is an error.
 */
#include <errno.h>
#include <string.h>

#include "trace/fields.h"
#include "trace/line.h"
#include "trace/prefix.h"

/* "CPU:1 [LOST 5 EVENTS]" of the kernel, "CPU:1 [5 EVENTS DROPPED]" of trace-cmd. */
static bool ftrace_loss(struct cut c, struct trace_event *ev)
{
	uint64_t cpu, lost = 0;

	if (!cut_text(&c, "CPU:") || !cut_decimal(&c, PREFIX_CPU_MAX, &cpu) || !cut_text(&c, " ["))
		return false;
	if (cut_text(&c, "LOST ")) {
		if (cut_decimal(&c, UINT64_MAX, &lost))
			cut_blanks(&c);
		if (!cut_text(&c, "EVENTS]"))
			return false;
	} else {
		if (cut_decimal(&c, UINT64_MAX, &lost))
			cut_blanks(&c);
		if (!cut_text(&c, "EVENTS DROPPED]"))
			return false;
	}
	*ev = (struct trace_event){.kind = TRACE_LOST, .cpu = (unsigned)cpu, .lost = lost};
	ev->has = TRACE_HAS(TRACE_F_LOST);
	return true;
}

/* "# step WORDS" opens a step of a recording; "#P:2" says how many CPUs there are. */
static bool ftrace_comment(struct trace *t, struct cut c)
{
	struct cut in = c;
	uint64_t cpus;

	in.at = memmem(c.at, (size_t)(c.end - c.at), "#P:", 3);
	if (in.at && cut_text(&in, "#P:") && cut_decimal(&in, PREFIX_CPU_MAX + 1, &cpus))
		t->tally.cpus = (unsigned)cpus;
	return cut_text(&c, "# step");
}

/* A line that is no event. 0; 1 if it is a mark; -EINVAL if it was meant to be one that matters. */
static int ftrace_no_event(struct trace *t, struct cut c, struct trace_event *ev, struct err *err)
{
	struct cut in = c;
	uint64_t cpus;

	cut_blanks(&in);
	if (in.at == in.end)
		return 0;
	if (ftrace_loss(in, ev))
		return trace_mark(t, ev);
	if (cut_text(&in, "cpus=") && cut_decimal(&in, PREFIX_CPU_MAX + 1, &cpus) &&
	    in.at == in.end) {
		t->tally.cpus = (unsigned)cpus;
		return 0;
	}
	if (memmem(c.at, (size_t)(c.end - c.at), "IOMMU: iova=", 12))
		return err_set(err, -EINVAL,
			       "%s:%llu: expected 'task-pid [cpu] flags seconds.microseconds: "
			       "map:' (or unmap:) before 'IOMMU:'",
			       t->name, (unsigned long long)t->input.line);
	t->tally.unknown_lines++;
	return 0;
}

/* 1 and *@ev; 0 if the line is no event; negative with @err. */
static int ftrace_line(struct trace *t, struct cut line, struct trace_event *ev, struct err *err)
{
	const char *wrong;
	struct cut fields;

	if (cut_text(&line, "# step")) {
		cut_blanks(&line);
		return trace_step(t, (struct trace_text){line.at, (size_t)(line.end - line.at)},
				  ev);
	}
	if (!prefix_take(line, PREFIX_FTRACE, ev, &fields))
		return ftrace_no_event(t, line, ev, err);
	ev->line = t->input.line;
	wrong = fields_take(t, fields, ev);
	return wrong ? trace_line_wrong(t, ev, wrong, err) : 1;
}

static int ftrace_next(struct trace *t, struct trace_event *ev, struct err *err)
{
	struct cut line;
	int rc;

	do {
		rc = trace_line(t, &line, ftrace_comment, err);
		if (rc <= 0)
			return rc;
		rc = ftrace_line(t, line, ev, err);
	} while (rc == 0);
	return rc;
}

/* A header of either form, or an event somewhere in what is there. */
static bool ftrace_claims(const char *head, size_t bytes)
{
	struct cut c = {head, head + bytes};
	struct trace_event ev;
	struct cut fields;

	if (cut_text(&c, "# tracer:") || cut_text(&c, "cpus=") || cut_text(&c, "# step") ||
	    cut_text(&c, "CPU:") || cut_text(&c, "version = "))
		return true;
	while (c.at < c.end) {
		const char *newline = memchr(c.at, '\n', (size_t)(c.end - c.at));
		const char *end = newline ? newline : c.end;

		if (prefix_take((struct cut){c.at, end}, PREFIX_FTRACE, &ev, &fields) ||
		    memmem(c.at, (size_t)(end - c.at), "IOMMU: iova=", 12))
			return true;
		c.at = newline ? newline + 1 : c.end;
	}
	return false;
}

const struct trace_format trace_format_ftrace = {
	.name = "ftrace",
	.title = "text of the kernel's trace file or of trace-cmd report",
	.claims = ftrace_claims,
	.next = ftrace_next,
};
