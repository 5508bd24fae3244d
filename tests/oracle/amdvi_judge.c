// SPDX-License-Identifier: MIT
/*
 * See amdvi_judge.h. Bit numbers are the specification's.
 */
#include "amdvi_judge.h"

#include <stdlib.h>

#define SET_MAX 8192u
#define IR      (UINT64_C(1) << 61)
#define IW      (UINT64_C(1) << 62)
#define RIGHTS  (IR | IW)
#define FRAME   UINT64_C(0xffffffffff000)

/* A device table entry that could be cached. */
struct device {
	uint16_t devid;
	uint64_t quad[2];
	bool reserved; /* has reserved bits */
};

/* A page (level 0) or the pointer to a table of @level that could be cached. */
struct entry {
	uint16_t devid, domain;
	enum departure departure;
	unsigned level, shift;
	uint64_t first; /* iova >> shift */
	uint64_t paddr;
	uint64_t rights, leaf_rights; /* of all levels; of the last alone, which is QEMU's way */
};

struct amdvi_judge {
	const struct pair *pair;
	uint64_t device_table;
	unsigned line_pages;
	bool enabled;
	struct device device[SET_MAX];
	struct entry entry[SET_MAX];
	unsigned devices, entries;
	struct outcome *out;
	unsigned outs;
};

struct amdvi_judge *amdvi_judge_create(const struct pair *pair, uint64_t device_table,
				       unsigned line_pages)
{
	struct amdvi_judge *j = calloc(1, sizeof(*j));

	if (j != NULL) {
		j->pair = pair;
		j->device_table = device_table;
		j->line_pages = line_pages;
	}
	return j;
}

void amdvi_judge_destroy(struct amdvi_judge *j)
{
	free(j);
}

void amdvi_judge_enable(struct amdvi_judge *j, bool on)
{
	j->enabled = on;
}

static void add(struct amdvi_judge *j, bool blocked, uint64_t paddr, enum departure departure)
{
	for (unsigned i = 0; i < j->outs; i++) {
		struct outcome *old = &j->out[i];

		if (old->blocked == blocked && (blocked || old->paddr == paddr)) {
			if (departure == DEPART_NONE)
				old->departure = DEPART_NONE;
			return;
		}
	}
	if (j->outs < OUTCOMES_MAX)
		j->out[j->outs++] = (struct outcome){
			.blocked = blocked, .paddr = blocked ? 0 : paddr, .departure = departure};
}

static void remember(struct amdvi_judge *j, struct entry e)
{
	for (unsigned i = 0; i < j->entries; i++) {
		struct entry *old = &j->entry[i];

		if (old->devid == e.devid && old->domain == e.domain && old->level == e.level &&
		    old->shift == e.shift && old->first == e.first && old->paddr == e.paddr &&
		    old->rights == e.rights && old->leaf_rights == e.leaf_rights) {
			if (e.departure == DEPART_NONE)
				old->departure = DEPART_NONE;
			return;
		}
	}
	if (j->entries < SET_MAX)
		j->entry[j->entries++] = e;
}

static void remember_device(struct amdvi_judge *j, struct device d)
{
	for (unsigned i = 0; i < j->devices; i++) {
		const struct device *old = &j->device[i];

		if (old->devid == d.devid && old->quad[0] == d.quad[0] &&
		    old->quad[1] == d.quad[1] && old->reserved == d.reserved)
			return;
	}
	if (j->devices < SET_MAX)
		j->device[j->devices++] = d;
}

struct walk {
	uint16_t devid, domain;
	uint64_t iova, need;
	enum departure departure;
	unsigned level;
	uint64_t table, rights;
};

/* Are there bits of @iova that an entry decoding @shift and up, and naming @next, leaves out? */
static bool skips(uint64_t iova, unsigned shift, unsigned next)
{
	const unsigned low = 12 + 9 * next;

	return low < shift && (iova >> low & ((UINT64_C(1) << (shift - low)) - 1)) != 0;
}

/* Base-2 logarithm of the page that @pte at @level names. */
static unsigned page_shift(uint64_t pte, unsigned level, unsigned next)
{
	unsigned shift = 13;

	if (next == 0)
		return 12 + 9 * (level - 1);
	while (shift < 52 && (pte >> (shift - 1) & 1))
		shift++;
	return shift;
}

/* What an entry must not be, but QEMU takes: the first that applies, or DEPART_NONE. */
static enum departure flaw(const struct walk *s, uint64_t pte, unsigned next)
{
	const bool page = next == 0 || next == 7;

