/* SPDX-License-Identifier: MIT */
/* Predictions about other hardware: rIOMMU's rings, prefetching and replacement in the IOTLB. */
#include "study/evidence_impl.h"

#define RIOMMU "\"rIOMMU\" (ASPLOS 2015)"
#define AMIT   "\"IOMMU: Strategies for Mitigating the IOTLB Bottleneck\" (WIOSCA 2010)"

#define E3                                                                                      \
	"sut.profile=e3-1220-2015 load.name=segment_maerts stream.tso=off stream.send_pages=1 " \
	"mqnic.tx_ring=4096 mqnic.page_cache=0 run.duration=20ms "
#define RING E3 "iommu.model=riommu dma.strategy=burst "

/* The IOTLB that they found: 32 entries, two ways, LRU. */
#define NIC  "iommu.model=vtd dma.strategy=flush-queue run.duration=100ms run.warmup=20ms"
#define DISK "iommu.model=vtd dma.strategy=flush-queue run.duration=500ms"
/* Each ring with addresses of its own. */
#define CHUNKS        NIC " dma.allocator=contiguous"
#define LAB(prefetch) "--policies lru --entries 32 --ways 2 --prefetch " prefetch
#define OPT           "--policies lru,opt --entries 32 --ways 2 --prefetch none"

const struct evidence_run evidence_designs_runs[] = {
	{"e3/rings", "stream", RING, NULL},
	{"e3/rings-", "stream", RING "iommu.walker=incoherent", NULL},
	{"nic/none", "bare-metal", NIC, LAB("none")},
	{"nic/adjacent", "bare-metal", NIC, LAB("adjacent")},
	{"nic/next", "bare-metal", NIC, LAB("next")},
	{"nic/opt", "bare-metal", NIC, OPT},
	{"nic/chunks/none", "bare-metal", CHUNKS, LAB("none")},
	{"nic/chunks/next", "bare-metal", CHUNKS, LAB("next")},
	{"disk/none", "ffsb", DISK, LAB("none")},
	{"disk/adjacent", "ffsb", DISK, LAB("adjacent")},
	{"disk/next", "ffsb", DISK, LAB("next")},
	{"disk/opt", "ffsb", DISK, OPT},
	{0},
};

/* rIOMMU over none and over four modes; unmaps; of strict+, defer+, strict, defer what is cheaper.
 */
static bool the_others_are_faster(const struct prediction *p, const double *figure)
{
	if (figure[0] >= 0.77 || figure[5] >= p->figure[5].published)
		return false;
	for (size_t i = 6; i < evidence_figures(p); i++)
		if (figure[i] >= p->figure[i].published)
			return false;
	return true;
}

/* Behind NIC and disk: the NIC when each ring has addresses of its own, with over without. */
static bool rings_share_their_addresses(const struct prediction *p, const double *figure)
{
	return figure[0] > p->limit && figure[2] <= p->limit;
}

