/* SPDX-License-Identifier: MIT */
/* Figures and tables as JSON. */
#include "study/paper_show.h"

#include <math.h>

/* ---- tables ---- */

json_t *paper_column(const char *name, const char *unit)
{
	return json_pack("{s:s, s:s, s:s}", "name", name, "unit", unit, "align",
			 unit[0] ? "right" : "left");
}

json_t *paper_cell(int decimals, double value)
{
	return isfinite(value) ? json_sprintf("%.*f", decimals, value) : json_string("-");
}

json_t *paper_signed(double value)
{
	/* What rounds to nothing has no sign but a plus. */
	if (fabs(value) < 0.05)
		value = 0;
	return isfinite(value) ? json_sprintf("%+.1f", value) : json_string("-");
}

json_t *paper_table(const char *id, const char *title, json_t *columns, json_t *rows,
		    const char *note)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:s}", "id", id, "title", title, "columns", columns,
			 "rows", rows, "note", note);
}

json_t *paper_off_on_columns(const char *first)
{
	return json_pack("[o, o, o, o, o, o, o]", paper_column(first, ""),
			 paper_column("Message", "bytes"), paper_column("Off", "Mb/s"),
			 paper_column("On", "Mb/s"), paper_column("CPU off", "%"),
			 paper_column("CPU on", "%"), paper_column("CPU change", "%"));
}

void paper_add_off_on_row(json_t *rows, const struct paper *p, const char *stem, const char *title,
			  unsigned size)
{
	const char *const cpu = "cpu_utilization_percent";
	char off[96], on[96];

	paper_id(off, "%sm%u/off", stem, size);
	paper_id(on, "%sm%u/on", stem, size);
	json_array_append_new(
		rows, json_pack("[s, o, o, o, o, o, o]", title, paper_cell(0, size),
				paper_cell(1, study_number(&p->study, off, "throughput_mbps")),
				paper_cell(1, study_number(&p->study, on, "throughput_mbps")),
				paper_cell(1, study_number(&p->study, off, cpu)),
				paper_cell(1, study_number(&p->study, on, cpu)),
				paper_signed(paper_change(p, off, on, cpu))));
}

/* ---- figures ---- */

json_t *paper_line_figure(const char *id, const char *title, const char *x_label,
			  const char *x_scale, const char *y_label, json_t *y_max, json_t *series,
			  const char *note)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:o, s:o, s:s}", "id", id, "title",
			 title, "kind", "line", "x_label", x_label, "x_scale", x_scale, "y_label",
			 y_label, "y_min", 0, "y_max", y_max, "series", series, "note", note);
}

/* One point with its band: the extremes over every way the headline was run. */
static void add_band_point(json_t *points, const struct paper *p, const char *stem, unsigned size,
			   const char *onoff, const char *path)
{
	char id[96], other[96];
	double y, low, high;

	low = high = y = study_number(&p->study, paper_id(id, "%sm%u/%s", stem, size, onoff), path);
	if (!isfinite(y))
		return;
	for (const struct paper_end *e = paper_ends; e->title; e++) {
		const double v =
			study_number(&p->study, paper_id(other, "%s%s", id, e->tail), path);

		low = fmin(low, v);
		high = fmax(high, v);
	}
	json_array_append_new(points, json_pack("{s:i, s:f, s:f, s:f, s:s}", "x", (int)size, "y", y,
						"low", low, "high", high, "run", id));
}

void paper_add_off_on(json_t *series, const struct paper *p, const char *stem, const char *prefix,
		      const char *path)
{
	static const char *const onoff[] = {"off", "on"};

	for (int k = 0; k < 2; k++) {
		json_t *points = json_array();
		char name[96];

		for (int i = 0; i < PAPER_SIZES; i++)
			add_band_point(points, p, stem, paper_size[i], onoff[k], path);
		snprintf(name, sizeof(name), "%sIOMMU %s", prefix, onoff[k]);
		json_array_append_new(series,
				      json_pack("{s:s, s:o}", "name", name, "points", points));
	}
}
