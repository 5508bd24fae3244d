// SPDX-License-Identifier: MIT
/*
 * See amdvi_program.h. Encodings are those of the AMD IOMMU specification.
 */
#include "amdvi_program.h"

#include <errno.h>

#define POOL  8u
#define LOADS ((EDU_USABLE_BYTES - 2048) / 8)
#define BOTH  (UINT64_C(3) << 61) /* IR, IW */

struct generator {
	struct program *p;
	struct rng *rng;
	uint64_t iova[POOL];
	unsigned loads[PAIR_DEVICES];
	int ret;
};

static uint64_t below(struct generator *g, uint64_t bound)
{
	return rng_below(g->rng, bound);
}

static bool chance(struct generator *g, unsigned percent)
{
	return below(g, 100) < percent;
}

static void add(struct generator *g, struct op op)
{
	if (g->ret == 0)
		g->ret = program_add(g->p, op);
}

static void poke(struct generator *g, uint64_t addr, uint64_t value)
{
	add(g, (struct op){.kind = OP_POKE, .arg = {addr, value}});
}

static void command(struct generator *g, uint64_t lo, uint64_t hi)
{
	add(g, (struct op){.kind = OP_DESC, .arg = {lo, hi}});
}

/* Table indices that the pool of addresses uses, by level. */
static unsigned index_at(struct generator *g, unsigned level)
{
	static const unsigned used[5][4] = {
		{0}, {0, 1, 510, 511}, {16, 17, 16, 0}, {0, 0, 5, 0}, {0, 0, 0, 1}};

	return used[level][below(g, 4)];
}

static uint64_t random_page(struct generator *g)
{
	uint64_t page = 0;

	for (unsigned level = 1; level <= 4; level++)
		page |= (uint64_t)index_at(g, level) << (12 + 9 * (level - 1));
	return page;
}

static uint64_t pool_page(struct generator *g)
{
	uint64_t page = g->iova[below(g, POOL)];

	if (chance(g, 2))
		page |= UINT64_C(1) << (30 + below(g, 20));
	return page;
}

/* A table pointer that may skip levels, or a page of the level's own or of an encoded size. */
static uint64_t random_entry(struct generator *g, unsigned level)
{
	uint64_t entry = 1 | (chance(g, 85) ? BOTH : below(g, 4) << 61);
	const uint64_t kind = below(g, 100);

	if (level == 1 && kind < 15) { /* 16 KiB: bits 13:12 are 01 */
		entry |= UINT64_C(7) << 9 | (RUN_REGION(below(g, 3)) + 0x1000);
	} else if (level == 1) {
		entry |= run_frame((unsigned)below(g, RUN_FRAMES));
	} else if (level == 2 && kind < 8) { /* 4 MiB: bits 21:12 are 0111111111 */
		entry |= UINT64_C(7) << 9 | (RUN_REGION(0) + 0x1ff000);
	} else if (level < 4 && kind < 16) {
		entry |= level == 2 ? RUN_REGION(below(g, 3)) : 0;
	} else {
		const unsigned next = level - 1 - (chance(g, 5) && level > 2);

		entry |= (uint64_t)next << 9 | AMDP_LEVEL(next, below(g, 3));
	}
	if (chance(g, 2)) { /* perhaps another level's size: 8 KiB to 4 MiB */
		entry &= ~(UINT64_C(0xffffffffff000) | UINT64_C(0xe00));
		entry |= UINT64_C(7) << 9 | RUN_REGION(below(g, 3)) |
			 (((UINT64_C(1) << below(g, 10)) - 1) << 12);
	}
	if (chance(g, 10)) /* ignored: 4:1, 8:7 and 63; 6:5 record accesses where that is enabled */
		entry |= rng_u64(g->rng) & UINT64_C(0x800000000000019e);
	if (chance(g, 3))
		entry |= UINT64_C(1) << (52 + below(g, 7));
	if (chance(g, 3))
		entry &= ~UINT64_C(1);
	if (chance(g, 1))
		entry = (entry & ~UINT64_C(0xffffffffff000)) | AMDP_NOWHERE;
	return entry;
}

static void poke_entry(struct generator *g)
{
	const unsigned level = chance(g, 55) ? 1 : 1 + (unsigned)below(g, 4);
	const uint64_t table = AMDP_LEVEL(level, below(g, 3));
	const uint64_t at = table + 8 * index_at(g, level);

	poke(g, at, chance(g, 8) ? 0 : random_entry(g, level));
}