const struct prediction evidence_designs[] = {
	{.id = "8.1",
	 .text = "rIOMMU is faster than every mode of VT-d and slower than no IOMMU",
	 .paper = RIOMMU ", 40 GbE stream: 0.77 of none, 2.57 times defer+, 3.79 defer, 4.28 "
			 "strict+, 7.56 strict",
	 .published = "none, rIOMMU, defer+, defer, strict+, strict",
	 .rule = "throughput in that order, each at least 5 % above the next (our threshold)",
	 .holds = evidence_descends,
	 .limit = 0.05,
	 .figure = {{"none", "e3/none", "throughput", NULL, UNPRINTED, false},
		    {"rIOMMU", "e3/rings", "throughput", NULL, UNPRINTED, false},
		    {"defer+", "e3/defer+", "throughput", NULL, UNPRINTED, false},
		    {"defer", "e3/defer", "throughput", NULL, UNPRINTED, false},
		    {"strict+", "e3/strict+", "throughput", NULL, UNPRINTED, false},
		    {"strict", "e3/strict", "throughput", NULL, UNPRINTED, false}}},
	{.id = "8.2",
	 .text = "How fast rIOMMU is, beside the others",
	 .paper = RIOMMU ", 40 GbE stream",
	 .rule = "each within a factor of 1.25 (our threshold)",
	 .holds = evidence_near,
	 .limit = 1.25,
	 .figure = {{"rIOMMU / none", "e3/rings", "throughput", "e3/none", 0.77, false},
		    {"rIOMMU / defer+", "e3/rings", "throughput", "e3/defer+", 2.57, false},
		    {"rIOMMU / defer", "e3/rings", "throughput", "e3/defer", 3.79, false},
		    {"rIOMMU / strict+", "e3/rings", "throughput", "e3/strict+", 4.28, false},
		    {"rIOMMU / strict", "e3/rings", "throughput", "e3/strict", 7.56, false},
		    {"unmaps an invalidation", "e3/rings", "unmaps an invalidation", NULL, 200,
		     true},
		    {"strict+: an unmap", "e3/strict+", "unmap", NULL, 3067, true},
		    {"defer+: an unmap", "e3/defer+", "unmap", NULL, 1240, true},
		    {"strict: a map", "e3/strict", "map", NULL, 4618, true},
		    {"defer: a map", "e3/defer", "map", NULL, 2251, true}},
	 .because =
		 "rIOMMU itself has less of none's throughput than there: bursts are shorter, so "
		 "that an invalidation is for fewer unmaps. And the modes of VT-d are faster, "
		 "by searches that are shorter (1.4) and by the look-up at an unmap that is not "
		 "made (1.6).",
	 .explained = the_others_are_faster},
	{.id = "8.3",
	 .text = "Pushing its entries out of CPU caches makes rIOMMU slower, not slow",
	 .paper = RIOMMU ", rIOMMU-: latencies of 14.1 us against 13.9, 14.4 for defer+",
	 .published = "between rIOMMU and defer+",
	 .rule = "throughput in that order",
	 .holds = evidence_descends,
	 .figure = {{"rIOMMU", "e3/rings", "throughput", NULL, UNPRINTED, false},
		    {"rIOMMU-", "e3/rings-", "throughput", NULL, UNPRINTED, false},
		    {"defer+", "e3/defer+", "throughput", NULL, UNPRINTED, false}},
	 .note = "The paper's figures are latencies of request and response, for which there is no "
		 "load "
		 "here."},
	{.id = "8.4",
	 .text = "Replacement hardly matters: the best possible misses no more than a little less "
		 "than LRU",
	 .paper = AMIT ", a NIC: 31 % of accesses miss under LRU, 30.5 % under perfect replacement",
	 .grade = GRADE_DRAWN,
	 .rule = "LRU's misses at most 1.05 times the fewest possible (our threshold; 1.02 there)",
	 .holds = evidence_at_most,
	 .limit = 1.05,
	 .figure = {{"NIC", "nic/opt", "over optimum", NULL, 1.016, false},
		    {"disk", "disk/opt", "over optimum", NULL, UNPRINTED, false}}},
	{.id = "8.5",
	 .text = "Prefetching neighbours does; the one neighbour that comes next is the better "
		 "guess",
	 .paper =
		 AMIT ", a NIC: 31 %, 11 % with both neighbours, 8.5 % with the right one and more",
	 .grade = GRADE_DRAWN,
	 .rule = "NIC's misses without, with both neighbours, with the next: each at least 5 % "
		 "above the next (our threshold)",
	 .holds = evidence_descends,
	 .limit = 0.05,
	 .figure = {{"none, %", "nic/none", "miss ratio", NULL, 31, false},
		    {"both", "nic/adjacent", "miss ratio", NULL, 11, false},
		    {"the next", "nic/next", "miss ratio", NULL, 8.5, false}},
	 .note = "Their 8.5 % have eviction hints and shifted address spaces besides."},
	{.id = "8.6",
	 .text = "So it is for a disk",
	 .paper = AMIT ", a SCSI disk: 9 %, 2 % with both neighbours, 0.1 % with mappings fetched "
		       "ahead",
	 .grade = GRADE_DRAWN,
	 .rule = "disk's misses without, with both neighbours, with the next: each at least 5 % "
		 "above the next (our threshold)",
	 .holds = evidence_descends,
	 .limit = 0.05,
	 .figure = {{"none, %", "disk/none", "miss ratio", NULL, 9, false},
		    {"both", "disk/adjacent", "miss ratio", NULL, 2, false},
		    {"the next", "disk/next", "miss ratio", NULL, 0.1, false}},
	 .note = "Their 0.1 % are mappings that the system has fetched as it makes them, which is "
		 "not done here: the order is what is judged."},
	{.id = "8.7",
	 .text = "More than 60 % of all misses can be had back",
	 .paper = AMIT,
	 .grade = GRADE_ABSTRACT,
	 .published = "more than 60 % removed",
	 .rule = "with the next page fetched ahead at most 0.4 of the misses without, for a NIC "
		 "and a disk",
	 .holds = evidence_at_most,
	 .limit = 0.4,
	 .figure = {{"NIC, next / none", "nic/next", "miss ratio", "nic/none", UNPRINTED, false},
		    {"disk, next / none", "disk/next", "miss ratio", "disk/none", UNPRINTED, false},
		    {"NIC, a chunk of addresses for each ring", "nic/chunks/next", "miss ratio",
		     "nic/chunks/none", UNPRINTED, true}},
	 .because = "The page after a receive buffer's is here often that of an acknowledgement, "
		    "mapped in between and gone. With addresses of its own for each ring (F&S's "
		    "allocator) so much can be had back on the NIC as well.",
	 .explained = rings_share_their_addresses},
	{0},
};
