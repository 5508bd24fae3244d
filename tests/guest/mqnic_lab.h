/* SPDX-License-Identifier: MIT */
/*
 * The multi-queue NIC and its driver without an IOMMU, for tests of the driver: a machine, a bus, a
 * domain whose misuse is watched for, and a wire on which what is sent is counted and lost.
 */
#ifndef IOTOLL_TESTS_GUEST_MQNIC_LAB_H
#define IOTOLL_TESTS_GUEST_MQNIC_LAB_H

#include "lab.h"

#include "dev/mqnic.h"
#include "guest/mqnic_driver_internal.h"

struct mqnic_lab {
	struct sim *sim;
	struct frame_pool *pool;
	struct machine *machine;
	struct bus *bus;
	struct mqnic *nic;
	struct mmio_window regs;
	struct irq irq[2];
	struct dma_env env;
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device *dma;
	struct mqnic_driver *driver;
	uint64_t pages_before;
	unsigned sent;
};

/*
 * A CPU for each of @config's queues; its machine, registers, DMA device and interrupts are filled
 * in. False: the driver refused @config with a message that says what it expected, and only
 * mqnic_lab_fini() may follow.
 */
bool mqnic_lab_init(struct mqnic_lab *lab, struct mqnic_driver_config *config,
		    const struct iotoll_dma_observer *observer, const struct mqnic_upper *upper);
/* Take everything down; nothing may be left mapped or allocated. */
void mqnic_lab_fini(struct mqnic_lab *lab);
/* A frame of @bytes, whose every byte of payload is the low one of its length. */
void mqnic_lab_arrive(struct mqnic_lab *lab, uint32_t bytes);
void mqnic_lab_run_us(struct mqnic_lab *lab, uint64_t us);
struct mqnic_driver_stats mqnic_lab_stats(const struct mqnic_lab *lab);

#endif
