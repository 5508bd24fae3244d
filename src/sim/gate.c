/* SPDX-License-Identifier: MIT */
/*
 * The gate. Who holds a seat changes only at the present, the event queue's now: in an event, or on
 * a CPU just after cpu_sync() brought the present up to its clock. Events here switch no fiber;
 * they schedule the resume event of whoever comes.
 */
#include "sim/gate.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "sim/gate_internal.h"

struct gate {
	struct machine *board;
	const struct gate_ops *ops;
	void *policy;
	struct vcpu *vcpu[GATE_MAX_VCPUS];
	struct seat seat[]; /* board->ncpus */
};

/* ---- who holds a seat ---- */

static void grant(struct seat *s, struct vcpu *v)
{
	struct cpu *cpu = v->cpu;
	const sim_time now = sim_now(cpu->machine->sim);
	const sim_time stolen = now - v->waits_since;

	assert(v->state == VCPU_WAITS && !v->seat && !s->holder);
	v->state = VCPU_RUNS;
	v->seat = s;
	v->steal_ps += stolen;
	cpu->slice_end += stolen; /* the guest's scheduler counts time that it had */
	cpu->physical = s->physical;
	if (cpu->clock < now)
		cpu->clock = now;
	/* The first on a CPU that has carried none finds nothing to put away. */
	if ((s->last && s->last != v) || (v->last_seat && v->last_seat != s))
		cpu_pay(cpu, CHARGE_HYPERVISOR, cpu->cost->xen_vcpu_switch);
	s->holder = s->last = v;
	v->last_seat = s;
	v->spins_since = cpu->clock;
	if (!v->spins)
		cpu_resume_at(cpu, v->handed_at > cpu->clock ? v->handed_at : cpu->clock);
}

/* The seat is empty; its holder waits from now on. */
static void take(struct seat *s)
{
	struct vcpu *v = s->holder;
	const sim_time now = sim_now(v->cpu->machine->sim);

	if (v->spins && now > v->spins_since) {
		v->spun_ps += now - v->spins_since;
		v->cpu->clock = now;
	}
	v->state = VCPU_WAITS;
	v->waits_since = now;
	v->seat = NULL;
	s->holder = NULL;
}

/* A choice for @s at the present. Its holder, if any, executes nothing or is the caller. */
static void choose(struct seat *s)
{
	struct gate *g = s->gate;
	const struct vcpu *current = s->holder;
	const sim_time now = sim_now(g->board->sim);
	uint64_t slice = SIM_NEVER;
	const unsigned next = g->ops->choose(g->policy, s->physical,
					     current ? current->index : GATE_NOBODY, &slice);

	s->resched = false;
	sim_cancel(g->board->sim, &s->choice);
	if (!current || next != current->index) {
		if (current)
			take(s);
		if (next != GATE_NOBODY)
			grant(s, g->vcpu[next]);
	}
	if (slice < SIM_NEVER - now)
		sim_schedule(g->board->sim, &s->choice, now + slice);
}

static void on_choice(void *ctx)
{
	struct seat *s = ctx;

	if (s->holder && (!s->holder->spins || s->holder->cpu->held))
		s->resched = true;
	else
		choose(s);
}

void gate_wake(struct cpu *cpu)
{
	struct vcpu *v = cpu->vcpu;

	if (v->state != VCPU_BLOCKED)
		return;
	v->state = VCPU_WAITS;
	v->waits_since = sim_now(cpu->machine->sim);
	v->gate->ops->wake(v->gate->policy, v->index);
}

void gate_block(struct cpu *cpu)
{
	struct vcpu *v = cpu->vcpu;
	struct seat *s = v->seat;

	v->state = VCPU_BLOCKED;
	v->seat = NULL;
	s->holder = NULL;
	choose(s);
}

bool gate_yield(struct cpu *cpu)
{
	choose(cpu->vcpu->seat);
	return !cpu->vcpu->seat;
}

/* ---- locks ---- */

uint64_t gate_spin(struct cpu *cpu)
{
	const sim_time start = cpu->clock;
	struct vcpu *v = cpu->vcpu;
	uint64_t spun;

	if (!v) {
		cpu_pause(cpu);
		cpu_account_add(cpu, CHARGE_LOCK_WAIT, cpu->clock - start);
		return cpu->clock - start;
	}
	v->spins = v->in_spin = true;
	v->counted_ps = 0;
	v->spins_since = start;
	v->spun_ps = 0;
	if (v->seat->resched && !cpu->held) /* asked for before it began to spin */
		gate_poke(v->gate, v->seat->physical);
	cpu_pause(cpu);
	v->handed_at = 0;
	v->in_spin = false;
	spun = v->spun_ps + (cpu->clock - v->spins_since);
	cpu_account_add(cpu, CHARGE_LOCK_WAIT, spun - v->counted_ps);
	return spun;
}

