/* SPDX-License-Identifier: MIT */
/*
 * The DMA layer's own steps, on real threads, for whoever wants to know what one of them takes: the
 * same loop in settings that differ in one thing, how many words of the bitmap are searched, how
 * many entries are stored, which strategy. Times are the caller's to take. Global in the bench
 * object, as bench.h is.
 */
#ifndef IOTOLL_BENCH_LAYER_H
#define IOTOLL_BENCH_LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct bench_layer_config {
	const char *iommu; /* "none", "calgary", "vtd": its hardware half serves the registers */
	const char *strategy, *allocator;
	uint64_t table_entries;
	unsigned pages;       /* of one mapping */
	unsigned outstanding; /* mappings alive at a time, at least 1: the oldest is given back */
	/*
	 * 0: the table is empty otherwise. Else all of it is taken but one entry in so many words
	 * of the bitmap: each search goes through as many. Then outstanding and pages are 1.
	 */
	unsigned words_apart;
};

struct bench_layer_counts {
	uint64_t maps, words_searched;
};

struct bench_layer;

/*
 * A machine with the DMA layer and an IOMMU as @config says, its ring full. 0; -EINVAL, -ENOSPC
 * with @err for what cannot be made; -ENOMEM.
 */
int bench_layer_open(struct bench_layer **out, const struct bench_layer_config *config,
		     struct err *err) MUST_CHECK;
/* @pairs times: take the oldest mapping down, make another. False: there was no room. */
bool bench_layer_work(struct bench_layer *l, uint64_t pairs);
/* What has been counted since it was opened or this was last asked. */
void bench_layer_counts(struct bench_layer *l, struct bench_layer_counts *out);
/*
 * Do @pairs pairs as above and keep a list of the register accesses that they make; as many as take
 * the driver's queue, if it has one, around some whole times (128 and its multiples). How many
 * reads and writes. -ENOMEM; -ENOSPC: there was no room.
 */
int bench_layer_record(struct bench_layer *l, uint64_t pairs, uint64_t *reads,
		       uint64_t *writes) MUST_CHECK;
/*
 * Make the accesses of that list once more, as the driver makes them: by a pointer, into the
 * hardware half, which does what they say with the descriptors that are still in memory. Without
 * @writes only the reads.
 */
void bench_layer_replay(struct bench_layer *l, bool writes);
/* NULL is allowed. */
void bench_layer_close(struct bench_layer *l);

#endif
