// SPDX-License-Identifier: MIT
/*
 * Depth-first walk of a JSON document with dotted keys.
 */
#include "report/flat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/number.h"

#define DEPTH_LIMIT 64

struct walk {
	int (*fn)(void *ctx, const char *key, const json_t *leaf);
	void *ctx;
};

static int visit(const struct walk *w, const char *key, const json_t *value, int depth);

static int visit_member(const struct walk *w, const char *key, const char *name,
			const json_t *value, int depth)
{
	char *longer = NULL;
	int ret;

	if (asprintf(&longer, "%s%s%s", key, *key ? "." : "", name) < 0)
		return -ENOMEM;
	ret = visit(w, longer, value, depth);
	free(longer);
	return ret;
}

static int visit_array(const struct walk *w, const char *key, const json_t *array, int depth)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		char name[24];
		int ret;

		snprintf(name, sizeof(name), "%zu", i);
		ret = visit_member(w, key, name, json_array_get(array, i), depth);
		if (ret)
			return ret;
	}
	return 0;
}

static int visit_object(const struct walk *w, const char *key, const json_t *object, int depth)
{
	json_t *o = flat_iterable(object);

	for (void *it = json_object_iter(o); it; it = json_object_iter_next(o, it)) {
		int ret = visit_member(w, key, json_object_iter_key(it), json_object_iter_value(it),
				       depth);

		if (ret)
			return ret;
	}
	return 0;
}

static int visit(const struct walk *w, const char *key, const json_t *value, int depth)
{
	if (depth > DEPTH_LIMIT)
		return -E2BIG;
	if (json_object_size(value))
		return visit_object(w, key, value, depth + 1);
	if (json_array_size(value))
		return visit_array(w, key, value, depth + 1);
	return w->fn(w->ctx, key, value);
}

int flat_each(const json_t *value, const char *prefix,
	      int (*fn)(void *ctx, const char *key, const json_t *leaf), void *ctx)
{
	const struct walk w = {.fn = fn, .ctx = ctx};

	return visit(&w, prefix, value, 0);
}

char *flat_text(const json_t *leaf)
{
	char number[32];

	switch (leaf ? json_typeof(leaf) : JSON_NULL) {
	case JSON_STRING:
		return strdup(json_string_value(leaf));
	case JSON_INTEGER:
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(leaf));
		return strdup(number);
	case JSON_REAL:
		return strdup(number_exact(json_real_value(leaf)).text);
	case JSON_TRUE:
		return strdup("true");
	case JSON_FALSE:
		return strdup("false");
	case JSON_OBJECT:
		return strdup("{}");
	case JSON_ARRAY:
		return strdup("[]");
	case JSON_NULL:
		break;
	}
	return strdup("null");
}
