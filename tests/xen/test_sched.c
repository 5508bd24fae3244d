/* SPDX-License-Identifier: MIT */
/* Virtual CPUs on fewer physical ones: who runs when, who is woken first, and what is repeated. */
#include "sched_world.h"

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
		cmocka_unit_test(the_same_program_gives_the_same_bits),
		cmocka_unit_test(a_gate_that_pins_is_not_noticed),
		cmocka_unit_test(a_guest_that_goes_leaves_its_cpu_to_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
