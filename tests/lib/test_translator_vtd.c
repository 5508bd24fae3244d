/* SPDX-License-Identifier: MIT */
/*
 * include/iotoll/translator.h by one thread, over VT-d's tables written by hand: large pages,
 * domains, what registers switch; refusals, counts and ranges.
 */
#include "translator_world.h"

#include "spec/vtd.h"

/* ---- VT-d's tables by hand: large pages, domains, what registers switch ---- */

#define ROOT    UINT64_C(0x1000)
#define CONTEXT UINT64_C(0x2000)
#define QUEUE   UINT64_C(0x3000)
/* Of domain 0 and domain 1: level 4, 3, 2 and 1, all along address 0. */
#define TABLE(domain, level) (UINT64_C(0x10000) + (domain)*UINT64_C(0x10000) + (level)*PAGE)

static void poke(struct world *w, uint64_t at, uint64_t value)
{
	vtd_pack64(w->memory + at, value);
}

static void submit(struct world *w, struct vtd_pair d)
{
	vtd_pack_pair(w->memory + QUEUE + 16 * (uint64_t)w->tail, d);
	w->tail = (w->tail + 1) % 256;
	reg_write(w, VTD_IQT, 16 * (uint64_t)w->tail, 8);
}

static void attach(struct world *w, unsigned domain)
{
	vtd_pack_pair(w->memory + CONTEXT + 16 * DEVICE,
		      vtd_context(TABLE(domain, 4), VTD_TT_UNTRANSLATED, VTD_AW_48,
				  (uint16_t)(domain + 1)));
}

static void vtd_world(struct world *w, struct iotoll_iommu_config *config, unsigned entries)
{
	open_iommu(w, config, entries);
	vtd_pack_pair(w->memory + ROOT, vtd_root(CONTEXT));
	for (unsigned d = 0; d < 2; d++)
		for (unsigned level = 4; level > 1; level--)
			poke(w, TABLE(d, level), vtd_pte(TABLE(d, level - 1), true, true));
	attach(w, 0);
	reg_write(w, VTD_RTADDR, ROOT, 8);
	reg_write(w, VTD_GCMD, VTD_GCMD_SRTP, 4);
	reg_write(w, VTD_IQA, QUEUE, 8);
	reg_write(w, VTD_GCMD, VTD_GCMD_TE | VTD_GCMD_QIE, 4);
}

struct vtd_state {
	struct world *w;
	struct rng rng;
	unsigned domain; /* the device's */
	bool on;
};

static uint64_t below(struct vtd_state *s, uint64_t n)
{
	return rng_below(&s->rng, n);
}

/*
 * Another leaf, or none, for one entry of @level in one of the domains, then an invalidation that
 * covers it: of one page of it where that is enough (a large page goes as a whole), or of more.
 */
static void change_leaf(struct vtd_state *s, unsigned level)
{
	const unsigned domain = (unsigned)below(s, 2), order = 9 * (level - 1);
	const uint64_t index = level == 1 ? below(s, 512) : 1 + below(s, 5);
	const uint64_t page = PAGE << order, iova = index * page;
	const uint16_t did = (uint16_t)(domain + 1);
	uint64_t pte =
		vtd_pte((below(s, 64) * page) & ~(page - 1), below(s, 3) != 0, below(s, 3) != 0);

	if (below(s, 4) == 0)
		pte = 0;
	else if (level > 1)
		pte |= VTD_PTE_PS;
	poke(s->w, TABLE(domain, level) + 8 * index, pte);
	switch (below(s, 8)) {
	case 0:
		submit(s->w, vtd_desc_iotlb(VTD_GRAN_GLOBAL, 0, true, 0));
		break;
	case 1:
		submit(s->w, vtd_desc_iotlb(VTD_GRAN_DOMAIN, did, true, 0));
		break;
	case 2:
		submit(s->w, vtd_desc_iotlb(VTD_GRAN_PAGE, did, true, vtd_iva(iova, order, false)));
		break;
	case 3: /* as VT-d aligns it, 2^12 pages around it and what else there is */
		submit(s->w, vtd_desc_iotlb(VTD_GRAN_PAGE, did, true,
					    vtd_iva(iova, order > 12 ? order : 12, false)));
		break;
	default:
		submit(s->w, vtd_desc_iotlb(VTD_GRAN_PAGE, did, true,
					    vtd_iva(iova + below(s, page), 0, false)));
	}
}

