/* SPDX-License-Identifier: MIT */
/*
 * Who owns what, kept beside the library and without its help: a word for each page of I/O address
 * space and a byte for each cache line of memory, changed atomically by whoever was handed it. Two
 * owners of one thing are found at the moment when the second is told that it is his.
 */
#ifndef IOTOLL_TESTS_LIB_STRESS_ORACLE_H
#define IOTOLL_TESTS_LIB_STRESS_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a strategy says of itself (its words), as the oracle holds it against it. */
struct promise {
	const char *strategy;
	/* Requests for one page of memory may have one address; else an address is one's own. */
	bool shares;
	/* Devices work on copies: not where an address leads is compared, but what is there. */
	bool copies;
	/* When an unmap has returned nothing leads to what it alone had mapped. */
	bool gone;
	/* Entries stay when all requests are over, and memory with them until the domain goes. */
	bool keeps;
	/* Addresses are those of memory. */
	bool same;
	/* An address may lead to its former owner's memory while the IOTLB says so. */
	bool stale;
};

/* NULL: the oracle does not know @strategy, which is a failure of whoever added it. */
const struct promise *promise_of(const char *strategy);

struct oracle {
	uint64_t *page; /* of I/O address space */
	uint64_t pages;
	uint8_t *line; /* of memory: 1 while it is somebody's */
	uint64_t lines;
};

/* Ends the program, in words, if there is no memory. */
void oracle_init(struct oracle *o, uint64_t pages, uint64_t memory_bytes);
void oracle_fini(struct oracle *o);
/*
 * [iova, iova + bytes) is a request's for the memory at @paddr, from now on or no longer. False:
 * somebody else has a page of it, or has it for other memory; or it was nobody's.
 */
bool oracle_claim(struct oracle *o, uint64_t iova, uint64_t paddr, size_t bytes, bool shares);
bool oracle_release(struct oracle *o, uint64_t iova, uint64_t paddr, size_t bytes, bool shares);
/* The same for memory that the library handed out. */
bool oracle_take_lines(struct oracle *o, uint64_t paddr, size_t bytes);
bool oracle_give_lines(struct oracle *o, uint64_t paddr, size_t bytes);
/* The frame of memory that a word of .page, not 0, says is behind it. */
uint64_t oracle_frame(uint64_t word);
/* Is nothing anybody's? Nobody else may be at it. */
bool oracle_empty(const struct oracle *o);

#endif
