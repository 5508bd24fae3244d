/* SPDX-License-Identifier: MIT */
/*
 * What the files of the address translation cache share. Private to src/hw/atc*.c.
 */
#ifndef IOTOLL_HW_ATC_IMPL_H
#define IOTOLL_HW_ATC_IMPL_H

#include "hw/atc.h"
#include "hw/iotlb.h"

struct atc {
	struct atc_config config;
	struct iotlb *cache; /* tag 0; a held word is the frame with R, W and U of the answer */
	uint16_t control;
	bool refused; /* an answer was UR: as good as off until it is switched on anew */
	struct atc_access *accesses; /* in use */
	struct {
		bool busy;      /* taken, its completion not yet handed out */
		unsigned waits; /* for the ends of so many accesses */
	} tag[ATS_TAGS];
	uint32_t ready; /* completed, not yet handed out */
	void (*dropped)(void *ctx, uint64_t pfn, unsigned order);
	void *dropped_ctx;
	struct atc_stats stats;
};

/* Nothing is held, and no answer under way may be used. */
void atc_drop_all(struct atc *a);

#endif
