/* SPDX-License-Identifier: MIT */
/* Virtual CPUs on fewer physical ones: who runs when, what is stolen, and that locks get through.
 */
#include "../sim/guest_rig.h"

#include <errno.h>

#include "base/rng.h"
#include "sim/lock.h"
#include "sim/mmio.h"
#include "xen/schedulers.h"

#define DOMAINS 4u

struct world {
	struct sim *sim;
	struct machine *board;
	struct domain d[DOMAINS];
	unsigned domains;
	struct vlock lock;
	struct waitq wq;
	bool stop;
	sim_time latest, at[4];
	uint64_t rounds[8], inside;
};

static void world_make(struct world *w, unsigned cpus, const char *policy)
{
	struct err err = {{0}};
	const struct gate_ops *ops = sched_find(policy, &err);

	*w = (struct world){.sim = sim_create()};
	w->board = guest_board(w->sim, cpus);
	assert_non_null(ops);
	assert_int_equal(gate_create(w->board, ops, &err), 0);
}

static struct domain *world_add(struct world *w, const struct guest_vcpus *vcpus)
{
	w->d[w->domains] = guest_domain_of(w->board, w->domains, vcpus);
	return &w->d[w->domains++];
}

static void world_drop(struct world *w)
{
	while (w->domains)
		guest_destroy(&w->d[--w->domains]);
	machine_destroy(w->board);
	sim_destroy(w->sim);
}

static void run_for(struct world *w, uint64_t ps)
{
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + ps), 0);
}

static struct cpu_account account(const struct domain *d, unsigned cpu)
{
	struct cpu_account a;

	cpu_account(machine_cpu(d->m, cpu), &a);
	return a;
}

static void reset(struct world *w)
{
	for (unsigned d = 0; d < w->domains; d++)
		for (unsigned i = 0; i < w->d[d].m->ncpus; i++)
			cpu_account_reset(machine_cpu(w->d[d].m, i), sim_now(w->sim));
}

/* Work in steps of a microsecond for ever. */
static void hog(void *ctx)
{
	struct world *w = ctx;

	while (!w->stop) {
		struct cpu *cpu = cpu_current(w->board);

		cpu_charge(cpu, SIM_US);
		cpu_sync(cpu);
	}
}

static void add_hog(struct world *w, struct domain *d, unsigned cpu)
{
	assert_non_null(task_create(machine_cpu(d->m, cpu), "hog", hog, w));
}

static const unsigned zero[GUEST_MAX_VCPUS] = {0};

/* Share of @d's CPU in @ps, in thousandths. */
static unsigned share(const struct domain *d, unsigned cpu, uint64_t ps)
{
	return (unsigned)((account(d, cpu).busy_ps * 1000 + ps / 2) / ps);
}

static void policies_are_found_by_name(void **state)
{
	struct err err = {{0}};

	(void)state;
	assert_ptr_equal(sched_find("credit", &err), &sched_credit);
	assert_ptr_equal(sched_find("pinned", &err), &sched_pinned);
	assert_null(sched_find("sedf", &err));
	assert_string_equal(err.text, "'sedf': expected pinned or credit");
}

static void shares_and_places_are_checked(void **state)
{
	const struct {
		struct guest_vcpus vcpus;
		const char *text;
	} wrong[] = {
		{{.name = "d", .count = 1, .physical = zero, .weight = 65536},
		 "d: weight 65536: expected 1 to 65535"},
		{{.name = "d", .count = 2, .physical = zero, .cap = 201},
		 "d: cap 201: expected at most 100 for each of 2 CPUs"},
		{{.name = "d", .count = 1, .physical = zero, .affinity = 2},
		 "d: virtual CPU 0 begins on CPU 0, which its affinity excludes"},
		{{.name = "d", .count = 2, .physical = zero},
		 "d: CPU 0 has a virtual CPU already, and the scheduler pinned gives each one of "
		 "its own"},
	};
	struct world w;

	(void)state;
	world_make(&w, 2, "pinned");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct memory *view = memory_view_create(w.board->mem, 0, 1);
		struct machine *m = NULL;
		struct err err = {{0}};

		assert_int_equal(machine_create_guest(&m, w.board, view, &wrong[i].vcpus, &err),
				 -EINVAL);
		assert_string_equal(err.text, wrong[i].text);
		memory_destroy(view);
	}
	world_drop(&w);
}

