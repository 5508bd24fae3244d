/* SPDX-License-Identifier: MIT */
/*
 * Address Translation Services of an embedded IOMMU (models vtd and amdvi): the unit's side of what
 * PCI Express devices with translation caches say to it and hear from it. Entries and payloads are
 * the quadwords of the PCI Express Base Specification ("ATS", "Page Request Services").
 *
 * Messages to devices leave by functions that you give; answers come back through the calls below,
 * at once (from within those functions, even) or whenever. The unit knows no time: you say when its
 * limit for an answer has passed. As in iotoll/iommu.h one thread at a time calls, unless the IOMMU
 * is .shared; then your functions are called with its lock held, by the thread that holds it.
 */
#ifndef IOTOLL_ATS_H
#define IOTOLL_ATS_H

#include "iotoll/iommu.h"

IOTOLL_DECLS_BEGIN

#define IOTOLL_ATS_REQUEST_MAX 8u  /* translations of one request */
#define IOTOLL_ATS_TAGS        32u /* ITags: invalidations under way at once */

enum iotoll_ats_status {
	IOTOLL_ATS_SUCCESS,
	IOTOLL_ATS_UNSUPPORTED, /* UR: this function may not use ATS */
	IOTOLL_ATS_ABORT,       /* CA: the tables are wrong, or cannot be read */
};

/* A Translation Request. */
struct iotoll_ats_request {
	struct iotoll_source source;
	uint64_t address; /* untranslated, bits 63:12 count; the first one */
	unsigned count;   /* 1..IOTOLL_ATS_REQUEST_MAX, one smallest unit after the other */
	unsigned stu;     /* of the device's control register: units of 2^(12 + stu) bytes; 0..31 */
	bool no_write;    /* NW: it will only read */
};

/* Its completion. */
struct iotoll_ats_completion {
	enum iotoll_ats_status status;
	unsigned count; /* of entries: 1 to what was asked for; 0 unless success */
	/* As the device gets them: R, W, U in bits 0 to 2, N and S in 10 and 11, the address above.
	 */
	uint64_t entry[IOTOLL_ATS_REQUEST_MAX];
	unsigned fetches; /* memory reads for tables, as in struct iotoll_xlat */
};

/* The way to devices; each may be NULL. False: nobody has that requester id. */
struct iotoll_ats_fabric {
	void *ctx;
	/* Invalidate Request @itag (below IOTOLL_ATS_TAGS): @payload is its address and S bit. */
	bool (*invalidate)(void *ctx, uint16_t devid, unsigned itag, uint64_t payload);
	/* PRG Response for group @index: @code 0 success, 1 invalid request, 15 failure. */
	bool (*page_response)(void *ctx, uint16_t devid, unsigned index, unsigned code);
};

struct iotoll_ats_stats {
	uint64_t requests, unsupported, aborted; /* translation requests; of them UR, CA */
	uint64_t translated, refused;            /* translated requests that passed; that did not */
	uint64_t invalidations, completed, timed_out; /* sent; of them completed, given up */
	uint64_t stray; /* completions of what was not under way, or that contradict */
	uint64_t page_requests, page_lost, page_responses;
};

/* Does the model serve ATS? Every other function here is for such, and answers -EOPNOTSUPP else. */
bool iotoll_ats_served(const struct iotoll_iommu *iommu);
/*
 * Devices are reached by @fabric from here on (copied; NULL: nobody is there, so whatever is sent
 * times out at once). 0; -EOPNOTSUPP; -ENOMEM.
 */
int iotoll_ats_fabric(struct iotoll_iommu *iommu, const struct iotoll_ats_fabric *fabric);
/*
 * Answer @request. 0 with *@out, whatever its status: a page without rights is a success with R and
 * W clear. -ENODEV for a bus that the model does not have; -EINVAL for a count or a unit out of
 * range.
 */
int iotoll_ats_request(struct iotoll_iommu *iommu, const struct iotoll_ats_request *request,
		       struct iotoll_ats_completion *out);
/*
 * A request whose address a device says is translated: checked as the specification asks, without a
 * look at page tables. Answers as iotoll_iommu_translate(), with .bypass.
 */
int iotoll_ats_translated(struct iotoll_iommu *iommu, struct iotoll_source source, uint64_t paddr,
			  enum iotoll_access access, struct iotoll_xlat *out);
/* An Invalidate Completion of @devid: a bit of @tags for each ITag, @cc 0..7 (0: 8 messages). */
int iotoll_ats_invalidated(struct iotoll_iommu *iommu, uint16_t devid, uint32_t tags, unsigned cc);
/*
 * How long the unit waits for a completion as it is set up now, in nanoseconds: 0 is for ever. And:
 * that time has passed for @itag, which does nothing if it is no longer under way.
 */
int iotoll_ats_limit(const struct iotoll_iommu *iommu, uint64_t *ns);
int iotoll_ats_timed_out(struct iotoll_iommu *iommu, unsigned itag);
/* A Page Request message of @devid, its address, group, L, W and R as they stand in it. */
int iotoll_ats_page_request(struct iotoll_iommu *iommu, uint16_t devid, uint64_t message);
/* Since creation. */
int iotoll_ats_stats(const struct iotoll_iommu *iommu, struct iotoll_ats_stats *out);

IOTOLL_DECLS_END

#endif
