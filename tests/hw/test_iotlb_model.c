// SPDX-License-Identifier: MIT
/*
 * Random programs on the IOTLB against a naive model that keeps lines in a list and looks at all
 * of them. Victims are predicted for lru and fifo; for the others (test_policy.c holds them to
 * naive forms of theirs) the model asks which line went and checks that it was one that could go.
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

#define STEPS     20000
#define TAGS      3
#define MAX_LINES 64
#define MAX_DROPS (MAX_LINES * 16)

struct line {
	bool held;
	uint32_t tag;
	uint64_t number;
	uint64_t entry[16];
	uint64_t used, filled;
};

struct drop {
	uint32_t tag;
	uint64_t pfn;
};

struct model {
	struct iotlb *real;
	struct iotlb_config config;
	unsigned sets, ways;
	struct line lines[MAX_LINES];
	uint64_t clock;
	struct iotlb_stats stats;
	unsigned drops, expected_drops;
	struct drop drop[MAX_DROPS], expected_drop[MAX_DROPS];
};

static void heard(void *ctx, uint32_t tag, uint64_t pfn)
{
	struct model *m = ctx;

	assert_true(m->drops < MAX_DROPS);
	m->drop[m->drops++] = (struct drop){tag, pfn};
}

static void expect_drop(struct model *m, uint32_t tag, uint64_t pfn)
{
	assert_true(m->expected_drops < MAX_DROPS);
	m->expected_drop[m->expected_drops++] = (struct drop){tag, pfn};
}

static void forget(struct model *m, struct line *l)
{
	l->held = false;
	for (unsigned i = 0; i < m->config.line_pages; i++)
		if (l->entry[i] != 0)
			expect_drop(m, l->tag, l->number * m->config.line_pages + i);
}

static struct line *find(struct model *m, uint32_t tag, uint64_t pfn)
{
	for (unsigned i = 0; i < MAX_LINES; i++) {
		struct line *l = &m->lines[i];

		if (l->held && l->tag == tag && l->number == pfn / m->config.line_pages)
			return l;
	}
	return NULL;
}

static bool gone(const struct model *m, const struct line *l)
{
	uint64_t entry;

	for (unsigned i = 0; i < m->config.line_pages; i++)
		if (iotlb_probe(m->real, l->tag, l->number * m->config.line_pages + i, &entry))
			return false;
	return true;
}

/* The line of the set of @number that had to go, after the real one chose. */
static struct line *victim(struct model *m, uint64_t number)
{
	struct line *best = NULL;

	for (unsigned i = 0; i < MAX_LINES; i++) {
		struct line *l = &m->lines[i];

		if (!l->held || l->number % m->sets != number % m->sets)
			continue;
		if (strcmp(m->config.policy, "fifo") == 0) {
			if (best == NULL || l->filled < best->filled)
				best = l;
		} else if (strcmp(m->config.policy, "lru") == 0) {
			if (best == NULL || l->used < best->used)
				best = l;
		} else if (gone(m, l)) {
			assert_null(best); /* one goes, not two */
			best = l;
		}
	}
	assert_non_null(best);
	return best;
}

static struct line *room_for(struct model *m, uint64_t number)
{
	unsigned in_set = 0;
	struct line *free_line = NULL;

	for (unsigned i = 0; i < MAX_LINES; i++) {
		if (!m->lines[i].held)
			free_line = &m->lines[i];
		else if (m->lines[i].number % m->sets == number % m->sets)
			in_set++;
	}
	if (in_set == m->ways) {
		m->stats.evictions++;
		free_line = victim(m, number);
		forget(m, free_line);
	}
	assert_non_null(free_line);
	return free_line;
}

static void step_access(struct model *m, uint32_t tag, uint64_t pfn)
{
	struct line *l = find(m, tag, pfn);
	uint64_t expected = l != NULL ? l->entry[pfn % m->config.line_pages] : 0;
	uint64_t entry = 0;

	assert_int_equal(iotlb_access(m->real, tag, pfn, &entry), expected != 0);
	assert_int_equal(entry, expected);
	if (expected != 0) {
		l->used = ++m->clock;
		m->stats.hits++;
	} else {
		m->stats.misses++;
	}
}

