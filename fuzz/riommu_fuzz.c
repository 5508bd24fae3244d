// SPDX-License-Identifier: MIT
/*
 * Fuzzer for rIOMMU's hardware half. The input is a program of register accesses, invalidations,
 * stores to the tables and translations; any values are allowed, as from a hostile guest. The
 * judge (riommu_judge.h) knows each answer beforehand; here it is seen that the hardware reads
 * whole entries and a bounded number of them, that a probe tells what the following translation
 * does and changes nothing, and that what leaves is gone when it is told.
 */
#include <errno.h>
#include <string.h>

#include "riommu_judge.h"

/* The tables at the start: two devices of 4 rings each; rings of 1, 2, 5 and 64 entries. */
#define DEVICES  0x1000u
#define RINGS(d) (0x2000u + 0x100u * (d))
#define RING(n)  (0x4000u + 0x1000u * (n))

static int memory_read(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	const struct world *w = ctx;

	JUDGE(bytes == 16 && paddr % 16 == 0);
	if (paddr > MEMORY_BYTES || bytes > MEMORY_BYTES - paddr)
		return -EFAULT;
	memcpy(to, w->memory + paddr, bytes);
	return 0;
}

static void on_dropped(void *ctx, struct iotoll_source source, uint64_t page)
{
	struct world *w = ctx;

	JUDGE(source.bus == 0);
	judge_told(w, source.devid, page);
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

static void store(struct world *w, uint64_t paddr, uint64_t first, uint64_t second)
{
	if (paddr > MEMORY_BYTES - 16)
		return;
	for (unsigned i = 0; i < 8; i++) {
		w->memory[paddr + i] = (uint8_t)(first >> 8 * i);
		w->memory[paddr + 8 + i] = (uint8_t)(second >> 8 * i);
	}
}

static void write_reg(struct world *w, uint64_t offset, uint64_t value, unsigned width)
{
	const uint64_t strays = riommu_stray_accesses(w->iommu);
	const bool known = width == 8 && judge_written(w, offset, value);

	w->iommu->ops->reg_write(w->iommu, offset, value, width);
	JUDGE(riommu_stray_accesses(w->iommu) == strays + !known);
}

static void read_reg(struct world *w, uint64_t offset, unsigned width)
{
	const uint64_t strays = riommu_stray_accesses(w->iommu);
	uint64_t expected;
	const bool known = judge_register(w, offset, &expected) && width == 8;

	JUDGE(w->iommu->ops->reg_read(w->iommu, offset, width) == (known ? expected : 0));
	JUDGE(riommu_stray_accesses(w->iommu) == strays + !known);
}

/* ---- the program ---- */

static uint32_t take_entry(struct world *w, unsigned ring)
{
	static const uint32_t entries[4] = {1, 2, 5, 64};

	return (uint32_t)take(&w->input, 1) % (entries[ring] + 1);
}

static void do_map(struct world *w)
{
	const uint8_t style = (uint8_t)take(&w->input, 1);
	const unsigned ring = style & 3;
	const uint64_t at = RING(ring) + 16 * take_entry(w, ring);
	const uint64_t bytes = style < 252 ? take(&w->input, 2) : take(&w->input, 4);
	const uint64_t paddr = style & 128 ? UINT64_MAX - take(&w->input, 2) : take(&w->input, 2);

	/* Three times out of four valid, with rights as they come. */
	store(w, at, paddr,
	      bytes | (uint64_t)(style >> 2 & 3) << 30 | (uint64_t)((style >> 4 & 3) != 0) << 32 |
		      (uint64_t)(style & 64) << 40);
}

static void do_tables(struct world *w)
{
	const uint8_t style = (uint8_t)take(&w->input, 1);
	const unsigned device = style & 1, ring = style >> 1 & 3;
	const uint64_t count = style & 8 ? take(&w->input, 4) : take(&w->input, 1) % 6;
	const uint64_t first = style & 16   ? UINT64_MAX - take(&w->input, 1)
			       : style & 32 ? MEMORY_BYTES - take(&w->input, 1)
			       : style & 64 ? RINGS(device)
					    : RING(ring);

	if (style & 128)
		store(w, take(&w->input, 2), take(&w->input, 8), take(&w->input, 8));
	else if (style & 64)
		store(w, DEVICES + 16 * device, first, count);
	else
		store(w, RINGS(device) + 16 * ring, first, count);
}

static uint64_t take_iova(struct world *w, uint8_t style)
{
	const unsigned ring = style & 3;
	const uint64_t entry = take_entry(w, ring);

	if (style >> 6 == 3)
		return take(&w->input, 8);
	return (uint64_t)ring << 48 | entry << 30 | (style & 64 ? take(&w->input, 2) : 0);
}

static void do_translate(struct world *w)
{
	const uint8_t style = (uint8_t)take(&w->input, 1);
	const struct iotoll_source src = {.devid = style & 8 ? (uint16_t)take(&w->input, 2)
							     : style >> 2 & 1};
	const bool write = (style & 16) != 0;
	const enum iotoll_access rw = write ? IOTOLL_WRITE : IOTOLL_READ;
	const uint64_t iova = take_iova(w, style);
	struct iotoll_xlat p, x;
	struct answer a;
	int foretold, ret;

	w->faults = 0;
	foretold = iommu_probe(w->iommu, src, iova, rw, &p);
	JUDGE(w->faults == 0 && w->told == 0);
	a = judge_access(w, src.devid, iova, write);
	ret = iommu_translate(w->iommu, src, iova, rw, &x);
	JUDGE(ret == foretold && p.paddr == x.paddr && p.bytes == x.bytes && p.hit == x.hit &&
	      p.bypass == x.bypass && p.stale == x.stale && p.fetches == x.fetches &&
	      p.ahead == x.ahead);
	JUDGE(ret == a.error && x.bypass == a.bypass && x.paddr == a.paddr && x.bytes == a.bytes);
	JUDGE(x.hit == a.hit && x.stale == a.stale);
	JUDGE(x.fetches == a.fetches && x.ahead == a.ahead);
	JUDGE(w->faults == (ret != 0));
}

static void do_invalidate(struct world *w)
{
	const uint8_t style = (uint8_t)take(&w->input, 1);

	/* A ring three times out of four, else whatever comes; upper bits mean nothing. */
	if (style < 192)
		write_reg(w, 0x20,
			  (UINT64_C(0xFFFFFFFC) * (style >> 6 & 1) + 1) << 32 |
				  (uint64_t)(style >> 2 & 1) << 16 | (style & 3),
			  8);
	else
		write_reg(w, 0x20, (uint64_t)(style & 7) << 32 | take(&w->input, 4), 8);
}

static void do_register(struct world *w)
{
	static const uint8_t widths[] = {8, 8, 8, 8, 8, 4, 2, 1};
	const uint8_t which = (uint8_t)take(&w->input, 1), style = (uint8_t)take(&w->input, 1);
	const uint64_t offset = which < 240 ? which % 8 * 8u : take(&w->input, 3);
	const unsigned width = widths[style >> 1 & 7];

	if (style & 1)
		write_reg(w, offset, take(&w->input, width), width);
	else
		read_reg(w, offset, width);
}

static void start(struct world *w)
{
	write_reg(w, 0x10, DEVICES, 8);
	write_reg(w, 0x18, 2, 8);
	write_reg(w, 0x08, 1, 8);
}

static void do_rest(struct world *w)
{
	const uint8_t what = (uint8_t)take(&w->input, 1);
	struct iotoll_xlat x;

	if (what >= 224) {
		w->iommu->ops->reset(w->iommu);
		judge_reset(w);
	} else if (what >= 192) {
		JUDGE(iommu_translate(w->iommu, (struct iotoll_source){.bus = 1}, 0, IOTOLL_READ,
				      &x) == -ENODEV);
	} else if (what >= 128) {
		JUDGE(iommu_translate(w->iommu, (struct iotoll_source){0}, take(&w->input, 2),
				      (enum iotoll_access)(what & 4 ? 3 : 0), &x) == -EINVAL);
	} else {
		start(w);
	}
}

static void set_tables(struct world *w)
{
	static const uint64_t entries[4] = {1, 2, 5, 64};

	for (unsigned d = 0; d < 2; d++) {
		store(w, DEVICES + 16 * d, RINGS(d), 4);
		for (unsigned r = 0; r < 4; r++)
			store(w, RINGS(d) + 16 * r, RING(r), entries[r]);
	}
	start(w);
}

static void run(struct world *w)
{
	set_tables(w);
	while (w->input.left != 0) {
		switch (take(&w->input, 1) % 16) {
		case 0:
		case 1:
		case 2:
		case 3:
			do_map(w);
			break;
		case 4:
			do_tables(w);
			break;
		case 5:
		case 6:
			do_invalidate(w);
			break;
		case 7:
			do_register(w);
			break;
		case 8:
			do_rest(w);
			break;
		default:
			do_translate(w);
		}
		judge_step(w);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const unsigned rooms[8] = {0, 1, 2, 4, 8, 64, 64, 64};
	struct world *w = calloc(1, sizeof(*w));
	struct iommu_config config = {.model = "riommu",
				      .track_stale = true,
				      .iotlb = {.line_pages = 1, .policy = "lru"}};

	if (w == NULL)
		return 0;
	w->input = (struct input){data, bytes};
	config.iotlb.entries = w->room = rooms[take(&w->input, 1) % 8];
	/* None, a part that ends within a ring, all. */
	w->window = (uint64_t)(const uint32_t[]){0, 0x5018, MEMORY_BYTES}[take(&w->input, 1) % 3];
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
