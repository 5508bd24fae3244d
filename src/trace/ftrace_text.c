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
 * Task names may hold anything, brackets included, so a line is split at the first '[' from which
 * on it makes sense. Fields are those of include/trace/events/iommu.h; " - 0xEND" is missing in
 * older kernels. A line that is an event of another kind is passed on by name; one that is none is
 * counted; one of a known kind that does not read as it must is an error.
 */
#include <errno.h>
#include <string.h>

#include "trace/line.h"

#define FTRACE_SECONDS_MAX 1000000000u         /* 31 years of uptime: a greater stamp is no stamp */
#define FTRACE_CPU_MAX     8191u               /* CONFIG_NR_CPUS of x86 goes this far */
#define FTRACE_PADDR_END   ((uint64_t)1 << 52) /* physical addresses of x86 and Arm end here */
#define FTRACE_PAGE_MASK   ((uint64_t)4095)    /* no IOMMU of Linux that uses these has less */

/* "seconds.fraction:", one to nine digits of fraction (the kernel gives six, trace-cmd -t nine). */
static bool ftrace_stamp(struct cut *c, uint64_t *ns)
{
	struct cut in = *c;
	uint64_t seconds, fraction;
	ptrdiff_t digits;

	if (!cut_decimal(&in, FTRACE_SECONDS_MAX, &seconds) || !cut_text(&in, "."))
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

/* "[cpu] flags stamp: name:" from a '[' on; the flags may be missing. */
static bool ftrace_prefix(struct cut c, struct trace_event *ev, struct cut *fields)
{
	struct cut word;
	uint64_t cpu;

	if (!cut_text(&c, "[") || !cut_decimal(&c, FTRACE_CPU_MAX, &cpu) || !cut_text(&c, "]"))
		return false;
	cut_blanks(&c);
	if (!ftrace_stamp(&c, &ev->time_ns)) {
		/* Four characters before 5.18, five since, one more with preempt-lazy. */
		if (!cut_word(&c, &word) || word.end - word.at < 4 || word.end - word.at > 8)
			return false;
		cut_blanks(&c);
		if (!ftrace_stamp(&c, &ev->time_ns))
			return false;
	}
	cut_blanks(&c);
	ev->name = c.at;
	while (c.at < c.end && *c.at != ':' && *c.at != ' ' && *c.at != '\t')
		c.at++;
	ev->name_bytes = (size_t)(c.at - ev->name);
	if (!ev->name_bytes || !cut_text(&c, ":"))
		return false;
	cut_blanks(&c);
	ev->cpu = (unsigned)cpu;
	*fields = c;
	return true;
}

static bool ftrace_find(const char *line, size_t bytes, struct trace_event *ev, struct cut *fields)
{
	struct cut c = {line, line + bytes};

	while ((c.at = memchr(c.at, '[', (size_t)(c.end - c.at)))) {
		if (c.at > line && (c.at[-1] == ' ' || c.at[-1] == '\t') &&
		    ftrace_prefix(c, ev, fields))
			return true;
		c.at++;
	}
	return false;
}

/* "name=" and a multiple of 4096 that is at least @least. */
static bool ftrace_bytes(struct cut *c, const char *name, uint64_t least, uint64_t *out)
{
	cut_blanks(c);
	return cut_text(c, name) && cut_decimal(c, UINT64_MAX, out) && *out >= least &&
	       !(*out & FTRACE_PAGE_MASK);
}

/* A range of @bytes from @at on that does not pass 2^64. */
static bool ftrace_fits(uint64_t at, uint64_t bytes)
{
	return bytes == 0 || bytes - 1 <= UINT64_MAX - at;
}

/* The fields of a map or unmap. NULL, or what was expected and did not come. */
static const char *ftrace_fields(struct cut c, struct trace_event *ev)
{
	const bool map = ev->kind == TRACE_MAP;
	uint64_t range_end = 0;
	bool has_end;

	if (!cut_text(&c, "IOMMU: iova=") || !cut_hex(&c, &ev->iova))
		return "'IOMMU: iova=0x' and 1 to 16 hexadecimal digits";
	if (ev->iova & FTRACE_PAGE_MASK)
		return "an iova that is a multiple of 4096";
	has_end = cut_text(&c, " - ");
	if (has_end && !cut_hex(&c, &range_end))
		return "' - 0x' and 1 to 16 hexadecimal digits, the end of the range";
	cut_blanks(&c);
	ev->paddr = 0;
	if (map && (!cut_text(&c, "paddr=") || !cut_hex(&c, &ev->paddr)))
		return "'paddr=0x' and 1 to 16 hexadecimal digits";
	if (ev->paddr & FTRACE_PAGE_MASK)
		return "a paddr that is a multiple of 4096";
	if (!ftrace_bytes(&c, "size=", 1, &ev->bytes))
		return "'size=' and a positive multiple of 4096";
	if (!ftrace_fits(ev->iova, ev->bytes))
		return "iova + size of at most 2^64";
	if (has_end && range_end != ev->iova + ev->bytes)
		return "a range that ends at iova + size";
	if (map && (ev->paddr > FTRACE_PADDR_END || ev->bytes > FTRACE_PADDR_END - ev->paddr))
		return "paddr + size of at most 2^52";
	ev->done_bytes = 0;
	if (!map && (!ftrace_bytes(&c, "unmapped_size=", 0, &ev->done_bytes) ||
		     !ftrace_fits(ev->iova, ev->done_bytes)))
		return "'unmapped_size=' and a multiple of 4096 that stays below 2^64";
	ev->has |= TRACE_HAS(TRACE_F_IOVA) | TRACE_HAS(TRACE_F_BYTES) |
		   TRACE_HAS(map ? TRACE_F_PADDR : TRACE_F_DONE);
	cut_blanks(&c);
	return c.at == c.end ? NULL : "nothing more on the line";
}

/* "CPU:1 [LOST 5 EVENTS]" of the kernel, "CPU:1 [5 EVENTS DROPPED]" of trace-cmd. */
static bool ftrace_loss(struct cut c, struct trace_tally *y)
{
	uint64_t cpu, lost = 0;

	if (!cut_text(&c, "CPU:") || !cut_decimal(&c, FTRACE_CPU_MAX, &cpu) || !cut_text(&c, " ["))
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
	y->lost_marks++;
	y->lost_events = lost > UINT64_MAX - y->lost_events ? UINT64_MAX : y->lost_events + lost;
	return true;
}

static void ftrace_comment(struct trace *t, struct cut c)
{
	struct cut in = c;
	uint64_t cpus;

	if (cut_text(&in, "# step"))
		t->tally.steps++;
	in.at = memmem(c.at, (size_t)(c.end - c.at), "#P:", 3);
	if (in.at && cut_text(&in, "#P:") && cut_decimal(&in, FTRACE_CPU_MAX + 1, &cpus))
		t->tally.cpus = (unsigned)cpus;
}

/* A line that is no event. 0, or -EINVAL if it was meant to be one that matters. */
static int ftrace_no_event(struct trace *t, struct cut c, struct err *err)
{
	struct cut in = c;
	uint64_t cpus;

	cut_blanks(&in);
	if (in.at == in.end || ftrace_loss(in, &t->tally))
		return 0;
	if (cut_text(&in, "cpus=") && cut_decimal(&in, FTRACE_CPU_MAX + 1, &cpus) &&
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

	if (!ftrace_find(line.at, (size_t)(line.end - line.at), ev, &fields))
		return ftrace_no_event(t, line, err);
	ev->line = t->input.line;
	ev->kind = TRACE_OTHER;
	ev->has = TRACE_HAS(TRACE_F_TIME);
	if (ev->name_bytes == 3 && memcmp(ev->name, "map", 3) == 0)
		ev->kind = TRACE_MAP;
	else if (ev->name_bytes == 5 && memcmp(ev->name, "unmap", 5) == 0)
		ev->kind = TRACE_UNMAP;
	wrong = ev->kind == TRACE_OTHER ? NULL : ftrace_fields(fields, ev);
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

		if (ftrace_find(c.at, (size_t)(end - c.at), &ev, &fields) ||
		    memmem(c.at, (size_t)(end - c.at), "IOMMU: iova=", 12))
			return true;
		c.at = newline ? newline + 1 : c.end;
	}
	return false;
}

const struct trace_format trace_format_ftrace = {
	.name = "ftrace",
	.title = "text of the kernel's trace file or of trace-cmd report: iommu:map, iommu:unmap",
	.claims = ftrace_claims,
	.next = ftrace_next,
};
