/* SPDX-License-Identifier: MIT */
/* A replay asked for by names, and its result as JSON. */
#ifndef IOTOLL_STUDY_REPLAY_RUN_H
#define IOTOLL_STUDY_REPLAY_RUN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "trace/replay.h"

#define REPLAY_AUTO UINT64_MAX

struct timeline;

struct replay_request {
	const char *path;   /* "-": standard input */
	const char *format; /* NULL: recognise it */
	bool allow_loss;    /* also a recording of which much is missing (trace/loss.h) */
	const char *profile, *iommu, *strategy, *allocator;
	const char *access; /* replay_access_name(), or "auto" */
	const char *beside; /* a trace of the IOMMU's side, for its accesses; NULL: none */
	const char *pace;   /* replay_pace_name() */
	const char *device; /* of the recording, by name; NULL: all together, as they come */
	uint64_t iotlb_entries, iotlb_ways, table_entries; /* REPLAY_AUTO: as the model has it */
	struct timeline *timeline;                         /* as in struct replay_config */
	bool (*should_stop)(void *ctx);
	void (*progress)(void *ctx, uint64_t events, uint64_t bytes, uint64_t total_bytes);
	void *ctx;
};

/* Everything but the path. */
void replay_request_defaults(struct replay_request *r);
/* Load its profile. 0, or an error with @err. */
int replay_request_profile(const struct replay_request *r, struct profile *out,
			   struct err *err) MUST_CHECK;
/* Its names as a configuration on @profile, which must outlive it. 0; -EINVAL with @err. */
int replay_request_config(const struct replay_request *r, const struct profile *profile,
			  struct replay_config *out, struct err *err) MUST_CHECK;
/* @trace, which was just opened, with the accesses of the file @beside, if that is not NULL. */
int replay_recording(struct recording *out, struct trace *trace, const char *beside,
		     struct err *err) MUST_CHECK;
/*
 * "auto" means the accesses of @r, if it has any. 0; -EINVAL with @err: they are asked for, and it
 * has none.
 */
int replay_access_settle(const char *name, const struct recording *r, enum replay_access *out,
			 struct err *err) MUST_CHECK;
/* When the strategy's timer went off: "recorded", "own"; null: it has none. A new reference. */
json_t *replay_timer_words(const char *strategy, const struct replay_result *r);
/* What the times of a recording are worth, and when events start, in words. */
const char *replay_pace_words(const char *pace);
/*
 * 0 and a new reference; -EINVAL with @err for names that do not exist and malformed traces;
 * -EINTR after a stop.
 */
int replay_request_run(const struct replay_request *r, json_t **result, struct err *err) MUST_CHECK;

#endif
