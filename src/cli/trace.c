/* SPDX-License-Identifier: MIT */
/* iotoll trace: recorded DMA traces, looked at, converted, cut. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/trace_verbs.h"
#include "trace/export.h"
#include "trace/native.h"
#include "trace/print.h"

enum {
	OPT_TO = 256,
	OPT_PACK,
	OPT_KIND,
	OPT_NAME,
	OPT_CPU,
	OPT_DEV,
	OPT_TASK,
	OPT_TAG,
	OPT_IOVA,
	OPT_FROM,
	OPT_UNTIL,
	OPT_FIRST,
	OPT_LAST,
	OPT_LOSS,
	OPT_TRACE_FORMAT
};

static const struct trace_shape shapes[] = {
	{"native", NULL, NULL},
	{"csv", trace_print_csv_head, trace_print_csv},
	{"json", NULL, trace_print_json},
	{"text", NULL, trace_print_text},
};

static const struct trace_shape *shape_find(const char *name)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (!strcmp(shapes[i].name, name))
			return &shapes[i];
	return NULL;
}

/* ---- going through a trace ---- */

static int walk_event(struct trace_walk *w, const struct trace_event *ev, const char *name)
{
	const struct trace_args *a = w->a;
	int rc = 0;

	if (!w->to)
		return 0;
	if (w->native)
		rc = native_put(w->native, ev);
	else if (w->timeline)
		rc = export_take(w->timeline, ev);
	else
		a->shape->put(w->to, ev);
	if (rc == -E2BIG)
		return err_set(&w->a->err, -EINVAL, "%s:%llu: an event of more than 16 MiB", name,
			       (unsigned long long)ev->line);
	return rc ? rc : ferror(w->to) ? -EIO : 0;
}

int trace_walk_all(struct trace_walk *w, struct trace *t)
{
	struct trace_args *a = w->a;
	uint64_t number = 0, begin = 0, total, at;
	struct trace_event ev;
	int rc, more;

	while ((more = trace_next(t, &ev, &a->err)) > 0) {
		const bool mark = ev.kind == TRACE_LOST || ev.kind == TRACE_STEP;

		number += !mark;
		if (!mark && !begin && trace_has(&ev, TRACE_F_TIME))
			begin = ev.time_ns;
		if (number % 65536 == 0 && (at = trace_position(t, &total)) && total)
			cli_progress("%s: %llu events, %3.0f %%", trace_name(t),
				     (unsigned long long)number,
				     100.0 * (double)at / (double)total);
		rc = survey_take(&a->survey, &ev);
		if (!rc && pick_wants(&a->pick, &ev, number,
				      mark || ev.time_ns < begin ? 0 : ev.time_ns - begin))
			rc = walk_event(w, &ev, trace_name(t));
		if (rc == -ENOMEM)
			err_set(&a->err, rc, "%s: out of memory", trace_name(t));
		if (rc)
			return rc;
	}
	return more;
}

int trace_walk_judge(struct trace_args *a, const struct trace *t, bool refuse)
{
	char words[400];

	loss_words(t, &a->survey.loss, words, sizeof(words));
	if (*words)
		fprintf(stderr, "iotoll: %s: %s\n", trace_name(t), words);
	return refuse && !a->allow_loss ? loss_judge(t, &a->survey.loss, &a->err) : 0;
}

int trace_walk_open(struct trace_args *a, unsigned index, struct trace **t)
{
	const int rc = trace_open(t, a->path[index], a->format, &a->err);

	if (rc)
		return rc;
	trace_want_marks(*t);
	trace_stop_when(*t, cli_stopped, NULL);
	return 0;
}

/* ---- print, convert, filter ---- */

static int copy_to(FILE *to, void *ctx, struct err *err)
{
	struct trace_args *a = ctx;
	struct trace_walk w = {.a = a, .to = to};
	struct trace *t = NULL;
	int rc;

	(void)err; /* what is said of the trace is in a->err */
	rc = survey_init(&a->survey);
	if (rc)
		err_set(&a->err, rc, "out of memory");
	else
		rc = trace_walk_open(a, 0, &t);
	if (!rc && a->shape == &trace_shape_perfetto)
		rc = export_create(&w.timeline, to);
	else if (!rc && !a->shape->put)
		rc = native_create(&w.native, to, a->pack);
	if (!rc && a->shape->head)
		a->shape->head(to);
	if (!rc)
		rc = trace_walk_all(&w, t);
	cli_progress(NULL);
	if (!rc)
		rc = trace_walk_judge(a, t, a->out != NULL);
	if (!rc && w.native)
		rc = native_finish(w.native, trace_tally(t));
	if (!rc && w.timeline)
		rc = export_finish(w.timeline, trace_tally(t));
	native_destroy(w.native);
	export_destroy(w.timeline);
	trace_close(t);
	survey_fini(&a->survey);
	return rc;
}

