/* SPDX-License-Identifier: MIT */
/*
 * The block layer over a driver that keeps what it is handed until the test ends it: which bios
 * share a request, where requests are cut, when the queue is plugged, and what becomes of errors.
 */
#include "lab.h"

#include <errno.h>

#include "base/rng.h"
#include "guest/blk.h"

#define KEPT 256u
#define BIOS 64u

struct bench {
	struct sim *sim;
	struct machine *machine;
	struct kmalloc *kmalloc;
	struct blk_queue *q;
	struct blockdev *dev;
	struct blk_request *kept[KEPT];
	unsigned nkept;
	int refuse; /* what start() says instead of 0 */
	struct bio bio[BIOS];
	struct bio_vec vec[BIOS][40];
	int status[BIOS]; /* 1: not done */
	unsigned ndone;
};

static int on_start(void *ctx, struct cpu *cpu, struct blk_request *rq)
{
	struct bench *b = ctx;

	(void)cpu;
	if (b->refuse)
		return b->refuse;
	assert_true(b->nkept < KEPT);
	b->kept[b->nkept++] = rq;
	return 0;
}

static const struct blk_driver_ops ops = {.start = on_start};

static void make(struct bench *b, struct blk_config config)
{
	const struct profile profile = lab_profile(1);
	struct err err = {{0}};

	b->sim = sim_create();
	assert_int_equal(machine_create(&b->machine, b->sim, &profile, &err), 0);
	b->kmalloc = kmalloc_create(b->machine->mem, true);
	config.machine = b->machine;
	config.kmalloc = b->kmalloc;
	config.ops = &ops;
	config.ctx = b;
	config.sectors = 1 << 20;
	config.timer_cpu = machine_cpu(b->machine, 0);
	if (blk_create(&b->q, &config, &err))
		fail_msg("%s", err.text);
	b->dev = blk_device(b->q);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	make(b, (struct blk_config){0});
	*state = b;
	return 0;
}

static void drop(struct bench *b)
{
	blk_destroy(b->q);
	kmalloc_destroy(b->kmalloc);
	machine_destroy(b->machine);
	sim_destroy(b->sim);
}

static int teardown(void **state)
{
	drop(*state);
	free(*state);
	return 0;
}

static void on_done(struct bio *bio, struct cpu *cpu, int status)
{
	struct bench *b = bio->ctx;

	(void)cpu;
	assert_int_equal(b->status[bio - b->bio], 1);
	b->status[bio - b->bio] = status;
	b->ndone++;
}

/* Bio @i: @sectors from @sector, one range at page @page. Nothing at boot has a CPU. */
static void put(struct bench *b, unsigned i, enum bio_op op, uint64_t sector, uint32_t sectors,
		unsigned page)
{
	b->vec[i][0] = (struct bio_vec){.paddr = page * 4096ull, .bytes = sectors * 512};
	b->bio[i] = (struct bio){.op = op,
				 .sector = sector,
				 .vec = b->vec[i],
				 .nvec = op == BIO_FLUSH ? 0 : 1,
				 .done = on_done,
				 .ctx = b};
	b->status[i] = 1;
	blockdev_submit(b->dev, NULL, &b->bio[i]);
}

static struct blk_stats stats(const struct bench *b)
{
	struct blk_stats s;

	blk_stats(b->q, &s);
	return s;
}

static void end(struct bench *b, unsigned kept, enum blk_result result)
{
	blk_complete(b->q, NULL, b->kept[kept], result);
}

