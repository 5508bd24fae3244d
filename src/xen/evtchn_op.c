// SPDX-License-Identifier: MIT
/*
 * HYPERVISOR_event_channel_op: what a guest may ask of its ports, one function an operation.
 * Operations, their order of checks and errors are those of Xen 3.1's event_channel.c.
 */
#include <assert.h>
#include <errno.h>

#include "xen/cost.h"
#include "xen/evtchn.h"
#include "xen/impl.h"

static long alloc_unbound(struct call *c, void *arg)
{
	evtchn_alloc_unbound_t *op = arg;
	struct xen_domain *d;
	struct evtchn *e;
	int port, ret = domain_named(c->d, op->dom, &d);

	if (ret != 0)
		return ret;
	port = evtchn_free_port(d);
	if (port < 0)
		return port;
	e = evtchn_take(d, (uint32_t)port, EVTCHNSTAT_unbound);
	/* Who may bind need not exist yet. */
	e->remote_dom = op->remote_dom == DOMID_SELF ? c->d->id : op->remote_dom;
	op->port = (uint32_t)port;
	return 0;
}

static long bind_interdomain(struct call *c, void *arg)
{
	evtchn_bind_interdomain_t *op = arg;
	struct xen_domain *rd =
		op->remote_dom == DOMID_SELF ? c->d : domain_alive(c->hv, op->remote_dom);
	struct evtchn *local, *remote;
	int port;

	if (!rd)
		return -ESRCH;
	port = evtchn_free_port(c->d);
	if (port < 0)
		return port;
	remote = evtchn_at(rd, op->remote_port);
	if (!remote || remote->state != EVTCHNSTAT_unbound || remote->remote_dom != c->d->id)
		return -EINVAL;
	local = evtchn_take(c->d, (uint32_t)port, EVTCHNSTAT_interdomain);
	local->remote_dom = rd->id;
	local->remote_port = op->remote_port;
	remote->state = EVTCHNSTAT_interdomain;
	remote->remote_dom = c->d->id;
	remote->remote_port = (uint32_t)port;
	op->local_port = (uint32_t)port;
	/* What was sent before there was anyone to receive it would be lost. */
	evtchn_set_pending(c->d, c->cpu, (uint32_t)port);
	return 0;
}

/* Bound once and to vCPU 0 only, against one of each vCPU. */
static bool virq_global(uint32_t virq)
{
	return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF;
}

static long bind_virq(struct call *c, void *arg)
{
	evtchn_bind_virq_t *op = arg;
	struct evtchn *e;
	int port;

	if (op->virq >= NR_VIRQS || (virq_global(op->virq) && op->vcpu != 0))
		return -EINVAL;
	if (op->vcpu >= c->d->vcpus)
		return -ENOENT;
	if (c->d->evtchns->virq[op->vcpu][op->virq] != 0)
		return -EEXIST;
	port = evtchn_free_port(c->d);
	if (port < 0)
		return port;
	e = evtchn_take(c->d, (uint32_t)port, EVTCHNSTAT_virq);
	e->vcpu = (uint8_t)op->vcpu;
	e->remote_port = op->virq;
	c->d->evtchns->virq[op->vcpu][op->virq] = (uint32_t)port;
	op->port = (uint32_t)port;
	return 0;
}

static long bind_ipi(struct call *c, void *arg)
{
	evtchn_bind_ipi_t *op = arg;
	int port;

	if (op->vcpu >= c->d->vcpus)
		return -ENOENT;
	port = evtchn_free_port(c->d);
	if (port < 0)
		return port;
	evtchn_take(c->d, (uint32_t)port, EVTCHNSTAT_ipi)->vcpu = (uint8_t)op->vcpu;
	op->port = (uint32_t)port;
	return 0;
}

static long bind_pirq(struct call *c, void *arg)
{
	evtchn_bind_pirq_t *op = arg;
	struct pirq_binding *b;
	int port;

	if (op->pirq >= 256)
		return -EINVAL;
	if (!c->d->evtchns->pirq_permitted[op->pirq])
		return -EPERM;
	b = &c->hv->pirq[op->pirq];
	if (b->d)
		return b->d == c->d ? -EEXIST : -EBUSY; /* lines are not shared */
	port = evtchn_free_port(c->d);
	if (port < 0)
		return port;
	evtchn_take(c->d, (uint32_t)port, EVTCHNSTAT_pirq)->remote_port = op->pirq;
	*b = (struct pirq_binding){c->d, (uint32_t)port};
	op->port = (uint32_t)port;
	return 0;
}

static long op_close(struct call *c, void *arg)
{
	return evtchn_close(c->d, ((evtchn_close_t *)arg)->port);
}

static long op_send(struct call *c, void *arg)
{
	const uint32_t port = ((evtchn_send_t *)arg)->port;
	const struct evtchn *e = evtchn_at(c->d, port);

	cost_charge(c->cpu, COST_EVENT_SEND);
	if (!e)
		return -EINVAL;
	switch (e->state) {
	case EVTCHNSTAT_interdomain:
		evtchn_set_pending(c->hv->domain[e->remote_dom], c->cpu, e->remote_port);
		break;
	case EVTCHNSTAT_ipi:
		evtchn_set_pending(c->d, c->cpu, port);
		break;
	case EVTCHNSTAT_unbound: /* nobody is there yet: dropped without a word */
		break;
	default:
		return -EINVAL;
	}
	c->hv->counters.events_sent++;
	return 0;
}

static long op_status(struct call *c, void *arg)
{
	evtchn_status_t *op = arg;
	const struct evtchn *e;
	struct xen_domain *d;
	const int ret = domain_named(c->d, op->dom, &d);

	if (ret != 0)
		return ret;
	if (op->port >= d->evtchns->ports)
		return -EINVAL;
	e = &d->evtchns->port[op->port];
	op->status = e->state == EVTCHN_RESERVED ? EVTCHNSTAT_closed : e->state;
	op->vcpu = e->vcpu;
	switch (e->state) {
	case EVTCHNSTAT_unbound:
		op->u.unbound.dom = e->remote_dom;
		break;
	case EVTCHNSTAT_interdomain:
		op->u.interdomain.dom = e->remote_dom;
		op->u.interdomain.port = e->remote_port;
		break;
	case EVTCHNSTAT_pirq:
		op->u.pirq = e->remote_port;
		break;
	case EVTCHNSTAT_virq:
		op->u.virq = e->remote_port;
		break;
	default:
		break;
	}
	return 0;
}

static long op_bind_vcpu(struct call *c, void *arg)
{
	const evtchn_bind_vcpu_t *op = arg;
	struct evtchn *e;

	if (op->vcpu >= c->d->vcpus)
		return -ENOENT;
	e = evtchn_at(c->d, op->port);
	if (!e)
		return -EINVAL;
	switch (e->state) {
	case EVTCHNSTAT_virq:
		if (!virq_global(e->remote_port))
			return -EINVAL;
		break;
	case EVTCHNSTAT_unbound:
	case EVTCHNSTAT_interdomain:
	case EVTCHNSTAT_pirq:
		break;
	default:
		return -EINVAL;
	}
	e->vcpu = (uint8_t)op->vcpu;
	return 0;
}

static long op_unmask(struct call *c, void *arg)
{
	return evtchn_unmask(c->d, c->cpu, ((evtchn_unmask_t *)arg)->port);
}

static long op_reset(struct call *c, void *arg)
{
	struct xen_domain *d;
	const int ret = domain_named(c->d, ((evtchn_reset_t *)arg)->dom, &d);

	if (ret == 0)
		evtchn_close_all(d);
	return ret;
}

long do_event_channel_op(struct call *c)
{
	static const struct {
		long (*run)(struct call *c, void *arg);
		size_t bytes;
		bool answers; /* the structure is written back */
	} ops[] = {
		[EVTCHNOP_bind_interdomain] = {bind_interdomain, 12, true},
		[EVTCHNOP_bind_virq] = {bind_virq, 12, true},
		[EVTCHNOP_bind_pirq] = {bind_pirq, 12, true},
		[EVTCHNOP_close] = {op_close, 4, false},
		[EVTCHNOP_send] = {op_send, 4, false},
		[EVTCHNOP_status] = {op_status, 24, true},
		[EVTCHNOP_alloc_unbound] = {alloc_unbound, 8, true},
		[EVTCHNOP_bind_ipi] = {bind_ipi, 8, true},
		[EVTCHNOP_bind_vcpu] = {op_bind_vcpu, 8, false},
		[EVTCHNOP_unmask] = {op_unmask, 4, false},
		[EVTCHNOP_reset] = {op_reset, 2, false},
	};
	const unsigned long cmd = (uint32_t)c->args[0];
	uint64_t arg[4];
	long ret;

	static_assert(sizeof(evtchn_status_t) == 24 && sizeof(evtchn_bind_virq_t) == 12 &&
			      sizeof(evtchn_bind_pirq_t) == 12 && sizeof(evtchn_reset_t) == 2,
		      "the sizes above");
	if (cmd >= sizeof(ops) / sizeof(ops[0]) || !ops[cmd].run)
		return -ENOSYS;
	if (guest_read(c->d, c->cpu, arg, c->args[1], ops[cmd].bytes) != 0)
		return -EFAULT;
	ret = ops[cmd].run(c, arg);
	if (ret == 0 && ops[cmd].answers &&
	    guest_write(c->d, c->cpu, c->args[1], arg, ops[cmd].bytes) != 0)
		return -EFAULT;
	return ret;
}