static void step_insert(struct model *m, uint32_t tag, uint64_t pfn, struct rng *rng)
{
	struct line *l = find(m, tag, pfn);
	uint64_t entry[16] = {0}, any = 0;

	for (unsigned i = 0; i < m->config.line_pages; i++) {
		entry[i] = rng_below(rng, 4); /* 0 is: not held */
		any |= entry[i];
	}
	iotlb_insert(m->real, tag, pfn, entry);
	if (any == 0) {
		if (l != NULL) {
			m->stats.invalidated++;
			forget(m, l);
		}
		return;
	}
	if (l == NULL) {
		l = room_for(m, pfn / m->config.line_pages);
		*l = (struct line){.held = true, .tag = tag, .number = pfn / m->config.line_pages};
		l->filled = ++m->clock;
	}
	for (unsigned i = 0; i < m->config.line_pages; i++)
		if (l->entry[i] != 0 && l->entry[i] != entry[i])
			expect_drop(m, tag, l->number * m->config.line_pages + i);
	memcpy(l->entry, entry, sizeof(entry));
	l->used = ++m->clock;
}

static void step_invalidate(struct model *m, uint32_t tag, uint64_t pfn)
{
	struct line *l = find(m, tag, pfn);

	assert_int_equal(iotlb_invalidate(m->real, tag, pfn), l != NULL);
	if (l != NULL) {
		m->stats.invalidated++;
		forget(m, l);
	}
}

static void step_sweep(struct model *m, uint32_t tag, bool all)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MAX_LINES; i++) {
		if (!m->lines[i].held || (!all && m->lines[i].tag != tag))
			continue;
		forget(m, &m->lines[i]);
		n++;
	}
	m->stats.invalidated += n;
	if (all) {
		m->stats.flushes++;
		iotlb_invalidate_all(m->real);
	} else {
		assert_int_equal(iotlb_invalidate_tag(m->real, tag), n);
	}
}

static int by_page(const void *a, const void *b)
{
	const struct drop *x = a, *y = b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return (x->pfn > y->pfn) - (x->pfn < y->pfn);
}

static void compare(struct model *m)
{
	struct iotlb_stats s;

	assert_int_equal(m->drops, m->expected_drops);
	qsort(m->drop, m->drops, sizeof(m->drop[0]), by_page);
	qsort(m->expected_drop, m->drops, sizeof(m->drop[0]), by_page);
	for (unsigned i = 0; i < m->drops; i++)
		assert_int_equal(by_page(&m->drop[i], &m->expected_drop[i]), 0);
	m->drops = m->expected_drops = 0;
	iotlb_stats(m->real, &s);
	assert_memory_equal(&s, &m->stats, sizeof(s));
	assert_true(iotlb_check(m->real));
}

static void run(const struct iotlb_config *config, uint64_t seed)
{
	struct model *m = calloc(1, sizeof(*m));
	struct rng rng;
	struct err err;

	assert_non_null(m);
	m->config = *config;
	m->ways = config->ways != 0 ? config->ways : config->entries;
	m->sets = config->entries / m->ways;
	rng_seed(&rng, seed);
	assert_int_equal(iotlb_create(&m->real, config, &err), 0);
	iotlb_on_drop(m->real, heard, m);
	for (unsigned i = 0; i < STEPS; i++) {
		uint32_t tag = (uint32_t)rng_below(&rng, TAGS);
		/* Three times what fits, so that there are hits and evictions. */
		uint64_t pfn = rng_below(&rng, 3 * config->entries * config->line_pages / TAGS + 1);
		uint64_t what = rng_below(&rng, 1000);

		if (what < 500)
			step_access(m, tag, pfn);
		else if (what < 950)
			step_insert(m, tag, pfn, &rng);
		else if (what < 990)
			step_invalidate(m, tag, pfn);
		else
			step_sweep(m, tag, what >= 997);
		compare(m);
	}
	assert_true(m->stats.hits > 100 && m->stats.evictions > 100);
	iotlb_destroy(m->real);
	free(m);
}

static void behaves_as_the_naive_model_under_every_policy(void **state)
{
	static const struct {
		unsigned entries, ways, line_pages;
	} geometry[] = {{16, 4, 1}, {16, 1, 1}, {16, 0, 1}, {12, 3, 2}, {8, 2, 8}, {6, 0, 16}};
	const char *env = getenv("IOTOLL_TEST_SEED");
	uint64_t seed = env != NULL ? strtoull(env, NULL, 0) : 2007;

	(void)state;
	print_message("seed %llu (set IOTOLL_TEST_SEED to change it)\n", (unsigned long long)seed);
	for (size_t p = 0; iotlb_policies[p] != NULL; p++)
		for (size_t g = 0; g < sizeof(geometry) / sizeof(geometry[0]); g++) {
			struct iotlb_config config = {
				.entries = geometry[g].entries,
				.ways = geometry[g].ways,
				.line_pages = geometry[g].line_pages,
				.seed = seed + g,
			};

			strcpy(config.policy, iotlb_policies[p]->name);
			run(&config, seed + 100 * p + g);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(behaves_as_the_naive_model_under_every_policy),
	};

	return cmocka_run_group_tests_name("hw/iotlb_model", tests, NULL, NULL);
}
