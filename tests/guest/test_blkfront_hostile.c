/* SPDX-License-Identifier: MIT */
/*
 * A backend of a disk, made by hand in domain 0: what domain 1's frontend writes on the ring, byte
 * for byte, and what it makes of answers that are none.
 */
#include "pvblk_lab.h"

#include <errno.h>

#include "base/rng.h"

#define IOS 40u

struct liar {
	struct pvblk_lab *x;
	struct pv_kernel *k; /* domain 0's */
	struct blkfront *front;
	struct blockdev *dev;
	struct pv_foreign page;
	blkif_sring_t *ring;
	int port;
	unsigned events;
	struct pvblk_io io[IOS];
};

static void count_event(void *ctx, struct cpu *cpu)
{
	struct liar *f = ctx;

	(void)cpu;
	f->events++;
}

static void open_front(struct liar *f, const struct blkif_backend_keys *backend)
{
	struct blkfront_config config = {.kernel = f->x->side[1].k,
					 .backend = *backend,
					 .timer_cpu = machine_cpu(f->x->side[1].machine, 0)};
	struct blkif_frontend_keys keys;
	struct err err = {{0}};

	if (blkfront_open(&f->front, &config, &err))
		fail_msg("%s", err.text);
	f->dev = blkfront_disk(f->front);
	blkfront_keys(f->front, &keys);
	assert_int_equal(pv_foreign_map(f->k, &f->page, keys.domid, keys.ring_ref), 0);
	f->ring = memory_ptr(f->k->machine->mem, f->page.paddr, PAGE_BYTES);
	f->port = pv_event_bind(f->k->events, NULL, keys.domid, keys.event_channel, count_event, f);
	assert_true(f->port > 0);
}

static const struct blkif_backend_keys plain = {
	.sectors = PVBLK_SECTORS, .feature_flush_cache = true, .feature_barrier = true};

static int setup(void **state)
{
	struct liar *f = calloc(1, sizeof(*f));

	f->x = pvblk_lab_create();
	f->k = f->x->side[0].k;
	open_front(f, &plain);
	blkfront_connect(f->front, NULL);
	*state = f;
	return 0;
}

static void close_front(struct liar *f)
{
	pv_event_close(f->k->events, NULL, (evtchn_port_t)f->port);
	assert_true(pv_foreign_unmap(f->k, NULL, &f->page));
	assert_int_equal(blkfront_close(f->front), 0);
}

static int teardown(void **state)
{
	struct liar *f = *state;

	close_front(f);
	for (unsigned i = 0; i < IOS; i++)
		kmalloc_free(f->x->side[1].kmalloc, f->io[i].page);
	pvblk_lab_destroy(f->x);
	free(f);
	return 0;
}

static struct blkfront_stats stats(const struct liar *f)
{
	struct blkfront_stats s;

	blkfront_stats(f->front, &s);
	return s;
}

static void start(struct liar *f, unsigned i, enum bio_op op, uint64_t sector, unsigned offset,
		  unsigned count)
{
	pvblk_io_make(&f->io[i], f->x, 1, op, sector, offset, count);
	blockdev_submit(f->dev, NULL, &f->io[i].bio);
}

static const blkif_request_t *request(const struct liar *f, RING_IDX i)
{
	assert_true(i < f->ring->req_prod);
	return &f->ring->ring[i % BLKIF_RING].req;
}

/* Answer number @i on the ring, in its place. */
static void answer(struct liar *f, RING_IDX i, uint64_t id, uint8_t operation, int16_t status)
{
	f->ring->ring[i % BLKIF_RING].rsp =
		(blkif_response_t){.id = id, .operation = operation, .status = status};
}

static void push(struct liar *f, RING_IDX rsp_prod)
{
	f->ring->rsp_prod = rsp_prod;
	pv_event_notify(f->k->events, NULL, (evtchn_port_t)f->port);
	pvblk_lab_run(f->x, SIM_MS);
	pvblk_lab_check(f->x);
}

/* Nothing of the backend is believed any more: requests fail, @held of them not even that. */
static void expect_broken(struct liar *f, unsigned held)
{
	const RING_IDX sent = f->ring->req_prod;

	assert_int_equal(stats(f).broken, 1);
	assert_int_equal(stats(f).held, held);
	start(f, IOS - 1, BIO_READ, 0, 0, 1);
	assert_int_equal(f->io[IOS - 1].status, -EIO);
	assert_int_equal(f->ring->req_prod, sent);
}

/* ---- honest ---- */

