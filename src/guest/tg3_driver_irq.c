/* SPDX-License-Identifier: MIT */
/*
 * The interrupt handler and the NAPI poll (Linux tg3: tg3_interrupt_tagged, tg3_poll). While there
 * is work the line stays masked and the poll runs again and again; the tag of the last status
 * block seen, written when the line is unmasked, makes the chip interrupt at once if it has
 * written a newer one meanwhile.
 */
#include "guest/tg3_driver_internal.h"

/* What a poll reads of the status block: up to ring 0's pair. */
#define STATUS_READ_BYTES (TG3_STATUS_OFF_TX_CONS + 2u)

void tg3_driver_status(struct tg3_driver *d, struct cpu *cpu, struct tg3_status *out)
{
	cpu_sync(cpu); /* what the device wrote until now is to be seen */
	cpu_touch(cpu, d->status.paddr, STATUS_READ_BYTES, false);
	tg3_status_unpack(out, d->status.ptr);
	if (out->rx_producer >= TG3_RET_ENTRIES) {
		d->stats.status_bad++;
		out->rx_producer = (uint16_t)d->ret_cons;
	}
	if (out->tx_consumer >= TG3_SEND_ENTRIES) {
		d->stats.status_bad++;
		out->tx_consumer = (uint16_t)d->tx_cons;
	}
}

void tg3_driver_interrupt(void *ctx, struct cpu *cpu)
{
	struct tg3_driver *d = ctx;

	cpu_charge(cpu, machine_cost(d->machine)->irq_body);
	cpu_sync(cpu);
	cpu_touch(cpu, d->status.paddr, 2 * sizeof(uint32_t), false);
	if (tg3_get32(d->status.ptr + TG3_STATUS_OFF_TAG) == d->last_tag &&
	    (mmio_read(d->regs, cpu, TG3_PCISTATE, 4) & TG3_PCISTATE_INT_NOT_ACTIVE)) {
		d->stats.spurious++;
		return;
	}
	d->stats.interrupts++;
	/* The read-back makes sure the line is down before the handler returns. */
	mmio_write(d->regs, cpu, TG3_MBOX_INTERRUPT + TG3_MBOX_LOW, TG3_INTERRUPT_MASKED, 4);
	mmio_read(d->regs, cpu, TG3_MBOX_INTERRUPT + TG3_MBOX_LOW, 4);
	softirq_raise(cpu, &d->poll);
}

/* The chip's DMA was refused somewhere: take note, clear the attention, go on. */
static void dma_attention(struct tg3_driver *d, struct cpu *cpu, uint32_t status)
{
	static const uint32_t engines[] = {TG3_RDMAC_STATUS, TG3_WDMAC_STATUS};

	d->stats.dma_errors++;
	for (unsigned i = 0; i < 2; i++) {
		const uint64_t bits = mmio_read(d->regs, cpu, engines[i], 4);

		if (bits)
			mmio_write(d->regs, cpu, engines[i], bits, 4);
	}
	tg3_put32(d->status.ptr + TG3_STATUS_OFF_STATUS, status & ~TG3_STATUS_ERROR);
	cpu_touch(cpu, d->status.paddr, sizeof(uint32_t), true);
}

bool tg3_driver_poll(void *ctx, struct cpu *cpu)
{
	struct tg3_driver *d = ctx;
	const enum charge before = cpu_enter(cpu, CHARGE_DRIVER);
	struct tg3_status status;
	bool more;

	d->stats.polls++;
	cpu_charge(cpu, machine_cost(d->machine)->driver_poll);
	tg3_driver_status(d, cpu, &status);
	if (status.status & TG3_STATUS_ERROR)
		dma_attention(d, cpu, status.status);
	if (status.tx_consumer != d->tx_cons)
		tg3_driver_tx_reap(d, cpu, status.tx_consumer);
	if (status.rx_producer != d->ret_cons)
		tg3_driver_rx(d, cpu, POLL_WEIGHT);
	tg3_driver_status(d, cpu, &status);
	d->last_tag = status.tag & 0xff;
	more = status.rx_producer != d->ret_cons || status.tx_consumer != d->tx_cons;
	if (!more)
		mmio_write(d->regs, cpu, TG3_MBOX_INTERRUPT + TG3_MBOX_LOW,
			   d->last_tag << TG3_INTERRUPT_TAG_SHIFT, 4);
	cpu_leave(cpu, before);
	return more;
}
