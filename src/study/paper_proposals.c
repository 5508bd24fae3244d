/* SPDX-License-Identifier: MIT */
/*
 * Claims about what section 4 of the paper proposes, judged from the study's runs. The paper
 * measured none of it; thresholds are our reading and say so in the rule.
 */
#include "study/paper_proposals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/paper_xen.h"

#define CPU  "cpu_utilization_percent"
#define COST "service_demand_us_per_kb"

static double number(const struct paper *p, const char *id, const char *path)
{
	return study_number(&p->study, id, path);
}

/* ---- S28 ---- */

/* Everything that is done for a mapping, by driver or hypervisor. */
static double done_for_mappings(const struct paper *p, const char *id)
{
	static const char *const counters[] = {
		"iommu.table_writes", "iommu.flushes",    "iommu.invalidations",
		"xen.iommu.maps",     "xen.iommu.unmaps", "xen.iommu.flushes",
		"xen.iommu.follows",  "xen.iommu.grants", "xen.hypercalls.iommu_op"};
	double sum = 0;

	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		sum += number(p, id, counters[i]);
	return sum;
}

struct advance {
	double maps, done; /* summed over sizes */
	double more;       /* CPU use or CPU time a KiB, the larger; at the size where it is most */
	unsigned at;
};

/* False if a point is missing. */
static bool look_advance(const struct paper *p, const char *tail, struct advance *x)
{
	char off[96], on[96];

	*x = (struct advance){.more = -(double)INFINITY};
	for (int i = 0; i < PAPER_XEN_SIZES; i++) {
		const unsigned m = paper_xen_size[i];
		double cpu, cost;

		paper_id(off, "dom0/1/receive/m%u/off%s", m, tail);
		paper_id(on, "dom0/1/receive/m%u/on/preallocated%s", m, tail);
		cpu = paper_change(p, off, on, CPU);
		cost = paper_change(p, off, on, COST);
		if (!isfinite(cpu + cost))
			return false;
		if (fmax(cpu, cost) > x->more) {
			x->more = fmax(cpu, cost);
			x->at = m;
		}
		x->maps += number(p, on, "dma.maps");
		x->done += done_for_mappings(p, on);
	}
	return isfinite(x->maps + x->done);
}

static bool advance_holds(const struct advance *x)
{
	return x->maps > 0 && x->done == 0 && x->more <= 3;
}

static void judge_advance(const struct paper *p, struct claim_result *r)
{
	unsigned held = 0, of = 0;
	struct advance x;

	if (!look_advance(p, "", &x))
		return;
	claim_say(r,
		  "dom0 receives: %.0f maps at seven message sizes, %.0f entries, flushes and "
		  "hypercalls for them; CPU %+.2f %% at the most (%u bytes)",
		  x.maps, x.done, x.more, x.at);
	claim_judge(r, advance_holds(&x));
	for (const struct paper_end *e = paper_ends; e->title; e++) {
		if (!look_advance(p, e->tail, &x))
			continue;
		of++;
		held += advance_holds(&x);
	}
	claim_say(r, " (so at %u of %u, ends of the estimates included)", held, of);
	claim_note(r, "A domain whose pages change their frames is another matter: S31.");
}

/* ---- S32 ---- */

struct cached {
	const char *tail;
	double hits, writes; /* of maps, 0..1; table entries written for each frame received */
};

static int by_hits(const void *a, const void *b)
{
	const struct cached *x = a, *y = b;

	return x->hits != y->hits      ? (x->hits < y->hits ? -1 : 1)
	       : x->writes > y->writes ? -1
				       : x->writes < y->writes;
}

#define MOST_CACHES 16

static size_t look_caches(const struct paper *p, const char *stem, struct cached out[MOST_CACHES])
{
	size_t n = 0;
	char id[96];

	for (const struct paper_cache *c = paper_caches; c->tail && n < MOST_CACHES; c++) {
		paper_id(id, "%sm%u/on%s", stem, PAPER_REFERENCE, c->tail);
		out[n].tail = *c->tail ? c->tail + 1 : "deferred";
		out[n].hits = number(p, id, "dma.reused_maps") / number(p, id, "dma.maps");
		out[n].writes =
			number(p, id, "iommu.table_writes") / number(p, id, "link.frames_to_sut");
		if (!isfinite(out[n].hits + out[n].writes))
			return 0;
		n++;
	}
	qsort(out, n, sizeof(*out), by_hits);
	return n;
}

/* More hits, fewer writes; and where everything is found, none. */
static bool falls_to_nothing(const struct cached *c, size_t n)
{
	bool falls = n > 2 && c[0].hits < c[n - 1].hits, found = false;

	for (size_t i = 0; i < n; i++) {
		falls = falls &&
			(!i || c[i].hits == c[i - 1].hits || c[i].writes < c[i - 1].writes);
		if (c[i].hits < 0.999)
			continue;
		found = true;
		falls = falls && c[i].writes <= 0.01;
	}
	return falls && found;
}

static void judge_cache(const struct paper *p, struct claim_result *r)
{
	static const char *const stems[] = {"", "dom0/1/receive/"};
	static const char *const names[] = {"bare metal", "dom0"};
	bool holds = true;

	for (int k = 0; k < 2; k++) {
		struct cached c[MOST_CACHES];
		const size_t n = look_caches(p, stems[k], c);

		if (!n)
			return;
		claim_say(r, "%s%s, entries written a frame:", k ? "; " : "", names[k]);
		for (size_t i = 0; i < n; i++)
			claim_say(r, "%s %.3f at %.1f %% hits (%s)", i ? "," : "", c[i].writes,
				  100 * c[i].hits, c[i].tail);
		holds = holds && falls_to_nothing(c, n);
	}
	claim_judge(r, holds);
}

