/* SPDX-License-Identifier: MIT */
/*
 * Kernel memory of a simulated machine: power-of-two size classes carved out of page frames, each
 * with a last-in first-out free list, as Linux's kmalloc caches behave. What matters here is
 * where objects lie: a 2048-byte object never crosses a page, two of them share one, and an
 * object just freed is the next one handed out.
 *
 * Bookkeeping lies outside the machine's memory, where no device of it can reach.
 */
#ifndef IOTOLL_GUEST_KMALLOC_H
#define IOTOLL_GUEST_KMALLOC_H

#include <stdbool.h>

#include "mem/memory.h"

#define KMALLOC_MIN_BYTES 32u
#define KMALLOC_MAX_CLASS 8192u /* larger requests get whole pages */

struct kmalloc;

struct kmalloc_stats {
	uint64_t allocs, frees, failures;
	uint64_t live_objects, live_bytes; /* bytes as rounded up to their class */
	uint64_t bad_frees;                /* frees of what was not allocated: refused */
	uint64_t dirtied;                  /* with @poison: free objects that were written to */
};

/*
 * An allocator over @mem, which must outlive it. @poison: fill freed objects with a pattern and
 * check it when they are handed out again. Returns NULL when memory is short.
 */
struct kmalloc *kmalloc_create(struct memory *mem, bool poison);
/* Gives every page frame back, whatever is still allocated. NULL is allowed. */
void kmalloc_destroy(struct kmalloc *k);

/*
 * @bytes of memory (1 to 2^31), aligned to its class (32 to 8192 bytes; beyond that to a page).
 * Contents undefined. NULL when memory is short or @bytes is out of range. Class sizes above a
 * page are contiguous.
 */
void *kmalloc_alloc(struct kmalloc *k, size_t bytes);
/* NULL is allowed. A pointer that is not a live object's start is counted and ignored. */
void kmalloc_free(struct kmalloc *k, void *ptr);
/* What the live object at @ptr occupies; 0 if there is none. */
size_t kmalloc_size(const struct kmalloc *k, const void *ptr);
/* The physical address of a pointer into this memory. */
phys_t kmalloc_phys(const struct kmalloc *k, const void *ptr);
void kmalloc_stats(const struct kmalloc *k, struct kmalloc_stats *out);

#endif
