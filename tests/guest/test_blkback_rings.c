/* SPDX-License-Identifier: MIT */
/*
 * What blkback does with its frontends' rings: barriers, turns, and producers, keys and bytes that
 * are none.
 */
#include "blkback_hostile_fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_barrier_waits_for_what_was_before_and_holds_back_what_comes),
		TEST(requests_are_shared_in_turn),
		TEST(a_producer_that_cannot_be_ends_the_ring),
		TEST(keys_that_are_wrong_connect_nothing),
		TEST(a_random_frontend_harms_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
