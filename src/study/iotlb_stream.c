// SPDX-License-Identifier: MIT
/* Filling streams: see iotlb_stream.h. */
#include "study/iotlb_stream.h"

#include <errno.h>
#include <string.h>

#include "trace/loss.h"
#include "trace/trace.h"

#define PAGE_SHIFT 12
#define IOTLBS     16u /* of one IOMMU */
#define TAG_BITS   24u
#define MAPS_MAX   ((uint64_t)1 << 25) /* pages that a recording of maps may have: our choice */

/* ---- recorded traces ---- */

/* A page of a recorded mapping is over: the device used it, the entry goes, the IOTLB is told. */
static int end_page(struct mrc_stream *s, bool *mapped, uint64_t page)
{
	const uint32_t n = mrc_find(s, MRC_MAPPED, page);
	int rc;

	*mapped = n != MRC_NEVER && s->page[n].used != 0;
	if (!*mapped)
		return 0;
	s->page[n].used = 0;
	rc = mrc_access(s, 0, page);
	if (!rc)
		rc = mrc_unmap(s, page, 1);
	return rc ? rc : mrc_drop(s, 0, page, 1);
}

/* MRC_MAPPED pages are never accessed, so their last use is free to say that they are mapped. */
static int begin_pages(struct mrc_stream *s, uint64_t first, uint64_t pages)
{
	int rc = mrc_map(s, first, pages);

	for (uint64_t i = 0; i < pages && !rc; i++)
		s->page[mrc_find(s, MRC_MAPPED, first + i)].used = 1;
	return rc;
}

static int take(struct mrc_stream *s, const struct trace_event *ev)
{
	const uint64_t first = ev->iova >> PAGE_SHIFT, pages = ev->bytes >> PAGE_SHIFT;
	int rc = 0;

	switch (ev->kind) {
	case TRACE_ACCESS:
		return mrc_access(s, ev->tag, first);
	case TRACE_INVALIDATE:
		return mrc_drop(s, ev->tag, first, pages);
	case TRACE_INVALIDATE_TAG:
		return mrc_drop_tag(s, ev->tag);
	case TRACE_INVALIDATE_ALL:
		return mrc_drop_all(s);
	case TRACE_MAP:
		return pages + s->pages > MAPS_MAX ? -EFBIG : begin_pages(s, first, pages);
	case TRACE_UNMAP:
		if (pages > MAPS_MAX)
			return -EFBIG;
		for (uint64_t i = 0; i < pages && !rc; i++) {
			bool mapped;

			rc = end_page(s, &mapped, first + i);
		}
		return rc;
	default: /* of no effect on an IOTLB */
		break;
	}
	return 0;
}

static int take_many(struct mrc_stream *s, struct mrc_sample *sample,
		     const struct trace_accesses *a)
{
	const struct mrc_many many = {a->tag, a->pfn, a->drop, a->count};

	return sample ? mrc_sample_take(sample, &many) : mrc_take_many(s, &many);
}

static int sample_event(struct mrc_sample *sample, const struct trace_event *ev)
{
	const uint64_t first = ev->iova >> PAGE_SHIFT, pages = ev->bytes >> PAGE_SHIFT;
	const uint32_t drop = ev->kind == TRACE_ACCESS ? 0
			      : pages < UINT32_MAX     ? (uint32_t)pages
						       : UINT32_MAX;
	const struct mrc_many one = {&ev->tag, &first, &drop, 1};

	switch (ev->kind) {
	case TRACE_ACCESS:
		return mrc_sample_take(sample, &one);
	case TRACE_INVALIDATE:
		/* More than can be said of one range is more than anybody has mapped. */
		return drop < UINT32_MAX ? mrc_sample_take(sample, &one)
					 : mrc_sample_drop_tag(sample, ev->tag);
	case TRACE_INVALIDATE_TAG:
		return mrc_sample_drop_tag(sample, ev->tag);
	case TRACE_INVALIDATE_ALL:
		return mrc_sample_drop_all(sample);
	default: /* of no effect on an IOTLB, or refused by judge() */
		return 0;
	}
}

/* A sample without a page says nothing, and several of them agree about it. */
static int judge_samples(const struct mrc_sample *sample, const struct trace *t, struct err *err)
{
	for (unsigned k = 0; k < MRC_SAMPLES; k++)
		if (!sample->stream[k].accesses)
			return err_set(
				err, -EINVAL,
				"--sample %g: expected a page in each of %u samples, and one "
				"has none: %s is too small for this rate",
				sample->rate, MRC_SAMPLES, trace_name(t));
	return 0;
}

static int judge(uint64_t accesses, bool sampled, const struct trace *t, const char **rule,
		 struct err *err)
{
	const struct trace_tally *y = trace_tally(t);

	if (y->accesses && y->maps + y->unmaps)
		return err_set(err, -EINVAL,
			       "%s: expected either accesses of a device or maps and unmaps of a "
			       "kernel, not both",
			       trace_name(t));
	if (sampled && !y->accesses)
		return err_set(err, -EINVAL,
			       "--sample: %s: expected IOTLB lookups of a device: of maps and "
			       "unmaps none is sampled",
			       trace_name(t));
	if (!accesses)
		return err_set(err, -EINVAL,
			       "%s: expected IOTLB lookups of a device, or maps and unmaps of the "
			       "same pages",
			       trace_name(t));
	*rule = y->accesses ? "as the device asked: IOTLB lookups and invalidations recorded"
			    : "each page of a mapping once, immediately before its unmap, which "
			      "invalidates it: the recording holds no accesses";
	return 0;
}

