/* SPDX-License-Identifier: MIT */
/*
 * A domU whose network goes through dom0: the settings that the paper leaves open, held against
 * what it says of domU, and the claims S11 to S13.
 */
#include <math.h>

#include "study/paper_show.h"
#include "study/paper_xen.h"

#define CPU    "cpu_utilization_percent"
#define COST   "service_demand_us_per_kb"
#define LIMIT  512u /* below, the paper saw a difference in throughput */
#define ENDING 131072u

static const struct paper_domain *const domu = &paper_domains[PAPER_DOMU];

enum { S11, S12, CLAIMS };

/* What the points of a setting show; changes by the IOMMU in percent. */
struct picture {
	double loss,
		loss_large; /* of throughput, the largest: below 512 bytes, and from there up */
	double more;        /* CPU from 512 bytes up, the largest */
	double dearer;      /* CPU time a KiB from 512 bytes up, the largest */
	double dom0[2];     /* dom0's vCPU with 16 KiB messages, off and on, % of a CPU */
	bool holds[CLAIMS];
};

static double dom0_busy(const struct paper *p, const char *id)
{
	const json_t *percent = json_object_get(study_result(&p->study, id), "cpu_percent");

	return percent ? json_number_value(json_array_get(percent, 0)) : (double)NAN;
}

static bool look(const struct paper *p, const char *stem, const char *tail, struct picture *x)
{
	double throughput[PAPER_SIZES], cpu[PAPER_SIZES], cost[PAPER_SIZES];
	char id[96];

	*x = (struct picture){0};
	paper_xen_changes(p, stem, tail, "throughput_mbps", throughput);
	paper_xen_changes(p, stem, tail, CPU, cpu);
	paper_xen_changes(p, stem, tail, COST, cost);
	x->loss = -paper_xen_extreme(throughput, 0, LIMIT, -1);
	x->loss_large = -paper_xen_extreme(throughput, LIMIT, ENDING, -1);
	x->more = paper_xen_extreme(cpu, LIMIT, ENDING, 1);
	x->dearer = paper_xen_extreme(cost, LIMIT, ENDING, 1);
	x->dom0[0] = dom0_busy(p, paper_id(id, "%sm%u/off%s", stem, PAPER_REFERENCE, tail));
	x->dom0[1] = dom0_busy(p, paper_id(id, "%sm%u/on%s", stem, PAPER_REFERENCE, tail));
	x->holds[S11] = x->loss >= 5 && x->loss <= 20 && x->loss_large <= 5;
	x->holds[S12] = x->more >= 20 && x->more <= 45;
	return isfinite(x->loss_large) && isfinite(x->more);
}

static unsigned score(const struct paper *p, const char *stem, const char *tail)
{
	struct picture x;

	return look(p, stem, tail, &x) ? (unsigned)x.holds[S11] + x.holds[S12] : 0;
}

static bool test(const struct paper *p, const char *stem, const char *tail, int which)
{
	struct picture x;

	return look(p, stem, tail, &x) && x.holds[which];
}

/* ---- the table ---- */

static void add_row(json_t *rows, const struct paper *p, const struct paper_setting *s)
{
	char stem[96], title[160];
	struct picture x;

	snprintf(title, sizeof(title), "%s, %s", s->way->title, s->place->title);
	paper_xen_stem(stem, domu->id, s->place->id, s->way->id);
	if (!look(p, stem, "", &x))
		return;
	json_array_append_new(rows, json_pack("[s, o, o, o, o, o, o, s]", title,
					      paper_signed(-x.loss), paper_signed(-x.loss_large),
					      paper_signed(x.more), paper_signed(x.dearer),
					      paper_cell(0, x.dom0[0]), paper_cell(0, x.dom0[1]),
					      x.holds[S11] ? x.holds[S12] ? "S11 S12" : "S11"
							   : (x.holds[S12] ? "S12" : "none")));
}

json_t *paper_domu_table(const struct paper *p)
{
	json_t *rows = json_array();
	struct paper_setting s;

	for (s.place = domu->place; s.place->id; s.place++)
		for (s.way = paper_ways; s.way->id; s.way++)
			if (paper_xen_runs(s.place, s.way))
				add_row(rows, p, &s);
	return paper_table(
		"domu", "domU: which setting gives the paper's picture",
		json_pack("[o, o, o, o, o, o, o, o]", paper_column("What domU does, and where", ""),
			  paper_column("Throughput below 512", "%"),
			  paper_column("Throughput from 512", "%"),
			  paper_column("CPU from 512", "%"),
			  paper_column("CPU a KiB from 512", "%"),
			  paper_column("dom0's CPU off", "%"), paper_column("dom0's CPU on", "%"),
			  paper_column("Gives", "")),
		rows,
		"Greatest loss of throughput to the IOMMU on either side of 512 bytes, greatest "
		"increase of CPU use and of CPU time for a KiB, and dom0's one CPU with 16 KiB "
		"messages. A dom0 without CPU left uses no more of it with the IOMMU: then the "
		"time "
		"for a KiB says what use does not. Where domU receives small messages without "
		"Nagle, the frames of one window overflow netback's queue of 32, TCP waits for its "
		"retransmission timer, and sizes at which nothing arrived are left out.");
}

