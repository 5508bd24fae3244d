/* SPDX-License-Identifier: MIT */
/*
 * A study's document may have sections, and these parts, each with figures and tables of its own
 * beside those of the study:
 *
 *	"sections": [{"id", "title", "words": [...], "figures": [...], "tables": [...],
 *		      "parts": [{ the same }]}]
 */
#ifndef IOTOLL_REPORT_SECTIONS_H
#define IOTOLL_REPORT_SECTIONS_H

#include <jansson.h>

/*
 * Every member of @kind, "figures" or "tables", of @study itself and of its sections, in the order
 * in which a page shows them: a new array of references; NULL when memory is short.
 */
json_t *sections_all(const json_t *study, const char *kind);

#endif
