/* SPDX-License-Identifier: MIT */
/* Opening and closing the multi-queue NIC, its interrupts and polls. */
#include "guest/mqnic_driver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/mqnic_driver_internal.h"
#include "spec/segment.h"

#define LINE_BYTES 64u

/* ---- interrupts and polls ---- */

bool mqnic_driver_cqe(struct cpu *cpu, const struct shared *cq, uint32_t taken, unsigned log,
		      struct mqnic_cqe *out)
{
	const size_t at = (size_t)(taken % (UINT32_C(1) << log)) * MQNIC_CQE_BYTES;
	const uint8_t mine = mqnic_owner(taken, log);

	/* What is there already was there; what is not may come until now. */
	if ((cq->ptr[at + MQNIC_CQE_OWNER] & 1) != mine)
		cpu_sync(cpu);
	cpu_touch(cpu, cq->paddr + at, MQNIC_CQE_BYTES, false);
	if ((cq->ptr[at + MQNIC_CQE_OWNER] & 1) != mine)
		return false;
	mqnic_cqe_unpack(out, cq->ptr + at);
	return true;
}

static void on_interrupt(void *ctx, struct cpu *cpu)
{
	struct driver_queue *q = ctx;

	cpu_charge(cpu, machine_cost(q->driver->machine)->irq_body);
	q->driver->stats.interrupts++;
	softirq_raise(cpu, &q->poll);
}

static void arm(struct driver_queue *q, struct cpu *cpu)
{
	mmio_write(q->driver->config.regs, cpu, mqnic_queue_register(q, MQNIC_Q_ARM),
		   (q->rx.taken & 0xffff) | (q->tx.taken & 0xffff) << 16, 4);
}

/* mlx5e_napi_poll(). Armed only when everything was seen; the NIC knows what came meanwhile. */
static bool on_poll(void *ctx, struct cpu *cpu)
{
	struct driver_queue *q = ctx;
	struct mqnic_driver *d = q->driver;
	const enum charge before = cpu_enter(cpu, CHARGE_DRIVER);
	bool more;

	d->stats.polls++;
	cpu_charge(cpu, machine_cost(d->machine)->driver_poll);
	more = mqnic_driver_reap(q, cpu) == MQNIC_POLL_WEIGHT;
	more |= mqnic_driver_rx(q, cpu, MQNIC_POLL_WEIGHT) == MQNIC_POLL_WEIGHT;
	if (d->upper.polled)
		d->upper.polled(d->upper.ctx, cpu, q->number);
	/* Without memory it is tried again, now and whenever something arrives. */
	more |= mqnic_driver_refill(q, cpu) && q->rx.posted == q->rx.taken;
	if (!more)
		arm(q, cpu);
	cpu_leave(cpu, before);
	return more;
}

/* ---- opening ---- */

static int share(struct mqnic_driver *d, struct shared *s, size_t bytes, struct err *err)
{
	iotoll_phys_t paddr;

	s->bytes = bytes;
	s->ptr = iotoll_dma_alloc_coherent(d->dma, bytes, &s->iova, &paddr);
	if (!s->ptr)
		return err_set(err, -ENOMEM,
			       "no memory, or no I/O address, for a ring of %zu bytes", bytes);
	s->paddr = IOTOLL_PHYS_U64(paddr);
	return 0;
}

static int make_queue(struct mqnic_driver *d, unsigned number, struct err *err)
{
	const struct mqnic_driver_config *c = &d->config;
	struct driver_queue *q = &d->queue[number];
	const size_t entries = (size_t)1 << c->log_rx, blocks = (size_t)1 << c->log_tx;
	int rc;

	q->driver = d;
	q->number = number;
	q->cpu = machine_cpu(d->machine, (c->irq_cpu + number) % d->machine->ncpus);
	q->poll = (struct softirq){.run = on_poll, .ctx = q};
	vlock_init(&q->tx.lock, d->machine, d->lock_lines + (phys_t)number * LINE_BYTES);
	q->rx.entry = calloc(entries, sizeof(*q->rx.entry));
	q->rx.cache = calloc(c->page_cache + 1, sizeof(struct mqnic_page *));
	q->tx.entry = calloc(blocks, sizeof(*q->tx.entry));
	q->tx.map = calloc(4 * blocks, sizeof(*q->tx.map));
	if (!q->rx.entry || !q->rx.cache || !q->tx.entry || !q->tx.map)
		return err_set(err, -ENOMEM, "no memory for queue %u", number);
	if (c->rx_chunk_pages && mqnic_driver_hold_create(q))
		return err_set(err, -ENOMEM, "no memory for queue %u", number);
	if (mqnic_driver_lists_alloc(q))
		return err_set(err, -ENOMEM, "no memory for the lists of queue %u", number);
	rc = share(d, &q->rx.ring, entries << d->log_stride, err);
	if (!rc)
		rc = share(d, &q->rx.cq, entries * MQNIC_CQE_BYTES, err);
	if (!rc)
		rc = share(d, &q->rx.record, sizeof(uint32_t), err);
	if (!rc)
		rc = share(d, &q->tx.ring, blocks * MQNIC_BLOCK_BYTES, err);
	if (!rc)
		rc = share(d, &q->tx.cq, blocks * MQNIC_CQE_BYTES, err);
	if (!rc && c->tx_copy_bytes)
		rc = share(d, &q->tx.small, blocks * c->tx_copy_bytes, err);
	if (rc)
		return rc;
	rc = mqnic_driver_refill(q, NULL);
	return rc ? err_set(err, rc, "queue %u: receive buffers cannot be posted", number) : 0;
}

