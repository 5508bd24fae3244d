/* SPDX-License-Identifier: MIT */
/*
 * Numbers as text. Two manners: exact, for files that programs read back, and human, for eyes.
 */
#ifndef IOTOLL_REPORT_NUMBER_H
#define IOTOLL_REPORT_NUMBER_H

#include <jansson.h>
#include <stdbool.h>

struct number_text {
	char text[48];
};

/* The shortest decimal that reads back as the same double ("57.1", "1e+300"). */
struct number_text number_exact(double value);
/* Four significant digits, integer digits never cut: "57.1", "941.4", "114868", "0.003215". */
struct number_text number_human(double value);
/* Six significant digits, integer digits never cut: for lists of results on a terminal. */
struct number_text number_readable(double value);
/* How many decimals show @largest with four significant digits (0..6); for whole columns. */
int number_decimals(double largest);
/* @value with @decimals; a rounded zero never prints a minus sign. */
struct number_text number_fixed(double value, int decimals);
/* "+12.3 %"; "0.0 %" carries no sign. */
struct number_text number_percent_change(double value);
/* A message size the way people say it: "16 B", "1 KiB", "1.5 KiB", "64 KiB". @bytes >= 0. */
struct number_text number_bytes(double bytes);

/* The number member @key of @object into *@value; false (untouched) if there is none. */
bool number_member(const json_t *object, const char *key, double *value);
/* The string member @key of @object, or "" if there is none. */
const char *text_member(const json_t *object, const char *key);
/* The unit of a table's column, "" if it has none or a blank one. */
const char *column_unit(const json_t *column);

#endif