/* Into a->out, whole or not at all. */
static int copy_to_file(struct trace_args *a)
{
	struct err said = {""};
	const int rc = report_write_stream(a->out, copy_to, a, &said);

	if (rc && !a->err.text[0])
		a->err = said;
	return rc;
}

int trace_copy(struct trace_args *a)
{
	return a->out ? copy_to_file(a) : copy_to(stdout, a, &a->err);
}

int trace_one_file(struct trace_args *a)
{
	return a->paths == 1 ? 0
			     : err_set(&a->err, -EINVAL, "%s: expected one trace, not %u",
				       a->verb->name, a->paths);
}

static int verb_print(struct trace_args *a)
{
	const int rc = trace_one_file(a);

	if (rc)
		return rc;
	a->shape = shape_find(a->how.kind == FORMAT_JSON  ? "json"
			      : a->how.kind == FORMAT_CSV ? "csv"
							  : "text");
	a->out = a->how.file;
	return trace_copy(a);
}

static int verb_convert(struct trace_args *a)
{
	const int rc = trace_one_file(a);

	if (rc)
		return rc;
	if (!a->out)
		return err_set(&a->err, -EINVAL, "%s: expected -o FILE: where to write",
			       a->verb->name);
	if (!a->shape)
		a->shape = shape_find("native");
	return copy_to_file(a);
}

/* ---- arguments ---- */

static const struct trace_verb verbs[] = {
	{"info", "what a trace is: format, events by name, losses", trace_info},
	{"print", "its events as lines, JSON or CSV", verb_print},
	{"convert", "write it as native (default), csv, json or text", verb_convert},
	{"filter", "the same, of the events that the options name", verb_convert},
	{"export", "write it as a timeline for ui.perfetto.dev", trace_export},
	{"stats", "events, devices, bytes; which maps and unmaps go together", trace_stats},
};

static const struct argp_option options[] = {
	{"output", 'o', "FILE", 0, "convert, filter, export: where to write", 0},
	{"to", OPT_TO, "FORMAT", 0, "convert, filter: native (default), csv, json, text", 0},
	{"pack", OPT_PACK, 0, 0, "native: compress each block with zstd", 0},
	{"kind", OPT_KIND, "KIND,...", 0, "only these kinds of event (map, unmap, access, ...)", 0},
	{"name", OPT_NAME, "NAME", 0, "only events called so", 0},
	{"cpu", OPT_CPU, "N", 0, "only of this CPU", 0},
	{"dev", OPT_DEV, "DEVICE", 0, "only of this device (0000:00:02.0, dmar0)", 0},
	{"task", OPT_TASK, "NAME", 0, "only of tasks called so", 0},
	{"tag", OPT_TAG, "N", 0, "only of this domain id", 0},
	{"iova", OPT_IOVA, "FIRST-LAST", 0, "only what touches these I/O addresses", 0},
	{"from", OPT_FROM, "SECONDS", 0, "only from so long after the first event on", 0},
	{"until", OPT_UNTIL, "SECONDS", 0, "only before that", 0},
	{"first", OPT_FIRST, "N", 0, "only from the N-th event on", 0},
	{"last", OPT_LAST, "N", 0, "only up to the N-th event", 0},
	{"allow-loss", OPT_LOSS, 0, 0, "use a trace of which much is missing", 0},
	{"trace-format", OPT_TRACE_FORMAT, "NAME", 0, "instead of recognising it", 0},
	{"format", 'f', "FORMAT", 0,
	 "text (default), json or csv; of export perfetto; with :FILE into a file", 0},
	{0},
};

static error_t take_verb(struct trace_args *a, const char *arg)
{
	struct nearest near;

	nearest_init(&near, arg);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (!strcmp(verbs[i].name, arg))
			a->verb = &verbs[i];
		nearest_offer(&near, verbs[i].name);
	}
	if (a->verb)
		return 0;
	err_set(&a->err, -EINVAL,
		"'%s': expected info, print, convert, filter, export or stats%s%s%s", arg,
		near.best ? "; did you mean " : "", near.best ? near.best : "",
		near.best ? "?" : "");
	return EINVAL;
}

