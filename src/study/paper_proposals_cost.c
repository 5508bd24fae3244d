/* SPDX-License-Identifier: MIT */
/*
 * Claims about what lists of buffers and entries that are never freed save (sections 4.3.3
 * and 4.3.4 of the paper), judged by experiments that measure a map and an unmap by themselves;
 * beside them what whole runs say.
 */
#include <inttypes.h>
#include <limits.h>
#include <math.h>

#include "study/experiment.h"
#include "study/paper_proposals.h"
#include "study/paths.h"

static const char *const places[] = {"bare metal", "in a domain"};

static int load_profile(struct profile *out, struct err *err)
{
	char path[PATH_MAX];
	int rc = paths_find("profiles", "x460-2007", ".ini", path, sizeof(path), err);

	return rc ? rc : profile_load(out, path, ESTIMATE_DEFAULT, NULL, err);
}

static double pair(const struct pair_cost *c)
{
	return c->map + c->unmap;
}

/* ---- S33 ---- */

static const unsigned lists[] = {1, 2, 4, 8, 16, 32, 64};

#define LISTS (sizeof(lists) / sizeof(lists[0]))

static int judge_place(const struct profile *profile, bool metal, struct claim_result *r,
		       bool *falls, struct err *err)
{
	struct pair_cost alone, list;
	double before = (double)INFINITY;
	int rc = experiment_pair_cost(profile, "deferred", metal, 0, &alone, err);

	if (rc)
		return rc;
	claim_say(r, "%s, cycles to map and unmap a buffer: %.0f alone, in lists of 1 to 64",
		  places[!metal], pair(&alone));
	for (size_t i = 0; i < LISTS; i++) {
		rc = experiment_pair_cost(profile, "deferred", metal, lists[i], &list, err);
		if (rc)
			return rc;
		claim_say(r, " %.0f", pair(&list));
		*falls = *falls && pair(&list) < before;
		before = pair(&list);
	}
	claim_say(r, metal ? "; " : ". ");
	return 0;
}

/* How many there are to put into one list. */
static void say_supply(const struct paper *p, struct claim_result *r)
{
	static const char *const batch = "dom0/1/receive/m16384/on/batch";
	static const char *const doorbell = "dom0/1/receive/m16384/on/doorbell";
	const struct study *s = &p->study;

	claim_say(r,
		  "There are to put into a list, dom0 receiving: %.2f buffers a map and %.2f an "
		  "unmap of its driver's, %.0f at the most; %.2f entries until the doorbell; "
		  "reading a "
		  "disk: %.1f buffers a request",
		  study_number(s, batch, "dma.batches.map.mean"),
		  study_number(s, batch, "dma.batches.unmap.mean"),
		  fmax(study_number(s, batch, "dma.batches.map.max"),
		       study_number(s, batch, "dma.batches.unmap.max")),
		  study_number(s, doorbell, "xen.multicall_entries") /
			  study_number(s, doorbell, "xen.hypercalls.multicall"),
		  study_number(s, "ffsb/bare-metal/sequential/on", "disk.segments_per_request"));
}

static int judge_lists(const struct paper *p, struct claim_result *r, struct err *err)
{
	struct profile profile;
	bool falls = true;
	int rc = load_profile(&profile, err);

	if (!rc)
		rc = judge_place(&profile, true, r, &falls, err);
	if (!rc)
		rc = judge_place(&profile, false, r, &falls, err);
	if (rc)
		return rc;
	say_supply(p, r);
	claim_judge(r, falls);
	return 0;
}

/* ---- S34 ---- */

/* What never freeing saves in a whole run, in which no entry's turn comes again, in percent. */
static double saved(const struct paper *p, const char *on, const char *never)
{
	return -paper_change(p, on, never, "service_demand_us_per_kb");
}

struct never {
	struct pair_cost plain[2], never[2]; /* on bare metal, in a domain */
	bool round;                          /* every entry's turn came again */
};

