/* SPDX-License-Identifier: MIT */
/* CPUs in virtual time: charges, order across CPUs, locks, interrupts, tasks, registers. */
#include "harness.h"

#include "sim/lock.h"
#include "sim/mmio.h"
#include "sim/task.h"

#define CPU(w, n) machine_cpu((w)->m, n)

struct world {
	struct sim *sim;
	struct machine *m;
	struct vlock lock;
	struct waitq wq;
	bool ready;
	sim_time at[8]; /* instants noted by the test's tasks */
	int order[64], count;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->sim = sim_create();
	w->m = harness_machine(w->sim, 4);
	vlock_init(&w->lock, w->m, 0x1000);
	/* let the idle and ksoftirqd tasks settle, so that a test starts on quiet CPUs */
	assert_int_equal(sim_run(w->sim, SIM_MS), 0);
	for (unsigned i = 0; i < 4; i++)
		cpu_account_reset(CPU(w, i), sim_now(w->sim));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	machine_destroy(w->m);
	sim_destroy(w->sim);
	free(w);
	return 0;
}

static void charger(void *ctx)
{
	struct world *w = ctx;
	struct cpu *cpu = cpu_current(w->m);
	enum charge before;

	w->at[0] = cpu_now(cpu);
	cpu_charge(cpu, 5 * SIM_NS);
	before = cpu_enter(cpu, CHARGE_MAP);
	cpu_touch(cpu, 0x2000 + 60, 8, true); /* two lines from memory: 200 ns */
	cpu_touch(cpu, 0x2000, 4, false);     /* hit: 1 ns */
	cpu_clflush(cpu, 0x2000);             /* 70 ns */
	cpu_touch(cpu, 0x2000, 4, false);     /* 100 ns */
	cpu_leave(cpu, before);
	cpu_copy(cpu, 0x4000, 0x3000, 128); /* two cold lines: 100 ns */
	cpu_copy(cpu, 0x4000, 0x3000, 128); /* warm: 20 ns */
	before = cpu_enter(cpu, CHARGE_UNMAP);
	cpu_fill(cpu, 0x5020, 128); /* three cold lines, as a copy's: 150 ns */
	cpu_fill(cpu, 0x5040, 64);  /* one that is warm: 10 ns */
	cpu_leave(cpu, before);
	w->at[1] = cpu_now(cpu);
}

static void work_is_charged_to_its_category_and_moves_the_clock(void **state)
{
	struct world *w = *state;
	struct cpu_account a;

	cpu_account_reset(CPU(w, 1), sim_now(w->sim));
	assert_non_null(task_create(CPU(w, 1), "charger", charger, w));
	assert_int_equal(sim_run(w->sim, 2 * SIM_MS), 0);
	assert_int_equal(w->at[1] - w->at[0], (5 + 371 + 120 + 160) * SIM_NS);
	cpu_account(CPU(w, 1), &a);
	assert_int_equal(a.ps[CHARGE_APPLICATION], 5 * SIM_NS);
	assert_int_equal(a.ps[CHARGE_MAP], 371 * SIM_NS);
	assert_int_equal(a.ps[CHARGE_COPY], 120 * SIM_NS);
	assert_int_equal(a.ps[CHARGE_UNMAP], 160 * SIM_NS);
	assert_int_equal(a.ps[CHARGE_SCHEDULER], 900 * SIM_NS);
	assert_int_equal(a.busy_ps, (656 + 900) * SIM_NS);
}

static void work_beyond_the_present_is_not_counted_yet(void **state)
{
	struct world *w = *state;
	struct cpu_account a;
	const sim_time start = sim_now(w->sim);

	assert_non_null(task_create(CPU(w, 1), "charger", charger, w));
	assert_int_equal(sim_run(w->sim, start), 0);
	cpu_account(CPU(w, 1), &a);
	assert_true(a.busy_ps <= SIM_US);
	cpu_account_reset(CPU(w, 1), start);
	assert_int_equal(sim_run(w->sim, start + SIM_MS), 0);
	cpu_account(CPU(w, 1), &a);
	assert_true(a.busy_ps >= 656 * SIM_NS);
}

