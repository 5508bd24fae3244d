/* SPDX-License-Identifier: MIT */
/* iotoll trace info and stats: what a trace consists of and what is missing of it, in words and
 * JSON. */
#include <errno.h>
#include <string.h>

#include "cli/trace_verbs.h"
#include "report/csv.h"

static json_t *events_of(const struct survey *s)
{
	json_t *rows = json_array();

	for (unsigned i = 0; i < s->events; i++)
		json_array_append_new(rows,
				      json_pack("{s:s, s:s, s:I, s:I}", "event", s->event[i].name,
						"kind", trace_kind_name(s->event[i].kind), "count",
						(json_int_t)s->event[i].count, "bytes",
						(json_int_t)s->event[i].bytes));
	return rows;
}

static json_t *devices_of(const struct survey *s)
{
	json_t *rows = json_array();

	for (unsigned i = 0; i < s->devices; i++)
		json_array_append_new(rows,
				      json_pack("{s:s, s:I, s:I}", "device", s->device[i].name,
						"maps", (json_int_t)s->device[i].count, "bytes",
						(json_int_t)s->device[i].bytes));
	return rows;
}

static json_t *losses_of(const struct trace *t, const struct survey *s)
{
	const struct trace_tally *y = trace_tally(t);
	const struct loss *l = &s->loss;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "lost_events", (json_int_t)y->lost_events, "lost_places",
			 (json_int_t)y->lost_marks, "backwards", (json_int_t)y->backwards,
			 "backward_bytes", (json_int_t)l->backward_bytes, "unknown_lines",
			 (json_int_t)y->unknown_lines, "mapped_bytes", (json_int_t)l->mapped_bytes,
			 "unmapped_bytes", (json_int_t)l->unmapped_bytes, "before_bytes",
			 (json_int_t)l->before_bytes, "again_bytes", (json_int_t)l->again_bytes,
			 "shared_maps", (json_int_t)l->shared_maps, "live_maps",
			 (json_int_t)l->match.live_maps, "live_bytes",
			 (json_int_t)(l->match.live_pages << 12));
}

static json_t *survey_of(const struct trace *t, const struct survey *s)
{
	const struct trace_tally *y = trace_tally(t);
	json_t *doc = json_pack("{s:s, s:s, s:I, s:i, s:I}", "file", trace_name(t), "format",
				trace_format_name(t), "events", (json_int_t)s->total, "cpus",
				(int)y->cpus, "steps", (json_int_t)y->steps);

	if (s->timed)
		json_object_set_new(doc, "span_s",
				    json_real((double)(s->last_ns - s->first_ns) / 1e9));
	if (s->beyond)
		json_object_set_new(doc, "unnamed", json_integer((json_int_t)s->beyond));
	return doc;
}

static int survey_file(struct trace_args *a, unsigned index, bool refuse, json_t **doc)
{
	struct trace_walk w = {.a = a};
	struct trace *t = NULL;
	int rc = survey_init(&a->survey);

	if (rc)
		return err_set(&a->err, rc, "out of memory");
	rc = trace_walk_open(a, index, &t);
	if (!rc)
		rc = trace_walk_all(&w, t);
	cli_progress(NULL);
	if (!rc)
		rc = trace_walk_judge(a, t, refuse);
	if (!rc) {
		*doc = survey_of(t, &a->survey);
		json_object_set_new(*doc, "by_event", events_of(&a->survey));
		if (a->survey.devices)
			json_object_set_new(*doc, "by_device", devices_of(&a->survey));
		json_object_set_new(*doc, "losses", losses_of(t, &a->survey));
	}
	trace_close(t);
	survey_fini(&a->survey);
	memset(&a->survey, 0, sizeof(a->survey));
	return rc;
}

static const json_t *field(const json_t *doc, const char *name)
{
	return json_object_get(doc, name);
}

static long long number(const json_t *doc, const char *name)
{
	return json_integer_value(field(doc, name));
}

static void text_info(FILE *out, const json_t *doc)
{
	const json_t *row;
	size_t i;

	fprintf(out, "%s: %s, %lld events", json_string_value(field(doc, "file")),
		json_string_value(field(doc, "format")), number(doc, "events"));
	if (field(doc, "span_s"))
		fprintf(out, " in %.6f s", json_real_value(field(doc, "span_s")));
	if (number(doc, "cpus"))
		fprintf(out, ", %lld CPUs", number(doc, "cpus"));
	fputc('\n', out);
	json_array_foreach(field(doc, "by_event"), i, row)
		fprintf(out, "  %-24s %-16s %10lld\n", json_string_value(field(row, "event")),
			json_string_value(field(row, "kind")), number(row, "count"));
}

static void text_stats(FILE *out, const json_t *doc)
{
	const json_t *l = field(doc, "losses"), *row;
	size_t i;

	json_array_foreach(field(doc, "by_device"), i, row) fprintf(
		out, "  device %s: %lld maps, %lld bytes asked for\n",
		json_string_value(field(row, "device")), number(row, "maps"), number(row, "bytes"));
	fprintf(out,
		"  mapped %lld bytes, unmapped %lld: %lld mapped before the recording began, "
		"%lld unmapped again without a map\n",
		number(l, "mapped_bytes"), number(l, "unmapped_bytes"), number(l, "before_bytes"),
		number(l, "again_bytes"));
	fprintf(out,
		"  %lld maps (%lld bytes) alive at the end, %lld maps of pages that lived "
		"already\n",
		number(l, "live_maps"), number(l, "live_bytes"), number(l, "shared_maps"));
	fprintf(out,
		"  lost by the recorder: %lld events at %lld places; out of order: %lld (%lld "
		"bytes); no events: %lld lines\n",
		number(l, "lost_events"), number(l, "lost_places"), number(l, "backwards"),
		number(l, "backward_bytes"), number(l, "unknown_lines"));
}

static int info_text(FILE *out, const json_t *docs, struct err *err)
{
	const json_t *doc;
	size_t i;

	(void)err;
	json_array_foreach(docs, i, doc) text_info(out, doc);
	return 0;
}

static int stats_text(FILE *out, const json_t *docs, struct err *err)
{
	const json_t *doc;
	size_t i;

	(void)err;
	json_array_foreach(docs, i, doc)
	{
		text_info(out, doc);
		text_stats(out, doc);
	}
	return 0;
}

/* A row for each event of each file. */
static int survey_csv(FILE *out, const json_t *docs, struct err *err)
{
	json_t *rows = json_array();
	const json_t *doc;
	size_t i, j;
	json_t *row;
	int rc;

	json_array_foreach(docs, i, doc)
	{
		json_array_foreach(field(doc, "by_event"), j, row)
		{
			json_t *one = json_pack("{s:O}", "file", field(doc, "file"));

			json_object_update(one, row);
			json_array_append_new(rows, one);
		}
	}
	rc = report_rows_csv(out, rows, err);
	json_decref(rows);
	return rc;
}

static int survey_all(struct trace_args *a, bool refuse, report_writer text)
{
	json_t *docs = json_array();
	int rc = cli_output_possible(&a->how, &a->err);

	for (unsigned i = 0; i < a->paths && !rc; i++) {
		json_t *doc = NULL;

		rc = survey_file(a, i, refuse, &doc);
		if (!rc)
			json_array_append_new(docs, doc);
	}
	if (!rc)
		rc = cli_output(&a->how, docs, text, survey_csv, &a->err);
	json_decref(docs);
	return rc;
}

int trace_info(struct trace_args *a)
{
	return survey_all(a, false, info_text);
}

int trace_stats(struct trace_args *a)
{
	return survey_all(a, true, stats_text);
}
