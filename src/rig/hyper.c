/* SPDX-License-Identifier: MIT */
/* Assembling a board, its hypervisor, and domains. */
#include "rig/hyper.h"

#include <errno.h>
#include <string.h>

#include "rig/hyper_internal.h"
#include "spec/xen.h"

#define HOLE_START 0xA0000u
#define HOLE_END   0x100000u

/*
 * From 640 KiB to 1 MiB a PC has no memory. It matters here: Calgary does not translate these
 * addresses, so what lay there could be reached by every device.
 */
static int take_hole(struct hyper *h, struct err *err)
{
	struct memory *mem = h->config.rig.machine->mem;
	phys_t low;
	int rc = memory_alloc(mem, HOLE_END / PAGE_BYTES - 1, PAGE_BYTES, HOLE_END, &low);

	if (rc)
		return err_set(err, rc, "the board's first megabyte is in use");
	memory_free(mem, low, HOLE_START / PAGE_BYTES - 1);
	h->hole = true;
	return 0;
}

int hyper_init(struct hyper *h, const struct hyper_config *config, struct err *err)
{
	int rc;

	memset(h, 0, sizeof(*h));
	h->config = *config;
	rc = rig_init_hardware(&h->rig, &config->rig, err);
	if (rc)
		return rc;
	rc = take_hole(h, err);
	if (!rc && config->scheduler)
		rc = gate_create(config->rig.machine, config->scheduler, err);
	if (rc) {
		hyper_fini(h);
		return rc;
	}
	rc = xen_create(&h->xen, config->rig.machine->mem, NULL);
	if (rc)
		(void)err_set(err, rc, "no memory for the hypervisor");
	if (!rc && rig_translates(&config->rig))
		rc = hyper_table_create(h, err);
	if (rc)
		hyper_fini(h);
	return rc;
}

void hyper_fini(struct hyper *h)
{
	rig_fini_domain(&h->rig);
	xen_destroy(h->xen);
	h->xen = NULL;
	hyper_table_destroy(h);
	while (h->domains) {
		struct hyper_domain *d = &h->domain[--h->domains];

		machine_destroy(d->machine);
		memory_destroy(d->view);
	}
	rig_fini(&h->rig);
	if (h->hole)
		memory_free(h->config.rig.machine->mem, HOLE_START,
			    (HOLE_END - HOLE_START) / PAGE_BYTES);
	h->hole = false;
}

/* ---- domains ---- */

/* How the DMA layer of a domain reaches the hypervisor. */
static long knock(void *ctx, struct cpu *cpu, unsigned long op, const unsigned long args[6])
{
	struct hyper_domain *d = ctx;

	return d->xen ? xen_hypercall(d->xen, cpu ? cpu_id(cpu) : 0, cpu, op, args) : -ESHUTDOWN;
}

/* Is pseudo-physical page @pfn an address that the IOMMU does not translate? */
static bool is_withheld(const struct hyper *h, uint64_t pfn)
{
	for (unsigned i = 0; i < h->withheld_count; i++)
		if (pfn - h->withheld[i].first < h->withheld[i].pages)
			return true;
	return false;
}

/*
 * The view's page allocator has what the domain builder left free, and no empty page. Where devices
 * go by pseudo-physical addresses, those that the IOMMU leaves alone are no memory, either: as
 * around the legacy hole of a PC.
 */
static int reserve_pages(struct hyper_domain *d)
{
	const struct hyper *h = d->hyper;
	const bool whole = h->config.tables == HYPER_WHOLE;
	uint64_t first, end;
	phys_t all;
	int rc;

	xen_domain_free_memory(d->xen, &first, &end);
	rc = memory_alloc(d->view, memory_bytes(d->view) / PAGE_BYTES - 1, PAGE_BYTES, 0, &all);
	for (uint64_t pfn = first; pfn < end && !rc; pfn++)
		if (!whole || !is_withheld(h, pfn))
			memory_free(d->view, pfn * PAGE_BYTES, 1);
	return rc;
}

static int make_machine(struct hyper_domain *d, const struct hyper_domain_config *c,
			struct err *err)
{
	struct machine *board = d->hyper->config.rig.machine;
	const struct guest_vcpus vcpus = {.name = c->name,
					  .count = c->vcpus,
					  .physical = c->physical,
					  .weight = c->weight,
					  .cap = c->cap,
					  .affinity = c->affinity};

	d->view = memory_view_create(board->mem, xen_domain_l1(d->xen), xen_domain_span(d->xen));
	if (!d->view || reserve_pages(d))
		return err_set(err, -ENOMEM, "no memory for a view of %s", c->name);
	return machine_create_guest(&d->machine, board, d->view, &vcpus, err);
}

