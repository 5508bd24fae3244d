// SPDX-License-Identifier: MIT
/*
 * See vtd_program.h. Encodings are those of the VT-d specification.
 */
#include "vtd_generator.h"

#include <errno.h>
#include <stdlib.h>

uint64_t gen_below(struct generator *g, uint64_t bound)
{
	return rng_below(g->rng, bound);
}

bool gen_chance(struct generator *g, unsigned percent)
{
	return gen_below(g, 100) < percent;
}

static void add4(struct generator *g, enum op_kind kind, uint64_t a, uint64_t b, uint64_t c,
		 uint64_t d)
{
	if (kind == OP_POKE && a >= RUN_TABLES && a <= RUN_TABLES_END - 8)
		g->shadow[(a - RUN_TABLES) / 8] = b;
	if (kind == OP_REG64 && a == 0x20)
		g->rtaddr = b;
	if (kind == OP_ROOT)
		g->root = g->rtaddr;
	if (g->ret == 0)
		g->ret = program_add(g->p, (struct op){.kind = kind, .arg = {a, b, c, d}});
}

void gen_add(struct generator *g, enum op_kind kind, uint64_t a, uint64_t b)
{
	add4(g, kind, a, b, 0, 0);
}

/* Table indices that the pool of addresses uses, by level. */
static unsigned index_at(struct generator *g, unsigned level)
{
	static const unsigned used[5][4] = {
		{0}, {0, 1, 510, 511}, {16, 17, 16, 18}, {0, 0, 5, 0}, {0, 0, 0, 1}};

	return used[level][gen_below(g, 4)];
}

static uint64_t random_page(struct generator *g)
{
	uint64_t page = (uint64_t)index_at(g, 3) << 30;

	page |= (16 + gen_below(g, 2)) << 21;
	page |= (uint64_t)index_at(g, 1) << 12;
	if (g->width == 48)
		page |= (uint64_t)index_at(g, 4) << 39;
	return page;
}

uint64_t gen_page(struct generator *g)
{
	uint64_t page = g->iova[gen_below(g, POOL)];

	if (gen_chance(g, 1))
		page |= UINT64_C(1) << (38 + gen_below(g, 15));
	return page;
}

static uint64_t random_entry(struct generator *g, unsigned level)
{
	uint64_t entry = gen_chance(g, 90) ? 3 : gen_below(g, 4);
	const bool leaf = level == 1 || (level < 4 && gen_chance(g, 15));

	if (level == 1)
		entry |= run_frame((unsigned)gen_below(g, RUN_FRAMES));
	else if (leaf)
		entry |= 0x80 | (level == 2 ? RUN_REGION(gen_below(g, 3)) : gen_below(g, 2) << 30);
	else
		entry |= VTDP_LEVEL(level - 1, gen_below(g, 3));
	if (gen_chance(g, 8)) /* ignored: 10:8, 6:2, 61:52, 63 */
		entry |= rng_u64(g->rng) & UINT64_C(0xbff000000000077c);
	if (gen_chance(g, 2)) /* reserved, or the page size bit where it is not looked at */
		entry |= UINT64_C(1)
			 << (uint64_t[]){7, 11, 12, 20, 29, 48, 51, 62}[gen_below(g, 8)];
	if (gen_chance(g, 2))
		entry = (entry & 0xfff) | VTDP_NOWHERE;
	if (level == 1 && gen_chance(g, 1)) /* the interrupt window */
		entry = (entry & 0xfff) | 0xfee00000;
	return entry;
}

static void put_entry(struct generator *g, unsigned level, uint64_t entry)
{
	const uint64_t table = VTDP_LEVEL(level, gen_below(g, 3));

	gen_add(g, OP_POKE, table + 8 * index_at(g, level), entry);
}

static void poke_entry(struct generator *g)
{
	const unsigned levels = g->width == 48 ? 4 : 3;
	const unsigned level = gen_chance(g, 55) ? 1 : 1 + (unsigned)gen_below(g, levels);

	put_entry(g, level, gen_chance(g, 10) ? 0 : random_entry(g, level));
}

