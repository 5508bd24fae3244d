/* SPDX-License-Identifier: MIT */
/* See bounce.h. */
#include "dma/strategy/bounce.h"

#include "dma/entries.h"

_Static_assert(sizeof(struct record) == DMA_LINE_BYTES, "a record is a cache line");

int records_init(struct records *r, struct dma_env *env, uint64_t entries)
{
	return lines_init(&r->line, env, entries);
}

void records_fini(struct records *r)
{
	lines_fini(&r->line);
}

int records_prepare(struct records *r, uint64_t first, uint64_t count)
{
	return lines_prepare(&r->line, first, count);
}

struct record *record_peek(const struct records *r, uint64_t entry)
{
	return lines_peek(&r->line, entry);
}

struct record *record_touch(const struct records *r, uint64_t entry, bool write)
{
	return lines_touch(&r->line, entry, write);
}

void records_hold(struct records *records, uint64_t first, uint64_t pages,
		  const struct record *live)
{
	*record_touch(records, first, true) = *live;
	for (uint64_t i = 1; i < pages; i++)
		*record_touch(records, first + i, true) =
			(struct record){.next = (uint32_t)first + 1, .state = RECORD_PART};
}

/* How many of a request's records say so. */
static uint64_t held(const struct record *live, uint64_t pages)
{
	return live->state == RECORD_PLAIN ? 1 : pages;
}

int bounce_map(struct iotoll_dma_domain *domain, struct records *records, struct mapping *want,
	       const struct record *live, uint64_t leads_to)
{
	const uint64_t pages = dma_pages(live->paddr, live->bytes);
	uint64_t first;
	int refused, rc;

	domain_open_table(domain);
	rc = entries_set(want, leads_to, pages, &first);
	if (!rc) {
		rc = records_prepare(records, first, held(live, pages));
		if (rc)
			entries_clear(domain, first, pages);
	}
	refused = domain_close_table(domain);
	if (rc)
		return rc;
	records_hold(records, first, held(live, pages), live);
	want->iova = entries_address(first, live->paddr);
	if (refused)
		bounce_unmap(domain, records, first, pages);
	return refused;
}

void bounce_unmap(struct iotoll_dma_domain *domain, struct records *records, uint64_t first,
		  uint64_t pages)
{
	struct record *rec = record_touch(records, first, true);

	for (uint64_t i = held(rec, pages); i-- > 1;)
		record_touch(records, first + i, true)->state = RECORD_NONE;
	rec->state = RECORD_NONE;
	domain_open_table(domain);
	entries_clear(domain, first, pages);
	(void)!domain_close_table(domain);
}

bool bounce_owns(const struct records *records, const struct mapping *what)
{
	const uint64_t iova = IOTOLL_IOVA_U64(what->iova), first = iova >> DMA_PAGE_SHIFT;
	const uint64_t pages = dma_pages(iova, what->bytes);
	const struct record *rec = record_peek(records, first);

	return rec &&
	       (rec->state == RECORD_LIVE || rec->state == RECORD_HYBRID ||
		rec->state == RECORD_PLAIN) &&
	       entries_address(first, rec->paddr) == what->iova &&
	       pages <= dma_pages(rec->paddr, rec->bytes);
}

const struct record *bounce_find(const struct records *records, const struct mapping *what,
				 uint64_t *first, uint64_t *at, uint64_t *bytes)
{
	const uint64_t iova = IOTOLL_IOVA_U64(what->iova);
	const struct record *rec;

	*first = iova >> DMA_PAGE_SHIFT;
	rec = record_peek(records, *first);
	if (!rec || rec->state == RECORD_NONE || rec->state == RECORD_PLAIN)
		return NULL;
	rec = record_touch(records, *first, false);
	if (rec->state == RECORD_PART) {
		*first = rec->next - 1;
		rec = record_touch(records, *first, false);
	}
	if (rec->state != RECORD_LIVE && rec->state != RECORD_HYBRID)
		return NULL;
	/* Before its first byte this wraps, and is beyond its last. */
	*at = iova - IOTOLL_IOVA_U64(entries_address(*first, rec->paddr));
	if (*at >= rec->bytes)
		return NULL;
	*bytes = what->bytes < rec->bytes - *at ? what->bytes : rec->bytes - *at;
	return rec;
}

struct bounce_window bounce_whole(const struct record *live)
{
	return (struct bounce_window){.pages = dma_pages(live->paddr, live->bytes),
				      .copy = live->copy};
}

uint64_t bounce_below(const struct iotoll_dma_domain *domain)
{
	const uint64_t highest = domain->driver->ops->max_paddr;

	return highest >= env_memory_bytes(domain->env) - 1 ? 0 : highest + 1;
}

void bounce_copy(struct iotoll_dma_domain *domain, uint64_t to, uint64_t from, size_t bytes)
{
	const uint64_t before = env_now_ps(domain->env);

	env_copy(domain->env, to, from, bytes);
	domain_count(&domain->stats.copied_bytes, bytes);
	domain_count(&domain->stats.copy_ps, env_now_ps(domain->env) - before);
}

void bounce_part(struct iotoll_dma_domain *domain, const struct record *live,
		 const struct bounce_window *w, uint64_t at, uint64_t bytes, bool to_device)
{
	/* Everything from the beginning of the request's first page on. */
	const uint64_t offset = live->paddr % DMA_PAGE_BYTES;
	const uint64_t begins = w->page * DMA_PAGE_BYTES;
	const uint64_t ends = begins + w->pages * DMA_PAGE_BYTES;
	const uint64_t from = offset + at > begins ? offset + at : begins;
	const uint64_t until = offset + at + bytes < ends ? offset + at + bytes : ends;
	const uint64_t mine = live->paddr - offset + from, its = w->copy + (from - begins);

	if (from < until && to_device)
		bounce_copy(domain, its, mine, until - from);
	else if (from < until)
		bounce_copy(domain, mine, its, until - from);
}
