/* SPDX-License-Identifier: MIT */
/* A PCI Express link: packets, translations, order, and what bounds what is in flight. */
#include "rig.h"

#include <errno.h>

#include "dev/pcie.h"

#define RW        (IOTOLL_READ | IOTOLL_WRITE)
#define LOG_MAX   256u
#define WIRE(n)   ((n)*SIM_NS) /* of n bytes, headers included */
#define PACKET(n) WIRE((n) + RIG_PACKET)

struct bench {
	struct rig rig;
	struct pcie *pcie;
	unsigned finished, left;
	const struct pcie_request *order[LOG_MAX];
	int status[LOG_MAX];
	sim_time when[LOG_MAX], left_at[LOG_MAX];
};

static void on_done(void *ctx, struct pcie_request *req, int status)
{
	struct bench *b = ctx;

	assert_true(b->finished < LOG_MAX);
	b->order[b->finished] = req;
	b->status[b->finished] = status;
	b->when[b->finished++] = sim_now(b->rig.sim);
}

static void on_left(void *ctx, struct pcie_request *req)
{
	struct bench *b = ctx;

	(void)req;
	b->left_at[b->left++] = sim_now(b->rig.sim);
}

static void make(struct bench *b, unsigned tags)
{
	struct pcie_config config = {.devid = RIG_DEVID, .tags = tags};

	memset(b, 0, sizeof(*b));
	rig_make(&b->rig, true);
	config.bus = b->rig.bus;
	assert_int_equal(pcie_create(&b->pcie, &config), 0);
}

static void unmake(struct bench *b)
{
	pcie_destroy(b->pcie);
	rig_free(&b->rig);
}

static struct pcie_request request(struct bench *b, uint64_t iova, void *buffer, uint32_t bytes,
				   enum iotoll_access direction)
{
	return (struct pcie_request){.iova = iova,
				     .buffer = buffer,
				     .bytes = bytes,
				     .direction = direction,
				     .left = direction == IOTOLL_WRITE ? on_left : NULL,
				     .done = on_done,
				     .ctx = b};
}

static void fill(uint8_t *p, size_t bytes, unsigned seed)
{
	for (size_t i = 0; i < bytes; i++)
		p[i] = (uint8_t)(seed + i * 7 + i / 256);
}

static void a_write_lands_where_the_table_says_after_link_lookup_and_walk(void **state)
{
	struct bench b;
	uint8_t data[64];
	struct pcie_request req;

	(void)state;
	make(&b, 4);
	fill(data, sizeof(data), 3);
	rig_map(&b.rig, 5, 0x9000, IOTOLL_WRITE);
	req = request(&b, 0x5f80, data, sizeof(data), IOTOLL_WRITE);
	pcie_submit(b.pcie, &req);
	assert_int_equal(b.finished, 0); /* never from inside the call */
	rig_run_us(&b.rig, 5);
	assert_int_equal(b.finished, 1);
	assert_memory_equal(rig_at(&b.rig, 0x9f80), data, sizeof(data));
	assert_int_equal(b.left_at[0], PACKET(64));
	assert_int_equal(b.when[0], PACKET(64) + RIG_HIT + RIG_WALK);
	assert_int_equal(pcie_stats(b.pcie)->walks, 1);
	unmake(&b);
}

static void writes_are_cut_at_mps_and_at_pages_and_translated_packet_by_packet(void **state)
{
	struct bench b;
	uint8_t data[1000];
	struct pcie_request req;

	(void)state;
	make(&b, 4);
	fill(data, sizeof(data), 1);
	rig_map(&b.rig, 1, 0x20000, RW);
	rig_map(&b.rig, 2, 0x10000, RW); /* not behind the first in memory */
	req = request(&b, 0x1f00 + 100, data, sizeof(data), IOTOLL_WRITE);
	pcie_submit(b.pcie, &req);
	rig_run_us(&b.rig, 10);
	/* 156 to the page's end, then 256, 256, 256, 76 */
	assert_int_equal(pcie_stats(b.pcie)->write_packets, 5);
	assert_int_equal(b.rig.fake.translated, 5);
	assert_int_equal(b.rig.fake.iova[0], 0x1f64);
	assert_int_equal(b.rig.fake.iova[1], 0x2000);
	assert_int_equal(b.rig.fake.iova[4], 0x2300);
	assert_memory_equal(rig_at(&b.rig, 0x20f64), data, 156);
	assert_memory_equal(rig_at(&b.rig, 0x10000), data + 156, 844);
	assert_int_equal(pcie_stats(b.pcie)->up_ps, WIRE(1000 + 5 * RIG_PACKET));
	unmake(&b);
}

