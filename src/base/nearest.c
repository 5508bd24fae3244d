/* SPDX-License-Identifier: MIT */
/*
 * Damerau-Levenshtein distance in its optimal-string-alignment form, three rows at a time.
 */
#include "base/nearest.h"

#include <ctype.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#define NEAREST_MAX 63u

static unsigned char fold(char c)
{
	return (unsigned char)tolower((unsigned char)c);
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned nearest_distance(const char *a, const char *b)
{
	unsigned rows[3][NEAREST_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *now = rows[2], *spare;
	const size_t na = strlen(a), nb = strlen(b);

	if (na > NEAREST_MAX || nb > NEAREST_MAX)
		return UINT_MAX;
	for (unsigned j = 0; j <= nb; j++)
		last[j] = j;
	for (unsigned i = 1; i <= na; i++) {
		now[0] = i;
		for (unsigned j = 1; j <= nb; j++) {
			const unsigned changed = fold(a[i - 1]) != fold(b[j - 1]);

			now[j] = least(last[j - 1] + changed, least(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
			    fold(a[i - 2]) == fold(b[j - 1]))
				now[j] = least(now[j], before[j - 2] + 1);
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[nb];
}

void nearest_init(struct nearest *n, const char *wanted)
{
	*n = (struct nearest){.wanted = wanted, .distance = UINT_MAX};
}

void nearest_offer(struct nearest *n, const char *candidate)
{
	const size_t a = strlen(n->wanted), b = strlen(candidate);
	const size_t longer = a > b ? a : b;
	const unsigned distance = nearest_distance(n->wanted, candidate);

	if (distance > (longer < 3 ? 1 : longer / 3) || distance >= longer)
		return;
	if (distance < n->distance) {
		n->distance = distance;
		n->best = candidate;
	}
}

const char *nearest_in(const char *wanted, const char *const *list)
{
	struct nearest n;

	nearest_init(&n, wanted);
	for (; *list; list++)
		nearest_offer(&n, *list);
	return n.best;
}
