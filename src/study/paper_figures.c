/* SPDX-License-Identifier: MIT */
/* Figures and tables of the study "paper", made of the results of its points. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/paper.h"

static const char *const categories[] = {"application", "copy",        "tcp_stack", "driver",
					 "interrupt",   "mode_switch", "scheduler", "map",
					 "unmap",       "flush",       "lock_wait", NULL};

double paper_change(const struct paper *p, const char *off, const char *on, const char *path)
{
	const double a = study_number(&p->study, off, path), b = study_number(&p->study, on, path);

	return 100 * (b - a) / a;
}

static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

/* ---- figures 2 and 3 ---- */

/* One point with its band: the extremes over every way the headline was run. */
static void add_band_point(json_t *points, const struct paper *p, unsigned size, const char *onoff,
			   const char *path)
{
	char id[96], other[96];
	double y, low, high;

	low = high = y = study_number(&p->study, paper_id(id, "m%u/%s", size, onoff), path);
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

static json_t *off_on_series(const struct paper *p, const char *path)
{
	static const char *const onoff[] = {"off", "on"};
	json_t *series = json_array();

	for (int k = 0; k < 2; k++) {
		json_t *points = json_array();

		for (int i = 0; i < PAPER_SIZES; i++)
			add_band_point(points, p, paper_size[i], onoff[k], path);
		json_array_append_new(series,
				      json_pack("{s:s, s:o}", "name", k ? "IOMMU on" : "IOMMU off",
						"points", points));
	}
	return series;
}

static json_t *line_figure(const char *id, const char *title, const char *x_label,
			   const char *x_scale, const char *y_label, json_t *y_max, json_t *series,
			   const char *note)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:o, s:o, s:s}", "id", id, "title",
			 title, "kind", "line", "x_label", x_label, "x_scale", x_scale, "y_label",
			 y_label, "y_min", 0, "y_max", y_max, "series", series, "note", note);
}

static json_t *figure_throughput(const struct paper *p)
{
	return line_figure(
		"2", "Bare metal: throughput", "Message size (bytes)", "log2", "Mb/s",
		json_integer(1000), off_on_series(p, "throughput_mbps"),
		"Payload received by netserver. Bands: other seeds, and every estimated number "
		"of both machine profiles at the ends of its range: all low, all high, what "
		"only protection costs high and the rest low, and the reverse.");
}

static json_t *figure_cpu(const struct paper *p)
{
	return line_figure(
		"3", "Bare metal: CPU utilisation", "Message size (bytes)", "log2",
		"% of one CPU (8 CPUs = 800 %)", json_null(),
		off_on_series(p, "cpu_utilization_percent"),
		"Busy time of all CPUs of the machine under test. Bands as in figure 2.");
}

/* ---- the increase ---- */

static double increase(const struct paper *p, const char *stem, unsigned size, const char *tail)
{
	char off[96], on[96];

	return paper_change(p, paper_id(off, "%sm%u/off%s", stem, size, tail),
			    paper_id(on, "%sm%u/on%s", stem, size, tail),
			    "cpu_utilization_percent");
}

static void add_increase_point(json_t *points, const struct paper *p, unsigned size)
{
	const double y = increase(p, "", size, "");
	double low = y, high = y;
	char id[96];

	if (!isfinite(y))
		return;
	for (const struct paper_end *e = paper_ends; e->title; e++) {
		const double v = increase(p, "", size, e->tail);

		low = fmin(low, v);
		high = fmax(high, v);
	}
	json_array_append_new(points,
			      json_pack("{s:i, s:f, s:f, s:f, s:s}", "x", (int)size, "y", y, "low",
					low, "high", high, "run", paper_id(id, "m%u/on", size)));
}

