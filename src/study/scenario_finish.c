/* SPDX-License-Identifier: MIT */
/* What settings must fulfil together, told with the place of the one that does not. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hw/iotlb.h"
#include "iotoll/dma.h"
#include "load/load.h"
#include "sim/time.h"
#include "spec/calgary.h"
#include "spec/dart.h"
#include "spec/riommu.h"
#include "study/params.h"

bool scenario_splits_locks(const struct scenario *s)
{
	const bool later = !strcmp(s->iommu_model, "vtd") || !strcmp(s->iommu_model, "amdvi");

	return s->locks == SCENARIO_LOCKS_SPLIT || (s->locks == SCENARIO_LOCKS_AUTO && later);
}

bool scenario_has_table(const struct scenario *s)
{
	return strcmp(s->iommu_model, "none") && strcmp(s->strategy, "off");
}

/* Section iommu: @key is @value now, by nobody's wish. */
static int settle(struct scenario *s, const char *key, uint64_t value, struct err *err)
{
	char text[64];

	snprintf(text, sizeof(text), "iommu.%s=%llu", key, (unsigned long long)value);
	return scenario_settle(s, text, err);
}

/* Where a number was left to the model: what the model has. Without one nothing depends on it. */
static int settle_geometry(struct scenario *s, struct err *err)
{
	const char *model = strcmp(s->iommu_model, "none") ? s->iommu_model : "calgary";
	const struct iotlb_config g = iommu_find(model)->geometry;
	const uint64_t entries = iotoll_dma_driver_entries(model);
	int rc = 0;

	if (s->table_entries == PARAM_AUTO)
		rc = settle(s, "table_entries", entries, err);
	if (!rc && s->iotlb_entries == PARAM_AUTO)
		rc = settle(s, "iotlb_entries", g.entries, err);
	if (!rc && s->iotlb_ways == PARAM_AUTO)
		rc = settle(s, "iotlb_ways", g.ways, err);
	if (!rc && s->iotlb_line_pages == PARAM_AUTO)
		rc = settle(s, "iotlb_line_pages", g.line_pages, err);
	return rc;
}

/* What is meant by "auto"; a domain that has the NIC and asks for nothing has a table made once. */
static const char *usual_strategy(const struct scenario *s)
{
	if (!strcmp(s->iommu_model, "none"))
		return "off";
	return s->platform == PLATFORM_DIRECT ? "preallocated" : "deferred";
}

static int check_strategy(struct scenario *s, struct err *err)
{
	if (!strcmp(s->strategy, "auto")) {
		const int rc = scenario_setf(s, err, "dma.strategy=%s", usual_strategy(s));

		if (rc)
			return rc;
	}
	if (!strcmp(s->strategy, "off"))
		return 0;
	if (!strcmp(s->iommu_model, "none"))
		return param_refuse(
			s, "dma", "strategy", err,
			"'%s' needs an IOMMU but iommu.model is none; expected off, auto, or a "
			"model",
			s->strategy);
	if (s->platform == PLATFORM_DIRECT && strcmp(s->strategy, "preallocated"))
		return param_refuse(
			s, "dma", "strategy", err,
			"a domain that was given the NIC makes no entries, so there is no '%s'; "
			"expected auto, preallocated or off",
			s->strategy);
	return 0;
}

/* The DMA layer's own judge, asked setting by setting for the one to blame. */
static int check_dma(const struct scenario *s, struct err *err)
{
	const bool metal = s->platform == PLATFORM_METAL;
	struct iotoll_dma_config config = {
		.driver = metal ? s->iommu_model : "xen",
		.strategy = s->strategy,
		.allocator = s->allocator,
	};
	char why[256];

	if (!scenario_has_table(s) || s->platform == PLATFORM_DIRECT)
		return 0;
	if (iotoll_dma_config_check(&config, why, sizeof(why)))
		return param_refuse(s, "dma", "allocator", err, "%s", why);
	config.start_hint = s->random_start;
	if (iotoll_dma_config_check(&config, why, sizeof(why)))
		return param_refuse(s, "dma", "start", err,
				    "allocator %s searches in no laps; expected bottom",
				    s->allocator);
	config.split_locks = scenario_splits_locks(s);
	if (iotoll_dma_config_check(&config, why, sizeof(why)))
		return param_refuse(s, "dma", "locks", err, "%s; expected one", why);
	return 0;
}

static int check_injection(const struct scenario *s, struct err *err)
{
	if (s->corrupt_tce_ps && !scenario_has_table(s))
		return param_refuse(
			s, "inject", "corrupt_tce", err,
			"there is no table to corrupt with iommu.model=%s and dma.strategy=%s",
			s->iommu_model, s->strategy);
	if (s->corrupt_tce_ps > s->warmup_ps + s->duration_ps)
		return param_refuse(
			s, "inject", "corrupt_tce", err,
			"lies after the run's end; expected at most run.warmup + run.duration");
	return 0;
}

