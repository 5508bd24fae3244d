// SPDX-License-Identifier: MIT
/*
 * See vtd_world.h.
 */
#include <errno.h>
#include <string.h>

#include "vtd_world.h"

int memory_read(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	struct world *w = ctx;

	JUDGE(bytes <= 128);
	w->accesses_of_memory++;
	if (paddr > MEMORY_BYTES || bytes > MEMORY_BYTES - paddr)
		return -EFAULT;
	memcpy(to, w->memory + paddr, bytes);
	return 0;
}

int memory_write(void *ctx, uint64_t paddr, const void *from, size_t bytes)
{
	struct world *w = ctx;

	JUDGE(bytes == 4 && paddr % 4 == 0);
	w->accesses_of_memory++;
	if (paddr > MEMORY_BYTES || bytes > MEMORY_BYTES - paddr)
		return -EFAULT;
	memcpy(w->memory + paddr, from, bytes);
	return 0;
}

uint64_t readq(struct world *w, uint32_t offset)
{
	return w->iommu->ops->reg_read(w->iommu, offset, 8);
}

uint32_t readl(struct world *w, uint32_t offset)
{
	return (uint32_t)w->iommu->ops->reg_read(w->iommu, offset, 4);
}

void writeq(struct world *w, uint32_t offset, uint64_t value)
{
	w->iommu->ops->reg_write(w->iommu, offset, value, 8);
}

void writel(struct world *w, uint32_t offset, uint32_t value)
{
	w->iommu->ops->reg_write(w->iommu, offset, value, 4);
}

void store(struct world *w, uint64_t paddr, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		w->memory[paddr + i] = (uint8_t)(value >> 8 * i);
}

static uint64_t record_hi(struct world *w, unsigned n)
{
	return readq(w, w->config.fault_offset + 16 * n + 8);
}

static bool hidden(const struct judge_outcome *o)
{
	return o->fpd && o->reason != 1 && o->reason != 8 && o->reason != 9 && o->reason != 0xA;
}

static bool could_be_hidden(const struct judge *j)
{
	for (unsigned i = 0; i < j->outcomes; i++)
		if (j->outcome[i].reason != 0 && hidden(&j->outcome[i]))
			return true;
	return false;
}

static bool could_be_recorded(const struct judge *j, unsigned reason)
{
	for (unsigned i = 0; i < j->outcomes; i++)
		if (j->outcome[i].reason == reason && !hidden(&j->outcome[i]))
			return true;
	return false;
}

static bool could_be_granted(const struct judge *j, const struct iotoll_xlat *x)
{
	for (unsigned i = 0; i < j->outcomes; i++)
		if (j->outcome[i].reason == 0 && j->outcome[i].paddr == x->paddr &&
		    j->outcome[i].bypass == x->bypass)
			return true;
	return false;
}

static bool ends_with_a_page(uint64_t iova, const struct iotoll_xlat *x)
{
	for (unsigned shift = 12; shift <= 30; shift += 9)
		if (x->bytes == (UINT64_C(1) << shift) - (iova & ((UINT64_C(1) << shift) - 1)))
			return true;
	return x->paddr + x->bytes == 0xFEE00000 || iova + x->bytes == 0xFEE00000;
}

struct records look_at_records(struct world *w)
{
	struct records r = {.overflow = (readl(w, 0x34) & 1) != 0};

	for (unsigned n = 0; n < w->config.fault_records; n++) {
		r.valid[n] = record_hi(w, n) >> 63 != 0;
		r.sid[n] = (uint16_t)record_hi(w, n);
		r.recorded += r.valid[n];
	}
	JUDGE(((readl(w, 0x34) & 2) != 0) == (r.recorded != 0));
	return r;
}

void judge_record(struct world *w, const struct records *before, uint16_t sid, uint64_t iova,
		  bool write, int ret)
{
	struct records now = look_at_records(w);
	unsigned n = w->next_record, reason;
	bool pending = false;

	for (unsigned i = 0; i < w->config.fault_records; i++)
		pending = pending || (before->valid[i] && before->sid[i] == sid);
	if (now.recorded == before->recorded) {
		if (before->overflow || pending) {
			JUDGE(now.overflow == before->overflow);
			return;
		}
		JUDGE(now.overflow ? before->valid[n] : could_be_hidden(&w->judge));
		return;
	}
	JUDGE(!before->overflow && !now.overflow && !pending && !before->valid[n] && now.valid[n]);
	JUDGE(now.recorded == before->recorded + 1);
	reason = (unsigned)(record_hi(w, n) >> 32) & 0xFF;
	JUDGE(could_be_recorded(&w->judge, reason));
	JUDGE(record_hi(w, n) ==
	      (UINT64_C(1) << 63 | (write ? 0 : UINT64_C(1) << 62) | (uint64_t)reason << 32 | sid));
	JUDGE(readq(w, w->config.fault_offset + 16 * n) == iova >> 12 << 12);
	if (reason != 3)
		JUDGE((ret == -EFAULT) == (reason >= 7 && reason <= 9));
	w->next_record = (n + 1) % w->config.fault_records;
}

void judge_grant(struct world *w, uint16_t sid, uint64_t iova, bool write,
		 const struct iotoll_xlat *x)
{
	struct judge_outcome now;
	bool same;

	JUDGE(could_be_granted(&w->judge, x));
	JUDGE(ends_with_a_page(iova, x));
	if (x->stale)
		JUDGE(x->hit);
	if (!x->hit)
		return;
	JUDGE(!x->bypass && x->fetches <= 2);
	now = judge_memory(&w->judge, sid, iova, write);
	same = now.reason == 0 && !now.bypass && now.paddr == x->paddr;
	JUDGE(x->stale == !same);
}
