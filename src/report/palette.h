/* SPDX-License-Identifier: MIT */
/*
 * The colours of figures: Okabe and Ito's set, which readers with any of the common colour vision
 * deficiencies can tell apart (Color Universal Design, 2008), and greys beside it. Each has a
 * form for light and one for dark ground. A figure carries the light form in its elements and
 * a class name that a style sheet recolours for dark.
 */
#ifndef IOTOLL_REPORT_PALETTE_H
#define IOTOLL_REPORT_PALETTE_H

#include <stddef.h>
#include <stdio.h>

/* Grounds and text, light form. */
#define PALETTE_INK   "#1f2328"
#define PALETTE_MUTED "#59616b"
#define PALETTE_GRID  "#e4e7eb"
#define PALETTE_AXIS  "#868e98"
#define PALETTE_PAPER "#ffffff"

/* Colour of the @n-th line, as an index for palette_light(); repeats after eight. */
unsigned palette_line(size_t n);
/* Colour of the category @name of CPU time, or of the @n-th category if the name is not known. */
unsigned palette_category(const char *name, size_t n);
/* "#0072b2": colour @index on light ground. Its classes are v-sINDEX (stroke), v-fINDEX (fill). */
const char *palette_light(unsigned index);
/*
 * A style sheet that recolours for readers who prefer dark: the classes above, and v-ink, v-mut
 * (text), v-grid, v-axis (strokes), v-paper (fill), v-halo (stroke).
 */
void palette_dark_css(FILE *out);

#endif
