/* SPDX-License-Identifier: MIT */
/*
 * Figures as SVG 1.1: lines over a log2 or linear axis, and stacked bars in groups. Colours are
 * told apart by colour-blind readers, lines also by their markers; every value shows as a tooltip
 * through <title>; a range is a band or a whisker. No scripts, no fonts, nothing to fetch.
 */
#ifndef IOTOLL_REPORT_SVG_H
#define IOTOLL_REPORT_SVG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "report/chart.h"

struct svg_options {
	unsigned width, height; /* user units (CSS pixels); 320..4000 and 200..4000 */
	/*
	 * True: a file of its own, with XML namespace, title, ground and dark style. False: part
	 * of an HTML page that supplies palette_dark_css() and the title; points link to "#run-ID".
	 */
	bool standalone;
	const char *id_prefix; /* makes ids unique within a page; "" if standalone */
};

/* Draw @c. 0, -EINVAL with @err for a size out of range, -ENOMEM, -EIO if @out has failed. */
int svg_chart(FILE *out, const struct chart *c, const struct svg_options *options,
	      struct err *err) MUST_CHECK;
/* A report_writer: @figure as a file of its own, at the size its kind calls for. */
int report_figure_svg(FILE *out, const json_t *figure, struct err *err) MUST_CHECK;
/* The size a figure of @c's kind has for wide (journal) and narrow (telephone) pages. */
struct svg_options svg_size(const struct chart *c, bool wide);

#endif