static void change_elsewhere(struct vtd_state *s)
{
	switch (below(s, 3)) {
	case 0: /* the device into the other domain */
		s->domain ^= 1;
		attach(s->w, s->domain);
		submit(s->w,
		       vtd_desc_context(VTD_GRAN_DEVICE, (uint16_t)(2 - s->domain), DEVICE, 0));
		break;
	case 1:
		s->on = !s->on;
		reg_write(s->w, VTD_GCMD, VTD_GCMD_QIE | (s->on ? VTD_GCMD_TE : 0), 4);
		break;
	default:
		iotoll_iommu_reset(s->w->iommu);
		s->w->tail = 0;
		s->on = true;
		reg_write(s->w, VTD_RTADDR, ROOT, 8);
		reg_write(s->w, VTD_GCMD, VTD_GCMD_SRTP, 4);
		reg_write(s->w, VTD_IQA, QUEUE, 8);
		reg_write(s->w, VTD_GCMD, VTD_GCMD_TE | VTD_GCMD_QIE, 4);
	}
}

static void large_pages_domains_and_switches_are_followed(void **state)
{
	struct iotoll_iommu_config config;
	struct vtd_state s = {.on = true};
	struct iotoll_translator_stats stats;
	unsigned granted = 0;
	struct world w;

	(void)state;
	seed_from_env(&s.rng);
	open_memory(&w);
	config = config_for(&w, "vtd");
	config.iotlb_entries = 256;
	s.w = &w;
	vtd_world(&w, &config, 1024);
	for (unsigned i = 0; i < 200000; i++) {
		const uint64_t what = below(&s, 2000);
		/* The first 2 MiB are small pages; then to 12 MiB; 1 to 6 GiB. */
		const uint64_t area = below(&s, 3);
		const uint64_t iova = area == 0   ? below(&s, UINT64_C(2) << 20)
				      : area == 1 ? below(&s, UINT64_C(14) << 20)
						  : below(&s, UINT64_C(7) << 30);

		if (what < 2)
			change_elsewhere(&s);
		else if (what < 60)
			change_leaf(&s, 1 + (unsigned)below(&s, 3));
		else
			granted += same_answer(&w, iova,
					       below(&s, 2) != 0 ? IOTOLL_READ : IOTOLL_WRITE) == 0;
	}
	iotoll_translator_stats(w.t, &stats);
	assert_true(granted > 10000);
	assert_true(stats.hits > granted / 8);
	assert_true(stats.dropped > 100);
	close_world(&w);
}

/* The interrupt window in the middle of a large page, before and behind the translation. */
static void no_large_page_hides_the_interrupt_window(void **state)
{
	const uint64_t gib = UINT64_C(1) << 30, window = UINT64_C(0xFEE00000);
	struct iotoll_iommu_config config;
	struct world w;

	(void)state;
	open_memory(&w);
	config = config_for(&w, "vtd");
	vtd_world(&w, &config, 64);
	poke(&w, TABLE(0, 3) + UINT64_C(8) * 3, vtd_pte(5 * gib, true, true) | VTD_PTE_PS);
	poke(&w, TABLE(0, 3) + UINT64_C(8) * 4, vtd_pte(3 * gib, true, true) | VTD_PTE_PS);
	for (unsigned round = 0; round < 3; round++) {
		assert_int_equal(same_answer(&w, 3 * gib, IOTOLL_WRITE), 0);
		assert_int_equal(same_answer(&w, window, IOTOLL_READ), -EPERM);
		assert_int_equal(same_answer(&w, window + 8, IOTOLL_WRITE), 0); /* an interrupt */
		assert_int_equal(same_answer(&w, 4 * gib, IOTOLL_WRITE), 0);
		assert_int_equal(same_answer(&w, window + gib, IOTOLL_WRITE), -EPERM);
	}
	close_world(&w);
}

/* ---- refusals, counts, ranges ---- */

static void hear_fault(void *ctx, struct iotoll_source source, uint64_t iova,
		       enum iotoll_access access)
{
	struct world *w = ctx;

	(void)source;
	(void)iova;
	(void)access;
	w->faults++;
}

static void refusals_are_never_held(void **state)
{
	struct iotoll_iommu_observer observer = {.fault = hear_fault};
	struct iotoll_iommu_config config;
	struct iotoll_translator_stats stats;
	struct iotoll_xlat x;
	struct world w;

	(void)state;
	open_memory(&w);
	config = config_for(&w, "vtd");
	vtd_world(&w, &config, 64);
	observer.ctx = &w;
	iotoll_iommu_observe(w.iommu, &observer);
	poke(&w, TABLE(0, 1) + 8, vtd_pte(7 * PAGE, true, false));
	for (unsigned i = 1; i <= 3; i++) {
		assert_int_equal(iotoll_translator_translate(w.t, PAGE, IOTOLL_READ, &x), 0);
		assert_int_equal(x.paddr, 7 * PAGE);
		assert_int_equal(x.hit, i > 1);
		assert_int_equal(iotoll_translator_translate(w.t, PAGE, IOTOLL_WRITE, &x), -EPERM);
		assert_int_equal(iotoll_translator_translate(w.t, 2 * PAGE, IOTOLL_READ, &x),
				 -EPERM);
		assert_int_equal(w.faults, 2 * i);
	}
	/* Not even where nothing need be invalidated, as it was not present. */
	poke(&w, TABLE(0, 1) + 16, vtd_pte(8 * PAGE, true, true));
	assert_int_equal(iotoll_translator_translate(w.t, 2 * PAGE, IOTOLL_READ, &x), 0);
	assert_int_equal(x.paddr, 8 * PAGE);
	for (unsigned access = 0; access < 80; access++)
		if (access != IOTOLL_READ && access != IOTOLL_WRITE)
			assert_int_equal(iotoll_translator_translate(
						 w.t, PAGE, (enum iotoll_access)access, &x),
					 -EINVAL);
	iotoll_translator_stats(w.t, &stats);
	assert_int_equal(stats.hits, 2);
	assert_int_equal(stats.dropped, 0);
	close_world(&w);
}

static void the_iotlb_counts_what_the_translator_missed(void **state)
{
	struct iotoll_iommu_config config;
	struct iotoll_translator_stats mine;
	struct iotoll_iommu_stats theirs;
	struct world w;

	(void)state;
	open_memory(&w);
	config = config_for(&w, "vtd");
	vtd_world(&w, &config, 64);
	for (unsigned page = 0; page < 8; page++)
		poke(&w, TABLE(0, 1) + UINT64_C(8) * page, vtd_pte(page * PAGE, true, true));
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(same_answer(&w, i % 8 * PAGE, IOTOLL_READ), 0);
	submit(&w, vtd_desc_iotlb(VTD_GRAN_PAGE, 1, true, vtd_iva(3 * PAGE, 0, false)));
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(same_answer(&w, i % 8 * PAGE, IOTOLL_READ), 0);
	iotoll_translator_stats(w.t, &mine);
	iotoll_iommu_stats(w.iommu, &theirs);
	assert_int_equal(mine.hits, 200 - 9);
	assert_int_equal(mine.misses, 9);
	assert_int_equal(mine.dropped, 1);
	assert_int_equal(theirs.hits, 0);
	assert_int_equal(theirs.misses, 9);
	close_world(&w);
}

static void a_range_is_translated_as_the_iommu_would(void **state)
{
	struct iotoll_piece mine[4], theirs[4];
	struct iotoll_iommu_config config;
	uint64_t done, want_done;
	unsigned count, want;
	struct world w;
	struct rng rng;

	(void)state;
	seed_from_env(&rng);
	open_memory(&w);
	config = config_for(&w, "vtd");
	vtd_world(&w, &config, 64);
	for (unsigned page = 0; page < 16; page++)
		poke(&w, TABLE(0, 1) + UINT64_C(8) * page,
		     vtd_pte((page ^ (page & 4)) * PAGE, page != 9, true));
	for (unsigned i = 0; i < 500; i++) {
		const uint64_t iova = rng_below(&rng, 18 * PAGE), bytes = rng_below(&rng, 5 * PAGE);
		int rc;

		count = want = 1 + (unsigned)rng_below(&rng, 4);
		rc = iotoll_iommu_translate_range(w.iommu, who, iova, bytes, IOTOLL_READ, theirs,
						  &want, &want_done);
		assert_int_equal(iotoll_translator_translate_range(w.t, iova, bytes, IOTOLL_READ,
								   mine, &count, &done),
				 rc);
		assert_int_equal(count, want);
		assert_int_equal(done, want_done);
		assert_memory_equal(mine, theirs, count * sizeof(mine[0]));
	}
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_pages_domains_and_switches_are_followed),
		cmocka_unit_test(no_large_page_hides_the_interrupt_window),
		cmocka_unit_test(refusals_are_never_held),
		cmocka_unit_test(the_iotlb_counts_what_the_translator_missed),
		cmocka_unit_test(a_range_is_translated_as_the_iommu_would),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
