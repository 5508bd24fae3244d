/* SPDX-License-Identifier: MIT */
/*
 * Make a failing program small: delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating
 * Failure-Inducing Input", IEEE TSE 2002) over the list of operations.
 */
#ifndef IOTOLL_TESTS_ORACLE_SHRINK_H
#define IOTOLL_TESTS_ORACLE_SHRINK_H

#include "program.h"

/* Does @p still fail in the same way? 1 yes, 0 no, negative errno: stop and report that. */
typedef int (*shrink_fails_fn)(void *ctx, const struct program *p);

/*
 * Remove operations from @p, which fails, as long as it goes on failing and at most @tries
 * questions were asked. In the end no single operation can be left out (unless the tries ran
 * out). 0, or what @fails returned; @p then holds the smallest list known to fail.
 */
int shrink(struct program *p, shrink_fails_fn fails, void *ctx, unsigned tries) MUST_CHECK;

#endif
