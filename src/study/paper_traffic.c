/* SPDX-License-Identifier: MIT */
/*
 * Claims about traffic, judged from the study's runs. Thresholds that the paper does not state
 * ("practically no difference") are our reading and say so in the rule.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/paper_disk.h"

/* ---- the headline ---- */

bool paper_changes(const struct paper *p, const char *stem, const char *tail, const char *path,
		   double out[PAPER_SIZES])
{
	char off[96], on[96];

	for (int i = 0; i < PAPER_SIZES; i++) {
		out[i] = paper_change(p, paper_id(off, "%sm%u/off%s", stem, paper_size[i], tail),
				      paper_id(on, "%sm%u/on%s", stem, paper_size[i], tail), path);
		if (!isfinite(out[i]))
			return false;
	}
	return true;
}

static int ascending(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double paper_median(const double *values, size_t n)
{
	double sorted[PAPER_SIZES];

	memcpy(sorted, values, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), ascending);
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

double paper_greatest(const double *values, size_t n)
{
	double best = values[0];

	for (size_t i = 1; i < n; i++)
		best = fmax(best, values[i]);
	return best;
}

double paper_worst_loss(const double *values, size_t n)
{
	double worst = -values[0];

	for (size_t i = 1; i < n; i++)
		worst = fmax(worst, -values[i]);
	return worst;
}

/*
 * @reduce of @path's changes over the headline sizes, at the default and at every other way the
 * headline was run; the default is judged, the note says whether the others agree.
 */
static void judge_changes(const struct paper *p, struct claim_result *r, const char *path,
			  double (*reduce)(const double *values, size_t n), double least,
			  double most)
{
	bool everywhere = true;

	for (const struct paper_end *e = paper_ends; e->title; e++) {
		double change[PAPER_SIZES], value;
		bool passes;

		if (!paper_changes(p, "", e->tail, path, change))
			return;
		value = reduce(change, PAPER_SIZES);
		passes = value >= least && value <= most;
		claim_say(r, "%s%.1f %% (%s)", e == paper_ends ? "" : ", ", value, e->title);
		if (e == paper_ends)
			claim_judge(r, passes);
		everywhere = everywhere && passes;
	}
	claim_note(r, "%s",
		   everywhere ? "So it is at every end of the estimates, too."
			      : "Judged at the defaults; not every end of the estimates agrees.");
}

static void judge_throughput(const struct paper *p, struct claim_result *r)
{
	judge_changes(p, r, "throughput_mbps", paper_worst_loss, (double)-INFINITY, 5);
}

/* Cycles per payload byte of @category at @id. */
static double intensity(const struct paper *p, const char *id, const char *category)
{
	char path[64];

	snprintf(path, sizeof(path), "cpu_cycles.%s", category);
	return study_number(&p->study, id, path) / study_number(&p->study, id, "payload_bytes");
}

struct increase {
	double total, map_unmap, largest_other; /* cycles a byte */
};

static struct increase increase_of(const struct paper *p, const char *off, const char *on)
{
	struct increase x = {0};

	for (int c = 0; c < CHARGE_COUNT; c++) {
		const char *name = charge_name((enum charge)c);
		const double more = intensity(p, on, name) - intensity(p, off, name);

		x.total += more;
		if (c == CHARGE_MAP || c == CHARGE_UNMAP)
			x.map_unmap += more;
		else
			x.largest_other = fmax(x.largest_other, more);
	}
	return x;
}

/* What the alternatives that the paper leaves open reach, and what it is made of. */
static void say_largest_variant(const struct paper *p, struct claim_result *r)
{
	const struct paper_variant *where = NULL;
	struct increase made_of = {0};
	unsigned size = 0;
	double most = 0;

	for (const struct paper_variant *v = paper_variants; v->id; v++) {
		for (int i = 0; i < PAPER_VARIANT_SIZES; i++) {
			const unsigned m = paper_variant_size[i];
			char off[96], on[96];
			const double more = paper_change(p, paper_id(off, "%s/m%u/off", v->id, m),
							 paper_id(on, "%s/m%u/on", v->id, m),
							 "cpu_utilization_percent");

			if (more > most) {
				most = more;
				where = v;
				size = m;
				made_of = increase_of(p, off, on);
			}
		}
	}
	if (where)
		claim_say(r,
			  "; largest of the alternatives: %.1f %% (%s, %u bytes; map and unmap are "
			  "%.0f %% of it)",
			  most, where->title, size, 100 * made_of.map_unmap / made_of.total);
}

static void judge_most_cpu(const struct paper *p, struct claim_result *r)
{
	judge_changes(p, r, "cpu_utilization_percent", paper_greatest, 25, 65);
	say_largest_variant(p, r);
}

static void judge_usual_cpu(const struct paper *p, struct claim_result *r)
{
	judge_changes(p, r, "cpu_utilization_percent", paper_median, 20, 40);
}

/* ---- where the increase comes from ---- */

static void judge_largest(const struct paper *p, struct claim_result *r)
{
	double share[PAPER_SIZES];
	bool largest = true;
	char off[96], on[96];

	for (int i = 0; i < PAPER_SIZES; i++) {
		const struct increase x = increase_of(p, paper_id(off, "m%u/off", paper_size[i]),
						      paper_id(on, "m%u/on", paper_size[i]));

		share[i] = 100 * x.map_unmap / x.total;
		if (!isfinite(share[i]))
			return;
		largest = largest && x.map_unmap > x.largest_other;
	}
	claim_say(r, "map and unmap are %.0f %% of the increase (median over sizes), %s",
		  paper_median(share, PAPER_SIZES),
		  largest ? "the largest part at every size"
			  : "not the largest part at every size");
	claim_judge(r, largest && paper_median(share, PAPER_SIZES) >= 60);
}

/* Share of the CPU time in map and unmap that is spent waiting for the table's lock, in percent. */
double paper_contention(const struct paper *p, const char *id)
{
	const double wait = study_number(&p->study, id, "locks.dma_wait_us");
	const double work = study_number(&p->study, id, "dma.map_us") +
			    study_number(&p->study, id, "dma.unmap_us");

	return 100 * wait / (work + wait);
}

static void report_contention(const struct paper *p, struct claim_result *r)
{
	static const char *const stems[] = {"streams", "send-streams"};
	static const char *const verbs[] = {"receiving: ", "; sending: "};
	char id[96];

	for (int k = 0; k < 2; k++) {
		claim_say(r, "%s", verbs[k]);
		for (const unsigned *n = paper_streams; *n; n++) {
			const double share = paper_contention(
				p, paper_id(id, "%s%u/m%u/on", stems[k], *n, PAPER_REFERENCE));

			if (!isfinite(share))
				return;
			claim_say(r, "%s%.1f %% on %u CPU%s", n == paper_streams ? "" : ", ", share,
				  *n, *n == 1 ? "" : "s");
		}
	}
	claim_say(
		r,
		"; without Nagle's algorithm, 512 bytes: %.1f %% of map and unmap time is waiting "
		"for the table's lock",
		paper_contention(p, "nodelay/m512/on"));
	r->verdict = VERDICT_REPORTED;
	claim_note(r, "%s",
		   "One NIC: its interrupts, hence all receive maps and every unmap, are on one "
		   "CPU, and "
		   "sends queue at the stack's and the NIC's locks before they reach the table's.");
}

static void judge_culprit(const struct paper *p, struct claim_result *r)
{
	double throughput = 0, cpu = 0, removed = 100;
	char off[96], on[96], hw[96], sw[96];

	for (int i = 0; i < PAPER_VARIANT_SIZES; i++) {
		const unsigned size = paper_variant_size[i];
		const char *busy = "cpu_utilization_percent";
		double without;

		paper_id(off, "m%u/off", size);
		paper_id(on, "m%u/on", size);
		paper_id(hw, "m%u/on/free-translation", size);
		paper_id(sw, "m%u/on/free-software", size);
		throughput = fmax(throughput, fabs(paper_change(p, on, hw, "throughput_mbps")));
		cpu = fmax(cpu, fabs(paper_change(p, on, hw, busy)));
		without =
			100 * (1 - paper_change(p, off, sw, busy) / paper_change(p, off, on, busy));
		if (!isfinite(without))
			return;
		removed = fmin(removed, without);
	}
	claim_say(r,
		  "translation for free: throughput within %.2f %%, CPU within %.2f %%; map and "
		  "unmap "
		  "for free: at least %.0f %% of the increase gone",
		  throughput, cpu, removed);
	claim_judge(r, throughput < 1 && cpu < 2 && removed >= 80);
}

static void judge_single(const struct paper *p, struct claim_result *r)
{
	double least = 1, disk_least, disk_most;
	char id[96];

	for (int i = 0; i < PAPER_SIZES; i++) {
		const double f = study_number(&p->study, paper_id(id, "m%u/on", paper_size[i]),
					      "dma.single_entry_fraction");

		if (!isfinite(f))
			return;
		least = fmin(least, f);
	}
	claim_say(r, "%.2f %% of map and unmap requests at the least", 100 * least);
	paper_disk_single(p, &disk_least, &disk_most);
	if (isfinite(disk_least))
		claim_say(r, "; of FFSB's, %.1f to %.1f %%", disk_least, disk_most);
	claim_judge(r, least >= 0.99);
	claim_note(r, "%s",
		   "Follows from the driver: each buffer is one object within one page, each frame "
		   "one "
		   "piece. Judged on the network; a list to scatter counts each of its elements.");
}

/* ---- flushing ---- */

static void judge_knees(const struct paper *p, struct claim_result *r)
{
	const double deferred = study_number(&p->study, "m16384/on", "throughput_mbps");
	double below = 0, above = (double)INFINITY;
	bool everywhere = true;
	char id[96];

	for (const char *const *t = paper_invalidate; *t; t++) {
		const double us = study_number(&p->study, paper_id(id, "strict/%s", *t),
					       "iommu.flush_us_mean");
		const double mbps = study_number(&p->study, id, "throughput_mbps");
		const double busiest = study_number(&p->study, id, "cpu_busiest_percent");
		const bool down = mbps <= deferred / 2 || busiest >= 97;

		if (!isfinite(us) || !isfinite(mbps))
			return;
		if (down)
			above = fmin(above, us);
		else
			below = fmax(below, us);
		if (us >= 4 && us <= 50)
			everywhere = everywhere && down;
		claim_say(r, "%s%.1f us: %.0f Mb/s, busiest CPU %.0f %%",
			  t == paper_invalidate ? "" : "; ", us, mbps, busiest);
	}
	claim_say(r, ". Crossover between %.1f and %.1f us; at roll-around only: %.0f Mb/s", below,
		  above, deferred);
	claim_judge(r, everywhere);
}

static void judge_lap(const struct paper *p, struct claim_result *r)
{
	const double stale = study_number(&p->study, "lap", "iotlb.stale_reads") +
			     study_number(&p->study, "lap", "iotlb.stale_writes");
	const double flushes = study_number(&p->study, "lap", "iommu.flushes");
	const double p10 = study_number(&p->study, "lap", "exposure.reachable_after_10us");

	if (!isfinite(stale) || !isfinite(p10))
		return;
	claim_say(r,
		  "10 s of traffic, %.0f flushes: %.0f DMAs through a stale translation without an "
		  "adversary; a DMA 10 us after its unmap would have got through for %.1f %% of "
		  "pages, "
		  "1 ms after for %.1f %%",
		  flushes, stale, 100 * p10,
		  100 * study_number(&p->study, "lap", "exposure.reachable_after_1ms"));
	claim_judge(r, stale == 0 && p10 > 0);
	claim_note(r,
		   "Of the windows that closed 99 in 100 did within %.0f us, at %.0f evictions a "
		   "millisecond. An IOTLB larger than a lap of the table is another matter: S22b.",
		   study_number(&p->study, "lap", "exposure.window_us_p99"),
		   study_number(&p->study, "lap", "iotlb.evictions") / 1e3 /
			   study_number(&p->study, "lap", "elapsed_s"));
}

/* ---- the table ---- */

const struct claim paper_traffic_claims[] = {
	{"S1", "Throughput is practically the same with the IOMMU on", "section 2.1, figure 2",
	 "loss at most 5 % at every message size (our threshold)", judge_throughput},
	{"S2", "CPU use can rise by as much as 60 %", "section 2.1",
	 "largest increase over message sizes between 25 and 65 %", judge_most_cpu},
	{"S3", "CPU use usually rises by nearer 30 %", "sections 2.1 and 6",
	 "median increase over message sizes between 20 and 40 %", judge_usual_cpu},
	{"S4", "With DART the results are largely the same as with Calgary", "section 2.1",
	 "S1 to S3 hold with DART, and the increases differ by at most 15 points (median over "
	 "sizes, our threshold)",
	 paper_judge_dart},
	{"S5", "FFSB's results are comparable", "section 2.1",
	 "each profile: throughput at most 5 % lower, more CPU time a KiB, and CPU time added to a "
	 "map within a factor of 3 of the network's (our thresholds)",
	 paper_judge_ffsb},
	{"S14", "Map and unmap are the largest part of the added CPU time", "sections 3 and 4.3",
	 "at least 60 % of the increase in cycles, and no other item larger", judge_largest},
	{"S15", "Contention for the table's lock may be part of it", "section 3 (\"possibly\")",
	 "reported, no threshold", report_contention},
	{"S16", "Software is to blame, not the translation hardware", "section 3",
	 "free translation changes throughput by < 1 % and CPU by < 2 %; free map and unmap remove "
	 ">= 80 % of the increase",
	 judge_culprit},
	{"S18", "Over 99 % of map and unmap requests are for a single entry", "section 4.2",
	 "at least 99 % at every message size", judge_single},
	{"S20", "A flush after every unmap brings the system to its knees", "section 4.1",
	 "half the throughput, or a saturated CPU (>= 97 %), at every flush length of 4 to 50 us "
	 "(our threshold)",
	 judge_knees},
	{"S24", "Use of a stale translation was never observed in practice", "section 4.1",
	 "no stale DMA without an adversary, some success for a late one", judge_lap},
	{0},
};
