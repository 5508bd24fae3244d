// SPDX-License-Identifier: MIT
/*
 * Demand paging from end to end: a device with a translation cache and the page request interface,
 * an AMD-Vi unit between it and memory, and software that maps a page when the PPR log says that it
 * is wanted and takes pages away again, the device's translations first. Nothing is mapped for
 * good. What the device reads must be what software put there, at every access.
 */
#include "amdvi_rig.h"

#include <errno.h>

#include "base/rng.h"
#include "hw/atc.h"
#include "hw/pri.h"

#define DEV      0x0028u
#define DOM      7u
#define TABLE    AMD_TABLES
#define PPRLOG   UINT64_C(0x406000)
#define FRAMES   UINT64_C(0x900000)
#define PAGES    16u /* of the address space; the last is never to be had */
#define RESIDENT 6u
#define CREDIT   4u
#define OP(n)    ((uint64_t)(n) << 60)

struct world {
	struct amd amd;
	struct atc *atc;
	struct pri pri;
	struct ats_fabric fabric;
	struct rng rng;
	/* Software: which frame a page is in (FRAMES + 4096 * it), -1 for none; what a page holds.
	 */
	int frame[PAGES];
	uint64_t content[PAGES], head;
	unsigned served, refused, evicted, answer;
};

static const struct iommu_ats_ops *ats(const struct world *w)
{
	return w->amd.iommu->ops->ats;
}

/* ---- the fabric ---- */

static bool to_cache(void *ctx, uint16_t devid, unsigned itag, uint64_t payload)
{
	struct world *w = ctx;
	unsigned cc, messages;
	uint32_t tags;

	assert_int_equal(devid, DEV);
	assert_int_equal(atc_invalidate(w->atc, itag, payload), 0);
	tags = atc_completed(w->atc, &cc, &messages);
	for (unsigned i = 0; tags != 0 && i < messages; i++)
		ats(w)->completion(w->amd.iommu, devid, tags, cc);
	return true;
}

static bool to_pri(void *ctx, uint16_t devid, unsigned index, unsigned code)
{
	struct world *w = ctx;

	assert_int_equal(devid, DEV);
	assert_int_equal(code, w->answer);
	assert_int_equal(pri_response(&w->pri, index, code), 0);
	return true;
}

/* ---- software ---- */

static void evict(struct world *w, unsigned page)
{
	const uint64_t at = (uint64_t)page << 12;
	const uint64_t frame = FRAMES + 4096 * (uint64_t)w->frame[page];

	amd_poke(&w->amd, TABLE + 8 * page, 0);
	amd_command(&w->amd, OP(3) | (uint64_t)DOM << 32, at);
	amd_command(&w->amd, OP(4) | DEV, at);
	amd_poke(&w->amd, AMD_SEM, 0);
	amd_command(&w->amd, OP(1) | AMD_SEM | 1, 0x5EED);
	assert_int_equal(amd_peek(&w->amd, AMD_SEM), 0x5EED);
	w->content[page] = amd_peek(&w->amd, frame);
	amd_poke(&w->amd, frame, ~UINT64_C(0)); /* somebody else's now */
	w->frame[page] = -1;
	w->evicted++;
}

static bool taken(const struct world *w, int frame)
{
	for (unsigned i = 0; i < PAGES; i++)
		if (w->frame[i] == frame)
			return true;
	return false;
}

static int free_frame(struct world *w)
{
	for (int f = 0; f < (int)RESIDENT; f++)
		if (!taken(w, f))
			return f;
	for (;;) {
		const unsigned page = (unsigned)rng_below(&w->rng, PAGES);
		const int f = w->frame[page];

		if (f < 0)
			continue;
		evict(w, page);
		return f;
	}
}