static void more_virtual_cpus_than_there_are_numbers_are_refused(void **state)
{
	const struct guest_vcpus many = {
		.name = "many", .count = GUEST_MAX_VCPUS, .physical = zero};
	const struct guest_vcpus one = {.name = "one more", .count = 1, .physical = zero};
	struct machine *m = NULL;
	struct err err = {{0}};
	struct world w;

	(void)state;
	world_make(&w, 1, "credit");
	world_add(&w, &many);
	world_add(&w, &many);
	assert_int_equal(machine_create_guest(&m, w.board, w.d[0].view, &one, &err), -EINVAL);
	assert_string_equal(err.text, "one more: more than 64 virtual CPUs on one board");
	/* numbers are used again */
	guest_destroy(&w.d[--w.domains]);
	world_add(&w, &many);
	run_for(&w, SIM_MS);
	world_drop(&w);
}

/* ---- sharing ---- */

static void busy_domains_share_a_cpu_by_weight(void **state)
{
	const struct guest_vcpus heavy = {
		.name = "heavy", .count = 1, .physical = zero, .weight = 512};
	const struct guest_vcpus light = {.name = "light", .count = 1, .physical = zero};
	struct domain *a, *b;
	struct world w;

	(void)state;
	world_make(&w, 1, "credit");
	a = world_add(&w, &heavy);
	b = world_add(&w, &light);
	add_hog(&w, a, 0);
	add_hog(&w, b, 0);
	run_for(&w, SIM_S);
	reset(&w);
	run_for(&w, 9 * SIM_S);
	assert_in_range(share(a, 0, 9 * SIM_S), 657, 677);
	assert_in_range(share(b, 0, 9 * SIM_S), 323, 343);
	/* What one does not have is what it was kept waiting; nobody is charged for it. */
	for (unsigned i = 0; i < 2; i++) {
		const struct cpu_account acc = account(&w.d[i], 0);

		assert_true(acc.busy_ps + acc.steal_ps > 9 * SIM_S - 10 * SIM_US);
		assert_true(acc.busy_ps + acc.steal_ps < 9 * SIM_S + 10 * SIM_US);
		/* a switch, 2.3 us, each time it comes: not rarer than every 300 ms */
		assert_true(acc.ps[CHARGE_HYPERVISOR] % 2300000 == 0);
		assert_true(acc.ps[CHARGE_HYPERVISOR] >= 30 * 2300000ull);
	}
	world_drop(&w);
}

/* Three on one CPU: whoever is in a queue while priorities change moves there, too. */
static void busy_domains_share_a_cpu_among_three(void **state)
{
	const struct guest_vcpus heavy = {
		.name = "heavy", .count = 1, .physical = zero, .weight = 1024};
	const struct guest_vcpus light = {.name = "light", .count = 1, .physical = zero};
	struct world w;

	(void)state;
	world_make(&w, 1, "credit");
	world_add(&w, &light);
	world_add(&w, &heavy);
	world_add(&w, &light);
	for (unsigned i = 0; i < 3; i++)
		add_hog(&w, &w.d[i], 0);
	run_for(&w, SIM_S);
	reset(&w);
	run_for(&w, 9 * SIM_S);
	assert_in_range(share(&w.d[0], 0, 9 * SIM_S), 150, 184);
	assert_in_range(share(&w.d[1], 0, 9 * SIM_S), 645, 689);
	assert_in_range(share(&w.d[2], 0, 9 * SIM_S), 150, 184);
	world_drop(&w);
}

