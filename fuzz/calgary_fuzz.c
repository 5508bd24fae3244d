// SPDX-License-Identifier: MIT
/*
 * Fuzzer for Calgary's hardware half. The input is a program of register accesses, stores to
 * tables and translations; any values are allowed, as from a hostile guest. Judge is a walker
 * written from the published rules that keeps no cache but remembers every store: a translation
 * must be one that the table grants now, or granted at some moment since the last write to that
 * bus's TAR; a refusal must have a reason of the same kind. Probes must tell what the following
 * translation does.
 */
#include <errno.h>
#include <string.h>

#include "hw/calgary.h"
#include "hw/iotlb.h"
#include "input.h"
#include "spec/calgary.h"

#define MEMORY_BYTES 0x40000u
#define MAX_STORES   4096u

/* What an 8-byte aligned doubleword held before a store. */
struct store {
	uint64_t paddr;
	uint64_t old;
};

struct world {
	struct iommu *iommu;
	uint8_t memory[MEMORY_BYTES];
	struct store stores[MAX_STORES];
	unsigned nstores;
	unsigned tar_written[CALGARY_PHBS]; /* nstores when the bus's TAR was last written */
	bool refused[CALGARY_PHBS];         /* since CSR was last cleared */
	struct input input;
};

static int memory_read(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	const struct world *w = ctx;

	JUDGE(bytes <= 128);
	if (paddr > MEMORY_BYTES || bytes > MEMORY_BYTES - paddr)
		return -EFAULT;
	memcpy(to, w->memory + paddr, bytes);
	return 0;
}

static uint32_t phb_reg(struct world *w, unsigned bus, uint32_t reg)
{
	return calgary_cpu32(
		(uint32_t)w->iommu->ops->reg_read(w->iommu, calgary_phb_reg(bus, reg), 4));
}

static uint64_t tar(struct world *w, unsigned bus)
{
	return calgary_cpu64(w->iommu->ops->reg_read(w->iommu, calgary_tar(bus), 8));
}

/* ---- the judge's own walk ---- */

/* A window that nobody ever set up, all of it zero, is closed. */
static bool in_window(uint64_t iova, uint64_t first, uint64_t limit)
{
	return (first | limit) && iova >= first && iova <= (limit | UINT64_C(0xFFFFF));
}

static bool passes_untranslated(struct world *w, unsigned bus, uint64_t iova)
{
	uint32_t config = phb_reg(w, bus, CALGARY_CONFIG_RW);

	if (!(config & 0x20000000))
		return true;
	if (iova >= 640 * 1024 && iova < 1024 * 1024)
		return true;
	if (in_window(iova,
		      (uint64_t)phb_reg(w, bus, CALGARY_MEM_1_HIGH) << 32 |
			      phb_reg(w, bus, CALGARY_MEM_1_LOW),
		      phb_reg(w, bus, CALGARY_MEM_1_SIZE)))
		return true;
	return (config & 0x00400000) &&
	       in_window(iova,
			 (uint64_t)phb_reg(w, bus, CALGARY_MEM_2_HIGH) << 32 |
				 phb_reg(w, bus, CALGARY_MEM_2_LOW),
			 (uint64_t)phb_reg(w, bus, CALGARY_MEM_2_SIZE_HIGH) << 32 |
				 phb_reg(w, bus, CALGARY_MEM_2_SIZE_LOW));
}

static uint64_t entry_paddr(struct world *w, unsigned bus, uint64_t iova)
{
	return (tar(w, bus) & UINT64_C(0x0000FFFFFFFF8000)) + iova / 4096 * 8;
}

/* Can the entry, and with it the line of the cache, be read at all? */
static bool readable(uint64_t paddr, unsigned line_pages)
{
	uint64_t line = paddr / (8 * line_pages) * (8 * line_pages);

	return line <= MEMORY_BYTES && line + 8 * line_pages <= MEMORY_BYTES;
}

static bool grants(uint64_t tce, enum iotoll_access access)
{
	return (tce & (access == IOTOLL_WRITE ? 2 : 1)) != 0;
}

static uint64_t page_of(uint64_t tce)
{
	return tce & UINT64_C(0x0000FFFFFFFFF000);
}

/*
 * Did the doubleword at @paddr, now or at some moment since the bus's TAR was written, allow (or,
 * with @allowed false, refuse) @access? If @page is given, a grant must be of that page.
 */
static bool ever(struct world *w, unsigned bus, uint64_t paddr, enum iotoll_access access,
		 bool allowed, const uint64_t *page)
{
	uint64_t now = calgary_tce_unpack(w->memory + paddr);

	if (grants(now, access) == allowed && (page == NULL || page_of(now) == *page))
		return true;
	for (unsigned i = w->tar_written[bus]; i < w->nstores; i++) {
		uint64_t old = w->stores[i].old;

		if (w->stores[i].paddr == paddr && grants(old, access) == allowed &&
		    (page == NULL || page_of(old) == *page))
			return true;
	}
	return false;
}

