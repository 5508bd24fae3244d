/* SPDX-License-Identifier: MIT */
/*
 * What another strategy would have cost a recorded load, and what it would have exposed: each
 * device of a recording, replayed (trace/replay.h) on one machine under every strategy and IOMMU.
 * what_if.c runs them, what_if_result.c has the figures, what_if_document.c the table, the figure
 * and the words.
 */
#ifndef IOTOLL_STUDY_WHAT_IF_H
#define IOTOLL_STUDY_WHAT_IF_H

#include <jansson.h>

#include "study/replay_run.h"

struct what_if_request {
	const char *path;   /* "-": standard input */
	const char *format; /* NULL: recognise it */
	bool allow_loss;
	const char *profile;
	const char *iommus;     /* models with commas; NULL: the profile's own */
	const char *strategies; /* "all", or names and kernel words with commas */
	/* As struct replay_request; device NULL: each. */
	const char *access, *beside, *pace, *device;
	bool (*should_stop)(void *ctx);
	/* May be NULL. Before each replay: so many of so many are done. */
	void (*progress)(void *ctx, unsigned done, unsigned all);
	void *ctx;
};

/* Everything but the path. */
void what_if_defaults(struct what_if_request *q);
/*
 * 0 and a new reference, described in docs/results.md, "What if"; -EINVAL with @err for names that
 * do not exist, malformed recordings and those of which much is missing; -EINTR after a stop;
 * -ENOMEM.
 */
int what_if_run(const struct what_if_request *q, json_t **result, struct err *err) MUST_CHECK;

/*
 * The strategy that @word stands for, a row of the registry or a parameter of Linux's command line:
 * "iommu.strict=1", "iommu.strict=0", "iommu.passthrough=1". NULL: none.
 */
const char *what_if_strategy(const char *word);
/* The parameter that means @strategy with @allocator; NULL: there is none. */
const char *what_if_kernel(const char *strategy, const char *allocator);

/* What device @device's load was: a new reference. */
json_t *what_if_load(const struct recording *r, int device);
/* What the recording says of its invalidations; null if nothing. A new reference. */
json_t *what_if_recorded(const struct recording *r, int device);
/* Price and safety of a replay, into @row; the whole recording spans @span_ns. */
void what_if_put(json_t *row, const struct replay_result *r, const struct replay_config *config,
		 uint64_t span_ns);

/*
 * The document for a page and for terminals of @result, with @result in it as "what_if"; @command:
 * the arguments that make it, borrowed. New reference.
 */
json_t *what_if_document(const json_t *result, const json_t *command);
/* What to take from @device, one of the result's, in sentences: a new array. */
json_t *what_if_words(const json_t *device);

#endif
