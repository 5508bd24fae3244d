/* SPDX-License-Identifier: MIT */
/*
 * Why dom0 pays what it pays: the claims S10 (its CPU is at its maximum, so twice the CPU removes
 * the loss) and S17 (the mode switch is what a hypervisor adds), section 3 of the paper. What
 * stands beside the verdicts is computed as they are.
 */
#include <math.h>

#include "study/paper_xen.h"

#define CPU   "cpu_utilization_percent"
#define LIMIT 1024u /* below, the paper saw a difference in throughput */
#define TENTH 10.0

/* ---- S10 ---- */

/* Losses of throughput below 1024 bytes, summed over the sizes that run everywhere. */
static double losses(const struct paper *p, const char *place, const char *way, const char *tail)
{
	char stem[96], off[96], on[96];
	double sum = 0;

	paper_xen_stem(stem, paper_domains[PAPER_DOM0].id, place, way);
	for (int i = 0; i < PAPER_XEN_SIZES && paper_xen_size[i] < LIMIT; i++)
		sum -= paper_change(p, paper_id(off, "%sm%u/off%s", stem, paper_xen_size[i], tail),
				    paper_id(on, "%sm%u/on%s", stem, paper_xen_size[i], tail),
				    "throughput_mbps");
	return sum;
}

/* Throughput with the IOMMU and twice the CPU against that with neither, at the smallest size. */
static double regained(const struct paper *p, const char *on)
{
	char off[96];

	return paper_change(p, paper_id(off, "dom0/1/send-nodelay/m%u/off", paper_xen_size[0]), on,
			    "throughput_mbps");
}

