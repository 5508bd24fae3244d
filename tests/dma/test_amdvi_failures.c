/* SPDX-License-Identifier: MIT */
/*
 * The AMD-Vi driver when the unit does not answer, memory runs out or the request is impossible.
 */
#include <errno.h>

#include "amdvirig.h"
#include "failing.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void unit_that_takes_nothing_ends_in_a_time_out_not_a_hang(void **state)
{
	static struct amdrig r;

	(void)state;
	for (unsigned how = 0; how < 2; how++) {
		amdrig_start(&r, "strict");
		const uint64_t iova = amdrig_map(&r, 0x123000, 4096, IOTOLL_DMA_TO_DEVICE);

		r.dead = how == 0;
		r.stuck = how == 1;
		iotoll_dma_unmap_page(r.dev, IOTOLL_IOVA(iova), 4096, IOTOLL_DMA_TO_DEVICE);
		assert_int_equal(amdrig_stats(&r).flush_timeouts, 1);
		/* LOOP_TIMEOUT steps of one microsecond. */
		assert_int_equal(amdrig_stats(&r).flush_polls, 100000);
		r.dead = r.stuck = false;
		amdrig_close(&r);
	}
}

static void running_out_of_memory_anywhere_leaves_nothing(void **state)
{
	const struct iotoll_dma_config config = amdrig_config("strict");
	static struct amdrig r;
	unsigned refused = 0;

	(void)state;
	amdrig_open(&r, 64u << 20);
	for (int n = 0;; n++) {
		char why[128] = "";
		int rc;

		until_failure = n;
		rc = iotoll_dma_domain_create(&r.domain, r.env, &config, why, sizeof(why));
		if (rc == 0) {
			rc = iotoll_dma_attach(&r.dev, r.domain, 8, UINT32_MAX);
			if (rc)
				iotoll_dma_domain_destroy(r.domain);
		}
		if (rc == 0)
			break;
		refused++;
		assert_int_equal(rc, -ENOMEM);
		assert_int_equal(memory_allocated_pages(r.memory), 0);
	}
	/* Domain, chip's lock, unit and its three, tables' two lists and root, book ... */
	assert_true(refused >= 10);
	/* Neither of the two tables that the first page needs. */
	for (int n = 0; n < 2; n++) {
		const uint64_t before = memory_allocated_pages(r.memory);

		until_failure = n;
		assert_true(iotoll_dma_mapping_error(iotoll_dma_map_page(
			r.dev, IOTOLL_PHYS(0x5000), 4096, IOTOLL_DMA_TO_DEVICE)));
		assert_int_equal(memory_allocated_pages(r.memory), before + (unsigned)n);
	}
	until_failure = -1;
	amdrig_map(&r, 0x5000, 4096, IOTOLL_DMA_TO_DEVICE);
	amdrig_close(&r);
}

static void impossible_table_sizes_are_refused(void **state)
{
	static const uint64_t bad[] = {0, 1, (UINT64_C(1) << 36) + 1};
	static struct amdrig r;

	(void)state;
	amdrig_open(&r, 16u << 20);
	for (unsigned i = 0; i < COUNT(bad); i++) {
		struct iotoll_dma_config config = amdrig_config("strict");
		char why[128] = "";

		config.table_entries = bad[i];
		assert_int_equal(
			iotoll_dma_domain_create(&r.domain, r.env, &config, why, sizeof(why)),
			-EINVAL);
		assert_non_null(strstr(why, "table_entries"));
		assert_int_equal(memory_allocated_pages(r.memory), 0);
	}
	amdrig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unit_that_takes_nothing_ends_in_a_time_out_not_a_hang),
		cmocka_unit_test(running_out_of_memory_anywhere_leaves_nothing),
		cmocka_unit_test(impossible_table_sizes_are_refused),
	};

	return cmocka_run_group_tests_name("dma/amdvi_failures", tests, NULL, NULL);
}
