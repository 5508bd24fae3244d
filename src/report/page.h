/* SPDX-License-Identifier: MIT */
/*
 * A study as one self-contained HTML page: figures drawn inline, their data, tables, claims with
 * verdicts, and every run that a figure links to with the command that repeats it; the other runs
 * are in study.json. Nothing is fetched, nothing is executed; it reads on a telephone, on paper and
 * in the dark. Links to the files written beside it (study.json, CSV, SVG) are the only references
 * to anything outside.
 */
#ifndef IOTOLL_REPORT_PAGE_H
#define IOTOLL_REPORT_PAGE_H

#include <jansson.h>
#include <stdio.h>

#include "base/err.h"

/*
 * A report_writer. 0; -EINVAL with @err for a study that is no object or a figure that cannot be
 * drawn; -ENOMEM; -EIO if @out has failed. Members that are missing are left out of the page.
 */
int report_page(FILE *out, const json_t *study, struct err *err) MUST_CHECK;

#endif
