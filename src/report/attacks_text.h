/* SPDX-License-Identifier: MIT */
/* What became of a rogue device's attacks, as a table. */
#ifndef IOTOLL_REPORT_ATTACKS_TEXT_H
#define IOTOLL_REPORT_ATTACKS_TEXT_H

#include <jansson.h>
#include <stdio.h>

#include "base/err.h"

/*
 * Print the member "attacks" of a run's result to @out, a blank line before it; nothing if there is
 * none (NULL). 0, -ENOMEM, -EIO.
 */
int attacks_text(FILE *out, const json_t *attacks, unsigned width) MUST_CHECK;

#endif
