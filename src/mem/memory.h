/* SPDX-License-Identifier: MIT */
/*
 * Physical memory: one range [0, bytes) backed by host memory that is only resident where it was
 * touched, and a page allocator over it. Devices, page tables, rings and buffers all live here,
 * so what a device reads is what a driver wrote, byte for byte.
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

/* A byte address in a machine's physical memory. */
typedef uint64_t phys_t;

struct memory;

/*
 * @bytes: a multiple of 4096, at least 4096, at most 64 GiB. NULL with errno set: EINVAL for
 * another size, ENOMEM when the host refuses.
 */
struct memory *memory_create(uint64_t bytes);
/* Every pointer into it dies with it. NULL is allowed. */
void memory_destroy(struct memory *mem);
uint64_t memory_bytes(const struct memory *mem);

/*
 * Host pointer to [paddr, paddr + bytes), or NULL if any of it lies outside. Valid until
 * memory_destroy(). Zero-filled until written.
 */
void *memory_ptr(struct memory *mem, phys_t paddr, size_t bytes);
/* The physical address behind a pointer that memory_ptr() gave (any offset inside); asserted. */
phys_t memory_addr(const struct memory *mem, const void *ptr);
/* True if @ptr points into this memory. */
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
/* Page frames handed out and not yet given back. */
uint64_t memory_allocated_pages(const struct memory *mem);
/* Recompute every invariant of the page allocator from scratch; false if one is broken. Slow. */
bool memory_check(const struct memory *mem);

#endif
