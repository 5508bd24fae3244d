/* SPDX-License-Identifier: MIT */
/* Errors with words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/err.h"

static void set_returns_the_code_and_writes_the_line(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(err_set(&err, -EINVAL, "%s:%d: %s", "a.ini", 7, "no"), -EINVAL);
	assert_string_equal(err.text, "a.ini:7: no");
}

static void without_an_err_only_the_code_travels(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, -ENOMEM, "%d", 1), -ENOMEM);
	assert_int_equal(err_prefix(NULL, -EPERM, "%d", 1), -EPERM);
}

static void prefix_goes_in_front(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(err_set(&err, -EINVAL, "what"), -EINVAL);
	assert_int_equal(err_prefix(&err, -EIO, "%s: ", "where"), -EIO);
	assert_string_equal(err.text, "where: what");
}

static void arguments_may_point_into_the_text_replaced(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(err_set(&err, -EINVAL, "inner"), -EINVAL);
	assert_int_equal(err_set(&err, -EINVAL, "outer(%s)", err.text), -EINVAL);
	assert_string_equal(err.text, "outer(inner)");
	assert_int_equal(err_prefix(&err, -EINVAL, "%s, ", err.text), -EINVAL);
	assert_string_equal(err.text, "outer(inner), outer(inner)");
}

static void a_line_that_does_not_fit_says_so(void **state)
{
	char *longer = test_malloc(2 * sizeof(struct err));
	struct err err;

	(void)state;
	memset(longer, 'x', 2 * sizeof(err));
	longer[2 * sizeof(err) - 1] = '\0';
	assert_int_equal(err_set(&err, -EINVAL, "%s", longer), -EINVAL);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_string_equal(err.text + sizeof(err.text) - 5, "x...");
	assert_int_equal(err_prefix(&err, -EINVAL, "pre "), -EINVAL);
	assert_memory_equal(err.text, "pre x", 5);
	assert_string_equal(err.text + sizeof(err.text) - 5, "x...");
	assert_int_equal(err_prefix(&err, -EINVAL, "%s", longer), -EINVAL);
	assert_string_equal(err.text + sizeof(err.text) - 5, "x...");
	test_free(longer);
}

static void a_cut_never_splits_a_character(void **state)
{
	char text[1024] = "";
	struct err err;

	(void)state;
	for (unsigned lead = 0; lead < 2; lead++) {
		memset(text, 'a', lead);
		text[lead] = '\0';
		while (strlen(text) < 600)
			strcat(text, "\xc3\xa9");
		assert_int_equal(err_set(&err, -EINVAL, "%s", text), -EINVAL);
		assert_string_equal(err.text + strlen(err.text) - 5, "\xc3\xa9...");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_returns_the_code_and_writes_the_line),
		cmocka_unit_test(without_an_err_only_the_code_travels),
		cmocka_unit_test(prefix_goes_in_front),
		cmocka_unit_test(arguments_may_point_into_the_text_replaced),
		cmocka_unit_test(a_line_that_does_not_fit_says_so),
		cmocka_unit_test(a_cut_never_splits_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
