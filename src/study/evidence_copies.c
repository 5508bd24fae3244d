/* SPDX-License-Identifier: MIT */
/*
 * Predictions about copying instead of mapping, and about buffers that stay mapped: Shadow16, DAMN,
 * pages that a driver uses again.
 */
#include "study/evidence_impl.h"

#define SHADOW "\"True IOMMU Protection from DMA Attacks\" (ASPLOS 2016)"
#define DAMN   "\"DAMN: Overhead-Free IOMMU Protection for Networking\" (ASPLOS 2018)"

#define SHORT  "run.duration=10ms run.warmup=5ms "
#define RX     "mqnic.page_cache=0 " SHORT
#define TX     "load.name=segment_maerts " SHORT
#define STRICT "iommu.model=vtd dma.strategy=strict dma.allocator=magazines"
#define DEFER  "iommu.model=vtd dma.strategy=flush-queue dma.allocator=magazines"
#define COPY   "iommu.model=vtd dma.strategy=shadow"
/* What hardware merges reaches the stack in large pieces; here frames are that large themselves. */
#define FAST "sut.profile=icelake-2021 link.rate=100Gb/s mqnic.page_cache=0 " SHORT
#define LRO  FAST "mqnic.mtu=9000 "
#define MANY                                                                            \
	"sut.profile=icelake-2021 link.rate=100Gb/s mqnic.page_cache=0 mqnic.mtu=9000 " \
	"mqnic.queues=16 load.streams=16 run.duration=10ms run.warmup=30ms "

const struct evidence_run evidence_copies_runs[] = {
	{"rx40/none", "stream", RX, NULL},
	{"rx40/strict", "stream", RX STRICT, NULL},
	{"rx40/defer", "stream", RX DEFER, NULL},
	{"rx40/copy", "stream", RX COPY, NULL},
	{"tx40/none", "stream", TX, NULL},
	{"tx40/strict", "stream", TX STRICT, NULL},
	{"tx40/copy", "stream", TX COPY, NULL},
	{"rx100/none", "stream", FAST, NULL},
	{"rx100/strict", "stream", FAST STRICT, NULL},
	{"rx100/defer", "stream", FAST DEFER, NULL},
	{"lro/none", "stream", LRO, NULL},
	{"lro/strict", "stream", LRO STRICT, NULL},
	{"lro/defer", "stream", LRO DEFER, NULL},
	{"lro/copy", "stream", LRO COPY, NULL},
	{"lro/damn", "stream", LRO "iommu.model=vtd dma.strategy=damn", NULL},
	{"chunks/strict", "stream", LRO "mqnic.rx_chunk=16 " STRICT, NULL},
	{"chunks/defer", "stream", LRO "mqnic.rx_chunk=16 " DEFER, NULL},
	{"chunks/copy", "stream", LRO "mqnic.rx_chunk=16 " COPY, NULL},
	{"lro16/none", "stream", MANY, NULL},
	{"lro16/copy", "stream", MANY COPY, NULL},
	{"lro16/copy/free", "stream", MANY COPY " sut.iommu.walk_read=0ns", NULL},
	{"recycle/none", "stream", SHORT, NULL},
	{"recycle/pages", "stream", SHORT STRICT, NULL},
	{"recycle/pool", "stream", RX "iommu.model=vtd dma.strategy=page-pool", NULL},
	{0},
};

/* ---- rules of one row ---- */

/* Of strict and of copying: CPU time for the same bytes. */
static bool copying_costs_more(const struct prediction *p, const double *figure)
{
	return figure[1] >= (1 + p->limit) * figure[0];
}

/* Behind both: what copying a byte takes here. */
static bool what_is_copied_is_warm(const struct prediction *p, const double *figure)
{
	(void)p;
	return figure[2] < 0.071 / 1.5;
}

/* Behind deferred, strict, copying: bytes that one strict unmap is for; the three with chunks. */
static bool an_unmap_for_every_page(const struct prediction *p, const double *figure)
{
	(void)p;
	return figure[2] > figure[1] && figure[3] < 4096 && figure[4] >= 1.05 * figure[5] &&
	       figure[5] >= 1.05 * figure[6];
}

/* Copies over none: throughput, CPU time. */
static bool the_wire_is_paid_for(const struct prediction *p, const double *figure)
{
	(void)p;
	return figure[0] >= 0.9 && figure[1] >= 1.25;
}

/* Behind those: throughput without the time of table reads. */
static bool walks_are_the_limit(const struct prediction *p, const double *figure)
{
	(void)p;
	return figure[2] >= 0.9 && figure[1] >= 1.25;
}

