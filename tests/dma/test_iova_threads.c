/* SPDX-License-Identifier: MIT */
/*
 * Allocators that real threads use at once. An oracle apart from them knows who has which entry: a
 * word for each, exchanged at every step. Ranges travel: half of them are freed by another thread
 * than that which got them. In the end everything has come back, and the allocator's own check
 * agrees. Run it under ThreadSanitizer as well.
 */
#include <pthread.h>

#include "base/rng.h"
#include "iovarig.h"

#define THREADS_MAX 8u
#define STEPS       6000u
#define LIVE        48u
#define MAILBOX     64u

struct range {
	uint64_t first, count;
};

struct shared {
	struct iovarig f;
	uint64_t entries;
	unsigned *owner; /* thread + 1 */
	/* What somebody is to free who did not get it. */
	pthread_mutex_t lock;
	struct range mailbox[MAILBOX];
	unsigned waiting;
};

struct worker {
	struct shared *shared;
	unsigned number;
	uint64_t seed, taken, refused, clashes;
};

static void claim(struct worker *w, const struct range *r, unsigned from, unsigned to)
{
	for (uint64_t i = r->first; i < r->first + r->count; i++) {
		const unsigned was =
			__atomic_exchange_n(&w->shared->owner[i], to, __ATOMIC_ACQ_REL);

		w->clashes += from == UINT32_MAX ? was == 0 : was != from;
	}
}

static void give(struct worker *w, struct range r, unsigned from)
{
	struct iova *a = w->shared->f.a;

	w->clashes += !a->ops->owns(a, r.first, r.count);
	claim(w, &r, from, 0);
	a->ops->free(a, r.first, r.count);
}

static bool take(struct worker *w, struct rng *rng, struct range *out)
{
	struct iova *a = w->shared->f.a;
	const uint64_t longest = rng_below(rng, 8) ? 1 : rng_below(rng, 8) ? 40 : 600;
	const struct iova_want want = {.count = 1 + rng_below(rng, longest),
				       .limit = w->shared->entries};

	if (a->ops->alloc(a, &want, &out->first)) {
		w->refused++;
		return false;
	}
	out->count = want.count;
	claim(w, out, 0, w->number + 1);
	w->taken++;
	return true;
}

/* False: it is the caller's still. */
static bool post(struct shared *s, struct range r)
{
	bool room;

	pthread_mutex_lock(&s->lock);
	room = s->waiting < MAILBOX;
	if (room)
		s->mailbox[s->waiting++] = r;
	pthread_mutex_unlock(&s->lock);
	return room;
}

static void collect(struct worker *w)
{
	struct shared *s = w->shared;
	struct range r;
	bool any;

	pthread_mutex_lock(&s->lock);
	any = s->waiting > 0;
	if (any)
		r = s->mailbox[--s->waiting];
	pthread_mutex_unlock(&s->lock);
	if (any)
		give(w, r, UINT32_MAX);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct range live[LIVE];
	unsigned n = 0;
	struct rng rng;

	rng_seed(&rng, w->seed);
	for (unsigned step = 0; step < STEPS; step++) {
		const uint64_t dice = rng_below(&rng, 8);

		if (dice < 4 && n < LIVE) {
			n += take(w, &rng, &live[n]);
		} else if (dice < 6 && n) {
			const unsigned i = (unsigned)rng_below(&rng, n);

			if (!post(w->shared, live[i]))
				give(w, live[i], w->number + 1);
			live[i] = live[--n];
		} else if (dice == 6 && n) {
			give(w, live[--n], w->number + 1);
		} else {
			collect(w);
		}
	}
	while (n)
		give(w, live[--n], w->number + 1);
	return NULL;
}

