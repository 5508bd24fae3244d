/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs out at the N-th request, for every N, under the VT-d driver: which gets memory
 * when a domain is made, when a device is attached and when an address is first used.
 */
#include <errno.h>

#include "failing.h"
#include "vtdrig.h"

/* True once everything is there; one more request of it failed otherwise, and nothing is left. */
static bool set_up(struct vtdrig *rig, const struct iotoll_dma_config *config, int n)
{
	char why[128] = "";
	int rc;

	until_failure = n;
	rc = iotoll_dma_domain_create(&rig->domain, rig->env, config, why, sizeof(why));
	if (rc) {
		assert_int_equal(rc, -ENOMEM);
		assert_non_null(strstr(why, "no memory"));
		assert_null(rig->domain);
		assert_int_equal(memory_allocated_pages(rig->memory), 0);
		return false;
	}
	rc = iotoll_dma_attach(&rig->dev, rig->domain, 0x0508, UINT32_MAX);
	if (!rc && until_failure >= 0)
		return true;
	assert_int_equal(rc, -ENOMEM);
	assert_null(rig->dev);
	iotoll_dma_domain_destroy(rig->domain);
	rig->domain = NULL;
	assert_int_equal(memory_allocated_pages(rig->memory), 0);
	return false;
}

static void creating_attaching_and_mapping_survive_every_failure(void **state)
{
	static const char *const strategies[] = {"off", "strict", "flush-queue"};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct iotoll_dma_config config = vtdrig_config(strategies[i]);
		static struct vtdrig rig;
		iotoll_iova_t iova;
		unsigned n = 0;

		vtdrig_open(&rig, CAP_VALUE, ECAP_VALUE);
		while (!set_up(&rig, &config, (int)n))
			n++;
		/* Domain, driver, lock, unit, ids, root and queue, book, device, context table. */
		assert_true(n >= 9);
		/*
		 * A first page takes tables of levels 3, 2 and 1. What was made before a failure
		 * is kept, so with one more each time the third has all.
		 */
		for (int tries = 0; tries < 4; tries++) {
			until_failure = tries ? 1 : 0;
			iova = iotoll_dma_map_page(rig.dev, IOTOLL_PHYS(0x5000), 4096,
						   IOTOLL_DMA_TO_DEVICE);
			until_failure = -1;
			assert_true(iotoll_dma_mapping_error(iova) == (i && tries < 3));
			if (!iotoll_dma_mapping_error(iova))
				break;
			assert_int_equal(vtdrig_stats(&rig).pages_live, 0);
		}
		iotoll_dma_unmap_page(rig.dev, iova, 4096, IOTOLL_DMA_TO_DEVICE);
		vtdrig_close(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(creating_attaching_and_mapping_survive_every_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