static void write_register(struct mqnic_driver *d, uint32_t offset, uint64_t value, unsigned width)
{
	mmio_write(d->config.regs, NULL, offset, value, width);
}

static void program_queue(struct driver_queue *q)
{
	struct mqnic_driver *d = q->driver;
	const struct mqnic_driver_config *c = &d->config;
	const struct {
		uint32_t offset;
		const struct shared *s;
	} addresses[] = {{MQNIC_Q_RX_RING, &q->rx.ring},
			 {MQNIC_Q_RX_RECORD, &q->rx.record},
			 {MQNIC_Q_RX_CQ, &q->rx.cq},
			 {MQNIC_Q_TX_RING, &q->tx.ring},
			 {MQNIC_Q_TX_CQ, &q->tx.cq}};
	const uint32_t at = mqnic_queue_register(q, 0);

	for (unsigned i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		write_register(d, at + addresses[i].offset, IOTOLL_IOVA_U64(addresses[i].s->iova),
			       8);
	write_register(d, at + MQNIC_Q_SIZES, c->log_rx | d->log_stride << 8 | c->log_tx << 16, 4);
	write_register(d, at + MQNIC_Q_RX_MODER, c->rx_us | c->rx_frames << 16, 4);
	write_register(d, at + MQNIC_Q_TX_MODER, c->tx_us | c->tx_frames << 16, 4);
	write_register(d, at + MQNIC_Q_CONTROL, MQNIC_Q_CONTROL_ON, 4);
	c->irq[q->number].handler = on_interrupt;
	c->irq[q->number].ctx = q;
	c->irq[q->number].target = q->cpu;
	arm(q, NULL);
}

/* The hash's key, and its values spread over the queues in turn, as Linux has them by default. */
static void program(struct mqnic_driver *d)
{
	for (unsigned i = 0; i < MQNIC_RSS_KEY_BYTES; i += 4)
		write_register(d, MQNIC_RSS_KEY + i, mqnic_get32(segment_rss_key + i), 4);
	for (unsigned i = 0; i < MQNIC_RSS_TABLE_BYTES; i += 4) {
		uint32_t word = 0;

		for (unsigned k = 0; k < 4; k++)
			word |= (i + k) % d->config.queues << 8 * k;
		write_register(d, MQNIC_RSS_TABLE + i, word, 4);
	}
	write_register(d, MQNIC_MTU, d->config.mtu, 4);
	for (unsigned i = 0; i < d->config.queues; i++)
		program_queue(&d->queue[i]);
	write_register(d, MQNIC_CONTROL, MQNIC_CONTROL_ENABLE, 4);
}

/* Four buffers of 2 KiB hold a frame, or whole pages do (mlx5e_build_rq_frags_info). */
static void choose_fragments(struct mqnic_driver *d)
{
	d->longest = d->config.mtu + NET_ETH_BYTES;
	d->fragment_bytes = d->longest > MQNIC_RX_FRAGMENTS * RX_FRAGMENT_BYTES ? PAGE_BYTES
										: RX_FRAGMENT_BYTES;
	d->fragments = (d->longest + d->fragment_bytes - 1) / d->fragment_bytes;
	d->log_stride = d->fragments == 1 ? 4 : d->fragments == 2 ? 5 : 6;
}

static int check(const struct mqnic_driver_config *c, struct err *err)
{
	uint32_t caps;

	if (mmio_read(c->regs, NULL, MQNIC_ID, 4) != MQNIC_ID_VALUE)
		return err_set(err, -ENODEV, "no multi-queue NIC answers");
	caps = (uint32_t)mmio_read(c->regs, NULL, MQNIC_CAPS, 4);
	if (!c->queues || c->queues > (caps & 0xff))
		return err_set(err, -EINVAL, "%u queues: expected 1 to %u", c->queues, caps & 0xff);
	if (c->mtu < MQNIC_MTU_MIN || c->mtu > caps >> 16)
		return err_set(err, -EINVAL, "MTU %u: expected %u to %u", c->mtu, MQNIC_MTU_MIN,
			       caps >> 16);
	if (c->log_rx < MQNIC_LOG_MIN || c->log_rx > MQNIC_LOG_MAX || c->log_tx < MQNIC_LOG_MIN ||
	    c->log_tx > MQNIC_LOG_MAX)
		return err_set(err, -EINVAL, "rings of 2^%u and 2^%u: expected 2^%u to 2^%u",
			       c->log_rx, c->log_tx, MQNIC_LOG_MIN, MQNIC_LOG_MAX);
	return 0;
}

static int check_chunk(const struct mqnic_driver *d, struct err *err)
{
	const unsigned needed = (d->fragments * d->fragment_bytes + PAGE_BYTES - 1) / PAGE_BYTES;
	const unsigned pages = d->config.rx_chunk_pages;

	if (pages && (pages < needed || pages > MQNIC_CHUNK_PAGES_MAX))
		return err_set(err, -EINVAL,
			       "chunks of %u pages: a frame needs %u, expected that to %u", pages,
			       needed, MQNIC_CHUNK_PAGES_MAX);
	return 0;
}

int mqnic_driver_open(struct mqnic_driver **out, const struct mqnic_driver_config *config,
		      struct err *err)
{
	struct mqnic_driver *d;
	int rc = check(config, err);

	if (rc)
		return rc;
	d = calloc(1, sizeof(*d));
	if (!d)
		return err_set(err, -ENOMEM, "no memory for the NIC's driver");
	d->config = *config;
	d->machine = config->machine;
	d->dma = config->dma;
	choose_fragments(d);
	rc = check_chunk(d, err);
	if (rc) {
		free(d);
		return rc;
	}
	write_register(d, MQNIC_CONTROL, MQNIC_CONTROL_RESET, 4);
	if (memory_alloc(d->machine->mem, 1, PAGE_BYTES, 0, &d->lock_lines))
		rc = err_set(err, -ENOMEM, "no memory for the NIC's driver");
	for (unsigned i = 0; !rc && i < config->queues; i++)
		rc = make_queue(d, i, err);
	if (rc) {
		mqnic_driver_close(d);
		return rc;
	}
	program(d);
	*out = d;
	return 0;
}

static void free_shared(struct mqnic_driver *d, struct shared *s)
{
	if (s->ptr)
		iotoll_dma_free_coherent(d->dma, s->bytes, s->ptr, s->iova);
}

void mqnic_driver_close(struct mqnic_driver *d)
{
	if (!d)
		return;
	write_register(d, MQNIC_CONTROL, MQNIC_CONTROL_RESET, 4);
	for (unsigned i = 0; i < d->config.queues; i++) {
		struct driver_queue *q = &d->queue[i];

		if (!q->driver)
			continue;
		mqnic_driver_rx_free(q);
		mqnic_driver_tx_free(q);
		mqnic_driver_lists_free(q);
		free_shared(d, &q->rx.ring);
		free_shared(d, &q->rx.cq);
		free_shared(d, &q->rx.record);
		free_shared(d, &q->tx.ring);
		free_shared(d, &q->tx.cq);
		free_shared(d, &q->tx.small);
	}
	mqnic_driver_pages_free(d);
	if (d->lock_lines)
		memory_free(d->machine->mem, d->lock_lines, 1);
	free(d);
}

/* ---- asked from above ---- */

void mqnic_driver_attach(struct mqnic_driver *d, const struct mqnic_upper *upper)
{
	d->upper = upper ? *upper : (struct mqnic_upper){.ctx = NULL};
}

unsigned mqnic_driver_queue(const struct mqnic_driver *d, const struct cpu *cpu)
{
	const unsigned n = d->machine->ncpus;

	return (cpu_id(cpu) + n - d->config.irq_cpu % n) % n % d->config.queues;
}

struct cpu *mqnic_driver_cpu(const struct mqnic_driver *d, unsigned queue)
{
	return d->queue[queue].cpu;
}

void mqnic_driver_stats(const struct mqnic_driver *d, struct mqnic_driver_stats *out)
{
	*out = d->stats;
	for (unsigned i = 0; i < d->config.queues; i++) {
		out->tx_lock_acquisitions += d->queue[i].tx.lock.acquisitions;
		out->tx_lock_contended += d->queue[i].tx.lock.contended;
		out->tx_lock_wait_ps += d->queue[i].tx.lock.wait_ps;
	}
}
