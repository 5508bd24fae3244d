// SPDX-License-Identifier: MIT
/* What-if: names, what is refused, and what becomes of the recordings that ship with the project.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "study/study.h"
#include "study/what_if.h"

static struct what_if_request request;
static struct err why;
static char path[512];

static const char *trace(const char *name)
{
	snprintf(path, sizeof(path), "%s/traces/%s", getenv("IOTOLL_DATA"), name);
	return path;
}

static int set_up(void **state)
{
	(void)state;
	why.text[0] = '\0';
	what_if_defaults(&request);
	request.path = trace("vtd-lazy-rx.probes.txt");
	request.strategies = "iommu.strict=1,iommu.strict=0,iommu.passthrough=1";
	return 0;
}

static json_t *ran(void)
{
	json_t *result = NULL;

	if (what_if_run(&request, &result, &why))
		fail_msg("%s", why.text);
	return result;
}

static void refused(const char *words)
{
	json_t *result = NULL;

	why.text[0] = '\0';
	assert_true(what_if_run(&request, &result, &why) < 0);
	assert_null(result);
	if (!strstr(why.text, words))
		fail_msg("'%s' is not in '%s'", words, why.text);
}

static const json_t *device(const json_t *result, size_t i)
{
	return json_array_get(json_object_get(result, "devices"), i);
}

static const json_t *row(const json_t *device, const char *name)
{
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(device, "rows"), i, one)
	{
		if (!strcmp(json_string_value(json_object_get(one, "name")), name))
			return one;
	}
	fail_msg("no row %s", name);
	return NULL;
}

static void kernel_parameters_stand_for_strategies(void **state)
{
	(void)state;
	assert_string_equal(what_if_strategy("iommu.strict=1"), "strict");
	assert_string_equal(what_if_strategy("iommu.strict=0"), "flush-queue");
	assert_string_equal(what_if_strategy("iommu.passthrough=1"), "off");
	assert_string_equal(what_if_strategy("deferred"), "deferred");
	assert_null(what_if_strategy("iommu.strict=2"));
	assert_string_equal(what_if_kernel("flush-queue", "magazines"), "iommu.strict=0");
	assert_null(what_if_kernel("flush-queue", "next-fit"));
	assert_null(what_if_kernel("deferred", "magazines"));
}

static void the_three_settings_have_their_price_and_their_exposure(void **state)
{
	json_t *result = ran();
	const json_t *d = device(result, 0), *strict = row(d, "strict");
	const json_t *lazy = row(d, "flush-queue"), *off = row(d, "off");

	(void)state;
	assert_int_equal(json_array_size(json_object_get(d, "rows")), 3);
	assert_string_equal(json_string_value(json_object_get(d, "name")), "0000:00:01.0");
	assert_true(result_number(strict, "price.invalidations") == 539);
	assert_true(result_number(strict, "safety.stale_pages") == 0);
	assert_true(result_number(lazy, "price.us_per_pair") <
		    result_number(strict, "price.us_per_pair"));
	assert_true(result_number(lazy, "safety.stale_page_seconds") > 0);
	assert_true(result_number(lazy, "safety.stale_us_max") >=
		    result_number(lazy, "safety.stale_us_mean"));
	/* Buffers of 1522 bytes in pages of 4096, and the probes say so. */
	assert_true(result_number(strict, "safety.excess_bytes_mean") > 0);
	assert_true(json_is_true(json_object_get(json_object_get(off, "safety"), "untranslated")));
	assert_true(result_number(off, "price.us_per_pair") <
		    result_number(lazy, "price.us_per_pair"));
	assert_string_equal(json_string_value(json_object_get(strict, "locks")), "split");
	json_decref(result);
}

/* Parts add up to the pair, and cycles to microseconds. */
static void parts_of_a_price_are_its_sum(void **state)
{
	json_t *result = ran();
	const json_t *strict = row(device(result, 0), "strict");
	const double maps = result_number(strict, "maps"), unmaps = result_number(strict, "unmaps");
	const double all =
		maps * result_number(strict, "price.cycles_per_map") +
		unmaps * (result_number(strict, "price.cycles_per_unmap") +
			  result_number(strict, "price.flush_cycles_per_unmap")) +
		(maps + unmaps) / 2 * result_number(strict, "price.lock_wait_cycles_per_pair");
	const double pair = result_number(strict, "price.cycles_per_pair");

	(void)state;
	assert_true(fabs(all / ((maps + unmaps) / 2) - pair) < 1e-6 * pair);
	assert_true(fabs(pair / result_number(strict, "price.us_per_pair") - 3100) < 0.01);
	json_decref(result);
}

static void a_closed_loop_has_a_rate_and_no_share(void **state)
{
	json_t *result;

	(void)state;
	request.pace = "closed";
	result = ran();
	/* What a pair takes and the rate say the same: nothing else happens, no timer is waited
	 * for. */
	for (int i = 0; i < 2; i++) {
		const json_t *one = row(device(result, 0), i ? "flush-queue" : "strict");
		const double product = result_number(one, "price.pairs_per_s") *
				       result_number(one, "price.us_per_pair");

		assert_true(product > 0.9e6 && product < 1.1e6);
	}
	assert_false(
		isfinite(result_number(row(device(result, 0), "strict"), "price.cpu_percent")));
	json_decref(result);
}

