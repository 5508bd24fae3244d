// SPDX-License-Identifier: MIT
/*
 * See vtd_judge.h.
 */
#include "vtd_judge.h"

#include <string.h>

static bool load(const struct judge *j, uint64_t paddr, uint64_t *value)
{
	if (paddr > j->bytes || j->bytes - paddr < 8)
		return false;
	*value = 0;
	for (unsigned i = 0; i < 8; i++)
		*value |= (uint64_t)j->memory[paddr + i] << 8 * i;
	return true;
}

static void outcome(struct judge *j, struct judge_outcome o)
{
	if (j->outcomes < JUDGE_MAX_OUTCOMES)
		j->outcome[j->outcomes++] = o;
	else
		j->full = true;
}

/* Hold @item of @size in @array unless it is there already. */
static void hold(struct judge *j, void *array, unsigned *count, const void *item, size_t size)
{
	char *at = array;

	for (unsigned i = 0; i < *count; i++, at += size)
		if (memcmp(at, item, size) == 0)
			return;
	if (*count == JUDGE_MAX_HELD) {
		j->full = true;
		return;
	}
	memcpy(at, item, size);
	++*count;
}

/* ---- context entries ---- */

static struct judge_context no_context(uint16_t sid, uint8_t reason, bool fpd)
{
	struct judge_context c;

	memset(&c, 0, sizeof(c));
	c.sid = sid;
	c.reason = reason;
	c.fpd = fpd;
	return c;
}

static struct judge_context read_context(const struct judge *j, uint16_t sid)
{
	uint64_t lo, hi, at = j->root + (uint64_t)(sid >> 8) * 16;
	struct judge_context c;
	unsigned aw;
	bool fpd;

	if (!load(j, at, &lo) || !load(j, at + 8, &hi))
		return no_context(sid, 8, false);
	if (bits(lo, 0, 0) == 0)
		return no_context(sid, 1, false);
	if (bits(lo, 11, 1) != 0 || bits(lo, 63, j->host_bits) != 0 || hi != 0)
		return no_context(sid, 0xA, false);
	at = bits(lo, 63, 12) * 4096 + (uint64_t)(sid & 0xFF) * 16;
	if (!load(j, at, &lo) || !load(j, at + 8, &hi))
		return no_context(sid, 9, false);
	fpd = bits(lo, 1, 1) != 0;
	if (bits(lo, 0, 0) == 0)
		return no_context(sid, 2, fpd);
	if (bits(lo, 11, 4) != 0 || bits(lo, 63, j->host_bits) != 0 || bits(hi, 7, 7) != 0 ||
	    bits(hi, 63, 24) != 0 || bits(hi, 23, 8) >> j->domain_bits != 0)
		return no_context(sid, 0xB, fpd);
	c = no_context(sid, 0, fpd);
	c.tt = (uint8_t)bits(lo, 3, 2);
	aw = (unsigned)bits(hi, 2, 0);
	if (c.tt == 3 || (c.tt == 2 && !j->pass_through) || (c.tt == 1 && !j->device_tlb) ||
	    !((aw == 1 && j->levels_3) || (aw == 2 && j->levels_4)))
		return no_context(sid, 3, fpd);
	c.did = (uint16_t)bits(hi, 23, 8);
	c.levels = aw == 1 ? 3 : 4;
	c.bits = aw == 1 ? 39 : 48;
	if (c.bits > j->guest_bits)
		c.bits = (uint8_t)j->guest_bits;
	c.table = bits(lo, 63, 12) * 4096;
	return c;
}

/* ---- pages ---- */

static bool malformed(const struct judge *j, uint64_t pte, unsigned level, bool leaf)
{
	if (j->host_bits < 52 && bits(pte, 51, j->host_bits) != 0)
		return true;
	if (!leaf)
		return bits(pte, 11, 11) != 0 || bits(pte, 62, 62) != 0 ||
		       (level == 4 && bits(pte, 7, 7) != 0);
	if (bits(pte, 11, 11) != 0 && !j->snoop)
		return true;
	if (bits(pte, 62, 62) != 0 && !j->device_tlb)
		return true;
	if (level == 2)
		return !j->pages_2m || bits(pte, 20, 12) != 0;
	if (level == 3)
		return !j->pages_1g || bits(pte, 29, 12) != 0;
	return false;
}

