// SPDX-License-Identifier: MIT
/*
 * Steps of the VT-d fuzzer that concern devices with translation caches: requests of both kinds,
 * completions that are right, wrong or never come, and page requests. What is granted must be what
 * the judge allows; that a translated request is believed is allowed where a context entry says so.
 */
#include <errno.h>

#include "vtd_world.h"

static const struct iommu_ats_ops *ats(const struct world *w)
{
	return w->iommu->ops->ats;
}

/* How a device takes an invalidation, by the program: at once, wrongly, later, or not at all. */
static bool on_invalidate(void *ctx, uint16_t devid, unsigned itag, uint64_t payload)
{
	struct world *w = ctx;
	const unsigned how = w->hostile ? (unsigned)take(&w->input, 1) : 0;

	(void)payload;
	JUDGE(itag < 32);
	JUDGE((w->open >> itag & 1) == 0); /* a tag is used again only when it is free */
	if (how & 1) {
		w->open |= UINT32_C(1) << itag;
		w->owner[itag] = devid;
		w->seen[itag] = 0;
		return (how & 2) != 0;
	}
	if (how & 2)
		ats(w)->completion(w->iommu, (uint16_t)(devid + (how >> 4)), how * 0x01010101u,
				   how >> 2);
	ats(w)->completion(w->iommu, devid, UINT32_C(1) << itag, 1);
	return true;
}

static bool on_response(void *ctx, uint16_t devid, unsigned index, unsigned code)
{
	(void)ctx;
	(void)devid;
	JUDGE(index < 512 && code == 1);
	return true;
}

void ats_join(struct world *w)
{
	w->fabric = (struct ats_fabric){w, on_invalidate, on_response};
	w->iommu->fabric = &w->fabric;
}

/* A refusal of these requests may have been recorded, too. */
static void note_record(struct world *w, const struct records *before)
{
	const struct records now = look_at_records(w);

	JUDGE(now.recorded <= before->recorded + 1);
	if (now.recorded == before->recorded + 1)
		w->next_record = (w->next_record + 1) % w->config.fault_records;
}

static bool allowed(struct world *w, uint16_t sid, uint64_t iova, bool write, uint64_t paddr)
{
	judge_access(&w->judge, sid, iova, write);
	for (unsigned i = 0; i < w->judge.outcomes; i++)
		if (w->judge.outcome[i].reason == 0 && !w->judge.outcome[i].bypass &&
		    w->judge.outcome[i].paddr == paddr)
			return true;
	return w->judge.full;
}

void ats_request(struct world *w, uint16_t sid, uint64_t iova, bool no_write)
{
	const struct ats_request request = {.source = {.devid = sid},
					    .address = iova & ATS_ADDRESS,
					    .count = 1,
					    .no_write = no_write};
	const struct records before = look_at_records(w);
	struct ats_completion c;
	uint64_t paddr;

	JUDGE(ats(w)->request(w->iommu, &request, &c) == 0);
	JUDGE(c.count == (c.status == ATS_SUCCESS));
	note_record(w, &before);
	if ((readl(w, 0x1C) & 0x80000000) == 0) {
		JUDGE(c.status == ATS_UNSUPPORTED);
		return;
	}
	(void)allowed(w, sid, request.address, false, 0); /* what may be held from now on */
	(void)allowed(w, sid, request.address, true, 0);
	if (c.status != ATS_SUCCESS || w->judge.full)
		return;
	JUDGE(judge_trusts(&w->judge, sid));
	if (c.entry[0] & ATS_ENTRY_U) {
		JUDGE(iova >> 20 == 0xFEE && c.entry[0] == (request.address | 6));
		return;
	}
	paddr = ats_entry_base(c.entry[0]) |
		(request.address & ats_span(ats_range_log2(c.entry[0], ATS_ENTRY_S)));
	JUDGE(iova >> 20 != 0xFEE && (paddr >> 20 != 0xFEE || c.entry[0] == 0));
	JUDGE(!no_write || (c.entry[0] & ATS_ENTRY_W) == 0);
	if (c.entry[0] & ATS_ENTRY_R)
		JUDGE(allowed(w, sid, request.address, false, paddr));
	if (c.entry[0] & ATS_ENTRY_W)
		JUDGE(allowed(w, sid, request.address, true, paddr));
}

void ats_translated(struct world *w, uint16_t sid, uint64_t paddr, bool write)
{
	const struct iotoll_source source = {.devid = sid};
	const enum iotoll_access access = write ? IOTOLL_WRITE : IOTOLL_READ;
	const struct records before = look_at_records(w);
	struct iotoll_xlat x, p;
	const int foretold = ats(w)->probe_translated(w->iommu, source, paddr, access, &p);
	const int ret = ats(w)->translated(w->iommu, source, paddr, access, &x);
	bool trusted;

	JUDGE(ret == foretold && p.paddr == x.paddr);
	note_record(w, &before);
	trusted = judge_trusts(&w->judge, sid);
	if (ret != 0)
		return;
	JUDGE(x.bypass && x.paddr == paddr);
	if ((readl(w, 0x1C) & 0x80000000) != 0)
		JUDGE(trusted && paddr >> 20 != 0xFEE && paddr >> w->config.host_bits == 0);
}

/* Anything a device may send at any moment. */
void ats_message(struct world *w)
{
	const unsigned what = (unsigned)take(&w->input, 1), tag = what >> 3;
	const uint32_t bit = UINT32_C(1) << tag;

	switch (what & 7) {
	case 0:
	case 1: /* right, if that tag is open */
		if ((w->open & bit) && w->seen[tag] == 0) {
			w->open &= ~bit;
			ats(w)->completion(w->iommu, w->owner[tag], bit, 1);
		}
		break;
	case 2:
		w->open &= ~bit;
		ats(w)->time_out(w->iommu, tag);
		break;
	case 3: /* of the right device, of a number of messages that it may change */
		if (w->open & bit) {
			/* One of eight, then one of one: a contradiction, which counts for nothing.
			 */
			if (++w->seen[tag] == 8)
				w->open &= ~bit;
			ats(w)->completion(w->iommu, w->owner[tag], bit, 0);
			if (w->seen[tag] < 8)
				ats(w)->completion(w->iommu, w->owner[tag], bit, 1);
		}
		break;
	case 4:
		ats(w)->page_request(w->iommu, (uint16_t)take(&w->input, 2), take(&w->input, 8));
		break;
	case 5: /* of a device that was never asked */
		ats(w)->completion(w->iommu, 0xFFFF, (uint32_t)take(&w->input, 4), tag);
		JUDGE((readl(w, 0x34) & 0x20) != 0);
		break;
	case 6:
		writel(w, 0x34, 0x60);
		JUDGE((readl(w, 0x34) & 0x60) == 0 || w->open != 0 || w->hostile);
		break;
	default:
		ats(w)->time_out(w->iommu, 200);
		break;
	}
}
