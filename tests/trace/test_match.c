// SPDX-License-Identifier: MIT
/* Whose unmap is it: rules by hand, then random programs against a queue of owners for each page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../base/seed.h"
#include "trace/match.h"

static struct match_map *add(struct match *m, uint64_t first, uint64_t pages, bool expect_shared)
{
	struct match_map *map = NULL;
	bool shared = !expect_shared;

	assert_int_equal(match_add(m, first, pages, &map, &shared), 0);
	assert_int_equal(shared, expect_shared);
	assert_true(match_check(m));
	return map;
}

static void take(struct match *m, uint64_t first, uint64_t pages, struct match_list *ended)
{
	assert_int_equal(match_take(m, first, pages, ended), 0);
	assert_true(match_check(m));
}

static void release_all(struct match *m, struct match_list *ended)
{
	for (size_t i = 0; i < ended->count; i++)
		match_release(m, ended->map[i]);
	ended->count = 0;
}

static void an_unmap_of_one_owner_leaves_the_others_maps_alone(void **state)
{
	struct match_list ended = {0};
	struct match m;
	struct match_map *his, *unknown, *mine;

	(void)state;
	assert_int_equal(match_init(&m), 0);
	his = add(&m, 100, 1, false);
	his->owner = 1;
	unknown = add(&m, 100, 1, true);
	mine = add(&m, 100, 1, true);
	mine->owner = 2;
	/* Surely mine, then what may be mine, then nothing: the oldest of all is his. */
	assert_int_equal(match_take_of(&m, 2, 100, 1, &ended), 0);
	assert_true(match_check(&m));
	assert_int_equal(ended.count, 1);
	assert_ptr_equal(ended.map[0], mine);
	release_all(&m, &ended);
	assert_int_equal(match_take_of(&m, 2, 100, 1, &ended), 0);
	assert_ptr_equal(ended.map[0], unknown);
	release_all(&m, &ended);
	assert_int_equal(match_take_of(&m, 2, 100, 1, &ended), 0);
	assert_int_equal(ended.count, 0);
	take(&m, 100, 1, &ended);
	assert_ptr_equal(ended.map[0], his);
	release_all(&m, &ended);
	match_list_fini(&ended);
	match_fini(&m);
}

static void one_unmap_ends_all_maps_of_its_range(void **state)
{
	struct match_list ended = {0};
	struct match m;
	struct match_map *a, *b;

	(void)state;
	assert_int_equal(match_init(&m), 0);
	a = add(&m, 100, 2, false);
	b = add(&m, 102, 1, false);
	add(&m, 103, 1, false);
	take(&m, 100, 3, &ended);
	assert_int_equal(ended.count, 2);
	assert_ptr_equal(ended.map[0], a);
	assert_ptr_equal(ended.map[1], b);
	assert_int_equal(ended.pages, 3);
	assert_int_equal(ended.partial, 0);
	assert_int_equal(m.live_maps, 1);
	release_all(&m, &ended);
	match_list_fini(&ended);
	match_fini(&m);
}

static void a_map_ends_with_its_last_page(void **state)
{
	struct match_list ended = {0};
	struct match m;

	(void)state;
	assert_int_equal(match_init(&m), 0);
	add(&m, 10, 4, false);
	take(&m, 11, 2, &ended);
	assert_int_equal(ended.count, 0);
	assert_int_equal(ended.pages, 2);
	assert_int_equal(ended.partial, 1);
	take(&m, 11, 2, &ended); /* again: nobody's */
	assert_int_equal(ended.pages, 0);
	take(&m, 0, 100, &ended);
	assert_int_equal(ended.count, 1);
	assert_int_equal(ended.pages, 2);
	assert_int_equal(ended.partial, 0);
	release_all(&m, &ended);
	match_list_fini(&ended);
	match_fini(&m);
}

static void of_two_owners_the_older_goes_first(void **state)
{
	struct match_list ended = {0};
	struct match m;
	struct match_map *nic, *disk;

	(void)state;
	assert_int_equal(match_init(&m), 0);
	nic = add(&m, 10, 1, false);
	disk = add(&m, 9, 2, true);
	take(&m, 10, 1, &ended);
	assert_int_equal(ended.count, 1);
	assert_ptr_equal(ended.map[0], nic);
	release_all(&m, &ended);
	take(&m, 9, 2, &ended);
	assert_int_equal(ended.count, 1);
	assert_ptr_equal(ended.map[0], disk);
	release_all(&m, &ended);
	match_list_fini(&ended);
	match_fini(&m);
}

static void a_range_of_all_addresses_takes_what_lives(void **state)
{
	struct match_list ended = {0};
	struct match m;

	(void)state;
	assert_int_equal(match_init(&m), 0);
	add(&m, UINT64_C(0xfffffffffffff), 1, false);
	add(&m, 0, 1, false);
	add(&m, 0, 1, true);
	take(&m, 0, UINT64_C(1) << 52, &ended);
	assert_int_equal(ended.count, 2);
	assert_int_equal(m.live_pages, 1); /* the second owner of page 0 */
	release_all(&m, &ended);
	match_list_fini(&ended);
	match_fini(&m);
}