static void locker(void *ctx)
{
	struct world *w = ctx;
	struct cpu *cpu = cpu_current(w->m);
	const unsigned id = cpu_id(cpu);

	cpu_charge(cpu, id * 10 * SIM_NS); /* CPU 0 comes first, then 1, 2, 3 */
	for (int i = 0; i < 5; i++) {
		vlock_acquire_irq(&w->lock, cpu);
		w->order[w->count++] = (int)id;
		cpu_charge(cpu, SIM_US);
		vlock_release_irq(&w->lock, cpu);
	}
	w->at[id] = cpu_now(cpu);
}

static void a_lock_is_exclusive_and_first_come_first_served(void **state)
{
	struct world *w = *state;
	const sim_time start = sim_now(w->sim);
	struct cpu_account a;
	sim_time last = 0;

	for (unsigned i = 0; i < 4; i++)
		task_create(CPU(w, i), "locker", locker, w);
	assert_int_equal(sim_run(w->sim, start + SIM_MS), 0);
	assert_int_equal(w->count, 20);
	for (int i = 0; i < 20; i++)
		assert_int_equal(w->order[i], i % 4);
	for (int i = 0; i < 4; i++)
		last = w->at[i] > last ? w->at[i] : last;
	/* 20 holds of 1 us cannot overlap */
	assert_true(last - start >= 20 * SIM_US);
	assert_true(last - start < 30 * SIM_US);
	assert_int_equal(w->lock.acquisitions, 20);
	assert_true(w->lock.contended >= 18);
	cpu_account(CPU(w, 3), &a);
	assert_true(a.ps[CHARGE_LOCK_WAIT] > 10 * SIM_US);
	assert_null(w->lock.holder);
}

static void on_irq(void *ctx, struct cpu *cpu)
{
	struct world *w = ctx;

	w->order[w->count++] = 1000 + (int)cpu_id(cpu);
	w->at[0] = cpu_now(cpu);
	w->ready = true;
	waitq_wake(&w->wq, cpu);
}

static void raise_irq(void *ctx)
{
	irq_raise(ctx);
}

static void an_idle_cpu_takes_an_interrupt_at_once(void **state)
{
	struct world *w = *state;
	struct irq irq = {.handler = on_irq, .ctx = w, .target = CPU(w, 2)};
	struct event ev;
	const sim_time at = sim_now(w->sim) + 10 * SIM_US;

	event_init(&ev, raise_irq, &irq);
	sim_schedule(w->sim, &ev, at);
	assert_int_equal(sim_run(w->sim, at + SIM_MS), 0);
	assert_int_equal(w->count, 1);
	assert_int_equal(w->order[0], 1002);
	assert_int_equal(w->at[0], at + 500 * SIM_NS); /* interrupt entry is charged first */
	assert_int_equal(irq.count, 1);
}

static void holder_with_irqs_off(void *ctx)
{
	struct world *w = ctx;
	struct cpu *cpu = cpu_current(w->m);

	vlock_acquire_irq(&w->lock, cpu);
	for (int i = 0; i < 100; i++) {
		cpu_charge(cpu, SIM_US);
		cpu_sync(cpu);
	}
	w->at[1] = cpu_now(cpu);
	vlock_release_irq(&w->lock, cpu);
	cpu_sync(cpu);
}

static void interrupts_wait_while_disabled(void **state)
{
	struct world *w = *state;
	struct irq irq = {.handler = on_irq, .ctx = w, .target = CPU(w, 0)};
	struct event ev;

	task_create(CPU(w, 0), "holder", holder_with_irqs_off, w);
	event_init(&ev, raise_irq, &irq);
	sim_schedule(w->sim, &ev, sim_now(w->sim) + 20 * SIM_US);
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + SIM_MS), 0);
	assert_true(w->at[0] > w->at[1]);
	assert_true(w->at[0] < w->at[1] + SIM_US);
}

