// SPDX-License-Identifier: MIT
/*
 * Fuzzer for the VT-d model. The input is a program of stores to tables, invalidations through
 * registers and queue, accesses and acknowledgements. After each access the outcome must be one
 * that vtd_judge.h allows, a refusal must be recorded as the rules of the record registers say, and
 * a probe must have foretold it. Inputs whose first byte has bit 7 set are programs of a hostile
 * guest instead: any register, any value, any memory; the unit must come back and stay sound.
 */
#include <errno.h>

#include "vtd_world.h"

#define HOSTILE 0x80u

static uint64_t take_iova(struct world *w)
{
	uint8_t style = (uint8_t)take(&w->input, 1), where = (uint8_t)take(&w->input, 1);

	if (style >= 0xF8)
		return take(&w->input, 8);
	if (style >= 0xF0)
		return 0xFEE00000 - 0x800 + where * UINT64_C(0x1100);
	/* Few pages are asked for often, so that what is held is met again. */
	return (style & 6 ? 0 : (uint64_t)(where >> 6 & 3) << 39) |
	       (style & 5 ? 0 : (uint64_t)(where >> 4 & 3) << 30) |
	       (style & 3 ? 0 : (uint64_t)(where >> 2 & 3) << 21) | (uint64_t)(where & 3) << 12 |
	       (uint64_t)style * 17 % 4096;
}

static uint16_t take_sid(struct world *w)
{
	static const uint16_t sids[8] = {0x0000, 0x0001, 0x0004, 0x0007,
					 0x0008, 0x0100, 0x0101, 0x0208};

	return sids[take(&w->input, 1) % 8];
}

static void do_access(struct world *w)
{
	struct iotoll_source source = {.devid = take_sid(w)};
	uint64_t iova = take_iova(w);
	bool write = (take(&w->input, 1) & 1) != 0, on = (readl(w, 0x1C) & 0x80000000) != 0;
	enum iotoll_access access = write ? IOTOLL_WRITE : IOTOLL_READ;
	struct records before = look_at_records(w);
	struct iotoll_xlat p, x;
	int foretold = iommu_probe(w->iommu, source, iova, access, &p);
	int ret = iommu_translate(w->iommu, source, iova, access, &x);

	JUDGE(ret == foretold && p.paddr == x.paddr && p.bytes == x.bytes && p.hit == x.hit &&
	      p.bypass == x.bypass && p.stale == x.stale && p.fetches == x.fetches);
	if (!on || (iova >> 20 == 0xFEE && write)) {
		JUDGE(ret == 0 && x.bypass && x.paddr == iova);
		return;
	}
	if (iova >> 20 == 0xFEE) {
		JUDGE(ret == -EPERM && look_at_records(w).recorded == before.recorded);
		return;
	}
	judge_access(&w->judge, source.devid, iova, write);
	if (w->judge.full)
		return;
	if (ret == 0) {
		JUDGE(look_at_records(w).recorded == before.recorded);
		judge_grant(w, source.devid, iova, write, &x);
		return;
	}
	JUDGE(x.paddr == 0 && x.bytes == 0 && !x.hit && !x.stale && !x.bypass);
	judge_record(w, &before, source.devid, iova, write, ret);
}

/* Requests and messages of devices that cache translations themselves. */
static void do_ats(struct world *w)
{
	const unsigned what = (unsigned)take(&w->input, 1);
	uint16_t sid;

	if (what >= 0xC0) {
		ats_message(w);
		return;
	}
	sid = take_sid(w);
	if (what & 1)
		ats_request(w, sid, take_iova(w), (what & 2) != 0);
	else
		ats_translated(w, sid, take_iova(w), (what & 2) != 0);
}

/* ---- the program ---- */

static uint64_t take_entry(struct world *w)
{
	uint8_t style = (uint8_t)take(&w->input, 1);
	uint64_t entry = (uint64_t)(take(&w->input, 1) % (TABLE_PAGES + 1)) << 12;

	if (style >= 0xF0)
		return take(&w->input, 8);
	if (style >= 0xE0) /* one odd bit */
		return entry | 3 | UINT64_C(1) << take(&w->input, 1) % 64;
	if (style >= 0xD0)
		return 0xFEE00000 - 0x2000 + entry + 3;
	if (style >= 0xC0) /* large and well aligned, or not at all there */
		return style & 1 ? 0xC0000083 : 0;
	return entry | (style >= 0x40 ? 3 : style & 3);
}

