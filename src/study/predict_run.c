/* SPDX-License-Identifier: MIT */
/* A prediction by names; its result as JSON. */
#include "study/predict_run.h"

#include <errno.h>
#include <limits.h>

#include "predict/predict.h"
#include "study/paths.h"
#include "trace/loss.h"

/* Gives the models memory; no cost of it is ever charged. */
#define PREDICT_PROFILE "x460-2007"

static json_t *integer(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *divergence(const struct predict_divergence *d)
{
	if (!d->line)
		return json_null();
	return json_pack("{s:I, s:s, s:s, s:s}", "line", (json_int_t)d->line, "expected",
			 d->expected, "recorded", d->recorded, "state", d->state);
}

static json_t *part(const struct predict_score *s)
{
	const uint64_t predicted = s->exact + s->wrong;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "predicted_exact_fraction",
			 predicted ? json_real(predict_fraction(s)) : json_null(), "observable",
			 integer(predicted), "exact", integer(s->exact), "wrong", integer(s->wrong),
			 "unobservable", integer(s->unobservable), "first_divergence",
			 divergence(&s->first));
}

static json_t *parts(const struct predict_result *r)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < PREDICT_PARTS; i++)
		if (r->part[i].applies)
			json_object_set_new(o, predict_part_name(i), part(&r->part[i]));
	return o;
}

static json_t *notes(const struct predict_result *r)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < r->notes; i++)
		json_array_append_new(a, json_string(r->note[i]));
	return a;
}

static json_t *result_json(const struct trace *trace, const struct predict_result *r)
{
	return json_pack("{s:i, s:s, s:s, s:s, s:s, s:o, s:o, s:{s:o, s:o, s:o, s:o, s:o, s:o}}",
			 "schema", 1, "version", IOTOLL_VERSION, "trace", trace_name(trace),
			 "trace_format", trace_format_name(trace), "model", r->model, "predicted",
			 parts(r), "notes", notes(r), "recording", "events",
			 integer(r->trace.events), "maps", integer(r->trace.maps), "unmaps",
			 integer(r->trace.unmaps), "unknown_frees", integer(r->unknown_frees),
			 "lost_events", integer(r->trace.lost_events), "unknown_lines",
			 integer(r->trace.unknown_lines));
}

int predict_request_run(const struct predict_request *q, json_t **result, struct err *err)
{
	struct predict_config config = {
		.should_stop = q->should_stop, .progress = q->progress, .ctx = q->ctx};
	struct predict_result r;
	struct profile profile;
	struct trace *trace;
	char path[PATH_MAX];
	int rc = paths_find("profiles", PREDICT_PROFILE, ".ini", path, sizeof(path), err);

	if (!rc)
		rc = profile_load(&profile, path, ESTIMATE_DEFAULT, NULL, err);
	if (!rc)
		rc = trace_open(&trace, q->path, q->format, err);
	if (rc)
		return rc;
	config.profile = &profile;
	rc = predict_run(trace, &config, &r, err);
	if (!rc && r.stopped)
		rc = err_set(err, -EINTR, "interrupted");
	if (!rc && !q->allow_loss)
		rc = loss_judge(trace, NULL, err);
	if (!rc)
		*result = result_json(trace, &r);
	trace_close(trace);
	return rc;
}