static void requests_say_what_was_asked_for(void **state)
{
	struct liar *f = *state;
	const blkif_request_t *r;
	struct pv_foreign data = {0};
	uint64_t id;

	start(f, 0, BIO_READ, 77, 3 * 512, 2);
	r = request(f, 0);
	assert_int_equal(r->operation, BLKIF_OP_READ);
	assert_int_equal(r->nr_segments, 1);
	assert_int_equal(r->sector_number, 77);
	assert_int_equal(r->seg[0].first_sect, 3);
	assert_int_equal(r->seg[0].last_sect, 4);
	/* What is read may be written to by the backend... */
	assert_int_equal(pv_foreign_map(f->k, &data, 1, r->seg[0].gref), 0);
	memset((uint8_t *)memory_ptr(f->k->machine->mem, data.paddr, PAGE_BYTES) + 3 * 512, 0x42,
	       1024);
	assert_true(pv_foreign_unmap(f->k, NULL, &data));
	id = r->id;
	answer(f, 0, id, BLKIF_OP_READ, BLKIF_RSP_OKAY);
	push(f, 1);
	assert_int_equal(f->io[0].status, 0);
	assert_int_equal(f->io[0].page[3 * 512], 0x42);
	assert_int_equal(f->io[0].page[3 * 512 - 1], 0xee);
	/* ...what is written may not, nor may anything once it has been answered. */
	start(f, 1, BIO_WRITE, PVBLK_SECTORS - 8, 0, 8);
	r = request(f, 1);
	assert_int_equal(r->operation, BLKIF_OP_WRITE);
	assert_int_equal(r->seg[0].first_sect, 0);
	assert_int_equal(r->seg[0].last_sect, 7);
	assert_int_equal(pv_foreign_map(f->k, &data, 1, r->seg[0].gref), -EINVAL);
	id = r->seg[0].gref;
	answer(f, 1, r->id, BLKIF_OP_WRITE, BLKIF_RSP_OKAY);
	push(f, 2);
	assert_int_equal(f->io[1].status, 0);
	assert_int_equal(pv_foreign_map(f->k, &data, 1, (grant_ref_t)id), -EINVAL);
	assert_int_equal(stats(f).broken, 0);
}

static void the_backend_is_told_when_it_asked(void **state)
{
	struct liar *f = *state;

	/* A new ring asks to be told of the first request. */
	start(f, 0, BIO_READ, 0, 0, 1);
	start(f, 1, BIO_READ, 100, 0, 1);
	start(f, 2, BIO_READ, 200, 0, 1);
	assert_int_equal(stats(f).notified, 1);
	f->ring->req_event = 5;
	start(f, 3, BIO_READ, 300, 0, 1);
	assert_int_equal(stats(f).notified, 1);
	start(f, 4, BIO_READ, 400, 0, 1);
	assert_int_equal(stats(f).notified, 2);
	pvblk_lab_run(f->x, SIM_MS);
	assert_true(f->events > 0);
	for (unsigned i = 0; i < 5; i++)
		answer(f, i, request(f, i)->id, BLKIF_OP_READ, BLKIF_RSP_OKAY);
	push(f, 5);
	assert_int_equal(f->ring->rsp_event, 6);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(f->io[i].status, 0);
}

static void a_full_ring_holds_32_and_the_rest_waits(void **state)
{
	struct liar *f = *state;

	for (unsigned i = 0; i < IOS - 1; i++)
		start(f, i, BIO_READ, i * 64, 0, 1);
	assert_int_equal(f->ring->req_prod, BLKIF_RING);
	/* Answered out of order, as a backend may. */
	for (RING_IDX i = 0; i < BLKIF_RING; i += 2) {
		const uint64_t a = request(f, i)->id, b = request(f, i + 1)->id;

		answer(f, i, b, BLKIF_OP_READ, BLKIF_RSP_OKAY);
		answer(f, i + 1, a, BLKIF_OP_READ, BLKIF_RSP_OKAY);
	}
	push(f, BLKIF_RING);
	for (unsigned i = 0; i < BLKIF_RING; i++)
		assert_int_equal(f->io[i].status, 0);
	assert_int_equal(f->ring->req_prod, IOS - 1);
	for (RING_IDX i = BLKIF_RING; i < IOS - 1; i++)
		answer(f, i, request(f, i)->id, BLKIF_OP_READ, BLKIF_RSP_OKAY);
	push(f, IOS - 1);
	for (unsigned i = 0; i < IOS - 1; i++)
		assert_int_equal(f->io[i].status, 0);
}

