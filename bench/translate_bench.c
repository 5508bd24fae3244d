// SPDX-License-Identifier: MIT
/*
 * What one iommu_translate() costs this host, for every model: hits, walks by the number of tables
 * they read, and how hits grow with entries and ways; beside them the bare IOTLB, which is in every
 * hit, and a page-selective invalidation. Wall-clock figures, never part of a simulated result.
 *
 * All rows take turns, so that a machine whose speed drifts is the same to all of them. Shown are
 * the 10th percentile, the median and the 90th of a turn's mean, and the median of its ratio to a
 * chain of dependent loads from the first-level cache, timed in the same turn: that figure can be
 * compared between machines and between runs. Before anything is timed each row's accesses are
 * checked to hit, or to read as many table entries as it says.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "hw/iotlb.h"
#include "hw/vtd.h"
#include "spec/amdvi.h"
#include "spec/calgary.h"
#include "spec/dart.h"
#include "spec/riommu.h"
#include "spec/vtd.h"

#define TURNS   200
#define PATTERN 4096 /* accesses of a turn */

/* A page each: root or device table, contexts, one table of levels 6 to 2; 16 leaf tables follow.
 */
#define ROOT     0x0000u
#define CONTEXTS 0x1000u
#define LEVEL(n) (0x8000u - 0x1000u * (n)) /* n from 2 to 6 */
#define LEAVES   0x8000u
#define QUEUE    0x28000u
#define MEMORY   0x29000u
#define PAGES    8192u   /* whose leaves fit there */
#define FIRST    4096u   /* first page of a Calgary pattern: above the hole below 1 MiB */
#define DEVICE   0x28u   /* who asks */
#define TABLE    0x8000u /* of Calgary and DART */

enum pattern {
	HOT,  /* random among half of what the IOTLB holds */
	NEAR, /* random among 512 neighbours: one last-level table */
	FAR,  /* each as far from the one before as one top-level entry reaches */
	RING, /* mapping after mapping of one ring */
};

struct world;

struct row {
	const char *model, *what;
	unsigned entries, ways;
	enum pattern pattern;
	unsigned fetches;          /* of each access; 0: it hits */
	unsigned levels;           /* AMD-Vi: tables of the tree; VT-d: tables down to the leaf */
	unsigned paging, contexts; /* VT-d: entries of its caches */
	bool stale;
	bool callback; /* tables are read through the embedder's function, not its window */
	void (*batch)(struct world *w); /* NULL: translations */
};

struct world {
	const struct row *row;
	struct iommu *iommu;
	struct iotlb *iotlb;
	struct iotoll_source source;
	uint64_t address[PATTERN];
	double ns[TURNS], loads[TURNS];
	uint64_t sink;
	unsigned tail;
	uint8_t memory[MEMORY];
};

