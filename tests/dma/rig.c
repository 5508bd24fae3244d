/* SPDX-License-Identifier: MIT */
/*
 * See rig.h. Registers hold their bytes in the order in which the CPU sees them, as the chip's
 * big-endian lanes do.
 */
#include "rig.h"

#include <limits.h>
#include <stdio.h>

static void record(struct rig *rig, char op, uint64_t offset, unsigned width, uint64_t value)
{
	/* Registers of different domains are reached by different threads at once. */
	const size_t at = __atomic_fetch_add(&rig->logged, 1, __ATOMIC_RELAXED);

	if (at < RIG_LOG_MAX)
		rig->log[at] = (struct rig_access){op, width, offset, value};
}

static bool is_split_queue(uint64_t offset)
{
	for (unsigned phb = 0; phb < CALGARY_PHBS; phb++)
		if (offset == calgary_debug_reg(phb, CALGARY_DEBUG_SPLITQ))
			return true;
	return false;
}

static uint64_t reg_read(void *ctx, uint64_t offset, unsigned width)
{
	struct rig *rig = ctx;
	uint64_t value = 0;

	assert_true(width == 4 || width == 8);
	assert_true(offset % width == 0 && offset + width <= CALGARY_WINDOW_BYTES);
	memcpy(&value, &rig->window[offset], width);
	if (is_split_queue(offset)) {
		value = rig->busy_reads ? 0x7f : 0xff;
		if (rig->busy_reads && rig->busy_reads != UINT_MAX)
			rig->busy_reads--;
	}
	record(rig, 'R', offset, width, value);
	return value;
}

static void reg_write(void *ctx, uint64_t offset, uint64_t value, unsigned width)
{
	struct rig *rig = ctx;

	assert_true(width == 4 || width == 8);
	assert_true(offset % width == 0 && offset + width <= CALGARY_WINDOW_BYTES);
	record(rig, 'W', offset, width, value);
	memcpy(&rig->window[offset], &value, width);
}

const char *rig_translating(unsigned index)
{
	static const char *const names[] = {"strict",   "deferred",    "deferred-tracked",
					    "batched",  "flush-queue", "burst",
					    "unflushed"};

	return index < sizeof(names) / sizeof(names[0]) ? names[index] : NULL;
}

bool rig_follows_requests(const char *strategy)
{
	for (unsigned i = 0; rig_translating(i); i++)
		if (strcmp(rig_translating(i), strategy) == 0)
			return true;
	return false;
}

struct iotoll_dma_config rig_config(void)
{
	return (struct iotoll_dma_config){.driver = "calgary",
					  .strategy = "deferred",
					  .allocator = "next-fit",
					  .bus = 1,
					  .table_entries = 8192,
					  .check_misuse = true};
}

bool rig_stands(const char *strategy)
{
	return strcmp(strategy, "preallocated") == 0;
}

struct iotoll_dma_config rig_config_for(const char *strategy)
{
	struct iotoll_dma_config config = rig_config();

	config.strategy = strategy;
	if (rig_stands(strategy) || strncmp(strategy, "identity", 8) == 0)
		config.table_entries = 16384;
	/* 64 MiB of bounce buffers would be all the memory there is. */
	if (strcmp(strategy, "swiotlb") == 0)
		config.quota = 256;
	return config;
}

void rig_open(struct rig *rig, uint64_t bytes)
{
	struct iotoll_env_config config = {
		.ctx = rig, .reg_read = reg_read, .reg_write = reg_write};

	memset(rig, 0, sizeof(*rig));
	rig->memory = memory_create(bytes);
	assert_non_null(rig->memory);
	config.memory = rig->memory;
	assert_int_equal(iotoll_env_create(&rig->env, &config), 0);
}

void rig_start(struct rig *rig, const struct iotoll_dma_config *config)
{
	char why[128] = "";

	rig_open(rig, 64u << 20);
	if (iotoll_dma_domain_create(&rig->domain, rig->env, config, why, sizeof(why)))
		fail_msg("%s: %s", config->strategy, why);
	assert_int_equal(iotoll_dma_attach(&rig->dev, rig->domain, 8, UINT32_MAX), 0);
}