static struct judge_page page_of(uint16_t did, uint64_t iova, unsigned level, uint64_t pte,
				 unsigned rights, uint8_t reason)
{
	struct judge_page p;

	memset(&p, 0, sizeof(p));
	p.did = did;
	p.order = (uint8_t)(9 * (level - 1));
	p.pfn = iova >> 12 >> p.order;
	p.rights = (uint8_t)rights;
	p.reason = reason;
	p.frame = reason == 0 && rights != 0 ? bits(pte, 51, 12) * 4096 : 0;
	return p;
}

static struct judge_outcome through(const struct judge_page *p, uint64_t iova, bool write, bool fpd)
{
	uint64_t offset = iova & ((UINT64_C(4096) << p->order) - 1);
	struct judge_outcome o = {.fpd = fpd};

	if ((p->rights & (write ? 2 : 1)) == 0)
		o.reason = write ? 5 : 6;
	else if (p->reason != 0)
		o.reason = p->reason;
	else if ((p->frame | offset) >> 20 == 0xFEE)
		o.reason = 0xE;
	else
		o.paddr = p->frame | offset;
	return o;
}

/* What a fetched line of leaves beside the page asked for may have brought. */
static void hold_line(struct judge *j, uint16_t did, uint64_t iova, uint64_t table, unsigned rights)
{
	uint64_t first = (iova >> 12) & ~(uint64_t)(j->line_pages - 1), pte;

	for (uint64_t pfn = first; pfn < first + j->line_pages; pfn++) {
		struct judge_page p;

		if (!load(j, table + (pfn & 511) * 8, &pte) || (pte & rights & 3) == 0 ||
		    malformed(j, pte, 1, true))
			continue;
		p = page_of(did, pfn << 12, 1, pte, (unsigned)pte & rights & 3, 0);
		hold(j, j->page, &j->pages, &p, sizeof(p));
	}
}

/* In caching mode a fault of the entry at @level may be held, for every page of the line. */
static void hold_fault(struct judge *j, const struct judge_context *c, uint64_t iova,
		       uint64_t table, unsigned level, unsigned above, unsigned rights,
		       uint8_t reason)
{
	uint64_t first = (iova >> 12) & ~(uint64_t)(j->line_pages - 1);
	struct judge_page p;

	if (!j->caching_mode || (rights != 0 && reason != 0xC))
		return;
	reason = reason == 0xC ? reason : 0;
	if (level == 1) {
		hold_line(j, c->did, iova, table, above);
		p = page_of(c->did, iova, 1, 0, rights, reason);
		hold(j, j->page, &j->pages, &p, sizeof(p));
		return;
	}
	for (uint64_t pfn = first; pfn < first + j->line_pages; pfn++) {
		p = page_of(c->did, pfn << 12, 1, 0, rights, reason);
		hold(j, j->page, &j->pages, &p, sizeof(p));
	}
}

/* Walk from @table of @level down; @keep: the unit may cache what it meets. */
static void walk(struct judge *j, const struct judge_context *c, uint64_t iova, bool write,
		 uint64_t table, unsigned level, unsigned rights, bool keep)
{
	const uint8_t lacking = write ? 5 : 6;

	if ((rights & (write ? 2 : 1)) == 0) { /* as the cached entry above says */
		outcome(j, (struct judge_outcome){.reason = lacking, .fpd = c->fpd});
		return;
	}
	for (;; level--) {
		unsigned above = rights;
		uint64_t pte;
		uint8_t reason = 0;
		bool leaf;

		if (!load(j, table + bits(iova, 11 + 9 * level, 3 + 9 * level) * 8, &pte)) {
			reason = level == c->levels ? 3 : 7;
			outcome(j, (struct judge_outcome){.reason = reason, .fpd = c->fpd});
			return;
		}
		leaf = level == 1 || (level < 4 && bits(pte, 7, 7) != 0);
		rights &= (unsigned)pte & 3;
		if ((rights & (write ? 2 : 1)) == 0)
			reason = lacking;
		else if (malformed(j, pte, level, leaf))
			reason = 0xC;
		if (reason != 0) {
			if (keep)
				hold_fault(j, c, iova, table, level, above, rights, reason);
			outcome(j, (struct judge_outcome){.reason = reason, .fpd = c->fpd});
			return;
		}
		if (leaf) {
			struct judge_page p = page_of(c->did, iova, level, pte, rights, 0);

			if (keep && level == 1)
				hold_line(j, c->did, iova, table, above);
			else if (keep)
				hold(j, j->page, &j->pages, &p, sizeof(p));
			outcome(j, through(&p, iova, write, c->fpd));
			return;
		}
		table = bits(pte, 51, 12) * 4096;
		if (keep) {
			struct judge_table t;

			memset(&t, 0, sizeof(t));
			t.did = c->did;
			t.level = (uint8_t)level;
			t.rights = (uint8_t)rights;
			t.prefix = iova >> (3 + 9 * level);
			t.table = table;
			hold(j, j->table, &j->tables, &t, sizeof(t));
		}
	}
}

