// SPDX-License-Identifier: MIT
/*
 * Number formatting, and the two readers of JSON members that every report needs. The formats
 * rely on the C numeric locale, which the program never leaves.
 */
#include "report/number.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct number_text number_exact(double value)
{
	struct number_text n;

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(n.text, sizeof(n.text), "%.*g", digits, value);
		if (strtod(n.text, NULL) == value)
			break;
	}
	return n;
}

struct number_text number_human(double value)
{
	struct number_text n;

	if (fabs(value) >= 1000 && fabs(value) < 1e15)
		snprintf(n.text, sizeof(n.text), "%.0f", value);
	else
		snprintf(n.text, sizeof(n.text), "%.4g", value == 0 ? 0 : value);
	return n;
}

struct number_text number_readable(double value)
{
	struct number_text n;

	if (fabs(value) >= 1e5 && fabs(value) < 1e15)
		snprintf(n.text, sizeof(n.text), "%.0f", value);
	else
		snprintf(n.text, sizeof(n.text), "%.6g", value == 0 ? 0 : value);
	return n;
}

int number_decimals(double largest)
{
	double edge = 1000;

	largest = fabs(largest);
	if (largest == 0)
		return 0;
	for (int decimals = 0; decimals < 6; decimals++, edge /= 10)
		if (largest >= edge)
			return decimals;
	return 6;
}

struct number_text number_fixed(double value, int decimals)
{
	struct number_text n;

	if (fabs(value) >= 1e15) /* its digits would not fit */
		return number_human(value);
	snprintf(n.text, sizeof(n.text), "%.*f", decimals, value);
	if (n.text[0] == '-' && strspn(n.text + 1, "0.") == strlen(n.text + 1))
		memmove(n.text, n.text + 1, strlen(n.text));
	return n;
}

struct number_text number_percent_change(double value)
{
	struct number_text n, digits = number_fixed(value, 1);
	const char *sign = digits.text[0] == '-' || strcmp(digits.text, "0.0") == 0 ? "" : "+";

	snprintf(n.text, sizeof(n.text), "%s%.40s %%", sign, digits.text);
	return n;
}

struct number_text number_bytes(double bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	struct number_text n;
	size_t unit = 0;

	while (bytes >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		bytes /= 1024;
		unit++;
	}
	snprintf(n.text, sizeof(n.text), "%.4g %s", bytes, units[unit]);
	return n;
}

bool number_member(const json_t *object, const char *key, double *value)
{
	const json_t *member = json_object_get(object, key);

	if (!json_is_number(member))
		return false;
	*value = json_number_value(member);
	return true;
}

const char *text_member(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

const char *column_unit(const json_t *column)
{
	const char *unit = text_member(column, "unit");

	return unit[strspn(unit, " ")] ? unit : "";
}
