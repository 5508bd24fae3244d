/* SPDX-License-Identifier: MIT */
/*
 * Where the project's own text files are: below $IOTOLL_DATA if set, beside the program (a build
 * folder in the source tree), or where it was installed.
 */
#ifndef IOTOLL_STUDY_PATHS_H
#define IOTOLL_STUDY_PATHS_H

#include <stddef.h>

#include "base/err.h"

/*
 * The file for @name in @folder ("profiles", "scenarios", "traces"): "x460-2007" is
 * FOLDER/x460-2007.ini; anything with a slash or ending in @suffix is a path as it stands. 0;
 * -ENOENT with @err listing what there is and the nearest name.
 */
int paths_find(const char *folder, const char *name, const char *suffix, char *to, size_t bytes,
	       struct err *err) MUST_CHECK;
/* Call @fn for each name there is in @folder, sorted. 0 or -errno. */
int paths_each(const char *folder, const char *suffix, void (*fn)(void *ctx, const char *name),
	       void *ctx, struct err *err) MUST_CHECK;

#endif
