// SPDX-License-Identifier: MIT
/*
 * What one translation by the VT-d model costs this host: IOTLB hits, walks of four levels from
 * the top and from a cached last table, context fetches, and a page-selective invalidation through
 * the queue. Wall-clock figures of the machine it runs on, never part of a simulated result.
 *
 * Each figure is taken over many batches; median and 90th percentile of a batch's mean are shown.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "hw/vtd.h"
#include "spec/vtd.h"

#define BATCHES 200
#define BATCH   20000
#define PATTERN 4096 /* a power of two */

/* Root, contexts, one table of levels 4 to 2, and 16 of level 1: 8192 pages. */
#define ROOT     0x0000u
#define CONTEXTS 0x1000u
#define L4       0x2000u
#define L3       0x3000u
#define L2       0x4000u
#define L1       0x5000u
#define LEAVES   (16 * VTD_TABLE_ENTRIES)
#define QUEUE    (L1 + 16 * VTD_PAGE_BYTES)
#define MEMORY   (QUEUE + VTD_PAGE_BYTES)

struct bench {
	struct iommu *iommu;
	uint64_t pages[PATTERN];
	uint8_t memory[MEMORY];
	double ns[BATCHES];
	uint64_t sink;
	unsigned tail;
};

static int memory_read(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	const struct bench *b = ctx;

	if (paddr > MEMORY || bytes > MEMORY - paddr)
		return -EFAULT;
	memcpy(to, b->memory + paddr, bytes);
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

static void time_it(struct bench *b, void (*batch)(struct bench *b), const char *what)
{
	batch(b); /* warm */
	for (unsigned i = 0; i < BATCHES; i++) {
		double start = now_ns();

		batch(b);
		b->ns[i] = (now_ns() - start) / BATCH;
	}
	qsort(b->ns, BATCHES, sizeof(b->ns[0]), by_value);
	printf("%-52s %9.2f %9.2f\n", what, b->ns[BATCHES / 2], b->ns[BATCHES * 9 / 10]);
}

static void translate_batch(struct bench *b)
{
	const struct iommu_source source = {.devid = 0x28};
	struct iommu_xlat x;

	for (unsigned i = 0; i < BATCH; i++) {
		if (iommu_translate(b->iommu, source, b->pages[i & (PATTERN - 1)], IOMMU_READ,
				    &x) != 0)
			abort();
		b->sink += x.paddr;
	}
}

static void invalidate_batch(struct bench *b)
{
	for (unsigned i = 0; i < BATCH; i++) {
		struct vtd_pair d = vtd_desc_iotlb(VTD_GRAN_PAGE, 1, true,
						   vtd_iva(b->pages[i & (PATTERN - 1)], 0, true));

		vtd_pack_pair(&b->memory[QUEUE + 16 * b->tail], d);
		b->tail = (b->tail + 1) % vtd_queue_entries(0);
		b->iommu->ops->reg_write(b->iommu, VTD_IQT, 16 * b->tail, 8);
	}
}

static void write_tables(struct bench *b)
{
	vtd_pack_pair(&b->memory[ROOT], vtd_root(CONTEXTS));
	vtd_pack_pair(&b->memory[CONTEXTS + 16 * 0x28],
		      vtd_context(L4, VTD_TT_UNTRANSLATED, VTD_AW_48, 1));
	vtd_pack64(&b->memory[L4], vtd_pte(L3, true, true));
	vtd_pack64(&b->memory[L3], vtd_pte(L2, true, true));
	for (unsigned i = 0; i < 16; i++)
		vtd_pack64(&b->memory[L2 + 8 * i], vtd_pte(L1 + i * VTD_PAGE_BYTES, true, true));
	for (unsigned i = 0; i < LEAVES; i++)
		vtd_pack64(&b->memory[L1 + 8 * i], vtd_pte((uint64_t)i << 12, true, true));
}

static int make(struct bench *b, unsigned entries, unsigned paging, unsigned contexts)
{
	struct vtd_config shape = vtd_xeon;
	struct iommu_config config = {
		.model = "vtd",
		.iotlb = {.entries = entries, .ways = 4, .line_pages = 1, .policy = "lru"},
		.memory = {.ctx = b, .read = memory_read},
		.vtd = &shape,
	};
	const struct iommu_ops *ops;
	struct rng rng;
	int ret;

	shape.paging_entries = paging;
	shape.context_entries = contexts;
	ret = iommu_create(&b->iommu, &config, NULL);
	if (ret != 0)
		return ret;
	ops = b->iommu->ops;
	b->tail = 0;
	ops->reg_write(b->iommu, VTD_RTADDR, ROOT, 8);
	ops->reg_write(b->iommu, VTD_GCMD, VTD_GCMD_SRTP, 4);
	ops->reg_write(b->iommu, VTD_IQA, QUEUE, 8);
	ops->reg_write(b->iommu, VTD_GCMD, VTD_GCMD_TE | VTD_GCMD_QIE, 4);
	/* Half of what fits where it should hit, all pages where it should not. */
	rng_seed(&rng, 1);
	for (unsigned i = 0; i < PATTERN; i++)
		b->pages[i] = rng_u64(&rng) % (entries != 0 ? entries / 2 : LEAVES) << 12;
	return 0;
}

int main(void)
{
	static const struct {
		unsigned entries, paging, contexts;
		void (*batch)(struct bench *b);
		const char *what;
	} rows[] = {
		{512, 16, 256, translate_batch, "hit, IOTLB 512 x 4 ways lru"},
		{64, 16, 256, translate_batch, "hit, IOTLB 64 x 4 ways lru"},
		{0, 16, 256, translate_batch, "walk, last table cached"},
		{0, 0, 256, translate_batch, "walk, four levels"},
		{0, 0, 0, translate_batch, "walk, root, context and four levels"},
		{512, 16, 256, invalidate_batch, "page-selective invalidation, IQT write to IQH"},
	};
	struct bench *b = calloc(1, sizeof(*b));
	int failed = b == NULL;

	printf("host wall clock, ns per call over %d batches of %d\n", BATCHES, BATCH);
	printf("%-52s %9s %9s\n", "call", "median", "p90");
	for (size_t i = 0; !failed && i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_tables(b);
		failed = make(b, rows[i].entries, rows[i].paging, rows[i].contexts) != 0;
		if (failed)
			break;
		time_it(b, rows[i].batch, rows[i].what);
		iommu_destroy(b->iommu);
	}
	free(b);
	return failed;
}
