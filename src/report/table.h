/* SPDX-License-Identifier: MIT */
/*
 * Text tables for terminals: columns aligned by what they show (UTF-8 aware), two blanks between
 * columns, a rule under the heading, the last column wrapped at words if it is left-aligned.
 * Text is made safe on entry: control characters of a hostile name never reach the terminal.
 *
 *	struct table *t = table_create();
 *	table_column(t, "Strategy", TABLE_LEFT);
 *	table_column(t, "CPU\n%", TABLE_RIGHT);
 *	table_cell(t, "%s", name);
 *	table_cell(t, "%.1f", percent);
 *	err = table_print(t, stdout, 0);
 *	table_destroy(t);
 *
 * A shortage of memory is remembered and reported by table_print(), so calls need no checks;
 * every function takes the NULL of a failed table_create().
 */
#ifndef IOTOLL_REPORT_TABLE_H
#define IOTOLL_REPORT_TABLE_H

#include <stdio.h>

#include "base/err.h"

enum table_align { TABLE_LEFT, TABLE_RIGHT };

#define TABLE_WIDTH 100u /* columns assumed where the terminal's width is not known */

struct table;

/* NULL when memory is short, which the other functions take. */
struct table *table_create(void);
void table_destroy(struct table *t);

/*
 * Add a column, before the first cell. @title may hold line ends; shorter headings stand at the
 * bottom (NULL counts as a shortage of memory). A table whose titles are all empty prints no
 * heading and no rule.
 */
void table_column(struct table *t, const char *title, enum table_align align);
/* The next cell, row by row; a row ends by itself when every column has its cell. */
void table_cell(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The next cell is @text, which is freed here; NULL counts as a shortage of memory. */
void table_take(struct table *t, char *text);
/* Fill the current row with empty cells; nothing if no row is begun. */
void table_end_row(struct table *t);
/* A rule across the table after the rows given so far. */
void table_rule(struct table *t);

/*
 * Print to @out, at most @width columns wide (0 = TABLE_WIDTH) if wrapping the last column can
 * achieve it (never below 20 columns for it). No trailing blanks. Returns 0, -ENOMEM, or -EIO
 * if @out has failed.
 */
int table_print(const struct table *t, FILE *out, unsigned width) MUST_CHECK;

#endif
