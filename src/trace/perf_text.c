// SPDX-License-Identifier: MIT
/*
 * The text of perf script: the same events as ftrace's, behind other columns and under names with
 * their group (tools/perf/builtin-script.c, default fields for tracepoints; any width):
 *
 *	iperf3   141 [000]    13.882221:  iommu:map: IOMMU: iova=0x... - 0x... paddr=... size=4096
 *
 * Lines of a call chain (perf record -g) begin with a blank and an address: they are no events and
 * count as unknown. A loss is written as "PERF_RECORD_LOST lost N" with --show-lost-events.
 */
#include <string.h>

#include "trace/fields.h"
#include "trace/line.h"
#include "trace/prefix.h"

/* A known event goes by its own name; of others the group is part of it. */
static const char *perf_fields(struct trace *t, struct cut fields, struct trace_event *ev)
{
	const char *colon = memchr(ev->name, ':', ev->name_bytes);
	const size_t group = (size_t)(colon - ev->name) + 1;
	const struct fields_row *row = fields_find(ev->name + group, ev->name_bytes - group);
	const char *wrong = fields_take_row(t, row, fields, ev);

	if (ev->kind != TRACE_OTHER) {
		ev->name += group;
		ev->name_bytes -= group;
	}
	return wrong;
}

static bool perf_loss(struct cut line, struct trace_event *ev)
{
	static const char mark[] = "PERF_RECORD_LOST lost ";
	struct cut c = line;

	c.at = memmem(c.at, (size_t)(c.end - c.at), mark, sizeof(mark) - 1);
	if (!c.at)
		return false;
	*ev = (struct trace_event){.kind = TRACE_LOST, .has = TRACE_HAS(TRACE_F_LOST)};
	(void)cut_text(&c, mark);
	return cut_decimal(&c, UINT64_MAX, &ev->lost);
}

/* 1 and *@ev; 0 if the line is no event; negative with @err. */
static int perf_line(struct trace *t, struct cut line, struct trace_event *ev, struct err *err)
{
	struct cut fields;
	const char *wrong;

	if (!prefix_take(line, PREFIX_PERF, ev, &fields)) {
		if (perf_loss(line, ev))
			return trace_mark(t, ev);
		cut_blanks(&line);
		t->tally.unknown_lines += line.at != line.end;
		return 0;
	}
	ev->line = t->input.line;
	wrong = perf_fields(t, fields, ev);
	return wrong ? trace_line_wrong(t, ev, wrong, err) : 1;
}

static int perf_next(struct trace *t, struct trace_event *ev, struct err *err)
{
	struct cut line;
	int rc;

	do {
		rc = trace_line(t, &line, NULL, err);
		if (rc <= 0)
			return rc;
		rc = perf_line(t, line, ev, err);
	} while (rc == 0);
	return rc;
}

static bool perf_claims(const char *head, size_t bytes)
{
	struct cut c = {head, head + bytes};

	while (c.at < c.end) {
		const char *newline = memchr(c.at, '\n', (size_t)(c.end - c.at));
		const struct cut line = {c.at, newline ? newline : c.end};
		struct trace_event ev;
		struct cut fields;

		if (prefix_take(line, PREFIX_PERF, &ev, &fields))
			return true;
		c.at = newline ? newline + 1 : c.end;
	}
	return false;
}

const struct trace_format trace_format_perf = {
	.name = "perf",
	.title = "text of perf script: tracepoints and probes",
	.claims = perf_claims,
	.next = perf_next,
};
