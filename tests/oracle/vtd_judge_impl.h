/* SPDX-License-Identifier: MIT */
/*
 * What the files of the VT-d judge share. Private to vtd_judge*.c.
 */
#ifndef IOTOLL_TESTS_ORACLE_VTD_JUDGE_IMPL_H
#define IOTOLL_TESTS_ORACLE_VTD_JUDGE_IMPL_H

#include "vtd_judge.h"

#define SET_MAX 8192u

/* A context entry that could be cached for @sid. */
struct context {
	uint16_t sid;
	enum departure departure;
	uint64_t lo, hi;
};

/* A translation (level 0: a page) or a pointer to a table of @level that could be cached. */
struct entry {
	uint16_t sid; /* whose access brought it in */
	uint16_t did;
	enum departure departure;
	unsigned level;
	unsigned shift; /* of the addresses it covers */
	uint64_t first; /* iova >> shift */
	uint64_t paddr;
	bool r, w;
};

struct vtd_judge {
	const struct pair *pair;
	unsigned width;
	bool device_tlb;
	unsigned line_pages;
	bool enabled;
	uint64_t root;
	struct context context[SET_MAX];
	struct entry entry[SET_MAX];
	unsigned contexts, entries;
	struct outcome *out; /* of the access under way */
	unsigned outs;
};

/* Add to what could be cached, unless it is there already. */
void vtd_judge_remember_context(struct vtd_judge *j, struct context c);
void vtd_judge_remember_entry(struct vtd_judge *j, struct entry e);
/* The fault that reading the context entry of @sid gives, 0 if it is well formed in *@c. */
unsigned vtd_judge_fetch(const struct vtd_judge *j, uint16_t sid, struct context *c);

#endif