static void a_cap_holds_on_an_idle_machine(void **state)
{
	const struct guest_vcpus capped = {
		.name = "capped", .count = 1, .physical = zero, .cap = 30};
	struct domain *a;
	struct world w;

	(void)state;
	world_make(&w, 1, "credit");
	a = world_add(&w, &capped);
	add_hog(&w, a, 0);
	run_for(&w, SIM_S);
	reset(&w);
	run_for(&w, 9 * SIM_S);
	assert_in_range(share(a, 0, 9 * SIM_S), 280, 320);
	world_drop(&w);
}

static void an_idle_cpu_takes_work_from_a_busy_one(void **state)
{
	const struct guest_vcpus both = {
		.name = "both", .count = 2, .physical = zero}; /* both begin on CPU 0 of two */
	const struct guest_vcpus kept = {
		.name = "kept", .count = 2, .physical = zero, .affinity = 1};
	struct domain *a;
	struct world w;

	(void)state;
	world_make(&w, 2, "credit");
	a = world_add(&w, &both);
	add_hog(&w, a, 0);
	add_hog(&w, a, 1);
	run_for(&w, 50 * SIM_MS); /* the idle one looks around every 30 ms */
	reset(&w);
	run_for(&w, SIM_S);
	assert_true(cpu_physical(machine_cpu(a->m, 0)) != cpu_physical(machine_cpu(a->m, 1)));
	assert_true(share(a, 0, SIM_S) > 990 && share(a, 1, SIM_S) > 990);
	world_drop(&w);

	world_make(&w, 2, "credit");
	a = world_add(&w, &kept);
	add_hog(&w, a, 0);
	add_hog(&w, a, 1);
	run_for(&w, SIM_S);
	assert_int_equal(cpu_physical(machine_cpu(a->m, 0)), 0);
	assert_int_equal(cpu_physical(machine_cpu(a->m, 1)), 0);
	assert_in_range(share(a, 0, SIM_S) + share(a, 1, SIM_S), 990, 1000);
	world_drop(&w);
}

/* ---- waking ---- */

/* Sleep 7 ms, note how late it comes back, work a little. */
static void sleeper(void *ctx)
{
	struct world *w = ctx;
	struct task *self = task_current(cpu_current(w->board));

	for (;;) {
		const sim_time due = cpu_now(cpu_current(w->board)) + 7 * SIM_MS;
		sim_time late;

		task_sleep(self, 7 * SIM_MS);
		late = cpu_now(cpu_current(w->board)) - due;
		if (late > w->latest)
			w->latest = late;
		w->rounds[0]++;
		cpu_charge(cpu_current(w->board), 100 * SIM_US);
	}
}

static void who_wakes_with_credit_is_boosted_past_busy_domains(void **state)
{
	const struct guest_vcpus v = {.name = "d", .count = 1, .physical = zero};
	struct domain *a, *b, *c;
	struct world w;

	(void)state;
	world_make(&w, 1, "credit");
	a = world_add(&w, &v);
	b = world_add(&w, &v);
	c = world_add(&w, &v);
	add_hog(&w, a, 0);
	add_hog(&w, b, 0);
	assert_non_null(task_create(machine_cpu(c->m, 0), "s", sleeper, &w));
	run_for(&w, 3 * SIM_S);
	/* the step of the one it interrupts, a switch, and the guest's own task switch */
	assert_true(w.rounds[0] > 400);
	assert_true(w.latest <= 10 * SIM_US);
	world_drop(&w);
}

/* A whole slice of work between sleeps, beyond its share: it falls to OVER, and waits for slices.
 */
static void greedy(void *ctx)
{
	struct world *w = ctx;
	struct task *self = task_current(cpu_current(w->board));

	for (;;) {
		const sim_time due = cpu_now(cpu_current(w->board)) + SIM_MS;
		sim_time late;

		task_sleep(self, SIM_MS);
		late = cpu_now(cpu_current(w->board)) - due;
		if (late > w->latest)
			w->latest = late;
		for (unsigned i = 0; i < 11000; i++) {
			cpu_charge(cpu_current(w->board), SIM_US);
			cpu_sync(cpu_current(w->board));
		}
	}
}

