/* SPDX-License-Identifier: MIT */
/* Guests of a board, pinned: whose memory, whose clock, what they pay and to which account. */
#include "guest_rig.h"

#include <errno.h>

#include "sim/lock.h"

struct world {
	struct sim *sim;
	struct machine *board;
	struct domain a, b; /* a on CPUs 2 and 3, b on CPU 1 */
	struct waitq wq;
	bool ready;
	struct cpu *seen[4];
	sim_time at[8];
	unsigned count;
	struct irq irq;
};

static struct cpu *a_cpu(struct world *w, unsigned n)
{
	return machine_cpu(w->a.m, n);
}

static struct cpu *b_cpu(struct world *w)
{
	return machine_cpu(w->b.m, 0);
}

static void settle(struct world *w)
{
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + SIM_MS), 0);
	for (unsigned i = 0; i < 2; i++)
		cpu_account_reset(a_cpu(w, i), sim_now(w->sim));
	cpu_account_reset(b_cpu(w), sim_now(w->sim));
}

static int setup(void **state)
{
	static const unsigned on_a[] = {2, 3}, on_b[] = {1};
	struct world *w = calloc(1, sizeof(*w));

	w->sim = sim_create();
	w->board = guest_board(w->sim, 4);
	w->a = guest_domain(w->board, 0, 2, on_a);
	w->b = guest_domain(w->board, 1, 1, on_b);
	settle(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	guest_destroy(&w->b);
	guest_destroy(&w->a);
	machine_destroy(w->board);
	sim_destroy(w->sim);
	free(w);
	return 0;
}

static void create_refuses(struct machine *board, struct memory *view, unsigned count,
			   const unsigned *on, const char *text)
{
	const struct guest_vcpus vcpus = {.name = "domU", .count = count, .physical = on};
	struct machine *m = NULL;
	struct err err = {{0}};

	assert_int_equal(machine_create_guest(&m, board, view, &vcpus, &err), -EINVAL);
	assert_null(m);
	assert_string_equal(err.text, text);
}

static void what_cannot_be_a_guest_is_told_why(void **state)
{
	static const unsigned cpu0[] = {0}, cpu4[] = {4}, cpu2[] = {2}, twice[] = {0, 0};
	unsigned many[GUEST_MAX_VCPUS + 1] = {0};
	struct world *w = *state;
	struct machine *bare = harness_machine(w->sim, 1);
	struct memory *view = memory_view_create(bare->mem, 0, 1);

	create_refuses(bare, view, 1, cpu0,
		       "domU: profile test has no [xen] section, so nothing is known of what "
		       "running under a hypervisor costs on it");
	memory_destroy(view);
	machine_destroy(bare);
	create_refuses(w->board, w->a.view, 0, cpu0, "domU: 0 virtual CPUs: expected 1 to 32");
	create_refuses(w->board, w->a.view, GUEST_MAX_VCPUS + 1, many,
		       "domU: 33 virtual CPUs: expected 1 to 32");
	create_refuses(w->board, w->a.view, 1, cpu4,
		       "domU: virtual CPU 0 on CPU 4: expected 0 to 3");
	create_refuses(w->board, w->a.view, 1, cpu2,
		       "domU: virtual CPU 0 on CPU 2, which carries one already");
	create_refuses(w->board, w->a.view, 2, twice,
		       "domU: virtual CPU 1 on CPU 0, which carries one already");
}

static void a_cpu_is_free_again_when_its_guest_is_gone(void **state)
{
	static const unsigned on[] = {1};
	struct world *w = *state;

	guest_destroy(&w->b);
	w->b = guest_domain(w->board, 1, 1, on);
	assert_int_equal(cpu_physical(b_cpu(w)), 1);
	assert_int_equal(cpu_id(b_cpu(w)), 0);
	assert_int_equal(cpu_id(a_cpu(w, 1)), 1);
	assert_int_equal(cpu_physical(a_cpu(w, 1)), 3);
}

static void the_profile_of_a_guest_has_its_sizes_and_its_extras(void **state)
{
	struct world *w = *state;
	const struct cost *c = machine_cost(w->a.m), *bare = machine_cost(w->board);

	assert_int_equal(w->a.m->profile.cpus, 2);
	assert_true(w->a.m->profile.memory_bytes == GUEST_PAGES * PAGE_BYTES);
	assert_int_equal(c->syscall, 20000 + 300000);
	assert_int_equal(c->context_switch, 900000 + 11000);
	assert_int_equal(c->interrupt, 17000);
	assert_int_equal(c->irq_flags, 2 * 1000);
	assert_int_equal(c->mmio_read, bare->mmio_read);
	assert_int_equal(bare->syscall, 20000);
	assert_int_equal(bare->interrupt, 500000);
}

static void note_who_runs(void *ctx)
{
	struct world *w = ctx;
	struct cpu *cpu = cpu_current(w->b.m);

	/* every domain, and the board, sees the same CPU and the same clock */
	assert_ptr_equal(cpu, cpu_current(w->a.m));
	assert_ptr_equal(cpu, cpu_current(w->board));
	assert_true(machine_now(w->a.m) == cpu_now(cpu));
	cpu_charge(cpu, SIM_US);
	assert_true(machine_now(w->b.m) == cpu_now(cpu));
	w->seen[w->count++] = cpu;
}

static void who_executes_is_known_to_every_domain(void **state)
{
	struct world *w = *state;

	assert_non_null(task_create(a_cpu(w, 1), "a", note_who_runs, w));
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + SIM_MS), 0);
	assert_non_null(task_create(b_cpu(w), "b", note_who_runs, w));
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + SIM_MS), 0);
	assert_int_equal(w->count, 2);
	assert_ptr_equal(w->seen[0], a_cpu(w, 1));
	assert_ptr_equal(w->seen[1], b_cpu(w));
	assert_null(cpu_current(w->a.m));
}

