/* SPDX-License-Identifier: MIT */
/*
 * Whole runs of the strategies that own the memory devices work in: every byte arrives out of their
 * buffers, what goes round is mapped no more, and what the device could still change is counted.
 */
#include "domain_runs.h"

struct place {
	const char *scenario, *model, *load;
};

static const struct place places[] = {
	{"bare-metal", "iommu.model=calgary", "load.name=tcp_stream"},
	{"bare-metal", "iommu.model=vtd", "load.name=tcp_maerts"},
	{"bare-metal", "iommu.model=amdvi", "load.name=tcp_stream"},
	{"stream", "iommu.model=vtd", "load.name=segment_stream"},
	{"stream", "iommu.model=amdvi", "load.name=segment_maerts"},
};

#define PLACES (sizeof(places) / sizeof(places[0]))

static json_t *run(const struct place *p, const char *strategy)
{
	const bool stream = !strcmp(p->scenario, "stream");
	json_t *r = RUN(p->scenario, p->model, p->load, strategy,
			stream ? "run.duration=3 ms" : "run.duration=30 ms");

	assert_true(get(r, "load.mismatches") == 0);
	assert_true(get(r, "iommu.refused") == 0);
	assert_true(get(r, "dma.misuse.unmap_unknown") == 0);
	assert_true(get(r, "dma.misuse.wrong_device") == 0);
	assert_true(get(r, "dma.map_failures") == 0);
	assert_true(get(r, "throughput_mbps") > (stream ? 5000 : 800));
	return r;
}

static void received_buffers_go_round_under_page_pool_and_all_others_are_strict(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLACES; i++) {
		json_t *r = run(&places[i], "dma.strategy=page-pool");
		const double fresh = get(r, "dma.maps") - get(r, "dma.reused_maps");

		assert_true(get(r, "dma.reused_maps") == get(r, "exposure.from_device_pages"));
		/* What is mapped for the device to read, a page each, and nothing else. */
		if (strcmp(places[i].scenario, "stream") != 0)
			assert_true(fresh == get(r, "exposure.to_device_pages"));
		/* Received data can be changed where it lies: counted where no neighbour is live.
		 */
		if (!strcmp(places[i].scenario, "stream"))
			assert_true(get(r, "exposure.stale_pages") > 0);
		assert_true(get(r, "exposure.entries_idle_peak") > 0);
		json_decref(r);
	}
}

static void under_damn_nothing_of_a_packet_is_ever_mapped_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLACES; i++) {
		json_t *r = run(&places[i], "dma.strategy=damn");

		assert_true(get(r, "dma.reused_maps") == get(r, "dma.maps"));
		assert_true(get(r, "exposure.stale_pages") + get(r, "exposure.shared_pages") > 0);
		json_decref(r);
	}
}

/* tg3's frames are received in place, and by copy of 54 bytes of each under DAMN. */
static void the_kernel_looks_at_copies_of_headers_under_damn_alone(void **state)
{
	json_t *damn, *pool;

	(void)state;
	damn = run(&places[0], "dma.strategy=damn");
	pool = run(&places[0], "dma.strategy=page-pool");
	assert_true(get(damn, "iommu.copied_bytes") ==
		    54 * get(damn, "exposure.from_device_pages"));
	assert_true(get(pool, "iommu.copied_bytes") == 0);
	json_decref(damn);
	json_decref(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			received_buffers_go_round_under_page_pool_and_all_others_are_strict),
		cmocka_unit_test(under_damn_nothing_of_a_packet_is_ever_mapped_again),
		cmocka_unit_test(the_kernel_looks_at_copies_of_headers_under_damn_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
