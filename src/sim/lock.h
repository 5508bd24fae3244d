/* SPDX-License-Identifier: MIT */
/*
 * Virtual spin lock: exclusive in virtual time, first come first served. An acquire costs a
 * locked read-modify-write on the lock's cache line (so a line last held elsewhere costs its
 * transfer); waiting is charged as CHARGE_LOCK_WAIT, with the CPU spinning.
 */
#ifndef IOTOLL_SIM_LOCK_H
#define IOTOLL_SIM_LOCK_H

#include "sim/cpu.h"

struct vlock {
	struct machine *machine;
	phys_t line; /* the lock word's address: give each lock its own line */
	struct cpu *holder;
	sim_time free_at; /* when the latest holder let go */
	struct cpu *first_waiter, *last_waiter;
	uint64_t acquisitions, contended, wait_ps;
};

void vlock_init(struct vlock *l, struct machine *m, phys_t line);
/* Plain spin lock. Interrupts stay as they are: never take in a task what a handler takes. */
void vlock_acquire(struct vlock *l, struct cpu *cpu);
void vlock_release(struct vlock *l, struct cpu *cpu);
/* With interrupts disabled meanwhile (spin_lock_irqsave). */
void vlock_acquire_irq(struct vlock *l, struct cpu *cpu);
void vlock_release_irq(struct vlock *l, struct cpu *cpu);
/* With softirqs held off meanwhile (spin_lock_bh). */
void vlock_acquire_bh(struct vlock *l, struct cpu *cpu);
void vlock_release_bh(struct vlock *l, struct cpu *cpu);

#endif
