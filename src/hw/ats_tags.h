/* SPDX-License-Identifier: MIT */
/*
 * A translation agent's account of the invalidations it has sent to devices and that are not yet
 * completed (ATS, "Invalidate Request", "Invalidate Completion"): which ITag is whose, and how many
 * of its completion messages have come. A unit hands out its 32 ITags in turn whatever the device,
 * so a tag comes back as late as it can. What a device says about tags that it was not given, or
 * that contradicts what it said before, changes nothing.
 */
#ifndef IOTOLL_HW_ATS_TAGS_H
#define IOTOLL_HW_ATS_TAGS_H

#include "hw/ats.h"

struct ats_tags {
	struct ats_pending {
		bool used;
		uint16_t devid;
		uint8_t expected; /* messages for it, as the first one said; 0: none came */
		uint8_t seen;
		uint64_t at; /* the caller's */
	} tag[ATS_TAGS];
	unsigned outstanding, next;
};

enum ats_sent {
	ATS_SENT,   /* and perhaps completed by now */
	ATS_NO_TAG, /* as many are outstanding as may be: again after a completion */
	ATS_NOBODY, /* nobody has that id: *itag stays outstanding, no completion will come */
};

/*
 * Send @payload to @devid by @iommu's fabric unless @limit (1..32) of its invalidations, or 32 of
 * all, are outstanding. *@itag is valid unless ATS_NO_TAG.
 */
enum ats_sent ats_tags_send(struct ats_tags *t, const struct iommu *iommu, uint16_t devid,
			    unsigned limit, uint64_t payload, uint64_t at, unsigned *itag);
/*
 * A completion of @devid for @vector, each to be followed until there were @cc (0: 8). How many
 * invalidations it brought to an end; *@valid: false if some tag was not outstanding at that
 * device, or had another @cc before.
 */
unsigned ats_tags_complete(struct ats_tags *t, uint16_t devid, uint32_t vector, unsigned cc,
			   bool *valid);
/* Give @itag up. False, and nothing happens, if it is not outstanding. */
bool ats_tags_drop(struct ats_tags *t, unsigned itag);
/* Is the account in order? For tests. */
bool ats_tags_check(const struct ats_tags *t);

#endif
