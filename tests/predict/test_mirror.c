/* SPDX-License-Identifier: MIT */
/*
 * An allocator held against another one: what is predicted when the beginning is unknown, and how
 * it is found. The recorded one is a row of our registry with a hidden beginning.
 */
#include "scene.h"

#include <errno.h>

#include "../base/seed.h"
#include "base/rng.h"
#include "predict/impl.h"
#include "predict/mirror_impl.h"

#define ENTRIES (UINT64_C(1) << 20)
#define HELD    700u

static struct ground ground;
static struct dma_env env;

struct recorded {
	struct iova *iova;
	unsigned cpu;
	uint64_t held[HELD];
	unsigned count;
};

static int set_up(void **state)
{
	struct err err;

	if (load_profile(state) || ground_init(&ground, &profile, 1, &err))
		return -1;
	env = (struct dma_env){.machine = ground.machine};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ground_fini(&ground);
	return 0;
}

static void ignore(void *ctx)
{
	(void)ctx;
}

static void record_begin(struct recorded *k)
{
	const struct iova_config config = {.entries = ENTRIES, .cpus = 2};
	const struct iova_ops *ops = iova_find("magazines");

	*k = (struct recorded){.cpu = 0};
	assert_int_equal(ops->create(&k->iova, &env, &config), 0);
	k->iova->ops = ops;
	k->iova->wrapped = ignore;
	k->iova->cpu = &k->cpu;
}

static uint64_t record_map(struct recorded *k, unsigned cpu)
{
	const struct iova_want want = {.count = 1, .limit = ENTRIES};
	uint64_t first;

	k->cpu = cpu;
	assert_true(k->count < HELD);
	assert_int_equal(k->iova->ops->alloc(k->iova, &want, &first), 0);
	k->held[k->count++] = first;
	return first;
}

static uint64_t record_unmap(struct recorded *k, unsigned cpu, unsigned which)
{
	const uint64_t first = k->held[which];

	k->cpu = cpu;
	k->held[which] = k->held[--k->count];
	k->iova->ops->free(k->iova, first, 1);
	return first;
}

/* The mirror is shown one map of it. */
static enum mirror_verdict show_map(struct recorded *k, struct mirror *m, unsigned cpu, bool probed)
{
	const uint64_t before = k->iova->slow, first = record_map(k, cpu);
	const bool slow = k->iova->slow != before;
	struct mirror_answer answer;

	assert_int_equal(mirror_alloc(m, cpu, first, 1,
				      !probed ? MIRROR_SLOW_UNSAID
				      : slow  ? MIRROR_SLOW_YES
					      : MIRROR_SLOW_NO,
				      &answer),
			 0);
	assert_true(answer.verdict != MIRROR_EXACT || answer.predicted == first);
	return answer.verdict;
}

static void show_unmap(struct recorded *k, struct mirror *m, unsigned cpu, unsigned which)
{
	const uint64_t first = record_unmap(k, cpu, which);

	if (!mirror_owns(m, first, 1))
		assert_int_equal(mirror_adopt(m, first, 1), 0);
	mirror_free(m, cpu, first, 1);
}

static void close_both(struct recorded *k, struct mirror *m)
{
	assert_true(m->now.iova->ops->check(m->now.iova));
	k->iova->ops->destroy(k->iova);
	mirror_fini(m);
}

/* With its whole life recorded nothing is wrong, and only the tree's place has to be learnt. */
static void a_life_known_from_the_beginning_is_predicted_wholly(void **state)
{
	struct recorded k;
	struct mirror m;
	struct rng rng;
	unsigned wrong = 0, unknown = 0, exact = 0;

	(void)state;
	seed_from_env(&rng);
	record_begin(&k);
	assert_int_equal(mirror_init(&m, &env, ENTRIES), 0);
	for (unsigned i = 0; i < 20000; i++) {
		const unsigned cpu = (unsigned)rng_below(&rng, 2);
		enum mirror_verdict v;

		if (k.count && (k.count == HELD || rng_below(&rng, 2))) {
			show_unmap(&k, &m, cpu, (unsigned)rng_below(&rng, k.count));
			continue;
		}
		v = show_map(&k, &m, cpu, true);
		wrong += v == MIRROR_WRONG;
		unknown += v == MIRROR_UNOBSERVABLE;
		exact += v == MIRROR_EXACT;
	}
	assert_int_equal(wrong, 0);
	assert_int_equal(unknown, 1);
	assert_true(exact > 5000);
	close_both(&k, &m);
}

