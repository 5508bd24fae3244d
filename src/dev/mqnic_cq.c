/* SPDX-License-Identifier: MIT */
/*
 * Interrupts of the NIC. A queue pair interrupts once for each time that the driver arms it: when
 * so many completions are in memory that the driver had not seen then, or some time after the
 * first of them. Receive and send completions count apart, either brings the interrupt about. The
 * message is a posted write behind the completions: it cannot arrive before them.
 */
#include <string.h>

#include "dev/mqnic_internal.h"

static void on_message(void *ctx, struct pcie_request *req, int status)
{
	struct mqnic_queue *q = ctx;

	(void)req;
	(void)status;
	q->sending = false;
	if (q->nic->config.irq)
		irq_raise(&q->nic->config.irq[q->number]);
}

static void interrupt(struct mqnic_queue *q)
{
	q->armed = false;
	q->sending = true;
	q->nic->stats.interrupts++;
	mqnic_dma(q->nic, &q->message, IOTOLL_WRITE, 0, NULL, 4);
}

/* When @side alone brings an interrupt about: now or before, later, or never as things stand. */
static sim_time due(const struct mqnic_queue *q, unsigned side)
{
	const struct mqnic_moderation *m = &q->side[side];
	const uint32_t moderation = mqnic_queue_reg(q, side ? MQNIC_Q_TX_MODER : MQNIC_Q_RX_MODER);
	const uint32_t unseen = m->written - m->seen;

	if (!unseen || unseen > UINT32_MAX / 2)
		return SIM_NEVER;
	if (unseen >= moderation >> 16)
		return 0;
	return m->first + (moderation & 0xffff) * SIM_US;
}

static void check(struct mqnic_queue *q)
{
	struct sim *sim = q->nic->machine->sim;
	const sim_time a = due(q, 0), b = due(q, 1), at = a < b ? a : b;

	if (!q->armed || q->sending || at == SIM_NEVER) {
		sim_cancel(sim, &q->timer);
		return;
	}
	if (at <= mqnic_now(q->nic)) {
		sim_cancel(sim, &q->timer);
		interrupt(q);
	} else if (!event_pending(&q->timer) || q->timer.at != at) {
		sim_schedule(sim, &q->timer, at);
	}
}

static void on_timer(void *ctx)
{
	check(ctx);
}

void mqnic_cq_written(struct mqnic_queue *q, unsigned side)
{
	struct mqnic_moderation *m = &q->side[side];

	if (m->written == m->seen)
		m->first = mqnic_now(q->nic);
	m->written++;
	check(q);
}

/* Widen a 16-bit counter near @near. */
static uint32_t widen(uint32_t near, uint16_t low)
{
	return near + (uint32_t)(int16_t)(low - (uint16_t)near);
}

void mqnic_cq_arm(struct mqnic_queue *q, uint32_t value)
{
	for (unsigned side = 0; side < 2; side++) {
		struct mqnic_moderation *m = &q->side[side];

		m->seen = widen(m->written, (uint16_t)(value >> 16 * side));
		m->first = mqnic_now(q->nic);
	}
	q->armed = q->on;
	check(q);
}

void mqnic_cq_init(struct mqnic_queue *q)
{
	event_init(&q->timer, on_timer, q);
	q->message.message = true;
	q->message.done = on_message;
	q->message.ctx = q;
}

void mqnic_cq_start(struct mqnic_queue *q)
{
	sim_cancel(q->nic->machine->sim, &q->timer);
	memset(q->side, 0, sizeof(q->side));
	q->armed = false;
}
