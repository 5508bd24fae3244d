/* SPDX-License-Identifier: MIT */
/* The table of scenario parameters and how one value's text becomes a field. */
#ifndef IOTOLL_STUDY_PARAMS_H
#define IOTOLL_STUDY_PARAMS_H

#include "base/quantity.h"
#include "study/scenario.h"

#define PARAM_AUTO UINT64_MAX

enum param_type { PARAM_NUMBER, PARAM_CHOICE, PARAM_NAME, PARAM_FILE };

struct param_row {
	struct param param;
	enum param_type type;
	size_t offset;             /* into struct scenario */
	enum quantity_kind number; /* PARAM_NUMBER */
	uint64_t min, max;
	bool automatic;             /* PARAM_NUMBER: "auto" is PARAM_AUTO until scenario_finish() */
	const char *const *choices; /* PARAM_CHOICE: field gets the index */
	const char *(*name)(unsigned index, const char **title); /* PARAM_NAME: a registry */
	const char *extra_names[2]; /* PARAM_NAME: names besides the registry's */
};

extern const struct param_row param_rows[];
extern const size_t param_count;

/* Row of @section.@key, or NULL. */
const struct param_row *param_find(const char *section, const char *key);
/* "section.key" nearest to what was asked for, or NULL; static storage is not used: into @to. */
const char *param_nearest(const char *section, const char *key, char *to, size_t bytes);
/* Put @value into @s by @row. -EINVAL: @err says "section.key: what was expected". */
int param_apply(struct scenario *s, const struct param_row *row, const char *value,
		struct err *err) MUST_CHECK;
/*
 * -EINVAL, and "PLACE: section.key: words" in @err, PLACE being where the setting was given: file
 * and line, or the command line.
 */
int param_refuse(const struct scenario *s, const char *section, const char *key, struct err *err,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6)));

#endif
