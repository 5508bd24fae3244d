/* SPDX-License-Identifier: MIT */
/*
 * The simulated build: what a map, an unmap and a flush are charged as, step by step, on a
 * machine with round numbers.
 */
#include "simbench.h"

static void warm_calls(struct bench *b)
{
	iotoll_iova_t iova;

	/* Bring lock, struct and bitmap into this CPU's cache. */
	bench_unmap(b, bench_map(b, 4096), 4096);

	bench_start(b);
	iova = bench_map(b, 4096);
	/* One word, read and written; the entry's line was pushed out by the entry before. */
	assert_int_equal(bench_spent(b, CHARGE_MAP),
			 FRAME + WORD + 2 * HIT + STORE + MISS + CLFLUSH);
	assert_int_equal(bench_busy(b), bench_spent(b, CHARGE_MAP));

	bench_start(b);
	bench_unmap(b, iova, 4096);
	assert_int_equal(bench_spent(b, CHARGE_UNMAP), FRAME + STORE + MISS + CLFLUSH + HIT);
	assert_int_equal(bench_busy(b), bench_spent(b, CHARGE_UNMAP));

	/* Eight entries of one line are pushed out eight times. */
	bench_start(b);
	iova = bench_map(b, 8 * 4096);
	assert_int_equal(bench_spent(b, CHARGE_MAP),
			 FRAME + WORD + 2 * HIT + 8 * (STORE + MISS + CLFLUSH));
	bench_start(b);
	bench_unmap(b, iova, 8 * 4096);
	assert_int_equal(bench_spent(b, CHARGE_UNMAP), FRAME + 8 * (STORE + MISS + CLFLUSH) + HIT);
}

static void map_and_unmap_are_charged_for_each_step_they_take(void **state)
{
	static struct bench b;

	(void)state;
	bench_set_up(&b, "deferred");
	bench_on_cpu(&b, 0, warm_calls);
	bench_tear_down(&b);
}

static void list_call(struct bench *b)
{
	struct iotoll_sg sg[4];

	for (unsigned i = 0; i < 4; i++)
		sg[i] = (struct iotoll_sg){.paddr = IOTOLL_PHYS(0x400000), .bytes = 4096};
	bench_unmap(b, bench_map(b, 4096), 4096);
	bench_start(b);
	assert_int_equal(iotoll_dma_map_sg(b->dev, sg, 4, IOTOLL_DMA_FROM_DEVICE), 4);
	assert_int_equal(bench_spent(b, CHARGE_MAP),
			 FRAME + 4 * (WORD + 2 * HIT + STORE + MISS + CLFLUSH));
	iotoll_dma_unmap_sg(b->dev, sg, 4, IOTOLL_DMA_FROM_DEVICE);
}

static void a_list_enters_and_locks_once(void **state)
{
	static struct bench b;

	(void)state;
	bench_set_up(&b, "deferred");
	bench_on_cpu(&b, 0, list_call);
	bench_tear_down(&b);
}

static void flushing_call(struct bench *b)
{
	struct iotoll_dma_stats stats;
	iotoll_iova_t iova;

	bench_unmap(b, bench_map(b, 4096), 4096);
	iotoll_dma_domain_stats_reset(b->domain);
	iova = bench_map(b, 4096);
	bench_start(b);
	bench_unmap(b, iova, 4096);
	assert_int_equal(bench_spent(b, CHARGE_FLUSH), 3 * WRITE + 4 * READ);
	assert_int_equal(bench_spent(b, CHARGE_UNMAP), FRAME + STORE + MISS + CLFLUSH + HIT);
	assert_int_equal(bench_busy(b),
			 bench_spent(b, CHARGE_FLUSH) + bench_spent(b, CHARGE_UNMAP));
	iotoll_dma_domain_stats(b->domain, &stats);
	assert_int_equal(stats.flushes, 1);
	assert_int_equal(stats.flush_ps, 3 * WRITE + 4 * READ);
}

static void a_flush_has_a_category_of_its_own_inside_the_unmap(void **state)
{
	static struct bench b;

	(void)state;
	bench_set_up(&b, "strict");
	bench_on_cpu(&b, 0, flushing_call);
	bench_tear_down(&b);
}

static void tracked_calls(struct bench *b)
{
	iotoll_iova_t iova;

	bench_unmap(b, bench_map(b, 4096), 4096);
	bench_start(b);
	iova = bench_map(b, 4096);
	assert_int_equal(bench_spent(b, CHARGE_MAP),
			 FRAME + WORD + 2 * HIT + WORD + HIT + STORE + MISS + CLFLUSH);
	bench_start(b);
	bench_unmap(b, iova, 4096);
	assert_int_equal(bench_spent(b, CHARGE_UNMAP),
			 FRAME + STORE + MISS + CLFLUSH + WORD + HIT + HIT);
}

