/* SPDX-License-Identifier: MIT */
/*
 * The credit scheduler's books, worked out by hand. Each comment does the sum: a domain's share is
 * total x weight / weights, rounded up; a domain can take at most 300 for each active virtual CPU,
 * or its cap; the rest goes to those behind it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "../base/seed.h"
#include "xen/sched_credit.h"

struct world {
	struct credit_books b;
	int parks, unparks;
};

static void on_park(void *ctx, unsigned vcpu, bool park)
{
	struct world *w = ctx;

	(void)vcpu;
	w->parks += park;
	w->unparks += !park;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->b.park = on_park;
	w->b.ctx = w;
	*state = w;
	return !w;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void add(struct world *w, unsigned vcpu, unsigned domain, unsigned weight, unsigned cap)
{
	const struct gate_vcpu about = {
		.domain = domain, .weight = weight, .cap = cap, .affinity = 1};

	credit_add(&w->b, vcpu, &about);
}

/* A tick found it running, and nothing was taken for it: it is active and has no credit. */
static void activate(struct world *w, unsigned vcpu)
{
	credit_tick(&w->b, vcpu);
	w->b.vcpu[vcpu].credit = 0;
}

/* A period of @pcpus CPUs with two domains of one busy virtual CPU each, of @weight and of 256. */
static void period_of_two(struct world *w, unsigned pcpus, unsigned weight)
{
	w->b.pcpus = pcpus;
	add(w, 0, 0, weight, 0);
	add(w, 1, 1, 256, 0);
	activate(w, 0);
	activate(w, 1);
	credit_period(&w->b);
}

#define CREDIT(w, n) ((w)->b.vcpu[n].credit)

/* 300 x 256/512 = 150 each. */
static void two_equal_domains_share_one_cpu(void **state)
{
	struct world *w = *state;

	period_of_two(w, 1, 256);
	assert_int_equal(CREDIT(w, 0), 150);
	assert_int_equal(CREDIT(w, 1), 150);
}

/* 300 x 512/768 = 200, 300 x 256/768 = 100. */
static void shares_follow_weights(void **state)
{
	struct world *w = *state;

	period_of_two(w, 1, 512);
	assert_int_equal(CREDIT(w, 0), 200);
	assert_int_equal(CREDIT(w, 1), 100);
}

/* 600 x 1/2 = 300 each, which is all that one virtual CPU can use. */
static void two_domains_have_a_cpu_each(void **state)
{
	struct world *w = *state;

	period_of_two(w, 2, 256);
	assert_int_equal(CREDIT(w, 0), 300);
	assert_int_equal(CREDIT(w, 1), 300);
}

/*
 * The capped one has 30 % of 300 = 90 at most. Its fair 150 leave 60, of which the other's share is
 * made larger: (300 + 60 x 512/256) x 1/2 = 210. Served last, it has found its own 150 already
 * shared out: the order decides, and it moves to the front for the next period.
 */
static void what_a_cap_leaves_goes_to_those_behind(void **state)
{
	struct world *w = *state;

	w->b.pcpus = 1;
	add(w, 0, 0, 256, 30);
	add(w, 1, 1, 256, 0);
	activate(w, 1);
	activate(w, 0); /* joined last: served first */
	credit_period(&w->b);
	assert_int_equal(CREDIT(w, 0), 90);
	assert_int_equal(CREDIT(w, 1), 210);
}

static void one_that_leaves_something_is_served_first_next_time(void **state)
{
	struct world *w = *state;

	w->b.pcpus = 1;
	add(w, 0, 0, 256, 30);
	add(w, 1, 1, 256, 0);
	activate(w, 0);
	activate(w, 1);
	credit_period(&w->b);
	assert_int_equal(CREDIT(w, 1), 150);
	assert_int_equal(CREDIT(w, 0), 90);
	CREDIT(w, 0) = CREDIT(w, 1) = 0;
	credit_period(&w->b);
	assert_int_equal(CREDIT(w, 0), 90);
	assert_int_equal(CREDIT(w, 1), 210);
}

