/* SPDX-License-Identifier: MIT */
/* Booting and shutting down one simulated host. */
#include "guest/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int start_stack(struct host *h, const struct host_config *config, struct err *err)
{
	struct netstack_config stack = {
		.machine = h->machine,
		.kmalloc = h->kmalloc,
		.ip = config->ip,
		.netmask = config->netmask,
		.seed = config->seed,
		.timer_cpu = machine_cpu(h->machine, config->irq_cpu),
	};

	memcpy(stack.mac, config->mac, sizeof(stack.mac));
	return netstack_create(&h->stack, &stack, err);
}

/* A bridge with the stack on it. */
static int start_bridge(struct host *h, const struct host_config *config, struct err *err)
{
	h->bridge = bridge_create(h->machine);
	if (!h->bridge || bridge_attach_local(h->bridge, config->mac, netstack_upper(h->stack)))
		return err_set(err, -ENOMEM, "no memory for a bridge");
	netstack_attach(h->stack, bridge_local_netdev(h->bridge));
	return 0;
}

/* The NIC's driver, under @upper; with a bridge, its port follows once there is something to send
 * to. */
static int open_driver(struct host *h, const struct host_config *config, struct net_upper upper,
		       struct err *err)
{
	struct tg3_driver_config driver = {
		.machine = h->machine,
		.kmalloc = h->kmalloc,
		.upper = upper,
		.regs = config->nic_regs,
		.dma = config->dma,
		.irq = config->nic_irq,
		.irq_cpu = machine_cpu(h->machine, config->irq_cpu),
		.read_back_doorbells = config->read_back_doorbells,
		.promiscuous = config->bridge,
		.page_buffers = config->page_buffers,
		.rx_chunk_pages = config->rx_chunk_pages,
		.rx_hold_ps = config->rx_hold_ps,
		.tx_copy_bytes = config->tx_copy_bytes,
		.batch = config->batch_dma,
		.coalesce = config->coalesce,
	};

	memcpy(driver.mac, config->mac, sizeof(driver.mac));
	return tg3_driver_open(&h->driver, &driver, err);
}

static int start_driver(struct host *h, const struct host_config *config, struct err *err)
{
	int rc;

	if (!h->bridge) {
		rc = open_driver(h, config, netstack_upper(h->stack), err);
		if (!rc)
			netstack_attach(h->stack, tg3_driver_netdev(h->driver));
		return rc;
	}
	rc = open_driver(h, config, bridge_port_upper(h->bridge, HOST_NIC_PORT), err);
	if (!rc && bridge_add_port(h->bridge, tg3_driver_netdev(h->driver)) != HOST_NIC_PORT)
		rc = err_set(err, -ENOSPC, "the bridge has no port for the NIC");
	return rc;
}

static int start_disk(struct host *h, const struct host_config *config, struct err *err)
{
	const struct blkfront_config front = {
		.kernel = h->pv, .backend = *config->disk, .timer_cpu = h->irq_cpu};

	return blkfront_open(&h->disk, &front, err);
}

/* The paravirtual kernel's own: events and grants, then the half of a driver it is to have. */
static int start_pv(struct host *h, const struct host_config *config, struct err *err)
{
	struct netfront_config front = {.want_copy = config->want_copy};
	int rc = pv_kernel_create(&h->pv, h->machine, config->domain, h->kmalloc, err);

	if (!rc) {
		h->pv->dma = config->dma_domain;
		h->pv->device_grants = config->device_grants;
	}
	if (!rc && config->bridge)
		rc = netback_create(&h->netback, h->pv, err);
	if (!rc && config->disk_backend)
		rc = blkback_create(&h->blkback, h->pv, err);
	if (!rc && config->disk)
		rc = start_disk(h, config, err);
	if (rc || !config->backend)
		return rc;
	front.kernel = h->pv;
	front.upper = netstack_upper(h->stack);
	front.backend = *config->backend;
	rc = netfront_open(&h->front, &front, err);
	if (!rc)
		netstack_attach(h->stack, netfront_netdev(h->front));
	return rc;
}

