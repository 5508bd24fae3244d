/* SPDX-License-Identifier: MIT */
/*
 * The kernel's watch over DMA faults: Calgary raises no interrupt for them, so Linux reads the
 * status register of every translated bus each two seconds (pci-calgary.c: calgary_watchdog) and,
 * finding an error, shuts the bus off for good.
 */
#ifndef IOTOLL_GUEST_WATCHDOG_H
#define IOTOLL_GUEST_WATCHDOG_H

#include "iotoll/dma.h"
#include "sim/cpu.h"

#define WATCHDOG_PERIOD (2 * SIM_S)

struct watchdog {
	struct iotoll_dma_domain *domain;
	struct event timer;
	struct irq tick;
	struct iotoll_dma_fault fault; /* what the first error was */
	sim_time found_at;             /* when it was noticed; 0 = nothing found */
	uint64_t checks;
};

/* Check @domain now and then every period, on @cpu. @w must stay where it is. */
void watchdog_start(struct watchdog *w, struct iotoll_dma_domain *domain, struct cpu *cpu);
/* Allowed on a zeroed watchdog. */
void watchdog_stop(struct watchdog *w);

#endif
