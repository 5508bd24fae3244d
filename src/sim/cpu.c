/* SPDX-License-Identifier: MIT */
/*
 * CPUs: the local clock, charges, and interrupts with their softirq tail as Linux 2.6 runs them
 * (kernel/softirq.c: at most ten restarts on interrupt exit, then ksoftirqd).
 */
#include "sim/cpu.h"

#include <assert.h>
#include <string.h>

#include "sim/cpu_internal.h"

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

	if (cpu->clock < now)
		cpu->clock = now;
	m->running = cpu;
	fiber_run(cpu->current->fiber);
	m->running = NULL;
}

void cpu_init(struct cpu *cpu, struct machine *m, unsigned id)
{
	memset(cpu, 0, sizeof(*cpu));
	cpu->machine = m;
	cpu->id = id;
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

static inline bool ablated(const struct cpu *cpu)
{
	return cpu->machine->free_dma_software &&
	       (cpu->what == CHARGE_MAP || cpu->what == CHARGE_UNMAP || cpu->what == CHARGE_FLUSH);
}

static inline void charge(struct cpu *cpu, uint64_t ps)
{
	if (ablated(cpu))
		return;
	cpu->clock += ps;
	cpu->ps[cpu->what] += ps;
}

void cpu_charge(struct cpu *cpu, uint64_t ps)
{
	if (cpu)
		charge(cpu, ps);
}

void cpu_touch(struct cpu *cpu, phys_t paddr, size_t bytes, bool write)
{
	struct cache_found found = {0};
	const struct cost *cost;

	if (!cpu || !bytes)
		return;
	cost = machine_cost(cpu->machine);
	cache_access_range(cpu->machine->cache, cpu->id, paddr, bytes, write, &found);
	charge(cpu, found.own * cost->cache_hit + found.remote * cost->line_transfer +
			    found.dram * cost->dram_miss);
}

void cpu_copy(struct cpu *cpu, phys_t to, phys_t from, size_t bytes)
{
	struct cache_found found = {0};
	const struct cost *cost;
	enum charge before;

	if (!cpu)
		return;
	cost = machine_cost(cpu->machine);
	before = cpu_enter(cpu, CHARGE_COPY);
	cache_copy(cpu->machine->cache, cpu->id, to, from, bytes, &found);
	/* A stream: where either side misses it runs at memory speed, both overlap. */
	charge(cpu, found.dram * cost->copy_cold + found.own * cost->copy_warm +
			    found.remote * cost->line_transfer);
	cpu_leave(cpu, before);
}

void cpu_clflush(struct cpu *cpu, phys_t paddr)
{
	if (!cpu)
		return;
	cache_flush_line(cpu->machine->cache, paddr);
	charge(cpu, machine_cost(cpu->machine)->clflush);
}

void cpu_atomic(struct cpu *cpu, phys_t paddr)
{
	const struct cost *cost;
	enum cache_where where;

	if (!cpu)
		return;
	cost = machine_cost(cpu->machine);
	where = cache_access(cpu->machine->cache, cpu->id, paddr, true);
	charge(cpu, cost->locked_rmw + (where == CACHE_OWN      ? 0
					: where == CACHE_REMOTE ? cost->line_transfer
								: cost->dram_miss));
}

/* ---- interrupts ---- */

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
	charge(cpu, machine_cost(cpu->machine)->interrupt);
	irq->handler(irq->ctx, cpu);
	cpu->in_irq = false;
	cpu->irq_off--;
	cpu_run_softirqs(cpu);
	cpu_leave(cpu, before);
}

void cpu_sync(struct cpu *cpu)
{
	struct sim *sim;

	if (!cpu)
		return;
	sim = cpu->machine->sim;
	for (;;) {
		/* Devices catch up on this stack; another CPU needs its own. */
		cpu->machine->running = NULL;
		while (sim_step(sim, cpu->clock, run))
			;
		cpu->machine->running = cpu;
		if (!sim_advance(sim, cpu->clock)) {
			cpu_resume_at(cpu, cpu->clock);
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
	charge(cpu, machine_cost(cpu->machine)->irq_flags / 2);
}

void cpu_irq_enable(struct cpu *cpu)
{
	if (!cpu)
		return;
	assert(cpu->irq_off);
	charge(cpu, machine_cost(cpu->machine)->irq_flags / 2);
	cpu->irq_off--;
}

void cpu_hold_irqs(struct cpu *cpu, bool hold)
{
	if (hold)
		cpu->irq_off++;
	else
		cpu->irq_off--;
}

void irq_raise(struct irq *irq)
{
	struct cpu *cpu = irq->target;
	struct irq **tail = &cpu->irqs;

	if (irq->pending)
		return;
	irq->pending = true;
	irq->next = NULL;
	while (*tail)
		tail = &(*tail)->next;
	*tail = irq;
	cpu_kick(cpu, machine_now(cpu->machine));
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
	if (cpu->machine->running != cpu)
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

/* ---- accounting ---- */

/* Work already charged beyond the present: it belongs to the time after it. */
static uint64_t overhang(const struct cpu *cpu, sim_time now)
{
	return !cpu->parked && cpu->clock > now ? cpu->clock - now : 0;
}

void cpu_account(const struct cpu *cpu, struct cpu_account *out)
{
	const uint64_t ahead = overhang(cpu, sim_now(cpu->machine->sim));

	out->busy_ps = 0;
	for (int i = 0; i < CHARGE_COUNT; i++) {
		out->ps[i] = cpu->ps[i];
		if (i == (int)cpu->what)
			out->ps[i] -= ahead < out->ps[i] ? ahead : out->ps[i];
		out->busy_ps += out->ps[i];
	}
}

void cpu_account_reset(struct cpu *cpu, sim_time now)
{
	memset(cpu->ps, 0, sizeof(cpu->ps));
	cpu->ps[cpu->what] = overhang(cpu, now);
}
