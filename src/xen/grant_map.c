// SPDX-License-Identifier: MIT
/*
 * GNTTABOP_map_grant_ref, with the checks of Xen 3.1 in their order.
 *
 * Otherwise than there: an entry at a machine address that is no multiple of 8 is refused (3.1
 * would write over its neighbours); a dying domain is GNTST_bad_domain; a mapping whose result
 * cannot be written back is undone, so that no handle lives that nobody knows.
 */
#include <errno.h>

#include "xen/cost.h"
#include "xen/grant.h"
#include "xen/impl.h"
#include "xen/iommu.h"

int grant_host_entry(struct call *c, uint64_t host_addr, uint32_t flags, phys_t *at)
{
	const struct frame *f;

	if (!(flags & GNTMAP_contains_pte))
		return l1_entry_of(c->d, host_addr, at);
	if (host_addr % 8 != 0 || !frame_valid(c->hv, host_addr >> PAGE_SHIFT))
		return -EINVAL;
	f = frame_of(c->hv, host_addr >> PAGE_SHIFT);
	frame_touch(c->hv, c->cpu, host_addr >> PAGE_SHIFT, false);
	if (f->owner != c->d || f->type != TYPE_L1)
		return -EINVAL;
	*at = host_addr;
	return 0;
}

struct wanted {
	struct xen_domain *rd;
	bool write, host, device;
	uint32_t bus; /* page handed out for devices */
	uint32_t pins;
	mfn_t frame;
};

/* Let the caller's devices know, or not: back to where it was. */
static int16_t tell_devices(struct call *c, struct wanted *w)
{
	int ret;

	mapped_add(c->d, w->rd, w->frame, w->write);
	if (w->device && window_there(c->d) &&
	    !window_enter(c->d, c->cpu, w->rd, w->frame, w->write, &w->bus))
		return GNTST_no_device_space;
	ret = devices_grant_mapped(c->d, c->cpu, w->rd, w->frame);
	return ret == 0 ? GNTST_okay : ret == -ENOSPC ? GNTST_no_device_space : GNTST_general_error;
}

static void untell_devices(struct call *c, const struct wanted *w)
{
	if (w->bus != BUS_NONE)
		window_leave(c->d, c->cpu, w->bus);
	mapped_drop(c->d, w->rd, w->frame, w->write);
	devices_grant_unmapped(c->d, c->cpu, w->rd, w->frame);
	devices_grant_flush(c->d, c->cpu);
}

/* References, and what stands on them; the entry is pinned. */
static int16_t take_frame(struct call *c, const gnttab_map_grant_ref_t *op, struct wanted *w)
{
	const unsigned uses = (unsigned)w->host + (unsigned)w->device;
	unsigned taken = 0;
	int16_t status = GNTST_general_error;
	phys_t at;
	uint64_t old;

	while (taken < uses && frame_use(c->hv, c->cpu, w->frame, w->rd, w->write))
		taken++;
	if (taken < uses)
		goto unuse;
	/* Where the entry is to go may change while a driver is at work: devices come first. */
	status = tell_devices(c, w);
	if (status != GNTST_okay)
		goto untell;
	if (w->host) {
		status = GNTST_general_error;
		if (grant_host_entry(c, op->host_addr, op->flags, &at) != 0)
			goto untell;
		old = pte_read(c->hv, c->cpu, at);
		pte_write(c->hv, c->cpu, at, pte_make(w->frame, w->write));
		follow_granted(c->d, at);
		pte_put(c->hv, c->cpu, old);
	}
	return GNTST_okay;
untell:
	untell_devices(c, w);
unuse:
	while (taken-- != 0)
		frame_unuse(c->hv, c->cpu, w->frame, w->write);
	return status;
}

static int16_t map_one(struct call *c, gnttab_map_grant_ref_t *op)
{
	struct wanted w = {.write = !(op->flags & GNTMAP_readonly),
			   .host = (op->flags & GNTMAP_host_map) != 0,
			   .device = (op->flags & GNTMAP_device_map) != 0,
			   .bus = BUS_NONE};
	uint32_t handle;
	int16_t status;

	if (!w.host && !w.device)
		return GNTST_bad_gntref;
	w.rd = domain_alive(c->hv, op->dom);
	if (!w.rd)
		return GNTST_bad_domain;
	handle = maptrack_get(c->d);
	if (handle == HANDLE_NONE)
		return GNTST_no_device_space;
	w.rd->handles_on++; /* from here on it does not go away */
	w.pins = (w.host ? w.write ? PIN_HOST_WRITE : PIN_HOST_READ : 0) +
		 (w.device ? w.write ? PIN_DEV_WRITE : PIN_DEV_READ : 0);
	status = grant_pin(w.rd, c->cpu, op->ref, c->d->id, w.write, w.pins, &w.frame);
	if (status != GNTST_okay)
		goto put_handle;
	status = take_frame(c, op, &w);
	if (status != GNTST_okay)
		goto unpin;
	c->d->grants->track[handle] = (struct maptrack){.domid = w.rd->id,
							.flags = op->flags & MAPTRACK_FLAGS,
							.used = true,
							.ref = op->ref};
	maptrack_touch(c->d, c->cpu, handle, true);
	op->handle = handle;
	c->d->grants->bus[handle] = w.bus;
	op->dev_bus_addr = (w.bus != BUS_NONE ? w.bus : w.frame) << PAGE_SHIFT;
	c->hv->counters.grant_maps++;
	return GNTST_okay;
unpin:
	grant_unpin(w.rd, c->cpu, op->ref, w.pins);
put_handle:
	w.rd->handles_on--;
	maptrack_put(c->d, handle);
	return status;
}

long grant_map(struct call *c)
{
	for (uint32_t i = 0; i < (uint32_t)c->args[2]; i++) {
		const uint64_t va = c->args[1] + i * sizeof(gnttab_map_grant_ref_t);
		gnttab_map_grant_ref_t op;

		if (guest_read(c->d, c->cpu, &op, va, sizeof(op)) != 0)
			return -EFAULT;
		xen_race(c->hv);
		cost_charge(c->cpu, COST_GRANT_MAP);
		op.status = map_one(c, &op);
		if (guest_write(c->d, c->cpu, va, &op, sizeof(op)) != 0) {
			if (op.status == GNTST_okay)
				grant_unmap_handle(c, op.handle, op.host_addr);
			return -EFAULT;
		}
	}
	return 0;
}
