// SPDX-License-Identifier: MIT
/*
 * CSV with a heading: what iotoll trace print --format csv writes, or any other table of events in
 * which the columns are called so. Only "kind" has to be there; order is free, an empty field is
 *one that the event does not have, numbers are decimal or begin with 0x.
 *
 *	kind,name,time_ns,cpu,iova,bytes,paddr
 *	map,map,13882221000,0,0xffefc000,4096,0x7cb8c000
 *
 * Quotation marks are those of RFC 4180, but no field goes over the end of a line.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trace/line.h"

#define CSV_COLUMNS 64u

/* Columns that are no fields of an event. */
enum csv_column { CSV_KIND = TRACE_FIELDS, CSV_NAME, CSV_CPU, CSV_PID, CSV_TOTAL };

struct csv {
	unsigned columns;
	uint8_t column[CSV_COLUMNS]; /* enum csv_column or enum trace_field */
	char room[INPUT_LINE_MAX];   /* for fields with doubled quotation marks */
	size_t used;
	bool quoted; /* the field last taken: then it is there even if it is empty */
};

static const struct {
	const char *name;
	uint8_t column;
} csv_names[] = {
	{"kind", CSV_KIND},
	{"name", CSV_NAME},
	{"cpu", CSV_CPU},
	{"pid", CSV_PID},
	{"time_ns", TRACE_F_TIME},
	{"task", TRACE_F_TASK},
	{"context", TRACE_F_CONTEXT},
};

/* The next field, its quotation marks taken off, and the comma behind it. */
static bool csv_field(struct csv *v, struct cut *c, struct trace_text *out)
{
	const char *p = c->at;
	char *to = v->room + v->used;

	v->quoted = p < c->end && *p == '"';
	if (!v->quoted) {
		p = memchr(c->at, ',', (size_t)(c->end - c->at));
		if (!p)
			p = c->end;
		*out = (struct trace_text){c->at, (size_t)(p - c->at)};
	} else {
		*out = (struct trace_text){to, 0};
		for (p++;; p++) {
			if (p == c->end)
				return false;
			if (*p == '"' && (p + 1 == c->end || *++p != '"'))
				break;
			to[out->bytes++] = *p;
		}
		v->used += out->bytes;
		if (p < c->end && *p == '"')
			p++;
	}
	if (p < c->end && *p++ != ',')
		return false;
	c->at = p;
	return true;
}

static int csv_column(struct trace_text name)
{
	for (size_t i = 0; i < sizeof(csv_names) / sizeof(csv_names[0]); i++)
		if (strncmp(csv_names[i].name, name.at, name.bytes) == 0 &&
		    !csv_names[i].name[name.bytes])
			return csv_names[i].column;
	for (unsigned f = 0; f < TRACE_FIELDS; f++)
		if (trace_fields[f].form != TRACE_FORM_AHEAD &&
		    strncmp(trace_fields[f].name, name.at, name.bytes) == 0 &&
		    !trace_fields[f].name[name.bytes])
			return (int)f;
	return -1;
}

/* Which columns a heading has. NULL, or what was expected. */
static const char *csv_heading(struct csv *v, struct cut c)
{
	uint64_t seen[2] = {0, 0};

	v->columns = 0;
	v->used = 0;
	for (bool more = true; more;) {
		struct trace_text name;
		int column;

		more = memchr(c.at, ',', (size_t)(c.end - c.at)) != NULL;
		if (!csv_field(v, &c, &name))
			return "a heading of names and commas";
		column = csv_column(name);
		if (column < 0)
			return "a heading of names that 'iotoll trace print --format csv' uses";
		if (v->columns == CSV_COLUMNS || seen[column / 64] >> column % 64 & 1)
			return "each name once in the heading";
		seen[column / 64] |= UINT64_C(1) << column % 64;
		v->column[v->columns++] = (uint8_t)column;
	}
	return seen[CSV_KIND / 64] >> CSV_KIND % 64 & 1 ? NULL : "a column called kind";
}

