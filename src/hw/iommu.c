// SPDX-License-Identifier: MIT
/*
 * The registry of IOMMU models: a new one is its file and one row here.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hw/amdvi.h"
#include "hw/calgary.h"
#include "hw/dart.h"
#include "hw/iommu.h"
#include "hw/riommu.h"
#include "hw/vtd.h"

const struct iommu_ops *const iommu_models[] = {
	&calgary_ops, &dart_u3_ops, &dart_u4_ops, &vtd_ops, &amdvi_ops, &riommu_ops, NULL,
};

const struct iommu_ops *iommu_find(const char *name)
{
	for (size_t i = 0; iommu_models[i] != NULL; i++)
		if (strcmp(iommu_models[i]->name, name) == 0)
			return iommu_models[i];
	return NULL;
}

static int unknown_model(const char *name, struct err *err)
{
	char names[200] = "";
	size_t used = 0;

	for (size_t i = 0; iommu_models[i] != NULL && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
					 i != 0 ? ", " : "", iommu_models[i]->name);
	return err_set(err, -EINVAL, "iommu model '%s': expected one of %s", name, names);
}

int iommu_create(struct iommu **out, const struct iommu_config *config, struct err *err)
{
	const struct iommu_ops *ops;

	if (config->model == NULL)
		return unknown_model("", err);
	ops = iommu_find(config->model);
	if (ops == NULL)
		return unknown_model(config->model, err);
	if (config->memory.read == NULL)
		return err_set(err, -EINVAL, "iommu %s: expected a memory to read tables from",
			       ops->name);
	if (config->iotlb.prefetch != IOTLB_PREFETCH_NONE && !ops->prefetches)
		return err_set(err, -EINVAL, "iommu %s: its IOTLB does not prefetch: expected none",
			       ops->name);
	return ops->create(out, config, err);
}

void iommu_destroy(struct iommu *iommu)
{
	if (iommu != NULL)
		iommu->ops->destroy(iommu);
}
