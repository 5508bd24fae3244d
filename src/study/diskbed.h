/* SPDX-License-Identifier: MIT */
/*
 * A machine's disk, ready for I/O: array, adapter and attachment on a rig (rig/storage.h) under the
 * driver and the block layer of its kernel (guest/qla_driver.h). What an experiment with disks adds
 * to a machine, as testbed.c adds a NIC and a host.
 */
#ifndef IOTOLL_STUDY_DISKBED_H
#define IOTOLL_STUDY_DISKBED_H

#include "guest/qla_driver.h"
#include "rig/storage.h"

struct diskbed_config {
	struct machine *machine; /* whose kernel drives it; NULL: the rig's */
	struct storage_config storage;
	struct kmalloc *kmalloc; /* the machine's kernel memory */
	unsigned irq_cpu;
	unsigned depth;      /* commands at the disk; 0: the driver's default */
	uint64_t timeout_ps; /* 0: the driver's default */
	uint32_t max_bytes;  /* of a request; 0: 128 KiB */
	unsigned max_segments;
};

struct diskbed {
	struct storage storage;
	struct qla_driver *driver;
	struct blockdev *dev; /* what I/O is submitted to */
};

/* @b must stay where it is. 0, or the error of the part that failed, with @err; then nothing is
 * left. */
int diskbed_init(struct diskbed *b, struct rig *rig, const struct diskbed_config *config,
		 struct err *err) MUST_CHECK;
/* No CPU of the machine may run afterwards. Allowed on a zeroed struct. */
void diskbed_fini(struct diskbed *b);

#endif
