/* SPDX-License-Identifier: MIT */
/*
 * The caches of Linux 6.1: which address a CPU gets. Worked examples of the order that magazines
 * and depot make, and random programs on several CPUs against plain stacks.
 */
#include <errno.h>

#include "base/rng.h"
#include "iovarig.h"

#define FOUR_GIB  (UINT64_C(1) << 20)
#define MAG       127u
#define DEPOT_MAX 32u

struct caches {
	struct iovarig f;
	unsigned cpu;
};

static void open_caches(struct caches *c, uint64_t entries, unsigned cpus)
{
	const struct iova_config config = {.entries = entries, .cpus = cpus};

	iovarig_open_with(&c->f, "magazines", &config);
	c->cpu = 0;
	c->f.a->cpu = &c->cpu;
}

/* Without the check after each step, which would take too long here. */
static uint64_t take(struct caches *c, uint64_t count, uint64_t limit)
{
	const struct iova_want want = {.count = count, .limit = limit};
	uint64_t first;

	assert_int_equal(c->f.a->ops->alloc(c->f.a, &want, &first), 0);
	return first;
}

static void give(struct caches *c, uint64_t first, uint64_t count)
{
	assert_true(c->f.a->ops->owns(c->f.a, first, count));
	c->f.a->ops->free(c->f.a, first, count);
}

static void what_was_freed_last_comes_back_first_and_the_tree_is_not_asked(void **state)
{
	struct caches c;

	(void)state;
	open_caches(&c, FOUR_GIB, 1);
	for (uint64_t i = 0; i < 5; i++)
		assert_int_equal(iovarig_take(&c.f, 1, FOUR_GIB), 0xFFFFF - i);
	assert_int_equal(c.f.a->slow, 5);
	iovarig_give(&c.f, 0xFFFFD, 1);
	iovarig_give(&c.f, 0xFFFFF, 1);
	assert_int_equal(iovarig_take(&c.f, 1, FOUR_GIB), 0xFFFFF);
	assert_int_equal(iovarig_take(&c.f, 1, FOUR_GIB), 0xFFFFD);
	assert_int_equal(c.f.a->slow, 5);
	assert_int_equal(iovarig_take(&c.f, 1, FOUR_GIB), 0xFFFFA);
	assert_int_equal(c.f.a->slow, 6);
	iovarig_close(&c.f);
}

static void up_to_32_entries_lengths_are_rounded_and_each_power_has_its_own_stack(void **state)
{
	struct caches c;

	(void)state;
	open_caches(&c, FOUR_GIB, 1);
	assert_int_equal(iovarig_take(&c.f, 5, FOUR_GIB), 0xFFFF8);
	assert_int_equal(iovarig_take(&c.f, 32, FOUR_GIB), 0xFFFC0);
	assert_int_equal(iovarig_take(&c.f, 33, FOUR_GIB), 0xFFF80);
	/* Not rounded, but aligned: 31 entries are left above it, and so they stay. */
	assert_int_equal(iovarig_take(&c.f, 1, FOUR_GIB), 0xFFF7F);
	iovarig_give(&c.f, 0xFFFF8, 5);
	/* 8 fit where 5 were, 4 do not go there. */
	assert_int_equal(iovarig_take(&c.f, 4, FOUR_GIB), 0xFFF78);
	assert_int_equal(iovarig_take(&c.f, 8, FOUR_GIB), 0xFFFF8);
	/* 33 are no power's, so they go back to the tree, whose walks resume above them. */
	iovarig_give(&c.f, 0xFFF80, 33);
	assert_int_equal(iovarig_take(&c.f, 1, FOUR_GIB), 0xFFFBF);
	iovarig_close(&c.f);
}

