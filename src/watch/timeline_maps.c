/* SPDX-License-Identifier: MIT */
/* Mappings on a timeline, from map to unmap, and what the IOTLB is told to forget. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "watch/timeline_impl.h"

#define PAGE_BYTES 4096u
#define NO_SPAN    UINT32_MAX

static const char *const dirs[] = {"both", "to device", "from device", "none"};

static struct tl_arg words(const char *key, const char *text)
{
	return (struct tl_arg){.key = key, .form = TL_TEXT, .text = text, .bytes = strlen(text)};
}

/* How much of [@iova, @iova + @bytes) lies in its first page: what a record of the book holds. */
static uint32_t in_page(uint64_t iova, uint64_t bytes)
{
	const uint64_t room = PAGE_BYTES - iova % PAGE_BYTES;

	return (uint32_t)(bytes < room ? bytes : room);
}

static uint32_t span_new(struct timeline *t)
{
	size_t room = t->span_room;
	uint32_t n = t->span_free;

	if (n != NO_SPAN) {
		t->span_free = t->span[n].free;
		return n;
	}
	if (timeline_grow((void **)&t->span, t->spans, &room, sizeof(*t->span)) ||
	    room >= NO_SPAN) {
		t->rc = -ENOMEM;
		return NO_SPAN;
	}
	t->span_room = (uint32_t)room;
	return t->spans++;
}

static void span_free(struct timeline *t, uint32_t n)
{
	t->span[n].open = false;
	t->span[n].free = t->span_free;
	t->span_free = n;
}

static void put_end(struct timeline *t, uint64_t id, sim_time now, bool unmapped)
{
	struct tl_event e = {.phase = TL_END,
			     .name = "map",
			     .category = "mapping",
			     .ps = now,
			     .pid = PID_MAPPINGS,
			     .id = id};

	if (!unmapped)
		e.arg[0] = words("end", "of the timeline");
	timeline_put(t, &e);
}

/* False if there is no more room in the document. */
static bool put_begin(struct timeline *t, const struct request_page *page,
		      const struct timeline_span *span)
{
	const uint64_t written = t->out.events;
	struct tl_event e = {.phase = TL_BEGIN,
			     .name = "map",
			     .category = "mapping",
			     .ps = span->since,
			     .pid = PID_MAPPINGS,
			     .id = span->id,
			     .arg = {{.key = "iova", .form = TL_HEX, .number = page->iova},
				     {.key = "bytes", .form = TL_NUMBER, .number = span->bytes},
				     {.key = "paddr", .form = TL_HEX, .number = page->paddr},
				     words("dir", dirs[page->dir & 3]),
				     words("memory", "coherent")}};

	if (!span->lasting)
		e.arg[4].form = TL_NONE;
	timeline_put(t, &e);
	return t->out.events != written;
}

/* What begins before the document does is written once it is known to reach into it. */
static void on_mapped(void *ctx, iotoll_iova_t at, uint64_t pages, iotoll_phys_t paddr,
		      size_t bytes, enum iotoll_dma_dir dir)
{
	struct timeline *t = ctx;
	const uint64_t iova = IOTOLL_IOVA_U64(at);
	struct request_page *page;
	struct timeline_span span = {.id = ++t->ids,
				     .iova = iova,
				     .bytes = bytes,
				     .since = timeline_now(t),
				     .open = true,
				     .lasting = t->lasting};
	uint32_t n;

	(void)pages;
	t->lasting = false;
	n = span_new(t);
	page = n == NO_SPAN ? NULL
			    : requests_add(&t->book, iova, IOTOLL_PHYS_U64(paddr),
					   in_page(iova, bytes), dir);
	if (!page) {
		t->rc = -ENOMEM;
		if (n != NO_SPAN)
			span_free(t, n);
		return;
	}
	page->reach = n;
	span.written = span.since >= t->from && put_begin(t, page, &span);
	t->span[n] = span;
}