uint64_t gate_spun(const struct cpu *cpu, sim_time now)
{
	const struct vcpu *v = cpu->vcpu;

	if (!v || !v->in_spin)
		return 0;
	return v->spun_ps + (v->seat && now > v->spins_since ? now - v->spins_since : 0) -
	       v->counted_ps;
}

void gate_hand_over(struct cpu *cpu, sim_time at)
{
	struct vcpu *v = cpu->vcpu;

	if (v) {
		v->spins = false;
		v->handed_at = at;
	}
	if (!v || v->seat)
		cpu_resume_at(cpu, at > cpu->clock ? at : cpu->clock);
}

/* ---- for policies ---- */

void gate_poke(struct gate *gate, unsigned pcpu)
{
	sim_schedule(gate->board->sim, &gate->seat[pcpu].choice, sim_now(gate->board->sim));
}

unsigned gate_holder(const struct gate *gate, unsigned pcpu)
{
	const struct vcpu *v = gate->seat[pcpu].holder;

	return v ? v->index : GATE_NOBODY;
}

bool gate_waits(const struct gate *gate, unsigned vcpu)
{
	return gate->vcpu[vcpu]->state == VCPU_WAITS;
}

struct sim *gate_sim(const struct gate *gate)
{
	return gate->board->sim;
}

/* ---- coming and going ---- */

int gate_create(struct machine *board, const struct gate_ops *ops, struct err *err)
{
	struct gate *g = calloc(1, sizeof(*g) + board->ncpus * sizeof(g->seat[0]));

	assert(!machine_is_guest(board) && !board->gate && !board->carrying);
	if (!g)
		return err_set(err, -ENOMEM, "no memory for a scheduler of virtual CPUs");
	g->board = board;
	g->ops = ops;
	for (unsigned i = 0; i < board->ncpus; i++) {
		g->seat[i].gate = g;
		g->seat[i].physical = i;
		event_init(&g->seat[i].choice, on_choice, &g->seat[i]);
	}
	if (ops->create(&g->policy, g, board->ncpus)) {
		free(g);
		return err_set(err, -ENOMEM, "no memory for the scheduler %s", ops->name);
	}
	board->gate = g;
	for (unsigned i = 0; i < board->ncpus; i++)
		gate_poke(g, i); /* they begin with nothing to do, and look for it */
	return 0;
}

void gate_destroy(struct gate *gate)
{
	if (!gate)
		return;
	for (unsigned i = 0; i < gate->board->ncpus; i++)
		sim_cancel(gate->board->sim, &gate->seat[i].choice);
	gate->ops->destroy(gate->policy);
	free(gate);
}

static bool domain_taken(const struct gate *gate, unsigned domain)
{
	for (unsigned i = 0; i < GATE_MAX_VCPUS; i++)
		if (gate->vcpu[i] && gate->vcpu[i]->domain == domain)
			return true;
	return false;
}

unsigned gate_domain(const struct gate *gate)
{
	unsigned domain = 0;

	while (domain_taken(gate, domain))
		domain++;
	return domain;
}

int gate_add(struct cpu *cpu, const struct gate_vcpu *about, struct err *err)
{
	struct gate *g = cpu->machine->board->gate;
	struct vcpu *v;
	unsigned i = 0;
	int rc;

	while (i < GATE_MAX_VCPUS && g->vcpu[i])
		i++;
	if (i == GATE_MAX_VCPUS)
		return err_set(err, -EINVAL, "more than %u virtual CPUs on one board", i);
	v = calloc(1, sizeof(*v));
	if (!v)
		return err_set(err, -ENOMEM, "no memory for a virtual CPU");
	v->cpu = cpu;
	v->gate = g;
	v->index = i;
	v->domain = about->domain;
	rc = g->ops->add(g->policy, i, about, err);
	if (rc) {
		free(v);
		return rc;
	}
	g->vcpu[i] = cpu->vcpu = v;
	return 0;
}

void gate_remove(struct cpu *cpu)
{
	struct vcpu *v = cpu->vcpu;
	struct gate *g;

	if (!v)
		return;
	g = v->gate;
	g->ops->remove(g->policy, v->index);
	if (v->seat) {
		v->seat->holder = NULL;
		gate_poke(g, v->seat->physical);
	}
	for (unsigned i = 0; i < g->board->ncpus; i++)
		if (g->seat[i].last == v)
			g->seat[i].last = NULL;
	g->vcpu[v->index] = NULL;
	cpu->vcpu = NULL;
	free(v);
}
