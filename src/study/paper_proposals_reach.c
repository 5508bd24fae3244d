/* SPDX-License-Identifier: MIT */
/*
 * Claims about a table made in advance (section 4.3.1 of the paper) that are judged by experiments:
 * whose memory it opens, and what becomes of pages that get another frame.
 */
#include <inttypes.h>
#include <limits.h>

#include "study/experiment.h"
#include "study/paper_proposals.h"
#include "study/paths.h"

#define MAPPINGS 4000

/* Pages that get another frame, for 1000 mappings. */
static const unsigned rates[] = {0, 62, 125, 250, 375, 500, 1000, 2000, 4000, 8000};

#define RATES (sizeof(rates) / sizeof(rates[0]))

static int load_profile(struct profile *out, struct err *err)
{
	char path[PATH_MAX];
	int rc = paths_find("profiles", "x460-2007", ".ini", path, sizeof(path), err);

	return rc ? rc : profile_load(out, path, ESTIMATE_DEFAULT, NULL, err);
}

static int reach(const char *strategy, bool metal, struct reach_result *out, struct err *err)
{
	struct profile profile;
	int rc = load_profile(&profile, err);

	return rc ? rc : experiment_reach(&profile, strategy, metal, out, err);
}

/* ---- S29 ---- */

static int judge_metal(const struct paper *p, struct claim_result *r, struct err *err)
{
	struct reach_result advance, strict;
	int rc = reach("preallocated", true, &advance, err);

	(void)p;
	if (!rc)
		rc = reach("strict", true, &strict, err);
	if (rc)
		return rc;
	claim_say(r,
		  "a device that was given nothing wrote into %" PRIu64 " of %" PRIu64
		  " pages of memory; where entries are made as they are asked for, into %" PRIu64,
		  advance.own_reached, advance.own, strict.own_reached);
	claim_judge(r, advance.own > 0 && advance.own_reached * 100 >= advance.own * 99 &&
			       strict.own_reached == 0);
	if (advance.own_reached < advance.own)
		claim_note(r, "The other %" PRIu64 " are at addresses that the driver withholds.",
			   advance.own - advance.own_reached);
	return 0;
}

/* ---- S30 ---- */

static int judge_guests(const struct paper *p, struct claim_result *r, struct err *err)
{
	struct reach_result x;
	int rc = reach("preallocated", false, &x, err);

	(void)p;
	if (rc)
		return rc;
	claim_say(r,
		  "a write to each of %" PRIu64 " pages of I/O addresses arrived in %" PRIu64
		  " of %" PRIu64 " pages that the device's own domain has to write to, in %" PRIu64
		  " of %" PRIu64 " of another domain's, and in %" PRIu64 " of %" PRIu64
		  " of the hypervisor's or nobody's",
		  x.attempts, x.own_reached, x.own, x.other_reached, x.other, x.rest_reached,
		  x.rest);
	claim_judge(r, x.own > 0 && x.own_reached == x.own && x.other > 0 && !x.other_reached &&
			       x.rest > 0 && !x.rest_reached);
	claim_note(r,
		   "Of the domain's other %" PRIu64 " frames, page tables and what lies where "
		   "Calgary does not translate among them, %" PRIu64 " were reached.",
		   x.guarded, x.guarded_reached);
	return 0;
}

/* ---- S31 ---- */

struct crossover {
	double cycles[RATES][2]; /* a mapping: with the table made in advance, and mapping each */
	size_t first;            /* the first rate at which it is dearer; RATES: none */
	uint64_t misplaced;
};

static int find_crossover(const struct profile *profile, unsigned batch, struct crossover *out,
			  struct err *err)
{
	static const char *const strategies[] = {"preallocated", "deferred"};

	*out = (struct crossover){.first = RATES};
	for (size_t i = 0; i < RATES; i++) {
		for (int k = 0; k < 2; k++) {
			struct flip_cost x;
			int rc = experiment_flip_cost(profile, strategies[k], MAPPINGS, rates[i],
						      batch, &x, err);

			if (rc)
				return rc;
			out->cycles[i][k] = x.cycles;
			out->misplaced += x.misplaced;
		}
		if (out->cycles[i][0] > out->cycles[i][1] && out->first == RATES)
			out->first = i;
	}
	return 0;
}

/* @a_second: mappings of a run, for flips a second. */
static void say_crossover(const struct crossover *x, const char *how, double a_second,
			  struct claim_result *r)
{
	const size_t last = RATES - 1;

