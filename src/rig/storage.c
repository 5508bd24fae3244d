/* SPDX-License-Identifier: MIT */
/* Assembling an array, an adapter and its attachment. */
#include "rig/storage.h"

#include <errno.h>
#include <string.h>

int storage_init(struct storage *s, struct rig *rig, const struct storage_config *config,
		 struct err *err)
{
	const struct disk_config disk = {.machine = rig->machine,
					 .bytes = config->bytes,
					 .fifo = config->fifo,
					 .no_read_ahead = config->no_read_ahead,
					 .commands = config->commands};
	struct qla_config hba;
	int rc;

	memset(s, 0, sizeof(*s));
	rc = disk_create(&s->disk, &disk, err);
	if (rc)
		return rc;
	qla_config_default(&hba);
	hba.bus = rig->bus;
	hba.devid = STORAGE_DEVID;
	hba.irq = &s->irq;
	hba.disk = s->disk;
	rc = qla_create(&s->hba, &hba);
	if (rc) {
		rc = err_set(err, rc, "the disk's adapter cannot be made");
		goto fini;
	}
	mmio_window_init(&s->regs, rig->machine, &qla_mmio_ops, s->hba);
	rc = iotoll_dma_attach(&s->dma, rig->domain, STORAGE_DEVID, rig_dma_mask(rig));
	if (!rc)
		return 0;
	rc = err_set(err, rc, "the disk's adapter cannot use its DMA domain");
fini:
	storage_fini(s);
	return rc;
}

void storage_fini(struct storage *s)
{
	iotoll_dma_detach(s->dma);
	qla_destroy(s->hba);
	if (s->hba && s->regs.ops)
		mmio_window_fini(&s->regs);
	disk_destroy(s->disk);
	memset(s, 0, sizeof(*s));
}