/* Real threads would wait for the tree's lock. */
static void with_locks_of_its_own_up_to_512_entries_come_back_without_the_tree(void **state)
{
	const struct iova_config config = {.entries = FOUR_GIB, .locks = true};
	struct iovarig f;

	(void)state;
	iovarig_open_with(&f, "magazines", &config);
	assert_int_equal(iovarig_take(&f, 257, FOUR_GIB), 0xFFE00);
	assert_int_equal(iovarig_take(&f, 33, FOUR_GIB), 0xFFDC0);
	assert_int_equal(iovarig_take(&f, 513, FOUR_GIB), 0xFF800);
	assert_int_equal(f.a->slow, 3);
	iovarig_give(&f, 0xFFE00, 257);
	iovarig_give(&f, 0xFFDC0, 33);
	assert_int_equal(iovarig_take(&f, 512, FOUR_GIB), 0xFFE00);
	assert_int_equal(iovarig_take(&f, 64, FOUR_GIB), 0xFFDC0);
	assert_int_equal(f.a->slow, 3);
	/* No cache has those, and the tree looks above them again. */
	iovarig_give(&f, 0xFF800, 513);
	assert_int_equal(iovarig_take(&f, 512, FOUR_GIB), 0xFFA00);
	assert_int_equal(f.a->slow, 4);
	/* In parts: the range goes back with its last one. */
	iovarig_give(&f, 0xFFE00, 500);
	iovarig_give(&f, 0xFFFF4, 12);
	assert_int_equal(iovarig_take(&f, 300, FOUR_GIB), 0xFFE00);
	assert_int_equal(f.a->slow, 4);
	iovarig_close(&f);
}

static void up_to_254_free_ranges_of_a_cpu_are_one_stack(void **state)
{
	static uint64_t first[2 * MAG];
	struct caches c;

	(void)state;
	open_caches(&c, FOUR_GIB, 1);
	for (unsigned i = 0; i < 2 * MAG; i++)
		first[i] = take(&c, 1, FOUR_GIB);
	for (unsigned i = 0; i < 2 * MAG; i++)
		give(&c, first[i], 1);
	assert_true(c.f.a->ops->check(c.f.a));
	for (unsigned i = 2 * MAG; i-- > 0;)
		assert_int_equal(take(&c, 1, FOUR_GIB), first[i]);
	assert_int_equal(c.f.a->slow, 2 * MAG);
	iovarig_close(&c.f);
}

/* The newer magazine is shipped; used up, the CPU reads its older one before the depot. */
static void the_255th_ships_the_newer_magazine_to_the_depot(void **state)
{
	static uint64_t first[2 * MAG + 1];
	struct caches c;

	(void)state;
	open_caches(&c, FOUR_GIB, 2);
	for (unsigned i = 0; i < 2 * MAG + 1; i++)
		first[i] = take(&c, 1, FOUR_GIB);
	for (unsigned i = 0; i < 2 * MAG + 1; i++)
		give(&c, first[i], 1);
	assert_true(c.f.a->ops->check(c.f.a));
	assert_int_equal(take(&c, 1, FOUR_GIB), first[2 * MAG]);
	for (unsigned i = MAG; i-- > 0;)
		assert_int_equal(take(&c, 1, FOUR_GIB), first[i]);
	for (unsigned i = 2 * MAG; i-- > MAG;)
		assert_int_equal(take(&c, 1, FOUR_GIB), first[i]);
	assert_int_equal(c.f.a->slow, 2 * MAG + 1);
	iovarig_close(&c.f);
}

/* One CPU maps and another unmaps: the first goes to the tree until a whole magazine has come. */
static void between_cpus_ranges_move_127_at_a_time(void **state)
{
	static uint64_t first[3 * MAG];
	struct caches c;

	(void)state;
	open_caches(&c, FOUR_GIB, 2);
	for (unsigned i = 0; i < 3 * MAG; i++)
		first[i] = take(&c, 1, FOUR_GIB);
	c.cpu = 1;
	for (unsigned i = 0; i < 2 * MAG; i++)
		give(&c, first[i], 1);
	c.cpu = 0;
	assert_int_equal(take(&c, 1, FOUR_GIB), 0xFFFFF - 3 * MAG);
	c.cpu = 1;
	give(&c, first[2 * MAG], 1);
	c.cpu = 0;
	for (unsigned i = 2 * MAG; i-- > MAG;)
		assert_int_equal(take(&c, 1, FOUR_GIB), first[i]);
	assert_int_equal(take(&c, 1, FOUR_GIB), 0xFFFFF - 3 * MAG - 1);
	assert_true(c.f.a->ops->check(c.f.a));
	iovarig_close(&c.f);
}

