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
#include "xen/iommu.h"

bool call_preempt(struct call *c)
{
	/* At least one element each time, or a call would never end. */
	return c->work++ >= c->hv->limits.preempt_after;
}

static const struct {
	const char *name;
	long (*handler)(struct call *c);
} calls[XEN_HYPERCALLS] = {
	[__HYPERVISOR_mmu_update] = {"mmu_update", do_mmu_update},
	[__HYPERVISOR_memory_op] = {"memory_op", do_memory_op},
	[__HYPERVISOR_multicall] = {"multicall", do_multicall},
	[__HYPERVISOR_update_va_mapping] = {"update_va_mapping", do_update_va_mapping},
	[__HYPERVISOR_grant_table_op] = {"grant_table_op", do_grant_table_op},
	[__HYPERVISOR_update_va_mapping_otherdomain] = {"update_va_mapping_otherdomain",
							do_update_va_mapping_otherdomain},
	[__HYPERVISOR_mmuext_op] = {"mmuext_op", do_mmuext_op},
	[__HYPERVISOR_sched_op] = {"sched_op", do_sched_op},
	[__HYPERVISOR_event_channel_op] = {"event_channel_op", do_event_channel_op},
	[XEN_HYPERCALL_IOMMU_OP] = {"iommu_op", do_iommu_op},
};

const char *xen_hypercall_name(unsigned long op)
{
	return op < XEN_HYPERCALLS ? calls[op].name : NULL;
}

long call_dispatch(struct call *c, unsigned long op)
{
	if (!xen_hypercall_name(op))
		return -ENOSYS;
	c->hv->counters.calls[op]++;
	return calls[op].handler(c);
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
		devices_settle(d, cpu);
		d->inside--;
		cost_leave(cpu, before);
	} while (ret == CALL_RESTART);
	d->calls--;
	domains_reap(c.hv);
	return ret;
}
