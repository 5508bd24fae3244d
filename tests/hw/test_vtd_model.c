// SPDX-License-Identifier: MIT
/*
 * Random programs on the VT-d model, judged after each access by the fuzzer's second reading of the
 * specification (fuzz/vtd_judge.h), and random programs of a hostile guest. A broken rule aborts
 * with its line; the seed and the program's number make it again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"

#define PROGRAMS 4000u
#define BYTES    1200u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void run_programs(uint8_t first_and, uint8_t first_or)
{
	const char *env = getenv("IOTOLL_TEST_SEED");
	uint64_t seed = env != NULL ? strtoull(env, NULL, 0) : 2007;
	uint8_t program[BYTES];
	struct rng rng;

	print_message("seed %llu (set IOTOLL_TEST_SEED to change it)\n", (unsigned long long)seed);
	rng_seed(&rng, seed);
	for (unsigned n = 0; n < PROGRAMS; n++) {
		for (unsigned i = 0; i < BYTES; i++)
			program[i] = (uint8_t)rng_u64(&rng);
		program[0] = (uint8_t)((program[0] & first_and) | first_or);
		assert_int_equal(LLVMFuzzerTestOneInput(program, BYTES), 0);
	}
}

static void random_programs_have_only_outcomes_that_the_specification_allows(void **state)
{
	(void)state;
	run_programs(0x7F, 0);
}

static void hostile_programs_leave_the_unit_sound(void **state)
{
	(void)state;
	run_programs(0xFF, 0x80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_programs_have_only_outcomes_that_the_specification_allows),
		cmocka_unit_test(hostile_programs_leave_the_unit_sound),
	};

	return cmocka_run_group_tests_name("hw/vtd_model", tests, NULL, NULL);
}