static void who_uses_more_than_its_share_waits_for_others_slices(void **state)
{
	const struct guest_vcpus v = {.name = "d", .count = 1, .physical = zero};
	struct domain *a, *b;
	struct world w;

	(void)state;
	world_make(&w, 1, "credit");
	a = world_add(&w, &v);
	b = world_add(&w, &v);
	add_hog(&w, a, 0);
	assert_non_null(task_create(machine_cpu(b->m, 0), "g", greedy, &w));
	run_for(&w, 3 * SIM_S);
	assert_true(w.latest >= 20 * SIM_MS);
	world_drop(&w);
}

/* ---- interrupts ---- */

static void note(void *ctx, struct cpu *cpu)
{
	struct world *w = ctx;

	w->at[0] = cpu_now(cpu);
	w->rounds[0]++;
}

static void nothing(void *ctx, struct cpu *cpu)
{
	(void)ctx;
	(void)cpu;
}

static void raise_irq(void *ctx)
{
	irq_raise(ctx);
}

static void a_devices_interrupt_wakes_its_virtual_cpu_through_the_scheduler(void **state)
{
	const struct guest_vcpus v = {.name = "d", .count = 1, .physical = zero};
	struct domain *a, *b;
	struct irq irq = {.handler = note}, second = {.handler = nothing};
	struct event ev, again;
	struct world w;

	(void)state;
	world_make(&w, 1, "credit");
	a = world_add(&w, &v);
	b = world_add(&w, &v);
	add_hog(&w, a, 0);
	run_for(&w, 200 * SIM_MS);
	second.target = machine_cpu(b->m, 0);
	event_init(&again, raise_irq, &second);
	irq.ctx = &w;
	irq.target = machine_cpu(b->m, 0);
	event_init(&ev, raise_irq, &irq);
	reset(&w);
	w.at[1] = sim_now(w.sim) + 500 * SIM_US;
	sim_schedule(w.sim, &ev, w.at[1]);
	/* while it is being switched to: that does not make the switch shorter */
	sim_schedule(w.sim, &again, w.at[1] + 1500 * SIM_NS);
	run_for(&w, SIM_MS);
	assert_int_equal(w.rounds[0], 1);
	assert_int_equal(second.count, 1);
	/* up to a step of the hog, the switch, the hypervisor's part and the upcall */
	assert_true(w.at[0] - w.at[1] >= 2300 * SIM_NS + 147 * SIM_NS);
	assert_true(w.at[0] - w.at[1] <= 2300 * SIM_NS + 147 * SIM_NS + SIM_US);
	assert_int_equal(account(b, 0).ps[CHARGE_HYPERVISOR], (2300 + 2 * 130) * SIM_NS);
	world_drop(&w);
}

/* ---- what must not be broken by taking a CPU away ---- */

static void locker(void *ctx)
{
	struct world *w = ctx;
	struct cpu *cpu = cpu_current(w->board);
	const unsigned id = cpu_id(cpu);

	for (;;) {
		vlock_acquire_irq(&w->lock, cpu);
		assert_int_equal(w->inside, 0);
		assert_true(cpu_now(cpu) >= w->latest); /* not before it was let go */
		w->inside++;
		for (unsigned i = 0; i < 200; i++) { /* the holder may be taken off its CPU here */
			cpu_charge(cpu, SIM_US);
			cpu_sync(cpu);
		}
		if (w->rounds[id] % 8 == id)
			cpu_charge(cpu, w->board->ncpus * 5 * SIM_MS - 4 * SIM_MS); /* runs ahead */
		w->inside--;
		w->latest = cpu_now(cpu);
		vlock_release_irq(&w->lock, cpu);
		w->rounds[id]++;
		cpu_charge(cpu, 10 * SIM_US);
		cpu_sync(cpu);
	}
}

