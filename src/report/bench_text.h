/* SPDX-License-Identifier: MIT */
/* Results of iotoll bench for terminals and spreadsheets: report_writers. */
#ifndef IOTOLL_REPORT_BENCH_TEXT_H
#define IOTOLL_REPORT_BENCH_TEXT_H

#include <jansson.h>
#include <stdio.h>

#include "base/err.h"

/* The machine's floors, then a table with a row for each result. */
int report_bench_text(FILE *out, const json_t *document, struct err *err) MUST_CHECK;
/* The same, and each result's rounds as bars. */
int report_bench_bars(FILE *out, const json_t *document, struct err *err) MUST_CHECK;
/* One line a result, its fields as in the JSON; what does not apply is empty. */
int report_bench_csv(FILE *out, const json_t *document, struct err *err) MUST_CHECK;

#endif
