/* SPDX-License-Identifier: MIT */
/*
 * The live mappings of a domain, remembered as they were asked for, so that an unmap can be
 * held against its map (as Linux's CONFIG_DMA_API_DEBUG does). An observer's book: it costs no
 * simulated time. Entries are hashed by I/O page; several mappings may share an address, as they
 * do where addresses are physical. Not thread safe: the caller serialises.
 */
#ifndef IOTOLL_DMA_MISUSE_H
#define IOTOLL_DMA_MISUSE_H

#include <stdbool.h>

#include "base/err.h"
#include "iotoll/dma.h"

enum mapping_kind { MAPPING_PAGE, MAPPING_SG, MAPPING_COHERENT };

/* One mapping as its user knows it. */
struct mapping {
	struct iotoll_dma_device *dev;
	iotoll_iova_t iova;
	size_t bytes; /* > 0 */
	enum iotoll_dma_dir dir;
	enum mapping_kind kind;
	struct iotoll_dma_attrs attrs; /* hints: not held against its map */
	bool refused;                  /* its map was: commit() said so, and it is on its way out */
};

struct misuse;

/* NULL when memory is short. */
struct misuse *misuse_create(void);
void misuse_destroy(struct misuse *m);
/*
 * Keep room for one more entry, so that the misuse_add() that follows cannot fail; a
 * misuse_forgo() if none follows. 0, -ENOMEM.
 */
int misuse_reserve(struct misuse *m) MUST_CHECK;
void misuse_forgo(struct misuse *m);
void misuse_add(struct misuse *m, const struct mapping *what);
/*
 * Take out the mapping that @what unmaps: among those at exactly its address the one that agrees
 * with it in most respects, the oldest of them if several do. Increments @counts for each respect
 * in which it differs. True and the mapping in *@out; false, counted as unknown, if there is none.
 */
bool misuse_take(struct misuse *m, const struct mapping *what, uint64_t counts[],
		 struct mapping *out);
/*
 * Check that a mapping of what->dev covers all of @what; changes nothing but @counts: unmapped,
 * wrong device, or wrong direction (a bidirectional mapping may be synchronised in any).
 */
void misuse_check_sync(const struct misuse *m, const struct mapping *what, uint64_t counts[]);
/* Take out every mapping of @dev, lowest address first, oldest first there, and tell @fn each. */
void misuse_take_all(struct misuse *m, const struct iotoll_dma_device *dev,
		     void (*fn)(void *ctx, const struct mapping *mapping), void *ctx);
/* Live mappings. */
size_t misuse_live(const struct misuse *m);

#endif