static uint64_t spent(struct cpu *cpu, enum charge what)
{
	struct cpu_account acc;

	cpu_account(cpu, &acc);
	return acc.ps[what];
}

static void toucher(void *ctx)
{
	struct world *w = ctx;
	struct cpu *cpu = cpu_current(w->board);
	sim_time t = cpu_now(cpu);
	bool in;

	cpu_touch(cpu, 3 * PAGE_BYTES - 64, 128, true); /* pages 2 and 3: two lines from memory */
	w->at[0] = cpu_now(cpu) - t;
	t = cpu_now(cpu);
	cpu_atomic(cpu, 3 * PAGE_BYTES); /* a hit: locked operation alone */
	w->at[1] = cpu_now(cpu) - t;
	t = cpu_now(cpu);
	cpu_touch(cpu, 5 * PAGE_BYTES + 60, 8, false); /* absent: two lines that nobody has */
	w->at[2] = cpu_now(cpu) - t;
	t = cpu_now(cpu);
	in = cpu_hypervisor_enter(cpu);
	assert_false(cpu_hypervisor_enter(cpu)); /* nested: the outer one leaves */
	cpu_hypervisor_leave(cpu, false);
	cpu_touch(cpu, (256 + 3) * PAGE_BYTES, 8, false); /* the same line by its own address */
	cpu_irq_disable(cpu);                             /* the board's pair: 50 ns */
	cpu_irq_enable(cpu);
	cpu_hypervisor_leave(cpu, in);
	w->at[3] = cpu_now(cpu) - t;
	t = cpu_now(cpu);
	cpu_clflush(cpu, 3 * PAGE_BYTES);
	cpu_touch(cpu, 3 * PAGE_BYTES, 8, false);
	w->at[4] = cpu_now(cpu) - t;
	t = cpu_now(cpu);
	/* 256 bytes across the end of page 6, which is not followed by 7 on the board: 4 pieces */
	cpu_copy(cpu, 7 * PAGE_BYTES - 96, 20 * PAGE_BYTES, 256);
	w->at[5] = cpu_now(cpu) - t;
	t = cpu_now(cpu);
	cpu_copy(cpu, 7 * PAGE_BYTES - 96, 20 * PAGE_BYTES, 256);
	w->at[6] = cpu_now(cpu) - t;
	t = cpu_now(cpu);
	cpu_copy(cpu, 5 * PAGE_BYTES, 20 * PAGE_BYTES, 130); /* to an absent page: 3 cold */
	w->at[7] = cpu_now(cpu) - t;
}

static void a_guests_addresses_are_found_where_they_lie_on_the_board(void **state)
{
	struct world *w = *state;

	w->a.entry[5] = 0;
	w->a.entry[6] = 900ull << PAGE_SHIFT | GUEST_RW;
	assert_non_null(task_create(a_cpu(w, 0), "t", toucher, w));
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + SIM_MS), 0);
	assert_int_equal(w->at[0], 200 * SIM_NS);
	assert_int_equal(w->at[1], 40 * SIM_NS);
	assert_int_equal(w->at[2], 200 * SIM_NS);
	assert_int_equal(w->at[3], (1 + 50) * SIM_NS);
	assert_int_equal(w->at[4], (70 + 100) * SIM_NS);
	assert_int_equal(w->at[5], 4 * 50 * SIM_NS);
	assert_int_equal(w->at[6], 4 * 10 * SIM_NS);
	assert_int_equal(w->at[7], 3 * 50 * SIM_NS);
	/* the caches are those of the physical CPU: number 2 holds it modified, 0 does not */
	assert_int_equal(cache_probe(w->board->cache, 2, (256 + 2) * PAGE_BYTES + 4032, true),
			 CACHE_OWN);
	assert_int_equal(cache_probe(w->board->cache, 0, (256 + 2) * PAGE_BYTES + 4032, true),
			 CACHE_REMOTE);
}

