/* SPDX-License-Identifier: MIT */
/*
 * The simulated build: what a map, an unmap and a flush are charged as, step by step, on a
 * machine with round numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dma_env.h"
#include "iotoll/dma.h"
#include "sim/task.h"
#include "spec/calgary.h"

enum {
	MISS = 100000,
	TRANSFER = 200000,
	HIT = 1000,
	CLFLUSH = 70000,
	RMW = 40000,
	IRQ = 2000,
	READ = 700000,
	WRITE = 30000,
	CALL = 60000,
	WORD = 5000,
	STORE = 8000,
};

struct bench {
	struct sim *sim;
	struct machine *machine;
	struct mmio_window regs;
	struct dma_env env;
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device *dev;
	uint64_t reg[CALGARY_WINDOW_BYTES / 8];
	void (*body)(struct bench *b);
	struct cpu_account before;
	bool ran;
};

static uint64_t reg_read(void *ctx, uint64_t offset, unsigned width)
{
	struct bench *b = ctx;

	(void)width;
	/* Every split queue is idle. */
	return (offset & 0xFFF) == CALGARY_DEBUG_SPLITQ && offset < CALGARY_PHB_BLOCK
		       ? 0xFF
		       : b->reg[offset / 8];
}

static void reg_write(void *ctx, uint64_t offset, uint64_t value, unsigned width)
{
	struct bench *b = ctx;

	(void)width;
	b->reg[offset / 8] = value;
}

static void set_up(struct bench *b, const char *strategy)
{
	static const struct mmio_ops ops = {.read = reg_read, .write = reg_write};
	const struct profile profile = {.name = "round",
					.clock_mhz = 1000,
					.cpus = 2,
					.memory_bytes = 16u << 20,
					.l2_bytes = 64 * 1024,
					.l2_ways = 4,
					.cost = {.dram_miss = MISS,
						 .line_transfer = TRANSFER,
						 .cache_hit = HIT,
						 .clflush = CLFLUSH,
						 .locked_rmw = RMW,
						 .irq_flags = IRQ,
						 .mmio_read = READ,
						 .mmio_write = WRITE,
						 .dma_call = CALL,
						 .bitmap_word = WORD,
						 .tce_store = STORE}};
	const struct iotoll_dma_config config = {.driver = "calgary",
						 .strategy = strategy,
						 .allocator = "next-fit",
						 .bus = 2,
						 .table_entries = 8192,
						 .check_misuse = true};
	struct err err = {""};

	memset(b, 0, sizeof(*b));
	b->sim = sim_create();
	assert_int_equal(machine_create(&b->machine, b->sim, &profile, &err), 0);
	mmio_window_init(&b->regs, b->machine, &ops, b);
	b->env = (struct dma_env){.machine = b->machine, .regs = &b->regs};
	assert_int_equal(iotoll_dma_domain_create(&b->domain, &b->env, &config, NULL, 0), 0);
	assert_int_equal(iotoll_dma_attach(&b->dev, b->domain, 8, UINT32_MAX), 0);
}

static void tear_down(struct bench *b)
{
	iotoll_dma_detach(b->dev);
	iotoll_dma_domain_destroy(b->domain);
	assert_int_equal(memory_allocated_pages(b->machine->mem), 0);
	mmio_window_fini(&b->regs);
	machine_destroy(b->machine);
	sim_destroy(b->sim);
}

static void in_task(void *ctx)
{
	struct bench *b = ctx;

	b->body(b);
	b->ran = true;
}

/* Run @body on @cpu until it is done. */
static void on_cpu(struct bench *b, unsigned cpu, void (*body)(struct bench *b))
{
	b->body = body;
	b->ran = false;
	assert_non_null(task_create(machine_cpu(b->machine, cpu), "test", in_task, b));
	assert_int_equal(sim_run(b->sim, sim_now(b->sim) + SIM_S), 0);
	assert_true(b->ran);
}

static void start(struct bench *b)
{
	cpu_account(cpu_current(b->machine), &b->before);
}

static uint64_t spent(struct bench *b, enum charge what)
{
	struct cpu_account now;

	cpu_account(cpu_current(b->machine), &now);
	return now.ps[what] - b->before.ps[what];
}

static uint64_t busy(struct bench *b)
{
	struct cpu_account now;

	cpu_account(cpu_current(b->machine), &now);
	return now.busy_ps - b->before.busy_ps;
}

static iotoll_iova_t map(struct bench *b, size_t bytes)
{
	const iotoll_iova_t iova =
		iotoll_dma_map_page(b->dev, IOTOLL_PHYS(0x400000), bytes, IOTOLL_DMA_FROM_DEVICE);

	assert_false(iotoll_dma_mapping_error(iova));
	return iova;
}

