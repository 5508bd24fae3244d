/* SPDX-License-Identifier: MIT */
/*
 * The fuzz target of the library's calls (fuzz/lib_calls_fuzz.c) over inputs drawn from a seed: a
 * part of what a fuzzer finds, on every machine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../fuzz/input.h"
#include "../base/seed.h"

#define INPUTS 400u
#define BYTES  1200u

static void calls_in_any_order_do_what_a_naive_model_says(void **state)
{
	static uint8_t data[BYTES];
	struct rng rng;

	(void)state;
	seed_from_env(&rng);
	for (unsigned n = 0; n < INPUTS; n++) {
		for (unsigned i = 0; i < BYTES; i++)
			data[i] = (uint8_t)rng_u64(&rng);
		data[0] = (uint8_t)n; /* every strategy */
		assert_int_equal(LLVMFuzzerTestOneInput(data, 1 + rng_below(&rng, BYTES)), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_in_any_order_do_what_a_naive_model_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