static void a_lock_gets_through_where_holder_and_waiters_share_a_cpu(void **state)
{
	const struct guest_vcpus four = {.name = "four", .count = 4, .physical = zero};
	uint64_t busy = 0, waited = 0;
	struct domain *a;
	struct world w;

	(void)state;
	for (unsigned cpus = 1; cpus <= 2; cpus++) {
		const struct guest_vcpus two = {.name = "two", .count = 2, .physical = zero};
		struct domain *b;

		world_make(&w, cpus, "credit");
		a = world_add(&w, &four);
		b = world_add(&w, &two);
		add_hog(&w, b, 0);
		add_hog(&w, b, 1);
		vlock_init(&w.lock, a->m, PAGE_BYTES);
		for (unsigned i = 0; i < 4; i++)
			assert_non_null(task_create(machine_cpu(a->m, i), "locker", locker, &w));
		run_for(&w, 8 * SIM_S);
		busy = account(b, 0).busy_ps + account(b, 1).busy_ps;
		waited = 0;
		for (unsigned i = 0; i < 4; i++) {
			const struct cpu_account acc = account(a, i);

			assert_true(w.rounds[i] > 10);
			busy += acc.busy_ps;
			waited += acc.ps[CHARGE_LOCK_WAIT];
			assert_true(acc.busy_ps + acc.steal_ps < 8 * SIM_S + SIM_MS);
		}
		/* No physical CPU is spent twice, nor any time lost: who spins still is busy. */
		assert_true(busy <= cpus * 8 * SIM_S + SIM_MS);
		/* The second CPU begins with nothing, and looks again after a slice. */
		assert_true(busy >= cpus * 8 * SIM_S - (cpus - 1) * 30 * SIM_MS);
		assert_true(waited > SIM_S / 10 && waited >= w.lock.wait_ps);
		world_drop(&w);
	}
}

static void in_hypervisor(void *ctx)
{
	struct world *w = ctx;
	struct cpu *cpu = cpu_current(w->board);

	for (;;) {
		const bool in = cpu_hypervisor_enter(cpu);
		const sim_time start = cpu_now(cpu);

		for (unsigned i = 0; i < 100; i++) {
			cpu_charge(cpu, SIM_US);
			cpu_sync(cpu);
		}
		w->latest = cpu_now(cpu) - start > w->latest ? cpu_now(cpu) - start : w->latest;
		cpu_hypervisor_leave(cpu, in);
		cpu_sync(cpu);
		w->rounds[0]++;
	}
}

static void nobody_is_taken_off_inside_the_hypervisor(void **state)
{
	const struct guest_vcpus v = {.name = "d", .count = 1, .physical = zero};
	struct domain *a, *b;
	struct world w;

	(void)state;
	world_make(&w, 1, "credit");
	a = world_add(&w, &v);
	b = world_add(&w, &v);
	add_hog(&w, a, 0);
	assert_non_null(task_create(machine_cpu(b->m, 0), "h", in_hypervisor, &w));
	run_for(&w, SIM_S);
	assert_true(w.rounds[0] > 1000 && account(b, 0).steal_ps > SIM_S / 4);
	assert_true(w.latest == 100 * SIM_US);
	world_drop(&w);
}

static void holds_long(void *ctx)
{
	struct world *w = ctx;
	struct cpu *cpu = cpu_current(w->board);

	vlock_acquire(&w->lock, cpu);
	for (unsigned i = 0; i < 50; i++) {
		cpu_charge(cpu, SIM_MS);
		cpu_sync(cpu);
	}
	cpu_charge(cpu, 100 * SIM_MS); /* lets go at 150 ms, and says so at 50 */
	w->at[0] = cpu_now(cpu);
	vlock_release(&w->lock, cpu);
}

static void waits_long(void *ctx)
{
	struct world *w = ctx;
	struct cpu *cpu = cpu_current(w->board);

	cpu_charge(cpu, SIM_MS);
	vlock_acquire(&w->lock, cpu);
	w->at[1] = cpu_now(cpu);
}

