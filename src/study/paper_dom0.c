/* SPDX-License-Identifier: MIT */
/*
 * dom0: the settings that the paper leaves open, held against what it says of dom0, and the claims
 * S6 to S9 and S19 (S10 and S17: paper_causes.c).
 */
#include <math.h>

#include "study/paper_show.h"
#include "study/paper_xen.h"

#define CPU    "cpu_utilization_percent"
#define LIMIT  1024u /* from here up the paper saw no difference in throughput */
#define NOISE  1.0   /* percent by which a loss may rise with the size and still be said to fall */
#define TENTH  10.0
#define ENDING 131072u /* above every size */

static const struct paper_domain *const dom0 = &paper_domains[PAPER_DOM0];

/* ---- the paper's picture ---- */

enum { S6, S7, S8, S9, CLAIMS };

/* What the points of a setting show. */
struct picture {
	double loss;       /* of throughput below 1024 bytes, the largest, in percent */
	unsigned at;       /* where */
	double off, on;    /* CPU use there, in percent of what dom0 has */
	double loss_large; /* from 1024 bytes up, the largest */
	double more;       /* CPU from 1024 bytes up, the median, in percent */
	bool holds[CLAIMS];
};

static double share(const struct paper *p, const char *id)
{
	return 100 * study_number(&p->study, id, CPU) /
	       study_number(&p->study, id, "cpu_max_percent");
}

/* S8 and S9: goes through the sizes below 1024 bytes. */
static void look_below(const struct paper *p, const char *stem, const char *tail,
		       const double change[PAPER_SIZES], struct picture *x)
{
	double before = (double)INFINITY;
	bool falls = true, near = true;
	char off[96], on[96];

	x->loss = -(double)INFINITY;
	for (int i = 0; i < PAPER_SIZES && paper_size[i] < LIMIT; i++) {
		const double loss = -change[i];
		double busy, busier;

		if (!isfinite(loss))
			continue;
		busy = share(p, paper_id(off, "%sm%u/off%s", stem, paper_size[i], tail));
		busier = share(p, paper_id(on, "%sm%u/on%s", stem, paper_size[i], tail));
		falls = falls && loss <= before + NOISE;
		before = loss;
		if (loss >= TENTH)
			near = near && busy >= 85 && busier >= 97;
		if (loss > x->loss) {
			x->loss = loss;
			x->at = paper_size[i];
			x->off = busy;
			x->on = busier;
		}
	}
	x->holds[S8] = x->loss >= TENTH && falls;
	x->holds[S9] = x->loss >= TENTH && near;
}

/* False if nothing is there to look at. */
static bool look(const struct paper *p, const char *stem, const char *tail, struct picture *x)
{
	double throughput[PAPER_SIZES], cpu[PAPER_SIZES];

	*x = (struct picture){0};
	paper_xen_changes(p, stem, tail, "throughput_mbps", throughput);
	paper_xen_changes(p, stem, tail, CPU, cpu);
	look_below(p, stem, tail, throughput, x);
	x->loss_large = -paper_xen_extreme(throughput, LIMIT, ENDING, -1);
	x->more = paper_xen_median(cpu, LIMIT, ENDING);
	x->holds[S6] = x->loss_large <= 5;
	x->holds[S7] = x->more >= 35 && x->more <= 65;
	return isfinite(x->loss) && isfinite(x->more);
}

static unsigned score(const struct paper *p, const char *stem, const char *tail)
{
	struct picture x;
	unsigned n = 0;

	if (look(p, stem, tail, &x))
		for (int i = 0; i < CLAIMS; i++)
			n += x.holds[i];
	return n;
}

/* ---- the table ---- */

static const char *held(const struct picture *x, char text[32])
{
	char *at = text;

	*at = '\0';
	for (int i = 0; i < CLAIMS; i++)
		if (x->holds[i])
			at += snprintf(at, 8, "%sS%d", at == text ? "" : " ", 6 + i);
	return text[0] ? text : "none";
}

static void add_row(json_t *rows, const struct paper *p, const struct paper_place *place,
		    const struct paper_way *way)
{
	char stem[96], title[160], text[32];
	struct picture x;

	snprintf(title, sizeof(title), "%s, %s", way->title, place->title);
	if (!look(p, paper_xen_stem(stem, dom0->id, place->id, way->id), "", &x))
		return;
	json_array_append_new(
		rows, json_pack("[s, o, o, o, o, o, o, s]", title, paper_signed(-x.loss),
				paper_cell(0, x.at), paper_cell(0, x.off), paper_cell(0, x.on),
				paper_signed(-x.loss_large), paper_signed(x.more), held(&x, text)));
}

json_t *paper_dom0_table(const struct paper *p)
{
	json_t *rows = json_array();

	for (const struct paper_place *place = dom0->place; place->id; place++)
		for (const struct paper_way *way = paper_ways; way->id; way++)
			if (paper_xen_runs(place, way))
				add_row(rows, p, place, way);
	return paper_table(
		"dom0", "dom0: which setting gives the paper's picture",
		json_pack("[o, o, o, o, o, o, o, o]", paper_column("Who, and where", ""),
			  paper_column("Throughput below 1024", "%"), paper_column("at", "bytes"),
			  paper_column("CPU off", "% of dom0's"),
			  paper_column("CPU on", "% of dom0's"),
			  paper_column("Throughput from 1024", "%"),
			  paper_column("CPU from 1024", "%"), paper_column("Gives", "")),
		rows,
		"The paper says neither who sent small messages nor how, nor how many vCPUs dom0 "
		"had. Greatest loss of throughput to the IOMMU on either side of 1024 bytes, "
		"dom0's "
		"CPU use there, and the median CPU increase. Where dom0 receives, it is the client "
		"that has no CPU left at small messages, and where dom0 falls behind, the sender's "
		"queue fills its frames: dom0 then does the same with fewer. dom0 loses where it "
		"sends, and each send is a frame. What the receiving client's calls are like makes "
		"no difference to that.");
}

