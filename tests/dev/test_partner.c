/* SPDX-License-Identifier: MIT */
/* The ideal machine at the other end: what it sends, when it sends again, what it answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dev/partner.h"

#define MSS     1000u
#define WINDOW  64000u
#define PERIOD  65536u
#define LOG_MAX 512u
#define BYTE    (8 * SIM_NS) /* of the wire: 1 Gb/s */

struct bench {
	struct sim *sim;
	struct frame_pool *pool;
	struct partner *partner;
	uint8_t pattern[2 * PERIOD];
	struct segment log[LOG_MAX];
	uint8_t first[LOG_MAX]; /* byte of each one's payload */
	unsigned n;
	sim_time free;
};

static sim_time on_send(void *ctx, struct frame *frame)
{
	struct bench *b = ctx;
	const sim_time now = sim_now(b->sim);

	assert_true(b->n < LOG_MAX);
	assert_true(segment_unpack(&b->log[b->n], frame->data, frame->bytes));
	b->first[b->n++] = frame->data[SEGMENT_HEADER_BYTES];
	b->free = (b->free > now ? b->free : now) + frame->bytes * BYTE;
	frame_put(frame);
	return b->free;
}

static struct bench *make(unsigned flows, bool sends)
{
	static const uint16_t ports[] = {40000, 40007};
	struct bench *b = calloc(1, sizeof(*b));
	struct partner_config config = {.path = {.dport = 5001},
					.port = ports,
					.flows = flows,
					.sends = sends,
					.mss = MSS,
					.window = WINDOW,
					.burst_bytes = 4 * MSS,
					.ack_every = 3,
					.period = PERIOD,
					.verify = true};

	assert_non_null(b);
	for (unsigned i = 0; i < PERIOD; i++)
		b->pattern[i] = b->pattern[i + PERIOD] = (uint8_t)(i * 7 + i / 256);
	b->sim = sim_create();
	b->pool = frame_pool_create();
	config.sim = b->sim;
	config.pool = b->pool;
	config.pattern = b->pattern;
	config.wire = (struct frame_sink){.ctx = b, .send = on_send};
	assert_int_equal(partner_create(&b->partner, &config), 0);
	partner_start(b->partner);
	return b;
}

static void unmake(struct bench *b)
{
	partner_destroy(b->partner);
	assert_int_equal(frame_pool_used(b->pool), 0);
	frame_pool_destroy(b->pool);
	sim_destroy(b->sim);
	free(b);
}

static void run_us(struct bench *b, unsigned us)
{
	assert_int_equal(sim_run(b->sim, sim_now(b->sim) + us * SIM_US), 0);
}

/* A segment from the machine under test to the partner's port @dport. */
static void answer(struct bench *b, uint16_t dport, const struct segment *s, const uint8_t *payload)
{
	const struct segment_path path = {.sport = 5001};
	struct segment whole = *s;
	struct frame *frame = frame_get(b->pool);

	whole.sport = 5001;
	whole.dport = dport;
	segment_pack(frame->data, &path, &whole);
	if (s->payload)
		memcpy(frame->data + SEGMENT_HEADER_BYTES, payload, s->payload);
	frame->bytes = SEGMENT_HEADER_BYTES + s->payload;
	segment_finish(frame->data, frame->bytes);
	partner_receive(b->partner, frame);
}

static void ack(struct bench *b, uint32_t number, uint32_t window)
{
	const struct segment s = {.ack = number, .window = window, .flags = SEGMENT_FLAG_ACK};

	answer(b, 40000, &s, NULL);
}

static void it_begins_with_ten_segments_in_bursts(void **state)
{
	struct bench *b = make(1, true);

	(void)state;
	run_us(b, 150);
	assert_int_equal(b->n, 10);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(b->log[i].seq, i * MSS);
		assert_int_equal(b->log[i].payload, MSS);
		assert_int_equal(b->log[i].sport, 40000);
		assert_int_equal(b->log[i].dport, 5001);
		assert_int_equal(b->first[i], b->pattern[i * MSS]);
		/* four a burst; the last one ends with the window */
		assert_int_equal(b->log[i].flags & SEGMENT_FLAG_PSH,
				 i == 3 || i == 7 || i == 9 ? SEGMENT_FLAG_PSH : 0);
	}
	unmake(b);
}

static void its_window_grows_by_what_is_acknowledged_up_to_the_receivers(void **state)
{
	struct bench *b = make(1, true);

	(void)state;
	run_us(b, 150);
	ack(b, 10 * MSS, WINDOW);
	run_us(b, 180);
	assert_int_equal(b->n, 30); /* twenty in flight */
	ack(b, 30 * MSS, 5120);
	run_us(b, 150);
	assert_int_equal(b->n, 35); /* five, as the receiver says */
	ack(b, 30 * MSS, WINDOW);   /* nothing new, but the window opens: no loss */
	run_us(b, 199);
	assert_int_equal(partner_stats(b->partner)->losses, 0);
	assert_int_equal(b->log[35].seq, 35 * MSS);
	assert_int_equal(partner_stats(b->partner)->segments_again, 0);
	unmake(b);
}

