/* SPDX-License-Identifier: MIT */
/*
 * The bridge above a segment: a page of an access is translated by the IOMMU, and its bytes move
 * between the device and memory, with the CPUs' caches told. At one instant: how long a translation
 * takes is handed back, and when bytes move is up to bus_dma.c.
 */
#include <errno.h>
#include <string.h>

#include "dev/bus_internal.h"

int bus_translate(struct bus *bus, uint16_t devid, uint64_t iova, uint32_t bytes,
		  enum iotoll_access direction, void **host, uint64_t *paddr, uint32_t *chunk,
		  uint64_t *took_ps)
{
	const struct cost *cost = machine_cost(bus->machine);
	struct iotoll_xlat x = {.paddr = iova, .bytes = bytes, .bypass = true};
	int ret = 0;

	if (bus->iommu) {
		const struct iotoll_source source = {.bus = bus->number, .devid = devid};

		ret = iommu_translate(bus->iommu, source, iova, direction, &x);
		bus->stats.translations++;
		bus->stats.table_reads += x.fetches + x.ahead;
	}
	*took_ps = x.fetches * cost->walk_read + (x.bypass ? 0 : cost->iotlb_hit);
	bus->stats.translation_ps += *took_ps;
	if (ret == -ESHUTDOWN) {
		bus->stats.shut++;
		return ret;
	}
	if (ret) {
		bus->stats.refused++;
		return ret == -EFAULT ? ret : -EPERM;
	}
	if (x.stale)
		*(direction == IOTOLL_READ ? &bus->stats.stale_reads : &bus->stats.stale_writes) +=
			1;
	if (bus->has_dummy && !x.bypass && x.paddr / BUS_PAGE_BYTES == bus->dummy_page)
		bus->stats.redirected++;
	*paddr = x.paddr;
	*chunk = x.bytes < bytes ? (uint32_t)x.bytes : bytes;
	*host = *chunk ? memory_ptr(bus->machine->mem, x.paddr, *chunk) : NULL;
	if (!*host) {
		bus->stats.unmapped++;
		return -EFAULT;
	}
	return 0;
}

void bus_move(struct bus *bus, enum iotoll_access direction, void *buffer, void *host,
	      uint64_t paddr, uint32_t bytes)
{
	struct cache *cache = bus->machine->cache;

	if (direction == IOTOLL_WRITE) {
		memcpy(host, buffer, bytes);
		if (cache)
			cache_dma_write(cache, paddr, bytes);
		bus->stats.write_bytes += bytes;
	} else {
		memcpy(buffer, host, bytes);
		if (cache)
			cache_dma_read(cache, paddr, bytes);
		bus->stats.read_bytes += bytes;
	}
}
