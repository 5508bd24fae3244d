/* SPDX-License-Identifier: MIT */
/*
 * Pinned: a virtual CPU has its physical one to itself, as without a gate. What it is good for is
 * to be told from scheduling: the gate stands, and must not be noticed.
 */
#include <errno.h>
#include <stdlib.h>

#include "xen/schedulers.h"

struct pinned {
	struct gate *gate;
	unsigned place[GATE_MAX_VCPUS]; /* of each virtual CPU */
	unsigned owner[];               /* of each physical one, or GATE_NOBODY */
};

static int pinned_create(void **state, struct gate *gate, unsigned pcpus)
{
	struct pinned *p = calloc(1, sizeof(*p) + pcpus * sizeof(p->owner[0]));

	if (!p)
		return -ENOMEM;
	p->gate = gate;
	for (unsigned i = 0; i < pcpus; i++)
		p->owner[i] = GATE_NOBODY;
	*state = p;
	return 0;
}

static void pinned_destroy(void *state)
{
	free(state);
}

static int pinned_add(void *state, unsigned vcpu, const struct gate_vcpu *about, struct err *err)
{
	struct pinned *p = state;

	if (p->owner[about->physical] != GATE_NOBODY)
		return err_set(
			err, -EINVAL,
			"CPU %u has a virtual CPU already, and the scheduler pinned gives each "
			"one of its own",
			about->physical);
	p->owner[about->physical] = vcpu;
	p->place[vcpu] = about->physical;
	return 0;
}

static void pinned_remove(void *state, unsigned vcpu)
{
	struct pinned *p = state;

	p->owner[p->place[vcpu]] = GATE_NOBODY;
}

static void pinned_wake(void *state, unsigned vcpu)
{
	struct pinned *p = state;

	gate_poke(p->gate, p->place[vcpu]);
}

static unsigned pinned_choose(void *state, unsigned pcpu, unsigned current, uint64_t *slice_ps)
{
	const struct pinned *p = state;
	const unsigned owner = p->owner[pcpu];

	*slice_ps = SIM_NEVER;
	if (current != GATE_NOBODY)
		return current;
	return owner != GATE_NOBODY && gate_waits(p->gate, owner) ? owner : GATE_NOBODY;
}

const struct gate_ops sched_pinned = {
	.name = "pinned",
	.help = "each virtual CPU has a physical one to itself",
	.create = pinned_create,
	.destroy = pinned_destroy,
	.add = pinned_add,
	.remove = pinned_remove,
	.wake = pinned_wake,
	.choose = pinned_choose,
};
