// SPDX-License-Identifier: MIT
/*
 * Random programs on the rIOMMU model, judged after each step by the fuzzer's naive second model
 * (fuzz/riommu_judge.h). A broken rule aborts with its line; the seed and the program's number
 * make it again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../base/seed.h"

#define PROGRAMS 10000u
#define BYTES    1500u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void random_programs_have_the_outcomes_of_the_naive_model(void **state)
{
	uint8_t program[BYTES];
	struct rng rng;

	(void)state;
	seed_from_env(&rng);
	for (unsigned n = 0; n < PROGRAMS; n++) {
		for (unsigned i = 0; i < BYTES; i++)
			program[i] = (uint8_t)rng_u64(&rng);
		assert_int_equal(LLVMFuzzerTestOneInput(program, BYTES), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_programs_have_the_outcomes_of_the_naive_model),
	};

	return cmocka_run_group_tests_name("hw/riommu_model", tests, NULL, NULL);
}
