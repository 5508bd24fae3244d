// SPDX-License-Identifier: MIT
/*
 * The device's translation cache: what it holds, what an invalidation waits for, and a random
 * program held against a list of what may be used.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "hw/atc.h"
#include "hw/iotlb.h"

static struct atc *atc;

static const struct atc_config plain = {
	.cache = {.entries = 16, .ways = 4, .line_pages = 1, .policy = "lru"},
	.depth = 4,
	.completions = 2,
	.ask = 1,
	.page_aligned = true,
};

static void make(const struct atc_config *config)
{
	struct err err;

	assert_int_equal(atc_create(&atc, config, &err), 0);
	atc_config_write(atc, 6, 0x8000, 2);
}

static int setup(void **state)
{
	(void)state;
	make(&plain);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_true(atc_check(atc));
	atc_destroy(atc);
	return 0;
}

static struct ats_completion one(uint64_t entry)
{
	return (struct ats_completion){.status = ATS_SUCCESS, .count = 1, .entry = {entry}};
}

/* A whole access whose answer, if it asks, is @entry. */
static enum atc_verdict access_page(uint64_t iova, enum iotoll_access direction, uint64_t entry,
				    uint64_t *paddr)
{
	const struct ats_completion c = one(entry);
	struct atc_access x = {0};
	enum atc_verdict v = atc_begin(atc, &x, iova, direction);

	if (v == ATC_ASK)
		v = atc_answer(atc, &x, &c);
	if (paddr)
		*paddr = x.paddr;
	atc_end(atc, &x);
	return v;
}

static bool held(uint64_t iova, enum iotoll_access direction)
{
	uint64_t paddr;

	return atc_peek(atc, iova, direction, &paddr);
}

static void capability_is_where_it_is_published(void **state)
{
	(void)state;
	assert_int_equal(atc_config_read(atc, 0, 4) & 0xFFFF, 0x0F);
	assert_int_equal(atc_config_read(atc, 4, 2), 0x24); /* page aligned; depth 4 */
	assert_int_equal(atc_config_read(atc, 6, 2), 0x8000);
	atc_config_write(atc, 6, 0x8003, 2); /* STU does not change while on */
	assert_int_equal(atc_config_read(atc, 6, 2), 0x8000);
	atc_config_write(atc, 4, 0x80030000, 4);
	atc_config_write(atc, 6, 3, 2);
	assert_int_equal(atc_config_read(atc, 6, 2), 0); /* nor with the write that ends it */
	atc_config_write(atc, 6, 0x8003, 2);
	assert_int_equal(atc_config_read(atc, 4, 4), 0x80030024);
	assert_int_equal(atc_config_read(atc, 5, 2), 0);
}

static void an_answer_serves_until_it_is_invalidated(void **state)
{
	uint64_t paddr;

	(void)state;
	assert_int_equal(access_page(0x5123, IOTOLL_READ, 0x80003, &paddr), ATC_TRANSLATED);
	assert_int_equal(paddr, 0x80123);
	assert_int_equal(access_page(0x5FFF, IOTOLL_WRITE, 0, &paddr), ATC_TRANSLATED);
	assert_int_equal(paddr, 0x80FFF);
	assert_int_equal(atc_invalidate(atc, 7, 0x5000), 0);
	assert_false(held(0x5000, IOTOLL_READ));
}

static void answers_without_rights_are_never_held(void **state)
{
	(void)state;
	assert_int_equal(access_page(0x5000, IOTOLL_READ, 0x80000, NULL), ATC_DENIED);
	assert_int_equal(access_page(0x5000, IOTOLL_READ, 0x80001, NULL), ATC_TRANSLATED);
	/* Even one that says S, N and U besides. */
	assert_int_equal(access_page(0x6000, IOTOLL_READ, 0x80C04, NULL), ATC_DENIED);
	assert_false(held(0x6000, IOTOLL_READ));
}

