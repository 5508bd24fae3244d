/* SPDX-License-Identifier: MIT */
/*
 * FFSB, of which the paper says one word: comparable. It prints neither its profile nor a number;
 * the profiles are ours. Points "ffsb/<where>/<profile>/off|on<tail of an end>", their table, S5.
 */
#include "study/paper_disk.h"

#include <math.h>

#include "study/paper_show.h"

#define COST "service_demand_us_per_kb"

/* After the file sets are built: thousands of mappings. */
#define DURATION "run.duration=500 ms"

static const struct disk_profile {
	const char *id, *title, *set;
} profiles[] = {
	{"mixed", "a bit of everything, 16 threads", "ffsb.profile=ffsb-mixed"},
	{"random-direct", "4 KiB random reads past the page cache",
	 "ffsb.profile=ffsb-random-direct"},
	{"sequential", "large files read through the page cache", "ffsb.profile=ffsb-sequential"},
	{NULL, NULL, NULL},
};

static const struct disk_place {
	const char *id, *title, *set;
	bool ends;  /* run at the ends of the estimates, and with other seeds */
	bool guest; /* two domains pay */
} places[] = {
	{"bare-metal", "bare metal", "platform.kind=bare-metal", true, false},
	{"dom0", "dom0", "platform.kind=dom0", false, false},
	{"domu", "domU", "platform.kind=domu", false, true},
	{NULL, NULL, NULL, false, false},
};

/* ---- points ---- */

static void add_pair(struct paper *p, const struct disk_place *w, const struct disk_profile *f,
		     const struct paper_end *e)
{
	static const char *const model[] = {"iommu.model=none", "iommu.model=calgary"};
	static const char *const onoff[] = {"off", "on"};
	char id[96], seed[48], estimates[64];

	snprintf(seed, sizeof(seed), "run.seed=%llu", (unsigned long long)(p->seed + e->seed));
	snprintf(estimates, sizeof(estimates), "sut.estimates=%s", e->estimates);
	for (int k = 0; k < 2; k++) {
		const char *const sets[] = {DURATION, seed,     estimates, w->set,
					    f->set,   model[k], NULL};

		study_add(&p->study,
			  paper_id(id, "ffsb/%s/%s/%s%s", w->id, f->id, onoff[k], e->tail), "ffsb",
			  sets);
	}
}

void paper_disk_points(struct paper *p)
{
	for (const struct disk_place *w = places; w->id; w++)
		for (const struct disk_profile *f = profiles; f->id; f++)
			for (const struct paper_end *e = paper_ends; e->title; e++)
				if (w->ends || e == paper_ends)
					add_pair(p, w, f, e);
}

/* ---- what they show ---- */

struct pair {
	char off[96], on[96];
};

static struct pair pair_of(const struct disk_place *w, const struct disk_profile *f,
			   const char *tail)
{
	struct pair x;

	paper_id(x.off, "ffsb/%s/%s/off%s", w->id, f->id, tail);
	paper_id(x.on, "ffsb/%s/%s/on%s", w->id, f->id, tail);
	return x;
}

/* What went over the disk's adapter, in KiB: FFSB counts an operation when it is over. */
static double kib(const struct paper *p, const char *id)
{
	return (study_number(&p->study, id, "disk.bytes_read") +
		study_number(&p->study, id, "disk.bytes_written")) /
	       1024;
}

static double megabytes(const struct paper *p, const char *id)
{
	return kib(p, id) * 1024e-6 / study_number(&p->study, id, "elapsed_s");
}

/* CPU time for each of them, in us. */
static double cost(const struct paper *p, const char *id)
{
	return study_number(&p->study, id, "cpu_utilization_percent") * 1e4 *
	       study_number(&p->study, id, "elapsed_s") / kib(p, id);
}

/* Of dom0's virtual CPUs, in percent; NaN without a hypervisor. */
static double dom0_percent(const struct paper *p, const char *id)
{
	const json_t *xen = json_object_get(study_result(&p->study, id), "xen");
	const json_t *dom0 = json_array_get(json_object_get(xen, "domains"), 0);
	double sum = dom0 ? 0 : (double)NAN;
	const json_t *vcpu;
	size_t i;

	json_array_foreach(json_object_get(dom0, "vcpus"), i, vcpu)
	{
		sum += result_number(vcpu, "percent");
	}
	return sum;
}

/* "130.1 (80.2)": of all CPUs, and of that dom0's where it works for a guest. */
static json_t *cpu_cell(const struct paper *p, const struct disk_place *w, const char *id)
{
	const double all = study_number(&p->study, id, "cpu_utilization_percent");
	const double dom0 = dom0_percent(p, id);

	if (!w->guest || !isfinite(all) || !isfinite(dom0))
		return paper_cell(1, all);
	return json_sprintf("%.1f (%.1f)", all, dom0);
}

static double dearer(const struct paper *p, const struct pair *x)
{
	return 100 * (cost(p, x->on) / cost(p, x->off) - 1);
}

/* CPU time that the IOMMU adds to one map, with its unmap, in us. */
static double disk_per_map(const struct paper *p, const struct pair *x)
{
	return (cost(p, x->on) - cost(p, x->off)) * kib(p, x->on) /
	       study_number(&p->study, x->on, "dma.maps");
}

