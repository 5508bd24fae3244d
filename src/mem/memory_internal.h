/* SPDX-License-Identifier: MIT */
/* What memory.c and memory_view.c share and nobody else sees: the memory itself. */
#ifndef IOTOLL_MEM_MEMORY_INTERNAL_H
#define IOTOLL_MEM_MEMORY_INTERNAL_H

#include "mem/memory_view.h"
#include "mem/pages.h"

struct memory {
	uint64_t bytes;
	unsigned char *host;
	bool borrowed; /* the host's memory is somebody else's */
	struct pages pages;
	/* of a view only */
	const uint64_t *entries; /* one a page, in the board's memory; NULL: this is a board's */
	struct memory *board;
	uint64_t board_frames;
	uint32_t *page_of; /* by board frame: the page that was last asked for and led there */
};

/* memory_view.c. The range lies within mem->bytes; every entry must have all bits of @need. */
void *view_ptr(struct memory *mem, phys_t paddr, size_t bytes, uint64_t need);
/* An address that leads to @ptr, in *@out; false if none does. */
bool view_addr(const struct memory *mem, const void *ptr, phys_t *out);
/* What memory_destroy() has to do besides. */
void view_fini(struct memory *mem);

#endif
