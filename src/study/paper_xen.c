/* SPDX-License-Identifier: MIT */
/* What the study "paper" shows of domains: Figures 4 to 7, and how each estimate moves them. */
#include "study/paper_xen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/paper_show.h"

#define CPU "cpu_utilization_percent"

/* ---- changes ---- */

void paper_xen_changes(const struct paper *p, const char *stem, const char *tail, const char *path,
		       double out[PAPER_SIZES])
{
	char off[96], on[96];

	for (int i = 0; i < PAPER_SIZES; i++) {
		paper_id(off, "%sm%u/off%s", stem, paper_size[i], tail);
		paper_id(on, "%sm%u/on%s", stem, paper_size[i], tail);
		out[i] = study_number(&p->study, off, "throughput_mbps") > 0
				 ? paper_change(p, off, on, path)
				 : (double)NAN;
	}
}

static size_t pick(const double change[PAPER_SIZES], unsigned from, unsigned below,
		   double out[PAPER_SIZES])
{
	size_t n = 0;

	for (int i = 0; i < PAPER_SIZES; i++)
		if (paper_size[i] >= from && paper_size[i] < below && isfinite(change[i]))
			out[n++] = change[i];
	return n;
}

double paper_xen_extreme(const double change[PAPER_SIZES], unsigned from, unsigned below, int sign)
{
	double picked[PAPER_SIZES];
	const size_t n = pick(change, from, below, picked);

	if (!n)
		return (double)NAN;
	return sign > 0 ? paper_greatest(picked, n) : -paper_worst_loss(picked, n);
}

double paper_xen_median(const double change[PAPER_SIZES], unsigned from, unsigned below)
{
	double picked[PAPER_SIZES];
	const size_t n = pick(change, from, below, picked);

	return n ? paper_median(picked, n) : (double)NAN;
}

/* ---- which setting ---- */

struct paper_setting paper_xen_closest(const struct paper *p, const struct paper_domain *d,
				       unsigned (*score)(const struct paper *p, const char *stem,
							 const char *tail))
{
	struct paper_setting best = {d->place, paper_ways};
	unsigned most = 0;
	char stem[96];

	for (const struct paper_place *place = d->place; place->id; place++) {
		for (const struct paper_way *way = paper_ways; way->id; way++) {
			unsigned points;

			if (!paper_xen_runs(place, way))
				continue;
			points = score(p, paper_xen_stem(stem, d->id, place->id, way->id), "");
			if (points > most) {
				most = points;
				best = (struct paper_setting){place, way};
			}
		}
	}
	return best;
}

unsigned paper_xen_ends(const struct paper *p, const char *stem,
			bool (*test)(const struct paper *p, const char *stem, const char *tail,
				     int which),
			int which, unsigned *of)
{
	unsigned n = 0;
	char id[96];

	*of = 0;
	for (const struct paper_end *e = paper_ends; e->title; e++) {
		if (!study_result(&p->study,
				  paper_id(id, "%sm%u/on%s", stem, PAPER_REFERENCE, e->tail)))
			continue;
		++*of;
		n += test(p, stem, e->tail, which);
	}
	return n;
}

void paper_xen_judge(const struct paper *p, const struct paper_judge *j, int which,
		     struct claim_result *r)
{
	const struct paper_setting usual = {j->domain->place, paper_ways};
	const struct paper_setting closest = paper_xen_closest(p, j->domain, j->score);
	const struct paper_setting *const told[] = {&closest, &usual};
	const bool same = closest.place == usual.place && closest.way == usual.way;

	for (int i = 0; i < (same ? 1 : 2); i++) {
		char stem[96];
		unsigned n, of;

		paper_xen_stem(stem, j->domain->id, told[i]->place->id, told[i]->way->id);
		claim_say(r, "%s%s %s, %s: ", i ? "; " : "", j->domain->name, told[i]->way->title,
			  told[i]->place->title);
		if (!j->say(p, stem, which, r))
			return;
		n = paper_xen_ends(p, stem, j->test, which, &of);
		if (of > 1)
			claim_say(r, " (so at %u of %u, ends of the estimates included)", n, of);
		if (!i)
			claim_judge(r, j->test(p, stem, "", which));
	}
}

/* ---- figures 4 to 7 ---- */

static json_t *lines(const struct paper *p, const struct paper_domain *d, const char *path)
{
	json_t *series = json_array();
	char stem[96];

	for (const struct paper_line *l = d->line; l->title; l++)
		paper_add_off_on(series, p, paper_xen_stem(stem, d->id, l->place, l->way), l->title,
				 path);
	return series;
}

