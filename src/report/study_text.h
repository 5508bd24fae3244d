/* SPDX-License-Identifier: MIT */
/*
 * A study on a terminal: its summary, each figure as a table, its tables, its claims with their
 * verdicts and how many hold; last of all where the page is.
 */
#ifndef IOTOLL_REPORT_STUDY_TEXT_H
#define IOTOLL_REPORT_STUDY_TEXT_H

#include <jansson.h>
#include <stdio.h>

#include "base/err.h"

/*
 * @page: path of the page written from the same document, NULL if none was. @width: columns of
 * the terminal, 0 if unknown. 0; -EINVAL with @err for a figure that cannot be drawn or a study
 * that is no object; -ENOMEM; -EIO if @out has failed.
 */
int study_text(FILE *out, const json_t *study, const char *page, unsigned width,
	       struct err *err) MUST_CHECK;

/* A report_writer: study_text() without a page, for a terminal of unknown width. */
int report_study_text(FILE *out, const json_t *study, struct err *err) MUST_CHECK;

#endif
