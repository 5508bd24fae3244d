/* SPDX-License-Identifier: MIT */
/*
 * The driver with a DMA API of lists ("The Price of Safety", section 4.3.3). Pages that a refill
 * has to map are counted first and mapped by one call; so are a packet's pieces. What was sent, and
 * pages that the driver gives up, are unmapped at the end of what the poll finds of them, before
 * anybody gets them back. Linux's mlx5e does none of this; the order of its loops is kept
 * otherwise.
 */
#include <errno.h>

#include "guest/mqnic_driver_internal.h"

#define LISTS       3u
#define LIST_FRAMES ((LISTS * DMA_LIST_BYTES + PAGE_BYTES - 1) / PAGE_BYTES)

_Static_assert(MQNIC_TX_PIECES_MAX <= DMA_LIST_MAX, "a list holds any packet");

static unsigned rx_ring(const struct driver_queue *q)
{
	return 2 * q->number + 1;
}

static unsigned tx_ring(const struct driver_queue *q)
{
	return 2 * q->number + 2;
}

int mqnic_driver_lists_alloc(struct driver_queue *q)
{
	struct dma_list *const list[LISTS] = {&q->lists.poll, &q->lists.tx, &q->lists.drop};
	struct memory *mem = q->driver->machine->mem;

	if (!q->driver->config.batch)
		return 0;
	if (memory_alloc(mem, LIST_FRAMES, PAGE_BYTES, 0, &q->lists.frames))
		return -ENOMEM;
	for (unsigned i = 0; i < LISTS; i++) {
		list[i]->paddr = q->lists.frames + i * DMA_LIST_BYTES;
		list[i]->sg = memory_ptr(mem, list[i]->paddr, DMA_LIST_BYTES);
	}
	return 0;
}

void mqnic_driver_lists_free(struct driver_queue *q)
{
	if (q->lists.frames)
		memory_free(q->driver->machine->mem, q->lists.frames, LIST_FRAMES);
	q->lists.frames = 0;
}

/* ---- receiving ---- */

/* Pages that the ring still takes, if all are fresh. */
static unsigned wanted(const struct driver_queue *q)
{
	const struct mqnic_driver *d = q->driver;
	const uint32_t free = (UINT32_C(1) << d->config.log_rx) - (q->rx.posted - q->rx.taken);
	const uint32_t fragments = free * d->fragments - q->rx.begun;
	const uint32_t a_page = PAGE_BYTES / d->fragment_bytes;
	const uint32_t pages = (fragments + a_page - 1) / a_page;

	return pages < DMA_LIST_MAX ? pages : DMA_LIST_MAX;
}

static int map_alone(struct driver_queue *q, struct mqnic_page *page)
{
	const struct iotoll_dma_attrs attrs = {.ring = rx_ring(q)};

	page->iova = iotoll_dma_map_page_attrs(q->driver->dma, IOTOLL_PHYS(page->paddr), PAGE_BYTES,
					       IOTOLL_DMA_FROM_DEVICE, &attrs);
	return iotoll_dma_mapping_error(page->iova) ? -EIO : 0;
}

/* Map @n pages of the stock; where there is no room for all, there may be for one. */
static int map_stock(struct driver_queue *q, struct cpu *cpu, unsigned n)
{
	struct queue_lists *l = &q->lists;
	const bool mapped =
		dma_list_map(&l->poll, q->driver->dma, IOTOLL_DMA_FROM_DEVICE, rx_ring(q));

	for (unsigned i = 0; i < n && mapped; i++)
		l->stock[i]->iova = dma_list_iova(&l->poll, cpu, i);
	l->poll.count = 0;
	if (mapped) {
		l->stock_count = n;
		return 0;
	}
	while (--n)
		mqnic_driver_put(q->driver, l->stock[n]);
	if (map_alone(q, l->stock[0])) {
		mqnic_driver_put(q->driver, l->stock[0]);
		return -EIO;
	}
	l->stock_count = 1;
	return 0;
}

static int stock(struct driver_queue *q, struct cpu *cpu)
{
	struct queue_lists *l = &q->lists;
	const unsigned most = wanted(q);
	unsigned n;

	l->stock_first = 0;
	for (n = 0; n < most; n++) {
		l->stock[n] = mqnic_driver_page_fresh(q);
		if (!l->stock[n])
			break;
		dma_list_want(&l->poll, cpu, l->stock[n]->paddr, PAGE_BYTES);
	}
	return n ? map_stock(q, cpu, n) : -ENOMEM;
}

struct mqnic_page *mqnic_driver_lists_page(struct driver_queue *q, struct cpu *cpu, int *error)
{
	struct queue_lists *l = &q->lists;
	const int rc = l->stock_count ? 0 : stock(q, cpu);