static bool bring_in(struct world *w, unsigned page)
{
	if (page >= PAGES - 1)
		return false;
	if (w->frame[page] >= 0)
		return true; /* two requests for one page */
	w->frame[page] = free_frame(w);
	amd_poke(&w->amd, FRAMES + 4096 * (uint64_t)w->frame[page], w->content[page]);
	/* Not present to present: the unit holds no such entry (NpCache 0). */
	amd_poke(&w->amd, TABLE + 8 * page, AMD_PTE(FRAMES + 4096 * (uint64_t)w->frame[page]));
	return true;
}

/* Everything between head and tail of the log; the last of a group is answered. */
static void serve_log(struct world *w)
{
	bool good = true;

	for (; w->head != amd_readq(&w->amd, 0x2038); w->head = (w->head + 16) % 4096) {
		const uint64_t q = amd_peek(&w->amd, PPRLOG + w->head);
		const uint64_t tag = q >> 32 & 0x1FF;

		assert_int_equal(q >> 60, 1);
		assert_int_equal(q & 0xFFFF, DEV);
		good &= bring_in(w, (unsigned)(amd_peek(&w->amd, PPRLOG + w->head + 8) >> 12));
		if ((q >> 41 & 1) == 0)
			continue;
		w->answer = good ? PRI_SUCCESS : PRI_INVALID;
		amd_command(&w->amd, OP(7) | DEV,
			    tag << 32 | UINT64_C(1) << 41 | (uint64_t)w->answer << 44);
		w->served += good;
		w->refused += !good;
		good = true;
	}
	amd_writeq(&w->amd, 0x2030, w->head);
	amd_writeq(&w->amd, AMD_R_STATUS, 0x40);
}

/* ---- the device ---- */

/* An access of @page: what it reached. 0, or -EPERM if there is no such right. */
static int touch(struct world *w, unsigned page, enum iotoll_access direction, uint64_t *paddr)
{
	struct atc_access x = {0};
	struct ats_request request;
	struct ats_completion answer;
	struct iotoll_xlat xlat;
	enum atc_verdict v = atc_begin(w->atc, &x, (uint64_t)page << 12, direction);
	int ret = -EPERM;

	if (v == ATC_ASK) {
		atc_request(w->atc, &x, &request);
		request.source = (struct iotoll_source){.devid = DEV};
		assert_int_equal(ats(w)->request(w->amd.iommu, &request, &answer), 0);
		v = atc_answer(w->atc, &x, &answer);
	}
	assert_true(v == ATC_TRANSLATED || v == ATC_DENIED);
	if (v == ATC_TRANSLATED) {
		ret = ats(w)->translated(w->amd.iommu, (struct iotoll_source){.devid = DEV},
					 x.paddr, direction, &xlat);
		assert_int_equal(ret, 0);
		*paddr = xlat.paddr;
	}
	atc_end(w->atc, &x);
	return ret;
}

/* Ask for @page, and for others beside it, in one group of @index. */
static void ask(struct world *w, unsigned page, unsigned index)
{
	const unsigned before = (unsigned)rng_below(&w->rng, CREDIT);
	const uint64_t rights = PRI_REQUEST_R | PRI_REQUEST_W;
	uint64_t message;

	for (unsigned i = 0; i < before; i++) {
		assert_int_equal(pri_ask(&w->pri, rng_below(&w->rng, PAGES - 1) << 12, index,
					 rights, &message),
				 0);
		ats(w)->page_request(w->amd.iommu, DEV, message);
	}
	assert_int_equal(
		pri_ask(&w->pri, (uint64_t)page << 12, index, rights | PRI_REQUEST_L, &message), 0);
	ats(w)->page_request(w->amd.iommu, DEV, message);
}

/* ---- */

