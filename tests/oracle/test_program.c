// SPDX-License-Identifier: MIT
/*
 * Programs in text form: what is printed reads back, what is no program is refused by line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "../base/seed.h"
#include "program.h"

static int parse(struct program *p, const char *text, struct err *err)
{
	FILE *f = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	int ret;

	assert_non_null(f);
	ret = program_parse(p, f, "case", err);
	fclose(f);
	return ret;
}

static void what_is_printed_reads_back(void **state)
{
	struct program p = {0}, again = {0};
	char *text = NULL;
	size_t bytes = 0;
	struct rng rng;
	struct err err;
	FILE *f;

	(void)state;
	seed_from_env(&rng);
	for (unsigned i = 0; i < 500; i++) {
		struct op op = {.kind = (enum op_kind)rng_below(&rng, OP_KINDS)};

		for (unsigned a = 0; a < op_args(op.kind); a++)
			op.arg[a] = rng_u64(&rng) >> rng_below(&rng, 64);
		assert_int_equal(program_add(&p, op), 0);
	}
	f = open_memstream(&text, &bytes);
	assert_non_null(f);
	program_print(&p, f);
	fclose(f);
	assert_int_equal(parse(&again, text, &err), 0);
	assert_int_equal(again.ops, p.ops);
	for (size_t i = 0; i < p.ops; i++) {
		assert_int_equal(again.op[i].kind, p.op[i].kind);
		assert_memory_equal(again.op[i].arg, p.op[i].arg, sizeof(p.op[i].arg));
	}
	free(text);
	program_free(&p);
	program_free(&again);
}

static void comments_and_empty_lines_are_skipped(void **state)
{
	struct program p = {0};
	struct err err;

	(void)state;
	assert_int_equal(parse(&p, "# a case\n\n  poke 0x10 7 # why\nroot\n", &err), 0);
	assert_int_equal(p.ops, 2);
	assert_int_equal(p.op[0].kind, OP_POKE);
	assert_int_equal(p.op[0].arg[0], 0x10);
	assert_int_equal(p.op[0].arg[1], 7);
	assert_int_equal(p.op[1].kind, OP_ROOT);
	program_free(&p);
}

static void what_is_no_operation_is_refused_with_its_line(void **state)
{
	static const char *const wrong[] = {
		"root\npeek 1 2\n",   "root\npoke 1\n",
		"root\npoke 1 2 3\n", "root\npoke x 2\n",
		"root\npoke -1 2\n",  "root\npoke 1 2z\n",
		"root\nroot 1\n",     "root\npoke 1 0x10000000000000000\n",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct program p = {0};
		struct err err;

		assert_int_equal(parse(&p, wrong[i], &err), -EINVAL);
		assert_non_null(strstr(err.text, "case:2: "));
		program_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_printed_reads_back),
		cmocka_unit_test(comments_and_empty_lines_are_skipped),
		cmocka_unit_test(what_is_no_operation_is_refused_with_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
