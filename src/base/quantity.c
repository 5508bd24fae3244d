/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing numbers with units. The unit table below is the only list of units; a
 * kind's units stand together, smallest first, the preferred spelling of a size first.
 */
#include "base/quantity.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit {
	enum quantity_kind kind;
	const char *name;
	uint64_t scale; /* base units in one of these */
	bool written;   /* quantity_format() uses it */
};

/* clang-format off */
static const struct unit units[] = {
	{QUANTITY_TIME,	     "ps",	1, true},
	{QUANTITY_TIME,	     "ns",	1000, true},
	{QUANTITY_TIME,	     "us",	1000000, true},
	{QUANTITY_TIME,	     "ms",	1000000000, true},
	{QUANTITY_TIME,	     "s",	1000000000000, true},
	{QUANTITY_CYCLES,    "cycles",	1000, true},
	{QUANTITY_CYCLES,    "cycle",	1000, false},
	{QUANTITY_BYTES,     "B",	1, true},
	{QUANTITY_BYTES,     "KiB",	(uint64_t)1 << 10, true},
	{QUANTITY_BYTES,     "MiB",	(uint64_t)1 << 20, true},
	{QUANTITY_BYTES,     "GiB",	(uint64_t)1 << 30, true},
	{QUANTITY_RATE,	     "b/s",	1, true},
	{QUANTITY_RATE,	     "B/s",	8, false},
	{QUANTITY_RATE,	     "kb/s",	1000, true},
	{QUANTITY_RATE,	     "kB/s",	8000, false},
	{QUANTITY_RATE,	     "Mb/s",	1000000, true},
	{QUANTITY_RATE,	     "MB/s",	8000000, false},
	{QUANTITY_RATE,	     "Gb/s",	1000000000, true},
	{QUANTITY_RATE,	     "GB/s",	8000000000, false},
	{QUANTITY_FREQUENCY, "Hz",	1, true},
	{QUANTITY_FREQUENCY, "kHz",	1000, true},
	{QUANTITY_FREQUENCY, "MHz",	1000000, true},
	{QUANTITY_FREQUENCY, "GHz",	1000000000, true},
	{QUANTITY_COUNT,     "",	1, true},
	{QUANTITY_PERCENT,   "%",	10000, true},
	{QUANTITY_PERCENT,   "percent",	10000, false},
};

static const char *const kind_titles[QUANTITY_KINDS] = {
	[QUANTITY_TIME]	     = "a time (ps, ns, us, ms, s)",
	[QUANTITY_CYCLES]    = "cycles",
	[QUANTITY_BYTES]     = "a size (B, KiB, MiB, GiB)",
	[QUANTITY_RATE]	     = "a rate (b/s, kb/s, Mb/s, Gb/s, MB/s, GB/s)",
	[QUANTITY_FREQUENCY] = "a frequency (Hz, kHz, MHz, GHz)",
	[QUANTITY_COUNT]     = "a whole number without unit",
	[QUANTITY_PERCENT]   = "a percentage (%)",
};

static const char *const base_units[QUANTITY_KINDS] = {
	[QUANTITY_TIME]	     = "1 ps",
	[QUANTITY_CYCLES]    = "0.001 cycles",
	[QUANTITY_BYTES]     = "1 B",
	[QUANTITY_RATE]	     = "1 b/s",
	[QUANTITY_FREQUENCY] = "1 Hz",
	[QUANTITY_COUNT]     = "1",
	[QUANTITY_PERCENT]   = "0.0001 %",
};
/* clang-format on */

#define UNITS (sizeof(units) / sizeof(units[0]))

/* A decimal number: digits / 10^decimals. */
struct decimal {
	uint64_t digits;
	unsigned decimals;
};

/* "a time (...) or cycles" into @to. */
static void expected_text(char *to, size_t bytes, unsigned kinds)
{
	size_t used = 0;

	to[0] = '\0';
	for (unsigned k = 0; k < QUANTITY_KINDS && used < bytes; k++) {
		if (kinds & QUANTITY_MASK(k))
			used += (size_t)snprintf(to + used, bytes - used, "%s%s",
						 used ? " or " : "", kind_titles[k]);
	}
}

static int refuse(struct err *err, const char *text, unsigned kinds)
{
	char expected[256];

	expected_text(expected, sizeof(expected), kinds);
	return err_set(err, -EINVAL, "'%s': expected %s", text, expected);
}

