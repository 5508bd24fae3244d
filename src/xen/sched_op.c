// SPDX-License-Identifier: MIT
/*
 * HYPERVISOR_sched_op: yield, block and poll, as in Xen 3.1's common/schedule.c. Waiting itself is
 * the simulated CPU's: a domain with nothing to do is idle there, and pays the crossing there.
 */
#include <errno.h>

#include "xen/evtchn.h"
#include "xen/impl.h"

static long poll(struct call *c)
{
	const shared_info_t *s = evtchn_shared_info(c->d);
	sched_poll_t op;

	if (guest_read(c->d, c->cpu, &op, c->args[1], sizeof(op)) != 0)
		return -EFAULT;
	if (op.nr_ports > 128)
		return -EINVAL;
	for (unsigned i = 0; i < op.nr_ports; i++) {
		evtchn_port_t port;

		if (guest_read(c->d, c->cpu, &port, (uintptr_t)op.ports.p + i * 4, 4) != 0)
			return -EFAULT;
		if (port >= c->d->evtchns->ports)
			return -EINVAL;
		if (s->evtchn_pending[port / 64] >> port % 64 & 1)
			return 0;
	}
	return 0;
}

long do_sched_op(struct call *c)
{
	vcpu_info_t *info = &evtchn_shared_info(c->d)->vcpu_info[c->vcpu];

	switch ((int)c->args[0]) {
	case SCHEDOP_yield:
		return 0;
	case SCHEDOP_block:
		info->evtchn_upcall_mask = 0;
		return 0;
	case SCHEDOP_poll:
		return poll(c);
	default:
		return -ENOSYS;
	}
}
