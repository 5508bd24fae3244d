/* SPDX-License-Identifier: MIT */
/*
 * Root, context and second-level tables of VT-d in a machine's memory, one set for each requester,
 * filled with what a recording says they held. Private to src/predict.
 */
#ifndef IOTOLL_PREDICT_TABLES_H
#define IOTOLL_PREDICT_TABLES_H

#include "base/err.h"
#include "mem/memory.h"

#define TABLES_IOVA_END (UINT64_C(1) << 48) /* four levels */

struct tables {
	struct memory *memory;
	phys_t root;
};

/* An empty root table. 0 or -ENOMEM. All of it goes with the memory. */
int tables_init(struct tables *t, struct memory *memory) MUST_CHECK;
/* Requester @sid belongs to domain @did, and has tables of its own. 0 or -ENOMEM. */
int tables_context(struct tables *t, uint16_t sid, uint16_t did) MUST_CHECK;
/* Page @iova (below TABLES_IOVA_END) of a @sid with a context has the leaf @entry. 0, -ENOMEM. */
int tables_leaf(struct tables *t, uint16_t sid, uint64_t iova, uint64_t entry) MUST_CHECK;

#endif