/* What the figures say of the paper's, of which only the prose survives. */
static const char *const prose[PAPER_DOMAINS][2] = {
	{"The paper: no noticeable difference from 1024 bytes up, significantly less with the "
	 "IOMMU below. It does not say who sent, nor how; the study's default is netserver as "
	 "the receiver, and the other pair of lines is the setting that comes closest (table "
	 "\"dom0\"). One vCPU. Bands: the ends of the estimates, as in figure 2.",
	 "The paper: 40 to 60 % more from 1024 bytes up; below, dom0 near its maximum even without "
	 "the IOMMU. One vCPU has 100 %. Bands as in figure 4."},
	{"The paper: up to 15 % less with the IOMMU below 512 bytes. Payload received by "
	 "netserver in a domU with one vCPU, dom0 with one. Bands as in figure 4.",
	 "The paper: up to 40 % more for larger messages. Both domains together, with a CPU each. "
	 "Bands as in figure 4."},
};

void paper_xen_figures(const struct paper *p, json_t *figures)
{
	static const char *const size = "Message size (bytes)";

	for (int k = 0; k < PAPER_DOMAINS; k++) {
		const struct paper_domain *d = &paper_domains[k];

		json_array_append_new(
			figures, paper_line_figure(d->throughput, d->throughput_title, size, "log2",
						   "Mb/s", json_integer(1000),
						   lines(p, d, "throughput_mbps"), prose[k][0]));
		json_array_append_new(figures, paper_line_figure(d->cpu, d->cpu_title, size, "log2",
								 "% of one CPU", json_null(),
								 lines(p, d, CPU), prose[k][1]));
	}
}

/* ---- estimates ---- */

struct mover {
	const struct paper_estimate *e;
	double more[PAPER_DOMAINS][2]; /* at low, at high */
};

static double span(const struct mover *m)
{
	double widest = 0;

	for (int k = 0; k < PAPER_DOMAINS; k++)
		widest = fmax(widest, fabs(m->more[k][1] - m->more[k][0]));
	return widest;
}

static int by_span(const void *a, const void *b)
{
	const struct mover *x = a, *y = b;
	const double d = span(y) - span(x);

	return d > 0 ? 1 : d < 0 ? -1 : strcmp(x->e->key, y->e->key);
}

/* More CPU time for each KiB, as a saturated domain's throughput changes instead of its load. */
static double dearer(const struct paper *p, const struct paper_domain *d, const char *key,
		     const char *end)
{
	char stem[96], off[96], on[96];

	paper_xen_stem(stem, d->id, d->place->id, paper_ways->id);
	return paper_change(
		p, paper_id(off, "%.40sm%u/off/%.30s/%.8s", stem, PAPER_REFERENCE, key, end),
		paper_id(on, "%.40sm%u/on/%.30s/%.8s", stem, PAPER_REFERENCE, key, end),
		"service_demand_us_per_kb");
}

static size_t collect(const struct paper *p, struct mover *m)
{
	size_t n = 0;

	for (size_t i = 0; i < p->estimates; i++) {
		const struct paper_estimate *e = &p->estimate[i];

		if (strncmp(e->key, "xen.", 4) != 0)
			continue;
		m[n].e = e;
		for (int k = 0; k < PAPER_DOMAINS; k++) {
			m[n].more[k][0] = dearer(p, &paper_domains[k], e->key, "low");
			m[n].more[k][1] = dearer(p, &paper_domains[k], e->key, "high");
		}
		n++;
	}
	qsort(m, n, sizeof(*m), by_span);
	return n;
}

static json_t *table_sensitivity(const struct paper *p)
{
	struct mover *m = calloc(p->estimates + 1, sizeof(*m));
	json_t *rows = json_array();
	const size_t n = m ? collect(p, m) : 0;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(
			rows,
			json_pack("[s, s, s, o, o, o, o]", m[i].e->key, m[i].e->low, m[i].e->high,
				  paper_signed(m[i].more[0][0]), paper_signed(m[i].more[0][1]),
				  paper_signed(m[i].more[1][0]), paper_signed(m[i].more[1][1])));
	free(m);
	return paper_table(
		"xen-sensitivity",
		"How far each estimate of the hypervisor's costs moves the answer",
		json_pack("[o, o, o, o, o, o, o]", paper_column("Estimated number", ""),
			  paper_column("Low end", " "), paper_column("High end", " "),
			  paper_column("dom0 at low", "%"), paper_column("dom0 at high", "%"),
			  paper_column("domU at low", "%"), paper_column("domU at high", "%")),
		rows,
		"How much more CPU time a KiB takes with the IOMMU, 16 KiB messages to netserver, "
		"when one estimate alone is moved to an end of its range; largest effect first.");
}

void paper_xen_tables(const struct paper *p, json_t *tables)
{
	json_array_append_new(tables, paper_dom0_table(p));
	json_array_append_new(tables, paper_domu_table(p));
	json_array_append_new(tables, table_sensitivity(p));
}
