/* SPDX-License-Identifier: MIT */
/* What the files of the hypervisor's rig share. */
#ifndef IOTOLL_RIG_HYPER_INTERNAL_H
#define IOTOLL_RIG_HYPER_INTERNAL_H

#include "rig/hyper.h"

/* For xen_device_assign(), with the struct hyper. */
extern const struct xen_iommu_ops hyper_table_ops;

/* The driver of the IOMMU, with an empty table, switched on. 0; its errors with @err. */
int hyper_table_create(struct hyper *h, struct err *err) MUST_CHECK;
/* Allowed if the former failed or was never called. */
void hyper_table_destroy(struct hyper *h);

#endif
