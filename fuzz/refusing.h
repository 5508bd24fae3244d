/* SPDX-License-Identifier: MIT */
/* An IOMMU for fuzzing devices: it maps one to one, but for what is refused and what lies high. */
#ifndef IOTOLL_FUZZ_REFUSING_H
#define IOTOLL_FUZZ_REFUSING_H

#include "hw/iommu.h"

struct refusing {
	struct iommu iommu; /* first */
	uint64_t refused;   /* a bit for each page of the first 64 that is refused now */
	uint64_t end;       /* nothing from here on is mapped */
};

void refusing_init(struct refusing *r, uint64_t end);

#endif
