// SPDX-License-Identifier: MIT
/*
 * What an IOTLB fetches ahead, how sets are picked other than by low bits, and what an observer is
 * told.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hw/iotlb.h"

static struct iotlb *make(struct iotlb_config config)
{
	struct iotlb *t;

	config.line_pages = 1;
	strcpy(config.policy, "lru");
	assert_int_equal(iotlb_create(&t, &config, NULL), 0);
	return t;
}

/* As a model does it where every page is mapped. True on a hit. */
static bool access_page(struct iotlb *t, uint32_t tag, uint64_t pfn)
{
	uint64_t entry, want, mapped = 3;
	bool hit = iotlb_access(t, tag, pfn, &entry);

	if (!hit)
		iotlb_insert(t, tag, pfn, &mapped);
	if (iotlb_wants(t, tag, pfn, &want))
		iotlb_insert_ahead(t, tag, want, &mapped);
	return hit;
}

static void next_misses_a_sequence_once(void **state)
{
	struct iotlb *t =
		make((struct iotlb_config){.entries = 8, .prefetch = IOTLB_PREFETCH_NEXT});
	struct iotlb_stats s;

	(void)state;
	assert_false(access_page(t, 0, 100));
	for (uint64_t pfn = 101; pfn < 120; pfn++)
		assert_true(access_page(t, 0, pfn));
	iotlb_stats(t, &s);
	assert_int_equal(s.prefetched, 20); /* 101 .. 120 */
	assert_int_equal(s.useful, 19);     /* 120 was not used */
	assert_int_equal(s.misses, 1);
	assert_true(iotlb_check(t));
	iotlb_destroy(t);
}

static void adjacent_brings_the_pair_and_no_more(void **state)
{
	struct iotlb *t =
		make((struct iotlb_config){.entries = 8, .prefetch = IOTLB_PREFETCH_ADJACENT});

	(void)state;
	assert_false(access_page(t, 0, 101));
	assert_true(access_page(t, 0, 100));
	assert_false(access_page(t, 0, 102));
	iotlb_destroy(t);
}

static void stride_follows_steps_of_one_tag_either_way(void **state)
{
	struct iotlb *t =
		make((struct iotlb_config){.entries = 8, .prefetch = IOTLB_PREFETCH_STRIDE});

	(void)state;
	assert_false(access_page(t, 1, 100));
	assert_false(access_page(t, 2, 7)); /* another device between */
	assert_false(access_page(t, 1, 97));
	assert_true(access_page(t, 1, 97));  /* the same page is no step */
	assert_false(access_page(t, 1, 94)); /* the second -3: 91 is fetched */
	assert_true(access_page(t, 1, 91));
	assert_true(access_page(t, 1, 88));
	assert_false(access_page(t, 1, 89));
	iotlb_destroy(t);
}

static void nothing_is_wanted_that_is_held_or_beyond_the_last_page(void **state)
{
	struct iotlb *t =
		make((struct iotlb_config){.entries = 8, .prefetch = IOTLB_PREFETCH_NEXT});
	uint64_t entry = 3, want;

	(void)state;
	iotlb_insert(t, 0, 6, &entry);
	assert_false(iotlb_access(t, 0, 5, &entry));
	assert_false(iotlb_wants(t, 0, 5, &want));
	assert_false(iotlb_access(t, 0, ((uint64_t)1 << 52) - 1, &entry));
	assert_false(iotlb_wants(t, 0, ((uint64_t)1 << 52) - 1, &want));
	iotlb_destroy(t);
}

static bool all_held(const struct iotlb *t, uint64_t step)
{
	uint64_t entry;

	for (uint64_t i = 0; i < 4; i++)
		if (!iotlb_probe(t, 0, i * step, &entry))
			return false;
	return true;
}

static void hashed_sets_tell_apart_what_low_bits_do_not(void **state)
{
	struct iotlb *modulo = make((struct iotlb_config){.entries = 16, .ways = 1});
	struct iotlb *hashed =
		make((struct iotlb_config){.entries = 16, .ways = 1, .index = IOTLB_INDEX_HASHED});
	uint64_t entry = 3;

	(void)state;
	/* Pages 0, 16, 32, 48: low four bits 0; the next four are 0..3, XORed to sets 0..3. */
	for (uint64_t i = 0; i < 4; i++) {
		iotlb_insert(modulo, 0, 16 * i, &entry);
		iotlb_insert(hashed, 0, 16 * i, &entry);
	}
	assert_false(all_held(modulo, 16));
	assert_true(all_held(hashed, 16));
	assert_true(iotlb_check(hashed));
	iotlb_destroy(modulo);
	iotlb_destroy(hashed);
}

