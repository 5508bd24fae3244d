/* SPDX-License-Identifier: MIT */
/* What rows the registries have, for those who list or explain them. */
#include <errno.h>

#include "dma/driver/driver.h"
#include "dma/iova/iova.h"
#include "dma/strategy/strategy.h"
#include "iotoll/dma.h"

const char *iotoll_dma_strategy_name(unsigned index, const char **title)
{
	for (unsigned i = 0; dma_strategies[i]; i++)
		if (i == index) {
			if (title)
				*title = dma_strategies[i]->title;
			return dma_strategies[i]->name;
		}
	return NULL;
}

int iotoll_dma_strategy_words(const char *name, struct iotoll_dma_strategy_words *out)
{
	const struct strategy_ops *row = strategy_find(name);

	if (!out)
		return -EINVAL;
	if (!row)
		return -ENOENT;
	*out = (struct iotoll_dma_strategy_words){
		.title = row->title,
		.does = row->does,
		.protects = row->protects,
		.gives_up = row->gives_up,
		.source = row->source,
	};
	return 0;
}

const char *iotoll_dma_allocator_name(unsigned index, const char **title)
{
	for (unsigned i = 0; iova_allocators[i]; i++)
		if (i == index) {
			if (title)
				*title = iova_allocators[i]->title;
			return iova_allocators[i]->name;
		}
	return NULL;
}

uint64_t iotoll_dma_driver_entries(const char *name)
{
	const struct driver_ops *row = driver_find(name);

	return row ? row->usual_entries : 0;
}

const char *iotoll_dma_driver_name(unsigned index, const char **title)
{
	for (unsigned i = 0; dma_drivers[i]; i++)
		if (i == index) {
			if (title)
				*title = dma_drivers[i]->title;
			return dma_drivers[i]->name;
		}
	return NULL;
}
