/* SPDX-License-Identifier: MIT */
/* The multi-queue NIC as a whole: life, reset, what its engines share. */
#include "dev/mqnic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dev/mqnic_internal.h"

#define RX_BUFFER (512u << 10)
#define TX_BUFFER (256u << 10)

bool mqnic_read_ok(struct mqnic *nic, int status)
{
	if (!status)
		return true;
	nic->stats.dma_errors_read++;
	nic->reg[MQNIC_STATUS / 4] |= MQNIC_STATUS_READ;
	return false;
}

void mqnic_bad_entry(struct mqnic *nic)
{
	nic->reg[MQNIC_STATUS / 4] |= MQNIC_STATUS_ENTRY;
}

void mqnic_reset(struct mqnic *nic)
{
	nic->stats.resets++;
	pcie_abort(nic->pcie);
	mqnic_rx_reset(nic);
	mqnic_tx_reset(nic);
	for (unsigned i = 0; i < MQNIC_QUEUES_MAX; i++) {
		struct mqnic_queue *q = &nic->queue[i];

		sim_cancel(nic->machine->sim, &q->timer);
		memset(q, 0, sizeof(*q));
		q->nic = nic;
		q->number = i;
		mqnic_cq_init(q);
	}
	mqnic_regs_reset(nic);
}

void mqnic_connect(struct mqnic *nic, struct frame_sink wire)
{
	nic->config.wire = wire;
}

const struct mqnic_stats *mqnic_stats(const struct mqnic *nic)
{
	return &nic->stats;
}

const struct pcie_stats *mqnic_pcie_stats(const struct mqnic *nic)
{
	return pcie_stats(nic->pcie);
}

int mqnic_create(struct mqnic **out, const struct mqnic_config *config)
{
	struct pcie_config link = {
		.bus = config->bus,
		.devid = config->devid,
		.tags = config->tags ? config->tags : PCIE_TAGS_MAX,
	};
	struct mqnic *nic;
	int rc;

	if (!config->bus || !config->pool || !config->mbps || !config->queues ||
	    config->queues > MQNIC_QUEUES_MAX)
		return -EINVAL;
	nic = calloc(1, sizeof(*nic));
	if (!nic)
		return -ENOMEM;
	nic->config = *config;
	nic->machine = bus_machine(config->bus);
	if (!nic->config.rx_buffer_bytes)
		nic->config.rx_buffer_bytes = RX_BUFFER;
	if (!nic->config.tx_buffer_bytes)
		nic->config.tx_buffer_bytes = TX_BUFFER;
	nic->tx_buffer_ps = nic->config.tx_buffer_bytes * UINT64_C(8000000) / config->mbps;
	rc = pcie_create(&nic->pcie, &link);
	if (!rc)
		rc = mqnic_rx_init(nic);
	if (!rc)
		rc = mqnic_tx_init(nic);
	if (rc) {
		mqnic_destroy(nic);
		return rc;
	}
	mqnic_reset(nic);
	nic->stats.resets = 0;
	*out = nic;
	return 0;
}

void mqnic_destroy(struct mqnic *nic)
{
	if (!nic)
		return;
	if (nic->pcie)
		pcie_abort(nic->pcie);
	for (unsigned i = 0; i < MQNIC_QUEUES_MAX; i++)
		sim_cancel(nic->machine->sim, &nic->queue[i].timer);
	mqnic_rx_fini(nic);
	mqnic_tx_fini(nic);
	pcie_destroy(nic->pcie);
	free(nic);
}