static void unmap(struct bench *b, iotoll_iova_t iova, size_t bytes)
{
	iotoll_dma_unmap_page(b->dev, iova, bytes, IOTOLL_DMA_FROM_DEVICE);
}

/* Entering, the lock's word, the table's struct, leaving: all lines warm. */
#define FRAME (CALL + IRQ + RMW + HIT)

static void warm_calls(struct bench *b)
{
	iotoll_iova_t iova;

	/* Bring lock, struct and bitmap into this CPU's cache. */
	unmap(b, map(b, 4096), 4096);

	start(b);
	iova = map(b, 4096);
	/* One word, read and written; the entry's line was pushed out by the entry before. */
	assert_int_equal(spent(b, CHARGE_MAP), FRAME + WORD + 2 * HIT + STORE + MISS + CLFLUSH);
	assert_int_equal(busy(b), spent(b, CHARGE_MAP));

	start(b);
	unmap(b, iova, 4096);
	assert_int_equal(spent(b, CHARGE_UNMAP), FRAME + STORE + MISS + CLFLUSH + HIT);
	assert_int_equal(busy(b), spent(b, CHARGE_UNMAP));

	/* Eight entries of one line are pushed out eight times. */
	start(b);
	iova = map(b, 8 * 4096);
	assert_int_equal(spent(b, CHARGE_MAP),
			 FRAME + WORD + 2 * HIT + 8 * (STORE + MISS + CLFLUSH));
	start(b);
	unmap(b, iova, 8 * 4096);
	assert_int_equal(spent(b, CHARGE_UNMAP), FRAME + 8 * (STORE + MISS + CLFLUSH) + HIT);
}

static void map_and_unmap_are_charged_for_each_step_they_take(void **state)
{
	static struct bench b;

	(void)state;
	set_up(&b, "deferred");
	on_cpu(&b, 0, warm_calls);
	tear_down(&b);
}

static void list_call(struct bench *b)
{
	struct iotoll_sg sg[4];

	for (unsigned i = 0; i < 4; i++)
		sg[i] = (struct iotoll_sg){.paddr = IOTOLL_PHYS(0x400000), .bytes = 4096};
	unmap(b, map(b, 4096), 4096);
	start(b);
	assert_int_equal(iotoll_dma_map_sg(b->dev, sg, 4, IOTOLL_DMA_FROM_DEVICE), 4);
	assert_int_equal(spent(b, CHARGE_MAP),
			 FRAME + 4 * (WORD + 2 * HIT + STORE + MISS + CLFLUSH));
	iotoll_dma_unmap_sg(b->dev, sg, 4, IOTOLL_DMA_FROM_DEVICE);
}

static void a_list_enters_and_locks_once(void **state)
{
	static struct bench b;

	(void)state;
	set_up(&b, "deferred");
	on_cpu(&b, 0, list_call);
	tear_down(&b);
}

static void flushing_call(struct bench *b)
{
	struct iotoll_dma_stats stats;
	iotoll_iova_t iova;

	unmap(b, map(b, 4096), 4096);
	iotoll_dma_domain_stats_reset(b->domain);
	iova = map(b, 4096);
	start(b);
	unmap(b, iova, 4096);
	assert_int_equal(spent(b, CHARGE_FLUSH), 3 * WRITE + 4 * READ);
	assert_int_equal(spent(b, CHARGE_UNMAP), FRAME + STORE + MISS + CLFLUSH + HIT);
	assert_int_equal(busy(b), spent(b, CHARGE_FLUSH) + spent(b, CHARGE_UNMAP));
	iotoll_dma_domain_stats(b->domain, &stats);
	assert_int_equal(stats.flushes, 1);
	assert_int_equal(stats.flush_ps, 3 * WRITE + 4 * READ);
}

static void a_flush_has_a_category_of_its_own_inside_the_unmap(void **state)
{
	static struct bench b;

	(void)state;
	set_up(&b, "strict");
	on_cpu(&b, 0, flushing_call);
	tear_down(&b);
}

static void tracked_calls(struct bench *b)
{
	iotoll_iova_t iova;

	unmap(b, map(b, 4096), 4096);
	start(b);
	iova = map(b, 4096);
	assert_int_equal(spent(b, CHARGE_MAP),
			 FRAME + WORD + 2 * HIT + WORD + HIT + STORE + MISS + CLFLUSH);
	start(b);
	unmap(b, iova, 4096);
	assert_int_equal(spent(b, CHARGE_UNMAP), FRAME + STORE + MISS + CLFLUSH + WORD + HIT + HIT);
}

static void tracking_what_was_freed_costs_a_word_at_each_end(void **state)
{
	static struct bench b;

	(void)state;
	set_up(&b, "deferred-tracked");
	on_cpu(&b, 0, tracked_calls);
	tear_down(&b);
}

