/* SPDX-License-Identifier: MIT */
/* The backend's life, and that of its interfaces. */
#include "guest/netback.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/netback_internal.h"

void netback_vif_disable(struct netback_vif *v)
{
	v->disabled = true;
	v->stats.disabled = 1;
}

void netback_vif_put(struct netback_vif *v)
{
	if (--v->refs)
		return;
	net_queue_fini(&v->ready);
	net_queue_fini(&v->waiting);
	/* It stays: another CPU may be on its way into it with a frame, and will find it closed. */
}

void netback_vif_notify(struct netback_vif *v, struct cpu *cpu)
{
	if (v->closed)
		return;
	v->stats.notified++;
	pv_event_notify(v->nb->k->events, cpu, (evtchn_port_t)v->port);
}

/* ---- interrupts ---- */

static void on_event(void *ctx, struct cpu *cpu)
{
	struct netback_vif *v = ctx;

	v->stats.interrupts++;
	cpu_charge(cpu, machine_cost(v->nb->k->machine)->irq_body);
	v->tx_kicked = true;
	softirq_raise(cpu, &v->nb->tx);
	if (!v->stopped)
		return;
	v->rx_kicked = true;
	softirq_raise(cpu, &v->nb->rx);
}

static void on_drain(void *ctx)
{
	struct netback_vif *v = ctx;

	v->drain_due = true;
	irq_raise(&v->nb->timer_irq);
}

static void on_timer_irq(void *ctx, struct cpu *cpu)
{
	struct netback *nb = ctx;

	softirq_raise(cpu, &nb->rx);
}

static void on_start_irq(void *ctx, struct cpu *cpu)
{
	struct netback *nb = ctx;

	softirq_raise(cpu, &nb->tx);
}

/* ---- the driver ---- */

static int take_pages(struct netback *nb)
{
	for (unsigned i = 0; i < NETBACK_PENDING; i++) {
		struct pending *p = &nb->pending[i];

		p->handle = PENDING_UNMAPPED;
		if (pv_empty_page(nb->k, &p->paddr))
			return -ENOSPC;
		nb->slot_of_pfn[p->paddr / PAGE_BYTES] = (uint16_t)(i + 1);
		nb->free[nb->nfree++] = (uint16_t)i;
	}
	return 0;
}

static int take_memory(struct netback *nb)
{
	struct kmalloc *km = nb->k->kmalloc;
	phys_t lines;

	nb->lines = kmalloc_alloc(km, 3 * CACHE_LINE_BYTES);
	nb->map_ops = kmalloc_alloc(km, PAGE_BYTES);
	nb->unmap_ops = kmalloc_alloc(km, PAGE_BYTES);
	nb->copy_ops = kmalloc_alloc(km, PAGE_BYTES);
	nb->slot_of_pfn =
		calloc(memory_bytes(nb->k->machine->mem) / PAGE_BYTES, sizeof(*nb->slot_of_pfn));
	if (!nb->lines || !nb->map_ops || !nb->unmap_ops || !nb->copy_ops || !nb->slot_of_pfn ||
	    pv_batch_init(&nb->flip, nb->k))
		return -ENOMEM;
	lines = kmalloc_phys(km, nb->lines);
	vlock_init(&nb->tx_lock, nb->k->machine, lines);
	vlock_init(&nb->dealloc_lock, nb->k->machine, lines + CACHE_LINE_BYTES);
	vlock_init(&nb->rx_lock, nb->k->machine, lines + 2 * CACHE_LINE_BYTES);
	return take_pages(nb);
}

int netback_create(struct netback **out, struct pv_kernel *k, struct err *err)
{
	struct netback *nb = calloc(1, sizeof(*nb));
	int rc;

	if (!nb)
		return err_set(err, -ENOMEM, "no memory for the network backend");
	nb->k = k;
	nb->tx = (struct softirq){.run = netback_tx_run, .ctx = nb};
	nb->rx = (struct softirq){.run = netback_rx_run, .ctx = nb};
	nb->timer_irq = (struct irq){
		.handler = on_timer_irq, .ctx = nb, .target = machine_cpu(k->machine, 0)};
	nb->start_irq = (struct irq){
		.handler = on_start_irq, .ctx = nb, .target = machine_cpu(k->machine, 0)};
	rc = take_memory(nb);
	if (rc) {
		netback_destroy(nb);
		return err_set(err, rc, "no memory for the network backend");
	}
	*out = nb;
	return 0;
}

/* The stock of frames belongs to nobody's page: back to the hypervisor. */
static void give_spares_back(struct netback *nb)
{
	struct {
		xen_pfn_t mfn[SPARES];
		struct xen_memory_reservation reservation;
	} *a = nb->flip.list;

	if (!nb->spares || nb->k->crashed)
		return;
	memcpy(a->mfn, nb->spare, nb->spares * sizeof(a->mfn[0]));
	a->reservation =
		(struct xen_memory_reservation){.nr_extents = nb->spares, .domid = DOMID_SELF};
	set_xen_guest_handle(a->reservation.extent_start,
			     (xen_pfn_t *)(uintptr_t)pv_batch_va(&nb->flip, a->mfn));
	pv_hypercall(nb->k, NULL, __HYPERVISOR_memory_op, XENMEM_decrease_reservation,
		     pv_batch_va(&nb->flip, &a->reservation), 0, 0);
	nb->spares = 0;
}

