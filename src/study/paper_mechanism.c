/* SPDX-License-Identifier: MIT */
/* Claims about how the IOMMU works, judged by experiments on a rig without NIC and TCP. */
#include <inttypes.h>
#include <limits.h>
#include <math.h>

#include "study/experiment.h"
#include "study/paper_claims.h"
#include "study/paths.h"

#define LAPS_OF_MAPPINGS 40000 /* of an 8192-entry table: nearly five laps */
#define ATTEMPTS         3000

static int load_profile(struct profile *out, struct err *err)
{
	char path[PATH_MAX];
	int rc = paths_find("profiles", "x460-2007", ".ini", path, sizeof(path), err);

	return rc ? rc : profile_load(out, path, ESTIMATE_DEFAULT, NULL, err);
}

/* How long DMA was held up at point @id, in percent of the time. */
static double held_up(const struct paper *p, const char *id)
{
	return study_number(&p->study, id, "iommu.stall_us") /
	       study_number(&p->study, id, "elapsed_s") / 1e4;
}

static int judge_scope(const struct paper *p, struct claim_result *r, struct err *err)
{
	static const char *const bus = "strict/1.7 us", *const system = "strict/system";
	struct scope_result s;
	struct profile profile;
	int rc = load_profile(&profile, err);

	if (!rc)
		rc = experiment_scope(&profile, &s, err);
	if (rc)
		return rc;
	claim_say(
		r,
		"one unmap of one page took %" PRIu64 " of %" PRIu64
		" other live translations with it. Stopping one bus (the driver): %.1f us a flush, "
		"DMA held up %.1f %% of the time; stopping every bus (the text): %.1f us, %.1f %%",
		s.cached_before - s.cached_after, s.cached_before,
		study_number(&p->study, bus, "iommu.flush_us_mean"), held_up(p, bus),
		study_number(&p->study, system, "iommu.flush_us_mean"), held_up(p, system));
	claim_judge(r, s.cached_before > 0 && s.cached_after == 0 && held_up(p, bus) > 0 &&
			       held_up(p, system) > 0);
	return 0;
}

static int judge_short_lived(const struct paper *p, struct claim_result *r, struct err *err)
{
	struct reuse_result with, without;
	struct profile profile;
	int rc = load_profile(&profile, err);

	if (!rc)
		rc = experiment_short_lived(&profile, "deferred", LAPS_OF_MAPPINGS, p->seed, &with,
					    err);
	if (!rc)
		rc = experiment_short_lived(&profile, "unflushed", LAPS_OF_MAPPINGS, p->seed,
					    &without, err);
	if (rc)
		return rc;
	claim_say(r,
		  "%" PRIu64 " mappings, %" PRIu64 " wraps, %" PRIu64 " flushes: %" PRIu64
		  " DMAs misplaced; without the flush at the wrap: %" PRIu64 " misplaced",
		  with.mappings, with.wraps, with.flushes, with.misplaced, without.misplaced);
	claim_judge(r, with.wraps > 1 && !with.misplaced && without.misplaced);
	return 0;
}

static int judge_survivor(const struct paper *p, struct claim_result *r, struct err *err)
{
	static const char *const strategies[] = {"deferred", "deferred-tracked", "strict"};
	struct reuse_result result[3];
	struct profile profile;
	int rc = load_profile(&profile, err);

	(void)p;
	for (int i = 0; i < 3 && !rc; i++) {
		rc = experiment_survivor(&profile, strategies[i], &result[i], err);
		if (!rc)
			claim_say(r, "%s%s: the new owner's DMA landed in %s frame", i ? "; " : "",
				  strategies[i],
				  result[i].misplaced ? "the previous owner's" : "its own");
	}
	if (rc)
		return rc;
	claim_judge(r, !result[0].misplaced);
	claim_note(
		r, "%s",
		"A finding about the paper, not a failure to reproduce it: an entry is reused "
		"without a wrap when its mapping survived one. Flushing when an entry freed since "
		"the last flush is handed out (deferred-tracked) closes the gap.");
	return 0;
}

