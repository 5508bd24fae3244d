/* SPDX-License-Identifier: MIT */
/* See hints.h. A set is a row of places, the one used last first; empty ones are at its end. */
#include "mrc/hints.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/iotlb.h"

static const struct {
	const char *name, *title;
} names[] = {
	[MRC_HINTS_NONE] = {"none", "the operating system says nothing"},
	[MRC_HINTS_EVICTION] = {"eviction", "which mappings are transient: they go first"},
	[MRC_HINTS_MAPPING] = {"mapping", "what is mapped: its first page is fetched"},
	[MRC_HINTS_BOTH] = {"both", "both"},
};

const char *mrc_hints_name(unsigned hints, const char **title)
{
	if (hints >= sizeof(names) / sizeof(names[0]))
		return NULL;
	if (title)
		*title = names[hints].title;
	return names[hints].name;
}

/* A page of the stream, by number; one that nobody ever accessed has its number under MRC_MAPPED.
 */
struct place {
	uint32_t page; /* MRC_NEVER: empty */
	bool ahead;    /* fetched ahead, and not used since */
};

struct run {
	const struct mrc_stream *s;
	bool eviction, mapping;
	unsigned ways;
	size_t sets;
	struct place *row;
	uint32_t *set;   /* of each page */
	uint32_t *other; /* of an accessed page its number under MRC_MAPPED, and the reverse */
	bool *lasting;   /* by number under MRC_MAPPED */
	struct mrc_count count;
};

static bool transient(const struct run *r, uint32_t page)
{
	const bool accessed = r->s->page[page].tag != MRC_MAPPED;
	const uint32_t mapped = accessed ? r->other[page] : page;

	return mapped == MRC_NEVER || !r->lasting[mapped];
}

static struct place *row_of(const struct run *r, uint32_t page)
{
	return r->row + (size_t)r->set[page] * r->ways;
}

/* Where it is in its row, or the number of ways. */
static unsigned find(const struct run *r, uint32_t page)
{
	const struct place *row = row_of(r, page);
	unsigned i = 0;

	while (i < r->ways && row[i].page != page)
		i++;
	return i;
}

static void take_out(const struct run *r, struct place *row, unsigned at)
{
	memmove(row + at, row + at + 1, (r->ways - at - 1) * sizeof(*row));
	row[r->ways - 1] = (struct place){.page = MRC_NEVER};
}

/* The place that goes for another: an empty one, or the last that may go before all others. */
static unsigned victim(const struct run *r, const struct place *row)
{
	if (row[r->ways - 1].page == MRC_NEVER || !r->eviction)
		return r->ways - 1;
	for (unsigned i = r->ways; i-- > 0;)
		if (transient(r, row[i].page))
			return i;
	return r->ways - 1;
}

static void put_first(const struct run *r, struct place what)
{
	struct place *row = row_of(r, what.page);

	memmove(row + 1, row, (r->ways - 1) * sizeof(*row));
	row[0] = what;
}

/* The page is not held: another goes for it. */
static void fill(const struct run *r, struct place what)
{
	struct place *row = row_of(r, what.page);

	take_out(r, row, victim(r, row));
	put_first(r, what);
}

static void access_page(struct run *r, uint32_t page)
{
	const unsigned at = find(r, page);

	if (at == r->ways) {
		r->count.misses++;
		fill(r, (struct place){.page = page});
		return;
	}
	r->count.hits++;
	r->count.useful += row_of(r, page)[at].ahead;
	take_out(r, row_of(r, page), at);
	put_first(r, (struct place){.page = page});
}

/* @mapped is a number under MRC_MAPPED. */
static void fetch_mapped(struct run *r, uint32_t mapped)
{
	const uint32_t page = r->other[mapped] != MRC_NEVER ? r->other[mapped] : mapped;

	if (!r->mapping || find(r, page) != r->ways)
		return;
	r->count.prefetched++;
	fill(r, (struct place){.page = page, .ahead = true});
}

static void unmapped(struct run *r, uint32_t mapped)
{
	const uint32_t page = r->other[mapped] != MRC_NEVER ? r->other[mapped] : mapped;
	unsigned at;

	if (!r->mapping)
		return;
	at = find(r, page);
	if (at != r->ways && row_of(r, page)[at].ahead)
		take_out(r, row_of(r, page), at);
}

static void drop_page(struct run *r, uint32_t page)
{
	const unsigned at = find(r, page);

	if (at != r->ways)
		take_out(r, row_of(r, page), at);
}

