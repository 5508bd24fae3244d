// SPDX-License-Identifier: MIT
/*
 * Multicalls: hypercalls in an array, in order, each result stored before the next begins, none of
 * them less checked than if it had been called directly. An entry that fails stops nothing. Each
 * entry is read when its turn comes, so whatever an earlier one made of the array is what counts.
 */
#include <errno.h>

#include "xen/cost.h"
#include "xen/impl.h"

long do_multicall(struct call *c)
{
	if (c->nested)
		return -EINVAL;
	/* The count is the guest's 32-bit word; the array ends where its memory does. */
	c->args[1] = (uint32_t)c->args[1];
	if (!guest_range_ok(c->args[0], c->args[1] * sizeof(multicall_entry_t)))
		return -EFAULT;
	for (; c->args[1] != 0; c->args[0] += sizeof(multicall_entry_t), c->args[1]--) {
		multicall_entry_t e;
		struct call sub = {
			.hv = c->hv, .d = c->d, .vcpu = c->vcpu, .cpu = c->cpu, .nested = true};
		long ret;

		if (call_preempt(c))
			return CALL_RESTART;
		if (guest_read(c->d, c->cpu, &e, c->args[0], sizeof(e)) != 0)
			return -EFAULT;
		xen_race(c->hv);
		cost_charge(c->cpu, COST_MULTICALL_ENTRY);
		for (unsigned i = 0; i < 6; i++)
			sub.args[i] = e.args[i];
		sub.work = c->work;
		ret = call_dispatch(&sub, e.op);
		c->work = sub.work;
		if (ret == CALL_RESTART) {
			/* The entry goes on where it was: its arguments are the guest's to forge.
			 */
			for (unsigned i = 0; i < 6; i++)
				e.args[i] = sub.args[i];
			if (guest_write(c->d, c->cpu, c->args[0], &e, sizeof(e)) != 0)
				return -EFAULT;
			return CALL_RESTART;
		}
		c->hv->counters.multicall_entries++;
		e.result = (xen_ulong_t)ret;
		if (guest_write(c->d, c->cpu, c->args[0] + offsetof(multicall_entry_t, result),
				&e.result, sizeof(e.result)) != 0)
			return -EFAULT;
	}
	return 0;
}