static error_t take_path(struct trace_args *a, const char *arg)
{
	if (!a->verb)
		return take_verb(a, arg);
	if (a->paths == TRACE_FILES) {
		err_set(&a->err, -EINVAL, "at most %u traces", TRACE_FILES);
		return EINVAL;
	}
	a->path[a->paths++] = arg;
	return 0;
}

static error_t take_shape(struct trace_args *a, const char *arg)
{
	a->shape = shape_find(arg);
	if (a->shape)
		return 0;
	err_set(&a->err, -EINVAL, "--to: '%s': expected native, csv, json or text", arg);
	return EINVAL;
}

/* Options that say which events are wanted. */
static error_t parse_pick(int key, char *arg, struct trace_args *a)
{
	struct pick *p = &a->pick;

	switch (key) {
	case OPT_KIND:
		return pick_kinds(p, arg, &a->err) ? EINVAL : 0;
	case OPT_NAME:
		p->name = arg;
		return 0;
	case OPT_CPU:
		p->cpu_set = true;
		return cli_take_number(&p->cpu, "cpu", arg, 0, UINT32_MAX, &a->err);
	case OPT_DEV:
		p->dev = arg;
		return 0;
	case OPT_TASK:
		p->task = arg;
		return 0;
	case OPT_TAG:
		p->tag_set = true;
		return cli_take_number(&p->tag, "tag", arg, 0, UINT32_MAX, &a->err);
	case OPT_IOVA:
		return pick_iova(p, arg, &a->err) ? EINVAL : 0;
	case OPT_FROM:
		return pick_seconds(&p->from_ns, "from", arg, &a->err) ? EINVAL : 0;
	case OPT_UNTIL:
		return pick_until(p, arg, &a->err) ? EINVAL : 0;
	case OPT_FIRST:
		return cli_take_number(&p->first, "first", arg, 1, UINT64_MAX, &a->err);
	case OPT_LAST:
		return cli_take_number(&p->last, "last", arg, 1, UINT64_MAX, &a->err);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct trace_args *a = state->input;

	switch (key) {
	case 'o':
		a->out = arg;
		return 0;
	case OPT_TO:
		return take_shape(a, arg);
	case OPT_PACK:
		a->pack = true;
		return 0;
	case OPT_LOSS:
		a->allow_loss = true;
		return 0;
	case OPT_TRACE_FORMAT:
		a->format = arg;
		return 0;
	case 'f':
		return trace_take_format(a, arg);
	case ARGP_KEY_ARG:
		return take_path(a, arg);
	case ARGP_KEY_END:
		if (a->paths)
			return pick_check(&a->pick, &a->err) ? EINVAL : trace_fit_format(a);
		err_set(&a->err, -EINVAL, "expected %s",
			a->verb ? "a trace ('-' is standard input)"
				: "info, print, convert, filter, export or stats, and a trace");
		return EINVAL;
	default:
		return parse_pick(key, arg, a);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "info|print|convert|filter|export|stats TRACE...",
	.doc = "Look at recorded DMA traces, convert and cut them. Formats are recognised; gzip, "
	       "xz and "
	       "zstd are unpacked on the way ('iotoll list formats')."
	       "\vExamples:\n"
	       "  iotoll trace info trace.dat\n"
	       "  iotoll trace print traces/vtd-strict-rx-4096.trace.txt --first 100 --last 120\n"
	       "  iotoll trace convert trace.dat -o rx.iot\n"
	       "  iotoll trace convert huge.txt.xz --pack -o huge.iot\n"
	       "  iotoll trace filter rx.iot --kind map,unmap --until 0.5 -o half.iot\n"
	       "  iotoll trace export rx.iot --format perfetto -o rx.json\n"
	       "  iotoll trace stats rx.iot half.iot --format csv",
};

int cli_trace(int argc, char **argv)
{
	struct trace_args *a = calloc(1, sizeof(*a));
	int rc;

	if (!a)
		return cli_fail(-ENOMEM, NULL);
	rc = cli_parse(&argp, argc, argv, a, &a->err);
	if (!rc) {
		cli_catch_signals();
		rc = a->verb->run(a);
		rc = rc ? cli_fail(rc, &a->err) : CLI_OK;
	}
	free(a);
	return rc;
}
