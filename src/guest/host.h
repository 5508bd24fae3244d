/* SPDX-License-Identifier: MIT */
/*
 * One simulated host's software put together: kernel memory, TCP/IP stack and what connects it on a
 * machine that somebody else wired. What that is depends on what the host is for:
 *
 *	nic_regs set			a tg3 under the stack: bare metal, dom0, a domain that was
 *given the NIC nic_regs set, bridge		tg3 and stack are ports of a bridge: a driver
 *domain. Interfaces to other domains join the bridge afterwards.
 *	neither				no network yet
 */
#ifndef IOTOLL_GUEST_HOST_H
#define IOTOLL_GUEST_HOST_H

#include "guest/bridge.h"
#include "guest/socket.h"
#include "guest/tg3_driver.h"

/* With a bridge: the ports its first two members have. */
#define HOST_STACK_PORT 0
#define HOST_NIC_PORT   1

struct host_config {
	struct machine *machine;
	struct mmio_window *nic_regs; /* NULL: the host has no NIC, and the next two mean nothing */
	struct irq *nic_irq;          /* filled in here; the NIC raises it */
	struct iotoll_dma_device *dma;
	bool bridge; /* a bridge between NIC and stack */
	uint8_t mac[6];
	uint32_t ip, netmask; /* host byte order */
	unsigned irq_cpu;     /* NIC interrupts, and the stack's timers, run there */
	bool read_back_doorbells;
	bool poison_memory; /* check freed kernel memory for stray writes (slow) */
	uint64_t seed;
	struct tg3_coalesce coalesce;
};

struct host {
	struct machine *machine;
	struct kmalloc *kmalloc;
	struct netstack *stack;
	struct tg3_driver *driver; /* NULL without a NIC */
	struct bridge *bridge;     /* NULL without one */
	struct iotoll_dma_device *dma;
	uint32_t ip;
};

/*
 * Boot: everything in @config must outlive the host. 0, or the error of the part that failed;
 * -EINVAL for an irq_cpu the machine does not have. @err says which and why.
 */
int host_create(struct host **out, const struct host_config *config, struct err *err) MUST_CHECK;
/*
 * Take the host down. None of the machine's CPUs may run afterwards: destroy the host, its DMA
 * device and its NIC, then the machine, with no sim_run() in between. NULL is allowed.
 */
void host_destroy(struct host *h);

#endif