/* The lock is handed to one that is off its CPU, comes back to it earlier, and spins on. */
static void nobody_enters_before_the_lock_was_let_go(void **state)
{
	static const unsigned one[] = {1};
	const struct guest_vcpus here = {
		.name = "here", .count = 1, .physical = zero, .affinity = 1};
	const struct guest_vcpus there = {
		.name = "there", .count = 1, .physical = one, .affinity = 2};
	struct cpu_account acc;
	struct world w;

	(void)state;
	world_make(&w, 2, "credit");
	vlock_init(&w.lock, w.board, PAGE_BYTES);
	world_add(&w, &here);
	world_add(&w, &there);
	world_add(&w, &here);
	assert_non_null(task_create(machine_cpu(w.d[0].m, 0), "w", waits_long, &w));
	assert_non_null(task_create(machine_cpu(w.d[1].m, 0), "h", holds_long, &w));
	add_hog(&w, &w.d[2], 0);
	run_for(&w, SIM_S);
	assert_true(w.at[0] > 150 * SIM_MS && w.at[1] >= w.at[0]);
	acc = account(&w.d[0], 0);
	assert_true(acc.ps[CHARGE_LOCK_WAIT] == w.lock.wait_ps);
	assert_true(acc.ps[CHARGE_LOCK_WAIT] >= 50 * SIM_MS && acc.steal_ps >= 50 * SIM_MS);
	assert_true(acc.ps[CHARGE_LOCK_WAIT] + acc.steal_ps <= SIM_S);
	world_drop(&w);
}

/* Hold the lock inside the hypervisor, for longer than a slice. */
static void holds_in_hypervisor(void *ctx)
{
	struct world *w = ctx;
	struct cpu *cpu = cpu_current(w->board);

	for (;;) {
		const bool in = cpu_hypervisor_enter(cpu);
		struct cpu_account before, after;

		cpu_account(cpu, &before);
		vlock_acquire(&w->lock, cpu);
		cpu_charge(cpu, 40 * SIM_MS);
		cpu_sync(cpu);
		vlock_release(&w->lock, cpu);
		cpu_account(cpu, &after);
		assert_true(before.steal_ps == after.steal_ps);
		cpu_hypervisor_leave(cpu, in);
		cpu_charge(cpu, 10 * SIM_MS);
		cpu_sync(cpu);
		w->rounds[cpu_physical(cpu)]++;
	}
}

static void who_spins_inside_the_hypervisor_is_not_taken_off(void **state)
{
	static const unsigned one[] = {1};
	const struct guest_vcpus here = {
		.name = "here", .count = 1, .physical = zero, .affinity = 1};
	const struct guest_vcpus there = {
		.name = "there", .count = 1, .physical = one, .affinity = 2};
	struct world w;

	(void)state;
	world_make(&w, 2, "credit");
	vlock_init(&w.lock, w.board, PAGE_BYTES * 200);
	world_add(&w, &here);
	world_add(&w, &there);
	world_add(&w, &here);
	for (unsigned i = 0; i < 2; i++)
		assert_non_null(
			task_create(machine_cpu(w.d[i].m, 0), "h", holds_in_hypervisor, &w));
	add_hog(&w, &w.d[2], 0);
	run_for(&w, 4 * SIM_S);
	assert_true(w.rounds[0] > 10 && w.rounds[1] > 10);
	assert_true(w.lock.contended > 10 && account(&w.d[0], 0).steal_ps > SIM_S / 4);
	world_drop(&w);
}

static void polite(void *ctx)
{
	struct world *w = ctx;
	struct task *self = task_current(cpu_current(w->board));

	for (;;) {
		cpu_charge(cpu_current(w->board), 10 * SIM_US);
		task_preempt_point(self);
	}
}

