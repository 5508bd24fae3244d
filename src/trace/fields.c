// SPDX-License-Identifier: MIT
/* Which events of the kernel are known: see fields.h. */
#include "trace/fields.h"

#include <string.h>

static const struct fields_row *const families[] = {fields_iommu, fields_probe, fields_dma};

const struct fields_row *fields_find(const char *name, size_t bytes)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		for (const struct fields_row *row = families[i]; row->name; row++)
			/* Most rows differ in their first letter, and this is asked of each line.
			 */
			if (*row->name == *name && strncmp(row->name, name, bytes) == 0 &&
			    !row->name[bytes])
				return row;
	return NULL;
}

const char *fields_take_row(struct trace *t, const struct fields_row *row, struct cut fields,
			    struct trace_event *ev)
{
	const uint64_t has = ev->has;
	const char *wrong = FIELDS_FOREIGN;

	if (row) {
		ev->kind = row->kind;
		wrong = row->take(t, fields, ev);
	}
	if (wrong != FIELDS_FOREIGN)
		return wrong;
	ev->kind = TRACE_OTHER;
	ev->has = has | TRACE_HAS(TRACE_F_TEXT);
	ev->text = (struct trace_text){fields.at, (size_t)(fields.end - fields.at)};
	return NULL;
}

const char *fields_take(struct trace *t, struct cut fields, struct trace_event *ev)
{
	return fields_take_row(t, fields_find(ev->name, ev->name_bytes), fields, ev);
}
