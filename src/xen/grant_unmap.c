// SPDX-License-Identifier: MIT
/*
 * GNTTABOP_unmap_grant_ref: in batches of 32, first every page-table and IOMMU entry goes, then the
 * TLBs are flushed, and only then references are dropped, and pins after them (the order 4.17 came
 * to; statuses as in 3.1).
 *
 * An element is checked as a whole before anything of it is done. What is unmapped is what was
 * asked for and is still there, never what a zero field might mean.
 *
 * Decided here: a handle on which entries of the caller's devices rest, made by iommu_op, cannot be
 * released (GNTST_general_error): they are to be unmapped first.
 */
#include <errno.h>

#include "xen/cost.h"
#include "xen/grant.h"
#include "xen/impl.h"
#include "xen/iommu.h"

#define BATCH 32u

/* One element between the clearing of its entries and the dropping of its references. */
struct going {
	uint32_t handle;
	uint32_t ref;
	struct xen_domain *rd;
	mfn_t frame;
	unsigned parts;   /* GNTMAP_host_map, _device_map */
	uint32_t bus;     /* the page handed out for devices, or BUS_NONE */
	bool write, last; /* last: nothing of the handle is left */
};

/* Would the caller's devices keep an entry that no mapping stands behind? */
static bool devices_need(const struct call *c, const struct going *g)
{
	const struct mapped *m = mapped_find(c->d, g->rd, g->frame);
	const uint32_t writes = m->writes - (g->write ? 1 : 0);
	const uint32_t all = m->reads + m->writes - 1;

	return (m->dma_writes != 0 && writes == 0) ||
	       (m->dma_reads + m->dma_writes != 0 && all == 0);
}

/* Which parts of the mapping the element means; checks that they are there. */
static int16_t check(struct call *c, const gnttab_unmap_grant_ref_t *op, struct going *g,
		     phys_t *at)
{
	const struct maptrack *m = maptrack_of(c->d, op->handle);
	uint64_t pte;

	if (!m)
		return GNTST_bad_handle;
	maptrack_touch(c->d, c->cpu, op->handle, true);
	*g = (struct going){.handle = op->handle,
			    .ref = m->ref,
			    .rd = c->hv->domain[m->domid],
			    .bus = c->d->grants->bus[op->handle],
			    .write = !(m->flags & GNTMAP_readonly)};
	g->frame = g->rd->grants->active[g->ref].frame;
	if (op->dev_bus_addr != 0) {
		if (op->dev_bus_addr >> PAGE_SHIFT != (g->bus != BUS_NONE ? g->bus : g->frame))
			return GNTST_general_error;
		g->parts |= m->flags & GNTMAP_device_map;
	}
	if (op->host_addr != 0 && m->flags & GNTMAP_host_map) {
		if (grant_host_entry(c, op->host_addr, m->flags, at) != 0)
			return GNTST_general_error;
		pte = pte_read(c->hv, c->cpu, *at);
		if (!(pte & PTE_PRESENT) || pte_mfn(pte) != g->frame ||
		    ((pte & PTE_RW) != 0) != g->write)
			return GNTST_general_error;
		g->parts |= GNTMAP_host_map;
	}
	return GNTST_okay;
}

/* First half: entries go. GNTST_okay with no parts: there was nothing to do. */
static int16_t clear_entries(struct call *c, const gnttab_unmap_grant_ref_t *op, struct going *g)
{
	phys_t at = 0;
	const int16_t status = check(c, op, g, &at);
	struct maptrack *m;
	unsigned left;
	bool astray;

	if (status != GNTST_okay || g->parts == 0)
		return status;
	m = maptrack_of(c->d, g->handle);
	left = m->flags & (GNTMAP_host_map | GNTMAP_device_map) & ~g->parts;
	if (left == 0 && devices_need(c, g))
		return GNTST_general_error;
	astray = g->parts & GNTMAP_host_map && !follow_is_granted(c->d, at);
	if (g->parts & GNTMAP_host_map)
		pte_write(c->hv, c->cpu, at, 0);
	m->flags &= (uint8_t)~g->parts;
	if (g->parts & GNTMAP_device_map && g->bus != BUS_NONE)
		window_leave(c->d, c->cpu, g->bus);
	g->last = left == 0;
	if (left == 0) {
		mapped_drop(c->d, g->rd, g->frame, g->write);
		if (astray)
			follow_recheck(c->d, g->frame);
		devices_grant_unmapped(c->d, c->cpu, g->rd, g->frame);
	}
	return GNTST_okay;
}