	if (!(pte & 1))
		return DEPART_PR;
	if (pte & (page ? UINT64_C(0x7f) << 52 : UINT64_C(0x1ff) << 52))
		return DEPART_PTE_RESERVED;
	/* A level's own size has next level 0; the next level's and beyond are for that one. */
	if (next == 7 && (page_shift(pte, s->level, next) <= 12 + 9 * (s->level - 1) ||
			  page_shift(pte, s->level, next) >= 12 + 9 * s->level))
		return DEPART_PAGE_SIZE;
	if (!page && skips(s->iova, 12 + 9 * (s->level - 1), next))
		return DEPART_SKIPPED;
	return DEPART_NONE;
}

/* The leaf @pte of a walk. Its rights are looked at by the document, but cached by QEMU as is. */
static void leaf(struct amdvi_judge *j, const struct walk *s, uint64_t pte, unsigned next)
{
	const unsigned shift = page_shift(pte, s->level, next);
	const uint64_t offset = (UINT64_C(1) << shift) - 1;
	const uint64_t paddr = pte & FRAME & ~offset;

	remember(j, (struct entry){.devid = s->devid,
				   .domain = s->domain,
				   .departure = s->departure,
				   .shift = shift,
				   .first = s->iova >> shift,
				   .paddr = paddr,
				   .rights = s->rights & pte,
				   .leaf_rights = pte & RIGHTS});
	if (s->rights & pte & s->need)
		add(j, false, paddr | (s->iova & offset), s->departure);
	else
		add(j, true, 0, s->departure);
}

/* A leaf of level 1 comes with its line. */
static void line(struct amdvi_judge *j, const struct walk *s)
{
	const uint64_t first = s->iova >> 12 & ~(uint64_t)(j->line_pages - 1);

	for (uint64_t page = first; page < first + j->line_pages; page++) {
		const uint64_t pte = pair_peek(j->pair, s->table + 8 * (page & 511));

		if ((pte & 1) && (pte >> 9 & 7) == 0)
			remember(j, (struct entry){.devid = s->devid,
						   .domain = s->domain,
						   .departure = s->departure,
						   .shift = 12,
						   .first = page,
						   .paddr = pte & FRAME,
						   .rights = s->rights & pte,
						   .leaf_rights = pte & RIGHTS});
	}
}

/* One level; true if the walk is over. */
static bool step(struct amdvi_judge *j, struct walk *s)
{
	const unsigned shift = 12 + 9 * (s->level - 1);
	const uint64_t at = s->table + 8 * (shift < 64 ? s->iova >> shift & 511 : 0);
	const uint64_t pte = at <= PAIR_RAM_BYTES - 8 ? pair_peek(j->pair, at) : 0;
	const unsigned next = pte >> 9 & 7;
	const bool page = next == 0 || next == 7;
	const enum departure wrong = flaw(s, pte, next), before = s->departure;

	if (wrong != DEPART_NONE || (!page && next >= s->level)) {
		add(j, true, 0, s->departure);
		/* QEMU: not present matters for tables only, and nothing else is looked at. */
		if (pte == 0 || (!page && (!(pte & 1) || next >= s->level)))
			return true;
		s->departure = s->departure != DEPART_NONE ? s->departure : wrong;
	}
	if (s->level == 1 && page && j->line_pages > 1)
		line(j, s);
	if (page) {
		leaf(j, s, pte, next);
		return true;
	}
	s->rights &= pte;
	/* Good in itself, even if this address may not use it. */
	if (before == DEPART_NONE && (wrong == DEPART_NONE || wrong == DEPART_SKIPPED))
		remember(j, (struct entry){.devid = s->devid,
					   .domain = s->domain,
					   .level = next,
					   .shift = shift,
					   .first = s->iova >> shift,
					   .paddr = pte & FRAME,
					   .rights = s->rights});
	if (!(s->rights & s->need)) {
		add(j, true, 0, s->departure);
		return true;
	}
	s->table = pte & FRAME;
	s->level = next;
	return false;
}

static void use_entries(struct amdvi_judge *j, const struct walk *from)
{
	const unsigned count = j->entries;

	for (unsigned i = 0; i < count; i++) {
		const struct entry *e = &j->entry[i];

		if (e->domain != from->domain || from->iova >> e->shift != e->first)
			continue;
		if (!(e->rights & from->need) ||
		    (e->level != 0 && skips(from->iova, e->shift, e->level))) {
			add(j, true, 0, e->departure);
		} else if (e->level == 0) {
			add(j, false, e->paddr | (from->iova & ((UINT64_C(1) << e->shift) - 1)),
			    e->departure);
		} else {
			struct walk s = *from;

			s.departure = e->departure;
			s.level = e->level;
			s.table = e->paddr;
			s.rights = e->rights;
			while (!step(j, &s))
				;
		}
	}
}

