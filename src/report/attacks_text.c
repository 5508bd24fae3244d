/* SPDX-License-Identifier: MIT */
/* A row for each kind of attack: how often, and what came of it. */
#include "report/attacks_text.h"

#include "report/flat.h"
#include "report/number.h"
#include "report/table.h"

static double count(const json_t *kind, const char *field)
{
	return json_number_value(json_object_get(kind, field));
}

static void row(struct table *t, const char *name, const json_t *kind)
{
	static const char *const outcomes[] = {"succeeded", "refused", "redirected", "reported"};
	const double attempted = count(kind, "attempted");

	table_cell(t, "%s", name);
	table_cell(t, "%.0f", attempted);
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		table_cell(t, "%.0f", count(kind, outcomes[i]));
	table_cell(t, "%s",
		   attempted > 0 ? number_fixed(100 * count(kind, "succeeded") / attempted, 1).text
				 : "-");
}

int attacks_text(FILE *out, const json_t *attacks, unsigned width)
{
	json_t *o = flat_iterable(attacks);
	struct table *t;
	int ret;

	if (!attacks)
		return 0;
	t = table_create();
	table_column(t, "Attack", TABLE_LEFT);
	table_column(t, "attempted", TABLE_RIGHT);
	table_column(t, "succeeded", TABLE_RIGHT);
	table_column(t, "refused", TABLE_RIGHT);
	table_column(t, "redirected", TABLE_RIGHT);
	table_column(t, "reported", TABLE_RIGHT);
	table_column(t, "% successful", TABLE_RIGHT);
	for (void *it = json_object_iter(o); it; it = json_object_iter_next(o, it))
		row(t, json_object_iter_key(it), json_object_iter_value(it));
	fputc('\n', out);
	ret = table_print(t, out, width);
	table_destroy(t);
	return ret;
}
