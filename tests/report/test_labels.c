// SPDX-License-Identifier: MIT
/* Where labels of points go: never on each other, on points or outside, and always the same. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "report/labels.h"

#define RADIUS 5.0
#define MOST   20u

static const struct label_ground ground = {.plot = {0, 0, 900, 400}, .radius = RADIUS};

static bool overlap(const struct label_box *a, const struct label_box *b)
{
	return a->left < b->right && b->left < a->right && a->top < b->bottom && b->top < a->bottom;
}

static void assert_apart(const struct label *labels, size_t n, const struct label_ground *g)
{
	for (size_t i = 0; i < n; i++) {
		const struct label_box *box = &labels[i].box;

		assert_true(box->left >= g->plot.left && box->right <= g->plot.right);
		assert_true(box->top >= g->plot.top && box->bottom <= g->plot.bottom);
		assert_true(fabs(box->right - box->left - labels[i].width) < 1e-6);
		for (size_t k = 0; k < n; k++) {
			const struct label_box point = {labels[k].x - RADIUS, labels[k].y - RADIUS,
							labels[k].x + RADIUS, labels[k].y + RADIUS};

			assert_false(overlap(box, &point));
			assert_false(k < i && overlap(box, &labels[k].box));
		}
		for (size_t k = 0; k < g->things; k++)
			assert_false(overlap(box, &g->thing[k]));
	}
}

static void a_lonely_label_stands_to_the_right_of_its_point(void **state)
{
	struct label l = {.x = 100, .y = 100, .width = 40, .height = 12};

	(void)state;
	assert_true(labels_place(&l, 1, &ground));
	assert_false(l.apart);
	assert_true(l.box.left > 100 && l.box.left < 115);
	assert_true(l.box.top < 100 && l.box.bottom > 100);
}

static void a_label_at_the_right_edge_turns_away(void **state)
{
	struct label l = {.x = 895, .y = 395, .width = 40, .height = 12};

	(void)state;
	assert_true(labels_place(&l, 1, &ground));
	assert_apart(&l, 1, &ground);
}

static void points_in_one_place_all_get_their_names(void **state)
{
	struct label labels[8];

	(void)state;
	for (size_t i = 0; i < 8; i++)
		labels[i] = (struct label){.x = 200, .y = 380, .width = 70, .height = 13};
	assert_true(labels_place(labels, 8, &ground));
	assert_apart(labels, 8, &ground);
}

static void labels_keep_off_what_else_is_drawn(void **state)
{
	const struct label_box line = {100, 100, 400, 100};
	const struct label_ground with = {
		.plot = ground.plot, .radius = RADIUS, .thing = &line, .things = 1};
	struct label l = {.x = 100, .y = 100, .width = 40, .height = 12};

	(void)state;
	assert_true(labels_place(&l, 1, &with));
	assert_apart(&l, 1, &with);
}

static void a_plot_without_room_says_so(void **state)
{
	const struct label_ground small = {.plot = {0, 0, 30, 30}, .radius = RADIUS};
	struct label l = {.x = 15, .y = 15, .width = 40, .height = 12};

	(void)state;
	assert_false(labels_place(&l, 1, &small));
}

static void any_cloud_of_points_is_labelled_without_overlap(void **state)
{
	const char *text = getenv("IOTOLL_TEST_SEED");
	const uint64_t seed = text ? strtoull(text, NULL, 10) : 11;
	struct label labels[MOST], again[MOST];
	struct rng rng;

	(void)state;
	print_message("seed %llu\n", (unsigned long long)seed);
	rng_seed(&rng, seed);
	for (int round = 0; round < 50; round++) {
		const size_t n = 1 + rng_below(&rng, MOST);

		for (size_t i = 0; i < n; i++)
			labels[i] = (struct label){.x = 20 + (double)rng_below(&rng, 860),
						   .y = 20 + (double)rng_below(&rng, 360),
						   .width = 20 + (double)rng_below(&rng, 80),
						   .height = 13};
		memcpy(again, labels, sizeof(labels));
		if (labels_place(labels, n, &ground))
			assert_apart(labels, n, &ground);
		else
			fail_msg("round %d: %zu labels found no place", round, n);
		assert_true(labels_place(again, n, &ground));
		assert_memory_equal(again, labels, n * sizeof(labels[0]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lonely_label_stands_to_the_right_of_its_point),
		cmocka_unit_test(a_label_at_the_right_edge_turns_away),
		cmocka_unit_test(points_in_one_place_all_get_their_names),
		cmocka_unit_test(labels_keep_off_what_else_is_drawn),
		cmocka_unit_test(a_plot_without_room_says_so),
		cmocka_unit_test(any_cloud_of_points_is_labelled_without_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
