/* SPDX-License-Identifier: MIT */
/*
 * Frontends of disks, made by hand: requests byte for byte, and everything that is none. Domain 2
 * has an honest disk on the same backend, which must not notice.
 */
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

static struct blkback_vbd *open_vbd(struct hostile *f, const struct blkif_frontend_keys *keys,
				    uint64_t first, bool readonly)
{
	const struct blkback_extent extent = {
		.dev = &f->x->disk.dev, .first = first, .sectors = quarter, .readonly = readonly};
	struct blkback_vbd *v;
	struct err err = {{0}};

	if (blkback_vbd_open(&v, f->bb, keys, &extent, machine_cpu(f->x->side[0].machine, 0), &err))
		fail_msg("%s", err.text);
	return v;
}

static void connect(struct hostile *f, bool readonly)
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

static void disconnect(struct hostile *f)
{
	pvblk_lab_close(f->x, f->vbd);
	pv_event_close(f->s->k->events, NULL, (evtchn_port_t)f->port);
}

static void open_honest(struct hostile *f)
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

static int setup(void **state)
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

static void give_back(struct hostile *f, void *page, grant_ref_t ref)
{
	assert_int_equal(pv_grant_end_access(f->s->k->grants, NULL, ref), 0);
	pv_grant_give(f->s->k->grants, NULL, ref);
	kmalloc_free(f->s->kmalloc, page);
}

static int teardown(void **state)
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

static uint64_t id_of(RING_IDX i)
{
	return UINT64_C(0xfedcba9800000000) ^ i * UINT64_C(0x100000001);
}

