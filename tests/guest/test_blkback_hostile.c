/* SPDX-License-Identifier: MIT */
/*
 * Requests to blkback byte for byte, from frontends made by hand, and everything that is none.
 */
#include "blkback_hostile_fixture.h"

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
