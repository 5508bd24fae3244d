/* SPDX-License-Identifier: MIT */
/*
 * What a device could reach that it should not. A watcher of one DMA domain and of the IOMMU in
 * front of it; it asks the hardware half with iommu_probe() and so never changes what it watches.
 *
 * - Stale: a page whose unmap is over but that the device can still reach, because the IOTLB holds
 *   its translation. The window runs from the unmap until the IOTLB drops the page. A page that was
 *   not cached is unreachable at once and is no window at all.
 * - Reuse: a stale I/O page given to a new mapping (the device reaches the old owner's memory in
 *   place of the new one's), or a frame given to a new mapping while an old I/O page still leads
 *   there.
 * - Sub-page excess: bytes of mapped pages that no request asked for, as tables grant whole pages.
 * - Rights excess: pages mapped for one direction that the device may also use in the other.
 *
 * Without translation (no IOMMU, or one that passes addresses through) nothing is ever unreachable:
 * then @untranslated is set, no window is kept and all of memory counts as reachable.
 *
 * Attach before the first mapping is made. Not thread safe: calls come in the order of the
 * simulation. Whatever clock is given, time that appears to go backwards (the clocks of two
 * simulated CPUs differ a little) counts as no time.
 */
#ifndef IOTOLL_WATCH_EXPOSURE_H
#define IOTOLL_WATCH_EXPOSURE_H

#include "base/hist.h"
#include "hw/iommu.h"
#include "iotoll/dma.h"

struct exposure;

struct exposure_config {
	const struct iommu *iommu;  /* who to ask; NULL = none, the device reaches everything */
	struct iommu_source source; /* the bus watched, and a requester on it to ask as */
	/*
	 * What an access of that requester would come to, where the device holds translations
	 * itself; as iommu_probe(), ->hit for an answer out of any cache. NULL: what @iommu says.
	 */
	int (*probe)(void *ctx, uint64_t iova, enum iommu_access access, struct iommu_xlat *out);
	uint64_t memory_bytes; /* physical memory of the machine */
	bool redirects;        /* what is not mapped leads to one page, which is nobody's: */
	uint64_t dummy_paddr;
	uint64_t (*now_ps)(void *ctx);
	void *ctx; /* given to now_ps() and probe() */
};

/* All figures are of the interval since creation or the last exposure_restart(). */
struct exposure_stats {
	uint64_t interval_ps;
	uint64_t maps, unmaps;                 /* requests */
	uint64_t mapped_pages, unmapped_pages; /* pages over all of them */

	/*
	 * No isolation at all: nothing below about stale pages, windows and excess bytes would mean
	 * anything, and all of it is then 0.
	 */
	bool untranslated;
	uint64_t reachable_bytes; /* mean of live and stale pages; all of memory if untranslated */

	uint64_t stale_pages; /* of unmapped_pages: those left reachable */
	/*
	 * Of unmapped_pages: those whose I/O address was still answered with an earlier owner's
	 * frame, so the owner that ends here was never reachable; the earlier window goes on.
	 */
	uint64_t shadowed_pages;
	/*
	 * Of unmapped_pages: those whose I/O address led to the dummy page from then on. The device
	 * is not told, but it reaches nothing of anybody's: such a page is not stale.
	 */
	uint64_t redirected_pages;
	uint64_t windows; /* windows that opened and closed within the interval */
	uint64_t window_p50_ns, window_p90_ns, window_p99_ns, window_max_ns;
	double window_mean_ns;
	uint64_t open_pages;     /* still reachable now */
	uint64_t open_oldest_ns; /* age of the oldest of them */
	uint64_t stale_peak_pages;
	double stale_page_seconds; /* integral of stale pages over time, open windows included */
	double stale_mean_pages;

	uint64_t reused_iova_pages;  /* I/O pages handed out again while stale */
	uint64_t reused_frame_pages; /* frames mapped again while an old I/O page led there */

	double excess_byte_seconds; /* integral of mapped but not asked-for bytes */
	double excess_mean_bytes;
	uint64_t from_device_pages;          /* mapped for the device to write only ... */
	uint64_t from_device_readable_pages; /* ... of which it may also read */
	uint64_t to_device_pages;            /* mapped for the device to read only ... */
	uint64_t to_device_writable_pages;   /* ... of which it may also write */

	uint64_t live_pages, live_peak_pages; /* mapped now; most at any instant */
	double live_mean_pages;
	uint64_t frames_ever; /* distinct frames mapped at any time in the interval */

	uint64_t unbalanced_pages; /* unmapped but never seen mapped: attached too late */
	uint64_t untracked_pages;  /* stale pages not followed because host memory was short */
};

/* 0 and *@out; -EINVAL with @err if now_ps is missing; -ENOMEM. The IOMMU must outlive it. */
int exposure_create(struct exposure **out, const struct exposure_config *config,
		    struct err *err) MUST_CHECK;
/* The domain and the IOMMU must not call it any more. NULL is allowed. */
void exposure_destroy(struct exposure *e);

/* What to give to iotoll_dma_domain_observe(). */
struct iotoll_dma_observer exposure_observer(struct exposure *e);
/*
 * What to call from iommu_observer.dropped; @exposure is the struct exposure. Pages that are not
 * stale and other buses are ignored, so every drop may be passed on. A page that another cache
 * still holds (see probe) stays stale.
 */
void exposure_dropped(void *exposure, struct iommu_source source, uint64_t iova_pfn);

/*
 * Begin a new interval now (end of warm-up): figures start from zero, what is live or stale stays
 * so. A window opened before adds to the integral from here on, but to no count or percentile.
 */
void exposure_restart(struct exposure *e);
/* The figures as of now. Changes nothing. */
void exposure_stats(const struct exposure *e, struct exposure_stats *out);
/* Windows that opened and closed in the interval, in nanoseconds. Valid until destroy. */
const struct hist *exposure_windows(const struct exposure *e);
/*
 * The fraction (0..1) of unmapped pages that the device could still reach more than @delay_ns after
 * their unmap. Pages that are stale now but not yet that old count neither way. 0 when nothing
 * was unmapped, 1 without translation.
 */
double exposure_reachable_after(const struct exposure *e, uint64_t delay_ns);

#endif
