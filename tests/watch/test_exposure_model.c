// SPDX-License-Identifier: MIT
/*
 * The watcher against a naive account of the same random program: the account keeps a record of
 * every unmapped page for ever, looks at the IOMMU's cache itself after each step, and adds time
 * up step by step. It never hears of drops.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../base/seed.h"
#include "fake_iommu.h"
#include "watch/exposure.h"

#define STEPS  20000u
#define FRAMES 24u /* few, so that frames are reused */
#define RW     (IOMMU_READ | IOMMU_WRITE)

struct record {
	uint64_t pfn, frame, since, until, generation;
	bool open;
};

struct program {
	struct fake_iommu hw;
	struct exposure *e;
	struct iotoll_dma_observer watch;
	struct rng rng;
	uint64_t now_ps;
	uint64_t generation[FAKE_PAGES]; /* of what the cache holds */
	uint64_t mapped[FAKE_PAGES];     /* frame + 1 */
	size_t asked[FAKE_PAGES];
	struct record *records;
	size_t count;
	uint64_t shadowed, reused_iova, reused_frame, unmapped, mapped_total;
	unsigned __int128 live_ps, excess_ps, stale_ps;
	uint64_t live_peak, stale_peak;
};

static uint64_t program_now(void *ctx)
{
	return ((struct program *)ctx)->now_ps;
}

static struct record *open_record(struct program *p, uint64_t pfn)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->records[i].open && p->records[i].pfn == pfn)
			return &p->records[i];
	return NULL;
}

/* Look at the IOMMU: which of the records ended with this step? */
static void look(struct program *p)
{
	uint64_t open = 0;

	for (size_t i = 0; i < p->count; i++) {
		struct record *r = &p->records[i];

		if (r->open && (!p->hw.cache[r->pfn] || p->generation[r->pfn] != r->generation)) {
			r->open = false;
			r->until = p->now_ps;
		}
		open += r->open;
	}
	if (open > p->stale_peak)
		p->stale_peak = open;
}

static void pass_time(struct program *p)
{
	const uint64_t dt = rng_below(&p->rng, 5000000);
	uint64_t live = 0;

	for (uint64_t pfn = 0; pfn < FAKE_PAGES; pfn++) {
		if (!p->mapped[pfn])
			continue;
		live++;
		p->excess_ps += (unsigned __int128)dt * (4096 - p->asked[pfn]);
	}
	p->live_ps += (unsigned __int128)dt * live;
	for (size_t i = 0; i < p->count; i++)
		if (p->records[i].open)
			p->stale_ps += dt;
	p->now_ps += dt;
}

static void step_map(struct program *p, uint64_t pfn)
{
	const uint64_t frame = rng_below(&p->rng, FRAMES);
	uint64_t live = 0;

	if (p->mapped[pfn])
		return;
	p->asked[pfn] = 1 + rng_below(&p->rng, 4096);
	p->mapped[pfn] = frame + 1;
	p->mapped_total++;
	p->reused_iova += open_record(p, pfn) != NULL;
	for (size_t i = 0; i < p->count; i++) {
		if (p->records[i].open && p->records[i].frame == frame) {
			p->reused_frame++;
			break;
		}
	}
	for (uint64_t i = 0; i < FAKE_PAGES; i++)
		live += p->mapped[i] != 0;
	if (live > p->live_peak)
		p->live_peak = live;
	p->hw.table[pfn] = fake_entry(frame, RW);
	p->watch.mapped(p->watch.ctx, IOTOLL_IOVA(pfn << 12), 1, IOTOLL_PHYS(frame << 12),
			p->asked[pfn], IOTOLL_DMA_BIDIRECTIONAL);
}

static void step_unmap(struct program *p, uint64_t pfn)
{
	if (!p->mapped[pfn])
		return;
	p->mapped[pfn] = 0;
	p->unmapped++;
	p->hw.table[pfn] = 0;
	if (open_record(p, pfn))
		p->shadowed++;
	else if (p->hw.cache[pfn])
		p->records[p->count++] = (struct record){.pfn = pfn,
							 .frame = p->hw.cache[pfn] >> 2,
							 .since = p->now_ps,
							 .generation = p->generation[pfn],
							 .open = true};
	p->watch.unmapped(p->watch.ctx, IOTOLL_IOVA(pfn << 12), 1, p->asked[pfn]);
}

