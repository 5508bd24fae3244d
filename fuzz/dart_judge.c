// SPDX-License-Identifier: MIT
/*
 * See dart_judge.h.
 */
#include <errno.h>

#include "dart_judge.h"

#define APIEXCP 0x0060u
#define APIMASK 0x0070u
#define CONTROL 0x3000u
#define U3_EXCP 0x3010u
#define U4_BASE 0x3010u
#define U4_SIZE 0x3020u
#define U4_EXCP 0x3030u

/* What of an entry means something: valid, the two rights, the page. */
#define MEANING UINT32_C(0xE0FFFFFF)

/* ---- the table ---- */

uint64_t table_at(const struct world *w)
{
	return w->u4 ? (uint64_t)w->base * 4096 : w->control & UINT32_C(0xFFFFF000);
}

uint64_t table_entries(const struct world *w)
{
	/* U3's largest table, 512 pages, does not fit the field: it is written as 0. */
	const uint64_t pages = w->u4 ? w->size : w->control & 0x1FF ? w->control & 0x1FF : 512;

	return pages * 1024;
}

static bool enabled(const struct world *w)
{
	return (w->control & (w->u4 ? UINT32_C(0x80000000) : 0x200)) != 0;
}

bool load(const struct world *w, uint64_t paddr, uint32_t *value)
{
	const uint8_t *at;

	if (paddr > MEMORY_BYTES - 4)
		return false;
	at = w->memory + paddr;
	*value = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
	return true;
}

/* ---- what is held ---- */

static struct kept *find(struct world *w, uint64_t page)
{
	for (unsigned i = 0; i < w->nkept; i++)
		if (w->kept[i].page == page)
			return &w->kept[i];
	return NULL;
}

static const struct kept *find_held(const struct world *w, uint64_t page)
{
	for (unsigned i = 0; i < w->nkept; i++)
		if (w->kept[i].page == page && w->kept[i].held)
			return &w->kept[i];
	return NULL;
}

bool judge_has_room(const struct world *w)
{
	return w->nkept <= MAX_KEPT - 16;
}

void judge_dropped(struct world *w, unsigned bus, uint64_t page)
{
	struct kept *k = find(w, page);

	JUDGE(bus <= w->u4);
	if (bus == 1) {
		JUDGE(w->told_half && w->told == page);
		w->told_half = false;
		return;
	}
	JUDGE(!w->told_half);
	JUDGE(k != NULL && k->held);
	k->held = false;
	w->told_half = w->u4;
	w->told = page;
}

/* The line around @page was fetched. What differs from what was held must have been dropped. */
static void fill(struct world *w, uint64_t page)
{
	const uint64_t first = page / w->line_pages * w->line_pages;

	w->fills++;
	for (uint64_t p = first; p < first + w->line_pages; p++) {
		struct kept *k = find(w, p);
		uint32_t entry;

		JUDGE(load(w, table_at(w) + p * 4, &entry));
		if (k != NULL && k->held)
			JUDGE(k->entry == entry);
		if (!(entry & UINT32_C(0x80000000)))
			continue;
		if (k == NULL)
			k = &w->kept[w->nkept++];
		*k = (struct kept){p, entry, w->fills, true};
	}
}

/* ---- an access ---- */

static struct answer refusal(int error, unsigned code)
{
	return (struct answer){.error = error, .code = code};
}

/* The entry for @page, out of the TLB or the table. False: not even the table has one. */
static bool look_up(const struct world *w, uint64_t page, struct answer *a)
{
	const uint64_t lines = w->line_pages != 0 ? w->line_pages : 1;
	const struct kept *k = find_held(w, page);
	uint32_t now = 0;
	bool readable = load(w, table_at(w) + page * 4, &now);

	if (k != NULL) {
		a->hit = true;
		a->entry = k->entry;
		a->stale = !readable || (now & MEANING) != (k->entry & MEANING);
		return true;
	}
	a->fetched = true;
	a->entry = now;
	/* All of the line, or nothing. */
	return readable && load(w, table_at(w) + (page / lines * lines + lines - 1) * 4, &now);
}

struct answer judge_access(const struct world *w, unsigned bus, uint64_t iova, bool write)
{
	const uint64_t bypass = UINT64_C(0x8000000000);
	struct answer a = {0};

	if (w->u4 && bus == 1 && iova >= bypass && iova < bypass + UINT64_C(0x1000000000))
		return (struct answer){.bypass = true, .paddr = iova - bypass};
	if (!enabled(w))
		return (struct answer){.bypass = true, .paddr = iova};
	if (iova / 4096 >= table_entries(w))
		return refusal(-EPERM, 0);
	if (!look_up(w, iova / 4096, &a)) {
		a.error = -EFAULT;
		a.code = 4;
	} else if (!(a.entry & UINT32_C(0x80000000))) {
		a.error = -EPERM;
		a.code = 1;
	} else if (w->rights && (a.entry & UINT32_C(0x20000000)) && write) {
		a.error = -EPERM;
		a.code = 3;
	} else if (w->rights && (a.entry & UINT32_C(0x40000000)) && !write) {
		a.error = -EPERM;
		a.code = 2;
	} else {
		a.paddr = (uint64_t)(a.entry & 0xFFFFFF) * 4096 + iova % 4096;
	}
	return a;
}