int hyper_add_domain(struct hyper *h, const struct hyper_domain_config *c,
		     struct hyper_domain **out, struct err *err)
{
	const struct xen_domain_config config = {
		.id = c->id,
		.vcpus = c->vcpus,
		.privileged = c->privileged,
		.hardware = c->hardware,
		.pages = c->pages,
		.span = c->pages + c->empty,
		.max_pages = c->pages + c->empty,
		.grants_reach_devices = c->grants_reach_devices,
	};
	struct hyper_domain *d = &h->domain[h->domains];
	int rc;

	if (h->domains == HYPER_DOMAINS)
		return err_set(err, -ENOSPC, "%s: there are %u domains already", c->name,
			       HYPER_DOMAINS);
	memset(d, 0, sizeof(*d));
	d->hyper = h;
	d->name = c->name;
	rc = xen_domain_create(h->xen, &config, &d->xen);
	if (rc)
		return err_set(err, rc, "%s: the hypervisor does not build it with %llu pages",
			       c->name, (unsigned long long)c->pages);
	h->domains++; /* hyper_fini() sees to what there is from here on */
	rc = make_machine(d, c, err);
	d->door = (struct env_hypervisor){.ctx = d,
					  .call = knock,
					  .withheld = h->withheld,
					  .withheld_count = h->withheld_count};
	*out = d;
	return rc;
}

void hyper_kill_domain(struct hyper_domain *d)
{
	if (d->xen)
		xen_domain_kill(d->xen);
	d->xen = NULL;
}

/* ---- the bus ---- */

/* Of the table, for grants: as many as a domain can have mapped, half of it at the most. */
static uint64_t grant_entries(const struct hyper *h)
{
	const uint64_t half = h->driver->entries / 2;

	return half < XEN_MAPTRACK_USUAL ? half : XEN_MAPTRACK_USUAL;
}

/* The domain's own allocator leaves those alone. */
static int lend_entries(struct hyper_domain *d, uint64_t from)
{
	struct hyper *h = d->hyper;

	if (h->withheld_count == HYPER_RANGES)
		return -ENOSPC;
	h->withheld[h->withheld_count++] = (struct env_withheld){from, h->driver->entries - from};
	d->door.withheld_count = h->withheld_count;
	d->door.lent_from = from;
	d->door.p2m = XEN_P2M_PADDR;
	return 0;
}

static int assign_table(struct hyper_domain *d, uint16_t devid, struct err *err)
{
	struct hyper *h = d->hyper;
	const struct driver_ops *ops = h->driver->ops;
	const bool lends = h->config.grants_bring_entries && h->config.tables == HYPER_ASKED;
	const uint64_t from = lends ? h->driver->entries - grant_entries(h) : 0;
	const struct xen_device_config config = {
		.device = HYPER_DEVICE,
		.bfns = h->driver->entries,
		.table = h->config.tables == HYPER_WHOLE     ? XEN_TABLE_PSEUDO
			 : h->config.tables == HYPER_MACHINE ? XEN_TABLE_MACHINE
							     : XEN_TABLE_ASKED,
		.frozen = h->config.frozen,
		.grants_from = from,
		.grants_lazy = strcmp(h->config.rig.strategy, "strict") != 0,
		.ops = &hyper_table_ops,
		.ctx = h,
	};
	int rc = ops->attach ? ops->attach(h->driver, devid, 0) : 0;

	if (!rc)
		rc = xen_device_assign(d->xen, &config);
	if (!rc && lends)
		rc = lend_entries(d, from);
	if (rc == -ENOSPC)
		return err_set(
			err, -EINVAL,
			"the device's table has %llu entries; expected %llu or more, one for "
			"each page of the domain",
			(unsigned long long)h->driver->entries,
			(unsigned long long)xen_domain_span(d->xen));
	if (rc)
		return err_set(err, rc, "the bus cannot be given to the domain");
	h->holder = d;
	return 0;
}

int hyper_assign_bus(struct hyper_domain *d, uint16_t devid, struct err *err)
{
	struct hyper *h = d->hyper;
	const bool asks = h->config.tables == HYPER_ASKED;
	const bool knows = asks || rig_stands(&h->config.rig);
	struct rig_config config = h->config.rig;
	/* A domain that knows nothing puts its own addresses on the bus. */
	const struct dma_env env = {.machine = d->machine,
				    .hypervisor = knows || !h->driver ? &d->door : NULL};
	int rc;

	if (h->holder)
		return err_set(err, -EBUSY, "the bus has been given away");
	if (h->driver) {
		rc = assign_table(d, devid, err);
		if (rc)
			return rc;
		d->door.keeps_table = !asks;
		d->door.own_addresses = h->config.tables == HYPER_WHOLE;
	}
	h->holder = d;
	config.devid = devid;
	if (h->driver && !asks)
		config.machine = d->machine; /* what is reachable is its memory, and no more */
	if (h->driver && knows)
		return rig_init_domain(&h->rig, &config, &env, "xen", err);
	config.strategy = "off";
	return rig_init_domain(&h->rig, &config, &env, "none", err);
}