static void poke_device(struct generator *g, unsigned device, bool good)
{
	const uint64_t at = AMDP_DEVICES + 32u * edu_source(device);
	const unsigned levels =
		good || chance(g, 80) ? 3 + (unsigned)below(g, 2) : 1 + (unsigned)below(g, 2);
	uint64_t lo = 3 | BOTH | (uint64_t)levels << 9 | AMDP_LEVEL(levels, below(g, 2));

	if (!good && chance(g, 10))
		lo &= ~(UINT64_C(7) << 9); /* Mode 0 */
	else if (!good && chance(g, 5))
		lo |= UINT64_C(7) << 9;
	if (!good && chance(g, 15))
		lo ^= UINT64_C(1) << (61 + below(g, 2));
	if (!good && chance(g, 5))
		lo ^= 1 + below(g, 2); /* V or TV */
	if (!good && chance(g, 3))
		lo ^= UINT64_C(1) << (uint64_t[]){2, 3, 4, 5, 6, 63}[below(g, 6)];
	poke(g, at + 8, 1 + below(g, 3));
	poke(g, at, lo);
}

/* S=1: the lowest zero bit from 12 up gives the size. */
static uint64_t random_range(struct generator *g)
{
	const uint64_t log2 = chance(g, 60) ? 0 : below(g, 30);
	const uint64_t tables = chance(g, 60) ? 2 : 0;
	uint64_t address = pool_page(g);

	if (log2 != 0) {
		address &= ~((UINT64_C(0x1000) << log2) - 1);
		address |= ((UINT64_C(1) << (log2 - 1)) - 1) << 12 | 1;
	}
	return address | tables;
}

static void random_command(struct generator *g)
{
	const uint64_t domain = 1 + below(g, 4), devid = edu_source((unsigned)below(g, 3));
	const uint64_t kind = below(g, 100);

	if (kind < 35)
		command(g, UINT64_C(3) << 60 | domain << 32, random_range(g));
	else if (kind < 55)
		command(g, UINT64_C(2) << 60 | devid, 0);
	else if (kind < 65) /* everything of a domain */
		command(g, UINT64_C(3) << 60 | domain << 32, UINT64_C(0x7ffffffffffff003));
	else if (kind < 70)
		command(g, UINT64_C(5) << 60 | devid, 0);
	else if (kind < 80)
		command(g, UINT64_C(8) << 60, 0);
	else
		command(g, UINT64_C(1) << 60 | (AMDP_STORE + 8 * below(g, 16)) | 1,
			rng_u64(g->rng));
}

static void transfer(struct generator *g, unsigned device, uint64_t page)
{
	uint64_t offset = 8 * below(g, 8), bytes = 8;
	struct op op = {.kind = OP_STORE};

	if (chance(g, 8)) {
		offset = 0xffc;
	} else if (chance(g, 20)) {
		offset = below(g, 57);
		bytes = 1 + below(g, 8);
	}
	op.arg[0] = device;
	op.arg[1] = page + offset;
	op.arg[2] = bytes;
	op.arg[3] = 8 * below(g, 256);
	if (chance(g, 40) && g->loads[device] < LOADS) {
		op.kind = OP_LOAD;
		op.arg[3] = 2048 + 8u * g->loads[device]++;
	}
	add(g, op);
}

static void random_op(struct generator *g)
{
	const uint64_t kind = below(g, 1000);
	const unsigned device = (unsigned)below(g, PAIR_DEVICES);

	if (kind < 500)
		transfer(g, device, pool_page(g));
	else if (kind < 700)
		poke_entry(g);
	else if (kind < 750)
		poke_device(g, device, chance(g, 50));
	else if (kind < 930)
		random_command(g);
	else if (kind < 990)
		command(g, UINT64_C(8) << 60, 0);
	else
		add(g, (struct op){.kind = OP_ENABLE, .arg = {chance(g, 70)}});
}

int amdvi_generate(struct program *p, struct rng *rng, unsigned variant, unsigned ops)
{
	struct generator g = {.p = p, .rng = rng};

	(void)variant;
	for (unsigned i = 0; i < POOL; i++)
		g.iova[i] = random_page(&g);
	for (unsigned level = 4; level > 0; level--) {
		for (unsigned n = 0; n < 30; n++) {
			const uint64_t table = AMDP_LEVEL(level, below(&g, 3));
			const uint64_t at = table + 8 * index_at(&g, level);

			poke(&g, at, random_entry(&g, level));
		}
	}
	for (unsigned n = 0; n < PAIR_DEVICES; n++)
		poke_device(&g, n, true);
	add(&g, (struct op){.kind = OP_ENABLE, .arg = {1}});
	while (p->ops < ops && g.ret == 0)
		random_op(&g);
	return g.ret;
}
