/* SPDX-License-Identifier: MIT */
/*
 * The kernel's books: the memory that live requests have given to a device, page by page of the I/O
 * address space. Asked by I/O page (whom does this address serve?) and by physical memory (may the
 * device be here now?); what tables and caches say is another matter.
 *
 * A record is the part of one request within one I/O page. Several may share an I/O page, and
 * several a frame.
 */
#ifndef IOTOLL_WATCH_REQUESTS_H
#define IOTOLL_WATCH_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "hw/iommu.h"
#include "iotoll/dma.h"

#define REQUESTS_NONE UINT32_MAX

struct request_page {
	uint64_t iova;  /* its first byte, to the device */
	uint64_t paddr; /* and in memory: the rest follows there, be it across a frame's end */
	uint32_t bytes; /* 1 to 4096 */
	uint32_t reach; /* for the watcher */
	enum iotoll_dma_dir dir;
	uint32_t next[2]; /* private */
};

struct requests {
	struct request_page *page;
	uint32_t *head[2]; /* chains by I/O page and by frame */
	uint32_t room, free, count;
	unsigned shift;
};

/* Empty books. 0 or -ENOMEM. */
int requests_init(struct requests *r) MUST_CHECK;
/* Allowed on a zeroed struct. */
void requests_fini(struct requests *r);
/*
 * Enter a record; @bytes must not cross the end of an I/O page. It, or NULL when memory is short;
 * valid until the next call.
 */
struct request_page *requests_add(struct requests *r, uint64_t iova, uint64_t paddr, uint32_t bytes,
				  enum iotoll_dma_dir dir);
/*
 * The record that begins at @iova, one of @bytes if there are several; NULL: none does. Changes
 * nothing.
 */
struct request_page *requests_find(const struct requests *r, uint64_t iova, uint32_t bytes);
/* Strike out @page, of which only a copy may be used from here on. */
void requests_remove(struct requests *r, struct request_page *page);
/* The records of I/O page @pfn one after the other: NULL for the first; NULL is the end. */
struct request_page *requests_of(const struct requests *r, uint64_t pfn,
				 const struct request_page *after);
/* Those that begin in @frame of memory, in the same manner. */
struct request_page *requests_by_frame(const struct requests *r, uint64_t frame,
				       const struct request_page *after);
/*
 * Has each of the @bytes at physical @paddr (which lie in one frame) been given to the device, by
 * live requests, for such an access? A request to the device lets it read, one from it write.
 */
bool requests_cover(const struct requests *r, uint64_t paddr, uint32_t bytes,
		    enum iotoll_access access);
/*
 * The same of device addresses, of one I/O page: has one live request all of them? For devices
 * whose addresses are memory's own.
 */
bool requests_serve(const struct requests *r, uint64_t iova, uint32_t bytes,
		    enum iotoll_access access);
/* Does a live request have any byte of @frame? */
bool requests_in_frame(const struct requests *r, uint64_t frame);

#endif