static void a_missing_right_is_asked_for_again(void **state)
{
	struct atc_stats s;

	(void)state;
	assert_int_equal(access_page(0x5000, IOTOLL_READ, 0x80001, NULL), ATC_TRANSLATED);
	assert_int_equal(access_page(0x5000, IOTOLL_WRITE, 0x90003, NULL), ATC_TRANSLATED);
	atc_stats(atc, &s);
	assert_int_equal(s.upgrades, 1);
	assert_int_equal(s.misses, 2);
	assert_true(held(0x5000, IOTOLL_WRITE));
	assert_int_equal(access_page(0x7000, IOTOLL_WRITE, 0x80001, NULL), ATC_DENIED);
}

static void reads_are_announced_as_such(void **state)
{
	struct ats_request request;
	struct atc_access x = {0};

	(void)state;
	assert_int_equal(atc_begin(atc, &x, 0x5123, IOTOLL_READ), ATC_ASK);
	atc_request(atc, &x, &request);
	assert_int_equal(request.address, 0x5000);
	assert_true(request.no_write);
	atc_end(atc, &x);
	assert_int_equal(atc_begin(atc, &x, 0x5123, IOTOLL_WRITE), ATC_ASK);
	atc_request(atc, &x, &request);
	assert_false(request.no_write);
	atc_end(atc, &x);
}

static void untranslated_ranges_go_untranslated_without_asking_again(void **state)
{
	struct atc_access x = {0};

	(void)state;
	assert_int_equal(access_page(0x5000, IOTOLL_WRITE, 0x5006, NULL), ATC_UNTRANSLATED);
	assert_int_equal(atc_begin(atc, &x, 0x5008, IOTOLL_WRITE), ATC_UNTRANSLATED);
	assert_false(held(0x5000, IOTOLL_WRITE)); /* it is no translation */
}

static void sizes_cover_what_their_marker_says(void **state)
{
	uint64_t paddr;

	(void)state;
	/* 64 KiB at 0xA0000: bits 14:12 ones, 15 zero, S. */
	assert_int_equal(access_page(0x35123, IOTOLL_READ, 0xA7803, &paddr), ATC_TRANSLATED);
	assert_int_equal(paddr, 0xA5123);
	assert_int_equal(access_page(0x3FFFF, IOTOLL_READ, 0, &paddr), ATC_TRANSLATED);
	assert_int_equal(paddr, 0xAFFFF);
	assert_false(held(0x40000, IOTOLL_READ));
	assert_false(held(0x2FFFF, IOTOLL_READ));
	assert_int_equal(atc_invalidate(atc, 0, 0x3A000), 0); /* one page of it takes all */
	assert_false(held(0x30000, IOTOLL_READ));
}

static void answers_below_the_smallest_unit_are_not_used(void **state)
{
	(void)state;
	atc_config_write(atc, 6, 0, 2);
	atc_config_write(atc, 6, 0x8002, 2); /* 16 KiB */
	assert_int_equal(access_page(0x4000, IOTOLL_READ, 0x80003, NULL), ATC_UNTRANSLATED);
	assert_false(held(0x4000, IOTOLL_READ));
	assert_int_equal(access_page(0x4000, IOTOLL_READ, 0x81803, NULL), ATC_TRANSLATED);
	assert_true(held(0x7000, IOTOLL_READ));
}

static void unsupported_switches_off_until_switched_on_anew(void **state)
{
	const struct ats_completion ur = {.status = ATS_UNSUPPORTED};
	const struct ats_completion ca = {.status = ATS_ABORT};
	struct atc_access x = {0};

	(void)state;
	assert_int_equal(access_page(0x9000, IOTOLL_READ, 0x80003, NULL), ATC_TRANSLATED);
	assert_int_equal(atc_begin(atc, &x, 0x5000, IOTOLL_READ), ATC_ASK);
	assert_int_equal(atc_answer(atc, &x, &ca), ATC_DENIED);
	assert_int_equal(atc_begin(atc, &x, 0x5000, IOTOLL_READ), ATC_ASK);
	assert_int_equal(atc_answer(atc, &x, &ur), ATC_UNTRANSLATED);
	assert_false(held(0x9000, IOTOLL_READ));
	assert_int_equal(atc_begin(atc, &x, 0x9000, IOTOLL_READ), ATC_UNTRANSLATED);
	atc_config_write(atc, 6, 0, 2);
	atc_config_write(atc, 6, 0x8000, 2);
	assert_int_equal(access_page(0x9000, IOTOLL_READ, 0x80003, NULL), ATC_TRANSLATED);
}

