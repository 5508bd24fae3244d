/* SPDX-License-Identifier: MIT */
/*
 * Devices as an IOMMU meets them on the fabric, for tests: what was sent is written down, and
 * nothing is answered but what the test answers.
 */
#ifndef IOTOLL_TESTS_HW_FABRIC_H
#define IOTOLL_TESTS_HW_FABRIC_H

#include "hw/ats.h"

#define FABRIC_LOG 256u

struct fabric {
	struct ats_fabric ops;
	bool absent; /* nobody is there */
	unsigned sent, responses;
	struct {
		uint16_t devid;
		unsigned itag;
		uint64_t payload;
	} log[FABRIC_LOG]; /* of invalidations, by number modulo its length */
	uint16_t response_devid;
	unsigned response_index, response_code;
	struct iommu *prompt; /* if set, complete each from within, with one message */
};

static inline bool fabric_invalidate(void *ctx, uint16_t devid, unsigned itag, uint64_t payload)
{
	struct fabric *f = ctx;
	const unsigned n = f->sent++ % FABRIC_LOG;

	f->log[n].devid = devid;
	f->log[n].itag = itag;
	f->log[n].payload = payload;
	if (f->prompt)
		f->prompt->ops->ats->completion(f->prompt, devid, UINT32_C(1) << itag, 1);
	return !f->absent;
}

static inline bool fabric_respond(void *ctx, uint16_t devid, unsigned index, unsigned code)
{
	struct fabric *f = ctx;

	f->responses++;
	f->response_devid = devid;
	f->response_index = index;
	f->response_code = code;
	return !f->absent;
}

static inline void fabric_join(struct fabric *f, struct iommu *iommu)
{
	*f = (struct fabric){.ops = {.ctx = f,
				     .invalidate = fabric_invalidate,
				     .page_response = fabric_respond}};
	iommu->fabric = &f->ops;
}

/* Complete invalidation number @n with one message. */
static inline void fabric_complete(struct fabric *f, struct iommu *iommu, unsigned n)
{
	iommu->ops->ats->completion(iommu, f->log[n % FABRIC_LOG].devid,
				    UINT32_C(1) << f->log[n % FABRIC_LOG].itag, 1);
}

#endif