static int memory_read(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	const struct world *w = ctx;

	if (paddr > MEMORY || bytes > MEMORY - paddr)
		return -EFAULT;
	memcpy(to, w->memory + paddr, bytes);
	return 0;
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* ---- what is timed ---- */

static void translate_batch(struct world *w)
{
	struct iotoll_xlat x;

	for (unsigned i = 0; i < PATTERN; i++) {
		if (iommu_translate(w->iommu, w->source, w->address[i], IOTOLL_READ, &x) != 0)
			abort();
		w->sink += x.paddr;
	}
}

static void iotlb_batch(struct world *w)
{
	uint64_t entry = 0;

	for (unsigned i = 0; i < PATTERN; i++) {
		if (!iotlb_access(w->iotlb, 1, w->address[i] >> 12, &entry))
			abort();
		w->sink += entry;
	}
}

static void invalidate_batch(struct world *w)
{
	for (unsigned i = 0; i < PATTERN; i++) {
		struct vtd_pair d =
			vtd_desc_iotlb(VTD_GRAN_PAGE, 1, true, vtd_iva(w->address[i], 0, true));

		vtd_pack_pair(&w->memory[QUEUE + 16 * w->tail], d);
		w->tail = (w->tail + 1) % vtd_queue_entries(0);
		w->iommu->ops->reg_write(w->iommu, VTD_IQT, 16 * w->tail, 8);
	}
}

/* Mean ns of a load that waits for the one before it. */
static double chain_ns(void)
{
	static const unsigned next[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0};
	const volatile unsigned *from = next;
	unsigned at = 0;
	const double start = now_ns();

	for (unsigned i = 0; i < 4 * PATTERN; i++)
		at = from[at];
	return (now_ns() - start) / (4 * PATTERN);
}

/* ---- the tables of each model ---- */

static void reg_write(struct world *w, uint64_t offset, uint64_t value, unsigned width)
{
	w->iommu->ops->reg_write(w->iommu, offset, value, width);
}

static void calgary_tables(struct world *w)
{
	const unsigned code = 1; /* 16384 entries */

	for (unsigned i = 0; i < PAGES; i++)
		calgary_tce_pack(&w->memory[TABLE + (FIRST + i) * CALGARY_TCE_BYTES],
				 calgary_tce((uint64_t)i << 12, true, true));
	reg_write(w, calgary_tar(0), calgary_cpu64(calgary_tar_value(0, TABLE, code)), 8);
	reg_write(w, calgary_phb_reg(0, CALGARY_CONFIG_RW), calgary_cpu32(CALGARY_TRANSLATE_BITS),
		  4);
}

static void dart_tables(struct world *w)
{
	for (unsigned i = 0; i < PAGES; i++)
		dart_entry_pack(&w->memory[TABLE + i * DART_ENTRY_BYTES],
				dart_entry((uint64_t)i << 12, true, true));
	reg_write(w, DART_U4_BASE, TABLE >> 12, 4);
	reg_write(w, DART_U4_SIZE, PAGES / DART_PAGE_ENTRIES, 4);
	reg_write(w, DART_U4_CNTL, DART_U4_CNTL_ENABLE, 4);
}

/* Every entry of a table above the leaves leads to the one table below, but level 2's first 16. */
static void vtd_tables(struct world *w)
{
	const unsigned leaf = w->row->levels != 0 ? 5 - w->row->levels : 1;

	vtd_pack_pair(&w->memory[ROOT], vtd_root(CONTEXTS));
	vtd_pack_pair(&w->memory[CONTEXTS + 16 * DEVICE],
		      vtd_context(LEVEL(4), VTD_TT_UNTRANSLATED, VTD_AW_48, 1));
	for (unsigned i = 0; i < VTD_TABLE_ENTRIES; i++) {
		const uint64_t at = 8 * i, page = (uint64_t)i;

		vtd_pack64(&w->memory[LEVEL(4) + at], vtd_pte(LEVEL(3), true, true));
		vtd_pack64(&w->memory[LEVEL(3) + at],
			   leaf == 3 ? vtd_pte(page << 30, true, true) | VTD_PTE_PS
				     : vtd_pte(LEVEL(2), true, true));
		vtd_pack64(&w->memory[LEVEL(2) + at],
			   leaf == 2 ? vtd_pte(page << 21, true, true) | VTD_PTE_PS
				     : vtd_pte(LEAVES + (i % 16 << 12), true, true));
	}
	for (unsigned i = 0; i < PAGES; i++)
		vtd_pack64(&w->memory[LEAVES + 8 * i], vtd_pte((uint64_t)i << 12, true, true));
	reg_write(w, VTD_RTADDR, ROOT, 8);
	reg_write(w, VTD_GCMD, VTD_GCMD_SRTP, 4);
	reg_write(w, VTD_IQA, QUEUE, 8);
	reg_write(w, VTD_GCMD, VTD_GCMD_TE | VTD_GCMD_QIE, 4);
}

static void amdvi_tables(struct world *w)
{
	const unsigned mode = w->row->levels != 0 ? w->row->levels : 4;
	const uint32_t top = mode > 1 ? LEVEL(mode) : LEAVES;
	uint8_t *dte = &w->memory[ROOT + DEVICE * AMDVI_DTE_BYTES];

	amdvi_pack(dte, AMDVI_DTE_V | AMDVI_DTE_TV | (uint64_t)mode << AMDVI_DTE_MODE_SHIFT |
				AMDVI_IR | AMDVI_IW | top);
	amdvi_pack(dte + 8, 1);
	for (unsigned i = 0; i < AMDVI_PTES_PER_TABLE; i++) {
		for (unsigned level = 3; level <= 6; level++)
			amdvi_pack(&w->memory[LEVEL(level) + 8 * i],
				   amdvi_pde(LEVEL(level - 1), level - 1));
		amdvi_pack(&w->memory[LEVEL(2) + 8 * i], amdvi_pde(LEAVES + (i % 16 << 12), 1));
	}
	for (unsigned i = 0; i < PAGES; i++)
		amdvi_pack(&w->memory[LEAVES + 8 * i], amdvi_pte((uint64_t)i << 12, true, true));
	reg_write(w, AMDVI_DEVTAB_BASE, ROOT, 8);
	reg_write(w, AMDVI_CONTROL, AMDVI_CTRL_IOMMU_EN, 8);
}

/* One ring, as long as the pattern; each mapping has all the bytes that one can have. */
static void riommu_tables(struct world *w)
{
	riommu_pack(&w->memory[ROOT + DEVICE * RIOMMU_ENTRY_BYTES],
		    (struct riommu_pair){CONTEXTS, 1});
	riommu_pack(&w->memory[CONTEXTS], (struct riommu_pair){LEAVES, PATTERN});
	for (uint64_t i = 0; i < PATTERN; i++)
		riommu_pack(&w->memory[LEAVES + i * RIOMMU_ENTRY_BYTES],
			    (struct riommu_pair){i << 12,
						 riommu_rpte_hi(RIOMMU_MAX_BYTES, true, true)});
	reg_write(w, RIOMMU_DEVICES, ROOT, 8);
	reg_write(w, RIOMMU_DEVICE_COUNT, DEVICE + 1, 8);
	reg_write(w, RIOMMU_CONTROL, RIOMMU_CONTROL_ENABLE, 8);
}

/* ---- worlds ---- */

static void draw(struct world *w)
{
	const struct row *r = w->row;
	const uint64_t first = strcmp(r->model, "calgary") == 0 ? FIRST : 0;
	struct rng rng;

	rng_seed(&rng, 1);
	for (uint64_t i = 0; i < PATTERN; i++) {
		if (r->pattern == RING)
			w->address[i] = riommu_iova(0, i, 0);
		else if (r->pattern == FAR && strcmp(r->model, "vtd") == 0)
			w->address[i] = i % 512 << (12 + 9 * (4 - r->levels));
		else if (r->pattern == FAR)
			w->address[i] = i % (r->levels == 6 ? 128 : 512)
					<< amdvi_level_shift(r->levels);
		else
			w->address[i] =
				(first + rng_below(&rng, r->pattern == HOT ? r->entries / 2 : 512))
				<< 12;
	}
}

/* Does each access of the row do what the row says? */
static bool as_said(struct world *w)
{
	struct iotoll_xlat x;

	for (unsigned i = 0; i < 2 * PATTERN; i++)
		if (iommu_translate(w->iommu, w->source, w->address[i % PATTERN], IOTOLL_READ,
				    &x) != 0 ||
		    (i >= PATTERN && (x.fetches != w->row->fetches || x.hit == (x.fetches != 0))))
			return false;
	return true;
}

static bool make_iotlb(struct world *w, const struct iotlb_config *config)
{
	const uint64_t entry = 3;

	if (iotlb_create(&w->iotlb, config, NULL) != 0)
		return false;
	for (unsigned i = 0; i < w->row->entries; i++)
		iotlb_insert(w->iotlb, 1, i, &entry);
	return true;
}

static bool make(struct world *w, const struct row *row)
{
	struct vtd_config shape = vtd_xeon;
	struct iommu_config config = {
		.model = row->model,
		.iotlb = {.entries = row->entries,
			  .ways = row->ways,
			  .line_pages = 1,
			  .policy = "lru"},
		.memory = {.ctx = w,
			   .read = memory_read,
			   .window = w->memory,
			   .window_bytes = row->callback ? 0 : MEMORY},
		.track_stale = row->stale,
		.vtd = &shape,
	};

	w->row = row;
	w->source = (struct iotoll_source){.devid = DEVICE};
	draw(w);
	if (row->batch == iotlb_batch)
		return make_iotlb(w, &config.iotlb);
	shape.paging_entries = row->paging;
	shape.context_entries = row->contexts;
	if (iommu_create(&w->iommu, &config, NULL) != 0)
		return false;
	if (strcmp(row->model, "calgary") == 0)
		calgary_tables(w);
	else if (strcmp(row->model, "vtd") == 0)
		vtd_tables(w);
	else if (strcmp(row->model, "amdvi") == 0)
		amdvi_tables(w);
	else if (strcmp(row->model, "riommu") == 0)
		riommu_tables(w);
	else
		dart_tables(w);
	return row->batch != NULL || as_said(w);
}

static void turn(struct world *w, unsigned n)
{
	void (*batch)(struct world *) = w->row->batch != NULL ? w->row->batch : translate_batch;
	double start;

	batch(w); /* the rows before it had the caches */
	start = now_ns();
	batch(w);
	w->ns[n] = (now_ns() - start) / PATTERN;
	w->loads[n] = w->ns[n] / chain_ns();
}

static void print(struct world *w)
{
	qsort(w->ns, TURNS, sizeof(w->ns[0]), by_value);
	qsort(w->loads, TURNS, sizeof(w->loads[0]), by_value);
	printf("%-8s %-44s %8.2f %8.2f %8.2f %8.1f\n", w->row->model, w->row->what,
	       w->ns[TURNS / 10], w->ns[TURNS / 2], w->ns[TURNS * 9 / 10], w->loads[TURNS / 2]);
}

#define VTD_CACHES .paging = 16, .contexts = 256
#define HITS(m, e, w)                                                                     \
	{                                                                                 \
		.model = m, .what = "hit, " #e " x " #w " ways", .entries = e, .ways = w, \
		VTD_CACHES                                                                \
	}

static const struct row rows[] = {
	{"-", "bare IOTLB, hit, 64 x 4 ways", 64, 4, .batch = iotlb_batch},
	{"-", "bare IOTLB, hit, 512 x 4 ways", 512, 4, .batch = iotlb_batch},
	{"-", "bare IOTLB, hit, 64, full", 64, 0, .batch = iotlb_batch},
	{"-", "bare IOTLB, hit, 512, full", 512, 0, .batch = iotlb_batch},
	HITS("calgary", 64, 4),
	HITS("calgary", 512, 4),
	{"calgary", "hit, 512 x 4 ways, checked for staleness", 512, 4, .stale = true},
	{"calgary", "walk, 1 table", 0, 0, NEAR, .fetches = 1},
	HITS("dart-u4", 64, 4),
	HITS("dart-u4", 512, 4),
	{"dart-u4", "walk, 1 table", 0, 0, NEAR, .fetches = 1},
	HITS("vtd", 64, 1),
	HITS("vtd", 64, 4),
	HITS("vtd", 64, 8),
	{"vtd", "hit, 64, full", 64, 0, VTD_CACHES},
	HITS("vtd", 512, 1),
	HITS("vtd", 512, 4),
	HITS("vtd", 512, 8),
	{"vtd", "hit, 512, full", 512, 0, VTD_CACHES},
	HITS("vtd", 4096, 4),
	{"vtd", "walk, last table held", 0, 0, NEAR, 1, VTD_CACHES},
	{"vtd", "walk, 2 tables (1 GiB page)", 0, 0, FAR, 2, .levels = 2, .contexts = 256},
	{"vtd", "walk, 3 tables (2 MiB page)", 0, 0, FAR, 3, .levels = 3, .contexts = 256},
	{"vtd", "walk, 4 tables", 0, 0, NEAR, 4, .contexts = 256},
	{"vtd", "walk, 4 tables, read by callback", 0, 0, NEAR, 4, .contexts = 256,
	 .callback = true},
	{"vtd", "walk, root, context and 4 tables", 0, 0, NEAR, .fetches = 6},
	{"vtd", "page-selective invalidation through the queue", 512, 4, .batch = invalidate_batch,
	 VTD_CACHES},
	HITS("amdvi", 64, 4),
	HITS("amdvi", 512, 4),
	{"amdvi", "walk, last table held", 0, 0, NEAR, .fetches = 1},
	{"amdvi", "walk, 1 table", 0, 0, FAR, 1, .levels = 1},
	{"amdvi", "walk, 2 tables", 0, 0, FAR, 2, .levels = 2},
	{"amdvi", "walk, 3 tables", 0, 0, FAR, 3, .levels = 3},
	{"amdvi", "walk, 4 tables", 0, 0, FAR, 4, .levels = 4},
	{"amdvi", "walk, 6 tables", 0, 0, FAR, 6, .levels = 6},
	{"riommu", "hit, the mapping used last", .entries = 64},
	{"riommu", "hit, moving on, next one fetched ahead", .entries = 64, .pattern = RING},
	{"riommu", "walk: device, ring, mapping", 0, 0, RING, .fetches = 3},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* An argument restricts it to rows of that model, or "-". */
int main(int argc, char **argv)
{
	struct world *worlds = calloc(ROWS, sizeof(*worlds));
	size_t worlds_n = 0;

	if (worlds == NULL)
		return 1;
	for (size_t i = 0; i < ROWS; i++) {
		if (argc > 1 && strcmp(argv[1], rows[i].model) != 0)
			continue;
		if (make(&worlds[worlds_n++], &rows[i]))
			continue;
		fprintf(stderr, "%s, %s: does something else\n", rows[i].model, rows[i].what);
		return 1;
	}
	for (unsigned n = 0; n < TURNS; n++)
		for (size_t i = 0; i < worlds_n; i++)
			turn(&worlds[i], n);
	printf("host wall clock, ns per call over %d turns of %d; loads: dependent loads in the "
	       "same time\n",
	       TURNS, PATTERN);
	printf("%-8s %-44s %8s %8s %8s %8s\n", "model", "call", "p10", "median", "p90", "loads");
	for (size_t i = 0; i < worlds_n; i++) {
		print(&worlds[i]);
		iommu_destroy(worlds[i].iommu);
		iotlb_destroy(worlds[i].iotlb);
	}
	free(worlds);
	return 0;
}
