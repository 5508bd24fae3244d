/* SPDX-License-Identifier: MIT */
/* Predictions about a guest whose IOMMU is its hypervisor's: how long mappings should live. */
#include "study/evidence_impl.h"

#define WILLMANN "\"Protection Strategies for Direct Access to Virtualized I/O Devices\" (ATC 2008)"
#define YASSOUR  "\"On the DMA Mapping Problem in Direct Device Assignment\" (SYSTOR 2010)"

#define DOM0 "iommu.model=calgary run.duration=100ms "

const struct evidence_run evidence_guests_runs[] = {
	{"dom0/none", "dom0", "iommu.model=none run.duration=100ms", NULL},
	{"dom0/single-use", "dom0", DOM0 "dma.strategy=strict", NULL},
	{"dom0/shared", "dom0", DOM0 "dma.strategy=shared", NULL},
	{"dom0/persistent", "dom0", DOM0 "dma.strategy=persistent", NULL},
	{"dom0/on-demand/64", "dom0", DOM0 "dma.strategy=on-demand dma.quota=64", NULL},
	{"dom0/on-demand/128", "dom0", DOM0 "dma.strategy=on-demand dma.quota=128", NULL},
	{"dom0/on-demand/1024", "dom0", DOM0 "dma.strategy=on-demand dma.quota=1024", NULL},
	{"direct", "direct", DOM0, NULL},
	{0},
};

/* Crossings with a quota of 64 and of 128, and the working set. */
static bool the_knee_is_at_the_working_set(const struct prediction *p, const double *figure)
{
	return figure[1] <= p->limit * figure[0] && figure[2] > 64 && figure[2] <= 128;
}

const struct prediction evidence_guests[] = {
	{.id = "7.1",
	 .text = "The longer mappings live the cheaper: single-use, shared, persistent, direct map",
	 .paper = WILLMANN "; \"vIOMMU\" (ATC 2011) on it: persistent is faster than the first two",
	 .grade = GRADE_ABSTRACT,
	 .published = "a direct map is native, restricting mappings costs, reuse makes that small; "
		      "that shared is cheaper than single-use is our reading",
	 .rule = "CPU time for the same bytes, each at least 5 % above the next (our threshold)",
	 .holds = evidence_descends,
	 .limit = 0.05,
	 .figure = {{"single-use", "dom0/single-use", "cpu per KiB", NULL, UNPRINTED, false},
		    {"shared", "dom0/shared", "cpu per KiB", NULL, UNPRINTED, false},
		    {"persistent", "dom0/persistent", "cpu per KiB", NULL, UNPRINTED, false},
		    {"direct map", "direct", "cpu per KiB", NULL, UNPRINTED, false}},
	 .note = "On the x460 with Calgary, as the laboratory's hypervisor has it; the paper used "
		 "another IOMMU."},
	{.id = "7.2",
	 .text = "A direct map costs as much as no IOMMU",
	 .paper = WILLMANN,
	 .grade = GRADE_ABSTRACT,
	 .published = "native performance",
	 .rule = "CPU time for the same bytes within 5 % (our threshold)",
	 .holds = evidence_near,
	 .limit = 1.05,
	 .figure = {{"direct map / none", "direct", "cpu per KiB", "dom0/none", 1, false}}},
	{.id = "7.3",
	 .text = "Mapping on demand crosses to the hypervisor until its quota covers the working "
		 "set, and hardly then",
	 .paper = YASSOUR "; where the knee lies is our reading",
	 .grade = GRADE_ABSTRACT,
	 .published = "as fast as the state of the art with considerably less memory pinned",
	 .rule = "crossings a frame with a quota of 128 at most 5 % of those with 64, and the "
		 "pages mapped when nothing is taken down between the two",
	 .holds = the_knee_is_at_the_working_set,
	 .limit = 0.05,
	 .figure = {{"crossings, quota 64", "dom0/on-demand/64", "crossings", NULL, UNPRINTED,
		     false},
		    {"crossings, quota 128", "dom0/on-demand/128", "crossings", NULL, UNPRINTED,
		     false},
		    {"pages, no quota", "dom0/persistent", "live", NULL, UNPRINTED, false},
		    {"crossings, quota 1024", "dom0/on-demand/1024", "crossings", NULL, UNPRINTED,
		     true}}},
	{.id = "7.4",
	 .text = "Its throughput is that of memory mapped for good",
	 .paper = YASSOUR,
	 .grade = GRADE_ABSTRACT,
	 .published = "performance equal to the state of the art",
	 .rule = "within 1 % (our threshold)",
	 .holds = evidence_near,
	 .limit = 1.01,
	 .figure = {{"on demand / direct map", "dom0/on-demand/128", "throughput", "direct", 1,
		     false}}},
	{0},
};
