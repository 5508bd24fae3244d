/* SPDX-License-Identifier: MIT */
/*
 * Requests of every kind: made, owned and ended. See stress.h.
 */
#include "stress.h"

#include <errno.h>
#include <string.h>

/* One in so many requests has its addresses and bytes compared. */
#define CHECK_EVERY 16u

static unsigned draw(struct worker *w, unsigned below)
{
	return (unsigned)rng_below(&w->rng, below);
}

static bool is_shared(const struct worker *w, const struct item *item)
{
	return w->world->promise->shares || item->kind == ITEM_BUFFER;
}

/* ---- memory for requests ---- */

static struct slot *take_slot(struct worker *w)
{
	const unsigned from = draw(w, SLOTS);

	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *slot = &w->slot[(from + i) % SLOTS];

		if (!__atomic_load_n(&slot->busy, __ATOMIC_ACQUIRE)) {
			slot->busy = true;
			return slot;
		}
	}
	return NULL;
}

static void give_back(struct slot *slot)
{
	if (slot)
		__atomic_store_n(&slot->busy, false, __ATOMIC_RELEASE);
}

/* Sub-page, a page, or many, as much as has room. */
static size_t draw_bytes(struct worker *w, size_t most)
{
	switch (draw(w, 4)) {
	case 0:
		return 1 + draw(w, (unsigned)(most < PAGE ? most : PAGE));
	case 1:
		return most < PAGE ? most : PAGE;
	default:
		return 1 + draw(w, (unsigned)most);
	}
}

/* Of a slot, or now and then of the pages that anybody may map at any time. */
static bool fill(struct worker *w, struct item *item, int i, bool common)
{
	struct slot *slot = common ? NULL : take_slot(w);
	uint64_t paddr = IOTOLL_PHYS_U64(w->world->common), bytes;
	unsigned offset = draw(w, 3) ? draw(w, PAGE) : 0;

	if (!common && !slot)
		return false;
	if (common) {
		paddr += draw(w, COMMON - 2) * PAGE + offset;
		bytes = 1 + draw(w, PAGE);
	} else {
		paddr = slot->paddr + offset;
		bytes = draw_bytes(w, slot->pages * PAGE - offset);
	}
	item->slot[i] = slot;
	item->sg[i] = (struct iotoll_sg){.paddr = IOTOLL_PHYS(paddr), .bytes = bytes};
	return true;
}

static struct item *take_item(struct worker *w)
{
	for (unsigned i = 0; i < ITEMS; i++) {
		struct item *item = &w->item[i];

		if (!__atomic_load_n(&item->busy, __ATOMIC_ACQUIRE)) {
			item->busy = true;
			return item;
		}
	}
	return NULL;
}

static void end_item(struct item *item)
{
	for (int i = 0; i < item->n; i++)
		give_back(item->slot[i]);
	__atomic_store_n(&item->busy, false, __ATOMIC_RELEASE);
}

/* ---- mapping ---- */

static void own(struct worker *w, struct item *item)
{
	for (int i = 0; i < item->n; i++) {
		const uint64_t iova = IOTOLL_IOVA_U64(item->sg[i].dma_address);
		const uint64_t paddr = IOTOLL_PHYS_U64(item->sg[i].paddr);

		if ((iova ^ paddr) % PAGE)
			world_broken(w->world, "%#llx for %#llx: another offset in its page",
				     (unsigned long long)iova, (unsigned long long)paddr);
		if (item->sg[i].dma_bytes != item->sg[i].bytes)
			world_broken(w->world, "an element has other bytes than were asked for");
		if (!oracle_claim(&w->world->oracle, iova, paddr, item->sg[i].bytes,
				  is_shared(w, item)))
			world_broken(w->world, "%#llx, %#llx bytes: handed out while it is taken",
				     (unsigned long long)iova,
				     (unsigned long long)item->sg[i].bytes);
	}
	if (item_compares(w, item))
		for (int i = 0; i < item->n; i++)
			item_device_works(w, item, i);
	else
		item->checked = false;
}

static void disown(struct worker *w, const struct item *item)
{
	for (int i = 0; i < item->n; i++)
		if (!oracle_release(&w->world->oracle, IOTOLL_IOVA_U64(item->sg[i].dma_address),
				    IOTOLL_PHYS_U64(item->sg[i].paddr), item->sg[i].bytes,
				    is_shared(w, item)))
			world_broken(w->world, "%#llx was taken from its owner",
				     (unsigned long long)IOTOLL_IOVA_U64(item->sg[i].dma_address));
}

