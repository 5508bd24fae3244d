// SPDX-License-Identifier: MIT
/*
 * The grant table of a domain: shared pages, active entries, and how an entry is pinned while it is
 * in use. Version 1, as Xen 3.1's grant_table.c has it.
 *
 * From 4.17: a frame list that cannot be written is GNTST_bad_virt_addr, not silence.
 */
#include <errno.h>
#include <stdlib.h>

#include "xen/cost.h"
#include "xen/grant.h"
#include "xen/impl.h"

/* ---- making and growing ---- */

static int grow(struct xen_domain *d, unsigned frames)
{
	struct grant_table *t = d->grants;

	while (t->frames < frames) {
		if (frame_alloc_heap(d->hv, d, &t->mfn[t->frames]) != 0)
			return -ENOMEM;
		t->frames++;
	}
	return 0;
}

int grant_table_create(struct xen_domain *d)
{
	const unsigned max = d->hv->limits.grant_frames_max;
	struct grant_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	d->grants = t;
	t->track_free = t->mapped_free = HANDLE_NONE;
	for (unsigned i = 0; i < GRANT_MAPPED_HEADS; i++)
		t->mapped_head[i] = HANDLE_NONE;
	t->active = calloc((size_t)max * GRANTS_PER_FRAME, sizeof(*t->active));
	t->track_page =
		calloc(d->hv->limits.maptrack_max / HANDLES_PER_PAGE + 1, sizeof(*t->track_page));
	/* What is there by now goes when the domain does. */
	if (!t->active || !t->track_page ||
	    region_alloc(d->hv, (uint64_t)max * GRANTS_PER_FRAME * sizeof(*t->active),
			 &t->active_at) != 0)
		return -ENOMEM;
	return grow(d, d->hv->limits.grant_frames_initial);
}

void grant_table_destroy(struct xen_domain *d)
{
	struct grant_table *t = d->grants;

	if (!t)
		return;
	while (t->frames != 0)
		frame_release_heap(d->hv, t->mfn[--t->frames]);
	for (uint32_t i = 0; i < t->tracks; i += HANDLES_PER_PAGE) {
		struct region page = {t->track_page[i / HANDLES_PER_PAGE], 1};

		region_free(d->hv, &page);
	}
	region_free(d->hv, &t->active_at);
	free(t->track);
	free(t->mapped);
	free(t->bus);
	free(t->track_page);
	free(t->active);
	free(t);
	d->grants = NULL;
}

/* ---- entries ---- */

volatile grant_entry_v1_t *grant_shared(const struct xen_domain *d, uint32_t ref, phys_t *at)
{
	*at = (d->grants->mfn[ref / GRANTS_PER_FRAME] << PAGE_SHIFT) +
	      ref % GRANTS_PER_FRAME * sizeof(grant_entry_v1_t);
	return memory_ptr(d->hv->board, *at, sizeof(grant_entry_v1_t));
}

static void active_touch(const struct xen_domain *d, struct cpu *cpu, uint32_t ref)
{
	cost_touch(cpu, d->grants->active_at.base + ref * sizeof(struct active),
		   sizeof(struct active), true);
}

/*
 * Type, domain and readonly are checked and the bits in use set in one compare-and-swap of the word
 * {flags, domid}; a granter that keeps changing it wins five times, not for ever.
 */
static int16_t mark_in_use(struct xen_domain *rd, struct cpu *cpu, uint32_t ref, uint16_t id,
			   bool write)
{
	phys_t at;
	volatile grant_entry_v1_t *e = grant_shared(rd, ref, &at);

	for (unsigned tries = 0; tries < GRANT_UNSTABLE_TRIES; tries++) {
		const uint16_t flags = e->flags, domid = e->domid;

		if ((flags & GTF_type_mask) != GTF_permit_access || domid != id)
			return GNTST_general_error;
		if (write && flags & GTF_readonly)
			return GNTST_general_error;
		xen_race(rd->hv);
		cost_atomic(cpu, at);
		if (e->flags != flags || e->domid != domid)
			continue;
		e->flags = (uint16_t)(flags | GTF_reading | (write ? GTF_writing : 0));
		return GNTST_okay;
	}
	return GNTST_general_error;
}

int16_t grant_pin(struct xen_domain *rd, struct cpu *cpu, uint32_t ref, uint16_t id, bool write,
		  uint32_t pins, mfn_t *frame)
{
	struct active *a;
	phys_t at;

	if (ref >= grant_entries(rd))
		return GNTST_bad_gntref;
	a = &rd->grants->active[ref];
	active_touch(rd, cpu, ref);
	if (a->pin != 0 && (a->domid != id || a->pin & PIN_FULL))
		return GNTST_general_error;
	if (a->pin == 0 || (write && !(a->pin & PIN_WRITES))) {
		const int16_t status = mark_in_use(rd, cpu, ref, id, write);

		if (status != GNTST_okay)
			return status;
	}
	if (a->pin == 0) {
		a->domid = id;
		a->frame = grant_shared(rd, ref, &at)->frame;
	}
	a->pin += pins;
	*frame = a->frame;
	return GNTST_okay;
}

