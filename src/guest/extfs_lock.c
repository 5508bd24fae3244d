/* SPDX-License-Identifier: MIT */
/* extfs: locks to sleep on, and the border of the kernel. */
#include <assert.h>

#include "guest/extfs_internal.h"

static void pay(struct extfs *fs, struct cpu *cpu)
{
	cpu_charge(cpu, machine_cost(fs->machine)->locked_rmw);
	cpu_sync(cpu);
}

void extfs_lock_shared(struct extfs *fs, struct extfs_lock *l, struct cpu *cpu)
{
	pay(fs, cpu);
	while (l->exclusive || l->waiting)
		waitq_wait(&l->wait, cpu);
	l->shared++;
}

void extfs_unlock_shared(struct extfs *fs, struct extfs_lock *l, struct cpu *cpu)
{
	pay(fs, cpu);
	assert(l->shared);
	if (!--l->shared)
		waitq_wake(&l->wait, cpu);
}

void extfs_lock_alone(struct extfs *fs, struct extfs_lock *l, struct cpu *cpu)
{
	pay(fs, cpu);
	l->waiting++;
	while (l->exclusive || l->shared)
		waitq_wait(&l->wait, cpu);
	l->waiting--;
	l->exclusive = true;
}

void extfs_unlock_alone(struct extfs *fs, struct extfs_lock *l, struct cpu *cpu)
{
	pay(fs, cpu);
	assert(l->exclusive);
	l->exclusive = false;
	waitq_wake(&l->wait, cpu);
}

enum charge extfs_enter(struct extfs *fs, struct cpu *cpu)
{
	const enum charge before = cpu_enter(cpu, CHARGE_MODE_SWITCH);

	cpu_charge(cpu, machine_cost(fs->machine)->syscall);
	cpu_enter(cpu, CHARGE_BLOCK);
	cpu_charge(cpu, machine_cost(fs->machine)->fs_call);
	cpu_sync(cpu);
	return before;
}

void extfs_leave(struct cpu *cpu, enum charge before)
{
	struct task *t = task_current(cpu);

	if (t)
		task_preempt_point(t);
	cpu_leave(cpu, before);
}