/* ---- S6 to S9 ---- */

static bool say(const struct paper *p, const char *stem, int which, struct claim_result *r)
{
	struct picture x;

	if (!look(p, stem, "", &x))
		return false;
	switch (which) {
	case S6:
		claim_say(r, "throughput %+.1f %% at the worst", -x.loss_large);
		break;
	case S7:
		claim_say(r, "%+.1f %%", x.more);
		break;
	case S8:
		claim_say(r, "throughput %+.1f %% at %u bytes", -x.loss, x.at);
		break;
	default:
		claim_say(r,
			  "at %u bytes (throughput %+.1f %%) %.0f %% of dom0's CPU off, %.0f %% on",
			  x.at, -x.loss, x.off, x.on);
	}
	return true;
}

static bool test(const struct paper *p, const char *stem, const char *tail, int which)
{
	struct picture x;

	return look(p, stem, tail, &x) && x.holds[which];
}

static void judge(const struct paper *p, struct claim_result *r, int which)
{
	static const struct paper_judge how = {&paper_domains[PAPER_DOM0], score, test, say};

	paper_xen_judge(p, &how, which, r);
	claim_note(
		r, "%s",
		"The paper does not say who sent, nor how: table \"dom0\" has every setting. The "
		"study's default is told beside the one judged.");
}

static void judge_large(const struct paper *p, struct claim_result *r)
{
	judge(p, r, S6);
}

static void judge_cpu(const struct paper *p, struct claim_result *r)
{
	judge(p, r, S7);
}

static void judge_small(const struct paper *p, struct claim_result *r)
{
	judge(p, r, S8);
}

static void judge_cause(const struct paper *p, struct claim_result *r)
{
	judge(p, r, S9);
}

/* ---- S19 ---- */

/* Points of increase that lists add (negative: save), by absolute value the largest. */
static double lists_add(const struct paper *p, const char *alone, const char *lists)
{
	double most = 0;
	char off[96], a[96], b[96];

	for (int i = 0; i < PAPER_XEN_SIZES; i++) {
		const unsigned m = paper_xen_size[i];
		double points;

		paper_id(off, "dom0/1/receive/m%u/off", m);
		points =
			paper_change(p, off, paper_id(b, "dom0/1/receive/m%u/on%s", m, lists),
				     CPU) -
			paper_change(p, off, paper_id(a, "dom0/1/receive/m%u/on%s", m, alone), CPU);
		if (!isfinite(points))
			return points;
		if (fabs(points) > fabs(most))
			most = points;
	}
	return most;
}

static void judge_lists(const struct paper *p, struct claim_result *r)
{
	static const char *const on = "dom0/1/receive/m16384/on/multicall";
	const double deferred = lists_add(p, "", "/multicall");
	const double strict = lists_add(p, "/strict", "/strict-multicall");
	const double entries = study_number(&p->study, on, "xen.multicall_entries") /
			       study_number(&p->study, on, "xen.hypercalls.multicall");

	if (!isfinite(deferred + strict))
		return;
	claim_say(r,
		  "lists change the increase by %+.1f points at the most; with a flush at every "
		  "unmap, which shares the unmap's list, by %+.1f. %.2f entries a list (16 KiB, "
		  "deferred)",
		  deferred, strict, entries);
	claim_judge(r, fabs(deferred) <= 2);
	claim_note(r, "%s",
		   deferred > 2
			   ? "Pointless they are, and worse: nearly every request is a single "
			     "entry, and a list of one costs the list besides. The rule asks for "
			     "no difference either way."
		   : deferred < -2
			   ? ""
			   : "Nearly every request is a single entry: a list has nothing to put "
			     "together.");
}

/* Of the settings that the paper leaves open: the same one for all four. */
#define SETTING ", where most of S6 to S9 come out, of all settings that the paper leaves open"

const struct claim paper_dom0_claims[] = {
	{"S6", "dom0, from 1024 bytes up: no noticeable difference in throughput",
	 "section 2.1, figures 4 and 5",
	 "loss at most 5 % from 1024 bytes up (our threshold)" SETTING, judge_large},
	{"S7", "dom0, from 1024 bytes up: 40 to 60 % more CPU", "section 2.1",
	 "median increase from 1024 bytes up between 35 and 65 %" SETTING, judge_cpu},
	{"S8", "dom0, below 1024 bytes: significantly lower throughput with the IOMMU",
	 "section 2.1, figure 4",
	 "loss of at least 10 % at a size below 1024 bytes, falling with the size (to within 1 %; "
	 "our thresholds)" SETTING,
	 judge_small},
	{"S9", "... because dom0's CPU is near its maximum even with the IOMMU off", "section 3",
	 "wherever 10 % are lost, dom0 uses at least 85 % of its CPU with the IOMMU off and 97 % "
	 "with it on" SETTING,
	 judge_cause},
	{"S10", "... so that twice the CPU for dom0 removes the loss", "section 3 (implied)",
	 "two vCPUs instead of one remove at least 80 % of the loss", paper_judge_twice},
	{"S17", "A hypervisor adds a mode switch to the same work", "section 3",
	 "with free crossings dom0's increase is within 10 points of bare metal's",
	 paper_judge_crossing},
	{"S19", "Multicalls are pointless", "section 4.2",
	 "multicalls that end with each call of the DMA API change the increase by at most 2 "
	 "points",
	 judge_lists},
	{0},
};