int host_create(struct host **out, const struct host_config *config, struct err *err)
{
	struct host *h;
	int rc;

	if (config->irq_cpu >= config->machine->ncpus)
		return err_set(err, -EINVAL, "interrupts to CPU %u: expected 0 to %u",
			       config->irq_cpu, config->machine->ncpus - 1);
	h = calloc(1, sizeof(*h));
	if (!h)
		return err_set(err, -ENOMEM, "no memory for a host");
	h->machine = config->machine;
	h->dma = config->dma;
	h->ip = config->ip;
	h->irq_cpu = machine_cpu(h->machine, config->irq_cpu);
	h->kmalloc = kmalloc_create(h->machine->mem, config->poison_memory);
	if (!h->kmalloc) {
		rc = err_set(err, -ENOMEM, "no memory for a host's allocator");
		goto destroy;
	}
	rc = config->nic_regs || config->bridge || config->backend ? start_stack(h, config, err)
								   : 0;
	if (!rc && config->bridge)
		rc = start_bridge(h, config, err);
	if (!rc && config->domain)
		rc = start_pv(h, config, err);
	if (!rc && config->nic_regs)
		rc = start_driver(h, config, err);
	if (rc)
		goto destroy;
	*out = h;
	return 0;

destroy:
	host_destroy(h);
	return rc;
}

void host_destroy(struct host *h)
{
	if (!h)
		return;
	while (h->guests)
		host_remove_guest(h, NULL, h->guests);
	while (h->disks)
		host_remove_disk(h, NULL, h->disks);
	tg3_driver_close(h->driver);
	netfront_close(h->front);
	blkfront_close(h->disk);
	netstack_destroy(h->stack);
	netback_destroy(h->netback);
	blkback_destroy(h->blkback);
	bridge_destroy(h->bridge);
	pv_kernel_destroy(h->pv);
	kmalloc_destroy(h->kmalloc);
	free(h);
}

void host_crash(struct host *h)
{
	pv_kernel_crash(h->pv);
	host_destroy(h);
}

/* ---- guests of a driver domain ---- */

int host_add_guest(struct host *h, const struct netif_frontend_keys *keys, struct host_guest **out,
		   struct err *err)
{
	struct host_guest *g = calloc(1, sizeof(*g));
	int rc, port;

	if (!g)
		return err_set(err, -ENOMEM, "no memory for a guest's interface");
	rc = netback_vif_open(&g->vif, h->netback, keys, err);
	if (rc) {
		free(g);
		return rc;
	}
	port = bridge_add_port(h->bridge, netback_vif_netdev(g->vif));
	if (port < 0) {
		netback_vif_close(g->vif, NULL);
		free(g);
		return err_set(err, port, "the bridge has no port for domain %u", keys->domid);
	}
	g->port = (unsigned)port;
	g->next = h->guests;
	h->guests = g;
	netback_vif_start(g->vif, NULL, bridge_port_upper(h->bridge, g->port));
	*out = g;
	return 0;
}

void host_remove_guest(struct host *h, struct cpu *cpu, struct host_guest *g)
{
	struct host_guest **at = &h->guests;

	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	bridge_remove_port(h->bridge, g->port);
	netback_vif_close(g->vif, cpu);
	free(g);
}

/* ---- disks of other domains ---- */

int host_add_disk(struct host *h, const struct blkif_frontend_keys *keys,
		  const struct blkback_extent *extent, struct host_disk **out, struct err *err)
{
	struct host_disk *d = calloc(1, sizeof(*d));
	int rc;

	if (!d)
		return err_set(err, -ENOMEM, "no memory for a guest's disk");
	rc = blkback_vbd_open(&d->vbd, h->blkback, keys, extent, h->irq_cpu, err);
	if (rc) {
		free(d);
		return rc;
	}
	d->next = h->disks;
	h->disks = d;
	*out = d;
	return 0;
}

void host_remove_disk(struct host *h, struct cpu *cpu, struct host_disk *d)
{
	struct host_disk **at = &h->disks;

	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	blkback_vbd_close(d->vbd, cpu);
	free(d);
}