static void neighbours_at_either_end_join_a_request(void **state)
{
	struct bench *b = *state;
	const struct blk_request *rq;

	put(b, 0, BIO_READ, 1000, 8, 10);
	put(b, 1, BIO_READ, 1008, 8, 20);  /* behind */
	put(b, 2, BIO_READ, 992, 8, 30);   /* before */
	put(b, 3, BIO_WRITE, 1016, 8, 40); /* another operation */
	put(b, 4, BIO_READ, 1017, 8, 50);  /* a gap */
	assert_int_equal(b->nkept, 0);
	blockdev_unplug(b->dev, NULL);
	assert_int_equal(b->nkept, 3);
	rq = b->kept[0];
	assert_int_equal(rq->sector, 992);
	assert_int_equal(rq->bytes, 24 * 512);
	assert_int_equal(rq->nsegments, 3);
	assert_int_equal(rq->segment[0].paddr, 30 * 4096);
	assert_int_equal(rq->segment[1].paddr, 10 * 4096);
	assert_int_equal(rq->segment[2].paddr, 20 * 4096);
	assert_int_equal(stats(b).back_merges, 1);
	assert_int_equal(stats(b).front_merges, 1);
	end(b, 0, BLK_OK);
	assert_int_equal(b->ndone, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(b->status[i], 0);
	assert_int_equal(stats(b).latency[BIO_READ].count, 3);
}

static void ranges_that_follow_each_other_in_memory_become_one_segment(void **state)
{
	struct bench *b = *state;

	put(b, 0, BIO_READ, 0, 8, 10);
	put(b, 1, BIO_READ, 8, 8, 11);
	put(b, 2, BIO_READ, 16, 8, 13);
	blockdev_unplug(b->dev, NULL);
	assert_int_equal(b->nkept, 1);
	assert_int_equal(b->kept[0]->nsegments, 2);
	assert_int_equal(b->kept[0]->segment[0].bytes, 8192);
	end(b, 0, BLK_OK);
	assert_int_equal(b->ndone, 3);
}

static void requests_end_at_128_kib(void **state)
{
	struct bench *b = *state;

	for (unsigned i = 0; i < 40; i++) /* pages apart, so that nothing runs together */
		put(b, i, BIO_WRITE, i * 8, 8, 10 + 2 * i);
	blockdev_unplug(b->dev, NULL);
	assert_int_equal(b->nkept, 2);
	assert_int_equal(b->kept[0]->bytes, 131072);
	assert_int_equal(b->kept[0]->nsegments, 32);
	assert_int_equal(b->kept[1]->bytes, 8 * 4096);
}

/* 300 KiB in one range: 128, 128 and 44; done once, with the first error. */
static void a_large_bio_is_cut_and_done_once(void **state)
{
	struct bench *b = *state;

	put(b, 0, BIO_READ, 64, 600, 16);
	blockdev_unplug(b->dev, NULL);
	assert_int_equal(b->nkept, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(b->kept[i]->sector, 64 + 256 * i);
		assert_int_equal(b->kept[i]->bytes, i < 2 ? 131072 : 88 * 512);
		assert_int_equal(b->kept[i]->segment[0].paddr, 16 * 4096 + 131072 * i);
		assert_true(b->kept[i]->segment[0].bytes <= 65536);
	}
	assert_int_equal(stats(b).splits, 2);
	end(b, 2, BLK_OK);
	end(b, 0, BLK_FAILED);
	assert_int_equal(b->ndone, 0);
	end(b, 1, BLK_OK);
	assert_int_equal(b->ndone, 1);
	assert_int_equal(b->status[0], -EIO);
	assert_int_equal(stats(b).failed, 1);
}

static void segments_are_counted_and_cuts_fall_on_sectors(void **state)
{
	struct bench *b = *state;
	uint32_t at = 0;
	struct bio *bio = &b->bio[0];

	drop(b);
	memset(b, 0, sizeof(*b));
	make(b, (struct blk_config){.max_segments = 4});
	for (unsigned i = 0; i < 40; i++) { /* 300 and 724 bytes in turn: 20 KiB */
		b->vec[0][i] =
			(struct bio_vec){.paddr = 0x10000 + i * 4096, .bytes = i & 1 ? 724 : 300};
		at += b->vec[0][i].bytes;
	}
	*bio = (struct bio){
		.op = BIO_READ, .vec = b->vec[0], .nvec = 40, .done = on_done, .ctx = b};
	b->status[0] = 1;
	blockdev_submit(b->dev, NULL, bio);
	blockdev_unplug(b->dev, NULL);
	for (unsigned i = 0; i < b->nkept; i++) {
		assert_int_equal(b->kept[i]->bytes % 512, 0);
		assert_true(b->kept[i]->bytes > 0 && b->kept[i]->nsegments <= 4);
		assert_int_equal(b->kept[i]->sector * 512, (40 * 512) - at);
		at -= b->kept[i]->bytes;
	}
	assert_int_equal(at, 0);
	for (unsigned i = 0; i < 40; i++) /* eight bytes each: no sector in four of them */
		b->vec[1][i] = (struct bio_vec){.paddr = 0x10000 + i * 4096, .bytes = i ? 8 : 200};
	b->bio[1] = (struct bio){
		.op = BIO_READ, .vec = b->vec[1], .nvec = 40, .done = on_done, .ctx = b};
	b->status[1] = 1;
	blockdev_submit(b->dev, NULL, &b->bio[1]);
	assert_int_equal(b->status[1], -EINVAL);
}

/* What a paravirtual disk asks for: eleven segments, none of which leaves its page. */
static void segments_end_where_pages_do_and_ranges_lie_on_sectors(void **state)
{
	struct bench *b = *state;
	uint32_t sum = 0;

	drop(b);
	memset(b, 0, sizeof(*b));
	make(b, (struct blk_config){.max_segments = 11,
				    .max_bytes = 11 * 4096,
				    .segment_boundary = 4096,
				    .alignment = 512});
	assert_int_equal(b->dev->alignment, 512);
	/* 16 pages, but the first begins three sectors late: 17 of them are touched. */
	b->vec[0][0] = (struct bio_vec){.paddr = 5 * 4096 + 3 * 512, .bytes = 16 * 4096};
	b->bio[0] = (struct bio){
		.op = BIO_READ, .vec = b->vec[0], .nvec = 1, .done = on_done, .ctx = b};
	b->status[0] = 1;
	blockdev_submit(b->dev, NULL, &b->bio[0]);
	put(b, 1, BIO_READ, 128, 8, 21); /* adjoins on the disk: no more than eleven together */
	put(b, 2, BIO_READ, 136, 24, 100);
	blockdev_unplug(b->dev, NULL);
	assert_int_equal(b->nkept, 2);
	assert_int_equal(b->kept[0]->nsegments, 11);
	assert_int_equal(b->kept[0]->bytes, 11 * 4096 - 3 * 512);
	assert_int_equal(b->kept[1]->nsegments, 6 + 1 + 3);
	for (unsigned i = 0; i < 2; i++)
		for (unsigned s = 0; s < b->kept[i]->nsegments; s++) {
			const struct bio_vec *v = &b->kept[i]->segment[s];

			assert_true(v->paddr % 4096 + v->bytes <= 4096);
			sum += v->bytes;
		}
	assert_int_equal(sum, 16 * 4096 + 4 * 8 * 512);
	b->vec[3][0] = (struct bio_vec){.paddr = 4096 + 256, .bytes = 512};
	b->bio[3] = (struct bio){
		.op = BIO_READ, .vec = b->vec[3], .nvec = 1, .done = on_done, .ctx = b};
	b->status[3] = 1;
	blockdev_submit(b->dev, NULL, &b->bio[3]);
	assert_int_equal(b->status[3], -EINVAL);
}

/* A range longer than a segment may be stays so when its bio joins another's request. */
static void a_long_range_that_joins_a_request_is_cut_into_segments(void **state)
{
	struct bench *b = *state;

	put(b, 0, BIO_WRITE, 0, 8, 1000);
	put(b, 1, BIO_WRITE, 8, 160, 16); /* 80 KiB */
	blockdev_unplug(b->dev, NULL);
	assert_int_equal(b->nkept, 1);
	assert_int_equal(b->kept[0]->nsegments, 3);
	assert_int_equal(b->kept[0]->segment[1].bytes, 65536);
	assert_int_equal(b->kept[0]->segment[2].bytes, 16384);
}

static void an_empty_queue_waits_three_milliseconds_or_for_four_requests(void **state)
{
	struct bench *b = *state;

	put(b, 0, BIO_READ, 0, 8, 10);
	assert_int_equal(sim_run(b->sim, 2900 * SIM_US), 0);
	assert_int_equal(b->nkept, 0);
	assert_int_equal(sim_run(b->sim, 3100 * SIM_US), 0);
	assert_int_equal(b->nkept, 1);
	assert_int_equal(stats(b).unplugs_timer, 1);
	for (unsigned i = 1; i < 5; i++) {
		assert_int_equal(b->nkept, 1);
		put(b, i, BIO_READ, i * 100, 8, 10);
	}
	assert_int_equal(b->nkept, 5);
	assert_int_equal(stats(b).unplugs_threshold, 1);
	assert_int_equal(stats(b).plugs, 2);
}

static void somebody_who_waits_is_not_kept_waiting(void **state)
{
	struct bench *b = *state;

	put(b, 0, BIO_FLUSH, 0, 0, 0);
	assert_int_equal(b->nkept, 1);
	assert_int_equal(b->kept[0]->bytes, 0);
	put(b, 1, BIO_READ, 0, 8, 10);
	assert_int_equal(b->nkept, 1);
	b->bio[2] = b->bio[1];
	b->bio[2].sector = 99;
	b->bio[2].sync = true;
	b->status[2] = 1;
	blockdev_submit(b->dev, NULL, &b->bio[2]);
	assert_int_equal(b->nkept, 3);
}

static void no_more_than_the_depth_is_at_the_driver(void **state)
{
	struct bench *b = *state;

	for (unsigned i = 0; i < 50; i++)
		put(b, i, BIO_READ, i * 100, 8, 10);
	assert_int_equal(b->nkept, 32);
	end(b, 0, BLK_OK);
	assert_int_equal(b->nkept, 33);
	assert_int_equal(stats(b).in_flight, 32);
	assert_int_equal(stats(b).queued, 17);
}

static void the_producer_is_told_when_requests_run_short(void **state)
{
	struct bench *b = *state;

	drop(b);
	memset(b, 0, sizeof(*b));
	make(b, (struct blk_config){.requests = 16, .depth = 4});
	for (unsigned i = 0; i < 20; i++) {
		put(b, i, BIO_READ, i * 100, 8, 10);
		assert_int_equal(b->dev->congested, i >= 14);
	}
	assert_int_equal(stats(b).waited, 4);
	for (unsigned i = 0; i < 20; i++)
		end(b, i, BLK_OK);
	assert_int_equal(b->ndone, 20);
	assert_false(b->dev->congested);
}

static void what_failed_for_a_passing_reason_is_tried_five_times_more(void **state)
{
	struct bench *b = *state;

	put(b, 0, BIO_WRITE, 0, 8, 10);
	blockdev_unplug(b->dev, NULL);
	for (unsigned i = 0; i < 5; i++) {
		end(b, i, BLK_RETRY);
		assert_int_equal(b->nkept, i + 2);
		assert_int_equal(b->ndone, 0);
	}
	end(b, 5, BLK_RETRY);
	assert_int_equal(b->status[0], -EIO);
	assert_int_equal(stats(b).retries, 5);
	assert_int_equal(stats(b).requests, 6);
}

static void a_full_device_is_asked_again_when_something_has_ended(void **state)
{
	struct bench *b = *state;

	put(b, 0, BIO_WRITE, 0, 8, 10);
	put(b, 1, BIO_WRITE, 100, 8, 10);
	blockdev_unplug(b->dev, NULL);
	end(b, 1, BLK_AGAIN);
	assert_int_equal(b->nkept, 2);
	end(b, 0, BLK_OK);
	assert_int_equal(b->nkept, 3);
	end(b, 2, BLK_OK);
	assert_int_equal(b->ndone, 2);
	b->refuse = -EBUSY;
	put(b, 2, BIO_WRITE, 0, 8, 10);
	blockdev_unplug(b->dev, NULL);
	b->refuse = 0;
	blk_restart(b->q, NULL);
	assert_int_equal(b->nkept, 4);
	end(b, 3, BLK_OK);
	b->refuse = -ENXIO;
	put(b, 3, BIO_WRITE, 0, 8, 10);
	blockdev_unplug(b->dev, NULL);
	assert_int_equal(b->status[3], -EIO);
}

static void limits_out_of_range_are_refused(void **state)
{
	struct bench *b = *state;
	const struct blk_config bad[] = {{.max_bytes = 1000},       {.max_bytes = 2 << 20},
					 {.max_segments = 129},     {.segment_boundary = 3000},
					 {.segment_boundary = 256}, {.requests = 3},
					 {.requests = 5000}};
	struct blk_queue *q;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct blk_config config = bad[i];
		struct err err = {{0}};

		config.machine = b->machine;
		config.kmalloc = b->kmalloc;
		assert_int_equal(blk_create(&q, &config, &err), -EINVAL);
		assert_non_null(strstr(err.text, "expected"));
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(neighbours_at_either_end_join_a_request),
		T(ranges_that_follow_each_other_in_memory_become_one_segment),
		T(requests_end_at_128_kib),
		T(a_large_bio_is_cut_and_done_once),
		T(segments_are_counted_and_cuts_fall_on_sectors),
		T(segments_end_where_pages_do_and_ranges_lie_on_sectors),
		T(a_long_range_that_joins_a_request_is_cut_into_segments),
		T(an_empty_queue_waits_three_milliseconds_or_for_four_requests),
		T(somebody_who_waits_is_not_kept_waiting),
		T(no_more_than_the_depth_is_at_the_driver),
		T(the_producer_is_told_when_requests_run_short),
		T(what_failed_for_a_passing_reason_is_tried_five_times_more),
		T(a_full_device_is_asked_again_when_something_has_ended),
		T(limits_out_of_range_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