static void sleeper(void *ctx)
{
	struct world *w = ctx;
	struct cpu *cpu = cpu_current(w->m);

	while (!w->ready)
		waitq_wait(&w->wq, cpu);
	w->at[2] = cpu_now(cpu);
	task_sleep(task_current(cpu), 50 * SIM_US);
	w->at[3] = cpu_now(cpu);
}

static void a_woken_task_runs_after_its_waker_and_pays_a_context_switch(void **state)
{
	struct world *w = *state;
	struct irq irq = {.handler = on_irq, .ctx = w, .target = CPU(w, 0)};
	struct task *t = task_create(CPU(w, 3), "sleeper", sleeper, w);
	struct event ev;

	event_init(&ev, raise_irq, &irq);
	sim_schedule(w->sim, &ev, sim_now(w->sim) + 20 * SIM_US);
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + SIM_MS), 0);
	assert_true(task_done(t));
	/* the waker's 60 ns, 300 ns across CPUs, the interrupt 500 ns there, the switch 900 ns */
	assert_int_equal(w->at[2], w->at[0] + 1760 * SIM_NS);
	assert_int_equal(w->at[3], w->at[2] + 50 * SIM_US + 900 * SIM_NS);
}

static void hog(void *ctx)
{
	struct world *w = ctx;
	struct cpu *cpu = cpu_current(w->m);

	for (int i = 0; i < 50; i++) {
		cpu_charge(cpu, SIM_US);
		task_preempt_point(task_current(cpu));
	}
	w->at[4] = cpu_now(cpu);
}

static void a_task_that_wakes_preempts_one_that_did_not_sleep(void **state)
{
	struct world *w = *state;
	struct irq irq = {.handler = on_irq, .ctx = w, .target = CPU(w, 3)};
	struct event ev;

	task_create(CPU(w, 3), "sleeper", sleeper, w);
	task_create(CPU(w, 3), "hog", hog, w);
	event_init(&ev, raise_irq, &irq);
	sim_schedule(w->sim, &ev, sim_now(w->sim) + 20 * SIM_US);
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + SIM_MS), 0);
	/* within the microsecond to the hog's next preemption point, and the switch */
	assert_true(w->at[2] < w->at[0] + 3 * SIM_US);
	assert_true(w->at[2] < w->at[4]);
}

static bool never_done(void *ctx, struct cpu *cpu)
{
	struct world *w = ctx;

	cpu_charge(cpu, SIM_US);
	cpu_sync(cpu);
	return ++w->count < 40;
}

static void other_task(void *ctx)
{
	struct world *w = ctx;

	w->order[0] = w->count;
	cpu_charge(cpu_current(w->m), SIM_US);
}

static void raising(void *ctx, struct cpu *cpu)
{
	softirq_raise(cpu, ctx);
}

static void a_long_softirq_gives_way_to_tasks_after_ten_rounds(void **state)
{
	struct world *w = *state;
	struct softirq soft = {.run = never_done, .ctx = w};
	struct irq irq = {.handler = raising, .ctx = &soft, .target = CPU(w, 0)};

	irq_raise(&irq);
	task_create(CPU(w, 0), "other", other_task, w);
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + SIM_MS), 0);
	assert_int_equal(w->order[0], 10);
	assert_int_equal(w->count, 40); /* and ksoftirqd finished the rest */
}

struct device {
	uint64_t value[4];
	struct sim *sim;
	sim_time arrival;
	int writes;
};

static uint64_t dev_read(void *ctx, uint64_t offset, unsigned width)
{
	struct device *d = ctx;

	assert_int_equal(width, 4);
	return d->value[offset / 8];
}

static void dev_write(void *ctx, uint64_t offset, uint64_t value, unsigned width)
{
	struct device *d = ctx;

	(void)width;
	d->value[offset / 8] = value;
	d->arrival = sim_now(d->sim);
	d->writes++;
}

