/* SPDX-License-Identifier: MIT */
/* Numbers with units. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/quantity.h"
#include "seed.h"

#define ANY ((1u << QUANTITY_KINDS) - 1)

static void units_are_read_exactly(void **state)
{
	static const struct {
		const char *text;
		enum quantity_kind kind;
		uint64_t value;
		const char *unit;
	} rows[] = {
		{"130 ns", QUANTITY_TIME, 130000, "ns"},
		{"130ns", QUANTITY_TIME, 130000, "ns"},
		{"  130\t ns ", QUANTITY_TIME, 130000, "ns"},
		{"1.18 ns", QUANTITY_TIME, 1180, "ns"},
		{"0.001 ns", QUANTITY_TIME, 1, "ns"},
		{"1.5 us", QUANTITY_TIME, 1500000, "us"},
		{"1 ms", QUANTITY_TIME, 1000000000, "ms"},
		{"2.500000000000000000000 s", QUANTITY_TIME, 2500000000000, "s"},
		{"0 ps", QUANTITY_TIME, 0, "ps"},
		{"000000000000000000000000000007 ps", QUANTITY_TIME, 7, "ps"},
		{"44 cycles", QUANTITY_CYCLES, 44000, "cycles"},
		{"1 cycle", QUANTITY_CYCLES, 1000, "cycle"},
		{"0.5 cycles", QUANTITY_CYCLES, 500, "cycles"},
		{"512 B", QUANTITY_BYTES, 512, "B"},
		{"1.5 KiB", QUANTITY_BYTES, 1536, "KiB"},
		{"2 MiB", QUANTITY_BYTES, 2097152, "MiB"},
		{"4 GiB", QUANTITY_BYTES, 4294967296, "GiB"},
		{"1 Gb/s", QUANTITY_RATE, 1000000000, "Gb/s"},
		{"1.5 GB/s", QUANTITY_RATE, 12000000000, "GB/s"},
		{"0.125 B/s", QUANTITY_RATE, 1, "B/s"},
		{"1.8 GHz", QUANTITY_FREQUENCY, 1800000000, "GHz"},
		{"133.333333 MHz", QUANTITY_FREQUENCY, 133333333, "MHz"},
		{"8", QUANTITY_COUNT, 8, ""},
		{"18446744073709551615", QUANTITY_COUNT, UINT64_MAX, ""},
		{"12.5 %", QUANTITY_PERCENT, 125000, "%"},
		{"12.5 percent", QUANTITY_PERCENT, 125000, "percent"},
	};
	struct quantity q;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(quantity_parse(&q, rows[i].text, ANY, &err), 0);
		assert_int_equal(q.kind, rows[i].kind);
		assert_true(q.value == rows[i].value);
		assert_string_equal(q.unit, rows[i].unit);
	}
}

static void garbage_is_refused_with_what_was_expected(void **state)
{
	static const char *const bad[] = {
		"",        "ns",     "130",      "-1 ns",    "+1 ns",   "1e3 ns",
		"1,5 ns",  ".5 ns",  "1. ns",    "1.2.3 ns", "0x10 ns", "130 nss",
		"130 n s", "130 NS", "130 ns x", "inf ns",
	};
	struct quantity q;
	char expected[200];
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(expected, sizeof(expected),
			 "'%s': expected a time (ps, ns, us, ms, s) or cycles", bad[i]);
		assert_int_equal(quantity_parse(&q, bad[i],
						QUANTITY_MASK(QUANTITY_TIME) |
							QUANTITY_MASK(QUANTITY_CYCLES),
						&err),
				 -EINVAL);
		assert_string_equal(err.text, expected);
	}
}

static void each_kind_names_its_units(void **state)
{
	static const char *const expected[QUANTITY_KINDS] = {
		"'?': expected a time (ps, ns, us, ms, s)",
		"'?': expected cycles",
		"'?': expected a size (B, KiB, MiB, GiB)",
		"'?': expected a rate (b/s, kb/s, Mb/s, Gb/s, MB/s, GB/s)",
		"'?': expected a frequency (Hz, kHz, MHz, GHz)",
		"'?': expected a whole number without unit",
		"'?': expected a percentage (%)",
	};
	struct quantity q;
	struct err err;

	(void)state;
	for (unsigned k = 0; k < QUANTITY_KINDS; k++) {
		assert_int_equal(quantity_parse(&q, "?", QUANTITY_MASK(k), &err), -EINVAL);
		assert_string_equal(err.text, expected[k]);
	}
}

static void a_unit_of_another_kind_is_refused(void **state)
{
	struct quantity q;
	struct err err;

	(void)state;
	assert_int_equal(quantity_parse(&q, "44 cycles", QUANTITY_MASK(QUANTITY_TIME), &err),
			 -EINVAL);
	assert_string_equal(err.text, "'44 cycles': expected a time (ps, ns, us, ms, s)");
	assert_int_equal(quantity_parse(&q, "44 B", QUANTITY_MASK(QUANTITY_COUNT), &err), -EINVAL);
}

static void what_does_not_fit_is_refused_not_rounded(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{"0.0001 ns", "'0.0001 ns': finer than 1 ps"},
		{"1.18 ps", "'1.18 ps': finer than 1 ps"},
		{"0.0001 cycles", "'0.0001 cycles': finer than 0.001 cycles"},
		{"1.3 KiB", "'1.3 KiB': finer than 1 B"},
		{"0.5", "'0.5': finer than 1"},
		{"1.00000001 GHz", NULL},
		{"0.1 B/s", "'0.1 B/s': finer than 1 b/s"},
		{"0.00001 %", "'0.00001 %': finer than 0.0001 %"},
		{"18446744073709551616", "'18446744073709551616': too large a number"},
		{"18446744073709552 us", "'18446744073709552 us': too large a number"},
		{"18446744 s", NULL},
		{"18446745 s", "'18446745 s': too large a number"},
		{"0.00000000000000000000001 s", "'0.00000000000000000000001 s': finer than 1 ps"},
		{"1.99999999999999999999 s", "'1.99999999999999999999 s': too large a number"},
	};
	struct quantity q;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(quantity_parse(&q, rows[i].text, ANY, &err),
				 rows[i].expected ? -EINVAL : 0);
		if (rows[i].expected)
			assert_string_equal(err.text, rows[i].expected);
	}
}

static void format_takes_the_largest_unit_that_reads_well(void **state)
{
	static const struct {
		enum quantity_kind kind;
		uint64_t value;
		const char *text;
	} rows[] = {
		{QUANTITY_TIME, 0, "0 ps"},
		{QUANTITY_TIME, 999, "999 ps"},
		{QUANTITY_TIME, 1180, "1.18 ns"},
		{QUANTITY_TIME, 1234567, "1234.567 ns"},
		{QUANTITY_TIME, 1500000, "1.5 us"},
		{QUANTITY_TIME, 1000000000000, "1 s"},
		{QUANTITY_CYCLES, 44000, "44 cycles"},
		{QUANTITY_CYCLES, 500, "0.5 cycles"},
		{QUANTITY_BYTES, 2097152, "2 MiB"},
		{QUANTITY_BYTES, 1073741825, "1073741825 B"},
		{QUANTITY_BYTES, 1536, "1.5 KiB"},
		{QUANTITY_RATE, 12000000000, "12 Gb/s"},
		{QUANTITY_FREQUENCY, 1800000000, "1.8 GHz"},
		{QUANTITY_COUNT, 8, "8"},
		{QUANTITY_PERCENT, 125000, "12.5 %"},
	};
	char text[40];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		quantity_format(text, sizeof(text), rows[i].kind, rows[i].value);
		assert_string_equal(text, rows[i].text);
	}
}

static void what_is_written_reads_back_the_same(void **state)
{
	struct quantity q;
	struct rng rng;
	struct err err;
	char text[40];

	(void)state;
	seed_from_env(&rng);
	for (unsigned i = 0; i < 50000; i++) {
		const enum quantity_kind kind = (enum quantity_kind)(i % QUANTITY_KINDS);
		uint64_t value = rng_u64(&rng) >> rng_below(&rng, 64);

		if (i % 3 == 0)
			value -= value % 1000000;
		quantity_format(text, sizeof(text), kind, value);
		assert_true(strlen(text) + 1 < sizeof(text));
		assert_int_equal(quantity_parse(&q, text, QUANTITY_MASK(kind), &err), 0);
		assert_true(q.value == value && q.kind == kind);
	}
}

static void any_bytes_are_read_or_refused(void **state)
{
	static const char letters[] = "0123456789.. \tnsumpkKMGiBbHz/%cyle";
	struct quantity q;
	struct rng rng;
	struct err err;
	char text[24];

	(void)state;
	seed_from_env(&rng);
	for (unsigned i = 0; i < 200000; i++) {
		const size_t bytes = rng_below(&rng, sizeof(text));
		int rc;

		for (size_t c = 0; c < bytes; c++)
			text[c] = letters[rng_below(&rng, sizeof(letters) - 1)];
		text[bytes] = '\0';
		err.text[0] = '\0';
		rc = quantity_parse(&q, text, ANY, &err);
		assert_true(rc == 0 || (rc == -EINVAL && err.text[0]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_are_read_exactly),
		cmocka_unit_test(garbage_is_refused_with_what_was_expected),
		cmocka_unit_test(each_kind_names_its_units),
		cmocka_unit_test(a_unit_of_another_kind_is_refused),
		cmocka_unit_test(what_does_not_fit_is_refused_not_rounded),
		cmocka_unit_test(format_takes_the_largest_unit_that_reads_well),
		cmocka_unit_test(what_is_written_reads_back_the_same),
		cmocka_unit_test(any_bytes_are_read_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
