// SPDX-License-Identifier: MIT
/*
 * The judge's invalidations: what each names is lost, nothing else. See vtd_judge.h.
 */
#include "vtd_judge.h"

void judge_forget_contexts(struct judge *j, unsigned granularity, uint16_t did, uint16_t sid,
			   unsigned fm)
{
	const unsigned ignored[4] = {0, 4, 6, 7};
	unsigned kept = 0;

	for (unsigned i = 0; i < j->contexts; i++) {
		const struct judge_context *c = &j->context[i];
		bool goes = granularity == 1 || c->did == did;

		if (granularity == 3 && ((c->sid ^ sid) & ~ignored[fm]) != 0)
			goes = false;
		if (!goes)
			j->context[kept++] = *c;
	}
	j->contexts = kept;
}

/* Does [@a, @a + @na) meet [@b, @b + @nb)? None of it wraps. */
static bool meet(uint64_t a, uint64_t na, uint64_t b, uint64_t nb)
{
	return a < b + nb && b < a + na;
}

bool judge_forget_pages(struct judge *j, unsigned granularity, uint16_t did, uint64_t iva)
{
	unsigned am = (unsigned)bits(iva, 5, 0), kept = 0;
	uint64_t n = UINT64_C(1) << am, first = (iva >> 12) & ~(n - 1);
	bool leaves_only;

	if (granularity == 0)
		return false;
	if (granularity == 3 && !j->page_selective)
		granularity = 2;
	if (granularity == 3 && am > j->max_mask)
		return false;
	leaves_only = granularity == 3 && bits(iva, 6, 6) != 0;
	for (unsigned i = 0; i < j->pages; i++) {
		const struct judge_page *p = &j->page[i];
		bool goes = granularity == 1 || p->did == did;

		if (granularity == 3 &&
		    !meet(p->pfn << p->order, UINT64_C(1) << p->order, first, n))
			goes = false;
		if (!goes)
			j->page[kept++] = *p;
	}
	j->pages = kept;
	kept = 0;
	for (unsigned i = 0; i < j->tables; i++) {
		const struct judge_table *t = &j->table[i];
		bool goes = !leaves_only && (granularity == 1 || t->did == did);
		unsigned shift = 9u * t->level - 9;

		if (granularity == 3 && !meet(t->prefix << shift, UINT64_C(1) << shift, first, n))
			goes = false;
		if (!goes)
			j->table[kept++] = *t;
	}
	j->tables = kept;
	return true;
}

unsigned judge_descriptor(struct judge *j, uint64_t lo, uint64_t hi)
{
	uint16_t did = (uint16_t)(bits(lo, 31, 16) & ((1u << j->domain_bits) - 1));
	unsigned g = (unsigned)bits(lo, 5, 4);

	switch (bits(lo, 3, 0)) {
	case 1:
		if (bits(lo, 15, 6) != 0 || bits(lo, 63, 50) != 0 || hi != 0 || g == 0)
			return 4;
		judge_forget_contexts(j, g, did, (uint16_t)bits(lo, 47, 32),
				      (unsigned)bits(lo, 49, 48));
		return 0;
	case 2:
		if (bits(lo, 15, 8) != 0 || bits(lo, 63, 32) != 0 || bits(hi, 11, 7) != 0)
			return 4;
		return judge_forget_pages(j, g, did, hi) ? 0 : 4;
	case 3:
		if (bits(lo, 11, 4) != 0 || bits(lo, 31, 21) != 0 || bits(lo, 51, 48) != 0 ||
		    bits(hi, 11, 1) != 0)
			return j->device_tlb ? 4 : 3;
		return j->device_tlb ? 0 : 3;
	case 5:
		return bits(lo, 31, 7) != 0 || bits(hi, 1, 0) != 0 ? 4 : 0;
	default:
		return 3;
	}
}
