// SPDX-License-Identifier: MIT
/*
 * The judge of the AMD-Vi fuzzer: a walker written from the published rules, without the model's
 * headers of layouts and without caches, that can also ask what the tables held before.
 */
#include "amdvi_judge.h"

#include <errno.h>

uint64_t load(const struct world *w, uint64_t paddr)
{
	uint64_t v;

	memcpy(&v, w->memory + paddr, 8); /* little-endian hosts only, as all of CI */
	return v;
}

uint64_t reg(struct world *w, uint64_t offset)
{
	return w->iommu->ops->reg_read(w->iommu, offset, 8);
}

static struct answer refusal(int error, unsigned code, unsigned flags)
{
	return (struct answer){.error = error, .code = code, .flags = flags};
}

static struct answer untranslated(uint64_t iova)
{
	return (struct answer){.bypass = true, .paddr = iova, .end = (iova | 0xFFF) + 1};
}

static unsigned low_bit(unsigned level)
{
	return 3 + 9 * level; /* 12, 21, 30 ... */
}

/* One entry at @level, rights so far @rights: descend to *@table and *@next, or the answer. */
static bool judge_entry(uint64_t e, unsigned level, uint64_t iova, unsigned rw, uint64_t *rights,
			struct answer *a, unsigned *next, uint64_t *table)
{
	const unsigned nl = (unsigned)(e >> 9 & 7), write = rw == IOTOLL_WRITE ? 0x20 : 0;
	const uint64_t need = BIT(rw == IOTOLL_WRITE ? 62 : 61);
	const bool leaf = nl == 0 || nl == 7;
	unsigned size = low_bit(level);

	*a = refusal(-EPERM, 2, 0x10 | write);
	if (!(e & 1))
		a->flags = write;
	else if (e & (leaf ? UINT64_C(0x07F0000000000000) : UINT64_C(0x1FF0000000000000)))
		a->flags |= 0x80;
	else if (leaf ? level == 6 : nl >= level)
		; /* flags say it: no pages at level 6, tables below their own */
	else {
		*rights &= e;
		if (nl == 7)
			for (size = 13; e & FRAME & BIT(size - 1); size++)
				;
		if (nl == 7 && (size <= low_bit(level) || size >= low_bit(level + 1)))
			return false;
		if (!(*rights & need)) {
			a->flags |= 0x40;
			return false;
		}
		if (leaf) {
			const uint64_t mask = BIT(size) - 1;

			*a = (struct answer){.paddr = (e & FRAME & ~mask) | (iova & mask),
					     .end = (iova | mask) + 1};
			return false;
		}
		for (unsigned bit = low_bit(nl + 1); bit < low_bit(level); bit++)
			if (iova & BIT(bit))
				return false;
		*next = nl;
		*table = e & FRAME;
		return true;
	}
	return false;
}

static uint64_t entry_at(uint64_t table, unsigned level, uint64_t iova)
{
	return table + (iova >> low_bit(level)) % 512 * 8;
}

static struct answer judge_tables(const struct world *w, uint64_t dte0, uint64_t iova, unsigned rw)
{
	unsigned level = (unsigned)(dte0 >> 9 & 7);
	uint64_t table = dte0 & FRAME, rights = UINT64_MAX;
	struct answer a;

	do {
		const uint64_t at = entry_at(table, level, iova);

		if (at > MEMORY_BYTES - 8)
			return refusal(-EFAULT, 4, 0x200 | (rw == IOTOLL_WRITE ? 0x20 : 0));
		if (!judge_entry(load(w, at), level, iova, rw, &rights, &a, &level, &table))
			return a;
	} while (true);
}

struct answer judge_now(struct world *w, uint16_t devid, uint64_t iova, unsigned rw)
{
	const uint64_t base = reg(w, 0), at = (base & FRAME) + devid * UINT64_C(32);
	const unsigned write = rw == IOTOLL_WRITE ? 0x20 : 0;
	uint64_t d[4], reserved, page = iova & ~UINT64_C(0xFFF);