void grant_unpin(struct xen_domain *rd, struct cpu *cpu, uint32_t ref, uint32_t pins)
{
	struct active *a = &rd->grants->active[ref];
	phys_t at;
	volatile grant_entry_v1_t *e = grant_shared(rd, ref, &at);
	uint16_t clear = 0;

	a->pin -= pins;
	active_touch(rd, cpu, ref);
	if (!(a->pin & PIN_WRITES))
		clear |= GTF_writing;
	if (a->pin == 0)
		clear |= GTF_reading;
	if (clear) {
		cost_atomic(cpu, at);
		e->flags &= (uint16_t)~clear;
	}
}

/* ---- setup_table and query_size ---- */

/* The domain whose table it is about: a status other than GNTST_okay is the answer. */
static int16_t table_of(struct call *c, domid_t id, struct xen_domain **out)
{
	switch (domain_named(c->d, id, out)) {
	case 0:
		return GNTST_okay;
	case -EPERM:
		return GNTST_permission_denied;
	default:
		return GNTST_bad_domain;
	}
}

static int16_t setup(struct call *c, const gnttab_setup_table_t *op)
{
	struct xen_domain *d;
	int16_t status;

	if (op->nr_frames > c->hv->limits.grant_frames_max)
		return GNTST_general_error;
	status = table_of(c, op->dom, &d);
	if (status != GNTST_okay)
		return status;
	if (grow(d, op->nr_frames) != 0)
		return GNTST_general_error;
	for (unsigned i = 0; i < op->nr_frames; i++) {
		const xen_pfn_t mfn = d->grants->mfn[i];

		if (guest_write(c->d, c->cpu, (uintptr_t)op->frame_list.p + i * sizeof(mfn), &mfn,
				sizeof(mfn)) != 0)
			return GNTST_bad_virt_addr;
	}
	return GNTST_okay;
}

static long setup_table(struct call *c)
{
	gnttab_setup_table_t op;

	if ((uint32_t)c->args[2] != 1)
		return -EINVAL;
	if (guest_read(c->d, c->cpu, &op, c->args[1], sizeof(op)) != 0)
		return -EFAULT;
	op.status = setup(c, &op);
	return guest_write(c->d, c->cpu, c->args[1], &op, sizeof(op));
}

static long query_size(struct call *c)
{
	gnttab_query_size_t op;
	struct xen_domain *d;

	if ((uint32_t)c->args[2] != 1)
		return -EINVAL;
	if (guest_read(c->d, c->cpu, &op, c->args[1], sizeof(op)) != 0)
		return -EFAULT;
	op.status = table_of(c, op.dom, &d);
	if (op.status == GNTST_okay) {
		op.nr_frames = d->grants->frames;
		op.max_nr_frames = c->hv->limits.grant_frames_max;
	}
	return guest_write(c->d, c->cpu, c->args[1], &op, sizeof(op));
}

/* ---- the hypercall ---- */

long do_grant_table_op(struct call *c)
{
	static const struct {
		long (*run)(struct call *c);
		size_t bytes;  /* of an element */
		bool hardware; /* for driver domains only, as until 3.1 */
	} ops[] = {
		[GNTTABOP_map_grant_ref] = {grant_map, sizeof(gnttab_map_grant_ref_t), true},
		[GNTTABOP_unmap_grant_ref] = {grant_unmap, sizeof(gnttab_unmap_grant_ref_t), true},
		[GNTTABOP_setup_table] = {setup_table, 0, false},
		[GNTTABOP_transfer] = {grant_transfer, sizeof(gnttab_transfer_t), true},
		[GNTTABOP_copy] = {grant_copy, sizeof(gnttab_copy_t), false},
		[GNTTABOP_query_size] = {query_size, 0, false},
	};
	const uint32_t cmd = (uint32_t)c->args[0], count = (uint32_t)c->args[2];

	if (count > GRANT_OPS_MAX)
		return -EINVAL;
	if (cmd >= sizeof(ops) / sizeof(ops[0]) || !ops[cmd].run)
		return -ENOSYS;
	if (!guest_range_ok(c->args[1], count * ops[cmd].bytes))
		return -EFAULT;
	if (ops[cmd].hardware && !c->d->hardware)
		return -EPERM;
	return ops[cmd].run(c);
}