void rig_close(struct rig *rig)
{
	iotoll_dma_detach(rig->dev);
	iotoll_dma_domain_destroy(rig->domain);
	assert_int_equal(memory_allocated_pages(rig->memory), 0);
	iotoll_env_destroy(rig->env);
	memory_destroy(rig->memory);
}

void rig_forget(struct rig *rig)
{
	rig->logged = 0;
}

uint32_t rig_get32(const struct rig *rig, uint64_t offset)
{
	uint32_t raw;

	memcpy(&raw, &rig->window[offset], sizeof(raw));
	return __builtin_bswap32(raw);
}

void rig_put32(struct rig *rig, uint64_t offset, uint32_t value)
{
	value = __builtin_bswap32(value);
	memcpy(&rig->window[offset], &value, sizeof(value));
}

uint64_t rig_get64(const struct rig *rig, uint64_t offset)
{
	uint64_t raw;

	memcpy(&raw, &rig->window[offset], sizeof(raw));
	return __builtin_bswap64(raw);
}

void rig_put64(struct rig *rig, uint64_t offset, uint64_t value)
{
	value = __builtin_bswap64(value);
	memcpy(&rig->window[offset], &value, sizeof(value));
}

void rig_expect_log(const struct rig_access *log, size_t logged, const struct rig_access *want,
		    size_t n)
{
	for (size_t i = 0; i < n && i < logged; i++) {
		const struct rig_access *got = &log[i];

		if (got->op != want[i].op || got->width != want[i].width ||
		    got->offset != want[i].offset || got->value != want[i].value)
			fail_msg("access %zu: %c%u 0x%llx = 0x%llx, expected %c%u 0x%llx = 0x%llx",
				 i, got->op, got->width, (unsigned long long)got->offset,
				 (unsigned long long)got->value, want[i].op, want[i].width,
				 (unsigned long long)want[i].offset,
				 (unsigned long long)want[i].value);
	}
	assert_int_equal(logged, n);
}

void rig_expect(const struct rig *rig, const struct rig_access *want, size_t n)
{
	rig_expect_log(rig->log, rig->logged, want, n);
}

uint64_t rig_tce(const struct rig *rig, uint64_t index)
{
	iotoll_phys_t table;
	size_t bytes;
	const uint8_t *tces;

	iotoll_dma_domain_table(rig->domain, &table, &bytes);
	assert_true(index < bytes / 8);
	tces = iotoll_env_ptr(rig->env, table, bytes);
	return calgary_tce_unpack(&tces[index * 8]);
}

struct iotoll_dma_stats rig_stats(const struct rig *rig)
{
	struct iotoll_dma_stats stats;

	iotoll_dma_domain_stats(rig->domain, &stats);
	return stats;
}

uint64_t rig_map(struct rig *rig, uint64_t paddr, size_t bytes)
{
	const iotoll_iova_t iova =
		iotoll_dma_map_page(rig->dev, IOTOLL_PHYS(paddr), bytes, IOTOLL_DMA_FROM_DEVICE);

	assert_false(iotoll_dma_mapping_error(iova));
	return IOTOLL_IOVA_U64(iova);
}

void rig_unmap(struct rig *rig, uint64_t iova, size_t bytes)
{
	iotoll_dma_unmap_page(rig->dev, IOTOLL_IOVA(iova), bytes, IOTOLL_DMA_FROM_DEVICE);
}

void rig_settle(struct rig *rig)
{
	(void)iotoll_dma_domain_tick(rig->domain);
	assert_int_equal(rig_stats(rig).kept_pages, 0);
}

uint64_t rig_seed(void)
{
	const char *text = getenv("IOTOLL_TEST_SEED");
	const uint64_t seed = text ? strtoull(text, NULL, 0) : 20070627;

	print_message("IOTOLL_TEST_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

void rig_for_each_strategy(void (*body)(struct rig *rig))
{
	static struct rig rig;

	for (int i = -1; i < 0 || rig_translating((unsigned)i); i++) {
		for (unsigned check = 0; check < 2; check++) {
			struct iotoll_dma_config config = rig_config();

			config.strategy = i < 0 ? "off" : rig_translating((unsigned)i);
			config.check_misuse = check;
			rig_start(&rig, &config);
			body(&rig);
			rig_close(&rig);
		}
	}
}

bool rig_has_table(const struct rig *rig)
{
	return rig_stats(rig).usable_entries != 0;
}