void judge_done(struct world *w, unsigned bus, uint64_t iova, bool write, const struct answer *a)
{
	if (a->fetched && w->line_pages != 0 && a->error != -EFAULT &&
	    (a->entry & UINT32_C(0x80000000)))
		fill(w, iova / 4096);
	JUDGE(w->faults == (a->error != 0));
	if (a->error == 0)
		return;
	w->flag = true;
	if (w->u4)
		w->exception = (bus == 0 ? UINT32_C(0x80000000) : 0) |
			       (uint32_t)(iova / 4096 % 0x8000000) * 16 | (write ? 8 : 0) | a->code;
}

/* ---- registers ---- */

static uint32_t bit_of_all(const struct world *w)
{
	return w->u4 ? UINT32_C(0x20000000) : 0x400;
}

static uint32_t bit_of_one(const struct world *w)
{
	return w->u4 ? UINT32_C(0x40000000) : 0;
}

/* Bits of the control register that keep what is written. */
static uint32_t control_kept(const struct world *w)
{
	return w->u4 ? UINT32_C(0x8FFFFFFF) : UINT32_C(0xFFFFFBFF);
}

/* A bit that rises asks; one that is up already asks for nothing new; a 0 takes it back. */
static void ask(struct world *w, struct request *r, bool set, uint64_t page)
{
	if (set && !r->up)
		*r = (struct request){.asked = w->fills, .page = page};
	r->up = set;
}

/* The chip says that @r is done: nothing from before it may be held. */
static void fallen(struct world *w, struct request *r, bool all)
{
	r->up = false;
	for (unsigned i = 0; i < w->nkept; i++)
		if (all || w->kept[i].page == r->page)
			JUDGE(!w->kept[i].held || w->kept[i].filled > r->asked);
}

static void control_read(struct world *w, uint32_t value)
{
	const uint32_t all = bit_of_all(w), one = bit_of_one(w), up = value & (all | one);

	JUDGE(w->all.up || !(value & all));
	JUDGE(w->one.up || !(value & one));
	/* U4 shows that it is idle. */
	JUDGE(value == (w->control | up | (w->u4 && up == 0 ? 0x10000000 : 0)));
	if (w->all.up && !(value & all))
		fallen(w, &w->all, true);
	if (w->one.up && !(value & one))
		fallen(w, &w->one, false);
	JUDGE(w->misses || w->polls < w->busy_reads || up == 0);
	w->polls++;
}

bool judge_register(const struct world *w, uint64_t offset)
{
	if (w->u4)
		return offset == CONTROL || offset == U4_BASE || offset == U4_SIZE ||
		       offset == U4_EXCP;
	return offset == APIEXCP || offset == APIMASK || offset == CONTROL || offset == U3_EXCP;
}

bool judge_written(struct world *w, uint64_t offset, uint32_t value)
{
	if (!judge_register(w, offset))
		return false;
	if (offset == CONTROL) {
		w->control = value & control_kept(w);
		ask(w, &w->all, (value & bit_of_all(w)) != 0, 0);
		ask(w, &w->one, (value & bit_of_one(w)) != 0, value & 0x07FFFFFF);
		w->polls = 0;
	} else if (!w->u4 && offset == APIMASK) {
		w->mask = value;
	} else if (w->u4 && offset == U4_BASE) {
		w->base = value & 0xFFFFFF;
	} else if (w->u4 && offset == U4_SIZE) {
		w->size = value & 0x1FFFF;
	}
	return true;
}

void judge_read(struct world *w, uint64_t offset, uint32_t value)
{
	if (offset == CONTROL) {
		control_read(w, value);
	} else if (!w->u4 && offset == APIEXCP) {
		JUDGE(value == (w->flag ? UINT32_C(0x80000000) : 0));
		w->flag = false;
	} else if (!w->u4 && offset == APIMASK) {
		JUDGE(value == w->mask);
	} else if (w->u4 && offset == U4_BASE) {
		JUDGE(value == w->base);
	} else if (w->u4 && offset == U4_SIZE) {
		JUDGE(value == w->size);
	} else {
		JUDGE(value == w->exception); /* where U3's fields are is not known: 0 */
	}
}

void judge_reset(struct world *w)
{
	w->control = w->base = w->size = w->mask = w->exception = 0;
	w->flag = false;
	w->all = w->one = (struct request){0};
	for (unsigned i = 0; i < w->nkept; i++)
		JUDGE(!w->kept[i].held);
}