static void a_read_takes_latency_once_and_its_completions_the_way_back(void **state)
{
	struct bench b;
	uint8_t got[512], expected[512];
	struct pcie_request req;

	(void)state;
	make(&b, 4);
	fill(expected, sizeof(expected), 9);
	memcpy(rig_at(&b.rig, 0x4000), expected, sizeof(expected));
	rig_map(&b.rig, 7, 0x4000, IOTOLL_READ);
	req = request(&b, 0x7000, got, sizeof(got), IOTOLL_READ);
	pcie_submit(b.pcie, &req);
	rig_run_us(&b.rig, 10);
	assert_memory_equal(got, expected, sizeof(got));
	assert_int_equal(pcie_stats(b.pcie)->read_packets, 1);
	assert_int_equal(pcie_stats(b.pcie)->completions, 2); /* of MPS bytes */
	assert_int_equal(b.when[0],
			 PACKET(0) + RIG_HIT + RIG_WALK + RIG_LATENCY + WIRE(512 + 2 * RIG_PACKET));
	unmake(&b);
}

/* Little's law: what is in flight over how long it takes. */
static void reads_are_as_fast_as_their_tags_over_the_latency(void **state)
{
	static uint8_t got[64 * 64];
	struct pcie_request req[64];
	struct bench b;

	(void)state;
	for (unsigned tags = 1; tags <= 4; tags *= 2) {
		sim_time each;

		make(&b, tags);
		rig_map(&b.rig, 1, 0x8000, IOTOLL_READ);
		for (unsigned i = 0; i < 64; i++) {
			req[i] = request(&b, 0x1000 + 64 * i, got + 64 * i, 64, IOTOLL_READ);
			pcie_submit(b.pcie, &req[i]);
		}
		rig_run_us(&b.rig, 100);
		assert_int_equal(b.finished, 64);
		/* the last ones, long after the walk: hits */
		each = (b.when[63] - b.when[31]) / 32;
		assert_in_range(each,
				(PACKET(0) + RIG_HIT + RIG_LATENCY + PACKET(64)) / tags - 40000,
				(PACKET(0) + RIG_HIT + RIG_LATENCY + PACKET(64)) / tags + 40000);
		unmake(&b);
	}
}

static void writes_wait_for_credits_and_only_then(void **state)
{
	static uint8_t data[64 * 64];
	struct pcie_request req[64];
	struct bench b;

	(void)state;
	make(&b, 4);
	rig_map(&b.rig, 1, 0x8000, IOTOLL_WRITE);
	b.rig.fake.page[1].cached = true;
	for (unsigned i = 0; i < 64; i++) {
		req[i] = request(&b, 0x1000 + 64 * i, data + 64 * i, 64, IOTOLL_WRITE);
		pcie_submit(b.pcie, &req[i]);
	}
	rig_run_us(&b.rig, 100);
	assert_int_equal(b.finished, 64);
	/* 8 headers for 110 ns each carry more than the link's one packet in 88 ns */
	assert_int_equal(pcie_stats(b.pcie)->credit_stalls, 0);
	assert_int_equal(b.left_at[63], 64 * PACKET(64));
	unmake(&b);
}

static void a_miss_keeps_the_credits_of_every_write_behind_it(void **state)
{
	static uint8_t data[64 * 64];
	struct pcie_request req[64];
	struct bench b;

	(void)state;
	make(&b, 4);
	for (unsigned i = 0; i < 64; i++) {
		rig_map(&b.rig, 1 + i, 0x10000 + i * 0x1000, IOTOLL_WRITE);
		req[i] = request(&b, 0x1000 * (1 + i), data + 64 * i, 64, IOTOLL_WRITE);
		pcie_submit(b.pcie, &req[i]);
	}
	rig_run_us(&b.rig, 100);
	assert_int_equal(b.finished, 64);
	/* one walk after another, however many packets wait */
	assert_int_equal(b.when[63] - b.when[31], 32 * RIG_WALK);
	assert_true(pcie_stats(b.pcie)->credit_stalls > 10);
	assert_true(pcie_stats(b.pcie)->credit_stall_ps > 10 * SIM_US / 2);
	/* 8 are on the other side, so the device got rid of the last one when 8 were left */
	assert_in_range(b.left_at[63], b.when[55], b.when[57]);
	unmake(&b);
}