/*
 * 1200 x 1/2 = 600: 150 for each of four, and 300 is all that the single one can use. It then goes
 * to the front, and leaves 300: (1200 + 300 x 512/256) x 1/2 = 900, 225 for each of four.
 */
static void a_domain_cannot_use_more_than_its_virtual_cpus(void **state)
{
	struct world *w = *state;

	w->b.pcpus = 4;
	add(w, 4, 1, 256, 0);
	activate(w, 4);
	for (unsigned i = 0; i < 4; i++) {
		add(w, i, 0, 256, 0);
		activate(w, i);
	}
	credit_period(&w->b);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(CREDIT(w, i), 150);
	assert_int_equal(CREDIT(w, 4), 300);
	for (unsigned i = 0; i < 5; i++)
		CREDIT(w, i) = 0;
	credit_period(&w->b);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(CREDIT(w, i), 225);
	assert_int_equal(CREDIT(w, 4), 300);
}

/* 300 x 100/300 = 100; among three: 34 each, two more than there was. */
static void shares_are_rounded_up(void **state)
{
	struct world *w = *state;

	w->b.pcpus = 1;
	for (unsigned i = 0; i < 3; i++)
		add(w, i, 0, 100, 0);
	add(w, 3, 1, 200, 0);
	for (unsigned i = 0; i < 4; i++)
		activate(w, i);
	credit_period(&w->b);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(CREDIT(w, i), 34);
	assert_int_equal(CREDIT(w, 3), 200);
	assert_true(w->b.balance == 302);
}

/* A tick takes 100 and ends a boost; below 0 is OVER, and -300 the lowest. */
static void ticks_take_and_priorities_follow(void **state)
{
	struct world *w = *state;

	w->b.pcpus = 1;
	add(w, 0, 0, 256, 0);
	add(w, 1, 1, 256, 0);
	w->b.vcpu[0].priority = CREDIT_BOOST;
	credit_tick(&w->b, 0);
	assert_int_equal(w->b.vcpu[0].priority, CREDIT_UNDER);
	assert_int_equal(CREDIT(w, 0), -100);
	activate(w, 1);
	for (int i = 0; i < 9; i++)
		credit_tick(&w->b, 0);
	credit_period(&w->b); /* -1000 + 150, floored */
	assert_int_equal(CREDIT(w, 0), -300);
	assert_int_equal(w->b.vcpu[0].priority, CREDIT_OVER);
	assert_int_equal(w->b.vcpu[1].priority, CREDIT_UNDER);
	assert_true(w->b.balance == -300 + 150);
	/* A debt of 150 is given besides: (300 + 150) x 1/2 = 225. */
	credit_period(&w->b);
	assert_int_equal(CREDIT(w, 0), -75);
	assert_int_equal(w->b.vcpu[0].priority, CREDIT_OVER);
	assert_false(w->b.vcpu[1].active); /* 375: it stopped earning */
	/* Alone, with a debt of 75: 300 + 75, which is not above 300 with what it owed. */
	credit_period(&w->b);
	assert_int_equal(CREDIT(w, 0), 300);
	assert_int_equal(w->b.vcpu[0].priority, CREDIT_UNDER);
	assert_true(w->b.vcpu[0].active);
}

/* Who earns more than 300 uses nothing: it is no longer active, with nothing saved up. */
static void the_idle_stop_earning(void **state)
{
	struct world *w = *state;

	w->b.pcpus = 1;
	add(w, 0, 0, 256, 0);
	activate(w, 0);
	credit_period(&w->b);
	assert_int_equal(CREDIT(w, 0), 300);
	assert_true(w->b.vcpu[0].active);
	credit_period(&w->b);
	assert_int_equal(CREDIT(w, 0), 0);
	assert_false(w->b.vcpu[0].active);
	assert_int_equal(w->b.domains, 0);
	credit_period(&w->b);
	assert_int_equal(CREDIT(w, 0), 0);
	credit_tick(&w->b, 0);
	assert_true(w->b.vcpu[0].active);
	assert_int_equal(w->b.domains, 1);
}