static bool csv_number(struct trace_text text, uint64_t *out)
{
	struct cut c = {text.at, text.at + text.bytes};
	const bool minus = cut_text(&c, "-");

	if (!cut_hex(&c, out) && !cut_decimal(&c, UINT64_MAX, out))
		return false;
	if (minus)
		*out = -*out;
	return c.at == c.end;
}

/* The index of @text among the names that @name gives, -1 if it is none. */
static int csv_among(const char *(*name)(unsigned index), struct trace_text text)
{
	const char *n;

	for (unsigned i = 0; (n = name(i)); i++)
		if (strncmp(n, text.at, text.bytes) == 0 && !n[text.bytes])
			return (int)i;
	return -1;
}

static const char *csv_list(struct trace *t, enum trace_field f, struct trace_text text,
			    struct trace_event *ev)
{
	struct trace_room *room = &t->room[f - TRACE_F_DMA_ADDRS];
	struct cut c = {text.at, text.at + text.bytes};
	struct trace_list list = {NULL, 0};
	uint64_t value;

	if (!cut_text(&c, "{"))
		return "a list in braces";
	while (c.at < c.end && *c.at != '}') {
		if ((list.count && !cut_text(&c, ",")) || !cut_hex(&c, &value))
			return "a list of numbers with 0x and commas between them";
		if (trace_room_put(room, list.count++, value))
			return "a list for which there is memory";
	}
	if (!cut_text(&c, "}") || c.at != c.end)
		return "a list that ends with a brace";
	list.at = room->at;
	memcpy((char *)ev + trace_fields[f].at, &list, sizeof(list));
	return NULL;
}

static const char *csv_take_field(struct trace *t, enum trace_field f, struct trace_text text,
				  struct trace_event *ev)
{
	uint64_t value = 0;
	int dir;

	ev->has |= TRACE_HAS(f);
	switch (trace_fields[f].form) {
	case TRACE_FORM_WORDS:
		memcpy((char *)ev + trace_fields[f].at, &text, sizeof(text));
		return NULL;
	case TRACE_FORM_LIST:
		return csv_list(t, f, text, ev);
	case TRACE_FORM_MARK:
		return NULL;
	case TRACE_FORM_DIR:
		dir = csv_among(trace_dir_name, text);
		ev->dir = dir < 0 ? 0 : (uint8_t)dir;
		return dir < 0 ? "a direction: both, to-device, from-device or none" : NULL;
	case TRACE_FORM_AHEAD:
		if (f == TRACE_F_TASK) {
			ev->task = text;
			return NULL;
		}
		if (f == TRACE_F_TIME)
			return csv_number(text, &ev->time_ns) ? NULL : "nanoseconds";
		memset(ev->context, 0, sizeof(ev->context));
		memcpy(ev->context, text.at, text.bytes < 8 ? text.bytes : 8);
		return text.bytes <= 8 ? NULL : "a context of at most 8 letters";
	default:
		if (!csv_number(text, &value))
			return "a number";
		trace_field_put(ev, f, value);
		return trace_field_number(ev, f) == value ? NULL : "a number that fits its field";
	}
}

static const char *csv_take(struct trace *t, unsigned column, struct trace_text text,
			    struct trace_event *ev)
{
	const struct csv *v = t->state;
	uint64_t value = 0;
	int kind;

	if (!text.bytes && !v->quoted && column != CSV_KIND && column != CSV_NAME)
		return NULL;
	switch (column) {
	case CSV_KIND:
		kind = csv_among(trace_kind_name, text);
		ev->kind = kind < 0 ? TRACE_OTHER : (enum trace_kind)kind;
		return kind < 0 ? "a kind of event" : NULL;
	case CSV_NAME:
		ev->name = text.at;
		ev->name_bytes = text.bytes;
		return NULL;
	case CSV_CPU:
	case CSV_PID:
		if (!csv_number(text, &value) || value + 1 > INT32_MAX)
			return "a CPU or pid";
		if (column == CSV_CPU)
			ev->cpu = (unsigned)value;
		else
			ev->pid = (int32_t)value;
		return NULL;
	default:
		return csv_take_field(t, (enum trace_field)column, text, ev);
	}
}

