/* SPDX-License-Identifier: MIT */
/* The cache model: where lines are found, coherence, eviction; against a naive model. */
#include "harness.h"

#include "base/rng.h"

#define LINE CACHE_LINE_BYTES

static void a_line_is_missed_once_then_hit(void **state)
{
	struct cache *c = cache_create(2, 4096, 4, 1 << 20);

	(void)state;
	assert_int_equal(cache_access(c, 0, 640, false), CACHE_DRAM);
	assert_int_equal(cache_access(c, 0, 640 + 63, false), CACHE_OWN);
	assert_int_equal(cache_access(c, 0, 640 + 64, false), CACHE_DRAM);
	cache_destroy(c);
}

static void a_modified_line_comes_from_the_other_cpu_and_a_shared_write_invalidates(void **state)
{
	struct cache *c = cache_create(2, 4096, 4, 1 << 20);

	(void)state;
	cache_access(c, 0, 0, true);
	assert_int_equal(cache_access(c, 1, 0, false), CACHE_REMOTE);
	/* now clean in both: reading hits, writing must take it from the other */
	assert_int_equal(cache_access(c, 0, 0, false), CACHE_OWN);
	assert_int_equal(cache_access(c, 0, 0, true), CACHE_REMOTE);
	assert_int_equal(cache_probe(c, 1, 0, false), CACHE_REMOTE);
	cache_destroy(c);
}

static void a_dma_write_leaves_no_copy_and_a_dma_read_keeps_them(void **state)
{
	struct cache *c = cache_create(2, 4096, 4, 1 << 20);

	(void)state;
	cache_access(c, 0, 128, true);
	cache_access(c, 0, 192, true);
	cache_dma_read(c, 128, 64);
	assert_int_equal(cache_probe(c, 0, 128, false), CACHE_OWN);
	assert_int_equal(cache_probe(c, 1, 128, false), CACHE_DRAM); /* clean: memory has it */
	cache_dma_write(c, 130, 64);                                 /* two lines */
	assert_int_equal(cache_probe(c, 0, 128, false), CACHE_DRAM);
	assert_int_equal(cache_probe(c, 0, 192, false), CACHE_DRAM);
	cache_dma_write(c, 128, 0);
	cache_destroy(c);
}

static void clflush_drops_the_line_everywhere(void **state)
{
	struct cache *c = cache_create(2, 4096, 4, 1 << 20);

	(void)state;
	cache_access(c, 0, 0, false);
	cache_access(c, 1, 0, false);
	assert_true(cache_flush_line(c, 32));
	assert_false(cache_flush_line(c, 32));
	assert_int_equal(cache_access(c, 0, 0, false), CACHE_DRAM);
	cache_destroy(c);
}

static void impossible_geometry_is_refused(void **state)
{
	(void)state;
	assert_null(cache_create(0, 4096, 4, 1 << 20));
	assert_null(cache_create(CACHE_MAX_CPUS + 1, 4096, 4, 1 << 20));
	assert_null(cache_create(1, 4096, 0, 1 << 20));
	assert_null(cache_create(1, 3 * 4096, 4, 1 << 20)); /* 48 sets */
}

/* The naive model: per CPU and set, an ordered list of (line, modified). */
#define CPUS  3
#define WAYS  4
#define SETS  4
#define LINES 64

struct naive {
	int tag[CPUS][SETS][WAYS]; /* most recent first, -1 = empty */
	bool modified[LINES];
};

static int naive_find(struct naive *n, unsigned cpu, int line)
{
	for (int w = 0; w < WAYS; w++)
		if (n->tag[cpu][line % SETS][w] == line)
			return w;
	return -1;
}

static void naive_drop(struct naive *n, unsigned cpu, int line)
{
	const int w = naive_find(n, cpu, line);
	int *set = n->tag[cpu][line % SETS];

	if (w < 0)
		return;
	memmove(set + w, set + w + 1, (size_t)(WAYS - 1 - w) * sizeof(*set));
	set[WAYS - 1] = -1;
}

static enum cache_where naive_access(struct naive *n, unsigned cpu, int line, bool write)
{
	int *set = n->tag[cpu][line % SETS], w = naive_find(n, cpu, line);
	bool others = false;
	enum cache_where where;

	for (unsigned k = 0; k < CPUS; k++)
		if (k != cpu && naive_find(n, k, line) >= 0)
			others = true;
	if (w >= 0)
		where = write && others ? CACHE_REMOTE : CACHE_OWN;
	else
		where = others && (write || n->modified[line]) ? CACHE_REMOTE : CACHE_DRAM;
	if (w < 0) {
		w = WAYS - 1;
		if (set[w] != -1)
			n->modified[set[w]] = false;
		if (!write)
			n->modified[line] = false;
	}
	memmove(set + 1, set, (size_t)w * sizeof(*set));
	set[0] = line;
	if (write) {
		for (unsigned k = 0; k < CPUS; k++)
			if (k != cpu)
				naive_drop(n, k, line);
		n->modified[line] = true;
	}
	return where;
}

static void random_programs_match_a_naive_cache(void **state)
{
	struct cache *c = cache_create(CPUS, SETS * WAYS * LINE, WAYS, LINES * LINE);
	struct naive n;
	struct rng rng;
	unsigned seen[3] = {0};

	(void)state;
	memset(&n, 0, sizeof(n));
	memset(n.tag, 0xff, sizeof(n.tag));
	rng_seed(&rng, harness_seed());
	for (int step = 0; step < 200000; step++) {
		const unsigned cpu = (unsigned)rng_below(&rng, CPUS);
		const int line = (int)rng_below(&rng, LINES);
		const unsigned what = (unsigned)rng_below(&rng, 16);

		if (what == 0) {
			cache_dma_write(c, (uint64_t)line * LINE, LINE);
			for (unsigned k = 0; k < CPUS; k++)
				naive_drop(&n, k, line);
			n.modified[line] = false;
		} else if (what == 1) {
			cache_dma_read(c, (uint64_t)line * LINE, 1);
			n.modified[line] = false;
		} else {
			const bool write = what & 1;
			const enum cache_where where =
				cache_access(c, cpu, (uint64_t)line * LINE, write);

			assert_int_equal(where, naive_access(&n, cpu, line, write));
			seen[where]++;
		}
	}
	for (int i = 0; i < 3; i++)
		assert_true(seen[i] > 1000);
	cache_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_missed_once_then_hit),
		cmocka_unit_test(
			a_modified_line_comes_from_the_other_cpu_and_a_shared_write_invalidates),
		cmocka_unit_test(a_dma_write_leaves_no_copy_and_a_dma_read_keeps_them),
		cmocka_unit_test(clflush_drops_the_line_everywhere),
		cmocka_unit_test(impossible_geometry_is_refused),
		cmocka_unit_test(random_programs_match_a_naive_cache),
	};

	return cmocka_run_group_tests_name("sim/cache", tests, NULL, NULL);
}
