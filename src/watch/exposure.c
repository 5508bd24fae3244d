// SPDX-License-Identifier: MIT
/*
 * The watcher of exposure.h. Only stale pages are kept, in one table by I/O page and one by the
 * frame it leads to; both are empty under a strict strategy, so an event costs a few additions
 * and one probe per page. Live pages need no table: their number, and the bytes beyond what was
 * asked for, are running sums that are integrated over time.
 *
 * The IOTLB tells of every line that leaves it (iommu_observer.dropped), which is what ends a
 * window: a cleared table entry cannot be fetched again. A page that is stale when its I/O address
 * is unmapped a second time still carries the first owner's translation, because a second one
 * could only have entered after the first was dropped.
 */
#include "watch/exposure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "watch/pfnmap.h"

#define EXPOSURE_PAGE_SHIFT 12
#define EXPOSURE_PAGE_BYTES 4096u

typedef unsigned __int128 wide; /* 2^20 pages for an hour, in ps, is beyond 64 bits */

struct exposure {
	struct exposure_config config;
	struct pfnmap stale;  /* I/O page: value[0] = when its unmap ended, value[1] = frame */
	struct pfnmap frames; /* frame: value[0] = how many stale I/O pages lead to it */
	uint64_t *ever;       /* a bit for each frame of memory */
	uint64_t ever_frames;

	uint64_t start_ps; /* of the interval */
	uint64_t last_ps;  /* integrals are complete up to here */
	uint64_t live_pages, live_bytes;
	wide live_integral, excess_integral, closed_integral; /* page-ps, byte-ps, page-ps */
	struct hist windows;
	struct exposure_stats sum; /* the counts; the derived fields stay 0 until asked for */
};

int exposure_create(struct exposure **out, const struct exposure_config *config, struct err *err)
{
	struct exposure *e;
	int rc = -ENOMEM;

	if (!config->now_ps)
		return err_set(err, -EINVAL, "exposure: a clock (now_ps) is needed");
	e = calloc(1, sizeof(*e));
	if (!e)
		return err_set(err, -ENOMEM, "exposure: out of memory");
	e->config = *config;
	e->ever_frames = config->memory_bytes >> EXPOSURE_PAGE_SHIFT;
	e->ever = calloc(e->ever_frames / 64 + 1, sizeof(*e->ever));
	if (!e->ever)
		goto free_self;
	rc = pfnmap_init(&e->stale, 1024);
	if (rc)
		goto free_ever;
	rc = pfnmap_init(&e->frames, 1024);
	if (rc)
		goto fini_stale;
	exposure_restart(e);
	*out = e;
	return 0;

fini_stale:
	pfnmap_fini(&e->stale);
free_ever:
	free(e->ever);
free_self:
	free(e);
	return err_set(err, rc, "exposure: out of memory");
}

void exposure_destroy(struct exposure *e)
{
	if (!e)
		return;
	pfnmap_fini(&e->frames);
	pfnmap_fini(&e->stale);
	free(e->ever);
	free(e);
}

/* Integrate what was live since the last event; the present. */
static uint64_t exposure_advance(struct exposure *e)
{
	const uint64_t now = e->config.now_ps(e->config.ctx);

	if (now > e->last_ps) {
		const wide dt = now - e->last_ps;

		e->live_integral += dt * e->live_pages;
		e->excess_integral += dt * (e->live_pages * EXPOSURE_PAGE_BYTES - e->live_bytes);
		e->last_ps = now;
	}
	return now;
}

static int exposure_ask(const struct exposure *e, uint64_t pfn, enum iommu_access access,
			struct iommu_xlat *x)
{
	const uint64_t iova = pfn << EXPOSURE_PAGE_SHIFT;

	if (e->config.probe)
		return e->config.probe(e->config.ctx, iova, access, x);
	return iommu_probe(e->config.iommu, e->config.source, iova, access, x);
}

/* With several caches: does one of them still lead from @pfn to @frame? */
static bool exposure_held(const struct exposure *e, uint64_t pfn, uint64_t frame)
{
	static const enum iommu_access ways[] = {IOMMU_READ, IOMMU_WRITE};
	struct iommu_xlat x;

	for (unsigned i = 0; e->config.probe && i < 2; i++)
		if (exposure_ask(e, pfn, ways[i], &x) == 0 && x.hit &&
		    x.paddr >> EXPOSURE_PAGE_SHIFT == frame)
			return true;
	return false;
}

/* Could the device access page @pfn now? Also tells which frame it would reach. */
static bool exposure_reaches(struct exposure *e, uint64_t pfn, enum iommu_access access,
			     uint64_t *frame)
{
	struct iommu_xlat x;

	if (!e->config.iommu) {
		e->sum.untranslated = true;
		*frame = pfn;
		return true;
	}
	if (exposure_ask(e, pfn, access, &x))
		return false;
	if (x.bypass)
		e->sum.untranslated = true;
	*frame = x.paddr >> EXPOSURE_PAGE_SHIFT;
	return true;
}

