/* SPDX-License-Identifier: MIT */
/*
 * The disk of a load: of the kernel that drives the adapter, or of a domain whose disk is dom0's
 * (blkfront, blkback). Such a domain has no network, and dom0 does nothing else.
 */
#include <errno.h>

#include "study/platform.h"

/* Whoever drives the adapter needs no more of a kernel than its allocator. */
static int own_disk(struct testbed_side *side, struct diskbed_config *config, struct err *err)
{
	int rc;

	side->kmalloc = kmalloc_create(side->machine->mem, false);
	if (!side->kmalloc)
		return err_set(err, -ENOMEM, "no memory for the machine's allocator");
	config->machine = side->machine;
	config->kmalloc = side->kmalloc;
	rc = diskbed_init(&side->disk, side->rig, config, err);
	side->volume = side->disk.dev;
	return rc;
}

/* dom0: the adapter's driver, and the backend. */
static int start_dom0(struct testbed_side *side, struct diskbed_config *config, struct err *err)
{
	const struct hyper_domain *dom0 = &side->hyper->domain[0];
	const struct host_config host = {
		.machine = dom0->machine,
		.domain = dom0->xen,
		.disk_backend = true,
		.dma_domain = side->rig->domain,
		.device_grants = side->hyper->config.grants_bring_entries &&
				 side->hyper->config.tables == HYPER_ASKED,
	};
	int rc = host_create(&side->nic_host, &host, err);

	if (rc)
		return err_prefix(err, rc, "dom0: ");
	config->machine = dom0->machine;
	config->kmalloc = side->nic_host->kmalloc;
	config->irq_cpu = 0;
	return diskbed_init(&side->disk, side->rig, config, err);
}

/* The whole of dom0's disk for the domain of the load. */
static int disk_of_dom0(struct testbed_side *side, const struct diskbed_config *config,
			struct err *err)
{
	const struct hyper_domain *domu = &side->hyper->domain[1];
	struct diskbed_config dom0 = *config;
	struct blkback_extent extent = {.first = 0};
	struct blkif_backend_keys backend;
	struct blkif_frontend_keys front;
	const struct host_config host = {.machine = domu->machine,
					 .domain = domu->xen,
					 .disk = &backend,
					 .irq_cpu = config->irq_cpu};
	int rc = start_dom0(side, &dom0, err);

	if (rc)
		return rc;
	extent.dev = side->disk.dev;
	extent.sectors = extent.dev->sectors;
	blkback_keys(side->nic_host->blkback, &extent, &backend);
	rc = host_create(&side->host, &host, err);
	if (rc)
		return err_prefix(err, rc, "domU: ");
	blkfront_keys(side->host->disk, &front);
	rc = host_add_disk(side->nic_host, &front, &extent, &side->vbd, err);
	if (rc)
		return rc;
	blkfront_connect(side->host->disk, NULL);
	side->volume = blkfront_disk(side->host->disk);
	return 0;
}

int platform_disk(struct testbed_side *side, const struct scenario *s, unsigned irq_cpu,
		  struct err *err)
{
	struct diskbed_config config = {
		.storage = {.bytes = s->disk_bytes},
		.irq_cpu = irq_cpu,
		.depth = (unsigned)s->disk_depth,
	};

	return s->platform == PLATFORM_DOMU ? disk_of_dom0(side, &config, err)
					    : own_disk(side, &config, err);
}
