// SPDX-License-Identifier: MIT
/*
 * Each replacement policy against a naive form of what it claims to be: queues that are lists,
 * trees that are intervals, counts that are counts. Random programs of hits, fills of emptied ways
 * and replacements on one set; after each replacement both must have named the same way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "hw/iotlb.h"

#define WAYS_MAX 130u
#define STEPS    6000u

struct naive {
	unsigned ways;
	uint64_t now;
	uint64_t used[WAYS_MAX], filled[WAYS_MAX];
	unsigned count[WAYS_MAX], bit[WAYS_MAX];
	uint64_t key[WAYS_MAX];
	bool main_queue[WAYS_MAX];
	unsigned hand, uses_since, fills;
	/* Pseudo-LRU: which half of the ways [first, first + width) the victim is in. */
	bool right[256][9];
	/* S3-FIFO: departed keys in order. */
	uint64_t gone[STEPS];
	size_t gone_count;
};

struct reference {
	const char *name;
	void (*touch)(struct naive *n, unsigned way);
	void (*fill)(struct naive *n, unsigned way);
	unsigned (*victim)(struct naive *n);
};

static unsigned smallest(const uint64_t *value, unsigned ways)
{
	unsigned best = 0;

	for (unsigned i = 0; i < ways; i++)
		best = value[i] < value[best] ? i : best;
	return best;
}

static void nothing(struct naive *n, unsigned way)
{
	(void)n;
	(void)way;
}

static unsigned lru_victim(struct naive *n)
{
	return smallest(n->used, n->ways);
}

static unsigned fifo_victim(struct naive *n)
{
	return smallest(n->filled, n->ways);
}

/* From the leaf's interval up: whatever half @way is in, the victim is in the other. */
static void plru_use(struct naive *n, unsigned way)
{
	unsigned level = 0;

	for (unsigned width = 2; width / 2 < n->ways; width *= 2, level++) {
		unsigned first = way / width * width;

		n->right[first][level] = way < first + width / 2;
	}
}

static unsigned plru_victim(struct naive *n)
{
	unsigned width = 1, level = 0, first = 0;

	for (; width < n->ways; width *= 2)
		level++;
	while (width > 1) {
		level--;
		width /= 2;
		if (n->right[first][level] && first + width < n->ways)
			first += width;
	}
	return first;
}

static void bit_set(struct naive *n, unsigned way)
{
	n->bit[way] = 1;
}

static void bit_clear(struct naive *n, unsigned way)
{
	n->bit[way] = 0;
}

static unsigned clock_victim(struct naive *n)
{
	unsigned way;

	while (n->bit[n->hand]) {
		n->bit[n->hand] = 0;
		n->hand = (n->hand + 1) % n->ways;
	}
	way = n->hand;
	n->hand = (n->hand + 1) % n->ways;
	return way;
}

static void nru_use(struct naive *n, unsigned way)
{
	unsigned set = 0;

	n->bit[way] = 1;
	for (unsigned i = 0; i < n->ways; i++)
		set += n->bit[i];
	for (unsigned i = 0; i < n->ways && set == n->ways; i++)
		n->bit[i] = i == way;
}

static unsigned nru_victim(struct naive *n)
{
	for (unsigned i = 0; i < n->ways; i++)
		if (!n->bit[i])
			return i;
	return 0; /* one way alone */
}

static void rrip_hit(struct naive *n, unsigned way)
{
	n->count[way] = 0;
}

static void srrip_fill(struct naive *n, unsigned way)
{
	n->count[way] = 2;
}

static void brrip_fill(struct naive *n, unsigned way)
{
	n->fills++;
	n->count[way] = n->fills % 32 == 0 ? 2 : 3;
}

static unsigned rrip_victim(struct naive *n)
{
	for (;;) {
		for (unsigned i = 0; i < n->ways; i++)
			if (n->count[i] == 3)
				return i;
		for (unsigned i = 0; i < n->ways; i++)
			n->count[i]++;
	}
}

static void lfu_age(struct naive *n)
{
	if (++n->uses_since < 8 * n->ways)
		return;
	n->uses_since = 0;
	for (unsigned i = 0; i < n->ways; i++)
		n->count[i] /= 2;
}

static void lfu_touch(struct naive *n, unsigned way)
{
	n->count[way] = n->count[way] == 255 ? 255 : n->count[way] + 1;
	lfu_age(n);
}

static void lfu_fill(struct naive *n, unsigned way)
{
	n->count[way] = 1;
	lfu_age(n);
}

static unsigned lfu_victim(struct naive *n)
{
	unsigned best = 0;

	for (unsigned i = 1; i < n->ways; i++)
		if (n->count[i] < n->count[best] ||
		    (n->count[i] == n->count[best] && n->used[i] < n->used[best]))
			best = i;
	return best;
}

static void s3_touch(struct naive *n, unsigned way)
{
	n->count[way] = n->count[way] == 3 ? 3 : n->count[way] + 1;
}

static void s3_fill(struct naive *n, unsigned way)
{
	size_t from = n->gone_count > n->ways ? n->gone_count - n->ways : 0;

	n->count[way] = 0;
	n->main_queue[way] = false;
	for (size_t i = from; i < n->gone_count; i++) {
		if (n->gone[i] != n->key[way])
			continue;
		n->main_queue[way] = true;
		n->gone[i] = UINT64_MAX; /* remembered once */
		break;
	}
}

static int s3_oldest(const struct naive *n, bool main_queue, unsigned *length)
{
	int best = -1;

	*length = 0;
	for (unsigned i = 0; i < n->ways; i++) {
		if (n->main_queue[i] != main_queue)
			continue;
		++*length;
		if (best < 0 || n->filled[i] < n->filled[best])
			best = (int)i;
	}
	return best;
}

