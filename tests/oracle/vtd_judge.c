// SPDX-License-Identifier: MIT
/*
 * See vtd_judge.h. Bit numbers are the specification's; QEMU's own ways are entries and outcomes
 * marked with a departure, which are never offered to our side.
 */
#include <stdlib.h>

#include "vtd_judge_impl.h"

static enum departure worse(enum departure a, enum departure b)
{
	return a != DEPART_NONE ? a : b;
}

struct vtd_judge *vtd_judge_create(const struct pair *pair, unsigned width, bool device_tlb,
				   unsigned line_pages)
{
	struct vtd_judge *j = calloc(1, sizeof(*j));

	if (j != NULL) {
		j->pair = pair;
		j->width = width;
		j->device_tlb = device_tlb;
		j->line_pages = line_pages;
	}
	return j;
}

void vtd_judge_destroy(struct vtd_judge *j)
{
	free(j);
}

static bool readable(uint64_t addr)
{
	return addr <= PAIR_RAM_BYTES - 8;
}

static uint64_t above(unsigned width)
{
	return ~((UINT64_C(1) << width) - 1);
}

static void add_outcome(struct vtd_judge *j, struct outcome o)
{
	for (unsigned i = 0; i < j->outs; i++) {
		struct outcome *old = &j->out[i];

		if (old->blocked == o.blocked && old->recorded == o.recorded &&
		    old->reason == o.reason && old->paddr == o.paddr) {
			if (o.departure == DEPART_NONE)
				old->departure = DEPART_NONE;
			return;
		}
	}
	if (j->outs < OUTCOMES_MAX)
		j->out[j->outs++] = o;
}

static void blocked(struct vtd_judge *j, unsigned reason, bool hidden, enum departure departure)
{
	add_outcome(j, (struct outcome){.blocked = true,
					.recorded = !hidden,
					.reason = hidden ? 0 : (uint8_t)reason,
					.departure = departure});
}

static void reached(struct vtd_judge *j, uint64_t paddr, bool hidden, enum departure departure)
{
	/* Interrupts are not made by DMA that was translated: reason 0Eh. */
	if (paddr >> 20 == 0xfee)
		blocked(j, 0xe, hidden, departure);
	else
		add_outcome(j, (struct outcome){.paddr = paddr, .departure = departure});
}

unsigned vtd_judge_fetch(const struct vtd_judge *j, uint16_t sid, struct context *c)
{
	const uint64_t root = j->root + 16u * (sid >> 8);
	uint64_t lo, table;
	unsigned type, aw;

	*c = (struct context){.sid = sid};
	if (!readable(root + 8))
		return 8;
	lo = pair_peek(j->pair, root);
	if (!(lo & 1))
		return 1;
	if ((lo & (0xffe | above(j->width))) || pair_peek(j->pair, root + 8))
		return 0xa;
	table = (lo & ~UINT64_C(0xfff)) + 16u * (sid & 0xff);
	if (!readable(table + 8))
		return 9;
	c->lo = pair_peek(j->pair, table);
	c->hi = pair_peek(j->pair, table + 8);
	if (!(c->lo & 1))
		return 2;
	if ((c->lo & (0xff0 | above(j->width))) || (c->hi & 0xffffffffff000080))
		return 0xb;
	type = c->lo >> 2 & 3;
	aw = c->hi & 7;
	if ((aw != 1 && (aw != 2 || j->width < 48)) || type == 3 || (type == 1 && !j->device_tlb))
		return 3;
	return 0;
}

/* A page of 2^@shift bytes at @paddr: does it reach into the interrupt range? */
static bool meets_window(uint64_t paddr, unsigned shift)
{
	return paddr <= 0xfeefffff && paddr + (UINT64_C(1) << shift) > 0xfee00000;
}

/* Bits that must be 0 in an entry of @level, a leaf or not. SC is not offered. */
static uint64_t reserved(const struct vtd_judge *j, unsigned level, bool leaf)
{
	uint64_t bits = (above(j->width) & 0xfffffffffffff) | 1 << 11;

	if (!leaf || !j->device_tlb)
		bits |= UINT64_C(1) << 62;
	if (leaf && level > 1)
		bits |= ((UINT64_C(1) << (9 * (level - 1))) - 1) << 12;
	if (level == 4)
		bits |= 1 << 7;
	return bits;
}

struct walk {
	uint16_t sid, did;
	uint64_t iova;
	bool write, hidden;
	bool top; /* the next table is the one the context entry names */
	enum departure departure;
	unsigned level;
	uint64_t table;
	bool r, w;
};

/* A leaf comes with its line: the neighbours in @table, with the rights of the levels above. */
static void remember_line(struct vtd_judge *j, const struct walk *s, uint64_t table)
{
	const uint64_t first = s->iova >> 12 & ~(uint64_t)(j->line_pages - 1);

	for (uint64_t page = first; page < first + j->line_pages; page++) {
		const uint64_t pte = pair_peek(j->pair, table + 8 * (page & 511));
		const bool r = s->r && (pte & 1), w = s->w && (pte & 2);

		if ((r || w) && !(pte & reserved(j, 1, true)))
			vtd_judge_remember_entry(j, (struct entry){.sid = s->sid,
								   .did = s->did,
								   .departure = s->departure,
								   .shift = 12,
								   .first = page,
								   .paddr = pte & 0xffffffffff000,
								   .r = r,
								   .w = w});
	}
}

/*
 * One level. True if the walk is over. Which of a missing right and reserved bits is reported when
 * the entry has the other right is not pinned down: both are allowed.
 */
static bool step(struct vtd_judge *j, struct walk *s)
{
	const unsigned shift = 12 + 9 * (s->level - 1);
	const uint64_t at = s->table + 8 * (s->iova >> shift & 511);
	uint64_t pte, wrong;
	bool leaf;

	if (!readable(at)) {
		blocked(j, s->top ? 3 : 7, s->hidden, s->departure);
		return true;
	}
	pte = pair_peek(j->pair, at);
	leaf = s->level == 1 || ((s->level == 2 || s->level == 3) && (pte & 0x80));
	wrong = (pte & 3) ? pte & reserved(j, s->level, leaf) : 0;
	if (wrong)
		blocked(j, 0xc, s->hidden, s->departure);
	if (!(pte & (s->write ? 2 : 1)))
		blocked(j, s->write ? 5 : 6, s->hidden, s->departure);
	if (wrong || !(pte & 3))
		return true;
	if (s->level == 1 && j->line_pages > 1)
		remember_line(j, s, s->table);
	s->r = s->r && (pte & 1);
	s->w = s->w && (pte & 2);
	s->table = pte & 0xffffffffff000;
	s->top = false;
	/* Even if this access is refused: what is present and well formed may be cached. */
	if (s->r || s->w)
		vtd_judge_remember_entry(j, (struct entry){.sid = s->sid,
							   .did = s->did,
							   .departure = s->departure,
							   .level = leaf ? 0 : s->level - 1,
							   .shift = shift,
							   .first = s->iova >> shift,
							   .paddr = s->table,
							   .r = s->r,
							   .w = s->w});
	if (leaf && (s->write ? s->w : s->r) && meets_window(s->table, shift))
		blocked(j, 0xe, s->hidden, worse(s->departure, DEPART_WINDOW_PAGE));
	if (leaf && (s->write ? s->w : s->r))
		reached(j, s->table | (s->iova & ((UINT64_C(1) << shift) - 1)), s->hidden,
			s->departure);
	if (!(s->write ? s->w : s->r))
		return true;
	s->level--;
	return leaf;
}

/* Answers from entries that could be cached: pages at once, table pointers by walking on. */
static void use_entries(struct vtd_judge *j, const struct walk *from)
{
	const unsigned count = j->entries; /* a walk may add to them */

	for (unsigned i = 0; i < count; i++) {
		const struct entry *e = &j->entry[i];
		const bool allowed = from->write ? e->w : e->r;
		enum departure departure = worse(e->departure, from->departure);

		if (from->iova >> e->shift != e->first)
			continue;
		if (e->did != from->did) {
			if (e->sid != from->sid || e->level != 0)
				continue;
			departure = DEPART_BY_SOURCE;
		}
		if (e->level == 0 && allowed) {
			reached(j, e->paddr | (from->iova & ((UINT64_C(1) << e->shift) - 1)),
				from->hidden, departure);
		} else if (e->level == 0) {
			blocked(j, from->write ? 5 : 6, from->hidden, departure);
			blocked(j, 0, true, worse(departure, DEPART_SILENT));
		} else {
			struct walk s = *from;

			s.departure = departure;
			s.level = e->level;
			s.table = e->paddr;
			s.top = false;
			s.r = e->r;
			s.w = e->w;
			if (!allowed)
				blocked(j, from->write ? 5 : 6, from->hidden, departure);
			while (allowed && !step(j, &s))
				;
		}
	}
}

/* Everything that the well-formed context entry @c lets happen. */
static void through_context(struct vtd_judge *j, struct context c, uint64_t iova, bool write)
{
	const unsigned aw = c.hi & 7, bits = 30 + 9 * aw;
	struct walk s = {
		.sid = c.sid,
		.did = (uint16_t)(c.hi >> 8),
		.iova = iova,
		.write = write,
		.hidden = c.lo & 2,
		.top = true,
		.departure = c.departure,
		.level = 2 + aw,
		.table = c.lo & ~UINT64_C(0xfff),
		.r = true,
		.w = true,
	};
	const bool beyond = iova >> (bits < j->width ? bits : j->width) != 0;

	if ((c.lo >> 2 & 3) == 2) {
		add_outcome(j,
			    (struct outcome){.paddr = iova,
					     .departure = worse(c.departure,
								iova >> j->width ? DEPART_PASS_RANGE
										 : DEPART_NONE)});
		if (iova >> j->width != 0)
			blocked(j, 4, s.hidden, c.departure);
		return;
	}
	use_entries(j, &s);
	if (beyond)
		blocked(j, 4, s.hidden, c.departure);
	while (!beyond && !step(j, &s))
		;
}

/*
 * QEMU looks a translation up by the requester alone, before it has looked at any context entry:
 * what it cached for a device stays in use whatever the device's context entry has become.
 */
static void by_source(struct vtd_judge *j, uint16_t sid, uint64_t iova, bool write)
{
	for (unsigned i = 0; i < j->entries; i++) {
		const struct entry *e = &j->entry[i];

		if (e->sid != sid || e->level != 0 || iova >> e->shift != e->first)
			continue;
		if (write ? e->w : e->r)
			reached(j, e->paddr | (iova & ((UINT64_C(1) << e->shift) - 1)), false,
				DEPART_BY_SOURCE);
		else
			blocked(j, 0, true, DEPART_SILENT);
	}
}

unsigned vtd_judge_access(struct vtd_judge *j, uint16_t sid, uint64_t iova, bool write,
			  struct outcome *out)
{
	unsigned reason, count;
	struct context now;

	j->out = out;
	j->outs = 0;
	if (!j->enabled) {
		add_outcome(j, (struct outcome){.paddr = iova});
		return j->outs;
	}
	by_source(j, sid, iova, write);
	reason = vtd_judge_fetch(j, sid, &now);
	if (reason == 0) {
		vtd_judge_remember_context(j, now);
	} else {
		/* FPD hides what a context entry brings about: 2 and 3, and 0Bh by the document. */
		const bool fpd = now.lo & 2;

		if (reason == 0xb && fpd)
			blocked(j, reason, false, DEPART_FPD);
		blocked(j, reason, fpd && (reason == 2 || reason == 3 || reason == 0xb),
			DEPART_NONE);
	}
	count = j->contexts;
	for (unsigned i = 0; i < count; i++) {
		if (j->context[i].sid == sid)
			through_context(j, j->context[i], iova, write);
	}
	return j->outs;
}
