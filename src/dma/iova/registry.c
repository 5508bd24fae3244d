/* SPDX-License-Identifier: MIT */
/*
 * The I/O address allocators there are. A new one is its file and its row here.
 */
#include "dma/iova/iova.h"

#include <string.h>

extern const struct iova_ops next_fit_ops;
extern const struct iova_ops tree_ops;
extern const struct iova_ops tree_linear_ops;
extern const struct iova_ops magazines_ops;
extern const struct iova_ops eiovar_ops;
extern const struct iova_ops pools_ops;
extern const struct iova_ops contiguous_ops;

const struct iova_ops *const iova_allocators[] = {
	&next_fit_ops, &pools_ops,     &tree_linear_ops, &eiovar_ops,
	&tree_ops,     &magazines_ops, &contiguous_ops,  NULL,
};

const struct iova_ops *iova_find(const char *name)
{
	for (const struct iova_ops *const *row = iova_allocators; name && *row; row++)
		if (strcmp((*row)->name, name) == 0)
			return *row;
	return NULL;
}
