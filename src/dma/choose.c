/* SPDX-License-Identifier: MIT */
/*
 * Which rows a configuration names, and whether they go together: every strategy with every driver
 * and every allocator, but for what is refused here, in words.
 */
#include "dma/choose.h"

#include <errno.h>
#include <stdio.h>

/* Can @allocator do what the strategy and the configuration expect of it? */
static int choose_allocator(const struct iotoll_dma_config *config,
			    const struct strategy_ops *strategy, const struct driver_ops *driver,
			    const struct iova_ops *allocator, struct err *err)
{
	if (!strategy->translates || allocator->wraps)
		return 0;
	/* Where mappings are flushed as they are made the strategy has nothing to flush. */
	if (strategy->wrapped && !driver->flushes_maps)
		return err_set(err, -EINVAL,
			       "strategy %s flushes when its allocator wraps, which %s never does: "
			       "expected next-fit or another that does",
			       strategy->name, allocator->name);
	if (config->start_hint)
		return err_set(err, -EINVAL,
			       "start_hint %llu: 0 expected, allocator %s searches in no laps",
			       (unsigned long long)config->start_hint, allocator->name);
	return 0;
}

/* May calls for one domain overlap with these? */
static int choose_locks(const struct strategy_ops *strategy, const struct driver_ops *driver,
			struct err *err)
{
	if (!strategy->translates || strategy->standing)
		return 0;
	if (!strategy->overlaps)
		return err_set(err, -EINVAL, "split locks: strategy %s is not made for them",
			       strategy->name);
	if (!driver->overlaps)
		return err_set(err, -EINVAL, "split locks: driver %s is not made for them",
			       driver->name);
	return 0;
}

int dma_choose_threads(const struct strategy_ops *strategy, const struct driver_ops *driver,
		       const struct iova_ops *allocator, struct err *err)
{
	if (!strategy->translates || strategy->standing)
		return 0;
	if (!strategy->threads)
		return err_set(err, -EINVAL,
			       "split locks: strategy %s is not made for several threads at once",
			       strategy->name);
	if (!driver->threads)
		return err_set(err, -EINVAL,
			       "split locks: driver %s is not made for several threads at once",
			       driver->name);
	if (!allocator->threads)
		return err_set(err, -EINVAL,
			       "split locks: allocator %s is not made for several threads at once: "
			       "expected magazines or another that is",
			       allocator->name);
	return 0;
}

int dma_choose(const struct iotoll_dma_config *config, const struct strategy_ops **strategy,
	       const struct driver_ops **driver, const struct iova_ops **allocator, struct err *err)
{
	int rc;

	*strategy = strategy_find(config->strategy);
	*driver = driver_find(config->driver);
	*allocator = iova_find(config->allocator);
	if (!*strategy)
		return err_set(err, -EINVAL, "strategy '%s' is not known",
			       config->strategy ? config->strategy : "");
	if (!*driver)
		return err_set(err, -EINVAL, "driver '%s' is not known",
			       config->driver ? config->driver : "");
	/* Where there is no table, or it brings its own allocator, the name may be left out. */
	if (!*allocator &&
	    (((*strategy)->translates && !(*strategy)->standing && !(*driver)->bytewise) ||
	     config->allocator))
		return err_set(err, -EINVAL, "allocator '%s' is not known",
			       config->allocator ? config->allocator : "");
	if ((*strategy)->translates && !(*driver)->translates)
		return err_set(err, -EINVAL, "strategy %s needs a table, driver %s has none",
			       (*strategy)->name, (*driver)->name);
	if (config->superpages && !(*driver)->superpages)
		return err_set(
			err, -EINVAL,
			"superpages: driver %s has entries of 4 KiB only; expected vtd or amdvi",
			(*driver)->name);
	if (config->pages_change && (*strategy)->keeps_pages && !(*strategy)->forget)
		return err_set(err, -EINVAL,
			       "strategy %s keeps entries for pages that it cannot find again: "
			       "expected another where pages go to other domains",
			       (*strategy)->name);
	if (((*strategy)->map || (*strategy)->standing) && (*driver)->bytewise)
		return err_set(err, -EINVAL,
			       "strategy %s keeps pages, the entries of driver %s name buffers",
			       (*strategy)->name, (*driver)->name);
	if ((*driver)->bytewise)
		*allocator = (*driver)->bytewise->allocator;
	rc = config->split_locks ? choose_locks(*strategy, *driver, err) : 0;
	if (rc || !*allocator)
		return rc;
	return choose_allocator(config, *strategy, *driver, *allocator, err);
}

int iotoll_dma_config_check(const struct iotoll_dma_config *config, char *why, size_t why_bytes)
{
	const struct strategy_ops *strategy;
	const struct driver_ops *driver;
	const struct iova_ops *allocator;
	struct err err = {.text = ""};
	const int rc = config ? dma_choose(config, &strategy, &driver, &allocator, &err)
			      : err_set(&err, -EINVAL, "a config expected");

	if (rc && why && why_bytes)
		(void)snprintf(why, why_bytes, "%s", err.text);
	return rc;
}