static bool map_page(struct worker *w, struct item *item)
{
	const struct iotoll_dma_attrs attrs = {.ring = w->number % (RINGS + 1)};
	struct iotoll_sg *sg = &item->sg[0];

	sg->dma_bytes = sg->bytes;
	sg->dma_address = iotoll_dma_map_page_attrs(w->world->dev[item->dev], sg->paddr, sg->bytes,
						    item->dir, attrs.ring ? &attrs : NULL);
	return !iotoll_dma_mapping_error(sg->dma_address);
}

static bool map_coherent(struct worker *w, struct item *item)
{
	struct iotoll_sg *sg = &item->sg[0];
	uint64_t words[2];

	item->dir = IOTOLL_DMA_BIDIRECTIONAL;
	item->slot[0] = NULL;
	sg->bytes = sg->dma_bytes = (1 + draw(w, 3)) * PAGE;
	item->ptr = iotoll_dma_alloc_coherent(w->world->dev[item->dev], sg->bytes - draw(w, PAGE),
					      &sg->dma_address, &sg->paddr);
	if (!item->ptr)
		return false;
	if (!oracle_take_lines(&w->world->oracle, IOTOLL_PHYS_U64(sg->paddr), sg->bytes))
		world_broken(w->world, "coherent memory is somebody else's");
	memcpy(&words[0], item->ptr, 8);
	memcpy(&words[1], (uint8_t *)item->ptr + sg->bytes - 8, 8);
	if (words[0] || words[1])
		world_broken(w->world, "coherent memory is not zeroed");
	memset(item->ptr, 0xC0, sg->bytes);
	w->tally.coherents++;
	return true;
}

/* A strategy without buffers has none to give: then it is an ordinary request. */
static bool map_buffer(struct worker *w, struct item *item)
{
	struct iotoll_sg *sg = &item->sg[0];
	const struct iotoll_dma_attrs attrs = {.ring = 1 + w->number % RINGS};

	if (draw(w, 2))
		item->dir = IOTOLL_DMA_FROM_DEVICE;
	sg->bytes = 64 + draw(w, 2000);
	item->ptr = iotoll_dma_buffer_alloc(w->world->dev[item->dev], sg->bytes, item->dir, &attrs,
					    &sg->paddr);
	w->tally.operations++;
	if (!item->ptr) {
		item->kind = ITEM_PAGE;
		item->n = fill(w, item, 0, false) ? 1 : 0;
		return item->n && map_page(w, item);
	}
	if (!oracle_take_lines(&w->world->oracle, IOTOLL_PHYS_U64(sg->paddr), sg->bytes))
		world_broken(w->world, "a buffer is somebody else's");
	memset(item->ptr, (uint8_t)item->stamp, sg->bytes);
	w->tally.buffers++;
	if (map_page(w, item))
		return true;
	world_broken(w->world, "a buffer of the strategy's own cannot be mapped");
}

static bool map_list(struct worker *w, struct item *item)
{
	struct iotoll_dma_device *dev = w->world->dev[item->dev];
	const int mapped = item->kind == ITEM_SG
				   ? iotoll_dma_map_sg(dev, item->sg, item->n, item->dir)
				   : iotoll_dma_map_multi(dev, item->sg, item->n, item->dir, NULL);

	if (mapped && mapped != item->n)
		world_broken(w->world, "%d of a list's %d elements mapped", mapped, item->n);
	return mapped;
}

static enum item_kind draw_kind(struct worker *w)
{
	const unsigned roll = draw(w, 100);

	return roll < 64   ? ITEM_PAGE
	       : roll < 76 ? ITEM_SG
	       : roll < 88 ? ITEM_MULTI
	       : roll < 91 ? ITEM_COHERENT
			   : ITEM_BUFFER;
}

