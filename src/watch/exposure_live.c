/* SPDX-License-Identifier: MIT */
/*
 * Requests, as the watcher hears of them: what the device is let into beyond what each asked for,
 * and whether it still gets there when it is over.
 */
#include "watch/exposure_internal.h"

/*
 * How many bytes of I/O page @base lead, for such an access, to the memory around @p's own.
 * @shadowed: an earlier owner's translation is in the way, and stands for what will be there.
 */
static uint32_t exposure_extent(struct exposure *e, const struct request_page *p,
				enum iotoll_access access, bool shadowed)
{
	const uint32_t offset = (uint32_t)(p->iova % EXPOSURE_PAGE_BYTES);
	const uint64_t own = p->paddr - offset; /* may wrap, and then equals nothing */
	struct iotoll_xlat x;
	uint32_t before = 0;

	if (exposure_ask(e, p->iova - offset, access, &x) == 0 && (x.paddr == own || shadowed)) {
		if (x.bytes > offset)
			return x.bytes < EXPOSURE_PAGE_BYTES ? (uint32_t)x.bytes
							     : EXPOSURE_PAGE_BYTES;
		before = (uint32_t)x.bytes;
	}
	/* Hardware that knows of bytes may let it in at a page's middle. */
	if (!offset || exposure_ask(e, p->iova, access, &x) != 0 ||
	    (x.paddr != p->paddr && !shadowed))
		return before;
	return before + (x.bytes < EXPOSURE_PAGE_BYTES - offset ? (uint32_t)x.bytes
								: EXPOSURE_PAGE_BYTES - offset);
}

/* ---- live requests ---- */

/* Of one I/O page: what its requests reach of the frame they are in, and what they asked for. */
struct extent {
	uint32_t reach, asked;
};

/* The next byte of I/O page @pfn at @at or behind it that was asked for; none: the page's size. */
static uint32_t next_asked(const struct exposure *e, uint64_t pfn, uint32_t at, uint32_t *end)
{
	uint32_t next = EXPOSURE_PAGE_BYTES;

	*end = 0;
	for (const struct request_page *p = requests_of(&e->requests, pfn, NULL); p;
	     p = requests_of(&e->requests, pfn, p)) {
		const uint32_t first = (uint32_t)(p->iova % EXPOSURE_PAGE_BYTES);
		const uint32_t from = first > at ? first : at;

		if (!p->reach || first + p->bytes <= at || from > next)
			continue;
		*end = from == next && *end > first + p->bytes ? *end : first + p->bytes;
		next = from;
	}
	return next;
}

static struct extent extent_of(const struct exposure *e, uint64_t pfn)
{
	struct extent x = {0, 0};
	uint32_t at = 0, end;

	for (const struct request_page *p = requests_of(&e->requests, pfn, NULL); p;
	     p = requests_of(&e->requests, pfn, p))
		x.reach = p->reach > x.reach ? p->reach : x.reach;
	while ((at = next_asked(e, pfn, at, &end)) < EXPOSURE_PAGE_BYTES) {
		x.asked += end - at;
		at = end;
	}
	return x;
}

static uint32_t excess_of(struct extent x)
{
	return x.reach > x.asked ? x.reach - x.asked : 0;
}

static void exposure_relevel(struct exposure *e, struct extent before, struct extent after)
{
	e->level[LEVEL_REACHED] += after.reach;
	e->level[LEVEL_REACHED] -= before.reach;
	e->level[LEVEL_EXCESS] += excess_of(after);
	e->level[LEVEL_EXCESS] -= excess_of(before);
}

/* Memory of a new request: footprint, and whether an old I/O page still leads there. */
static void exposure_note_frame(struct exposure *e, uint64_t f)
{
	if (f < e->ever_frames && !exposure_bit(e->ever, f)) {
		e->ever[f / 64] |= UINT64_C(1) << (f % 64);
		e->given[f / 64] |= UINT64_C(1) << (f % 64);
		e->sum.frames_ever++;
	}
	if (pfnmap_get(&e->frames, f))
		e->sum.reused_frame_pages++;
}