static bool serves_ats(const struct scenario *s)
{
	const struct iommu_ops *model = iommu_find(s->iommu_model);

	return model && model->ats;
}

/* The geometry's own judge, and the setting of section iommu, @prefix and field, that it blames. */
static int check_geometry(const struct scenario *s, const char *prefix,
			  const struct iotlb_config *config, struct err *err)
{
	struct err why = {{0}};
	const char *field;
	char key[32];

	if (!iotlb_config_check(config, &field, &why))
		return 0;
	snprintf(key, sizeof(key), "%s%s", prefix, field);
	return param_refuse(s, "iommu", key, err, "%s", why.text);
}

static int check_ats(const struct scenario *s, struct err *err)
{
	struct iotlb_config cache = {.entries = (unsigned)s->atc_entries,
				     .ways = (unsigned)s->atc_ways,
				     .line_pages = 1,
				     .policy = "lru"};

	if (s->ats && !serves_ats(s))
		return param_refuse(
			s, "iommu", "ats", err,
			"iommu.model=%s serves no ATS; expected vtd or amdvi, or iommu.ats=off",
			s->iommu_model);
	if (s->translated_write_ps && !serves_ats(s))
		return param_refuse(
			s, "inject", "translated_write", err,
			"iommu.model=%s knows no translated requests; expected vtd or amdvi",
			s->iommu_model);
	if (s->translated_write_ps > s->warmup_ps + s->duration_ps)
		return param_refuse(
			s, "inject", "translated_write", err,
			"lies after the run's end; expected at most run.warmup + run.duration");
	if (!s->ats)
		return 0;
	return check_geometry(s, "atc_", &cache, err);
}

static int check_iotlb(const struct scenario *s, struct err *err)
{
	struct iotlb_config config = {
		.entries = (unsigned)s->iotlb_entries,
		.ways = (unsigned)s->iotlb_ways,
		.line_pages = (unsigned)s->iotlb_line_pages,
		.partitions = (unsigned)s->iotlb_partitions,
	};

	snprintf(config.policy, sizeof(config.policy), "%.15s", s->iotlb_policy);
	return check_geometry(s, "iotlb_", &config, err);
}

static int check_table(const struct scenario *s, struct err *err)
{
	if (!strcmp(s->iommu_model, "calgary") && calgary_size_code(s->table_entries) < 0)
		return param_refuse(
			s, "iommu", "table_entries", err,
			"%s is no Calgary table; expected 8192 times a power of two, at most "
			"1048576",
			s->text[param_find("iommu", "table_entries") - param_rows]);
	if (!strcmp(s->iommu_model, "riommu") &&
	    (s->table_entries < 2 || s->table_entries > RIOMMU_MAX_ENTRIES))
		return param_refuse(s, "iommu", "table_entries", err,
				    "a ring of rIOMMU has 2 to %llu entries",
				    (unsigned long long)RIOMMU_MAX_ENTRIES);
	if (!strncmp(s->iommu_model, "dart", 4) &&
	    (s->table_entries % DART_PAGE_ENTRIES ||
	     s->table_entries > iotoll_dma_driver_entries(s->iommu_model)))
		return param_refuse(
			s, "iommu", "table_entries", err,
			"%s is no DART table of Linux's; expected a multiple of %u, at most "
			"%llu",
			s->text[param_find("iommu", "table_entries") - param_rows],
			DART_PAGE_ENTRIES,
			(unsigned long long)iotoll_dma_driver_entries(s->iommu_model));
	return 0;
}

/* A load without a network has no NIC to lie, to be spoiled or to be captured. */
static int check_disk(const struct scenario *s, struct err *err)
{
	const uint64_t volume = s->disk_bytes % 4096 ? 1 : 0;

	if (!load_find(s->load)->needs_disk)
		return 0;
	if (volume || s->ffsb_cache_bytes % 4096)
		return param_refuse(s, volume ? "disk" : "ffsb", volume ? "size" : "cache", err,
				    "expected whole pages of 4096 bytes");
	if (s->ats)
		return param_refuse(s, "iommu", "ats", err,
				    "the disk's adapter has no translation cache; expected off");
	if (s->corrupt_tce_ps || s->translated_write_ps)
		return param_refuse(s, "inject",
				    s->corrupt_tce_ps ? "corrupt_tce" : "translated_write", err,
				    "%s uses no NIC; expected 0", s->load);
	return 0;
}

static bool power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

