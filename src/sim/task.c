/* SPDX-License-Identifier: MIT */
/*
 * Tasks and the scheduler of one CPU: a round-robin run queue with a time slice, an idle task
 * that takes interrupts while nothing runs, and ksoftirqd. Every task stays on its CPU.
 */
#include "sim/task.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/gate_internal.h"

#define TASK_STACK_BYTES (256u * 1024)
#define TASK_SLICE       (100 * SIM_MS) /* DEF_TIMESLICE of Linux 2.6's O(1) scheduler */

static void enqueue(struct task *t)
{
	struct cpu *cpu = t->cpu;

	t->next = NULL;
	if (cpu->run_last)
		cpu->run_last->next = t;
	else
		cpu->run_first = t;
	cpu->run_last = t;
}

/* First task that is not in the background, else the first, else idle. */
static struct task *dequeue(struct cpu *cpu)
{
	struct task *before = NULL, *t = cpu->run_first;

	while (t && t->background && t->next) {
		before = t;
		t = t->next;
	}
	if (!t)
		return cpu->idle;
	if (t->background) { /* none better: take the head */
		before = NULL;
		t = cpu->run_first;
	}
	if (before)
		before->next = t->next;
	else
		cpu->run_first = t->next;
	if (cpu->run_last == t)
		cpu->run_last = before;
	t->next = NULL;
	return t;
}

/* Leave the current task for the next runnable one; returns when it is chosen again. */
static void schedule(struct cpu *cpu)
{
	struct task *self = cpu->current, *next = dequeue(cpu);
	const enum charge before = cpu_enter(cpu, CHARGE_SCHEDULER);

	if (next != self) {
		if (next != cpu->idle) {
			cpu_charge(cpu, machine_cost(cpu->machine)->context_switch);
			cpu->slice_end = cpu->clock + TASK_SLICE;
		}
		cpu->current = next;
		cpu->resched = false;
		cpu_resume_at(cpu, cpu->clock);
		fiber_yield(self->fiber);
	}
	cpu_leave(cpu, before);
}

static void task_main(void *ctx)
{
	struct task *t = ctx;

	cpu_enter(t->cpu, CHARGE_APPLICATION);
	t->fn(t->ctx);
	t->done = true;
	for (;;)
		schedule(t->cpu);
}

static struct task *task_new(struct cpu *cpu, const char *name, void (*fn)(void *ctx), void *ctx)
{
	struct task *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->cpu = cpu;
	t->fn = fn;
	t->ctx = ctx;
	snprintf(t->name, sizeof(t->name), "%s", name);
	t->fiber = fiber_create(TASK_STACK_BYTES, task_main, t);
	if (!t->fiber) {
		free(t);
		return NULL;
	}
	t->all_next = cpu->tasks;
	cpu->tasks = t;
	return t;
}

struct task *task_create(struct cpu *cpu, const char *name, void (*fn)(void *ctx), void *ctx)
{
	struct task *t = task_new(cpu, name, fn, ctx);

	if (!t)
		return NULL;
	enqueue(t);
	cpu_kick(cpu, machine_now(cpu->machine));
	return t;
}

struct task *task_current(const struct cpu *cpu)
{
	return cpu->current == cpu->idle ? NULL : cpu->current;
}

struct cpu *task_cpu(const struct task *t)
{
	return t->cpu;
}

bool task_done(const struct task *t)
{
	return t->done;
}

void task_preempt_point(struct task *t)
{
	struct cpu *cpu = t->cpu;

	cpu_sync(cpu);
	if (!cpu->run_first || (cpu->clock < cpu->slice_end && !t->background && !cpu->resched))
		return;
	enqueue(t);
	schedule(cpu);
}

/*
 * A task that slept goes before the others and has the running one preempted, as the sleeper's
 * bonus of the O(1) scheduler does (kernel/sched.c: effective_prio(), TASK_PREEMPTS_CURR).
 */
static void wake(struct task *t, sim_time at)
{
	struct cpu *cpu = t->cpu;

	if (t->background) {
		enqueue(t);
	} else {
		t->next = cpu->run_first;
		cpu->run_first = t;
		if (!cpu->run_last)
			cpu->run_last = t;
		cpu->resched = true;
	}
	cpu_kick(cpu, at);
}

static void on_alarm(void *ctx)
{
	struct task *t = ctx;

	wake(t, sim_now(t->cpu->machine->sim));
}

void task_sleep(struct task *t, uint64_t ps)
{
	event_init(&t->alarm, on_alarm, t);
	sim_schedule(t->cpu->machine->sim, &t->alarm, t->cpu->clock + ps);
	schedule(t->cpu);
}

