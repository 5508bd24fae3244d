/* SPDX-License-Identifier: MIT */
/*
 * The paper's other IOMMU: what the study shows and claims of DART. The paper has one sentence on
 * it, in section 2.1: the results were largely the same as with Calgary.
 */
#include <inttypes.h>
#include <limits.h>
#include <math.h>

#include "study/experiment.h"
#include "study/paper_claims.h"
#include "study/paper_show.h"
#include "study/paths.h"

#define CPU "cpu_utilization_percent"

/* ---- S4 ---- */

/* S1 to S3 of one machine. */
struct outcome {
	double loss, most, usual; /* largest loss of throughput; largest, median increase of CPU */
	double more[PAPER_SIZES];
};

static bool outcome_of(const struct paper *p, const char *stem, const char *tail, struct outcome *o)
{
	double throughput[PAPER_SIZES];

	if (!paper_changes(p, stem, tail, "throughput_mbps", throughput) ||
	    !paper_changes(p, stem, tail, CPU, o->more))
		return false;
	o->loss = paper_worst_loss(throughput, PAPER_SIZES);
	o->most = paper_greatest(o->more, PAPER_SIZES);
	o->usual = paper_median(o->more, PAPER_SIZES);
	return true;
}

void paper_judge_dart(const struct paper *p, struct claim_result *r)
{
	bool everywhere = true;

	for (const struct paper_end *e = paper_ends; e->title; e++) {
		struct outcome dart, calgary;
		double apart[PAPER_SIZES];
		bool passes;

		if (!outcome_of(p, "dart/", e->tail, &dart) ||
		    !outcome_of(p, "", e->tail, &calgary))
			return;
		for (int i = 0; i < PAPER_SIZES; i++)
			apart[i] = dart.more[i] - calgary.more[i];
		claim_say(
			r,
			"%sloss %.1f %%, CPU %+.1f %% at most, median %+.1f %%, %+.1f points (%s)",
			e == paper_ends ? "" : "; ", dart.loss, dart.most, dart.usual,
			paper_median(apart, PAPER_SIZES), e->title);
		passes = dart.loss <= 5 && dart.most >= 25 && dart.most <= 65 && dart.usual >= 20 &&
			 dart.usual <= 40 && fabs(paper_median(apart, PAPER_SIZES)) <= 15;
		if (e == paper_ends)
			claim_judge(r, passes);
		everywhere = everywhere && passes;
	}
	claim_note(r, "%s",
		   everywhere
			   ? "So it is at every end of the estimates, too."
			   : "Judged at the defaults; not every end of the estimates agrees. The "
			     "paper "
			     "does not describe the machine, and every number of its profile is an "
			     "estimate. Linux invalidates on DART at every map, Calgary's driver "
			     "once a "
			     "lap of the table.");
}

/* ---- S26 ---- */

int paper_judge_entries(const struct paper *p, struct claim_result *r, struct err *err)
{
	struct entries_result calgary, dart;
	struct profile profile;
	char path[PATH_MAX];
	int rc = paths_find("profiles", "js21-2007", ".ini", path, sizeof(path), err);

	(void)p;
	if (!rc)
		rc = profile_load(&profile, path, ESTIMATE_DEFAULT, NULL, err);
	if (!rc)
		rc = experiment_entries(&profile, "calgary", &calgary, err);
	if (!rc)
		rc = experiment_entries(&profile, "dart-u4", &dart, err);
	if (rc)
		return rc;
	claim_say(
		r,
		"2 GiB of DMA space: Calgary %" PRIu64 " KiB of %u-byte entries with %u-bit "
		"frames, DART %" PRIu64 " KiB of %u-byte entries with %u-bit frames. Calgary with "
		"R = W = 0 %s; DART with R = W = 0 may be %s, and without V %s",
		calgary.table_bytes / 1024, calgary.entry_bytes, calgary.frame_bits,
		dart.table_bytes / 1024, dart.entry_bytes, dart.frame_bits,
		(calgary.readable | calgary.writable) & 1 ? "is valid" : "is refused",
		dart.readable & dart.writable & 1 ? "read and written" : "neither read nor written",
		dart.needs_valid ? "is refused" : "is valid");
	/* Rights by what the bits W, R hold, 00 the lowest bit: positive there, active low here. */
	claim_judge(r, calgary.entry_bytes == 8 && calgary.frame_bits == 36 &&
			       calgary.as_published && calgary.readable == 0xA &&
			       calgary.writable == 0xC && dart.entry_bytes == 4 &&
			       dart.frame_bits == 24 && dart.as_published && dart.readable == 0x5 &&
			       dart.writable == 0x3 && dart.needs_valid &&
			       calgary.table_bytes == 2 * dart.table_bytes);
	claim_note(
		r, "%s",
		"Linux uses neither: it marks every entry valid, readable and writable, and lets "
		"unused ones name a dummy page.");
	return 0;
}