/* Whatever is of the tag with this index, or all; what is fetched ahead is of the only one. */
static void drop_many(struct run *r, bool all, uint32_t tag_index)
{
	for (size_t i = 0; i < r->sets; i++) {
		struct place *row = r->row + i * r->ways;

		for (unsigned k = r->ways; k-- > 0;)
			if (row[k].page != MRC_NEVER &&
			    (all || r->mapping || r->s->page_tag[row[k].page] == tag_index))
				take_out(r, row, k);
	}
}

static void pass(struct run *r)
{
	const struct mrc_stream *s = r->s;

	for (size_t i = 0; i < s->events; i++) {
		const enum mrc_kind kind = mrc_kind(s->event[i]);
		const uint32_t n = mrc_number(s->event[i]);

		switch (kind) {
		case MRC_ACCESS:
			access_page(r, n);
			break;
		case MRC_DROP:
			drop_page(r, n);
			break;
		case MRC_DROP_TAG:
		case MRC_DROP_ALL:
			drop_many(r, kind == MRC_DROP_ALL, n);
			break;
		case MRC_MAP:
		case MRC_MAP_ON:
		case MRC_LASTING:
			r->lasting[n] = kind == MRC_LASTING;
			if (kind == MRC_MAP)
				fetch_mapped(r, n);
			break;
		case MRC_UNMAP:
			unmapped(r, n);
			break;
		}
	}
}

/* ---- setting up ---- */

/* The tag of all accesses; 0 and *@tag, or -EINVAL if there are several. */
static int only_tag(const struct mrc_stream *s, uint32_t *tag, struct err *err)
{
	unsigned tags = 0;

	*tag = 0;
	for (size_t i = 0; i < s->tags; i++)
		if (s->tag[i] != MRC_MAPPED) {
			*tag = s->tag[i];
			tags++;
		}
	return tags <= 1 ? 0
			 : err_set(err, -EINVAL,
				   "mapping hints need a stream of one device, and this one is of "
				   "%u: expected none or eviction",
				   tags);
}

/* Sets and other numbers of all pages; a mapped page's is that under @tag. */
static void number_pages(struct run *r, const struct iotlb *t, uint32_t tag)
{
	for (size_t i = 0; i < r->s->pages; i++) {
		const struct mrc_page *p = &r->s->page[i];
		const bool accessed = p->tag != MRC_MAPPED;

		r->other[i] = mrc_find(r->s, accessed ? MRC_MAPPED : tag, p->pfn);
		r->set[i] = (uint32_t)iotlb_set_of(t, accessed ? p->tag : tag, p->pfn);
	}
}

static int run_rows(struct run *r, const struct iotlb *t, uint32_t tag, struct err *err)
{
	const size_t pages = r->s->pages + 1, places = r->sets * r->ways;
	int rc = 0;

	r->row = malloc(places * sizeof(*r->row));
	r->set = malloc(pages * sizeof(*r->set));
	r->other = malloc(pages * sizeof(*r->other));
	r->lasting = calloc(pages, sizeof(*r->lasting));
	if (r->row && r->set && r->other && r->lasting) {
		for (size_t i = 0; i < places; i++)
			r->row[i] = (struct place){.page = MRC_NEVER};
		number_pages(r, t, tag);
		pass(r);
	} else {
		rc = err_set(err, -ENOMEM, "no memory");
	}
	free(r->row);
	free(r->set);
	free(r->other);
	free(r->lasting);
	return rc;
}

int mrc_hinted(const struct mrc_stream *s, const struct iotlb_config *config, enum mrc_hints hints,
	       struct mrc_count *out, struct err *err)
{
	const unsigned ways = config->ways ? config->ways : config->entries;
	struct run r = {.s = s,
			.eviction = hints == MRC_HINTS_EVICTION || hints == MRC_HINTS_BOTH,
			.mapping = hints == MRC_HINTS_MAPPING || hints == MRC_HINTS_BOTH,
			.ways = ways};
	struct iotlb *t;
	uint32_t tag = 0;
	int rc;

	if (config->entries == 0)
		return err_set(err, -EINVAL, "iotlb entries 0: expected at least 1");
	if (!s->maps)
		return err_set(err, -EINVAL,
			       "hints need a stream that says which pages are mapped, and this one "
			       "holds accesses and invalidations alone: expected none");
	rc = r.mapping ? only_tag(s, &tag, err) : 0;
	if (!rc)
		rc = iotlb_create(&t, config, err);
	if (rc)
		return rc;
	r.sets = config->entries / ways;
	rc = run_rows(&r, t, tag, err);
	iotlb_destroy(t);
	*out = r.count;
	return rc;
}