static void switching_off_and_reset_drop_everything(void **state)
{
	const struct ats_completion c = one(0x80003);
	struct atc_access x = {0}, y = {0};

	(void)state;
	assert_int_equal(access_page(0x5000, IOTOLL_READ, 0x80003, NULL), ATC_TRANSLATED);
	assert_int_equal(atc_begin(atc, &x, 0x6000, IOTOLL_READ), ATC_ASK);
	atc_config_write(atc, 6, 0, 2);
	atc_config_write(atc, 6, 0x8000, 2);
	assert_false(held(0x5000, IOTOLL_READ));
	assert_int_equal(atc_answer(atc, &x, &c), ATC_ASK); /* asked for in another life */
	atc_end(atc, &x);
	assert_int_equal(access_page(0x5000, IOTOLL_READ, 0x80003, NULL), ATC_TRANSLATED);
	assert_int_equal(atc_begin(atc, &x, 0x5000, IOTOLL_READ), ATC_TRANSLATED);
	assert_int_equal(atc_begin(atc, &y, 0x8000, IOTOLL_READ), ATC_ASK);
	assert_int_equal(atc_invalidate(atc, 3, 0x5000), 0);
	atc_reset(atc);
	assert_int_equal(atc_config_read(atc, 6, 2), 0);
	assert_int_equal(atc_answer(atc, &y, &c), ATC_UNTRANSLATED);
	assert_false(held(0x5000, IOTOLL_READ));
	atc_end(atc, &x);
}

static void completion_waits_for_accesses_that_use_what_went(void **state)
{
	struct atc_access x = {0}, y = {0}, other = {0};
	unsigned cc, messages;

	(void)state;
	assert_int_equal(access_page(0x5000, IOTOLL_READ, 0x80003, NULL), ATC_TRANSLATED);
	assert_int_equal(access_page(0x9000, IOTOLL_READ, 0x90003, NULL), ATC_TRANSLATED);
	assert_int_equal(atc_begin(atc, &x, 0x5000, IOTOLL_READ), ATC_TRANSLATED);
	assert_int_equal(atc_begin(atc, &y, 0x5800, IOTOLL_WRITE), ATC_TRANSLATED);
	assert_int_equal(atc_begin(atc, &other, 0x9000, IOTOLL_READ), ATC_TRANSLATED);
	assert_int_equal(atc_invalidate(atc, 7, 0x5000), 0);
	assert_int_equal(atc_invalidate(atc, 7, 0x5000), -EBUSY);
	assert_int_equal(atc_invalidate(atc, 32, 0x5000), -EINVAL);
	assert_int_equal(atc_invalidate(atc, 9, 0x1000), 0); /* nobody uses it */
	assert_int_equal(atc_completed(atc, &cc, &messages), 1 << 9);
	assert_int_equal(cc, 2);
	assert_int_equal(messages, 2);
	atc_end(atc, &x);
	assert_true(atc_check(atc));
	assert_int_equal(atc_completed(atc, &cc, &messages), 0);
	atc_end(atc, &y);
	assert_int_equal(atc_completed(atc, &cc, &messages), 1 << 7);
	assert_int_equal(atc_completed(atc, &cc, &messages), 0);
	assert_int_equal(atc_invalidate(atc, 7, 0x7FFFFFFFFFFFF800), 0); /* everything */
	assert_int_equal(atc_completed(atc, &cc, &messages), 0);
	atc_end(atc, &other);
	assert_int_equal(atc_completed(atc, &cc, &messages), 1 << 7);
}