static void world_make(struct world *w, uint64_t seed)
{
	const struct atc_config cache = {
		.cache = {.entries = 8, .ways = 4, .line_pages = 1, .policy = "lru"},
		.depth = 4,
		.completions = 2,
		.ask = 1,
		.page_aligned = true,
	};
	struct err err;

	*w = (struct world){.fabric = {w, to_cache, to_pri}};
	rng_seed(&w->rng, seed);
	for (unsigned i = 0; i < PAGES; i++) {
		w->frame[i] = -1;
		w->content[i] = rng_u64(&w->rng);
	}
	amd_make(&w->amd, &amd_iotlb, true);
	w->amd.iommu->fabric = &w->fabric;
	amd_enable(&w->amd);
	amd_dte(&w->amd, DEV, AMD_DTE(1, TABLE) | UINT64_C(1) << 52, DOM | UINT64_C(1) << 32);
	amd_writeq(&w->amd, 0x38, PPRLOG | UINT64_C(8) << 56);
	amd_writeq(&w->amd, AMD_R_CONTROL, 0xF005);
	assert_int_equal(atc_create(&w->atc, &cache, &err), 0);
	atc_config_write(w->atc, 6, 0x8000, 2);
	pri_init(&w->pri, CREDIT);
	pri_config_write(&w->pri, 0xC, CREDIT, 4);
	pri_config_write(&w->pri, 4, 1, 2);
}

static void world_free(struct world *w)
{
	assert_true(atc_check(w->atc));
	atc_destroy(w->atc);
	amd_free(&w->amd);
}

static void one_access(struct world *w, unsigned step)
{
	const unsigned page = (unsigned)rng_below(&w->rng, PAGES);
	const enum iotoll_access direction = rng_below(&w->rng, 2) ? IOTOLL_WRITE : IOTOLL_READ;
	const unsigned served = w->served, refused = w->refused;
	uint64_t paddr;
	int ret = touch(w, page, direction, &paddr);

	if (ret != 0) {
		ask(w, page, step % PRI_GROUPS);
		assert_int_equal(amd_readq(&w->amd, AMD_R_STATUS) & 0xE0, 0xC0); /* run, int */
		serve_log(w);
		assert_true(pri_check(&w->pri));
		assert_int_equal(w->pri.outstanding, 0);
		assert_int_equal(w->served - served + w->refused - refused, 1);
		/* What was brought in may be gone again: the others of the group needed frames. */
		ret = touch(w, page, direction, &paddr);
		assert_int_equal(ret == 0, w->frame[page] >= 0);
	}
	assert_true(page != PAGES - 1 || ret != 0);
	if (ret != 0)
		return;
	assert_int_equal(paddr, FRAMES + 4096 * (uint64_t)w->frame[page]);
	if (direction == IOTOLL_WRITE) {
		w->content[page] = rng_u64(&w->rng);
		amd_poke(&w->amd, paddr, w->content[page]);
	}
	assert_int_equal(amd_peek(&w->amd, paddr), w->content[page]);
}

static void pages_are_brought_when_asked_for_and_taken_away_again(void **state)
{
	const char *text = getenv("IOTOLL_TEST_SEED");
	const uint64_t seed = text ? strtoull(text, NULL, 0) : 2007;
	struct ats_stats s;
	struct world w;

	(void)state;
	print_message("seed %llu (IOTOLL_TEST_SEED)\n", (unsigned long long)seed);
	world_make(&w, seed);
	for (unsigned step = 0; step < 20000; step++)
		one_access(&w, step);
	ats(&w)->stats(w.amd.iommu, &s);
	assert_true(w.served > 1000 && w.refused > 100 && w.evicted > 1000);
	assert_int_equal(s.page_responses, w.served + w.refused);
	assert_int_equal(s.page_lost, 0);
	assert_int_equal(s.stray + s.timed_out + s.aborted + s.unsupported, 0);
	/* Asking for a page that is not there is no fault. */
	assert_int_equal(amd_events(&w.amd), 0);
	assert_int_equal(w.amd.faults, 0);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_brought_when_asked_for_and_taken_away_again),
	};

	return cmocka_run_group_tests_name("page requests", tests, NULL, NULL);
}
