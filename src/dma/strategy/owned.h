/* SPDX-License-Identifier: MIT */
/*
 * What strategies that own the memory devices work in have in common: units of that memory, a page
 * or several, mapped when they are made and until they go; a line for each page frame, as Linux has
 * its struct page, that says which unit it is of, where that is mapped and how many use it; a bit
 * for each entry of the table, by which an unmap knows at once that there is nothing to do; buffers
 * cut from a unit one behind the other. Requests for a unit's memory, of its device and direction,
 * are answered with where it is mapped; all others are mapped where they lie, and strictly.
 *
 * What is in a table entry's or a unit's own books for no other purpose than to refuse what nobody
 * asked for is free of charge.
 */
#ifndef IOTOLL_DMA_STRATEGY_OWNED_H
#define IOTOLL_DMA_STRATEGY_OWNED_H

#include "dma/strategy/lines.h"

/* Of each page frame; but for @begun only that of a unit's first says something. */
struct owned_page {
	struct iotoll_dma_device *dev; /* NULL: it is no unit's */
	void *owner;                   /* what of the strategy's it belongs to */
	uint64_t begun;      /* guard: a bit for each line of the page in which a buffer begins */
	uint64_t entry;      /* its first, + 1; 0: not mapped any more */
	uint32_t refs;       /* buffers in it, and one more while some may follow */
	uint32_t holds;      /* the owner's one, and one of each who was promised the page */
	uint32_t live;       /* guard: requests */
	uint32_t next, prev; /* of the device's units: a frame + 1 */
	enum iotoll_dma_dir dir;
} __attribute__((aligned(DMA_LINE_BYTES)));

/* What such a strategy keeps for a domain. */
struct owned {
	struct iotoll_dma_domain *domain;
	unsigned unit_pages;
	struct lines frames;
	iotoll_phys_t bits; /* a bit for each entry: is it a unit's? */
	uint64_t bit_pages;
	uint32_t *said;       /* guard, of each entry: see owned.c */
	uint64_t pages, most; /* in units; 0: no limit. Both under the domain's lock */
};

/* First member of what it keeps for a device. */
struct owned_device {
	struct iotoll_dma_device *dev;
	uint32_t first; /* of its units, under the domain's lock */
};

/* domain->strategy_data, with units of @unit_pages, a power of two. 0 or -ENOMEM. */
int owned_create(struct iotoll_dma_domain *domain, unsigned unit_pages) MUST_CHECK;
/* All units are gone. */
void owned_destroy(struct iotoll_dma_domain *domain);

/* What a new unit is to be. */
struct owned_want {
	void *owner;
	enum iotoll_dma_dir dir;
	unsigned ring; /* a hint, as in iotoll_dma_attrs */
	bool clear;    /* zeros, before it is mapped */
};

/*
 * A new unit for @d's device, mapped, with one reference and the owner's hold. 0 and its first
 * frame; -ENOSPC, -ENOMEM.
 */
int owned_make(struct owned *o, struct owned_device *d, const struct owned_want *want,
	       uint64_t *frame) MUST_CHECK;
/*
 * The unit is to be mapped no longer: it is unmapped strictly, and the owner's hold is over. Its
 * memory goes with the last hold.
 */
void owned_leave(struct owned *o, struct owned_device *d, uint64_t frame);
/* One hold less. */
void owned_drop(struct owned *o, struct owned_device *d, uint64_t frame);
/* Unmap and free every unit of @d's, held or not; buffers still out are counted as leaks. */
void owned_leave_all(struct owned *o, struct owned_device *d);

/* First frame of the unit that @paddr would be in. */
static inline uint64_t owned_unit(const struct owned *o, uint64_t paddr)
{
	return (paddr >> DMA_PAGE_SHIFT) & ~(uint64_t)(o->unit_pages - 1);
}

/* The unit that @paddr is in, mapped or not; NULL: none. Free of charge. */
struct owned_page *owned_peek(const struct owned *o, uint64_t paddr);

/* Where buffers are cut from. */
struct owned_carver {
	uint64_t unit; /* its first frame + 1; 0: none */
	uint64_t used; /* bytes */
};

/*
 * @bytes from the carver's unit, at a multiple of @align (of a line, at least), in one page or
 * from the beginning of one. False: what is left of it, if anything, is too small.
 */
bool owned_carve(struct owned *o, struct owned_carver *c, size_t bytes, size_t align,
		 uint64_t *paddr);
/*
 * The buffer that begins at @paddr is over: the unit that it was in, which it still has a reference
 * of; NULL: none begins there.
 */
struct owned_page *owned_end(const struct owned *o, uint64_t paddr, uint64_t *frame);
/* One reference less. True: it was the last. */
bool owned_put(const struct owned *o, uint64_t frame);

/* ---- hooks of such a strategy ---- */

int owned_map(struct iotoll_dma_domain *domain, struct mapping *want, uint64_t paddr);
void owned_unmap(struct iotoll_dma_domain *domain, const struct mapping *what);
bool owned_owns(const struct iotoll_dma_domain *domain, const struct mapping *what);
bool owned_cleared(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count);

#endif
