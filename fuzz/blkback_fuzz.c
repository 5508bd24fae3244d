/* SPDX-License-Identifier: MIT */
/*
 * Fuzzer for blkback against a frontend that writes anything: requests, indexes and single words of
 * the ring page, grants that come and go, on a device that ends its I/O whenever the program likes,
 * well or badly. The input is a program of that, run on the hypervisor without virtual time. The
 * judge: every bio lies on the guest's extent and in its pages, writable only for a read; never
 * more on their way than may be; no request or mapping is lost, every grant can be revoked in the
 * end, and the hypervisor's tables add up.
 */
#include <string.h>

#include "guest/blkback_internal.h"
#include "input.h"
#include "xen_side.h"

#define GRANTED 8u
#define STEPS   400u
#define SECTORS 1000u
#define FIRST   24u /* of the guest's, out of SECTORS */
#define OWNED   600u

struct world {
	struct xen_sides x;
	struct blockdev dev;
	struct blkback *bb;
	struct blkback_vbd *vbd;
	uint8_t *ring;
	grant_ref_t ring_ref, ref[GRANTED];
	uint8_t *page[GRANTED];
	int port;
	struct bio *held[BLKBACK_PENDING]; /* submitted, not done */
	unsigned count;
};

/* ---- the device ---- */

static void submit(struct blockdev *dev, struct cpu *cpu, struct bio *bio)
{
	struct world *w = (struct world *)((char *)dev - offsetof(struct world, dev));

	(void)cpu;
	JUDGE(w->count < BLKBACK_PENDING);
	if (bio->op != BIO_FLUSH) {
		JUDGE(bio->sector >= FIRST);
		JUDGE(bio->sector + bio_bytes(bio) / BLOCK_SECTOR_BYTES <= FIRST + OWNED);
		JUDGE(bio->nvec >= 1 && bio->nvec <= BLKIF_SEGMENTS);
	}
	for (unsigned i = 0; i < bio->nvec; i++) {
		const struct bio_vec *v = &bio->vec[i];

		JUDGE(v->bytes % BLOCK_SECTOR_BYTES == 0);
		JUDGE(v->paddr % PAGE_BYTES + v->bytes <= PAGE_BYTES);
		JUDGE(memory_ptr(w->x.back.view, v->paddr, v->bytes));
		JUDGE(!memory_ptr_write(w->x.back.view, v->paddr, v->bytes) ==
		      (bio->op == BIO_WRITE));
	}
	w->held[w->count++] = bio;
}

static void end_one(struct world *w, unsigned which, int status)
{
	struct bio *bio;

	if (!w->count)
		return;
	which %= w->count;
	bio = w->held[which];
	w->held[which] = w->held[--w->count];
	for (unsigned i = 0; i < bio->nvec; i++) {
		uint8_t *at = memory_ptr(w->x.back.view, bio->vec[i].paddr, bio->vec[i].bytes);

		JUDGE(at); /* mapped until it is done */
		if (bio->op == BIO_READ)
			memset(at, (int)which, bio->vec[i].bytes);
	}
	bio->done(bio, NULL, status);
}

/* ---- the world ---- */

static void connect(struct world *w, unsigned how)
{
	const struct blkif_frontend_keys keys = {
		.domid = 1,
		.ring_ref = w->ring_ref,
		.event_channel =
			(evtchn_port_t)(w->port = pv_event_alloc(w->x.front.k->events, NULL, 0,
								 xen_side_ignore, NULL)),
	};
	const struct blkback_extent extent = {
		.dev = &w->dev, .first = FIRST, .sectors = OWNED, .readonly = how & 1};
	struct err err = {{0}};

	memset(w->ring, 0, PAGE_BYTES);
	w->ring[4] = w->ring[12] = 1; /* both events */
	JUDGE(blkback_vbd_open(&w->vbd, w->bb, &keys, &extent, machine_cpu(w->x.back.machine, 0),
			       &err) == 0);
}

static void disconnect(struct world *w)
{
	blkback_vbd_close(w->vbd, NULL);
	blkback_quit(w->vbd, NULL); /* its task, which never runs here */
	pv_event_close(w->x.front.k->events, NULL, (evtchn_port_t)w->port);
}