/* Frames of a new mapping: footprint, and whether an old I/O page still leads there. */
static void exposure_note_frames(struct exposure *e, uint64_t frame, uint64_t pages)
{
	for (uint64_t f = frame; f < frame + pages; f++) {
		if (f < e->ever_frames && !(e->ever[f / 64] >> (f % 64) & 1)) {
			e->ever[f / 64] |= (uint64_t)1 << (f % 64);
			e->sum.frames_ever++;
		}
		if (pfnmap_get(&e->frames, f))
			e->sum.reused_frame_pages++;
	}
}

static void exposure_mapped(void *ctx, iotoll_iova_t iova, uint64_t pages, iotoll_phys_t paddr,
			    size_t bytes, enum iotoll_dma_dir dir)
{
	struct exposure *e = ctx;
	const uint64_t first = IOTOLL_IOVA_U64(iova) >> EXPOSURE_PAGE_SHIFT;
	const enum iommu_access beyond = dir == IOTOLL_DMA_FROM_DEVICE ? IOMMU_READ : IOMMU_WRITE;
	uint64_t excess = 0, frame;

	(void)exposure_advance(e);
	if (e->sum.maps++ == 0) /* asked once, so that who never unmaps is found out as well */
		(void)exposure_reaches(e, first, IOMMU_READ, &frame);
	e->sum.mapped_pages += pages;
	e->live_pages += pages;
	e->live_bytes += bytes;
	if (e->live_pages > e->sum.live_peak_pages)
		e->sum.live_peak_pages = e->live_pages;
	exposure_note_frames(e, IOTOLL_PHYS_U64(paddr) >> EXPOSURE_PAGE_SHIFT, pages);
	for (uint64_t i = 0; e->stale.count && i < pages; i++)
		e->sum.reused_iova_pages += pfnmap_get(&e->stale, first + i) != NULL;
	if (dir == IOTOLL_DMA_BIDIRECTIONAL)
		return;
	for (uint64_t i = 0; i < pages; i++)
		excess += exposure_reaches(e, first + i, beyond, &frame);
	if (dir == IOTOLL_DMA_FROM_DEVICE) {
		e->sum.from_device_pages += pages;
		e->sum.from_device_readable_pages += excess;
	} else {
		e->sum.to_device_pages += pages;
		e->sum.to_device_writable_pages += excess;
	}
}

/* @pfn stays reachable although its unmap is over: open its window. */
static void exposure_open(struct exposure *e, uint64_t pfn, uint64_t frame, uint64_t now)
{
	struct pfnmap_slot *f = pfnmap_put(&e->frames, frame);
	struct pfnmap_slot *s = f ? pfnmap_put(&e->stale, pfn) : NULL;

	e->sum.stale_pages++;
	if (!s) {
		if (f && f->value[0] == 0)
			pfnmap_delete(&e->frames, f);
		e->sum.untracked_pages++;
		return;
	}
	f->value[0]++;
	s->value[0] = now;
	s->value[1] = frame;
	if (e->stale.count > e->sum.stale_peak_pages)
		e->sum.stale_peak_pages = e->stale.count;
}

static void exposure_unmapped_page(struct exposure *e, uint64_t pfn, uint64_t now)
{
	uint64_t frame = 0;

	if (pfnmap_get(&e->stale, pfn)) {
		e->sum.shadowed_pages++;
		return;
	}
	/* Reading is asked first: every IOMMU that lets a device write a page lets it read most. */
	if (!exposure_reaches(e, pfn, IOMMU_READ, &frame) &&
	    !exposure_reaches(e, pfn, IOMMU_WRITE, &frame))
		return;
	if (e->config.redirects && frame == e->config.dummy_paddr >> EXPOSURE_PAGE_SHIFT)
		e->sum.redirected_pages++;
	/* Where everything always is reachable, an unmap leaves nothing open that was not before.
	 */
	else if (!e->sum.untranslated)
		exposure_open(e, pfn, frame, now);
}

static void exposure_unmapped(void *ctx, iotoll_iova_t iova, uint64_t pages, size_t bytes)
{
	struct exposure *e = ctx;
	const uint64_t first = IOTOLL_IOVA_U64(iova) >> EXPOSURE_PAGE_SHIFT;
	const uint64_t now = exposure_advance(e);

	e->sum.unmaps++;
	e->sum.unmapped_pages += pages;
	if (pages > e->live_pages || bytes > e->live_bytes ||
	    e->live_bytes - bytes > (e->live_pages - pages) * EXPOSURE_PAGE_BYTES) {
		e->sum.unbalanced_pages += pages;
	} else {
		e->live_pages -= pages;
		e->live_bytes -= bytes;
	}
	for (uint64_t i = 0; i < pages; i++)
		exposure_unmapped_page(e, first + i, now);
}

struct iotoll_dma_observer exposure_observer(struct exposure *e)
{
	return (struct iotoll_dma_observer){
		.ctx = e, .mapped = exposure_mapped, .unmapped = exposure_unmapped};
}

/* How long a window that began at @since has lasted within the interval. */
static uint64_t exposure_age(const struct exposure *e, uint64_t since, uint64_t now)
{
	const uint64_t from = since > e->start_ps ? since : e->start_ps;

	return now > from ? now - from : 0;
}

void exposure_dropped(void *exposure, struct iommu_source source, uint64_t iova_pfn)
{
	struct exposure *e = exposure;
	struct pfnmap_slot *s, *f;
	uint64_t age;

	if (e->stale.count == 0 || source.bus != e->config.source.bus)
		return;
	s = pfnmap_get(&e->stale, iova_pfn);
	if (!s || exposure_held(e, iova_pfn, s->value[1]))
		return;
	age = exposure_age(e, s->value[0], e->config.now_ps(e->config.ctx));
	e->closed_integral += age;
	if (s->value[0] >= e->start_ps)
		hist_add(&e->windows, age / 1000);
	f = pfnmap_get(&e->frames, s->value[1]);
	if (f && --f->value[0] == 0)
		pfnmap_delete(&e->frames, f);
	pfnmap_delete(&e->stale, s);
}

void exposure_restart(struct exposure *e)
{
	e->start_ps = e->last_ps = e->config.now_ps(e->config.ctx);
	e->live_integral = e->excess_integral = e->closed_integral = 0;
	hist_init(&e->windows);
	memset(e->ever, 0, (e->ever_frames / 64 + 1) * sizeof(*e->ever));
	e->sum = (struct exposure_stats){
		.untranslated = !e->config.iommu || e->sum.untranslated,
		.live_peak_pages = e->live_pages,
		.stale_peak_pages = e->stale.count,
	};
}

const struct hist *exposure_windows(const struct exposure *e)
{
	return &e->windows;
}

/* The windows still open at @now: their number, total and greatest age. */
static wide exposure_open_windows(const struct exposure *e, uint64_t now, uint64_t *oldest_ps)
{
	wide total = 0;

	*oldest_ps = 0;
	for (size_t i = 0; e->stale.count && i < e->stale.slots; i++) {
		const struct pfnmap_slot *s = &e->stale.slot[i];

		if (s->key == PFNMAP_EMPTY)
			continue;
		total += exposure_age(e, s->value[0], now);
		if (now > s->value[0] && now - s->value[0] > *oldest_ps)
			*oldest_ps = now - s->value[0];
	}
	return total;
}

/* All that is said of windows and of pages left open. */
static void exposure_stats_windows(const struct exposure *e, uint64_t now,
				   struct exposure_stats *out)
{
	uint64_t oldest_ps;
	const wide stale = e->closed_integral + exposure_open_windows(e, now, &oldest_ps);

	out->windows = e->windows.count;
	out->window_p50_ns = hist_percentile(&e->windows, 500);
	out->window_p90_ns = hist_percentile(&e->windows, 900);
	out->window_p99_ns = hist_percentile(&e->windows, 990);
	out->window_max_ns = e->windows.max;
	out->window_mean_ns = hist_mean(&e->windows);
	out->open_pages = e->stale.count;
	out->open_oldest_ns = oldest_ps / 1000;
	out->stale_page_seconds = (double)stale / 1e12;
	if (out->interval_ps)
		out->stale_mean_pages = (double)stale / (double)out->interval_ps;
}

void exposure_stats(const struct exposure *e, struct exposure_stats *out)
{
	const uint64_t clock = e->config.now_ps(e->config.ctx);
	const uint64_t now = clock > e->last_ps ? clock : e->last_ps;
	const wide dt = now - e->last_ps;
	const wide live = e->live_integral + dt * e->live_pages;
	const wide excess =
		e->excess_integral + dt * (e->live_pages * EXPOSURE_PAGE_BYTES - e->live_bytes);

	*out = e->sum;
	out->interval_ps = now - e->start_ps;
	out->live_pages = e->live_pages;
	if (out->interval_ps)
		out->live_mean_pages = (double)live / (double)out->interval_ps;
	if (out->untranslated) {
		out->stale_pages = out->stale_peak_pages = out->untracked_pages = 0;
		out->reachable_bytes = e->config.memory_bytes;
		return;
	}
	exposure_stats_windows(e, now, out);
	out->excess_byte_seconds = (double)excess / 1e12;
	if (out->interval_ps)
		out->excess_mean_bytes = (double)excess / (double)out->interval_ps;
	out->reachable_bytes =
		(uint64_t)((out->live_mean_pages + out->stale_mean_pages) * 4096.0 + 0.5);
}

double exposure_reachable_after(const struct exposure *e, uint64_t delay_ns)
{
	const uint64_t now = e->config.now_ps(e->config.ctx);
	uint64_t reachable = hist_count_above(&e->windows, delay_ns);
	uint64_t pages = e->sum.unmapped_pages - e->sum.untracked_pages;

	if (e->sum.unmapped_pages == 0)
		return 0;
	if (e->sum.untranslated)
		return 1;
	for (size_t i = 0; e->stale.count && i < e->stale.slots; i++) {
		const struct pfnmap_slot *s = &e->stale.slot[i];

		if (s->key == PFNMAP_EMPTY || s->value[0] < e->start_ps)
			continue;
		if (exposure_age(e, s->value[0], now) / 1000 > delay_ns)
			reachable++;
		else
			pages--;
	}
	return pages ? (double)reachable / (double)pages : 0;
}
