/* SPDX-License-Identifier: MIT */
/*
 * What single steps of the DMA layer take on this host: two runs in turns that differ in how often
 * the step is made, and the difference divided by how much more often that is. None of them is the
 * loop that the model is held against afterwards but for the first, whose strategy has no table,
 * and whose run is not judged for that reason.
 */
#include <errno.h>
#include <stdio.h>

#include "bench/layer.h"
#include "calibrate/calibrate_impl.h"

#define PAIRS   1000u /* a round of each run */
#define WORDS   64u   /* of the bitmap between two free entries */
#define PAGES   33u   /* of a mapping that stores many entries */
#define ENTRIES (CHECK_ENTRIES << 3)

const struct calibrate_step_row calibrate_steps[CALIBRATE_STEPS] = {
	[STEP_CALL] = {"dma-call", "call of the DMA layer"},
	[STEP_WORD] = {"dma-word", "word of its bitmap searched"},
	[STEP_ENTRY] = {"dma-entry", "entry of its table stored"},
};

struct pair {
	struct bench_layer *few, *many; /* few may be NULL: nothing is subtracted */
	double more;                    /* steps in a pair of the second than in one of the first */
};

static double time_of(struct bench_layer *l)
{
	const double before = host_thread_ns();

	return bench_layer_work(l, PAIRS) ? (host_thread_ns() - before) / PAIRS : -1;
}

static double round_of(void *ctx)
{
	const struct pair *p = ctx;
	const double few = p->few ? time_of(p->few) : 0, many = time_of(p->many);

	/* A difference may come out below nothing where something else was in the way. */
	return few < 0 || many < 0 ? -1 : many > few ? (many - few) / p->more : 0;
}

static struct bench_layer_config config_of(enum calibrate_step which, bool many)
{
	struct bench_layer_config c = {.iommu = "calgary",
				       .strategy = "unflushed",
				       .allocator = "next-fit",
				       .table_entries = ENTRIES,
				       .pages = 1,
				       .outstanding = CHECK_RING};

	switch (which) {
	case STEP_CALL:
		return (struct bench_layer_config){
			.iommu = "none", .strategy = "off", .pages = 1, .outstanding = CHECK_RING};
	case STEP_WORD:
		c.outstanding = 1;
		c.words_apart = many ? WORDS : 1;
		return c;
	default:
		c.pages = many ? PAGES : 1;
		return c;
	}
}

/* How many more steps, counted where they can be. */
static double more_of(enum calibrate_step which, struct pair *p)
{
	struct bench_layer_counts few, many;

	if (which == STEP_CALL)
		return 2; /* a map and an unmap */
	if (which == STEP_ENTRY)
		return 2.0 * (PAGES - 1); /* set and cleared */
	if (time_of(p->few) < 0 || time_of(p->many) < 0)
		return 0;
	bench_layer_counts(p->few, &few);
	bench_layer_counts(p->many, &many);
	return (double)many.words_searched / (double)many.maps -
	       (double)few.words_searched / (double)few.maps;
}

static void describe(enum calibrate_step which, double more, struct host_sample *out)
{
	switch (which) {
	case STEP_CALL:
		snprintf(out->method, sizeof(out->method),
			 "half of a map and an unmap under strategy off, which has no table, ring "
			 "of %u",
			 CHECK_RING);
		break;
	case STEP_WORD:
		snprintf(out->method, sizeof(out->method),
			 "next-fit in a table with one free entry in %u words less the same with "
			 "one in "
			 "every word, over %.1f words more a search",
			 WORDS, more);
		break;
	default:
		snprintf(out->method, sizeof(out->method),
			 "map and unmap of %u pages less the same of one, over %.0f entries more; "
			 "with "
			 "their bits in the bitmap",
			 PAGES, more);
	}
}

int step_measure(enum calibrate_step which, const struct host_options *options,
		 struct host_sample *out, struct err *err)
{
	const struct bench_layer_config few = config_of(which, false),
					many = config_of(which, true);
	struct pair p = {.more = 0};
	int rc = bench_layer_open(&p.many, &many, err);

	*out = (struct host_sample){0};
	if (!rc && which != STEP_CALL)
		rc = bench_layer_open(&p.few, &few, err);
	if (!rc) {
		p.more = more_of(which, &p);
		describe(which, p.more, out);
		rc = p.more > 0 ? host_repeat(options, round_of, &p, out)
				: err_set(err, -EINVAL, "%s: no more steps than before",
					  calibrate_steps[which].name);
	}
	bench_layer_close(p.few);
	bench_layer_close(p.many);
	return rc;
}