static void a_forgotten_map_leaves_other_owners_alone(void **state)
{
	struct match_list ended = {0};
	struct match m;
	struct match_map *a, *b, *c;

	(void)state;
	assert_int_equal(match_init(&m), 0);
	a = add(&m, 10, 2, false);
	b = add(&m, 10, 2, true);
	c = add(&m, 11, 1, true);
	match_forget(&m, b);
	match_release(&m, b);
	assert_true(match_check(&m));
	match_forget(&m, a);
	match_release(&m, a);
	assert_true(match_check(&m));
	take(&m, 10, 2, &ended);
	assert_int_equal(ended.count, 1);
	assert_ptr_equal(ended.map[0], c);
	release_all(&m, &ended);
	match_list_fini(&ended);
	match_fini(&m);
}

/* ---- against a naive model ---- */

#define PAGES 64u
#define MAPS  256u
#define STEPS 50000u

struct model {
	struct match_map *owner[PAGES][MAPS]; /* oldest first */
	size_t owners[PAGES];
};

static void model_pop(struct model *n, uint64_t page, size_t at)
{
	n->owners[page]--;
	memmove(&n->owner[page][at], &n->owner[page][at + 1],
		(n->owners[page] - at) * sizeof(n->owner[page][0]));
}

static uint64_t model_left(const struct model *n, const struct match_map *map)
{
	uint64_t left = 0;

	for (uint64_t page = 0; page < PAGES; page++)
		for (size_t i = 0; i < n->owners[page]; i++)
			left += n->owner[page][i] == map;
	return left;
}

static void step_add(struct match *m, struct model *n, uint64_t first, uint64_t pages)
{
	struct match_map *map = NULL;
	bool shared, expect = false;

	for (uint64_t p = first; p < first + pages; p++)
		expect |= n->owners[p] > 0;
	assert_int_equal(match_add(m, first, pages, &map, &shared), 0);
	assert_int_equal(shared, expect);
	for (uint64_t p = first; p < first + pages; p++)
		n->owner[p][n->owners[p]++] = map;
}

static void step_take(struct match *m, struct model *n, uint64_t first, uint64_t pages,
		      struct match_list *ended)
{
	struct match_map *touched[PAGES];
	size_t touches = 0, gone = 0;
	uint64_t had = 0;

	for (uint64_t p = first; p < first + pages && p < PAGES; p++) {
		struct match_map *map;
		bool seen = false;

		if (!n->owners[p])
			continue;
		map = n->owner[p][0];
		had++;
		model_pop(n, p, 0);
		for (size_t i = 0; i < touches; i++)
			seen |= touched[i] == map;
		if (!seen)
			touched[touches++] = map;
	}
	assert_int_equal(match_take(m, first, pages, ended), 0);
	assert_int_equal(ended->pages, had);
	for (size_t i = 0; i < touches; i++)
		gone += model_left(n, touched[i]) == 0;
	assert_int_equal(ended->count, gone);
	assert_int_equal(ended->partial, touches - gone);
	for (size_t i = 0; i < ended->count; i++)
		assert_int_equal(model_left(n, ended->map[i]), 0);
	release_all(m, ended);
}

static void random_programs_match_a_queue_for_each_page(void **state)
{
	static struct model n;
	struct match_list ended = {0};
	struct match m;
	struct rng rng;

	(void)state;
	seed_from_env(&rng);
	assert_int_equal(match_init(&m), 0);
	for (unsigned i = 0; i < STEPS; i++) {
		const uint64_t first = rng_below(&rng, PAGES);
		uint64_t pages = 1 + rng_below(&rng, 6);

		switch (rng_below(&rng, 8)) {
		case 0: /* wider than what lives, now and then */
			pages = rng_below(&rng, 20) ? pages : UINT64_C(1) << 40;
			step_take(&m, &n, first, pages, &ended);
			break;
		case 1:
		case 2:
		case 3:
		case 4:
			step_take(&m, &n, first, pages, &ended);
			break;
		case 5: { /* what is youngest on the page never came to be */
			struct match_map *map;

			if (!n.owners[first])
				break;
			map = n.owner[first][n.owners[first] - 1];
			for (uint64_t p = 0; p < PAGES; p++)
				for (size_t k = n.owners[p]; k-- > 0;)
					if (n.owner[p][k] == map)
						model_pop(&n, p, k);
			match_forget(&m, map);
			match_release(&m, map);
			break;
		}
		default:
			if (m.live_maps < MAPS - 1)
				step_add(&m, &n, first,
					 first + pages > PAGES ? PAGES - first : pages);
		}
		assert_true(match_check(&m));
	}
	match_list_fini(&ended);
	match_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_unmap_ends_all_maps_of_its_range),
		cmocka_unit_test(an_unmap_of_one_owner_leaves_the_others_maps_alone),
		cmocka_unit_test(a_map_ends_with_its_last_page),
		cmocka_unit_test(of_two_owners_the_older_goes_first),
		cmocka_unit_test(a_range_of_all_addresses_takes_what_lives),
		cmocka_unit_test(a_forgotten_map_leaves_other_owners_alone),
		cmocka_unit_test(random_programs_match_a_queue_for_each_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
