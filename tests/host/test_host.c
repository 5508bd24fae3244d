/* SPDX-License-Identifier: MIT */
/*
 * What is measured of a host: each row says a number or why not, and leaves the thread where it
 * was. How large the numbers are is the machine's affair, and no test's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/host.h"

static const struct host_options quick = {.quick = true};

static void each_row_says_a_finite_number_or_why_not(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HOST_QUANTITIES; i++) {
		struct host_sample s;

		assert_int_equal(host_measure((enum host_quantity)i, &quick, &s), 0);
		if (s.why_not[0]) {
			print_message("%s: %s\n", host_rows[i].name, s.why_not);
			assert_true(s.median == 0);
			continue;
		}
		assert_true(isfinite(s.median) && s.p10 > 0);
		assert_true(s.p10 <= s.median && s.median <= s.p90);
		assert_true(s.samples > 0);
		assert_true(s.method[0] && strlen(s.method) < sizeof(s.method) - 1);
	}
}

static void rows_have_names_of_their_own_and_units(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HOST_QUANTITIES; i++) {
		assert_true(host_rows[i].name && host_rows[i].title && host_rows[i].unit);
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(host_rows[i].name, host_rows[j].name);
	}
}

static void what_can_be_had_everywhere_is_measured_everywhere(void **state)
{
	static const enum host_quantity always[] = {HOST_CLOCK,    HOST_LOAD_L1, HOST_ATOMIC,
						    HOST_LOCK,     HOST_CALL,    HOST_SYSCALL,
						    HOST_WARM_1500};

	(void)state;
	for (unsigned i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
		struct host_sample s;

		assert_int_equal(host_measure(always[i], &quick, &s), 0);
		assert_string_equal(s.why_not, "");
	}
}

static void the_thread_may_run_afterwards_where_it_might_before(void **state)
{
	struct host_sample s;
	cpu_set_t before, after;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	assert_int_equal(host_measure(HOST_PINGPONG, &quick, &s), 0);
	assert_int_equal(sched_getaffinity(0, sizeof(after), &after), 0);
	assert_true(CPU_EQUAL(&before, &after));
}

static void one_cpu_is_too_few_for_a_transfer(void **state)
{
	struct host_sample s;
	cpu_set_t before, one;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	CPU_ZERO(&one);
	for (unsigned i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
		if (CPU_ISSET(i, &before))
			CPU_SET(i, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(host_cpus(), 1);
	assert_int_equal(host_measure(HOST_TRANSFER, &quick, &s), 0);
	assert_string_equal(s.why_not, "this process may run on one CPU only");
	assert_int_equal(host_measure(HOST_PINGPONG, &quick, &s), 0);
	assert_string_equal(s.why_not, "this process may run on one CPU only");
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

static bool stop_at_third(void *ctx)
{
	return ++*(unsigned *)ctx == 3;
}

static void whoever_stops_is_heard_between_two_rounds(void **state)
{
	unsigned asked = 0;
	const struct host_options options = {.should_stop = stop_at_third, .ctx = &asked};
	struct host_sample s;

	(void)state;
	assert_int_equal(host_measure(HOST_ATOMIC, &options, &s), -EINTR);
	assert_int_equal(asked, 3);
}

static void put(const char *root, const char *folder, const char *file, const char *text)
{
	char path[512];
	FILE *out;

	snprintf(path, sizeof(path), "%s%s/%s", root, folder, file);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

static void index_put(const char *root, unsigned index, const char *const text[5])
{
	static const char *const file[5] = {"level", "type", "size", "ways_of_associativity",
					    "shared_cpu_list"};
	char folder[64];
	char path[512];

	snprintf(folder, sizeof(folder), "/cpu3/cache/index%u", index);
	snprintf(path, sizeof(path), "%s%s", root, folder);
	assert_int_equal(mkdir(path, 0700), 0);
	for (unsigned i = 0; i < 5; i++)
		if (text[i])
			put(root, folder, file[i], text[i]);
}

static void cache_sizes_are_those_of_sysfs(void **state)
{
	static const char *const index[4][5] = {
		{"1\n", "Data\n", "48K\n", "12\n", "3\n"},
		{"1\n", "Instruction\n", "32K\n", "8\n", "3\n"},
		{"2\n", "Unified\n", "2048K\n", "16\n", "3\n"},
		{"3\n", "Unified\n", "36M\n", "12\n", "0-5,8,10-11\n"},
	};
	char root[] = "/tmp/iotoll-host-XXXXXX", path[512];
	struct host_caches c;

	(void)state;
	assert_non_null(mkdtemp(root));
	snprintf(path, sizeof(path), "%s/cpu3", root);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(host_caches_read(&c, root, 3), -ENOENT);
	snprintf(path, sizeof(path), "%s/cpu3/cache", root);
	assert_int_equal(mkdir(path, 0700), 0);
	for (unsigned i = 0; i < 4; i++)
		index_put(root, i, index[i]);
	assert_int_equal(host_caches_read(&c, root, 3), 0);
	assert_int_equal(c.l1_bytes, 48 << 10);
	assert_int_equal(c.l2_bytes, 2 << 20);
	assert_int_equal(c.llc_bytes, 36 << 20);
	assert_int_equal(c.l2_ways, 16);
	assert_int_equal(c.llc_ways, 12);
	assert_int_equal(c.llc_sharers, 9);
	snprintf(path, sizeof(path), "rm -r %s", root);
	assert_int_equal(system(path), 0);
}

static void steps_of_the_latency_are_the_caches(void **state)
{
	/* 4 KiB and twice that, and so on: 32 KiB, 1 MiB, 16 MiB, with slopes between. */
	static const double ns[16] = {1,   1, 1.1, 1.1, 2.5, 4.1, 4.2, 4.3,
				      4.5, 9, 14,  14,  15,  40,  90,  95};
	static const double flat[4] = {1, 1, 1, 1.2};
	struct host_caches c;

	(void)state;
	host_caches_from_steps(&c, ns, 16, 4096);
	assert_int_equal(c.l1_bytes, 32 << 10);
	assert_int_equal(c.l2_bytes, 1 << 20);
	assert_int_equal(c.llc_bytes, 16 << 20);
	host_caches_from_steps(&c, flat, 4, 4096);
	assert_int_equal(c.l1_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_says_a_finite_number_or_why_not),
		cmocka_unit_test(rows_have_names_of_their_own_and_units),
		cmocka_unit_test(what_can_be_had_everywhere_is_measured_everywhere),
		cmocka_unit_test(the_thread_may_run_afterwards_where_it_might_before),
		cmocka_unit_test(one_cpu_is_too_few_for_a_transfer),
		cmocka_unit_test(whoever_stops_is_heard_between_two_rounds),
		cmocka_unit_test(cache_sizes_are_those_of_sysfs),
		cmocka_unit_test(steps_of_the_latency_are_the_caches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