static bool digit_push(uint64_t *digits, char c)
{
	return !__builtin_mul_overflow(*digits, 10u, digits) &&
	       !__builtin_add_overflow(*digits, (uint64_t)(c - '0'), digits);
}

/*
 * Read a number at *@at and move past it. 0, -EINVAL if there is none, -ERANGE if it has too many
 * digits for 64 bits. Zeros that end a fraction carry nothing and are dropped.
 */
static int decimal_read(struct decimal *out, const char **at)
{
	const char *c = *at, *end;

	*out = (struct decimal){0};
	if (!isdigit((unsigned char)*c))
		return -EINVAL;
	for (; isdigit((unsigned char)*c); c++) {
		if (!digit_push(&out->digits, *c))
			return -ERANGE;
	}
	if (*c == '.') {
		c++;
		for (end = c; isdigit((unsigned char)*end); end++)
			;
		if (end == c)
			return -EINVAL;
		*at = end;
		while (end > c && end[-1] == '0')
			end--;
		for (; c < end; c++, out->decimals++) {
			if (!digit_push(&out->digits, *c))
				return -ERANGE;
		}
		return 0;
	}
	*at = c;
	return 0;
}

/* @number times @scale. 0, -ERANGE when too large, -EDOM when not a whole number. */
static int decimal_scale(uint64_t *out, struct decimal number, uint64_t scale)
{
	unsigned __int128 product = (unsigned __int128)number.digits * scale;

	for (; number.decimals; number.decimals--) {
		if (product % 10)
			return -EDOM;
		product /= 10;
	}
	if (product > UINT64_MAX)
		return -ERANGE;
	*out = (uint64_t)product;
	return 0;
}

static const struct unit *unit_find(const char *name, size_t bytes, unsigned kinds)
{
	for (size_t i = 0; i < UNITS; i++) {
		if ((kinds & QUANTITY_MASK(units[i].kind)) && strlen(units[i].name) == bytes &&
		    !memcmp(units[i].name, name, bytes))
			return &units[i];
	}
	return NULL;
}

int quantity_parse(struct quantity *out, const char *text, unsigned kinds, struct err *err)
{
	const struct unit *unit;
	struct decimal number;
	const char *at = text;
	size_t length;
	int rc;

	while (isspace((unsigned char)*at))
		at++;
	rc = decimal_read(&number, &at);
	if (rc == -ERANGE)
		return err_set(err, -EINVAL, "'%s': too large a number", text);
	if (rc)
		return refuse(err, text, kinds);
	while (isspace((unsigned char)*at))
		at++;
	length = strlen(at);
	while (length && isspace((unsigned char)at[length - 1]))
		length--;
	unit = unit_find(at, length, kinds);
	if (!unit)
		return refuse(err, text, kinds);
	rc = decimal_scale(&out->value, number, unit->scale);
	if (rc == -EDOM)
		return err_set(err, -EINVAL, "'%s': finer than %s", text, base_units[unit->kind]);
	if (rc)
		return err_set(err, -EINVAL, "'%s': too large a number", text);
	out->kind = unit->kind;
	out->unit = unit->name;
	return 0;
}

/* The decimals of @rest / @scale, which are known to end. */
static void format_fraction(char *to, size_t bytes, uint64_t rest, uint64_t scale)
{
	size_t n = 0;

	if (rest && n + 1 < bytes)
		to[n++] = '.';
	while (rest && n + 1 < bytes) {
		const unsigned __int128 ten = (unsigned __int128)rest * 10;

		to[n++] = (char)('0' + (int)(ten / scale));
		rest = (uint64_t)(ten % scale);
	}
	to[n] = '\0';
}

/* Is @value a number of at least 1 with at most three decimals in @u? */
static bool unit_suits(const struct unit *u, uint64_t value)
{
	return value >= u->scale && (unsigned __int128)value * 1000 % u->scale == 0;
}

void quantity_format(char *to, size_t bytes, enum quantity_kind kind, uint64_t value)
{
	const struct unit *best = NULL;
	char fraction[8];

	for (size_t i = 0; i < UNITS; i++) {
		if (units[i].kind == kind && units[i].written &&
		    (!best || unit_suits(&units[i], value)))
			best = &units[i];
	}
	format_fraction(fraction, sizeof(fraction), value % best->scale, best->scale);
	snprintf(to, bytes, "%llu%s%s%s", (unsigned long long)(value / best->scale), fraction,
		 best->name[0] ? " " : "", best->name);
}
