// SPDX-License-Identifier: MIT
/* Sampled stack distances: see sample.h. */
#include "mrc/sample.h"

#include <math.h>
#include <stddef.h>

static int take(void *stack, const struct mrc_stream *s)
{
	return mrc_stack_take(stack, s);
}

int mrc_sample_init(struct mrc_sample *m, double rate)
{
	int rc = 0;

	*m = (struct mrc_sample){.rate = rate, .share = (uint64_t)(rate * 0x1p62)};
	for (unsigned i = 0; i < MRC_SAMPLES && !rc; i++) {
		rc = mrc_stream_init(&m->stream[i]);
		if (!rc)
			rc = mrc_stack_create(&m->stack[i]);
		if (!rc)
			rc = mrc_stream_pour(&m->stream[i], take, m->stack[i]);
	}
	return rc;
}

void mrc_sample_fini(struct mrc_sample *m)
{
	for (unsigned i = 0; i < MRC_SAMPLES; i++) {
		mrc_stream_fini(&m->stream[i]);
		mrc_stack_destroy(m->stack[i]);
	}
	*m = (struct mrc_sample){0};
}

/* Which sample a page is in; MRC_SAMPLES or more: none. Each has its share of 2^62. */
static inline uint64_t sample_of(const struct mrc_sample *m, uint32_t tag, uint64_t pfn)
{
	/* The finalizer of splitmix64 (base/rng.h), over the page. */
	uint64_t x = (pfn ^ (uint64_t)tag << 44) + 0x9E3779B97F4A7C15u;

	x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
	x = (x ^ x >> 27) * 0x94D049BB133111EBu;
	x = (x ^ x >> 31) >> 2;
	for (unsigned i = 0; i < MRC_SAMPLES; i++, x -= m->share)
		if (x < m->share)
			return i;
	return MRC_SAMPLES;
}

/* A range of pages is for whoever has them. */
static int drop(struct mrc_sample *m, uint32_t tag, uint64_t pfn, uint32_t pages)
{
	int rc = 0;

	for (unsigned k = 0; k < MRC_SAMPLES && !rc; k++)
		rc = mrc_drop(&m->stream[k], tag, pfn, pages);
	return rc;
}

int mrc_sample_take(struct mrc_sample *m, const struct mrc_many *many)
{
	int rc = 0;

	for (size_t i = 0; i < many->count && !rc; i++) {
		uint64_t k;

		if (many->drop[i] > 1) {
			rc = drop(m, many->tag[i], many->pfn[i], many->drop[i]);
			continue;
		}
		m->accesses += !many->drop[i];
		k = sample_of(m, many->tag[i], many->pfn[i]);
		if (k == MRC_SAMPLES)
			continue;
		rc = many->drop[i] ? mrc_drop(&m->stream[k], many->tag[i], many->pfn[i], 1)
				   : mrc_access(&m->stream[k], many->tag[i], many->pfn[i]);
	}
	return rc;
}

int mrc_sample_drop_tag(struct mrc_sample *m, uint32_t tag)
{
	int rc = 0;

	for (unsigned k = 0; k < MRC_SAMPLES && !rc; k++)
		rc = mrc_drop_tag(&m->stream[k], tag);
	return rc;
}

int mrc_sample_drop_all(struct mrc_sample *m)
{
	int rc = 0;

	for (unsigned k = 0; k < MRC_SAMPLES && !rc; k++)
		rc = mrc_drop_all(&m->stream[k]);
	return rc;
}

int mrc_sample_end(struct mrc_sample *m)
{
	int rc = 0;

	for (unsigned k = 0; k < MRC_SAMPLES && !rc; k++)
		rc = mrc_stream_flush(&m->stream[k]);
	return rc;
}

/* Of sample @k: its misses over the accesses that it could expect. */
static double ratio_of(const struct mrc_sample *m, unsigned k, size_t entries)
{
	/* Pages between two accesses are one less than their depth, and of these a share is here.
	 */
	const size_t scaled = (size_t)((double)(entries - 1) * m->rate) + 1;
	const uint64_t *depth;
	size_t depths;

	depth = mrc_stack_depths(m->stack[k], &depths);
	return (double)(m->stream[k].accesses - mrc_hits_within(depth, depths, scaled)) /
	       (m->rate * (double)m->accesses);
}

double mrc_sample_ratio(const struct mrc_sample *m, size_t entries, double *spread)
{
	double ratio[MRC_SAMPLES], mean = 0, squares = 0;

	for (unsigned k = 0; k < MRC_SAMPLES; k++) {
		ratio[k] = ratio_of(m, k, entries);
		mean += ratio[k] / MRC_SAMPLES;
	}
	for (unsigned k = 0; k < MRC_SAMPLES; k++)
		squares += (ratio[k] - mean) * (ratio[k] - mean);
	*spread = sqrt(squares / (MRC_SAMPLES - 1) / MRC_SAMPLES);
	return mean < 1 ? mean : 1;
}

uint64_t mrc_sampled(const struct mrc_sample *m, uint64_t *pages)
{
	uint64_t accesses = 0;

	*pages = 0;
	for (unsigned k = 0; k < MRC_SAMPLES; k++) {
		accesses += m->stream[k].accesses;
		*pages += m->stream[k].pages;
	}
	return accesses;
}
