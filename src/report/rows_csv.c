// SPDX-License-Identifier: MIT
/*
 * Objects as lines of a CSV file: a column for each dotted key that any of them has.
 */
#include <errno.h>
#include <stdlib.h>

#include "report/csv.h"
#include "report/flat.h"

/* Both arguments of flat_each()'s callbacks: what is collected, and for whom. */
static int note_key(void *columns, const char *key, const json_t *leaf)
{
	(void)leaf;
	return json_object_set_new(columns, key, json_true()) ? -ENOMEM : 0;
}

static int note_leaf(void *fields, const char *key, const json_t *leaf)
{
	char *text = json_is_null(leaf) ? NULL : flat_text(leaf);
	int ret = 0;

	if (!json_is_null(leaf) && !text)
		return -ENOMEM;
	if (text && json_object_set_new(fields, key, json_string(text)))
		ret = -ENOMEM;
	free(text);
	return ret;
}

static int write_row(FILE *out, json_t *columns, const json_t *row)
{
	json_t *fields = json_object(), *unused;
	const char *key;
	size_t n = 0;
	int ret = fields ? flat_each(row, "", note_leaf, fields) : -ENOMEM;

	json_object_foreach(columns, key, unused)
	{
		const char *text = json_string_value(json_object_get(fields, key));

		if (ret)
			break;
		if (n++)
			fputc(',', out);
		csv_field(out, text ? text : "");
	}
	if (!ret)
		fputs("\r\n", out);
	json_decref(fields);
	return ret;
}

static void write_heading(FILE *out, json_t *columns)
{
	json_t *unused;
	const char *key;
	size_t n = 0;

	json_object_foreach(columns, key, unused)
	{
		if (n++)
			fputc(',', out);
		csv_field(out, key);
	}
	fputs("\r\n", out);
}

int report_rows_csv(FILE *out, const json_t *rows, struct err *err)
{
	json_t *columns;
	int ret = 0;

	if (!json_is_array(rows))
		return err_set(err, -EINVAL, "rows are not a JSON array");
	columns = json_object();
	if (!columns)
		return -ENOMEM;
	for (size_t i = 0; i < json_array_size(rows) && !ret; i++)
		ret = flat_each(json_array_get(rows, i), "", note_key, columns);
	if (!ret)
		write_heading(out, columns);
	for (size_t i = 0; i < json_array_size(rows) && !ret; i++)
		ret = write_row(out, columns, json_array_get(rows, i));
	json_decref(columns);
	if (ret == -E2BIG)
		return err_set(err, -EINVAL, "a row nests too deeply");
	return ret ? ret : ferror(out) ? -EIO : 0;
}
