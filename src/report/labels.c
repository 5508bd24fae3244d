// SPDX-License-Identifier: MIT
/*
 * Greedy placement: for each label rings of positions around its point, the first that is free; and
 * all over again from another direction if that leaves one without a place.
 */
#include "report/labels.h"

#include <math.h>

#define DIRECTIONS 24u
#define RINGS      40u
#define RING       6.0 /* from one to the next */
#define NEAR_RINGS 3u  /* beyond, a line leads to the label */
#define ATTEMPTS   (2 * DIRECTIONS)
#define GAP        1.5 /* between boxes */

static bool overlap(const struct label_box *a, const struct label_box *b)
{
	return a->left < b->right + GAP && b->left < a->right + GAP && a->top < b->bottom + GAP &&
	       b->top < a->bottom + GAP;
}

static struct label_box around(double x, double y, double radius)
{
	return (struct label_box){x - radius, y - radius, x + radius, y + radius};
}

/* The box whose nearest point to the label's point lies at @distance in direction @angle. */
static struct label_box at(const struct label *l, double distance, double angle)
{
	const double c = cos(angle), s = sin(angle);
	/* Sideways the text begins or ends there, above and below it is centred. */
	const double x = l->x + distance * c + (c - 1) / 2 * l->width;
	const double y = l->y + distance * s + (s - 1) / 2 * l->height;

	return (struct label_box){x, y, x + l->width, y + l->height};
}

static double clamp(double v, double low, double high)
{
	return v < low ? low : v > high ? high : v;
}

void labels_end(const struct label *l, double *x, double *y)
{
	*x = clamp(l->x, l->box.left, l->box.right);
	*y = clamp(l->y, l->box.top, l->box.bottom);
}

/* Does the line from @l's point to its box cross @box? Sampled finer than any box is thin. */
static bool line_crosses(const struct label *l, const struct label_box *box)
{
	double x, y;

	labels_end(l, &x, &y);
	for (int i = 1; i < 32; i++) {
		const struct label_box dot =
			around(l->x + (x - l->x) * i / 32, l->y + (y - l->y) * i / 32, 0);

		if (overlap(&dot, box))
			return true;
	}
	return false;
}

static bool is_free(const struct label *labels, size_t n, size_t me,
		    const struct label_ground *ground)
{
	const struct label_box *plot = &ground->plot;
	const struct label *l = &labels[me];
	const double radius = ground->radius;

	if (l->box.left < plot->left || l->box.right > plot->right || l->box.top < plot->top ||
	    l->box.bottom > plot->bottom)
		return false;
	for (size_t i = 0; i < ground->things; i++)
		if (overlap(&l->box, &ground->thing[i]))
			return false;
	for (size_t i = 0; i < n; i++) {
		const struct label_box point = around(labels[i].x, labels[i].y, radius);

		if (overlap(&l->box, &point))
			return false;
		if (i != me && l->apart && line_crosses(l, &point) &&
		    (fabs(labels[i].x - l->x) > 2 * radius ||
		     fabs(labels[i].y - l->y) > 2 * radius))
			return false;
	}
	for (size_t i = 0; i < me; i++)
		if (overlap(&l->box, &labels[i].box) ||
		    (l->apart && line_crosses(l, &labels[i].box)) ||
		    (labels[i].apart && line_crosses(&labels[i], &l->box)))
			return false;
	return true;
}

/*
 * The first free position of label @me: to the right first, then turn by turn away from there, or
 * in another attempt from another direction, and at last none that is near: near ones stand in the
 * way of lines where many points share a place.
 */
static bool place(struct label *labels, size_t n, size_t me, const struct label_ground *ground,
		  unsigned attempt)
{
	const double radius = ground->radius;
	struct label *l = &labels[me];

	for (unsigned ring = attempt < DIRECTIONS ? 0 : NEAR_RINGS; ring < RINGS; ring++) {
		for (unsigned i = 0; i < DIRECTIONS; i++) {
			const double turn = (double)((i + 1) / 2) * (i % 2 ? -1 : 1) + attempt;

			l->apart = ring >= NEAR_RINGS;
			l->box =
				at(l, radius + 3 + ring * RING, turn * 2 * acos(-1.0) / DIRECTIONS);
			if (is_free(labels, n, me, ground))
				return true;
		}
	}
	l->apart = false;
	l->box = at(l, radius + 3, 0);
	return false;
}

/* How many found a place. */
static size_t attempt_all(struct label *labels, size_t n, const struct label_ground *ground,
			  unsigned attempt)
{
	size_t placed = 0;

	for (size_t i = 0; i < n; i++)
		placed += place(labels, n, i, ground, attempt);
	return placed;
}

bool labels_place(struct label *labels, size_t n, const struct label_ground *ground)
{
	size_t most = 0;
	unsigned best = 0;

	for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
		const size_t placed = attempt_all(labels, n, ground, attempt);

		if (placed == n)
			return true;
		if (placed > most) {
			most = placed;
			best = attempt;
		}
	}
	(void)attempt_all(labels, n, ground, best);
	return false;
}
