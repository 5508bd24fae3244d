/* SPDX-License-Identifier: MIT */
/* What the predictors of one kind of recording share. Private to src/predict. */
#ifndef IOTOLL_PREDICT_IMPL_H
#define IOTOLL_PREDICT_IMPL_H

#include "dma_env.h"
#include "predict/predict.h"

#define PREDICT_PAGE_SHIFT 12u

/* How the recordings of one format are predicted. A new one is a file and a row in predict.c. */
struct predictor {
	const char *format; /* a row of the trace formats; NULL: any other */
	const char *prefix; /* of its events' names, by which other formats show it */
	/* 0 and *@ctx, which end() gives back; -ENOMEM, -EINVAL with @err. */
	int (*begin)(void **ctx, const struct predict_config *config, struct predict_result *result,
		     struct err *err);
	/* One event. 0; -ENOMEM, -EINVAL with @err. */
	int (*event)(void *ctx, const struct trace_event *event, struct err *err);
	/* No more come, @ok: because all was read. */
	void (*end)(void *ctx, bool ok);
};

/* A machine with nothing on it but memory. */
struct ground {
	struct sim *sim;
	struct machine *machine;
};

/* With @cpus CPUs. 0; -EINVAL with @err, -ENOMEM: then nothing is left. */
int ground_init(struct ground *g, const struct profile *profile, unsigned cpus,
		struct err *err) MUST_CHECK;
/* Allowed on a zeroed struct. */
void ground_fini(struct ground *g);

/* ---- score.c ---- */

void score_exact(struct predict_score *s);
void score_unobservable(struct predict_score *s);
/* Wrong; and where to write the words if it is the first, NULL if it is not. */
struct predict_divergence *score_wrong(struct predict_score *s, uint64_t line);
/* Add a sentence, unless it is there or there is no room. */
void score_note(struct predict_result *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