static blkif_request_t *slot(struct hostile *f, uint8_t operation, uint8_t segments,
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

static void push(struct hostile *f)
{
	f->ring->req_prod = f->req;
	pv_event_notify(f->s->k->events, NULL, (evtchn_port_t)f->port);
	pvblk_lab_run(f->x, 2 * SIM_MS);
	pvblk_lab_check(f->x);
}

/* Status of the next answer. */
static int response(struct hostile *f)
{
	const blkif_response_t rsp = f->ring->ring[f->rsp % BLKIF_RING].rsp;

	assert_int_not_equal(f->rsp, f->ring->rsp_prod);
	assert_true(rsp.id == id_of(f->rsp));
	f->rsp++;
	return rsp.status;
}

static struct blkback_vbd_stats stats(const struct hostile *f)
{
	struct blkback_vbd_stats s;

	blkback_vbd_stats(f->vbd, &s);
	return s;
}

static uint64_t submitted(const struct hostile *f)
{
	return f->x->disk.reads + f->x->disk.writes + f->x->disk.flushes;
}

static void works(struct hostile *f)
{
	blkif_request_t *req = slot(f, BLKIF_OP_READ, 1, 5);

	req->seg[0].last_sect = 0;
	push(f);
	assert_int_equal(response(f), BLKIF_RSP_OKAY);
	assert_memory_equal(f->page[2], f->x->disk.data + (quarter + 5) * 512, 512);
}

/* Domain 2's disk does what it should. */
static void honest_works(struct hostile *f, uint64_t sector)
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
static void expect_refused(struct hostile *f, int status)
{
	const uint64_t before = submitted(f);

	push(f);
	assert_int_equal(response(f), status);
	assert_int_equal(f->rsp, f->ring->rsp_prod);
	assert_int_equal(submitted(f), before);
	assert_int_equal(stats(f).disabled, 0);
	works(f);
}

/* ---- requests ---- */

static void sectors_go_where_the_request_says(void **state)
{
	struct hostile *f = *state;
	blkif_request_t *req = slot(f, BLKIF_OP_READ, 3, 100);
	const uint8_t *disk = f->x->disk.data + (quarter + 100) * 512;

	req->seg[0] = (struct blkif_request_segment){f->ref[4], 7, 7};
	req->seg[1] = (struct blkif_request_segment){f->ref[0], 2, 4};
	req->seg[2] = (struct blkif_request_segment){f->ref[3], 0, 7};
	push(f);
	assert_int_equal(response(f), BLKIF_RSP_OKAY);
	assert_memory_equal(f->page[4] + 7 * 512, disk, 512);
	assert_memory_equal(f->page[0] + 2 * 512, disk + 512, 3 * 512);
	assert_memory_equal(f->page[3], disk + 4 * 512, 4096);
	assert_int_equal(f->page[4][7 * 512 - 1], 0x11);
	assert_int_equal(f->page[0][2 * 512 - 1], 0x11);
	assert_int_equal(f->page[0][5 * 512], 0x11);
	/* A read-only grant is enough to write to the disk. */
	memset(f->page[1], 0x5a, PAGE_BYTES);
	req = slot(f, BLKIF_OP_WRITE, 1, quarter - 1);
	req->seg[0] = (struct blkif_request_segment){f->ref[1], 6, 6};
	push(f);
	assert_int_equal(response(f), BLKIF_RSP_OKAY);
	assert_int_equal(f->x->disk.data[2 * quarter * 512 - 1], 0x5a);
	assert_int_equal(f->x->disk.data[(2 * quarter - 1) * 512], 0x5a);
	assert_int_not_equal(f->x->disk.data[2 * quarter * 512], 0x5a); /* domain 2's */
	assert_int_equal(stats(f).reads, 1);
	assert_int_equal(stats(f).read_sectors, 12);
	assert_int_equal(stats(f).written_sectors, 1);
}

static void a_full_ring_is_honest(void **state)
{
	struct hostile *f = *state;

	for (unsigned i = 0; i < BLKIF_RING; i++)
		slot(f, BLKIF_OP_READ, (uint8_t)(1 + i % BLKIF_SEGMENTS), i * 8)->seg[10].gref =
			f->ref[0];
	push(f);
	pvblk_lab_run(f->x, 5 * SIM_MS);
	for (unsigned i = 0; i < BLKIF_RING; i++) /* the ram disk answers in order */
		assert_int_equal(response(f), BLKIF_RSP_OKAY);
	assert_int_equal(stats(f).reads, BLKIF_RING);
}

static void impossible_segments_are_refused(void **state)
{
	static const uint8_t counts[] = {0, 12, 13, 128, 255};
	static const uint8_t sectors[][2] = {{1, 0}, {7, 6}, {0, 8}, {8, 8}, {3, 255}, {255, 255}};
	struct hostile *f = *state;

	for (unsigned i = 0; i < sizeof(counts); i++) {
		slot(f, BLKIF_OP_READ, counts[i], 0);
		expect_refused(f, BLKIF_RSP_ERROR);
		slot(f, BLKIF_OP_WRITE, counts[i], 0);
		expect_refused(f, BLKIF_RSP_ERROR);
	}
	for (unsigned i = 0; i < sizeof(sectors) / sizeof(sectors[0]); i++)
		for (unsigned at = 0; at < BLKIF_SEGMENTS; at += 5) {
			blkif_request_t *req = slot(f, BLKIF_OP_WRITE, BLKIF_SEGMENTS, 0);

			req->seg[at].first_sect = sectors[i][0];
			req->seg[at].last_sect = sectors[i][1];
			expect_refused(f, BLKIF_RSP_ERROR);
		}
	slot(f, BLKIF_OP_FLUSH_DISKCACHE, 1, 0);
	expect_refused(f, BLKIF_RSP_ERROR);
	assert_int_equal(stats(f).bad_requests, 2 * 5 + 6 * 3 + 1);
}

static void sectors_beyond_the_disk_are_refused(void **state)
{
	struct hostile *f = *state;
	const uint64_t bad[] = {quarter - 7,    quarter,     PVBLK_SECTORS,     UINT64_MAX,
				UINT64_MAX - 7, 0 - quarter, (uint64_t)1 << 55, (uint64_t)1 << 63};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		slot(f, BLKIF_OP_READ, 1, bad[i]);
		expect_refused(f, BLKIF_RSP_ERROR);
		slot(f, BLKIF_OP_WRITE_BARRIER, 1, bad[i]);
		expect_refused(f, BLKIF_RSP_ERROR);
	}
	slot(f, BLKIF_OP_READ, 1, quarter - 8);
	push(f);
	assert_int_equal(response(f), BLKIF_RSP_OKAY);
}

static void operations_nobody_offered_are_refused(void **state)
{
	static const uint8_t ops[] = {4, BLKIF_OP_DISCARD, 7, 127, 255};
	struct hostile *f = *state;

	for (unsigned i = 0; i < sizeof(ops); i++) {
		slot(f, ops[i], 1, 0);
		expect_refused(f, BLKIF_RSP_EOPNOTSUPP);
	}
	slot(f, BLKIF_OP_INDIRECT, 1, 0);
	expect_refused(f, BLKIF_RSP_ERROR);
}

