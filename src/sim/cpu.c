/* SPDX-License-Identifier: MIT */
/*
 * CPUs: the local clock, charges, and interrupts with their softirq tail as Linux 2.6 runs them
 * (kernel/softirq.c: at most ten restarts on interrupt exit, then ksoftirqd).
 */
#include "sim/cpu.h"

#include <assert.h>
#include <string.h>

#include "sim/gate_internal.h"

#define SOFTIRQ_RESTARTS 10 /* MAX_SOFTIRQ_RESTART */

static const char *const charge_names[CHARGE_COUNT] = {
	[CHARGE_APPLICATION] = "application",
	[CHARGE_COPY] = "copy",
	[CHARGE_STACK] = "tcp_stack",
	[CHARGE_DRIVER] = "driver",
	[CHARGE_INTERRUPT] = "interrupt",
	[CHARGE_MAP] = "map",
	[CHARGE_UNMAP] = "unmap",
	[CHARGE_FLUSH] = "flush",
	[CHARGE_LOCK_WAIT] = "lock_wait",
	[CHARGE_MODE_SWITCH] = "mode_switch",
	[CHARGE_SCHEDULER] = "scheduler",
	[CHARGE_CROSSING] = "crossing",
	[CHARGE_HYPERVISOR] = "hypervisor",
	[CHARGE_BLOCK] = "block",
};

const char *charge_name(enum charge what)
{
	return charge_names[what];
}

unsigned cpu_id(const struct cpu *cpu)
{
	return cpu->id;
}

unsigned cpu_physical(const struct cpu *cpu)
{
	return cpu->physical;
}

struct machine *cpu_machine(const struct cpu *cpu)
{
	return cpu->machine;
}

sim_time cpu_now(const struct cpu *cpu)
{
	return cpu->clock;
}

/* ---- running ---- */

static void run(void *ctx)
{
	struct cpu *cpu = ctx;
	struct machine *m = cpu->machine;
	const sim_time now = sim_now(m->sim);

	if (__builtin_expect(cpu->vcpu != NULL, 0) && !cpu->vcpu->seat) {
		gate_wake(cpu);
		return;
	}
	if (cpu->clock < now)
		cpu->clock = now;
	m->board->running = cpu;
	fiber_run(cpu->current->fiber);
	m->board->running = NULL;
}

void cpu_init(struct cpu *cpu, struct machine *m, unsigned id, unsigned physical)
{
	memset(cpu, 0, sizeof(*cpu));
	cpu->machine = m;
	cpu->id = id;
	cpu->physical = physical;
	cpu->guest = machine_is_guest(m);
	cpu->view = cpu->guest ? m->mem : NULL;
	cpu->cost = &m->profile.cost;
	event_init(&cpu->resume, run, cpu);
}

void cpu_resume_at(struct cpu *cpu, sim_time at)
{
	sim_schedule(cpu->machine->sim, &cpu->resume, at);
}

void cpu_pause(struct cpu *cpu)
{
	fiber_yield(cpu->current->fiber);
}

void cpu_kick(struct cpu *cpu, sim_time at)
{
	if (!cpu->parked)
		return;
	if (!event_pending(&cpu->resume) || at < cpu->resume.at)
		cpu_resume_at(cpu, at);
}

/* ---- charges ---- */

enum charge cpu_enter(struct cpu *cpu, enum charge what)
{
	enum charge before = CHARGE_APPLICATION;

	if (cpu) {
		before = cpu->what;
		cpu->what = what;
	}
	return before;
}

void cpu_leave(struct cpu *cpu, enum charge before)
{
	if (cpu)
		cpu->what = before;
}

void cpu_charge(struct cpu *cpu, uint64_t ps)
{
	if (cpu)
		cpu_spend(cpu, ps);
}

void cpu_pay(struct cpu *cpu, enum charge what, uint64_t ps)
{
	const enum charge before = cpu_enter(cpu, what);

	cpu_spend(cpu, ps);
	cpu_leave(cpu, before);
}

