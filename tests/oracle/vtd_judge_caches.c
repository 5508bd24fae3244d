// SPDX-License-Identifier: MIT
/*
 * See vtd_judge.h: what could be cached, and what invalidations take out of it (VT-d specification,
 * "Caching Translation Information").
 */
#include "vtd_judge_impl.h"

void vtd_judge_remember_context(struct vtd_judge *j, struct context c)
{
	for (unsigned i = 0; i < j->contexts; i++) {
		struct context *old = &j->context[i];

		if (old->sid == c.sid && old->lo == c.lo && old->hi == c.hi) {
			if (c.departure == DEPART_NONE)
				old->departure = DEPART_NONE;
			return;
		}
	}
	if (j->contexts < SET_MAX)
		j->context[j->contexts++] = c;
}

void vtd_judge_remember_entry(struct vtd_judge *j, struct entry e)
{
	for (unsigned i = 0; i < j->entries; i++) {
		struct entry *old = &j->entry[i];

		if (old->sid == e.sid && old->did == e.did && old->level == e.level &&
		    old->shift == e.shift && old->first == e.first && old->paddr == e.paddr &&
		    old->r == e.r && old->w == e.w) {
			if (e.departure == DEPART_NONE)
				old->departure = DEPART_NONE;
			return;
		}
	}
	if (j->entries < SET_MAX)
		j->entry[j->entries++] = e;
}

/* QEMU looks at once for whom it may leave the path, not at that device's next access. */
static void look_for_pass_through(struct vtd_judge *j)
{
	for (unsigned n = 0; n < PAIR_DEVICES && j->enabled; n++) {
		struct context c;

		if (vtd_judge_fetch(j, edu_source(n), &c) == 0 && (c.lo >> 2 & 3) == 2) {
			c.departure = DEPART_PASS_EAGER;
			vtd_judge_remember_context(j, c);
		}
	}
}

void vtd_judge_enable(struct vtd_judge *j, bool on)
{
	j->enabled = on;
	look_for_pass_through(j);
}

void vtd_judge_root(struct vtd_judge *j, uint64_t rtaddr)
{
	j->root = rtaddr & ~UINT64_C(0xfff);
	look_for_pass_through(j);
}

void vtd_judge_context(struct vtd_judge *j, unsigned granularity, uint16_t did, uint16_t sid,
		       unsigned fm)
{
	static const uint16_t ignored[] = {0, 4, 6, 7};
	unsigned kept = 0;

	for (unsigned i = 0; i < j->contexts; i++) {
		const struct context *c = &j->context[i];
		/* a device is named by both: with a wrong domain-id hardware need not find it */
		const bool named = (uint16_t)(c->hi >> 8) == did;
		const bool goes = granularity == 1 || (granularity == 2 && named) ||
				  (granularity == 3 && named &&
				   ((c->sid ^ sid) & (uint16_t)~ignored[fm & 3]) == 0);

		if (!goes)
			j->context[kept++] = *c;
	}
	j->contexts = kept;
	look_for_pass_through(j);
}

void vtd_judge_iotlb(struct vtd_judge *j, unsigned granularity, uint16_t did, uint64_t iva)
{
	/* 2^51 pages are all there are; hardware refuses such masks anyway */
	const unsigned am = (iva & 0x3f) < 51 ? iva & 0x3f : 51;
	const bool leaves_only = iva & 0x40;
	unsigned kept = 0;

	for (unsigned i = 0; i < j->entries; i++) {
		const struct entry *e = &j->entry[i];
		/* the coarser of the two blocks decides whether they overlap */
		const unsigned shift = e->shift > 12 + am ? e->shift : 12 + am;
		const bool overlaps = (e->first << e->shift) >> shift == iva >> shift;
		const bool goes = granularity == 1 || (granularity == 2 && e->did == did) ||
				  (granularity == 3 && e->did == did && overlaps &&
				   (e->level == 0 || !leaves_only));

		if (!goes)
			j->entry[kept++] = *e;
	}
	j->entries = kept;
}
