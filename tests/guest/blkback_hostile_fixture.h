/* SPDX-License-Identifier: MIT */
/*
 * A disk's frontend made by hand, and an honest one in domain 2 on the same backend, which must not
 * notice.
 */
#ifndef IOTOLL_TESTS_GUEST_BLKBACK_HOSTILE_FIXTURE_H
#define IOTOLL_TESTS_GUEST_BLKBACK_HOSTILE_FIXTURE_H

#include "pvblk_lab.h"

#include <errno.h>

#include "base/rng.h"

#define PAGES 12u

struct hostile {
	struct pvblk_lab *x;
	struct pvblk_side *s;
	struct blkback *bb;
	struct blkback_vbd *vbd;
	blkif_sring_t *ring;
	grant_ref_t ring_ref, ref[PAGES];
	uint8_t *page[PAGES]; /* page 1 is granted read-only */
	int port;
	RING_IDX req, rsp;
	/* domain 2 */
	struct blkfront *honest;
	struct blkback_vbd *honest_vbd;
	struct pvblk_io io;
};

static const uint64_t quarter = PVBLK_SECTORS / 4;

static inline struct blkback_vbd *
open_vbd(struct hostile *f, const struct blkif_frontend_keys *keys, uint64_t first, bool readonly)
{
	const struct blkback_extent extent = {
		.dev = &f->x->disk.dev, .first = first, .sectors = quarter, .readonly = readonly};
	struct blkback_vbd *v;
	struct err err = {{0}};

	if (blkback_vbd_open(&v, f->bb, keys, &extent, machine_cpu(f->x->side[0].machine, 0), &err))
		fail_msg("%s", err.text);
	return v;
}

static inline void connect(struct hostile *f, bool readonly)
{
	struct blkif_frontend_keys keys = {.domid = 1, .ring_ref = f->ring_ref};

	SHARED_RING_INIT(f->ring);
	f->req = f->rsp = 0;
	f->port = pv_event_alloc(f->s->k->events, NULL, 0, pvblk_lab_ignore, NULL);
	assert_true(f->port > 0);
	keys.event_channel = (evtchn_port_t)f->port;
	f->vbd = open_vbd(f, &keys, quarter, readonly);
	pvblk_lab_run(f->x, SIM_MS);
}

static inline void disconnect(struct hostile *f)
{
	pvblk_lab_close(f->x, f->vbd);
	pv_event_close(f->s->k->events, NULL, (evtchn_port_t)f->port);
}

static inline void open_honest(struct hostile *f)
{
	const struct blkback_extent extent = {
		.dev = &f->x->disk.dev, .first = 2 * quarter, .sectors = quarter};
	struct blkfront_config config = {.kernel = f->x->side[2].k,
					 .timer_cpu = machine_cpu(f->x->side[2].machine, 0)};
	struct blkif_frontend_keys keys;
	struct err err = {{0}};

	blkback_keys(f->bb, &extent, &config.backend);
	if (blkfront_open(&f->honest, &config, &err))
		fail_msg("%s", err.text);
	blkfront_keys(f->honest, &keys);
	f->honest_vbd = open_vbd(f, &keys, extent.first, false);
	blkfront_connect(f->honest, NULL);
}

static inline int setup(void **state)
{
	struct hostile *f = calloc(1, sizeof(*f));
	struct err err = {{0}};

	f->x = pvblk_lab_create();
	f->s = &f->x->side[1];
	if (blkback_create(&f->bb, f->x->side[0].k, &err))
		fail_msg("%s", err.text);
	f->ring = kmalloc_alloc(f->s->kmalloc, PAGE_BYTES);
	f->ring_ref = pvblk_lab_grant(f->x, 1, f->ring, 0, false);
	for (unsigned i = 0; i < PAGES; i++) {
		f->page[i] = kmalloc_alloc(f->s->kmalloc, PAGE_BYTES);
		memset(f->page[i], 0x11, PAGE_BYTES);
		f->ref[i] = pvblk_lab_grant(f->x, 1, f->page[i], 0, i == 1);
	}
	connect(f, false);
	open_honest(f);
	*state = f;
	return 0;
}

static inline void give_back(struct hostile *f, void *page, grant_ref_t ref)
{
	assert_int_equal(pv_grant_end_access(f->s->k->grants, NULL, ref), 0);
	pv_grant_give(f->s->k->grants, NULL, ref);
	kmalloc_free(f->s->kmalloc, page);
}

