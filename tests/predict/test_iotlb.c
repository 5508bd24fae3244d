/* SPDX-License-Identifier: MIT */
/* What accesses found in a recorded IOTLB, predicted. */
#include "scene.h"

#include <errno.h>

#define ACCESS(what, iova, slpte)                                                                 \
	"1.000001:vtd_iotlb_page_" what " IOTLB page " what " sid 0x8 iova " iova " slpte " slpte \
	" domain 0x3\n"
#define CONTEXT(what)                                                                    \
	"1.000001:vtd_iotlb_cc_" what " IOTLB context hit bus 0x0 devfn 0x8 high 0x301 " \
	"low 0x25b8001 gen 1\n"
#define PAGES(addr, mask)                                                                        \
	"1.000001:vtd_inv_desc_iotlb_pages iotlb invalidate domain 0x3 addr " addr " mask " mask \
	"\n"
#define GLOBAL                                                          \
	"0.000001:vtd_inv_desc_cc_global context invalidate globally\n" \
	"0.000002:vtd_inv_desc_iotlb_global iotlb invalidate global\n"

static void predict_string(const char *text, struct predict_result *r)
{
	struct err err = {""};

	if (predict_text(text, strlen(text), r, &err))
		fail_msg("%s", err.text);
}

static void every_hit_and_walk_of_the_recordings_is_predicted(void **state)
{
	static const struct {
		const char *path;
		unsigned exact, unobservable;
	} sample[] = {
		{TRACE("vtd-strict-rx.iotlb.txt"), 2878, 439},
		{TRACE("vtd-strict-tx.iotlb.txt"), 3109, 230},
		{TRACE("vtd-strict-disk.iotlb.txt"), 3493, 44},
		{TRACE("vtd-lazy-rx.iotlb.txt"), 3988, 2},
		{TRACE("vtd-lazy-tx.iotlb.txt"), 3969, 20},
		{TRACE("vtd-lazy-disk.iotlb.txt"), 3917, 74},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sample) / sizeof(sample[0]); i++) {
		struct predict_result r;

		predict_file(sample[i].path, &r);
		assert_score(&r.part[PREDICT_IOTLB], sample[i].exact, 0, sample[i].unobservable);
		assert_int_equal(r.notes, 0);
	}
}

/* The first hit from line 3000 on becomes a walk, and nothing else changes. */
static void one_altered_outcome_is_one_divergence(void **state)
{
	const char *path = TRACE("vtd-lazy-rx.iotlb.txt");
	struct predict_result r;
	struct err err;
	size_t bytes;
	char *text = slurp(path, &bytes), *longer = malloc(bytes + 16), *at;
	uint64_t line = 2999;

	(void)state;
	if (!longer)
		abort();
	do
		at = line_of(text, ++line);
	while (strncmp(strchr(at, ':'), ":vtd_iotlb_page_hit IOTLB page hit ", 35));
	at = strchr(at, ':');
	sprintf(longer, "%.*s:vtd_iotlb_page_update IOTLB page update %s", (int)(at - text), text,
		at + 35);
	assert_int_equal(predict_text(longer, strlen(longer), &r, &err), 0);
	assert_score(&r.part[PREDICT_IOTLB], 3987, 1, 2);
	assert_int_equal(r.part[PREDICT_IOTLB].first.line, line);
	assert_memory_equal(r.part[PREDICT_IOTLB].first.expected, "a hit", 5);
	assert_memory_equal(r.part[PREDICT_IOTLB].first.recorded, "a walk", 6);
	free(longer);
	free(text);
}

static void a_page_is_cached_until_it_is_invalidated(void **state)
{
	struct predict_result r;

	(void)state;
	predict_string(GLOBAL ACCESS("update", "0x1010", "0x5003") ACCESS("hit", "0x1020", "0x5003")
			       PAGES("0x1000", "0x0") ACCESS("update", "0x1000", "0x6001"),
		       &r);
	assert_score(&r.part[PREDICT_IOTLB], 3, 0, 0);
	predict_string(GLOBAL ACCESS("update", "0x1010", "0x5003") PAGES("0x1000", "0x0")
			       ACCESS("hit", "0x1020", "0x5003"),
		       &r);
	assert_score(&r.part[PREDICT_IOTLB], 1, 1, 0);
}