static void make(struct world *w, unsigned how)
{
	static const struct blockdev_ops ops = {.submit = submit};
	struct err err = {{0}};

	xen_sides_make(&w->x, 800);
	w->dev = (struct blockdev){.ops = &ops, .sectors = SECTORS};
	JUDGE(blkback_create(&w->bb, w->x.back.k, &err) == 0);
	w->ring = kmalloc_alloc(w->x.front.kmalloc, PAGE_BYTES);
	w->ring_ref = xen_side_grant(&w->x.front, w->ring, false);
	for (unsigned i = 0; i < GRANTED; i++) {
		w->page[i] = kmalloc_alloc(w->x.front.kmalloc, PAGE_BYTES);
		memset(w->page[i], (int)i, PAGE_BYTES);
		w->ref[i] = xen_side_grant(&w->x.front, w->page[i], i % 4 == 3);
	}
	connect(w, how);
}

/* ---- the program ---- */

/* A request: mostly plausible, so that the program gets somewhere. */
static void put_slot(struct world *w, struct input *in)
{
	const unsigned at = (unsigned)take(in, 1) % BLKIF_RING;
	const uint64_t what = take(in, 1);
	blkif_request_t req = {
		.operation = (uint8_t)(what & 0x80 ? take(in, 1) : what & 3),
		.nr_segments = (uint8_t)(what & 0x40 ? take(in, 1) : 1 + (what >> 2) % 11),
		.id = at,
		.sector_number = what & 0x20 ? take(in, 8) : take(in, 1),
	};

	for (unsigned i = 0; i < BLKIF_SEGMENTS; i++) {
		const uint64_t seg = take(in, 1);

		req.seg[i].gref = seg & 0x80 ? (grant_ref_t)take(in, 2) : w->ref[seg % GRANTED];
		req.seg[i].first_sect = (uint8_t)(seg & 0x40 ? take(in, 1) : 0);
		req.seg[i].last_sect = (uint8_t)(seg & 0x40 ? take(in, 1) : seg >> 3 & 7);
	}
	memcpy(w->ring + 64 + at * sizeof(union blkif_sring_entry), &req, sizeof(req));
}

static void put_word(struct world *w, struct input *in)
{
	const uint32_t at = (uint32_t)take(in, 2) % (PAGE_BYTES / 4) * 4,
		       value = (uint32_t)take(in, 4);

	memcpy(w->ring + at, &value, sizeof(value));
}

static void advance(struct world *w, struct input *in)
{
	uint32_t prod;

	memcpy(&prod, w->ring, sizeof(prod));
	prod += (uint32_t)take(in, 1) % 40;
	memcpy(w->ring, &prod, sizeof(prod));
}

/* A grant ends, unless it is in use, and comes again as something else. */
static void regrant(struct world *w, struct input *in)
{
	const unsigned i = (unsigned)take(in, 1) % GRANTED;

	xen_side_regrant(&w->x.front, w->page[i], w->ref[i], (unsigned)take(in, 1));
}

static void step(struct world *w, struct input *in)
{
	switch (take(in, 1) % 10) {
	case 0:
	case 1:
		put_slot(w, in);
		break;
	case 2:
		put_word(w, in);
		break;
	case 3:
	case 4:
		advance(w, in);
		break;
	case 5:
	case 6:
		(void)blkback_serve(w->vbd, NULL);
		break;
	case 7:
		end_one(w, (unsigned)take(in, 1), take(in, 1) & 1 ? -5 : 0);
		break;
	case 8:
		regrant(w, in);
		break;
	default:
		disconnect(w);
		connect(w, (unsigned)take(in, 1));
	}
	JUDGE(w->vbd->ring.req_cons - w->vbd->ring.rsp_prod_pvt <= BLKIF_RING);
}

/* ---- the judge ---- */

static void settle(struct world *w)
{
	struct blkback_stats s;
	struct err err = {{0}};

	disconnect(w);
	while (w->count)
		end_one(w, 0, 0);
	blkback_stats(w->bb, &s);
	JUDGE(s.pending == 0 && s.unmap_errors == 0 && s.maps == s.unmaps);
	JUDGE(w->bb->nfree == BLKBACK_PENDING && !w->bb->hungry);
	for (unsigned i = 0; i < GRANTED; i++)
		JUDGE(pv_grant_end_access(w->x.front.k->grants, NULL, w->ref[i]) == 0);
	JUDGE(pv_grant_end_access(w->x.front.k->grants, NULL, w->ring_ref) == 0);
	JUDGE(xen_check(w->x.hv, &err) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct input in = {.at = data, .left = bytes};
	struct world w = {.count = 0};

	make(&w, (unsigned)take(&in, 1));
	for (unsigned i = 0; i < STEPS && in.left; i++)
		step(&w, &in);
	settle(&w);
	blkback_destroy(w.bb);
	xen_sides_drop(&w.x);
	return 0;
}