/*
 * @hidden ranges are in CPU 0's cache when the recording begins, and 300 in use. They all come
 * back, then all are taken: more than two magazines hold.
 */
static unsigned surges(unsigned hidden, unsigned *fill)
{
	struct recorded k;
	struct mirror m;
	unsigned wrong = 0;

	record_begin(&k);
	for (unsigned i = 0; i < 300 + hidden; i++)
		(void)record_map(&k, 0);
	for (unsigned i = 0; i < hidden; i++)
		(void)record_unmap(&k, 0, 0);
	assert_int_equal(mirror_init(&m, &env, ENTRIES), 0);
	for (unsigned surge = 0; surge < 4; surge++) {
		while (k.count > 1)
			show_unmap(&k, &m, 0, k.count - 1);
		while (k.count < 300)
			wrong += show_map(&k, &m, 0, false) == MIRROR_WRONG;
	}
	*fill = m.fill[0][0];
	close_both(&k, &m);
	return wrong;
}

static void a_hidden_beginning_is_found_after_a_few_mistakes(void **state)
{
	unsigned fill;

	(void)state;
	assert_int_equal(surges(0, &fill), 0);
	assert_int_equal(fill, 0);
	for (unsigned hidden = 20; hidden < 254; hidden += 51) {
		const unsigned wrong = surges(hidden, &fill);

		assert_true(wrong == 4 || wrong == 8);
		assert_int_equal(fill, hidden);
	}
}

/* What was placed at the beginning stands for unknown addresses and is never a prediction. */
static void placeholders_are_never_predicted(void **state)
{
	struct mirror m;
	struct mirror_answer answer;

	(void)state;
	assert_int_equal(mirror_init(&m, &env, ENTRIES), 0);
	mirror_end(&m.now);
	m.fill[0][0] = 3;
	assert_int_equal(mirror_begin(&m, &m.now, m.fill), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(mirror_ask(&m, 0, 1) == UINT64_MAX);
		assert_int_equal(mirror_alloc(&m, 0, 0xFFF00 + i, 1, MIRROR_SLOW_UNSAID, &answer),
				 0);
		assert_int_equal(answer.verdict, MIRROR_UNOBSERVABLE);
		assert_true(answer.predicted < MIRROR_MARKERS_END);
	}
	assert_int_equal(mirror_alloc(&m, 0, 0xFFE00, 1, MIRROR_SLOW_UNSAID, &answer), 0);
	assert_true(answer.predicted >= MIRROR_MARKERS_END); /* the tree's guess: none is left */
	mirror_fini(&m);
}

static void asking_changes_nothing(void **state)
{
	struct mirror m;
	struct mirror_answer answer;

	(void)state;
	assert_int_equal(mirror_init(&m, &env, ENTRIES), 0);
	assert_int_equal(mirror_adopt(&m, 0xFFF00, 1), 0);
	assert_int_equal(mirror_adopt(&m, 0xFFF01, 1), 0);
	mirror_free(&m, 0, 0xFFF00, 1);
	mirror_free(&m, 0, 0xFFF01, 1);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(mirror_ask(&m, 0, 1), 0xFFF01);
	assert_true(mirror_ask(&m, 1, 1) == UINT64_MAX);
	assert_int_equal(mirror_alloc(&m, 0, 0xFFF01, 1, MIRROR_SLOW_UNSAID, &answer), 0);
	assert_int_equal(answer.verdict, MIRROR_EXACT);
	assert_int_equal(mirror_ask(&m, 0, 1), 0xFFF00);
	assert_int_equal(mirror_alloc(&m, 0, 0xFFF01, 1, MIRROR_SLOW_UNSAID, &answer), -EEXIST);
	assert_int_equal(answer.verdict, MIRROR_WRONG);
	assert_true(m.now.iova->ops->check(m.now.iova));
	mirror_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_life_known_from_the_beginning_is_predicted_wholly),
		cmocka_unit_test(a_hidden_beginning_is_found_after_a_few_mistakes),
		cmocka_unit_test(placeholders_are_never_predicted),
		cmocka_unit_test(asking_changes_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