static void packets_to_a_page_being_walked_wait_for_that_walk(void **state)
{
	static uint8_t got[1024];
	struct pcie_request req[2];
	struct bench b;

	(void)state;
	make(&b, 4);
	rig_map(&b.rig, 1, 0x8000, IOTOLL_READ);
	for (unsigned i = 0; i < 2; i++) {
		req[i] = request(&b, 0x1000 + 64 * i, got + 64 * i, 64, IOTOLL_READ);
		pcie_submit(b.pcie, &req[i]);
	}
	rig_run_us(&b.rig, 10);
	assert_int_equal(pcie_stats(b.pcie)->walks, 1);
	assert_int_equal(b.when[0], PACKET(0) + RIG_HIT + RIG_WALK + RIG_LATENCY + PACKET(64));
	assert_int_equal(b.when[1], b.when[0] + PACKET(64));
	unmake(&b);
}

/* Four walks, one after another, take longer than the read itself. */
static void a_read_sees_what_was_written_before_it(void **state)
{
	struct bench b;
	uint8_t data[64], got[64] = {0};
	struct pcie_request write[4], read;

	(void)state;
	make(&b, 4);
	fill(data, sizeof(data), 5);
	for (unsigned i = 0; i < 4; i++) {
		rig_map(&b.rig, 3 + i, 0x8000 + 0x1000 * i, IOTOLL_WRITE);
		write[i] = request(&b, 0x3000 + 0x1000 * i, data, sizeof(data), IOTOLL_WRITE);
		pcie_submit(b.pcie, &write[i]);
	}
	rig_map(&b.rig, 2, 0xb000, IOTOLL_READ); /* another way to the last, found at once */
	b.rig.fake.page[2].cached = true;
	read = request(&b, 0x2000, got, sizeof(got), IOTOLL_READ);
	pcie_submit(b.pcie, &read);
	rig_run_us(&b.rig, 10);
	assert_int_equal(b.finished, 5);
	assert_ptr_equal(b.order[4], &read);
	assert_memory_equal(got, data, sizeof(got));
	unmake(&b);
}

static void a_message_arrives_behind_the_writes_before_it(void **state)
{
	struct bench b;
	uint8_t data[64];
	struct pcie_request write, message;

	(void)state;
	make(&b, 4);
	rig_map(&b.rig, 1, 0x8000, RW);
	write = request(&b, 0x1000, data, sizeof(data), IOTOLL_WRITE);
	message = request(&b, 0, NULL, 4, IOTOLL_WRITE);
	message.message = true;
	pcie_submit(b.pcie, &write);
	pcie_submit(b.pcie, &message);
	rig_run_us(&b.rig, 10);
	assert_int_equal(b.finished, 2);
	assert_ptr_equal(b.order[1], &message);
	assert_int_equal(b.when[1], b.when[0]); /* which waited for a walk */
	assert_int_equal(b.rig.fake.translated, 1);
	unmake(&b);
}

static void refused_reads_are_answered_and_refused_writes_are_not_done(void **state)
{
	struct bench b;
	uint8_t data[600];
	struct pcie_request write, read;

	(void)state;
	make(&b, 4);
	fill(data, sizeof(data), 5);
	rig_map(&b.rig, 1, 0x8000, IOTOLL_WRITE);
	memset(rig_at(&b.rig, 0x9000), 0xee, 300);
	write = request(&b, 0x1f00, data, sizeof(data), IOTOLL_WRITE); /* page 2 is nobody's */
	read = request(&b, 0x3000, data, 64, IOTOLL_READ);
	pcie_submit(b.pcie, &write);
	pcie_submit(b.pcie, &read);
	rig_run_us(&b.rig, 10);
	assert_int_equal(b.finished, 2);
	assert_int_equal(b.status[0], -EPERM);
	assert_int_equal(b.status[1], -EPERM);
	assert_memory_equal(rig_at(&b.rig, 0x8f00), data, 256);
	assert_int_equal(*rig_at(&b.rig, 0x9000), 0xee);
	assert_int_equal(pcie_stats(b.pcie)->refused_writes, 2);
	assert_int_equal(pcie_stats(b.pcie)->refused_reads, 1);
	unmake(&b);
}

