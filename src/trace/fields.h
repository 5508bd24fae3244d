/* SPDX-License-Identifier: MIT */
/*
 * What the text of one event of the Linux kernel says, behind "name:": the same text whether it
 * comes from tracefs, trace-cmd, perf or a print format that a binary file carries along. One file
 * for each family of events, its rows collected in fields.c.
 */
#ifndef IOTOLL_TRACE_FIELDS_H
#define IOTOLL_TRACE_FIELDS_H

#include "trace/cut.h"
#include "trace/format.h"

/* What a row's function answers if the text is that of another event of the same name. */
#define FIELDS_FOREIGN ((const char *)-1)

struct fields_row {
	const char *name;
	enum trace_kind kind;
	/*
	 * Fill in the fields and their bits. NULL; what was expected and did not come;
	 * FIELDS_FOREIGN.
	 */
	const char *(*take)(struct trace *t, struct cut c, struct trace_event *ev);
};

/* Ended by a row without a name. */
extern const struct fields_row fields_iommu[];
extern const struct fields_row fields_probe[];
extern const struct fields_row fields_dma[];

/*
 * @ev has name, time and place; fill in what @fields say. NULL, or what was expected and did not
 * come. An event that no row knows is TRACE_OTHER with its text.
 */
const char *fields_take(struct trace *t, struct cut fields, struct trace_event *ev);
/* The same for one row that is known already. */
const char *fields_take_row(struct trace *t, const struct fields_row *row, struct cut fields,
			    struct trace_event *ev);
/* NULL if no row has that name. */
const struct fields_row *fields_find(const char *name, size_t bytes);

#endif
