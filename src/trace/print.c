// SPDX-License-Identifier: MIT
/* Events as lines, JSON and CSV: see print.h. */
#include "trace/print.h"

#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"

#define NS 1000000000u

enum quoting { PLAIN, JSON, CSV };

static bool is_mark(const struct trace_event *ev)
{
	return ev->kind == TRACE_LOST || ev->kind == TRACE_STEP;
}

static void put_byte(FILE *to, unsigned char c, enum quoting quoting)
{
	if (quoting == JSON && (c == '"' || c == '\\'))
		fputc('\\', to);
	if (quoting == CSV && c == '"')
		fputc('"', to);
	fputc(c < ' ' || c == 0x7F ? '?' : c, to);
}

static void put_words(FILE *to, struct trace_text text, enum quoting quoting)
{
	size_t at = 0, bad;

	while (at < text.bytes) {
		const bool whole = utf8_is_text(text.at + at, text.bytes - at, &bad);
		const size_t end = whole ? text.bytes : at + bad;

		for (; at < end; at++)
			put_byte(to, (unsigned char)text.at[at], quoting);
		if (!whole) {
			fputc('?', to);
			at++;
		}
	}
}

static void put_list(FILE *to, const struct trace_event *ev, enum trace_field f, bool json)
{
	struct trace_list list;

	memcpy(&list, (const char *)ev + trace_fields[f].at, sizeof(list));
	fputc(json ? '[' : '{', to);
	for (size_t i = 0; i < list.count; i++)
		fprintf(to, json ? "%s%" PRIu64 : "%s0x%" PRIx64, i ? "," : "", list.at[i]);
	fputc(json ? ']' : '}', to);
}

static struct trace_text words_of(const struct trace_event *ev, enum trace_field f)
{
	struct trace_text text;

	memcpy(&text, (const char *)ev + trace_fields[f].at, sizeof(text));
	return text;
}

/* A field's value as it stands in a line and between the commas of CSV. */
static void put_value(FILE *to, const struct trace_event *ev, enum trace_field f,
		      enum quoting quoting)
{
	switch (trace_fields[f].form) {
	case TRACE_FORM_DECIMAL:
		fprintf(to, "%" PRIu64, trace_field_number(ev, f));
		break;
	case TRACE_FORM_SIGNED:
		fprintf(to, "%" PRId64, (int64_t)trace_field_number(ev, f));
		break;
	case TRACE_FORM_HEX:
		fprintf(to, "0x%" PRIx64, trace_field_number(ev, f));
		break;
	case TRACE_FORM_DIR:
		fputs(trace_dir_name(ev->dir), to);
		break;
	case TRACE_FORM_WORDS:
		put_words(to, words_of(ev, f), quoting);
		break;
	case TRACE_FORM_LIST:
		put_list(to, ev, f, false);
		break;
	default: /* a mark is its name */
		fputs(trace_fields[f].name, to);
		break;
	}
}

static struct trace_text name_of(const struct trace_event *ev)
{
	return is_mark(ev) ? (struct trace_text){"", 0}
			   : (struct trace_text){ev->name, ev->name_bytes};
}

static struct trace_text context_of(const struct trace_event *ev)
{
	return (struct trace_text){ev->context, strnlen(ev->context, sizeof(ev->context))};
}

void trace_print_text(FILE *to, const struct trace_event *ev)
{
	const char *kind = trace_kind_name(ev->kind);
	const struct trace_text name = name_of(ev);

	if (trace_has(ev, TRACE_F_TIME))
		fprintf(to, "%6" PRIu64 ".%09" PRIu64 " [%03u] ", ev->time_ns / NS,
			ev->time_ns % NS, ev->cpu);
	else
		fprintf(to, "%16s [%03u] ", "-", ev->cpu);
	if (trace_has(ev, TRACE_F_TASK)) {
		put_words(to, ev->task, PLAIN);
		fprintf(to, "-%d ", (int)ev->pid);
	}
	if (trace_has(ev, TRACE_F_CONTEXT)) {
		put_words(to, context_of(ev), PLAIN);
		fputc(' ', to);
	}
	fputs(kind, to);
	if (name.bytes && (strlen(kind) != name.bytes || memcmp(kind, name.at, name.bytes) != 0)) {
		fputc('(', to);
		put_words(to, name, PLAIN);
		fputc(')', to);
	}
	for (unsigned f = 0; f < TRACE_FIELDS; f++) {
		if (!trace_has(ev, (enum trace_field)f) || trace_fields[f].form == TRACE_FORM_AHEAD)
			continue;
		fprintf(to, trace_fields[f].form == TRACE_FORM_MARK ? " " : " %s=",
			trace_fields[f].name);
		put_value(to, ev, (enum trace_field)f, PLAIN);
	}
	fputc('\n', to);
}

