/* SPDX-License-Identifier: MIT */
/* How figures and tables of the study "paper" are put into JSON. All answers are new references. */
#ifndef IOTOLL_STUDY_PAPER_SHOW_H
#define IOTOLL_STUDY_PAPER_SHOW_H

#include "study/paper.h"

/* A column of numbers if it has a @unit, of words if that is "". */
json_t *paper_column(const char *name, const char *unit);
/* A number; "-" if there is none. */
json_t *paper_cell(int decimals, double value);
/* The same with its sign and one decimal. */
json_t *paper_signed(double value);
/* Takes @columns and @rows over. */
json_t *paper_table(const char *id, const char *title, json_t *columns, json_t *rows,
		    const char *note);
/* The first column is named @first; then message size, throughput and CPU, off and on. */
json_t *paper_off_on_columns(const char *first);
/* A row for them: points "<stem>m<size>/off|on". */
void paper_add_off_on_row(json_t *rows, const struct paper *p, const char *stem, const char *title,
			  unsigned size);

/* Takes @y_max and @series over. Both axes are named; y begins at 0. */
json_t *paper_line_figure(const char *id, const char *title, const char *x_label,
			  const char *x_scale, const char *y_label, json_t *y_max, json_t *series,
			  const char *note);
/*
 * Append the lines "<prefix>IOMMU off" and "... on": @path of the points "<stem>m<size>/off|on" at
 * every size, with the extremes over the ways the headline was run where they were.
 */
void paper_add_off_on(json_t *series, const struct paper *p, const char *stem, const char *prefix,
		      const char *path);

#endif
