/* SPDX-License-Identifier: MIT */
/*
 * The strategies there are. A new one is its file and its row here.
 */
#include "dma/strategy/strategy.h"

#include <string.h>

extern const struct strategy_ops off_ops;
extern const struct strategy_ops strict_ops;
extern const struct strategy_ops deferred_ops;
extern const struct strategy_ops deferred_tracked_ops;
extern const struct strategy_ops batched_ops;
extern const struct strategy_ops flush_queue_ops;
extern const struct strategy_ops shared_ops;
extern const struct strategy_ops optimistic_ops;
extern const struct strategy_ops on_demand_ops;
extern const struct strategy_ops persistent_ops;
extern const struct strategy_ops never_free_ops;
extern const struct strategy_ops preallocated_ops;
extern const struct strategy_ops identity_ops;
extern const struct strategy_ops identity_deferred_ops;
extern const struct strategy_ops shadow_ops;
extern const struct strategy_ops swiotlb_ops;
extern const struct strategy_ops page_pool_ops;
extern const struct strategy_ops damn_ops;
extern const struct strategy_ops unflushed_ops;
extern const struct strategy_ops burst_ops;
extern const struct strategy_ops fns_ops;

/* clang-format off */
const struct strategy_ops *const dma_strategies[] = {
	&off_ops,
	&strict_ops,
	&deferred_ops,
	&deferred_tracked_ops,
	&batched_ops,
	&flush_queue_ops,
	&burst_ops,
	&fns_ops,
	&shared_ops,
	&optimistic_ops,
	&on_demand_ops,
	&persistent_ops,
	&never_free_ops,
	&preallocated_ops,
	&identity_ops,
	&identity_deferred_ops,
	&shadow_ops,
	&swiotlb_ops,
	&page_pool_ops, &damn_ops,
	&unflushed_ops,
	NULL,
};
/* clang-format on */

const struct strategy_ops *strategy_find(const char *name)
{
	for (const struct strategy_ops *const *row = dma_strategies; name && *row; row++)
		if (strcmp((*row)->name, name) == 0)
			return *row;
	return NULL;
}
