// SPDX-License-Identifier: MIT
/*
 * A model answers an access that hits and is granted on a way of its own, and everything else on
 * the general one. Random programs on two units, one of which has somebody told of every access to
 * its IOTLB and so never takes the straight way: answers, counts, faults, error registers and
 * memory must be the same. Tables, registers and requests change at random, with and without the
 * invalidation that software owes.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "hw/iotlb.h"
#include "hw/vtd.h"
#include "spec/amdvi.h"
#include "spec/calgary.h"
#include "spec/dart.h"
#include "spec/vtd.h"

#define STEPS   20000
#define DEVICES 4u
#define MEMORY  0x40000u
#define ROOT    0x0000u
#define CONTEXT 0x1000u
#define UPPER   0x2000u /* a table of level 4; those of 3 and 2 behind it */
#define LEAVES  0x8000u /* eight pages of them, or Calgary's and DART's table */
#define RING    0x1F000u
#define LOG     0x1E000u
#define HOT     24u /* pages that are accessed, from 1 MiB and from 0 on */

struct unit {
	struct iommu *iommu;
	struct iotlb_observer observer;
	uint64_t faults, accesses;
	uint8_t *memory;
};

struct twins {
	struct unit unit[2]; /* the second one's IOTLB tells */
	struct rng rng;
	unsigned tail;
	uint64_t hits;
};

static int memory_read(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	const struct unit *u = ctx;

	if (paddr > MEMORY || bytes > MEMORY - paddr)
		return -EFAULT;
	memcpy(to, u->memory + paddr, bytes);
	return 0;
}

static int memory_write(void *ctx, uint64_t paddr, const void *from, size_t bytes)
{
	struct unit *u = ctx;

	if (paddr > MEMORY || bytes > MEMORY - paddr)
		return -EFAULT;
	memcpy(u->memory + paddr, from, bytes);
	return 0;
}

static void heard_access(void *ctx, const struct iotlb *t, uint32_t tag, uint64_t pfn)
{
	struct unit *u = ctx;

	(void)t;
	(void)tag;
	(void)pfn;
	u->accesses++;
}

static void heard_fault(void *ctx, struct iotoll_source source, uint64_t iova,
			enum iotoll_access access)
{
	struct unit *u = ctx;

	u->faults = (u->faults ^ iova ^ source.devid ^ (uint64_t)access << 60) *
		    UINT64_C(0x100000001B3);
}

/* ---- what happens to both ---- */

static void write_reg(struct twins *w, uint64_t offset, uint64_t value, unsigned width)
{
	for (unsigned i = 0; i < 2; i++)
		w->unit[i].iommu->ops->reg_write(w->unit[i].iommu, offset, value, width);
}

static void poke(struct twins *w, uint64_t paddr, uint64_t value, unsigned bytes, bool big_endian)
{
	for (unsigned i = 0; i < bytes; i++) {
		const unsigned shift = 8 * (big_endian ? bytes - 1 - i : i);

		w->unit[0].memory[paddr + i] = (uint8_t)(value >> shift);
		w->unit[1].memory[paddr + i] = (uint8_t)(value >> shift);
	}
}

static uint64_t draw(struct twins *w, uint64_t below)
{
	return rng_below(&w->rng, below);
}

static bool one_in(struct twins *w, unsigned n)
{
	return draw(w, n) == 0;
}

static uint64_t some_address(struct twins *w)
{
	const uint64_t offset = draw(w, 4096);

	switch (draw(w, 40)) {
	case 0:
		return rng_u64(&w->rng);
	case 1:
		return UINT64_C(0xFEE00000) + offset; /* VT-d's interrupts */
	case 2:
		return AMDVI_INT_FIRST + offset;
	case 3:
		return draw(w, UINT64_C(1) << 34);
	case 4:
		return DART_U4_BYPASS + offset;
	case 5:
		return (uint64_t)1 << (draw(w, 30) + 30);
	case 6:
	case 7:
		return (draw(w, HOT) << 12) + offset;
	default:
		return 0x100000 + (draw(w, HOT) << 12) + offset;
	}
}

