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

static int start_driver(struct host *h, const struct host_config *config, struct err *err)
{
	struct tg3_driver_config driver = {
		.machine = h->machine,
		.kmalloc = h->kmalloc,
		.stack = h->stack,
		.regs = config->nic_regs,
		.dma = config->dma,
		.irq = config->nic_irq,
		.irq_cpu = machine_cpu(h->machine, config->irq_cpu),
		.read_back_doorbells = config->read_back_doorbells,
		.coalesce = config->coalesce,
	};

	memcpy(driver.mac, config->mac, sizeof(driver.mac));
	return tg3_driver_open(&h->driver, &driver, err);
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
	h->kmalloc = kmalloc_create(h->machine->mem, config->poison_memory);
	if (!h->kmalloc) {
		rc = err_set(err, -ENOMEM, "no memory for a host's allocator");
		goto destroy;
	}
	rc = start_stack(h, config, err);
	if (!rc)
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
	tg3_driver_close(h->driver);
	netstack_destroy(h->stack);
	kmalloc_destroy(h->kmalloc);
	free(h);
}