static void after_an_abort_nothing_comes_and_everything_works_again(void **state)
{
	static uint8_t data[64 * 64], got[64];
	struct pcie_request req[64], read;
	struct bench b;

	(void)state;
	make(&b, 4);
	rig_map(&b.rig, 1, 0x8000, RW);
	for (unsigned i = 0; i < 64; i++) {
		req[i] = request(&b, 0x1000 + 64 * i, data + 64 * i, 64,
				 i % 2 ? IOTOLL_WRITE : IOTOLL_READ);
		pcie_submit(b.pcie, &req[i]);
	}
	assert_int_equal(sim_run(b.rig.sim, 700 * SIM_NS), 0);
	pcie_abort(b.pcie);
	b.finished = 0;
	rig_run_us(&b.rig, 20);
	assert_int_equal(b.finished, 0);
	for (unsigned i = 0; i < 64; i++)
		assert_false(req[i].busy);
	fill(data, 64, 8);
	memcpy(rig_at(&b.rig, 0x8000), data, 64);
	for (unsigned i = 0; i < 20; i++) {
		read = request(&b, 0x1000, got, 64, i % 2 ? IOTOLL_WRITE : IOTOLL_READ);
		pcie_submit(b.pcie, &read);
		rig_run_us(&b.rig, 2);
		assert_int_equal(b.finished, i + 1);
	}
	assert_memory_equal(got, data, 64);
	unmake(&b);
}

/* Random requests against plain memory: same bytes, whatever the order of their packets. */
static void random_requests_move_what_plain_copies_would(void **state)
{
	static uint8_t memory[64 * 4096], buffer[32][9000];
	const char *text = getenv("IOTOLL_TEST_SEED");
	unsigned long seed = text ? strtoul(text, NULL, 0) : 20161;
	struct pcie_request req[32] = {{0}};
	struct bench b;

	(void)state;
	print_message("IOTOLL_TEST_SEED=%lu\n", seed);
	make(&b, 7);
	srand((unsigned)seed);
	for (unsigned i = 0; i < 64; i++)
		rig_map(&b.rig, i, 0x100000 + (uint64_t)(i * 29 % 64) * 4096, RW);
	for (unsigned round = 0; round < 300; round++) {
		const unsigned n = 1 + (unsigned)rand() % 32;

		b.finished = b.left = 0;
		for (unsigned i = 0; i < n; i++) {
			const uint32_t bytes = 1 + (uint32_t)rand() % 9000;
			/* places of their own, so that order does not matter among them */
			const uint64_t iova =
				8192u * i +
				(uint32_t)rand() % (8192 - (bytes < 8192 ? bytes : 8191));
			const uint32_t fits =
				bytes < 8192 - iova % 8192 ? bytes : 8192 - (uint32_t)(iova % 8192);

			fill(buffer[i], fits, (unsigned)rand());
			req[i] = request(&b, iova, buffer[i], fits,
					 rand() % 2 ? IOTOLL_WRITE : IOTOLL_READ);
			if (req[i].direction == IOTOLL_WRITE)
				memcpy(memory + iova, buffer[i], fits);
			pcie_submit(b.pcie, &req[i]);
		}
		rig_run_us(&b.rig, 1000);
		assert_int_equal(b.finished, n);
		for (unsigned i = 0; i < n; i++)
			if (req[i].direction == IOTOLL_READ)
				assert_memory_equal(buffer[i], memory + req[i].iova, req[i].bytes);
	}
	unmake(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_write_lands_where_the_table_says_after_link_lookup_and_walk),
		cmocka_unit_test(
			writes_are_cut_at_mps_and_at_pages_and_translated_packet_by_packet),
		cmocka_unit_test(a_read_takes_latency_once_and_its_completions_the_way_back),
		cmocka_unit_test(reads_are_as_fast_as_their_tags_over_the_latency),
		cmocka_unit_test(writes_wait_for_credits_and_only_then),
		cmocka_unit_test(a_miss_keeps_the_credits_of_every_write_behind_it),
		cmocka_unit_test(packets_to_a_page_being_walked_wait_for_that_walk),
		cmocka_unit_test(a_read_sees_what_was_written_before_it),
		cmocka_unit_test(a_message_arrives_behind_the_writes_before_it),
		cmocka_unit_test(refused_reads_are_answered_and_refused_writes_are_not_done),
		cmocka_unit_test(after_an_abort_nothing_comes_and_everything_works_again),
		cmocka_unit_test(random_requests_move_what_plain_copies_would),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