bool cpu_hypervisor_enter(struct cpu *cpu)
{
	if (!cpu || !cpu->view)
		return false;
	cpu->view = NULL;
	cpu->cost = machine_cost(cpu->machine->board);
	cpu_hold_irqs(cpu, true);
	return true;
}

void cpu_hypervisor_leave(struct cpu *cpu, bool before)
{
	if (!before)
		return;
	cpu_hold_irqs(cpu, false);
	cpu->cost = machine_cost(cpu->machine);
	cpu->view = cpu->machine->mem;
}

bool cpu_free_enter(struct cpu *cpu, bool dma_software)
{
	const bool before = cpu && cpu->free;

	if (cpu)
		cpu->free = dma_software || cpu_ablated(cpu);
	return before;
}

void cpu_free_leave(struct cpu *cpu, bool before)
{
	if (cpu)
		cpu->free = before;
}

/* ---- interrupts ---- */

/* Entry and exit of a handler; a virtual CPU's interrupts come through the hypervisor. */
static void pay_entry(struct cpu *cpu, const struct irq *irq)
{
	if (!cpu->guest) {
		cpu_spend(cpu, cpu->cost->interrupt);
		return;
	}
	if (!irq->event)
		cpu_pay(cpu, CHARGE_HYPERVISOR, cpu->cost->xen_irq);
	cpu_pay(cpu, CHARGE_CROSSING, cpu->cost->interrupt);
}

static void take_irq(struct cpu *cpu)
{
	struct irq *irq = cpu->irqs;
	const enum charge before = cpu_enter(cpu, CHARGE_INTERRUPT);

	cpu->irqs = irq->next;
	irq->next = NULL;
	irq->pending = false;
	irq->count++;
	cpu->irq_off++;
	cpu->in_irq = true;
	pay_entry(cpu, irq);
	irq->handler(irq->ctx, cpu);
	cpu->in_irq = false;
	cpu->irq_off--;
	cpu_run_softirqs(cpu);
	cpu_leave(cpu, before);
}

/* Let the rest of the world come to where @cpu's clock is. False if another CPU is to run first. */
static bool catch_up(struct machine *board, struct cpu *cpu)
{
	struct sim *sim = board->sim;

	if (sim_advance(sim, cpu->clock)) /* it is there already, more often than not */
		return true;
	/* Devices catch up on this stack; another CPU needs its own. */
	board->running = NULL;
	while (sim_step(sim, cpu->clock, run))
		;
	board->running = cpu;
	return sim_advance(sim, cpu->clock);
}

void cpu_sync(struct cpu *cpu)
{
	struct machine *board;

	if (!cpu)
		return;
	board = cpu->machine->board;
	for (;;) {
		if (!catch_up(board, cpu)) {
			cpu_resume_at(cpu, cpu->clock);
			cpu_pause(cpu);
		} else if (gate_due(cpu)) {
			if (gate_yield(cpu))
				cpu_pause(cpu);
		} else if (cpu->irqs && !cpu->irq_off) {
			take_irq(cpu);
		} else {
			return;
		}
	}
}

void cpu_irq_disable(struct cpu *cpu)
{
	if (!cpu)
		return;
	cpu->irq_off++;
	cpu_spend(cpu, cpu->cost->irq_flags / 2);
}

void cpu_irq_enable(struct cpu *cpu)
{
	if (!cpu)
		return;
	assert(cpu->irq_off);
	cpu_spend(cpu, cpu->cost->irq_flags / 2);
	cpu->irq_off--;
}

void cpu_hold_irqs(struct cpu *cpu, bool hold)
{
	if (hold) {
		cpu->irq_off++;
		cpu->held++;
	} else {
		cpu->irq_off--;
		cpu->held--;
	}
}

void irq_raise(struct irq *irq)
{
	struct cpu *cpu = irq->target;
	struct irq **tail = &cpu->irqs;
	const struct cpu *by = cpu_current(cpu->machine);
	sim_time at;

	if (irq->pending)
		return;
	irq->pending = true;
	irq->next = NULL;
	while (*tail)
		tail = &(*tail)->next;
	*tail = irq;
	at = machine_now(cpu->machine);
	if (irq->event && by && by->physical != cpu->physical)
		at += cpu->cost->ipi;
	cpu_kick(cpu, at);
}

