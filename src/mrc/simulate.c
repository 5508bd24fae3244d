// SPDX-License-Identifier: MIT
/* Any policy by running the IOTLB itself over the stream. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/iotlb.h"
#include "mrc/mrc.h"

struct run {
	const struct mrc_stream *s;
	struct iotlb *t;
	bool *mapped; /* by page of MRC_MAPPED; NULL without prefetching */
};

static void run_access(struct run *r, const struct mrc_page *p)
{
	static const uint64_t present = 1;
	uint64_t entry, want;
	uint32_t n;

	if (!iotlb_access(r->t, p->tag, p->pfn, &entry))
		iotlb_insert(r->t, p->tag, p->pfn, &present);
	if (!r->mapped || !iotlb_wants(r->t, p->tag, p->pfn, &want))
		return;
	n = mrc_find(r->s, MRC_MAPPED, want);
	if (n != MRC_NEVER && r->mapped[n])
		iotlb_insert_ahead(r->t, p->tag, want, &present);
}

static void run_pass(struct run *r)
{
	const struct mrc_stream *s = r->s;

	for (size_t i = 0; i < s->events; i++) {
		const uint32_t n = mrc_number(s->event[i]);

		switch (mrc_kind(s->event[i])) {
		case MRC_ACCESS:
			run_access(r, &s->page[n]);
			break;
		case MRC_DROP:
			(void)iotlb_invalidate(r->t, s->page[n].tag, s->page[n].pfn);
			break;
		case MRC_DROP_TAG:
			(void)iotlb_invalidate_tag(r->t, s->tag[n]);
			break;
		case MRC_DROP_ALL:
			iotlb_invalidate_all(r->t);
			break;
		case MRC_MAP:
		case MRC_MAP_ON:
		case MRC_LASTING:
		case MRC_UNMAP:
			if (r->mapped)
				r->mapped[n] = mrc_kind(s->event[i]) != MRC_UNMAP;
			break;
		}
	}
}

static int run_it(const struct mrc_stream *s, const struct iotlb_config *config,
		  struct mrc_count *out, struct err *err)
{
	struct run r = {.s = s};
	struct iotlb_stats stats;
	int rc = iotlb_create(&r.t, config, err);

	if (rc)
		return rc;
	if (config->prefetch != IOTLB_PREFETCH_NONE) {
		r.mapped = calloc(s->pages + 1, sizeof(*r.mapped));
		if (!r.mapped)
			rc = err_set(err, -ENOMEM, "no memory");
	}
	if (!rc) {
		run_pass(&r);
		iotlb_stats(r.t, &stats);
		*out = (struct mrc_count){stats.hits, stats.misses, stats.prefetched, stats.useful};
	}
	free(r.mapped);
	iotlb_destroy(r.t);
	return rc;
}

int mrc_sets(const struct mrc_stream *s, const struct iotlb_config *config, uint32_t **out,
	     struct err *err)
{
	struct iotlb *t;
	int rc = iotlb_create(&t, config, err);

	if (rc)
		return rc;
	*out = malloc((s->pages + 1) * sizeof(**out));
	for (size_t i = 0; *out && i < s->pages; i++)
		(*out)[i] = (uint32_t)iotlb_set_of(t, s->page[i].tag, s->page[i].pfn);
	iotlb_destroy(t);
	return *out ? 0 : err_set(err, -ENOMEM, "no memory");
}

static int rows_it(const struct mrc_stream *s, const struct iotlb_config *config,
		   struct mrc_count *out, struct err *err)
{
	struct mrc_rows *rows;
	int rc = mrc_rows_create(&rows, config, err);

	if (rc)
		return rc;
	rc = mrc_rows_take(rows, s);
	*out = (struct mrc_count){.hits = mrc_rows_hits(rows),
				  .misses = s->accesses - mrc_rows_hits(rows)};
	mrc_rows_destroy(rows);
	return rc ? err_set(err, rc, "no memory") : 0;
}

int mrc_simulate(const struct mrc_stream *s, const struct iotlb_config *config,
		 struct mrc_count *out, struct err *err)
{
	if (config->entries == 0)
		return err_set(err, -EINVAL, "iotlb entries 0: expected at least 1");
	if (config->line_pages != 1)
		return err_set(err, -EINVAL, "iotlb line_pages %u: expected 1", config->line_pages);
	if (config->prefetch != IOTLB_PREFETCH_NONE && !s->maps)
		return err_set(err, -EINVAL,
			       "prefetching needs a stream that says which pages are mapped, and "
			       "this one holds accesses and invalidations alone: expected none");
	return mrc_rows_can(config) ? rows_it(s, config, out, err) : run_it(s, config, out, err);
}
