/* SPDX-License-Identifier: MIT */
/*
 * Where the labels of points go, so that none lies on another, on a point or outside the plot, as
 * cartographers do: near positions first, a line to the point where only a far one is free.
 */
#ifndef IOTOLL_REPORT_LABELS_H
#define IOTOLL_REPORT_LABELS_H

#include <stdbool.h>
#include <stddef.h>

struct label_box {
	double left, top, right, bottom;
};

struct label {
	double x, y;          /* the point */
	double width, height; /* of the text */
	/* Chosen: */
	struct label_box box;
	bool apart; /* so far away that a line should lead there */
};

/* Where labels may lie and what they keep off. */
struct label_ground {
	struct label_box plot;
	double radius;                 /* of each point */
	const struct label_box *thing; /* whatever else is drawn; lines to points may cross it */
	size_t things;
};

/*
 * Choose the boxes of @n labels, in the order given. False if one of them found no place: then it
 * lies where it overlaps, and the others do not.
 */
bool labels_place(struct label *labels, size_t n, const struct label_ground *ground);
/* The corner or edge of the box that is nearest to its point: where the line ends. */
void labels_end(const struct label *l, double *x, double *y);

#endif
