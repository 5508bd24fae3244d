/* SPDX-License-Identifier: MIT */
/*
 * One value of a machine profile, private to profile.c: VALUE UNIT | GRADE [LOW..HIGH] | SOURCE.
 */
#ifndef IOTOLL_SIM_PROFILE_VALUE_H
#define IOTOLL_SIM_PROFILE_VALUE_H

#include "base/quantity.h"
#include "sim/profile.h"

struct profile_value {
	struct quantity value, low, high; /* low = high = value where no range is given */
	struct profile_row row;           /* text, range, grade and source filled */
};

/*
 * Read @text, whose number may be of one of the quantity @kinds. 0, or -EINVAL with @err saying
 * what was expected, without naming the key.
 */
int profile_value_parse(struct profile_value *out, const char *text, unsigned kinds,
			struct err *err) MUST_CHECK;

#endif
