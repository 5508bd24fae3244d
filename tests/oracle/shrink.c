// SPDX-License-Identifier: MIT
/*
 * See shrink.h. Only complements are tried: a chunk of a stateful program seldom fails by itself.
 */
#include "shrink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* @to = @p without [first, first + count). */
static void without(struct program *to, const struct program *p, size_t first, size_t count)
{
	memcpy(to->op, p->op, first * sizeof(*p->op));
	memcpy(to->op + first, p->op + first + count, (p->ops - first - count) * sizeof(*p->op));
	to->ops = p->ops - count;
}

/*
 * Try to leave out each chunk of @chunk operations, the last first: what comes late needs what came
 * before. 0 or an error; *@removed says whether anything went.
 */
static int pass(struct program *p, struct program *candidate, size_t chunk, shrink_fails_fn fails,
		void *ctx, unsigned *tries, bool *removed)
{
	size_t end = p->ops;

	while (end > 0 && *tries > 0) {
		size_t count = end < chunk ? end : chunk;
		int ret;

		(*tries)--;
		without(candidate, p, end - count, count);
		ret = fails(ctx, candidate);
		if (ret < 0)
			return ret;
		end -= count;
		if (ret > 0) {
			memcpy(p->op, candidate->op, candidate->ops * sizeof(*p->op));
			p->ops = candidate->ops;
			*removed = true;
		}
	}
	return 0;
}

int shrink(struct program *p, shrink_fails_fn fails, void *ctx, unsigned tries)
{
	struct program candidate = {.op = malloc((p->ops + 1) * sizeof(*p->op)), .size = p->ops};
	size_t chunk = p->ops / 2;
	int ret = candidate.op == NULL ? -ENOMEM : 0;

	while (ret == 0 && tries > 0 && p->ops > 0) {
		bool removed = false;

		if (chunk == 0)
			chunk = 1;
		ret = pass(p, &candidate, chunk, fails, ctx, &tries, &removed);
		if (chunk > 1)
			chunk /= 2;
		else if (!removed)
			break;
	}
	program_free(&candidate);
	return ret;
}
