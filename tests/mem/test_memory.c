/* SPDX-License-Identifier: MIT */
/* Physical memory and its page allocator, the latter against a naive model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>

#include "../base/seed.h"
#include "mem/memory.h"

#define MIB ((uint64_t)1 << 20)

static phys_t take(struct memory *mem, uint64_t pages, uint64_t align, phys_t below)
{
	phys_t paddr = 1;

	assert_int_equal(memory_alloc(mem, pages, align, below, &paddr), 0);
	assert_true(paddr % align == 0 && paddr + pages * PAGE_BYTES <= memory_bytes(mem));
	return paddr;
}

static void impossible_sizes_are_refused(void **state)
{
	static const uint64_t sizes[] = {0, 1, 4095, 4097, ((uint64_t)64 << 30) + 4096, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		errno = 0;
		assert_null(memory_create(sizes[i]));
		assert_int_equal(errno, EINVAL);
	}
	memory_destroy(NULL);
}

static void memory_begins_zeroed_and_keeps_what_was_written(void **state)
{
	struct memory *mem = memory_create(MIB);
	unsigned char *host = memory_ptr(mem, 0, MIB);

	(void)state;
	assert_non_null(host);
	for (size_t i = 0; i < MIB; i++)
		assert_int_equal(host[i], 0);
	memset(memory_ptr(mem, 4090, 12), 7, 12);
	assert_int_equal(host[4089], 0);
	assert_int_equal(host[4090], 7);
	assert_int_equal(host[4101], 7);
	assert_int_equal(host[4102], 0);
	memory_destroy(mem);
}

static void only_ranges_inside_have_a_pointer(void **state)
{
	struct memory *mem = memory_create(MIB);

	(void)state;
	assert_non_null(memory_ptr(mem, MIB - 1, 1));
	assert_null(memory_ptr(mem, MIB - 1, 2));
	assert_null(memory_ptr(mem, MIB, 0));
	assert_null(memory_ptr(mem, MIB, 1));
	assert_null(memory_ptr(mem, UINT64_MAX, 1));
	assert_null(memory_ptr(mem, UINT64_MAX - 1, 4));
	assert_null(memory_ptr(mem, 1, SIZE_MAX));
	memory_destroy(mem);
}

static void pointers_and_addresses_convert_both_ways(void **state)
{
	struct memory *mem = memory_create(MIB), *other = memory_create(MIB);
	const char *host = memory_ptr(mem, 0, 1);

	(void)state;
	for (phys_t paddr = 0; paddr < MIB; paddr += 1021) {
		assert_true(memory_addr(mem, memory_ptr(mem, paddr, 1)) == paddr);
		assert_true(memory_owns(mem, memory_ptr(mem, paddr, 1)));
		assert_false(memory_owns(other, memory_ptr(mem, paddr, 1)));
	}
	assert_false(memory_owns(mem, host + MIB));
	assert_false(memory_owns(mem, &state));
	assert_false(memory_owns(mem, NULL));
	memory_destroy(mem);
	memory_destroy(other);
}

static void untouched_memory_is_not_resident(void **state)
{
	struct rusage before, after;
	struct memory *mem;

	(void)state;
	getrusage(RUSAGE_SELF, &before);
	mem = memory_create((uint64_t)64 << 30);
	if (!mem) /* a host that refuses to overcommit */
		skip();
	assert_true(memory_bytes(mem) == (uint64_t)64 << 30);
	*(char *)memory_ptr(mem, ((uint64_t)64 << 30) - 1, 1) = 1;
	getrusage(RUSAGE_SELF, &after);
	/* Two bitmaps of 2 MiB, and under a sanitizer some shadow: far from 64 GiB. */
	assert_true(after.ru_maxrss - before.ru_maxrss < 64 * 1024);
	memory_destroy(mem);
}

static void frame_zero_is_never_handed_out(void **state)
{
	struct memory *mem = memory_create(64 * PAGE_BYTES);
	phys_t paddr;

	(void)state;
	for (unsigned i = 1; i < 64; i++)
		assert_true(take(mem, 1, PAGE_BYTES, 0) != 0);
	assert_int_equal(memory_alloc(mem, 1, PAGE_BYTES, 0, &paddr), -ENOMEM);
	assert_int_equal(memory_allocated_pages(mem), 63);
	assert_true(memory_check(mem));
	memory_destroy(mem);

	mem = memory_create(PAGE_BYTES);
	assert_int_equal(memory_alloc(mem, 1, PAGE_BYTES, 0, &paddr), -ENOMEM);
	memory_destroy(mem);
}