/* Memory for the request, marked. How many elements, 0 if there is none. */
static int prepare(struct worker *w, struct item *item)
{
	const bool common = draw(w, 8) == 0;
	const bool list = item->kind == ITEM_SG || item->kind == ITEM_MULTI;
	const int most = list ? 1 + (int)draw(w, LIST_MAX) : 1;
	int n = 0;

	/* What several drivers write at a time is nobody's to judge, so devices that copy only read
	 * it. */
	if (common && w->world->promise->copies)
		item->dir = IOTOLL_DMA_TO_DEVICE;
	while (n < most && fill(w, item, n, common))
		n++;
	for (int i = 0; item->checked && i < n; i++)
		item_stamp(w, item, i);
	return n;
}

struct item *item_map(struct worker *w)
{
	struct item *item = take_item(w);
	bool mapped;

	if (!item)
		return NULL;
	item->kind = draw_kind(w);
	item->dev = draw(w, DEVICES);
	item->dir = (enum iotoll_dma_dir)draw(w, 3);
	item->checked = draw(w, CHECK_EVERY) == 0;
	item->stamp = rng_u64(&w->rng);
	item->slot[0] = NULL;
	item->n = 1;
	if (item->kind == ITEM_COHERENT) {
		mapped = map_coherent(w, item);
	} else if (item->kind == ITEM_BUFFER) {
		item->checked = false;
		mapped = map_buffer(w, item);
	} else {
		item->n = prepare(w, item);
		if (!item->n) {
			end_item(item);
			return NULL;
		}
		mapped = item->kind == ITEM_PAGE ? map_page(w, item) : map_list(w, item);
	}
	w->tally.operations += (unsigned)item->n;
	if (!mapped) {
		w->tally.failures += item->n != 0; /* else nothing was asked for */
		end_item(item);
		return NULL;
	}
	if (item->kind != ITEM_COHERENT)
		w->tally.maps += (unsigned)item->n;
	own(w, item);
	return item;
}

/* ---- unmapping ---- */

static void unmap_one(struct worker *w, struct item *item)
{
	struct iotoll_dma_device *dev = w->world->dev[item->dev];
	struct iotoll_sg *sg = &item->sg[0];
	const uint8_t *bytes = item->ptr;

	if (item->kind == ITEM_COHERENT) {
		(void)oracle_give_lines(&w->world->oracle, IOTOLL_PHYS_U64(sg->paddr), sg->bytes);
		iotoll_dma_free_coherent(dev, sg->bytes, item->ptr, sg->dma_address);
		return;
	}
	iotoll_dma_unmap_page(dev, sg->dma_address, sg->bytes, item->dir);
	if (item->kind != ITEM_BUFFER)
		return;
	for (size_t i = 0; i < sg->bytes; i++)
		if (bytes[i] != (uint8_t)item->stamp)
			world_broken(w->world, "byte %zu of a buffer was changed by nobody", i);
	(void)oracle_give_lines(&w->world->oracle, IOTOLL_PHYS_U64(sg->paddr), sg->bytes);
	iotoll_dma_buffer_free(dev, sg->paddr);
	w->tally.operations++;
}

void item_unmap(struct worker *w, struct item *item)
{
	struct iotoll_dma_device *dev = w->world->dev[item->dev];

	disown(w, item);
	if (item->kind == ITEM_SG)
		iotoll_dma_unmap_sg(dev, item->sg, item->n, item->dir);
	else if (item->kind == ITEM_MULTI)
		iotoll_dma_unmap_multi(dev, item->sg, item->n, item->dir, NULL);
	else
		unmap_one(w, item);
	for (int i = 0; item->checked && i < item->n; i++) {
		item_driver_finds(w, item, i);
		item_is_gone(w, item, i);
	}
	w->tally.operations += (unsigned)item->n;
	if (item->kind != ITEM_COHERENT)
		w->tally.unmaps += (unsigned)item->n;
	end_item(item);
}

void item_sync(struct worker *w, struct item *item)
{
	const int i = (int)draw(w, (unsigned)item->n);
	const struct iotoll_sg *sg = &item->sg[i];
	const uint64_t from = draw(w, (unsigned)sg->bytes);
	const iotoll_iova_t at = IOTOLL_IOVA(IOTOLL_IOVA_U64(sg->dma_address) + from);
	const size_t bytes = 1 + draw(w, (unsigned)(sg->bytes - from));

	iotoll_dma_sync_single_for_cpu(w->world->dev[item->dev], at, bytes, item->dir);
	iotoll_dma_sync_single_for_device(w->world->dev[item->dev], at, bytes, item->dir);
	w->tally.operations += 2;
}
