// SPDX-License-Identifier: MIT
/*
 * Event channels with the two-level ABI: ports, their states, and delivery into a guest's shared
 * page. Pending and mask bits, selectors and upcall flags are guest-writable: they decide what that
 * guest is told and nothing else. Operations and errors are those of Xen 3.1's event_channel.c.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "sim/cpu.h"
#include "xen/cost.h"
#include "xen/evtchn.h"
#include "xen/impl.h"

int evtchns_create(struct xen_domain *d)
{
	struct evtchns *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->ports = d->hv->limits.ports_max;
	e->port = calloc(e->ports, sizeof(*e->port));
	if (!e->port) {
		free(e);
		return -ENOMEM;
	}
	e->port[0].state = EVTCHN_RESERVED;
	e->used = 1;
	d->evtchns = e;
	return 0;
}

static struct evtchn *port_of(const struct xen_domain *d, uint32_t port)
{
	const struct evtchns *e = d->evtchns;

	if (port >= e->ports || e->port[port].state == EVTCHN_FREE)
		return NULL;
	return &e->port[port];
}

/* The lowest free port, not yet taken: -ENOSPC. */
static int port_free(const struct xen_domain *d)
{
	const struct evtchns *e = d->evtchns;

	for (uint32_t i = 1; i < e->ports; i++)
		if (e->port[i].state == EVTCHN_FREE)
			return (int)i;
	return -ENOSPC;
}

static struct evtchn *port_take(struct xen_domain *d, uint32_t port, uint8_t state)
{
	struct evtchns *e = d->evtchns;

	e->port[port] = (struct evtchn){.state = state};
	if (port >= e->used)
		e->used = port + 1;
	return &e->port[port];
}

/* ---- delivery ---- */

static shared_info_t *shared_info(const struct xen_domain *d)
{
	return memory_ptr(d->hv->board, d->shared_info << PAGE_SHIFT, PAGE_BYTES);
}

static void touch_shared(const struct xen_domain *d, struct cpu *cpu, const volatile void *word)
{
	const volatile uint8_t *base = memory_ptr(d->hv->board, d->shared_info << PAGE_SHIFT, 1);

	cost_atomic(cpu, (d->shared_info << PAGE_SHIFT) +
				 (phys_t)((const volatile uint8_t *)word - base));
}

static bool test_and_set(xen_ulong_t *words, uint32_t bit)
{
	const xen_ulong_t mask = (xen_ulong_t)1 << bit % 64;
	const bool was = (words[bit / 64] & mask) != 0;

	words[bit / 64] |= mask;
	return was;
}

/* The vCPU's selector has a new bit: notify it. */
static void notify(struct xen_domain *d, unsigned vcpu, vcpu_info_t *info)
{
	struct vcpu *v = &d->vcpu[vcpu];

	if (info->evtchn_upcall_pending)
		return;
	info->evtchn_upcall_pending = 1;
	v->upcalls++;
	if (v->upcall)
		irq_raise(v->upcall);
}

/* Steps two and three of delivery: the port is pending. */
static void deliver(struct xen_domain *d, struct cpu *cpu, uint32_t port)
{
	shared_info_t *s = shared_info(d);
	const unsigned vcpu = d->evtchns->port[port].vcpu;
	vcpu_info_t *info = &s->vcpu_info[vcpu];

	touch_shared(d, cpu, &s->evtchn_mask[port / 64]);
	if (s->evtchn_mask[port / 64] >> port % 64 & 1)
		return;
	touch_shared(d, cpu, info);
	if (!test_and_set(&info->evtchn_pending_sel, port / 64))
		notify(d, vcpu, info);
}

void evtchn_set_pending(struct xen_domain *d, struct cpu *cpu, uint32_t port)
{
	shared_info_t *s = shared_info(d);

	touch_shared(d, cpu, &s->evtchn_pending[port / 64]);
	if (!test_and_set(s->evtchn_pending, port))
		deliver(d, cpu, port);
}

void xen_vcpu_set_upcall(struct xen_domain *d, unsigned vcpu, struct irq *irq)
{
	if (irq)
		irq->event = true;
	d->vcpu[vcpu].upcall = irq;
}

uint64_t xen_vcpu_upcalls(const struct xen_domain *d, unsigned vcpu)
{
	return d->vcpu[vcpu].upcalls;
}

bool xen_virq_raise(struct xen_domain *d, unsigned vcpu, unsigned virq)
{
	const uint32_t port =
		!d->dying && vcpu < d->vcpus && virq < NR_VIRQS ? d->evtchns->virq[vcpu][virq] : 0;

	if (port != 0)
		evtchn_set_pending(d, NULL, port);
	return port != 0;
}

int xen_pirq_permit(struct xen_domain *d, unsigned pirq)
{
	if (pirq >= 256 || d->dying)
		return -EINVAL;
	d->evtchns->pirq_permitted[pirq] = true;
	return 0;
}

bool xen_pirq_raise(struct xen *hv, struct cpu *cpu, unsigned pirq)
{
	const struct pirq_binding *b = pirq < 256 ? &hv->pirq[pirq] : NULL;

	if (!b || !b->d)
		return false;
	evtchn_set_pending(b->d, cpu, b->port);
	return true;
}

/* ---- operations ---- */

static long alloc_unbound(struct call *c, void *arg)
{
	evtchn_alloc_unbound_t *op = arg;
	struct xen_domain *d;
	struct evtchn *e;
	int port, ret = domain_named(c->d, op->dom, &d);

	if (ret != 0)
		return ret;
	port = port_free(d);
	if (port < 0)
		return port;
	e = port_take(d, (uint32_t)port, EVTCHNSTAT_unbound);
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
	port = port_free(c->d);
	if (port < 0)
		return port;
	remote = port_of(rd, op->remote_port);
	if (!remote || remote->state != EVTCHNSTAT_unbound || remote->remote_dom != c->d->id)
		return -EINVAL;
	local = port_take(c->d, (uint32_t)port, EVTCHNSTAT_interdomain);
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
	port = port_free(c->d);
	if (port < 0)
		return port;
	e = port_take(c->d, (uint32_t)port, EVTCHNSTAT_virq);
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
	port = port_free(c->d);
	if (port < 0)
		return port;
	port_take(c->d, (uint32_t)port, EVTCHNSTAT_ipi)->vcpu = (uint8_t)op->vcpu;
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
	port = port_free(c->d);
	if (port < 0)
		return port;
	port_take(c->d, (uint32_t)port, EVTCHNSTAT_pirq)->remote_port = op->pirq;
	*b = (struct pirq_binding){c->d, (uint32_t)port};
	op->port = (uint32_t)port;
	return 0;
}

static long port_close(struct xen_domain *d, uint32_t port)
{
	struct evtchn *e = port_of(d, port), *peer;

	if (!e || e->state == EVTCHN_RESERVED)
		return -EINVAL;
	switch (e->state) {
	case EVTCHNSTAT_interdomain:
		peer = port_of(d->hv->domain[e->remote_dom], e->remote_port);
		peer->state = EVTCHNSTAT_unbound; /* for its old peer alone */
		peer->remote_port = 0;
		break;
	case EVTCHNSTAT_virq:
		d->evtchns->virq[e->vcpu][e->remote_port] = 0;
		break;
	case EVTCHNSTAT_pirq:
		d->hv->pirq[e->remote_port] = (struct pirq_binding){NULL, 0};
		break;
	default:
		break;
	}
	*e = (struct evtchn){.state = EVTCHN_FREE};
	return 0;
}

static void close_all(struct xen_domain *d)
{
	for (uint32_t port = 1; port < d->evtchns->used; port++)
		(void)port_close(d, port);
	d->evtchns->used = 1;
}

void evtchns_destroy(struct xen_domain *d)
{
	close_all(d);
	free(d->evtchns->port);
	free(d->evtchns);
	d->evtchns = NULL;
}

static long op_close(struct call *c, void *arg)
{
	return port_close(c->d, ((evtchn_close_t *)arg)->port);
}

static long op_send(struct call *c, void *arg)
{
	const uint32_t port = ((evtchn_send_t *)arg)->port;
	const struct evtchn *e = port_of(c->d, port);

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
	e = port_of(c->d, op->port);
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
	const uint32_t port = ((evtchn_unmask_t *)arg)->port;
	shared_info_t *s = shared_info(c->d);
	const xen_ulong_t bit = (xen_ulong_t)1 << port % 64;

	if (!port_of(c->d, port))
		return -EINVAL;
	touch_shared(c->d, c->cpu, &s->evtchn_mask[port / 64]);
	if (!(s->evtchn_mask[port / 64] & bit))
		return 0;
	s->evtchn_mask[port / 64] &= ~bit;
	if (s->evtchn_pending[port / 64] & bit)
		deliver(c->d, c->cpu, port);
	return 0;
}

static long op_reset(struct call *c, void *arg)
{
	struct xen_domain *d;
	const int ret = domain_named(c->d, ((evtchn_reset_t *)arg)->dom, &d);

	if (ret == 0)
		close_all(d);
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

/* ---- scheduling ---- */

static long poll(struct call *c)
{
	const shared_info_t *s = shared_info(c->d);
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

/*
 * Waiting itself is the simulated CPU's: a domain with nothing to do is idle there, and pays the
 * crossing there.
 */
long do_sched_op(struct call *c)
{
	vcpu_info_t *info = &shared_info(c->d)->vcpu_info[c->vcpu];

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
