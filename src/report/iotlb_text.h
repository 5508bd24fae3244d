/* SPDX-License-Identifier: MIT */
/* Results of the IOTLB laboratory for terminals, spreadsheets and pages: report_writers. */
#ifndef IOTOLL_REPORT_IOTLB_TEXT_H
#define IOTOLL_REPORT_IOTLB_TEXT_H

#include <jansson.h>
#include <stdio.h>

#include "base/err.h"

/* The stream in a few lines, then a table with a row for each point. */
int report_iotlb_text(FILE *out, const json_t *result, struct err *err) MUST_CHECK;
/* One line a point, its fields as in the JSON; what does not apply is empty. */
int report_iotlb_csv(FILE *out, const json_t *result, struct err *err) MUST_CHECK;
/* The figure: misses by size, one line a curve. */
int report_iotlb_svg(FILE *out, const json_t *result, struct err *err) MUST_CHECK;

#endif
