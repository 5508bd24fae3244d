/* SPDX-License-Identifier: MIT */
/* The wire: how long a frame takes, both ways at once. */
#include "rig.h"

#include <errno.h>

#include "dev/link.h"

struct end {
	struct sim *sim;
	unsigned frames;
	sim_time at[256];
	uint32_t bytes[256];
};

static void arrived(void *ctx, struct frame *frame)
{
	struct end *end = ctx;

	end->at[end->frames] = sim_now(end->sim);
	end->bytes[end->frames++] = frame->bytes;
	frame_put(frame);
}

struct wire {
	struct sim *sim;
	struct frame_pool *pool;
	struct link *link;
	struct end end[2];
};

static void wire_make_as(struct wire *w, const struct link_config *config)
{
	memset(w, 0, sizeof(*w));
	w->sim = sim_create();
	w->pool = frame_pool_create();
	assert_non_null(w->sim);
	assert_non_null(w->pool);
	assert_int_equal(link_create(&w->link, w->sim, config), 0);
	for (unsigned i = 0; i < 2; i++) {
		w->end[i].sim = w->sim;
		link_attach(w->link, i, arrived, &w->end[i]);
	}
}

static void wire_make(struct wire *w, uint32_t mbps, uint64_t latency_ps)
{
	const struct link_config config = {.mbps = mbps, .latency_ps = latency_ps};

	wire_make_as(w, &config);
}

static void wire_free(struct wire *w)
{
	link_destroy(w->link);
	assert_int_equal(frame_pool_used(w->pool), 0);
	frame_pool_destroy(w->pool);
	sim_destroy(w->sim);
}

static sim_time send(struct wire *w, unsigned port, uint32_t bytes)
{
	struct frame *frame = frame_get(w->pool);
	struct frame_sink sink = link_sink(w->link, port);

	assert_non_null(frame);
	memset(frame->data, 0xee, bytes);
	frame->bytes = bytes;
	return sink.send(sink.ctx, frame);
}

static void full_frame_takes_12304_ns_of_wire(void **state)
{
	struct wire w;

	(void)state;
	wire_make(&w, 1000, 0);
	assert_int_equal(send(&w, 0, 1514), 12304 * SIM_NS);
	assert_int_equal(send(&w, 0, 1514), 2 * 12304 * SIM_NS);
	assert_int_equal(sim_run(w.sim, SIM_MS), 0);
	/* The last bit is there before the gap: 8 + 1514 + 4 bytes. */
	assert_int_equal(w.end[1].at[0], 1526 * 8 * SIM_NS);
	assert_int_equal(w.end[1].at[1], (1538 + 1526) * 8 * SIM_NS);
	assert_int_equal(link_stats(w.link, 0)->wire_bytes, 2 * 1538);
	assert_int_equal(link_stats(w.link, 0)->busy_ps, 2 * 12304 * SIM_NS);
	assert_int_equal(link_stats(w.link, 0)->bytes, 2 * 1514);
	wire_free(&w);
}

static void short_frame_is_padded_with_zeros_to_the_minimum(void **state)
{
	struct wire w;

	(void)state;
	wire_make(&w, 1000, 0);
	assert_int_equal(send(&w, 0, 54), (64 + 20) * 8 * SIM_NS);
	assert_int_equal(sim_run(w.sim, SIM_MS), 0);
	assert_int_equal(w.end[1].bytes[0], 60);
	wire_free(&w);
}

static void directions_do_not_disturb_each_other_and_latency_only_shifts(void **state)
{
	struct wire w;

	(void)state;
	wire_make(&w, 1000, 5 * SIM_US);
	for (unsigned i = 0; i < 3; i++) {
		(void)send(&w, 0, 1514);
		(void)send(&w, 1, 60);
	}
	assert_int_equal(sim_run(w.sim, SIM_MS), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(w.end[1].at[i], 5 * SIM_US + (i * 1538 + 1526) * 8 * SIM_NS);
		assert_int_equal(w.end[0].at[i], 5 * SIM_US + (i * 84 + 72) * 8 * SIM_NS);
	}
	wire_free(&w);
}

static void frame_for_nobody_is_counted_and_released(void **state)
{
	struct wire w;

	(void)state;
	wire_make(&w, 1000, 0);
	link_attach(w.link, 1, NULL, NULL);
	(void)send(&w, 0, 100);
	assert_int_equal(sim_run(w.sim, SIM_MS), 0);
	assert_int_equal(link_stats(w.link, 0)->unattached, 1);
	wire_free(&w);
}

static void frames_under_way_at_the_end_go_back_to_the_pool(void **state)
{
	struct wire w;

	(void)state;
	wire_make(&w, 10, 0);
	for (unsigned i = 0; i < 40; i++) /* more than one block of the pool */
		(void)send(&w, i % 2, 1514);
	assert_int_equal(frame_pool_used(w.pool), 40);
	wire_free(&w);
}

#define FRAMES 200u

/* @FRAMES frames of 60 bytes from port @port, one every @every_ps. */
static void send_many(struct wire *w, unsigned port, uint64_t every_ps)
{
	for (unsigned i = 0; i < FRAMES; i++) {
		(void)send(w, port, 60);
		assert_int_equal(sim_run(w->sim, (i + 1) * every_ps), 0);
	}
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + SIM_MS), 0);
	assert_int_equal(w->end[!port].frames, FRAMES);
}

