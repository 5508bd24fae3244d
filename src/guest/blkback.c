/* SPDX-License-Identifier: MIT */
/* The backend's life, its requests, and its disks and their tasks. */
#include "guest/blkback.h"

#include <errno.h>
#include <stdlib.h>

#include "guest/blkback_internal.h"

/* ---- a disk comes to an end ---- */

static void disconnect(struct blkback_vbd *v, struct cpu *cpu)
{
	struct pv_kernel *k = v->bb->k;

	if (v->port >= 0)
		pv_event_close(k->events, cpu, (evtchn_port_t)v->port);
	v->port = -1;
	v->bb->stats.unmap_errors += !pv_foreign_unmap(k, cpu, &v->page);
}

/* The last to use a disk lets go of its ring. Its memory stays until the backend goes: an event may
 * be on its way. */
static void put(struct blkback_vbd *v, struct cpu *cpu)
{
	if (!--v->refs)
		disconnect(v, cpu);
}

void blkback_kick(struct blkback_vbd *v, struct cpu *cpu)
{
	v->kicked = true;
	waitq_wake(&v->wq, cpu);
}

/* ---- requests ---- */

/* Out of the line. Lock held. Who is first now may have a request, if there is one: *@next. */
static void unqueue(struct blkback_vbd *v, struct blkback_vbd **next)
{
	struct blkback *bb = v->bb;
	struct blkback_vbd **at = &bb->hungry, *last = NULL;

	while (*at != v) {
		last = *at;
		at = &last->next_hungry;
	}
	*at = v->next_hungry;
	if (bb->last_hungry == v)
		bb->last_hungry = last;
	v->waits = false;
	*next = bb->nfree ? bb->hungry : NULL;
}

static void queue(struct blkback_vbd *v)
{
	struct blkback *bb = v->bb;

	v->waits = true;
	v->next_hungry = NULL;
	*(bb->last_hungry ? &bb->last_hungry->next_hungry : &bb->hungry) = v;
	bb->last_hungry = v;
	bb->stats.waited++;
}

struct blkback_pending *blkback_take(struct blkback_vbd *v, struct cpu *cpu)
{
	struct blkback *bb = v->bb;
	struct blkback_vbd *next = NULL;
	struct blkback_pending *p = NULL;

	vlock_acquire_bh(&bb->lock, cpu);
	if (bb->free && (!bb->hungry || bb->hungry == v)) {
		p = bb->free;
		bb->free = p->next;
		bb->nfree--;
		p->vbd = v;
		v->refs++;
		if (v->waits)
			unqueue(v, &next);
	} else if (!v->waits) {
		queue(v);
	}
	vlock_release_bh(&bb->lock, cpu);
	if (next)
		blkback_kick(next, cpu);
	return p;
}

void blkback_leave_line(struct blkback_vbd *v, struct cpu *cpu)
{
	struct blkback_vbd *next = NULL;

	if (!v->waits)
		return;
	vlock_acquire_bh(&v->bb->lock, cpu);
	if (v->waits)
		unqueue(v, &next);
	vlock_release_bh(&v->bb->lock, cpu);
	if (next)
		blkback_kick(next, cpu);
}

/* Has it a place for each page? Otherwise it cannot be used any more. */
static bool whole(const struct blkback_pending *p)
{
	for (unsigned i = 0; i < BLKIF_SEGMENTS; i++)
		if (!p->page[i])
			return false;
	return true;
}

void blkback_give(struct blkback_pending *p, struct cpu *cpu)
{
	struct blkback *bb = p->bb;
	struct blkback_vbd *v = p->vbd, *next;

	vlock_acquire_bh(&bb->lock, cpu);
	p->vbd = NULL;
	if (whole(p)) {
		p->next = bb->free;
		bb->free = p;
		bb->nfree++;
	}
	next = bb->hungry;
	vlock_release_bh(&bb->lock, cpu);
	if (next)
		blkback_kick(next, cpu);
	put(v, cpu);
}

/* ---- the driver ---- */

static int make_pending(struct blkback *bb, struct blkback_pending *p)
{
	p->bb = bb;
	p->op = kmalloc_alloc(bb->k->kmalloc, BLKIF_SEGMENTS * sizeof(*p->op));
	if (!p->op)
		return -ENOMEM;
	for (unsigned i = 0; i < BLKIF_SEGMENTS; i++)
		if (pv_empty_page(bb->k, &p->page[i])) {
			p->page[i] = 0;
			return -ENOSPC;
		}
	p->next = bb->free;
	bb->free = p;
	bb->nfree++;
	return 0;
}

int blkback_create(struct blkback **out, struct pv_kernel *k, struct err *err)
{
	struct blkback *bb = calloc(1, sizeof(*bb));
	int rc = 0;

	if (!bb)
		return err_set(err, -ENOMEM, "no memory for the block backend");
	bb->k = k;
	bb->line = kmalloc_alloc(k->kmalloc, CACHE_LINE_BYTES);
	if (!bb->line)
		rc = -ENOMEM;
	else
		vlock_init(&bb->lock, k->machine, kmalloc_phys(k->kmalloc, bb->line));
	for (unsigned i = BLKBACK_PENDING; i-- && !rc;)
		rc = make_pending(bb, &bb->pending[i]);
	if (rc) {
		blkback_destroy(bb);
		return err_set(err, rc,
			       "no memory for the block backend, or fewer than %u page numbers to "
			       "map at",
			       BLKBACK_PENDING * BLKIF_SEGMENTS);
	}
	*out = bb;
	return 0;
}

static void free_vbd(struct blkback_vbd *v)
{
	if (v->refs)
		disconnect(v, NULL);
	kmalloc_free(v->bb->k->kmalloc, v->line);
	free(v);
}