void waitq_wait(struct waitq *wq, struct cpu *cpu)
{
	struct task *t = cpu->current;

	t->next = NULL;
	if (wq->last)
		wq->last->next = t;
	else
		wq->first = t;
	wq->last = t;
	schedule(cpu);
}

static void pay_wakeup(struct cpu *cpu)
{
	const enum charge before = cpu_enter(cpu, CHARGE_SCHEDULER);

	if (cpu)
		cpu_charge(cpu, machine_cost(cpu->machine)->wakeup);
	cpu_leave(cpu, before);
}

/* A guest's reschedule interrupt is an event that it sends itself. */
static void pay_ipi_event(struct cpu *cpu)
{
	cpu_pay(cpu, CHARGE_CROSSING, cpu->cost->xen_hypercall);
	cpu_pay(cpu, CHARGE_HYPERVISOR, cpu->cost->xen_event_send);
}

void waitq_wake(struct waitq *wq, struct cpu *cpu)
{
	struct task *t;

	if (!wq->first)
		return;
	/*
	 * The sleeper must not run before its waker's instant. A sleeper's CPU that idles looks
	 * at its queue only when kicked, at a time we choose; a busy one finds the task when it
	 * gets there, at most one synchronisation interval early.
	 */
	t = wq->first;
	wq->first = wq->last = NULL;
	while (t) {
		struct task *next = t->next;
		sim_time at;

		pay_wakeup(cpu);
		if (cpu && cpu->guest && t->cpu != cpu && t->cpu->parked && !t->cpu->ipi_pending)
			pay_ipi_event(cpu);
		at = machine_now(t->cpu->machine);
		if (cpu && t->cpu != cpu) {
			at += machine_cost(t->cpu->machine)->ipi;
			/* Only an idle CPU is interrupted; a busy one looks when it gets there. */
			t->cpu->ipi_pending = t->cpu->parked;
		}
		wake(t, at);
		t = next;
	}
}

/* ---- the two tasks every CPU has ---- */

static void idle_main(void *ctx)
{
	struct cpu *cpu = ctx;
	bool told = false; /* the hypervisor that there is nothing to do */

	for (;;) {
		cpu_sync(cpu);
		if (cpu->run_first) {
			told = false;
			schedule(cpu);
			continue;
		}
		if (cpu->softirqs || cpu->irqs) {
			told = false;
			cpu_run_softirqs(cpu);
			continue;
		}
		if (cpu->guest && !told) {
			/* A guest blocks by a hypercall; what comes meanwhile makes it return. */
			cpu_pay(cpu, CHARGE_CROSSING, cpu->cost->xen_hypercall);
			told = true;
			continue;
		}
		told = false;
		cpu->parked = true;
		if (cpu->vcpu)
			gate_block(cpu);
		cpu_pause(cpu);
		cpu->parked = false;
		if (cpu->ipi_pending) {
			/* The reschedule interrupt that another CPU's wake-up sent. */
			cpu_pay(cpu, cpu->guest ? CHARGE_CROSSING : CHARGE_SCHEDULER,
				cpu->cost->interrupt);
			cpu->ipi_pending = false;
		}
	}
}

static void ksoftirqd_main(void *ctx)
{
	struct cpu *cpu = ctx;

	for (;;) {
		while (cpu->softirqs) {
			cpu->in_softirq = true;
			cpu_softirq_pass(cpu);
			cpu->in_softirq = false;
			task_preempt_point(cpu->ksoftirqd);
		}
		waitq_wait(&cpu->ksoftirqd_wait, cpu);
	}
}

int task_cpu_init(struct cpu *cpu)
{
	cpu->idle = task_new(cpu, "idle", idle_main, cpu);
	cpu->ksoftirqd = task_new(cpu, "ksoftirqd", ksoftirqd_main, cpu);
	if (!cpu->idle || !cpu->ksoftirqd)
		return -ENOMEM;
	cpu->ksoftirqd->background = true;
	cpu->current = cpu->idle;
	enqueue(cpu->ksoftirqd);
	cpu_resume_at(cpu, sim_now(cpu->machine->sim));
	return 0;
}

void task_cpu_fini(struct cpu *cpu)
{
	struct task *t = cpu->tasks;

	sim_cancel(cpu->machine->sim, &cpu->resume);
	while (t) {
		struct task *next = t->all_next;

		sim_cancel(cpu->machine->sim, &t->alarm);
		fiber_destroy(t->fiber);
		free(t);
		t = next;
	}
	cpu->tasks = NULL;
}