static void an_overtaken_answer_is_asked_for_again(void **state)
{
	const struct ats_completion stale = one(0x80003), fresh = one(0x90003);
	struct atc_access x = {0};
	unsigned cc, messages;

	(void)state;
	assert_int_equal(atc_begin(atc, &x, 0x5000, IOTOLL_READ), ATC_ASK);
	assert_int_equal(atc_invalidate(atc, 1, 0x5000), 0);
	assert_int_equal(atc_completed(atc, &cc, &messages), 2); /* nothing old will be used */
	assert_int_equal(atc_answer(atc, &x, &stale), ATC_ASK);
	assert_false(held(0x5000, IOTOLL_READ));
	assert_int_equal(atc_answer(atc, &x, &fresh), ATC_TRANSLATED);
	assert_int_equal(x.paddr, 0x90000);
	atc_end(atc, &x);
	assert_int_equal(atc_begin(atc, &x, 0x6000, IOTOLL_READ), ATC_ASK);
	assert_int_equal(atc_invalidate(atc, 1, 0x7000), 0); /* another page */
	assert_int_equal(atc_answer(atc, &x, &fresh), ATC_TRANSLATED);
	atc_end(atc, &x);
}

static void answers_for_the_pages_behind_are_held_too(void **state)
{
	struct atc_config config = plain;
	struct ats_completion c = {
		.status = ATS_SUCCESS, .count = 3, .entry = {0x80003, 0x90001, 0}};
	struct atc_access x = {0};

	(void)state;
	atc_destroy(atc);
	config.ask = 4;
	make(&config);
	assert_int_equal(atc_begin(atc, &x, 0x5000, IOTOLL_READ), ATC_ASK);
	assert_int_equal(atc_answer(atc, &x, &c), ATC_TRANSLATED);
	atc_end(atc, &x);
	assert_true(held(0x6000, IOTOLL_READ));
	assert_false(held(0x6000, IOTOLL_WRITE));
	assert_false(held(0x7000, IOTOLL_READ));
	/* An invalidation of any of them overtakes the answer. */
	assert_int_equal(atc_begin(atc, &x, 0xA000, IOTOLL_READ), ATC_ASK);
	assert_int_equal(atc_invalidate(atc, 1, 0xD000), 0);
	assert_int_equal(atc_answer(atc, &x, &c), ATC_ASK);
	atc_end(atc, &x);
}

static void impossible_configurations_are_refused(void **state)
{
	struct atc_config config = plain;
	struct atc *other;
	struct err err;

	(void)state;
	config.depth = 33;
	assert_int_equal(atc_create(&other, &config, &err), -EINVAL);
	assert_string_equal(err.text, "atc depth 33: expected 1..32");
	config = plain;
	config.completions = 0;
	assert_int_equal(atc_create(&other, &config, &err), -EINVAL);
	config = plain;
	config.ask = 9;
	assert_int_equal(atc_create(&other, &config, &err), -EINVAL);
	config = plain;
	config.cache.line_pages = 2;
	assert_int_equal(atc_create(&other, &config, &err), -EINVAL);
}

/* ---- a random program ---- */

#define PAGES   32u
#define LIVE    12u
#define FOREVER 60000u

struct world {
	struct rng rng;
	uint64_t frame[PAGES], rights[PAGES]; /* the tables, always up to date */
	struct slot {
		struct atc_access x;
		bool asked;
		unsigned page;
		struct ats_completion answer; /* as the tables were when it was asked for */
	} slot[LIVE];
	bool pending[ATS_TAGS];
	uint32_t waiting[LIVE]; /* tags whose completion this access must hold up */
};

static void change_page(struct world *w, unsigned page)
{
	w->frame[page] = (1 + rng_below(&w->rng, 1u << 20)) << 12;
	w->rights[page] = rng_below(&w->rng, 4);
}

/* The access may use a translation only as the tables have it, or as it was under way before. */
static void begin(struct world *w, struct slot *s)
{
	const unsigned page = (unsigned)rng_below(&w->rng, PAGES);
	const enum iotoll_access d = rng_below(&w->rng, 2) ? IOTOLL_WRITE : IOTOLL_READ;
	const enum atc_verdict v = atc_begin(atc, &s->x, (uint64_t)page << 12 | 0x10, d);

	s->page = page;
	if (v == ATC_TRANSLATED) {
		assert_int_equal(s->x.paddr, w->frame[page] | 0x10);
		assert_true(w->rights[page] & (d == IOTOLL_WRITE ? 2 : 1));
	}
	s->asked = v == ATC_ASK;
	s->answer = one(w->frame[page] | w->rights[page]);
}

