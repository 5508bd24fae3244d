/* SPDX-License-Identifier: MIT */
/* What the gate shares with CPUs, tasks and locks, and nobody else sees. */
#ifndef IOTOLL_SIM_GATE_INTERNAL_H
#define IOTOLL_SIM_GATE_INTERNAL_H

#include "sim/cpu_internal.h"
#include "sim/gate.h"

/* A physical CPU. */
struct seat {
	struct gate *gate;
	unsigned physical;
	struct vcpu *holder;
	struct vcpu *last;   /* whose registers it has, if it has not been elsewhere since */
	bool resched;        /* the holder lets a choice be made at its next chance */
	struct event choice; /* asked for, or the slice is over */
};

enum vcpu_state {
	VCPU_BLOCKED, /* nothing to do */
	VCPU_WAITS,   /* would run, holds nothing */
	VCPU_RUNS,    /* holds a seat */
};

/* The gate's side of a virtual CPU. */
struct vcpu {
	struct cpu *cpu;
	struct gate *gate;
	unsigned index, domain;
	enum vcpu_state state;
	struct seat *seat; /* VCPU_RUNS */
	struct seat *last_seat;
	sim_time waits_since; /* VCPU_WAITS */
	uint64_t steal_ps;    /* what it has waited, up to then */
	/* Lock waiting, see lock.c */
	bool spins;
	bool in_spin;         /* from there until it goes on with the lock */
	sim_time spins_since; /* while it runs */
	uint64_t spun_ps;     /* before that */
	uint64_t counted_ps;  /* of both, in accounts that have been closed */
	sim_time handed_at;   /* waits, and the lock is its own from then on */
};

/*
 * @cpu joins @board's gate; @about's domain is of gate_domain(). 0, -EINVAL with @err if there is
 * no place or the policy has none, -ENOMEM.
 */
int gate_add(struct cpu *cpu, const struct gate_vcpu *about, struct err *err) MUST_CHECK;
void gate_remove(struct cpu *cpu);
/* A number that no virtual CPU's guest has. */
unsigned gate_domain(const struct gate *gate);
/* The board goes. */
void gate_destroy(struct gate *gate);

/* The resume event of a @cpu without a seat: it has something to do. */
void gate_wake(struct cpu *cpu);
/* @cpu has nothing to do; the caller pauses. */
void gate_block(struct cpu *cpu);
/* At a point where the seat can be taken: choose. True: it was taken, the caller pauses. */
bool gate_yield(struct cpu *cpu);

static inline bool gate_due(const struct cpu *cpu)
{
	return __builtin_expect(cpu->vcpu != NULL, 0) && cpu->vcpu->seat->resched && !cpu->held;
}

/*
 * Spin until gate_hand_over(), charged as CHARGE_LOCK_WAIT; returns how long it did while it ran.
 * Also for a @cpu without gate.
 */
uint64_t gate_spin(struct cpu *cpu);
/* How much of a spin that is not over has no place in @cpu's account yet: it may last a slice. */
uint64_t gate_spun(const struct cpu *cpu, sim_time now);
/* What @cpu spins for is its own from @at on. */
void gate_hand_over(struct cpu *cpu, sim_time at);

#endif