static void judge_granted(struct world *w, unsigned bus, uint64_t iova, enum iotoll_access access,
			  const struct iotoll_xlat *x)
{
	uint64_t paddr = entry_paddr(w, bus, iova);
	uint64_t page = x->paddr - iova % 4096;
	uint64_t now;

	JUDGE(x->bytes == 4096 - iova % 4096);
	JUDGE(x->bypass == passes_untranslated(w, bus, iova));
	if (x->bypass) {
		JUDGE(x->paddr == iova);
		return;
	}
	JUDGE(iova / 4096 < UINT64_C(8192) << (tar(w, bus) & 7));
	JUDGE(readable(paddr, 1));
	JUDGE(ever(w, bus, paddr, access, true, &page));
	now = calgary_tce_unpack(w->memory + paddr);
	if (!x->hit)
		JUDGE(grants(now, access) && page_of(now) == page && x->fetches > 0);
	if (!x->stale)
		JUDGE(grants(now, access) && page_of(now) == page);
	else
		JUDGE(x->hit);
}

static void judge_refused(struct world *w, unsigned bus, uint64_t iova, enum iotoll_access access,
			  int ret, unsigned line_pages)
{
	uint32_t config = phb_reg(w, bus, CALGARY_CONFIG_RW);

	if (ret == -ESHUTDOWN) {
		JUDGE(config & 0x1C000000);
		return;
	}
	JUDGE(!(config & 0x1C000000));
	if (ret == -EPERM && iova > UINT32_MAX && (config & 0x01000000))
		return;
	JUDGE(!passes_untranslated(w, bus, iova));
	JUDGE(phb_reg(w, bus, CALGARY_CSR) & 0xFFE0FFFF);
	w->refused[bus] = true;
	if (ret == -EFAULT) {
		JUDGE(!readable(entry_paddr(w, bus, iova), line_pages));
		return;
	}
	JUDGE(ret == -EPERM);
	if (iova / 4096 >= UINT64_C(8192) << (tar(w, bus) & 7))
		return;
	JUDGE(readable(entry_paddr(w, bus, iova), 1));
	JUDGE(ever(w, bus, entry_paddr(w, bus, iova), access, false, NULL));
}

/* ---- the program ---- */

static void do_store(struct world *w)
{
	unsigned bus = (unsigned)take(&w->input, 1) % CALGARY_PHBS;
	uint64_t paddr = entry_paddr(w, bus, take(&w->input, 2) * 4096);
	uint8_t style = (uint8_t)take(&w->input, 1);
	/* Mostly plausible entries: few pages, all rights; sometimes anything. */
	uint64_t tce =
		style < 224 ? (uint64_t)(style >> 2) << 12 | (style & 3) : take(&w->input, 8);

	if (paddr > MEMORY_BYTES - 8 || w->nstores == MAX_STORES)
		return;
	w->stores[w->nstores++] = (struct store){paddr, calgary_tce_unpack(w->memory + paddr)};
	calgary_tce_pack(w->memory + paddr, tce);
}

/* A register by number, or now and then any offset at all. */
static uint64_t take_offset(struct world *w)
{
	static const uint32_t per_phb[] = {
		CALGARY_CSR,
		CALGARY_PLSSR,
		CALGARY_CONFIG_RW,
		CALGARY_AER,
		CALGARY_MEM_1_LOW,
		CALGARY_MEM_1_HIGH,
		CALGARY_MEM_1_SIZE,
		CALGARY_MEM_2_LOW,
		CALGARY_MEM_2_HIGH,
		CALGARY_MEM_2_SIZE_HIGH,
		CALGARY_MEM_2_SIZE_LOW,
	};
	unsigned which = (unsigned)take(&w->input, 1);
	unsigned bus = which % CALGARY_PHBS;

	which /= CALGARY_PHBS;
	if (which < sizeof(per_phb) / sizeof(per_phb[0]))
		return calgary_phb_reg(bus, per_phb[which]);
	if (which < 32)
		return calgary_tar(bus) + (which & 1) * 4;
	if (which < 40)
		return calgary_debug_reg(bus,
					 which & 1 ? CALGARY_DEBUG_SPLITQ : CALGARY_DEBUG_STUFF);
	return take(&w->input, 3);
}

static unsigned take_width(struct world *w)
{
	static const uint8_t widths[8] = {4, 8, 4, 8, 4, 8, 1, 3};

	return widths[take(&w->input, 1) % 8];
}

static void do_register(struct world *w, bool write)
{
	uint64_t offset = take_offset(w);
	unsigned width = take_width(w);
	uint64_t value = write ? take(&w->input, width) : 0;
	uint64_t strays = calgary_stray_accesses(w->iommu);
	uint64_t read;

	if (!write) {
		read = w->iommu->ops->reg_read(w->iommu, offset, width);
		JUDGE(width == 8 || read >> (8 * width) == 0);
		JUDGE(calgary_stray_accesses(w->iommu) == strays || read == 0);
		return;
	}
	w->iommu->ops->reg_write(w->iommu, offset, value, width);
	if (calgary_stray_accesses(w->iommu) != strays)
		return;
	for (unsigned bus = 0; bus < CALGARY_PHBS; bus++) {
		if (offset - calgary_tar(bus) < 8)
			w->tar_written[bus] = w->nstores;
		if (offset != calgary_phb_reg(bus, CALGARY_CSR))
			continue;
		/* Zeros clear; only 0 is known to clear all. */
		w->refused[bus] = (phb_reg(w, bus, CALGARY_CSR) & CALGARY_CSR_ERRORS) != 0;
		JUDGE(value != 0 || phb_reg(w, bus, CALGARY_CSR) == 0);
	}
}