static void a_read_only_disk_is_not_written_to(void **state)
{
	struct hostile *f = *state;

	disconnect(f);
	connect(f, true);
	slot(f, BLKIF_OP_WRITE, 1, 0);
	expect_refused(f, BLKIF_RSP_ERROR);
	slot(f, BLKIF_OP_WRITE_BARRIER, 1, 0);
	expect_refused(f, BLKIF_RSP_ERROR);
}

static void one_bad_grant_fails_the_request_and_leaves_nothing_mapped(void **state)
{
	struct hostile *f = *state;
	const grant_ref_t bad[] = {0, 7, 100000, 0xffffffff, f->ref[PAGES - 1] + 200, f->ref[1]};
	struct blkback_stats s;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (unsigned at = 0; at < BLKIF_SEGMENTS; at += 5) {
			slot(f, BLKIF_OP_READ, BLKIF_SEGMENTS, 0)->seg[at].gref = bad[i];
			expect_refused(f, BLKIF_RSP_ERROR);
			blkback_stats(f->bb, &s);
			assert_int_equal(s.maps, s.unmaps);
		}
	assert_int_equal(stats(f).bad_grants, 6 * 3);
	assert_int_equal(f->page[1][0], 0x11); /* read-only: the disk did not write there */
}

static void an_error_below_is_an_answer(void **state)
{
	struct hostile *f = *state;

	f->x->disk.fail_in = 1;
	slot(f, BLKIF_OP_WRITE, 2, 0);
	push(f);
	assert_int_equal(response(f), BLKIF_RSP_ERROR);
	assert_int_equal(stats(f).io_errors, 1);
	works(f);
}

static void pages_cannot_be_taken_back_before_the_answer(void **state)
{
	struct hostile *f = *state;

	f->x->disk.hold = true;
	slot(f, BLKIF_OP_READ, 1, 0);
	push(f);
	assert_int_equal(f->ring->rsp_prod, 0);
	assert_int_equal(pv_grant_end_access(f->s->k->grants, NULL, f->ref[2]), -EBUSY);
	ram_blockdev_release(&f->x->disk);
	pvblk_lab_run(f->x, SIM_MS);
	assert_int_equal(response(f), BLKIF_RSP_OKAY);
	assert_false(pv_grant_busy(f->s->k->grants, NULL, f->ref[2]));
}

/* ---- order ---- */

static void a_barrier_waits_for_what_was_before_and_holds_back_what_comes(void **state)
{
	struct hostile *f = *state;
	struct ram_blockdev *disk = &f->x->disk;

	disk->ps_per_io = 10 * SIM_MS;
	slot(f, BLKIF_OP_WRITE, 1, 0);
	slot(f, BLKIF_OP_WRITE, 1, 8);
	slot(f, BLKIF_OP_WRITE_BARRIER, 1, 16);
	slot(f, BLKIF_OP_WRITE, 1, 24);
	push(f);
	/* Milliseconds 10 apart: writes, flushes and answers there have been by then. */
	for (unsigned i = 0; i < 6; i++) {
		static const unsigned expected[][3] = {
			{2, 0, 0}, /* the barrier waits */
			{2, 1, 2}, /* first it has what was before it flushed */
			{3, 1, 2}, /* then comes its own data, */
			{3, 2, 2}, /* which is flushed, too */
			{4, 2, 3}, /* and only now the last write */
			{4, 2, 4},
		};

		assert_int_equal(disk->writes, expected[i][0]);
		assert_int_equal(disk->flushes, expected[i][1]);
		assert_int_equal(f->ring->rsp_prod, expected[i][2]);
		pvblk_lab_run(f->x, 10 * SIM_MS);
	}
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(response(f), BLKIF_RSP_OKAY);
	disk->ps_per_io = 20 * SIM_US;
	/* Empty ones, and a flush. */
	slot(f, BLKIF_OP_WRITE_BARRIER, 0, 0);
	slot(f, BLKIF_OP_WRITE_BARRIER, 0, UINT64_MAX);
	slot(f, BLKIF_OP_FLUSH_DISKCACHE, 0, 0);
	push(f);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(response(f), BLKIF_RSP_OKAY);
	assert_int_equal(disk->flushes, 2 + 4 + 1);
	assert_int_equal(stats(f).barriers, 3);
}

