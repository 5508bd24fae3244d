/* SPDX-License-Identifier: MIT */
/*
 * Host coalescing: when the status block is written, and when the line is asserted after it.
 * A status block is due when as many frames as the limit says were placed (or sent) since the
 * last one, or when the tick timer runs out, with other values while the line is masked. What
 * the indices say was in memory before: the block is written behind the data it announces.
 *
 * Tagged status: each block carries a tag that counts up; unmasking with an older tag than the
 * newest block's interrupts at once, so nothing is lost between the driver's last look and its
 * unmasking.
 */
#include "dev/tg3_internal.h"

#include <errno.h>

#define TICKS_MIN_STATISTICS UINT32_C(100) /* what the register is documented to take at least */
#define INTERRUPT_MASK_BITS  UINT32_C(0x00ffffff)

static bool masked_by_mailbox(const struct tg3 *nic)
{
	return tg3_reg(nic, TG3_MBOX_INTERRUPT + TG3_MBOX_LOW) & INTERRUPT_MASK_BITS;
}

static void assert_line(struct tg3 *nic)
{
	struct tg3_coalesce *co = &nic->co;

	co->held = false;
	co->line = true;
	nic->stats.interrupts++;
	if (nic->config.irq)
		irq_raise(nic->config.irq);
}

/* A new status block is in host memory. */
static void interrupt(struct tg3 *nic)
{
	if (masked_by_mailbox(nic) ||
	    tg3_reg(nic, TG3_MISC_HOST_CTRL) & TG3_MISC_HOST_CTRL_MASK_INT)
		nic->co.held = true;
	else
		assert_line(nic);
}

void tg3_interrupt_mailbox(struct tg3 *nic, uint32_t value)
{
	struct tg3_coalesce *co = &nic->co;
	const uint32_t control = tg3_reg(nic, TG3_MISC_HOST_CTRL);
	bool due = co->held;

	co->line = false;
	/* Behind a bus that was shut off no tag is ever shown again, and none would match. */
	if (nic->dead || value & INTERRUPT_MASK_BITS)
		return;
	if (control & TG3_MISC_HOST_CTRL_TAGGED)
		due = (value >> TG3_INTERRUPT_TAG_SHIFT) != co->tag_shown;
	co->held = false;
	if (due)
		interrupt(nic);
}

void tg3_interrupt_control(struct tg3 *nic, uint32_t value)
{
	if (value & TG3_MISC_HOST_CTRL_CLEAR_INT)
		nic->co.line = false;
	if (nic->co.held && !nic->dead && !masked_by_mailbox(nic) &&
	    !(value & TG3_MISC_HOST_CTRL_MASK_INT))
		assert_line(nic);
}

/* ---- the status block ---- */

void tg3_status_update(struct tg3 *nic)
{
	struct tg3_coalesce *co = &nic->co;
	struct tg3_status s = {.status = TG3_STATUS_UPDATED};

	if (!(tg3_reg(nic, TG3_HOSTCC_MODE) & TG3_MODE_ENABLE) || !tg3_can_write(nic))
		return;
	if (co->status.busy) {
		co->again = true;
		return;
	}
	co->again = false;
	co->rx_frames = 0;
	co->tx_frames = 0;
	co->rx_deadline = SIM_NEVER;
	co->tx_deadline = SIM_NEVER;
	if (tg3_reg(nic, TG3_RDMAC_STATUS) || tg3_reg(nic, TG3_WDMAC_STATUS))
		s.status |= TG3_STATUS_ERROR;
	s.tag = ++co->tag;
	s.std_consumer = nic->rx.fetched;
	s.rx_producer = nic->rx.produced;
	s.tx_consumer = nic->tx.consumed;
	tg3_status_pack(co->status_buffer, &s);
	co->status.iova = (uint64_t)tg3_reg(nic, TG3_HOSTCC_STATUS_HIGH) << 32 |
			  tg3_reg(nic, TG3_HOSTCC_STATUS_LOW);
	bus_submit(&nic->port, &co->status);
}