static void a_repeated_acknowledgement_has_it_go_back_with_half_the_window(void **state)
{
	struct bench *b = make(1, true);

	(void)state;
	run_us(b, 150);
	ack(b, 4 * MSS, WINDOW);
	run_us(b, 150);
	assert_int_equal(b->n, 4 + 14);
	ack(b, 4 * MSS, WINDOW); /* again: number four is missing */
	run_us(b, 100);
	assert_int_equal(partner_stats(b->partner)->losses, 1);
	assert_int_equal(b->n, 18 + 7);
	assert_int_equal(b->log[18].seq, 4 * MSS);
	assert_int_equal(b->log[24].seq, 10 * MSS);
	ack(b, 4 * MSS, WINDOW); /* of what was under way before: one loss is answered once */
	assert_int_equal(partner_stats(b->partner)->losses, 1);
	/* from here on a windowful brings one segment */
	ack(b, 11 * MSS, WINDOW);
	run_us(b, 100);
	assert_int_equal(b->n, 25 + 8);
	assert_int_equal(partner_stats(b->partner)->segments_again, 7 + 7);
	unmake(b);
}

static void after_silence_it_goes_back_and_not_before(void **state)
{
	struct bench *b = make(1, true);

	(void)state;
	run_us(b, 199);
	assert_int_equal(b->n, 10);
	run_us(b, 150);
	assert_int_equal(partner_stats(b->partner)->timeouts, 1);
	assert_int_equal(b->n, 15);
	assert_int_equal(b->log[10].seq, 0);
	/* a round trip of 400 us: four of them are not silence */
	ack(b, 15 * MSS, WINDOW); /* what came before may be acknowledged as well */
	assert_int_equal(partner_stats(b->partner)->bytes_acked,
			 0); /* ... but not what never was */
	ack(b, 10 * MSS, WINDOW);
	assert_int_equal(partner_stats(b->partner)->bytes_acked, 10 * MSS);
	unmake(b);
}

static void flows_take_turns_burst_by_burst(void **state)
{
	struct bench *b = make(2, true);

	(void)state;
	run_us(b, 190);
	assert_int_equal(b->n, 20);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(b->log[i].sport, i / 4 % 2 ? 40007 : 40000);
	assert_int_equal(b->first[4], b->pattern[PARTNER_SKEW % PERIOD]);
	unmake(b);
}

static void what_it_takes_is_checked_and_acknowledged_every_so_often(void **state)
{
	struct bench *b = make(1, false);
	struct segment s = {.payload = MSS, .flags = SEGMENT_FLAG_ACK};
	uint8_t damaged[MSS];

	(void)state;
	for (unsigned i = 0; i < 3; i++, s.seq += MSS)
		answer(b, 40000, &s, b->pattern + s.seq);
	assert_int_equal(b->n, 1);
	assert_int_equal(b->log[0].ack, 3 * MSS);
	assert_int_equal(b->log[0].window, WINDOW);
	s.flags |= SEGMENT_FLAG_PSH; /* at once */
	answer(b, 40000, &s, b->pattern + s.seq);
	assert_int_equal(b->n, 2);
	s.seq += 2 * MSS; /* a gap: dropped, and answered at once */
	answer(b, 40000, &s, b->pattern + s.seq);
	assert_int_equal(b->n, 3);
	assert_int_equal(b->log[2].ack, 4 * MSS);
	assert_int_equal(partner_stats(b->partner)->out_of_sequence, 1);
	assert_int_equal(partner_stats(b->partner)->bytes_received, 4 * MSS);
	assert_int_equal(partner_stats(b->partner)->mismatches, 0);
	s.seq = 4 * MSS;
	memcpy(damaged, b->pattern + s.seq, MSS);
	damaged[515] ^= 1;
	answer(b, 40000, &s, damaged);
	assert_int_equal(partner_stats(b->partner)->mismatches, 1);
	answer(b, 40001, &s, damaged);
	assert_int_equal(partner_stats(b->partner)->foreign, 1);
	unmake(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_begins_with_ten_segments_in_bursts),
		cmocka_unit_test(its_window_grows_by_what_is_acknowledged_up_to_the_receivers),
		cmocka_unit_test(a_repeated_acknowledgement_has_it_go_back_with_half_the_window),
		cmocka_unit_test(after_silence_it_goes_back_and_not_before),
		cmocka_unit_test(flows_take_turns_burst_by_burst),
		cmocka_unit_test(what_it_takes_is_checked_and_acknowledged_every_so_often),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
