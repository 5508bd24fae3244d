/* SPDX-License-Identifier: MIT */
/* Pieces of iotoll calibrate: what was found as a document, and that for people. */
#ifndef IOTOLL_CLI_CALIBRATE_H
#define IOTOLL_CLI_CALIBRATE_H

#include <jansson.h>

#include "calibrate/calibrate.h"

/* What was measured, a row each. */
json_t *calibrate_json_measured(const struct calibration *c);
/* The model against measurements, a row each. */
json_t *calibrate_json_check(const struct calibrate_check check[CALIBRATE_CHECKS]);

/* report_writers of the whole document. */
int calibrate_text(FILE *out, const json_t *document, struct err *err);
int calibrate_csv(FILE *out, const json_t *document, struct err *err);

#endif
