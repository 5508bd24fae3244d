/* SPDX-License-Identifier: MIT */
/*
 * A device's address translation cache (PCI Express Base Specification, "ATS"): what a function
 * with the ATS capability does before it puts an access on the link. It knows neither time nor
 * links: whoever embeds it carries its requests to the IOMMU and brings back answers and
 * invalidations.
 *
 * Each access of the device is one struct atc_access from atc_begin() to atc_end(). In between, it
 * uses a translation, waits for an answer, or goes untranslated. From this the cache knows what an
 * invalidation must wait for: it is completed when no access that uses what it names is under
 * way. An answer that an invalidation overtook is thrown away unused, and asked for again.
 *
 * Not thread safe; nothing allocates after creation.
 */
#ifndef IOTOLL_HW_ATC_H
#define IOTOLL_HW_ATC_H

#include "hw/ats.h"

struct atc;

struct atc_config {
	struct iotlb_config cache; /* line_pages 1 */
	unsigned depth;            /* Invalidate Queue Depth: 1..32 */
	unsigned completions;      /* messages for each invalidation, one a traffic class: 1..8 */
	unsigned ask;              /* translations asked for at a time: 1..ATS_REQUEST_MAX */
	bool page_aligned;         /* untranslated addresses of requests are page aligned */
};

enum atc_verdict {
	ATC_TRANSLATED,   /* go ahead as a translated request, to .paddr */
	ATC_ASK,          /* send atc_request(), bring its completion to atc_answer() */
	ATC_UNTRANSLATED, /* go ahead as an untranslated request */
	ATC_DENIED,       /* no such right, or the tables are wrong: the access must not be made */
};

/* The first group is the caller's to read; zero it before the first use. */
struct atc_access {
	uint64_t iova;
	enum iotoll_access direction;
	uint64_t paddr; /* ATC_TRANSLATED: of @iova's byte */
	uint64_t bytes; /* ATC_TRANSLATED: how many from there on it may reach */

	/* The cache's own. */
	struct atc_access *next;
	uint64_t first, last; /* what is used or asked for, inclusive */
	uint32_t holds;       /* ITags of invalidations that wait for its end */
	bool using, asking;
	bool overtaken; /* asking, and an invalidation of it came */
};

struct atc_stats {
	uint64_t hits, misses;  /* accesses that found a right they could use; that did not */
	uint64_t upgrades;      /* of the misses: held, without the right that was needed */
	uint64_t untranslated;  /* accesses that went untranslated: off, U, or refused for good */
	uint64_t denied;        /* accesses given up */
	uint64_t overtaken;     /* answers thrown away because an invalidation came first */
	uint64_t malformed;     /* answers smaller than the smallest unit */
	uint64_t unsupported;   /* answers UR: each switches the cache off */
	uint64_t aborted;       /* answers CA */
	uint64_t invalidations; /* requests taken */
	uint64_t waited;        /* of them: not completed at once, an access was under way */
	uint64_t overruns;      /* of them: beyond the queue depth, which the IOMMU must respect */
	uint64_t completions;   /* completed */
};

/* 0; -EINVAL with @err naming the field and what was expected; -ENOMEM. It is off, STU 0. */
int atc_create(struct atc **out, const struct atc_config *config, struct err *err) MUST_CHECK;
/* Accesses must be over. NULL is allowed. */
void atc_destroy(struct atc *a);

/* ---- configuration space ---- */

/* The capability's registers, @offset from its header; @width 2 or 4, aligned. Others read 0. */
uint32_t atc_config_read(const struct atc *a, uint32_t offset, unsigned width);
/* Switching off, like a reset, drops everything; STU takes a value only while it is off. */
void atc_config_write(struct atc *a, uint32_t offset, uint32_t value, unsigned width);
/*
 * Function level reset: off, STU 0, nothing held. Invalidations that were not completed never are;
 * accesses stay what they are until atc_end().
 */
void atc_reset(struct atc *a);
bool atc_enabled(const struct atc *a);

/* ---- accesses ---- */

/* Begin an access of the byte at @iova and what follows it. @x must not be in use. */
enum atc_verdict atc_begin(struct atc *a, struct atc_access *x, uint64_t iova,
			   enum iotoll_access direction);
/* ATC_ASK: what to send, .source left to the caller. */
void atc_request(const struct atc *a, const struct atc_access *x, struct ats_request *out);
/* The answer has come. ATC_ASK: it must not be used, ask again. */
enum atc_verdict atc_answer(struct atc *a, struct atc_access *x,
			    const struct ats_completion *completion);
/* The access is over, or is given up. Nothing if it is not in use. */
void atc_end(struct atc *a, struct atc_access *x);

/* ---- invalidation ---- */

/*
 * An Invalidate Request: nothing that it names is used for a new access from here on. -EBUSY if the
 * tag is still in use, which an IOMMU never does; -EINVAL for a tag out of range.
 */
int atc_invalidate(struct atc *a, unsigned itag, uint64_t payload) MUST_CHECK;
/*
 * The invalidations that have come to an end since last asked, a bit for each ITag; 0 if none. To
 * be answered by *@messages Invalidate Completions, each with *@cc.
 */
uint32_t atc_completed(struct atc *a, unsigned *cc, unsigned *messages);

/* ---- watching ---- */

/* Would an access be translated out of the cache now, and where to? Changes nothing. */
bool atc_peek(const struct atc *a, uint64_t iova, enum iotoll_access direction, uint64_t *paddr);
/* Told of the 2^@order pages from @pfn on when they leave the cache. It must not call back. */
void atc_on_drop(struct atc *a, void (*fn)(void *ctx, uint64_t pfn, unsigned order), void *ctx);
void atc_stats(const struct atc *a, struct atc_stats *out);
/* Recompute every invariant from scratch; false if one is broken. For tests. */
bool atc_check(const struct atc *a);

#endif