static void errors_are_errors(void **state)
{
	static const int16_t status[] = {BLKIF_RSP_ERROR, BLKIF_RSP_EOPNOTSUPP, 1, -32768, 32767};
	struct liar *f = *state;
	RING_IDX n = 0;

	for (unsigned i = 0; i < sizeof(status) / sizeof(status[0]); i++, n++) {
		start(f, i, BIO_WRITE, 0, 0, 1);
		answer(f, n, request(f, n)->id, BLKIF_OP_WRITE, status[i]);
		push(f, n + 1);
		assert_int_equal(f->io[i].status, -EIO);
	}
	assert_int_equal(stats(f).errors, 5);
	assert_int_equal(stats(f).broken, 0);
	/* A flush that failed has failed; one that is not supported will not be asked for again. */
	start(f, 10, BIO_FLUSH, 0, 0, 0);
	assert_int_equal(request(f, n)->operation, BLKIF_OP_FLUSH_DISKCACHE);
	assert_int_equal(request(f, n)->nr_segments, 0);
	answer(f, n, request(f, n)->id, BLKIF_OP_FLUSH_DISKCACHE, BLKIF_RSP_ERROR);
	push(f, ++n);
	assert_int_equal(f->io[10].status, -EIO);
	start(f, 11, BIO_FLUSH, 0, 0, 0);
	answer(f, n, request(f, n)->id, BLKIF_OP_FLUSH_DISKCACHE, BLKIF_RSP_EOPNOTSUPP);
	push(f, ++n);
	assert_int_equal(f->io[11].status, 0);
	assert_int_equal(stats(f).withdrawn, 1);
	start(f, 12, BIO_FLUSH, 0, 0, 0);
	assert_int_equal(f->io[12].status, 0);
	assert_int_equal(f->ring->req_prod, n);
}

static void what_the_backend_says_of_its_disk_is_kept_to(void **state)
{
	struct liar *f = *state;
	struct blkif_backend_keys keys = {
		.sectors = 1000, .readonly = true, .feature_barrier = true};
	struct blkfront_config config = {.kernel = f->x->side[1].k};
	static const uint64_t sizes[] = {0, ((uint64_t)1 << 55) + 1, UINT64_MAX};
	struct blkfront *front;
	struct err err = {{0}};

	close_front(f);
	for (unsigned i = 0; i < 3; i++) {
		config.backend.sectors = sizes[i];
		assert_int_equal(blkfront_open(&front, &config, &err), -EINVAL);
		assert_non_null(strstr(err.text, "expected"));
	}
	open_front(f, &keys);
	start(f, 0, BIO_READ, 0, 0, 1);
	assert_int_equal(f->io[0].status, 1); /* not connected: it waits */
	assert_int_equal(f->ring->req_prod, 0);
	blkfront_connect(f->front, NULL);
	assert_int_equal(f->ring->req_prod, 1);
	start(f, 1, BIO_WRITE, 0, 0, 1);
	assert_int_equal(f->io[1].status, -EIO);
	start(f, 2, BIO_READ, 1000, 0, 1);
	assert_int_equal(f->io[2].status, -EINVAL);
	start(f, 3, BIO_READ, 0, 100, 1); /* not on a sector */
	assert_int_equal(f->io[3].status, -EINVAL);
	start(f, 4, BIO_FLUSH, 0, 0, 0);
	assert_int_equal(request(f, 1)->operation, BLKIF_OP_WRITE_BARRIER);
	answer(f, 0, request(f, 0)->id, BLKIF_OP_READ, BLKIF_RSP_OKAY);
	answer(f, 1, request(f, 1)->id, BLKIF_OP_WRITE_BARRIER, BLKIF_RSP_OKAY);
	push(f, 2);
	assert_int_equal(f->io[0].status, 0);
	assert_int_equal(f->io[4].status, 0);
}

/* ---- lies ---- */

static void a_producer_that_cannot_be_costs_the_disk(void **state)
{
	static const RING_IDX lies[] = {4, 32, 1000, 0xffffffff, 0x80000000};
	struct liar *f = *state;

	for (unsigned n = 0; n < sizeof(lies) / sizeof(lies[0]); n++) {
		for (unsigned i = 0; i < 3; i++)
			start(f, i, BIO_READ, i * 64, 0, 1);
		push(f, lies[n]);
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(f->io[i].status, -EIO);
		expect_broken(f, 0);
		close_front(f);
		open_front(f, &plain);
		blkfront_connect(f->front, NULL);
	}
}

