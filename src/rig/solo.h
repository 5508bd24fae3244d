/* SPDX-License-Identifier: MIT */
/*
 * A rig on a machine of its own with one device attached: for whoever needs no NIC and no second
 * machine.
 */
#ifndef IOTOLL_RIG_SOLO_H
#define IOTOLL_RIG_SOLO_H

#include "rig/rig.h"

struct solo {
	struct sim *sim;
	struct machine *machine;
	struct rig rig;
	struct iotoll_dma_device *device;
	struct iotoll_source source; /* the device, as the IOMMU sees it */
};

/*
 * A machine of @profile with the rig of @config (whose machine is filled in) and a device @devid.
 * @s must stay where it is. 0; -EINVAL with @err for what cannot be built; -ENOMEM. On failure
 * nothing is left.
 */
int solo_init(struct solo *s, const struct profile *profile, const struct rig_config *config,
	      uint16_t devid, struct err *err) MUST_CHECK;
/* Mappings still live are taken down. Allowed on a zeroed struct. */
void solo_fini(struct solo *s);

#endif