void netback_destroy(struct netback *nb)
{
	if (!nb)
		return;
	while (nb->ndealloc)
		netback_unmap(nb, NULL);
	for (unsigned i = 0; i < NETBACK_PENDING; i++)
		if (nb->pending[i].paddr)
			pv_empty_page_free(nb->k, nb->pending[i].paddr);
	/* What was on its way when the last CPU stopped will not come back. */
	while (nb->packets) {
		struct tx_packet *p = nb->packets;

		nb->packets = p->next;
		kmalloc_free(nb->k->kmalloc, p->header);
		free(p);
	}
	while (nb->closed) {
		struct netback_vif *v = nb->closed;

		if (v->refs) {
			net_queue_fini(&v->ready);
			net_queue_fini(&v->waiting);
		}
		nb->closed = v->next;
		free(v);
	}
	give_spares_back(nb);
	pv_batch_fini(&nb->flip);
	kmalloc_free(nb->k->kmalloc, nb->copy_ops);
	kmalloc_free(nb->k->kmalloc, nb->unmap_ops);
	kmalloc_free(nb->k->kmalloc, nb->map_ops);
	kmalloc_free(nb->k->kmalloc, nb->lines);
	free(nb->slot_of_pfn);
	free(nb);
}

void netback_stats(const struct netback *nb, struct netback_stats *out)
{
	*out = nb->stats;
	out->pending = NETBACK_PENDING - nb->nfree;
}

void netback_keys(const struct netback *nb, struct netif_backend_keys *out)
{
	*out = (struct netif_backend_keys){
		.domid = xen_domain_id(nb->k->domain),
		.feature_rx_copy = true,
		.feature_rx_flip = true,
		.feature_sg = true,
	};
}

/* ---- an interface ---- */

static int connect(struct netback_vif *v, const struct netif_frontend_keys *keys, struct err *err)
{
	struct memory *mem = v->nb->k->machine->mem;
	int rc = pv_foreign_map(v->nb->k, &v->tx_page, v->domid, keys->tx_ring_ref);

	if (!rc)
		rc = pv_foreign_map(v->nb->k, &v->rx_page, v->domid, keys->rx_ring_ref);
	if (rc)
		return err_set(err, rc, "domain %u's rings, grants %u and %u, cannot be mapped",
			       v->domid, keys->tx_ring_ref, keys->rx_ring_ref);
	BACK_RING_INIT(&v->tx, (netif_tx_sring_t *)memory_ptr(mem, v->tx_page.paddr, PAGE_BYTES),
		       PAGE_BYTES);
	BACK_RING_INIT(&v->rx, (netif_rx_sring_t *)memory_ptr(mem, v->rx_page.paddr, PAGE_BYTES),
		       PAGE_BYTES);
	v->port = pv_event_bind(v->nb->k->events, NULL, v->domid, keys->event_channel, on_event, v);
	if (v->port < 0)
		return err_set(err, -EINVAL, "domain %u's event channel %u cannot be bound",
			       v->domid, keys->event_channel);
	return 0;
}

int netback_vif_open(struct netback_vif **out, struct netback *nb,
		     const struct netif_frontend_keys *keys, struct err *err)
{
	struct netback_vif *v = calloc(1, sizeof(*v));
	int rc;

	if (!v)
		return err_set(err, -ENOMEM, "no memory for an interface");
	v->nb = nb;
	v->domid = keys->domid;
	v->port = -1;
	v->refs = 1;
	v->copying = keys->request_rx_copy;
	v->sg = keys->feature_sg;
	v->can_queue = keys->feature_rx_notify;
	event_init(&v->drain, on_drain, v);
	v->next = nb->vifs;
	nb->vifs = v;
	if (net_queue_init(&v->ready, NETIF_RX_RING) || net_queue_init(&v->waiting, NETBACK_QUEUE))
		rc = err_set(err, -ENOMEM, "no memory for an interface");
	else
		rc = connect(v, keys, err);
	if (rc) {
		netback_vif_close(v, NULL);
		return rc;
	}
	*out = v;
	return 0;
}

struct netdev netback_vif_netdev(struct netback_vif *v)
{
	static const struct netdev_ops ops = {.xmit = netback_rx_xmit};

	return (struct netdev){.ops = &ops, .ctx = v};
}

void netback_vif_start(struct netback_vif *v, struct cpu *cpu, struct net_upper upper)
{
	v->upper = upper;
	v->started = true;
	v->tx_kicked = true;
	if (cpu)
		softirq_raise(cpu, &v->nb->tx);
	else
		irq_raise(&v->nb->start_irq);
}

static void forget(struct netback_vif *v, struct cpu *cpu, struct net_queue *q)
{
	while (q->count) {
		const struct net_frame frame = net_queue_pop(q);

		v->stats.rx_dropped++;
		net_frame_done(&frame, cpu);
	}
}

void netback_vif_close(struct netback_vif *v, struct cpu *cpu)
{
	struct netback *nb = v->nb;
	struct netback_vif **at = &nb->vifs;

	vlock_acquire_bh(&nb->tx_lock, cpu);
	vlock_acquire_bh(&nb->rx_lock, cpu);
	v->closed = true;
	netback_tx_unschedule(v);
	sim_cancel(nb->k->machine->sim, &v->drain);
	forget(v, cpu, &v->ready);
	forget(v, cpu, &v->waiting);
	if (v->port >= 0)
		pv_event_close(nb->k->events, cpu, (evtchn_port_t)v->port);
	nb->stats.unmap_errors += !pv_foreign_unmap(nb->k, cpu, &v->tx_page);
	nb->stats.unmap_errors += !pv_foreign_unmap(nb->k, cpu, &v->rx_page);
	while (*at != v)
		at = &(*at)->next;
	*at = v->next;
	v->next = nb->closed;
	nb->closed = v;
	vlock_release_bh(&nb->rx_lock, cpu);
	netback_vif_put(v);
	vlock_release_bh(&nb->tx_lock, cpu);
}

void netback_vif_stats(const struct netback_vif *v, struct netback_vif_stats *out)
{
	*out = v->stats;
}