/* The commonest start: a table inside memory, translation on. */
static void do_enable(struct world *w)
{
	unsigned bus = (unsigned)take(&w->input, 1) % CALGARY_PHBS;
	uint64_t table = take(&w->input, 1) % 9 * 0x8000; /* the ninth lies outside */

	w->iommu->ops->reg_write(w->iommu, calgary_tar(bus),
				 calgary_cpu64(table | take(&w->input, 1)), 8);
	w->tar_written[bus] = w->nstores;
	w->iommu->ops->reg_write(w->iommu, calgary_phb_reg(bus, CALGARY_CONFIG_RW),
				 calgary_cpu32(CALGARY_TRANSLATE_BITS), 4);
}

static void do_translate(struct world *w, unsigned line_pages)
{
	struct iotoll_source src = {.bus = (uint16_t)(take(&w->input, 1) % 5)};
	uint8_t style = (uint8_t)take(&w->input, 1);
	uint64_t iova =
		style & 4 ? take(&w->input, 8) : take(&w->input, 2) * 4096 + take(&w->input, 1);
	enum iotoll_access access = style & 1 ? IOTOLL_WRITE : IOTOLL_READ;
	struct iotoll_xlat p, x;
	uint32_t csr;
	int foretold, ret;

	src.devid = (uint16_t)(style >> 3);
	if (src.bus >= CALGARY_PHBS) {
		JUDGE(iommu_translate(w->iommu, src, iova, access, &x) == -ENODEV);
		return;
	}
	csr = phb_reg(w, src.bus, CALGARY_CSR);
	JUDGE(((csr & CALGARY_CSR_ERRORS) != 0) == w->refused[src.bus]);
	foretold = iommu_probe(w->iommu, src, iova, access, &p);
	JUDGE(phb_reg(w, src.bus, CALGARY_CSR) == csr);
	ret = iommu_translate(w->iommu, src, iova, access, &x);
	JUDGE(ret == foretold && p.paddr == x.paddr && p.bytes == x.bytes && p.hit == x.hit &&
	      p.bypass == x.bypass && p.stale == x.stale && p.fetches == x.fetches);
	if (csr & CALGARY_CSR_ERRORS)
		JUDGE(phb_reg(w, src.bus, CALGARY_CSR) == csr);
	if (ret == 0) {
		JUDGE(phb_reg(w, src.bus, CALGARY_CSR) == csr);
		judge_granted(w, src.bus, iova, access, &x);
	} else {
		judge_refused(w, src.bus, iova, access, ret, line_pages);
	}
}

static void do_rest(struct world *w)
{
	uint8_t what = (uint8_t)take(&w->input, 1);
	unsigned bus = what % 5; /* one too many */

	if (what == 255) {
		w->iommu->ops->reset(w->iommu);
		for (bus = 0; bus < CALGARY_PHBS; bus++) {
			w->tar_written[bus] = w->nstores;
			w->refused[bus] = false;
		}
		return;
	}
	if (what & 0x80)
		w->iommu->ops->begin(w->iommu, bus);
	else
		w->iommu->ops->end(w->iommu, bus);
}

static void run(struct world *w, unsigned line_pages)
{
	while (w->input.left != 0) {
		switch (take(&w->input, 1) % 8) {
		case 0:
		case 1:
			do_store(w);
			break;
		case 2:
			do_register(w, true);
			break;
		case 3:
			do_register(w, false);
			break;
		case 4:
			do_enable(w);
			break;
		case 5:
		case 6:
			do_translate(w, line_pages);
			break;
		default:
			do_rest(w);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const struct iotlb_config geometries[] = {
		{.entries = 0},
		{.entries = 1, .ways = 1, .line_pages = 1, .policy = "lru"},
		{.entries = 8, .ways = 2, .line_pages = 1, .policy = "lru"},
		{.entries = 6, .ways = 3, .line_pages = 4, .policy = "fifo"},
		{.entries = 4, .ways = 0, .line_pages = 8, .policy = "random"},
		{.entries = 4, .ways = 2, .line_pages = 16, .policy = "lru"},
	};
	struct world *w = calloc(1, sizeof(*w));
	struct iommu_config config = {.model = "calgary", .track_stale = true};

	if (w == NULL)
		return 0;
	w->input = (struct input){data, bytes};
	config.iotlb =
		geometries[take(&w->input, 1) % (sizeof(geometries) / sizeof(geometries[0]))];
	config.memory = (struct iotoll_memory){.ctx = w, .read = memory_read};
	if (iommu_create(&w->iommu, &config, NULL) == 0) {
		run(w, config.iotlb.entries != 0 ? config.iotlb.line_pages : 1);
		iommu_destroy(w->iommu);
	}
	free(w);
	return 0;
}