/* @good: translating, well formed. */
static void poke_context(struct generator *g, unsigned device, unsigned table, bool good)
{
	const uint64_t at = VTDP_CONTEXT(table) + 16 * (edu_source(device) & 0xffu);
	unsigned aw = g->width == 48 && gen_chance(g, 60) ? 2 : 1;
	uint64_t lo, hi;

	lo = VTDP_LEVEL(aw + 2, gen_below(g, 2)) | 1;
	if (!good && gen_chance(g, 10)) /* the type: pass-through, seldom another */
		lo |= (gen_chance(g, 80) ? 2 : 1 + gen_below(g, 3)) << 2;
	if (!good && gen_chance(g, 5)) /* an unsupported width */
		aw = (unsigned[]){0, 3, 4, 5, 6, 7}[gen_below(g, 6)];
	hi = aw | (1 + gen_below(g, 3)) << 8;
	if (gen_chance(g, 6))
		lo |= 2;
	if (!good && gen_chance(g, 6))
		lo &= ~UINT64_C(1);
	if (gen_chance(g, 10))
		hi |= gen_below(g, 16) << 3;
	if (!good && gen_chance(g, 2))
		lo |= UINT64_C(1) << (4 + gen_below(g, 8));
	if (!good && gen_chance(g, 2))
		hi |= UINT64_C(1) << (uint64_t[]){7, 24, 40, 63}[gen_below(g, 4)];
	if (!good && gen_chance(g, 1))
		lo = (lo & 0xfff) | VTDP_NOWHERE;
	gen_add(g, OP_POKE, at + 8, hi);
	gen_add(g, OP_POKE, at, lo);
}

static uint64_t random_iva(struct generator *g)
{
	const uint64_t am = gen_chance(g, 60)   ? 0
			    : gen_chance(g, 90) ? gen_below(g, 19)
						: gen_below(g, 64);

	const uint64_t leaves_only = gen_chance(g, 30) ? 0x40 : 0;

	return gen_page(g) | leaves_only | am;
}

/* One descriptor of a kind that QEMU survives. */
static void submit(struct generator *g)
{
	const uint64_t did = 1 + gen_below(g, 4);
	const uint64_t sid = edu_source((unsigned)gen_below(g, PAIR_DEVICES));
	const uint64_t four = gen_below(g, 4), three = 1 + gen_below(g, 3);
	const uint64_t kind = gen_below(g, 100);
	uint64_t lo, hi = 0, flip = 0;

	if (kind < 20) {
		lo = 1 | three << 4 | did << 16 | sid << 32 | four << 48;
	} else if (kind < 60) {
		lo = 2 | three << 4 | four << 6 | did << 16;
		hi = three == 3 ? random_iva(g) : 0;
	} else if (kind < 85) {
		lo = 5 | 1 << 5 | (four & 1) << 6 | (rng_u64(g->rng) & 0xffffffff00000000);
		hi = VTDP_STATUS + 4 * gen_below(g, 16);
	} else if (kind < 90) {
		lo = 5 | 1 << 4;
	} else if (kind < 94 && g->device_tlb) {
		lo = 3 | sid << 32;
		hi = gen_page(g);
	} else if (kind < 97) {
		lo = 12 + four; /* no such type */
	} else {
		lo = 2 | 1 << 4;
	}
	if (kind >= 97 || gen_chance(g, 15)) /* a bit that may be reserved */
		flip = UINT64_C(1) << gen_below(g, gen_chance(g, 40) ? 16 : 64);
	if (gen_chance(g, 60))
		lo ^= flip;
	else
		hi ^= flip;
	gen_add(g, OP_DESC, lo, hi);
	if (flip != 0 && gen_chance(g, 80))
		gen_add(g, OP_RECOVER, 0, 0);
}

static void invalidate(struct generator *g)
{
	const uint64_t did = 1 + gen_below(g, 4);
	const uint64_t source = edu_source((unsigned)gen_below(g, PAIR_DEVICES));
	const uint64_t four = gen_below(g, 4), other = gen_below(g, 4);

	if (g->queued) {
		submit(g);
	} else if (gen_chance(g, 30)) {
		gen_add(g, OP_REG64, 0x28,
			UINT64_C(1) << 63 | four << 61 | other << 32 | source << 16 | did);
	} else {
		gen_add(g, OP_REG64, 0xf0, random_iva(g));
		gen_add(g, OP_REG64, 0xf8,
			UINT64_C(1) << 63 | four << 60 | other << 48 | did << 32);
	}
}

void gen_invalidate_all(struct generator *g)
{
	if (g->queued) {
		gen_add(g, OP_RECOVER, 0, 0);
		gen_add(g, OP_DESC, 1 | 1 << 4, 0);
		gen_add(g, OP_DESC, 2 | 1 << 4, 0);
	} else {
		gen_add(g, OP_REG64, 0x28, UINT64_C(5) << 61);
		gen_add(g, OP_REG64, 0xf8, UINT64_C(9) << 60);
	}
}