static void on_status(void *ctx, struct bus_request *req, int status)
{
	struct tg3 *nic = ctx;
	struct tg3_coalesce *co = &nic->co;
	bool again = co->again;

	(void)req;
	if (tg3_dma_ok(nic, IOTOLL_WRITE, status)) {
		nic->stats.status_blocks++;
		co->tag_shown = (uint8_t)tg3_get32(co->status_buffer + TG3_STATUS_OFF_TAG);
		interrupt(nic);
	} else {
		/* Saying so by the same way would fail again, for ever: wait for new work. */
		again = false;
		co->again = false;
	}
	if (again && !nic->dead)
		tg3_status_update(nic);
}

/* ---- when it is due ---- */

static void on_timer(void *ctx)
{
	struct tg3 *nic = ctx;
	struct tg3_coalesce *co = &nic->co;
	const sim_time next = co->rx_deadline < co->tx_deadline ? co->rx_deadline : co->tx_deadline;

	/* Deadlines move with every frame; the event moves only when it comes too early. */
	if (next == SIM_NEVER)
		return;
	if (next > tg3_now(nic))
		sim_schedule(nic->machine->sim, &co->timer, next);
	else
		tg3_status_update(nic);
}

static void run_timer(struct tg3 *nic, sim_time *deadline, uint32_t ticks, bool restart)
{
	struct tg3_coalesce *co = &nic->co;

	if (!ticks || (*deadline != SIM_NEVER && !restart))
		return;
	*deadline = tg3_now(nic) + ticks * SIM_US;
	if (!event_pending(&co->timer) || co->timer.at > *deadline)
		sim_schedule(nic->machine->sim, &co->timer, *deadline);
}

/* @base's register, or its twin 0x10 above that is in force while the line is masked. */
static uint32_t value_in_force(const struct tg3 *nic, uint32_t base)
{
	return tg3_reg(nic, base + (masked_by_mailbox(nic) ? 0x10 : 0));
}
static_assert(TG3_HOSTCC_RX_TICKS_INT - TG3_HOSTCC_RX_TICKS == 0x10, "rx ticks");
static_assert(TG3_HOSTCC_TX_TICKS_INT - TG3_HOSTCC_TX_TICKS == 0x10, "tx ticks");
static_assert(TG3_HOSTCC_RX_FRAMES_INT - TG3_HOSTCC_RX_FRAMES == 0x10, "rx frames");
static_assert(TG3_HOSTCC_TX_FRAMES_INT - TG3_HOSTCC_TX_FRAMES == 0x10, "tx frames");

void tg3_coalesce_rx(struct tg3 *nic)
{
	const uint32_t limit = value_in_force(nic, TG3_HOSTCC_RX_FRAMES);
	const bool clears = tg3_reg(nic, TG3_HOSTCC_MODE) & TG3_HOSTCC_MODE_CLRTICK_RX;

	nic->co.rx_frames++;
	if (limit && nic->co.rx_frames >= limit)
		tg3_status_update(nic);
	else
		run_timer(nic, &nic->co.rx_deadline, value_in_force(nic, TG3_HOSTCC_RX_TICKS),
			  clears && nic->config.tick_restart);
}

void tg3_coalesce_tx(struct tg3 *nic, bool now)
{
	const uint32_t limit = value_in_force(nic, TG3_HOSTCC_TX_FRAMES);
	const bool clears = tg3_reg(nic, TG3_HOSTCC_MODE) & TG3_HOSTCC_MODE_CLRTICK_TX;

	nic->co.tx_frames++;
	if (now || (limit && nic->co.tx_frames >= limit))
		tg3_status_update(nic);
	else
		run_timer(nic, &nic->co.tx_deadline, value_in_force(nic, TG3_HOSTCC_TX_TICKS),
			  clears && nic->config.tick_restart);
}

/* ---- the statistics block ---- */

static void put64(uint8_t *at, uint64_t value)
{
	tg3_put32(at, (uint32_t)(value >> 32));
	tg3_put32(at + 4, (uint32_t)value);
}

