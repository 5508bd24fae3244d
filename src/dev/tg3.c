/* SPDX-License-Identifier: MIT */
/*
 * The NIC as a whole: configuration, reset, what a refused DMA does. Registers are in tg3_regs.c,
 * receiving in tg3_rx.c, sending in tg3_tx.c, status block and interrupts in tg3_coalesce.c.
 */
#include "dev/tg3.h"

#include <errno.h>
#include <stdlib.h>

#include "dev/tg3_internal.h"

#define GIGABIT_BYTE_PS    UINT64_C(8000)
#define FULL_FRAME_ON_WIRE 1538u

void tg3_config_default(struct tg3_config *out)
{
	*out = (struct tg3_config){
		.tick_restart = true,
		.rx_buffer_bytes = 65536,
		.tx_buffer_bytes = 4 * FULL_FRAME_ON_WIRE,
		/* PCI-X command set at reset: 2048-byte reads, one split transaction. */
		.bus_limits = {.max_read = 2048, .max_write = 4096, .outstanding = 1},
	};
}

/* Stop everything that is under way and forget it. */
static void halt(struct tg3 *nic)
{
	bus_port_abort(&nic->port);
	tg3_rx_reset(nic);
	tg3_tx_reset(nic);
	tg3_coalesce_reset(nic);
}

void tg3_reset(struct tg3 *nic)
{
	halt(nic);
	tg3_regs_reset(nic);
	nic->dead = false;
	nic->stats.resets++;
}

bool tg3_dma_ok(struct tg3 *nic, enum iotoll_access direction, int status)
{
	const uint32_t bit = status == -EFAULT ? TG3_DMAC_MSTABORT : TG3_DMAC_TGTABORT;
	const bool read = direction == IOTOLL_READ;
	uint32_t *attention = &nic->reg[(read ? TG3_RDMAC_STATUS : TG3_WDMAC_STATUS) / 4];
	const bool known = *attention & bit;

	if (!status)
		return true;
	*(read ? &nic->stats.dma_errors_read : &nic->stats.dma_errors_write) += 1;
	*attention |= bit;
	if (status == -ESHUTDOWN) {
		nic->dead = true;
		halt(nic);
	} else if (!known) {
		tg3_status_update(nic);
	}
	return false;
}

int tg3_create(struct tg3 **out, const struct tg3_config *config)
{
	struct tg3 *nic;
	int ret;

	if (!config->bus || !config->pool)
		return -EINVAL;
	nic = calloc(1, sizeof(*nic));
	if (!nic)
		return -ENOMEM;
	nic->config = *config;
	nic->machine = bus_machine(config->bus);
	if (!nic->config.rx_buffer_bytes)
		nic->config.rx_buffer_bytes = 65536;
	if (!nic->config.tx_buffer_bytes)
		nic->config.tx_buffer_bytes = 4 * FULL_FRAME_ON_WIRE;
	nic->tx_buffer_ps = nic->config.tx_buffer_bytes * GIGABIT_BYTE_PS;
	ret = bus_port_init(&nic->port, config->bus, config->devid, &config->bus_limits);
	if (ret) {
		free(nic);
		return ret;
	}
	tg3_regs_init(nic);
	tg3_rx_init(nic);
	tg3_tx_init(nic);
	tg3_coalesce_init(nic);
	tg3_reset(nic);
	nic->stats.resets = 0;
	*out = nic;
	return 0;
}

void tg3_destroy(struct tg3 *nic)
{
	if (!nic)
		return;
	halt(nic);
	bus_port_fini(&nic->port);
	free(nic);
}

void tg3_connect(struct tg3 *nic, struct frame_sink wire)
{
	nic->config.wire = wire;
}

const struct tg3_stats *tg3_stats(const struct tg3 *nic)
{
	return &nic->stats;
}
