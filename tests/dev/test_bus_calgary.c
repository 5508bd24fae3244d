/* SPDX-License-Identifier: MIT */
/*
 * The bus over the real bridge: tables in the machine's memory, everything programmed through
 * Calgary's registers, devices seeing only addresses and aborts.
 */
#include "rig.h"

#include <errno.h>

#include "spec/calgary.h"

#define TABLE    0x200000u
#define PHB      1u
#define AGENT    9u
#define REG(reg) calgary_phb_reg(PHB, reg)

struct bench {
	struct rig rig;
	struct iommu *calgary;
	struct bus *bus, *other;
	struct bus_port port;
};

static int table_read(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	const void *from = memory_ptr(ctx, paddr, bytes);

	if (!from)
		return -EFAULT;
	memcpy(to, from, bytes);
	return 0;
}

static void writel(struct bench *b, uint64_t offset, uint32_t value)
{
	b->calgary->ops->reg_write(b->calgary, offset, calgary_cpu32(value), 4);
}

static uint32_t readl(struct bench *b, uint64_t offset)
{
	return calgary_cpu32((uint32_t)b->calgary->ops->reg_read(b->calgary, offset, 4));
}

static bool drained(struct bench *b)
{
	const uint64_t v = b->calgary->ops->reg_read(
		b->calgary, calgary_debug_reg(PHB, CALGARY_DEBUG_SPLITQ), 8);

	return (v & 0xff) == 0xff; /* as the driver looks at it */
}

static void bench_make(struct bench *b)
{
	static const struct bus_limits limits = {.one_dma = true};
	struct iommu_config config = {
		.model = "calgary",
		.iotlb = {.entries = 16, .ways = 4, .line_pages = 1, .policy = "lru"},
		.track_stale = true,
	};
	struct err err;

	rig_make(&b->rig, false);
	config.memory = (struct iotoll_memory){.ctx = b->rig.machine->mem, .read = table_read};
	assert_int_equal(iommu_create(&b->calgary, &config, &err), 0);
	b->bus = bus_create(b->rig.machine, b->calgary, PHB);
	b->other = bus_create(b->rig.machine, b->calgary, PHB + 1);
	assert_non_null(b->bus);
	assert_non_null(b->other);
	assert_int_equal(bus_port_init(&b->port, b->bus, AGENT, &limits), 0);
	b->calgary->ops->reg_write(b->calgary, calgary_tar(PHB),
				   calgary_cpu64(calgary_tar_value(0, TABLE, 0)), 8);
	writel(b, REG(CALGARY_AER), UINT32_MAX);
	writel(b, REG(CALGARY_CONFIG_RW), CALGARY_TRANSLATE_BITS);
}

static void bench_free(struct bench *b)
{
	bus_destroy(b->bus); /* not the newest observer first */
	bus_destroy(b->other);
	assert_null(b->calgary->observer.arbitration);
	iommu_destroy(b->calgary);
	rig_free(&b->rig);
}

static void map(struct bench *b, uint64_t pfn, uint64_t paddr, bool write)
{
	calgary_tce_pack(rig_at(&b->rig, TABLE + pfn * CALGARY_TCE_BYTES),
			 calgary_tce(paddr, true, write));
}

static void unmap(struct bench *b, uint64_t pfn)
{
	calgary_tce_pack(rig_at(&b->rig, TABLE + pfn * CALGARY_TCE_BYTES), 0);
}

static int dma(struct bench *b, uint64_t iova, void *data, uint32_t bytes, enum iotoll_access way)
{
	struct bus_request req = rig_request(&b->rig, iova, data, bytes, way);

	b->rig.finished = 0;
	bus_submit(&b->port, &req);
	rig_run_us(&b->rig, 50);
	assert_int_equal(b->rig.finished, 1);
	return b->rig.status[0];
}

