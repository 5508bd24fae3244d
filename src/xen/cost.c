// SPDX-License-Identifier: MIT
#include "xen/cost.h"

#include <stddef.h>
#include <string.h>

#include "sim/machine.h"

/* Rows of the profile. */
static uint64_t price(const struct cost *cost, enum xen_cost what)
{
	static const size_t row[COST_KINDS] = {
		[COST_MULTICALL_ENTRY] = offsetof(struct cost, xen_multicall_entry),
		[COST_EVENT_SEND] = offsetof(struct cost, xen_event_send),
		[COST_GRANT_MAP] = offsetof(struct cost, xen_grant_map),
		[COST_GRANT_UNMAP] = offsetof(struct cost, xen_grant_unmap),
		[COST_GRANT_COPY] = offsetof(struct cost, xen_grant_copy),
		[COST_GRANT_TRANSFER] = offsetof(struct cost, xen_grant_transfer),
		[COST_VA_UPDATE] = offsetof(struct cost, xen_va_update),
		[COST_TLB_FLUSH] = offsetof(struct cost, xen_tlb_flush),
		[COST_IOMMU_OP] = offsetof(struct cost, xen_iommu_op),
		[COST_MEMORY_OP] = offsetof(struct cost, xen_memory_op),
	};
	uint64_t ps;

	memcpy(&ps, (const char *)cost + row[what], sizeof(ps));
	return ps;
}

struct crossing cost_enter(struct cpu *cpu)
{
	struct crossing x = {CHARGE_CROSSING, false, false};

	if (!cpu)
		return x;
	x.free = cpu_free_enter(cpu, false);
	x.charge = cpu_enter(cpu, CHARGE_CROSSING);
	cpu_charge(cpu, machine_cost(cpu_machine(cpu)->board)->xen_hypercall);
	(void)cpu_enter(cpu, CHARGE_HYPERVISOR);
	x.inside = cpu_hypervisor_enter(cpu);
	return x;
}

void cost_leave(struct cpu *cpu, struct crossing before)
{
	if (!cpu)
		return;
	cpu_hypervisor_leave(cpu, before.inside);
	cpu_leave(cpu, before.charge);
	cpu_free_leave(cpu, before.free);
}

void cost_charge(struct cpu *cpu, enum xen_cost what)
{
	if (cpu)
		cpu_charge(cpu, price(machine_cost(cpu_machine(cpu)->board), what));
}

void cost_copy(struct cpu *cpu, phys_t to, phys_t from, size_t bytes)
{
	cpu_copy(cpu, to, from, bytes);
}

void cost_atomic(struct cpu *cpu, phys_t at)
{
	cpu_atomic(cpu, at);
}
