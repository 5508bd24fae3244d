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
						     &predictor_kernel, NULL};

static const struct predictor *predictor_find(const char *format)
{
	for (unsigned i = 0; predictors[i]; i++)
		if (!predictors[i]->format || !strcmp(predictors[i]->format, format))
			return predictors[i];
	return NULL;
}

/* Up to the end, an error, or a wish to stop. */
static int read_events(struct trace *trace, const struct predictor *p, void *ctx,
		       const struct predict_config *c, struct predict_result *out, struct err *err)
{
	struct trace_event event;
	uint64_t events = 0, total;
	int rc;

	while ((rc = trace_next(trace, &event, err)) > 0) {
		rc = p->event(ctx, &event, err);
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
	if (rc == -EINTR && c->should_stop && c->should_stop(c->ctx)) {
		out->stopped = true;
		return 0;
	}
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
	const struct predictor *p = predictor_find(trace_format_name(trace));
	void *ctx;
	int rc;

	*out = (struct predict_result){.model = NULL};
	if (!p)
		return err_set(err, -EINVAL, "%s: recordings of format %s cannot be predicted",
			       trace_name(trace), trace_format_name(trace));
	trace_stop_when(trace, c->should_stop, c->ctx);
	trace_want_marks(trace);
	rc = p->begin(&ctx, c, out, err);
	if (rc)
		return rc;
	rc = read_events(trace, p, ctx, c, out, err);
	p->end(ctx, rc == 0 && !out->stopped);
	out->trace = *trace_tally(trace);
	if (!rc && !out->stopped && !anything(out))
		rc = err_set(err, -EINVAL,
			     "%s: nothing to predict in %llu lines: expected maps, or lookups of "
			     "an IOTLB",
			     trace_name(trace), (unsigned long long)out->trace.lines);
	return rc;
}
