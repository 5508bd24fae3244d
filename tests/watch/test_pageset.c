/* SPDX-License-Identifier: MIT */
/* The set of pages against an array of flags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../base/seed.h"
#include "watch/pageset.h"

#define PAGES 3000u
#define FAR   (UINT64_C(1) << 51) /* half of them are out there */

static uint64_t page_of(unsigned i)
{
	return i % 2 ? FAR - i : i;
}

static void mark(void *ctx, uint64_t page)
{
	unsigned char *seen = ctx;

	seen[page > PAGES ? FAR - page : page]++;
}

static void random_changes_match_an_array_of_flags(void **state)
{
	bool has[PAGES] = {false};
	unsigned char seen[PAGES] = {0};
	struct pageset s;
	struct rng rng;
	uint64_t count = 0;

	(void)state;
	seed_from_env(&rng);
	assert_int_equal(pageset_init(&s), 0);
	for (unsigned n = 0; n < 50000; n++) {
		const unsigned i = (unsigned)rng_below(&rng, PAGES);

		assert_int_equal(pageset_has(&s, page_of(i)), has[i]);
		if (rng_below(&rng, 2)) {
			assert_int_equal(pageset_add(&s, page_of(i)), !has[i]);
			count += !has[i];
			has[i] = true;
		} else {
			assert_int_equal(pageset_remove(&s, page_of(i)), has[i]);
			count -= has[i];
			has[i] = false;
		}
		assert_int_equal(s.count, count);
	}
	pageset_each(&s, mark, seen);
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(seen[i], has[i]);
	pageset_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_changes_match_an_array_of_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
