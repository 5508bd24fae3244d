/* SPDX-License-Identifier: MIT */
/*
 * The books of requests.h: one array of records, of which each is in two chained hash tables.
 * Hashing as in pfnmap.c. The tables have as many heads as there is room, so chains stay short.
 */
#include "watch/requests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SHIFT 12u
#define FIRST_ROOM 1024u

enum { BY_IOVA, BY_FRAME };

static uint64_t key_of(const struct request_page *p, unsigned by)
{
	return (by == BY_IOVA ? p->iova : p->paddr) >> PAGE_SHIFT;
}

static uint32_t *head_of(const struct requests *r, unsigned by, uint64_t key)
{
	return &r->head[by][(key * 0x9E3779B97F4A7C15ull) >> r->shift];
}

static void link_in(struct requests *r, uint32_t i)
{
	for (unsigned by = BY_IOVA; by <= BY_FRAME; by++) {
		uint32_t *head = head_of(r, by, key_of(&r->page[i], by));

		r->page[i].next[by] = *head;
		*head = i;
	}
}

/* Room for @room records, a power of two; those there are keep their places. */
static int make_room(struct requests *r, uint32_t room)
{
	uint32_t *io = malloc(room * sizeof(*io)), *frame = malloc(room * sizeof(*frame));
	struct request_page *page = realloc(r->page, room * sizeof(*page));

	if (page)
		r->page = page;
	if (!io || !frame || !page) {
		free(io);
		free(frame);
		return -ENOMEM;
	}
	memset(io, 0xFF, room * sizeof(*io));
	memset(frame, 0xFF, room * sizeof(*frame));
	free(r->head[BY_IOVA]);
	free(r->head[BY_FRAME]);
	r->head[BY_IOVA] = io;
	r->head[BY_FRAME] = frame;
	r->shift = 64 - (unsigned)__builtin_ctz(room);
	for (uint32_t i = 0; i < r->room; i++) /* only called when all of them are in use */
		link_in(r, i);
	for (uint32_t i = room; i > r->room; i--) {
		r->page[i - 1].next[BY_IOVA] = r->free;
		r->free = i - 1;
	}
	r->room = room;
	return 0;
}

int requests_init(struct requests *r)
{
	int rc;

	*r = (struct requests){.free = REQUESTS_NONE};
	rc = make_room(r, FIRST_ROOM);
	if (rc)
		requests_fini(r);
	return rc;
}

void requests_fini(struct requests *r)
{
	free(r->page);
	free(r->head[BY_IOVA]);
	free(r->head[BY_FRAME]);
	*r = (struct requests){.free = REQUESTS_NONE};
}

struct request_page *requests_add(struct requests *r, uint64_t iova, uint64_t paddr, uint32_t bytes,
				  enum iotoll_dma_dir dir)
{
	struct request_page *p;
	uint32_t i;

	if (r->free == REQUESTS_NONE && (r->room >> 31 || make_room(r, 2 * r->room)))
		return NULL;
	i = r->free;
	p = &r->page[i];
	r->free = p->next[BY_IOVA];
	*p = (struct request_page){.iova = iova, .paddr = paddr, .bytes = bytes, .dir = dir};
	link_in(r, i);
	r->count++;
	return p;
}

/* The first in the chain from @i on whose key is @key; NULL: none. */
static struct request_page *seek(const struct requests *r, unsigned by, uint64_t key, uint32_t i)
{
	while (i != REQUESTS_NONE && key_of(&r->page[i], by) != key)
		i = r->page[i].next[by];
	return i == REQUESTS_NONE ? NULL : &r->page[i];
}

struct request_page *requests_of(const struct requests *r, uint64_t pfn,
				 const struct request_page *after)
{
	return seek(r, BY_IOVA, pfn, after ? after->next[BY_IOVA] : *head_of(r, BY_IOVA, pfn));
}

struct request_page *requests_by_frame(const struct requests *r, uint64_t frame,
				       const struct request_page *after)
{
	return seek(r, BY_FRAME, frame,
		    after ? after->next[BY_FRAME] : *head_of(r, BY_FRAME, frame));
}

struct request_page *requests_find(const struct requests *r, uint64_t iova, uint32_t bytes)
{
	struct request_page *found = NULL;

	for (struct request_page *p = requests_of(r, iova >> PAGE_SHIFT, NULL); p;
	     p = requests_of(r, iova >> PAGE_SHIFT, p)) {
		if (p->iova != iova)
			continue;
		if (p->bytes == bytes)
			return p;
		found = p;
	}
	return found;
}

void requests_remove(struct requests *r, struct request_page *page)
{
	const uint32_t i = (uint32_t)(page - r->page);

	for (unsigned by = BY_IOVA; by <= BY_FRAME; by++) {
		uint32_t *at = head_of(r, by, key_of(page, by));

		while (*at != i)
			at = &r->page[*at].next[by];
		*at = page->next[by];
	}
	page->next[BY_IOVA] = r->free;
	r->free = i;
	r->count--;
}

static bool allows(enum iotoll_dma_dir dir, enum iotoll_access access)
{
	return dir == IOTOLL_DMA_BIDIRECTIONAL ||
	       dir == (access == IOTOLL_READ ? IOTOLL_DMA_TO_DEVICE : IOTOLL_DMA_FROM_DEVICE);
}

/* How far from @paddr on the records that begin in @frame cover without a gap; @paddr: not. */
static uint64_t covered_by(const struct requests *r, uint64_t frame, uint64_t paddr,
			   enum iotoll_access access)
{
	uint64_t end = paddr;

	for (const struct request_page *p = requests_by_frame(r, frame, NULL); p;
	     p = requests_by_frame(r, frame, p))
		if (allows(p->dir, access) && p->paddr <= paddr && p->paddr + p->bytes > end)
			end = p->paddr + p->bytes;
	return end;
}

bool requests_cover(const struct requests *r, uint64_t paddr, uint32_t bytes,
		    enum iotoll_access access)
{
	const uint64_t frame = paddr >> PAGE_SHIFT, end = paddr + bytes;

	while (paddr < end) {
		uint64_t to = covered_by(r, frame, paddr, access);

		/* One that begins in the frame before may reach over. */
		if (to == paddr && frame > 0)
			to = covered_by(r, frame - 1, paddr, access);
		if (to == paddr)
			return false;
		paddr = to;
	}
	return true;
}

bool requests_serve(const struct requests *r, uint64_t iova, uint32_t bytes,
		    enum iotoll_access access)
{
	for (const struct request_page *p = requests_of(r, iova >> PAGE_SHIFT, NULL); p;
	     p = requests_of(r, iova >> PAGE_SHIFT, p))
		if (allows(p->dir, access) && p->iova <= iova && iova + bytes <= p->iova + p->bytes)
			return true;
	return false;
}

bool requests_in_frame(const struct requests *r, uint64_t frame)
{
	if (requests_by_frame(r, frame, NULL))
		return true;
	if (frame == 0)
		return false;
	for (const struct request_page *p = requests_by_frame(r, frame - 1, NULL); p;
	     p = requests_by_frame(r, frame - 1, p))
		if (p->paddr + p->bytes > frame << PAGE_SHIFT)
			return true;
	return false;
}
