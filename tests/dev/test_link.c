/* SPDX-License-Identifier: MIT */
/* The wire: how long a frame takes, both ways at once. */
#include "rig.h"

#include <errno.h>

#include "dev/link.h"

struct end {
	struct sim *sim;
	unsigned frames;
	sim_time at[16];
	uint32_t bytes[16];
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

static void wire_make(struct wire *w, uint32_t mbps, uint64_t latency_ps)
{
	const struct link_config config = {.mbps = mbps, .latency_ps = latency_ps};

	memset(w, 0, sizeof(*w));
	w->sim = sim_create();
	w->pool = frame_pool_create();
	assert_non_null(w->sim);
	assert_non_null(w->pool);
	assert_int_equal(link_create(&w->link, w->sim, &config), 0);
	for (unsigned i = 0; i < 2; i++) {
		w->end[i].sim = w->sim;
		link_attach(w->link, i, arrived, &w->end[i]);
	}
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
		cmocka_unit_test(impossible_rate_is_refused),
	};

	return cmocka_run_group_tests_name("dev/link", tests, NULL, NULL);
}
