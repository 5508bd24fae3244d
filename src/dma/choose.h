/* SPDX-License-Identifier: MIT */
/*
 * The rows that a configuration names. Private to src/dma.
 */
#ifndef IOTOLL_DMA_CHOOSE_H
#define IOTOLL_DMA_CHOOSE_H

#include "dma/driver/driver.h"
#include "dma/iova/iova.h"
#include "dma/strategy/strategy.h"
#include "iotoll/dma.h"

/*
 * Choose the three rows by name; *@allocator may stay NULL where nothing is allocated. 0; -EINVAL
 * with @err: which name is unknown, or who does not go with whom.
 */
int dma_choose(const struct iotoll_dma_config *config, const struct strategy_ops **strategy,
	       const struct driver_ops **driver, const struct iova_ops **allocator,
	       struct err *err) MUST_CHECK;

/*
 * With split locks, on real threads: rows that are made for several at once. 0, or -EINVAL with
 * @err: which is not.
 */
int dma_choose_threads(const struct strategy_ops *strategy, const struct driver_ops *driver,
		       const struct iova_ops *allocator, struct err *err) MUST_CHECK;

#endif
