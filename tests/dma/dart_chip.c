/* SPDX-License-Identifier: MIT */
/*
 * See dart_chip.h.
 */
#include "dart_chip.h"

#include <limits.h>

static void record(struct rig *rig, char op, uint64_t offset, uint32_t value)
{
	if (rig->logged < RIG_LOG_MAX)
		rig->log[rig->logged] = (struct rig_access){op, 4, offset, value};
	rig->logged++;
}

static uint64_t chip_read(void *ctx, uint64_t offset, unsigned width)
{
	struct chip *c = ctx;

	assert_int_equal(width, 4);
	assert_true(offset % 4 == 0 && offset < 0xA000);
	if (offset == CNTL && c->busy != UINT_MAX && (c->reg[CNTL / 4] & c->invalidate)) {
		if (c->left == 0)
			c->reg[CNTL / 4] &= ~c->invalidate;
		else
			c->left--;
	}
	record(&c->rig, 'R', offset, c->reg[offset / 4]);
	return c->reg[offset / 4];
}

static void chip_write(void *ctx, uint64_t offset, uint64_t value, unsigned width)
{
	struct chip *c = ctx;

	assert_int_equal(width, 4);
	assert_true(offset % 4 == 0 && offset < 0xA000 && value <= UINT32_MAX);
	record(&c->rig, 'W', offset, (uint32_t)value);
	c->reg[offset / 4] = (uint32_t)value;
	if (offset == CNTL && (value & c->invalidate)) {
		c->left = c->busy;
		c->set++;
	}
}

void chip_open(struct chip *c, bool u4)
{
	const struct iotoll_env_config config = {
		.ctx = c, .reg_read = chip_read, .reg_write = chip_write};
	struct iotoll_env_config with_memory = config;

	memset(c, 0, sizeof(*c));
	c->invalidate = u4 ? 0x60000000 : 0x400;
	c->rig.memory = memory_create(64u << 20);
	assert_non_null(c->rig.memory);
	with_memory.memory = c->rig.memory;
	assert_int_equal(iotoll_env_create(&c->rig.env, &with_memory), 0);
}

struct iotoll_dma_config dart_config(bool u4, const char *strategy)
{
	return (struct iotoll_dma_config){.driver = u4 ? "dart-u4" : "dart-u3",
					  .strategy = strategy,
					  .allocator = "next-fit",
					  .table_entries = 524288,
					  .check_misuse = true};
}

void chip_start(struct chip *c, bool u4, const char *strategy)
{
	const struct iotoll_dma_config config = dart_config(u4, strategy);
	char why[160] = "";

	chip_open(c, u4);
	if (iotoll_dma_domain_create(&c->rig.domain, c->rig.env, &config, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(iotoll_dma_attach(&c->rig.dev, c->rig.domain, 8, UINT32_MAX), 0);
}

uint32_t table_at(const struct chip *c)
{
	iotoll_phys_t paddr;
	size_t bytes;

	iotoll_dma_domain_table(c->rig.domain, &paddr, &bytes);
	return (uint32_t)IOTOLL_PHYS_U64(paddr);
}

void entry_is(const struct chip *c, uint64_t index, uint8_t b0, uint8_t b1, uint8_t b2, uint8_t b3)
{
	const uint8_t want[4] = {b0, b1, b2, b3};

	assert_memory_equal(iotoll_env_ptr(c->rig.env, IOTOLL_PHYS(table_at(c) + 4 * index), 4),
			    want, 4);
}

/* Unused entries: valid, the number of the dummy page. */
void entry_is_dummy(const struct chip *c, uint64_t index)
{
	iotoll_phys_t dummy;
	uint32_t page;

	assert_true(iotoll_dma_domain_dummy(c->rig.domain, &dummy));
	page = (uint32_t)(IOTOLL_PHYS_U64(dummy) >> 12);
	entry_is(c, index, 0x80, (uint8_t)(page >> 16), (uint8_t)(page >> 8), (uint8_t)page);
}

unsigned logged(const struct chip *c, char op)
{
	unsigned n = 0;

	for (size_t i = 0; i < c->rig.logged; i++)
		n += c->rig.log[i].op == op;
	return n;
}
