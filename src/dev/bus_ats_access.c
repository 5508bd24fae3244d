/* SPDX-License-Identifier: MIT */
/*
 * An access of a device that has a translation cache of its own (hw/atc.h): whether it goes out
 * translated, what a translation request brings back, and what the IOMMU says to a translated one.
 */
#include <errno.h>

#include "dev/bus_ats_internal.h"

enum atc_verdict bus_ats_begin(struct bus_port *port, struct atc_access *x, uint64_t iova,
			       enum iotoll_access direction)
{
	return port->ats ? atc_begin(port->ats->atc, x, iova, direction) : ATC_UNTRANSLATED;
}

void bus_ats_ask(struct bus_port *port, const struct atc_access *x, struct ats_completion *out)
{
	struct bus *bus = port->bus;
	struct ats_request request;

	atc_request(port->ats->atc, x, &request);
	request.source = (struct iotoll_source){.bus = bus->number, .devid = port->devid};
	bus->stats.translations++;
	if (bus_ats_ops(bus)->request(bus->iommu, &request, out))
		*out = (struct ats_completion){.status = ATS_ABORT};
	bus->stats.table_reads += out->fetches;
}

enum atc_verdict bus_ats_answered(struct bus_port *port, struct atc_access *x,
				  const struct ats_completion *completion)
{
	return atc_answer(port->ats->atc, x, completion);
}

void bus_ats_end(struct bus_port *port, struct atc_access *x)
{
	if (!port->ats || (!x->using && !x->asking))
		return;
	atc_end(port->ats->atc, x);
	bus_ats_collect(port->ats);
}

/* Do the tables, or failing them the IOTLB, no longer say what the device's cache does? */
static bool is_stale(const struct bus *bus, const struct bus_port *port, const struct atc_access *x)
{
	const struct iotoll_source source = {.bus = bus->number, .devid = port->devid};
	struct iotoll_xlat now;

	return iommu_probe(bus->iommu, source, x->iova, x->direction, &now) != 0 ||
	       now.paddr != x->paddr || now.stale;
}

int bus_ats_translated(struct bus_port *port, const struct atc_access *x, uint32_t bytes,
		       void **host, uint64_t *paddr, uint32_t *chunk)
{
	struct bus *bus = port->bus;
	const struct iotoll_source source = {.bus = bus->number, .devid = port->devid};
	struct iotoll_xlat out;
	const int ret =
		bus_ats_ops(bus)->translated(bus->iommu, source, x->paddr, x->direction, &out);
	uint64_t most = out.bytes < x->bytes ? out.bytes : x->bytes;

	if (ret) {
		bus->stats.refused++;
		return ret == -EFAULT ? ret : -EPERM;
	}
	if (is_stale(bus, port, x))
		*(x->direction == IOTOLL_READ ? &bus->stats.stale_reads
					      : &bus->stats.stale_writes) += 1;
	*paddr = out.paddr;
	*chunk = most < bytes ? (uint32_t)most : bytes;
	*host = memory_ptr(bus->machine->mem, out.paddr, *chunk);
	if (!*host) {
		bus->stats.unmapped++;
		return -EFAULT;
	}
	return 0;
}

/* ---- at this instant ---- */

int bus_ats_now(struct bus *bus, uint16_t devid, uint64_t iova, uint32_t bytes,
		enum iotoll_access direction, void **host, uint64_t *paddr, uint32_t *chunk)
{
	struct bus_port *port = bus_ats_port(bus, devid);
	struct atc_access x = {0};
	struct ats_completion answer;
	enum atc_verdict verdict;
	uint64_t took;
	int ret = -EPERM;

	if (!port || !port->ats)
		return bus_translate(bus, devid, iova, bytes, direction, host, paddr, chunk, &took);
	verdict = bus_ats_begin(port, &x, iova, direction);
	if (verdict == ATC_ASK) {
		bus_ats_ask(port, &x, &answer);
		verdict = bus_ats_answered(port, &x, &answer);
	}
	if (verdict == ATC_TRANSLATED)
		ret = bus_ats_translated(port, &x, bytes, host, paddr, chunk);
	else if (verdict == ATC_UNTRANSLATED)
		ret = bus_translate(bus, devid, iova, bytes, direction, host, paddr, chunk, &took);
	else
		bus->stats.refused++;
	bus_ats_end(port, &x);
	return ret;
}

int bus_probe(const struct bus *bus, uint16_t devid, uint64_t iova, enum iotoll_access access,
	      struct iotoll_xlat *out)
{
	const struct iotoll_source source = {.bus = bus->number, .devid = devid};
	const struct bus_ats *a = bus_ats_of(bus, devid);
	uint64_t paddr;

	*out = (struct iotoll_xlat){.paddr = 0};
	if (!bus->iommu)
		return -ENODEV;
	if (a && atc_peek(a->atc, iova, access, &paddr) &&
	    bus_ats_ops(bus)->probe_translated(bus->iommu, source, paddr, access, out) == 0) {
		out->hit = true;
		out->bypass = false; /* it was translated, by the device */
		return 0;
	}
	return iommu_probe(bus->iommu, source, iova, access, out);
}

int bus_dma_translated(struct bus *bus, uint16_t devid, uint64_t paddr, void *buffer,
		       uint32_t bytes, enum iotoll_access direction)
{
	const struct iotoll_source source = {.bus = bus->number, .devid = devid};
	struct iotoll_xlat out;
	int ret;

	if (!bus_ats_ops(bus)) {
		bus->stats.refused++;
		return -EPERM;
	}
	while (bytes) {
		uint32_t chunk;
		void *host;

		ret = bus_ats_ops(bus)->translated(bus->iommu, source, paddr, direction, &out);
		if (ret) {
			bus->stats.refused++;
			return ret == -EFAULT ? ret : -EPERM;
		}
		chunk = out.bytes < bytes ? (uint32_t)out.bytes : bytes;
		host = memory_ptr(bus->machine->mem, paddr, chunk);
		if (!host) {
			bus->stats.unmapped++;
			return -EFAULT;
		}
		bus_move(bus, direction, buffer, host, paddr, chunk);
		paddr += chunk;
		buffer = (uint8_t *)buffer + chunk;
		bytes -= chunk;
	}
	return 0;
}
