/* SPDX-License-Identifier: MIT */
/* See simbench.h. */
#include "simbench.h"

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

void bench_set_up(struct bench *b, const char *strategy)
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
						 .tce_store = STORE,
						 .copy_cold = COLD,
						 .copy_warm = WARM}};
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

void bench_tear_down(struct bench *b)
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

void bench_begin(struct bench *b, unsigned cpu, void (*body)(struct bench *b))
{
	b->body = body;
	b->ran = false;
	assert_non_null(task_create(machine_cpu(b->machine, cpu), "test", in_task, b));
}

void bench_on_cpu(struct bench *b, unsigned cpu, void (*body)(struct bench *b))
{
	bench_begin(b, cpu, body);
	assert_int_equal(sim_run(b->sim, sim_now(b->sim) + SIM_S), 0);
	assert_true(b->ran);
}

void bench_start(struct bench *b)
{
	cpu_account(cpu_current(b->machine), &b->before);
}

uint64_t bench_spent(struct bench *b, enum charge what)
{
	struct cpu_account now;

	cpu_account(cpu_current(b->machine), &now);
	return now.ps[what] - b->before.ps[what];
}

uint64_t bench_busy(struct bench *b)
{
	struct cpu_account now;

	cpu_account(cpu_current(b->machine), &now);
	return now.busy_ps - b->before.busy_ps;
}

iotoll_iova_t bench_map(struct bench *b, size_t bytes)
{
	const iotoll_iova_t iova =
		iotoll_dma_map_page(b->dev, IOTOLL_PHYS(0x400000), bytes, IOTOLL_DMA_FROM_DEVICE);

	assert_false(iotoll_dma_mapping_error(iova));
	return iova;
}

void bench_unmap(struct bench *b, iotoll_iova_t iova, size_t bytes)
{
	iotoll_dma_unmap_page(b->dev, iova, bytes, IOTOLL_DMA_FROM_DEVICE);
}

struct iotoll_dma_stats bench_stats(const struct bench *b)
{
	struct iotoll_dma_stats stats;

	iotoll_dma_domain_stats(b->domain, &stats);
	return stats;
}
