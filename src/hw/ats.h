/* SPDX-License-Identifier: MIT */
/*
 * What an IOMMU that serves Address Translation Services does beyond hw/iommu.h: it answers
 * translation requests, lets translated requests through, takes page requests, and sends messages
 * of its own to devices. Payloads are those of spec/ats.h.
 *
 * A message to a device is handed to the fabric at the instant it leaves the unit; the fabric
 * routes it by requester id. Answers come back through the operations below, at once (from within
 * the call, even) or whenever. The hardware half knows no time: who embeds it says when the unit's
 * limit for an answer has passed.
 */
#ifndef IOTOLL_HW_ATS_H
#define IOTOLL_HW_ATS_H

#include "hw/iommu.h"
#include "spec/ats.h"

enum ats_status {
	ATS_SUCCESS,
	ATS_UNSUPPORTED, /* UR: this function may not use ATS */
	ATS_ABORT,       /* CA: the tables are wrong, or cannot be read */
};

struct ats_request {
	struct iotoll_source source;
	uint64_t address; /* untranslated, bits 63:12; the first one */
	unsigned count;   /* 1..ATS_REQUEST_MAX, each one smallest unit after the other */
	unsigned stu;     /* the device's: the unit is 2^(12 + stu) bytes; 0..31 */
	bool no_write;    /* NW */
};

struct ats_completion {
	enum ats_status status;
	unsigned count; /* entries: 1 to what was asked for, 0 unless SUCCESS */
	uint64_t entry[ATS_REQUEST_MAX];
	unsigned fetches; /* as in struct iotoll_xlat, over all of them */
};

/*
 * The way to devices. True: the device got it. False: nobody has this id (or there is no fabric),
 * so no answer can ever come.
 */
struct ats_fabric {
	void *ctx;
	/* Invalidate Request, @itag below ATS_TAGS. */
	bool (*invalidate)(void *ctx, uint16_t devid, unsigned itag, uint64_t payload);
	/* PRG Response, @code PRI_SUCCESS, PRI_INVALID or PRI_FAILURE, or a reserved one. */
	bool (*page_response)(void *ctx, uint16_t devid, unsigned index, unsigned code);
};

struct ats_stats {
	uint64_t requests;      /* translation requests */
	uint64_t unsupported;   /* of them: answered UR */
	uint64_t aborted;       /* of them: answered CA */
	uint64_t translated;    /* translated requests that passed */
	uint64_t refused;       /* translated requests that did not */
	uint64_t invalidations; /* invalidate requests sent */
	uint64_t completed;     /* of them: completed */
	uint64_t timed_out;     /* of them: given up */
	uint64_t stray;         /* completions of what was not outstanding, or that contradict */
	uint64_t page_requests, page_lost, page_responses;
};

struct iommu_ats_ops {
	/*
	 * AT 01. 0 with *@out, whatever its status; -ENODEV for a bus that the model does not have,
	 * -EINVAL for a count or a unit out of range. No right for a page is no failure: SUCCESS
	 * with R and W clear, and no fault is recorded for it.
	 */
	int (*request)(struct iommu *iommu, const struct ats_request *request,
		       struct ats_completion *out);
	/*
	 * AT 10: the checks that the specification asks for, and no look at page tables. Returns as
	 * iommu_translate(); *@out says bypass.
	 */
	int (*translated)(struct iommu *iommu, struct iotoll_source source, uint64_t paddr,
			  enum iotoll_access access, struct iotoll_xlat *out);
	/* What translated() would answer. Changes nothing. */
	int (*probe_translated)(const struct iommu *iommu, struct iotoll_source source,
				uint64_t paddr, enum iotoll_access access, struct iotoll_xlat *out);
	/* An Invalidate Completion: a bit of @tags for each ITag, @cc 0..7. */
	void (*completion)(struct iommu *iommu, uint16_t devid, uint32_t tags, unsigned cc);
	/* The limit for @itag's completion has passed. Nothing if none is outstanding. */
	void (*time_out)(struct iommu *iommu, unsigned itag);
	/* How long the unit waits for a completion now, in nanoseconds; 0: for ever. */
	uint64_t (*limit_ns)(const struct iommu *iommu);
	/* A Page Request message. */
	void (*page_request)(struct iommu *iommu, uint16_t devid, uint64_t request);
	void (*stats)(const struct iommu *iommu, struct ats_stats *out);
};

#endif
