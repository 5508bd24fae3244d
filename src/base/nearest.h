/* SPDX-License-Identifier: MIT */
/*
 * "Did you mean ...?": the nearest of a set of names to one that was not found. Distance is the
 * number of letters inserted, dropped, changed or swapped with their neighbour; letter case is
 * free. A name is suggested only when it is close enough to be what was meant: at most a third of
 * the longer name's length away.
 */
#ifndef IOTOLL_BASE_NEAREST_H
#define IOTOLL_BASE_NEAREST_H

struct nearest {
	const char *wanted;
	const char *best; /* NULL while nothing is close enough */
	unsigned distance;
};

/* Look for names like @wanted, which must stay valid until the last use of @n. */
void nearest_init(struct nearest *n, const char *wanted);
/* Consider @candidate; of equals the first wins. */
void nearest_offer(struct nearest *n, const char *candidate);
/* The nearest of the NULL-terminated @list, or NULL if none is close. */
const char *nearest_in(const char *wanted, const char *const *list);
/*
 * The distance itself (optimal string alignment). Names over 63 bytes are never near anything:
 * returns UINT_MAX.
 */
unsigned nearest_distance(const char *a, const char *b);

#endif