/* Rights of one page, and how much of it is reached; counted as they are found. */
static uint32_t exposure_measure(struct exposure *e, const struct request_page *p, bool shadowed)
{
	const bool from = p->dir == IOTOLL_DMA_FROM_DEVICE;
	const enum iotoll_access beyond = from ? IOTOLL_READ : IOTOLL_WRITE;
	const enum iotoll_access granted = from ? IOTOLL_WRITE : IOTOLL_READ;
	uint32_t reach = 0;
	uint64_t paddr;

	if (e->sum.maps == 1 || !e->config.iommu)
		(void)exposure_reaches(e, p->iova, IOTOLL_READ, &paddr);
	if (!e->sum.untranslated && p->dir != IOTOLL_DMA_BIDIRECTIONAL)
		reach = exposure_extent(e, p, beyond, shadowed);
	if (from) {
		e->sum.from_device_pages++;
		e->sum.from_device_readable_pages += e->sum.untranslated || reach;
	} else if (p->dir == IOTOLL_DMA_TO_DEVICE) {
		e->sum.to_device_pages++;
		e->sum.to_device_writable_pages += e->sum.untranslated || reach;
	}
	if (!e->sum.untranslated && !reach)
		reach = exposure_extent(e, p, granted, shadowed);
	return reach;
}

static void exposure_mapped_page(struct exposure *e, uint64_t iova, uint64_t paddr, uint32_t bytes,
				 enum iotoll_dma_dir dir, uint64_t now)
{
	const uint64_t pfn = iova >> EXPOSURE_PAGE_SHIFT;
	const bool alone = !requests_of(&e->requests, pfn, NULL);
	const struct extent before = alone ? (struct extent){0, 0} : extent_of(e, pfn);
	struct pfnmap_slot *s = pfnmap_get(&e->stale, pfn);
	struct request_page *p;

	if (s && stale_paddr(s->value[1]) >> EXPOSURE_PAGE_SHIFT == paddr >> EXPOSURE_PAGE_SHIFT) {
		e->sum.revived_pages++;
		exposure_close(e, s, now);
		s = NULL;
	}
	e->sum.reused_iova_pages += s != NULL;
	for (uint64_t f = paddr >> EXPOSURE_PAGE_SHIFT;
	     f <= (paddr + bytes - 1) >> EXPOSURE_PAGE_SHIFT; f++)
		exposure_note_frame(e, f);
	p = requests_add(&e->requests, iova, paddr, bytes, dir);
	if (!p) {
		e->sum.untracked_pages++;
		return;
	}
	e->live_io_pages += alone;
	p->reach = exposure_measure(e, p, s != NULL);
	exposure_relevel(e, before,
			 alone ? (struct extent){p->reach, p->reach ? bytes : 0}
			       : extent_of(e, pfn));
}

void exposure_on_mapped(void *ctx, iotoll_iova_t iova, uint64_t pages, iotoll_phys_t paddr,
			size_t bytes, enum iotoll_dma_dir dir)
{
	struct exposure *e = ctx;
	const uint64_t now = exposure_advance(e);
	const uint64_t end = IOTOLL_IOVA_U64(iova) + bytes;
	uint64_t at = IOTOLL_IOVA_U64(iova), memory = IOTOLL_PHYS_U64(paddr);

	e->sum.maps++;
	e->sum.mapped_pages += pages;
	while (at != end) {
		const uint64_t left = EXPOSURE_PAGE_BYTES - at % EXPOSURE_PAGE_BYTES;
		const uint32_t n = (uint32_t)(end - at < left ? end - at : left);

		exposure_mapped_page(e, at, memory, n, dir, now);
		at += n;
		memory += n;
	}
	e->level[LEVEL_LIVE] = e->requests.count;
	if (e->requests.count > e->sum.live_peak_pages)
		e->sum.live_peak_pages = e->requests.count;
	exposure_weigh(e);
}

