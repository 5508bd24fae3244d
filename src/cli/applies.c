/* SPDX-License-Identifier: MIT */
/* See applies.h. */
#include "cli/applies.h"

#include <stdio.h>
#include <string.h>

#include "iotoll/dma.h"

/* With whatever allocator: does one of them do? */
static bool goes_with(const char *strategy, const char *driver)
{
	const char *allocator;

	for (unsigned i = 0; (allocator = iotoll_dma_allocator_name(i, NULL)) != NULL; i++) {
		const struct iotoll_dma_config config = {
			.driver = driver, .strategy = strategy, .allocator = allocator};

		if (iotoll_dma_config_check(&config, NULL, 0) == 0)
			return true;
	}
	return false;
}

void applies_to(const char *strategy, char *out, size_t bytes)
{
	unsigned without = 0, with = 0;
	const char *driver;
	size_t used = 0;

	out[0] = '\0';
	for (unsigned i = 0; (driver = iotoll_dma_driver_name(i, NULL)) != NULL; i++) {
		if (!goes_with(strategy, driver)) {
			without += strcmp(driver, "none") != 0;
			continue;
		}
		used += (size_t)snprintf(out + used, used < bytes ? bytes - used : 0, "%s%s",
					 with++ ? ", " : "", driver);
		if (used >= bytes)
			used = bytes - 1;
	}
	if (goes_with(strategy, "none"))
		(void)snprintf(out, bytes, "anything");
	else if (!without)
		(void)snprintf(out, bytes, "every IOMMU");
}