static void close_span(struct timeline *t, struct request_page *page, sim_time now, bool unmapped)
{
	struct timeline_span *span = &t->span[page->reach];

	if (!span->written && span->since < t->from && now > t->from)
		span->written = put_begin(t, page, span);
	if (span->written)
		put_end(t, span->id, now, unmapped);
	span_free(t, page->reach);
	requests_remove(&t->book, page);
}

/* A request is told of piece by piece when it is made, and as a whole when it is over. */
static void on_unmapped(void *ctx, iotoll_iova_t at, uint64_t pages, size_t bytes)
{
	struct timeline *t = ctx;
	const sim_time now = timeline_now(t);
	uint64_t iova = IOTOLL_IOVA_U64(at), left = bytes;

	(void)pages;
	while (left) {
		struct request_page *page = requests_find(&t->book, iova, in_page(iova, left));
		uint64_t step = in_page(iova, left);

		if (page) {
			const uint64_t whole = t->span[page->reach].bytes;

			step = whole && whole <= left ? whole : left;
			close_span(t, page, now, true);
		}
		iova += step;
		left -= step;
	}
}

static void on_lasting(void *ctx, iotoll_iova_t iova, uint64_t pages)
{
	struct timeline *t = ctx;

	(void)iova;
	(void)pages;
	t->lasting = true;
}

/* ---- the IOTLB ---- */

static void put_forget(struct timeline *t, const char *name, struct tl_arg a, struct tl_arg b,
		       struct tl_arg c)
{
	struct tl_event e = {.phase = TL_INSTANT,
			     .name = name,
			     .category = "iotlb",
			     .ps = timeline_now(t),
			     .pid = PID_IOTLB,
			     .arg = {a, b, c}};

	timeline_put(t, &e);
}

static struct tl_arg tag_arg(uint32_t tag)
{
	return (struct tl_arg){.key = "tag", .form = TL_NUMBER, .number = tag};
}

static void on_pages(void *ctx, const struct iotlb *iotlb, uint32_t tag, uint64_t first,
		     uint64_t pages)
{
	(void)iotlb;
	put_forget(ctx, "pages", tag_arg(tag),
		   (struct tl_arg){.key = "iova", .form = TL_HEX, .number = first * PAGE_BYTES},
		   (struct tl_arg){.key = "pages", .form = TL_NUMBER, .number = pages});
}

static void on_tag(void *ctx, const struct iotlb *iotlb, uint32_t tag)
{
	(void)iotlb;
	put_forget(ctx, "domain", tag_arg(tag), (struct tl_arg){.form = TL_NONE},
		   (struct tl_arg){.form = TL_NONE});
}

static void on_all(void *ctx, const struct iotlb *iotlb)
{
	const struct tl_arg none = {.form = TL_NONE};

	(void)iotlb;
	put_forget(ctx, "everything", none, none, none);
}

/* ---- for timeline.c ---- */

int timeline_maps_init(struct timeline *t)
{
	t->span_free = NO_SPAN;
	t->maps = (struct iotoll_dma_observer){
		.ctx = t, .mapped = on_mapped, .unmapped = on_unmapped, .lasting = on_lasting};
	t->iotlb = (struct iotlb_observer){.ctx = t,
					   .invalidated = on_pages,
					   .invalidated_tag = on_tag,
					   .invalidated_all = on_all};
	return requests_init(&t->book);
}

void timeline_maps_end(struct timeline *t)
{
	/* Several may begin at one address: then they are closed in the order of the book. */
	for (uint32_t i = 0; i < t->spans; i++) {
		while (t->span[i].open) {
			const struct timeline_span *s = &t->span[i];
			struct request_page *page =
				requests_find(&t->book, s->iova, in_page(s->iova, s->bytes));

			if (!page)
				break;
			close_span(t, page, t->last, false);
		}
	}
}

void timeline_maps_fini(struct timeline *t)
{
	requests_fini(&t->book);
	free(t->span);
}

const struct iotoll_dma_observer *timeline_maps(struct timeline *t)
{
	return &t->maps;
}

const struct iotlb_observer *timeline_iotlb(struct timeline *t)
{
	return &t->iotlb;
}