/* ---- S36 ---- */

/*
 * Hypercalls for table entries that each page of another domain saves when its entry comes with the
 * grant; 2 is one to map and one to unmap. In *@pages how many there were a frame sent.
 */
static double saved_crossings(const struct paper *p, unsigned size, double *pages)
{
	static const char frames[] = "link.frames_to_client", calls[] = "xen.hypercalls.iommu_op";
	char apart[96], both[96];

	paper_id(apart, "domu/flip/send/m%u/on", size);
	paper_id(both, "domu/flip/send/m%u/on/integrated", size);
	*pages = number(p, both, "xen.iommu.grants") / number(p, both, frames);
	return (number(p, apart, calls) / number(p, apart, frames) -
		number(p, both, calls) / number(p, both, frames)) /
	       *pages;
}

static void judge_grants(const struct paper *p, struct claim_result *r)
{
	char both[96], apart[96];
	double least = (double)INFINITY, most = -(double)INFINITY, few = (double)INFINITY;
	double own, pages;

	for (int i = 0; i < PAPER_XEN_SIZES; i++) {
		const double saved = saved_crossings(p, paper_xen_size[i], &pages);

		if (!isfinite(saved))
			return;
		least = fmin(least, saved);
		most = fmax(most, saved);
		few = fmin(few, pages);
	}
	paper_id(apart, "domu/flip/send/m%u/on", PAPER_REFERENCE);
	paper_id(both, "%s/integrated", apart);
	own = number(p, paper_id(apart, "dom0/1/send/m%u/on/integrated", PAPER_REFERENCE),
		     "xen.iommu.grants");
	if (!isfinite(own))
		return;
	claim_say(r,
		  "domU sends: of the hypercalls for table entries %.2f to %.2f fewer for each "
		  "page of its, over sizes (%.2f pages a frame at the least). dom0's own traffic: "
		  "%.0f entries come with grants",
		  least, most, few, own);
	paper_id(apart, "domu/flip/send/m%u/on", PAPER_REFERENCE);
	claim_say(r, ". CPU time a KiB, 16 KiB messages: %+.1f %%",
		  paper_change(p, apart, both, COST));
	claim_judge(r, least >= 1.9 && most <= 2.1 && own == 0);
}

/* ---- S37 ---- */

/* Of what the IOMMU adds to dom0's CPU time a KiB, how much @q removes: median over sizes, %. */
static double removed(const struct paper *p, const struct paper_proposal *q)
{
	double share[PAPER_XEN_SIZES];
	char off[96], on[96], with[96];

	for (int i = 0; i < PAPER_XEN_SIZES; i++) {
		const unsigned m = paper_xen_size[i];
		const double before = number(p, paper_id(off, "dom0/1/receive/m%u/off", m), COST);
		const double plain = number(p, paper_id(on, "dom0/1/receive/m%u/on", m), COST);

		paper_id(with, "dom0/1/receive/m%u/on/%s", m, q->id);
		share[i] = 100 * (plain - number(p, with, COST)) / (plain - before);
		if (!isfinite(share[i]))
			return (double)NAN;
	}
	return paper_median(share, PAPER_XEN_SIZES);
}

#define MOST_PROPOSALS 8

static void report_order(const struct paper *p, struct claim_result *r)
{
	const struct paper_proposal *order[MOST_PROPOSALS];
	double share[MOST_PROPOSALS];
	bool same = true;
	size_t n = 0;

	for (const struct paper_proposal *q = paper_proposals; q->id; q++) {
		const double x = removed(p, q);
		size_t at = n++;

		if (!isfinite(x))
			return;
		for (; at && share[at - 1] < x; at--) {
			order[at] = order[at - 1];
			share[at] = share[at - 1];
		}
		order[at] = q;
		share[at] = x;
	}
	for (size_t i = 0; i < n; i++) {
		same = same && order[i] == &paper_proposals[i];
		claim_say(r, "%s%s removes %.0f %%", i ? ", " : "", order[i]->title, share[i]);
	}
	claim_say(r,
		  " of what the IOMMU adds to dom0's CPU time a KiB (receiving, median over "
		  "sizes): %s",
		  same ? "the paper's order" : "not the paper's order");
	r->verdict = VERDICT_REPORTED;
}

const struct claim paper_proposals_claims[] = {
	{"S28", "With a table made in advance nothing is mapped, unmapped or flushed",
	 "section 4.3.1",
	 "in dom0 no entry written, no flush and no hypercall for any mapping, and at most 3 % "
	 "more CPU at any size (our threshold)",
	 judge_advance},
	{"S32", "A cache of mappings really maps a frame only the first time", "section 4.3.2",
	 "of strategies that keep entries, on bare metal and in dom0: the more maps find theirs, "
	 "the fewer entries are written; from 99.9 % on at most 0.01 a frame (our thresholds)",
	 judge_cache},
	{"S36", "Entries that come with grants save one crossing to map and one to unmap a page",
	 "section 4.4",
	 "1.9 to 2.1 hypercalls fewer for each page of another domain at every size, and no such "
	 "entry where there is no other domain",
	 judge_grants},
	{"S37", "... and in the order in which the paper lists them, each saves more than the next",
	 "section 4.3 (its order; our inference)", "reported, no threshold", report_order},
	{0},
};
