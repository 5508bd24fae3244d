/* SPDX-License-Identifier: MIT */
/*
 * Comma-separated values after RFC 4180: lines end in CR LF, a field with a comma, a quote or a
 * line end is quoted, quotes are doubled. The first line is a heading. Numbers are exact.
 */
#ifndef IOTOLL_REPORT_CSV_H
#define IOTOLL_REPORT_CSV_H

#include <jansson.h>
#include <stdio.h>

#include "base/err.h"

/* One field, quoted if it must be; the caller writes commas and line ends. */
void csv_field(FILE *out, const char *text);
/* @n fields and the line end. */
void csv_row(FILE *out, const char *const *fields, size_t n);

/*
 * Each writer returns 0, -EINVAL with @err if the document is not of its kind, -ENOMEM, or -EIO if
 * @out has failed.
 */

/* A run's result: "key,value", flattened to dotted keys. */
int report_run_csv(FILE *out, const json_t *run, struct err *err) MUST_CHECK;
/* A figure, one line a point: "series,bar,<x label>,<y label>,low,high,run". */
int report_figure_csv(FILE *out, const json_t *figure, struct err *err) MUST_CHECK;
/* Every figure of a study in one: "figure,series,bar,x,y,low,high,run". */
int report_study_csv(FILE *out, const json_t *study, struct err *err) MUST_CHECK;
/* A table: a heading of "name (unit)", then its rows. */
int report_table_csv(FILE *out, const json_t *table, struct err *err) MUST_CHECK;
/*
 * An array of objects, one line each: dotted keys are the columns, in the order in which they first
 * occur; what an object lacks, or has as null, is empty.
 */
int report_rows_csv(FILE *out, const json_t *rows, struct err *err) MUST_CHECK;
/* The claims of a study: "id,claim,source,rule,measured,verdict,note". */
int report_claims_csv(FILE *out, const json_t *study, struct err *err) MUST_CHECK;

#endif
