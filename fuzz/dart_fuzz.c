// SPDX-License-Identifier: MIT
/*
 * Fuzzer for DART's hardware half, U3 and U4. The input is a program of register accesses,
 * invalidations, stores to the table and translations; any values are allowed, as from a hostile
 * guest. The judge (dart_judge.h) knows each answer beforehand; here it is seen that the chip
 * reads nothing but its table, a bounded number of times, that a probe tells what the following
 * translation does and changes nothing, and that observers are told what happens.
 */
#include <errno.h>
#include <string.h>

#include "dart_judge.h"
#include "hw/iotlb.h"

static int memory_read(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	struct world *w = ctx;
	const uint64_t table = table_at(w);

	JUDGE(bytes != 0 && bytes <= 64 && paddr % bytes == 0);
	JUDGE(paddr >= table && paddr + bytes <= table + table_entries(w) * 4);
	w->reads++;
	if (paddr > MEMORY_BYTES || bytes > MEMORY_BYTES - paddr)
		return -EFAULT;
	memcpy(to, w->memory + paddr, bytes);
	return 0;
}

static void on_dropped(void *ctx, struct iotoll_source source, uint64_t page)
{
	struct world *w = ctx;
	const unsigned reads = w->reads;
	struct iotoll_xlat x;
	int ret = iommu_probe(w->iommu, source, page * 4096, IOTOLL_READ, &x);

	/* It is gone, or was just replaced by what the table says. */
	JUDGE(ret != -ENODEV && !(x.hit && x.stale));
	w->reads = reads;
	judge_dropped(w, source.bus, page);
}

static void on_fault(void *ctx, struct iotoll_source source, uint64_t iova,
		     enum iotoll_access access)
{
	struct world *w = ctx;

	(void)source;
	(void)iova;
	(void)access;
	w->faults++;
}

/* What the exception registers show, seen without touching them. */
static void look_at_exceptions(struct world *w)
{
	for (unsigned bus = 0; bus < 3; bus++) {
		uint64_t status, detail;

		w->iommu->ops->latched(w->iommu, bus, &status, &detail);
		JUDGE(status == (bus <= w->u4 && w->flag ? 0x80000000 : 0));
		JUDGE(detail == (bus <= w->u4 ? w->exception : 0));
		JUDGE(w->iommu->ops->may_start(w->iommu, bus) == (bus <= w->u4));
	}
}

static void write_reg(struct world *w, uint64_t offset, uint64_t value, unsigned width)
{
	const uint64_t strays = dart_stray_accesses(w->iommu);
	const bool known = width == 4 && judge_written(w, offset, (uint32_t)value);

	w->reads = 0;
	w->iommu->ops->reg_write(w->iommu, offset, value, width);
	JUDGE(w->reads == 0); /* but for what is probed when something is dropped */
	JUDGE(dart_stray_accesses(w->iommu) == strays + !known);
}

static void read_reg(struct world *w, uint64_t offset, unsigned width)
{
	const uint64_t strays = dart_stray_accesses(w->iommu);
	const bool known = width == 4 && judge_register(w, offset);
	const uint64_t value = w->iommu->ops->reg_read(w->iommu, offset, width);

	JUDGE(value <= UINT32_MAX);
	JUDGE(dart_stray_accesses(w->iommu) == strays + !known);
	if (known)
		judge_read(w, offset, (uint32_t)value);
	else
		JUDGE(value == 0);
}

/* ---- the program ---- */

static void do_store(struct world *w)
{
	const uint8_t style = (uint8_t)take(&w->input, 1);
	const uint64_t page = style & 8 ? take(&w->input, 2) : take(&w->input, 1) % 64;
	const uint64_t paddr =
		style & 16 ? take(&w->input, 4) & ~UINT64_C(3) : table_at(w) + page * 4;
	uint32_t entry = (uint32_t)take(&w->input, style < 208 ? 1 : 4);

	/* Mostly valid, with rights as they come, and in few pages. */
	if (style < 208)
		entry = (UINT32_C(0x80000000) ^ (uint32_t)(style & 7) << 29) | entry % 32;
	if (paddr > MEMORY_BYTES - 4)
		return;
	for (unsigned i = 0; i < 4; i++)
		w->memory[paddr + i] = (uint8_t)(entry >> (24 - 8 * i));
}

