/* SPDX-License-Identifier: MIT */
/*
 * The claims of a study as terminal text, as Markdown and as CSV. A claim is an object: "id",
 * "text", "source", "rule", "measured", "verdict", "note"; and, where it was made of figures that
 * somebody else published too, "group" (its chapter), "published", "why" (it does not hold, or was
 * not tested), "ends" (verdicts with estimates at either end, and of other seeds) and "figures":
 * "what", "value", "unit", "published" (or null), "field" (of the result it is made of), "judged",
 * "command", and "by", the command of what it was divided by. docs/results.md explains each.
 */
#ifndef IOTOLL_REPORT_CLAIMS_H
#define IOTOLL_REPORT_CLAIMS_H

#include <jansson.h>
#include <stdio.h>

#include "base/err.h"

/* How many claims of @study have @verdict. */
size_t study_count_verdicts(const json_t *study, const char *verdict);

/* For a terminal of @width columns (0: unknown). Nothing if there are none. 0, -ENOMEM, -EIO. */
int claims_text(FILE *out, const json_t *study, unsigned width) MUST_CHECK;

/*
 * A report_writer: title, summary, what does not hold or was not tested with the reason, all claims
 * in one table, then each with its figures and the command of each.
 */
int report_claims_markdown(FILE *out, const json_t *study, struct err *err) MUST_CHECK;

/* A report_writer: a line for each figure of each claim; for each claim that has none. */
int report_claim_figures_csv(FILE *out, const json_t *study, struct err *err) MUST_CHECK;

#endif