struct mmio_case {
	struct world *w;
	struct mmio_window win;
	struct device dev;
	uint64_t got;
};

static void poke_and_read(void *ctx)
{
	struct mmio_case *c = ctx;
	struct cpu *cpu = cpu_current(c->w->m);

	c->w->at[0] = cpu_now(cpu);
	mmio_write(&c->win, cpu, 0, 11, 4);
	mmio_write(&c->win, cpu, 8, 22, 4);
	c->w->at[1] = cpu_now(cpu);
	c->got = mmio_read(&c->win, cpu, 8, 4);
	c->w->at[2] = cpu_now(cpu);
	mmio_write(&c->win, cpu, 16, 33, 4);
	c->w->at[3] = cpu_now(cpu);
}

static void a_read_pushes_posted_writes_and_stalls_while_writes_do_not(void **state)
{
	static const struct mmio_ops ops = {.read = dev_read, .write = dev_write};
	struct world *w = *state;
	struct mmio_case c = {.w = w, .dev = {.sim = w->sim}};

	mmio_window_init(&c.win, w->m, &ops, &c.dev);
	task_create(CPU(w, 0), "poke", poke_and_read, &c);
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + SIM_MS), 0);
	assert_int_equal(w->at[1] - w->at[0], 60 * SIM_NS);
	assert_int_equal(w->at[2] - w->at[1], 700 * SIM_NS);
	assert_int_equal(c.got, 22);
	assert_int_equal(c.dev.value[0], 11);
	assert_int_equal(c.dev.value[2], 33);
	assert_int_equal(c.dev.writes, 3);
	/* nobody read after it: the last write travels on its own */
	assert_int_equal(c.dev.arrival, w->at[3] + 150 * SIM_NS);
	assert_int_equal(c.win.reads, 1);
	mmio_window_fini(&c.win);
}

static void outside_any_cpu_nothing_is_charged(void **state)
{
	struct world *w = *state;
	struct cpu_account before, after;

	cpu_account(CPU(w, 0), &before);
	cpu_charge(NULL, SIM_S);
	cpu_touch(NULL, 0, 64, true);
	cpu_sync(NULL);
	vlock_acquire_irq(&w->lock, NULL);
	vlock_release_irq(&w->lock, NULL);
	cpu_account(CPU(w, 0), &after);
	assert_int_equal(before.busy_ps, after.busy_ps);
	assert_null(cpu_current(w->m));
}

static void two_runs_are_identical(void **state)
{
	sim_time end[2][4];

	(void)state;
	for (int run = 0; run < 2; run++) {
		struct world *w;
		void *s;

		setup(&s);
		w = s;
		for (unsigned i = 0; i < 4; i++)
			task_create(CPU(w, i), "locker", locker, w);
		assert_int_equal(sim_run(w->sim, sim_now(w->sim) + SIM_MS), 0);
		memcpy(end[run], w->at, sizeof(end[run]));
		teardown(&s);
	}
	assert_memory_equal(end[0], end[1], sizeof(end[0]));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(work_is_charged_to_its_category_and_moves_the_clock),
		CASE(work_beyond_the_present_is_not_counted_yet),
		CASE(a_lock_is_exclusive_and_first_come_first_served),
		CASE(an_idle_cpu_takes_an_interrupt_at_once),
		CASE(interrupts_wait_while_disabled),
		CASE(a_woken_task_runs_after_its_waker_and_pays_a_context_switch),
		CASE(a_task_that_wakes_preempts_one_that_did_not_sleep),
		CASE(a_long_softirq_gives_way_to_tasks_after_ten_rounds),
		CASE(a_read_pushes_posted_writes_and_stalls_while_writes_do_not),
		CASE(outside_any_cpu_nothing_is_charged),
		cmocka_unit_test(two_runs_are_identical),
	};

	return cmocka_run_group_tests_name("sim/cpu", tests, NULL, NULL);
}