static void jitter_delays_each_frame_by_up_to_its_limit(void **state)
{
	const struct link_config config = {
		.mbps = 1000, .latency_ps = SIM_US, .jitter_ps = 400 * SIM_NS, .seed = 7};
	uint64_t least = UINT64_MAX, most = 0, sum = 0;
	struct wire w;

	(void)state;
	wire_make_as(&w, &config);
	send_many(&w, 0, 5 * SIM_US);
	for (unsigned i = 0; i < FRAMES; i++) {
		const uint64_t due = i * 5 * SIM_US + 72 * 8 * SIM_NS + SIM_US;
		const uint64_t late = w.end[1].at[i] - due;

		assert_true(w.end[1].at[i] >= due);
		least = late < least ? late : least;
		most = late > most ? late : most;
		sum += late;
	}
	assert_true(most <= config.jitter_ps && most > config.jitter_ps / 10 * 9);
	assert_true(least < config.jitter_ps / 10);
	/* The mean of 200: 200 ns give or take four times 400 / sqrt(12 * 200) ns. */
	assert_true(sum / FRAMES > 167 * SIM_NS && sum / FRAMES < 233 * SIM_NS);
	wire_free(&w);
}

static void jitter_lets_no_frame_overtake_another(void **state)
{
	const struct link_config config = {.mbps = 1000, .jitter_ps = 50 * SIM_US, .seed = 7};
	struct wire w;

	(void)state;
	wire_make_as(&w, &config);
	for (unsigned i = 0; i < FRAMES; i++)
		(void)send(&w, 1, 60 + i);
	assert_int_equal(sim_run(w.sim, 10 * SIM_MS), 0);
	assert_int_equal(w.end[0].frames, FRAMES);
	for (unsigned i = 0; i < FRAMES; i++) {
		assert_int_equal(w.end[0].bytes[i], 60 + i);
		assert_true(!i || w.end[0].at[i] >= w.end[0].at[i - 1]);
	}
	wire_free(&w);
}

static void jitter_is_its_seeds_and_its_directions_own(void **state)
{
	sim_time at[4][FRAMES];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		const struct link_config config = {
			.mbps = 1000, .jitter_ps = SIM_US, .seed = i == 1 ? 8 : 7};
		struct wire w;

		wire_make_as(&w, &config);
		if (i == 3) /* traffic the other way changes nothing */
			(void)send(&w, 1, 1514);
		send_many(&w, 0, 5 * SIM_US);
		memcpy(at[i], w.end[1].at, sizeof(at[i]));
		wire_free(&w);
	}
	assert_memory_not_equal(at[0], at[1], sizeof(at[0]));
	assert_memory_equal(at[0], at[2], sizeof(at[0]));
	assert_memory_equal(at[0], at[3], sizeof(at[0]));
}

static void busy_time_up_to_an_instant_is_never_more_than_has_passed(void **state)
{
	const sim_time frame = 12304 * SIM_NS;
	struct wire w;

	(void)state;
	wire_make(&w, 1000, SIM_US);
	for (unsigned i = 0; i < 10; i++)
		(void)send(&w, 0, 1514);
	assert_int_equal(link_stats(w.link, 0)->busy_ps, 10 * frame);
	assert_int_equal(link_busy_ps(w.link, 0, 0), 0);
	assert_int_equal(sim_run(w.sim, 3 * frame + 5), 0);
	assert_int_equal(link_busy_ps(w.link, 0, 3 * frame + 5), 3 * frame + 5);
	assert_int_equal(link_busy_ps(w.link, 1, 3 * frame + 5), 0);
	assert_int_equal(sim_run(w.sim, 20 * frame), 0);
	assert_int_equal(link_busy_ps(w.link, 0, 20 * frame), 10 * frame);
	/* After a pause: only the new frame's rest lies ahead. */
	(void)send(&w, 0, 1514);
	assert_int_equal(link_busy_ps(w.link, 0, 20 * frame), 10 * frame);
	assert_int_equal(sim_run(w.sim, 20 * frame + 9), 0);
	assert_int_equal(link_busy_ps(w.link, 0, 20 * frame + 9), 10 * frame + 9);
	wire_free(&w);
}

static void impossible_rate_is_refused(void **state)
{
	const struct link_config bad[2] = {{.mbps = 0}, {.mbps = 3}};
	struct sim *sim = sim_create();
	struct link *link;

	(void)state;
	assert_int_equal(link_create(&link, sim, &bad[0]), -EINVAL);
	assert_int_equal(link_create(&link, sim, &bad[1]), -EINVAL);
	sim_destroy(sim);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_frame_takes_12304_ns_of_wire),
		cmocka_unit_test(short_frame_is_padded_with_zeros_to_the_minimum),
		cmocka_unit_test(directions_do_not_disturb_each_other_and_latency_only_shifts),
		cmocka_unit_test(frame_for_nobody_is_counted_and_released),
		cmocka_unit_test(frames_under_way_at_the_end_go_back_to_the_pool),
		cmocka_unit_test(jitter_delays_each_frame_by_up_to_its_limit),
		cmocka_unit_test(jitter_lets_no_frame_overtake_another),
		cmocka_unit_test(jitter_is_its_seeds_and_its_directions_own),
		cmocka_unit_test(busy_time_up_to_an_instant_is_never_more_than_has_passed),
		cmocka_unit_test(impossible_rate_is_refused),
	};

	return cmocka_run_group_tests_name("dev/link", tests, NULL, NULL);
}