static inline int teardown(void **state)
{
	struct hostile *f = *state;
	struct blkback_stats s;

	disconnect(f);
	pvblk_lab_close(f->x, f->honest_vbd);
	assert_int_equal(blkfront_close(f->honest), 0);
	blkback_stats(f->bb, &s);
	assert_int_equal(s.pending, 0);
	assert_int_equal(s.unmap_errors, 0);
	assert_int_equal(s.maps, s.unmaps);
	/* Nobody holds a grant of ours any more. */
	give_back(f, f->ring, f->ring_ref);
	for (unsigned i = 0; i < PAGES; i++)
		give_back(f, f->page[i], f->ref[i]);
	kmalloc_free(f->x->side[2].kmalloc, f->io.page);
	blkback_destroy(f->bb);
	pvblk_lab_destroy(f->x);
	free(f);
	return 0;
}

/* ---- the ring by hand ---- */

static inline uint64_t id_of(RING_IDX i)
{
	return UINT64_C(0xfedcba9800000000) ^ i * UINT64_C(0x100000001);
}

static inline blkif_request_t *slot(struct hostile *f, uint8_t operation, uint8_t segments,
				    uint64_t sector)
{
	blkif_request_t *req = &f->ring->ring[f->req % BLKIF_RING].req;

	*req = (blkif_request_t){.operation = operation,
				 .nr_segments = segments,
				 .handle = 0x7777,
				 .id = id_of(f->req),
				 .sector_number = sector};
	for (unsigned i = 0; i < BLKIF_SEGMENTS; i++) /* page 1 is last: most want to write */
		req->seg[i] = (struct blkif_request_segment){
			.gref = f->ref[(i + 2) % PAGES], .first_sect = 0, .last_sect = 7};
	f->req++;
	return req;
}

static inline void push(struct hostile *f)
{
	f->ring->req_prod = f->req;
	pv_event_notify(f->s->k->events, NULL, (evtchn_port_t)f->port);
	pvblk_lab_run(f->x, 2 * SIM_MS);
	pvblk_lab_check(f->x);
}

/* Status of the next answer. */
static inline int response(struct hostile *f)
{
	const blkif_response_t rsp = f->ring->ring[f->rsp % BLKIF_RING].rsp;

	assert_int_not_equal(f->rsp, f->ring->rsp_prod);
	assert_true(rsp.id == id_of(f->rsp));
	f->rsp++;
	return rsp.status;
}

static inline struct blkback_vbd_stats stats(const struct hostile *f)
{
	struct blkback_vbd_stats s;

	blkback_vbd_stats(f->vbd, &s);
	return s;
}

static inline uint64_t submitted(const struct hostile *f)
{
	return f->x->disk.reads + f->x->disk.writes + f->x->disk.flushes;
}

static inline void works(struct hostile *f)
{
	blkif_request_t *req = slot(f, BLKIF_OP_READ, 1, 5);

	req->seg[0].last_sect = 0;
	push(f);
	assert_int_equal(response(f), BLKIF_RSP_OKAY);
	assert_memory_equal(f->page[2], f->x->disk.data + (quarter + 5) * 512, 512);
}

/* Domain 2's disk does what it should. */
static inline void honest_works(struct hostile *f, uint64_t sector)
{
	pvblk_io_make(&f->io, f->x, 2, BIO_READ, sector, 512, 3);
	blockdev_submit(blkfront_disk(f->honest), NULL, &f->io.bio);
	for (unsigned i = 0; i < 100 && f->io.status == 1; i++)
		pvblk_lab_run(f->x, SIM_MS);
	assert_int_equal(f->io.status, 0);
	assert_memory_equal(f->io.page + 512, f->x->disk.data + (2 * quarter + sector) * 512,
			    3 * 512);
	assert_int_equal(f->io.page[511], 0xee);
	assert_int_equal(f->io.page[2048], 0xee);
}

/* The last thing pushed was answered with @status, and nothing was done. */
static inline void expect_refused(struct hostile *f, int status)
{
	const uint64_t before = submitted(f);

	push(f);
	assert_int_equal(response(f), status);
	assert_int_equal(f->rsp, f->ring->rsp_prod);
	assert_int_equal(submitted(f), before);
	assert_int_equal(stats(f).disabled, 0);
	works(f);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif
