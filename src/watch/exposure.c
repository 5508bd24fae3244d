// SPDX-License-Identifier: MIT
/*
 * The watcher of exposure.h: what it makes of requests, table entries and dropped translations.
 * What a request owns is in its books (requests.h); what the device reaches it asks the hardware,
 * at the instants at which that can change.
 *
 * A window is opened when the last request on its I/O page and frame is over and the device still
 * gets there. It can end when a cache drops the page, when its entry is cleared or written over,
 * or when a new request is given the same memory at the same address; only the last needs no
 * question. A page that is stale when its I/O address is unmapped a second time still carries the
 * first owner's translation.
 */
#include "watch/exposure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "watch/exposure_internal.h"

static int make_tables(struct exposure *e)
{
	const size_t words = e->ever_frames / 64 + 1;
	int rc = requests_init(&e->requests);

	e->ever = calloc(words, sizeof(*e->ever));
	e->given = calloc(words, sizeof(*e->given));
	if (!rc && (!e->ever || !e->given))
		rc = -ENOMEM;
	if (!rc)
		rc = pageset_init(&e->granted);
	if (!rc)
		rc = pfnmap_init(&e->stale, 1024);
	if (!rc)
		rc = pfnmap_init(&e->frames, 1024);
	return rc;
}

int exposure_create(struct exposure **out, const struct exposure_config *config, struct err *err)
{
	struct exposure *e;
	int rc;

	if (!config->now_ps)
		return err_set(err, -EINVAL, "exposure: a clock (now_ps) is needed");
	e = calloc(1, sizeof(*e));
	if (!e)
		return err_set(err, -ENOMEM, "exposure: out of memory");
	e->config = *config;
	e->ever_frames = config->memory_bytes >> EXPOSURE_PAGE_SHIFT;
	rc = make_tables(e);
	if (rc) {
		exposure_destroy(e);
		return err_set(err, rc, "exposure: out of memory");
	}
	exposure_restart(e);
	*out = e;
	return 0;
}

void exposure_destroy(struct exposure *e)
{
	if (!e)
		return;
	pfnmap_fini(&e->frames);
	pfnmap_fini(&e->stale);
	pageset_fini(&e->granted);
	requests_fini(&e->requests);
	free(e->given);
	free(e->ever);
	free(e);
}

/* ---- time ---- */

uint64_t exposure_advance(struct exposure *e)
{
	const uint64_t now = e->config.now_ps(e->config.ctx);

	if (now > e->last_ps) {
		for (unsigned i = 0; i < LEVELS; i++)
			e->integral[i] += (wide)(now - e->last_ps) * e->level[i];
		e->last_ps = now;
	}
	return now;
}

void exposure_weigh(struct exposure *e)
{
	const uint64_t all = e->granted.count + e->bare_stale;
	const uint64_t idle = all > e->live_io_pages ? all - e->live_io_pages : 0;

	e->level[LEVEL_ENTRIES] = all;
	e->level[LEVEL_IDLE] = idle;
	if (all > e->sum.entries_peak_pages)
		e->sum.entries_peak_pages = all;
	if (idle > e->sum.idle_peak_pages)
		e->sum.idle_peak_pages = idle;
}

/* ---- questions ---- */

int exposure_ask(const struct exposure *e, uint64_t iova, enum iotoll_access access,
		 struct iotoll_xlat *x)
{
	if (e->config.probe)
		return e->config.probe(e->config.ctx, iova, access, x);
	return iommu_probe(e->config.iommu, e->config.source, iova, access, x);
}

bool exposure_still(const struct exposure *e, const struct pfnmap_slot *s)
{
	static const enum iotoll_access ways[] = {IOTOLL_READ, IOTOLL_WRITE};
	const uint64_t iova = stale_iova(s->key, s->value[1]);
	struct iotoll_xlat x;

	for (unsigned i = 0; i < 2; i++)
		if (exposure_ask(e, iova, ways[i], &x) == 0 && x.paddr == stale_paddr(s->value[1]))
			return true;
	return false;
}

bool exposure_reaches(struct exposure *e, uint64_t iova, enum iotoll_access access, uint64_t *paddr)
{
	struct iotoll_xlat x;

	if (!e->config.iommu) {
		e->sum.untranslated = true;
		*paddr = iova;
		return true;
	}
	if (exposure_ask(e, iova, access, &x))
		return false;
	if (x.bypass)
		e->sum.untranslated = true;
	*paddr = x.paddr;
	return true;
}

/* ---- windows ---- */

void exposure_close(struct exposure *e, struct pfnmap_slot *s, uint64_t now)
{
	const uint64_t age = exposure_age(e, s->value[0], now);
	struct pfnmap_slot *f =
		pfnmap_get(&e->frames, stale_paddr(s->value[1]) >> EXPOSURE_PAGE_SHIFT);

	e->closed_integral += age;
	if (s->value[0] >= e->start_ps)
		hist_add(&e->windows, age / 1000);
	if (f && --f->value[0] == 0)
		pfnmap_delete(&e->frames, f);
	e->bare_stale -= !pageset_has(&e->granted, s->key);
	pfnmap_delete(&e->stale, s);
}

void exposure_open(struct exposure *e, uint64_t iova, uint64_t paddr, uint64_t now)
{
	const uint64_t pfn = iova >> EXPOSURE_PAGE_SHIFT;
	struct pfnmap_slot *f = pfnmap_put(&e->frames, paddr >> EXPOSURE_PAGE_SHIFT);
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
	s->value[1] = stale_place(iova, paddr);
	e->bare_stale += !pageset_has(&e->granted, pfn);
	if (e->stale.count > e->sum.stale_peak_pages)
		e->sum.stale_peak_pages = e->stale.count;
}

/* ---- entries and caches ---- */

static void exposure_granted(void *ctx, iotoll_iova_t iova, uint64_t pages, enum iotoll_dma_dir dir)
{
	struct exposure *e = ctx;
	const uint64_t now = exposure_advance(e), first = IOTOLL_IOVA_U64(iova) >> 12;

	(void)dir;
	for (uint64_t pfn = first; pfn < first + pages; pfn++) {
		struct pfnmap_slot *s = pfnmap_get(&e->stale, pfn);
		const int rc = pageset_add(&e->granted, pfn);

		e->sum.untracked_pages += rc < 0;
		if (!s)
			continue;
		e->bare_stale -= rc > 0;
		if (e->config.iommu && !exposure_still(e, s))
			exposure_close(e, s, now);
	}
	exposure_weigh(e);
}

static void exposure_withdrawn(void *ctx, iotoll_iova_t iova, uint64_t pages)
{
	struct exposure *e = ctx;
	const uint64_t now = exposure_advance(e), first = IOTOLL_IOVA_U64(iova) >> 12;

	for (uint64_t pfn = first; pfn < first + pages; pfn++) {
		struct pfnmap_slot *s = pfnmap_get(&e->stale, pfn);
		const bool was = pageset_remove(&e->granted, pfn);

		if (!s)
			continue;
		e->bare_stale += was;
		if (e->config.iommu && !exposure_still(e, s))
			exposure_close(e, s, now);
	}
	exposure_weigh(e);
}

void exposure_dropped(void *exposure, struct iotoll_source source, uint64_t iova_pfn)
{
	struct exposure *e = exposure;
	struct pfnmap_slot *s;

	if (e->stale.count == 0 || source.bus != e->config.source.bus)
		return;
	s = pfnmap_get(&e->stale, iova_pfn);
	if (!s || exposure_still(e, s))
		return;
	(void)exposure_advance(e);
	exposure_close(e, s, e->config.now_ps(e->config.ctx));
	exposure_weigh(e);
}

struct iotoll_dma_observer exposure_observer(struct exposure *e)
{
	return (struct iotoll_dma_observer){.ctx = e,
					    .mapped = exposure_on_mapped,
					    .unmapped = exposure_on_unmapped,
					    .granted = exposure_granted,
					    .withdrawn = exposure_withdrawn};
}