/* What QEMU 7.2 does, whose mask is a byte: 0x1000 and 0x101000 are 256 pages apart. */
static void a_page_256_further_goes_too(void **state)
{
	struct predict_result r;

	(void)state;
	predict_string(GLOBAL ACCESS("update", "0x101000", "0x5003")
			       ACCESS("update", "0x81000", "0x7003") PAGES("0x1000", "0x0")
				       ACCESS("update", "0x101000", "0x5003")
					       ACCESS("hit", "0x81000", "0x7003"),
		       &r);
	assert_score(&r.part[PREDICT_IOTLB], 4, 0, 0);
}

static void a_hit_on_another_page_than_ours_is_wrong(void **state)
{
	struct predict_result r;

	(void)state;
	predict_string(GLOBAL ACCESS("update", "0x1010", "0x5003") ACCESS("hit", "0x1020", "0x6003")
			       ACCESS("hit", "0x1020", "0x6003"),
		       &r);
	assert_score(&r.part[PREDICT_IOTLB], 2, 1, 0);
	assert_int_equal(r.part[PREDICT_IOTLB].first.line, 4);
}

static void whether_a_walk_fetched_its_context_is_predicted_too(void **state)
{
	struct predict_result r;

	(void)state;
	predict_string(GLOBAL CONTEXT("update") ACCESS("update", "0x1010", "0x5003") CONTEXT("hit")
			       ACCESS("update", "0x2010", "0x6003"),
		       &r);
	assert_score(&r.part[PREDICT_IOTLB], 2, 0, 0);
	predict_string(GLOBAL CONTEXT("update") ACCESS("update", "0x1010", "0x5003")
			       CONTEXT("update") ACCESS("update", "0x2010", "0x6003"),
		       &r);
	assert_score(&r.part[PREDICT_IOTLB], 1, 1, 0);
	assert_non_null(strstr(r.part[PREDICT_IOTLB].first.expected, "its context cached"));
}

static void the_first_sight_of_a_page_is_unobservable(void **state)
{
	struct predict_result r;

	(void)state;
	predict_string(ACCESS("hit", "0x1010", "0x5003") ACCESS("hit", "0x1010", "0x5003")
			       ACCESS("update", "0x2010", "0x6003"),
		       &r);
	assert_score(&r.part[PREDICT_IOTLB], 1, 0, 2);
}

static void what_cannot_be_is_refused_or_wrong_but_never_worse(void **state)
{
	struct predict_result r;
	struct err err;
	const char *far = GLOBAL ACCESS("hit", "0xfff000000000000", "0x5003");
	const char *barred = GLOBAL ACCESS("hit", "0x1000", "0xfff0000000005000");

	(void)state;
	assert_int_equal(predict_text(far, strlen(far), &r, &err), -EINVAL);
	predict_string(barred, &r);
	assert_score(&r.part[PREDICT_IOTLB], 0, 1, 0);
	assert_int_equal(predict_text("1.0:vtd_", 8, &r, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_hit_and_walk_of_the_recordings_is_predicted),
		cmocka_unit_test(one_altered_outcome_is_one_divergence),
		cmocka_unit_test(a_page_is_cached_until_it_is_invalidated),
		cmocka_unit_test(a_page_256_further_goes_too),
		cmocka_unit_test(a_hit_on_another_page_than_ours_is_wrong),
		cmocka_unit_test(whether_a_walk_fetched_its_context_is_predicted_too),
		cmocka_unit_test(the_first_sight_of_a_page_is_unobservable),
		cmocka_unit_test(what_cannot_be_is_refused_or_wrong_but_never_worse),
	};

	return cmocka_run_group_tests(tests, load_profile, NULL);
}
