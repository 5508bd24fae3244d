/* SPDX-License-Identifier: MIT */
/*
 * No IOMMU: nothing to program. Only strategies that need no table go with it.
 */
#include <errno.h>

#include "dma/driver/driver.h"

static int none_create(struct dma_driver **out, struct dma_env *env,
		       const struct iotoll_dma_config *config, bool translate, struct err *err)
{
	struct dma_driver *driver;

	(void)config;
	if (translate)
		return err_set(err, -EINVAL, "driver none writes no table: strategy off expected");
	driver = calloc(1, sizeof(*driver));
	if (!driver)
		return -ENOMEM;
	driver->env = env;
	*out = driver;
	return 0;
}

static void none_destroy(struct dma_driver *driver)
{
	free(driver);
}

static int none_watchdog(struct dma_driver *driver, struct iotoll_dma_fault *out)
{
	(void)driver;
	(void)out;
	return 0;
}

const struct driver_ops none_driver_ops = {
	.name = "none",
	.title = "no IOMMU",
	.translates = false,
	.max_paddr = UINT64_MAX,
	.create = none_create,
	.destroy = none_destroy,
	.watchdog = none_watchdog,
};
