/* SPDX-License-Identifier: MIT */
/* Opening and closing a paravirtual disk. */
#include "guest/blkfront.h"

#include <errno.h>
#include <stdlib.h>

#include "guest/blkfront_internal.h"

/* Byte addresses stay below 2^64. */
#define SECTORS_MAX ((uint64_t)1 << (64 - BLOCK_SECTOR_SHIFT))

static int open_queue(struct blkfront *f, const struct blkfront_config *config, struct err *err)
{
	const struct blk_config blk = {
		.machine = f->k->machine,
		.kmalloc = f->k->kmalloc,
		.ops = &blkfront_blk,
		.ctx = f,
		.sectors = f->backend.sectors,
		.timer_cpu = config->timer_cpu,
		.max_bytes = BLKIF_SEGMENTS * PAGE_BYTES,
		.max_segments = BLKIF_SEGMENTS,
		.segment_boundary = PAGE_BYTES,
		.alignment = BLOCK_SECTOR_BYTES,
		.depth = BLKIF_RING,
	};

	return blk_create(&f->queue, &blk, err);
}

static int take_grants(struct blkfront *f)
{
	for (unsigned i = 0; i < BLKIF_RING; i++) {
		f->free[f->nfree++] = (uint8_t)(BLKIF_RING - 1 - i);
		for (unsigned s = 0; s < BLKIF_SEGMENTS; s++) {
			f->request[i].ref[s] = pv_grant_take(f->k->grants, NULL);
			if (f->request[i].ref[s] == PV_GRANT_NONE)
				return -ENOSPC;
		}
	}
	return 0;
}

static int open_ring(struct blkfront *f)
{
	int rc;

	f->line = kmalloc_alloc(f->k->kmalloc, CACHE_LINE_BYTES);
	if (!f->line)
		return -ENOMEM;
	vlock_init(&f->lock, f->k->machine, kmalloc_phys(f->k->kmalloc, f->line));
	rc = pv_shared_open(f->k, &f->page, f->backend.domid);
	if (!rc)
		rc = take_grants(f);
	if (rc)
		return rc;
	XEN_FRONT_RING_INIT(&f->ring, (blkif_sring_t *)f->page.ptr, PAGE_BYTES);
	f->port = pv_event_alloc(f->k->events, NULL, f->backend.domid, blkfront_interrupt, f);
	return f->port < 0 ? f->port : 0;
}

int blkfront_open(struct blkfront **out, const struct blkfront_config *config, struct err *err)
{
	const uint64_t sectors = config->backend.sectors;
	struct blkfront *f;
	int rc;

	if (!sectors || sectors > SECTORS_MAX)
		return err_set(err, -EINVAL,
			       "the backend in domain %u offers a disk of %llu sectors: expected 1 "
			       "to 2^55",
			       config->backend.domid, (unsigned long long)sectors);
	f = calloc(1, sizeof(*f));
	if (!f)
		return err_set(err, -ENOMEM, "no memory for a disk");
	f->k = config->kernel;
	f->backend = config->backend;
	f->flush = f->backend.feature_flush_cache;
	f->barrier = f->backend.feature_barrier;
	f->port = -1;
	for (unsigned i = 0; i < BLKIF_RING; i++)
		for (unsigned s = 0; s < BLKIF_SEGMENTS; s++)
			f->request[i].ref[s] = PV_GRANT_NONE;
	rc = open_queue(f, config, err);
	if (!rc) {
		rc = open_ring(f);
		if (rc)
			(void)err_set(err, rc, "no memory, grants or ports for a disk");
	}
	if (rc) {
		blkfront_close(f);
		return rc;
	}
	*out = f;
	return 0;
}

void blkfront_keys(const struct blkfront *f, struct blkif_frontend_keys *out)
{
	*out = (struct blkif_frontend_keys){
		.domid = xen_domain_id(f->k->domain),
		.ring_ref = f->page.ref,
		.event_channel = (evtchn_port_t)f->port,
	};
}

void blkfront_connect(struct blkfront *f, struct cpu *cpu)
{
	f->connected = true;
	blk_restart(f->queue, cpu);
}

/* Its references, given back; the number the backend has not let go of. */
static unsigned give_grants(struct blkfront *f, const struct front_request *r)
{
	unsigned held = 0;

	for (unsigned s = 0; s < BLKIF_SEGMENTS; s++) {
		if (r->ref[s] == PV_GRANT_NONE)
			continue;
		if (!f->k->crashed && pv_grant_end_access(f->k->grants, NULL, r->ref[s]))
			held++;
		else
			pv_grant_give(f->k->grants, NULL, r->ref[s]);
	}
	return held;
}

unsigned blkfront_close(struct blkfront *f)
{
	unsigned held = 0;

	if (!f)
		return 0;
	f->connected = false;
	if (f->port >= 0)
		pv_event_close(f->k->events, NULL, (evtchn_port_t)f->port);
	for (unsigned i = 0; i < BLKIF_RING; i++)
		held += give_grants(f, &f->request[i]);
	held += pv_shared_close(f->k, &f->page);
	blk_destroy(f->queue);
	kmalloc_free(f->k->kmalloc, f->line);
	free(f);
	return held;
}

struct blockdev *blkfront_disk(struct blkfront *f)
{
	return blk_device(f->queue);
}

struct blk_queue *blkfront_queue(struct blkfront *f)
{
	return f->queue;
}

void blkfront_stats(const struct blkfront *f, struct blkfront_stats *out)
{
	*out = f->stats;
	out->lock_acquisitions = f->lock.acquisitions;
	out->lock_contended = f->lock.contended;
	out->lock_wait_ps = f->lock.wait_ps;
	for (unsigned i = 0; f->broken && i < BLKIF_RING; i++)
		out->held += f->request[i].rq != NULL;
}
