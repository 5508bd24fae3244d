/* SPDX-License-Identifier: MIT */
/* The addresses of POWER's kernel, predicted. */
#include "scene.h"

#include <errno.h>

#define SAMPLE TRACE("tce-veth-boot.txt")
#define MAPS   3443u /* of the sample: 1780 H_PUT_TCE, 1663 H_PUT_TCE_INDIRECT */

#define PUT(ioba, tce) "spapr_iommu_pci_put liobn=0x8 ioba=" ioba " tce=" tce " ret=0\n"
#define BATCH(ioba, n, last)                                                                     \
	"spapr_iommu_pci_indirect liobn=0x8 ioba=" ioba " tcelist=0x1000 iobaN=" n " tceN=" last \
	" ret=0\n"
#define STUFF(ioba, n) \
	"spapr_iommu_pci_stuff liobn=0x8 ioba=" ioba " tcevalue=0x0 npages=" n " ret=0\n"
#define CREATED STUFF("0x10000000", "65536") /* 256 MiB at once: one small pool of 192 MiB */

static int predict_string(const char *text, struct predict_result *r)
{
	struct err err;

	return predict_text(text, strlen(text), r, &err);
}

static void every_address_of_the_recorded_kernel_is_predicted(void **state)
{
	struct predict_result r;

	(void)state;
	predict_file(SAMPLE, &r);
	assert_score(&r.part[PREDICT_ADDRESSES], MAPS, 0, 0);
	assert_int_equal(r.part[PREDICT_ADDRESSES].first.line, 0);
	assert_int_equal(r.unknown_frees, 0);
	assert_false(r.part[PREDICT_IOTLB].applies);
}

/* Line 3001 of the sample, its address one block further: one divergence, there. */
static void one_altered_address_is_one_divergence(void **state)
{
	struct predict_result r;
	struct err err;
	size_t bytes;
	char *text = slurp(SAMPLE, &bytes), *at;
	uint64_t line = 3000;

	(void)state;
	do
		at = line_of(text, ++line);
	while (strncmp(at, "spapr_iommu_put", 15));
	at = strstr(at, "0000 tce=");
	assert_non_null(at);
	*at = '8'; /* of a block of 16 pages the ninth, which nobody uses */
	assert_int_equal(predict_text(text, bytes, &r, &err), 0);
	assert_int_equal(r.part[PREDICT_ADDRESSES].wrong, 1);
	assert_int_equal(r.part[PREDICT_ADDRESSES].exact, MAPS - 1);
	assert_int_equal(r.part[PREDICT_ADDRESSES].first.line, line);
	assert_non_null(strstr(r.part[PREDICT_ADDRESSES].first.state, "a small pool"));
	free(text);
}

static void the_allocator_goes_on_behind_what_was_recorded(void **state)
{
	struct predict_result r;
	const struct predict_divergence *d = &r.part[PREDICT_ADDRESSES].first;

	(void)state;
	assert_int_equal(predict_string(CREATED PUT("0x1000", "0x5003") PUT("0x40000", "0x6003")
						PUT("0x50000", "0x7003"),
					&r),
			 0);
	assert_score(&r.part[PREDICT_ADDRESSES], 2, 1, 0);
	assert_int_equal(d->line, 3);
	assert_string_equal(d->expected, "ioba 0x10000");
	assert_string_equal(d->recorded, "ioba 0x40000");
}

/* 16 entries: aligned only if the buffer begins on a page of 64 KiB and ends on one. */
static void whole_system_pages_are_aligned_and_others_are_not(void **state)
{
	struct predict_result r;

	(void)state;
	assert_int_equal(predict_string(CREATED BATCH("0xc000000", "0x10", "0x11003")
						BATCH("0xc020000", "0xf", "0x2f003")
							BATCH("0xc030000", "0xf", "0x30003"),
					&r),
			 0);
	assert_score(&r.part[PREDICT_ADDRESSES], 3, 0, 0);
}

static void a_table_whose_creation_is_not_recorded_is_unobservable(void **state)
{
	struct predict_result r;

	(void)state;
	assert_int_equal(predict_string(PUT("0x1000", "0x5003") STUFF("0x2000", "1"), &r), 0);
	assert_score(&r.part[PREDICT_ADDRESSES], 0, 0, 1);
	assert_int_equal(r.unknown_frees, 1);
	assert_true(predict_fraction(&r.part[PREDICT_ADDRESSES]) == 0);
}

static void an_address_that_is_mapped_already_is_told_of(void **state)
{
	struct predict_result r;
	bool told = false;

	(void)state;
	assert_int_equal(
		predict_string(CREATED PUT("0x1000", "0x5003") PUT("0x1000", "0x6003"), &r), 0);
	assert_score(&r.part[PREDICT_ADDRESSES], 1, 1, 0);
	for (unsigned i = 0; i < r.notes; i++)
		told |= strstr(r.note[i], "mapped already") != NULL;
	assert_true(told);
}

static void windows_of_larger_pages_are_not_the_allocators(void **state)
{
	struct predict_result r;

	(void)state;
	assert_int_equal(
		predict_string(CREATED BATCH("0x800000000000000", "0x3f", "0x3f000003"), &r), 0);
	assert_true(r.part[PREDICT_ADDRESSES].applies);
	assert_score(&r.part[PREDICT_ADDRESSES], 0, 0, 0);
}

static void what_is_no_recording_of_tables_is_refused(void **state)
{
	struct predict_result r;
	struct err err;

	(void)state;
	assert_int_equal(predict_string("spapr_iommu_new_table liobn=0x8 fd=-1\n", &r), -EINVAL);
	assert_int_equal(predict_string(CREATED "spapr_iommu_pci_put liobn=0x8 ioba=0x1234 "
						"tce=0x3 ret=0\n",
					&r),
			 -EINVAL);
	assert_int_equal(predict_string(CREATED "spapr_iommu_pci_put liobn=0x8 io", &r), -EINVAL);
	assert_int_equal(predict_string(STUFF("0x40000000000", "1073741824")
						STUFF("0x40000001000", "1") PUT("0x1000", "0x3003"),
					&r),
			 -EINVAL);
	assert_int_equal(predict_text("\x01garbage\n", 9, &r, &err), -EINVAL);
}

static void a_recording_cut_anywhere_is_refused_or_right(void **state)
{
	(void)state;
	assert_cuts_are_refused_or_right(SAMPLE, 15000, 16000, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_address_of_the_recorded_kernel_is_predicted),
		cmocka_unit_test(one_altered_address_is_one_divergence),
		cmocka_unit_test(the_allocator_goes_on_behind_what_was_recorded),
		cmocka_unit_test(whole_system_pages_are_aligned_and_others_are_not),
		cmocka_unit_test(a_table_whose_creation_is_not_recorded_is_unobservable),
		cmocka_unit_test(an_address_that_is_mapped_already_is_told_of),
		cmocka_unit_test(windows_of_larger_pages_are_not_the_allocators),
		cmocka_unit_test(what_is_no_recording_of_tables_is_refused),
		cmocka_unit_test(a_recording_cut_anywhere_is_refused_or_right),
	};

	return cmocka_run_group_tests(tests, load_profile, NULL);
}
