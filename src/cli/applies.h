/* SPDX-License-Identifier: MIT */
/* Which drivers of IOMMUs a strategy goes with. */
#ifndef IOTOLL_CLI_APPLIES_H
#define IOTOLL_CLI_APPLIES_H

#include <stddef.h>

/*
 * Their names with commas into @out, "every IOMMU", or "anything" for what needs none; with
 * whatever allocator serves the strategy. "xen" is a guest's driver under a hypervisor.
 */
void applies_to(const char *strategy, char *out, size_t bytes);

#endif