/* With pages that are used again over without, and without an IOMMU over with them. */
static bool reuse_is_nearly_all(const struct prediction *p, const double *figure)
{
	return figure[0] >= 41.0 / 30 / p->limit && figure[1] <= 1.1;
}

#define FROM_THERE                                                                               \
	"Put into the profile from there: the 0.073 ns that a byte takes to copy, and the 0.61 " \
	"us of an invalidation; the rest was not."
#define DISPUTED \
	"\"Fast & Safe IO Memory Protection\" (SOSP 2024) could not reproduce what DAMN claims."

const struct prediction evidence_copies[] = {
	{.id = "4.1",
	 .text = "Receiving on one core at 40 Gb/s, copies are cheaper than any mapping: none, "
		 "copies, deferred, strict",
	 .paper =
		 SHADOW ", one core, 64 KB messages: copies have 0.76 of none, 2 times strict, 1.1 "
			"times deferred",
	 .published = "none, copies, deferred, strict",
	 .rule = "throughput in that order, each at least 5 % above the next (our threshold)",
	 .holds = evidence_descends,
	 .limit = 0.05,
	 .figure = {{"none", "rx40/none", "throughput", NULL, UNPRINTED, false},
		    {"copies", "rx40/copy", "throughput", NULL, UNPRINTED, false},
		    {"deferred", "rx40/defer", "throughput", NULL, UNPRINTED, false},
		    {"strict", "rx40/strict", "throughput", NULL, UNPRINTED, false}},
	 .note = FROM_THERE},
	{.id = "4.2",
	 .text = "How fast copies are, receiving on one core, beside the others",
	 .paper = SHADOW ", one core receiving 64 KB messages",
	 .rule = "each within a factor of 1.25 (our threshold)",
	 .holds = evidence_near,
	 .limit = 1.25,
	 .figure = {{"copies / none", "rx40/copy", "throughput", "rx40/none", 0.76, false},
		    {"copies / strict", "rx40/copy", "throughput", "rx40/strict", 2, false},
		    {"copies / deferred", "rx40/copy", "throughput", "rx40/defer", 1.1, false}},
	 .note = FROM_THERE " Copies against strict are at the edge of the factor."},
	{.id = "4.3",
	 .text = "Sending with TSO, copies cost more than strict mapping",
	 .paper =
		 SHADOW ": 64 KB take 4.65 us to copy, and some 2 us of pollution, against 4.58 us "
			"of the strict path; worst by 10 to 20 %",
	 .published = "copies worst, by 10 to 20 %",
	 .rule = "CPU time for the same bytes at least 5 % above strict's (our threshold)",
	 .holds = copying_costs_more,
	 .limit = 0.05,
	 .figure = {{"strict", "tx40/strict", "cpu per KiB", NULL, UNPRINTED, false},
		    {"copies", "tx40/copy", "cpu per KiB", NULL, UNPRINTED, false},
		    {"copying", "tx40/copy", "copy", NULL, 0.071, true},
		    {"none", "tx40/none", "cpu per KiB", NULL, UNPRINTED, true},
		    {"bytes a map", "tx40/strict", "bytes a mapping", NULL, UNPRINTED, true},
		    {"strict: invalidation", "tx40/strict", "invalidation", NULL, UNPRINTED, true}},
	 .note = FROM_THERE,
	 .because = "A byte is copied here in less than two thirds of the time that it took there: "
		    "the program's own copy has just left it in the CPU's cache, from which the "
		    "profile copies at an estimated 0.03 ns a byte (there all of it is 0.071), and "
		    "lines that a copy drives out of that cache are missed only as far as this "
		    "laboratory's kernel comes back to them.",
	 .explained = what_is_copied_is_warm},
	{.id = "4.4",
	 .text = "At 100 Gb/s, with frames merged before the stack sees them, copies are slower on "
		 "one core than strict mapping, and that slower than deferred",
	 .paper =
		 DAMN ", one core receiving: none and deferred 65 to 67, strict 50, copies 26 Gb/s",
	 .rule = "throughput in that order, each at least 5 % above the next (our threshold)",
	 .holds = evidence_descends,
	 .limit = 0.05,
	 .figure = {{"deferred", "lro/defer", "throughput", NULL, 66000, false},
		    {"strict", "lro/strict", "throughput", NULL, 50000, false},
		    {"copies", "lro/copy", "throughput", NULL, 26000, false},
		    {"bytes a strict unmap", "lro/strict", "bytes a mapping", NULL, UNPRINTED,
		     true},
		    {"chunks of 64 KiB: deferred", "chunks/defer", "throughput", NULL, 66000, true},
		    {"chunks: strict", "chunks/strict", "throughput", NULL, 50000, true},
		    {"chunks: copies", "chunks/copy", "throughput", NULL, 26000, true},
		    {"none", "lro/none", "throughput", NULL, 66000, true}},
	 .note = "This NIC merges nothing by itself; frames of 9000 bytes stand in for "
		 "it. " DISPUTED,
	 .because = "Copies are about as fast as there; mapping is slower, because every page of a "
		    "frame is mapped and unmapped by itself here. At 50 Gb/s and 0.61 us an "
		    "invalidation must be for 3.8 KB at the least if the core did nothing else: "
		    "there it was for more. Where the NIC receives into chunks of 64 KiB that are "
		    "mapped as "
		    "one, the order is theirs.",
	 .explained = an_unmap_for_every_page},
	{.id = "4.5",
	 .text = "One flow of full frames, nothing merged in hardware: Gb/s of one core",
	 .paper = DAMN ", footnote 5: about 20 without an IOMMU, 5 deferred, 2.5 strict",
	 .rule = "each within a factor of 1.25 (our threshold)",
	 .holds = evidence_near,
	 .limit = 1.25,
	 .figure = {{"none, Mb/s", "rx100/none", "throughput", NULL, 20000, false},
		    {"deferred, Mb/s", "rx100/defer", "throughput", NULL, 5000, false},
		    {"strict, Mb/s", "rx100/strict", "throughput", NULL, 2500, false}},
	 .note = DISPUTED,
	 .because = "Why is open. Without an IOMMU the two agree. With one map and one unmap for a "
		    "frame, three quarters are more than a deferred pair in constant time takes "
		    "in rIOMMU's table 1: 1,967 cycles, where such a frame alone takes 1,816, "
		    "which is half. Its 3.3 times (1.8) are two pairs a packet."},
	{.id = "4.6",
	 .text = "On many cores copies reach the wire at 1.5 times the CPU time",
	 .paper = DAMN ", 28 cores receiving at 100 Gb/s",
	 .published = "all but strict at least 100 Gb/s; copies with 1.5 times the CPU time",
	 .rule = "copies at least nine tenths of none's throughput, CPU time for the same bytes at "
		 "least 1.25 times (our thresholds)",
	 .holds = the_wire_is_paid_for,
	 .figure = {{"copies / none, throughput", "lro16/copy", "throughput", "lro16/none", 1,
		     false},
		    {"copies / none, CPU time", "lro16/copy", "cpu per KiB", "lro16/none", 1.5,
		     false},
		    {"copies / none, throughput, table reads for nothing", "lro16/copy/free",
		     "throughput", "lro16/none", UNPRINTED, true}},
	 .note = "Measured after 30 ms, when pools have grown to what they need. " DISPUTED,
	 .because = "Walks are the limit, not copies: pools are translated as well, and one walker "
		    "is too few for 100 Gb/s (5.3). With table reads for nothing the wire is full.",
	 .explained = walks_are_the_limit},
	{.id = "4.7",
	 .text = "A driver that uses its receive pages again gains most of what strict unmapping "
		 "costs a single flow",
	 .paper = "The kernel commits that brought page-fragment recycling to a driver of "
		  "Kunpeng 920's: 30 to 41 Gb/s when strict; passthrough adds 2.5 % more",
	 .grade = GRADE_MAIL,
	 .rule = "at least 1.37 / 1.25 times the throughput, and no more than 10 % below none (our "
		 "thresholds)",
	 .holds = reuse_is_nearly_all,
	 .limit = 1.25,
	 .figure = {{"used again / not", "recycle/pages", "throughput", "rx40/strict", 1.37, false},
		    {"none / used again", "recycle/none", "throughput", "recycle/pages", 1.025,
		     false}}},
	{.id = "4.8",
	 .text = "So does a pool of pages in the DMA layer",
	 .paper = "As 4.7",
	 .grade = GRADE_MAIL,
	 .rule = "at least 1.37 / 1.25 times the throughput, and no more than 10 % below none (our "
		 "thresholds)",
	 .holds = reuse_is_nearly_all,
	 .limit = 1.25,
	 .figure = {{"pool / strict", "recycle/pool", "throughput", "rx40/strict", 1.37, false},
		    {"none / pool", "recycle/none", "throughput", "recycle/pool", 1.025, false}}},
	{.id = "4.9",
	 .text = "Buffers allocated where they stay mapped are as fast as no IOMMU",
	 .paper = DAMN ", one core receiving: 65 to 67 Gb/s with DAMN, deferred and none alike",
	 .rule = "throughput within a factor of 1.1 of none's (our threshold)",
	 .holds = evidence_near,
	 .limit = 1.1,
	 .figure = {{"DAMN / none", "lro/damn", "throughput", "lro/none", 1, false}},
	 .note = DISPUTED},
	{0},
};
