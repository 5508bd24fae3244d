/* SPDX-License-Identifier: MIT */
/*
 * What the files that make VT-d programs share. Private to vtd_program.c and vtd_episode.c.
 */
#ifndef IOTOLL_TESTS_ORACLE_VTD_GENERATOR_H
#define IOTOLL_TESTS_ORACLE_VTD_GENERATOR_H

#include "vtd_program.h"

#define POOL  8u
#define LOADS ((EDU_USABLE_BYTES - 2048) / 8) /* places that a device can load into */

struct generator {
	struct program *p;
	struct rng *rng;
	unsigned width;
	bool device_tlb, queued;
	uint64_t iova[POOL];
	unsigned loads[PAIR_DEVICES];
	uint64_t rtaddr, root; /* written; taken over */
	int ret;
	uint64_t shadow[(RUN_TABLES_END - RUN_TABLES) /
			8]; /* tables as programs have written them */
};

uint64_t gen_below(struct generator *g, uint64_t bound);
/* True in @percent of a hundred cases. */
bool gen_chance(struct generator *g, unsigned percent);
/* Append an operation; its missing numbers are 0. */
void gen_add(struct generator *g, enum op_kind kind, uint64_t a, uint64_t b);
/* A transfer of device @device in @page, either way, at a random place. */
void gen_transfer(struct generator *g, unsigned device, uint64_t page);
/* An address that programs keep coming back to; now and then one beyond all widths. */
uint64_t gen_page(struct generator *g);
/* Contexts and the IOTLB invalidated as a whole. */
void gen_invalidate_all(struct generator *g);

/*
 * Change one bit (mostly) of what lies on the way of some access, invalidate or not, access, and
 * change it back: single faults in tables that are otherwise good.
 */
void gen_episode(struct generator *g);

#endif