/* Entries that walks and requesters of this fuzzer can meet. */
static void do_store(struct world *w)
{
	uint64_t page = take(&w->input, 1) % TABLE_PAGES, index = take(&w->input, 1);

	store(w, page * 4096 + (index % 4) * 8 + (index >= 0xF0 ? 16 * (index & 15) : 0),
	      take_entry(w));
}

static void do_context(struct world *w)
{
	uint16_t sid = take_sid(w);
	uint8_t style = (uint8_t)take(&w->input, 1);
	uint64_t at = (1 + (sid >> 8)) * UINT64_C(4096) + (uint64_t)(sid & 0xFF) * 16;
	uint64_t lo = (uint64_t)(4 + (style & 7)) << 12 | 1, hi = 2 | (style >> 4 & 3) << 8;

	if (style & 0x08)
		lo |= take(&w->input, 1) & 15; /* TT, FPD */
	if (style & 0x40)
		hi ^= take(&w->input, 2) & 0xFF87;
	if (style >= 0xE0) {
		lo ^= take(&w->input, 8);
		hi ^= take(&w->input, 4);
	}
	store(w, at, lo);
	store(w, at + 8, hi);
}

static void do_global(struct world *w)
{
	uint8_t what = (uint8_t)take(&w->input, 1);
	uint32_t levels = readl(w, 0x1C) & 0x96FFFFFF;

	if (what < 0x40) {
		uint64_t root = (uint64_t)(what & 1) * 3 << 12;

		writeq(w, 0x20, what >= 0x38 ? take(&w->input, 8) : root);
		writel(w, 0x18, levels | 0x40000000);
		w->judge.root = readq(w, 0x20);
		return;
	}
	if (what < 0xC0)
		levels |= 0x80000000;
	else
		levels &= ~0x80000000;
	writel(w, 0x18, levels);
}

static uint64_t take_iva(struct world *w)
{
	return (take_iova(w) & ~UINT64_C(0xFFF)) | (take(&w->input, 1) & 0x47);
}

static void do_register_invalidation(struct world *w)
{
	uint8_t style = (uint8_t)take(&w->input, 1);
	uint64_t g = style & 3, did = style >> 2 & 3, fm = style >> 4 & 3, iva;
	uint32_t iotlb = w->config.iotlb_offset;
	uint16_t sid;

	if ((readl(w, 0x1C) & 0x04000000) != 0)
		return;
	if (style & 0x80) {
		sid = take_sid(w);
		writeq(w, 0x28, UINT64_C(1) << 63 | g << 61 | fm << 32 | (uint64_t)sid << 16 | did);
		JUDGE(readq(w, 0x28) >> 59 == 5 * g); /* not going; done what was asked */
		if (g != 0)
			judge_forget_contexts(&w->judge, (unsigned)g, (uint16_t)did, sid,
					      (unsigned)fm);
		return;
	}
	iva = take_iva(w);
	writeq(w, iotlb, iva);
	writeq(w, iotlb + 8, UINT64_C(1) << 63 | g << 60 | did << 32);
	JUDGE(readq(w, iotlb + 8) >> 63 == 0);
	JUDGE(((readq(w, iotlb + 8) >> 57 & 3) != 0) ==
	      judge_forget_pages(&w->judge, (unsigned)g, (uint16_t)did, iva));
}

static void queue_on(struct world *w, bool on)
{
	uint32_t levels = readl(w, 0x1C) & 0x92FFFFFF;

	writeq(w, 0x88, 0);
	writeq(w, 0x90, QUEUE);
	writel(w, 0x18, levels | (on ? 0x04000000 : 0));
	w->tail = 0;
}