/* What event.h promises and a table need not keep. */
static const char *csv_complete(struct trace_event *ev)
{
	const char *wrong = trace_event_lacks(ev);

	if (wrong)
		return wrong;
	if (ev->kind == TRACE_ACCESS && !trace_has(ev, TRACE_F_BYTES))
		ev->bytes = 1;
	if (ev->kind == TRACE_QI_SUBMIT)
		trace_qi_decode(ev);
	return trace_event_wrong(ev);
}

static const char *csv_row(struct trace *t, struct cut c, struct trace_event *ev)
{
	struct csv *v = t->state;

	*ev = (struct trace_event){.kind = TRACE_OTHER, .line = t->input.line};
	v->used = 0;
	for (unsigned i = 0; i < v->columns; i++) {
		const bool last = i + 1 == v->columns;
		struct trace_text text;
		const char *wrong;

		if (i && c.at[-1] != ',')
			return "as many fields as the heading has names";
		if (!csv_field(v, &c, &text) || (last && c.at != c.end))
			return "as many fields as the heading has names";
		wrong = csv_take(t, v->column[i], text, ev);
		if (wrong)
			return wrong;
	}
	if (!ev->name_bytes) {
		ev->name = trace_kind_name(ev->kind);
		ev->name_bytes = strlen(ev->name);
	}
	return csv_complete(ev);
}

/* 1 and *@ev, 0 if it was a mark that nobody wants, -EINVAL with @err. */
static int csv_line(struct trace *t, struct cut line, struct trace_event *ev, struct err *err)
{
	struct csv *v = t->state;
	const bool heading = !v->columns;
	const char *wrong = heading ? csv_heading(v, line) : csv_row(t, line, ev);

	if (wrong)
		return err_set(err, -EINVAL, "%s:%llu: expected %s", t->name,
			       (unsigned long long)t->input.line, wrong);
	if (heading)
		return 0;
	if (ev->kind == TRACE_LOST)
		return trace_mark(t, ev);
	if (ev->kind == TRACE_STEP)
		return trace_step(t, ev->text, ev);
	return 1;
}

static int csv_next(struct trace *t, struct trace_event *ev, struct err *err)
{
	struct cut line;
	int rc;

	do {
		rc = trace_line(t, &line, NULL, err);
		if (rc <= 0)
			return rc;
		rc = csv_line(t, line, ev, err);
	} while (rc == 0);
	return rc;
}

static int csv_open(struct trace *t, struct err *err)
{
	t->state = calloc(1, sizeof(struct csv));
	return t->state ? 0 : err_set(err, -ENOMEM, "%s: out of memory", t->name);
}

static void csv_close(struct trace *t)
{
	free(t->state);
	t->state = NULL;
}

static bool csv_claims(const char *head, size_t bytes)
{
	const char *newline = memchr(head, '\n', bytes), *comma;
	struct cut c = {head, newline ? newline : head + bytes};

	while (c.at < c.end) {
		struct cut name = c;

		(void)cut_text(&name, "\"");
		if (cut_text(&name, "kind") &&
		    (name.at == c.end || *name.at == ',' || *name.at == '"' || *name.at == '\r'))
			return true;
		comma = memchr(c.at, ',', (size_t)(c.end - c.at));
		c.at = comma ? comma + 1 : c.end;
	}
	return false;
}

const struct trace_format trace_format_csv = {
	.name = "csv",
	.title = "CSV with a heading, as iotoll trace print --format csv writes it",
	.claims = csv_claims,
	.open = csv_open,
	.close = csv_close,
	.next = csv_next,
};
