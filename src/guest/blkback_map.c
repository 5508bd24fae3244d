/* SPDX-License-Identifier: MIT */
/*
 * Pages of a request, in one hypercall each way (Linux: dispatch_rw_block_io, fast_flush_area):
 * writable for what is read from the disk, read-only for what is written to it.
 */
#include "guest/blkback_internal.h"

/* @count of @p's arguments, of @bytes each, to command @cmd. */
static bool call(struct blkback_pending *p, struct cpu *cpu, unsigned cmd, void *ops, size_t bytes,
		 unsigned count)
{
	struct pv_kernel *k = p->bb->k;
	bool good;

	pv_touch(k, cpu, ops, bytes * count, true);
	good = !pv_hypercall(k, cpu, __HYPERVISOR_grant_table_op, cmd,
			     pv_va(memory_addr(k->machine->mem, ops)), count, 0);
	pv_touch(k, cpu, ops, bytes * count, false);
	return good;
}

/* Those that were mapped to the front, so that they are the first. True if all were. */
static bool sort_out(struct blkback_pending *p, struct cpu *cpu, bool called)
{
	struct pv_kernel *k = p->bb->k;

	const struct gnttab_map_grant_ref *op = &p->op[0].map;
	const unsigned count = p->req.nr_segments;

	for (unsigned i = 0; called && i < count; i++) {
		const phys_t page = p->page[i];

		if (op[i].status != GNTST_okay)
			continue;
		p->page[i] = p->page[p->mapped];
		p->page[p->mapped] = page;
		p->bus[p->mapped] = k->device_grants ? op[i].dev_bus_addr : 0;
		if (k->device_grants)
			pv_set_bus(k, cpu, page, op[i].dev_bus_addr);
		p->handle[p->mapped++] = op[i].handle;
	}
	p->bb->stats.maps += p->mapped;
	return p->mapped == count;
}

bool blkback_map(struct blkback_pending *p, struct cpu *cpu)
{
	const bool write = p->req.operation != BLKIF_OP_READ;
	struct gnttab_map_grant_ref *op = &p->op[0].map;
	const unsigned count = p->req.nr_segments;

	p->mapped = 0;
	if (!count)
		return true;
	for (unsigned i = 0; i < count; i++)
		op[i] = (struct gnttab_map_grant_ref){
			.host_addr = pv_va(p->page[i]),
			.flags = GNTMAP_host_map | (write ? GNTMAP_readonly : 0) |
				 (p->bb->k->device_grants ? GNTMAP_device_map : 0),
			.ref = p->req.seg[i].gref,
			.dom = p->vbd->domid,
		};
	p->bb->stats.map_calls++;
	if (sort_out(p, cpu, call(p, cpu, GNTTABOP_map_grant_ref, op, sizeof(*op), count)))
		return true;
	blkback_unmap(p, cpu);
	return false;
}

/* The page at @i stays mapped: find another for the next request. It is lost if there is none. */
static void lose(struct blkback_pending *p, unsigned i)
{
	p->bb->stats.unmap_errors++;
	if (pv_empty_page(p->bb->k, &p->page[i]))
		p->page[i] = 0;
}

void blkback_unmap(struct blkback_pending *p, struct cpu *cpu)
{
	struct gnttab_unmap_grant_ref *op = &p->op[0].unmap;
	const unsigned count = p->mapped;
	bool called;

	if (!count)
		return;
	for (unsigned i = 0; i < count; i++) {
		pv_forget(p->bb->k, p->page[i]);
		op[i] = (struct gnttab_unmap_grant_ref){.host_addr = pv_va(p->page[i]),
							.dev_bus_addr = p->bus[i],
							.handle = p->handle[i]};
		if (p->bus[i])
			pv_set_bus(p->bb->k, cpu, p->page[i], UINT64_MAX);
	}
	p->bb->stats.unmap_calls++;
	called = call(p, cpu, GNTTABOP_unmap_grant_ref, op, sizeof(*op), count);
	p->mapped = 0;
	for (unsigned i = 0; i < count; i++) {
		if (called && op[i].status == GNTST_okay)
			p->bb->stats.unmaps++;
		else
			lose(p, i);
	}
}
