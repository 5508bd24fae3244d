// SPDX-License-Identifier: MIT
/*
 * ATS as a program outside sees it: include/iotoll/ats.h over hw/ats.h.
 */
#include "iotoll/ats.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "hw/ats.h"
#include "hw/shared.h"

static_assert(IOTOLL_ATS_REQUEST_MAX == ATS_REQUEST_MAX && IOTOLL_ATS_TAGS == ATS_TAGS,
	      "the same limits");
static_assert((int)IOTOLL_ATS_SUCCESS == (int)ATS_SUCCESS &&
		      (int)IOTOLL_ATS_UNSUPPORTED == (int)ATS_UNSUPPORTED &&
		      (int)IOTOLL_ATS_ABORT == (int)ATS_ABORT,
	      "the same statuses");

static struct iommu *inside(const struct iotoll_iommu *iommu)
{
	return (struct iommu *)(uintptr_t)iommu;
}

/* The model's own operations, which know no lock; NULL if it serves no ATS. */
static const struct iommu_ats_ops *ops_of(const struct iommu *i)
{
	return i->shared != NULL ? i->shared->model->ats : i->ops->ats;
}

/* The same, and from here on it is this thread's turn if they are not NULL. */
static const struct iommu_ats_ops *enter(struct iommu *i)
{
	const struct iommu_ats_ops *ops = ops_of(i);

	if (ops != NULL)
		iommu_lock(i);
	return ops;
}

bool iotoll_ats_served(const struct iotoll_iommu *iommu)
{
	return ops_of(inside(iommu)) != NULL;
}

static int set_fabric(struct iommu *i, const struct iotoll_ats_fabric *fabric)
{
	if (i->own_fabric == NULL)
		i->own_fabric = malloc(sizeof(*i->own_fabric));
	if (i->own_fabric == NULL)
		return -ENOMEM;
	*i->own_fabric = (struct ats_fabric){.ctx = NULL};
	if (fabric != NULL)
		*i->own_fabric = (struct ats_fabric){.ctx = fabric->ctx,
						     .invalidate = fabric->invalidate,
						     .page_response = fabric->page_response};
	i->fabric = i->own_fabric;
	return 0;
}

int iotoll_ats_fabric(struct iotoll_iommu *iommu, const struct iotoll_ats_fabric *fabric)
{
	struct iommu *i = inside(iommu);
	int rc;

	if (enter(i) == NULL)
		return -EOPNOTSUPP;
	rc = set_fabric(i, fabric);
	iommu_unlock(i);
	return rc;
}

int iotoll_ats_request(struct iotoll_iommu *iommu, const struct iotoll_ats_request *request,
		       struct iotoll_ats_completion *out)
{
	const struct ats_request asked = {
		.source = request->source,
		.address = request->address,
		.count = request->count,
		.stu = request->stu,
		.no_write = request->no_write,
	};
	struct iommu *i = inside(iommu);
	const struct iommu_ats_ops *ops = enter(i);
	struct ats_completion answer;
	int rc;

	if (ops == NULL)
		return -EOPNOTSUPP;
	rc = ops->request(i, &asked, &answer);
	iommu_unlock(i);
	if (rc != 0)
		return rc;
	*out = (struct iotoll_ats_completion){.status = (enum iotoll_ats_status)answer.status,
					      .count = answer.count,
					      .fetches = answer.fetches};
	for (unsigned n = 0; n < answer.count; n++)
		out->entry[n] = answer.entry[n];
	return 0;
}

int iotoll_ats_translated(struct iotoll_iommu *iommu, struct iotoll_source source, uint64_t paddr,
			  enum iotoll_access access, struct iotoll_xlat *out)
{
	struct iommu *i = inside(iommu);
	const struct iommu_ats_ops *ops = enter(i);
	int rc;

	if (ops == NULL)
		return -EOPNOTSUPP;
	rc = ops->translated(i, source, paddr, access, out);
	iommu_unlock(i);
	return rc;
}

int iotoll_ats_invalidated(struct iotoll_iommu *iommu, uint16_t devid, uint32_t tags, unsigned cc)
{
	struct iommu *i = inside(iommu);
	const struct iommu_ats_ops *ops;

	if (cc > 7)
		return -EINVAL;
	ops = enter(i);
	if (ops == NULL)
		return -EOPNOTSUPP;
	ops->completion(i, devid, tags, cc);
	iommu_unlock(i);
	return 0;
}

int iotoll_ats_limit(const struct iotoll_iommu *iommu, uint64_t *ns)
{
	struct iommu *i = inside(iommu);
	const struct iommu_ats_ops *ops = enter(i);

	if (ops == NULL)
		return -EOPNOTSUPP;
	*ns = ops->limit_ns(i);
	iommu_unlock(i);
	return 0;
}

int iotoll_ats_timed_out(struct iotoll_iommu *iommu, unsigned itag)
{
	struct iommu *i = inside(iommu);
	const struct iommu_ats_ops *ops;

	if (itag >= ATS_TAGS)
		return -EINVAL;
	ops = enter(i);
	if (ops == NULL)
		return -EOPNOTSUPP;
	ops->time_out(i, itag);
	iommu_unlock(i);
	return 0;
}

int iotoll_ats_page_request(struct iotoll_iommu *iommu, uint16_t devid, uint64_t message)
{
	struct iommu *i = inside(iommu);
	const struct iommu_ats_ops *ops = enter(i);

	if (ops == NULL)
		return -EOPNOTSUPP;
	ops->page_request(i, devid, message);
	iommu_unlock(i);
	return 0;
}

int iotoll_ats_stats(const struct iotoll_iommu *iommu, struct iotoll_ats_stats *out)
{
	struct iommu *i = inside(iommu);
	const struct iommu_ats_ops *ops = enter(i);
	struct ats_stats s;

	if (ops == NULL)
		return -EOPNOTSUPP;
	ops->stats(i, &s);
	iommu_unlock(i);
	*out = (struct iotoll_ats_stats){
		.requests = s.requests,
		.unsupported = s.unsupported,
		.aborted = s.aborted,
		.translated = s.translated,
		.refused = s.refused,
		.invalidations = s.invalidations,
		.completed = s.completed,
		.timed_out = s.timed_out,
		.stray = s.stray,
		.page_requests = s.page_requests,
		.page_lost = s.page_lost,
		.page_responses = s.page_responses,
	};
	return 0;
}