static void do_descriptor(struct world *w)
{
	uint8_t style = (uint8_t)take(&w->input, 1);
	uint64_t g = style & 3, did = style >> 2 & 3, lo, hi = 0;
	unsigned code;

	if ((readl(w, 0x1C) & 0x04000000) == 0 || w->tail == 254) {
		queue_on(w, false);
		queue_on(w, true);
	}
	if (style >= 0xF0) {
		lo = take(&w->input, 8);
		hi = take(&w->input, 8);
	} else if (style & 0x40) {
		lo = 1 | g << 4 | did << 16 | (uint64_t)take_sid(w) << 32 |
		     (uint64_t)(style >> 4 & 3) << 48;
	} else {
		lo = 2 | g << 4 | did << 16;
		hi = take_iva(w);
	}
	code = judge_descriptor(&w->judge, lo, hi);
	if (code == 0 && (lo & 0xF) == 5)
		hi = STATUS; /* not over the tables */
	store(w, QUEUE + 16 * w->tail, lo);
	store(w, QUEUE + 16 * w->tail + 8, hi);
	writeq(w, 0x88, 16 * (w->tail + 1));
	JUDGE(((readl(w, 0x34) & 0x10) != 0) == (code != 0));
	JUDGE((readq(w, 0xB0) & 15) == code);
	JUDGE(readq(w, 0x80) == 16 * (w->tail + (code == 0)));
	w->tail++;
	if (code == 0)
		return;
	store(w, readq(w, 0x80) + QUEUE, 0x45);
	store(w, readq(w, 0x80) + QUEUE + 8, 0);
	writel(w, 0x34, 0x10);
	JUDGE((readl(w, 0x34) & 0x10) == 0 && readq(w, 0x80) == 16 * w->tail);
}

static void do_acknowledge(struct world *w)
{
	uint8_t what = (uint8_t)take(&w->input, 1);

	for (unsigned n = 0; n < w->config.fault_records; n++)
		if (what >> n & 1)
			writel(w, w->config.fault_offset + 16 * n + 12, 0x80000000);
	if (what & 0x80)
		writel(w, 0x34, 1);
}

static void do_reset(struct world *w)
{
	w->iommu->ops->reset(w->iommu);
	w->judge.root = 0;
	w->judge.contexts = w->judge.tables = w->judge.pages = 0;
	w->next_record = w->tail = 0;
	w->open = 0;
}

/* Root at page 0, context tables at 1..3, and chains of tables behind them: all of it plausible. */
static void furnish(struct world *w)
{
	for (unsigned bus = 0; bus < 3; bus++)
		store(w, 16 * bus, (1 + bus) << 12 | 1);
	for (unsigned page = 4; page < 24; page++)
		for (unsigned i = 0; i < 4; i++)
			store(w, page * 4096 + 8 * i,
			      (uint64_t)(page < 20 ? page / 4 * 4 + 4 + i : 24 + i) << 12 | 3);
	writeq(w, 0x20, 0);
	writel(w, 0x18, 0x40000000);
	writel(w, 0x18, 0x80000000);
}

static void run(struct world *w)
{
	static void (*const steps[16])(struct world *) = {
		do_store,
		do_store,
		do_context,
		do_context,
		do_global,
		do_register_invalidation,
		do_register_invalidation,
		do_descriptor,
		do_descriptor,
		do_access,
		do_access,
		do_access,
		do_access,
		do_access,
		do_acknowledge,
		do_ats,
	};

	furnish(w);
	while (w->input.left != 0 && !w->judge.full) {
		unsigned step = (unsigned)take(&w->input, 1);

		if (step == 0xFF)
			do_reset(w);
		else
			steps[step % 16](w);
		JUDGE(vtd_check(w->iommu));
	}
}

/* Whatever a device may send, granted or not. */
static void do_hostile_ats(struct world *w, unsigned step)
{
	const struct ats_request request = {.source = {.devid = (uint16_t)take(&w->input, 2)},
					    .address = take(&w->input, 8),
					    .count = (unsigned)take(&w->input, 1) % 10,
					    .stu = (unsigned)take(&w->input, 1) % 34,
					    .no_write = (step & 0x40) != 0};
	struct ats_completion c;
	struct iotoll_xlat x;

	if (step & 0x80) {
		ats_message(w);
		return;
	}
	if (w->iommu->ops->ats->request(w->iommu, &request, &c) == 0)
		JUDGE(c.count <= request.count && (c.count == 0 || c.status == ATS_SUCCESS));
	(void)w->iommu->ops->ats->translated(w->iommu, request.source, request.address,
					     step & 4 ? IOTOLL_WRITE : IOTOLL_READ, &x);
}

