/* SPDX-License-Identifier: MIT */
/*
 * Predicting what a recorded kernel, or a recorded IOMMU, did next. The recording gives requests,
 * their sizes, order and CPUs; our allocators, flush queue, driver and hardware are given the same,
 * and what they come to is held against what was recorded, one by one. An answer is looked at
 * after ours has been given, never before, and later events never.
 *
 * A recording mostly begins in the middle of a machine's life. What rests on something from before
 * its beginning cannot be predicted by anybody: it is learnt, and counted as unobservable. After a
 * wrong prediction the recorded answer is taken over, wherever our model had kept it, and the run
 * goes on.
 */
#ifndef IOTOLL_PREDICT_PREDICT_H
#define IOTOLL_PREDICT_PREDICT_H

#include "sim/profile.h"
#include "trace/trace.h"

enum predict_part {
	PREDICT_ADDRESSES,     /* which entries a map was given */
	PREDICT_INVALIDATIONS, /* what the IOTLB was asked to forget, word by word */
	PREDICT_FLUSHES,       /* when a flush queue was full */
	PREDICT_IOTLB,         /* what a device's access found, what an invalidation dropped */
	PREDICT_PARTS
};

/* The first wrong prediction of a part. */
struct predict_divergence {
	uint64_t line; /* of the recording; 0: there was none */
	char expected[128], recorded[128];
	char state[320]; /* of our model, when it was asked */
};

struct predict_score {
	bool applies; /* the recording shows such things */
	uint64_t exact, wrong;
	uint64_t unobservable; /* rests on what was before the recording; not predicted */
	struct predict_divergence first;
};

#define PREDICT_NOTES 8

struct predict_result {
	const char *model; /* what was held against the recording */
	struct predict_score part[PREDICT_PARTS];
	uint64_t unknown_frees;        /* of entries that nothing recorded had been given */
	char note[PREDICT_NOTES][160]; /* what a reader of the figures has to know */
	unsigned notes;
	struct trace_tally trace;
	bool stopped; /* should_stop() ended it: everything is up to there */
};

struct predict_config {
	/* Whose machine gives the allocators memory; costs nothing, for nobody is charged. */
	const struct profile *profile;
	/* May be NULL. Asked now and then; true ends it. */
	bool (*should_stop)(void *ctx);
	/* May be NULL. Called every 65536 events. @total_bytes 0: unknown. */
	void (*progress)(void *ctx, uint64_t events, uint64_t bytes, uint64_t total_bytes);
	void *ctx;
};

/*
 * Hold our models against @trace, which was just opened, to its end. Which models, its format
 * says. 0 and *@out; -EINVAL with @err (malformed, or nothing in it that could be predicted);
 * -ENOMEM; -EINTR if a signal ended a read. The same trace gives the same result.
 */
int predict_run(struct trace *trace, const struct predict_config *config,
		struct predict_result *out, struct err *err) MUST_CHECK;

/* "addresses", "invalidations", "flushes", "iotlb"; NULL past the last. */
const char *predict_part_name(unsigned part);
/* Those exactly right among those predicted; 0 where none was. */
double predict_fraction(const struct predict_score *score);

#endif