static void refused_write_latches_its_agent_and_never_reaches_memory(void **state)
{
	struct bench b;
	uint8_t data[64];

	(void)state;
	bench_make(&b);
	memset(data, 0x5a, sizeof(data));
	map(&b, 40, 0x300000, false);
	assert_int_equal(dma(&b, 40 * 4096, data, 64, IOTOLL_WRITE), -EPERM);
	assert_int_equal(*rig_at(&b.rig, 0x300000), 0);
	assert_true(readl(&b, REG(CALGARY_CSR)) & CALGARY_CSR_ERRORS);
	assert_int_equal((readl(&b, REG(CALGARY_CSR)) & CALGARY_CSR_AGENT) >>
				 CALGARY_CSR_AGENT_SHIFT,
			 AGENT);
	assert_int_equal(readl(&b, calgary_phb_reg(PHB + 1, CALGARY_CSR)), 0);
	/* The error is latched, the bus goes on until software shuts it off. */
	assert_int_equal(dma(&b, 40 * 4096, data, 64, IOTOLL_READ), 0);
	assert_int_equal(bus_stats(b.bus)->refused, 1);
	bench_free(&b);
}

static void cached_translation_outlives_its_entry_and_is_counted_stale(void **state)
{
	struct bench b;
	uint8_t data[64] = {1};

	(void)state;
	bench_make(&b);
	map(&b, 40, 0x300000, true);
	assert_int_equal(dma(&b, 40 * 4096, data, 64, IOTOLL_WRITE), 0);
	unmap(&b, 40);
	assert_int_equal(dma(&b, 40 * 4096, data, 64, IOTOLL_WRITE), 0);
	assert_int_equal(bus_stats(b.bus)->stale_writes, 1);
	b.calgary->ops->reg_write(b.calgary, calgary_tar(PHB),
				  calgary_cpu64(calgary_tar_value(0, TABLE, 0)), 8);
	assert_int_equal(dma(&b, 40 * 4096, data, 64, IOTOLL_WRITE), -EPERM);
	bench_free(&b);
}

static void drain_handshake_sees_the_transaction_out(void **state)
{
	struct bench b;
	uint8_t data[2][64] = {{1}, {2}};
	struct bus_request first, second;

	(void)state;
	bench_make(&b);
	map(&b, 40, 0x300000, true);
	assert_true(drained(&b));
	first = rig_request(&b.rig, 40 * 4096, data[0], 64, IOTOLL_WRITE);
	second = rig_request(&b.rig, 40 * 4096 + 64, data[1], 64, IOTOLL_WRITE);
	bus_submit(&b.port, &first);
	bus_submit(&b.port, &second);
	writel(&b, REG(CALGARY_AER), 0);
	assert_false(drained(&b));
	rig_run_us(&b.rig, 10);
	assert_true(drained(&b));
	assert_int_equal(b.rig.finished, 1);
	writel(&b, REG(CALGARY_AER), UINT32_MAX);
	rig_run_us(&b.rig, 10);
	assert_int_equal(b.rig.finished, 2);
	bench_free(&b);
}

static void slots_switched_off_end_every_dma_for_good(void **state)
{
	struct bench b;
	uint8_t data[64] = {1};
	struct bus_request waiting;

	(void)state;
	bench_make(&b);
	map(&b, 40, 0x300000, true);
	writel(&b, REG(CALGARY_AER), 0);
	waiting = rig_request(&b.rig, 40 * 4096, data, 64, IOTOLL_WRITE);
	bus_submit(&b.port, &waiting);
	rig_run_us(&b.rig, 10);
	assert_int_equal(b.rig.finished, 0);
	writel(&b, REG(CALGARY_AER), UINT32_MAX);
	writel(&b, REG(CALGARY_CONFIG_RW), CALGARY_TRANSLATE_BITS | CALGARY_SLOT_DISABLE);
	rig_run_us(&b.rig, 10);
	assert_int_equal(b.rig.finished, 1);
	assert_int_equal(b.rig.status[0], -ESHUTDOWN);
	assert_int_equal(dma(&b, 40 * 4096, data, 64, IOTOLL_WRITE), -ESHUTDOWN);
	bench_free(&b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_write_latches_its_agent_and_never_reaches_memory),
		cmocka_unit_test(cached_translation_outlives_its_entry_and_is_counted_stale),
		cmocka_unit_test(drain_handshake_sees_the_transaction_out),
		cmocka_unit_test(slots_switched_off_end_every_dma_for_good),
	};

	return cmocka_run_group_tests_name("dev/bus_calgary", tests, NULL, NULL);
}
