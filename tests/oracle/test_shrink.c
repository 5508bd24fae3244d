// SPDX-License-Identifier: MIT
/*
 * The shrinker on programs whose failure is known: fails if and only if certain operations are
 * there, in order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "../base/seed.h"
#include "shrink.h"

struct needed {
	uint64_t address[4]; /* pokes to these, in this order */
	unsigned count, questions;
	int error_at; /* report an error at that question; 0: never */
};

static int fails(void *ctx, const struct program *p)
{
	struct needed *n = ctx;
	unsigned found = 0;

	n->questions++;
	if (n->error_at != 0 && n->questions == (unsigned)n->error_at)
		return -EIO;
	for (size_t i = 0; i < p->ops && found < n->count; i++) {
		if (p->op[i].arg[0] == n->address[found])
			found++;
	}
	return found == n->count;
}

static void fill(struct program *p, unsigned ops)
{
	for (unsigned i = 0; i < ops; i++)
		assert_int_equal(program_add(p, (struct op){.kind = OP_POKE, .arg = {i, 0}}), 0);
}

static void what_is_needed_remains_and_nothing_else(void **state)
{
	struct rng rng;

	(void)state;
	seed_from_env(&rng);
	for (unsigned round = 0; round < 200; round++) {
		struct needed n = {.count = 1 + (unsigned)rng_below(&rng, 4)};
		const unsigned ops = 10 + (unsigned)rng_below(&rng, 500);
		struct program p = {0};
		uint64_t next = 0;

		for (unsigned i = 0; i < n.count; i++)
			next = n.address[i] = next + rng_below(&rng, ops / 8 + 1) + (i > 0);
		fill(&p, ops);
		assert_int_equal(shrink(&p, fails, &n, 100000), 0);
		assert_int_equal(p.ops, n.count);
		for (unsigned i = 0; i < n.count; i++)
			assert_int_equal(p.op[i].arg[0], n.address[i]);
		program_free(&p);
	}
}

static void one_culprit_among_a_thousand_takes_few_questions(void **state)
{
	struct needed n = {.address = {777}, .count = 1};
	struct program p = {0};

	(void)state;
	fill(&p, 1000);
	assert_int_equal(shrink(&p, fails, &n, 1000), 0);
	assert_int_equal(p.ops, 1);
	assert_true(n.questions < 60); /* a few per halving of 1000 */
	program_free(&p);
}

static void tries_that_run_out_leave_a_program_that_fails(void **state)
{
	struct needed n = {.address = {3, 500, 900}, .count = 3};
	struct program p = {0};

	(void)state;
	fill(&p, 1000);
	assert_int_equal(shrink(&p, fails, &n, 7), 0);
	assert_int_equal(n.questions, 7);
	assert_int_equal(fails(&n, &p), 1);
	assert_true(p.ops < 1000);
	program_free(&p);
}

static void an_error_of_the_question_ends_it(void **state)
{
	struct needed n = {.address = {3, 900}, .count = 2, .error_at = 5};
	struct program p = {0};

	(void)state;
	fill(&p, 1000);
	assert_int_equal(shrink(&p, fails, &n, 1000), -EIO);
	n.error_at = 0;
	assert_int_equal(fails(&n, &p), 1);
	program_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_needed_remains_and_nothing_else),
		cmocka_unit_test(one_culprit_among_a_thousand_takes_few_questions),
		cmocka_unit_test(tries_that_run_out_leave_a_program_that_fails),
		cmocka_unit_test(an_error_of_the_question_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
