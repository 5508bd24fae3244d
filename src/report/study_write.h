/* SPDX-License-Identifier: MIT */
/*
 * A study into a directory: figure-N.svg and figure-N.csv for each figure, table-N.csv for each
 * table, claims.csv and claims.md, study.json and index.html.
 */
#ifndef IOTOLL_REPORT_STUDY_WRITE_H
#define IOTOLL_REPORT_STUDY_WRITE_H

#include <jansson.h>

#include "base/err.h"

/*
 * Write @study's files into @directory, which is made if it is not there; each file is replaced as
 * a whole, index.html last. 0; -EINVAL with @err if a figure or table cannot be written or two
 * share a name; -errno with @err naming the file.
 */
int report_study_write(const char *directory, const json_t *study, struct err *err) MUST_CHECK;

/*
 * "figure" + "-" + @id + @suffix, with everything but letters, digits, '.', '_' and '-' in @id
 * replaced by '-', and no path in it. To be freed; NULL when memory is short.
 */
char *study_file_name(const char *kind, const char *id, const char *suffix);

#endif
