/* SPDX-License-Identifier: MIT */
/*
 * What must not be broken by taking a physical CPU away: locks, the hypervisor's own work, and the
 * time slices and sleeps of guests.
 */
#include "sched_world.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lock_gets_through_where_holder_and_waiters_share_a_cpu),
		cmocka_unit_test(nobody_is_taken_off_inside_the_hypervisor),
		cmocka_unit_test(nobody_enters_before_the_lock_was_let_go),
		cmocka_unit_test(who_spins_inside_the_hypervisor_is_not_taken_off),
		cmocka_unit_test(stolen_time_is_not_held_against_a_tasks_slice),
		cmocka_unit_test(one_parked_in_its_sleep_wakes_when_it_is_let_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
