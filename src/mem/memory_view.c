/* SPDX-License-Identifier: MIT */
/*
 * Views: pseudo-physical pages that lead to frames of the board through a table of entries. The
 * way back, from a pointer to an address, remembers by frame the page that was last asked for and
 * believes it only if that page's entry still leads there; entries change behind our back.
 */
#include "mem/memory_view.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "mem/memory_internal.h"

#define VIEW_MAX_PAGES (((uint64_t)64 << 30) >> PAGE_SHIFT)

struct memory *memory_view_create(struct memory *board, phys_t table, uint64_t pages)
{
	const uint64_t frames = board->bytes >> PAGE_SHIFT;
	struct memory *mem;
	void *page_of;

	if (board->entries || !pages || pages > VIEW_MAX_PAGES || table % sizeof(uint64_t) ||
	    !memory_ptr(board, table, pages * sizeof(uint64_t))) {
		errno = EINVAL;
		return NULL;
	}
	mem = calloc(1, sizeof(*mem));
	if (!mem)
		return NULL;
	/* Resident only where the domain has frames. */
	page_of = mmap(NULL, frames * sizeof(*mem->page_of), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (page_of == MAP_FAILED) {
		free(mem);
		errno = ENOMEM;
		return NULL;
	}
	mem->bytes = pages << PAGE_SHIFT;
	mem->board = board;
	mem->board_frames = frames;
	mem->page_of = page_of;
	mem->entries = memory_ptr(board, table, pages * sizeof(uint64_t));
	if (pages_init(&mem->pages, pages)) {
		memory_destroy(mem);
		errno = ENOMEM;
		return NULL;
	}
	return mem;
}

void view_fini(struct memory *mem)
{
	munmap(mem->page_of, mem->board_frames * sizeof(*mem->page_of));
}

struct memory *memory_board(struct memory *mem)
{
	return mem->entries ? mem->board : mem;
}

bool memory_is_view(const struct memory *mem)
{
	return mem->entries != NULL;
}

/* The frame to which @page leads with all bits of @need, or MEMORY_NOWHERE. */
static inline uint64_t frame_of(const struct memory *mem, uint64_t page, uint64_t need)
{
	const uint64_t entry = mem->entries[page];
	const uint64_t frame = (entry & MEMORY_FRAME_MASK) >> PAGE_SHIFT;

	return (entry & need) == need && frame < mem->board_frames ? frame : MEMORY_NOWHERE;
}

void *view_ptr(struct memory *mem, phys_t paddr, size_t bytes, uint64_t need)
{
	const uint64_t first = paddr >> PAGE_SHIFT;
	/* An empty range needs its page all the same: it has a place. */
	const uint64_t last = (paddr + (bytes ? bytes - 1 : 0)) >> PAGE_SHIFT;
	const uint64_t frame = frame_of(mem, first, need);

	if (frame == MEMORY_NOWHERE)
		return NULL;
	for (uint64_t page = first + 1; page <= last; page++)
		if (frame_of(mem, page, need) != frame + (page - first))
			return NULL;
	mem->page_of[frame] = (uint32_t)first;
	for (uint64_t page = first + 1; page <= last; page++)
		mem->page_of[frame + (page - first)] = (uint32_t)page;
	return mem->board->host + (frame << PAGE_SHIFT) + paddr % PAGE_BYTES;
}

bool view_addr(const struct memory *mem, const void *ptr, phys_t *out)
{
	const uint64_t pages = mem->bytes >> PAGE_SHIFT;
	const phys_t machine = (uintptr_t)ptr - (uintptr_t)mem->board->host;
	const uint64_t frame = machine >> PAGE_SHIFT;
	uint64_t page;

	if (machine >= mem->board->bytes) /* as it is, too, for what lies before it */
		return false;
	page = mem->page_of[frame];
	if (page >= pages || frame_of(mem, page, MEMORY_PRESENT) != frame) {
		/* The page asked for last was taken away; another may still lead there. Rare. */
		for (page = 0; page < pages; page++)
			if (frame_of(mem, page, MEMORY_PRESENT) == frame)
				break;
		if (page == pages)
			return false;
	}
	*out = (page << PAGE_SHIFT) + machine % PAGE_BYTES;
	return true;
}

phys_t memory_machine(const struct memory *mem, phys_t paddr)
{
	uint64_t frame;

	if (!mem->entries)
		return paddr;
	if (paddr >= mem->bytes)
		return MEMORY_NOWHERE;
	frame = frame_of(mem, paddr >> PAGE_SHIFT, MEMORY_PRESENT);
	return frame == MEMORY_NOWHERE ? MEMORY_NOWHERE
				       : (frame << PAGE_SHIFT) + paddr % PAGE_BYTES;
}

bool memory_writable(const struct memory *mem, phys_t paddr)
{
	if (paddr >= mem->bytes)
		return false;
	return !mem->entries || frame_of(mem, paddr >> PAGE_SHIFT,
					 MEMORY_PRESENT | MEMORY_WRITABLE) != MEMORY_NOWHERE;
}
