/* SPDX-License-Identifier: MIT */
/*
 * The grammar of one profile value, VALUE UNIT | GRADE [LOW..HIGH] | SOURCE, as described in
 * profiles/README.md. The range is in the value's unit and holds the value; a value that is an
 * estimate must have one, since a result that rests on it is run at both ends.
 */
#include "sim/profile_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"

static const char *const grade_names[] = {
	[GRADE_MEASURED] = "measured",
	[GRADE_PUBLISHED] = "published",
	[GRADE_ESTIMATED] = "estimated",
	NULL,
};

/* Copy @from up to @end, without the blanks at both ends. False if it does not fit. */
static bool copy_trimmed(char *to, size_t room, const char *from, const char *end)
{
	size_t bytes;

	while (from < end && isspace((unsigned char)*from))
		from++;
	while (end > from && isspace((unsigned char)end[-1]))
		end--;
	bytes = (size_t)(end - from);
	if (bytes >= room)
		return false;
	memcpy(to, from, bytes);
	to[bytes] = '\0';
	return true;
}

/* A bare number of the range, in the value's unit. */
static int bound_parse(struct quantity *out, const char *from, const char *end,
		       const struct quantity *value)
{
	char number[32], text[48];

	if (!copy_trimmed(number, sizeof(number), from, end))
		return -EINVAL;
	/* "108 ns..155 ns" is not the grammar; without this "1 k" + "ns" might be a unit one day.
	 */
	if (!number[0] || !isdigit((unsigned char)number[strlen(number) - 1]))
		return -EINVAL;
	snprintf(text, sizeof(text), "%s %s", number, value->unit);
	return quantity_parse(out, text, QUANTITY_MASK(value->kind), NULL);
}

static int range_parse(struct profile_value *out, const char *text, struct err *err)
{
	struct profile_row *row = &out->row;
	const char *dots = strstr(text, "..");

	if (!dots || bound_parse(&out->low, text, dots, &out->value) ||
	    bound_parse(&out->high, dots + 2, text + strlen(text), &out->value))
		return err_set(err, -EINVAL, "'%s': expected LOW..HIGH, two numbers %s%s", text,
			       out->value.unit[0] ? "in " : "without unit", out->value.unit);
	if (out->low.value > out->value.value || out->high.value < out->value.value)
		return err_set(err, -EINVAL, "%s lies outside its own range %s", row->text, text);
	if ((size_t)snprintf(row->range, sizeof(row->range), "%s%s%s", text,
			     out->value.unit[0] ? " " : "", out->value.unit) >= sizeof(row->range))
		return err_set(err, -EINVAL, "'%s': range longer than %zu bytes", text,
			       sizeof(row->range) - 1);
	return 0;
}

/* "GRADE" or "GRADE LOW..HIGH". */
static int grade_parse(struct profile_value *out, char *text, struct err *err)
{
	char *range = text + strcspn(text, " \t");
	const char *near;

	if (*range)
		*range++ = '\0';
	while (isspace((unsigned char)*range))
		range++;
	for (unsigned g = 0; grade_names[g]; g++) {
		if (strcmp(text, grade_names[g]))
			continue;
		out->row.grade = (enum grade)g;
		if (*range)
			return range_parse(out, range, err);
		if (g == GRADE_ESTIMATED)
			return err_set(err, -EINVAL,
				       "an estimated value needs its range: estimated LOW..HIGH");
		return 0;
	}
	near = nearest_in(text, grade_names);
	if (near)
		return err_set(err, -EINVAL, "'%s': unknown grade, did you mean %s?", text, near);
	return err_set(err, -EINVAL, "'%s': expected the grade measured, published or estimated",
		       text);
}

int profile_value_parse(struct profile_value *out, const char *text, unsigned kinds,
			struct err *err)
{
	const char *bar = strchr(text, '|'), *second = bar ? strchr(bar + 1, '|') : NULL;
	struct profile_row *row = &out->row;
	char grade[96];
	int rc;

	if (!second)
		return err_set(err, -EINVAL,
			       "expected 'VALUE UNIT | GRADE [LOW..HIGH] | SOURCE', found '%.60s'",
			       text);
	if (!copy_trimmed(row->text, sizeof(row->text), text, bar))
		return err_set(err, -EINVAL, "value longer than %zu bytes", sizeof(row->text) - 1);
	if (!copy_trimmed(grade, sizeof(grade), bar + 1, second))
		return err_set(err, -EINVAL, "grade and range longer than %zu bytes",
			       sizeof(grade) - 1);
	if (!copy_trimmed(row->source, sizeof(row->source), second + 1, text + strlen(text)))
		return err_set(err, -EINVAL, "source longer than %zu bytes",
			       sizeof(row->source) - 1);
	if (!row->source[0])
		return err_set(err, -EINVAL, "expected a source after the second '|'");
	rc = quantity_parse(&out->value, row->text, kinds, err);
	if (rc)
		return rc;
	out->low = out->high = out->value;
	row->range[0] = '\0';
	return grade_parse(out, grade, err);
}
