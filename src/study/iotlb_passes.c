// SPDX-License-Identifier: MIT
/* Points answered while the stream goes by: see iotlb_passes.h. */
#include "study/iotlb_passes.h"

#include <errno.h>
#include <stdlib.h>

bool iotlb_passes_can(const struct iotlb_plan *plan)
{
	for (size_t i = 0; i < plan->points; i++) {
		const struct iotlb_point *p = &plan->point[i];

		if (p->opt || p->hints != MRC_HINTS_NONE ||
		    !(p->stacked || mrc_rows_can(&p->config)))
			return false;
	}
	return true;
}

static int take(void *ctx, const struct mrc_stream *s)
{
	const struct iotlb_passes *p = ctx;
	int rc = p->stack ? mrc_stack_take(p->stack, s) : 0;

	for (size_t i = 0; i < p->plan->points && !rc; i++)
		if (p->rows[i])
			rc = mrc_rows_take(p->rows[i], s);
	return rc;
}

int iotlb_passes_begin(struct iotlb_passes *p, struct iotlb_plan *plan, struct mrc_stream *s,
		       struct err *err)
{
	int rc = 0;

	*p = (struct iotlb_passes){.plan = plan};
	p->rows = calloc(plan->points + 1, sizeof(*p->rows));
	if (!p->rows || mrc_stream_pour(s, take, p))
		rc = err_set(err, -ENOMEM, "no memory");
	for (size_t i = 0; i < plan->points && !rc; i++) {
		if (!plan->point[i].stacked)
			rc = mrc_rows_create(&p->rows[i], &plan->point[i].config, err);
		else if (!p->stack && mrc_stack_create(&p->stack))
			rc = err_set(err, -ENOMEM, "no memory");
	}
	return rc;
}

int iotlb_passes_end(struct iotlb_passes *p, struct mrc_stream *s, struct err *err)
{
	const int rc = mrc_stream_flush(s);
	const uint64_t *depth = NULL;
	size_t deepest = 0;

	if (rc)
		return err_set(err, rc, "no memory");
	if (p->stack)
		depth = mrc_stack_depths(p->stack, &deepest);
	for (size_t i = 0; i < p->plan->points; i++) {
		struct iotlb_point *point = &p->plan->point[i];
		const uint64_t hits =
			p->rows[i] ? mrc_rows_hits(p->rows[i])
				   : mrc_hits_within(depth, deepest, point->config.entries);

		point->count = (struct mrc_count){.hits = hits, .misses = s->accesses - hits};
	}
	return 0;
}

void iotlb_passes_fini(struct iotlb_passes *p)
{
	for (size_t i = 0; p->rows && i < p->plan->points; i++)
		mrc_rows_destroy(p->rows[i]);
	free((void *)p->rows);
	mrc_stack_destroy(p->stack);
	*p = (struct iotlb_passes){0};
}
