/* SPDX-License-Identifier: MIT */
/*
 * One DMA as it is being compared. Private to run_*.c.
 */
#ifndef IOTOLL_TESTS_ORACLE_RUN_DMA_H
#define IOTOLL_TESTS_ORACLE_RUN_DMA_H

#include "run.h"

#define COMBINATIONS_MAX 256u
#define WINDOW_BYTES     64u

/* What can be seen of one side. */
struct view {
	uint8_t window[RUN_WINDOWS][WINDOW_BYTES];
	uint64_t reg[RUN_FAULT_REGS];
};

struct combination {
	const struct outcome *part[PAIR_PARTS];
	enum departure departure;
};

struct dma {
	struct run *run;
	unsigned device;
	bool store;
	uint64_t iova;
	uint32_t bytes, at;
	unsigned parts;
	struct pair_part part[PAIR_PARTS]; /* addresses; and what ours did */
	struct outcome outcome[PAIR_PARTS][OUTCOMES_MAX];
	unsigned outcomes[PAIR_PARTS];
	struct combination combination[COMBINATIONS_MAX];
	unsigned combinations;
	struct view before, theirs, ours;
};

/* The parts of frames in which stores can end: the first 64 bytes and the last 8. */
uint64_t run_window_addr(unsigned n);
unsigned run_window_bytes(unsigned n);

/* What is to be seen after @d if it went as in @c. */
struct view dma_predict(const struct dma *d, const struct combination *c);
bool dma_alike(const struct target *t, const struct view *a, const struct view *b);
/* Did our model do what @c says, part by part? */
bool dma_ours_did(const struct dma *d, const struct combination *c);
/* Make a finding of @d, with what was expected and what both sides showed. */
void dma_found(const struct dma *d, enum finding_kind kind);
/* Keep what a load may have brought according to @c. */
void dma_expect_load(const struct dma *d, struct load *load, const struct combination *c);

#endif