static void page_freed_last_is_handed_out_first(void **state)
{
	struct memory *mem = memory_create(MIB);
	const phys_t a = take(mem, 1, PAGE_BYTES, 0), b = take(mem, 1, PAGE_BYTES, 0);

	(void)state;
	assert_true(b == a + PAGE_BYTES);
	memory_free(mem, b, 1);
	memory_free(mem, a, 1);
	assert_true(take(mem, 1, PAGE_BYTES, 0) == a);
	assert_true(take(mem, 1, PAGE_BYTES, 0) == b);
	memory_destroy(mem);
}

static void larger_requests_are_first_fit(void **state)
{
	struct memory *mem = memory_create(MIB);
	const phys_t a = take(mem, 4, PAGE_BYTES, 0), b = take(mem, 8, PAGE_BYTES, 0),
		     c = take(mem, 4, PAGE_BYTES, 0);

	(void)state;
	assert_true(a == PAGE_BYTES && b == a + 4 * PAGE_BYTES && c == b + 8 * PAGE_BYTES);
	memory_free(mem, b, 8);
	assert_true(take(mem, 9, PAGE_BYTES, 0) > c);
	assert_true(take(mem, 2, PAGE_BYTES, 0) == b);
	memory_free(mem, a, 4);
	assert_true(take(mem, 4, PAGE_BYTES, 0) == a);
	assert_true(memory_check(mem));
	memory_destroy(mem);
}

static void alignment_and_limit_are_kept(void **state)
{
	struct memory *mem = memory_create(64 * MIB);
	phys_t paddr;

	(void)state;
	assert_true(take(mem, 16, MIB, 0) == MIB);
	assert_true(take(mem, 1, 4 * MIB, 0) == 4 * MIB);
	assert_true(take(mem, 2, PAGE_BYTES, 16 * MIB) < 16 * MIB);
	assert_int_equal(memory_alloc(mem, 1, 64 * MIB, 0, &paddr), -ENOMEM);
	assert_int_equal(memory_alloc(mem, 2, PAGE_BYTES, 2 * PAGE_BYTES, &paddr), -ENOMEM);
	assert_int_equal(memory_alloc(mem, 1, PAGE_BYTES, PAGE_BYTES + 1, &paddr), -ENOMEM);
	assert_int_equal(memory_alloc(mem, 1, PAGE_BYTES, 1, &paddr), -ENOMEM);
	assert_int_equal(memory_alloc(mem, 0, PAGE_BYTES, 0, &paddr), -ENOMEM);
	assert_int_equal(memory_alloc(mem, UINT64_MAX, PAGE_BYTES, 0, &paddr), -ENOMEM);
	assert_true(memory_check(mem));
	memory_destroy(mem);
}

static void recently_freed_pages_serve_large_requests_when_needed(void **state)
{
	struct memory *mem = memory_create(64 * PAGE_BYTES);
	phys_t all[63];

	(void)state;
	for (unsigned i = 0; i < 63; i++)
		all[i] = take(mem, 1, PAGE_BYTES, 0);
	for (unsigned i = 0; i < 63; i++)
		memory_free(mem, all[62 - i], 1);
	assert_true(take(mem, 63, PAGE_BYTES, 0) == PAGE_BYTES);
	memory_free(mem, PAGE_BYTES, 63);
	assert_int_equal(memory_allocated_pages(mem), 0);
	assert_true(memory_check(mem));
	memory_destroy(mem);
}

/* ---- against a naive model: one flag a page ---- */

#define PAGES   700u
#define HOLDING 200u

struct model {
	bool used[PAGES];
	unsigned count;
};

/* Is there a place at all? The only question the naive model must answer for the real one. */
static bool fits(const struct model *m, unsigned pages, unsigned align, unsigned limit)
{
	for (unsigned at = 0; at + pages <= limit; at += align) {
		unsigned i = at ? 0 : pages + 1;

		while (i < pages && !m->used[at + i])
			i++;
		if (i == pages)
			return true;
	}
	return false;
}

