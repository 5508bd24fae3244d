/* SPDX-License-Identifier: MIT */
/* See vtdrig.h. */
#include "vtdrig.h"

#include <stdio.h>

uint64_t vtdrig_word(const struct vtdrig *rig, uint64_t paddr)
{
	const uint8_t *at = memory_ptr(rig->memory, paddr, 8);
	uint64_t value = 0;

	assert_non_null(at);
	for (unsigned i = 0; i < 8; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

static void put32(struct vtdrig *rig, uint64_t paddr, uint32_t value)
{
	uint8_t *at = memory_ptr(rig->memory, paddr, 4);

	assert_non_null(at);
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t low(const struct vtdrig *rig, uint64_t offset)
{
	uint32_t value;

	memcpy(&value, (const uint8_t *)rig->reg + offset, sizeof(value));
	return value;
}

static void set_low(struct vtdrig *rig, uint64_t offset, uint32_t value)
{
	memcpy((uint8_t *)rig->reg + offset, &value, sizeof(value));
}

/* Work off the queue from head to tail. */
static void run_queue(struct vtdrig *rig)
{
	const uint64_t base = rig->reg[IQA / 8] & ~UINT64_C(0xFFF);

	while (!(low(rig, FSTS) & 0x10) && rig->head != (rig->reg[IQT / 8] & 0x7FFF0)) {
		const uint64_t lo = vtdrig_word(rig, base + rig->head);
		const uint64_t hi = vtdrig_word(rig, base + rig->head + 8);

		if (rig->refuse) {
			rig->refuse = false;
			set_low(rig, FSTS, low(rig, FSTS) | 0x10);
			break;
		}
		if (rig->descs < RIG_LOG_MAX) {
			rig->desc[rig->descs][0] = lo;
			rig->desc[rig->descs][1] = hi;
		}
		rig->descs++;
		if ((lo & 0xF) == 5 && lo & 0x20)
			put32(rig, hi, (uint32_t)(lo >> 32));
		rig->head = (rig->head + 16) % 4096;
	}
	rig->reg[IQH / 8] = rig->head;
}

static void settle(struct vtdrig *rig)
{
	if (rig->dead || (rig->pending && rig->pending--))
		return;
	if (low(rig, GSTS) & 0x04000000)
		run_queue(rig);
	if (rig->reg[CCMD / 8] >> 63)
		rig->reg[CCMD / 8] &= ~(UINT64_C(1) << 63);
	if (rig->reg[IOTLB / 8] >> 63) {
		const uint64_t asked = rig->reg[IOTLB / 8] >> 60 & 3;
		const uint64_t done = asked == 3 && rig->reject ? 0 : asked;

		rig->reg[IOTLB / 8] &= ~(UINT64_C(0x86) << 56);
		rig->reg[IOTLB / 8] |= done << 57;
	}
}

static void record(struct vtdrig *rig, char op, uint64_t offset, unsigned width, uint64_t value)
{
	if (rig->logged < RIG_LOG_MAX)
		rig->log[rig->logged] = (struct rig_access){op, width, offset, value};
	rig->logged++;
}

static uint64_t reg_read(void *ctx, uint64_t offset, unsigned width)
{
	struct vtdrig *rig = ctx;
	uint64_t value = 0;

	assert_true((width == 4 || width == 8) && offset % width == 0 && offset + width <= 0x1000);
	settle(rig);
	memcpy(&value, (const uint8_t *)rig->reg + offset, width);
	record(rig, 'R', offset, width, value);
	return value;
}

static void command(struct vtdrig *rig, uint32_t value)
{
	const uint32_t one_shots = 0x69000000;
	uint32_t status = low(rig, GSTS);

	status = (status & one_shots) | (value & ~one_shots);
	if (value & 0x40000000)
		status |= 0x40000000; /* RTPS */
	if (value & 0x04000000 && !(low(rig, GSTS) & 0x04000000))
		rig->head = 0;
	set_low(rig, GSTS, status);
}

static void reg_write(void *ctx, uint64_t offset, uint64_t value, unsigned width)
{
	struct vtdrig *rig = ctx;

	assert_true((width == 4 || width == 8) && offset % width == 0 && offset + width <= 0x1000);
	record(rig, 'W', offset, width, value);
	if (offset == GCMD && !rig->dead)
		command(rig, (uint32_t)value);
	else if (offset == FSTS)
		set_low(rig, FSTS, low(rig, FSTS) & ~(uint32_t)(value & 0xF1));
	else if (offset >= FRCD && offset < FRCD + 8 * 16) /* F is write 1 to clear */
		set_low(rig, offset, low(rig, offset) & ~(uint32_t)(value & 0x80000000));
	else if (offset != GCMD)
		memcpy((uint8_t *)rig->reg + offset, &value, width);
	rig->pending = rig->slow;
	if (!rig->slow)
		settle(rig);
}

void vtdrig_open(struct vtdrig *rig, uint64_t cap, uint64_t ecap)
{
	struct iotoll_env_config config = {
		.ctx = rig, .reg_read = reg_read, .reg_write = reg_write};

	memset(rig, 0, sizeof(*rig));
	rig->reg[CAP / 8] = cap;
	rig->reg[ECAP / 8] = ecap;
	rig->memory = memory_create(64u << 20);
	assert_non_null(rig->memory);
	config.memory = rig->memory;
	assert_int_equal(iotoll_env_create(&rig->env, &config), 0);
}

struct iotoll_dma_config vtdrig_config(const char *strategy)
{
	return (struct iotoll_dma_config){.driver = "vtd",
					  .strategy = strategy,
					  .allocator = "next-fit",
					  .table_entries = 1u << 20,
					  .check_misuse = true};
}

void vtdrig_start(struct vtdrig *rig, uint64_t cap, uint64_t ecap, const char *strategy)
{
	const struct iotoll_dma_config config = vtdrig_config(strategy);
	char why[128] = "";

	vtdrig_open(rig, cap, ecap);
	if (iotoll_dma_domain_create(&rig->domain, rig->env, &config, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(iotoll_dma_attach(&rig->dev, rig->domain, 0x0008, UINT32_MAX), 0);
	vtdrig_forget(rig);
}

void vtdrig_close(struct vtdrig *rig)
{
	iotoll_dma_detach(rig->dev);
	iotoll_dma_domain_destroy(rig->domain);
	assert_int_equal(memory_allocated_pages(rig->memory), 0);
	iotoll_env_destroy(rig->env);
	memory_destroy(rig->memory);
}

void vtdrig_forget(struct vtdrig *rig)
{
	rig->logged = 0;
	rig->descs = 0;
}

void vtdrig_expect(const struct vtdrig *rig, const struct rig_access *want, size_t n)
{
	rig_expect_log(rig->log, rig->logged, want, n);
}

void vtdrig_expect_descs(const struct vtdrig *rig, const uint64_t (*want)[2], size_t n)
{
	for (size_t i = 0; i < n && i < rig->descs; i++)
		if (rig->desc[i][0] != want[i][0] ||
		    ((want[i][0] & 0xF) != 5 && rig->desc[i][1] != want[i][1]))
			fail_msg("descriptor %zu: 0x%llx 0x%llx, expected 0x%llx 0x%llx", i,
				 (unsigned long long)rig->desc[i][0],
				 (unsigned long long)rig->desc[i][1],
				 (unsigned long long)want[i][0], (unsigned long long)want[i][1]);
	assert_int_equal(rig->descs, n);
}

uint64_t vtdrig_entry(const struct vtdrig *rig, unsigned sid, uint64_t iova)
{
	const uint64_t root = vtdrig_word(rig, rig->reg[RTADDR / 8] + (sid >> 8) * 16);
	uint64_t entry, table;

	if (!(root & 1))
		return 0;
	entry = vtdrig_word(rig, (root & ~UINT64_C(0xFFF)) + (sid & 0xFF) * 16);
	if (!(entry & 1))
		return 0;
	table = entry & ~UINT64_C(0xFFF);
	for (unsigned shift = 39; shift > 12; shift -= 9) {
		entry = vtdrig_word(rig, table + (iova >> shift & 511) * 8);
		if (!(entry & 3))
			return 0;
		assert_int_equal(entry & 3, 3);
		table = entry & ~UINT64_C(0xFFF);
	}
	return vtdrig_word(rig, table + (iova >> 12 & 511) * 8);
}

struct iotoll_dma_stats vtdrig_stats(const struct vtdrig *rig)
{
	struct iotoll_dma_stats stats;

	iotoll_dma_domain_stats(rig->domain, &stats);
	return stats;
}

uint64_t vtdrig_map(struct vtdrig *rig, uint64_t paddr, size_t bytes, enum iotoll_dma_dir dir)
{
	const iotoll_iova_t iova = iotoll_dma_map_page(rig->dev, IOTOLL_PHYS(paddr), bytes, dir);

	assert_false(iotoll_dma_mapping_error(iova));
	return IOTOLL_IOVA_U64(iova);
}

void vtdrig_unmap(struct vtdrig *rig, uint64_t iova, size_t bytes, enum iotoll_dma_dir dir)
{
	iotoll_dma_unmap_page(rig->dev, IOTOLL_IOVA(iova), bytes, dir);
}