static void on_statistics_timer(void *ctx)
{
	struct tg3 *nic = ctx;
	struct tg3_coalesce *co = &nic->co;
	const struct tg3_stats *s = &nic->stats;
	uint8_t *b = co->statistics_buffer;

	tg3_statistics_arm(nic, true);
	if (co->statistics.busy || !tg3_can_write(nic))
		return;
	put64(b + TG3_STATS_RX_OCTETS, s->rx_bytes);
	put64(b + TG3_STATS_RX_UCAST, s->rx_unicast);
	put64(b + TG3_STATS_RX_MCAST, s->rx_multicast);
	put64(b + TG3_STATS_RX_BCAST, s->rx_broadcast);
	put64(b + TG3_STATS_RX_TOO_LONG, s->rx_drop_long);
	put64(b + TG3_STATS_TX_OCTETS, s->tx_bytes);
	put64(b + TG3_STATS_TX_UCAST, s->tx_unicast);
	put64(b + TG3_STATS_TX_MCAST, s->tx_multicast);
	put64(b + TG3_STATS_TX_BCAST, s->tx_broadcast);
	put64(b + TG3_STATS_RXBDS_EMPTY, s->rx_drop_no_descriptor);
	put64(b + TG3_STATS_RX_DISCARDS, s->rx_drop_no_descriptor + s->rx_drop_full);
	put64(b + TG3_STATS_NIC_IRQS, s->interrupts);
	co->statistics.iova = (uint64_t)tg3_reg(nic, TG3_HOSTCC_STATS_HIGH) << 32 |
			      tg3_reg(nic, TG3_HOSTCC_STATS_LOW);
	bus_submit(&nic->port, &co->statistics);
}

static void on_statistics(void *ctx, struct bus_request *req, int status)
{
	struct tg3 *nic = ctx;

	(void)req;
	if (tg3_dma_ok(nic, IOTOLL_WRITE, status))
		nic->stats.statistics_blocks++;
}

void tg3_statistics_arm(struct tg3 *nic, bool restart)
{
	struct sim *sim = nic->machine->sim;
	uint32_t ticks = tg3_reg(nic, TG3_HOSTCC_STAT_TICKS);

	if (nic->dead || !ticks || !(tg3_reg(nic, TG3_HOSTCC_MODE) & TG3_MODE_ENABLE)) {
		sim_cancel(sim, &nic->co.statistics_timer);
		return;
	}
	if (event_pending(&nic->co.statistics_timer) && !restart)
		return;
	ticks = ticks < TICKS_MIN_STATISTICS ? TICKS_MIN_STATISTICS : ticks;
	sim_schedule(sim, &nic->co.statistics_timer, tg3_now(nic) + ticks * SIM_US);
}

void tg3_coalesce_init(struct tg3 *nic)
{
	struct tg3_coalesce *co = &nic->co;

	co->status = (struct bus_request){.buffer = co->status_buffer,
					  .bytes = TG3_STATUS_BYTES,
					  .direction = IOTOLL_WRITE,
					  .done = on_status,
					  .ctx = nic};
	co->statistics = (struct bus_request){.buffer = co->statistics_buffer,
					      .bytes = TG3_STATS_BYTES,
					      .direction = IOTOLL_WRITE,
					      .done = on_statistics,
					      .ctx = nic};
	event_init(&co->timer, on_timer, nic);
	event_init(&co->statistics_timer, on_statistics_timer, nic);
}

void tg3_coalesce_reset(struct tg3 *nic)
{
	struct tg3_coalesce *co = &nic->co;

	sim_cancel(nic->machine->sim, &co->timer);
	sim_cancel(nic->machine->sim, &co->statistics_timer);
	co->rx_frames = 0;
	co->tx_frames = 0;
	co->rx_deadline = SIM_NEVER;
	co->tx_deadline = SIM_NEVER;
	co->again = false;
	co->tag = 0;
	co->tag_shown = 0;
	co->line = false;
	co->held = false;
}