static int look_never(struct never *x, struct err *err)
{
	struct profile profile;
	int rc = load_profile(&profile, err);

	x->round = true;
	for (int i = 0; i < 2 && !rc; i++) {
		rc = experiment_pair_cost(&profile, "deferred", i == 0, 0, &x->plain[i], err);
		if (!rc)
			rc = experiment_pair_cost(&profile, "never-free", i == 0, 0, &x->never[i],
						  err);
		x->round = x->round && x->plain[i].wraps > 1 && x->never[i].wraps > 1;
	}
	return rc;
}

static int judge_never(const struct paper *p, struct claim_result *r, struct err *err)
{
	struct never x;
	int rc = look_never(&x, err);
	bool less = true;

	(void)p;
	if (rc)
		return rc;
	for (int i = 0; i < 2; i++) {
		claim_say(r, "%s%s an unmap is %.0f cycles instead of %.0f", i ? "; " : "",
			  places[i], x.never[i].unmap, x.plain[i].unmap);
		less = less && x.never[i].unmap > 0 && x.never[i].unmap < x.plain[i].unmap;
	}
	claim_judge(r, x.round && less &&
			       x.plain[1].unmap - x.never[1].unmap >
				       x.plain[0].unmap - x.never[0].unmap);
	claim_note(r, "What its map costs instead is S34b.");
	return 0;
}

static int judge_both(const struct paper *p, struct claim_result *r, struct err *err)
{
	struct never x;
	int rc = look_never(&x, err);
	double less[2];

	if (rc)
		return rc;
	for (int i = 0; i < 2; i++) {
		less[i] = pair(&x.plain[i]) - pair(&x.never[i]);
		claim_say(r,
			  "%s%s map and unmap are %.0f cycles instead of %.0f, the map %.0f of "
			  "them instead of %.0f",
			  i ? "; " : "", places[i], pair(&x.never[i]), pair(&x.plain[i]),
			  x.never[i].map, x.plain[i].map);
	}
	claim_judge(r, x.round && less[0] > 0 && less[1] > less[0]);
	claim_note(r,
		   "In steady state, where each map finds an old entry to overwrite. As long as "
		   "none does (16 KiB messages, the first lap), CPU time a KiB is %.1f %% less on "
		   "bare metal, %.1f %% less in dom0.",
		   saved(p, "m16384/on", "m16384/on/never-free"),
		   saved(p, "dom0/1/receive/m16384/on", "dom0/1/receive/m16384/on/never-free"));
	return 0;
}

/* ---- S35 ---- */

static int judge_errant(const struct paper *p, struct claim_result *r, struct err *err)
{
	static const char *const strategies[] = {"never-free", "deferred"};
	struct replay_result_late x[2];
	struct profile profile;
	int rc = load_profile(&profile, err);

	(void)p;
	for (int i = 0; i < 2 && !rc; i++) {
		rc = experiment_replay_late(&profile, strategies[i], &x[i], err);
		if (!rc)
			claim_say(r, "%s%s: %" PRIu64 " of %" PRIu64, i ? "; " : "", strategies[i],
				  x[i].succeeded, x[i].attempts);
	}
	if (rc)
		return rc;
	claim_say(r, " writes to addresses of before the flush at the last wrap, which no mapping "
		     "has now, reached the page that they once led to");
	claim_judge(r, x[0].attempts > 0 && x[1].attempts > 0 &&
			       x[0].succeeded * 100 >= x[0].attempts * 95 &&
			       x[1].succeeded * 100 < x[1].attempts * 5);
	return 0;
}

const struct mechanism_claim paper_cost_claims[] = {
	{"S33", "To map and unmap many at once makes each cheaper", "section 4.3.3",
	 "on bare metal and in a domain a buffer costs the less the longer its list is, from 1 to "
	 "64",
	 judge_lists},
	{"S34", "Entries that are never freed make unmaps cheaper, more so under a hypervisor",
	 "section 4.3.4",
	 "an unmap costs less than where entries are cleared, and more than nothing; a domain "
	 "saves more cycles by it than bare metal",
	 judge_never},
	{"S34b", "... also with what overwriting them costs the next map",
	 "section 4.3.4 (implied)", "the same of map and unmap together", judge_both},
	{"S35", "... and let errant DMA to old addresses through", "section 4.3.4",
	 "at least 95 % of writes to old addresses succeed; after a flush with entries cleared "
	 "fewer than 5 %",
	 judge_errant},
	{0},
};
