/* SPDX-License-Identifier: MIT */
/* Making and taking down a rig with its own machine. */
#include "rig/solo.h"

#include <errno.h>
#include <string.h>

static int attach(struct solo *s, uint16_t devid, struct err *err)
{
	const int rc = iotoll_dma_attach(&s->device, s->rig.domain, devid, rig_dma_mask(&s->rig));

	return rc ? err_set(err, rc, "the device cannot be attached: %s", strerror(-rc)) : 0;
}

int solo_init(struct solo *s, const struct profile *profile, const struct rig_config *config,
	      uint16_t devid, struct err *err)
{
	struct rig_config rig = *config;
	int rc;

	*s = (struct solo){.source = {.bus = RIG_BUS, .devid = devid}};
	s->sim = sim_create();
	if (!s->sim)
		return err_set(err, -ENOMEM, "no memory");
	rc = machine_create(&s->machine, s->sim, profile, err);
	if (!rc) {
		rig.machine = s->machine;
		rig.devid = devid;
		rc = rig_init(&s->rig, &rig, err);
	}
	if (!rc)
		rc = attach(s, devid, err);
	if (rc)
		solo_fini(s);
	return rc;
}

void solo_fini(struct solo *s)
{
	iotoll_dma_detach(s->device);
	if (s->machine)
		rig_fini(&s->rig);
	machine_destroy(s->machine);
	sim_destroy(s->sim);
	*s = (struct solo){0};
}
