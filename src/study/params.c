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
#include "sim/time.h"

static const char *const off_on[] = {"off", "on", NULL};
static const char *const estimates[] = {"default",          "low", "high", "dear-protection",
					"cheap-protection", NULL};
static const char *const platforms[] = {"bare-metal", "dom0", "domu", "direct",
					NULL}; /* enum platform */
static const char *const ffsb_time[] = {"run", "profile", NULL};
static const char *const receive[] = {"copy", "flip", NULL};
static const char *const schedulers[] = {"pinned", "credit", NULL}; /* enum platform_scheduler */
static const char *const scope[] = {"bus", "system", NULL};
static const char *const start[] = {"bottom", "random", NULL};
static const char *const index_by[] = {"modulo", "hashed", NULL}; /* as hw/iommu.h counts */
static const char *const prefetch[] = {"none", "next", "adjacent", "stride", NULL}; /* likewise */
static const char *const unused[] = {"dummy", "invalid", NULL};
static const char *const table_memory[] = {"uncached", "cached", NULL};
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
	       "and knows of no IOMMU"),
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
	CHOICE("platform", "multicall", multicall, off_on, "off",
	       "table entries cross to the hypervisor in lists, one for each call of the DMA API"),

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
	CHOICE("iommu", "ats", ats, off_on, "off",
	       "vtd, amdvi: the NIC has a translation cache of its own (PCIe ATS)"),
	NUMBER("iommu", "atc_entries", atc_entries, QUANTITY_COUNT, "entries", 0, 1u << 16, "64",
	       "translations in it; 0: it asks for each page anew"),
	NUMBER("iommu", "atc_ways", atc_ways, QUANTITY_COUNT, "ways", 0, 1u << 16, "4",
	       "its associativity; 0: full"),
	NUMBER("iommu", "ats_queue_depth", ats_queue_depth, QUANTITY_COUNT, "requests", 1, 32, "32",
	       "invalidations the NIC takes at a time"),

	NAME("dma", "strategy", strategy, iotoll_dma_strategy_name, "auto",
	     "when translations are invalidated; auto: deferred, or off without an IOMMU", "auto"),
	NAME("dma", "allocator", allocator, iotoll_dma_allocator_name, "next-fit",
	     "how I/O addresses are chosen", NULL),
	NUMBER("dma", "quota", quota, QUANTITY_COUNT, "pages", 0, 1u << 24, "0",
	       "on-demand: pages mapped at most; optimistic: unmapped pages kept; 0: its own"),
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
	NUMBER("link", "rate", link_bps, QUANTITY_RATE, "rate", 1000000, 1000000000000, "1 Gb/s",
	       "line rate"),
	NUMBER("link", "latency", link_latency_ps, QUANTITY_TIME, "time", 0, SIM_S, "1 us",
	       "cable and switch"),

	NUMBER("link", "jitter", link_jitter_ps, QUANTITY_TIME, "time", 0, SIM_MS, "200 ns",
	       "each frame is late by up to this, at random: an assumption, so that the clocks of two "
	       "machines do not lock"),
	NAME("load", "name", load, load_name, "tcp_stream",
	     "what runs: tcp_stream, the machine under test receives; tcp_maerts, it sends", NULL),
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
};
/* clang-format on */

const size_t param_count = sizeof(param_rows) / sizeof(param_rows[0]);

const struct param *scenario_param(size_t index)
{
	return index < param_count ? &param_rows[index].param : NULL;
}

const struct param_row *param_find(const char *section, const char *key)
{
	for (size_t i = 0; i < param_count; i++) {
		const struct param *p = &param_rows[i].param;

		if (!strcmp(p->section, section) && !strcmp(p->key, key))
			return &param_rows[i];
	}
	return NULL;
}