/* ---- the models: their tables and registers, at random ---- */

static void calgary_leaf(struct twins *w, uint64_t page)
{
	poke(w, LEAVES + page * CALGARY_TCE_BYTES,
	     calgary_tce(draw(w, 256) << 12, !one_in(w, 4), !one_in(w, 4)), 8, true);
}

static void calgary_change(struct twins *w)
{
	static const uint32_t windows[] = {CALGARY_MEM_1_LOW,      CALGARY_MEM_1_SIZE,
					   CALGARY_MEM_2_LOW,      CALGARY_MEM_2_HIGH,
					   CALGARY_MEM_2_SIZE_LOW, CALGARY_MEM_2_SIZE_HIGH};
	const unsigned bus = (unsigned)draw(w, 2);
	uint32_t config = CALGARY_TRANSLATE_BITS;

	switch (draw(w, 4)) {
	case 0:
		config ^= one_in(w, 3) ? CALGARY_SLOT_DISABLE : 0;
		config ^= one_in(w, 3) ? CALGARY_TCE_ENABLE : 0;
		config ^= one_in(w, 3) ? CALGARY_DAC_DISABLE : 0;
		config ^= one_in(w, 2) ? CALGARY_MEM2_ENABLE : 0;
		write_reg(w, calgary_phb_reg(bus, CALGARY_CONFIG_RW), calgary_cpu32(config), 4);
		return;
	case 1:
		write_reg(w, calgary_phb_reg(bus, windows[draw(w, 6)]),
			  calgary_cpu32(one_in(w, 3)   ? 0
					: one_in(w, 3) ? (uint32_t)draw(w, 3) << 20
						       : 0x100000 + ((uint32_t)draw(w, HOT) << 12)),
			  4);
		return;
	default: /* and the cache is empty */
		write_reg(w, calgary_tar(bus),
			  calgary_cpu64(calgary_tar_value(0, LEAVES, (unsigned)draw(w, 8))), 8);
		write_reg(w, calgary_phb_reg(bus, CALGARY_CONFIG_RW), calgary_cpu32(config), 4);
		for (unsigned i = 0; i < 6 && one_in(w, 2); i++)
			write_reg(w, calgary_phb_reg(bus, windows[i]), 0, 4);
	}
}

static void dart_leaf(struct twins *w, uint64_t page)
{
	const uint32_t entry = dart_entry(draw(w, 256) << 12, !one_in(w, 4), !one_in(w, 4));

	poke(w, LEAVES + page * DART_ENTRY_BYTES, one_in(w, 8) ? 0 : entry, 4, true);
}

static void dart_change(struct twins *w)
{
	const uint32_t size = one_in(w, 4) ? 0 : (uint32_t)draw(w, 5);

	write_reg(w, DART_U4_BASE, LEAVES >> 12, 4);
	if (one_in(w, 2))
		write_reg(w, DART_U4_SIZE, size, 4);
	write_reg(w, DART_U4_CNTL,
		  (one_in(w, 5) ? 0 : DART_U4_CNTL_ENABLE) |
			  (one_in(w, 3) ? DART_U4_CNTL_ALL
					: DART_U4_CNTL_ONE | (uint32_t)(256 + draw(w, HOT))),
		  4);
	(void)w->unit[0].iommu->ops->reg_read(w->unit[0].iommu, DART_U4_CNTL, 4);
	(void)w->unit[1].iommu->ops->reg_read(w->unit[1].iommu, DART_U4_CNTL, 4);
}

static void vtd_leaf(struct twins *w, uint64_t page)
{
	const uint64_t frame = one_in(w, 16) ? UINT64_C(0xFEE00000) : draw(w, 256) << 12;

	poke(w, LEAVES + 8 * page,
	     vtd_pte(frame, !one_in(w, 4), !one_in(w, 4)) | (one_in(w, 32) ? UINT64_C(1) << 50 : 0),
	     8, false);
}