/* A load of segments has one machine, on bare metal, and a NIC on PCI Express. */
static int check_stream(const struct scenario *s, struct err *err)
{
	if (!load_find(s->load)->needs_queues)
		return 0;
	if (s->platform != PLATFORM_METAL)
		return param_refuse(s, "load", "name", err, "%s runs on bare metal", s->load);
	if (!strcmp(s->iommu_model, "calgary") || !strncmp(s->iommu_model, "dart", 4))
		return param_refuse(
			s, "iommu", "model", err,
			"%s translates for PCI-X, and the NIC of %s is on PCI Express; expected "
			"none, vtd or amdvi",
			s->iommu_model, s->load);
	if (s->ats)
		return param_refuse(s, "iommu", "ats", err,
				    "the multi-queue NIC has no translation cache; expected off");
	if (s->corrupt_tce_ps || s->translated_write_ps)
		return param_refuse(s, "inject",
				    s->corrupt_tce_ps ? "corrupt_tce" : "translated_write", err,
				    "%s cannot do it; expected 0", s->load);
	if (!power_of_two(s->mq_rx_ring) || !power_of_two(s->mq_tx_ring))
		return param_refuse(s, "mqnic", power_of_two(s->mq_rx_ring) ? "tx_ring" : "rx_ring",
				    err, "expected a power of two");
	if (2 * s->stream_ack * s->mq_mtu > s->stream_window)
		return param_refuse(
			s, "stream", "ack_every", err,
			"the window would be used up before an acknowledgement; expected at "
			"most %llu, or a wider stream.window",
			(unsigned long long)(s->stream_window / (2 * s->mq_mtu)));
	return 0;
}

/* What devices keep in coarser units than the setting is written in. */
static int check_units(const struct scenario *s, struct err *err)
{
	if (s->rx_ticks_ps % SIM_US)
		return param_refuse(s, "nic", "rx_ticks", err,
				    "the chip counts whole microseconds");
	if (s->tx_ticks_ps % SIM_US)
		return param_refuse(s, "nic", "tx_ticks", err,
				    "the chip counts whole microseconds");
	if (s->link_bps % 1000000)
		return param_refuse(s, "link", "rate", err, "expected whole Mb/s");
	return 0;
}

static int check_chunks(const struct scenario *s, struct err *err)
{
	if (s->rx_chunk_pages && s->platform == PLATFORM_DOMU && s->flip)
		return param_refuse(s, "nic", "rx_chunk", err,
				    "dom0 gives pages away that hold one frame, platform.receive "
				    "being flip; expected 0");
	return 0;
}

/* What goes with a hypervisor, and with which. */
static int check_platform(struct scenario *s, struct err *err)
{
	const uint64_t vcpus = s->dom0_vcpus + (s->platform > PLATFORM_DOM0 ? s->domu_vcpus : 0);

	if (s->platform_cpus == PARAM_AUTO) {
		const int rc =
			scenario_setf(s, err, "platform.cpus=%llu", (unsigned long long)vcpus);

		if (rc)
			return rc;
	}
	if (s->platform == PLATFORM_METAL)
		return 0;
	if (s->scheduler == SCHEDULER_PINNED && s->platform_cpus < vcpus)
		return param_refuse(s, "platform", "cpus", err,
				    "%llu pinned virtual CPUs need as many; expected that, or "
				    "platform.scheduler=credit",
				    (unsigned long long)vcpus);
	if (s->dom0_bytes % 4096 || s->domu_bytes % 4096)
		return param_refuse(s, "platform",
				    s->dom0_bytes % 4096 ? "dom0_memory" : "domu_memory", err,
				    "expected whole pages of 4096 bytes");
	if (s->grants == GRANTS_KINDS && strcmp(s->strategy, "preallocated"))
		return param_refuse(s, "platform", "grants", err,
				    "kinds needs a table by machine frames; expected "
				    "dma.strategy=preallocated, or another value");
	if (!strncmp(s->iommu_model, "dart", 4) || !strcmp(s->iommu_model, "riommu"))
		return param_refuse(
			s, "iommu", "model", err,
			"there is no hypervisor for %s here; expected none, calgary, vtd or amdvi",
			s->iommu_model);
	if (s->ats)
		return param_refuse(
			s, "iommu", "ats", err,
			"the hypervisor serves no device's translation cache; expected off");
	return 0;
}

int scenario_finish(struct scenario *s, struct err *err)
{
	int rc = settle_geometry(s, err);

	if (!rc)
		rc = check_platform(s, err);
	if (!rc)
		rc = check_disk(s, err);
	if (!rc)
		rc = check_stream(s, err);

	if (!rc)
		rc = check_strategy(s, err);
	if (!rc)
		rc = check_dma(s, err);
	if (!rc)
		rc = check_injection(s, err);
	if (!rc)
		rc = check_iotlb(s, err);
	if (!rc)
		rc = check_ats(s, err);
	if (!rc)
		rc = check_table(s, err);
	if (!rc)
		rc = check_chunks(s, err);
	return rc ? rc : check_units(s, err);
}
