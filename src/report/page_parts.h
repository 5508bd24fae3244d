/* SPDX-License-Identifier: MIT */
/*
 * Private to the page writer: the parts of the page, in the order in which they appear.
 */
#ifndef IOTOLL_REPORT_PAGE_PARTS_H
#define IOTOLL_REPORT_PAGE_PARTS_H

#include <jansson.h>
#include <stdio.h>

#include "base/err.h"

/* The style sheet of the page. */
void page_css(FILE *out);
/* Each writes a <section>, or several, or nothing if the study has nothing for it. */
int page_sections(FILE *out, const json_t *study, struct err *err) MUST_CHECK;
int page_figures(FILE *out, const json_t *study, struct err *err) MUST_CHECK;
int page_claims(FILE *out, const json_t *study, struct err *err) MUST_CHECK;
int page_tables(FILE *out, const json_t *study, struct err *err) MUST_CHECK;
int page_runs(FILE *out, const json_t *study, struct err *err) MUST_CHECK;
/* One figure, and one table, of any of them. */
int page_figure(FILE *out, const json_t *json, struct err *err) MUST_CHECK;
int page_table(FILE *out, const json_t *json) MUST_CHECK;
/* A paragraph of @class, escaped; nothing for an empty text. */
void page_paragraph(FILE *out, const char *class_name, const char *text);
/* "good", "bad", "open" or "info": the class of a verdict's badge. */
const char *page_verdict_class(const char *verdict);

#endif
