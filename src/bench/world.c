/* SPDX-License-Identifier: MIT */
/* See world.h. Layouts are those of src/spec. */
#include "bench/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "hw/shared.h"
#include "hw/vtd.h"
#include "spec/amdvi.h"
#include "spec/calgary.h"
#include "spec/dart.h"
#include "spec/riommu.h"
#include "spec/vtd.h"

static int memory_read(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	const struct world *w = ctx;

	if (paddr > WORLD_MEMORY || bytes > WORLD_MEMORY - paddr)
		return -EFAULT;
	memcpy(to, w->memory + paddr, bytes);
	return 0;
}

/* ---- the tables of each model ---- */

void world_poke(struct world *w, uint64_t offset, uint64_t value, unsigned width)
{
	w->iommu->ops->reg_write(w->iommu, offset, value, width);
}

static void calgary_tables(struct world *w)
{
	const unsigned code = 1; /* 16384 entries */

	for (unsigned i = 0; i < WORLD_PAGES; i++)
		calgary_tce_pack(&w->memory[WORLD_TABLE + (WORLD_FIRST + i) * CALGARY_TCE_BYTES],
				 calgary_tce((uint64_t)i << 12, true, true));
	world_poke(w, calgary_tar(0), calgary_cpu64(calgary_tar_value(0, WORLD_TABLE, code)), 8);
	world_poke(w, calgary_phb_reg(0, CALGARY_CONFIG_RW), calgary_cpu32(CALGARY_TRANSLATE_BITS),
		   4);
}

static void dart_tables(struct world *w)
{
	for (unsigned i = 0; i < WORLD_PAGES; i++)
		dart_entry_pack(&w->memory[WORLD_TABLE + i * DART_ENTRY_BYTES],
				dart_entry((uint64_t)i << 12, true, true));
	world_poke(w, DART_U4_BASE, WORLD_TABLE >> 12, 4);
	world_poke(w, DART_U4_SIZE, WORLD_PAGES / DART_PAGE_ENTRIES, 4);
	world_poke(w, DART_U4_CNTL, DART_U4_CNTL_ENABLE, 4);
}

/* Every entry of a table above the leaves leads to the one table below, but level 2's first 16. */
static void vtd_tables(struct world *w)
{
	const unsigned leaf = w->kind.levels != 0 ? 5 - w->kind.levels : 1;

	vtd_pack_pair(&w->memory[WORLD_ROOT], vtd_root(WORLD_CONTEXTS));
	vtd_pack_pair(&w->memory[WORLD_CONTEXTS + 16 * WORLD_DEVICE],
		      vtd_context(WORLD_LEVEL(4), VTD_TT_UNTRANSLATED, VTD_AW_48, 1));
	for (unsigned i = 0; i < VTD_TABLE_ENTRIES; i++) {
		const uint64_t at = 8 * i, page = (uint64_t)i;

		vtd_pack64(&w->memory[WORLD_LEVEL(4) + at], vtd_pte(WORLD_LEVEL(3), true, true));
		vtd_pack64(&w->memory[WORLD_LEVEL(3) + at],
			   leaf == 3 ? vtd_pte(page << 30, true, true) | VTD_PTE_PS
				     : vtd_pte(WORLD_LEVEL(2), true, true));
		vtd_pack64(&w->memory[WORLD_LEVEL(2) + at],
			   leaf == 2 ? vtd_pte(page << 21, true, true) | VTD_PTE_PS
				     : vtd_pte(WORLD_LEAVES + (i % 16 << 12), true, true));
	}
	for (unsigned i = 0; i < WORLD_PAGES; i++)
		vtd_pack64(&w->memory[WORLD_LEAVES + 8 * i],
			   vtd_pte((uint64_t)i << 12, true, true));
	world_poke(w, VTD_RTADDR, WORLD_ROOT, 8);
	world_poke(w, VTD_GCMD, VTD_GCMD_SRTP, 4);
	world_poke(w, VTD_IQA, WORLD_QUEUE, 8);
	world_poke(w, VTD_GCMD, VTD_GCMD_TE | VTD_GCMD_QIE, 4);
}

static void amdvi_tables(struct world *w)
{
	const unsigned mode = w->kind.levels != 0 ? w->kind.levels : 4;
	const uint32_t top = mode > 1 ? WORLD_LEVEL(mode) : WORLD_LEAVES;
	uint8_t *dte = &w->memory[WORLD_ROOT + WORLD_DEVICE * AMDVI_DTE_BYTES];

	amdvi_pack(dte, AMDVI_DTE_V | AMDVI_DTE_TV | (uint64_t)mode << AMDVI_DTE_MODE_SHIFT |
				AMDVI_IR | AMDVI_IW | top);
	amdvi_pack(dte + 8, 1);
	for (unsigned i = 0; i < AMDVI_PTES_PER_TABLE; i++) {
		for (unsigned level = 3; level <= 6; level++)
			amdvi_pack(&w->memory[WORLD_LEVEL(level) + 8 * i],
				   amdvi_pde(WORLD_LEVEL(level - 1), level - 1));
		amdvi_pack(&w->memory[WORLD_LEVEL(2) + 8 * i],
			   amdvi_pde(WORLD_LEAVES + (i % 16 << 12), 1));
	}
	for (unsigned i = 0; i < WORLD_PAGES; i++)
		amdvi_pack(&w->memory[WORLD_LEAVES + 8 * i],
			   amdvi_pte((uint64_t)i << 12, true, true));
	world_poke(w, AMDVI_DEVTAB_BASE, WORLD_ROOT, 8);
	world_poke(w, AMDVI_CONTROL, AMDVI_CTRL_IOMMU_EN, 8);
}

