/* SPDX-License-Identifier: MIT */
/*
 * What a tree of ranges hands out, described without a tree: which entry belongs to which range,
 * and where walks begin. Each row's own rules are in its test.
 */
#ifndef IOTOLL_TESTS_DMA_TREE_MODEL_H
#define IOTOLL_TESTS_DMA_TREE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

struct tree_model {
	uint64_t entries, max32;
	uint64_t *lo, *hi;           /* of the range an entry is part of; @hi 0: of none */
	uint64_t begin_lo, begin_hi; /* the node where walks begin; UINT64_MAX: above everything */
};

void tree_model_init(struct tree_model *m, uint64_t entries);
void tree_model_fini(struct tree_model *m);
void tree_model_put(struct tree_model *m, uint64_t first, uint64_t count);
void tree_model_remove(struct tree_model *m, uint64_t first, uint64_t count);
/* The highest run of @count free entries in [low, high) that begins at a multiple of the next power
 * of two. */
bool tree_model_highest(const struct tree_model *m, uint64_t low, uint64_t high, uint64_t count,
			uint64_t *out);

/* An allocator by its name, and the description that it is to agree with. */
struct tree_program {
	const char *allocator;
	uint64_t max32; /* what the model's begins with */
	int64_t (*take)(struct tree_model *m, uint64_t count, uint64_t limit);
	void (*give)(struct tree_model *m, uint64_t first, uint64_t count);
};

/* Random programs over tables of many sizes, with a range withheld: both answer alike. */
void tree_model_run(const struct tree_program *program, uint64_t seed);

#endif
