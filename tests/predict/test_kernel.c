/* SPDX-License-Identifier: MIT */
/* What a recorded Linux did on x86, predicted: addresses, descriptors, flushes. */
#include "scene.h"

#include <errno.h>

#define EVENT(cpu, text)        " t-1 [00" cpu "] d..1. 1.000001: " text "\n"
#define MAP_ON(cpu, iova, size) EVENT(cpu, "map: IOMMU: iova=" iova " paddr=0x5000 size=" size)
#define UNMAP_ON(cpu, iova, size) \
	EVENT(cpu, "unmap: IOMMU: iova=" iova " size=" size " unmapped_size=" size)
#define QI_ON(cpu, lo, hi) EVENT(cpu, "qi_submit: iotlb_inv dmar0: " lo " " hi " 0x0 0x0")
#define MAP(iova)          MAP_ON("0", iova, "4096")
#define UNMAP(iova)        UNMAP_ON("0", iova, "4096") QI_ON("0", "0x300f2", iova)
#define SLOW(cpu)          EVENT(cpu, "iova_slow: (ffffffff8bce8d90) pages=1 limit_pfn=0xfffff")

static void predict_string(const char *text, struct predict_result *r)
{
	struct err err = {""};

	if (predict_text(text, strlen(text), r, &err))
		fail_msg("%s", err.text);
}

static bool noted(const struct predict_result *r, const char *words)
{
	for (unsigned i = 0; i < r->notes; i++)
		if (strstr(r->note[i], words))
			return true;
	return false;
}

/* Exact, wrong, unobservable of addresses; descriptors, all exact; full rings. */
static void the_recordings_are_predicted_as_far_as_they_can_be(void **state)
{
	static const struct {
		const char *path;
		unsigned exact, wrong, unobservable, descriptors, rings, unknown_rings;
	} sample[] = {
		{TRACE("vtd-strict-rx-4096.trace.txt"), 546, 0, 92, 641, 0, 0},
		/* Lists of several pieces; ranges of 1 to 16 pages; interrupts between. */
		{TRACE("vtd-disk-lists.probes.txt"), 357, 0, 3, 355, 0, 0},
		/* 256 buffers are freed at once: four are wrong until the beginning is fitted. */
		{TRACE("vtd-ifupdown.probes.txt"), 196, 4, 91, 291, 0, 0},
		/* Of three rings that were full the first began before the recording. */
		{TRACE("vtd-lazy-rx.probes.txt"), 277, 0, 260, 5, 2, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sample) / sizeof(sample[0]); i++) {
		struct predict_result r;

		predict_file(sample[i].path, &r);
		assert_score(&r.part[PREDICT_ADDRESSES], sample[i].exact, sample[i].wrong,
			     sample[i].unobservable);
		assert_score(&r.part[PREDICT_INVALIDATIONS], sample[i].descriptors, 0, 0);
		assert_score(&r.part[PREDICT_FLUSHES], sample[i].rings, 0, sample[i].unknown_rings);
	}
}

/* Of the last map of the sample: nothing that follows rests on it. */
static void one_altered_address_is_one_divergence(void **state)
{
	struct predict_result r;
	struct err err;
	size_t bytes;
	char *text = slurp(TRACE("vtd-strict-rx-4096.trace.txt"), &bytes);
	char *at = text, *map = NULL;
	uint64_t line = 1, map_line = 0;

	(void)state;
	for (char *next; (next = strchr(at, '\n')); at = next + 1, line++) {
		*next = '\0';
		if (strstr(at, " map: ")) {
			map = strstr(at, "iova=0x00000000fff");
			map_line = line;
		}
		*next = '\n';
	}
	assert_non_null(map);
	memcpy(map, "iova=0x00000000ccc", 18);
	map = strstr(map, " - 0x00000000fff");
	assert_non_null(map);
	memcpy(map, " - 0x00000000ccc", 16);
	assert_int_equal(predict_text(text, bytes, &r, &err), 0);
	assert_score(&r.part[PREDICT_ADDRESSES], 545, 1, 92);
	assert_int_equal(r.part[PREDICT_ADDRESSES].first.line, map_line);
	assert_memory_equal(r.part[PREDICT_ADDRESSES].first.recorded, "iova 0xccc", 10);
	assert_non_null(strstr(r.part[PREDICT_ADDRESSES].first.state, "CPU 0"));
	assert_score(&r.part[PREDICT_INVALIDATIONS], 641, 0, 0);
	free(text);
}

static void one_altered_descriptor_is_one_divergence(void **state)
{
	struct predict_result r;

	(void)state;
	predict_string(UNMAP("0xfff00000") UNMAP_ON("0", "0xfff04000", "16384")
			       QI_ON("0", "0x300f2", "0xfff04001"),
		       &r);
	assert_score(&r.part[PREDICT_INVALIDATIONS], 1, 1, 0);
	assert_string_equal(r.part[PREDICT_INVALIDATIONS].first.expected,
			    "descriptor 0x300f2 0xfff04002");
	assert_string_equal(r.part[PREDICT_INVALIDATIONS].first.recorded,
			    "descriptor 0x300f2 0xfff04001");
	assert_int_equal(r.part[PREDICT_INVALIDATIONS].first.line, 4);
}