static void toucher_by_pointer(void *ctx)
{
	struct world *w = ctx;
	struct cpu *cpu = cpu_current(w->board);
	uint8_t *page = memory_ptr(w->a.view, 9 * PAGE_BYTES, PAGE_BYTES);
	sim_time t = cpu_now(cpu);

	cpu_touch_ptr(cpu, page, 64, true);
	w->at[0] = cpu_now(cpu) - t;
	t = cpu_now(cpu);
	cpu_touch(cpu, 9 * PAGE_BYTES, 8, true); /* the same line */
	w->at[1] = cpu_now(cpu) - t;
	t = cpu_now(cpu);
	cpu_touch_ptr(cpu, page + 60, 8, false); /* that and the next */
	w->at[2] = cpu_now(cpu) - t;
	t = cpu_now(cpu);
	w->a.entry[11] = w->a.entry[9]; /* the frame moves to another page, another comes here */
	w->a.entry[9] = 901ull << PAGE_SHIFT | GUEST_RW;
	cpu_touch_ptr(cpu, page, 8, true);
	w->at[3] = cpu_now(cpu) - t;
	t = cpu_now(cpu);
	cpu_touch_ptr(cpu, memory_ptr(w->a.view, 9 * PAGE_BYTES, 8), 8, true);
	w->at[4] = cpu_now(cpu) - t;
	t = cpu_now(cpu);
	cpu_touch_ptr(cpu, page + 128, 0, true);
	cpu_touch_ptr(NULL, page + 128, 8, true); /* boot touches nothing */
	w->at[5] = cpu_now(cpu) - t;
	cpu_touch(cpu, 11 * PAGE_BYTES + 128, 8, true);
	w->at[6] = cpu_now(cpu) - t;
}

static void what_a_pointer_leads_to_is_touched_where_it_lies(void **state)
{
	struct world *w = *state;

	assert_non_null(task_create(a_cpu(w, 0), "t", toucher_by_pointer, w));
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + SIM_MS), 0);
	assert_int_equal(w->at[0], 100 * SIM_NS);
	assert_int_equal(w->at[1], 1 * SIM_NS);
	assert_int_equal(w->at[2], (1 + 100) * SIM_NS);
	assert_int_equal(w->at[3], 1 * SIM_NS);
	assert_int_equal(w->at[4], 100 * SIM_NS);
	assert_int_equal(w->at[5], 0);
	assert_int_equal(w->at[6], 100 * SIM_NS);
}

static void writer(void *ctx)
{
	struct world *w = ctx;
	struct cpu *cpu = cpu_current(w->board);
	const sim_time t = cpu_now(cpu);

	cpu_touch(cpu, 9 * PAGE_BYTES, 8, true);
	w->at[w->count++] = cpu_now(cpu) - t;
}

static void a_shared_frame_is_one_line_for_all_domains(void **state)
{
	struct world *w = *state;

	w->b.entry[9] = w->a.entry[9];
	assert_non_null(task_create(a_cpu(w, 0), "a", writer, w));
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + SIM_MS), 0);
	assert_non_null(task_create(b_cpu(w), "b", writer, w));
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + SIM_MS), 0);
	assert_int_equal(w->at[0], 100 * SIM_NS);
	assert_int_equal(w->at[1], 200 * SIM_NS); /* taken from the other CPU */
}

/* ---- interrupts ---- */

static void handler(void *ctx, struct cpu *cpu)
{
	struct world *w = ctx;

	w->seen[0] = cpu;
	w->at[0] = cpu_now(cpu);
	cpu_charge(cpu, 3 * SIM_US);
}

static void raise_irq(void *ctx)
{
	irq_raise(ctx);
}

static void a_devices_interrupt_passes_the_hypervisor(void **state)
{
	struct world *w = *state;
	const sim_time start = sim_now(w->sim);
	struct event ev;

	w->irq = (struct irq){.handler = handler, .ctx = w, .target = a_cpu(w, 1)};
	event_init(&ev, raise_irq, &w->irq);
	sim_schedule(w->sim, &ev, start + 10 * SIM_US);
	assert_int_equal(sim_run(w->sim, start + SIM_MS), 0);
	assert_ptr_equal(w->seen[0], a_cpu(w, 1));
	assert_true(w->at[0] == start + 10 * SIM_US + (130 + 17) * SIM_NS);
	assert_int_equal(spent(a_cpu(w, 1), CHARGE_HYPERVISOR), 130 * SIM_NS);
	/* the upcall, and the hypercall by which it blocks again */
	assert_int_equal(spent(a_cpu(w, 1), CHARGE_CROSSING), (17 + 7) * SIM_NS);
	assert_int_equal(spent(a_cpu(w, 1), CHARGE_INTERRUPT), 3 * SIM_US);
	assert_int_equal(spent(a_cpu(w, 0), CHARGE_HYPERVISOR), 0);
}

