/* SPDX-License-Identifier: MIT */
/*
 * Physical memory: one range [0, bytes) backed by host memory that is only resident where it was
 * touched, and a page allocator over it. Devices, page tables, rings and buffers all live here,
 * so what a device reads is what a driver wrote, byte for byte.
 *
 * A view (memory_view.h) is what a domain under a hypervisor has instead: the same functions over
 * addresses that lead to page frames of the board's memory through a table, one entry a page.
 *
 * Not thread safe: the owner serialises page allocation; data access follows the user's rules.
 */
#ifndef IOTOLL_MEM_MEMORY_H
#define IOTOLL_MEM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define PAGE_SHIFT 12
#define PAGE_BYTES 4096u

/* A byte address in a machine's physical memory; in a view a pseudo-physical one. */
typedef uint64_t phys_t;

struct memory;

/*
 * @bytes: a multiple of 4096, at least 4096, at most 64 GiB. NULL with errno set: EINVAL for
 * another size, ENOMEM when the host refuses.
 */
struct memory *memory_create(uint64_t bytes);
/*
 * The same over memory that is there already and stays its owner's: [@host, @host + bytes), page
 * aligned, for as long as this lives. Nothing is cleared.
 */
struct memory *memory_over(void *host, uint64_t bytes);
/* Every pointer into it dies with it; of a view, the board's stay. NULL is allowed. */
void memory_destroy(struct memory *mem);
uint64_t memory_bytes(const struct memory *mem);

/*
 * Host pointer to [paddr, paddr + bytes), or NULL if any of it lies outside. Valid until
 * memory_destroy(). Zero-filled until written.
 *
 * In a view also NULL if any page of the range is absent, or if the pages do not lie one behind the
 * other in the board's memory. The pointer leads to the frame, not to the address: once the page's
 * entry changes, it is the frame's former place that it shows. A page that may only be read has a
 * pointer too: who is about to write to a page that somebody else may have mapped for it asks for
 * memory_ptr_write().
 */
void *memory_ptr(struct memory *mem, phys_t paddr, size_t bytes);
/* The same; NULL besides if a page of the view may only be read. */
void *memory_ptr_write(struct memory *mem, phys_t paddr, size_t bytes);
/*
 * Copy @bytes out of, or into, a struct memory that is @mem: for tables of functions which hand
 * their owner round as a pointer. 0; -EFAULT where memory_ptr() gives NULL.
 */
int memory_load(void *mem, phys_t paddr, void *to, size_t bytes);
int memory_store(void *mem, phys_t paddr, const void *from, size_t bytes);
/*
 * Fill whole pages of a board's memory with zeros, giving back to the host what they took.
 * Asserted: the range lies within.
 */
void memory_clear(struct memory *mem, phys_t paddr, uint64_t pages);
/*
 * The physical address behind a pointer that memory_ptr() gave (any offset inside); asserted. Of
 * several addresses of a view that lead there it is the one last asked for, while it still does.
 */
phys_t memory_addr(const struct memory *mem, const void *ptr);
/* True if @ptr points into this memory; of a view: into a frame to which one of its pages leads. */
bool memory_owns(const struct memory *mem, const void *ptr);

/*
 * @pages contiguous page frames whose first address is a multiple of @align_bytes (a power of
 * two, at least 4096), taken from below @below (0 = no limit). Contents are whatever was left
 * there. Returns 0 and *@out, or -ENOMEM. Frame 0 is never handed out, as on a PC: an address of 0
 * can mean "none". A single page freed last is handed out first.
 */
int memory_alloc(struct memory *mem, uint64_t pages, uint64_t align_bytes, phys_t below,
		 phys_t *out) MUST_CHECK;
/*
 * Give back what memory_alloc() handed out (whole, or page by page). Giving back what is not
 * handed out is a bug of the caller: asserted.
 */
void memory_free(struct memory *mem, phys_t paddr, uint64_t pages);
/* Are all of these page frames, at least one, handed out? Not of a view. */
bool memory_is_allocated(const struct memory *mem, phys_t paddr, uint64_t pages);
/* Page frames handed out and not yet given back. */
uint64_t memory_allocated_pages(const struct memory *mem);
/* Recompute every invariant of the page allocator from scratch; false if one is broken. Slow. */
bool memory_check(const struct memory *mem);

#endif
