/* SPDX-License-Identifier: MIT */
/*
 * Flatten a JSON value to dotted keys: {"dma": {"maps": 3}} is "dma.maps" = 3, array elements
 * are numbered from 0. Order is the document's. An empty object or array is a leaf of its own,
 * so nothing of the document is lost.
 */
#ifndef IOTOLL_REPORT_FLAT_H
#define IOTOLL_REPORT_FLAT_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Call @fn for each leaf of @value with its key (@prefix in front, which may be ""). @fn's
 * nonzero answer ends the walk and is returned. 0 otherwise; -ENOMEM; -E2BIG if the document
 * nests deeper than 64 levels.
 */
int flat_each(const json_t *value, const char *prefix,
	      int (*fn)(void *ctx, const char *key, const json_t *leaf), void *ctx) MUST_CHECK;

/*
 * A leaf as text: strings as they are, exact numbers, true, false, null, {} or []. To be freed;
 * NULL when memory is short.
 */
char *flat_text(const json_t *leaf);

/* jansson's iterators (which go in the order of insertion) change nothing but take no const. */
static inline json_t *flat_iterable(const json_t *object)
{
	return (json_t *)(uintptr_t)object;
}

#endif