static double network_per_map(const struct paper *p)
{
	char off[96], on[96];

	paper_id(off, "m%u/off", PAPER_REFERENCE);
	paper_id(on, "m%u/on", PAPER_REFERENCE);
	return (study_number(&p->study, on, COST) - study_number(&p->study, off, COST)) *
	       study_number(&p->study, on, "payload_bytes") / 1024 /
	       study_number(&p->study, on, "dma.maps");
}

/* "+8.1 (+5.0..+12.2)": the default, and the extremes over the ways it was run. */
static json_t *with_ends(const struct paper *p, const struct disk_place *w,
			 const struct disk_profile *f)
{
	const struct pair x = pair_of(w, f, "");
	const double y = dearer(p, &x);
	double low = y, high = y;

	if (!isfinite(y))
		return json_string("-");
	if (!w->ends)
		return json_sprintf("%+.1f", y);
	for (const struct paper_end *e = paper_ends; e->title; e++) {
		const struct pair end = pair_of(w, f, e->tail);
		const double v = dearer(p, &end);

		low = fmin(low, v);
		high = fmax(high, v);
	}
	return json_sprintf("%+.1f (%+.1f..%+.1f)", y, low, high);
}

static void add_row(json_t *rows, const struct paper *p, const struct disk_place *w,
		    const struct disk_profile *f)
{
	const struct pair x = pair_of(w, f, "");
	const struct study *s = &p->study;
	char title[96];

	snprintf(title, sizeof(title), "%s, %s", f->title, w->title);
	json_array_append_new(
		rows,
		json_pack("[s, o, o, o, o, o, o, o, o, o]", title,
			  paper_cell(0, study_number(s, x.off, "ffsb.ops_per_s")),
			  paper_cell(0, study_number(s, x.on, "ffsb.ops_per_s")),
			  paper_cell(1, megabytes(p, x.off)), paper_cell(1, megabytes(p, x.on)),
			  cpu_cell(p, w, x.off), cpu_cell(p, w, x.on), with_ends(p, w, f),
			  paper_cell(2, disk_per_map(p, &x)),
			  paper_cell(1, 100 * study_number(s, x.on, "dma.single_entry_fraction"))));
}

json_t *paper_disk_table(const struct paper *p)
{
	json_t *rows = json_array();

	for (const struct disk_place *w = places; w->id; w++)
		for (const struct disk_profile *f = profiles; f->id; f++)
			add_row(rows, p, w, f);
	return paper_table(
		"ffsb", "FFSB: files on a disk behind the IOMMU",
		json_pack("[o, o, o, o, o, o, o, o, o, o]", paper_column("Profile", ""),
			  paper_column("Off", "ops/s"), paper_column("On", "ops/s"),
			  paper_column("Disk off", "MB/s"), paper_column("Disk on", "MB/s"),
			  paper_column("CPU off", "%"), paper_column("CPU on", "%"),
			  paper_column("CPU a KiB of disk", "% more"),
			  paper_column("CPU added to a map", "us"),
			  paper_column("Single entries", "%")),
		rows,
		"The paper calls its results comparable to the network's, and prints neither its "
		"profile nor a number: profiles, disk and array are ours. Behind a change in "
		"brackets its extremes over seeds and ends of the estimates. Operations are drawn "
		"at random, "
		"and from the first one that ends at another instant threads draw others: "
		"throughput varies by chance, too (S5 takes means over three seeds). dom0 and "
		"domU have one vCPU each; domU's disk is dom0's, and its CPU both domains' with "
		"dom0's in brackets.");
}

/* ---- S5 ---- */

void paper_judge_ffsb(const struct paper *p, struct claim_result *r)
{
	const double network = network_per_map(p);
	bool holds = true;

	for (const struct disk_profile *f = profiles; f->id; f++) {
		double loss = 0, more = 0, us = 0;
		unsigned n = 0;

		/* The default, and the other seeds, which the threads' chance is averaged over. */
		for (const struct paper_end *e = paper_ends; e->title; e++) {
			const struct pair x = pair_of(&places[0], f, e->tail);
			const double off = megabytes(p, x.off);

			if (e != paper_ends && !e->seed)
				continue;
			loss += 100 * (off - megabytes(p, x.on)) / off;
			more += dearer(p, &x);
			us += disk_per_map(p, &x);
			n++;
		}
		loss /= n;
		more /= n;
		us /= n;
		if (!isfinite(loss + more + us + network))
			return;
		claim_say(r,
			  "%s%s: disk throughput %+.1f %%, CPU time a KiB %+.1f %%, %.2f us a map",
			  f == profiles ? "" : "; ", f->title, -loss, more, us);
		holds = holds && loss <= 5 && more > 0 && us >= network / 3 && us <= network * 3;
	}
	claim_say(r, ". Network (16 KiB messages): %.2f us a map", network);
	claim_judge(r, holds);
	claim_note(
		r, "%s",
		"Bare metal, means over three seeds. The paper prints no profile and no number.");
}

/* ---- S18 ---- */

void paper_disk_single(const struct paper *p, double *least, double *greatest)
{
	*least = *greatest = (double)NAN;
	for (const struct disk_profile *f = profiles; f->id; f++) {
		const struct pair x = pair_of(&places[0], f, "");
		const double v = 100 * study_number(&p->study, x.on, "dma.single_entry_fraction");

		*least = fmin(*least, v);
		*greatest = fmax(*greatest, v);
	}
}
