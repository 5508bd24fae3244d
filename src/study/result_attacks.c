/* SPDX-License-Identifier: MIT */
/* The part of a run's result that tells what became of a rogue device's attacks. */
#include "study/result_parts.h"
#include "study/result_put.h"

json_t *result_attacks(const struct testbed *t)
{
	json_t *o = json_object();
	const char *name, *title;

	for (unsigned i = 0; (name = rogue_kind(i, &title)); i++) {
		struct rogue_stats s;
		json_t *kind;

		if (!rogue_stats(t->rogue, i, &s))
			continue;
		kind = json_object();
		put(kind, "attempted", s.attempted);
		put(kind, "succeeded", s.succeeded);
		put(kind, "refused", s.refused);
		put(kind, "redirected", s.redirected);
		put(kind, "reported", s.reported);
		json_object_set_new(o, name, kind);
	}
	return o;
}
