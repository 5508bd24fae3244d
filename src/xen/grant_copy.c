// SPDX-License-Identifier: MIT
/*
 * GNTTABOP_copy, with the checks of Xen 3.1. Either side is a frame of the caller's own or a grant
 * of any domain's; both are pinned and referenced for the length of the copy.
 *
 * Decided here: a dying domain is GNTST_bad_domain; ranges that overlap in one frame are copied as
 * memmove() does.
 */
#include <errno.h>
#include <string.h>

#include "xen/cost.h"
#include "xen/grant.h"
#include "xen/impl.h"

struct side {
	struct xen_domain *d;
	bool gref, write;
	uint32_t ref;
	mfn_t frame;
};

static int16_t side_acquire(struct call *c, const struct gnttab_copy_ptr *p, struct side *s)
{
	const uint32_t pin = s->write ? PIN_HOST_WRITE : PIN_HOST_READ;
	int16_t status;

	s->frame = p->u.gmfn;
	s->ref = p->u.ref;
	if (s->gref) {
		status = grant_pin(s->d, c->cpu, s->ref, c->d->id, s->write, pin, &s->frame);
		if (status != GNTST_okay)
			return status;
	}
	if (frame_use(c->hv, c->cpu, s->frame, s->d, s->write))
		return GNTST_okay;
	if (s->gref)
		grant_unpin(s->d, c->cpu, s->ref, pin);
	return GNTST_general_error;
}

static void side_release(struct call *c, const struct side *s)
{
	frame_unuse(c->hv, c->cpu, s->frame, s->write);
	if (s->gref)
		grant_unpin(s->d, c->cpu, s->ref, s->write ? PIN_HOST_WRITE : PIN_HOST_READ);
}

static int16_t side_domain(struct call *c, domid_t id, struct side *s)
{
	s->d = id == DOMID_SELF ? c->d : domain_alive(c->hv, id);
	return s->d ? GNTST_okay : GNTST_bad_domain;
}

static void move(struct call *c, const gnttab_copy_t *op, mfn_t to, mfn_t from)
{
	const phys_t dest = (to << PAGE_SHIFT) + op->dest.offset;
	const phys_t source = (from << PAGE_SHIFT) + op->source.offset;

	memmove(memory_ptr(c->hv->board, dest, op->len), memory_ptr(c->hv->board, source, op->len),
		op->len);
	cost_copy(c->cpu, dest, source, op->len);
}

static int16_t copy_one(struct call *c, const gnttab_copy_t *op)
{
	struct side from = {.gref = (op->flags & GNTCOPY_source_gref) != 0};
	struct side to = {.gref = (op->flags & GNTCOPY_dest_gref) != 0, .write = true};
	int16_t status;

	/* Sums of 16-bit fields, in int. */
	if (op->source.offset + op->len > (int)PAGE_BYTES ||
	    op->dest.offset + op->len > (int)PAGE_BYTES)
		return GNTST_bad_copy_arg;
	if ((!from.gref && op->source.domid != DOMID_SELF) ||
	    (!to.gref && op->dest.domid != DOMID_SELF))
		return GNTST_permission_denied;
	status = side_domain(c, op->source.domid, &from);
	if (status == GNTST_okay)
		status = side_domain(c, op->dest.domid, &to);
	if (status == GNTST_okay)
		status = side_acquire(c, &op->source, &from);
	if (status != GNTST_okay)
		return status;
	status = side_acquire(c, &op->dest, &to);
	if (status == GNTST_okay) {
		move(c, op, to.frame, from.frame);
		side_release(c, &to);
		c->hv->counters.grant_copies++;
	}
	side_release(c, &from);
	return status;
}

long grant_copy(struct call *c)
{
	for (uint32_t i = 0; i < (uint32_t)c->args[2]; i++) {
		const uint64_t va = c->args[1] + i * sizeof(gnttab_copy_t);
		gnttab_copy_t op;

		if (guest_read(c->d, c->cpu, &op, va, sizeof(op)) != 0)
			return -EFAULT;
		xen_race(c->hv);
		cost_charge(c->cpu, COST_GRANT_COPY);
		op.status = copy_one(c, &op);
		if (guest_write(c->d, c->cpu, va, &op, sizeof(op)) != 0)
			return -EFAULT;
	}
	return 0;
}
