/* SPDX-License-Identifier: MIT */
/* Rows of strings with names, as a table and as CSV. */
#include <errno.h>

#include "cli/cli.h"
#include "report/csv.h"
#include "report/table.h"

int cli_rows_text(FILE *out, const json_t *rows, struct err *err)
{
	struct table *t = table_create();
	const char *key;
	json_t *row, *value;
	size_t i;
	int rc;

	json_object_foreach(json_array_get(rows, 0), key, value) table_column(t, key, TABLE_LEFT);
	json_array_foreach(rows, i, row) json_object_foreach(row, key, value)
		table_cell(t, "%s", json_string_value(value));
	rc = table_print(t, out, 0);
	table_destroy(t);
	return rc ? err_set(err, rc, "cannot print the list") : 0;
}

int cli_rows_csv(FILE *out, const json_t *rows, struct err *err)
{
	const char *fields[16], *key;
	json_t *row, *value;
	size_t i, n = 0;

	json_object_foreach(json_array_get(rows, 0), key, value) fields[n++] = key;
	csv_row(out, fields, n);
	json_array_foreach(rows, i, row)
	{
		n = 0;
		json_object_foreach(row, key, value) fields[n++] = json_string_value(value);
		csv_row(out, fields, n);
	}
	return ferror(out) ? err_set(err, -EIO, "cannot write the list") : 0;
}
