/* SPDX-License-Identifier: MIT */
/*
 * What a device could reach that it should not. A watcher of one DMA domain and of the IOMMU in
 * front of it; it asks the hardware half with iommu_probe() and so never changes what it watches.
 *
 * What a device should reach is said by the live requests, of bytes of physical memory; what it can
 * reach is said by table and caches. The differences, for any strategy:
 *
 * - Stale: a page whose unmap is over but where its I/O address still leads to that memory, by the
 *   table, the IOTLB or the device's own cache. The window runs from the unmap until none of them
 *   does, or until a new request has the same memory at the same address (revived). It does not
 *   open while another request has it there (shared), nor where the address never led to the
 *   request's own memory, because the device works on a copy, or leads to the dummy page.
 * - Reuse: a stale I/O page given to a new mapping of other memory (the device reaches the old
 *   owner's in place of the new one's), or a frame given to a new mapping while an old I/O page
 *   still leads there.
 * - Sub-page excess: bytes of a request's I/O pages that lead to memory around its own and that no
 *   request asked for, as tables grant whole pages. Hardware that counts bytes has none, and a
 *   request of which the device has a copy has none either.
 * - Rights excess: pages mapped for one direction that the device may also use in the other.
 * - Entries at rest: all pages that table entries let the device reach, and the stale ones besides;
 *   and how many of them no live request is behind.
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
struct requests;

struct exposure_config {
	const struct iommu *iommu;   /* who to ask; NULL = none, the device reaches everything */
	struct iotoll_source source; /* the bus watched, and a requester on it to ask as */
	/*
	 * What an access of that requester would come to, where the device holds translations
	 * itself; as iommu_probe(), ->hit for an answer out of any cache. NULL: what @iommu says.
	 */
	int (*probe)(void *ctx, uint64_t iova, enum iotoll_access access, struct iotoll_xlat *out);
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
	/* Requests' memory, mean: I/O pages of live ones and stale ones; untranslated: everything
	 */
	uint64_t reachable_bytes;

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
	/* Of unmapped_pages: those that another live request has as well: nothing is stale. */
	uint64_t shared_pages;
	/* Of unmapped_pages: those whose I/O address led to memory that was not the request's. */
	uint64_t elsewhere_pages;
	uint64_t revived_pages; /* stale pages that ended as a new request's own */
	uint64_t windows;       /* windows that opened and closed within the interval */
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

	/* Table entries, and stale pages without one: what could be used by whoever knows of it. */
	double entries_mean_pages;
	uint64_t entries_peak_pages;
	double idle_mean_pages; /* of them: without a live request */
	uint64_t idle_peak_pages;
	/*
	 * Where they lead now: to frames that live requests have a part of, that only earlier ones
	 * had, that none ever had (copies, dummy page).
	 */
	uint64_t entries_live, entries_former, entries_other;

	uint64_t live_pages, live_peak_pages; /* mapped now; most at any instant */
	double live_mean_pages;
	uint64_t frames_ever; /* distinct frames mapped at any time in the interval */

	uint64_t unbalanced_pages; /* unmapped but never seen mapped: attached too late */
	uint64_t untracked_pages;  /* not followed because host memory was short */
};

/* 0 and *@out; -EINVAL with @err if now_ps is missing; -ENOMEM. The IOMMU must outlive it. */
int exposure_create(struct exposure **out, const struct exposure_config *config,
		    struct err *err) MUST_CHECK;
/* The domain and the IOMMU must not call it any more. NULL is allowed. */
void exposure_destroy(struct exposure *e);

/* What to give to iotoll_dma_domain_observe(). */
struct iotoll_dma_observer exposure_observer(struct exposure *e);
/* The kernel's books: what live requests own now. Valid until the next event. */
const struct requests *exposure_requests(const struct exposure *e);
/* Has it been found that nothing is translated? */
bool exposure_untranslated(const struct exposure *e);
/* Did any request have a part of @frame, now or before? */
bool exposure_was_given(const struct exposure *e, uint64_t frame);
/*
 * What to call from iotoll_iommu_observer.dropped; @exposure is the struct exposure. Pages that are
 * not stale and other buses are ignored, so every drop may be passed on. A page to which the table
 * or another cache (see probe) still leads stays stale.
 */
void exposure_dropped(void *exposure, struct iotoll_source source, uint64_t iova_pfn);

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