static void vtd_change(struct twins *w)
{
	const unsigned devid = (unsigned)draw(w, DEVICES);
	const unsigned tt = one_in(w, 4) ? (unsigned)draw(w, 4) : VTD_TT_UNTRANSLATED;
	const bool wide = !one_in(w, 3);
	struct vtd_pair c = vtd_context(wide ? UPPER : UPPER + 0x1000, tt,
					wide ? VTD_AW_48 : VTD_AW_39, (uint16_t)draw(w, 3));
	const uint64_t iotlb = vtd_xeon.iotlb_offset + VTD_IOTLB_REG;

	if (one_in(w, 6))
		c.lo &= ~UINT64_C(1);
	poke(w, CONTEXT + 16 * devid, c.lo, 8, false);
	poke(w, CONTEXT + 16 * devid + 8, c.hi, 8, false);
	poke(w, ROOT, vtd_root(CONTEXT).lo, 8, false);
	for (unsigned level = 0; level < 3; level++)
		poke(w, UPPER + 0x1000 * level,
		     vtd_pte(level < 2 ? UPPER + 0x1000 * (level + 1) : LEAVES, true,
			     !one_in(w, 8)),
		     8, false);
	write_reg(w, VTD_RTADDR, ROOT, 8);
	if (one_in(w, 2))
		write_reg(w, VTD_CCMD,
			  VTD_CCMD_ICC | (uint64_t)VTD_GRAN_GLOBAL << VTD_CCMD_CIRG_SHIFT, 8);
	if (one_in(w, 2))
		write_reg(w, iotlb,
			  VTD_IOTLB_IVT | (uint64_t)VTD_GRAN_GLOBAL << VTD_IOTLB_IIRG_SHIFT, 8);
	write_reg(w, VTD_GCMD, (one_in(w, 6) ? 0 : VTD_GCMD_TE) | VTD_GCMD_SRTP, 4);
	write_reg(w, VTD_GCMD, one_in(w, 6) ? 0 : VTD_GCMD_TE, 4);
}

static void amdvi_leaf(struct twins *w, uint64_t page)
{
	uint64_t pte = amdvi_pte(draw(w, 256) << 12, !one_in(w, 4), !one_in(w, 4));

	if (one_in(w, 8))
		pte = 0;
	poke(w, LEAVES + 8 * page, pte, 8, false);
}

static void amdvi_command(struct twins *w, uint64_t q0, uint64_t q1)
{
	poke(w, RING + 16 * w->tail, q0, 8, false);
	poke(w, RING + 16 * w->tail + 8, q1, 8, false);
	w->tail = (w->tail + 1) % 256;
	write_reg(w, AMDVI_CMD_TAIL, 16 * w->tail, 8);
}