static void a_full_depot_overflows_into_the_tree(void **state)
{
	const unsigned n = (DEPOT_MAX + 2) * MAG + 1;
	uint64_t *first = calloc(n, sizeof(*first));
	struct caches c;

	(void)state;
	open_caches(&c, FOUR_GIB, 1);
	for (unsigned i = 0; i < n; i++)
		first[i] = take(&c, 1, FOUR_GIB);
	for (unsigned i = 0; i < n; i++)
		give(&c, first[i], 1);
	assert_true(c.f.a->ops->check(c.f.a));
	/*
	 * Loaded: the last one. Previous: the first 127. Depot: 32 magazines from the second on.
	 * The next, which were loaded when the depot was full, are free in the tree.
	 */
	assert_int_equal(take(&c, 1, FOUR_GIB), first[n - 1]);
	for (unsigned i = MAG; i-- > 0;)
		assert_int_equal(take(&c, 1, FOUR_GIB), first[i]);
	for (unsigned m = DEPOT_MAX; m > 0; m--)
		for (unsigned i = (m + 1) * MAG; i-- > m * MAG;)
			assert_int_equal(take(&c, 1, FOUR_GIB), first[i]);
	assert_int_equal(c.f.a->slow, n);
	for (unsigned i = 0; i < MAG; i++)
		assert_int_equal(take(&c, 1, FOUR_GIB), first[(DEPOT_MAX + 1) * MAG + i]);
	assert_int_equal(c.f.a->slow, n + MAG);
	iovarig_close(&c.f);
	free(first);
}

/* alloc_iova_fast(): free_cpu_cached_iovas() and free_global_cached_iovas(), then once more. */
static void when_the_tree_is_full_all_cpus_caches_are_emptied_into_it(void **state)
{
	struct caches c;

	(void)state;
	open_caches(&c, 512, 3);
	for (unsigned i = 1; i < 512; i++)
		assert_int_equal(take(&c, 1, 512), 512 - i);
	/* 1 to 300 lie in the caches of one CPU and in the depot, 301 to 400 in another's. */
	c.cpu = 1;
	for (uint64_t i = 1; i <= 300; i++)
		give(&c, i, 1);
	c.cpu = 2;
	for (uint64_t i = 301; i <= 400; i++)
		give(&c, i, 1);
	c.cpu = 0;
	/* 128 aligned entries: 256 to 383, the highest there are. */
	assert_int_equal(take(&c, 128, 512), 256);
	/* Everything else is in the tree, too, and taken from there. */
	assert_int_equal(take(&c, 128, 512), 128);
	assert_int_equal(c.f.a->slow, 511 + 2);
	assert_int_equal(take(&c, 1, 512), 127);
	assert_true(c.f.a->ops->check(c.f.a));
	iovarig_close(&c.f);
}

/* The first attempt of a device that can drive more is neither bound to succeed nor to flush. */
static void a_range_too_high_for_the_device_is_passed_over(void **state)
{
	struct caches c;

	(void)state;
	open_caches(&c, FOUR_GIB, 1);
	(void)take(&c, 1, FOUR_GIB);
	assert_int_equal(iovarig_take(&c.f, 1, 0x1000), 0xFFF);
	assert_int_equal(iovarig_take(&c.f, 1, FOUR_GIB), 0xFFE);
	assert_int_equal(iovarig_take(&c.f, 1, 0x2000), 0xFFD);
	iovarig_give(&c.f, 0xFFE, 1);
	iovarig_give(&c.f, 0xFFD, 1);
	iovarig_give(&c.f, 0xFFFFF, 1);
	iovarig_give(&c.f, 0xFFF, 1);
	/* 0xfff is too high, 0xfffff as well, 0xffd just fits; 0xfff moves into its place. */
	assert_int_equal(iovarig_take(&c.f, 1, 0xFFE), 0xFFD);
	assert_int_equal(iovarig_take(&c.f, 1, FOUR_GIB), 0xFFFFF);
	assert_int_equal(iovarig_take(&c.f, 1, FOUR_GIB), 0xFFF);
	assert_int_equal(iovarig_take(&c.f, 1, FOUR_GIB), 0xFFE);
	iovarig_close(&c.f);
}

