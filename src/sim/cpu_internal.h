/* SPDX-License-Identifier: MIT */
/* What cpu.c, task.c, lock.c and machine.c share and nobody else sees: the CPU itself. */
#ifndef IOTOLL_SIM_CPU_INTERNAL_H
#define IOTOLL_SIM_CPU_INTERNAL_H

#include "sim/cpu.h"
#include "sim/fiber.h"
#include "sim/task.h"

struct task {
	struct cpu *cpu;
	struct fiber *fiber;
	void (*fn)(void *ctx);
	void *ctx;
	struct task *next;     /* on a run queue or a wait queue */
	struct task *all_next; /* of the CPU's tasks, for freeing */
	struct event alarm;    /* task_sleep() */
	bool background;       /* gives way to any other task (ksoftirqd) */
	bool done;
	char name[24];
};

struct cpu {
	struct machine *machine;
	unsigned id, physical;
	bool guest;        /* a virtual CPU */
	struct vcpu *vcpu; /* the gate's side of one that shares physical ones; else NULL */
	unsigned held;     /* within an instruction, or the hypervisor: the seat is not taken */
	bool free;         /* what it does is ablated, see cpu_free_enter() */
	/* What its addresses lead through, and what it pays; the hypervisor's while that executes.
	 */
	struct memory *view; /* NULL: they are machine addresses */
	const struct cost *cost;
	sim_time clock;
	enum charge what;
	uint64_t ps[CHARGE_COUNT];
	const struct cpu_watcher *watcher; /* NULL: nobody watches */
	void *watcher_ctx;

	struct event resume; /* this CPU goes on executing at resume.at */
	bool parked;         /* idle: nothing to do until kicked */

	struct irq *irqs; /* pending, oldest first */
	unsigned irq_off;
	struct softirq *softirqs;
	unsigned softirq_off;
	bool in_irq, in_softirq;

	struct task *idle, *current, *ksoftirqd;
	struct task *run_first, *run_last;
	struct task *tasks;
	struct waitq ksoftirqd_wait;
	sim_time slice_end;
	bool resched;     /* a task that slept wants the CPU */
	bool ipi_pending; /* woken by another CPU while it idled */

	struct cpu *next_waiter; /* on a lock's queue */
};

/* machine.c: the next CPU of @m, on the board's @physical one, with the tasks every CPU has. */
int machine_add_cpu(struct machine *m, unsigned physical, struct err *err) MUST_CHECK;

/* task.c */
int task_cpu_init(struct cpu *cpu) MUST_CHECK; /* idle and ksoftirqd tasks */
void task_cpu_fini(struct cpu *cpu);

/* cpu.c */
void cpu_init(struct cpu *cpu, struct machine *m, unsigned id, unsigned physical);
/* cpu_charge() in category @what, whatever is in force. */
void cpu_pay(struct cpu *cpu, enum charge what, uint64_t ps);
/* Give the host thread back until the resume event (or a kick, or a lock) runs this CPU again. */
void cpu_pause(struct cpu *cpu);
/* Go on executing at @at. */
void cpu_resume_at(struct cpu *cpu, sim_time at);
/* If @cpu idles, make it look around at @at. */
void cpu_kick(struct cpu *cpu, sim_time at);
static inline bool cpu_ablated(const struct cpu *cpu)
{
	return cpu->machine->free_dma_software &&
	       (cpu->free || cpu->what == CHARGE_MAP || cpu->what == CHARGE_UNMAP ||
		cpu->what == CHARGE_FLUSH);
}

/* Tell who watches that the @ps up to the clock went to @what. */
static inline void cpu_tell(const struct cpu *cpu, enum charge what, uint64_t ps)
{
	if (__builtin_expect(cpu->watcher != NULL, 0) && cpu->watcher->spent && ps)
		cpu->watcher->spent(cpu->watcher_ctx, cpu, what, cpu->clock - ps, cpu->clock);
}

/* cpu_charge() for a CPU that there is. */
static inline void cpu_spend(struct cpu *cpu, uint64_t ps)
{
	if (cpu_ablated(cpu))
		return;
	cpu->clock += ps;
	cpu->ps[cpu->what] += ps;
	cpu_tell(cpu, cpu->what, ps);
}
/* Add @ps, which the clock has already passed, to category @what. */
static inline void cpu_account_add(struct cpu *cpu, enum charge what, uint64_t ps)
{
	cpu->ps[what] += ps;
	cpu_tell(cpu, what, ps);
}
/* Run pending softirqs as an interrupt's exit does. */
void cpu_run_softirqs(struct cpu *cpu);
/* One pass over the softirqs pending now. */
void cpu_softirq_pass(struct cpu *cpu);

#endif