void gen_transfer(struct generator *g, unsigned device, uint64_t page)
{
	uint64_t offset = 8 * gen_below(g, 8), bytes = 8;

	if (gen_chance(g, 8)) {
		offset = 0xffc; /* across the page's end */
	} else if (gen_chance(g, 20)) {
		offset = gen_below(g, 57);
		bytes = 1 + gen_below(g, 8);
	}
	if (gen_chance(g, 60) || g->loads[device] == LOADS)
		add4(g, OP_STORE, device, page + offset, bytes, 8 * gen_below(g, 256));
	else
		add4(g, OP_LOAD, device, page + offset, bytes, 2048 + 8u * g->loads[device]++);
}

/* Registers that only hold something, the write-1-to-clear ones, interrupts staying masked. */
static void write_register(struct generator *g)
{
	static const struct {
		unsigned offset;
		uint32_t mask, set;
	} plain[] = {
		{0x38, 0xffffffff, 0x80000000}, {0x3c, 0xffffffff, 0},
		{0x40, 0xffffffff, 0},          {0x44, 0xffffffff, 0},
		{0xa0, 0xffffffff, 0x80000000}, {0xa4, 0xffffffff, 0},
		{0xa8, 0xffffffff, 0},          {0xac, 0xffffffff, 0},
		{0x9c, 0xffffffff, 0},          {0x34, 0xffffffef, 0},
		{0x00, 0xffffffff, 0},          {0x1c, 0xffffffff, 0},
	};
	const unsigned i = (unsigned)gen_below(g, sizeof(plain) / sizeof(plain[0]));

	gen_add(g, OP_REG32, plain[i].offset, (rng_u64(g->rng) & plain[i].mask) | plain[i].set);
}

static void prologue(struct generator *g)
{
	for (unsigned i = 0; i < POOL; i++)
		g->iova[i] = random_page(g);
	gen_add(g, OP_POKE, VTDP_ROOT(0), VTDP_CONTEXT(0) | 1);
	gen_add(g, OP_POKE, VTDP_ROOT(1), VTDP_CONTEXT(1) | 1);
	for (unsigned level = g->width == 48 ? 4 : 3; level > 0; level--) {
		for (unsigned n = 0; n < 30; n++)
			put_entry(g, level, random_entry(g, level));
	}
	for (unsigned n = 0; n < 2 * PAIR_DEVICES; n++)
		poke_context(g, n % PAIR_DEVICES, n / PAIR_DEVICES, true);
	gen_add(g, OP_REG64, 0x20, VTDP_ROOT(0));
	gen_add(g, OP_ROOT, 0, 0);
	gen_invalidate_all(g);
	gen_add(g, OP_ENABLE, 1, 0);
}

static void random_op(struct generator *g)
{
	const uint64_t kind = gen_below(g, 1000);

	if (kind < 250) {
		gen_transfer(g, (unsigned)gen_below(g, PAIR_DEVICES), gen_page(g));
	} else if (kind < 450) {
		gen_episode(g);
	} else if (kind < 520) {
		poke_entry(g);
	} else if (kind < 545) {
		const unsigned device = (unsigned)gen_below(g, PAIR_DEVICES);
		const unsigned table = (unsigned)gen_below(g, 2);

		poke_context(g, device, table, gen_chance(g, 60));
	} else if (kind < 560) {
		const uint64_t root = VTDP_ROOT(gen_below(g, 2));

		gen_add(g, OP_POKE, root, VTDP_CONTEXT(gen_below(g, 2)) | 1);
		gen_add(g, OP_POKE, root + 8, 0);
	} else if (kind < 720) {
		invalidate(g);
	} else if (kind < 760) {
		gen_invalidate_all(g);
	} else if (kind < 900) {
		gen_add(g, OP_ACK, 0, 0);
	} else if (kind < 905) {
		gen_add(g, OP_ENABLE, gen_chance(g, 70), 0);
	} else if (kind < 912) {
		gen_add(g, OP_REG64, 0x20, VTDP_ROOT(gen_below(g, 4) == 0));
	} else if (kind < 917) {
		gen_add(g, OP_ROOT, 0, 0);
	} else if (kind < 925) {
		g->queued = !g->queued;
		gen_add(g, OP_QUEUE, g->queued, 0);
	} else if (kind < 960) {
		gen_add(g, OP_RECOVER, 0, 0);
	} else {
		write_register(g);
	}
}

int vtd_generate(struct program *p, struct rng *rng, unsigned variant, unsigned ops)
{
	struct generator *g = calloc(1, sizeof(*g));
	int ret;

	if (g == NULL)
		return -ENOMEM;
	g->p = p;
	g->rng = rng;
	g->width = vtd_width(variant);
	g->device_tlb = vtd_device_tlb(variant);
	prologue(g);
	while (p->ops < ops && g->ret == 0)
		random_op(g);
	ret = g->ret;
	free(g);
	return ret;
}