/* Of two vCPUs, percent: the first takes the interrupts, the second has the sender's task. */
static double vcpu_busy(const struct paper *p, const char *id, size_t vcpu)
{
	const json_t *percent = json_object_get(study_result(&p->study, id), "cpu_percent");
	const json_t *value = json_array_get(percent, vcpu);

	return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

/* Throughput at the smallest size with twice the clock, over that without. */
static double sped_up(const struct paper *p, const char *onoff)
{
	char slow[96], fast[96];

	paper_id(slow, "dom0/1/send-nodelay/m%u/%s", paper_xen_size[0], onoff);
	paper_id(fast, "%.60s/twice-clock", slow);
	return study_number(&p->study, fast, "throughput_mbps") /
	       study_number(&p->study, slow, "throughput_mbps");
}

static void note_twice(const struct paper *p, struct claim_result *r)
{
	char two[96];

	paper_id(two, "dom0/2/send-nodelay/m%u/on", paper_xen_size[0]);
	claim_note(r,
		   "64 bytes. Of two vCPUs, IOMMU on, the one with the sender's task is %.0f %% "
		   "busy, the one that takes the interrupts %.0f %%. Twice the clock gives %.2f "
		   "times the throughput with the IOMMU off and %.2f times with it on.",
		   vcpu_busy(p, two, 1), vcpu_busy(p, two, 0), sped_up(p, "off"), sped_up(p, "on"));
}

void paper_judge_twice(const struct paper *p, struct claim_result *r)
{
	const double loss = losses(p, "1", "send-nodelay", "");
	const double two = losses(p, "2", "send-nodelay", "");
	const double fast = losses(p, "1", "send-nodelay", "/twice-clock");
	char id[96];

	if (!isfinite(loss + two + fast))
		return;
	claim_say(
		r,
		"where dom0 sends without Nagle: two vCPUs remove %.0f %% of the loss (summed over "
		"sizes), twice the clock %.0f %%",
		100 * (1 - two / loss), 100 * (1 - fast / loss));
	claim_say(r,
		  ". Against one vCPU with the IOMMU off, 64 bytes: two vCPUs with it on give "
		  "%+.1f %%, ",
		  regained(p, paper_id(id, "dom0/2/send-nodelay/m%u/on", paper_xen_size[0])));
	claim_say(r, "twice the clock %+.1f %%",
		  regained(p, paper_id(id, "dom0/1/send-nodelay/m%u/on/twice-clock",
				       paper_xen_size[0])));
	claim_judge(r, loss >= TENTH && two <= 0.2 * loss);
	note_twice(p, r);
}

/* ---- S17 ---- */

static double median_gap(const struct paper *p, const char *stem, const char *tail,
			 const char *metal)
{
	double gap[PAPER_VARIANT_SIZES];
	char a[96], b[96], c[96], d[96];

	for (int i = 0; i < PAPER_VARIANT_SIZES; i++) {
		const unsigned m = paper_variant_size[i];

		gap[i] = paper_change(p, paper_id(a, "%sm%u/off%s", stem, m, tail),
				      paper_id(b, "%sm%u/on%s", stem, m, tail), CPU) -
			 paper_change(p, paper_id(c, "%sm%u/off", metal, m),
				      paper_id(d, "%sm%u/on", metal, m), CPU);
	}
	return paper_median(gap, PAPER_VARIANT_SIZES);
}

/* Cycles in the hypervisor that the IOMMU brought, for each map or unmap, at the reference. */
static double in_hypervisor(const struct paper *p)
{
	static const char *const off = "dom0/1/receive/m16384/off/free-crossing";
	static const char *const on = "dom0/1/receive/m16384/on/free-crossing";
	const struct study *s = &p->study;

	return (study_number(s, on, "cpu_cycles.hypervisor") -
		study_number(s, off, "cpu_cycles.hypervisor")) /
	       (study_number(s, on, "dma.maps") + study_number(s, on, "dma.unmaps"));
}

/* Cycles a KiB that the IOMMU adds in @category between the points @stem "off" and "on" @tail. */
static double added(const struct paper *p, const char *stem, const char *tail, const char *category)
{
	static const char *const onoff[] = {"off", "on"};
	double x[2];
	char id[96], path[64];

	snprintf(path, sizeof(path), "cpu_cycles.%s", category);
	for (int k = 0; k < 2; k++) {
		paper_id(id, "%sm%u/%s%s", stem, PAPER_REFERENCE, onoff[k], tail);
		x[k] = 1024 * study_number(&p->study, id, path) /
		       study_number(&p->study, id, "payload_bytes");
	}
	/* Bare metal has no cycles in the hypervisor's categories. */
	return x[1] - x[0];
}

/* Where what is left of the difference lies: by what the cycles were charged for. */
static void note_crossing(const struct paper *p, struct claim_result *r)
{
	const char *most = "";
	double sum = 0, largest = 0;

	for (int c = 0; c < CHARGE_COUNT; c++) {
		const char *name = charge_name((enum charge)c);
		const double more = added(p, "dom0/1/receive/", "/free-crossing", name) -
				    added(p, "one-cpu/", "", name);

		sum += more;
		if (fabs(more) > fabs(largest)) {
			largest = more;
			most = name;
		}
	}
	claim_note(r,
		   "Judged on one CPU, the study's default for dom0. There, 16 KiB messages, the "
		   "IOMMU adds %+.0f cycles a KiB to what it adds on bare metal; by what they are "
		   "charged for, the largest part is %+.0f, \"%s\".",
		   sum, largest, most);
}

void paper_judge_crossing(const struct paper *p, struct claim_result *r)
{
	static const char *const free = "/free-crossing";
	const double one = median_gap(p, "dom0/1/receive/", free, "one-cpu/");
	const double two = median_gap(p, "dom0/2/receive/", free, "");

	if (!isfinite(one + two))
		return;
	claim_say(
		r,
		"dom0's increase less bare metal's, median over sizes, load and interrupts on one "
		"CPU: %+.1f points, crossings free %+.1f; on two: %+.1f, %+.1f",
		median_gap(p, "dom0/1/receive/", "", "one-cpu/"), one,
		median_gap(p, "dom0/2/receive/", "", ""), two);
	claim_say(r, ". Without crossings a map or unmap is %.0f cycles in the hypervisor",
		  in_hypervisor(p));
	claim_judge(r, fabs(one) <= 10);
	note_crossing(p, r);
}
