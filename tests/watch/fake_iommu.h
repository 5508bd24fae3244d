/* SPDX-License-Identifier: MIT */
/*
 * An IOMMU for tests of the watcher: a table and a cache of one word per page, moved by hand. What
 * is cached stays what it was until it is dropped, as in an IOTLB that does not snoop.
 */
#ifndef IOTOLL_TESTS_WATCH_FAKE_IOMMU_H
#define IOTOLL_TESTS_WATCH_FAKE_IOMMU_H

#include <errno.h>

#include "hw/iommu.h"

#define FAKE_PAGES 64u
#define FAKE_BUS   3u

/* An entry: frame << 2 | what the device may do (enum iotoll_access); 0 = invalid. */
struct fake_iommu {
	struct iommu base; /* first */
	uint64_t table[FAKE_PAGES];
	uint64_t cache[FAKE_PAGES];
	bool bypass;
	uint64_t probes;
};

static inline uint64_t fake_entry(uint64_t frame, unsigned rights)
{
	return frame << 2 | rights;
}

static int fake_probe(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		      enum iotoll_access access, struct iotoll_xlat *out)
{
	/* Counting is the test's business, not a change of the IOMMU. */
	struct fake_iommu *f = (struct fake_iommu *)(uintptr_t)iommu;
	const uint64_t pfn = iova >> 12;
	uint64_t entry;

	f->probes++;
	*out = (struct iotoll_xlat){0};
	if (f->bypass) {
		out->paddr = iova;
		out->bypass = true;
		return 0;
	}
	if (source.bus != FAKE_BUS || pfn >= FAKE_PAGES)
		return -EPERM;
	entry = f->cache[pfn] ? f->cache[pfn] : f->table[pfn];
	if (!(entry & (unsigned)access))
		return -EPERM;
	out->paddr = (entry >> 2) << 12 | (iova & 0xFFF);
	out->bytes = 4096 - (iova & 0xFFF);
	out->hit = f->cache[pfn] != 0;
	return 0;
}

static const struct iommu_ops fake_ops = {.name = "fake", .title = "by hand", .probe = fake_probe};

static inline void fake_init(struct fake_iommu *f)
{
	*f = (struct fake_iommu){.base = {.ops = &fake_ops}};
}

/* The device uses @pfn: it is cached if the table has it. */
static inline void fake_use(struct fake_iommu *f, uint64_t pfn)
{
	if (!f->cache[pfn])
		f->cache[pfn] = f->table[pfn];
}

/* Drop @pfn from the cache and say so. */
static inline void fake_drop(struct fake_iommu *f, uint64_t pfn)
{
	const struct iotoll_source source = {.bus = FAKE_BUS, .devid = 0};

	if (!f->cache[pfn])
		return;
	f->cache[pfn] = 0;
	if (f->base.observer.dropped)
		f->base.observer.dropped(f->base.observer.ctx, source, pfn);
}

#endif
