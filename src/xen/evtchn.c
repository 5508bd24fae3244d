// SPDX-License-Identifier: MIT
/*
 * Event channels with the two-level ABI: ports, their states, and delivery into a guest's shared
 * page. Pending and mask bits, selectors and upcall flags are guest-writable: they decide what that
 * guest is told and nothing else. As in Xen 3.1's event_channel.c; the hypercall is in evtchn_op.c.
 */
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

struct evtchn *evtchn_at(const struct xen_domain *d, uint32_t port)
{
	const struct evtchns *e = d->evtchns;

	if (port >= e->ports || e->port[port].state == EVTCHN_FREE)
		return NULL;
	return &e->port[port];
}

int evtchn_free_port(const struct xen_domain *d)
{
	const struct evtchns *e = d->evtchns;

	for (uint32_t i = 1; i < e->ports; i++)
		if (e->port[i].state == EVTCHN_FREE)
			return (int)i;
	return -ENOSPC;
}

struct evtchn *evtchn_take(struct xen_domain *d, uint32_t port, uint8_t state)
{
	struct evtchns *e = d->evtchns;

	e->port[port] = (struct evtchn){.state = state};
	if (port >= e->used)
		e->used = port + 1;
	return &e->port[port];
}

/* A virq of the whole domain's is written down for vCPU 0, whichever is notified by now. */
static void unbind_virq(struct evtchns *e, uint32_t virq, uint32_t port)
{
	for (unsigned vcpu = 0; vcpu < XEN_VCPUS_MAX; vcpu++)
		if (e->virq[vcpu][virq] == port)
			e->virq[vcpu][virq] = 0;
}

int evtchn_close(struct xen_domain *d, uint32_t port)
{
	struct evtchn *e = evtchn_at(d, port), *peer;

	if (!e || e->state == EVTCHN_RESERVED)
		return -EINVAL;
	switch (e->state) {
	case EVTCHNSTAT_interdomain:
		peer = evtchn_at(d->hv->domain[e->remote_dom], e->remote_port);
		peer->state = EVTCHNSTAT_unbound; /* for its old peer alone */
		peer->remote_port = 0;
		break;
	case EVTCHNSTAT_virq:
		unbind_virq(d->evtchns, e->remote_port, port);
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

void evtchn_close_all(struct xen_domain *d)
{
	for (uint32_t port = 1; port < d->evtchns->used; port++)
		(void)evtchn_close(d, port);
	d->evtchns->used = 1;
}

void evtchns_destroy(struct xen_domain *d)
{
	evtchn_close_all(d);
	free(d->evtchns->port);
	free(d->evtchns);
	d->evtchns = NULL;
}

/* ---- delivery ---- */

shared_info_t *evtchn_shared_info(const struct xen_domain *d)
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
	shared_info_t *s = evtchn_shared_info(d);
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
	shared_info_t *s = evtchn_shared_info(d);

	touch_shared(d, cpu, &s->evtchn_pending[port / 64]);
	if (!test_and_set(s->evtchn_pending, port))
		deliver(d, cpu, port);
}

int evtchn_unmask(struct xen_domain *d, struct cpu *cpu, uint32_t port)
{
	shared_info_t *s = evtchn_shared_info(d);
	const xen_ulong_t bit = (xen_ulong_t)1 << port % 64;

	if (!evtchn_at(d, port))
		return -EINVAL;
	touch_shared(d, cpu, &s->evtchn_mask[port / 64]);
	if (!(s->evtchn_mask[port / 64] & bit))
		return 0;
	s->evtchn_mask[port / 64] &= ~bit;
	if (s->evtchn_pending[port / 64] & bit)
		deliver(d, cpu, port);
	return 0;
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