/* ---- the end of a request ---- */

/* Does another live request have the same memory at the same I/O page? */
static bool exposure_shared(const struct exposure *e, uint64_t iova, uint64_t paddr)
{
	const uint64_t own = paddr - iova; /* of whoever lies in the same run of bytes */

	for (const struct request_page *p =
		     requests_of(&e->requests, iova >> EXPOSURE_PAGE_SHIFT, NULL);
	     p; p = requests_of(&e->requests, iova >> EXPOSURE_PAGE_SHIFT, p))
		if (p->paddr - p->iova == own)
			return true;
	return false;
}

/* The request that had @iova is over; @own: its memory, if it was seen mapped. */
static void exposure_judge(struct exposure *e, uint64_t iova, const uint64_t *own, uint64_t now)
{
	uint64_t paddr;

	if (own && exposure_shared(e, iova, *own)) {
		e->sum.shared_pages++;
		return;
	}
	if (pfnmap_get(&e->stale, iova >> EXPOSURE_PAGE_SHIFT)) {
		e->sum.shadowed_pages++;
		return;
	}
	/* Reading is asked first: every IOMMU that lets a device write a page lets it read most. */
	if (!exposure_reaches(e, iova, IOTOLL_READ, &paddr) &&
	    !exposure_reaches(e, iova, IOTOLL_WRITE, &paddr))
		return;
	/* Where everything always is reachable, an unmap leaves nothing open that was not before.
	 */
	if (e->config.redirects &&
	    paddr >> EXPOSURE_PAGE_SHIFT == e->config.dummy_paddr >> EXPOSURE_PAGE_SHIFT)
		e->sum.redirected_pages++;
	else if (e->sum.untranslated)
		return;
	else if (own && paddr != *own)
		e->sum.elsewhere_pages++;
	else
		exposure_open(e, iova, paddr, now);
}

static void exposure_unmapped_page(struct exposure *e, uint64_t iova, uint32_t bytes, uint64_t now)
{
	const uint64_t pfn = iova >> EXPOSURE_PAGE_SHIFT;
	struct request_page *p = requests_find(&e->requests, iova, bytes);
	struct extent before = {0, 0}, after = {0, 0};
	uint64_t own;

	if (!p) {
		e->sum.unbalanced_pages++;
		exposure_judge(e, iova, NULL, now);
		return;
	}
	own = p->paddr;
	if (!requests_of(&e->requests, pfn, requests_of(&e->requests, pfn, NULL))) {
		before = (struct extent){p->reach, p->reach ? p->bytes : 0};
		requests_remove(&e->requests, p);
		e->live_io_pages--;
	} else {
		before = extent_of(e, pfn);
		requests_remove(&e->requests, p);
		after = extent_of(e, pfn);
	}
	exposure_relevel(e, before, after);
	exposure_judge(e, iova, &own, now);
}

void exposure_on_unmapped(void *ctx, iotoll_iova_t iova, uint64_t pages, size_t bytes)
{
	struct exposure *e = ctx;
	const uint64_t now = exposure_advance(e);
	const uint64_t end = IOTOLL_IOVA_U64(iova) + bytes;
	uint64_t at = IOTOLL_IOVA_U64(iova);

	e->sum.unmaps++;
	e->sum.unmapped_pages += pages;
	while (at != end) {
		const uint64_t left = EXPOSURE_PAGE_BYTES - at % EXPOSURE_PAGE_BYTES;
		const uint32_t n = (uint32_t)(end - at < left ? end - at : left);

		exposure_unmapped_page(e, at, n, now);
		at += n;
	}
	e->level[LEVEL_LIVE] = e->requests.count;
	exposure_weigh(e);
}