static void an_answer_to_nothing_costs_the_disk(void **state)
{
	struct liar *f = *state;

	for (unsigned n = 0; n < 5; n++) {
		uint64_t id;
		uint8_t operation = BLKIF_OP_READ;

		start(f, 0, BIO_READ, 0, 0, 1);
		start(f, 1, BIO_READ, 64, 0, 1);
		id = request(f, 0)->id;
		answer(f, 0, id, BLKIF_OP_READ, BLKIF_RSP_OKAY);
		if (n == 0)
			id = BLKIF_RING; /* no such id */
		else if (n == 1)
			id = UINT64_MAX;
		else if (n == 2)
			id = request(f, 1)->id + ((uint64_t)1 << 32);
		else if (n == 3) {
			id = request(f, 1)->id;
			operation = BLKIF_OP_WRITE; /* not what was asked */
		}                                   /* 4: the same again */
		answer(f, 1, id, operation, BLKIF_RSP_OKAY);
		push(f, 2);
		assert_int_equal(f->io[0].status, 0);
		assert_int_equal(f->io[1].status, -EIO);
		expect_broken(f, 0);
		close_front(f);
		open_front(f, &plain);
		blkfront_connect(f->front, NULL);
	}
}

/* It answers and keeps the page: the owner must not get it back before it is let go of. */
static void a_page_that_is_still_mapped_is_not_given_back(void **state)
{
	struct liar *f = *state;
	struct pv_foreign data = {0};

	start(f, 0, BIO_READ, 0, 0, 8);
	start(f, 1, BIO_READ, 64, 0, 8);
	assert_int_equal(pv_foreign_map(f->k, &data, 1, request(f, 0)->seg[0].gref), 0);
	answer(f, 0, request(f, 0)->id, BLKIF_OP_READ, BLKIF_RSP_OKAY);
	push(f, 1);
	assert_int_equal(f->io[0].status, 1);
	assert_int_equal(f->io[1].status, -EIO);
	expect_broken(f, 1);
	assert_int_equal(f->io[0].status, 1);
	assert_true(pv_foreign_unmap(f->k, NULL, &data));
	expect_broken(f, 1); /* the next request finds that it has */
	assert_int_equal(f->io[0].status, -EIO);
	expect_broken(f, 0);
}

/* Any words on the ring, at any time: every bio ends, or its page is held. */
static void a_random_backend_costs_a_disk_and_no_more(void **state)
{
	struct liar *f = *state;
	unsigned broken = 0, good = 0;
	struct rng rng;

	rng_seed(&rng, lab_seed());
	for (unsigned round = 0; round < 300; round++) {
		const unsigned n = 1 + (unsigned)rng_below(&rng, 20);
		const RING_IDX first = f->ring->rsp_prod;

		for (unsigned i = 0; i < n; i++)
			start(f, i, rng_below(&rng, 2) ? BIO_READ : BIO_WRITE, i * 64, 0, 1);
		for (unsigned i = 0; i < n; i++) {
			blkif_request_t r;

			memcpy(&r, request(f, first + i), sizeof(r));
			if (!rng_below(&rng, 100))
				r.id = rng_below(&rng, 40);
			if (!rng_below(&rng, 100))
				r.operation = (uint8_t)rng_u64(&rng);
			answer(f, first + i, r.id, r.operation, rng_below(&rng, 5) ? 0 : -1);
		}
		if (!rng_below(&rng, 5))
			f->ring->req_event = (RING_IDX)rng_u64(&rng);
		push(f, first + (rng_below(&rng, 20) ? n : (RING_IDX)rng_u64(&rng)));
		for (unsigned i = 0; i < n; i++) {
			assert_true(f->io[i].status == 0 || f->io[i].status == -EIO);
			good += !f->io[i].status;
		}
		if (stats(f).broken) {
			broken++;
			expect_broken(f, 0);
			close_front(f);
			open_front(f, &plain);
			blkfront_connect(f->front, NULL);
		}
	}
	assert_true(broken > 10);
	assert_true(good > 500);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(requests_say_what_was_asked_for),
		TEST(the_backend_is_told_when_it_asked),
		TEST(a_full_ring_holds_32_and_the_rest_waits),
		TEST(errors_are_errors),
		TEST(what_the_backend_says_of_its_disk_is_kept_to),
		TEST(a_producer_that_cannot_be_costs_the_disk),
		TEST(an_answer_to_nothing_costs_the_disk),
		TEST(a_page_that_is_still_mapped_is_not_given_back),
		TEST(a_random_backend_costs_a_disk_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