static int judge_stale(const struct paper *p, struct claim_result *r, struct err *err)
{
	static const unsigned sizes[] = {16, 64, 512, 4096};
	struct stale_result s;
	struct profile profile;
	uint64_t disagreed = 0, attempts = 0;
	int rc = load_profile(&profile, err);

	for (int i = 0; i < 4 && !rc; i++) {
		rc = experiment_use_after_unmap(&profile, "deferred", sizes[i], ATTEMPTS, p->seed,
						&s, err);
		disagreed += s.disagreed;
		attempts += s.attempts;
		claim_say(r, "%s%u entries:",
			  i ? "; " : "success after 0/4/16/64/256/1024 other mappings, IOTLB of ",
			  sizes[i]);
		for (int d = 0; d < STALE_DELAYS && !rc; d++)
			claim_say(r, "%s%.0f %%", d ? "/" : " ",
				  100.0 * (double)s.succeeded[d] / (double)s.tried[d]);
	}
	if (rc)
		return rc;
	claim_say(r, ". %" PRIu64 " of %" PRIu64 " attempts disagreed with residency", disagreed,
		  attempts);
	claim_judge(r, !disagreed);
	claim_note(
		r, "%s",
		"Residency is asked of the IOTLB by a probe, the attempt is a DMA; that both ask "
		"the "
		"same cache is a property of the model.");
	return 0;
}

static int load_scope(struct scope_result *out, struct err *err)
{
	struct profile profile;
	int rc = load_profile(&profile, err);

	return rc ? rc : experiment_scope(&profile, out, err);
}

static int judge_space(const struct paper *p, struct claim_result *r, struct err *err)
{
	struct scope_result s;
	int rc = load_scope(&s, err);

	(void)p;
	if (rc)
		return rc;
	claim_say(r, "%" PRIu64 " of %" PRIu64 " entries usable: %.2f MiB short of 4 GiB",
		  s.usable_entries, s.table_entries,
		  (double)(s.table_entries - s.usable_entries) / 256);
	claim_judge(r, s.usable_entries < s.table_entries &&
			       s.usable_entries > s.table_entries * 9 / 10);
	claim_note(r, "%s",
		   "The emergency pages and the 640 KiB to 1 MiB hole; the peripheral windows, "
		   "which a "
		   "machine's firmware sets, are closed here and would take more.");
	return 0;
}

static int judge_shared(const struct paper *p, struct claim_result *r, struct err *err)
{
	struct scope_result s;
	int rc = load_scope(&s, err);

	(void)p;
	if (rc)
		return rc;
	claim_say(
		r,
		"a device that never mapped anything %s memory mapped by its neighbour on the bus",
		s.neighbour_reaches ? "wrote into" : "was kept out of");
	claim_judge(r, s.neighbour_reaches);
	claim_note(r, "%s", "Isolation is between buses, not between devices of one bus.");
	return 0;
}

const struct mechanism_claim paper_mechanism_claims[] = {
	{"S21", "Calgary can only flush everything, with DMA quiesced", "sections 1.1.1 and 4.1",
	 "no live translation survives another's invalidation; DMA is held up meanwhile",
	 judge_scope},
	{"S22", "One flush at roll-around is enough, as an entry is reused only then",
	 "section 4.1",
	 "no misplaced DMA while mappings live less than a lap; some without that flush",
	 judge_short_lived},
	{"S22b", "... also for a mapping that outlives a roll-around", "section 4.1 (implied)",
	 "the DMA of an entry's next owner reaches that owner's frame", judge_survivor},
	{"S23", "An unmapped entry can be used as long as it is cached", "section 4.1",
	 "a DMA after unmap succeeds exactly while the entry is resident", judge_stale},
	{"S25", "DMA space is somewhat less than 4 GB", "section 4.3.1",
	 "usable entries below 1,048,576 by no more than a tenth", judge_space},
	{"S26", "DART's entries are half as long as Calgary's, so is its table for the same space",
	 "section 1.1.2, tables 1 and 2",
	 "8 bytes with 36-bit frames against 4 bytes with 24-bit frames; R = W = 0 is invalid on "
	 "Calgary; DART has a valid bit and rights that are active low",
	 paper_judge_entries},
	{"S27", "One table serves all devices of an I/O address space", "section 1.1.2",
	 "two devices of one bus reach each other's mappings", judge_shared},
	{0},
};
