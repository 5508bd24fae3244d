/* SPDX-License-Identifier: MIT */
/* The one list of what a scenario can say. */
#include "study/params.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "hw/iommu.h"
#include "hw/iotlb.h"
#include "iotoll/dma.h"
#include "load/load.h"
#include "rig/rogue.h"
#include "sim/time.h"

static const char *const locks[] = {"one", "split", "auto", NULL};
static const char *const off_on[] = {"off", "on", NULL};
static const char *const batch[] = {"off", "drivers", NULL};
static const char *const estimates[] = {"default",          "low", "high", "dear-protection",
					"cheap-protection", NULL};
static const char *const platforms[] = {"bare-metal", "dom0", "domu", "direct",
					NULL}; /* enum platform */
static const char *const ffsb_time[] = {"run", "profile", NULL};
static const char *const receive[] = {"copy", "flip", NULL};
static const char *const schedulers[] = {"pinned", "credit", NULL}; /* enum platform_scheduler */
static const char *const grants[] = {"separate", "integrated", "kinds",
				     NULL};                         /* enum platform_grants */
static const char *const lists[] = {"off", "on", "doorbell", NULL}; /* enum platform_lists */
static const char *const scope[] = {"bus", "system", NULL};
static const char *const start[] = {"bottom", "random", NULL};
static const char *const index_by[] = {"modulo", "hashed", NULL}; /* as hw/iommu.h counts */
static const char *const prefetch[] = {"none", "next", "adjacent", "stride", NULL}; /* likewise */
static const char *const unused[] = {"dummy", "invalid", NULL};
static const char *const walker[] = {"coherent", "incoherent", NULL};
static const char *const table_memory[] = {"uncached", "cached", NULL};
static const char *const drivers[] = {"linux", "lean", NULL};
static const char *const charged[] = {"charged", "free", NULL};
static const char *const verify[] = {"nothing", "sampled", "all", NULL}; /* as load/ counts */

static const char *iommu_name(unsigned index, const char **title)
{
	for (unsigned i = 0; iommu_models[i]; i++) {
		if (i == index) {
			*title = iommu_models[i]->title;
			return iommu_models[i]->name;
		}
	}
	return NULL;
}

static const char *policy_name(unsigned index, const char **title)
{
	for (unsigned i = 0; iotlb_policies[i]; i++) {
		if (i == index) {
			*title = iotlb_policies[i]->title;
			return iotlb_policies[i]->name;
		}
	}
	return NULL;
}

static const char *load_name(unsigned index, const char **title)
{
	for (unsigned i = 0; load_kinds[i]; i++) {
		if (i == index) {
			*title = load_kinds[i]->title;
			return load_kinds[i]->name;
		}
	}
	return NULL;
}

#define AT(field) .offset = offsetof(struct scenario, field)
#define NUMBER(sec, k, field, kind_, unit, lo, hi, def, text)                        \
	{                                                                            \
		.param = {sec, k, unit, def, text}, .type = PARAM_NUMBER, AT(field), \
		.number = kind_, .min = lo, .max = hi                                \
	}
#define AUTO_NUMBER(sec, k, field, kind_, unit, lo, hi, text)                           \
	{                                                                               \
		.param = {sec, k, unit, "auto", text}, .type = PARAM_NUMBER, AT(field), \
		.number = kind_, .min = lo, .max = hi, .automatic = true                \
	}
