/* SPDX-License-Identifier: MIT */
/*
 * Virtual spin locks. An acquire synchronises first, so acquires happen in the order of virtual
 * time. A release does not need to: it records when the lock becomes free, and whoever comes
 * earlier than that (in virtual time, later in execution) waits until then.
 */
#include "sim/lock.h"

#include <assert.h>

#include "sim/gate_internal.h"

void vlock_init(struct vlock *l, struct machine *m, phys_t line)
{
	*l = (struct vlock){.machine = m, .line = line};
}

static void wait_until(struct vlock *l, struct cpu *cpu, sim_time start, sim_time at)
{
	if (at <= start)
		return;
	cpu->clock = at;
	cpu_account_add(cpu, CHARGE_LOCK_WAIT, at - start);
	l->wait_ps += at - start;
}

/* Queue behind the holder and spin; the releaser hands the lock over. */
static void spin(struct vlock *l, struct cpu *cpu)
{
	uint64_t waited;

	cpu->next_waiter = NULL;
	if (l->last_waiter)
		l->last_waiter->next_waiter = cpu;
	else
		l->first_waiter = cpu;
	l->last_waiter = cpu;
	waited = gate_spin(cpu);
	assert(l->holder == cpu);
	l->wait_ps += waited;
}

void vlock_acquire(struct vlock *l, struct cpu *cpu)
{
	sim_time asked;

	if (!cpu)
		return;
	cpu_sync(cpu);
	asked = cpu->clock;
	l->acquisitions++;
	if (l->holder) {
		assert(l->holder != cpu);
		l->contended++;
		spin(l, cpu);
	} else {
		l->holder = cpu;
		if (cpu->clock < l->free_at) {
			l->contended++;
			wait_until(l, cpu, cpu->clock, l->free_at);
		}
	}
	if (__builtin_expect(cpu->watcher != NULL, 0) && cpu->watcher->locked)
		cpu->watcher->locked(cpu->watcher_ctx, cpu, l->line, asked);
	cpu_atomic(cpu, l->line);
}

void vlock_release(struct vlock *l, struct cpu *cpu)
{
	struct cpu *next = l->first_waiter;

	if (!cpu)
		return;
	assert(l->holder == cpu);
	if (__builtin_expect(cpu->watcher != NULL, 0) && cpu->watcher->unlocked)
		cpu->watcher->unlocked(cpu->watcher_ctx, cpu, l->line);
	l->free_at = cpu->clock;
	l->holder = next;
	if (!next)
		return;
	l->first_waiter = next->next_waiter;
	if (!l->first_waiter)
		l->last_waiter = NULL;
	gate_hand_over(next, cpu->clock);
}

void vlock_acquire_irq(struct vlock *l, struct cpu *cpu)
{
	cpu_irq_disable(cpu);
	vlock_acquire(l, cpu);
}

void vlock_release_irq(struct vlock *l, struct cpu *cpu)
{
	vlock_release(l, cpu);
	cpu_irq_enable(cpu);
}

void vlock_acquire_bh(struct vlock *l, struct cpu *cpu)
{
	softirq_disable(cpu);
	vlock_acquire(l, cpu);
}

void vlock_release_bh(struct vlock *l, struct cpu *cpu)
{
	vlock_release(l, cpu);
	softirq_enable(cpu);
}