/* Any register, any memory. An operation reads no more than a whole queue and its walk. */
static void run_hostile(struct world *w)
{
	static const uint16_t offsets[16] = {0x18, 0x1C, 0x20, 0x28, 0x34, 0x38,  0x80,  0x88,
					     0x90, 0x9C, 0xA0, 0xB0, 0xB8, 0x108, 0x200, 0x208};

	while (w->input.left != 0) {
		unsigned step = (unsigned)take(&w->input, 1), width = step & 0x40 ? 4 : 8;
		uint64_t offset = offsets[step >> 2 & 15] + (step & 0x80 ? 4 : 0);
		struct iotoll_source source = {0};
		struct iotoll_xlat x;

		w->accesses_of_memory = 0;
		switch (step & 3) {
		case 0:
			if (step == 0)
				offset = take(&w->input, 8);
			w->iommu->ops->reg_write(w->iommu, offset, take(&w->input, width), width);
			break;
		case 1:
			if (step & 0x20)
				do_hostile_ats(w, step);
			else
				(void)w->iommu->ops->reg_read(w->iommu, offset,
							      step & 4 ? 3 : width);
			break;
		case 2:
			store(w, take(&w->input, 2) % (MEMORY_BYTES / 8) * 8,
			      take(&w->input, step & 4 ? 8 : 2));
			break;
		default:
			source.devid = (uint16_t)take(&w->input, 2);
			(void)iommu_translate(w->iommu, source, take(&w->input, step & 8 ? 8 : 3),
					      step & 16 ? IOTOLL_WRITE : IOTOLL_READ, &x);
		}
		JUDGE(w->accesses_of_memory <= 2 * 32768);
		JUDGE(vtd_check(w->iommu));
	}
}

/* Capabilities and the judge's view of them. */
static void choose(struct world *w, uint8_t what, unsigned line_pages)
{
	struct vtd_config *c = &w->config;

	*c = vtd_xeon;
	c->fault_offset = 0x100;
	c->fault_records = 1 + what % RECORDS;
	c->caching_mode = (what & 0x08) != 0;
	c->snoop_control = (what & 0x10) != 0;
	c->device_tlb = (what & 0x20) != 0;
	c->domain_bits = what & 0x40 ? 4 : 16;
	c->context_entries = what & 0x04 ? 4 : 256;
	c->paging_entries = (what & 0x14) == 0x14 ? 0 : 4;
	c->host_bits = 40;
	w->judge = (struct judge){
		.memory = w->memory,
		.bytes = MEMORY_BYTES,
		.host_bits = c->host_bits,
		.guest_bits = c->guest_bits,
		.domain_bits = c->domain_bits,
		.max_mask = c->max_mask,
		.line_pages = line_pages,
		.levels_3 = c->levels_3,
		.levels_4 = c->levels_4,
		.pages_2m = c->pages_2m,
		.pages_1g = c->pages_1g,
		.caching_mode = c->caching_mode,
		.pass_through = c->pass_through,
		.snoop = c->snoop_control,
		.device_tlb = c->device_tlb,
		.page_selective = c->page_selective,
	};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const struct iotlb_config geometries[] = {
		{.entries = 0},
		{.entries = 1, .ways = 1, .line_pages = 1, .policy = "lru"},
		{.entries = 8, .ways = 2, .line_pages = 1, .policy = "lru"},
		{.entries = 64, .ways = 0, .line_pages = 1, .policy = "fifo"},
		{.entries = 6, .ways = 3, .line_pages = 4, .policy = "random"},
		{.entries = 16, .ways = 4, .line_pages = 16, .policy = "lru"},
	};
	struct world *w = calloc(1, sizeof(*w));
	struct iommu_config config = {.model = "vtd", .track_stale = true};
	uint8_t first;

	if (w == NULL)
		return 0;
	w->input = (struct input){data, bytes};
	first = (uint8_t)take(&w->input, 1);
	config.iotlb = geometries[first % (sizeof(geometries) / sizeof(geometries[0]))];
	config.memory =
		(struct iotoll_memory){.ctx = w, .read = memory_read, .write = memory_write};
	config.vtd = &w->config;
	choose(w, (uint8_t)take(&w->input, 1),
	       config.iotlb.entries != 0 ? config.iotlb.line_pages : 1);
	if (iommu_create(&w->iommu, &config, NULL) == 0) {
		w->hostile = (first & HOSTILE) != 0;
		ats_join(w);
		if (first & HOSTILE)
			run_hostile(w);
		else
			run(w);
		iommu_destroy(w->iommu);
	}
	free(w);
	return 0;
}
