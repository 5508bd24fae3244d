/* SPDX-License-Identifier: MIT */
/*
 * The gate: several virtual CPUs on one of a board's. A virtual CPU executes only while it holds a
 * physical one. It gives it up when it idles; otherwise a policy takes it away, which it does at
 * its next cpu_sync(), or at once where it spins for a lock. Inside the hypervisor, and between the
 * two halves of a register read, nothing is taken away. A virtual CPU that spins keeps what it
 * holds.
 *
 * Time between being able to run and running is steal: it is counted, and charged to nobody.
 * Putting a virtual CPU on a physical one that carried another since costs xen_vcpu_switch
 * (CHARGE_HYPERVISOR), charged to the one that comes; the policy's own ticks cost nothing.
 *
 * How to choose is a policy's business: a const struct gate_ops in one file (src/xen/sched_*.c).
 * Virtual CPUs are known to it by small numbers, which are used again when a guest is gone.
 */
#ifndef IOTOLL_SIM_GATE_H
#define IOTOLL_SIM_GATE_H

#include "sim/machine.h"

#define GATE_MAX_VCPUS 64u
#define GATE_NOBODY    UINT32_MAX

struct gate;

/* What a policy is told of a virtual CPU. */
struct gate_vcpu {
	unsigned domain;   /* a number that the CPUs of one guest share, below GATE_MAX_VCPUS */
	unsigned weight;   /* of the guest: 1 to 65535 */
	unsigned cap;      /* of the guest: percent of one CPU at most; 0: no limit */
	uint32_t affinity; /* physical CPUs it may have, a bit each; at least one that there is */
	unsigned physical; /* where it begins; among them */
};

struct gate_ops {
	const char *name, *help;
	/* *@state for @gate, whose physical CPUs are 0 to @pcpus - 1. 0 or -ENOMEM. */
	int (*create)(void **state, struct gate *gate, unsigned pcpus);
	/* After every virtual CPU was removed. */
	void (*destroy)(void *state);
	/* @vcpu, which is blocked, joins. 0, or -EINVAL with @err if it cannot. */
	int (*add)(void *state, unsigned vcpu, const struct gate_vcpu *about, struct err *err);
	/* It leaves, wherever it is. */
	void (*remove)(void *state, unsigned vcpu);
	/* @vcpu was blocked and can run. Where that changes a choice, gate_poke(). */
	void (*wake)(void *state, unsigned vcpu);
	/*
	 * Who holds @pcpu from now on: @current, one that waits, or GATE_NOBODY. @current held it
	 * until now and can go on, GATE_NOBODY if there is none; if it is not chosen, it waits.
	 * *@slice_ps: choose again after that, also if nobody
	 * was chosen; SIM_NEVER: not.
	 */
	unsigned (*choose)(void *state, unsigned pcpu, unsigned current, uint64_t *slice_ps);
};

/*
 * From now on @board's guests are scheduled by @ops; before the first of them is made. The gate is
 * the board's and goes with it. 0, -ENOMEM.
 */
int gate_create(struct machine *board, const struct gate_ops *ops, struct err *err) MUST_CHECK;

/* ---- for policies ---- */

/* Have a choice made for @pcpu: now, or when who holds it comes to a point where it can be taken.
 */
void gate_poke(struct gate *gate, unsigned pcpu);
/* Who holds @pcpu, or GATE_NOBODY. */
unsigned gate_holder(const struct gate *gate, unsigned pcpu);
/* Can @vcpu run and does not? */
bool gate_waits(const struct gate *gate, unsigned vcpu);
/* For timers of the policy's own. */
struct sim *gate_sim(const struct gate *gate);

#endif