/* ---- claims ---- */

static bool say(const struct paper *p, const char *stem, int which, struct claim_result *r)
{
	struct picture x;

	if (!look(p, stem, "", &x))
		return false;
	if (which == S11)
		claim_say(
			r,
			"throughput %+.1f %% at the worst below 512 bytes, %+.1f %% from there up",
			-x.loss, -x.loss_large);
	else
		claim_say(r,
			  "CPU %+.1f %% at the most, CPU time a KiB %+.1f %%, dom0's CPU %.0f %% "
			  "off, %.0f %% on",
			  x.more, x.dearer, x.dom0[0], x.dom0[1]);
	return true;
}

static void judge(const struct paper *p, struct claim_result *r, int which)
{
	static const struct paper_judge how = {&paper_domains[PAPER_DOMU], score, test, say};

	paper_xen_judge(p, &how, which, r);
}

static void judge_small(const struct paper *p, struct claim_result *r)
{
	judge(p, r, S11);
	claim_note(r, "Table \"domu\" has every setting.");
}

static void judge_large(const struct paper *p, struct claim_result *r)
{
	judge(p, r, S12);
}

/* Median over sizes of @path's change at the default setting, at the end @tail of the estimates. */
static double usual(const struct paper *p, const struct paper_domain *d, const char *tail,
		    const char *path)
{
	double change[PAPER_SIZES];
	char stem[96];

	paper_xen_stem(stem, d->id, d->place->id, paper_ways->id);
	paper_xen_changes(p, stem, tail, path, change);
	return paper_xen_median(change, 0, ENDING);
}

/* With dom0's vCPU at its end there is no room for more CPU use: how near is it? */
static void note_order(const struct paper *p, bool low, struct claim_result *r)
{
	char stem[96], id[96];

	paper_xen_stem(stem, domu->id, domu->place->id, paper_ways->id);
	claim_note(r,
		   "Both receive, the study's default. In domU's runs with the IOMMU on, 16 KiB "
		   "messages, dom0's vCPU is %.0f %% busy; at the low end of the estimates %.0f "
		   "%%, and there the order is %s.",
		   dom0_busy(p, paper_id(id, "%sm%u/on", stem, PAPER_REFERENCE)),
		   dom0_busy(p, paper_id(id, "%sm%u/on/low", stem, PAPER_REFERENCE)),
		   low ? "as claimed" : "the other");
}

static void judge_order(const struct paper *p, struct claim_result *r)
{
	const struct paper_domain *const dom0 = &paper_domains[PAPER_DOM0];
	const double there = usual(p, dom0, "", CPU), here = usual(p, domu, "", CPU);
	const double there_low = usual(p, dom0, "/low", CPU),
		     here_low = usual(p, domu, "/low", CPU);

	if (!isfinite(there + here + there_low + here_low))
		return;
	claim_say(
		r,
		"median CPU increase over sizes: dom0 %+.1f %%, domU %+.1f %%; of CPU time a KiB: "
		"%+.1f %%, %+.1f %%; estimates low, where dom0 has CPU left: %+.1f %%, %+.1f %%",
		there, here, usual(p, dom0, "", COST), usual(p, domu, "", COST), there_low,
		here_low);
	claim_judge(r, here < there);
	note_order(p, here_low < there_low, r);
}

#define SETTING ", where most of S11 and S12 come out, of all settings that the paper leaves open"

const struct claim paper_domu_claims[] = {
	{"S11", "domU, below 512 bytes: up to 15 % less throughput with the IOMMU",
	 "section 2.1, figure 6",
	 "largest loss below 512 bytes between 5 and 20 %, at most 5 % from there up" SETTING,
	 judge_small},
	{"S12", "domU, larger messages: up to 40 % more CPU", "section 2.1, figure 7",
	 "largest increase from 512 bytes up between 20 and 45 %" SETTING, judge_large},
	{"S13", "The increase is smaller in domU than in dom0, as a frame costs more there anyway",
	 "section 2.1 (inferred)", "median increase in domU below dom0's", judge_order},
	{0},
};
