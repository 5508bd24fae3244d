/* SPDX-License-Identifier: MIT */
/*
 * The devices of a domain whose own translation caches must be told when the domain's translations
 * go: what Linux finds in each device's ats_enabled and ats_qdep. Changed only by attaching and
 * detaching, which never run beside anything else of the domain.
 */
#ifndef IOTOLL_DMA_DRIVER_ATS_DEVICES_H
#define IOTOLL_DMA_DRIVER_ATS_DEVICES_H

#include <stdint.h>

struct ats_device {
	struct ats_device *next;
	uint16_t devid;
	uint8_t depth; /* of its invalidate queue: 1..32 */
};

/* 0; -EINVAL for a depth out of range; -ENOMEM. */
int ats_devices_add(struct ats_device **list, uint16_t devid, unsigned depth);
/* Nothing if it is not there. */
void ats_devices_remove(struct ats_device **list, uint16_t devid);

#endif