static unsigned s3_victim(struct naive *n)
{
	for (;;) {
		unsigned small_length, main_length;
		int small = s3_oldest(n, false, &small_length);
		int other = s3_oldest(n, true, &main_length);

		if (small_length > 0 && small_length >= n->ways / 10) {
			if (n->count[small] <= 1) {
				n->gone[n->gone_count++] = n->key[small];
				return (unsigned)small;
			}
			n->main_queue[small] = true;
			n->count[small] = 0;
			n->filled[small] = ++n->now;
		} else if (n->count[other] > 0) {
			n->count[other]--;
			n->filled[other] = ++n->now;
		} else {
			return (unsigned)other;
		}
	}
}

static const struct reference references[] = {
	{"lru", nothing, nothing, lru_victim},
	{"fifo", nothing, nothing, fifo_victim},
	{"tree-plru", plru_use, plru_use, plru_victim},
	{"clock", bit_set, bit_clear, clock_victim},
	{"nru", nru_use, nru_use, nru_victim},
	{"srrip", rrip_hit, srrip_fill, rrip_victim},
	{"brrip", rrip_hit, brrip_fill, rrip_victim},
	{"lfu", lfu_touch, lfu_fill, lfu_victim},
	{"s3-fifo", s3_touch, s3_fill, s3_victim},
};

static const struct iotlb_policy *policy(const char *name)
{
	for (size_t i = 0; iotlb_policies[i] != NULL; i++)
		if (strcmp(iotlb_policies[i]->name, name) == 0)
			return iotlb_policies[i];
	fail_msg("no policy %s", name);
	return NULL;
}

struct duel {
	const struct iotlb_policy *p;
	const struct reference *r;
	uint64_t *state, clock;
	struct naive n;
};

static void duel_fill(struct duel *d, unsigned way, uint64_t key)
{
	d->n.key[way] = key;
	d->n.used[way] = d->n.filled[way] = ++d->n.now;
	d->r->fill(&d->n, way);
	d->p->fill(d->state, d->n.ways, way, ++d->clock, key);
}

static void duel_touch(struct duel *d, unsigned way)
{
	d->n.used[way] = ++d->n.now;
	d->r->touch(&d->n, way);
	d->p->touch(d->state, d->n.ways, way, ++d->clock);
}

/* A key that no way has: a line is held once. */
static uint64_t absent_key(const struct duel *d, struct rng *rng)
{
	for (;;) {
		uint64_t key = rng_below(rng, 3 * d->n.ways + 1);
		bool held = false;

		for (unsigned i = 0; i < d->n.ways; i++)
			held |= d->n.filled[i] != 0 && d->n.key[i] == key;
		if (!held)
			return key;
	}
}

static void duel(const struct reference *r, unsigned ways, uint64_t seed)
{
	struct duel *d = calloc(1, sizeof(*d));
	struct rng rng;

	assert_non_null(d);
	d->p = policy(r->name);
	d->r = r;
	d->n.ways = ways;
	d->state = calloc(d->p->words(ways) + 1, sizeof(*d->state));
	assert_non_null(d->state);
	rng_seed(&rng, seed);
	for (unsigned way = 0; way < ways; way++)
		duel_fill(d, way, absent_key(d, &rng));
	for (unsigned step = 0; step < STEPS; step++) {
		uint64_t what = rng_below(&rng, 100);

		if (what < 45) {
			/* Some ways are used more than others. */
			duel_touch(d, (unsigned)rng_below(&rng, 1 + rng_below(&rng, ways)));
		} else if (what < 50) {
			duel_fill(d, (unsigned)rng_below(&rng, ways), absent_key(d, &rng));
		} else {
			unsigned expected = d->r->victim(&d->n);
			unsigned way = d->p->victim(d->state, ways, rng_u64(&rng));

			if (way != expected)
				fail_msg("%s of %u ways, step %u: way %u, expected %u", r->name,
					 ways, step, way, expected);
			duel_fill(d, way, absent_key(d, &rng));
		}
		assert_true(d->p->check(d->state, ways, d->clock));
	}
	free(d->state);
	free(d);
}

static void replaces_what_the_naive_form_replaces(void **state)
{
	static const unsigned ways[] = {1, 2, 3, 4, 7, 8, 16, 20, 63, 64, 65, 130};
	const char *env = getenv("IOTOLL_TEST_SEED");
	uint64_t seed = env != NULL ? strtoull(env, NULL, 0) : 2007;

	(void)state;
	print_message("seed %llu (set IOTOLL_TEST_SEED to change it)\n", (unsigned long long)seed);
	for (size_t r = 0; r < sizeof(references) / sizeof(references[0]); r++)
		for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++)
			duel(&references[r], ways[w], seed + 100 * r + w);
}

/* Whoever adds a row adds its naive form. */
static void every_policy_but_random_has_a_naive_form(void **state)
{
	size_t rows = 0;

	(void)state;
	while (iotlb_policies[rows] != NULL)
		rows++;
	assert_int_equal(rows, 1 + sizeof(references) / sizeof(references[0]));
}

static void random_scales_its_draw_to_the_ways(void **state)
{
	const struct iotlb_policy *p = policy("random");

	(void)state;
	assert_int_equal(p->victim(NULL, 5, 0), 0);
	assert_int_equal(p->victim(NULL, 5, UINT64_MAX), 4);
	assert_int_equal(p->victim(NULL, 4, (uint64_t)1 << 62), 1); /* a quarter of the way */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replaces_what_the_naive_form_replaces),
		cmocka_unit_test(every_policy_but_random_has_a_naive_form),
		cmocka_unit_test(random_scales_its_draw_to_the_ways),
	};

	return cmocka_run_group_tests_name("hw/policy", tests, NULL, NULL);
}
