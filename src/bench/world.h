/* SPDX-License-Identifier: MIT */
/*
 * An IOMMU's hardware half over tables that were written by hand, so that a row can say exactly
 * what each access finds: a hit, or a walk of so many tables. Made with src/hw's own functions,
 * which know what a program that embeds it need not: how large a VT-d unit's other caches are.
 */
#ifndef IOTOLL_BENCH_WORLD_H
#define IOTOLL_BENCH_WORLD_H

#include "base/err.h"
#include "hw/iommu.h"

/* A page each: root or device table, contexts, one table of levels 6 to 2; 16 leaf tables follow.
 */
#define WORLD_ROOT     0x0000u
#define WORLD_CONTEXTS 0x1000u
#define WORLD_LEVEL(n) (0x8000u - 0x1000u * (n)) /* n from 2 to 6 */
#define WORLD_LEAVES   0x8000u
#define WORLD_QUEUE    0x28000u
#define WORLD_MEMORY   0x29000u
#define WORLD_PAGES    8192u   /* whose leaves fit there */
#define WORLD_FIRST    4096u   /* first page of a Calgary pattern: above the hole below 1 MiB */
#define WORLD_DEVICE   0x28u   /* who asks */
#define WORLD_TABLE    0x8000u /* of Calgary and DART */
#define WORLD_ACCESSES 4096u   /* then they come again */

enum world_pattern {
	WORLD_HOT,  /* random among half of what the IOTLB holds */
	WORLD_NEAR, /* random among 512 neighbours: one last-level table */
	WORLD_FAR,  /* each as far from the one before as one top-level entry reaches */
	WORLD_RING, /* mapping after mapping of one ring */
};

struct world_kind {
	const char *model;
	unsigned entries, ways; /* of the IOTLB */
	enum world_pattern pattern;
	unsigned fetches;          /* of each access; 0: it hits */
	unsigned levels;           /* AMD-Vi: tables of the tree; VT-d: tables down to the leaf */
	unsigned paging, contexts; /* VT-d: entries of its caches */
	bool stale;                /* each hit is compared with the tables */
	bool shared;               /* threads may use it: translators can be had */
	bool callback; /* tables are read through the embedder's function, not its window */
};

struct world {
	struct world_kind kind;
	struct iommu *iommu;
	struct iotoll_source source;
	uint64_t address[WORLD_ACCESSES];
	uint8_t memory[WORLD_MEMORY];
};

/*
 * Make it, and see that each access does what @kind says: -EPROTO if one does not. Otherwise 0 or
 * what iommu_create() says.
 */
int world_open(struct world **out, const struct world_kind *kind, struct err *err) MUST_CHECK;
void world_close(struct world *w);
/* A register's store. */
void world_poke(struct world *w, uint64_t offset, uint64_t value, unsigned width);

#endif