#define CHOICE(sec, k, field, list, def, text)                                        \
	{                                                                             \
		.param = {sec, k, #list, def, text}, .type = PARAM_CHOICE, AT(field), \
		.choices = list                                                       \
	}
#define NAME(sec, k, field, fn, def, text, ...)                                                  \
	{                                                                                        \
		.param = {sec, k, "name", def, text}, .type = PARAM_NAME, AT(field), .name = fn, \
		.extra_names = {                                                                 \
			__VA_ARGS__                                                              \
		}                                                                                \
	}
#define FILE_NAME(sec, k, field, def, text)                                            \
	{                                                                              \
		.param = {sec, k, "profile", def, text}, .type = PARAM_FILE, AT(field) \
	}

/* clang-format off */
const struct param_row param_rows[] = {
	NUMBER("run", "seed", seed, QUANTITY_COUNT, "number", 0, INT64_MAX, "1",
	       "every random choice follows from it"),
	NUMBER("run", "warmup", warmup_ps, QUANTITY_TIME, "time", 0, 100 * SIM_S, "50 ms",
	       "virtual time before the measured interval; 0: measure as netperf does, from connecting to "
	       "the last byte"),
	NUMBER("run", "duration", duration_ps, QUANTITY_TIME, "time", SIM_MS, 1000 * SIM_S, "1 s",
	       "measured interval of virtual time"),

	FILE_NAME("sut", "profile", sut.profile, "x460-2007", "machine under test"),
	CHOICE("sut", "estimates", sut.estimates, estimates, "default",
	       "which end of the profile's estimated ranges; dear-protection: what only protection costs at "
	       "the high end, the rest at the low one"),
	NUMBER("sut", "irq_cpu", sut.irq_cpu, QUANTITY_COUNT, "CPU", 0, 63, "0",
	       "CPU that takes the network interrupts"),
	NUMBER("sut", "app_cpu", sut.app_cpu, QUANTITY_COUNT, "CPU", 0, 63, "1",
	       "CPU of the first stream's task"),
	FILE_NAME("client", "profile", client.profile, "e326", "machine at the other end"),
	CHOICE("client", "estimates", client.estimates, estimates, "default",
	       "which end of the profile's estimated ranges; dear-protection: what only protection costs at "
	       "the high end, the rest at the low one"),
	NUMBER("client", "irq_cpu", client.irq_cpu, QUANTITY_COUNT, "CPU", 0, 63, "0",
	       "CPU that takes the network interrupts"),
	NUMBER("client", "app_cpu", client.app_cpu, QUANTITY_COUNT, "CPU", 0, 63, "1",
	       "CPU of the first stream's task"),

	CHOICE("platform", "kind", platform, platforms, "bare-metal",
	       "where the load runs: on the machine; under a hypervisor in dom0, which drives devices "
	       "and IOMMU; in a domain whose network, or disk, is dom0's; in one that was given the device "
	       "and asks for no entries"),
	NUMBER("platform", "dom0_vcpus", dom0_vcpus, QUANTITY_COUNT, "CPUs", 1, 16, "1",
	       "virtual CPUs of dom0"),
	NUMBER("platform", "domu_vcpus", domu_vcpus, QUANTITY_COUNT, "CPUs", 1, 16, "1",
	       "virtual CPUs of the other domain"),
	NUMBER("platform", "dom0_memory", dom0_bytes, QUANTITY_BYTES, "bytes", 16u << 20,
	       UINT64_C(2) << 30, "128 MiB", "memory of dom0, whole pages"),
	NUMBER("platform", "domu_memory", domu_bytes, QUANTITY_BYTES, "bytes", 16u << 20,
	       UINT64_C(2) << 30, "128 MiB", "memory of the other domain, whole pages"),
	CHOICE("platform", "scheduler", scheduler, schedulers, "pinned",
	       "each virtual CPU has a physical one of its own, or Xen's credit scheduler shares them out"),
	AUTO_NUMBER("platform", "cpus", platform_cpus, QUANTITY_COUNT, "CPUs", 1, 32,
	       "physical CPUs that the domains have between them; auto: one for each virtual one"),
	CHOICE("platform", "multicall", multicall, lists, "off",
	       "table entries cross to the hypervisor in lists: one for each call of the DMA API (on), or not "
	       "before the device's driver rings the doorbell; what was unmapped stays in the table until then"),
	NUMBER("platform", "multicall_entries", multicall_entries, QUANTITY_COUNT, "entries", 1, 64, "64",
	       "with multicall=doorbell: a list goes at the latest when it has as many"),

	CHOICE("platform", "grants", grants, grants, "separate",
	       "how devices reach a page that dom0 has mapped by grant: an entry of its own for each use; one "
	       "that comes and goes with the mapping; or, under preallocated, machine addresses, each frame "
	       "readable or writable as some mapping is"),
	CHOICE("platform", "receive", flip, receive, "flip",
	       "how frames come to the other domain: copied into its buffers, or with the pages they "
	       "lie in (Xen 3.1's default)"),

	NAME("iommu", "model", iommu_model, iommu_name, "none", "IOMMU of the machine under test",
	     "none"),
	AUTO_NUMBER("iommu", "table_entries", table_entries, QUANTITY_COUNT, "entries", 1, 1u << 30,
	       "translation entries; calgary: 8192 times a power of two, to 1048576; dart: a "
	       "multiple of 1024; auto: as Linux has it"),
	AUTO_NUMBER("iommu", "iotlb_entries", iotlb_entries, QUANTITY_COUNT, "lines", 0, 1u << 20,
	       "lines of the translation cache; 0: none; auto: the model's (Calgary's size is not "
	       "public: 64)"),
	AUTO_NUMBER("iommu", "iotlb_ways", iotlb_ways, QUANTITY_COUNT, "ways", 0, 1u << 20,
	       "associativity; 0: full; auto: the model's (Calgary: 4, assumed)"),
	AUTO_NUMBER("iommu", "iotlb_line_pages", iotlb_line_pages, QUANTITY_COUNT, "pages", 1, 16,
	       "translations fetched and held together; auto: the model's (Calgary: 1, assumed)"),
	NAME("iommu", "iotlb_policy", iotlb_policy, policy_name, "lru", "replacement policy", NULL),
	CHOICE("iommu", "iotlb_index", iotlb_index, index_by, "modulo",
	       "which bits of a page number pick the set: the low ones, or all, folded"),
	NUMBER("iommu", "iotlb_partitions", iotlb_partitions, QUANTITY_COUNT, "groups", 1, 1u << 20, "1",
	       "groups of sets, one for each domain id modulo this"),
	CHOICE("iommu", "iotlb_prefetch", iotlb_prefetch, prefetch, "none",
	       "what is fetched besides the page asked for (iotoll iotlb compares them)"),
	CHOICE("iommu", "quiesce", quiesce_system, scope, "bus",
	       "what a flush stops: the driver stops one bus, the paper says the system"),
	CHOICE("iommu", "unused", unused_invalid, unused, "dummy",
	       "dart: where unused table entries lead: to a dummy page, as in Linux, or nowhere"),
	CHOICE("iommu", "table_memory", table_cached, table_memory, "uncached",
	       "dart: how Linux writes its table: uncached in the paper's time, later cached and "
	       "pushed out"),
	CHOICE("iommu", "walker", incoherent_walker, walker, "coherent",
	       "riommu: does it look into CPU caches, or are lines pushed out for it (the paper's rIOMMU-)"),
	CHOICE("iommu", "driver", lean_driver, drivers, "linux",
	       "calgary: as Linux has it, or without what the hardware does not need: entries of one "
	       "cache line are pushed out once, a flush does not read what only the driver writes, and "
	       "receive buffers cannot be read"),
	CHOICE("iommu", "ats", ats, off_on, "off",
	       "vtd, amdvi: the NIC has a translation cache of its own (PCIe ATS)"),
	NUMBER("iommu", "atc_entries", atc_entries, QUANTITY_COUNT, "entries", 0, 1u << 16, "64",
	       "translations in it; 0: it asks for each page anew"),
	NUMBER("iommu", "atc_ways", atc_ways, QUANTITY_COUNT, "ways", 0, 1u << 16, "4",
	       "its associativity; 0: full"),
	NUMBER("iommu", "ats_queue_depth", ats_queue_depth, QUANTITY_COUNT, "requests", 1, 32, "32",
	       "invalidations the NIC takes at a time"),

	NAME("dma", "strategy", strategy, iotoll_dma_strategy_name, "auto",
	     "when translations are invalidated; auto: deferred, in platform.kind=direct preallocated, "
	     "or off without an IOMMU",
	     "auto"),
	NAME("dma", "allocator", allocator, iotoll_dma_allocator_name, "next-fit",
	     "how I/O addresses are chosen", NULL),
	NUMBER("dma", "cached_ranges", cached_ranges, QUANTITY_COUNT, "ranges", 0, 1u << 24, "0",
	       "eiovar: free ranges in front of its tree at the most; 0: no limit"),
	CHOICE("dma", "locks", locks, locks, "one",
	       "one around everything, as in the paper's kernel, or split among allocator, strategy "
	       "and hardware queue, as later; auto: split with vtd and amdvi"),
	CHOICE("dma", "batch", batch_drivers, batch, "off",
	       "NIC drivers map and unmap buffers one by one, as Linux's do, or in lists as long as there is "
	       "anything (section 4.3.3 of the paper)"),
	NUMBER("dma", "quota", quota, QUANTITY_COUNT, "pages", 0, 1u << 24, "0",
	       "on-demand: pages mapped at most; optimistic: unmapped pages kept; shadow, swiotlb: "
	       "pages of its copies at most; 0: its own"),
	CHOICE("dma", "superpages", superpages, off_on, "off",
	       "vtd, amdvi: entries of 2 MiB where addresses allow them, as with preallocated"),
	CHOICE("dma", "start", random_start, start, "bottom",
	       "where the allocator's first lap begins"),
	CHOICE("dma", "check_misuse", check_misuse, off_on, "on",
	       "watch for double unmaps, wrong sizes and leaks (costs no virtual time)"),

	NUMBER("nic", "rx_ticks", rx_ticks_ps, QUANTITY_TIME, "time", 0, 1023 * SIM_US, "20 us",
	       "receive coalescing: interrupt at the latest after this"),
	NUMBER("nic", "rx_frames", rx_frames, QUANTITY_COUNT, "frames", 1, 255, "5",
	       "receive coalescing: interrupt after this many"),
	NUMBER("nic", "tx_ticks", tx_ticks_ps, QUANTITY_TIME, "time", 0, 1023 * SIM_US, "72 us",
	       "the same for transmit completions"),
	NUMBER("nic", "tx_frames", tx_frames, QUANTITY_COUNT, "frames", 1, 255, "53",
	       "the same for transmit completions"),
	CHOICE("nic", "rx_tick_restart", rx_tick_restart, off_on, "on",
	       "the tick timer starts anew at every frame (tagged-status mode)"),
	NUMBER("nic", "rx_chunk", rx_chunk_pages, QUANTITY_COUNT, "pages", 0, 64, "0",
	       "the machine under test receives into chunks of so many pages, mapped and unmapped as "
	       "one; frames go up when theirs is unmapped; 0: buffer by buffer"),
	NUMBER("nic", "rx_hold", rx_hold_ps, QUANTITY_TIME, "time", SIM_US, SIM_S, "150 us",
	       "with rx_chunk: frames that wait for their chunk are copied out of it when none has come "
	       "for so long"),
	NUMBER("nic", "tx_copy", tx_copy_bytes, QUANTITY_COUNT, "bytes", 0, 2048, "0",
	       "the machine under test sends frames of up to so many bytes from copies in memory that "
	       "stays mapped; 0: none"),
	NUMBER("link", "rate", link_bps, QUANTITY_RATE, "rate", 1000000, 1000000000000, "1 Gb/s",
	       "line rate"),
	NUMBER("link", "latency", link_latency_ps, QUANTITY_TIME, "time", 0, SIM_S, "1 us",
	       "cable and switch"),

	NUMBER("link", "jitter", link_jitter_ps, QUANTITY_TIME, "time", 0, SIM_MS, "200 ns",
	       "each frame is late by up to this, at random: an assumption, so that the clocks of two "
	       "machines do not lock"),
	NUMBER("mqnic", "queues", mq_queues, QUANTITY_COUNT, "queues", 1, 16, "1",
	       "segment loads: queue pairs of the multi-queue NIC, each on a CPU of its own from sut.irq_cpu on"),
	NUMBER("mqnic", "mtu", mq_mtu, QUANTITY_COUNT, "bytes", 256, 9000, "1500", "longest IP packet"),
	NUMBER("mqnic", "rx_ring", mq_rx_ring, QUANTITY_COUNT, "entries", 16, 8192, "1024",
	       "of each receive queue, a power of two"),
	NUMBER("mqnic", "tx_ring", mq_tx_ring, QUANTITY_COUNT, "blocks", 16, 8192, "1024",
	       "of each send queue, a power of two"),
	NUMBER("mqnic", "page_cache", mq_page_cache, QUANTITY_COUNT, "pages", 0, 4096, "256",
	       "receive pages that a queue keeps mapped for use again; 0: none"),
	NUMBER("mqnic", "rx_chunk", mq_rx_chunk, QUANTITY_COUNT, "pages", 0, 512, "0",
	       "receive into chunks of so many pages, mapped and unmapped as one, of which none is kept "
	       "mapped; frames go up when theirs is unmapped; 0: pages, whose frames go up at once"),
	NUMBER("mqnic", "rx_hold", mq_rx_hold_ps, QUANTITY_TIME, "time", SIM_US, SIM_S, "50 us",
	       "with rx_chunk: frames that wait for their chunk are copied out of it when none has come "
	       "for so long"),
	NUMBER("mqnic", "tx_copy", mq_tx_copy, QUANTITY_COUNT, "bytes", 0, 2048, "0",
	       "first pieces of packets up to so long, headers and acknowledgements, are sent from copies "
	       "in memory that stays mapped; 0: none"),
	NUMBER("mqnic", "rx_buffer", mq_rx_buffer, QUANTITY_BYTES, "bytes", 16u << 10, 64u << 20,
	       "512 KiB", "on the chip, for frames that wait for PCI Express"),
	NUMBER("mqnic", "tags", mq_tags, QUANTITY_COUNT, "reads", 1, 256, "256",
	       "DMA reads that the NIC has in flight"),
	NUMBER("mqnic", "rx_ticks", mq_rx_ticks_ps, QUANTITY_TIME, "time", 0, 1000 * SIM_US, "16 us",
	       "receive moderation: interrupt at the latest after this"),
	NUMBER("mqnic", "rx_frames", mq_rx_frames, QUANTITY_COUNT, "frames", 1, 65535, "32",
	       "receive moderation: interrupt after this many"),
	NUMBER("mqnic", "tx_ticks", mq_tx_ticks_ps, QUANTITY_TIME, "time", 0, 1000 * SIM_US, "16 us",
	       "the same for send completions"),
	NUMBER("mqnic", "tx_frames", mq_tx_frames, QUANTITY_COUNT, "entries", 1, 65535, "32",
	       "the same for send completions"),
	NUMBER("stream", "window", stream_window, QUANTITY_BYTES, "bytes", 128u << 10, 16776960,
	       "512 KiB", "segment loads: bytes in flight of each flow, at most"),
	NUMBER("stream", "burst", stream_burst, QUANTITY_BYTES, "bytes", 256, 1u << 20, "64 KiB",
	       "the partner sends so much of one flow before the next one's turn"),
	NUMBER("stream", "ack_every", stream_ack, QUANTITY_COUNT, "segments", 1, 64, "2",
	       "received segments that are acknowledged at the latest, once merged"),
	NUMBER("stream", "partner_ack_every", stream_partner_ack, QUANTITY_COUNT, "segments", 1, 1024,
	       "44", "the same of the partner: 44 are 64 KiB"),
	CHOICE("stream", "gro", stream_gro, off_on, "on", "received segments of one poll are merged"),
	CHOICE("stream", "tso", stream_tso, off_on, "on", "the NIC cuts what is sent into segments"),
	NUMBER("stream", "send_pages", stream_send_pages, QUANTITY_COUNT, "pages", 1, 8, "8",
	       "contiguous pages that sent data are put into, a mapping each (Linux: 8, 1 before 3.7)"),
	NAME("load", "name", load, load_name, "tcp_stream",
	     "what runs: tcp_stream, the machine under test receives; tcp_maerts, it sends; segment_stream "
	     "and segment_maerts without a TCP stack at 10 to 200 Gb/s; ffsb, on a disk", NULL),
	NUMBER("load", "message_bytes", message_bytes, QUANTITY_COUNT, "bytes", 1, 1u << 20,
	       "16384", "size of each send()"),
	NUMBER("load", "recv_bytes", recv_bytes, QUANTITY_COUNT, "bytes", 0, 1u << 20, "0",
	       "size of each recv(); 0: of the receive socket buffer, netperf's default"),
	CHOICE("load", "nodelay", nodelay, off_on, "off", "TCP_NODELAY: no coalescing by Nagle"),
	NUMBER("load", "streams", streams, QUANTITY_COUNT, "streams", 1, 64, "1",
	       "connections, a task each"),
	CHOICE("load", "verify", verify, verify, "sampled",
	       "compare received data with what was sent: one word in 512 bytes, or all"),

	FILE_NAME("ffsb", "profile", ffsb_profile, "ffsb-mixed",
		  "a profile of FFSB, any of its dialects: a name in loads/ or a path"),
	CHOICE("ffsb", "time", ffsb_own_time, ffsb_time, "run",
	       "how long: run.duration, or as long as the profile says"),
	NUMBER("ffsb", "cache", ffsb_cache_bytes, QUANTITY_BYTES, "bytes", 1u << 20,
	       UINT64_C(1) << 34, "32 MiB", "of the page cache, whole pages"),
	NUMBER("disk", "size", disk_bytes, QUANTITY_BYTES, "bytes", 16u << 20, UINT64_C(1) << 40,
	       "1 GiB", "of the volume"),
	NUMBER("disk", "depth", disk_depth, QUANTITY_COUNT, "commands", 1, 256, "32",
	       "commands at the disk at a time"),
	CHOICE("ablation", "dma_software", dma_software_free, charged, "charged",
	       "free: map, unmap and flush cost no CPU time"),
	NUMBER("inject", "corrupt_tce", corrupt_tce_ps, QUANTITY_TIME, "time", 0, 1000 * SIM_S,
	       "0 s", "at this time the table entry of a posted receive buffer is zeroed; 0: never"),
	NUMBER("inject", "missed_invalidate", missed_invalidate, QUANTITY_COUNT, "requests", 0,
	       1000000000, "0",
	       "dart: the chip misses one request to invalidate in so many; 0: none"),
	NUMBER("inject", "translated_write", translated_write_ps, QUANTITY_TIME, "time", 0,
	       1000 * SIM_S, "0 s",
	       "vtd, amdvi: at this time the NIC writes to memory that is not its own by a translated "
	       "request nobody gave it; 0: never"),
	NAME("rogue", "attacks", rogue_attacks, rogue_kind, "none",
	     "what the device does besides its work: it attacks the machine that it serves", "none", "all"),
	NUMBER("rogue", "interval", rogue_interval_ps, QUANTITY_TIME, "time", SIM_US, SIM_S, "150 us",
	       "mean time between its attacks, each kind in turn; so often, too, an unmap is followed up"),
};
/* clang-format on */

const size_t param_count = sizeof(param_rows) / sizeof(param_rows[0]);
