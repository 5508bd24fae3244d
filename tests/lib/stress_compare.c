/* SPDX-License-Identifier: MIT */
/*
 * Requests held against what the hardware half says of them: where their addresses lead, what a
 * device finds and leaves there, and that nothing does any more when they are over. See stress.h.
 */
#include "stress.h"

#include <string.h>

static bool device_reads(const struct item *item)
{
	return item->dir != IOTOLL_DMA_FROM_DEVICE;
}

static bool device_writes(const struct item *item)
{
	return item->dir != IOTOLL_DMA_TO_DEVICE;
}

/* Byte @at of element @i, as the device finds it; NULL: what it finds cannot be judged. */
static uint8_t *reach(struct worker *w, const struct item *item, int i, size_t at, bool changes)
{
	const struct promise *p = w->world->promise;
	const uint64_t iova = IOTOLL_IOVA_U64(item->sg[i].dma_address) + at;
	const enum iotoll_access access = device_writes(item) ? IOTOLL_WRITE : IOTOLL_READ;
	uint64_t paddr = 0;
	bool hit;
	const int rc = world_reach(w->world, item->dev, iova, access, changes, &paddr, &hit);

	if (p->stale && (hit || rc))
		return NULL;
	if (rc)
		world_broken(w->world, "a live request's %#llx is refused (%d)",
			     (unsigned long long)iova, rc);
	if (!p->copies && paddr != IOTOLL_PHYS_U64(item->sg[i].paddr) + at)
		world_broken(w->world, "%#llx leads to %#llx, not to its request's %#llx",
			     (unsigned long long)iova, (unsigned long long)paddr,
			     (unsigned long long)(IOTOLL_PHYS_U64(item->sg[i].paddr) + at));
	return world_ptr(w->world, paddr);
}

bool item_compares(const struct worker *w, const struct item *item)
{
	return item->checked && w->world->of->hardware && world_has_hardware(w->world);
}

/* What of an element carries a stamp: its first bytes and its last, if it is long enough. */
static bool stamped(const struct item *item, int i)
{
	return item->slot[i] && item->sg[i].bytes >= 2 * sizeof(item->stamp);
}

void item_stamp(struct worker *w, struct item *item, int i)
{
	const uint64_t paddr = IOTOLL_PHYS_U64(item->sg[i].paddr);
	const uint64_t end = paddr + item->sg[i].bytes - sizeof(item->stamp);

	if (!stamped(item, i))
		return;
	memcpy(world_ptr(w->world, paddr), &item->stamp, sizeof(item->stamp));
	memcpy(world_ptr(w->world, end), &item->stamp, sizeof(item->stamp));
}

void item_device_works(struct worker *w, const struct item *item, int i)
{
	const size_t last = item->sg[i].bytes - 1;
	uint8_t *first_byte = reach(w, item, i, 0, true);
	uint8_t *last_byte = reach(w, item, i, last, true);

	w->tally.checks++;
	if (!stamped(item, i) || !first_byte || !last_byte)
		return;
	if (device_reads(item) &&
	    (*first_byte != (uint8_t)item->stamp || *last_byte != (uint8_t)(item->stamp >> 56)))
		world_broken(w->world, "the device reads %02x..%02x where %02x..%02x was written",
			     *first_byte, *last_byte, (uint8_t)item->stamp,
			     (uint8_t)(item->stamp >> 56));
	if (device_writes(item)) {
		*first_byte = (uint8_t)~item->stamp;
		*last_byte = (uint8_t) ~(item->stamp >> 56);
	}
}

void item_driver_finds(struct worker *w, const struct item *item, int i)
{
	const uint64_t paddr = IOTOLL_PHYS_U64(item->sg[i].paddr);
	const uint8_t first = *world_ptr(w->world, paddr);
	const uint8_t last = *world_ptr(w->world, paddr + item->sg[i].bytes - 1);

	if (w->world->promise->stale || !stamped(item, i))
		return;
	if (first == (uint8_t)(device_writes(item) ? ~item->stamp : item->stamp) &&
	    last == (uint8_t)((device_writes(item) ? ~item->stamp : item->stamp) >> 56))
		return;
	world_broken(w->world, "the driver finds %02x..%02x of a stamp %#llx", first, last,
		     (unsigned long long)item->stamp);
}

void item_is_gone(struct worker *w, const struct item *item, int i)
{
	const struct promise *p = w->world->promise;
	const struct slot *slot = item->slot[i];
	const uint64_t iova = IOTOLL_IOVA_U64(item->sg[i].dma_address);
	uint64_t paddr = 0;
	bool hit;

	if (!p->gone || !slot ||
	    world_reach(w->world, item->dev, iova, device_writes(item) ? IOTOLL_WRITE : IOTOLL_READ,
			false, &paddr, &hit))
		return;
	if (paddr >= slot->paddr && paddr < slot->paddr + slot->pages * PAGE)
		world_broken(w->world, "%#llx leads to %#llx after its unmap",
			     (unsigned long long)iova, (unsigned long long)paddr);
	if (w->world->of->threads == 1 && !p->shares && !p->keeps)
		world_broken(w->world, "%#llx leads somewhere after its unmap",
			     (unsigned long long)iova);
}

void item_check(struct worker *w, const struct item *item)
{
	for (int i = 0; i < item->n && world_has_hardware(w->world); i++) {
		(void)reach(w, item, i, 0, false);
		(void)reach(w, item, i, item->sg[i].bytes - 1, false);
	}
}
