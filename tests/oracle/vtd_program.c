// SPDX-License-Identifier: MIT
/*
 * See vtd_program.h. Encodings are those of the VT-d specification.
 */
#include "vtd_program.h"

#include <errno.h>

#define POOL  8u
#define LOADS ((EDU_USABLE_BYTES - 2048) / 8) /* places that a device can load into */

struct generator {
	struct program *p;
	struct rng *rng;
	unsigned width;
	bool device_tlb;
	uint64_t iova[POOL];
	unsigned loads[PAIR_DEVICES];
	int ret;
};

static uint64_t below(struct generator *g, uint64_t bound)
{
	return rng_below(g->rng, bound);
}

/* True in @percent of a hundred cases. */
static bool chance(struct generator *g, unsigned percent)
{
	return below(g, 100) < percent;
}

static void add(struct generator *g, enum op_kind kind, uint64_t a, uint64_t b, uint64_t c,
		uint64_t d)
{
	if (g->ret == 0)
		g->ret = program_add(g->p, (struct op){.kind = kind, .arg = {a, b, c, d}});
}

/* Table indices that the pool of addresses uses, by level. */
static unsigned index_at(struct generator *g, unsigned level)
{
	static const unsigned used[5][4] = {
		{0}, {0, 1, 510, 511}, {16, 17, 16, 18}, {0, 0, 5, 0}, {0, 0, 0, 1}};

	return used[level][below(g, 4)];
}

static uint64_t random_page(struct generator *g)
{
	uint64_t page = (uint64_t)index_at(g, 3) << 30 | (uint64_t)(16 + below(g, 2)) << 21 |
			(uint64_t)index_at(g, 1) << 12;

	return g->width == 48 ? page | (uint64_t)index_at(g, 4) << 39 : page;
}

/* An address that the generator keeps coming back to; now and then one beyond all widths. */
static uint64_t pool_page(struct generator *g)
{
	uint64_t page = g->iova[below(g, POOL)];

	if (chance(g, 1))
		page |= UINT64_C(1) << (38 + below(g, 15));
	return page;
}

static uint64_t random_entry(struct generator *g, unsigned level)
{
	uint64_t entry = chance(g, 90) ? 3 : below(g, 4);
	const bool leaf = level == 1 || (level < 4 && chance(g, 15));

	if (level == 1)
		entry |= run_frame((unsigned)below(g, RUN_FRAMES));
	else if (leaf)
		entry |= 0x80 | (level == 2 ? RUN_REGION(below(g, 3)) : below(g, 2) << 30);
	else
		entry |= VTDP_LEVEL(level - 1, below(g, 3));
	if (chance(g, 8)) /* ignored: 10:8, 6:2, 61:52, 63 */
		entry |= rng_u64(g->rng) & UINT64_C(0xbff000000000077c);
	if (chance(g, 2)) /* reserved, or the page size bit where it is not looked at */
		entry |= UINT64_C(1) << (uint64_t[]){7, 11, 12, 20, 29, 48, 51, 62}[below(g, 8)];
	if (chance(g, 2))
		entry = (entry & 0xfff) | VTDP_NOWHERE;
	if (level == 1 && chance(g, 1)) /* the interrupt window */
		entry = (entry & 0xfff) | 0xfee00000;
	return entry;
}

static void poke_entry(struct generator *g)
{
	const unsigned levels = g->width == 48 ? 4 : 3;
	const unsigned level = chance(g, 55) ? 1 : 1 + (unsigned)below(g, levels);

	add(g, OP_POKE, VTDP_LEVEL(level, below(g, 3)) + 8 * index_at(g, level),
	    chance(g, 10) ? 0 : random_entry(g, level), 0, 0);
}

