/* SPDX-License-Identifier: MIT */
/* Segments byte by byte, their checksums, and the hash that spreads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "spec/segment.h"

static const struct segment_path path = {
	.to = {2, 0, 0, 0, 0, 1},
	.from = {2, 0, 0, 0, 0, 2},
	.src = 0x0a000002,
	.dst = 0x0a000001,
};

static void headers_lie_where_the_rfcs_have_them(void **state)
{
	const struct segment s = {.sport = 0x1234,
				  .dport = 5001,
				  .seq = 0x01020304,
				  .ack = 0xa0b0c0d0,
				  .window = 0x12300,
				  .flags = SEGMENT_FLAG_ACK | SEGMENT_FLAG_PSH,
				  .payload = 4};
	/* Ethernet, IPv4 (RFC 791), TCP (RFC 9293), four bytes */
	static const uint8_t expected[] = {
		2,    0,    0,    0,    0, 1, 2,    0, 0,    0,    0,    2,    0x08, 0x00, /* */
		0x45, 0,    0,    44,   0, 0, 0x40, 0, 64,   6,    0x26, 0xca, 10,   0,
		0,    2,    10,   0,    0, 1, /* */
		0x12, 0x34, 0x13, 0x89, 1, 2, 3,    4, 0xa0, 0xb0, 0xc0, 0xd0, 0x50, 0x18,
		0x01, 0x23};
	uint8_t frame[64] = {0};
	struct segment got;

	(void)state;
	segment_pack(frame, &path, &s);
	segment_put32(frame + SEGMENT_HEADER_BYTES, 0xdeadbeef);
	segment_finish(frame, SEGMENT_HEADER_BYTES + 4);
	assert_memory_equal(frame, expected, sizeof(expected));
	/* padded to a frame's length it is still the same segment */
	assert_true(segment_unpack(&got, frame, 60));
	assert_int_equal(got.payload, 4);
	assert_int_equal(got.seq, s.seq);
	assert_int_equal(got.ack, s.ack);
	assert_int_equal(got.window, s.window);
	assert_int_equal(got.flags, s.flags);
	assert_int_equal(got.sport, s.sport);
	assert_int_equal(got.dport, s.dport);
}

/* RFC 1071: the sum over a range with its checksum in place is all ones. */
static void checksums_are_right_for_even_and_odd_lengths(void **state)
{
	uint8_t frame[2000];

	(void)state;
	for (uint32_t payload = 0; payload < 1460; payload += 73) {
		const struct segment s = {.seq = payload, .payload = payload};
		const uint32_t bytes = SEGMENT_HEADER_BYTES + payload;
		uint64_t sum = 6 + SEGMENT_TCP_BYTES + payload;

		for (uint32_t i = 0; i < payload; i++)
			frame[SEGMENT_HEADER_BYTES + i] = (uint8_t)(i * 13 + payload);
		segment_pack(frame, &path, &s);
		segment_finish(frame, bytes);
		for (unsigned i = 0; i < 8; i += 2)
			sum += segment_get16(frame + SEGMENT_OFF_IP_SRC + i);
		frame[bytes] = 0; /* an odd byte counts as the high half */
		for (uint32_t i = 0; i < SEGMENT_TCP_BYTES + payload; i += 2)
			sum += segment_get16(frame + SEGMENT_OFF_TCP + i);
		assert_int_equal(segment_fold(sum), 0);
	}
}

static void frames_that_are_no_such_segment_are_told(void **state)
{
	const struct segment s = {.payload = 100};
	uint8_t frame[200] = {0};
	struct segment got;

	(void)state;
	segment_pack(frame, &path, &s);
	assert_true(segment_unpack(&got, frame, 154));
	assert_false(segment_unpack(&got, frame, 153)); /* cut short */
	assert_false(segment_unpack(&got, frame, 53));
	frame[SEGMENT_OFF_IP_BYTES + 1] = 39; /* shorter than its headers */
	frame[SEGMENT_OFF_IP_BYTES] = 0;
	assert_false(segment_unpack(&got, frame, 154));
	segment_pack(frame, &path, &s);
	frame[SEGMENT_OFF_IP + 9] = 17;
	assert_false(segment_unpack(&got, frame, 154));
	segment_pack(frame, &path, &s);
	frame[13] = 6;
	assert_false(segment_unpack(&got, frame, 154));
}

/* The verification suite of Microsoft's specification: IPv4 with ports. */
static void the_hash_is_that_of_the_verification_suite(void **state)
{
	static const struct {
		uint8_t dst[4];
		uint16_t dport;
		uint8_t src[4];
		uint16_t sport;
		uint32_t hash;
	} known[] = {
		{{161, 142, 100, 80}, 1766, {66, 9, 149, 187}, 2794, 0x51ccc178},
		{{65, 69, 140, 83}, 4739, {199, 92, 111, 2}, 14230, 0xc626b0ea},
		{{12, 22, 207, 184}, 38024, {24, 19, 198, 95}, 12898, 0x5c2b394a},
		{{209, 142, 163, 6}, 2217, {38, 27, 205, 30}, 48228, 0xafc7327f},
		{{202, 188, 127, 2}, 1303, {153, 39, 163, 191}, 44251, 0x10e828a2},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		uint8_t input[SEGMENT_RSS_INPUT_BYTES];

		memcpy(input, known[i].src, 4);
		memcpy(input + 4, known[i].dst, 4);
		segment_put16(input + 8, known[i].sport);
		segment_put16(input + 10, known[i].dport);
		assert_int_equal(segment_rss_hash(segment_rss_key, input), known[i].hash);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_lie_where_the_rfcs_have_them),
		cmocka_unit_test(checksums_are_right_for_even_and_odd_lengths),
		cmocka_unit_test(frames_that_are_no_such_segment_are_told),
		cmocka_unit_test(the_hash_is_that_of_the_verification_suite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
