/* SPDX-License-Identifier: MIT */
/*
 * What the hypervisor charges the CPU that runs it. Every function does nothing without a CPU. The
 * numbers are the profile's section [xen]; misses come from the cache model, by machine address.
 */
#ifndef IOTOLL_XEN_COST_H
#define IOTOLL_XEN_COST_H

#include <stdbool.h>
#include <stddef.h>

#include "mem/memory.h"

#include "sim/cpu.h"

enum xen_cost {
	COST_MULTICALL_ENTRY,
	COST_EVENT_SEND,
	COST_GRANT_MAP,
	COST_GRANT_UNMAP,
	COST_GRANT_COPY,
	COST_GRANT_TRANSFER,
	COST_VA_UPDATE,
	COST_TLB_FLUSH,
	COST_IOMMU_OP,
	COST_MEMORY_OP,
	COST_KINDS
};

/* Into the hypervisor: charges the crossing, puts its work in force. And back. */
struct crossing {
	enum charge charge;
	bool inside, free;
};

struct crossing cost_enter(struct cpu *cpu);
void cost_leave(struct cpu *cpu, struct crossing before);
/* One event of this kind, in the category in force. */
void cost_charge(struct cpu *cpu, enum xen_cost what);
/* Load or store [at, at + bytes), machine addresses. */
static inline void cost_touch(struct cpu *cpu, phys_t at, size_t bytes, bool write)
{
	if (cpu)
		cpu_touch(cpu, at, bytes, write);
}
/* A copy between two machine addresses, each within a page. */
void cost_copy(struct cpu *cpu, phys_t to, phys_t from, size_t bytes);
/* A locked read-modify-write of the line at @at. */
void cost_atomic(struct cpu *cpu, phys_t at);

#endif
