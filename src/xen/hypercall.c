// SPDX-License-Identifier: MIT
/*
 * The one door: hypercall numbers to handlers, crossings charged, long calls continued. Before each
 * part of a call the CPU takes what is pending. A handler itself lets others run in one place only,
 * within the IOMMU's driver (struct xen_iommu_ops), and holds no pointer across it that they could
 * make stale.
 */
#include <assert.h>
#include <errno.h>

#include "sim/cpu.h"
#include "xen/cost.h"
#include "xen/impl.h"

bool call_preempt(struct call *c)
{
	/* At least one element each time, or a call would never end. */
	return c->work++ >= c->hv->limits.preempt_after;
}

long call_dispatch(struct call *c, unsigned long op)
{
	static long (*const handlers[])(struct call * c) = {
		[__HYPERVISOR_mmu_update] = do_mmu_update,
		[__HYPERVISOR_memory_op] = do_memory_op,
		[__HYPERVISOR_multicall] = do_multicall,
		[__HYPERVISOR_update_va_mapping] = do_update_va_mapping,
		[__HYPERVISOR_grant_table_op] = do_grant_table_op,
		[__HYPERVISOR_update_va_mapping_otherdomain] = do_update_va_mapping_otherdomain,
		[__HYPERVISOR_mmuext_op] = do_mmuext_op,
		[__HYPERVISOR_sched_op] = do_sched_op,
		[__HYPERVISOR_event_channel_op] = do_event_channel_op,
		[XEN_HYPERCALL_IOMMU_OP] = do_iommu_op,
	};

	if (op >= sizeof(handlers) / sizeof(handlers[0]) || !handlers[op])
		return -ENOSYS;
	return handlers[op](c);
}

long xen_hypercall(struct xen_domain *d, unsigned vcpu, struct cpu *cpu, unsigned long op,
		   const unsigned long args[6])
{
	struct call c = {.hv = d->hv, .d = d, .vcpu = vcpu, .cpu = cpu};
	long ret;

	assert(vcpu < d->vcpus);
	for (unsigned i = 0; i < 6; i++)
		c.args[i] = args[i];
	d->calls++;
	do {
		struct crossing before;

		cpu_sync(cpu);
		if (d->dying) { /* killed while it was waiting */
			ret = -ESRCH;
			break;
		}
		before = cost_enter(cpu);
		c.hv->counters.hypercalls++;
		c.work = 0;
		d->inside++;
		ret = call_dispatch(&c, op);
		d->inside--;
		cost_leave(cpu, before);
	} while (ret == CALL_RESTART);
	d->calls--;
	domains_reap(c.hv);
	return ret;
}
