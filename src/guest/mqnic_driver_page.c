/* SPDX-License-Identifier: MIT */
/*
 * Receive pages (Linux 6.1: mlx5e_page_alloc_pool, mlx5e_rx_cache_get, mlx5e_rx_cache_put,
 * mlx5e_page_release_dynamic). The cache is a queue: only its oldest page is ever looked at, and if
 * the stack still has that one, a new page is taken.
 *
 * A DMA API that has memory for buffers takes the place of that cache, as Linux's page pool has
 * taken it since 6.4. Other pages come from the machine's page allocator, which hands out the page
 * freed last first; Linux's lists of free pages for each CPU, and a lock behind them, are not
 * modelled.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/mqnic_driver_internal.h"

static bool take_memory(struct mqnic_driver *d, const struct iotoll_dma_attrs *attrs,
			struct mqnic_page *page)
{
	/* 512 lie so that one entry of 2 MiB can lead to them. */
	const uint64_t align =
		page->pages == MQNIC_CHUNK_PAGES_MAX ? page->pages * PAGE_BYTES : PAGE_BYTES;
	iotoll_phys_t paddr;

	page->buffer = attrs && iotoll_dma_buffer_alloc(d->dma, PAGE_BYTES, IOTOLL_DMA_FROM_DEVICE,
							attrs, &paddr);
	if (page->buffer)
		page->paddr = IOTOLL_PHYS_U64(paddr);
	return page->buffer || !memory_alloc(d->machine->mem, page->pages, align, 0, &page->paddr);
}

static void free_memory(struct mqnic_driver *d, const struct mqnic_page *page)
{
	if (page->buffer)
		iotoll_dma_buffer_free(d->dma, IOTOLL_PHYS(page->paddr));
	else
		memory_free(d->machine->mem, page->paddr, page->pages);
}

/* Of @pages pages; with @attrs, a single one that the NIC is to write, mapped with these. */
static struct mqnic_page *new_pages(struct mqnic_driver *d, unsigned pages,
				    const struct iotoll_dma_attrs *attrs)
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
	page->pages = pages;
	page->mapped = page->chunk = false;
	if (!take_memory(d, attrs, page)) {
		page->next = d->free_pages;
		d->free_pages = page;
		return NULL;
	}
	page->refs = 1;
	return page;
}

struct mqnic_page *mqnic_driver_page_new(struct mqnic_driver *d)
{
	return new_pages(d, 1, NULL);
}

struct mqnic_page *mqnic_driver_page_fresh(struct driver_queue *q)
{
	const struct iotoll_dma_attrs attrs = {.ring = 2 * q->number + 1};

	return new_pages(q->driver, 1, &attrs);
}

/*
 * A chunk, zeroed when it is new: what the NIC may read where it is only to write (some IOMMUs
 * grant both) is nothing but what it wrote.
 */
static struct mqnic_page *chunk(struct mqnic_driver *d, struct cpu *cpu)
{
	struct mqnic_page *page = d->free_chunks;
	size_t bytes;

	if (page) {
		d->free_chunks = page->next;
		page->refs = 1;
		return page;
	}
	page = new_pages(d, d->config.rx_chunk_pages, NULL);
	if (!page)
		return NULL;
	page->chunk = true;
	bytes = (size_t)page->pages * PAGE_BYTES;
	memset(memory_ptr(d->machine->mem, page->paddr, bytes), 0, bytes);
	cpu_touch(cpu, page->paddr, bytes, true);
	return page;
}

void mqnic_driver_put(struct mqnic_driver *d, struct mqnic_page *page)
{
	if (--page->refs)
		return;
	if (page->chunk) {
		page->next = d->free_chunks;
		d->free_chunks = page;
		return;
	}
	free_memory(d, page);
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
	struct mqnic_page *page = q->lists.stock_count ? NULL : from_cache(q);

	d->stats.rx_pages++;
	/* When this one was mapped the cache had been looked at. */
	d->stats.rx_pages_busy += q->lists.stock_count && cached(&q->rx);
	if (page)
		return page;
	if (d->config.batch && !d->config.rx_chunk_pages)
		return mqnic_driver_lists_page(q, cpu, error);
	page = d->config.rx_chunk_pages ? chunk(d, cpu) : new_pages(d, 1, &attrs);
	if (!page) {
		d->stats.rx_no_memory++;
		*error = -ENOMEM;
		return NULL;
	}
	page->iova = iotoll_dma_map_page_attrs(d->dma, IOTOLL_PHYS(page->paddr),
					       (size_t)page->pages * PAGE_BYTES,
					       IOTOLL_DMA_FROM_DEVICE, &attrs);
	if (iotoll_dma_mapping_error(page->iova)) {
		d->stats.rx_map_errors++;
		mqnic_driver_put(d, page);
		*error = -EIO;
		return NULL;
	}
	page->mapped = true;
	return page;
}

void mqnic_driver_page_drop(struct driver_queue *q, struct mqnic_page *page)
{
	const struct iotoll_dma_attrs attrs = {.ring = 2 * q->number + 1, .more = true};

	if (q->driver->config.batch) {
		mqnic_driver_lists_drop(q, page);
		return;
	}
	iotoll_dma_unmap_page_attrs(q->driver->dma, page->iova, (size_t)page->pages * PAGE_BYTES,
				    IOTOLL_DMA_FROM_DEVICE, &attrs);
	page->mapped = false;
	q->unmapping = true;
	mqnic_driver_put(q->driver, page);
}

void mqnic_driver_unmapped(struct driver_queue *q)
{
	if (q->driver->config.batch)
		mqnic_driver_lists_dropped(q);
	if (q->unmapping)
		iotoll_dma_unmap_end(q->driver->dma);
	q->unmapping = false;
}

void mqnic_driver_page_release(struct driver_queue *q, struct mqnic_page *page)
{
	struct rx_queue *rx = &q->rx;
	const unsigned room = q->driver->config.page_cache;

	if (!page->buffer && !rx->hold && cached(rx) < room)
		rx->cache[rx->cache_tail++ % room] = page;
	else
		mqnic_driver_page_drop(q, page);
}

void mqnic_driver_pages_free(struct mqnic_driver *d)
{
	for (; d->free_chunks; d->free_chunks = d->free_chunks->next)
		d->free_chunks->refs = 1;
	while (d->pages) {
		struct mqnic_page *page = d->pages;

		d->pages = page->next_all;
		if (page->refs)
			free_memory(d, page);
		free(page);
	}
}
