// SPDX-License-Identifier: MIT
/*
 * See vtd_generator.h.
 */
#include "vtd_generator.h"

/* A quadword on the way of an access, and which of its bits may be turned over. */
struct station {
	uint64_t addr;
	uint64_t bits;
	unsigned level; /* of a page table; 0: root or context entry */
	bool large;     /* a leaf of 2 MiB or 1 GiB */
};

static uint64_t peek(const struct generator *g, uint64_t addr)
{
	return addr >= RUN_TABLES && addr <= RUN_TABLES_END - 8 ? g->shadow[(addr - RUN_TABLES) / 8]
								: 0;
}

/*
 * Stations of an access, at most 8. A pointer keeps the bits that tell the levels' tables apart:
 * a table read at another level could make stores end in tables.
 */
static unsigned route(const struct generator *g, unsigned device, uint64_t page,
		      struct station to[8])
{
	const uint64_t levels_apart = UINT64_C(0x1c000);
	const uint64_t root = g->root;
	const uint64_t context =
		(peek(g, root) & ~UINT64_C(0xfff)) + 16 * (edu_source(device) & 0xffu);
	uint64_t table = peek(g, context) & ~UINT64_C(0xfff);
	unsigned level = 2 + (peek(g, context + 8) & 7), n = 0;

	to[n++] = (struct station){.addr = root, .bits = UINT64_MAX};
	to[n++] = (struct station){.addr = root + 8, .bits = UINT64_MAX};
	to[n++] = (struct station){.addr = context, .bits = ~levels_apart};
	to[n++] = (struct station){.addr = context + 8, .bits = UINT64_MAX};
	while (level > 0 && level <= 4 && n < 8) {
		const unsigned shift = 12 + 9 * (level - 1);
		const uint64_t addr = table + 8 * (page >> shift & 511);
		const uint64_t entry = peek(g, addr);
		const bool large = (level == 2 || level == 3) && (entry & 0x80);

		to[n] = (struct station){.addr = addr, .level = level, .large = large};
		to[n++].bits = level == 1 || large ? UINT64_MAX : ~(levels_apart | 0x80);
		if (!(entry & 3) || large)
			break;
		table = entry & ~UINT64_C(0xfff);
		level--;
	}
	return n;
}

/* Bits that must be 0: in root and context entries, in pointers to tables, in pages. */
static uint64_t reserved_bit(struct generator *g, const struct station *s)
{
	static const uint8_t upper[] = {7, 24, 31, 32, 40, 48, 63},
			     lower[] = {4, 7, 11, 48, 55, 63};
	static const uint8_t paging[] = {11, 48, 49, 51, 62, 62};

	if (s->level != 0)
		return UINT64_C(1) << paging[gen_below(g, sizeof(paging))];
	if (s->addr & 8)
		return UINT64_C(1) << upper[gen_below(g, sizeof(upper))];
	return UINT64_C(1) << lower[gen_below(g, sizeof(lower))];
}

static uint64_t mutated(struct generator *g, const struct station *s, uint64_t value)
{
	uint64_t bit = UINT64_C(1) << gen_below(g, 64);

	if (s->level == 0 && gen_chance(g, 3)) /* tables that are nowhere */
		return (value & 0xfff) | VTDP_NOWHERE;
	if (s->level == 1 && gen_chance(g, 5)) /* the interrupt window */
		return (value & 0xfff) | 0xfee00000;
	if (s->level != 0 && gen_chance(g, 30))
		bit = 1 + gen_below(g, 3); /* rights */
	else if (s->large && gen_chance(g, 50))
		bit = UINT64_C(1) << (12 + gen_below(g, 9 * (s->level - 1))); /* alignment */
	else if (gen_chance(g, 40))
		bit = reserved_bit(g, s);
	else if (s->level == 0 && gen_chance(g, 40))
		bit = UINT64_C(1) << gen_below(g, 24);
	if (gen_chance(g, 8))
		bit |= UINT64_C(1) << gen_below(g, 64);
	return value ^ (bit & s->bits);
}

/* As software would, for the one page and device; or not at all, or something else. */
static void forget(struct generator *g, unsigned device, uint64_t page)
{
	/* the page itself, or a block of 2^AM pages whose address is any in it */
	const uint64_t am = gen_chance(g, 50) ? 0 : 1 + gen_below(g, 3);
	const uint64_t iva = (page ^ gen_below(g, UINT64_C(1) << am) << 12) | am;
	const uint64_t sid = edu_source(device);
	const uint64_t context = (peek(g, g->root) & ~UINT64_C(0xfff)) + 16 * (sid & 0xff);
	const uint64_t did = peek(g, context + 8) >> 8 & 0xffff;
	const uint64_t how = gen_below(g, 10);

	if (how < 3) {
		gen_invalidate_all(g);
	} else if (how < 7 && g->queued) {
		gen_add(g, OP_DESC, 1 | 3 << 4 | did << 16 | sid << 32, 0);
		gen_add(g, OP_DESC, 2 | (how < 5 ? 3u : 2u) << 4 | did << 16, how < 5 ? iva : 0);
	} else if (how < 7) {
		gen_add(g, OP_REG64, 0x28, UINT64_C(7) << 61 | sid << 16 | did);
		gen_add(g, OP_REG64, 0xf0, iva);
		gen_add(g, OP_REG64, 0xf8,
			(how < 5 ? UINT64_C(11) : UINT64_C(10)) << 60 | did << 32);
	}
}

void gen_episode(struct generator *g)
{
	const unsigned device = (unsigned)gen_below(g, PAIR_DEVICES);
	uint64_t page = gen_page(g);
	struct station station[8];
	const unsigned n = route(g, device, page, station);
	const struct station *s = &station[gen_chance(g, 40) ? n - 1 : gen_below(g, n)];
	const uint64_t old = peek(g, s->addr);
	uint64_t changed = mutated(g, s, old);

	if (s->addr < RUN_TABLES || s->addr > RUN_TABLES_END - 8)
		return;
	if (s == &station[2] && gen_chance(g, 20)) { /* pass-through, also beyond the width */
		changed = (old & ~UINT64_C(0xc)) | 8;
		if (gen_chance(g, 40))
			page |= UINT64_C(1) << (g->width + gen_below(g, 4));
	}
	if (gen_chance(g, 40)) /* let the old one be cached */
		gen_transfer(g, device, page);
	gen_add(g, OP_POKE, s->addr, changed);
	forget(g, device, page);
	gen_add(g, OP_ACK, 0, 0);
	gen_transfer(g, device, page);
	if (gen_chance(g, 50)) {
		gen_add(g, OP_ACK, 0, 0);
		gen_transfer(g, device, page);
	}
	if (s->level == 0 || gen_chance(g, 90)) {
		gen_add(g, OP_POKE, s->addr, old);
		if (gen_chance(g, 70))
			forget(g, device, page);
	}
}
