/* SPDX-License-Identifier: MIT */
/* Kernel memory: where objects lie, the order of reuse, and what wild frees do. */
#include "lab.h"

#include "base/rng.h"

struct world {
	struct memory *mem;
	struct kmalloc *k;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->mem = memory_create(4 << 20);
	w->k = kmalloc_create(w->mem, true);
	assert_non_null(w->k);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	kmalloc_destroy(w->k);
	assert_int_equal(memory_allocated_pages(w->mem), 0);
	memory_destroy(w->mem);
	free(w);
	return 0;
}

static struct kmalloc_stats stats_of(const struct world *w)
{
	struct kmalloc_stats s;

	kmalloc_stats(w->k, &s);
	return s;
}

static void two_2048_byte_objects_share_a_page_and_none_crosses_one(void **state)
{
	struct world *w = *state;
	void *a = kmalloc_alloc(w->k, 1602 + 200), *b = kmalloc_alloc(w->k, 2048);
	const phys_t pa = kmalloc_phys(w->k, a), pb = kmalloc_phys(w->k, b);

	assert_int_equal(pa % 2048, 0);
	assert_int_equal(pa / PAGE_BYTES, pb / PAGE_BYTES);
	assert_int_equal(pb, pa + 2048);
	assert_int_equal(kmalloc_size(w->k, a), 2048);
	assert_int_equal(memory_allocated_pages(w->mem), 1);
	kmalloc_free(w->k, a);
	kmalloc_free(w->k, b);
}

static void the_object_freed_last_is_handed_out_first(void **state)
{
	struct world *w = *state;
	void *o[8];

	for (int i = 0; i < 8; i++)
		o[i] = kmalloc_alloc(w->k, 300);
	kmalloc_free(w->k, o[3]);
	kmalloc_free(w->k, o[6]);
	assert_ptr_equal(kmalloc_alloc(w->k, 512), o[6]);
	assert_ptr_equal(kmalloc_alloc(w->k, 257), o[3]);
	for (int i = 0; i < 8; i++)
		kmalloc_free(w->k, o[i]);
}

static void sizes_are_rounded_to_powers_of_two_and_aligned_to_them(void **state)
{
	static const size_t want[][2] = {{1, 32},      {32, 32},      {33, 64},      {64, 64},
					 {65, 128},    {1025, 2048},  {4096, 4096},  {4097, 8192},
					 {8192, 8192}, {8193, 12288}, {65536, 65536}};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		void *o = kmalloc_alloc(w->k, want[i][0]);
		const size_t align = want[i][1] > 8192 ? PAGE_BYTES : want[i][1];

		assert_non_null(o);
		assert_int_equal(kmalloc_size(w->k, o), want[i][1]);
		assert_int_equal(kmalloc_phys(w->k, o) % align, 0);
		kmalloc_free(w->k, o);
	}
	assert_null(kmalloc_alloc(w->k, 0));
	assert_null(kmalloc_alloc(w->k, ((size_t)1 << 31) + 1));
}

static void wild_and_double_frees_are_refused_and_counted(void **state)
{
	struct world *w = *state;
	char *o = kmalloc_alloc(w->k, 100), *big = kmalloc_alloc(w->k, 20000), local;

	kmalloc_free(w->k, o + 8);
	kmalloc_free(w->k, o + 128);
	kmalloc_free(w->k, &local);
	kmalloc_free(w->k, big + PAGE_BYTES);
	kmalloc_free(w->k, NULL);
	assert_int_equal(stats_of(w).bad_frees, 4);
	kmalloc_free(w->k, o);
	kmalloc_free(w->k, o);
	kmalloc_free(w->k, big);
	kmalloc_free(w->k, big);
	assert_int_equal(stats_of(w).bad_frees, 6);
	assert_int_equal(stats_of(w).live_objects, 0);
	assert_int_equal(stats_of(w).frees, 2);
}

static void a_write_to_a_freed_object_is_noticed_when_it_is_reused(void **state)
{
	struct world *w = *state;
	char *o = kmalloc_alloc(w->k, 2048);

	kmalloc_free(w->k, o);
	o[1999] = 1;
	assert_ptr_equal(kmalloc_alloc(w->k, 2048), o);
	assert_int_equal(stats_of(w).dirtied, 1);
	kmalloc_free(w->k, o);
}

static void exhausted_memory_answers_null_and_comes_back(void **state)
{
	struct world *w = *state;
	void *o[600];
	int n = 0;

	while (n < 600 && (o[n] = kmalloc_alloc(w->k, 8192)))
		n++;
	assert_in_range(n, 500, 512);
	assert_int_equal(stats_of(w).failures, 1);
	assert_null(kmalloc_alloc(w->k, 100000));
	kmalloc_free(w->k, o[--n]);
	assert_non_null(o[n++] = kmalloc_alloc(w->k, 8192));
	while (n)
		kmalloc_free(w->k, o[--n]);
}

/* Random programs: live objects never overlap and keep what was written into them. */
static void live_objects_never_overlap(void **state)
{
	struct world *w = *state;
	struct {
		uint8_t *at;
		size_t bytes;
		uint8_t mark;
	} live[200] = {{0}};
	struct rng rng;

	rng_seed(&rng, lab_seed());
	for (int step = 0; step < 20000; step++) {
		const size_t i = (size_t)rng_below(&rng, 200);

		if (live[i].at) {
			for (size_t b = 0; b < live[i].bytes; b++)
				assert_int_equal(live[i].at[b], live[i].mark);
			kmalloc_free(w->k, live[i].at);
			live[i].at = NULL;
			continue;
		}
		live[i].bytes = 1 + (size_t)rng_below(&rng, rng_below(&rng, 8) ? 600 : 12000);
		live[i].mark = (uint8_t)step;
		live[i].at = kmalloc_alloc(w->k, live[i].bytes);
		if (live[i].at)
			memset(live[i].at, live[i].mark, live[i].bytes);
	}
	for (int i = 0; i < 200; i++)
		kmalloc_free(w->k, live[i].at);
	assert_int_equal(stats_of(w).live_objects, 0);
	assert_int_equal(stats_of(w).dirtied, 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(two_2048_byte_objects_share_a_page_and_none_crosses_one),
		TEST(the_object_freed_last_is_handed_out_first),
		TEST(sizes_are_rounded_to_powers_of_two_and_aligned_to_them),
		TEST(wild_and_double_frees_are_refused_and_counted),
		TEST(a_write_to_a_freed_object_is_noticed_when_it_is_reused),
		TEST(exhausted_memory_answers_null_and_comes_back),
		TEST(live_objects_never_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