	q->driver->stats.rx_no_memory += rc == -ENOMEM;
	q->driver->stats.rx_map_errors += rc == -EIO;
	if (rc) {
		*error = rc;
		return NULL;
	}
	l->stock_count--;
	return l->stock[l->stock_first++];
}

void mqnic_driver_lists_unstock(struct driver_queue *q)
{
	struct queue_lists *l = &q->lists;

	for (; l->stock_count; l->stock_count--)
		mqnic_driver_lists_drop(q, l->stock[l->stock_first++]);
}

void mqnic_driver_lists_drop(struct driver_queue *q, struct mqnic_page *page)
{
	struct queue_lists *l = &q->lists;

	if (dma_list_full(&l->drop))
		mqnic_driver_lists_dropped(q);
	l->dropped[l->drop.count] = page;
	dma_list_leave(&l->drop, cpu_current(q->driver->machine), page->iova,
		       (size_t)page->pages * PAGE_BYTES);
}

void mqnic_driver_lists_dropped(struct driver_queue *q)
{
	struct queue_lists *l = &q->lists;
	const unsigned n = l->drop.count;

	if (!n)
		return;
	dma_list_unmap(&l->drop, q->driver->dma, IOTOLL_DMA_FROM_DEVICE, rx_ring(q));
	for (unsigned i = 0; i < n; i++)
		mqnic_driver_put(q->driver, l->dropped[i]);
}

/* ---- sending ---- */

int mqnic_driver_lists_pieces(struct driver_queue *q, struct cpu *cpu, const struct mqnic_packet *p)
{
	struct dma_list *l = &q->lists.tx;

	l->count = 0;
	for (unsigned i = 0; i < p->pieces; i++)
		if (!mqnic_driver_tx_copied(q->driver, p, i))
			dma_list_want(l, cpu, p->piece[i].paddr, p->piece[i].bytes);
	if (!l->count || dma_list_map(l, q->driver->dma, IOTOLL_DMA_TO_DEVICE, tx_ring(q)))
		return 0;
	q->driver->stats.tx_map_errors++;
	return -EIO;
}

/* Completions of up to @most packets whose mappings fit into the list. *@last: look no further. */
static unsigned collect(struct driver_queue *q, struct cpu *cpu, unsigned most, bool *last)
{
	const struct mqnic_driver *d = q->driver;
	const uint32_t ring = UINT32_C(1) << d->config.log_tx;
	struct queue_lists *l = &q->lists;
	struct tx_queue *tx = &q->tx;
	uint32_t reaped = tx->reaped, head = tx->map_head;
	struct mqnic_cqe cqe;
	unsigned n = 0;

	while (n < most) {
		const struct tx_entry e = tx->entry[reaped % ring];

		if (reaped != tx->produced && e.maps > DMA_LIST_MAX - l->poll.count)
			return n;
		if (!mqnic_driver_cqe(cpu, &tx->cq, tx->taken, d->config.log_tx, &cqe))
			break;
		if (reaped == tx->produced || cqe.counter != (uint16_t)reaped) {
			q->driver->stats.bad++;
			break;
		}
		tx->taken++;
		for (unsigned i = 0; i < e.maps; i++) {
			const struct tx_map *m = &tx->map[head++ % (4 * ring)];

			if (m->bytes)
				dma_list_leave(&l->poll, cpu, m->iova, m->bytes);
		}
		reaped += e.blocks;
		l->done[n++] = (struct tx_done){e, cqe.opcode == MQNIC_CQE_TX};
	}
	*last = true;
	return n;
}

unsigned mqnic_driver_lists_reap(struct driver_queue *q, struct cpu *cpu)
{
	const uint64_t work = machine_cost(q->driver->machine)->driver_tx / 2;
	struct queue_lists *l = &q->lists;
	unsigned done = 0;
	bool last = false;

	while (done < MQNIC_POLL_WEIGHT && !last) {
		const unsigned left = MQNIC_POLL_WEIGHT - done;
		const unsigned n =
			collect(q, cpu, left < DMA_LIST_MAX ? left : DMA_LIST_MAX, &last);

		if (l->poll.count)
			dma_list_unmap(&l->poll, q->driver->dma, IOTOLL_DMA_TO_DEVICE, tx_ring(q));
		for (unsigned i = 0; i < n; i++) {
			cpu_charge(cpu, work);
			q->tx.map_head += l->done[i].entry.maps;
			mqnic_driver_tx_done(q, cpu, &l->done[i].entry, l->done[i].ok);
		}
		done += n;
	}
	return done;
}