static void tracking_what_was_freed_costs_a_word_at_each_end(void **state)
{
	static struct bench b;

	(void)state;
	bench_set_up(&b, "deferred-tracked");
	bench_on_cpu(&b, 0, tracked_calls);
	bench_tear_down(&b);
}

static void warm_up(struct bench *b)
{
	bench_unmap(b, bench_map(b, 4096), 4096);
}

static void cold_call(struct bench *b)
{
	bench_start(b);
	(void)bench_map(b, 4096);
	/* Lock word, struct and bitmap word come over from the other CPU. */
	assert_int_equal(bench_spent(b, CHARGE_MAP), CALL + IRQ + RMW + TRANSFER + TRANSFER + WORD +
							     TRANSFER + TRANSFER + STORE + MISS +
							     CLFLUSH);
}

static void what_another_cpu_used_last_has_to_come_over(void **state)
{
	static struct bench b;

	(void)state;
	bench_set_up(&b, "deferred");
	bench_on_cpu(&b, 0, warm_up);
	bench_on_cpu(&b, 1, cold_call);
	bench_tear_down(&b);
}

/* The memory behind @iova, as the table has it. */
static phys_t leads_to(struct bench *b, iotoll_iova_t iova)
{
	struct iotoll_dma_entry entry;

	assert_int_equal(iotoll_dma_domain_entry(b->domain, iova, &entry), 0);
	return calgary_tce_paddr(calgary_tce_unpack(env_ptr(&b->env, entry.paddr, 8))) +
	       IOTOLL_IOVA_U64(iova) % 4096;
}

static void shadowed_calls(struct bench *b)
{
	const uint64_t owned = CALL + IRQ + 2 * HIT;     /* head and record, no lock */
	const uint64_t given_back = IRQ + RMW + 3 * HIT; /* record, tail, the one before */
	uint64_t copied_ps;
	iotoll_iova_t iova;

	/* Each of a slab's buffers once, so that their lines are warm. */
	for (unsigned i = 0; i < 32; i++)
		bench_unmap(b, bench_map(b, 128), 128);
	iotoll_dma_domain_stats_reset(b->domain);
	bench_start(b);
	iova = bench_map(b, 128);
	assert_int_equal(bench_spent(b, CHARGE_MAP), owned + HIT);
	bench_start(b);
	bench_unmap(b, iova, 128);
	assert_int_equal(bench_spent(b, CHARGE_UNMAP), CALL + HIT + 2 * WARM + given_back);
	assert_int_equal(bench_spent(b, CHARGE_COPY), 0);
	assert_int_equal(bench_stats(b).copied_bytes, 128);
	assert_int_equal(bench_stats(b).copy_ps, 2 * WARM);
	assert_int_equal(bench_stats(b).lock_acquisitions, 0);
	/* What a device has written is in no cache: the copy's lines come from memory. */
	copied_ps = bench_stats(b).copy_ps;
	for (unsigned i = 0; i < 16; i++) {
		iova = bench_map(b, 128);
		cache_dma_write(b->machine->cache, leads_to(b, iova), 128);
		bench_start(b);
		bench_unmap(b, iova, 128);
		assert_int_equal(bench_spent(b, CHARGE_UNMAP), CALL + HIT + 2 * COLD + given_back);
	}
	assert_int_equal(bench_stats(b).copy_ps - copied_ps, 16 * 2 * COLD);
}

static void a_shadow_costs_its_copy_within_map_and_unmap_and_no_lock(void **state)
{
	static struct bench b;

	(void)state;
	bench_set_up(&b, "shadow");
	bench_on_cpu(&b, 0, shadowed_calls);
	bench_tear_down(&b);
}

static void free_calls(struct bench *b)
{
	struct iotoll_dma_stats stats;

	bench_start(b);
	bench_unmap(b, bench_map(b, 9000), 9000);
	iotoll_dma_sync_single_for_cpu(b->dev, IOTOLL_IOVA(0x400000), 1, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(bench_busy(b), 0);
	iotoll_dma_domain_stats(b->domain, &stats);
	assert_int_equal(stats.maps, 1);
	assert_int_equal(stats.unmaps, 1);
}

static void without_a_table_nothing_is_charged(void **state)
{
	static struct bench b;

	(void)state;
	bench_set_up(&b, "off");
	bench_on_cpu(&b, 0, free_calls);
	bench_tear_down(&b);
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
	bench_set_up(&b, "off");
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
	bench_tear_down(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_and_unmap_are_charged_for_each_step_they_take),
		cmocka_unit_test(a_list_enters_and_locks_once),
		cmocka_unit_test(a_flush_has_a_category_of_its_own_inside_the_unmap),
		cmocka_unit_test(tracking_what_was_freed_costs_a_word_at_each_end),
		cmocka_unit_test(what_another_cpu_used_last_has_to_come_over),
		cmocka_unit_test(a_shadow_costs_its_copy_within_map_and_unmap_and_no_lock),
		cmocka_unit_test(without_a_table_nothing_is_charged),
		cmocka_unit_test(flushes_that_stop_the_whole_chip_take_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
