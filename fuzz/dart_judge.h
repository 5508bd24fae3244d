/* SPDX-License-Identifier: MIT */
/*
 * What the DART fuzzer and its judge share. The judge keeps what software wrote to registers and
 * the table, and a list of what the TLB was seen to take in; the chip has to tell what it drops. So
 * each answer is known beforehand, whatever the geometry and the replacement policy: what is held
 * answers as it was fetched, anything else as the table stands. Written from the published fields,
 * without spec/dart.h and without the model's code.
 */
#ifndef IOTOLL_FUZZ_DART_JUDGE_H
#define IOTOLL_FUZZ_DART_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "hw/dart.h"
#include "input.h"

/* Ends in the middle of a long TLB line, none of which can be fetched then. */
#define MEMORY_BYTES 0x3FFE0u
#define MAX_KEPT     4096u

/* A page that the TLB took in, and with what. */
struct kept {
	uint64_t page;
	uint32_t entry;
	unsigned filled; /* at which fill */
	bool held;       /* until the chip says that it dropped it */
};

/* An invalidation that software asked for and whose bit it has not seen fall. */
struct request {
	bool up;
	unsigned asked; /* fills before it: those must be gone when the bit falls */
	uint64_t page;  /* of an invalidation of one */
};

struct world {
	struct iommu *iommu;
	bool u4, rights;
	unsigned line_pages; /* 0: no TLB */
	unsigned busy_reads; /* of the control register, at most, until an invalidation is over */
	bool misses;         /* unless the chip overlooks it */
	uint8_t memory[MEMORY_BYTES];
	uint64_t window;                    /* as much of it is read in place, unseen */
	uint32_t control, base, size, mask; /* registers as software wrote them */
	bool flag;                          /* what APIEXCP has to show */
	uint32_t exception;                 /* and DARTEXCP */
	struct request all, one;
	unsigned polls; /* of the control register since it was written */
	struct kept kept[MAX_KEPT];
	unsigned nkept, fills;
	bool told_half;  /* of a page that left, for bus 0 alone */
	uint64_t told;   /* that page */
	unsigned reads;  /* of memory, in this step */
	unsigned faults; /* told to the observer, in this step */
	struct input input;
};

struct answer {
	int error;
	unsigned code; /* of an error */
	bool bypass, hit, stale;
	bool fetched; /* the table was asked */
	uint32_t entry;
	uint64_t paddr;
};

/* The table: where software put it, and its entries. */
uint64_t table_at(const struct world *w);
uint64_t table_entries(const struct world *w);
/* Four bytes of memory, most significant first. False if they lie outside. */
bool load(const struct world *w, uint64_t paddr, uint32_t *value);

/* What an access has to come to. */
struct answer judge_access(const struct world *w, unsigned bus, uint64_t iova, bool write);
/* It came to @a: remember what was fetched and what went wrong. */
void judge_done(struct world *w, unsigned bus, uint64_t iova, bool write, const struct answer *a);
/* The chip says that @page left the TLB, as far as @bus is concerned. */
void judge_dropped(struct world *w, unsigned bus, uint64_t page);
/* Software wrote @value to the register at @offset, four bytes wide. False: there is none. */
bool judge_written(struct world *w, uint64_t offset, uint32_t value);
/* It is about to read it: returns whether there is one; the reading must pass judge_read(). */
bool judge_register(const struct world *w, uint64_t offset);
void judge_read(struct world *w, uint64_t offset, uint32_t value);
/* The chip was reset. */
void judge_reset(struct world *w);
/* Does the list of what is held have room for one more line? */
bool judge_has_room(const struct world *w);

#endif
