// SPDX-License-Identifier: MIT
/*
 * See riommu_judge.h.
 */
#include <errno.h>
#include <string.h>

#include "riommu_judge.h"

/* What of a mapping's second word means something: 30 bits of size, two rights, valid. */
#define MEANING UINT64_C(0x1FFFFFFFF)
#define SIZE    UINT64_C(0x3FFFFFFF)
#define READ    (UINT64_C(1) << 30)
#define WRITE   (UINT64_C(1) << 31)
#define VALID   (UINT64_C(1) << 32)
#define TOP     (UINT64_C(1) << 63)

bool load(const struct world *w, uint64_t paddr, struct words *to)
{
	uint64_t v[2] = {0, 0};

	if (paddr > MEMORY_BYTES - 16)
		return false;
	for (unsigned i = 0; i < 16; i++)
		v[i / 8] |= (uint64_t)w->memory[paddr + i] << 8 * (i % 8);
	*to = (struct words){v[0], v[1]};
	return true;
}

/* ---- what is held ---- */

static bool same(struct words a, struct words b)
{
	return a.first == b.first && (a.second & MEANING) == (b.second & MEANING);
}

/* Does @h hold @m as entry @entry? */
static bool holds(const struct held *h, uint32_t entry, struct words m)
{
	if (h->entry == entry && same(h->now, m))
		return true;
	return (h->next.second & VALID) && (h->entry + 1) % h->entries == entry && same(h->next, m);
}

static uint64_t mix(uint16_t device, uint64_t page)
{
	return (page * 65536 + device) * UINT64_C(0x9E3779B97F4A7C15) >> 7;
}

static void due(struct world *w, const struct held *h, uint32_t entry, struct words m,
		const struct held *by)
{
	const uint64_t base = ((uint64_t)h->rid << 48 | (uint64_t)entry << 30) >> 12;

	if (!(m.second & VALID) || (by && holds(by, entry, m)))
		return;
	for (uint64_t at = 0; at < (m.second & SIZE); at += 4096) {
		w->due++;
		w->due_sum += mix(h->device, base + at / 4096);
	}
}

/* @was is no longer held; @by, unless NULL, is what is held of the ring now. */
static void gone(struct world *w, const struct held *was, const struct held *by)
{
	due(w, was, was->entry, was->now, by);
	due(w, was, (was->entry + 1) % was->entries, was->next, by);
}

static void forget(struct world *w, unsigned i)
{
	gone(w, &w->held[i], NULL);
	memmove(&w->held[i], &w->held[i + 1], (w->nheld - i - 1) * sizeof(w->held[0]));
	w->nheld--;
}

static void forget_some(struct world *w, bool all, uint16_t device, bool one, uint16_t rid)
{
	for (unsigned i = 0; i < w->nheld;)
		if (all || (w->held[i].device == device && (!one || w->held[i].rid == rid)))
			forget(w, i);
		else
			i++;
}

/* The ring, brought to the front; NULL if nothing is held of it. */
static struct held *use(struct world *w, uint16_t device, uint16_t rid)
{
	for (unsigned i = 0; i < w->nheld; i++)
		if (w->held[i].device == device && w->held[i].rid == rid) {
			const struct held found = w->held[i];

			memmove(&w->held[1], &w->held[0], i * sizeof(found));
			w->held[0] = found;
			return &w->held[0];
		}
	return NULL;
}

static void hold(struct world *w, const struct held *new)
{
	struct held *old = use(w, new->device, new->rid);

	if (w->room == 0)
		return;
	if (old) {
		const struct held was = *old;

		*old = *new;
		gone(w, &was, new);
		return;
	}
	if (w->nheld == w->room)
		forget(w, w->nheld - 1);
	memmove(&w->held[1], &w->held[0], w->nheld * sizeof(*new));
	w->held[0] = *new;
	w->nheld++;
}

/* ---- tables ---- */

static unsigned walk(const struct world *w, uint16_t device, uint64_t iova, struct held *to,
		     unsigned *reads)
{
	const uint16_t rid = (uint16_t)(iova >> 48);
	struct words d, r;

	*to = (struct held){.device = device, .rid = rid, .entry = iova >> 30 & 0x3FFFF};
	if (device >= w->count)
		return 2;
	++*reads;
	if (w->devices > UINT64_MAX - device * 16u || !load(w, w->devices + device * 16u, &d))
		return 1;
	if ((d.second & 0xFFFF) == 0)
		return 2;
	if (rid >= (d.second & 0xFFFF))
		return 3;
	++*reads;
	d.first -= d.first % 16;
	if (d.first > UINT64_MAX - rid * 16u || !load(w, d.first + rid * 16u, &r))
		return 1;
	to->ring = r.first - r.first % 16;
	to->entries = r.second & 0x3FFFF;
	if (to->entries == 0)
		return 3;
	if (to->entry >= to->entries)
		return 4;
	++*reads;
	if (to->ring > UINT64_MAX - to->entry * 16u ||
	    !load(w, to->ring + to->entry * 16u, &to->now))
		return 1;
	return to->now.second & VALID ? 0 : 5;
}

