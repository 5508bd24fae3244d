/* SPDX-License-Identifier: MIT */
/*
 * Guest machines: domains on a board. A guest's CPUs are virtual ones, each carried by one of the
 * board's; its memory is a view of the board's; event queue and caches are the board's.
 *
 * What a guest pays is the board's profile with these differences, those of a 64-bit paravirtual
 * Linux under Xen (the rows of [xen] say where each number comes from):
 *
 *	syscall		+ xen_syscall_bounce: user and kernel share a ring, every call goes through
 *			the hypervisor, which switches page tables
 *	context_switch	+ xen_context_switch: the page-table base is loaded by a hypercall
 *	interrupt	= xen_upcall: the trap is the hypervisor's and charged by itself (xen_irq,
 *			CHARGE_HYPERVISOR); the guest enters its handler and leaves it as an
 *event's. Charged as CHARGE_CROSSING irq_flags	= 2 cache_hit: to disable interrupts is to set a
 *byte that the hypervisor reads, in a line that stays in this CPU's cache; to enable them, to clear
 *it
 *
 * Besides, a virtual CPU that runs out of work blocks by a hypercall (xen_hypercall,
 *CHARGE_CROSSING), and one that wakes another one of its guest that idles sends it an event
 *(xen_hypercall, CHARGE_CROSSING, and xen_event_send, CHARGE_HYPERVISOR); the ipi until it arrives
 *is the board's. Everything else, the registers of a device that is its own included, costs what it
 *costs the board.
 */
#ifndef IOTOLL_SIM_GUEST_H
#define IOTOLL_SIM_GUEST_H

#include "sim/machine.h"

#define GUEST_MAX_VCPUS 32u /* Xen's XEN_LEGACY_MAX_VCPUS */

struct guest_vcpus {
	const char *name;         /* the guest's, for messages; need not outlive the call */
	unsigned count;           /* 1 to GUEST_MAX_VCPUS */
	const unsigned *physical; /* [count]: the board's CPU that carries each, or first does */
	/* Of a board with a gate (gate.h); 0 is the default. */
	unsigned weight;   /* 1 to 65535, 256 */
	unsigned cap;      /* percent of one CPU, up to 100 for each virtual one; 0: no limit */
	uint32_t affinity; /* the board's CPUs that they may have, a bit each; all */
};

/*
 * A guest of @board, which is no guest, with @view, a view of the board's memory, as its memory.
 * The view stays the caller's and outlives the guest. Without a gate no two virtual CPUs have one
 * CPU of the board. 0; -EINVAL with @err: the board's profile has no [xen] section, a CPU that
 * there is not, that carries another already or that the affinity excludes, a weight or cap out of
 * range, or what the gate's policy refuses; -ENOMEM.
 */
int machine_create_guest(struct machine **out, struct machine *board, struct memory *view,
			 const struct guest_vcpus *vcpus, struct err *err) MUST_CHECK;

#endif