	if (!(reg(w, 0x18) & 1))
		return untranslated(iova);
	if (devid >= ((base & 0x1FF) + 1) * 128)
		return refusal(-EPERM, 1, write);
	if (at > MEMORY_BYTES - 32)
		return refusal(-EFAULT, 3, 0x200 | write);
	for (unsigned i = 0; i < 4; i++)
		d[i] = load(w, at + 8 * i);
	if (!(d[0] & 1))
		return untranslated(iova);
	reserved = (d[0] & UINT64_C(0x80E00000000001FC)) | (d[1] & BIT(42)) | d[3];
	if (d[2] & 1)
		reserved |= d[2] & UINT64_C(0x08F0000000000000);
	if (reserved || (d[0] & 0xE02) == 0xE02)
		return refusal(-EPERM, 1, write | (reserved ? 0x80 : 0));
	if (iova >> 20 == 0xFEE) {
		if (!write)
			return refusal(-EPERM, 8, 0);
		if ((d[2] & 1) && (d[2] >> 60 & 3) % 3 == 0)
			return refusal(-EPERM, 8, 0xA00);
		return untranslated(iova);
	}
	if ((reg(w, 0x20) & 1) && ((reg(w, 0x20) & 2) || (d[1] & BIT(39))) &&
	    page >= (reg(w, 0x20) & FRAME) && page <= reg(w, 0x28))
		return untranslated(iova);
	if (!(d[0] & 2))
		return refusal(-EPERM, 2, write);
	if (!(d[0] & BIT(write ? 62 : 61)))
		return refusal(-EPERM, 2, 0x50 | write);
	if (!(d[0] & 0xE00))
		return untranslated(iova);
	if ((d[0] >> 9 & 7) < 6 && iova >> low_bit((unsigned)(d[0] >> 9 & 7) + 1))
		return refusal(-EPERM, 2, write);
	return judge_tables(w, d[0], iova, rw);
}

/*
 * Did @e, read in slot @slot of a table of @level, name a page that reaches over to @iova's slot
 * and leads to @paddr? All slots of such a page should hold the same entry; a guest may do
 * otherwise.
 */
static bool reaches_over(uint64_t e, unsigned level, uint64_t slot, uint64_t iova, unsigned rw,
			 uint64_t rights, uint64_t paddr)
{
	const uint64_t other = (iova & ~(UINT64_C(511) << low_bit(level))) | slot << low_bit(level);
	struct answer a;
	unsigned next, size;
	uint64_t table;

	if ((e & 0xE01) != 0xE01 || judge_entry(e, level, other, rw, &rights, &a, &next, &table))
		return false;
	for (size = 13; e & FRAME & BIT(size - 1); size++)
		;
	return a.error == 0 && (iova ^ other) >> size == 0 && a.paddr + (iova - other) == paddr;
}

static bool ever_reached_over(const struct world *w, uint64_t table, unsigned level, uint64_t iova,
			      unsigned rw, uint64_t rights, uint64_t paddr)
{
	for (uint64_t slot = 0; slot < 512 && table + slot * 8 <= MEMORY_BYTES - 8; slot++)
		if (reaches_over(load(w, table + slot * 8), level, slot, iova, rw, rights, paddr))
			return true;
	for (unsigned i = w->since; i < w->nstores; i++)
		if (w->stores[i].paddr - table < 4096 &&
		    reaches_over(w->stores[i].old, level, (w->stores[i].paddr - table) / 8, iova,
				 rw, rights, paddr))
			return true;
	return false;
}

/*
 * Could a walk from the table of @level at @table have led to @paddr at some moment, each entry
 * being what it was then?
 */
static bool ever_leads(struct world *w, uint64_t table, unsigned level, uint64_t iova, unsigned rw,
		       uint64_t rights, uint64_t paddr)
{
	const uint64_t at = entry_at(table, level, iova);

	if (ever_reached_over(w, table, level, iova, rw, rights, paddr))
		return true;
	if (at > MEMORY_BYTES - 8)
		return false;
	for (unsigned i = w->since; i <= w->nstores; i++) {
		uint64_t r = rights, below;
		struct answer a;
		unsigned next;

		if (i != w->nstores && w->stores[i].paddr != at)
			continue;
		if (w->budget == 0 || --w->budget == 0)
			return true;
		if (judge_entry(i == w->nstores ? load(w, at) : w->stores[i].old, level, iova, rw,
				&r, &a, &next, &below)) {
			if (ever_leads(w, below, next, iova, rw, r, paddr))
				return true;
		} else if (a.error == 0 && a.paddr == paddr) {
			return true;
		}
	}
	return false;
}

/* From any device's entry: devices may share a domain, and change it. */
bool ever_granted(struct world *w, uint64_t iova, unsigned rw, uint64_t paddr)
{
	const uint64_t base = reg(w, 0) & FRAME;

	w->budget = BUDGET;
	for (uint64_t devid = 0; devid < 128; devid++)
		for (unsigned i = w->since; i <= w->nstores; i++) {
			const uint64_t at = base + devid * 32;
			const unsigned level = at <= MEMORY_BYTES - 8 ? 1 : 0;
			uint64_t q;

			if (level == 0 || (i != w->nstores && w->stores[i].paddr != at))
				continue;
			q = i == w->nstores ? load(w, at) : w->stores[i].old;
			if ((q >> 9 & 7) % 7 != 0 &&
			    ever_leads(w, q & FRAME, (unsigned)(q >> 9 & 7), iova, rw, UINT64_MAX,
				       paddr))
				return true;
		}
	return false;
}