static void step(struct program *p)
{
	const uint64_t pfn = rng_below(&p->rng, FAKE_PAGES);

	pass_time(p);
	switch (rng_below(&p->rng, 8)) {
	case 0:
	case 1:
	case 2:
		step_map(p, pfn);
		break;
	case 3:
	case 4:
		step_unmap(p, pfn);
		break;
	case 5:
	case 6:
		if (!p->hw.cache[pfn] && p->hw.table[pfn])
			p->generation[pfn]++;
		fake_use(&p->hw, pfn);
		break;
	default:
		fake_drop(&p->hw, pfn);
		if (rng_below(&p->rng, 200) == 0) /* a flush */
			for (uint64_t i = 0; i < FAKE_PAGES; i++)
				fake_drop(&p->hw, i);
	}
	look(p);
}

static double reachable_after(const struct program *p, uint64_t delay_ns)
{
	uint64_t reachable = 0, pages = p->unmapped;

	for (size_t i = 0; i < p->count; i++) {
		const struct record *r = &p->records[i];
		const uint64_t ns = ((r->open ? p->now_ps : r->until) - r->since) / 1000;

		if (ns > delay_ns)
			reachable++;
		else if (r->open)
			pages--;
	}
	return (double)reachable / (double)pages;
}

static void compare(struct program *p)
{
	struct exposure_stats st;
	uint64_t windows = 0, open = 0, longest = 0;

	for (size_t i = 0; i < p->count; i++) {
		const struct record *r = &p->records[i];

		open += r->open;
		windows += !r->open;
		if (!r->open && (r->until - r->since) / 1000 > longest)
			longest = (r->until - r->since) / 1000;
	}
	exposure_stats(p->e, &st);
	assert_int_equal(st.mapped_pages, p->mapped_total);
	assert_int_equal(st.unmapped_pages, p->unmapped);
	assert_int_equal(st.stale_pages, p->count);
	assert_int_equal(st.shadowed_pages, p->shadowed);
	assert_int_equal(st.windows, windows);
	assert_int_equal(st.open_pages, open);
	assert_int_equal(st.window_max_ns, longest);
	assert_int_equal(st.stale_peak_pages, p->stale_peak);
	assert_int_equal(st.live_peak_pages, p->live_peak);
	assert_int_equal(st.reused_iova_pages, p->reused_iova);
	assert_int_equal(st.reused_frame_pages, p->reused_frame);
	assert_int_equal(st.untracked_pages + st.unbalanced_pages, 0);
	assert_true(st.stale_page_seconds == (double)p->stale_ps / 1e12);
	assert_true(st.excess_byte_seconds == (double)p->excess_ps / 1e12);
	assert_true(st.live_mean_pages == (double)p->live_ps / (double)p->now_ps);
	/* The histogram is exact at powers of two. */
	for (unsigned bit = 10; bit < 32; bit += 3) {
		const uint64_t delay = ((uint64_t)1 << bit) - 1;

		assert_true(exposure_reachable_after(p->e, delay) == reachable_after(p, delay));
	}
}

static void random_programs_match_a_naive_account(void **state)
{
	static struct program p;
	const struct exposure_config config = {
		.iommu = &p.hw.base,
		.source = {.bus = FAKE_BUS},
		.memory_bytes = FRAMES * 4096,
		.now_ps = program_now,
		.ctx = &p,
	};
	struct err err;

	(void)state;
	seed_from_env(&p.rng);
	fake_init(&p.hw);
	p.records = calloc(STEPS, sizeof(*p.records));
	assert_non_null(p.records);
	assert_int_equal(exposure_create(&p.e, &config, &err), 0);
	p.watch = exposure_observer(p.e);
	p.hw.base.observer = (struct iommu_observer){.ctx = p.e, .dropped = exposure_dropped};
	for (unsigned i = 0; i < STEPS; i++) {
		step(&p);
		if (i % 500 == 499)
			compare(&p);
	}
	/* The program must have been about something. */
	assert_true(p.count > 100 && p.shadowed > 10 && p.reused_iova > 10 && p.reused_frame > 10);
	exposure_destroy(p.e);
	free(p.records);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_programs_match_a_naive_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
