/* SPDX-License-Identifier: MIT */
/* See owned.h: units and buffers. */
#include "dma/strategy/owned.h"

#include <errno.h>

#include "dma/strategy/bounce.h"
#include "dma/strategy/owned_internal.h"

_Static_assert(sizeof(struct owned_page) == DMA_LINE_BYTES, "a frame's line");

#define BITS_A_PAGE (UINT64_C(8) * DMA_PAGE_BYTES)

static int init(struct owned *o, struct iotoll_dma_domain *domain, unsigned unit_pages)
{
	const uint64_t entries = domain->driver->entries;
	struct dma_env *env = domain->env;
	int rc;

	*o = (struct owned){.domain = domain, .unit_pages = unit_pages, .most = domain->quota};
	o->bit_pages = (entries + BITS_A_PAGE - 1) / BITS_A_PAGE;
	o->said = calloc(entries, sizeof(*o->said));
	rc = o->said ? env_alloc_pages(env, o->bit_pages, DMA_PAGE_BYTES, 0, &o->bits) : -ENOMEM;
	if (rc) {
		free(o->said);
		return rc;
	}
	for (uint64_t i = 0; i < o->bit_pages; i++)
		env_clear(env, IOTOLL_PHYS_U64(o->bits) + i * DMA_PAGE_BYTES, DMA_PAGE_BYTES);
	rc = lines_init(&o->frames, env, env_memory_bytes(env) / DMA_PAGE_BYTES);
	if (rc) {
		env_free_pages(env, o->bits, o->bit_pages);
		free(o->said);
	}
	return rc;
}

int owned_create(struct iotoll_dma_domain *domain, unsigned unit_pages)
{
	struct owned *o = calloc(1, sizeof(*o));
	int rc;

	if (!o)
		return -ENOMEM;
	rc = init(o, domain, unit_pages);
	if (rc)
		free(o);
	else
		domain->strategy_data = o;
	return rc;
}

void owned_destroy(struct iotoll_dma_domain *domain)
{
	struct owned *o = domain->strategy_data;

	lines_fini(&o->frames);
	env_free_pages(domain->env, o->bits, o->bit_pages);
	free(o->said);
	free(o);
}

static struct owned_page *page_of(const struct owned *o, uint64_t frame)
{
	return lines_peek(&o->frames, frame);
}

struct owned_page *owned_peek(const struct owned *o, uint64_t paddr)
{
	struct owned_page *page = page_of(o, owned_unit(o, paddr));

	return page && page->dev ? page : NULL;
}

/* ---- units; between domain_open_table() and domain_close_table() ---- */

static void enlist(struct owned *o, struct owned_device *d, uint64_t frame)
{
	struct owned_page *page = page_of(o, frame);

	page->next = d->first;
	page->prev = 0;
	if (d->first)
		page_of(o, d->first - 1)->prev = (uint32_t)frame + 1;
	d->first = (uint32_t)frame + 1;
}

static void delist(struct owned *o, struct owned_device *d, const struct owned_page *page)
{
	if (page->prev)
		page_of(o, page->prev - 1)->next = page->next;
	else
		d->first = page->next;
	if (page->next)
		page_of(o, page->next - 1)->prev = page->prev;
}

static void mark(struct owned *o, uint64_t first, uint32_t what)
{
	for (uint64_t i = first; i < first + o->unit_pages; i++) {
		uint64_t *word = owned_bits(o, i, true);

		if (what)
			(void)__atomic_fetch_or(word, UINT64_C(1) << i % 64, __ATOMIC_RELAXED);
		else
			(void)__atomic_fetch_and(word, ~(UINT64_C(1) << i % 64), __ATOMIC_RELAXED);
		owned_say(o, i, what);
	}
}

static int map_unit(struct owned *o, struct owned_device *d, const struct owned_want *want,
		    uint64_t frame)
{
	const struct mapping request = {.dev = d->dev,
					.bytes = (size_t)o->unit_pages * DMA_PAGE_BYTES,
					.dir = want->dir,
					.kind = MAPPING_PAGE,
					.attrs = {.ring = want->ring}};
	struct owned_page *page;
	uint64_t first;
	int rc;

	if (o->most && o->pages + o->unit_pages > o->most)
		return -ENOSPC;
	rc = lines_prepare(&o->frames, frame, o->unit_pages);
	if (!rc)
		rc = entries_set(&request, frame << DMA_PAGE_SHIFT, o->unit_pages, &first);
	if (rc)
		return rc;
	for (unsigned i = 1; i < o->unit_pages; i++)
		*page_of(o, frame + i) = (struct owned_page){.begun = 0};
	page = lines_touch(&o->frames, frame, true);
	*page = (struct owned_page){.dev = d->dev,
				    .owner = want->owner,
				    .entry = first + 1,
				    .refs = 1,
				    .holds = 1,
				    .dir = want->dir};
	mark(o, first, OWNED_UNIT | (uint32_t)frame);
	enlist(o, d, frame);
	o->pages += o->unit_pages;
	return 0;
}

static void unmap_unit(struct owned *o, struct owned_page *page)
{
	const uint64_t first = page->entry - 1;

	page->entry = 0;
	mark(o, first, 0);
	entries_clear(o->domain, first, o->unit_pages);
	o->pages -= o->unit_pages;
}

/* ---- life of a unit ---- */

int owned_make(struct owned *o, struct owned_device *d, const struct owned_want *want,
	       uint64_t *frame)
{
	struct iotoll_dma_domain *domain = o->domain;
	const uint64_t bytes = (uint64_t)o->unit_pages * DMA_PAGE_BYTES;
	iotoll_phys_t paddr;
	int refused, rc = env_alloc_pages(domain->env, o->unit_pages, bytes, bounce_below(domain),
					  &paddr);

	if (rc)
		return rc;
	*frame = IOTOLL_PHYS_U64(paddr) >> DMA_PAGE_SHIFT;
	/* What others left there is none of the device's business. */
	if (want->clear)
		env_clear(domain->env, IOTOLL_PHYS_U64(paddr), bytes);
	domain_open_table(domain);
	rc = map_unit(o, d, want, *frame);
	refused = domain_close_table(domain);
	if (!rc && refused) {
		owned_leave(o, d, *frame);
		return refused;
	}
	if (rc)
		env_free_pages(domain->env, paddr, o->unit_pages);
	return rc;
}

void owned_drop(struct owned *o, struct owned_device *d, uint64_t frame)
{
	struct owned_page *page = lines_atomic(&o->frames, frame);

	if (__atomic_sub_fetch(&page->holds, 1, __ATOMIC_ACQ_REL))
		return;
	domain_open_table(o->domain);
	delist(o, d, page);
	*page = (struct owned_page){.begun = 0};
	(void)!domain_close_table(o->domain);
	env_free_pages(o->domain->env, IOTOLL_PHYS(frame << DMA_PAGE_SHIFT), o->unit_pages);
}

void owned_leave(struct owned *o, struct owned_device *d, uint64_t frame)
{
	domain_open_table(o->domain);
	unmap_unit(o, page_of(o, frame));
	(void)!domain_close_table(o->domain);
	owned_drop(o, d, frame);
}

void owned_leave_all(struct owned *o, struct owned_device *d)
{
	uint64_t leaks = 0;

	domain_open_table(o->domain);
	for (uint32_t at = d->first; at; at = page_of(o, at - 1)->next) {
		struct owned_page *page = page_of(o, at - 1);

		if (page->entry)
			unmap_unit(o, page);
		for (unsigned i = 0; i < o->unit_pages; i++)
			leaks += (uint64_t)__builtin_popcountll(page_of(o, at - 1 + i)->begun);
	}
	(void)!domain_close_table(o->domain);
	domain_count(&o->domain->stats.misuse[IOTOLL_MISUSE_LEAK], leaks);
	while (d->first) {
		const uint64_t frame = d->first - 1;

		d->first = page_of(o, frame)->next;
		for (unsigned i = 0; i < o->unit_pages; i++)
			*page_of(o, frame + i) = (struct owned_page){.begun = 0};
		env_free_pages(o->domain->env, IOTOLL_PHYS(frame << DMA_PAGE_SHIFT), o->unit_pages);
	}
}

/* ---- buffers ---- */

/* Of the line that @paddr is in, in the books of its page. */
static uint64_t begun_bit(uint64_t paddr)
{
	return UINT64_C(1) << paddr % DMA_PAGE_BYTES / DMA_LINE_BYTES;
}

static uint64_t round_up(uint64_t at, uint64_t to)
{
	return (at + to - 1) & ~(to - 1);
}

bool owned_carve(struct owned *o, struct owned_carver *c, size_t bytes, size_t align,
		 uint64_t *paddr)
{
	const uint64_t room = (uint64_t)o->unit_pages * DMA_PAGE_BYTES;
	uint64_t at = round_up(c->used, align < DMA_LINE_BYTES ? DMA_LINE_BYTES : align);
	struct owned_page *page;

	if (at % DMA_PAGE_BYTES + bytes > DMA_PAGE_BYTES)
		at = round_up(at, DMA_PAGE_BYTES);
	if (!c->unit || at > room || bytes > room - at)
		return false;
	page = lines_touch(&o->frames, c->unit - 1, true);
	(void)__atomic_fetch_add(&page->refs, 1, __ATOMIC_RELAXED);
	c->used = at + bytes;
	*paddr = ((c->unit - 1) << DMA_PAGE_SHIFT) + at;
	(void)__atomic_fetch_or(&page_of(o, *paddr >> DMA_PAGE_SHIFT)->begun, begun_bit(*paddr),
				__ATOMIC_RELAXED);
	return true;
}

struct owned_page *owned_end(const struct owned *o, uint64_t paddr, uint64_t *frame)
{
	struct owned_page *page = owned_peek(o, paddr);
	struct owned_page *at = page ? page_of(o, paddr >> DMA_PAGE_SHIFT) : NULL;
	const uint64_t bit = begun_bit(paddr);

	if (!at || paddr % DMA_LINE_BYTES ||
	    !(__atomic_fetch_and(&at->begun, ~bit, __ATOMIC_RELAXED) & bit))
		return NULL;
	*frame = owned_unit(o, paddr);
	return page;
}

bool owned_put(const struct owned *o, uint64_t frame)
{
	struct owned_page *page = lines_atomic(&o->frames, frame);

	return __atomic_sub_fetch(&page->refs, 1, __ATOMIC_ACQ_REL) == 0;
}