static json_t *figure_increase(const struct paper *p)
{
	json_t *series = json_array(), *points = json_array();
	char id[96];

	for (int i = 0; i < PAPER_SIZES; i++)
		add_increase_point(points, p, paper_size[i]);
	json_array_append_new(series, json_pack("{s:s, s:o}", "name", "as the study's default",
						"points", points));
	for (const struct paper_variant *v = paper_variants; v->id; v++) {
		char stem[64];

		points = json_array();
		snprintf(stem, sizeof(stem), "%s/", v->id);
		for (int i = 0; i < PAPER_VARIANT_SIZES; i++) {
			const unsigned size = paper_variant_size[i];
			const double y = increase(p, stem, size, "");

			if (isfinite(y))
				json_array_append_new(
					points,
					json_pack("{s:i, s:f, s:s}", "x", (int)size, "y", y, "run",
						  paper_id(id, "%sm%u/on", stem, size)));
		}
		json_array_append_new(series,
				      json_pack("{s:s, s:o}", "name", v->title, "points", points));
	}
	json_array_append_new(series, paper_dart_series(p));
	return line_figure(
		"increase", "Bare metal: more CPU with the IOMMU on", "Message size (bytes)",
		"log2", "% more CPU time", json_null(), series,
		"(on - off) / off. The paper does not say which way the data went, whether "
		"Nagle's algorithm was on, or where interrupts ran: the alternatives are "
		"run, none is preferred.");
}

/* ---- cycles ---- */

/* Cycles of @category per KiB of payload at point @id. */
static double per_kib(const struct paper *p, const char *id, const char *category)
{
	char path[64];

	snprintf(path, sizeof(path), "cpu_cycles.%s", category);
	return 1024 * study_number(&p->study, id, path) /
	       study_number(&p->study, id, "payload_bytes");
}

static json_t *figure_cycles(const struct paper *p)
{
	static const char *const onoff[] = {"off", "on"};
	json_t *series = json_array();
	char id[96];

	for (const char *const *c = categories; *c; c++) {
		for (int k = 0; k < 2; k++) {
			json_t *points = json_array();

			for (int i = 0; i < PAPER_VARIANT_SIZES; i++) {
				const unsigned size = paper_variant_size[i];

				paper_id(id, "m%u/%s", size, onoff[k]);
				json_array_append_new(
					points, json_pack("{s:i, s:o, s:s}", "x", (int)size, "y",
							  number(per_kib(p, id, *c)), "run", id));
			}
			json_array_append_new(series, json_pack("{s:s, s:s, s:o}", "name", *c,
								"bar", onoff[k], "points", points));
		}
	}
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:n, s:o, s:s}", "id", "cycles",
			 "title", "Where the cycles go", "kind", "stacked-bars", "x_label",
			 "Message size (bytes)", "x_scale", "log2", "y_label",
			 "Cycles per KiB of payload", "y_min", 0, "y_max", "series", series, "note",
			 "Machine under test, IOMMU off and on, every charged cycle by what it was "
			 "charged for.");
}

/* ---- flush latency ---- */

static json_t *figure_flush(const struct paper *p)
{
	json_t *throughput = json_array(), *reference = json_array(), *series = json_array();
	const double deferred = study_number(&p->study, "m16384/on", "throughput_mbps");
	char id[96];

	for (const char *const *t = paper_invalidate; *t; t++) {
		const double x = study_number(&p->study, paper_id(id, "strict/%s", *t),
					      "iommu.flush_us_mean");
		const double y = study_number(&p->study, id, "throughput_mbps");

		if (!isfinite(x) || !isfinite(y))
			continue;
		json_array_append_new(throughput,
				      json_pack("{s:f, s:f, s:s}", "x", x, "y", y, "run", id));
		json_array_append_new(reference, json_pack("{s:f, s:f, s:s}", "x", x, "y", deferred,
							   "run", "m16384/on"));
	}
	json_array_append_new(series, json_pack("{s:s, s:o}", "name", "flush at every unmap",
						"points", throughput));
	json_array_append_new(series, json_pack("{s:s, s:o}", "name", "flush at roll-around",
						"points", reference));
	return line_figure(
		"strict", "A flush at every unmap", "Measured length of one flush (us)", "linear",
		"Mb/s", json_integer(1000), series,
		"16 KiB messages. Calgary can only flush everything, after its bus has "
		"drained; how long the hardware needs to empty its cache is not published "
		"and is varied here.");
}