const char *param_nearest(const char *section, const char *key, char *to, size_t bytes)
{
	char wanted[128], best[128] = "";
	unsigned distance = UINT32_MAX;

	snprintf(wanted, sizeof(wanted), "%s.%s", section, key);
	for (size_t i = 0; i < param_count; i++) {
		const struct param *p = &param_rows[i].param;
		char name[128];
		struct nearest n;

		snprintf(name, sizeof(name), "%s.%s", p->section, p->key);
		nearest_init(&n, wanted);
		nearest_offer(&n, name);
		if (n.best && n.distance < distance) {
			distance = n.distance;
			snprintf(best, sizeof(best), "%s", name);
		}
		/* the right key in a wrong or missing section */
		if (!strcmp(p->key, key) && distance > 1) {
			distance = 1;
			snprintf(best, sizeof(best), "%s", name);
		}
	}
	if (!best[0])
		return NULL;
	snprintf(to, bytes, "%s", best);
	return to;
}

/* The @i-th name a choice or a registry parameter knows, NULL past the last. */
static const char *nth_name(const struct param_row *row, unsigned i)
{
	const char *title;
	unsigned extra = 0;

	if (row->choices)
		return row->choices[i];
	while (extra < 2 && row->extra_names[extra])
		extra++;
	return i < extra ? row->extra_names[i] : row->name(i - extra, &title);
}

/* Its index, or -1 with "a, b, c" in @list and the nearest name in @n. */
static int find_name(const struct param_row *row, const char *value, char *list, size_t bytes,
		     struct nearest *n)
{
	size_t used = 0;
	const char *name;

	nearest_init(n, value);
	list[0] = '\0';
	for (unsigned i = 0; (name = nth_name(row, i)); i++) {
		if (!strcmp(name, value))
			return (int)i;
		nearest_offer(n, name);
		if (used < bytes)
			used += (size_t)snprintf(list + used, bytes - used, "%s%s", i ? ", " : "",
						 name);
	}
	return -1;
}

static int apply_name(struct scenario *s, const struct param_row *row, const char *value,
		      struct err *err)
{
	void *field = (char *)s + row->offset;
	char names[300];
	struct nearest n;
	const int index = find_name(row, value, names, sizeof(names), &n);

	if (index < 0)
		return err_set(err, -EINVAL, "%s.%s: '%s' is not one of %s%s%s%s",
			       row->param.section, row->param.key, value, names,
			       n.best ? "; did you mean " : "", n.best ? n.best : "",
			       n.best ? "?" : "");
	if (row->type == PARAM_CHOICE)
		*(uint64_t *)field = (uint64_t)index;
	else
		snprintf(field, SCENARIO_TEXT, "%s", value);
	return 0;
}

static int apply_number(struct scenario *s, const struct param_row *row, const char *value,
			struct err *err)
{
	struct quantity q;
	int rc;

	if (row->automatic && !strcmp(value, "auto")) {
		*(uint64_t *)((char *)s + row->offset) = PARAM_AUTO;
		return 0;
	}
	rc = quantity_parse(&q, value, QUANTITY_MASK(row->number), err);

	if (rc)
		return err_prefix(err, rc, "%s.%s: ", row->param.section, row->param.key);
	if (q.value < row->min || q.value > row->max) {
		char lo[40], hi[40];

		quantity_format(lo, sizeof(lo), row->number, row->min);
		quantity_format(hi, sizeof(hi), row->number, row->max);
		return err_set(err, -EINVAL, "%s.%s: '%s' is out of range, expected %s to %s",
			       row->param.section, row->param.key, value, lo, hi);
	}
	*(uint64_t *)((char *)s + row->offset) = q.value;
	return 0;
}

int param_apply(struct scenario *s, const struct param_row *row, const char *value, struct err *err)
{
	const size_t index = (size_t)(row - param_rows);
	int rc = 0;

	if (strlen(value) >= SCENARIO_TEXT)
		return err_set(err, -EINVAL, "%s.%s: expected at most %d bytes", row->param.section,
			       row->param.key, SCENARIO_TEXT - 1);
	if (row->type == PARAM_NUMBER)
		rc = apply_number(s, row, value, err);
	else if (row->type == PARAM_FILE)
		snprintf((char *)s + row->offset, SCENARIO_TEXT, "%s", value);
	else
		rc = apply_name(s, row, value, err);
	if (!rc)
		snprintf(s->text[index], SCENARIO_TEXT, "%s", value);
	return rc;
}
