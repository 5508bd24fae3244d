/* SPDX-License-Identifier: MIT */
/* See ats_devices.h. */
#include "dma/driver/ats_devices.h"

#include <errno.h>
#include <stdlib.h>

#include "spec/ats.h"

int ats_devices_add(struct ats_device **list, uint16_t devid, unsigned depth)
{
	struct ats_device *device;

	if (depth < 1 || depth > ATS_TAGS)
		return -EINVAL;
	device = calloc(1, sizeof(*device));
	if (!device)
		return -ENOMEM;
	*device = (struct ats_device){.devid = devid, .depth = (uint8_t)depth};
	while (*list) /* told in the order in which they came */
		list = &(*list)->next;
	*list = device;
	return 0;
}

void ats_devices_remove(struct ats_device **list, uint16_t devid)
{
	while (*list && (*list)->devid != devid)
		list = &(*list)->next;
	if (*list) {
		struct ats_device *gone = *list;

		*list = gone->next;
		free(gone);
	}
}
