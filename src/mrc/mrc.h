/* SPDX-License-Identifier: MIT */
/*
 * How often an IOTLB would have missed, for a recorded stream: every size of a fully associative
 * LRU at once (stack distances, R. L. Mattson et al., "Evaluation techniques for storage
 * hierarchies", IBM Systems Journal 9(2), 1970), the least any replacement could reach (L. A.
 * Belady, "A study of replacement algorithms", IBM Systems Journal 5(2), 1966), and any policy of
 * hw/iotlb.h by running it. Nothing here changes a stream; calls on one stream may run in parallel.
 */
#ifndef IOTOLL_MRC_MRC_H
#define IOTOLL_MRC_MRC_H

#include "hw/iommu.h"
#include "mrc/stream.h"

struct mrc_count {
	uint64_t hits, misses;       /* accesses; misses include the inevitable ones */
	uint64_t prefetched, useful; /* as struct iotlb_stats */
};

/*
 * Run the IOTLB that @config describes (lines of one page) over the stream, filling at each miss.
 * What is fetched ahead must be mapped at that moment. 0; -EINVAL with @err for a geometry that
 * cannot be, or a prefetcher over a stream without maps; -ENOMEM.
 */
int mrc_simulate(const struct mrc_stream *s, const struct iotlb_config *config,
		 struct mrc_count *out, struct err *err) MUST_CHECK;

/*
 * The same for LRU of few ways without prefetching, over a stream as it goes by (mrc_stream_pour())
 * or as a whole: several times faster than running the IOTLB, and equal to the last miss.
 * mrc_simulate() uses it where it can.
 */
struct mrc_rows;
/* Is @config such an IOTLB? */
bool mrc_rows_can(const struct iotlb_config *config);
/* 0; -EINVAL with @err for a geometry that cannot be; -ENOMEM. */
int mrc_rows_create(struct mrc_rows **out, const struct iotlb_config *config,
		    struct err *err) MUST_CHECK;
/* Take the events that @s holds, the next ones of their stream. 0 or -ENOMEM. */
int mrc_rows_take(struct mrc_rows *r, const struct mrc_stream *s) MUST_CHECK;
/* Accesses so far that hit. */
uint64_t mrc_rows_hits(const struct mrc_rows *r);
/* NULL is allowed. */
void mrc_rows_destroy(struct mrc_rows *r);

/*
 * Stack distances of a fully associative LRU. @out[d] for 1 <= d <= *@depths is the number of
 * accesses that hit if and only if the IOTLB has d entries or more; the sum of all is the hits
 * of an endless one. An invalidated page leaves a hole that the next fill below it takes, as it
 * does in hardware. The array is the caller's to free. 0 or -ENOMEM.
 */
int mrc_stack(const struct mrc_stream *s, uint64_t **out, size_t *depths) MUST_CHECK;

/* Of such an array: the accesses that hit with @entries. */
uint64_t mrc_hits_within(const uint64_t *depth, size_t depths, size_t entries);
/* Stack distances over a stream as it goes by. 0 or -ENOMEM. */
struct mrc_stack;
int mrc_stack_create(struct mrc_stack **out) MUST_CHECK;
int mrc_stack_take(struct mrc_stack *k, const struct mrc_stream *s) MUST_CHECK;
/* What mrc_stack() would give of the events so far; the array stays @k's. */
const uint64_t *mrc_stack_depths(const struct mrc_stack *k, size_t *depths);
/* NULL is allowed. */
void mrc_stack_destroy(struct mrc_stack *k);

/*
 * For each event that is an access: index of the next access that could hit what it fills, that is
 * of the same page with no invalidation between; MRC_NEVER if there is none. The array is the
 * caller's to free; NULL when memory is short.
 */
uint32_t *mrc_next_uses(const struct mrc_stream *s);
/*
 * Belady's optimum for @sets sets of @ways: what is needed last goes, and every miss fills (no
 * bypass, as in the IOTLBs modelled here). @set[page] is the page's set. 0 or -ENOMEM.
 */
int mrc_opt(const struct mrc_stream *s, const uint32_t *next, const uint32_t *set, size_t sets,
	    unsigned ways, struct mrc_count *out) MUST_CHECK;

/* The set of each page in the geometry of @config: the caller's to free. 0; errors as above. */
int mrc_sets(const struct mrc_stream *s, const struct iotlb_config *config, uint32_t **out,
	     struct err *err) MUST_CHECK;

#endif