static void answer(struct world *w, struct slot *s)
{
	const enum iotoll_access d = s->x.direction;
	const enum atc_verdict v = atc_answer(atc, &s->x, &s->answer);

	if (v == ATC_ASK) {
		s->answer = one(w->frame[s->page] | w->rights[s->page]);
		return;
	}
	s->asked = false;
	if (v == ATC_TRANSLATED) /* what was used is what the tables say now */
		assert_int_equal(s->x.paddr, w->frame[s->page] | 0x10);
	assert_int_equal(v == ATC_TRANSLATED,
			 (w->rights[s->page] & (d == IOTOLL_WRITE ? 2 : 1)) != 0);
}

/* Tables change, then the invalidation comes: a unit's order. */
static void invalidate(struct world *w)
{
	const unsigned log2 = 12 + (unsigned)rng_below(&w->rng, 4);
	const unsigned page = (unsigned)rng_below(&w->rng, PAGES) >> (log2 - 12) << (log2 - 12);
	const unsigned tag = (unsigned)rng_below(&w->rng, ATS_TAGS);

	if (w->pending[tag])
		return;
	for (unsigned i = 0; i < 1u << (log2 - 12); i++)
		change_page(w, page + i);
	assert_int_equal(atc_invalidate(atc, tag, ats_invalidate((uint64_t)page << 12, log2)), 0);
	w->pending[tag] = true;
	for (unsigned i = 0; i < LIVE; i++)
		if (w->slot[i].x.using && w->slot[i].page - page < 1u << (log2 - 12))
			w->waiting[i] |= UINT32_C(1) << tag;
}

static void collect(struct world *w)
{
	unsigned cc, messages;
	const uint32_t done = atc_completed(atc, &cc, &messages);

	for (unsigned tag = 0; tag < ATS_TAGS; tag++) {
		bool held_up = false;

		for (unsigned i = 0; i < LIVE; i++)
			held_up = held_up || (w->waiting[i] >> tag & 1) != 0;
		assert_int_equal(done >> tag & 1, w->pending[tag] && !held_up);
		if (done >> tag & 1)
			w->pending[tag] = false;
	}
}

static void no_access_uses_what_was_invalidated_and_none_is_waited_for_in_vain(void **state)
{
	const uint64_t seed = 4711;
	static struct world w;

	(void)state;
	print_message("seed %llu\n", (unsigned long long)seed);
	rng_seed(&w.rng, seed);
	for (unsigned p = 0; p < PAGES; p++)
		change_page(&w, p);
	for (unsigned n = 0; n < FOREVER; n++) {
		struct slot *s = &w.slot[rng_below(&w.rng, LIVE)];
		const unsigned what = (unsigned)rng_below(&w.rng, 8);

		if (what == 0)
			invalidate(&w);
		else if (what == 1)
			collect(&w);
		else if (s->asked && what < 6)
			answer(&w, s);
		else if (s->asked || s->x.using) {
			atc_end(atc, &s->x);
			s->asked = false;
			w.waiting[s - w.slot] = 0;
		} else {
			begin(&w, s);
		}
		assert_true(atc_check(atc));
	}
	for (unsigned i = 0; i < LIVE; i++)
		atc_end(atc, &w.slot[i].x);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(capability_is_where_it_is_published),
		CASE(an_answer_serves_until_it_is_invalidated),
		CASE(answers_without_rights_are_never_held),
		CASE(a_missing_right_is_asked_for_again),
		CASE(reads_are_announced_as_such),
		CASE(untranslated_ranges_go_untranslated_without_asking_again),
		CASE(sizes_cover_what_their_marker_says),
		CASE(answers_below_the_smallest_unit_are_not_used),
		CASE(unsupported_switches_off_until_switched_on_anew),
		CASE(switching_off_and_reset_drop_everything),
		CASE(completion_waits_for_accesses_that_use_what_went),
		CASE(an_overtaken_answer_is_asked_for_again),
		CASE(answers_for_the_pages_behind_are_held_too),
		CASE(impossible_configurations_are_refused),
		CASE(no_access_uses_what_was_invalidated_and_none_is_waited_for_in_vain),
	};

	return cmocka_run_group_tests_name("hw/atc", tests, NULL, NULL);
}