/* ---- softirqs ---- */

void softirq_raise(struct cpu *cpu, struct softirq *s)
{
	struct softirq **tail = &cpu->softirqs;

	if (s->pending)
		return;
	s->pending = true;
	s->next = NULL;
	while (*tail)
		tail = &(*tail)->next;
	*tail = s;
	if (cpu_current(cpu->machine) != cpu)
		cpu_kick(cpu, machine_now(cpu->machine));
	else if (!cpu->in_irq && !cpu->in_softirq && !cpu->softirq_off)
		waitq_wake(&cpu->ksoftirqd_wait, cpu);
}

void cpu_softirq_pass(struct cpu *cpu)
{
	struct softirq *list = cpu->softirqs;

	cpu->softirqs = NULL;
	while (list) {
		struct softirq *s = list;

		list = s->next;
		s->next = NULL;
		s->pending = false;
		if (s->run(s->ctx, cpu))
			softirq_raise(cpu, s);
	}
}

void cpu_run_softirqs(struct cpu *cpu)
{
	if (!cpu->softirqs || cpu->in_softirq || cpu->softirq_off || cpu->in_irq)
		return;
	cpu->in_softirq = true;
	for (int i = 0; i < SOFTIRQ_RESTARTS && cpu->softirqs; i++)
		cpu_softirq_pass(cpu);
	cpu->in_softirq = false;
	if (cpu->softirqs)
		waitq_wake(&cpu->ksoftirqd_wait, cpu);
}

bool cpu_in_interrupt(const struct cpu *cpu)
{
	return cpu && (cpu->in_irq || cpu->in_softirq);
}

void softirq_disable(struct cpu *cpu)
{
	if (cpu)
		cpu->softirq_off++;
}

void softirq_enable(struct cpu *cpu)
{
	if (!cpu)
		return;
	assert(cpu->softirq_off);
	if (!--cpu->softirq_off)
		cpu_run_softirqs(cpu);
}

/* ---- watching ---- */

void cpu_watch(struct cpu *cpu, const struct cpu_watcher *watcher, void *ctx)
{
	cpu->watcher = watcher;
	cpu->watcher_ctx = ctx;
}

/* ---- accounting ---- */

/* Work already charged beyond the present: it belongs to the time after it. */
static uint64_t overhang(const struct cpu *cpu, sim_time now)
{
	return !cpu->parked && cpu->clock > now ? cpu->clock - now : 0;
}

static uint64_t steal(const struct cpu *cpu)
{
	const struct vcpu *v = cpu->vcpu;

	if (!v)
		return 0;
	return v->steal_ps +
	       (v->state == VCPU_WAITS ? sim_now(cpu->machine->sim) - v->waits_since : 0);
}

void cpu_account(const struct cpu *cpu, struct cpu_account *out)
{
	const sim_time now = sim_now(cpu->machine->sim);
	const uint64_t ahead = overhang(cpu, now);

	out->busy_ps = 0;
	for (int i = 0; i < CHARGE_COUNT; i++) {
		out->ps[i] = cpu->ps[i] + (i == CHARGE_LOCK_WAIT ? gate_spun(cpu, now) : 0);
		if (i == (int)cpu->what)
			out->ps[i] -= ahead < out->ps[i] ? ahead : out->ps[i];
		out->busy_ps += out->ps[i];
	}
	out->steal_ps = steal(cpu);
}

void cpu_account_reset(struct cpu *cpu, sim_time now)
{
	memset(cpu->ps, 0, sizeof(cpu->ps));
	if (cpu->vcpu) {
		cpu->vcpu->steal_ps = 0;
		cpu->vcpu->waits_since = now;
		cpu->vcpu->counted_ps += gate_spun(cpu, now);
	}
	cpu->ps[cpu->what] = overhang(cpu, now);
}