void blkback_destroy(struct blkback *bb)
{
	if (!bb)
		return;
	for (unsigned i = 0; i < BLKBACK_PENDING; i++) {
		struct blkback_pending *p = &bb->pending[i];

		if (p->op)
			blkback_unmap(p, NULL);
		for (unsigned n = 0; n < BLKIF_SEGMENTS; n++)
			if (p->page[n])
				pv_empty_page_free(bb->k, p->page[n]);
		kmalloc_free(bb->k->kmalloc, p->op);
	}
	while (bb->vbds) {
		struct blkback_vbd *v = bb->vbds;

		bb->vbds = v->next;
		free_vbd(v);
	}
	kmalloc_free(bb->k->kmalloc, bb->line);
	free(bb);
}

void blkback_stats(const struct blkback *bb, struct blkback_stats *out)
{
	*out = bb->stats;
	out->pending = 0;
	for (unsigned i = 0; i < BLKBACK_PENDING; i++)
		out->pending += bb->pending[i].vbd != NULL;
}

void blkback_keys(const struct blkback *bb, const struct blkback_extent *extent,
		  struct blkif_backend_keys *out)
{
	*out = (struct blkif_backend_keys){
		.domid = xen_domain_id(bb->k->domain),
		.sectors = extent->sectors,
		.readonly = extent->readonly,
		.feature_barrier = true,
		.feature_flush_cache = true,
	};
}

/* ---- a disk ---- */

static void on_event(void *ctx, struct cpu *cpu)
{
	struct blkback_vbd *v = ctx;

	v->stats.interrupts++;
	cpu_charge(cpu, machine_cost(v->bb->k->machine)->disk_irq_body);
	blkback_kick(v, cpu);
}

void blkback_quit(struct blkback_vbd *v, struct cpu *cpu)
{
	struct blkback_pending *p = v->parked;

	blkback_leave_line(v, cpu);
	v->parked = NULL;
	if (p)
		blkback_give(p, cpu);
	put(v, cpu);
}

/* A disk's task: xenblkd. */
static void serve_forever(void *ctx)
{
	struct blkback_vbd *v = ctx;
	struct cpu *cpu = v->cpu;

	cpu_enter(cpu, CHARGE_DRIVER);
	while (!v->closed) {
		if (!v->kicked) {
			waitq_wait(&v->wq, cpu);
			continue;
		}
		v->kicked = false;
		if (!blkback_serve(v, cpu)) {
			task_sleep(task_current(cpu), BLKBACK_BACKOFF);
			v->kicked = true;
		}
	}
	blkback_quit(v, cpu);
}

static int connect(struct blkback_vbd *v, const struct blkif_frontend_keys *keys, struct err *err)
{
	struct pv_kernel *k = v->bb->k;
	int rc = pv_foreign_map(k, &v->page, v->domid, keys->ring_ref);

	if (rc)
		return err_set(err, rc, "domain %u's ring, grant %u, cannot be mapped", v->domid,
			       keys->ring_ref);
	BACK_RING_INIT(&v->ring,
		       (blkif_sring_t *)memory_ptr(k->machine->mem, v->page.paddr, PAGE_BYTES),
		       PAGE_BYTES);
	v->port = pv_event_bind(k->events, NULL, v->domid, keys->event_channel, on_event, v);
	if (v->port < 0)
		return err_set(err, -EINVAL, "domain %u's event channel %u cannot be bound",
			       v->domid, keys->event_channel);
	return 0;
}

static int check_extent(const struct blkback_extent *e, struct err *err)
{
	if (e->sectors && e->first <= e->dev->sectors && e->sectors <= e->dev->sectors - e->first)
		return 0;
	return err_set(err, -EINVAL,
		       "a guest's disk of %llu sectors from sector %llu: the device has %llu",
		       (unsigned long long)e->sectors, (unsigned long long)e->first,
		       (unsigned long long)e->dev->sectors);
}

int blkback_vbd_open(struct blkback_vbd **out, struct blkback *bb,
		     const struct blkif_frontend_keys *keys, const struct blkback_extent *extent,
		     struct cpu *cpu, struct err *err)
{
	struct blkback_vbd *v;
	int rc = check_extent(extent, err);

	if (rc)
		return rc;
	v = calloc(1, sizeof(*v));
	if (!v)
		return err_set(err, -ENOMEM, "no memory for a guest's disk");
	v->bb = bb;
	v->domid = keys->domid;
	v->extent = *extent;
	v->port = -1;
	v->cpu = cpu;
	v->refs = 1;
	v->kicked = true; /* there may be requests already */
	v->line = kmalloc_alloc(bb->k->kmalloc, CACHE_LINE_BYTES);
	if (v->line) {
		vlock_init(&v->lock, bb->k->machine, kmalloc_phys(bb->k->kmalloc, v->line));
		rc = connect(v, keys, err);
	}
	if (!v->line || (!rc && !task_create(cpu, "xenblkd", serve_forever, v)))
		rc = err_set(err, -ENOMEM, "no memory for a guest's disk");
	if (rc) {
		free_vbd(v);
		return rc;
	}
	v->refs++; /* the task's */
	v->next = bb->vbds;
	bb->vbds = v;
	*out = v;
	return 0;
}

void blkback_vbd_close(struct blkback_vbd *v, struct cpu *cpu)
{
	v->closed = true;
	blkback_kick(v, cpu);
	put(v, cpu);
}

void blkback_vbd_stats(const struct blkback_vbd *v, struct blkback_vbd_stats *out)
{
	*out = v->stats;
}
