// SPDX-License-Identifier: MIT
/*
 * A million hypercalls of domains that mean harm, everything checked after each. With
 * IOTOLL_TEST_CALLS another number; IOTOLL_TEST_SEED repeats a run.
 */
#include "hostile.h"

#include <stdio.h>

static uint64_t number(const char *name, uint64_t usual)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : usual;
}

static void nothing_breaks_whatever_guests_do(void **state)
{
	const uint64_t seed = number("IOTOLL_TEST_SEED", 20070627);
	const uint64_t calls = number("IOTOLL_TEST_CALLS", CALLS);
	struct hostile *h = calloc(1, sizeof(*h));
	struct err err = {{0}};
	const char *broken = NULL;
	struct rng rng;

	(void)state;
	print_message("seed %llu (IOTOLL_TEST_SEED)\n", (unsigned long long)seed);
	assert_non_null(h);
	rng_seed(&rng, seed);
	h->rng = &rng;
	/* Several lives: what one leaves behind would be told at its end. */
	for (unsigned life = 0; life < 10 && !broken; life++) {
		hostile_init(h);
		for (uint64_t until = (life + 1) * (calls / 10); h->calls < until && !broken;) {
			hostile_step(h);
			broken = hostile_broken(h, &err);
		}
		if (!broken)
			broken = hostile_end(h, &err);
		if (broken)
			fail_msg("after %llu calls: %s", (unsigned long long)h->calls, broken);
		hostile_fini(h);
	}
	print_message("%llu calls, %llu successful maps, %llu deaths\n",
		      (unsigned long long)h->calls, (unsigned long long)h->okay,
		      (unsigned long long)h->deaths);
	/* Hostile, but not so clumsy that nothing ever works. */
	assert_true(h->okay > h->calls / 500);
	assert_true(h->deaths > h->calls / 10000);
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_breaks_whatever_guests_do)};

	return cmocka_run_group_tests_name("xen/hostile", tests, NULL, NULL);
}
