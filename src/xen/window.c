// SPDX-License-Identifier: MIT
/*
 * Bus addresses that come with grant mappings ("The Price of Safety", section 4.4): a map with
 * GNTMAP_device_map makes the device's entry in the same hypercall and returns its address in
 * dev_bus_addr, an unmap that names that address clears it. The domain itself allocates the
 * addresses below the window, by its DMA layer; those in the window are handed out here.
 *
 * They go round: an address is free again when the IOTLB has been flushed since its entry was
 * cleared, so none is reused with what it said before. When that flush comes is the device's
 * configuration: before the unmap returns, as the ABI has it, or not before addresses run out, the
 * paper's deferred flush (section 4.1). The frame's references wait for it either way; its owner
 * has the grant back at once, and until the flush a device may still reach the page.
 *
 * An address is kept with its handle, of which a real table would have the words beside each other:
 * it is not charged apart.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "xen/grant.h"
#include "xen/impl.h"
#include "xen/iommu.h"

/* A ring of all addresses that are not in use: first the free ones, behind them the stale. */
struct window {
	uint64_t first, count;
	uint32_t *bfn; /* [count], less first */
	uint64_t at, free, stale;
	bool lazy;
};

int window_create(struct device *v, uint64_t first, bool lazy)
{
	struct window *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	*w = (struct window){.first = first, .count = v->bfns - first, .lazy = lazy};
	w->free = w->count;
	w->bfn = calloc(w->count, sizeof(*w->bfn));
	if (!w->bfn) {
		free(w);
		return -ENOMEM;
	}
	for (uint64_t i = 0; i < w->count; i++)
		w->bfn[i] = (uint32_t)i;
	v->window = w;
	return 0;
}

void window_destroy(struct device *v)
{
	if (v->window)
		free(v->window->bfn);
	free(v->window);
	v->window = NULL;
}

uint64_t window_limit(const struct device *v)
{
	return v->window ? v->window->first : v->bfns;
}

void window_flushed(struct device *v)
{
	if (!v->window)
		return;
	v->window->free += v->window->stale;
	v->window->stale = 0;
}

static struct device *device_of(const struct xen_domain *d)
{
	struct device *v = d->devices;

	while (v && !v->window)
		v = v->next;
	return v;
}

bool window_there(const struct xen_domain *d)
{
	return device_of(d) != NULL;
}

static bool enter(struct device *v, struct cpu *cpu, const struct xen_domain *granter, mfn_t mfn,
		  bool write, uint32_t *bfn)
{
	struct window *w = v->window;
	struct xen *hv = v->d->hv;
	uint64_t at;

	if (!w->free && w->stale) {
		device_flush(v, cpu);
		assert(w->free);
	}
	if (!w->free || !frame_use(hv, cpu, mfn, granter, write))
		return false;
	at = w->first + w->bfn[w->at];
	if (v->ops->map(v->ctx, cpu, v->id, at, mfn, true, write) != 0) {
		frame_unuse(hv, cpu, mfn, write);
		return false;
	}
	w->at = (w->at + 1) % w->count;
	w->free--;
	*bfn = (uint32_t)at;
	v->entry[at] = mfn << PAGE_SHIFT | ENTRY_GRANT | ENTRY_R | (write ? ENTRY_W : 0);
	hv->counters.iommu_grants++;
	return true;
}

bool window_enter(struct xen_domain *d, struct cpu *cpu, const struct xen_domain *granter,
		  mfn_t mfn, bool write, uint32_t *bfn)
{
	struct device *v = device_of(d);
	bool done;

	device_lock(v, cpu);
	done = enter(v, cpu, granter, mfn, write, bfn);
	device_unlock(v, cpu);
	return done;
}

void window_leave(struct xen_domain *d, struct cpu *cpu, uint32_t bfn)
{
	struct device *v = device_of(d);
	struct window *w;
	bool stale;

	if (!v) /* taken away, with its entries */
		return;
	w = v->window;
	device_lock(v, cpu);
	stale = v->stale;
	/* In the ring first: if too many frames wait, what follows is its flush. */
	w->bfn[(w->at + w->free + w->stale) % w->count] = bfn - (uint32_t)w->first;
	w->stale++;
	device_entry_clear(v, cpu, bfn);
	if (w->lazy && w->stale)
		v->stale = stale;
	device_unlock(v, cpu);
}

bool window_right(const struct device *v, uint64_t live)
{
	return !v->window || v->window->free + v->window->stale + live == v->window->count;
}