static void put_string(FILE *to, const char *key, struct trace_text text)
{
	fprintf(to, ",\"%s\":\"", key);
	put_words(to, text, JSON);
	fputc('"', to);
}

static void put_json_field(FILE *to, const struct trace_event *ev, enum trace_field f)
{
	const char *name = trace_fields[f].name;

	switch (trace_fields[f].form) {
	case TRACE_FORM_WORDS:
		put_string(to, name, words_of(ev, f));
		break;
	case TRACE_FORM_LIST:
		fprintf(to, ",\"%s\":", name);
		put_list(to, ev, f, true);
		break;
	case TRACE_FORM_DIR:
		fprintf(to, ",\"%s\":\"%s\"", name, trace_dir_name(ev->dir));
		break;
	case TRACE_FORM_MARK:
		fprintf(to, ",\"%s\":true", name);
		break;
	case TRACE_FORM_SIGNED:
		fprintf(to, ",\"%s\":%" PRId64, name, (int64_t)trace_field_number(ev, f));
		break;
	case TRACE_FORM_AHEAD:
		break;
	default:
		fprintf(to, ",\"%s\":%" PRIu64, name, trace_field_number(ev, f));
		break;
	}
}

void trace_print_json(FILE *to, const struct trace_event *ev)
{
	fprintf(to, "{\"kind\":\"%s\"", trace_kind_name(ev->kind));
	if (!is_mark(ev))
		put_string(to, "name", name_of(ev));
	if (trace_has(ev, TRACE_F_TIME))
		fprintf(to, ",\"time_ns\":%" PRIu64, ev->time_ns);
	fprintf(to, ",\"cpu\":%u", ev->cpu);
	if (trace_has(ev, TRACE_F_TASK)) {
		put_string(to, "task", ev->task);
		fprintf(to, ",\"pid\":%d", (int)ev->pid);
	}
	if (trace_has(ev, TRACE_F_CONTEXT))
		put_string(to, "context", context_of(ev));
	for (unsigned f = 0; f < TRACE_FIELDS; f++)
		if (trace_has(ev, (enum trace_field)f))
			put_json_field(to, ev, (enum trace_field)f);
	fputs("}\n", to);
}

void trace_print_csv_head(FILE *to)
{
	fputs("kind,name,time_ns,cpu,task,pid,context", to);
	for (unsigned f = 0; f < TRACE_FIELDS; f++)
		if (trace_fields[f].form != TRACE_FORM_AHEAD)
			fprintf(to, ",%s", trace_fields[f].name);
	fputs("\r\n", to);
}

static void put_quoted(FILE *to, struct trace_text text)
{
	fputc('"', to);
	put_words(to, text, CSV);
	fputc('"', to);
}

void trace_print_csv(FILE *to, const struct trace_event *ev)
{
	fprintf(to, "%s,", trace_kind_name(ev->kind));
	if (!is_mark(ev))
		put_quoted(to, name_of(ev));
	fputc(',', to);
	if (trace_has(ev, TRACE_F_TIME))
		fprintf(to, "%" PRIu64, ev->time_ns);
	fprintf(to, ",%u,", ev->cpu);
	if (trace_has(ev, TRACE_F_TASK)) {
		put_quoted(to, ev->task);
		fprintf(to, ",%d", (int)ev->pid);
	} else {
		fputc(',', to);
	}
	fputc(',', to);
	if (trace_has(ev, TRACE_F_CONTEXT))
		put_quoted(to, context_of(ev));
	for (unsigned f = 0; f < TRACE_FIELDS; f++) {
		const enum trace_form form = trace_fields[f].form;
		const bool quoted = form == TRACE_FORM_WORDS || form == TRACE_FORM_LIST;

		if (form == TRACE_FORM_AHEAD)
			continue;
		fputc(',', to);
		if (!trace_has(ev, (enum trace_field)f))
			continue;
		if (quoted)
			fputc('"', to);
		put_value(to, ev, (enum trace_field)f, CSV);
		if (quoted)
			fputc('"', to);
	}
	fputs("\r\n", to);
}