const char *const paper_figure_ids[] = {"2", "3", "increase", "strict", "cycles", NULL};

json_t *paper_figures(const struct paper *p)
{
	return json_pack("[o, o, o, o, o]", figure_throughput(p), figure_cpu(p), figure_increase(p),
			 figure_flush(p), figure_cycles(p));
}

/* ---- tables ---- */

static json_t *column(const char *name, const char *unit)
{
	return json_pack("{s:s, s:s, s:s}", "name", name, "unit", unit, "align",
			 unit[0] ? "right" : "left");
}

static json_t *cell(int decimals, double value)
{
	return isfinite(value) ? json_sprintf("%.*f", decimals, value) : json_string("-");
}

/* The same with its sign. */
static json_t *change(double value)
{
	return isfinite(value) ? json_sprintf("%+.1f", value) : json_string("-");
}

static json_t *table(const char *id, const char *title, json_t *columns, json_t *rows,
		     const char *note)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:s}", "id", id, "title", title, "columns", columns,
			 "rows", rows, "note", note);
}

static void add_variant_row(json_t *rows, const struct paper *p, const char *stem,
			    const char *title, unsigned size)
{
	char off[96], on[96];

	paper_id(off, "%sm%u/off", stem, size);
	paper_id(on, "%sm%u/on", stem, size);
	json_array_append_new(
		rows, json_pack("[s, o, o, o, o, o, o]", title, cell(0, size),
				cell(1, study_number(&p->study, off, "throughput_mbps")),
				cell(1, study_number(&p->study, on, "throughput_mbps")),
				cell(1, study_number(&p->study, off, "cpu_utilization_percent")),
				cell(1, study_number(&p->study, on, "cpu_utilization_percent")),
				change(paper_change(p, off, on, "cpu_utilization_percent"))));
}

static json_t *off_on_columns(const char *first)
{
	return json_pack("[o, o, o, o, o, o, o]", column(first, ""), column("Message", "bytes"),
			 column("Off", "Mb/s"), column("On", "Mb/s"), column("CPU off", "%"),
			 column("CPU on", "%"), column("CPU change", "%"));
}

/* Per frame, which is what the two columns of a pair must agree in to be comparable. */
static void add_frame_row(json_t *rows, const struct paper *p, unsigned size)
{
	static const char *const onoff[] = {"off", "on"};
	json_t *row = json_pack("[o]", cell(0, size));
	char id[96];

	for (int what = 0; what < 3; what++) {
		for (int k = 0; k < 2; k++) {
			const struct study *s = &p->study;
			const double frames = study_number(
				s, paper_id(id, "m%u/%s", size, onoff[k]), "link.frames_to_sut");
			const double count =
				what == 0   ? study_number(s, id, "link.frames_to_client")
				: what == 1 ? study_number(s, id, "nic.interrupts")
					    : study_number(s, id, "cpu_utilization_percent") / 100 *
						      study_number(s, id, "elapsed_s") *
						      study_number(s, id, "cpu_clock_mhz") * 1e6;

			json_array_append_new(row, cell(what < 2 ? 3 : 0, count / frames));
		}
	}
	json_array_append_new(rows, row);
}

static json_t *table_frames(const struct paper *p)
{
	json_t *rows = json_array();

	for (int i = 0; i < PAPER_SIZES; i++)
		add_frame_row(rows, p, paper_size[i]);
	return table(
		"frames", "For each frame received",
		json_pack("[o, o, o, o, o, o, o]", column("Message", "bytes"),
			  column("Sent, off", "frames"), column("Sent, on", "frames"),
			  column("Interrupts, off", "1"), column("Interrupts, on", "1"),
			  column("CPU, off", "cycles"), column("CPU, on", "cycles")),
		rows,
		"Frames sent are acknowledgements. The profile's only anchor for the CPU without "
		"an IOMMU is the rule of the time, 12,000 cycles a full frame, 9,000 to 16,000.");
}