static void freed_last_comes_first(void **state)
{
	struct predict_result r;

	(void)state;
	predict_string(UNMAP("0xfff00000") UNMAP("0xfff07000") MAP("0xfff07000") MAP("0xfff00000")
			       MAP("0xfff33000"),
		       &r);
	assert_score(&r.part[PREDICT_ADDRESSES], 2, 0, 1);
	predict_string(UNMAP("0xfff00000") UNMAP("0xfff07000") MAP("0xfff00000") MAP("0xfff07000"),
		       &r);
	assert_score(&r.part[PREDICT_ADDRESSES], 1, 1, 0);
}

/* An address is free when its descriptor is done, not when its unmap begins. */
static void an_unmap_in_progress_has_not_freed_yet(void **state)
{
	struct predict_result r;

	(void)state;
	predict_string(UNMAP("0xfff00000") UNMAP_ON("0", "0xfff07000", "4096") MAP("0xfff00000")
			       QI_ON("0", "0x300f2", "0xfff07000") MAP("0xfff07000"),
		       &r);
	assert_score(&r.part[PREDICT_ADDRESSES], 2, 0, 0);
}

static void ranges_of_different_length_have_stacks_of_their_own(void **state)
{
	struct predict_result r;

	(void)state;
	predict_string(UNMAP_ON("0", "0xfff04000", "12288") QI_ON("0", "0x300f2", "0xfff04002")
			       UNMAP("0xfff00000") MAP_ON("0", "0xfff04000", "16384")
				       MAP("0xfff00000"),
		       &r);
	assert_score(&r.part[PREDICT_ADDRESSES], 2, 0, 0);
	assert_score(&r.part[PREDICT_INVALIDATIONS], 2, 0, 0);
}

static void each_cpu_has_its_own_stack(void **state)
{
	struct predict_result r;

	(void)state;
	predict_string(UNMAP("0xfff00000") UNMAP_ON("1", "0xfff07000", "4096")
			       QI_ON("1", "0x300f2", "0xfff07000") MAP("0xfff00000")
				       MAP_ON("1", "0xfff07000", "4096"),
		       &r);
	assert_score(&r.part[PREDICT_ADDRESSES], 2, 0, 0);
}

/* The first allocation from the tree tells where it is, the next ones are predicted. */
static void the_tree_goes_on_downwards(void **state)
{
	struct predict_result r;

	(void)state;
	predict_string(UNMAP("0xfff00000") MAP("0xfff00000") SLOW("0") MAP("0xffee0000") SLOW("0")
			       MAP("0xffedf000") SLOW("0") MAP("0xffedd000"),
		       &r);
	assert_score(&r.part[PREDICT_ADDRESSES], 2, 1, 1);
	assert_string_equal(r.part[PREDICT_ADDRESSES].first.expected, "iova 0xffede000");
}

/* A cache that was empty has nothing but what went into it. */
static void what_a_known_cache_cannot_have_is_wrong(void **state)
{
	struct predict_result r;

	(void)state;
	predict_string(UNMAP("0xfff00000") MAP("0xfff00000") SLOW("0") MAP("0xffee0000")
			       MAP("0xfff70000"),
		       &r);
	assert_score(&r.part[PREDICT_ADDRESSES], 1, 1, 1);
}

#define UNMAP4(iova) UNMAP_ON("0", iova, "4096") QI_ON("0", "0x400f2", iova)

/* 0xfff00000 is free in both domains: the first that both might give is judged by its unmap. */
static void a_map_of_several_domains_is_judged_when_its_unmap_names_one(void **state)
{
	struct predict_result r;

	(void)state;
	predict_string(UNMAP("0xfff00000") UNMAP4("0xfff00000") UNMAP4("0xfff01000")
			       MAP("0xfff01000") UNMAP4("0xfff01000"),
		       &r);
	assert_score(&r.part[PREDICT_ADDRESSES], 1, 0, 0);
	assert_score(&r.part[PREDICT_INVALIDATIONS], 4, 0, 0);
	/* Never unmapped: whose it was is never told. */
	predict_string(UNMAP("0xfff00000") UNMAP4("0xfff01000") MAP("0xfff01000"), &r);
	assert_score(&r.part[PREDICT_ADDRESSES], 0, 0, 1);
	assert_true(noted(&r, "several devices"));
	/* It was the other's, whose model had said something else. */
	predict_string(
		UNMAP("0xfff00000") UNMAP4("0xfff01000") MAP("0xfff01000") UNMAP("0xfff01000"), &r);
	assert_score(&r.part[PREDICT_ADDRESSES], 0, 1, 0);
	assert_string_equal(r.part[PREDICT_ADDRESSES].first.expected, "iova 0xfff00000");
}

static void a_step_begins_another_time(void **state)
{
	struct predict_result r;

	(void)state;
	predict_string(UNMAP("0xfff00000") "# step two\n" MAP("0xfff00000"), &r);
	assert_score(&r.part[PREDICT_ADDRESSES], 0, 0, 1);
}

