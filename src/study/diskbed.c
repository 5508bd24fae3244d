/* SPDX-License-Identifier: MIT */
/* Putting a disk on a rig. */
#include "study/diskbed.h"

#include <errno.h>
#include <string.h>

int diskbed_init(struct diskbed *b, struct rig *rig, const struct diskbed_config *config,
		 struct err *err)
{
	struct machine *m = config->machine ? config->machine : rig->machine;
	struct qla_driver_config driver = {
		.machine = m,
		.kmalloc = config->kmalloc,
		.regs = &b->storage.regs,
		.irq = &b->storage.irq,
		.depth = config->depth,
		.timeout_ps = config->timeout_ps,
		.max_bytes = config->max_bytes,
		.max_segments = config->max_segments,
	};
	int rc;

	memset(b, 0, sizeof(*b));
	if (config->irq_cpu >= m->ncpus)
		return err_set(err, -EINVAL, "disk interrupts to CPU %u: expected 0 to %u",
			       config->irq_cpu, m->ncpus - 1);
	rc = storage_init(&b->storage, rig, &config->storage, err);
	if (rc)
		return rc;
	driver.dma = b->storage.dma;
	driver.irq_cpu = machine_cpu(m, config->irq_cpu);
	driver.sectors = disk_sectors(b->storage.disk);
	/* dma_get_required_mask(): is there memory that 32 bits do not reach? */
	driver.dma64 = iotoll_dma_domain_bytewise(rig->domain) ||
		       (!rig->iommu && memory_bytes(rig->machine->mem) > (uint64_t)1 << 32);
	rc = qla_driver_open(&b->driver, &driver, err);
	if (rc) {
		diskbed_fini(b);
		return rc;
	}
	b->dev = qla_driver_disk(b->driver);
	return 0;
}

void diskbed_fini(struct diskbed *b)
{
	qla_driver_close(b->driver);
	storage_fini(&b->storage);
	memset(b, 0, sizeof(*b));
}