/* Everything that can follow if the context entry used is @c. */
static void under_context(struct judge *j, const struct judge_context *c, uint64_t iova, bool write)
{
	unsigned pages = j->pages, tables = j->tables; /* what is added now was not there before */

	if (c->reason != 0) {
		outcome(j, (struct judge_outcome){.reason = c->reason, .fpd = c->fpd});
		return;
	}
	if (c->tt == 2) {
		bool beyond = iova >> j->host_bits != 0;

		outcome(j, (struct judge_outcome){.reason = beyond ? 4 : 0,
						  .fpd = c->fpd,
						  .bypass = !beyond,
						  .paddr = beyond ? 0 : iova});
		return;
	}
	if (iova >> c->bits != 0) {
		outcome(j, (struct judge_outcome){.reason = 4, .fpd = c->fpd});
		return;
	}
	for (unsigned i = 0; i < pages; i++) {
		const struct judge_page p = j->page[i];

		if (p.did == c->did && p.pfn == iova >> 12 >> p.order)
			outcome(j, through(&p, iova, write, c->fpd));
	}
	for (unsigned i = 0; i < tables; i++) {
		const struct judge_table t = j->table[i];

		if (t.did == c->did && t.level <= c->levels &&
		    t.prefix == iova >> (3 + 9 * t.level))
			walk(j, c, iova, write, t.table, t.level - 1u, t.rights, true);
	}
	walk(j, c, iova, write, c->table, c->levels, 3, true);
}

void judge_access(struct judge *j, uint16_t sid, uint64_t iova, bool write)
{
	unsigned held = j->contexts;
	struct judge_context c = read_context(j, sid);

	j->outcomes = 0;
	for (unsigned i = 0; i < held; i++) {
		const struct judge_context was = j->context[i];

		if (was.sid == sid)
			under_context(j, &was, iova, write);
	}
	under_context(j, &c, iova, write);
	if (c.reason == 0 || (j->caching_mode && c.reason != 8 && c.reason != 9))
		hold(j, j->context, &j->contexts, &c, sizeof(c));
}

bool judge_trusts(struct judge *j, uint16_t sid)
{
	const struct judge_context c = read_context(j, sid);

	if (c.reason == 0 || (j->caching_mode && c.reason != 8 && c.reason != 9))
		hold(j, j->context, &j->contexts, &c, sizeof(c));
	for (unsigned i = 0; i < j->contexts; i++)
		if (j->context[i].sid == sid && j->context[i].reason == 0 && j->context[i].tt == 1)
			return true;
	return j->full;
}

struct judge_outcome judge_memory(struct judge *j, uint16_t sid, uint64_t iova, bool write)
{
	struct judge_context c = read_context(j, sid);

	j->outcomes = 0;
	if (c.reason == 0 && c.tt != 2 && iova >> c.bits == 0) {
		walk(j, &c, iova, write, c.table, c.levels, 3, false);
	} else {
		unsigned pages = j->pages, tables = j->tables;

		j->pages = j->tables = 0; /* not looked at: nothing is walked */
		under_context(j, &c, iova, write);
		j->pages = pages;
		j->tables = tables;
	}
	return j->outcome[0];
}