static void partitions_keep_one_device_from_driving_out_another(void **state)
{
	struct iotlb *t = make((struct iotlb_config){.entries = 16, .ways = 4, .partitions = 2});
	uint64_t entry = 3;

	(void)state;
	for (uint64_t pfn = 0; pfn < 8; pfn++)
		iotlb_insert(t, 3, pfn, &entry); /* fills the two sets of odd tags */
	for (uint64_t pfn = 0; pfn < 1000; pfn++)
		iotlb_insert(t, 4, pfn, &entry);
	for (uint64_t pfn = 0; pfn < 8; pfn++)
		assert_true(iotlb_probe(t, 3, pfn, &entry));
	assert_true(iotlb_check(t));
	iotlb_destroy(t);
}

static void partitions_that_do_not_fit_are_refused(void **state)
{
	struct iotlb_config config = {
		.entries = 16, .ways = 4, .line_pages = 1, .policy = "lru", .partitions = 3};
	struct iotlb *t;
	struct err err;

	(void)state;
	assert_int_equal(iotlb_create(&t, &config, &err), -EINVAL);
	assert_string_equal(err.text,
			    "iotlb partitions 3: expected a power of two up to the 4 sets");
	config.partitions = 8;
	assert_int_equal(iotlb_create(&t, &config, &err), -EINVAL);
	config.ways = 0;
	config.partitions = 2;
	assert_int_equal(iotlb_create(&t, &config, &err), -EINVAL);
}

struct told {
	unsigned accesses, pages, tags, alls;
	uint64_t last;
};

static void told_access(void *ctx, const struct iotlb *t, uint32_t tag, uint64_t pfn)
{
	struct told *h = ctx;

	(void)t;
	(void)tag;
	h->accesses++;
	h->last = pfn;
}

static void told_pages(void *ctx, const struct iotlb *t, uint32_t tag, uint64_t first,
		       uint64_t pages)
{
	struct told *h = ctx;

	(void)t;
	(void)tag;
	(void)first;
	h->pages += (unsigned)pages;
}

static void told_tag(void *ctx, const struct iotlb *t, uint32_t tag)
{
	(void)t;
	(void)tag;
	((struct told *)ctx)->tags++;
}

static void told_all(void *ctx, const struct iotlb *t)
{
	(void)t;
	((struct told *)ctx)->alls++;
}

static void an_observer_hears_requests_whatever_is_held(void **state)
{
	struct told h = {0};
	const struct iotlb_observer observer = {&h, told_access, told_pages, told_tag, told_all};

	(void)state;
	for (unsigned entries = 0; entries <= 8; entries += 8) {
		struct iotlb *t =
			make((struct iotlb_config){.entries = entries, .observer = &observer});
		uint64_t entry = 3;

		memset(&h, 0, sizeof(h));
		(void)iotlb_access(t, 0, 5, &entry);
		entry = 3;
		iotlb_insert(t, 0, 5, &entry);
		(void)iotlb_access(t, 0, 5, &entry);
		(void)iotlb_probe(t, 0, 9, &entry); /* asking is no access */
		(void)iotlb_invalidate(t, 0, 77);
		(void)iotlb_invalidate_page(t, 0, 78);
		(void)iotlb_invalidate_range(t, 0, 5, 3);
		(void)iotlb_invalidate_tag(t, 9);
		iotlb_invalidate_all(t);
		assert_int_equal(h.accesses, 2);
		assert_int_equal(h.last, 5);
		assert_int_equal(h.pages, 5);
		assert_int_equal(h.tags, 1);
		assert_int_equal(h.alls, 1);
		iotlb_destroy(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(next_misses_a_sequence_once),
		cmocka_unit_test(adjacent_brings_the_pair_and_no_more),
		cmocka_unit_test(stride_follows_steps_of_one_tag_either_way),
		cmocka_unit_test(nothing_is_wanted_that_is_held_or_beyond_the_last_page),
		cmocka_unit_test(hashed_sets_tell_apart_what_low_bits_do_not),
		cmocka_unit_test(partitions_keep_one_device_from_driving_out_another),
		cmocka_unit_test(partitions_that_do_not_fit_are_refused),
		cmocka_unit_test(an_observer_hears_requests_whatever_is_held),
	};

	return cmocka_run_group_tests_name("hw/iotlb_ahead", tests, NULL, NULL);
}