/* Threads come in two waves: those of the second find places that the first have left. */
static void run(const char *name, uint64_t entries, unsigned threads, uint64_t seed)
{
	const struct iova_config config = {.entries = entries, .locks = true};
	struct shared s = {.entries = entries};
	struct worker workers[THREADS_MAX];
	pthread_t id[THREADS_MAX];
	uint64_t taken = 0;

	pthread_mutex_init(&s.lock, NULL);
	iovarig_open_with(&s.f, name, &config);
	assert_int_equal(s.f.a->ops->reserve(s.f.a, 0, 1), 0);
	s.owner = calloc(entries, sizeof(*s.owner));
	assert_non_null(s.owner);
	for (unsigned wave = 0; wave < 2; wave++) {
		for (unsigned i = 0; i < threads; i++) {
			workers[i] = (struct worker){
				.shared = &s, .number = i, .seed = seed + wave * THREADS_MAX + i};
			assert_int_equal(pthread_create(&id[i], NULL, work, &workers[i]), 0);
		}
		for (unsigned i = 0; i < threads; i++) {
			assert_int_equal(pthread_join(id[i], NULL), 0);
			assert_int_equal(workers[i].clashes, 0);
			taken += workers[i].taken;
		}
	}
	workers[0] = (struct worker){.shared = &s};
	while (s.waiting)
		collect(&workers[0]);
	assert_int_equal(workers[0].clashes, 0);
	assert_true(taken > STEPS / 4);
	for (uint64_t i = 0; i < entries; i++) {
		assert_int_equal(s.owner[i], 0);
		assert_false(s.f.a->ops->owns(s.f.a, i, 1));
	}
	assert_true(s.f.a->ops->check(s.f.a));
	free(s.owner);
	iovarig_close(&s.f);
	pthread_mutex_destroy(&s.lock);
}

static void no_entry_is_handed_out_twice_and_none_is_lost(void **state)
{
	static const unsigned threads[] = {1, 2, 3, 8};
	const uint64_t seed = rig_seed();

	(void)state;
	for (const struct iova_ops *const *row = iova_allocators; *row; row++)
		for (unsigned i = 0; i < 4 && (*row)->threads; i++)
			run((*row)->name, UINT64_C(1) << 16, threads[i], seed);
}

/* What others keep in their caches is fetched from there, also while they use them. */
static void a_table_that_runs_dry_is_refilled_from_everybodys_caches(void **state)
{
	const uint64_t seed = rig_seed();

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		run("magazines", 1024 + i, 2 + i, seed + i);
}

/* ---- more threads than there are places ---- */

#define CROWD 48u

static void *take_one_and_wait(void *arg)
{
	struct worker *w = arg;
	struct range r;
	struct rng rng;

	rng_seed(&rng, w->seed);
	for (unsigned i = 0; i < 200; i++)
		if (take(w, &rng, &r))
			give(w, r, w->number + 1);
	return NULL;
}

static void more_threads_than_places_share_one(void **state)
{
	const struct iova_config config = {.entries = UINT64_C(1) << 18, .locks = true};
	struct shared s = {.entries = config.entries};
	static struct worker workers[CROWD];
	pthread_t id[CROWD];

	(void)state;
	iovarig_open_with(&s.f, "magazines", &config);
	s.owner = calloc(config.entries, sizeof(*s.owner));
	assert_non_null(s.owner);
	for (unsigned i = 0; i < CROWD; i++) {
		workers[i] = (struct worker){.shared = &s, .number = i, .seed = i};
		assert_int_equal(pthread_create(&id[i], NULL, take_one_and_wait, &workers[i]), 0);
	}
	for (unsigned i = 0; i < CROWD; i++) {
		assert_int_equal(pthread_join(id[i], NULL), 0);
		assert_int_equal(workers[i].clashes, 0);
		assert_int_equal(workers[i].refused, 0);
	}
	assert_true(s.f.a->ops->check(s.f.a));
	free(s.owner);
	iovarig_close(&s.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_entry_is_handed_out_twice_and_none_is_lost),
		cmocka_unit_test(a_table_that_runs_dry_is_refilled_from_everybodys_caches),
		cmocka_unit_test(more_threads_than_places_share_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