static void notifier(void *ctx)
{
	struct world *w = ctx;
	struct cpu *cpu = cpu_current(w->board);

	cpu_sync(cpu);
	w->at[1] = cpu_now(cpu);
	irq_raise(&w->irq);
}

static void an_event_from_another_cpu_takes_an_ipi_and_no_devices_interrupt(void **state)
{
	struct world *w = *state;

	w->irq = (struct irq){.handler = handler, .ctx = w, .target = a_cpu(w, 0), .event = true};
	assert_non_null(task_create(b_cpu(w), "b", notifier, w));
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + SIM_MS), 0);
	assert_true(w->at[0] == w->at[1] + (300 + 17) * SIM_NS);
	assert_int_equal(spent(a_cpu(w, 0), CHARGE_HYPERVISOR), 0);
	assert_int_equal(spent(a_cpu(w, 0), CHARGE_CROSSING), (17 + 7) * SIM_NS);
}

static void caller(void *ctx)
{
	struct world *w = ctx;
	struct cpu *cpu = cpu_current(w->board);
	const bool in = cpu_hypervisor_enter(cpu);

	irq_raise(&w->irq); /* for this very CPU */
	cpu_charge(cpu, 10 * SIM_US);
	cpu_sync(cpu);
	w->at[1] = cpu_now(cpu);
	cpu_hypervisor_leave(cpu, in);
	cpu_sync(cpu);
}

static void nothing_is_delivered_inside_the_hypervisor(void **state)
{
	struct world *w = *state;

	w->irq = (struct irq){.handler = handler, .ctx = w, .target = b_cpu(w), .event = true};
	assert_non_null(task_create(b_cpu(w), "b", caller, w));
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + SIM_MS), 0);
	assert_int_equal(w->irq.count, 1);
	assert_true(w->at[0] == w->at[1] + 17 * SIM_NS);
}

/* ---- tasks ---- */

static void sleeper(void *ctx)
{
	struct world *w = ctx;

	while (!w->ready)
		waitq_wait(&w->wq, cpu_current(w->board));
	w->at[0] = cpu_now(cpu_current(w->board));
}

static void waker(void *ctx)
{
	struct world *w = ctx;

	w->ready = true;
	w->at[1] = cpu_now(cpu_current(w->board));
	waitq_wake(&w->wq, cpu_current(w->board));
}

static void waking_another_virtual_cpu_is_an_event_to_oneself(void **state)
{
	struct world *w = *state;

	assert_non_null(task_create(a_cpu(w, 1), "s", sleeper, w));
	settle(w);
	assert_non_null(task_create(a_cpu(w, 0), "w", waker, w));
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + SIM_MS), 0);
	/* wake-up, hypercall, handler, the way, upcall, task switch */
	assert_int_equal(w->at[0] - w->at[1], (60 + 7 + 190 + 300 + 17 + 900 + 11) * SIM_NS);
	assert_int_equal(spent(a_cpu(w, 0), CHARGE_HYPERVISOR), 190 * SIM_NS);
	assert_int_equal(spent(a_cpu(w, 0), CHARGE_CROSSING), (7 + 7) * SIM_NS);
	assert_int_equal(spent(a_cpu(w, 1), CHARGE_CROSSING), (17 + 7) * SIM_NS);
	assert_int_equal(spent(a_cpu(w, 1), CHARGE_SCHEDULER), 911 * SIM_NS);
}

#define GUEST_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST_TEST(what_cannot_be_a_guest_is_told_why),
		GUEST_TEST(a_cpu_is_free_again_when_its_guest_is_gone),
		GUEST_TEST(the_profile_of_a_guest_has_its_sizes_and_its_extras),
		GUEST_TEST(who_executes_is_known_to_every_domain),
		GUEST_TEST(a_guests_addresses_are_found_where_they_lie_on_the_board),
		GUEST_TEST(what_a_pointer_leads_to_is_touched_where_it_lies),
		GUEST_TEST(a_shared_frame_is_one_line_for_all_domains),
		GUEST_TEST(a_devices_interrupt_passes_the_hypervisor),
		GUEST_TEST(an_event_from_another_cpu_takes_an_ipi_and_no_devices_interrupt),
		GUEST_TEST(nothing_is_delivered_inside_the_hypervisor),
		GUEST_TEST(waking_another_virtual_cpu_is_an_event_to_oneself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