/* 100 ms of the guest's own time a slice: with half the CPU, ten task switches in two seconds. */
static void stolen_time_is_not_held_against_a_tasks_slice(void **state)
{
	const struct guest_vcpus v = {.name = "d", .count = 1, .physical = zero};
	struct domain *a, *b;
	struct world w;

	(void)state;
	world_make(&w, 1, "credit");
	a = world_add(&w, &v);
	b = world_add(&w, &v);
	add_hog(&w, a, 0);
	for (unsigned i = 0; i < 2; i++)
		assert_non_null(task_create(machine_cpu(b->m, 0), "p", polite, &w));
	run_for(&w, SIM_S);
	reset(&w);
	run_for(&w, 4 * SIM_S);
	assert_in_range(share(b, 0, 4 * SIM_S), 480, 520);
	assert_in_range(account(b, 0).ps[CHARGE_SCHEDULER], 18 * 911000, 22 * 911000);
	world_drop(&w);
}

/* Bursts far beyond the cap, and asleep when that is found. */
static void burster(void *ctx)
{
	struct world *w = ctx;
	struct task *self = task_current(cpu_current(w->board));

	for (;;) {
		for (unsigned i = 0; i < 19000; i++) {
			cpu_charge(cpu_current(w->board), SIM_US);
			cpu_sync(cpu_current(w->board));
		}
		task_sleep(self, 400 * SIM_MS);
		w->rounds[0]++;
	}
}

static void one_parked_in_its_sleep_wakes_when_it_is_let_go_on(void **state)
{
	const struct guest_vcpus v = {.name = "d", .count = 1, .physical = zero, .cap = 5};
	struct domain *a;
	struct world w;

	(void)state;
	world_make(&w, 1, "credit");
	a = world_add(&w, &v);
	assert_non_null(task_create(machine_cpu(a->m, 0), "b", burster, &w));
	run_for(&w, 20 * SIM_S);
	assert_in_range(w.rounds[0], 30, 50);
	world_drop(&w);
}

/* ---- a mixture, twice ---- */

static void mixed(void *ctx)
{
	struct world *w = ctx;
	struct cpu *cpu = cpu_current(w->board);
	struct rng rng;

	rng_seed(&rng, cpu_id(cpu) + 7);
	for (;;) {
		const uint64_t what = rng_below(&rng, 10);

		cpu = cpu_current(w->board);
		if (what < 3) {
			task_sleep(task_current(cpu), rng_below(&rng, 5 * SIM_MS));
		} else if (what < 6) {
			vlock_acquire_irq(&w->lock, cpu);
			cpu_touch(cpu, rng_below(&rng, 40 * PAGE_BYTES), 64, what & 1);
			cpu_charge(cpu, rng_below(&rng, 50 * SIM_US));
			cpu_sync(cpu);
			vlock_release_irq(&w->lock, cpu);
		} else if (what < 7) {
			waitq_wake(&w->wq, cpu);
		} else if (what < 8 && w->rounds[7] % 3) {
			waitq_wait(&w->wq, cpu);
		} else {
			cpu_charge(cpu, rng_below(&rng, 20 * SIM_MS));
			cpu_sync(cpu);
			task_preempt_point(task_current(cpu));
		}
		w->rounds[7]++;
	}
}

