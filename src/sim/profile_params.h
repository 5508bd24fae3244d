/* SPDX-License-Identifier: MIT */
/*
 * The table of a profile's parameters, private to the loader in profile.c. It is the only list of
 * them: a new cost is a field of struct cost and a row here.
 */
#ifndef IOTOLL_SIM_PROFILE_PARAMS_H
#define IOTOLL_SIM_PROFILE_PARAMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/quantity.h"
#include "sim/profile.h"

#define PROFILE_PARAMS 101

struct profile_param {
	const char *key;
	unsigned kinds;    /* mask of enum quantity_kind; 0 = text */
	size_t offset;     /* of the field in struct profile */
	size_t bytes;      /* of the field: 4 or 8 for numbers */
	bool optional;     /* may be left out: the field stays 0, which its comment explains */
	uint64_t min, max; /* legal, in picoseconds, hertz, bytes or one */
	const char *help;
};

/* The machine's clock is the first number: cycles of the others are converted with it. */
extern const struct profile_param profile_params[PROFILE_PARAMS];

/* NULL-terminated. */
extern const char *const profile_sections[];

/* A section that may be left out as a whole, and the flag in struct profile that says it is there.
 */
struct profile_optional {
	const char *section;
	size_t flag;
};

#define PROFILE_OPTIONALS 4
extern const struct profile_optional profile_optionals[PROFILE_OPTIONALS];

/* Which of them @p belongs to; PROFILE_OPTIONALS: to none. */
size_t profile_param_optional(const struct profile_param *p);

enum profile_part { PART_BASE, PART_SHARED, PART_PROTECTION };

/*
 * Does @p cost only where memory is protected ([iommu], cache-line flushes, interrupt flags around
 * the table's lock; under the hypervisor what asking it for a mapping takes: calls and their
 * batches, checks), only elsewhere ([kernel], copies, ...), or in both (misses, transfers, the rest
 * of [xen], which a domain pays whether its devices are confined or not)?
 */
enum profile_part profile_param_part(const struct profile_param *p);

/* A time that something takes, not a size, number or clock that describes the machine? */
bool profile_param_is_cost(const struct profile_param *p);

/* Is @p a parameter of [@section]? */
bool profile_param_in(const struct profile_param *p, const char *section);

/* The parameter called "section.key", or NULL with @err saying what may have been meant. */
const struct profile_param *profile_param_find(const char *key, struct err *err);

#endif
