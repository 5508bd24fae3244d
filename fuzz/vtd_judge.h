/* SPDX-License-Identifier: MIT */
/*
 * A second reading of VT-d's legacy mode, for judging the model: caches without limits that hold
 * everything a unit might hold, and lose exactly what an invalidation names. Asked for an access it
 * lists every outcome that some choice of "was cached" and "was not" allows. Slow and simple;
 * written from the tables of the specification, without spec/vtd.h and without the model's code.
 */
#ifndef IOTOLL_FUZZ_VTD_JUDGE_H
#define IOTOLL_FUZZ_VTD_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JUDGE_MAX_HELD     1024u
#define JUDGE_MAX_OUTCOMES 512u

struct judge_context { /* a context entry, or why there is none */
	uint16_t sid, did;
	uint8_t reason, tt, levels, bits;
	bool fpd;
	uint64_t table;
};

struct judge_table { /* what a non-leaf entry said */
	uint16_t did;
	uint8_t level, rights;
	uint64_t prefix, table;
};

struct judge_page { /* a leaf, or in caching mode what faults */
	uint16_t did;
	uint8_t order, rights, reason;
	uint64_t pfn, frame; /* of the whole page; @frame an address */
};

struct judge_outcome {
	uint8_t reason; /* 0: granted */
	bool fpd, bypass;
	uint64_t paddr;
};

struct judge {
	const uint8_t *memory;
	size_t bytes;
	/* what the unit can do */
	unsigned host_bits, guest_bits, domain_bits, max_mask, line_pages;
	bool levels_3, levels_4, pages_2m, pages_1g, caching_mode, pass_through, snoop, device_tlb;
	bool page_selective;

	uint64_t root;
	struct judge_context context[JUDGE_MAX_HELD];
	struct judge_table table[JUDGE_MAX_HELD];
	struct judge_page page[JUDGE_MAX_HELD];
	unsigned contexts, tables, pages;
	bool full; /* more was held than fits: no longer able to judge */

	struct judge_outcome outcome[JUDGE_MAX_OUTCOMES];
	unsigned outcomes;
};

/* Bits hi..lo of @value, moved down. */
static inline uint64_t bits(uint64_t value, unsigned hi, unsigned lo)
{
	return value >> lo & (UINT64_MAX >> (63 - (hi - lo)));
}

/* Fill j->outcome with what an access may come to, and hold what it may have left cached. */
void judge_access(struct judge *j, uint16_t sid, uint64_t iova, bool write);
/*
 * May the device's translated requests be believed, by its context entry in memory or by one that
 * may be cached? Holds the former.
 */
bool judge_trusts(struct judge *j, uint16_t sid);
/* What memory alone says, without any cache; changes nothing but j->outcome. */
struct judge_outcome judge_memory(struct judge *j, uint16_t sid, uint64_t iova, bool write);
/* @granularity 1 global, 2 domain, 3 device. */
void judge_forget_contexts(struct judge *j, unsigned granularity, uint16_t did, uint16_t sid,
			   unsigned fm);
/* @granularity 1 global, 2 domain, 3 pages. False: the unit must refuse. */
bool judge_forget_pages(struct judge *j, unsigned granularity, uint16_t did, uint64_t iva);
/*
 * Carry out a descriptor of the queue. 0, or the code with which the queue must stop. Wait
 * descriptors have no effect here.
 */
unsigned judge_descriptor(struct judge *j, uint64_t lo, uint64_t hi);

#endif
