/* SPDX-License-Identifier: MIT */
/* Predictions about what a device can still reach: bounds, windows, and mappings revived. */
#include "study/evidence_impl.h"

#define VIOMMU "\"vIOMMU: Efficient IOMMU Emulation\" (ATC 2011)"

/* Their IOTLB has 32 entries, their NIC 10 Gb/s; it sends, a mapping or two for each packet. */
#define SEND                                                                           \
	"load.name=segment_maerts stream.tso=off mqnic.page_cache=0 link.rate=10Gb/s " \
	"iommu.model=vtd iommu.iotlb_entries=32 run.duration=20ms run.warmup=5ms "
/* An IOTLB that forgets nothing, and so little traffic that timers come before batches are full. */
#define SLOW                                                                                    \
	"sut.profile=e3-1220-2015 iommu.model=vtd iommu.iotlb_entries=4096 iommu.iotlb_ways=0 " \
	"link.rate=10Mb/s run.duration=300ms "

const struct evidence_run evidence_windows_runs[] = {
	{"send/none", "stream",
	 "load.name=segment_maerts stream.tso=off mqnic.page_cache=0 link.rate=10Gb/s "
	 "run.duration=20ms run.warmup=5ms",
	 NULL},
	{"send/strict", "stream", SEND "dma.strategy=strict", NULL},
	{"send/shared", "stream", SEND "dma.strategy=shared", NULL},
	{"send/shadow", "stream", SEND "dma.strategy=shadow", NULL},
	{"send/never", "stream", SEND "dma.strategy=unflushed", NULL},
	{"send/defer", "stream", SEND "dma.strategy=batched", NULL},
	{"send/opt256", "stream", SEND "dma.strategy=optimistic dma.quota=256", NULL},
	{"send/opt4096", "stream", SEND "dma.strategy=optimistic dma.quota=4096", NULL},
	{"slow/batched", "bare-metal", SLOW "dma.strategy=batched", NULL},
	{"slow/queue", "bare-metal", SLOW "dma.strategy=flush-queue", NULL},
	{0},
};

/* One more than the bound: the entry that is just being made or taken down has no request. */
static bool bounded_but_for_one(const struct prediction *p, const double *figure)
{
	for (size_t i = 0; i < evidence_judged(p); i++)
		if (!(figure[i] <= p->figure[i].published + 1))
			return false;
	return true;
}

/* 10 ms are three jiffies of 4 ms, rounded up, and the wheel adds one. */
static bool it_is_jiffies(const struct prediction *p, const double *figure)
{
	for (size_t i = 0; i < evidence_judged(p); i++)
		if (!(figure[i] > 10000 && figure[i] <= 16000 + 10))
			return false;
	return true;
}

const struct prediction evidence_windows[] = {
	{.id = "6.1",
	 .text = "Strict and shared mappings leave nothing in reach after an unmap",
	 .paper = VIOMMU ", table 2",
	 .rule = "no page is left reachable by its unmap",
	 .holds = evidence_bounded,
	 .figure = {{"strict", "send/strict", "stale pages", NULL, 0, false},
		    {"shared", "send/shared", "stale pages", NULL, 0, false}}},
	{.id = "6.2",
	 .text = "What is cleared at once stays in reach only while the IOTLB holds it",
	 .paper = VIOMMU ", table 2, bare metal: 32 for deferred and for asynchronous "
			 "invalidation, the size of the IOTLB",
	 .rule = "most pages in reach at once without a live request, at most the bound and the "
		 "one entry that is being made or taken down",
	 .holds = bounded_but_for_one,
	 .figure = {{"deferred", "send/defer", "idle peak", NULL, 32, false},
		    {"never flushed", "send/never", "idle peak", NULL, 32, false},
		    {"strict", "send/strict", "idle peak", NULL, UNPRINTED, true}},
	 .note = "No strategy here posts invalidations without waiting; one that never makes any "
		 "is bounded by the same."},
	{.id = "6.3",
	 .text = "Optimistic teardown leaves at most its quota and the IOTLB's entries in reach",
	 .paper = VIOMMU ", table 2, bare metal: 256 + 32 and 4096 + 32",
	 .rule = "most pages in reach at once without a live request, at most the bound and the "
		 "one entry that is being made or taken down",
	 .holds = bounded_but_for_one,
	 .figure = {{"opt256", "send/opt256", "idle peak", NULL, 288, false},
		    {"opt4096", "send/opt4096", "idle peak", NULL, 4128, false}},
	 .note = "Of the quota of 4096 hardly more than that of 256 is ever used under this load, "
		 "so "
		 "that its bound is not put to the test."},
	{.id = "6.4",
	 .text = "Most maps find their mapping still there under optimistic teardown",
	 .paper = VIOMMU ": 92 % of maps",
	 .rule = "within a factor of 1.25 (our threshold)",
	 .holds = evidence_near,
	 .limit = 1.25,
	 .figure = {{"opt256, % of maps", "send/opt256", "revived", NULL, 92, false},
		    {"opt4096", "send/opt4096", "revived", NULL, UNPRINTED, true}}},
	{.id = "6.5",
	 .text = "Strict is far from the line rate of 10 Gb/s, deferred nearer, optimistic "
		 "teardown reaches it",
	 .paper = VIOMMU ", bare metal: 43 %, 91 %, and all of the line rate",
	 .rule = "each at least 5 % above the next (our threshold)",
	 .holds = evidence_descends,
	 .limit = 0.05,
	 .figure = {{"optimistic / none", "send/opt256", "throughput", "send/none", 1, false},
		    {"deferred / none", "send/defer", "throughput", "send/none", 0.91, false},
		    {"strict / none", "send/strict", "throughput", "send/none", 0.43, false}},
	 .note = "On the profile of another machine than theirs, so only the order is judged."},
	{.id = "6.6",
	 .text = "A device that works on copies reaches nothing of a buffer after its unmap",
	 .paper = "\"True IOMMU Protection from DMA Attacks\" (ASPLOS 2016)",
	 .rule = "no page is left reachable by its unmap",
	 .holds = evidence_bounded,
	 .figure = {{"shadow", "send/shadow", "stale pages", NULL, 0, false}}},
	{.id = "6.7",
	 .text = "Linux's lazy modes leave a page in reach for 10 ms at the longest",
	 .paper = "Linux, the timer of its first lazy mode (2008) and of its flush queues: 10 ms",
	 .grade = GRADE_MAIL,
	 .rule = "longest window at most 10,000 us",
	 .holds = evidence_bounded,
	 .figure = {{"batched, us", "slow/batched", "window", NULL, 10000, false},
		    {"flush queue, us", "slow/queue", "window", NULL, 10000, false}},
	 .because = "A kernel's timers count jiffies. With 250 a second, Debian's, 10 ms are three "
		    "of them rounded up, and Linux's timer wheel adds one so as never to be early: "
		    "12 to 16 ms. The figures are of such a kernel.",
	 .explained = it_is_jiffies},
	{0},
};
