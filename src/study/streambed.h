/* SPDX-License-Identifier: MIT */
/*
 * A machine with the multi-queue NIC on a rig, and an ideal partner at the other end of its cable:
 * what a load of segments runs on, as testbed.c puts two machines with a TCP stack together.
 */
#ifndef IOTOLL_STUDY_STREAMBED_H
#define IOTOLL_STUDY_STREAMBED_H

#include "dev/link.h"
#include "dev/mqnic.h"
#include "dev/partner.h"
#include "guest/mqnic_driver.h"
#include "load/load.h"
#include "load/segment_stream.h"
#include "rig/rig.h"
#include "spec/mqnic.h"
#include "study/scenario.h"

struct streambed {
	struct machine *machine; /* NULL: there is none */
	struct kmalloc *kmalloc;
	struct mqnic *nic;
	struct mmio_window regs;
	struct irq irq[MQNIC_QUEUES_MAX];
	struct iotoll_dma_device *dma;
	struct mqnic_driver *driver;
	struct partner *partner;
	uint8_t *pattern;
	uint16_t port[SEGMENT_FLOWS_MAX];
	struct segment_ends ends;
};

/* Counters that only ever grow, at one instant. */
struct stream_counters {
	struct mqnic_stats nic;
	struct pcie_stats pcie;
	struct mqnic_driver_stats driver;
	struct partner_stats partner;
};

/*
 * Put the NIC on @rig, its driver on @machine, both ends on @link: the NIC is port 0. @b must stay
 * where it is. 0; -EINVAL with @err for what cannot be built; -ENOMEM. On failure nothing is left.
 */
int streambed_init(struct streambed *b, const struct scenario *s, struct rig *rig,
		   struct machine *machine, struct link *link, struct frame_pool *pool,
		   struct err *err) MUST_CHECK;
/* No CPU of the machine may run afterwards; the load is gone. Allowed on a zeroed struct. */
void streambed_fini(struct streambed *b);
/* The load that @s names, on it. 0; load_create()'s errors. */
int streambed_load(struct streambed *b, const struct scenario *s, struct load **out,
		   struct err *err) MUST_CHECK;
/* The partner begins to send. */
void streambed_start(struct streambed *b);
void streambed_count(const struct streambed *b, struct stream_counters *out);

#endif
