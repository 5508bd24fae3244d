/* SPDX-License-Identifier: MIT */
/*
 * A figure as rows and columns of text, for the terminal and for the data tables of the page.
 * Lines: one row an x, one column a series, and where a series exists with protection off and on,
 * the change in percent. Stacked bars: one row a bar, the total, and one column a category that is
 * not zero everywhere. Scatter plots: one row a point, from the left.
 */
#ifndef IOTOLL_REPORT_GRID_H
#define IOTOLL_REPORT_GRID_H

#include "report/chart.h"

struct grid_cell {
	char text[112];  /* "57.1", "57.1 (50.0..60.0)", "-" where nothing was measured */
	const char *run; /* id of the run behind it, "" if none; the JSON's */
};

struct grid {
	char **titles; /* ncolumns */
	size_t ncolumns, nrows;
	struct grid_cell *cells; /* nrows * ncolumns, row after row */
	size_t left;             /* how many leading columns are text, not numbers */
};

/* 0 and *@out, or -ENOMEM. @c's JSON must outlive the grid. */
int grid_of_chart(struct grid **out, const struct chart *c) MUST_CHECK;
void grid_free(struct grid *g);

#endif
