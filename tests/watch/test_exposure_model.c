// SPDX-License-Identifier: MIT
/*
 * The watcher against a naive account of the same random program, in which entries come and go with
 * requests, stay when requests are over, serve several at a time, are written over, or lead to
 * copies. The account keeps a record of every unmapped page for ever, looks at table and cache
 * itself after each step, and adds time up step by step. It never hears of drops, nor of entries.
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
#define FRAMES 24u /* few, so that frames are reused; as many again are no request's */
#define SHARE  3u  /* live requests of one I/O page */
#define RW     (IOTOLL_READ | IOTOLL_WRITE)

struct record {
	uint64_t pfn, frame, since, until;
	bool open;
};

struct live {
	uint64_t frame; /* + 1; 0: none */
	uint32_t first, bytes;
	bool reached;
};

struct program {
	struct fake_iommu hw;
	struct exposure *e;
	struct iotoll_dma_observer watch;
	struct rng rng;
	uint64_t now_ps;
	struct live live[FAKE_PAGES][SHARE];
	uint64_t excess[FAKE_PAGES];
	struct record *records;
	size_t count;
	uint64_t shadowed, shared, elsewhere, revived, reused_iova, reused_frame;
	uint64_t mapped_total, unmapped;
	unsigned __int128 live_ps, excess_ps, stale_ps, entries_ps, idle_ps;
	uint64_t live_peak, stale_peak;
};

static uint64_t program_now(void *ctx)
{
	return ((struct program *)ctx)->now_ps;
}

/* Where the device gets at @pfn: a frame + 1, or 0. */
static uint64_t reached(const struct program *p, uint64_t pfn)
{
	const uint64_t entry = p->hw.cache[pfn] ? p->hw.cache[pfn] : p->hw.table[pfn];

	return entry ? (entry >> 2) + 1 : 0;
}

static struct record *open_record(struct program *p, uint64_t pfn)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->records[i].open && p->records[i].pfn == pfn)
			return &p->records[i];
	return NULL;
}

/* Live requests at @pfn, for @frame alone or, UINT64_MAX, for any. */
static unsigned lives(const struct program *p, uint64_t pfn, uint64_t frame)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SHARE; i++)
		n += p->live[pfn][i].frame &&
		     (frame == UINT64_MAX || p->live[pfn][i].frame == frame + 1);
	return n;
}

/* Look at the IOMMU: which of the records ended with this step? */
static void look(struct program *p)
{
	uint64_t open = 0;

	for (size_t i = 0; i < p->count; i++) {
		struct record *r = &p->records[i];

		if (r->open && (reached(p, r->pfn) != r->frame + 1 || lives(p, r->pfn, r->frame))) {
			r->open = false;
			r->until = p->now_ps;
		}
		open += r->open;
	}
	if (open > p->stale_peak)
		p->stale_peak = open;
}

/* Bytes of I/O page @pfn that lead to requests' frames and that nobody asked for. */
static uint64_t excess(const struct program *p, uint64_t pfn)
{
	bool asked[4096] = {false}, any = false;
	uint64_t n = 0;

	for (unsigned i = 0; i < SHARE; i++) {
		const struct live *l = &p->live[pfn][i];

		if (!l->frame || !l->reached)
			continue;
		any = true;
		memset(asked + l->first, 1, l->bytes);
	}
	for (unsigned i = 0; any && i < 4096; i++)
		n += !asked[i];
	return n;
}

static void pass_time(struct program *p)
{
	const uint64_t dt = rng_below(&p->rng, 5000000);

	for (uint64_t pfn = 0; pfn < FAKE_PAGES; pfn++) {
		const bool entry = p->hw.table[pfn] || open_record(p, pfn);

		p->live_ps += (unsigned __int128)dt * lives(p, pfn, UINT64_MAX);
		p->excess_ps += (unsigned __int128)dt * p->excess[pfn];
		p->entries_ps += entry ? dt : 0;
		p->idle_ps += entry && !lives(p, pfn, UINT64_MAX) ? dt : 0;
	}
	for (size_t i = 0; i < p->count; i++)
		if (p->records[i].open)
			p->stale_ps += dt;
	p->now_ps += dt;
}

/* The entry for @pfn is set, or written over, or cleared. */
static void entry(struct program *p, uint64_t pfn, uint64_t value)
{
	p->hw.table[pfn] = value;
	look(p);
	if (value)
		p->watch.granted(p->watch.ctx, IOTOLL_IOVA(pfn << 12), 1, IOTOLL_DMA_BIDIRECTIONAL);
	else
		p->watch.withdrawn(p->watch.ctx, IOTOLL_IOVA(pfn << 12), 1);
}

