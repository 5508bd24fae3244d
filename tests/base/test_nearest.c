/* SPDX-License-Identifier: MIT */
/* Nearest names, against the textbook recurrence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <string.h>

#include "base/nearest.h"
#include "seed.h"

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* The definition, read off the end of both strings. */
static unsigned plain_distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned best;

	if (!na || !nb)
		return (unsigned)(na + nb);
	best = plain_distance(a, na - 1, b, nb - 1) + (a[na - 1] != b[nb - 1]);
	best = least(best, plain_distance(a, na - 1, b, nb) + 1);
	best = least(best, plain_distance(a, na, b, nb - 1) + 1);
	if (na > 1 && nb > 1 && a[na - 1] == b[nb - 2] && a[na - 2] == b[nb - 1])
		best = least(best, plain_distance(a, na - 2, b, nb - 2) + 1);
	return best;
}

static void word(struct rng *rng, char *to, size_t most)
{
	const size_t bytes = rng_below(rng, most + 1);

	for (size_t i = 0; i < bytes; i++)
		to[i] = (char)('a' + rng_below(rng, 3));
	to[bytes] = '\0';
}

static void distance_is_the_textbook_one(void **state)
{
	char a[8], b[8];
	struct rng rng;

	(void)state;
	seed_from_env(&rng);
	for (unsigned i = 0; i < 2000; i++) {
		word(&rng, a, 6);
		word(&rng, b, 6);
		assert_int_equal(nearest_distance(a, b),
				 plain_distance(a, strlen(a), b, strlen(b)));
		assert_int_equal(nearest_distance(a, b), nearest_distance(b, a));
		assert_int_equal(nearest_distance(a, a), 0);
	}
}

static void slips_of_the_finger_are_recognised(void **state)
{
	static const char *const names[] = {"strict", "deferred", "off", "calgary", NULL};
	static const char *const slips[][2] = {
		{"strcit", "strict"},    {"srict", "strict"},      {"Strict", "strict"},
		{"defered", "deferred"}, {"deffered", "deferred"}, {"of", "off"},
		{"calgari", "calgary"},  {"CALGARY", "calgary"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(slips) / sizeof(*slips); i++)
		assert_string_equal(nearest_in(slips[i][0], names), slips[i][1]);
}

static void nothing_is_suggested_for_something_else(void **state)
{
	static const char *const names[] = {"strict", "deferred", "off", "calgary", "x", NULL};
	static const char *const other[] = {"",      "passthrough", "banana", "st",
					    "xyzzy", "12",          "y",      "offshore"};

	(void)state;
	for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++)
		assert_null(nearest_in(other[i], names));
}

static void of_equals_the_first_wins(void **state)
{
	static const char *const names[] = {"rx_ack", "tx_ack", NULL};
	static const char *const turned[] = {"tx_ack", "rx_ack", NULL};

	(void)state;
	assert_string_equal(nearest_in("x_ack", names), "rx_ack");
	assert_string_equal(nearest_in("x_ack", turned), "tx_ack");
}

static void over_long_names_are_near_nothing(void **state)
{
	static const char *const names[] = {"strict", NULL};
	char long_name[300];

	(void)state;
	memset(long_name, 's', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_null(nearest_in(long_name, names));
	assert_int_equal(nearest_distance(long_name, "s"), UINT_MAX);
	long_name[63] = '\0';
	assert_int_equal(nearest_distance(long_name, "s"), 62);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distance_is_the_textbook_one),
		cmocka_unit_test(slips_of_the_finger_are_recognised),
		cmocka_unit_test(nothing_is_suggested_for_something_else),
		cmocka_unit_test(of_equals_the_first_wins),
		cmocka_unit_test(over_long_names_are_near_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