	/* What each flip adds where there are most of them. */
	claim_say(r, ". %s: %.0f cycles a flip, %.0f without such a table", how,
		  (x->cycles[last][0] - x->cycles[0][0]) * 1000 / rates[last],
		  (x->cycles[last][1] - x->cycles[0][1]) * 1000 / rates[last]);
	if (x->first == 0)
		claim_say(r, "; it pays at no rate");
	else if (x->first == RATES)
		claim_say(r, "; it pays at every rate up to %u for 1000 mappings", rates[last]);
	else
		claim_say(r,
			  "; it pays up to %u for 1000 mappings and not from %u (%.0f and %.0f a "
			  "second at the mappings of 16 KiB messages in dom0)",
			  rates[x->first - 1], rates[x->first],
			  a_second * rates[x->first - 1] / 1000, a_second * rates[x->first] / 1000);
}

static int say_cost(const struct paper *p, const struct profile *profile, struct claim_result *r,
		    struct err *err)
{
	static const char *const maps = "dom0/1/receive/m16384/on";
	const double a_second = study_number(&p->study, maps, "dma.maps") /
				study_number(&p->study, maps, "elapsed_s");
	struct crossover one, many;
	int rc = find_crossover(profile, 1, &one, err);

	if (!rc)
		rc = find_crossover(profile, 32, &many, err);
	if (rc)
		return rc;
	say_crossover(&one, "One flip a call", a_second, r);
	say_crossover(&many, "32 flips a call", a_second, r);
	return 0;
}

/* What a whole load says that gives a page away with every frame. */
static void say_load(const struct paper *p, struct claim_result *r)
{
	static const char *const off = "domu/flip/receive/m16384/off";
	static const char *const on = "domu/flip/receive/m16384/on";
	static const char *const with = "domu/flip/receive/m16384/on/preallocated";
	static const char *const cost = "service_demand_us_per_kb";
	const double frames = study_number(&p->study, with, "link.frames_to_sut");

	claim_say(r,
		  ". domU receives by flip: %.2f entries changed and %.2f flushes a frame, CPU "
		  "time a KiB %+.1f %% (deferred %+.1f %%)",
		  study_number(&p->study, with, "xen.iommu.follows") / frames,
		  study_number(&p->study, with, "xen.iommu.flushes") / frames,
		  paper_change(p, off, with, cost), paper_change(p, off, on, cost));
}

/* A vCPU that has no more to give takes fewer interrupts: not all of a change is the table's. */
static void note_load(const struct paper *p, struct claim_result *r)
{
	static const char *const id[] = {"domu/flip/receive/m16384/off",
					 "domu/flip/receive/m16384/on/preallocated",
					 "domu/flip/receive/m16384/on"};
	double busy[3], often[3];

	for (int i = 0; i < 3; i++) {
		busy[i] = study_number(&p->study, id[i], "cpu_busiest_percent");
		often[i] = study_number(&p->study, id[i], "nic.interrupts") /
			   study_number(&p->study, id[i], "link.frames_to_sut");
	}
	claim_note(r,
		   "In domU's runs the busiest vCPU is %.0f %% busy with the IOMMU off, %.0f %% "
		   "with the table made in advance and %.0f %% mapping each buffer, for %.2f, "
		   "%.2f and %.2f interrupts a frame.",
		   busy[0], busy[1], busy[2], often[0], often[1], often[2]);
}

static int judge_flips(const struct paper *p, struct claim_result *r, struct err *err)
{
	static const char *const how[] = {"entry changed and IOTLB flushed", "changed only",
					  "neither"};
	struct flip_result x[3];
	struct profile profile;
	bool holds = true;
	int rc = load_profile(&profile, err);

	for (int i = 0; i < 3 && !rc; i++) {
		rc = experiment_flip(&profile, (enum flip_table)i, &x[i], err);
		if (rc)
			break;
		claim_say(r, "%s%s: %" PRIu64 " of %" PRIu64 " DMAs", i ? "; " : "", how[i],
			  x[i].in_old, x[i].flips);
		holds = holds && x[i].flips > 0 &&
			(i ? x[i].in_old == x[i].flips : x[i].in_new == x[i].flips && !x[i].in_old);
	}
	claim_say(r, " landed in the frame that the page no longer has");
	if (!rc)
		rc = say_cost(p, &profile, r, err);
	if (rc)
		return rc;
	say_load(p, r);
	claim_judge(r, holds);
	note_load(p, r);
	return 0;
}

const struct mechanism_claim paper_reach_claims[] = {
	{"S29", "... but is of no use on bare metal", "section 4.3.1",
	 "a device that was given nothing writes into at least 99 % of memory, and into none where "
	 "entries are made as they are asked for",
	 judge_metal},
	{"S30", "It protects other guests and the hypervisor, and no guest from itself",
	 "section 4.3.1",
	 "a device reaches each page that its own domain has to write to, none of another "
	 "domain's and none of the hypervisor's",
	 judge_guests},
	{"S31", "When a page gets another frame, its entry must be changed and invalidated",
	 "section 4.3.1",
	 "with both, each DMA lands in the page's new frame; without the invalidation, or without "
	 "either, each in the old one",
	 judge_flips},
	{0},
};