static void step_map(struct program *p, uint64_t pfn)
{
	const unsigned live = lives(p, pfn, UINT64_MAX);
	uint64_t frame = rng_below(&p->rng, FRAMES), all = 0;
	struct record *r;
	struct live *l = &p->live[pfn][0];

	if (live == SHARE)
		return;
	while (l->frame)
		l++;
	/* For the frame that the entry leads to, or a copy, or a new entry. */
	if (p->hw.table[pfn] && (live || rng_below(&p->rng, 2)))
		frame = (p->hw.table[pfn] >> 2) % FRAMES;
	else if (rng_below(&p->rng, 8))
		entry(p, pfn, fake_entry(frame, RW));
	else
		entry(p, pfn, fake_entry(frame + FRAMES, RW));
	*l = (struct live){.frame = frame + 1, .first = (uint32_t)rng_below(&p->rng, 4096)};
	l->bytes = 1 + (uint32_t)rng_below(&p->rng, 4096 - l->first);
	r = open_record(p, pfn);
	p->mapped_total++;
	p->revived += r && r->frame == frame;
	p->reused_iova += r && r->frame != frame;
	look(p);
	for (size_t i = 0; i < p->count; i++) {
		if (p->records[i].open && p->records[i].frame == frame) {
			p->reused_frame++;
			break;
		}
	}
	l->reached = reached(p, pfn) == frame + 1 || open_record(p, pfn);
	p->excess[pfn] = excess(p, pfn);
	for (uint64_t i = 0; i < FAKE_PAGES; i++)
		all += lives(p, i, UINT64_MAX);
	p->live_peak = all > p->live_peak ? all : p->live_peak;
	p->watch.mapped(p->watch.ctx, IOTOLL_IOVA(pfn << 12 | l->first), 1,
			IOTOLL_PHYS(frame << 12 | l->first), l->bytes, IOTOLL_DMA_BIDIRECTIONAL);
}

static void step_unmap(struct program *p, uint64_t pfn)
{
	unsigned i = (unsigned)rng_below(&p->rng, SHARE);
	struct live *l, was;

	if (!lives(p, pfn, UINT64_MAX))
		return;
	while (!p->live[pfn][i].frame)
		i = (i + 1) % SHARE;
	l = &p->live[pfn][i];
	was = *l;
	/* It stays behind for others, or for later. */
	if (lives(p, pfn, UINT64_MAX) == 1 && rng_below(&p->rng, 2))
		entry(p, pfn, 0);
	l->frame = 0;
	p->excess[pfn] = excess(p, pfn);
	p->unmapped++;
	if (lives(p, pfn, was.frame - 1))
		p->shared++;
	else if (open_record(p, pfn))
		p->shadowed++;
	else if (reached(p, pfn) == was.frame)
		p->records[p->count++] = (struct record){
			.pfn = pfn, .frame = was.frame - 1, .since = p->now_ps, .open = true};
	else if (reached(p, pfn))
		p->elsewhere++;
	p->watch.unmapped(p->watch.ctx, IOTOLL_IOVA(pfn << 12 | was.first), 1, was.bytes);
}

static void step(struct program *p)
{
	const uint64_t pfn = rng_below(&p->rng, FAKE_PAGES);

	pass_time(p);
	switch (rng_below(&p->rng, 11)) {
	case 0:
	case 1:
	case 2:
		step_map(p, pfn);
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		step_unmap(p, pfn);
		break;
	case 7:
	case 8:
		fake_use(&p->hw, pfn);
		break;
	case 9: /* an entry that was kept is given up */
		if (p->hw.table[pfn] && !lives(p, pfn, UINT64_MAX))
			entry(p, pfn, 0);
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
	assert_int_equal(st.shared_pages, p->shared);
	assert_int_equal(st.elsewhere_pages, p->elsewhere);
	assert_int_equal(st.revived_pages, p->revived);
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
	assert_true(st.entries_mean_pages == (double)p->entries_ps / (double)p->now_ps);
	assert_true(st.idle_mean_pages == (double)p->idle_ps / (double)p->now_ps);
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
	p.hw.base.observer =
		(struct iotoll_iommu_observer){.ctx = p.e, .dropped = exposure_dropped};
	for (unsigned i = 0; i < STEPS; i++) {
		step(&p);
		if (i % 500 == 499)
			compare(&p);
	}
	/* The program must have been about something. */
	assert_true(p.count > 100 && p.shadowed > 10 && p.reused_iova > 10 && p.reused_frame > 10);
	assert_true(p.shared > 100 && p.elsewhere > 100 && p.revived > 100);
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
