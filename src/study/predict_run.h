/* SPDX-License-Identifier: MIT */
/* Holding our models against a recording, asked for by names, and what came of it as JSON. */
#ifndef IOTOLL_STUDY_PREDICT_RUN_H
#define IOTOLL_STUDY_PREDICT_RUN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct predict_request {
	const char *path;   /* "-": standard input */
	const char *format; /* NULL: recognise it */
	bool allow_loss;    /* also a recording of which much is missing (trace/loss.h) */
	bool (*should_stop)(void *ctx);
	void (*progress)(void *ctx, uint64_t events, uint64_t bytes, uint64_t total_bytes);
	void *ctx;
};

/*
 * 0 and a new reference; -EINVAL with @err for a malformed trace or one that holds nothing to
 * predict; -EINTR after a stop.
 */
int predict_request_run(const struct predict_request *r, json_t **result,
			struct err *err) MUST_CHECK;

#endif
