/* SPDX-License-Identifier: MIT */
/*
 * See amdvirig.h.
 */
#include "amdvirig.h"

uint64_t amdrig_load(const struct amdrig *r, uint64_t paddr)
{
	uint64_t value;

	memcpy(&value, memory_ptr(r->memory, paddr, 8), 8);
	return value; /* tests run on little-endian hosts */
}

static void store(struct amdrig *r, uint64_t paddr, uint64_t value)
{
	memcpy(memory_ptr(r->memory, paddr, 8), &value, 8);
}

static void record(struct amdrig *r, char op, uint64_t offset, unsigned width, uint64_t value)
{
	if (r->logged < RIG_LOG_MAX)
		r->log[r->logged] = (struct rig_access){op, width, offset, value};
	r->logged++;
}

static uint64_t reg_read(void *ctx, uint64_t offset, unsigned width)
{
	struct amdrig *r = ctx;

	record(r, 'R', offset, width, r->reg[offset / 8]);
	return r->reg[offset / 8];
}

/* Take every command between head and tail. */
static void take_commands(struct amdrig *r)
{
	const uint64_t buffer = r->reg[CMDBUF / 8] & UINT64_C(0x000FFFFFFFFFF000);

	while (r->reg[CHEAD / 8] != r->reg[CTAIL / 8]) {
		const uint64_t at = buffer + r->reg[CHEAD / 8];
		const uint64_t q0 = amdrig_load(r, at), q1 = amdrig_load(r, at + 8);

		if (r->commands < RIG_LOG_MAX) {
			r->command[r->commands][0] = q0;
			r->command[r->commands][1] = q1;
		}
		r->commands++;
		if (!r->stuck && q0 >> 60 == WAIT_OP && q0 & 1)
			store(r, q0 & UINT64_C(0x000FFFFFFFFFFFF8), q1);
		r->reg[CHEAD / 8] = (r->reg[CHEAD / 8] + 16) % 8192;
	}
}

static void reg_write(void *ctx, uint64_t offset, uint64_t value, unsigned width)
{
	struct amdrig *r = ctx;

	record(r, 'W', offset, width, value);
	if (offset == STATUS) {
		r->reg[offset / 8] &= ~value;
		return;
	}
	r->reg[offset / 8] = value;
	if (offset == CTAIL && !r->dead && (r->reg[CONTROL / 8] & 0x1001) == 0x1001)
		take_commands(r);
}

void amdrig_open(struct amdrig *r, uint64_t bytes)
{
	struct iotoll_env_config config = {.ctx = r, .reg_read = reg_read, .reg_write = reg_write};

	memset(r, 0, sizeof(*r));
	r->reg[EFR / 8] = 0x840; /* IA, six levels */
	r->memory = memory_create(bytes);
	assert_non_null(r->memory);
	config.memory = r->memory;
	assert_int_equal(iotoll_env_create(&r->env, &config), 0);
}

struct iotoll_dma_config amdrig_config(const char *strategy)
{
	return (struct iotoll_dma_config){.driver = "amdvi",
					  .strategy = strategy,
					  .allocator = "next-fit",
					  .table_entries = 1u << 20,
					  .check_misuse = true};
}

void amdrig_start(struct amdrig *r, const char *strategy)
{
	const struct iotoll_dma_config config = amdrig_config(strategy);
	char why[128] = "";

	amdrig_open(r, 64u << 20);
	if (iotoll_dma_domain_create(&r->domain, r->env, &config, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(iotoll_dma_attach(&r->dev, r->domain, 0x0108, UINT32_MAX), 0);
}

void amdrig_close(struct amdrig *r)
{
	iotoll_dma_detach(r->dev);
	iotoll_dma_domain_destroy(r->domain);
	assert_int_equal(memory_allocated_pages(r->memory), 0);
	iotoll_env_destroy(r->env);
	memory_destroy(r->memory);
}

void amdrig_forget(struct amdrig *r)
{
	r->logged = r->commands = 0;
}

uint64_t amdrig_map(struct amdrig *r, uint64_t paddr, size_t bytes, enum iotoll_dma_dir dir)
{
	const iotoll_iova_t iova = iotoll_dma_map_page(r->dev, IOTOLL_PHYS(paddr), bytes, dir);

	assert_false(iotoll_dma_mapping_error(iova));
	return IOTOLL_IOVA_U64(iova);
}

struct iotoll_dma_stats amdrig_stats(const struct amdrig *r)
{
	struct iotoll_dma_stats stats;

	iotoll_dma_domain_stats(r->domain, &stats);
	return stats;
}
