/* SPDX-License-Identifier: MIT */
/*
 * Receive pages (Linux 6.1: mlx5e_page_alloc_pool, mlx5e_rx_cache_get, mlx5e_rx_cache_put,
 * mlx5e_page_release_dynamic). The cache is a queue: only its oldest page is ever looked at, and if
 * the stack still has that one, a new page is taken.
 *
 * Pages come from the machine's page allocator, which hands out the page freed last first; Linux's
 * lists of free pages for each CPU, and a lock behind them, are not modelled.
 */
#include <errno.h>
#include <stdlib.h>

#include "guest/mqnic_driver_internal.h"

static struct mqnic_page *new_page(struct mqnic_driver *d)
{
	struct mqnic_page *page = d->free_pages;

	if (page) {
		d->free_pages = page->next;
	} else {
		page = calloc(1, sizeof(*page));
		if (!page)
			return NULL;
		page->next_all = d->pages;
		d->pages = page;
	}
	if (memory_alloc(d->machine->mem, 1, PAGE_BYTES, 0, &page->paddr)) {
		page->next = d->free_pages;
		d->free_pages = page;
		return NULL;
	}
	page->refs = 1;
	return page;
}

void mqnic_driver_put(struct mqnic_driver *d, struct mqnic_page *page)
{
	if (--page->refs)
		return;
	memory_free(d->machine->mem, page->paddr, 1);
	page->next = d->free_pages;
	d->free_pages = page;
}

static uint32_t cached(const struct rx_queue *rx)
{
	return rx->cache_tail - rx->cache_head;
}

static struct mqnic_page *from_cache(struct driver_queue *q)
{
	struct mqnic_driver *d = q->driver;
	struct rx_queue *rx = &q->rx;
	struct mqnic_page *page;

	if (!cached(rx))
		return NULL;
	page = rx->cache[rx->cache_head % d->config.page_cache];
	if (page->refs != 1) {
		d->stats.rx_pages_busy++;
		return NULL;
	}
	rx->cache_head++;
	d->stats.rx_pages_cached++;
	iotoll_dma_sync_single_for_device(d->dma, page->iova, PAGE_BYTES, IOTOLL_DMA_FROM_DEVICE);
	return page;
}

struct mqnic_page *mqnic_driver_page_get(struct driver_queue *q, struct cpu *cpu, int *error)
{
	const struct iotoll_dma_attrs attrs = {.ring = 2 * q->number + 1, .more = true};
	struct mqnic_driver *d = q->driver;
	struct mqnic_page *page = from_cache(q);

	(void)cpu;
	d->stats.rx_pages++;
	if (page)
		return page;
	page = new_page(d);
	if (!page) {
		d->stats.rx_no_memory++;
		*error = -ENOMEM;
		return NULL;
	}
	page->iova = iotoll_dma_map_page_attrs(d->dma, IOTOLL_PHYS(page->paddr), PAGE_BYTES,
					       IOTOLL_DMA_FROM_DEVICE, &attrs);
	if (iotoll_dma_mapping_error(page->iova)) {
		d->stats.rx_map_errors++;
		mqnic_driver_put(d, page);
		*error = -EIO;
		return NULL;
	}
	return page;
}

void mqnic_driver_page_drop(struct driver_queue *q, struct mqnic_page *page)
{
	const struct iotoll_dma_attrs attrs = {.ring = 2 * q->number + 1, .more = true};

	iotoll_dma_unmap_page_attrs(q->driver->dma, page->iova, PAGE_BYTES, IOTOLL_DMA_FROM_DEVICE,
				    &attrs);
	q->unmapping = true;
	mqnic_driver_put(q->driver, page);
}

void mqnic_driver_pages_dropped(struct driver_queue *q)
{
	if (q->unmapping)
		iotoll_dma_unmap_end(q->driver->dma);
	q->unmapping = false;
}

void mqnic_driver_page_release(struct driver_queue *q, struct mqnic_page *page)
{
	struct rx_queue *rx = &q->rx;
	const unsigned room = q->driver->config.page_cache;

	if (cached(rx) < room)
		rx->cache[rx->cache_tail++ % room] = page;
	else
		mqnic_driver_page_drop(q, page);
}

void mqnic_driver_pages_free(struct mqnic_driver *d)
{
	while (d->pages) {
		struct mqnic_page *page = d->pages;

		d->pages = page->next_all;
		if (page->refs)
			memory_free(d->machine->mem, page->paddr, 1);
		free(page);
	}
}
