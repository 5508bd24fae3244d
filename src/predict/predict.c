/* SPDX-License-Identifier: MIT */
/* From a recording to the predictor of its kind, event by event. */
#include "predict/predict.h"

#include <errno.h>
#include <string.h>

#include "predict/impl.h"

#define PROGRESS_EVENTS 65536u

extern const struct predictor predictor_kernel;
extern const struct predictor predictor_power;
extern const struct predictor predictor_iotlb;

/* An explicit array, in the order in which they are tried. */
static const struct predictor *const predictors[] = {&predictor_iotlb, &predictor_power,
						     &predictor_kernel};

/* Formats that hold everybody's recordings keep the names of their events, and those tell. */
static bool is_for(const struct predictor *p, const char *format, const struct trace_event *first)
{
	return !p->format || !strcmp(p->format, format) ||
	       (first->name_bytes > strlen(p->prefix) &&
		!memcmp(first->name, p->prefix, strlen(p->prefix)));
}

/* The last one is for any. */
static const struct predictor *predictor_find(const char *format, const struct trace_event *first)
{
	unsigned i = 0;

	while (!is_for(predictors[i], format, first))
		i++;
	return predictors[i];
}

/* @event and what follows it, up to the end, an error, or a wish to stop. */
static int read_events(struct trace *trace, struct trace_event *event, const struct predictor *p,
		       void *ctx, const struct predict_config *c, struct predict_result *out,
		       struct err *err)
{
	uint64_t events = 0, total;
	int rc;

	for (rc = 1; rc > 0; rc = trace_next(trace, event, err)) {
		rc = p->event(ctx, event, err);
		if (rc)
			return rc;
		if (c->should_stop && c->should_stop(c->ctx)) {
			out->stopped = true;
			return 0;
		}
		if (c->progress && ++events % PROGRESS_EVENTS == 0) {
			const uint64_t at = trace_position(trace, &total);

			c->progress(c->ctx, events, at, total);
		}
	}
	return rc;
}

static int predict_all(struct trace *trace, const struct predict_config *c,
		       struct predict_result *out, struct err *err)
{
	const struct predictor *p;
	struct trace_event event;
	void *ctx;
	int rc;

	do /* A mark in front of everything tells nothing. */
		rc = trace_next(trace, &event, err);
	while (rc > 0 && (event.kind == TRACE_STEP || event.kind == TRACE_LOST));
	if (rc <= 0)
		return rc;
	p = predictor_find(trace_format_name(trace), &event);
	rc = p->begin(&ctx, c, out, err);
	if (rc)
		return rc;
	rc = read_events(trace, &event, p, ctx, c, out, err);
	p->end(ctx, rc == 0 && !out->stopped);
	return rc;
}

static bool anything(const struct predict_result *r)
{
	for (unsigned i = 0; i < PREDICT_PARTS; i++)
		if (r->part[i].applies)
			return true;
	return false;
}

int predict_run(struct trace *trace, const struct predict_config *c, struct predict_result *out,
		struct err *err)
{
	int rc;

	*out = (struct predict_result){.model = NULL};
	trace_stop_when(trace, c->should_stop, c->ctx);
	trace_want_marks(trace);
	rc = predict_all(trace, c, out, err);
	if (rc == -EINTR && c->should_stop && c->should_stop(c->ctx)) {
		out->stopped = true;
		rc = 0;
	}
	out->trace = *trace_tally(trace);
	if (!rc && !out->stopped && !anything(out))
		rc = err_set(err, -EINVAL,
			     "%s: nothing to predict in %llu lines: expected maps, or lookups of "
			     "an IOTLB",
			     trace_name(trace), (unsigned long long)out->trace.lines);
	return rc;
}