/* 20 % of 300 = 60: below -60 it is parked, until it has credit again. */
static void a_capped_one_is_parked_below_its_cap(void **state)
{
	struct world *w = *state;

	w->b.pcpus = 1;
	add(w, 0, 0, 256, 20);
	for (int i = 0; i < 2; i++)
		credit_tick(&w->b, 0);
	credit_period(&w->b); /* -200 + 60 = -140 */
	assert_int_equal(CREDIT(w, 0), -140);
	assert_true(w->b.vcpu[0].parked);
	assert_int_equal(w->parks, 1);
	credit_period(&w->b); /* the cap keeps it from being given its debt, too: -80 */
	credit_period(&w->b);
	assert_int_equal(CREDIT(w, 0), -20);
	assert_true(w->b.vcpu[0].parked);
	assert_int_equal(w->unparks, 0);
	credit_period(&w->b);
	assert_int_equal(CREDIT(w, 0), 40);
	assert_false(w->b.vcpu[0].parked);
	assert_true(w->parks == 1 && w->unparks == 1);
}

/* ---- against the sums: whatever happens, books add up ---- */

static void check(const struct credit_books *b, unsigned vcpus)
{
	unsigned active = 0, listed = 0;

	for (unsigned i = 0; i < vcpus; i++) {
		active += b->vcpu[i].active;
		assert_true(b->vcpu[i].credit <= 300);
	}
	for (unsigned i = 0; i < b->domains; i++) {
		const struct credit_domain *d = &b->domain[b->active[i]];

		assert_true(d->count > 0);
		for (unsigned k = 0; k < i; k++)
			assert_true(b->active[k] != b->active[i]);
		for (unsigned k = 0; k < d->count; k++) {
			assert_true(b->vcpu[d->active[k]].active);
			assert_int_equal(b->vcpu[d->active[k]].domain, b->active[i]);
		}
		listed += d->count;
	}
	assert_int_equal(active, listed);
}

static void books_add_up_whatever_happens(void **state)
{
	struct world *w = *state;
	const unsigned vcpus = 12;
	bool there[12];
	struct rng rng;

	seed_from_env(&rng);
	w->b.pcpus = 4;
	for (unsigned i = 0; i < vcpus; i++) {
		add(w, i, i / 2, 64u << i / 2, i / 2 % 3 ? 0 : 50);
		there[i] = true;
	}
	for (unsigned step = 0; step < 20000; step++) {
		const unsigned i = (unsigned)rng_below(&rng, vcpus);

		switch (rng_below(&rng, 8)) {
		case 0:
			credit_period(&w->b);
			for (unsigned v = 0; v < vcpus; v++)
				assert_true(CREDIT(w, v) >= -300 || !w->b.vcpu[v].active);
			break;
		case 1:
			if (rng_below(&rng, 10))
				break;
			if (there[i])
				credit_remove(&w->b, i);
			else
				add(w, i, i / 2, 64u << i / 2, i / 2 % 3 ? 0 : 50);
			there[i] = !there[i];
			break;
		default:
			if (there[i])
				credit_tick(&w->b, i);
		}
		check(&w->b, vcpus);
	}
	assert_true(w->parks > 100 && w->unparks > 100);
}

#define BOOKS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOOKS_TEST(two_equal_domains_share_one_cpu),
		BOOKS_TEST(shares_follow_weights),
		BOOKS_TEST(two_domains_have_a_cpu_each),
		BOOKS_TEST(what_a_cap_leaves_goes_to_those_behind),
		BOOKS_TEST(one_that_leaves_something_is_served_first_next_time),
		BOOKS_TEST(a_domain_cannot_use_more_than_its_virtual_cpus),
		BOOKS_TEST(shares_are_rounded_up),
		BOOKS_TEST(ticks_take_and_priorities_follow),
		BOOKS_TEST(the_idle_stop_earning),
		BOOKS_TEST(a_capped_one_is_parked_below_its_cap),
		BOOKS_TEST(books_add_up_whatever_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