static uint64_t take_iova(struct world *w, uint8_t style)
{
	switch (style >> 2 & 7) {
	case 0: /* around the table's end */
		return (table_entries(w) - 2) * 4096 + take(&w->input, 2);
	case 1: /* around both ends of the bypass */
		return (style & 32 ? UINT64_C(0x8000000000) : UINT64_C(0x9000000000)) - 0x1000 +
		       take(&w->input, 2);
	case 2:
		return take(&w->input, 8);
	case 3:
		return take(&w->input, 2) * 4096 + take(&w->input, 1);
	default:
		return take(&w->input, 1) % 64 * 4096 + (style >> 5) * 0x249;
	}
}

static void do_translate(struct world *w)
{
	const uint8_t style = (uint8_t)take(&w->input, 1);
	const struct iotoll_source src = {.bus = style & 1, .devid = style};
	const bool write = (style & 2) != 0;
	const enum iotoll_access rw = write ? IOTOLL_WRITE : IOTOLL_READ;
	const uint64_t iova = take_iova(w, style);
	struct iotoll_xlat p, x;
	struct answer a;
	int foretold, ret;

	if (src.bus > w->u4) {
		JUDGE(iommu_translate(w->iommu, src, iova, rw, &x) == -ENODEV);
		return;
	}
	a = judge_access(w, src.bus, iova, write);
	w->reads = w->faults = 0;
	foretold = iommu_probe(w->iommu, src, iova, rw, &p);
	JUDGE(w->faults == 0);
	look_at_exceptions(w);
	ret = iommu_translate(w->iommu, src, iova, rw, &x);
	JUDGE(ret == foretold && p.paddr == x.paddr && p.bytes == x.bytes && p.hit == x.hit &&
	      p.bypass == x.bypass && p.stale == x.stale && p.fetches == x.fetches);
	JUDGE(ret == a.error && x.bypass == a.bypass && x.paddr == a.paddr);
	JUDGE(x.bytes == (ret == 0 ? 4096 - iova % 4096 : 0));
	JUDGE(x.hit == (ret == 0 && a.hit) && x.stale == (ret == 0 && a.stale));
	/* One read for a line, another of each hit to see whether it is stale; twice. */
	JUDGE(x.fetches == a.fetched);
	JUDGE(w->window ? w->reads <= 2 : w->reads == 2u * (a.fetched || x.hit));
	judge_done(w, src.bus, iova, write, &a);
}

/* The commonest start: a table, mostly inside memory, and translation on. */
static void do_enable(struct world *w)
{
	const uint8_t where = (uint8_t)take(&w->input, 1);
	const uint32_t page = where % 66, size = (uint32_t)take(&w->input, 1);

	if (w->u4) {
		write_reg(w, 0x3010, page, 4);
		write_reg(w, 0x3020, where & 128 ? size << 9 : size, 4);
		write_reg(w, 0x3000, 0x80000000, 4);
	} else {
		write_reg(w, 0x3000, page << 12 | 0x200 | (where & 128 ? 0 : size), 4);
	}
}

/* As drivers do it: the bit set, then polled a few times; perhaps taken back. */
static void do_invalidate(struct world *w)
{
	const uint8_t style = (uint8_t)take(&w->input, 1);
	const bool one = w->u4 && (style & 1);
	const uint32_t kept = one ? w->control & 0x88000000 : w->control;

	if (one)
		write_reg(w, 0x3000, kept | 0x40000000 | (uint32_t)take(&w->input, 1) % 64, 4);
	else
		write_reg(w, 0x3000, kept | (w->u4 ? 0x20000000 : 0x400), 4);
	for (unsigned i = style >> 3; i != 0; i--)
		read_reg(w, 0x3000, 4);
	if ((style & 6) == 6)
		write_reg(w, 0x3000, kept, 4);
}