static struct words fetch_next(const struct world *w, const struct held *h)
{
	const uint64_t at = (uint64_t)((h->entry + 1) % h->entries) * 16;
	struct words m = {0, 0};

	if (h->ring <= UINT64_MAX - at)
		(void)load(w, h->ring + at, &m);
	return m;
}

static unsigned permit(const struct held *h, uint64_t iova, bool write, struct answer *a)
{
	const uint64_t offset = iova & SIZE;
	uint64_t bytes = h->now.second & SIZE;

	if (bytes > 0 && h->now.first > UINT64_MAX - (bytes - 1))
		bytes = UINT64_MAX - h->now.first + 1;
	if (offset >= bytes)
		return 6;
	if (!(h->now.second & (write ? WRITE : READ)))
		return 7;
	a->paddr = h->now.first + offset;
	a->bytes = bytes - offset;
	return 0;
}

static void latch(struct world *w, uint16_t device, uint64_t iova, bool write, unsigned reason)
{
	if (w->fault & TOP) {
		w->fault |= TOP >> 1;
		return;
	}
	w->fault = TOP | (write ? TOP >> 2 : 0) | (uint64_t)reason << 32 | device;
	w->fault_iova = iova;
}

static bool differs(const struct world *w, uint16_t device, uint64_t iova, const struct held *h)
{
	struct held now;
	unsigned reads = 0;

	return walk(w, device, iova, &now, &reads) != 0 || !same(now.now, h->now);
}

struct answer judge_access(struct world *w, uint16_t device, uint64_t iova, bool write)
{
	const uint32_t entry = iova >> 30 & 0x3FFFF;
	struct answer a = {.hit = true};
	struct held *held, h;

	if (!(w->control & 1))
		return (struct answer){.bypass = true, .paddr = iova, .bytes = 4096 - iova % 4096};
	held = use(w, device, (uint16_t)(iova >> 48));
	if (held && held->entry == entry) {
		h = *held;
	} else if (held && (held->next.second & VALID) &&
		   (held->entry + 1) % held->entries == entry) {
		h = *held;
		h.entry = entry;
		h.now = held->next;
		w->useful++;
	} else {
		a.hit = false;
		a.reason = walk(w, device, iova, &h, &a.fetches);
	}
	*(a.hit ? &w->hits : &w->misses) += 1;
	if (a.reason == 0) {
		a.reason = permit(&h, iova, write, &a);
		a.stale = a.reason == 0 && a.hit && differs(w, device, iova, &h);
		if (w->room && (!a.hit || held->entry != entry)) {
			h.next = (struct words){0, 0};
			a.ahead = h.entries > 1;
			if (a.ahead)
				h.next = fetch_next(w, &h);
			w->prefetched += (h.next.second & VALID) != 0;
			hold(w, &h);
		}
	}
	a.hit &= a.reason == 0;
	if (a.reason) {
		a.error = a.reason == 1 ? -EFAULT : -EPERM;
		latch(w, device, iova, write, a.reason);
	}
	return a;
}

/* ---- registers ---- */

bool judge_written(struct world *w, uint64_t offset, uint64_t value)
{
	const unsigned scope = value >> 32 & 3;

	switch (offset) {
	case 0x00:
	case 0x30:
		return true;
	case 0x08:
		w->control = value & 1;
		return true;
	case 0x10:
		w->devices = value - value % 4096;
		return true;
	case 0x18:
		w->count = value % 0x20000 > 0x10000 ? 0x10000 : value % 0x20000;
		return true;
	case 0x20:
		w->commands += scope != 0;
		if (scope)
			forget_some(w, scope == 3, (uint16_t)(value >> 16), scope == 1,
				    (uint16_t)value);
		return true;
	case 0x28:
		if (value & TOP)
			w->fault = w->fault_iova = 0;
		return true;
	default:
		return false;
	}
}

bool judge_register(const struct world *w, uint64_t offset, uint64_t *value)
{
	const uint64_t shown[] = {1, w->control, w->devices, w->count, 0, w->fault, w->fault_iova};

	*value = 0;
	if (offset % 8 || offset / 8 >= sizeof(shown) / sizeof(*shown))
		return false;
	*value = shown[offset / 8];
	return true;
}

void judge_reset(struct world *w)
{
	w->control = w->devices = w->count = w->fault = w->fault_iova = 0;
	forget_some(w, true, 0, false, 0);
}

/* ---- what is told ---- */

void judge_told(struct world *w, uint16_t device, uint64_t page)
{
	w->told++;
	w->told_sum += mix(device, page);
}

void judge_step(struct world *w)
{
	struct iotlb_stats s;

	JUDGE(w->told == w->due && w->told_sum == w->due_sum);
	w->told = w->told_sum = w->due = w->due_sum = 0;
	w->iommu->ops->stats(w->iommu, &s);
	JUDGE(s.hits == w->hits && s.misses == w->misses);
	JUDGE(s.prefetched == w->prefetched && s.useful == w->useful);
	JUDGE(w->iommu->ops->invalidations(w->iommu) == w->commands);
}