static void amdvi_change(struct twins *w)
{
	const uint64_t devid = draw(w, DEVICES), domain = draw(w, 3);
	const uint64_t mode = one_in(w, 5) ? draw(w, 8) : 3 + draw(w, 2);
	const uint64_t top = mode == 4 ? UPPER : UPPER + 0x1000;
	const uint64_t at = ROOT + devid * AMDVI_DTE_BYTES;

	poke(w, at,
	     (one_in(w, 8) ? 0 : AMDVI_DTE_V) | (one_in(w, 8) ? 0 : AMDVI_DTE_TV) |
		     mode << AMDVI_DTE_MODE_SHIFT | (one_in(w, 6) ? 0 : AMDVI_IR) |
		     (one_in(w, 6) ? 0 : AMDVI_IW) | top | (one_in(w, 12) ? AMDVI_BIT(3) : 0),
	     8, false);
	poke(w, at + 8,
	     domain | (one_in(w, 4) ? AMDVI_DTE1_SE : 0) | (one_in(w, 4) ? AMDVI_DTE1_EX : 0), 8,
	     false);
	poke(w, at + 16, one_in(w, 8) ? AMDVI_DTE2_IV | AMDVI_BIT(59) : 0, 8, false);
	for (unsigned level = 0; level < 3; level++)
		poke(w, UPPER + 0x1000 * level,
		     amdvi_pde(level < 2 ? UPPER + 0x1000 * (level + 1) : LEAVES, 3 - level), 8,
		     false);
	write_reg(w, AMDVI_DEVTAB_BASE, ROOT, 8);
	write_reg(w, AMDVI_CMDBUF_BASE, RING | UINT64_C(8) << AMDVI_RING_LENGTH_SHIFT, 8);
	w->tail = 0;
	write_reg(w, AMDVI_CMD_HEAD, 0, 8);
	write_reg(w, AMDVI_EVTLOG_BASE, LOG | UINT64_C(8) << AMDVI_RING_LENGTH_SHIFT, 8);
	write_reg(w, AMDVI_EXCL_BASE, one_in(w, 4) ? 0x102000 | draw(w, 4) : 0, 8);
	write_reg(w, AMDVI_EXCL_LIMIT, 0x105000, 8);
	write_reg(w, AMDVI_CONTROL,
		  (one_in(w, 8) ? 0 : AMDVI_CTRL_IOMMU_EN) | AMDVI_CTRL_CMDBUF_EN |
			  AMDVI_CTRL_EVT_LOG_EN,
		  8);
	if (!one_in(w, 3)) /* INVALIDATE_DEVTAB_ENTRY, INVALIDATE_IOMMU_PAGES of everything */
		amdvi_command(w, UINT64_C(2) << AMDVI_CMD_OP_SHIFT | devid, 0);
	if (!one_in(w, 3))
		amdvi_command(w,
			      UINT64_C(3) << AMDVI_CMD_OP_SHIFT | domain << AMDVI_CMD_DOMAIN_SHIFT,
			      UINT64_C(0x7FFFFFFFFFFFF003));
}

static const struct model {
	const char *name;
	void (*leaf)(struct twins *w, uint64_t page);
	void (*change)(struct twins *w);
} models[] = {
	{"calgary", calgary_leaf, calgary_change},
	{"dart-u4", dart_leaf, dart_change},
	{"vtd", vtd_leaf, vtd_change},
	{"amdvi", amdvi_leaf, amdvi_change},
};

/* ---- the program ---- */

static void access_both(struct twins *w)
{
	const struct iotoll_source source = {.bus = (uint16_t)(one_in(w, 6) ? draw(w, 5) : 0),
					     .devid = (uint16_t)draw(w, DEVICES)};
	const enum iotoll_access access = one_in(w, 50)  ? (enum iotoll_access)draw(w, 8)
					  : one_in(w, 3) ? IOTOLL_WRITE
							 : IOTOLL_READ;
	const uint64_t iova = some_address(w);
	struct iotoll_xlat x[2];
	int ret[2];

	memset(x, 0x5A, sizeof(x));
	for (unsigned i = 0; i < 2; i++)
		ret[i] = iommu_translate(w->unit[i].iommu, source, iova, access, &x[i]);
	assert_int_equal(ret[0], ret[1]);
	assert_int_equal(x[0].paddr, x[1].paddr);
	assert_int_equal(x[0].bytes, x[1].bytes);
	assert_int_equal(x[0].fetches, x[1].fetches);
	assert_int_equal(x[0].hit, x[1].hit);
	assert_int_equal(x[0].bypass, x[1].bypass);
	assert_int_equal(x[0].stale, x[1].stale);
	w->hits += x[0].hit;
}

static void compare(struct twins *w)
{
	struct iotlb_stats stats[2];
	struct vtd_stats vtd[2];
	uint64_t status[2], detail[2];

	for (unsigned i = 0; i < 2; i++) {
		const struct iommu *iommu = w->unit[i].iommu;

		iommu->ops->stats(iommu, &stats[i]);
		iommu->ops->latched(iommu, 0, &status[i], &detail[i]);
		vtd_stats(iommu, &vtd[i]);
	}
	assert_memory_equal(&stats[0], &stats[1], sizeof(stats[0]));
	assert_memory_equal(&vtd[0], &vtd[1], sizeof(vtd[0]));
	assert_int_equal(status[0], status[1]);
	assert_int_equal(detail[0], detail[1]);
	assert_int_equal(w->unit[0].faults, w->unit[1].faults);
}

static void make(struct twins *w, const char *model, unsigned ways, unsigned line_pages,
		 const char *policy, bool track_stale)
{
	/* Room for every device, for some of them in each other's place, for none. */
	static const unsigned contexts[] = {256, 2, 1, 0};
	struct vtd_config shape = vtd_xeon;

	shape.context_entries = contexts[draw(w, 4)];
	for (unsigned i = 0; i < 2; i++) {
		struct unit *u = &w->unit[i];
		struct iommu_config config = {
			.model = model,
			.iotlb = {.entries = 16, .ways = ways, .line_pages = line_pages},
			.memory = {.ctx = u, .read = memory_read, .write = memory_write},
			.track_stale = track_stale,
			.vtd = &shape,
		};

		snprintf(config.iotlb.policy, sizeof(config.iotlb.policy), "%s", policy);
		u->memory = calloc(1, MEMORY);
		assert_non_null(u->memory);
		u->observer = (struct iotlb_observer){.ctx = u, .accessed = heard_access};
		config.iotlb.observer = i == 1 ? &u->observer : NULL;
		assert_int_equal(iommu_create(&u->iommu, &config, NULL), 0);
		u->iommu->observer = (struct iotoll_iommu_observer){.ctx = u, .fault = heard_fault};
	}
}

/* Returns how many accesses hit. */
static uint64_t run(const struct model *model, uint64_t seed, unsigned ways, unsigned line_pages,
		    const char *policy, bool track_stale)
{
	struct twins w = {.hits = 0};

	rng_seed(&w.rng, seed);
	make(&w, model->name, ways, line_pages, policy, track_stale);
	for (uint64_t page = 0; page < 1024; page++)
		model->leaf(&w, page);
	model->change(&w);
	for (unsigned i = 0; i < STEPS; i++) {
		if (one_in(&w, 60))
			model->change(&w);
		if (one_in(&w, 50))
			model->leaf(&w, 256 + draw(&w, HOT));
		access_both(&w);
		if (one_in(&w, 50))
			compare(&w);
	}
	compare(&w);
	assert_memory_equal(w.unit[0].memory, w.unit[1].memory, MEMORY);
	assert_int_equal(w.unit[0].accesses, 0);
	for (unsigned i = 0; i < 2; i++) {
		iommu_destroy(w.unit[i].iommu);
		free(w.unit[i].memory);
	}
	return w.hits;
}

static void the_straight_way_answers_as_the_general_one(void **state)
{
	const char *env = getenv("IOTOLL_TEST_SEED");
	uint64_t seed = env != NULL ? strtoull(env, NULL, 0) : 2007;

	(void)state;
	print_message("seed %llu (set IOTOLL_TEST_SEED to change it)\n", (unsigned long long)seed);
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		uint64_t hits = 0;

		for (unsigned stale = 0; stale < 2; stale++) {
			hits += run(&models[i], ++seed, 4, 1, "lru", stale != 0);
			hits += run(&models[i], ++seed, 4, 4, "lru", stale != 0);
			hits += run(&models[i], ++seed, 4, 1, "clock", stale != 0);
			hits += run(&models[i], ++seed, 2, 2, "lru", stale != 0);
			hits += run(&models[i], ++seed, 0, 1, "s3-fifo", stale != 0);
		}
		print_message("%s: %llu hits\n", models[i].name, (unsigned long long)hits);
		assert_true(hits > STEPS / 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_straight_way_answers_as_the_general_one),
	};

	return cmocka_run_group_tests_name("hw/hit_at_once", tests, NULL, NULL);
}
