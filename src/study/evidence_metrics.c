/* SPDX-License-Identifier: MIT */
/* The figures of the study "evidence", each made of fields that docs/results.md explains. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/evidence.h"

#define MISSES "iotlb.misses"

const struct evidence_metric evidence_metrics[] = {
	{"throughput", "Mb/s", {"throughput_mbps"}, {NULL}, 1},
	{"cpu", "% of one CPU", {"cpu_utilization_percent"}, {NULL}, 1},
	{"cpu per KiB", "us/KiB", {"service_demand_us_per_kb"}, {NULL}, 1},
	{"segment", "cycles", {"stream.cycles_per_segment"}, {NULL}, 1},
	{"map", "cycles", {"cpu_cycles.map"}, {"dma.maps"}, 1},
	{"unmap", "cycles", {"cpu_cycles.unmap", "cpu_cycles.flush"}, {"dma.unmaps"}, 1},
	{"invalidation", "cycles", {"cpu_cycles.flush"}, {"dma.unmaps"}, 1},
	{"unmap without invalidation", "cycles", {"cpu_cycles.unmap"}, {"dma.unmaps"}, 1},
	{"invalidation's share",
	 "% of unmap",
	 {"cpu_cycles.flush"},
	 {"cpu_cycles.unmap", "cpu_cycles.flush"},
	 100},
	{"table work", "us", {"dma.map_us", "dma.unmap_us"}, {"dma.maps"}, 1},
	{"search", "nodes a map", {"dma.words_searched"}, {"dma.maps"}, 1},
	{"live", "pages", {"dma.pages_peak"}, {NULL}, 1},
	{"revived", "% of maps", {"dma.reused_maps"}, {"dma.maps"}, 100},
	{"unmaps an invalidation", "unmaps", {"dma.unmaps"}, {"iommu.invalidations"}, 1},
	{"contended",
	 "% of acquisitions",
	 {"locks.dma_contended"},
	 {"locks.dma_acquisitions"},
	 100},
	{"wait of the contended", "us", {"locks.dma_wait_us"}, {"locks.dma_contended"}, 1},
	{"maps a frame", "maps", {"dma.maps"}, {"nic.rx_frames", "nic.tx_frames"}, 1},
	{"lock wait", "us a frame", {"locks.dma_wait_us"}, {"nic.rx_frames", "nic.tx_frames"}, 1},
	{"misses", "a page of 4 KiB", {"pcie.iotlb_misses_per_mib"}, {NULL}, 1.0 / 256},
	{"misses a MiB", "a MiB", {"pcie.iotlb_misses_per_mib"}, {NULL}, 1},
	{"reads a miss", "table reads", {"iommu.table_reads"}, {MISSES}, 1},
	{"reads a page", "table reads", {"iommu.table_reads"}, {"payload_bytes"}, 4096},
	{"stale pages", "pages", {"exposure.stale_pages"}, {NULL}, 1},
	{"idle peak", "pages", {"exposure.entries_idle_peak"}, {NULL}, 1},
	{"window", "us", {"exposure.window_us_max"}, {NULL}, 1},
	{"crossings", "a frame", {"xen.crossings"}, {"nic.rx_frames"}, 1},
	{"copy", "ns a byte", {"iommu.copy_us"}, {"iommu.copied_bytes"}, 1000},
	{"copy of a mapping", "us", {"iommu.copy_us"}, {"dma.maps"}, 1},
	{"bytes a mapping", "bytes", {"payload_bytes"}, {"dma.maps"}, 1},
	{"miss ratio", "% of accesses", {"miss_ratio"}, {NULL}, 100},
	{"over optimum", "times", {"misses_over_opt"}, {NULL}, 1},
	{0},
};

const struct evidence_metric *evidence_metric_find(const char *name)
{
	for (const struct evidence_metric *m = evidence_metrics; m->name; m++)
		if (!strcmp(m->name, name))
			return m;
	return NULL;
}

static double sum(const char *const field[3], const json_t *result)
{
	double total = 0;

	for (int i = 0; i < 3 && field[i]; i++)
		total += result_number(result, field[i]);
	return total;
}

double evidence_metric_of(const struct evidence_metric *m, const json_t *result)
{
	const double over = sum(m->over, result);

	return m->scale * (m->under[0] ? over / sum(m->under, result) : over);
}

static void put_sum(FILE *out, const char *const field[3])
{
	const bool several = field[1] != NULL;

	fputs(several ? "(" : "", out);
	for (int i = 0; i < 3 && field[i]; i++)
		fprintf(out, "%s%s", i ? " + " : "", field[i]);
	fputs(several ? ")" : "", out);
}

char *evidence_metric_text(const struct evidence_metric *m)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	if (!out)
		return NULL;
	if (m->scale >= 1 && fabs(m->scale - 1) > 1e-9)
		fprintf(out, "%g * ", m->scale);
	put_sum(out, m->over);
	if (m->under[0]) {
		fputs(" / ", out);
		put_sum(out, m->under);
	}
	if (m->scale < 1)
		fprintf(out, " / %g", 1 / m->scale);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
