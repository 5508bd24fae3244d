// SPDX-License-Identifier: MIT
/* What the sections of a study have between them. */
#include "report/sections.h"

#define DEPTH 4 /* parts within parts, more than anybody writes */

static int gather(json_t *all, const json_t *from, const char *kind, unsigned depth)
{
	const json_t *list = json_object_get(from, kind);
	const json_t *parts = json_object_get(from, depth ? "parts" : "sections");
	int ret = 0;

	for (size_t i = 0; i < json_array_size(list) && !ret; i++)
		ret = json_array_append(all, json_array_get(list, i));
	for (size_t i = 0; depth < DEPTH && i < json_array_size(parts) && !ret; i++)
		ret = gather(all, json_array_get(parts, i), kind, depth + 1);
	return ret;
}

json_t *sections_all(const json_t *study, const char *kind)
{
	json_t *all = json_array();

	if (!all || !gather(all, study, kind, 0))
		return all;
	json_decref(all);
	return NULL;
}
