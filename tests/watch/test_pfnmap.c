// SPDX-License-Identifier: MIT
/* The page-number table against an array indexed by the key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../base/seed.h"
#include "watch/pfnmap.h"

#define KEYS  4096u
#define STEPS 200000u

static void an_empty_table_holds_nothing(void **state)
{
	struct pfnmap m;

	(void)state;
	assert_int_equal(pfnmap_init(&m, 0), 0);
	assert_null(pfnmap_get(&m, 0));
	assert_null(pfnmap_get(&m, PFNMAP_EMPTY));
	assert_null(pfnmap_put(&m, PFNMAP_EMPTY));
	pfnmap_fini(&m);
}

static void put_of_a_key_that_is_there_keeps_its_values(void **state)
{
	struct pfnmap m;
	struct pfnmap_slot *s;

	(void)state;
	assert_int_equal(pfnmap_init(&m, 4), 0);
	s = pfnmap_put(&m, 5);
	assert_int_equal(s->value[0], 0);
	assert_int_equal(s->value[1], 0);
	s->value[1] = 77;
	assert_int_equal(pfnmap_put(&m, 5)->value[1], 77);
	assert_int_equal(m.count, 1);
	pfnmap_fini(&m);
}

/* Keys in tight runs, as allocators give out, and spread over 64 bits. */
static uint64_t key_of(uint64_t index)
{
	return index % 2 ? index : index << 50 | index;
}

static void random_puts_and_deletes_match_an_array(void **state)
{
	static uint64_t model[KEYS];
	struct pfnmap m;
	struct rng rng;
	size_t count = 0;

	(void)state;
	seed_from_env(&rng);
	assert_int_equal(pfnmap_init(&m, 1), 0);
	for (unsigned i = 0; i < STEPS; i++) {
		/* Phases that fill and phases that empty. */
		const bool fill = rng_below(&rng, 10) < (i / 20000 % 2 ? 3u : 7u);
		const uint64_t index = rng_below(&rng, KEYS);
		struct pfnmap_slot *s = pfnmap_get(&m, key_of(index));

		assert_int_equal(s != NULL, model[index] != 0);
		if (s)
			assert_int_equal(s->value[0], model[index]);
		if (fill) {
			count += !model[index];
			model[index] = i + 1;
			s = pfnmap_put(&m, key_of(index));
			assert_non_null(s);
			s->value[0] = i + 1;
		} else if (s) {
			pfnmap_delete(&m, s);
			model[index] = 0;
			count--;
		}
		assert_int_equal(m.count, count);
	}
	for (uint64_t i = 0; i < KEYS; i++) {
		const struct pfnmap_slot *s = pfnmap_get(&m, key_of(i));

		assert_int_equal(s ? s->value[0] : 0, model[i]);
	}
	pfnmap_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_table_holds_nothing),
		cmocka_unit_test(put_of_a_key_that_is_there_keeps_its_values),
		cmocka_unit_test(random_puts_and_deletes_match_an_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