static void do_register(struct world *w)
{
	static const uint32_t known[] = {0x60,   0x70,   0x3000, 0x3000,
					 0x3000, 0x3010, 0x3020, 0x3030};
	static const uint8_t widths[] = {4, 4, 4, 4, 4, 8, 2, 1};
	const uint8_t which = (uint8_t)take(&w->input, 1), style = (uint8_t)take(&w->input, 1);
	const uint64_t offset = which < 240 ? known[which % 8] : take(&w->input, 3);
	const unsigned width = widths[style >> 1 & 7];

	if (style & 1)
		write_reg(w, offset, take(&w->input, width), width);
	else
		read_reg(w, offset, width);
}

static void do_rest(struct world *w)
{
	const uint8_t what = (uint8_t)take(&w->input, 1);
	struct iotoll_xlat x;

	if (what >= 240) {
		w->iommu->ops->reset(w->iommu);
		judge_reset(w);
	} else if (what >= 128) {
		JUDGE(iommu_translate(w->iommu, (struct iotoll_source){0}, take(&w->input, 2),
				      (enum iotoll_access)(what & 4 ? 3 : 0), &x) == -EINVAL);
	} else if (what & 1) {
		w->iommu->ops->begin(w->iommu, what >> 1);
	} else {
		w->iommu->ops->end(w->iommu, what >> 1);
	}
}

static void run(struct world *w)
{
	while (w->input.left != 0 && judge_has_room(w)) {
		switch (take(&w->input, 1) % 10) {
		case 0:
		case 1:
		case 2:
			do_store(w);
			break;
		case 3:
			do_enable(w);
			break;
		case 4:
			do_invalidate(w);
			break;
		case 5:
			do_register(w);
			break;
		case 6:
			do_rest(w);
			break;
		default:
			do_translate(w);
		}
		JUDGE(!w->told_half);
		look_at_exceptions(w);
	}
}

/* Which chip, in what mood, with which TLB: two bytes of the input. */
static void choose(struct world *w, struct iommu_config *config)
{
	static const struct iotlb_config geometries[] = {
		{.entries = 128, .ways = 4, .line_pages = 4, .policy = "lru"}, /* U3's */
		{.entries = 0},
		{.entries = 1, .ways = 1, .line_pages = 1, .policy = "lru"},
		{.entries = 8, .ways = 2, .line_pages = 1, .policy = "tree-plru"},
		{.entries = 6, .ways = 3, .line_pages = 4, .policy = "fifo"},
		{.entries = 4, .ways = 0, .line_pages = 8, .policy = "random"},
		{.entries = 4, .ways = 2, .line_pages = 16, .policy = "s3-fifo"},
	};
	static const unsigned busy[4] = {0, 1, 3, 17}, missed[4] = {0, 0, 2, 1};
	/* None, a part that ends within a line, all. */
	static const uint32_t window[4] = {0, 0, 0x10204, MEMORY_BYTES};
	const uint8_t chip = (uint8_t)take(&w->input, 1);

	config->iotlb = geometries[take(&w->input, 1) % (sizeof(geometries) / sizeof(*geometries))];
	config->dart.busy_reads = w->busy_reads = busy[chip >> 2 & 3];
	config->dart.missed_one_in = missed[chip >> 4 & 3];
	config->dart.u3_rights = (chip & 2) != 0;
	w->window = window[chip >> 6];
	w->u4 = (chip & 1) != 0;
	w->rights = w->u4 || config->dart.u3_rights;
	w->misses = config->dart.missed_one_in != 0;
	w->line_pages = config->iotlb.entries != 0 ? config->iotlb.line_pages : 0;
	config->model = w->u4 ? "dart-u4" : "dart-u3";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct world *w = calloc(1, sizeof(*w));
	struct iommu_config config = {.track_stale = true};

	if (w == NULL)
		return 0;
	w->input = (struct input){data, bytes};
	choose(w, &config);
	config.memory = (struct iotoll_memory){
		.ctx = w, .read = memory_read, .window = w->memory, .window_bytes = w->window};
	if (iommu_create(&w->iommu, &config, NULL) == 0) {
		w->iommu->observer = (struct iotoll_iommu_observer){
			.ctx = w, .dropped = on_dropped, .fault = on_fault};
		run(w);
		iommu_destroy(w->iommu);
	}
	free(w);
	return 0;
}