int iotlb_stream_trace(struct mrc_stream *s, struct mrc_sample *sample,
		       const struct iotlb_lab_request *r, const char **rule, struct err *err)
{
	struct trace_accesses many;
	struct trace_event ev;
	struct trace *t;
	int more = 1, rc = trace_open(&t, r->trace, r->format, err);

	if (rc)
		return rc;
	trace_stop_when(t, r->options.should_stop, r->options.ctx);
	while (!rc && (more = trace_next(t, &ev, err)) > 0) {
		rc = sample ? sample_event(sample, &ev) : take(s, &ev);
		while (!rc && trace_next_accesses(t, &many))
			rc = take_many(s, sample, &many);
	}
	if (rc)
		err_set(err, rc, "%s:%llu: %s", trace_name(t), (unsigned long long)ev.line,
			rc == -EFBIG ? "more pages than can be followed" : "no memory");
	else if (more < 0)
		rc = more;
	else
		rc = judge(sample ? sample->accesses : s->accesses, sample != NULL, t, rule, err);
	if (!rc && sample)
		rc = judge_samples(sample, t, err);
	if (!rc && !r->allow_loss)
		rc = loss_judge(t, NULL, err);
	trace_close(t);
	return rc;
}

/* ---- runs ---- */

struct recorder {
	struct mrc_stream *s;
	bool lasting; /* what is mapped next */
	const struct iotlb *iotlb[IOTLBS];
	unsigned iotlbs;
	int rc;
};

/* The tag that (@t, @tag) has in the stream. */
static uint32_t tag_of(struct recorder *r, const struct iotlb *t, uint32_t tag)
{
	unsigned i = 0;

	while (i < r->iotlbs && r->iotlb[i] != t)
		i++;
	if (i == IOTLBS || tag >> TAG_BITS) {
		r->rc = r->rc ? r->rc : -ERANGE;
		return 0;
	}
	if (i == r->iotlbs)
		r->iotlb[r->iotlbs++] = t;
	return tag | i << TAG_BITS;
}

static bool known(const struct recorder *r, const struct iotlb *t)
{
	for (unsigned i = 0; i < r->iotlbs; i++)
		if (r->iotlb[i] == t)
			return true;
	return false;
}

static void note(struct recorder *r, int rc)
{
	if (rc && !r->rc)
		r->rc = rc;
}

static void on_access(void *ctx, const struct iotlb *t, uint32_t tag, uint64_t pfn)
{
	struct recorder *r = ctx;

	note(r, mrc_access(r->s, tag_of(r, t, tag), pfn));
}

static void on_pages(void *ctx, const struct iotlb *t, uint32_t tag, uint64_t first, uint64_t pages)
{
	struct recorder *r = ctx;

	if (known(r, t))
		note(r, mrc_drop(r->s, tag_of(r, t, tag), first, pages));
}

static void on_tag(void *ctx, const struct iotlb *t, uint32_t tag)
{
	struct recorder *r = ctx;

	if (known(r, t))
		note(r, mrc_drop_tag(r->s, tag_of(r, t, tag)));
}

/* One of several IOTLBs emptied is each of its tags dropped. */
static void on_all(void *ctx, const struct iotlb *t)
{
	struct recorder *r = ctx;
	const size_t tags = r->s->tags;

	if (!known(r, t))
		return;
	if (r->iotlbs == 1) {
		note(r, mrc_drop_all(r->s));
		return;
	}
	for (size_t i = 0; i < tags; i++)
		if (r->s->tag[i] != MRC_MAPPED && r->iotlb[r->s->tag[i] >> TAG_BITS] == t)
			note(r, mrc_drop_tag(r->s, r->s->tag[i]));
}

static void on_mapped(void *ctx, iotoll_iova_t iova, uint64_t pages, iotoll_phys_t paddr,
		      size_t bytes, enum iotoll_dma_dir dir)
{
	struct recorder *r = ctx;

	(void)paddr;
	(void)bytes;
	(void)dir;
	note(r, (r->lasting ? mrc_map_lasting : mrc_map)(r->s, IOTOLL_IOVA_U64(iova) >> PAGE_SHIFT,
							 pages));
	r->lasting = false;
}

static void on_lasting(void *ctx, iotoll_iova_t iova, uint64_t pages)
{
	struct recorder *r = ctx;

	(void)iova;
	(void)pages;
	r->lasting = true;
}

static void on_unmapped(void *ctx, iotoll_iova_t iova, uint64_t pages, size_t bytes)
{
	struct recorder *r = ctx;

	(void)bytes;
	note(r, mrc_unmap(r->s, IOTOLL_IOVA_U64(iova) >> PAGE_SHIFT, pages));
}

int iotlb_stream_run(struct mrc_stream *s, const struct scenario *scenario,
		     const struct run_options *options, struct err *err)
{
	struct recorder r = {.s = s};
	const struct iotlb_observer lookups = {&r, on_access, on_pages, on_tag, on_all};
	const struct iotoll_dma_observer maps = {
		.ctx = &r, .mapped = on_mapped, .unmapped = on_unmapped, .lasting = on_lasting};
	struct run_options o = *options;
	json_t *result = NULL;
	int rc;

	if (!strcmp(scenario->iommu_model, "none") || !strcmp(scenario->strategy, "off"))
		return err_set(err, -EINVAL,
			       "%s: nothing is translated: expected iommu.model and dma.strategy "
			       "that do (--set iommu.model=calgary)",
			       scenario->name);
	o.iotlb_observer = &lookups;
	o.dma_observer = &maps;
	rc = run_scenario(scenario, &o, &result, err);
	json_decref(result);
	if (!rc && r.rc)
		rc = err_set(err, r.rc, "%s: the run's IOTLB events cannot all be kept: %s",
			     scenario->name, strerror(-r.rc));
	if (!rc && !s->accesses)
		rc = err_set(err, -EINVAL, "%s: its IOTLB was asked nothing", scenario->name);
	return rc;
}
