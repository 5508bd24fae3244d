// SPDX-License-Identifier: MIT
/* What is UTF-8, byte by byte of RFC 3629, and where it may be cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"

static void every_well_formed_text_is_taken(void **state)
{
	static const char text[] = "plain ASCII \t\x7f \xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf "
				   "\xee\x80\x80 \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf";
	size_t bad;

	(void)state;
	assert_true(utf8_is_text(text, sizeof(text) - 1, &bad));
	assert_true(utf8_is_text("", 0, &bad));
}

static void ill_formed_bytes_are_found_where_they_stand(void **state)
{
	static const char *const wrong[] = {"\x80",         "\xc1\xbf",         "\xc2",
					    "\xe0\x9f\xbf", "\xed\xa0\x80",     "\xe2\x82",
					    "\xff",         "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
					    "\xf5"};
	char text[32];
	size_t bad;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		strcpy(text, "0123456789");
		strcat(text, wrong[i]);
		bad = 99;
		assert_false(utf8_is_text(text, strlen(text), &bad));
		assert_int_equal(bad, 10);
	}
	assert_false(utf8_is_text("0123456789\0abc", 14, &bad));
	assert_int_equal(bad, 10);
}

static void cuts_fall_between_characters(void **state)
{
	static const char text[] = "a\xc3\xa9\xe2\x82\xac"; /* 1, 2 and 3 bytes */
	static const size_t kept[] = {0, 1, 1, 3, 3, 3, 6, 6};

	(void)state;
	for (size_t room = 0; room < 8; room++)
		assert_int_equal(utf8_cut(text, 6, room), kept[room]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_well_formed_text_is_taken),
		cmocka_unit_test(ill_formed_bytes_are_found_where_they_stand),
		cmocka_unit_test(cuts_fall_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
