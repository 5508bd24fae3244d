/* SPDX-License-Identifier: MIT */
/* Figures and tables of the study "paper", made of the results of its points. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/paper_disk.h"
#include "study/paper_show.h"
#include "study/paper_xen.h"

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

static json_t *off_on(const struct paper *p, const char *path)
{
	json_t *series = json_array();

	paper_add_off_on(series, p, "", "", path);
	return series;
}

static json_t *figure_throughput(const struct paper *p)
{
	return paper_line_figure(
		"2", "Bare metal: throughput", "Message size (bytes)", "log2", "Mb/s",
		json_integer(1000), off_on(p, "throughput_mbps"),
		"Payload received by netserver. Bands: other seeds, and every estimated number "
		"of both machine profiles at the ends of its range: all low, all high, what "
		"only protection costs high and the rest low, and the reverse.");
}

static json_t *figure_cpu(const struct paper *p)
{
	return paper_line_figure(
		"3", "Bare metal: CPU utilisation", "Message size (bytes)", "log2",
		"% of one CPU (8 CPUs = 800 %)", json_null(), off_on(p, "cpu_utilization_percent"),
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
	return paper_line_figure(
		"increase", "Bare metal: more CPU with the IOMMU on", "Message size (bytes)",
		"log2", "% more CPU time", json_null(), series,
		"(on - off) / off. The paper does not say which way the data went, whether "
		"Nagle's algorithm was on, or where interrupts ran: the alternatives are "
		"run, none is preferred. Band of the default: as in figure 2.");
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
	return paper_line_figure(
		"strict", "A flush at every unmap", "Measured length of one flush (us)", "linear",
		"Mb/s", json_integer(1000), series,
		"16 KiB messages. Calgary can only flush everything, after its bus has "
		"drained; how long the hardware needs to empty its cache is not published "
		"and is varied here.");
}

const char *const paper_figure_ids[] = {"2", "3",        "4",      "5",      "6",
					"7", "increase", "strict", "cycles", NULL};

json_t *paper_figures(const struct paper *p)
{
	json_t *figures = json_pack("[o, o]", figure_throughput(p), figure_cpu(p));

	paper_xen_figures(p, figures);
	json_array_append_new(figures, figure_increase(p));
	json_array_append_new(figures, figure_flush(p));
	json_array_append_new(figures, figure_cycles(p));
	return figures;
}

/* ---- tables ---- */

/* Per frame, which is what the two columns of a pair must agree in to be comparable. */
static void add_frame_row(json_t *rows, const struct paper *p, unsigned size)
{
	static const char *const onoff[] = {"off", "on"};
	json_t *row = json_pack("[o]", paper_cell(0, size));
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

			json_array_append_new(row, paper_cell(what < 2 ? 3 : 0, count / frames));
		}
	}
	json_array_append_new(rows, row);
}

static json_t *table_frames(const struct paper *p)
{
	json_t *rows = json_array();

	for (int i = 0; i < PAPER_SIZES; i++)
		add_frame_row(rows, p, paper_size[i]);
	return paper_table(
		"frames", "For each frame received",
		json_pack("[o, o, o, o, o, o, o]", paper_column("Message", "bytes"),
			  paper_column("Sent, off", "frames"), paper_column("Sent, on", "frames"),
			  paper_column("Interrupts, off", "1"), paper_column("Interrupts, on", "1"),
			  paper_column("CPU, off", "cycles"), paper_column("CPU, on", "cycles")),
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
			paper_add_off_on_row(rows, p, stem, v->title, paper_variant_size[i]);
	}
	return paper_table("variants", "What the paper leaves open",
			   paper_off_on_columns("Variant"), rows, "");
}

static void add_stream_row(json_t *rows, const struct paper *p, const char *kind, const char *verb,
			   unsigned streams)
{
	char stem[64], title[48], id[96];
	json_t *row;

	snprintf(stem, sizeof(stem), "%s%u/", kind, streams);
	snprintf(title, sizeof(title), "%u %s", streams, verb);
	paper_add_off_on_row(rows, p, stem, title, PAPER_REFERENCE);
	row = json_array_get(rows, json_array_size(rows) - 1);
	paper_id(id, "%sm%u/on", stem, PAPER_REFERENCE);
	json_array_append_new(row, paper_cell(2, paper_contention(p, id)));
}

static json_t *table_streams(const struct paper *p)
{
	json_t *rows = json_array(), *columns = paper_off_on_columns("Streams, a CPU each");

	json_array_append_new(columns, paper_column("Lock wait in map and unmap", "%"));
	for (const unsigned *n = paper_streams; *n; n++)
		add_stream_row(rows, p, "streams", "receiving", *n);
	for (const unsigned *n = paper_streams; *n; n++)
		add_stream_row(rows, p, "send-streams", "sending", *n);
	return paper_table(
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
	size_t n = 0;

	for (size_t i = 0; m && i < p->estimates; i++) {
		if (!paper_on_metal(&p->estimate[i]))
			continue;
		m[n].e = &p->estimate[i];
		snprintf(stem, sizeof(stem), "%s/low/", m[n].e->key);
		m[n].low = increase(p, stem, PAPER_REFERENCE, "");
		snprintf(stem, sizeof(stem), "%s/high/", m[n].e->key);
		m[n++].high = increase(p, stem, PAPER_REFERENCE, "");
	}
	if (m)
		qsort(m, n, sizeof(*m), by_span);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(rows, json_pack("[s, s, s, o, o]", m[i].e->key, m[i].e->low,
						      m[i].e->high, paper_signed(m[i].low),
						      paper_signed(m[i].high)));
	free(m);
	return paper_table(
		"sensitivity", "How far each estimate moves the answer",
		json_pack("[o, o, o, o, o]", paper_column("Estimated number", ""),
			  paper_column("Low end", " "), paper_column("High end", " "),
			  paper_column("More CPU at low", "%"),
			  paper_column("More CPU at high", "%")),
		rows,
		"CPU increase by the IOMMU with 16 KiB messages when one estimate alone is moved "
		"to an end of its range; largest effect first.");
}

json_t *paper_tables(const struct paper *p)
{
	json_t *tables = json_pack("[o, o, o, o]", table_frames(p), table_variants(p),
				   paper_dart_table(p), table_streams(p));

	paper_xen_tables(p, tables);
	json_array_append_new(tables, paper_disk_table(p));
	json_array_append_new(tables, table_sensitivity(p));
	return tables;
}