/* Second half, after the flush. */
static void drop_references(struct call *c, const struct going *g)
{
	uint32_t pins = 0;

	if (g->parts & GNTMAP_host_map) {
		frame_unuse(c->hv, c->cpu, g->frame, g->write);
		pins += g->write ? PIN_HOST_WRITE : PIN_HOST_READ;
	}
	if (g->parts & GNTMAP_device_map) {
		frame_unuse(c->hv, c->cpu, g->frame, g->write);
		pins += g->write ? PIN_DEV_WRITE : PIN_DEV_READ;
	}
	grant_unpin(g->rd, c->cpu, g->ref, pins);
	if (g->last) {
		maptrack_put(c->d, g->handle);
		g->rd->handles_on--;
		c->hv->counters.grant_unmaps++;
	}
}

static void finish(struct call *c, const struct going *going, unsigned n)
{
	bool host = false;

	for (unsigned i = 0; i < n; i++)
		host = host || going[i].parts & GNTMAP_host_map;
	if (host)
		cost_charge(c->cpu, COST_TLB_FLUSH);
	devices_settle(c->d, c->cpu);
	devices_grant_flush(c->d, c->cpu);
	for (unsigned i = 0; i < n; i++)
		drop_references(c, &going[i]);
}

/* Elements [@first, @end): at most BATCH. */
static long unmap_batch(struct call *c, uint32_t first, uint32_t end)
{
	struct going going[BATCH];
	unsigned n = 0;
	long ret = 0;

	for (uint32_t i = first; i < end && ret == 0; i++) {
		const uint64_t va = c->args[1] + i * sizeof(gnttab_unmap_grant_ref_t);
		gnttab_unmap_grant_ref_t op;

		if (guest_read(c->d, c->cpu, &op, va, sizeof(op)) != 0) {
			ret = -EFAULT;
			break;
		}
		xen_race(c->hv);
		cost_charge(c->cpu, COST_GRANT_UNMAP);
		op.status = clear_entries(c, &op, &going[n]);
		if (op.status == GNTST_okay && going[n].parts != 0)
			n++;
		ret = guest_write(c->d, c->cpu, va, &op, sizeof(op));
	}
	finish(c, going, n);
	return ret;
}

long grant_unmap(struct call *c)
{
	const uint32_t count = (uint32_t)c->args[2];

	for (uint32_t i = 0; i < count; i += BATCH) {
		const long ret = unmap_batch(c, i, count - i < BATCH ? count : i + BATCH);

		if (ret != 0)
			return ret;
	}
	return 0;
}

void grant_unmap_handle(struct call *c, uint32_t handle, uint64_t host_addr)
{
	const struct maptrack *m = maptrack_of(c->d, handle);
	const struct active *a = &c->hv->domain[m->domid]->grants->active[m->ref];
	const uint64_t bus = c->d->grants->bus[handle];
	const gnttab_unmap_grant_ref_t op = {.host_addr = host_addr,
					     .dev_bus_addr = (bus != BUS_NONE ? bus : a->frame)
							     << PAGE_SHIFT,
					     .handle = handle};
	struct going g;

	if (clear_entries(c, &op, &g) == GNTST_okay && g.parts != 0)
		finish(c, &g, 1);
}