/* Three rings of 32 want 64 requests; all get through in the end, and the honest one too. */
static void requests_are_shared_in_turn(void **state)
{
	struct hostile *f = *state, g[2];
	struct blkback_stats s;

	for (unsigned n = 0; n < 2; n++) {
		g[n] = *f;
		g[n].ring = kmalloc_alloc(f->s->kmalloc, PAGE_BYTES);
		g[n].ring_ref = pvblk_lab_grant(f->x, 1, g[n].ring, 0, false);
		connect(&g[n], false);
	}
	f->x->disk.hold = true;
	for (unsigned i = 0; i < BLKIF_RING; i++) {
		slot(f, BLKIF_OP_READ, 11, 0)->seg[10].gref = f->ref[0];
		for (unsigned n = 0; n < 2; n++)
			slot(&g[n], BLKIF_OP_READ, 1, 0);
	}
	push(f);
	push(&g[0]);
	push(&g[1]);
	blkback_stats(f->bb, &s);
	assert_int_equal(s.pending, BLKBACK_PENDING);
	assert_true(s.waited > 0);
	pvblk_io_make(&f->io, f->x, 2, BIO_READ, 0, 0, 1);
	blockdev_submit(blkfront_disk(f->honest), NULL, &f->io.bio);
	pvblk_lab_run(f->x, SIM_MS);
	/* The second in line breaks its ring and thereby leaves it. */
	g[1].req += 1000;
	push(&g[1]);
	ram_blockdev_release(&f->x->disk);
	pvblk_lab_run(f->x, 20 * SIM_MS);
	assert_int_equal(f->io.status, 0);
	for (unsigned i = 0; i < BLKIF_RING; i++) {
		assert_int_equal(response(f), BLKIF_RSP_OKAY);
		assert_int_equal(response(&g[0]), BLKIF_RSP_OKAY);
	}
	assert_int_equal(stats(&g[1]).disabled, 1);
	for (unsigned n = 0; n < 2; n++) {
		disconnect(&g[n]);
		give_back(f, g[n].ring, g[n].ring_ref);
	}
}

/* ---- rings that are none ---- */

static void a_producer_that_cannot_be_ends_the_ring(void **state)
{
	static const RING_IDX ahead[] = {33, 1000, 0x80000000, 0xffffffff};
	struct hostile *f = *state;

	for (unsigned i = 0; i < sizeof(ahead) / sizeof(ahead[0]); i++) {
		works(f);
		f->req += ahead[i];
		push(f);
		assert_int_equal(f->ring->rsp_prod, f->rsp);
		assert_int_equal(stats(f).disabled, 1);
		f->req = f->rsp + 1; /* it is too late to mend it */
		push(f);
		assert_int_equal(f->ring->rsp_prod, f->rsp);
		honest_works(f, 16);
		disconnect(f);
		connect(f, false);
	}
	works(f);
	/* Fewer than it had taken already. */
	f->x->disk.hold = true;
	slot(f, BLKIF_OP_READ, 1, 0);
	slot(f, BLKIF_OP_READ, 1, 8);
	push(f);
	f->req--;
	push(f);
	assert_int_equal(stats(f).disabled, 1);
	assert_int_equal(stats(f).reads, 1 + 2);
	ram_blockdev_release(&f->x->disk);
	pvblk_lab_run(f->x, SIM_MS);
	honest_works(f, 0);
}

static void keys_that_are_wrong_connect_nothing(void **state)
{
	struct hostile *f = *state;
	const struct blkback_extent extent = {.dev = &f->x->disk.dev, .sectors = 8};
	struct blkif_frontend_keys keys = {.domid = 1, .ring_ref = 0xffffffff};
	struct blkback_extent wrong = extent;
	struct cpu *cpu = machine_cpu(f->x->side[0].machine, 0);
	struct blkback_vbd *v;
	struct err err = {{0}};

	assert_int_equal(blkback_vbd_open(&v, f->bb, &keys, &extent, cpu, &err), -EINVAL);
	keys.ring_ref = f->ref[1]; /* read-only */
	assert_int_equal(blkback_vbd_open(&v, f->bb, &keys, &extent, cpu, &err), -EINVAL);
	keys.ring_ref = f->ref[2];
	keys.event_channel = 4000;
	assert_int_equal(blkback_vbd_open(&v, f->bb, &keys, &extent, cpu, &err), -EINVAL);
	wrong.first = PVBLK_SECTORS - 7;
	assert_int_equal(blkback_vbd_open(&v, f->bb, &keys, &wrong, cpu, &err), -EINVAL);
	wrong = extent;
	wrong.sectors = UINT64_MAX;
	assert_int_equal(blkback_vbd_open(&v, f->bb, &keys, &wrong, cpu, &err), -EINVAL);
	assert_false(pv_grant_busy(f->s->k->grants, NULL, f->ref[2]));
	works(f);
}

