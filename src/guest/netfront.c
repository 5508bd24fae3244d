/* SPDX-License-Identifier: MIT */
/* Opening and closing a paravirtual network interface, and its interrupt. */
#include "guest/netfront.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/netfront_internal.h"

void netfront_break(struct netfront *f)
{
	f->broken = true;
	f->stats.broken = 1;
}

static bool poll(void *ctx, struct cpu *cpu)
{
	struct netfront *f = ctx;
	const enum charge before = cpu_enter(cpu, CHARGE_DRIVER);
	bool more = false;

	if (f->connected && !f->broken) {
		f->stats.polls++;
		cpu_charge(cpu, machine_cost(f->k->machine)->driver_poll);
		netfront_tx_reap(f, cpu);
		more = netfront_rx_poll(f, cpu);
	}
	cpu_leave(cpu, before);
	return more;
}

static void interrupt(void *ctx, struct cpu *cpu)
{
	struct netfront *f = ctx;

	f->stats.interrupts++;
	cpu_charge(cpu, machine_cost(f->k->machine)->irq_body);
	softirq_raise(cpu, &f->poll);
}

/* ---- life ---- */

/* How to receive: what both can do, copying if it is wanted or nothing else is offered. */
static int choose(struct netfront *f, const struct netfront_config *config, struct err *err)
{
	const struct netif_backend_keys *b = &config->backend;

	if (!b->feature_rx_copy && !b->feature_rx_flip)
		return err_set(err, -EINVAL,
			       "the backend in domain %u can neither copy nor flip pages",
			       b->domid);
	f->copying = b->feature_rx_copy && (config->want_copy || !b->feature_rx_flip);
	return 0;
}

static int open_rings(struct netfront *f)
{
	int rc = pv_shared_open(f->k, &f->tx.page, f->backend);

	if (!rc)
		rc = pv_shared_open(f->k, &f->rx.page, f->backend);
	if (rc)
		return rc;
	XEN_FRONT_RING_INIT(&f->tx.ring, (netif_tx_sring_t *)f->tx.page.ptr, PAGE_BYTES);
	XEN_FRONT_RING_INIT(&f->rx.ring, (netif_rx_sring_t *)f->rx.page.ptr, PAGE_BYTES);
	rc = netfront_tx_open(f);
	if (!rc)
		rc = netfront_fill_open(f);
	if (rc)
		return rc;
	f->port = pv_event_alloc(f->k->events, NULL, f->backend, interrupt, f);
	return f->port < 0 ? f->port : 0;
}

int netfront_open(struct netfront **out, const struct netfront_config *config, struct err *err)
{
	struct netfront *f = calloc(1, sizeof(*f));
	int rc;

	if (!f)
		return err_set(err, -ENOMEM, "no memory for a network interface");
	f->k = config->kernel;
	f->upper = config->upper;
	f->backend = config->backend.domid;
	f->port = -1;
	f->tx.page.ref = f->rx.page.ref = PV_GRANT_NONE;
	for (unsigned i = 0; i < TX_SLOTS; i++)
		f->tx.ref[i] = f->rx.ref[i] = PV_GRANT_NONE;
	f->poll = (struct softirq){.run = poll, .ctx = f};
	rc = choose(f, config, err);
	if (rc)
		goto close;
	f->lines = kmalloc_alloc(f->k->kmalloc, 2 * CACHE_LINE_BYTES);
	if (!f->lines) {
		rc = err_set(err, -ENOMEM, "no memory for a network interface");
		goto close;
	}
	vlock_init(&f->tx.lock, f->k->machine, kmalloc_phys(f->k->kmalloc, f->lines));
	vlock_init(&f->rx.lock, f->k->machine,
		   kmalloc_phys(f->k->kmalloc, f->lines) + CACHE_LINE_BYTES);
	rc = open_rings(f);
	if (rc) {
		err_set(err, rc, "no memory, grants or ports for a network interface");
		goto close;
	}
	*out = f;
	return 0;

close:
	netfront_close(f);
	return rc;
}

void netfront_keys(const struct netfront *f, struct netif_frontend_keys *out)
{
	*out = (struct netif_frontend_keys){
		.domid = xen_domain_id(f->k->domain),
		.tx_ring_ref = f->tx.page.ref,
		.rx_ring_ref = f->rx.page.ref,
		.event_channel = (evtchn_port_t)f->port,
		.request_rx_copy = f->copying,
		.feature_rx_notify = true,
		.feature_sg = true,
	};
}

void netfront_connect(struct netfront *f, struct cpu *cpu)
{
	f->connected = true;
	pv_event_notify(f->k->events, cpu, (evtchn_port_t)f->port);
}

unsigned netfront_close(struct netfront *f)
{
	unsigned held = 0;

	if (!f)
		return 0;
	f->connected = false;
	if (f->port >= 0)
		pv_event_close(f->k->events, NULL, (evtchn_port_t)f->port);
	held += netfront_tx_close(f);
	held += netfront_fill_close(f);
	held += pv_shared_close(f->k, &f->tx.page);
	held += pv_shared_close(f->k, &f->rx.page);
	kmalloc_free(f->k->kmalloc, f->lines);
	free(f);
	return held;
}

void netfront_stats(const struct netfront *f, struct netfront_stats *out)
{
	*out = f->stats;
	out->rx_target = f->rx.target;
	out->tx_lock_acquisitions = f->tx.lock.acquisitions;
	out->tx_lock_contended = f->tx.lock.contended;
	out->tx_lock_wait_ps = f->tx.lock.wait_ps;
}