/* Passed as it is, with the rights of the device's entry. QEMU caches that, too. */
static void untranslated(struct amdvi_judge *j, const struct device *d, uint64_t iova,
			 uint64_t need, enum departure departure)
{
	if (d->quad[0] & need)
		add(j, false, iova, departure);
	else
		add(j, true, 0, departure);
	remember(j, (struct entry){.devid = d->devid,
				   .domain = (uint16_t)d->quad[1],
				   .departure = DEPART_BY_SOURCE,
				   .shift = 12,
				   .first = iova >> 12,
				   .paddr = iova & ~UINT64_C(0xfff),
				   .leaf_rights = d->quad[0] & RIGHTS});
}

static void through_device(struct amdvi_judge *j, struct device d, uint64_t iova, uint64_t need)
{
	const unsigned mode = d.quad[0] >> 9 & 7;
	struct walk s = {
		.devid = d.devid,
		.domain = (uint16_t)d.quad[1],
		.iova = iova,
		.need = need,
		.level = mode,
		.table = d.quad[0] & FRAME,
		.rights = RIGHTS,
	};

	if (!(d.quad[0] & 1)) {
		add(j, false, iova, DEPART_NONE);
		if (d.reserved) /* nothing else counts without V, but QEMU looks */
			add(j, true, 0, DEPART_DTE_V);
	} else if (d.reserved) {
		add(j, true, 0, DEPART_NONE);
	} else if (!(d.quad[0] & 2)) {
		add(j, true, 0, DEPART_NONE);
		untranslated(j, &d, iova, need, DEPART_TV);
	} else if (mode == 0) {
		untranslated(j, &d, iova, need, DEPART_NONE);
	} else if (mode == 7 || !(d.quad[0] & need)) {
		add(j, true, 0, DEPART_NONE);
	} else {
		if (mode < 6 && iova >> (12 + 9 * mode) != 0) {
			add(j, true, 0, DEPART_NONE);
			s.departure = DEPART_WRAP;
		} else {
			use_entries(j, &s);
		}
		while (!step(j, &s))
			;
	}
}

/* QEMU finds translations by device and page, before it has looked at the device table. */
static void by_source(struct amdvi_judge *j, uint16_t devid, uint64_t iova, uint64_t need)
{
	for (unsigned i = 0; i < j->entries; i++) {
		const struct entry *e = &j->entry[i];

		if (e->devid != devid || e->level != 0 || iova >> e->shift != e->first)
			continue;
		if (e->leaf_rights & need)
			add(j, false, e->paddr | (iova & ((UINT64_C(1) << e->shift) - 1)),
			    e->rights & need ? DEPART_BY_SOURCE : DEPART_LEAF_RIGHTS);
		else
			add(j, true, 0, DEPART_BY_SOURCE);
	}
}

unsigned amdvi_judge_access(struct amdvi_judge *j, uint16_t devid, uint64_t iova, bool write,
			    struct outcome *out)
{
	const uint64_t at = j->device_table + 32u * devid, need = write ? IW : IR;
	struct device now = {
		.devid = devid,
		.quad = {pair_peek(j->pair, at), pair_peek(j->pair, at + 8)},
	};
	unsigned count;

	j->out = out;
	j->outs = 0;
	if (!j->enabled) {
		add(j, false, iova, DEPART_NONE);
		return j->outs;
	}
	now.reserved = (now.quad[0] & (UINT64_C(1) << 63 | 0x7c)) != 0;
	by_source(j, devid, iova, need);
	remember_device(j, now);
	count = j->devices;
	for (unsigned i = 0; i < count; i++) {
		if (j->device[i].devid == devid)
			through_device(j, j->device[i], iova, need);
	}
	return j->outs;
}

/* Does INVALIDATE_IOMMU_PAGES with @hi cover @e? The lowest zero bit from 12 up gives the size. */
static bool covered(const struct entry *e, uint64_t hi)
{
	unsigned shift = 12;

	if (e->level != 0 && !(hi & 2))
		return false;
	if (hi & 1) {
		for (shift = 13; shift < 63 && (hi >> (shift - 1) & 1); shift++)
			;
	}
	if (shift < e->shift)
		shift = e->shift;
	return (e->first << e->shift) >> shift == hi >> shift;
}

void amdvi_judge_command(struct amdvi_judge *j, uint64_t lo, uint64_t hi)
{
	const unsigned code = (unsigned)(lo >> 60);
	unsigned kept = 0;

	for (unsigned i = 0; i < j->devices && (code == 2 || code == 8); i++) {
		if (code == 2 && j->device[i].devid != (uint16_t)lo)
			j->device[kept++] = j->device[i];
	}
	if (code == 2 || code == 8)
		j->devices = kept;
	kept = 0;
	for (unsigned i = 0; i < j->entries && (code == 3 || code == 8); i++) {
		const struct entry *e = &j->entry[i];

		if (code == 3 && !(e->domain == (uint16_t)(lo >> 32) && covered(e, hi)))
			j->entry[kept++] = *e;
	}
	if (code == 3 || code == 8)
		j->entries = kept;
}