/* ---- anything at all ---- */

static void random_slot(struct hostile *f, struct rng *rng)
{
	blkif_request_t *req =
		slot(f, (uint8_t)rng_below(rng, 4), (uint8_t)(1 + rng_below(rng, BLKIF_SEGMENTS)),
		     rng_below(rng, quarter));

	if (!rng_below(rng, 8))
		req->operation = (uint8_t)rng_u64(rng);
	if (req->operation == BLKIF_OP_FLUSH_DISKCACHE || !rng_below(rng, 8))
		req->nr_segments = rng_below(rng, 2) ? 0 : (uint8_t)rng_u64(rng);
	if (!rng_below(rng, 8))
		req->sector_number = rng_u64(rng);
	for (unsigned i = 0; i < BLKIF_SEGMENTS; i++) {
		req->seg[i].first_sect = (uint8_t)rng_below(rng, rng_below(rng, 30) ? 4 : 256);
		req->seg[i].last_sect = (uint8_t)(4 + rng_below(rng, rng_below(rng, 30) ? 4 : 252));
		if (!rng_below(rng, 40))
			req->seg[i].gref = (grant_ref_t)rng_below(rng, 3000);
	}
}

static void a_random_frontend_harms_nobody(void **state)
{
	struct hostile *f = *state;
	uint64_t disabled = 0, good = 0, bad = 0;
	struct rng rng;

	rng_seed(&rng, lab_seed());
	for (unsigned round = 0; round < 400; round++) {
		for (unsigned n = (unsigned)rng_below(&rng, 12); n > 0; n--)
			random_slot(f, &rng);
		if (!rng_below(&rng, 30))
			f->req = (RING_IDX)rng_u64(&rng);
		if (!rng_below(&rng, 10))
			f->ring->rsp_event = (RING_IDX)rng_u64(&rng);
		if (!rng_below(&rng, 10))
			f->ring->rsp_prod = (RING_IDX)rng_u64(&rng);
		f->x->disk.fail_in = !rng_below(&rng, 10);
		push(f);
		pvblk_lab_run(f->x, rng_below(&rng, 12) * SIM_MS);
		f->x->disk.fail_in = 0;
		if (!(round % 10))
			honest_works(f, rng_below(&rng, quarter - 3));
		if (stats(f).disabled || !rng_below(&rng, 30)) {
			disabled += stats(f).disabled;
			good += stats(f).reads + stats(f).writes + stats(f).barriers;
			bad += stats(f).bad_requests + stats(f).bad_grants;
			disconnect(f);
			connect(f, false);
		}
	}
	/* The program must have been somewhere. */
	assert_true(disabled > 8);
	assert_true(good > 50);
	assert_true(bad > 50);
	/* And domain 2's sectors are as they were. */
	for (unsigned i = 0; i < quarter * 512; i++) {
		const unsigned at = 2 * (unsigned)quarter * 512 + i;

		assert_int_equal(f->x->disk.data[at], (uint8_t)(at >> 9 ^ at));
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sectors_go_where_the_request_says),
		TEST(a_full_ring_is_honest),
		TEST(impossible_segments_are_refused),
		TEST(sectors_beyond_the_disk_are_refused),
		TEST(operations_nobody_offered_are_refused),
		TEST(a_read_only_disk_is_not_written_to),
		TEST(one_bad_grant_fails_the_request_and_leaves_nothing_mapped),
		TEST(an_error_below_is_an_answer),
		TEST(pages_cannot_be_taken_back_before_the_answer),
		TEST(a_barrier_waits_for_what_was_before_and_holds_back_what_comes),
		TEST(requests_are_shared_in_turn),
		TEST(a_producer_that_cannot_be_ends_the_ring),
		TEST(keys_that_are_wrong_connect_nothing),
		TEST(a_random_frontend_harms_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
