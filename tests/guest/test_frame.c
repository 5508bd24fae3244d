/* SPDX-License-Identifier: MIT */
/* Reading a frame's headers: what is TCP data, what an acknowledgement, what neither. */
#include "lab.h"

#include "base/rng.h"
#include "guest/stack_internal.h"

/* A TCP frame of @payload bytes from 10.0.0.1:1000 to 10.0.0.2:2000. */
static size_t build(uint8_t *f, size_t payload)
{
	const size_t total = 40 + payload;
	const uint8_t ip[20] = {0x45,
				0,
				(uint8_t)(total >> 8),
				(uint8_t)total,
				0,
				0,
				0x40,
				0,
				64,
				6,
				0,
				0,
				10,
				0,
				0,
				1,
				10,
				0,
				0,
				2};
	const uint8_t tcp[20] = {1000 >> 8, 1000 & 0xff, 2000 >> 8, 2000 & 0xff, 0x12, 0x34, 0x56,
				 0x78,      0,           0,         0,           0,    0x50, 0x10};

	memset(f, 0, 14 + total);
	f[12] = 0x08;
	memcpy(f + 14, ip, 20);
	memcpy(f + 34, tcp, 20);
	return 14 + total;
}

static void tcp_with_payload_is_data_and_without_is_an_acknowledgement(void **state)
{
	uint8_t frame[1514];
	struct frame_info info;

	(void)state;
	assert_true(frame_parse(frame, build(frame, 1460), &info));
	assert_int_equal(info.kind, FRAME_DATA);
	assert_int_equal(info.payload_bytes, 1460);
	assert_int_equal(info.src_ip, 0x0a000001);
	assert_int_equal(info.dst_ip, 0x0a000002);
	assert_int_equal(info.src_port, 1000);
	assert_int_equal(info.dst_port, 2000);
	assert_int_equal(info.seq, 0x12345678);
	assert_true(frame_parse(frame, build(frame, 0), &info));
	assert_int_equal(info.kind, FRAME_ACK);
}

static void ethernet_padding_is_not_payload(void **state)
{
	uint8_t frame[60] = {0};
	struct frame_info info;

	(void)state;
	build(frame, 0);
	assert_true(frame_parse(frame, 60, &info));
	assert_int_equal(info.kind, FRAME_ACK);
}

static void options_are_not_payload(void **state)
{
	uint8_t frame[200];
	struct frame_info info;
	const size_t bytes = build(frame, 12 + 8);

	(void)state;
	frame[34 + 12] = 0x80; /* 32 bytes of TCP header */
	assert_true(frame_parse(frame, bytes, &info));
	assert_int_equal(info.payload_bytes, 8);
}

static void lengths_that_lie_make_it_something_else(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} lies[] = {
		{12, 0x86}, /* another protocol */
		{14, 0x65}, /* IP version 6 */
		{14, 0x44}, /* IP header too short */
		{14, 0x4f}, /* IP header beyond the datagram */
		{16, 0xff}, /* datagram beyond the frame */
		{17, 39},   /* datagram shorter than its headers */
		{20, 0x20}, /* more fragments */
		{21, 1},    /* a later fragment */
		{23, 17},   /* UDP */
		{46, 0x40}, /* TCP header too short */
		{46, 0xf0}, /* TCP header beyond the datagram */
	};
	uint8_t frame[60];
	struct frame_info info;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		const size_t bytes = build(frame, 6);

		assert_true(frame_parse(frame, bytes, &info));
		frame[lies[i].at] = lies[i].value;
		assert_false(frame_parse(frame, bytes, &info));
		assert_int_equal(info.kind, FRAME_OTHER);
	}
}

/* Memory sanitizers see a read beyond the frame: each lies in a block of its own size. */
static void no_frame_is_read_beyond_its_end(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, lab_seed());
	for (int i = 0; i < 20000; i++) {
		const size_t bytes = 1 + (size_t)rng_below(&rng, 80);
		uint8_t *frame = malloc(bytes), model[200];
		struct frame_info info;

		build(model, (size_t)rng_below(&rng, 60));
		for (int spoiled = 0; spoiled < 3; spoiled++)
			model[12 + rng_below(&rng, 50)] = (uint8_t)rng_u64(&rng);
		memcpy(frame, model, bytes);
		if (frame_parse(frame, bytes, &info))
			assert_true(info.payload_bytes + 54 <= bytes);
		free(frame);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_with_payload_is_data_and_without_is_an_acknowledgement),
		cmocka_unit_test(ethernet_padding_is_not_payload),
		cmocka_unit_test(options_are_not_payload),
		cmocka_unit_test(lengths_that_lie_make_it_something_else),
		cmocka_unit_test(no_frame_is_read_beyond_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
