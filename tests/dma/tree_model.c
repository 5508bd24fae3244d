/* SPDX-License-Identifier: MIT */
/* See tree_model.h. */
#include "tree_model.h"

#include <stdlib.h>

void tree_model_init(struct tree_model *m, uint64_t entries)
{
	*m = (struct tree_model){
		.entries = entries, .begin_lo = UINT64_MAX, .begin_hi = UINT64_MAX};
	m->lo = calloc(entries, sizeof(*m->lo));
	m->hi = calloc(entries, sizeof(*m->hi));
}

void tree_model_fini(struct tree_model *m)
{
	free(m->lo);
	free(m->hi);
}

void tree_model_put(struct tree_model *m, uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++) {
		m->lo[i] = first;
		m->hi[i] = first + count - 1;
	}
}

void tree_model_remove(struct tree_model *m, uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++)
		m->hi[i] = 0;
}

static bool is_free(const struct tree_model *m, uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++)
		if (m->hi[i])
			return false;
	return true;
}

bool tree_model_highest(const struct tree_model *m, uint64_t low, uint64_t high, uint64_t count,
			uint64_t *out)
{
	uint64_t align = 1, at;

	while (align < count)
		align *= 2;
	if (high < count)
		return false;
	for (at = (high - count) / align * align; at >= low; at -= align) {
		if (is_free(m, at, count)) {
			*out = at;
			return true;
		}
		if (at < align)
			break;
	}
	return false;
}
