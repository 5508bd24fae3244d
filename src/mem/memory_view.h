/* SPDX-License-Identifier: MIT */
/*
 * A view: the memory of a domain as its own kernel sees it. Its pseudo-physical addresses are
 * consecutive and begin at 0; where each page lies on the board is said by a table of x86-64
 * page-table entries in the board's memory, in Xen's words the domain's direct-map L1 tables. The
 * table is read at every access and never written here: whoever flips or maps pages stores entries
 * there, as any code stores to memory, and from then on the domain's accesses go elsewhere.
 *
 * The functions of memory.h serve a view too. Its page allocator hands out pseudo-physical pages,
 * whatever their entries say at the moment.
 */
#ifndef IOTOLL_MEM_MEMORY_VIEW_H
#define IOTOLL_MEM_MEMORY_VIEW_H

#include "mem/memory.h"

/*
 * Bits of an entry (Intel SDM volume 3A, table 4-20): others are ignored. An entry that leads
 * beyond the board's memory is taken as absent.
 */
#define MEMORY_PRESENT    ((uint64_t)1 << 0)
#define MEMORY_WRITABLE   ((uint64_t)1 << 1)
#define MEMORY_FRAME_MASK ((uint64_t)0x000ffffffffff000)

/* No machine address. */
#define MEMORY_NOWHERE UINT64_MAX

/*
 * A view of @board with @pages pages, whose entries lie at the machine address @table, a multiple
 * of 8, one behind the other. Both outlive it. NULL with errno set: EINVAL if @board is a view, if
 * @pages is 0 or more than 64 GiB have, or if the table does not lie within the board's memory;
 * ENOMEM. memory_destroy() ends it.
 */
struct memory *memory_view_create(struct memory *board, phys_t table, uint64_t pages);

/* The board's memory: @mem itself unless it is a view. */
struct memory *memory_board(struct memory *mem);
bool memory_is_view(const struct memory *mem);

/*
 * The machine address of @paddr: what a device must be told and a cache knows. @paddr itself in a
 * board's memory, even beyond its end. MEMORY_NOWHERE in a view where @paddr lies outside or on an
 * absent page. Valid up to the end of the page only: the next may lie anywhere.
 */
phys_t memory_machine(const struct memory *mem, phys_t paddr);

/* May @paddr's page be written to? False outside and where it is absent. */
bool memory_writable(const struct memory *mem, phys_t paddr);

#endif