static void queued_calls(struct bench *b)
{
	iotoll_iova_t iova;

	unmap(b, map(b, 4096), 4096);
	iova = map(b, 4096);
	start(b);
	unmap(b, iova, 4096);
	/*
	 * The ring's ends; the oldest slot, which may not go yet; the new one: 24 bytes from byte
	 * 64 + 24 on, in the line of the first. The allocator's bitmap is left alone.
	 */
	assert_int_equal(spent(b, CHARGE_UNMAP),
			 FRAME + STORE + MISS + CLFLUSH + HIT + 2 * (WORD + HIT));
	assert_int_equal(spent(b, CHARGE_FLUSH), 0);
}

static void queueing_costs_the_ring_and_no_flush(void **state)
{
	static struct bench b;

	(void)state;
	set_up(&b, "flush-queue");
	on_cpu(&b, 0, queued_calls);
	tear_down(&b);
}

static void unmap_ten(struct bench *b)
{
	for (unsigned i = 0; i < 10; i++)
		unmap(b, map(b, 4096), 4096);
}

static void unmap_a_ring_and_one(struct bench *b)
{
	for (unsigned i = 0; i < 256; i++)
		unmap(b, map(b, 4096), 4096);
}

static struct iotoll_dma_stats stats_of(const struct bench *b)
{
	struct iotoll_dma_stats stats;

	iotoll_dma_domain_stats(b->domain, &stats);
	return stats;
}

/* Start @body on @cpu; sim_run() is the caller's. */
static void begin_on(struct bench *b, unsigned cpu, void (*body)(struct bench *b))
{
	b->body = body;
	b->ran = false;
	assert_non_null(task_create(machine_cpu(b->machine, cpu), "test", in_task, b));
}

/* Ten milliseconds are three jiffies of 4 ms, and the wheel adds one: the boundary at 16 ms. */
static void the_timer_goes_off_at_the_fourth_jiffy_on_the_cpu_that_armed_it(void **state)
{
	struct cpu_account before, after;
	static struct bench b;

	(void)state;
	set_up(&b, "flush-queue");
	begin_on(&b, 1, unmap_ten);
	assert_int_equal(sim_run(b.sim, 16 * SIM_MS - 1), 0);
	assert_true(b.ran);
	assert_int_equal(stats_of(&b).kept_pages, 10);
	cpu_account(machine_cpu(b.machine, 1), &before);
	assert_int_equal(before.ps[CHARGE_FLUSH], 0);
	assert_int_equal(sim_run(b.sim, 17 * SIM_MS), 0);
	assert_int_equal(stats_of(&b).kept_pages, 0);
	assert_int_equal(stats_of(&b).flushes, 1);
	assert_int_equal(stats_of(&b).timer_flushes, 1);
	cpu_account(machine_cpu(b.machine, 1), &after);
	assert_int_equal(after.ps[CHARGE_FLUSH], 3 * WRITE + 4 * READ);
	/* Not periodic: nothing waits, nothing is armed. */
	assert_int_equal(sim_run(b.sim, 100 * SIM_MS), 0);
	assert_int_equal(stats_of(&b).flushes, 1);
	/* Armed just after a boundary, 100 ms, it is the fourth from there again. */
	begin_on(&b, 0, unmap_ten);
	assert_int_equal(sim_run(b.sim, 116 * SIM_MS - 1), 0);
	assert_int_equal(stats_of(&b).flushes, 1);
	assert_int_equal(sim_run(b.sim, 116 * SIM_MS + SIM_US * 100), 0);
	assert_int_equal(stats_of(&b).flushes, 2);
	tear_down(&b);
}

static void
a_flush_covers_the_rings_of_other_cpus_which_they_notice_at_their_next_unmap(void **state)
{
	static struct bench b;

	(void)state;
	set_up(&b, "flush-queue");
	begin_on(&b, 0, unmap_ten);
	assert_int_equal(sim_run(b.sim, SIM_MS), 0);
	begin_on(&b, 1, unmap_a_ring_and_one);
	assert_int_equal(sim_run(b.sim, 5 * SIM_MS), 0);
	assert_true(b.ran);
	assert_int_equal(stats_of(&b).flushes, 1);
	assert_int_equal(stats_of(&b).kept_pages, 10 + 1);
	begin_on(&b, 0, unmap_ten);
	assert_int_equal(sim_run(b.sim, 6 * SIM_MS), 0);
	assert_int_equal(stats_of(&b).flushes, 1);
	assert_int_equal(stats_of(&b).kept_pages, 10 + 1);
	assert_int_equal(stats_of(&b).kept_peak, 10 + 255);
	/* The timer of the first unmap of all, at 16 ms, empties both. */
	assert_int_equal(sim_run(b.sim, 17 * SIM_MS), 0);
	assert_int_equal(stats_of(&b).kept_pages, 0);
	tear_down(&b);
}

