// SPDX-License-Identifier: MIT
/* See refusing.h. */
#include "refusing.h"

#include <errno.h>

static int translate(struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		     enum iotoll_access access, struct iotoll_xlat *out)
{
	const struct refusing *r = (const struct refusing *)iommu;
	const uint64_t page = iova / 4096;

	(void)source, (void)access;
	*out = (struct iotoll_xlat){.paddr = iova, .bytes = 4096 - iova % 4096, .hit = true};
	out->fetches = iova >> 12 & 3;
	if (page < 64 && r->refused >> page & 1)
		return -EPERM;
	return iova >= r->end ? -EPERM : 0;
}

static int probe(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		 enum iotoll_access access, struct iotoll_xlat *out)
{
	return translate((struct iommu *)(uintptr_t)iommu, source, iova, access, out);
}

static bool may_start(const struct iommu *iommu, unsigned bus)
{
	(void)iommu, (void)bus;
	return true;
}

static void nothing(struct iommu *iommu, unsigned bus)
{
	(void)iommu, (void)bus;
}

static const struct iommu_ops ops = {
	.name = "one to one",
	.title = "a page is refused or not",
	.translate = translate,
	.probe = probe,
	.may_start = may_start,
	.begin = nothing,
	.end = nothing,
};

void refusing_init(struct refusing *r, uint64_t end)
{
	*r = (struct refusing){.iommu.ops = &ops, .end = end};
}
