/* SPDX-License-Identifier: MIT */
/* The books of live requests against a list, and against memory byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../base/seed.h"
#include "watch/requests.h"

#define FRAMES 16u
#define LIVE   5000u /* more than there is room for at first */

struct naive {
	uint64_t iova, paddr;
	uint32_t bytes;
	enum iotoll_dma_dir dir;
};

static bool allows(enum iotoll_dma_dir dir, enum iotoll_access access)
{
	if (access == IOTOLL_READ)
		return dir != IOTOLL_DMA_FROM_DEVICE;
	return dir != IOTOLL_DMA_TO_DEVICE;
}

static bool naive_cover(const struct naive *n, unsigned live, uint64_t paddr, uint32_t bytes,
			enum iotoll_access access)
{
	for (uint64_t at = paddr; at < paddr + bytes; at++) {
		bool in = false;

		for (unsigned i = 0; i < live && !in; i++)
			in = allows(n[i].dir, access) && at >= n[i].paddr &&
			     at < n[i].paddr + n[i].bytes;
		if (!in)
			return false;
	}
	return true;
}

static bool naive_in_frame(const struct naive *n, unsigned live, uint64_t frame)
{
	for (unsigned i = 0; i < live; i++)
		if (n[i].paddr < (frame + 1) * 4096 && n[i].paddr + n[i].bytes > frame * 4096)
			return true;
	return false;
}

/* A question of each kind. */
static void ask(const struct requests *r, const struct naive *n, unsigned live, struct rng *rng)
{
	const enum iotoll_access access = rng_below(rng, 2) ? IOTOLL_READ : IOTOLL_WRITE;
	const uint64_t frame = rng_below(rng, FRAMES);
	const uint32_t first = (uint32_t)rng_below(rng, 4096);
	const uint32_t bytes = 1 + (uint32_t)rng_below(rng, 4096 - first);

	assert_int_equal(requests_cover(r, frame * 4096 + first, bytes, access),
			 naive_cover(n, live, frame * 4096 + first, bytes, access));
	assert_int_equal(requests_in_frame(r, frame), naive_in_frame(n, live, frame));
}

static void random_requests_are_found_by_address_and_by_memory(void **state)
{
	struct naive n[24];
	struct requests r;
	struct rng rng;
	unsigned live = 0, covered = 0;

	(void)state;
	seed_from_env(&rng);
	assert_int_equal(requests_init(&r), 0);
	for (unsigned step = 0; step < 20000; step++) {
		if (live < 24 && rng_below(&rng, 2)) {
			struct naive *x = &n[live++];
			const uint32_t offset = (uint32_t)rng_below(&rng, 4096);

			*x = (struct naive){
				.iova = rng_below(&rng, 8) * 4096 + offset,
				.paddr = rng_below(&rng, FRAMES * 4096 - 4096),
				.bytes = 1 + (uint32_t)rng_below(&rng, 4096 - offset),
				.dir = (enum iotoll_dma_dir)rng_below(&rng, 3),
			};
			assert_non_null(requests_add(&r, x->iova, x->paddr, x->bytes, x->dir));
		} else if (live) {
			const unsigned i = (unsigned)rng_below(&rng, live);
			struct request_page *p = requests_find(&r, n[i].iova, n[i].bytes);

			assert_non_null(p);
			assert_int_equal(p->paddr, n[i].paddr);
			assert_int_equal(p->dir, n[i].dir);
			requests_remove(&r, p);
			n[i] = n[--live];
		}
		assert_int_equal(r.count, live);
		for (unsigned i = 0; i < 4; i++)
			ask(&r, n, live, &rng);
		covered += live && requests_cover(&r, n[0].paddr, n[0].bytes, IOTOLL_READ);
	}
	assert_true(covered > 1000);
	requests_fini(&r);
}

static void an_io_page_lists_its_own_and_no_others(void **state)
{
	struct requests r;
	unsigned of[LIVE / 4] = {0};

	(void)state;
	assert_int_equal(requests_init(&r), 0);
	for (uint64_t i = 0; i < LIVE; i++)
		assert_non_null(requests_add(&r, (i / 4) << 12 | (i % 4) << 10, i << 12, 1024,
					     IOTOLL_DMA_TO_DEVICE));
	assert_int_equal(r.count, LIVE);
	for (uint64_t pfn = 0; pfn < LIVE / 4; pfn++)
		for (const struct request_page *p = requests_of(&r, pfn, NULL); p;
		     p = requests_of(&r, pfn, p)) {
			assert_int_equal(p->iova >> 12, pfn);
			of[pfn]++;
		}
	for (unsigned i = 0; i < LIVE / 4; i++)
		assert_int_equal(of[i], 4);
	assert_null(requests_of(&r, LIVE, NULL));
	assert_null(requests_find(&r, 1, 1024));
	requests_fini(&r);
}

static void of_requests_at_one_address_the_one_of_that_length_is_found(void **state)
{
	struct requests r;

	(void)state;
	assert_int_equal(requests_init(&r), 0);
	assert_non_null(requests_add(&r, 0x1000, 0x5000, 100, IOTOLL_DMA_TO_DEVICE));
	assert_non_null(requests_add(&r, 0x1000, 0x5000, 200, IOTOLL_DMA_TO_DEVICE));
	assert_non_null(requests_add(&r, 0x1000, 0x5000, 300, IOTOLL_DMA_TO_DEVICE));
	assert_int_equal(requests_find(&r, 0x1000, 200)->bytes, 200);
	assert_int_equal(requests_find(&r, 0x1000, 300)->bytes, 300);
	assert_int_equal(requests_find(&r, 0x1000, 100)->bytes, 100);
	assert_non_null(requests_find(&r, 0x1000, 400));
	requests_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_requests_are_found_by_address_and_by_memory),
		cmocka_unit_test(an_io_page_lists_its_own_and_no_others),
		cmocka_unit_test(of_requests_at_one_address_the_one_of_that_length_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
