/* SPDX-License-Identifier: MIT */
/*
 * Tables of tables of 512 little-endian entries of 8 bytes that end in pages of 4 KiB, or one level
 * earlier in pages of 2 MiB: the shape that VT-d's second level and AMD-Vi's host tables share.
 * Tables come page by page as addresses are first used and stay until the domain goes. What an
 * entry says is the driver's. Under the domain's locks, like all of a driver; where those are
 * split, entries are whose pages they are, and making a table is ordered here.
 */
#ifndef IOTOLL_DMA_DRIVER_RADIX_H
#define IOTOLL_DMA_DRIVER_RADIX_H

#include "dma/driver/driver.h"

#define RADIX_LEVELS_MAX 6u
#define RADIX_BITS       9u /* of a page number, decoded by one level */

/* In what the formats differ. */
struct radix_format {
	/* The entry that leads to the table of @level (1: of pages) at @table. */
	uint64_t (*pointer)(uint64_t table, unsigned level);
	bool flush;         /* whoever walks does not snoop: stored lines are pushed out */
	bool large;         /* 2 MiB pages may be used ... */
	uint64_t large_bit; /* ... whose entries differ in this from those of 4 KiB pages */
};

struct radix {
	struct dma_env *env;
	struct radix_format format;
	struct dma_quiet quiet; /* who links a new table */
	unsigned levels;        /* 0: there are no tables */
	iotoll_phys_t root;
	/*
	 * Where the tables of each level below the root lie, by the part of the address that leads
	 * to them; 0: none. Kept aside so that freeing them follows no pointer out of memory that
	 * a device may have written to.
	 */
	iotoll_phys_t *table[RADIX_LEVELS_MAX];
	uint64_t count[RADIX_LEVELS_MAX];
};

/*
 * A root table of @levels (2..RADIX_LEVELS_MAX) for @entries page numbers, which must fit; further
 * tables come with radix_prepare(). 0, -ENOMEM.
 */
int radix_init(struct radix *t, struct dma_env *env, unsigned levels, uint64_t entries,
	       struct radix_format format) MUST_CHECK;
/* The hardware must not walk them any more. Allowed on a zeroed struct. */
void radix_fini(struct radix *t);
/*
 * Tables for pages [first, first + count), which are to lead to @paddr. 0, -ENOMEM (what was made
 * stays). Where 2 MiB pages may be used and addresses on both sides allow one, its lowest table is
 * left out.
 */
int radix_prepare(struct radix *t, uint64_t first, uint64_t count, iotoll_phys_t paddr) MUST_CHECK;
/*
 * Store @entry for page @first, and for each of the @count pages the entry of the frame after the
 * one before; @entry 0: none for any. Lines are pushed out once for each run within a table. Where
 * there is no lowest table a whole 2 MiB page is stored, or cleared; of one that is cleared in part
 * the rest becomes small pages, or, without memory for their table, goes as well.
 */
void radix_store(struct radix *t, uint64_t first, uint64_t count, uint64_t entry);
/*
 * The same, but lines may stay in the CPU's caches until radix_push() of these pages, of tables
 * that are there, which pushes each out once.
 */
void radix_store_unpushed(struct radix *t, uint64_t first, uint64_t count, uint64_t entry);
void radix_push(const struct radix *t, uint64_t first, uint64_t count);
/* Where the entry of @page lies, be it of 2 MiB; 0 while there is no table for it. */
iotoll_phys_t radix_leaf(const struct radix *t, uint64_t page);

/* A quadword at @at stored as one, so that no walker sees half of it; charged as an entry. */
void radix_store64(struct dma_env *env, iotoll_phys_t at, uint64_t value);
/* Push the CPU cache lines of [at, at + bytes) out to memory. */
void radix_flush(struct dma_env *env, iotoll_phys_t at, size_t bytes);

#endif