static json_t *table_variants(const struct paper *p)
{
	json_t *rows = json_array();
	char stem[64];

	for (const struct paper_variant *v = paper_variants; v->id; v++) {
		snprintf(stem, sizeof(stem), "%s/", v->id);
		for (int i = 0; i < PAPER_VARIANT_SIZES; i++)
			add_variant_row(rows, p, stem, v->title, paper_variant_size[i]);
	}
	return table("variants", "What the paper leaves open", off_on_columns("Variant"), rows, "");
}

static void add_stream_row(json_t *rows, const struct paper *p, const char *kind, const char *verb,
			   unsigned streams)
{
	char stem[64], title[48], id[96];
	json_t *row;

	snprintf(stem, sizeof(stem), "%s%u/", kind, streams);
	snprintf(title, sizeof(title), "%u %s", streams, verb);
	add_variant_row(rows, p, stem, title, PAPER_REFERENCE);
	row = json_array_get(rows, json_array_size(rows) - 1);
	paper_id(id, "%sm%u/on", stem, PAPER_REFERENCE);
	json_array_append_new(row, cell(2, paper_contention(p, id)));
}

static json_t *table_streams(const struct paper *p)
{
	json_t *rows = json_array(), *columns = off_on_columns("Streams, a CPU each");

	json_array_append_new(columns, column("Lock wait in map and unmap", "%"));
	for (const unsigned *n = paper_streams; *n; n++)
		add_stream_row(rows, p, "streams", "receiving", *n);
	for (const unsigned *n = paper_streams; *n; n++)
		add_stream_row(rows, p, "send-streams", "sending", *n);
	return table(
		"streams", "More CPUs", columns, rows,
		"One NIC whose interrupts all go to CPU 0. Received frames are mapped and unmapped "
		"there alone; frames to send are mapped on the sender's CPU and unmapped on CPU "
		"0.");
}

struct mover {
	const struct paper_estimate *e;
	double low, high;
};

static int by_span(const void *a, const void *b)
{
	const struct mover *x = a, *y = b;
	const double d = fabs(y->high - y->low) - fabs(x->high - x->low);

	return d > 0 ? 1 : d < 0 ? -1 : strcmp(x->e->key, y->e->key);
}

static json_t *table_sensitivity(const struct paper *p)
{
	struct mover *m = calloc(p->estimates ? p->estimates : 1, sizeof(*m));
	json_t *rows = json_array();
	char stem[96];

	for (size_t i = 0; m && i < p->estimates; i++) {
		m[i].e = &p->estimate[i];
		snprintf(stem, sizeof(stem), "%s/low/", m[i].e->key);
		m[i].low = increase(p, stem, PAPER_REFERENCE, "");
		snprintf(stem, sizeof(stem), "%s/high/", m[i].e->key);
		m[i].high = increase(p, stem, PAPER_REFERENCE, "");
	}
	if (m)
		qsort(m, p->estimates, sizeof(*m), by_span);
	for (size_t i = 0; m && i < p->estimates; i++)
		json_array_append_new(rows,
				      json_pack("[s, s, s, o, o]", m[i].e->key, m[i].e->low,
						m[i].e->high, change(m[i].low), change(m[i].high)));
	free(m);
	return table(
		"sensitivity", "How far each estimate moves the answer",
		json_pack("[o, o, o, o, o]", column("Estimated number", ""), column("Low end", " "),
			  column("High end", " "), column("More CPU at low", "%"),
			  column("More CPU at high", "%")),
		rows,
		"CPU increase by the IOMMU with 16 KiB messages when one estimate alone is moved "
		"to an end of its range; largest effect first.");
}

json_t *paper_tables(const struct paper *p)
{
	return json_pack("[o, o, o, o, o]", table_frames(p), table_variants(p), paper_dart_table(p),
			 table_streams(p), table_sensitivity(p));
}
