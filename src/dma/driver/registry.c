/* SPDX-License-Identifier: MIT */
/*
 * The IOMMU drivers there are. A new one is its file and its row here.
 */
#include "dma/driver/driver.h"

#include <string.h>

extern const struct driver_ops none_driver_ops;
extern const struct driver_ops calgary_driver_ops;
extern const struct driver_ops dart_u3_driver_ops;
extern const struct driver_ops dart_u4_driver_ops;
extern const struct driver_ops vtd_driver_ops;
extern const struct driver_ops amdvi_driver_ops;
extern const struct driver_ops riommu_driver_ops;
extern const struct driver_ops xen_driver_ops;
extern const struct driver_ops callbacks_driver_ops;

const struct driver_ops *const dma_drivers[] = {
	&none_driver_ops,      &calgary_driver_ops,
	&dart_u3_driver_ops,   &dart_u4_driver_ops,
	&vtd_driver_ops,       &amdvi_driver_ops,
	&riommu_driver_ops,    &xen_driver_ops,
	&callbacks_driver_ops, NULL,
};

const struct driver_ops *driver_find(const char *name)
{
	for (const struct driver_ops *const *row = dma_drivers; name && *row; row++)
		if (strcmp((*row)->name, name) == 0)
			return *row;
	return NULL;
}
