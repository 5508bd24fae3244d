/* SPDX-License-Identifier: MIT */
/*
 * Storage on a rig: a volume of an array, a host bus adapter before it on the rig's bus, its
 * registers where CPUs reach them, its interrupt line, and its place in the DMA domain. Whoever
 * drives it needs no more than regs, irq and dma.
 */
#ifndef IOTOLL_RIG_STORAGE_H
#define IOTOLL_RIG_STORAGE_H

#include "dev/disk.h"
#include "dev/qla.h"
#include "rig/rig.h"

#define STORAGE_DEVID 0x10 /* device 2, function 0 */

struct storage_config {
	uint64_t bytes; /* of the volume: see struct disk_config */
	bool fifo, no_read_ahead;
	unsigned commands; /* 0: the disk's default */
};

struct storage {
	struct disk *disk;
	struct qla *hba;
	struct mmio_window regs;
	struct irq irq;
	struct iotoll_dma_device *dma;
};

/*
 * @s must stay where it is, and @rig outlive it. 0; -EINVAL with @err (no [disk] section in the
 * machine's profile, an impossible size); what attaching to the domain says; -ENOMEM. On failure
 * nothing is left.
 */
int storage_init(struct storage *s, struct rig *rig, const struct storage_config *config,
		 struct err *err) MUST_CHECK;
/* The driver must be gone. Allowed on a zeroed struct. */
void storage_fini(struct storage *s);

#endif