static void poke_context(struct generator *g, unsigned device)
{
	const uint64_t at = VTDP_CONTEXT(below(g, 2)) + 16 * (edu_source(device) & 0xffu);
	unsigned aw = g->width == 48 && chance(g, 60) ? 2 : 1;
	uint64_t lo, hi;

	lo = VTDP_LEVEL(aw + 2, below(g, 2)) | 1;
	if (chance(g, 10)) /* the type: pass-through, seldom another */
		lo |= (chance(g, 80) ? 2 : 1 + below(g, 3)) << 2;
	if (chance(g, 5)) /* an unsupported width */
		aw = (unsigned)below(g, 8) & 5;
	hi = aw | (1 + below(g, 3)) << 8;
	if (chance(g, 6))
		lo |= 2;
	if (chance(g, 6))
		lo &= ~UINT64_C(1);
	if (chance(g, 10))
		hi |= below(g, 16) << 3;
	if (chance(g, 2))
		lo |= UINT64_C(1) << (4 + below(g, 8));
	if (chance(g, 2))
		hi |= UINT64_C(1) << (uint64_t[]){7, 24, 40, 63}[below(g, 4)];
	if (chance(g, 1))
		lo = (lo & 0xfff) | VTDP_NOWHERE;
	add(g, OP_POKE, at + 8, hi, 0, 0);
	add(g, OP_POKE, at, lo, 0, 0);
}

static void poke_root(struct generator *g)
{
	const uint64_t at = VTDP_ROOT(below(g, 2));
	uint64_t lo = VTDP_CONTEXT(below(g, 2)) | 1;

	if (chance(g, 10))
		lo &= ~UINT64_C(1);
	if (chance(g, 5))
		lo |= UINT64_C(1) << (1 + below(g, 11));
	if (chance(g, 5))
		lo = VTDP_NOWHERE | 1;
	add(g, OP_POKE, at, lo, 0, 0);
	add(g, OP_POKE, at + 8, chance(g, 95) ? 0 : UINT64_C(1) << below(g, 64), 0, 0);
}

static uint64_t random_iva(struct generator *g)
{
	const uint64_t am = chance(g, 60) ? 0 : chance(g, 90) ? below(g, 19) : below(g, 64);

	return pool_page(g) | (chance(g, 30) ? 0x40 : 0) | am;
}

/* One descriptor of a kind that QEMU survives. */
static void submit(struct generator *g)
{
	const uint64_t did = 1 + below(g, 4), sid = edu_source((unsigned)below(g, PAIR_DEVICES));
	const uint64_t kind = below(g, 100);
	uint64_t lo, hi = 0;

	if (kind < 20) {
		lo = 1 | (1 + below(g, 3)) << 4 | did << 16 | sid << 32 | below(g, 4) << 48;
	} else if (kind < 60) {
		const uint64_t granularity = 1 + below(g, 3);

		lo = 2 | granularity << 4 | below(g, 4) << 6 | did << 16;
		hi = granularity == 3 ? random_iva(g) : 0;
	} else if (kind < 85) {
		lo = 5 | 1 << 5 | below(g, 2) << 6 | (rng_u64(g->rng) & 0xffffffff00000000);
		hi = VTDP_STATUS + 4 * below(g, 16);
	} else if (kind < 90) {
		lo = 5 | 1 << 4;
	} else if (kind < 94 && g->device_tlb) {
		lo = 3 | sid << 32;
		hi = pool_page(g);
	} else if (kind < 97) {
		lo = 12 + below(g, 4); /* no such type */
	} else {
		lo = 2 | 1 << 4 | UINT64_C(1) << (40 + below(g, 20)); /* reserved */
	}
	add(g, OP_DESC, lo, hi, 0, 0);
}

static void invalidate(struct generator *g, bool queued)
{
	const uint64_t did = 1 + below(g, 4);
	const unsigned source = edu_source((unsigned)below(g, PAIR_DEVICES));

	if (queued) {
		submit(g);
	} else if (chance(g, 30)) {
		add(g, OP_REG64, 0x28,
		    UINT64_C(1) << 63 | below(g, 4) << 61 | below(g, 4) << 32 |
			    (uint64_t)source << 16 | did,
		    0, 0);
	} else {
		add(g, OP_REG64, 0xf0, random_iva(g), 0, 0);
		add(g, OP_REG64, 0xf8,
		    UINT64_C(1) << 63 | below(g, 4) << 60 | below(g, 4) << 48 | did << 32, 0, 0);
	}
}

