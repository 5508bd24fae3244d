// SPDX-License-Identifier: MIT
/* The device's side of page requests: registers, credit, groups. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hw/pri.h"

static struct pri pri;

/* Reset, two requests allotted, on: the order of Linux. */
static int setup(void **state)
{
	(void)state;
	pri_init(&pri, 4);
	pri_config_write(&pri, 4, 2, 2);
	pri_config_write(&pri, 0xC, 2, 4);
	pri_config_write(&pri, 4, 1, 2);
	return 0;
}

static uint16_t status(void)
{
	return (uint16_t)pri_config_read(&pri, 6, 2);
}

static void registers_are_where_they_are_published(void **state)
{
	(void)state;
	assert_int_equal(pri_config_read(&pri, 0, 4) & 0xFFFF, 0x13);
	assert_int_equal(pri_config_read(&pri, 4, 2), 1);
	assert_int_equal(pri_config_read(&pri, 8, 4), 4);
	assert_int_equal(pri_config_read(&pri, 0xC, 4), 2);
	assert_int_equal(pri_config_read(&pri, 5, 2), 0);
	assert_int_equal(pri_config_read(&pri, 16, 4), 0);
	pri_config_write(&pri, 0xC, 99, 4); /* no more than there is */
	assert_int_equal(pri_config_read(&pri, 0xC, 4), 4);
}

static void nothing_is_sent_without_credit_or_while_off(void **state)
{
	uint64_t message;

	(void)state;
	assert_int_equal(pri_ask(&pri, 0x5123, 3, PRI_REQUEST_R, &message), 0);
	assert_int_equal(message, 0x5000 | 3 << 3 | 1);
	assert_int_equal(pri_ask(&pri, 0x6000, 3, PRI_REQUEST_W | PRI_REQUEST_L, &message), 0);
	assert_int_equal(message, 0x6000 | 3 << 3 | 6);
	assert_int_equal(pri_ask(&pri, 0x7000, 4, PRI_REQUEST_R, &message), -EBUSY);
	assert_int_equal(pri_response(&pri, 3, PRI_SUCCESS), 0);
	assert_int_equal(pri_ask(&pri, 0x7000, 4, 0, &message), -EINVAL);
	assert_int_equal(pri_ask(&pri, 0x7000, 512, PRI_REQUEST_R, &message), -EINVAL);
	assert_int_equal(pri_ask(&pri, 0x7000, 4, PRI_REQUEST_R | PRI_REQUEST_L, &message), 0);
	assert_int_equal(pri_ask(&pri, 0x7000, 4, PRI_REQUEST_R, &message), -EINVAL);
	pri_config_write(&pri, 4, 0, 2);
	assert_int_equal(pri_ask(&pri, 0x7000, 5, PRI_REQUEST_R, &message), -ESHUTDOWN);
	assert_true(pri_check(&pri));
}

static void stopped_means_off_and_nothing_outstanding(void **state)
{
	uint64_t message;

	(void)state;
	assert_int_equal(status() & 0x100, 0);
	assert_int_equal(pri_ask(&pri, 0x5000, 3, PRI_REQUEST_R | PRI_REQUEST_L, &message), 0);
	pri_config_write(&pri, 4, 0, 2);
	assert_int_equal(status() & 0x100, 0);
	assert_int_equal(pri_response(&pri, 3, PRI_INVALID), 0);
	assert_int_equal(status() & 0x100, 0x100);
	assert_true(pri_check(&pri));
}

static void unexpected_responses_are_noted(void **state)
{
	uint64_t message;

	(void)state;
	assert_int_equal(pri_ask(&pri, 0x5000, 3, PRI_REQUEST_R, &message), 0);
	assert_int_equal(pri_response(&pri, 3, PRI_SUCCESS), -ENOENT); /* not closed yet */
	assert_int_equal(status(), 2);
	pri_config_write(&pri, 6, 2, 2);
	assert_int_equal(status(), 0);
	assert_int_equal(pri_response(&pri, 511, PRI_SUCCESS), -ENOENT);
	assert_int_equal(pri_response(&pri, 9999, PRI_SUCCESS), -ENOENT);
	assert_true(pri_check(&pri));
}

static void failure_switches_off_until_software_clears_it(void **state)
{
	uint64_t message;

	(void)state;
	assert_int_equal(pri_ask(&pri, 0x5000, 3, PRI_REQUEST_R | PRI_REQUEST_L, &message), 0);
	assert_int_equal(pri_response(&pri, 3, PRI_FAILURE), 0);
	assert_int_equal(status(), 0x101);
	assert_int_equal(pri_ask(&pri, 0x5000, 3, PRI_REQUEST_R, &message), -ESHUTDOWN);
	pri_config_write(&pri, 4, 1u << 16 | 1, 4);
	assert_int_equal(status(), 0);
	assert_int_equal(pri_ask(&pri, 0x5000, 3, PRI_REQUEST_R, &message), 0);
}

static void reset_counts_only_while_off(void **state)
{
	uint64_t message;

	(void)state;
	assert_int_equal(pri_ask(&pri, 0x5000, 3, PRI_REQUEST_R, &message), 0);
	pri_config_write(&pri, 4, 3, 2);
	assert_int_equal(pri.outstanding, 1);
	pri_config_write(&pri, 4, 0, 2);
	pri_config_write(&pri, 4, 2, 2);
	assert_int_equal(pri.outstanding, 0);
	assert_int_equal(status(), 0x100);
	assert_int_equal(pri_config_read(&pri, 4, 2), 0); /* Reset reads 0 */
	assert_true(pri_check(&pri));
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(registers_are_where_they_are_published),
		CASE(nothing_is_sent_without_credit_or_while_off),
		CASE(stopped_means_off_and_nothing_outstanding),
		CASE(unexpected_responses_are_noted),
		CASE(failure_switches_off_until_software_clears_it),
		CASE(reset_counts_only_while_off),
	};

	return cmocka_run_group_tests_name("hw/pri", tests, NULL, NULL);
}
