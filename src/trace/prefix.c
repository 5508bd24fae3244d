// SPDX-License-Identifier: MIT
/*
 * The columns before an event's fields: see prefix.h. ftrace's are those of trace_print_context()
 * and print_lat_fmt() in the kernel's kernel/trace, with the tgid column of the option record-tgid
 * if it is on; perf's those of its default fields for tracepoints (tools/perf/builtin-script.c).
 */
#include "trace/prefix.h"

#include <string.h>

#define PREFIX_SECONDS_MAX 1000000000u /* 31 years of uptime: a greater stamp is no stamp */
#define PREFIX_PID_MAX     (1u << 30)

/* "seconds.fraction:", one to nine digits of fraction (the kernel gives six, trace-cmd -t nine). */
static bool prefix_stamp(struct cut *c, uint64_t *ns)
{
	struct cut in = *c;
	uint64_t seconds, fraction;
	ptrdiff_t digits;

	if (!cut_decimal(&in, PREFIX_SECONDS_MAX, &seconds) || !cut_text(&in, "."))
		return false;
	digits = -(in.at - c->at);
	if (!cut_decimal(&in, 999999999, &fraction))
		return false;
	digits += in.at - c->at;
	if (digits > 9 || !cut_text(&in, ":"))
		return false;
	for (; digits < 9; digits++)
		fraction *= 10;
	*ns = seconds * 1000000000u + fraction;
	*c = in;
	return true;
}

/* Everything before the '[': "task-pid", "task-pid (tgid)", or perf's "task pid", "task pid/tid".
 */
static void prefix_task(struct cut c, enum prefix_style style, struct trace_event *ev)
{
	const char separator = style == PREFIX_PERF ? ' ' : '-';
	const char *p, *open;
	struct cut digits;
	uint64_t pid;

	cut_blanks(&c);
	while (c.end > c.at && cut_is_blank(c.end[-1]))
		c.end--;
	if (style == PREFIX_FTRACE && c.end > c.at && c.end[-1] == ')') {
		open = memrchr(c.at, '(', (size_t)(c.end - c.at));
		if (!open)
			return;
		for (c.end = open; c.end > c.at && cut_is_blank(c.end[-1]);)
			c.end--;
	}
	for (p = c.end; p > c.at && p[-1] >= '0' && p[-1] <= '9';)
		p--;
	digits = (struct cut){p, c.end};
	if (style == PREFIX_PERF && p > c.at && p[-1] == '/')
		for (p--; p > c.at && p[-1] >= '0' && p[-1] <= '9';)
			p--;
	if (p == c.at || p[-1] != separator || !cut_decimal(&digits, PREFIX_PID_MAX, &pid))
		return;
	for (p--; style == PREFIX_PERF && p > c.at && cut_is_blank(p[-1]);)
		p--;
	ev->task = (struct trace_text){c.at, (size_t)(p - c.at)};
	ev->pid = (int32_t)pid;
	ev->has |= TRACE_HAS(TRACE_F_TASK);
}

/* "name:" and a blank or the line's end; perf's has its group before it. */
static bool prefix_name(struct cut *c, enum prefix_style style, struct trace_event *ev)
{
	const char *p = c->at;
	bool group = false;

	for (; p < c->end && !cut_is_blank(*p); p++) {
		if (*p != ':')
			continue;
		if (p + 1 == c->end || cut_is_blank(p[1]))
			break;
		group = true;
	}
	if (p == c->at || p == c->end || *p != ':' || group != (style == PREFIX_PERF))
		return false;
	ev->name = c->at;
	ev->name_bytes = (size_t)(p - c->at);
	c->at = p + 1;
	return true;
}

/* "[cpu] flags stamp: name:" from a '[' on; the flags may be missing, perf has none. */
static bool prefix_rest(struct cut c, enum prefix_style style, struct trace_event *ev,
			struct cut *fields)
{
	struct cut flags = {NULL, NULL};
	uint64_t cpu;

	if (!cut_text(&c, "[") || !cut_decimal(&c, PREFIX_CPU_MAX, &cpu) || !cut_text(&c, "]"))
		return false;
	cut_blanks(&c);
	if (!prefix_stamp(&c, &ev->time_ns)) {
		/* Four characters before 5.18, five since, one more with preempt-lazy. */
		if (style == PREFIX_PERF || !cut_word(&c, &flags) || flags.end - flags.at < 4 ||
		    flags.end - flags.at > (ptrdiff_t)sizeof(ev->context))
			return false;
		cut_blanks(&c);
		if (!prefix_stamp(&c, &ev->time_ns))
			return false;
	}
	cut_blanks(&c);
	if (!prefix_name(&c, style, ev))
		return false;
	cut_blanks(&c);
	ev->kind = TRACE_OTHER;
	ev->cpu = (unsigned)cpu;
	ev->has = TRACE_HAS(TRACE_F_TIME);
	if (flags.at) {
		memset(ev->context, 0, sizeof(ev->context));
		memcpy(ev->context, flags.at, (size_t)(flags.end - flags.at));
		ev->has |= TRACE_HAS(TRACE_F_CONTEXT);
	}
	*fields = c;
	return true;
}

bool prefix_take(struct cut line, enum prefix_style style, struct trace_event *ev,
		 struct cut *fields)
{
	struct cut c = line;

	while ((c.at = memchr(c.at, '[', (size_t)(c.end - c.at)))) {
		if (c.at > line.at && cut_is_blank(c.at[-1]) && prefix_rest(c, style, ev, fields)) {
			prefix_task((struct cut){line.at, c.at}, style, ev);
			return true;
		}
		c.at++;
	}
	return false;
}