/* What software does after changing tables at large. */
static void invalidate_all(struct generator *g, bool queued)
{
	if (queued) {
		add(g, OP_RECOVER, 0, 0, 0, 0);
		add(g, OP_DESC, 1 | 1 << 4, 0, 0, 0);
		add(g, OP_DESC, 2 | 1 << 4, 0, 0, 0);
	} else {
		add(g, OP_REG64, 0x28, UINT64_C(5) << 61, 0, 0);
		add(g, OP_REG64, 0xf8, UINT64_C(9) << 60, 0, 0);
	}
}

static void transfer(struct generator *g)
{
	const unsigned device = (unsigned)below(g, PAIR_DEVICES);
	const uint64_t page = pool_page(g);
	uint64_t offset = 8 * below(g, 8), bytes = 8;

	if (chance(g, 8)) {
		offset = 0xffc; /* across the page's end */
	} else if (chance(g, 20)) {
		offset = below(g, 57);
		bytes = 1 + below(g, 8);
	}
	if (chance(g, 60) || g->loads[device] == LOADS)
		add(g, OP_STORE, device, page + offset, bytes, 8 * below(g, 256));
	else
		add(g, OP_LOAD, device, page + offset, bytes, 2048 + 8u * g->loads[device]++);
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
	const unsigned i = (unsigned)below(g, sizeof(plain) / sizeof(plain[0]));

	add(g, OP_REG32, plain[i].offset, (rng_u64(g->rng) & plain[i].mask) | plain[i].set, 0, 0);
}

static void prologue(struct generator *g)
{
	for (unsigned i = 0; i < POOL; i++)
		g->iova[i] = random_page(g);
	add(g, OP_POKE, VTDP_ROOT(0), VTDP_CONTEXT(0) | 1, 0, 0);
	for (unsigned level = g->width == 48 ? 4 : 3; level > 0; level--) {
		for (unsigned n = 0; n < 24; n++)
			add(g, OP_POKE, VTDP_LEVEL(level, below(g, 3)) + 8 * index_at(g, level),
			    random_entry(g, level), 0, 0);
	}
	for (unsigned n = 0; n < 2 * PAIR_DEVICES; n++)
		poke_context(g, n % PAIR_DEVICES);
	add(g, OP_REG64, 0x20, VTDP_ROOT(0), 0, 0);
	add(g, OP_ROOT, 0, 0, 0, 0);
	invalidate_all(g, false);
	add(g, OP_ENABLE, 1, 0, 0, 0);
}

static void random_op(struct generator *g, bool *queued)
{
	const uint64_t kind = below(g, 1000);

	if (kind < 420) {
		transfer(g);
	} else if (kind < 600) {
		poke_entry(g);
	} else if (kind < 640) {
		poke_context(g, (unsigned)below(g, PAIR_DEVICES));
	} else if (kind < 645) {
		poke_root(g);
	} else if (kind < 780) {
		invalidate(g, *queued);
	} else if (kind < 810) {
		invalidate_all(g, *queued);
	} else if (kind < 940) {
		add(g, OP_ACK, 0, 0, 0, 0);
	} else if (kind < 945) {
		add(g, OP_ENABLE, chance(g, 70), 0, 0, 0);
	} else if (kind < 955) {
		add(g, OP_REG64, 0x20, VTDP_ROOT(below(g, 4) == 0), 0, 0);
	} else if (kind < 960) {
		add(g, OP_ROOT, 0, 0, 0, 0);
	} else if (kind < 965) {
		*queued = !*queued;
		add(g, OP_QUEUE, *queued, 0, 0, 0);
	} else if (kind < 980) {
		add(g, OP_RECOVER, 0, 0, 0, 0);
	} else {
		write_register(g);
	}
}

int vtd_generate(struct program *p, struct rng *rng, unsigned variant, unsigned ops)
{
	struct generator g = {.p = p, .rng = rng, .width = vtd_width(variant)};
	bool queued = false;

	g.device_tlb = vtd_device_tlb(variant);
	prologue(&g);
	while (p->ops < ops && g.ret == 0)
		random_op(&g, &queued);
	return g.ret;
}
