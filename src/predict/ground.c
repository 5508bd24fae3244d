/* SPDX-License-Identifier: MIT */
/*
 * A machine for models to have memory on. Nothing runs: with no CPU current all work is done at
 * once and charged to nobody.
 */
#include <errno.h>

#include "predict/impl.h"
#include "sim/machine.h"

int ground_init(struct ground *g, const struct profile *profile, unsigned cpus, struct err *err)
{
	struct profile bare = *profile;
	int rc;

	bare.cpus = cpus;
	*g = (struct ground){.sim = sim_create()};
	if (!g->sim)
		return err_set(err, -ENOMEM, "predict: out of memory");
	rc = machine_create(&g->machine, g->sim, &bare, err);
	if (rc)
		ground_fini(g);
	return rc;
}

void ground_fini(struct ground *g)
{
	machine_destroy(g->machine);
	sim_destroy(g->sim);
	*g = (struct ground){.sim = NULL};
}