/* One ring, as long as the pattern; each mapping has all the bytes that one can have. */
static void riommu_tables(struct world *w)
{
	riommu_pack(&w->memory[WORLD_ROOT + WORLD_DEVICE * RIOMMU_ENTRY_BYTES],
		    (struct riommu_pair){WORLD_CONTEXTS, 1});
	riommu_pack(&w->memory[WORLD_CONTEXTS], (struct riommu_pair){WORLD_LEAVES, WORLD_ACCESSES});
	for (uint64_t i = 0; i < WORLD_ACCESSES; i++)
		riommu_pack(&w->memory[WORLD_LEAVES + i * RIOMMU_ENTRY_BYTES],
			    (struct riommu_pair){i << 12,
						 riommu_rpte_hi(RIOMMU_MAX_BYTES, true, true)});
	world_poke(w, RIOMMU_DEVICES, WORLD_ROOT, 8);
	world_poke(w, RIOMMU_DEVICE_COUNT, WORLD_DEVICE + 1, 8);
	world_poke(w, RIOMMU_CONTROL, RIOMMU_CONTROL_ENABLE, 8);
}

static const struct tables {
	const char *model;
	void (*write)(struct world *w);
} tables[] = {
	{"calgary", calgary_tables}, {"dart-u4", dart_tables},  {"vtd", vtd_tables},
	{"amdvi", amdvi_tables},     {"riommu", riommu_tables},
};

static void draw(struct world *w)
{
	const struct world_kind *k = &w->kind;
	const uint64_t first = strcmp(k->model, "calgary") == 0 ? WORLD_FIRST : 0;
	struct rng rng;

	rng_seed(&rng, 1);
	for (uint64_t i = 0; i < WORLD_ACCESSES; i++) {
		if (k->pattern == WORLD_RING)
			w->address[i] = riommu_iova(0, i, 0);
		else if (k->pattern == WORLD_FAR && strcmp(k->model, "vtd") == 0)
			w->address[i] = i % 512 << (12 + 9 * (4 - k->levels));
		else if (k->pattern == WORLD_FAR)
			w->address[i] = i % (k->levels == 6 ? 128 : 512)
					<< amdvi_level_shift(k->levels);
		else
			w->address[i] =
				(first +
				 rng_below(&rng, k->pattern == WORLD_HOT ? k->entries / 2 : 512))
				<< 12;
	}
}

static int as_said(struct world *w, struct err *err)
{
	struct iotoll_xlat x;

	for (unsigned i = 0; i < 2 * WORLD_ACCESSES; i++)
		if (iommu_translate(w->iommu, w->source, w->address[i % WORLD_ACCESSES],
				    IOTOLL_READ, &x) != 0 ||
		    (i >= WORLD_ACCESSES &&
		     (x.fetches != w->kind.fetches || x.hit == (x.fetches != 0))))
			return err_set(err, -EPROTO, "%s: an access does not do what its row says",
				       w->kind.model);
	return 0;
}

int world_open(struct world **out, const struct world_kind *kind, struct err *err)
{
	struct vtd_config shape = vtd_xeon;
	struct world *w = calloc(1, sizeof(*w));
	const struct iommu_config config = {
		.model = kind->model,
		.iotlb = {.entries = kind->entries,
			  .ways = kind->ways,
			  .line_pages = 1,
			  .policy = "lru"},
		.memory = {.ctx = w,
			   .read = memory_read,
			   .window = w ? w->memory : NULL,
			   .window_bytes = kind->callback ? 0 : WORLD_MEMORY},
		.track_stale = kind->stale,
		.vtd = &shape,
	};
	int rc;

	*out = NULL;
	if (!w)
		return -ENOMEM;
	w->kind = *kind;
	w->source = (struct iotoll_source){.devid = WORLD_DEVICE};
	shape.paging_entries = kind->paging;
	shape.context_entries = kind->contexts;
	rc = iommu_create(&w->iommu, &config, err);
	if (!rc && kind->shared)
		rc = iommu_share(w->iommu, err);
	if (!rc) {
		draw(w);
		for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
			if (!strcmp(tables[i].model, kind->model))
				tables[i].write(w);
		rc = as_said(w, err);
	}
	if (rc)
		world_close(w);
	else
		*out = w;
	return rc;
}

void world_close(struct world *w)
{
	iommu_destroy(w->iommu);
	free(w);
}