static void note(struct model *m, phys_t paddr, unsigned pages, bool used)
{
	for (unsigned i = 0; i < pages; i++) {
		assert_true(m->used[paddr / PAGE_BYTES + i] != used);
		m->used[paddr / PAGE_BYTES + i] = used;
	}
	m->count = used ? m->count + pages : m->count - pages;
}

static void any_program_agrees_with_a_naive_model(void **state)
{
	struct memory *mem = memory_create((uint64_t)PAGES * PAGE_BYTES);
	struct {
		phys_t paddr;
		unsigned pages;
	} held[HOLDING];
	struct model m = {.count = 0};
	unsigned holding = 0, refused = 0;
	struct rng rng;

	(void)state;
	seed_from_env(&rng);
	for (unsigned step = 0; step < 60000; step++) {
		/* Fill up and drain in turns, so that both ends are reached. */
		const bool filling = step / 500 % 2;

		if (holding < HOLDING && (!holding || rng_below(&rng, 10) < (filling ? 7 : 4))) {
			const unsigned most = rng_below(&rng, 3) ? 1 : filling ? 40 : 6;
			const unsigned pages = 1 + (unsigned)rng_below(&rng, most);
			const unsigned align = 1u << (rng_below(&rng, 3) ? 0 : rng_below(&rng, 6));
			const unsigned limit =
				rng_below(&rng, 4) ? PAGES : 1 + (unsigned)rng_below(&rng, PAGES);
			phys_t paddr = 0;
			const int rc = memory_alloc(mem, pages, (uint64_t)align * PAGE_BYTES,
						    (phys_t)limit * PAGE_BYTES, &paddr);

			assert_int_equal(rc, fits(&m, pages, align, limit) ? 0 : -ENOMEM);
			refused += rc != 0;
			if (rc)
				continue;
			assert_true(paddr && paddr / PAGE_BYTES % align == 0);
			assert_true(paddr / PAGE_BYTES + pages <= limit);
			note(&m, paddr, pages, true);
			held[holding].paddr = paddr;
			held[holding++].pages = pages;
		} else {
			const unsigned i = (unsigned)rng_below(&rng, holding);

			note(&m, held[i].paddr, held[i].pages, false);
			memory_free(mem, held[i].paddr, held[i].pages);
			held[i] = held[--holding];
		}
		assert_int_equal(memory_allocated_pages(mem), m.count);
		assert_true(memory_check(mem));
	}
	assert_true(refused > 0);
	while (holding--)
		memory_free(mem, held[holding].paddr, held[holding].pages);
	assert_int_equal(memory_allocated_pages(mem), 0);
	assert_true(memory_check(mem));
	memory_destroy(mem);
}

static void same_program_same_addresses(void **state)
{
	struct memory *a = memory_create(4 * MIB), *b = memory_create(4 * MIB);
	struct rng rng;

	(void)state;
	seed_from_env(&rng);
	for (unsigned i = 0; i < 300; i++) {
		const uint64_t pages = 1 + rng_below(&rng, 3);
		const phys_t x = take(a, pages, PAGE_BYTES, 0), y = take(b, pages, PAGE_BYTES, 0);

		assert_true(x == y);
		if (rng_below(&rng, 2)) {
			memory_free(a, x, pages);
			memory_free(b, y, pages);
		}
	}
	memory_destroy(a);
	memory_destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(impossible_sizes_are_refused),
		cmocka_unit_test(memory_begins_zeroed_and_keeps_what_was_written),
		cmocka_unit_test(only_ranges_inside_have_a_pointer),
		cmocka_unit_test(pointers_and_addresses_convert_both_ways),
		cmocka_unit_test(untouched_memory_is_not_resident),
		cmocka_unit_test(frame_zero_is_never_handed_out),
		cmocka_unit_test(page_freed_last_is_handed_out_first),
		cmocka_unit_test(larger_requests_are_first_fit),
		cmocka_unit_test(alignment_and_limit_are_kept),
		cmocka_unit_test(recently_freed_pages_serve_large_requests_when_needed),
		cmocka_unit_test(any_program_agrees_with_a_naive_model),
		cmocka_unit_test(same_program_same_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