static void devices_are_told_apart_and_can_be_chosen(void **state)
{
	json_t *result;

	(void)state;
	request.path = trace("vtd-disk-lists.probes.txt");
	result = ran();
	assert_int_equal(json_array_size(json_object_get(result, "devices")), 2);
	assert_true(result_number(device(result, 1), "load.maps") == 397);
	assert_true(result_number(device(result, 1), "recorded.invalidations") == 354);
	/* Lists of up to sixteen pieces are invalidated at once, there as here. */
	assert_true(result_number(row(device(result, 1), "strict"), "price.invalidations") == 354);
	assert_true(result_number(device(result, 1), "load.list_pieces") > 38);
	assert_true(result_number(row(device(result, 1), "strict"), "list_pieces") -
			    result_number(row(device(result, 1), "strict"), "lists") ==
		    38);
	json_decref(result);
	request.device = "0000:00:01.0";
	result = ran();
	assert_int_equal(json_array_size(json_object_get(result, "devices")), 1);
	assert_true(result_number(device(result, 0), "load.maps") == 1);
	json_decref(result);
}

/* Its own timer's ticks are inputs, when its ring is full is found out: the table says the same. */
static void a_lazy_kernels_flushes_are_the_recorded_ones(void **state)
{
	json_t *result = ran();
	const json_t *d = device(result, 0), *recorded = json_object_get(d, "recorded");
	const json_t *lazy = row(d, "flush-queue");

	(void)state;
	assert_string_equal(json_string_value(json_object_get(lazy, "timer")), "recorded");
	assert_true(json_is_null(json_object_get(row(d, "strict"), "timer")));
	assert_true(result_number(recorded, "flushes") == 5);
	assert_true(result_number(recorded, "queued_before") == 247);
	assert_true(result_number(lazy, "price.flushes") == 5);
	assert_true(result_number(lazy, "price.timer_flushes") ==
		    result_number(recorded, "timer_flushes"));
	assert_true(result_number(lazy, "price.flushes") -
			    result_number(lazy, "price.timer_flushes") ==
		    result_number(recorded, "ring_flushes"));
	assert_true(result_number(lazy, "price.missed_ring_flushes") == 0);
	json_decref(result);
}

static void the_words_name_device_load_price_and_exposure(void **state)
{
	static const char *const expected[] = {"0000:00:01.0: 537 maps and 539 unmaps",
					       "98 % for the device to write",
					       "iommu.strict=1 (strict) on vtd costs ",
					       "nothing that was unmapped is in the device's reach",
					       "iommu.strict=0 (flush-queue) on vtd costs ",
					       " page-seconds in all"};
	json_t *result = ran(), *words = what_if_words(device(result, 0)), *document;
	char *all = json_dumps(words, 0);

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		if (!strstr(all, expected[i]))
			fail_msg("'%s' is not in %s", expected[i], all);
	document = what_if_document(result, words);
	assert_int_equal(json_array_size(json_object_get(document, "sections")), 1);
	json_decref(document);
	free(all);
	json_decref(words);
	json_decref(result);
}

static void two_times_the_same_is_the_same(void **state)
{
	json_t *a = ran(), *b = ran();

	(void)state;
	assert_true(json_equal(a, b));
	json_decref(a);
	json_decref(b);
}

static void what_cannot_be_is_refused(void **state)
{
	(void)state;
	request.strategies = "strict,iommu.strict=2";
	refused("did you mean iommu.strict=");
	request.strategies = "strict,";
	refused("'' is no strategy");
	set_up(NULL);
	request.iommus = "vdt";
	refused("did you mean vtd?");
	set_up(NULL);
	request.pace = "slow";
	refused("--pace slow: expected open or closed");
	set_up(NULL);
	request.access = "twice";
	refused("--access twice");
	set_up(NULL);
	request.profile = "e326";
	refused("e326");
	set_up(NULL);
	request.device = "0000:00:09.0";
	refused("has '0000:00:01.0'");
	set_up(NULL);
	request.path = trace("vtd-strict-rx.iotlb.txt");
	refused("no map or unmap event");
	set_up(NULL);
	request.access = "recorded";
	refused("holds no accesses of a device");
	set_up(NULL);
	request.beside = path;
	refused("no invalidations of ranges to go by");
	request.path = trace("README.md");
	refused("README.md");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(kernel_parameters_stand_for_strategies, set_up),
		cmocka_unit_test_setup(the_three_settings_have_their_price_and_their_exposure,
				       set_up),
		cmocka_unit_test_setup(parts_of_a_price_are_its_sum, set_up),
		cmocka_unit_test_setup(a_closed_loop_has_a_rate_and_no_share, set_up),
		cmocka_unit_test_setup(devices_are_told_apart_and_can_be_chosen, set_up),
		cmocka_unit_test_setup(a_lazy_kernels_flushes_are_the_recorded_ones, set_up),
		cmocka_unit_test_setup(the_words_name_device_load_price_and_exposure, set_up),
		cmocka_unit_test_setup(two_times_the_same_is_the_same, set_up),
		cmocka_unit_test_setup(what_cannot_be_is_refused, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