/* ---- what is shown ---- */

json_t *paper_dart_series(const struct paper *p)
{
	json_t *points = json_array();
	char off[96], on[96];

	for (int i = 0; i < PAPER_SIZES; i++) {
		double y = (double)NAN, low = (double)INFINITY, high = (double)-INFINITY;

		for (const struct paper_end *e = paper_ends; e->title; e++) {
			const double more = paper_change(
				p, paper_id(off, "dart/m%u/off%s", paper_size[i], e->tail),
				paper_id(on, "dart/m%u/on%s", paper_size[i], e->tail), CPU);

			if (e == paper_ends)
				y = more;
			low = fmin(low, more);
			high = fmax(high, more);
		}
		if (isfinite(y))
			json_array_append_new(
				points,
				json_pack("{s:i, s:f, s:f, s:f, s:s}", "x", (int)paper_size[i], "y",
					  y, "low", low, "high", high, "run",
					  paper_id(on, "dart/m%u/on", paper_size[i])));
	}
	return json_pack("{s:s, s:o}", "name", "DART (U4) on a JS21", "points", points);
}

/* @part as a percentage of @whole, both of the exposure at point @id. */
static json_t *percentage(const struct paper *p, const char *id, const char *part)
{
	return paper_cell(1, 100 * study_number(&p->study, id, part) /
				     study_number(&p->study, id, "exposure.unmapped_pages"));
}

json_t *paper_dart_table(const struct paper *p)
{
	json_t *rows = json_array();
	char id[96], off[96];

	paper_id(off, "dart/m%u/off", PAPER_REFERENCE);
	for (const struct paper_dart_way *w = paper_dart_ways; w->id; w++) {
		const double maps = study_number(&p->study, paper_id(id, "dart/%s", w->id),
						 "dma.maps"),
			     whole = study_number(&p->study, id, "iommu.flushes"),
			     some = study_number(&p->study, id, "iommu.invalidations");

		json_array_append_new(
			rows,
			json_pack("[s, o, o, o, o, o, o, o]", w->title,
				  paper_cell(1, study_number(&p->study, id, "throughput_mbps")),
				  paper_cell(1, study_number(&p->study, id, CPU)),
				  paper_cell(1, paper_change(p, off, id, CPU)),
				  paper_cell(2, (whole + some) / maps),
				  percentage(p, id, "exposure.stale_pages"),
				  paper_cell(1, study_number(&p->study, id,
							     "exposure.window_us_mean")),
				  percentage(p, id, "exposure.redirected_pages")));
	}
	return json_pack(
		"{s:s, s:s, s:[o, o, o, o, o, o, o, o], s:o, s:s}", "id", "dart", "title",
		"Ways to drive DART", "columns", paper_column("When what is invalidated", ""),
		paper_column("Throughput", "Mb/s"), paper_column("CPU", "%"),
		paper_column("More CPU", "%"), paper_column("Invalidations", "per map"),
		paper_column("Left reachable", "% of unmapped"), paper_column("For", "us (mean)"),
		paper_column("Then redirected", "% of unmapped"), "rows", rows, "note",
		"16 KiB messages on the machine with DART. A page that was unmapped leads to the "
		"dummy page at once or after it was left reachable; with invalid unused entries "
		"it is refused. Only the pages redirected at once are counted as such.");
}