/* ---- random programs against stacks ---- */

#define CPUS    3u
#define CLASSES 3u
#define LIVE    3000u

struct stack {
	unsigned n;
	uint64_t at[MAG];
};

struct model {
	struct stack loaded[CPUS][CLASSES], previous[CPUS][CLASSES];
	struct stack depot[CLASSES][DEPOT_MAX];
	unsigned depots[CLASSES];
};

static void model_put(struct model *m, unsigned cpu, unsigned class, uint64_t at)
{
	struct stack *l = &m->loaded[cpu][class], *p = &m->previous[cpu][class], spare;

	if (l->n == MAG && p->n < MAG) {
		spare = *l;
		*l = *p;
		*p = spare;
	} else if (l->n == MAG) {
		assert_true(m->depots[class] < DEPOT_MAX);
		m->depot[class][m->depots[class]++] = *l;
		l->n = 0;
	}
	l->at[l->n++] = at;
}

/* 0: to the tree. */
static uint64_t model_get(struct model *m, unsigned cpu, unsigned class)
{
	struct stack *l = &m->loaded[cpu][class], *p = &m->previous[cpu][class];

	if (!l->n && p->n) {
		*l = *p;
		p->n = 0;
	} else if (!l->n && m->depots[class]) {
		*l = m->depot[class][--m->depots[class]];
	} else if (!l->n) {
		return 0;
	}
	return l->at[--l->n];
}

static void random_programs_agree_with_stacks(void **state)
{
	static struct model m;
	static struct {
		uint64_t first;
		unsigned class;
	} live[LIVE];
	struct caches c;
	struct rng rng;
	unsigned n = 0;

	(void)state;
	rng_seed(&rng, rig_seed());
	memset(&m, 0, sizeof(m));
	open_caches(&c, FOUR_GIB, CPUS);
	for (unsigned step = 0; step < 60000; step++) {
		/* Waves, so that magazines fill and empty; CPUs that mostly map or mostly unmap. */
		const unsigned bias = step / 7000 % 2 ? 35 : 65;

		c.cpu = (unsigned)rng_below(&rng, CPUS);
		if (!n || (n < LIVE && rng_below(&rng, 100) < bias + 10 * c.cpu - 10)) {
			const unsigned class = (unsigned)rng_below(&rng, CLASSES);
			const uint64_t want = model_get(&m, c.cpu, class), slow = c.f.a->slow;

			live[n].class = class;
			live[n].first = take(&c, UINT64_C(1) << class, FOUR_GIB);
			if (want)
				assert_int_equal(live[n].first, want);
			assert_int_equal(c.f.a->slow - slow, want == 0);
			n++;
		} else {
			const unsigned i = (unsigned)rng_below(&rng, n);

			give(&c, live[i].first, UINT64_C(1) << live[i].class);
			model_put(&m, c.cpu, live[i].class, live[i].first);
			live[i] = live[--n];
		}
		if (step % 5000 == 0)
			assert_true(c.f.a->ops->check(c.f.a));
	}
	assert_true(c.f.a->ops->check(c.f.a));
	iovarig_close(&c.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_freed_last_comes_back_first_and_the_tree_is_not_asked),
		cmocka_unit_test(
			up_to_32_entries_lengths_are_rounded_and_each_power_has_its_own_stack),
		cmocka_unit_test(
			with_locks_of_its_own_up_to_512_entries_come_back_without_the_tree),
		cmocka_unit_test(up_to_254_free_ranges_of_a_cpu_are_one_stack),
		cmocka_unit_test(the_255th_ships_the_newer_magazine_to_the_depot),
		cmocka_unit_test(between_cpus_ranges_move_127_at_a_time),
		cmocka_unit_test(a_full_depot_overflows_into_the_tree),
		cmocka_unit_test(when_the_tree_is_full_all_cpus_caches_are_emptied_into_it),
		cmocka_unit_test(a_range_too_high_for_the_device_is_passed_over),
		cmocka_unit_test(random_programs_agree_with_stacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