static void warm_up(struct bench *b)
{
	unmap(b, map(b, 4096), 4096);
}

static void cold_call(struct bench *b)
{
	start(b);
	(void)map(b, 4096);
	/* Lock word, struct and bitmap word come over from the other CPU. */
	assert_int_equal(spent(b, CHARGE_MAP), CALL + IRQ + RMW + TRANSFER + TRANSFER + WORD +
						       TRANSFER + TRANSFER + STORE + MISS +
						       CLFLUSH);
}

static void what_another_cpu_used_last_has_to_come_over(void **state)
{
	static struct bench b;

	(void)state;
	set_up(&b, "deferred");
	on_cpu(&b, 0, warm_up);
	on_cpu(&b, 1, cold_call);
	tear_down(&b);
}

static void free_calls(struct bench *b)
{
	struct iotoll_dma_stats stats;

	start(b);
	unmap(b, map(b, 9000), 9000);
	iotoll_dma_sync_single_for_cpu(b->dev, IOTOLL_IOVA(0x400000), 1, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(busy(b), 0);
	iotoll_dma_domain_stats(b->domain, &stats);
	assert_int_equal(stats.maps, 1);
	assert_int_equal(stats.unmaps, 1);
}

static void without_a_table_nothing_is_charged(void **state)
{
	static struct bench b;

	(void)state;
	set_up(&b, "off");
	on_cpu(&b, 0, free_calls);
	tear_down(&b);
}

/* ---- two buses of one chip, flushed from two CPUs at the same instants ---- */

struct bus {
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device *dev;
	bool done;
};

static void flush_often(void *ctx)
{
	struct bus *bus = ctx;

	for (unsigned i = 0; i < 50; i++) {
		const iotoll_iova_t iova = iotoll_dma_map_page(bus->dev, IOTOLL_PHYS(0x1000), 4096,
							       IOTOLL_DMA_FROM_DEVICE);

		iotoll_dma_unmap_page(bus->dev, iova, 4096, IOTOLL_DMA_FROM_DEVICE);
	}
	bus->done = true;
}

/* Were they to overlap, one would save and restore the other's stop: the bus would stay dead. */
static void flushes_that_stop_the_whole_chip_take_turns(void **state)
{
	static struct bench b;
	struct bus bus[2];

	(void)state;
	set_up(&b, "off");
	for (unsigned phb = 0; phb < CALGARY_PHBS; phb++)
		b.reg[calgary_phb_reg(phb, CALGARY_AER) / 8] = 0xF0 + phb;
	for (unsigned i = 0; i < 2; i++) {
		const struct iotoll_dma_config config = {.driver = "calgary",
							 .strategy = "strict",
							 .allocator = "next-fit",
							 .bus = i,
							 .table_entries = 8192,
							 .quiesce_system = i == 0};

		assert_int_equal(iotoll_dma_domain_create(&bus[i].domain, &b.env, &config, NULL, 0),
				 0);
		assert_int_equal(iotoll_dma_attach(&bus[i].dev, bus[i].domain, 8, UINT32_MAX), 0);
		bus[i].done = false;
		assert_non_null(
			task_create(machine_cpu(b.machine, i), "bus", flush_often, &bus[i]));
	}
	assert_int_equal(sim_run(b.sim, SIM_S), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(bus[i].done);
		iotoll_dma_detach(bus[i].dev);
		iotoll_dma_domain_destroy(bus[i].domain);
	}
	for (unsigned phb = 0; phb < CALGARY_PHBS; phb++)
		assert_int_equal(b.reg[calgary_phb_reg(phb, CALGARY_AER) / 8], 0xF0 + phb);
	tear_down(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_and_unmap_are_charged_for_each_step_they_take),
		cmocka_unit_test(a_list_enters_and_locks_once),
		cmocka_unit_test(a_flush_has_a_category_of_its_own_inside_the_unmap),
		cmocka_unit_test(tracking_what_was_freed_costs_a_word_at_each_end),
		cmocka_unit_test(queueing_costs_the_ring_and_no_flush),
		cmocka_unit_test(the_timer_goes_off_at_the_fourth_jiffy_on_the_cpu_that_armed_it),
		cmocka_unit_test(
			a_flush_covers_the_rings_of_other_cpus_which_they_notice_at_their_next_unmap),
		cmocka_unit_test(what_another_cpu_used_last_has_to_come_over),
		cmocka_unit_test(without_a_table_nothing_is_charged),
		cmocka_unit_test(flushes_that_stop_the_whole_chip_take_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