/* A lazy domain whose ring is known to be empty takes 255 unmaps; the next one flushes. */
static void ring(unsigned unmaps, bool flush, struct predict_result *r)
{
	char *text = malloc(65536);
	size_t at = 0;

	if (!text)
		abort();
	at += (size_t)sprintf(text + at, EVENT("0", "fq_flush_timeout: (ffffffffb1ae8290)")
						 QI_ON("0", "0x300e2", "0x0"));
	for (unsigned i = 0; i < unmaps; i++)
		at += (size_t)sprintf(text + at, UNMAP_ON("0", "0x%x", "4096"),
				      0xf0000000u + i * 4096u);
	if (flush)
		at += (size_t)sprintf(text + at, "%s",
				      EVENT("0", "fq_flush_iotlb: (ffffffffb1ae77d0)")
					      QI_ON("0", "0x300e2", "0x0"));
	at += (size_t)sprintf(text + at, UNMAP_ON("0", "0xe0000000", "4096"));
	(void)at;
	predict_string(text, r);
	free(text);
}

static void a_ring_of_255_is_full(void **state)
{
	struct predict_result r;

	(void)state;
	ring(256, true, &r);
	assert_score(&r.part[PREDICT_FLUSHES], 1, 0, 0);
	assert_score(&r.part[PREDICT_INVALIDATIONS], 2, 0, 0);
	ring(255, true, &r); /* one too early */
	assert_score(&r.part[PREDICT_FLUSHES], 0, 1, 0);
	assert_string_equal(r.part[PREDICT_FLUSHES].first.expected, "no flush");
	ring(256, false, &r); /* it does not come */
	assert_score(&r.part[PREDICT_FLUSHES], 0, 1, 0);
	assert_int_equal(r.part[PREDICT_FLUSHES].first.line, 2 + 256);
}

static void recordings_without_descriptors_are_taken_to_be_strict(void **state)
{
	struct predict_result r;

	(void)state;
	predict_string(UNMAP_ON("0", "0xfff00000", "4096") MAP("0xfff00000"), &r);
	assert_score(&r.part[PREDICT_ADDRESSES], 1, 0, 0);
	assert_false(r.part[PREDICT_INVALIDATIONS].applies);
	assert_true(noted(&r, "no descriptors"));
}

static void what_cannot_be_is_refused_or_told_of(void **state)
{
	struct predict_result r;
	struct err err;
	const char *cpu = UNMAP("0xfff00000") " t-1 [031] d..1. 1.0: map: IOMMU: iova=0x1000 "
					      "paddr=0x5000 size=4096\n";

	(void)state;
	assert_int_equal(predict_text(cpu, strlen(cpu), &r, &err), -EINVAL);
	assert_int_equal(predict_text("cpus=1\n", 7, &r, &err), -EINVAL);
	/* In use already; across what is in use; beyond 4 GiB; the interrupt window; page 0. */
	predict_string(UNMAP("0xfff00000") MAP("0xfff04000") MAP("0xfff04000")
			       MAP_ON("0", "0xfff04000", "8192") MAP("0x7ffffffff000")
				       MAP("0xfee00000") MAP("0x0")
					       MAP_ON("0", "0x1000", "4294963200"),
		       &r);
	assert_int_equal(r.part[PREDICT_ADDRESSES].exact, 0);
	assert_true(noted(&r, "in use here"));
	predict_string(UNMAP("0x7ffffffff000") UNMAP("0xfff00000"), &r);
	assert_score(&r.part[PREDICT_INVALIDATIONS], 1, 0, 1);
}

static void a_recording_cut_anywhere_is_refused_or_right(void **state)
{
	(void)state;
	assert_cuts_are_refused_or_right(TRACE("vtd-disk-lists.probes.txt"), 9000, 10000, 37);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_recordings_are_predicted_as_far_as_they_can_be),
		cmocka_unit_test(one_altered_address_is_one_divergence),
		cmocka_unit_test(one_altered_descriptor_is_one_divergence),
		cmocka_unit_test(freed_last_comes_first),
		cmocka_unit_test(an_unmap_in_progress_has_not_freed_yet),
		cmocka_unit_test(ranges_of_different_length_have_stacks_of_their_own),
		cmocka_unit_test(each_cpu_has_its_own_stack),
		cmocka_unit_test(the_tree_goes_on_downwards),
		cmocka_unit_test(what_a_known_cache_cannot_have_is_wrong),
		cmocka_unit_test(a_map_of_several_domains_is_judged_when_its_unmap_names_one),
		cmocka_unit_test(a_step_begins_another_time),
		cmocka_unit_test(a_ring_of_255_is_full),
		cmocka_unit_test(recordings_without_descriptors_are_taken_to_be_strict),
		cmocka_unit_test(what_cannot_be_is_refused_or_told_of),
		cmocka_unit_test(a_recording_cut_anywhere_is_refused_or_right),
	};

	return cmocka_run_group_tests(tests, load_profile, NULL);
}
