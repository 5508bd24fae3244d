/* SPDX-License-Identifier: MIT */
/*
 * What was asked of an IOTLB, in order: accesses, invalidations, and which pages were mapped. Pages
 * are numbered as they first appear, so that whoever goes through the stream many times works on
 * small numbers. Four bytes an event.
 *
 * Two kinds of access miss in every IOTLB, whatever its size and policy: the first to a page, and
 * the first after the page was invalidated. They are counted here, once. The others, reuses, are
 * what size and policy decide about.
 */
#ifndef IOTOLL_MRC_STREAM_H
#define IOTOLL_MRC_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum mrc_kind {
	MRC_ACCESS,   /* of page @number */
	MRC_DROP,     /* page @number is invalidated */
	MRC_DROP_TAG, /* every page under the tag @number (an index into tags) */
	MRC_DROP_ALL, /* everything */
	MRC_MAP,     /* page @number is mapped (a page of MRC_MAPPED), the first of a request ... */
	MRC_MAP_ON,  /* ... another of it ... */
	MRC_LASTING, /* ... one of memory that CPU and device share ... */
	MRC_UNMAP,   /* ... and no longer */
};

#define MRC_KIND_SHIFT 29
#define MRC_NUMBER     ((1u << MRC_KIND_SHIFT) - 1)
/* Maps are recorded without a tag: under this one, which no access has. */
#define MRC_MAPPED UINT32_MAX
#define MRC_NEVER  UINT32_MAX

/* Four to a cache line: one of these is looked at for each access. */
struct mrc_page {
	uint64_t pfn;
	uint32_t tag;
	uint32_t used; /* clock of the last access; 0: never; MRC_NEVER: it was dropped since */
};

/* Events that a stream with a sink holds at most: what goes through them stays in a CPU's cache. */
#define MRC_CHUNK 8192u

struct mrc_stream {
	uint32_t *event; /* kind << MRC_KIND_SHIFT | number */
	size_t events, event_room;
	/* Where events go when they are MRC_CHUNK, to be forgotten here; NULL: all are kept. */
	int (*sink)(void *ctx, const struct mrc_stream *s);
	void *sink_ctx;
	struct mrc_page *page;
	uint32_t *page_tag; /* by page: the index of its tag */
	size_t pages, page_room;
	uint32_t *tag;
	size_t tags, tag_room;
	uint32_t *slot; /* hash of pages: stream.c */
	size_t slots;
	/* Counted as it grows. */
	uint64_t accesses, cold, invalidated; /* the latter two are the inevitable misses */
	uint64_t drops, tag_drops, all_drops, maps, unmaps;
	uint32_t clock; /* events so far */
	/* Clock of the last drop of a tag, by its index; of any; of all. */
	uint32_t *tag_dropped;
	uint32_t any_dropped, all_dropped;
};

/* Embed it. 0 or -ENOMEM. */
int mrc_stream_init(struct mrc_stream *s) MUST_CHECK;
/* Allowed on a zeroed stream. */
void mrc_stream_fini(struct mrc_stream *s);
/*
 * From here on, before the first event, keep few events and hand them to @sink in their order,
 * which finds them in @event: memory then grows with the pages that appear, not with the events.
 * What
 * @sink answers but 0 ends the call that filled the stream. 0 or -ENOMEM.
 */
int mrc_stream_pour(struct mrc_stream *s, int (*sink)(void *ctx, const struct mrc_stream *s),
		    void *ctx) MUST_CHECK;
/* Hand over what is left. 0 or @sink's answer; without a sink nothing happens. */
int mrc_stream_flush(struct mrc_stream *s) MUST_CHECK;
/* Each: 0, -ENOMEM, or -EFBIG beyond 2^29 pages or 2^32 - 1 events. @tag is not MRC_MAPPED. */
int mrc_access(struct mrc_stream *s, uint32_t tag, uint64_t pfn) MUST_CHECK;
int mrc_drop(struct mrc_stream *s, uint32_t tag, uint64_t first, uint64_t pages) MUST_CHECK;
/* Accesses (@drop is 0) and invalidations of @drop pages, in their order. */
struct mrc_many {
	const uint32_t *tag;
	const uint64_t *pfn;
	const uint32_t *drop;
	size_t count;
};
/* As mrc_access() and mrc_drop() one by one, and faster. */
int mrc_take_many(struct mrc_stream *s, const struct mrc_many *many) MUST_CHECK;
int mrc_drop_tag(struct mrc_stream *s, uint32_t tag) MUST_CHECK;
int mrc_drop_all(struct mrc_stream *s) MUST_CHECK;
int mrc_map(struct mrc_stream *s, uint64_t first, uint64_t pages) MUST_CHECK;
/* The same for as long as the device is in use. */
int mrc_map_lasting(struct mrc_stream *s, uint64_t first, uint64_t pages) MUST_CHECK;
int mrc_unmap(struct mrc_stream *s, uint64_t first, uint64_t pages) MUST_CHECK;
/* Number of the page, MRC_NEVER if it never appeared. */
uint32_t mrc_find(const struct mrc_stream *s, uint32_t tag, uint64_t pfn);

static inline enum mrc_kind mrc_kind(uint32_t event)
{
	return (enum mrc_kind)(event >> MRC_KIND_SHIFT);
}

static inline uint32_t mrc_number(uint32_t event)
{
	return event & MRC_NUMBER;
}

#endif