/* One number out of all accounts. */
static uint64_t fingerprint(const char *policy, unsigned pcpus, bool gate)
{
	static const unsigned place[] = {0, 1, 2, 3};
	const struct guest_vcpus two = {
		.name = "two", .count = 2, .physical = pcpus == 4 ? place : zero, .weight = 300};
	const struct guest_vcpus more = {
		.name = "more", .count = 2, .physical = pcpus == 4 ? place + 2 : zero};
	uint64_t sum = 14695981039346656037u;
	struct world w;

	if (gate) {
		world_make(&w, pcpus, policy);
	} else {
		w = (struct world){.sim = sim_create()};
		w.board = guest_board(w.sim, pcpus);
	}
	world_add(&w, &two);
	world_add(&w, &more);
	vlock_init(&w.lock, w.d[0].m, PAGE_BYTES);
	for (unsigned i = 0; i < 8; i++) {
		/* a lock and a queue are one guest's: only the first uses them */
		if (i < 6)
			assert_non_null(task_create(machine_cpu(w.d[0].m, i % 2), "m", mixed, &w));
		else
			add_hog(&w, &w.d[1], i % 2);
	}
	run_for(&w, 2 * SIM_S);
	for (unsigned d = 0; d < w.domains; d++)
		for (unsigned i = 0; i < 2; i++) {
			const struct cpu_account acc = account(&w.d[d], i);

			for (int c = 0; c < CHARGE_COUNT; c++)
				sum = (sum ^ acc.ps[c]) * 1099511628211u;
			sum = (sum ^ acc.steal_ps) * 1099511628211u;
			assert_true(acc.busy_ps + acc.steal_ps < 2 * SIM_S + SIM_MS);
		}
	sum = (sum ^ w.rounds[7]) * 1099511628211u;
	assert_true(w.rounds[7] > 100);
	world_drop(&w);
	return sum;
}

static void the_same_program_gives_the_same_bits(void **state)
{
	(void)state;
	for (unsigned cpus = 1; cpus <= 3; cpus++)
		assert_true(fingerprint("credit", cpus, true) == fingerprint("credit", cpus, true));
	assert_true(fingerprint("credit", 1, true) != fingerprint("credit", 2, true));
}

static void a_gate_that_pins_is_not_noticed(void **state)
{
	(void)state;
	assert_true(fingerprint("pinned", 4, true) == fingerprint("pinned", 4, false));
}

static void a_guest_that_goes_leaves_its_cpu_to_the_others(void **state)
{
	const struct guest_vcpus v = {.name = "d", .count = 2, .physical = zero};
	struct domain *a;
	struct world w;

	(void)state;
	world_make(&w, 1, "credit");
	a = world_add(&w, &v);
	world_add(&w, &v);
	for (unsigned i = 0; i < 2; i++) {
		add_hog(&w, a, i);
		add_hog(&w, &w.d[1], i);
	}
	run_for(&w, 333 * SIM_MS);
	guest_destroy(&w.d[1]);
	w.domains = 1;
	reset(&w);
	run_for(&w, SIM_S);
	assert_in_range(share(a, 0, SIM_S) + share(a, 1, SIM_S), 999, 1001);
	world_drop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies_are_found_by_name),
		cmocka_unit_test(shares_and_places_are_checked),
		cmocka_unit_test(more_virtual_cpus_than_there_are_numbers_are_refused),
		cmocka_unit_test(busy_domains_share_a_cpu_by_weight),
		cmocka_unit_test(busy_domains_share_a_cpu_among_three),
		cmocka_unit_test(a_cap_holds_on_an_idle_machine),
		cmocka_unit_test(an_idle_cpu_takes_work_from_a_busy_one),
		cmocka_unit_test(who_wakes_with_credit_is_boosted_past_busy_domains),
		cmocka_unit_test(who_uses_more_than_its_share_waits_for_others_slices),
		cmocka_unit_test(a_devices_interrupt_wakes_its_virtual_cpu_through_the_scheduler),
		cmocka_unit_test(a_lock_gets_through_where_holder_and_waiters_share_a_cpu),
		cmocka_unit_test(nobody_is_taken_off_inside_the_hypervisor),
		cmocka_unit_test(nobody_enters_before_the_lock_was_let_go),
		cmocka_unit_test(who_spins_inside_the_hypervisor_is_not_taken_off),
		cmocka_unit_test(stolen_time_is_not_held_against_a_tasks_slice),
		cmocka_unit_test(one_parked_in_its_sleep_wakes_when_it_is_let_go_on),
		cmocka_unit_test(the_same_program_gives_the_same_bits),
		cmocka_unit_test(a_gate_that_pins_is_not_noticed),
		cmocka_unit_test(a_guest_that_goes_leaves_its_cpu_to_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
