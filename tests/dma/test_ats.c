/* SPDX-License-Identifier: MIT */
/*
 * Drivers, units and a device with a translation cache of its own, on both sides of memory,
 * registers and messages: what the device is told, in which order, and what it can still reach.
 */
#include <errno.h>

#include "base/rng.h"
#include "hw/atc.h"
#include "hw/vtd.h"
#include "hwrig.h"

#define DEVID 0x10u
#define DEPTH 4u
#define PAGES 48u

static const char *const models[] = {"vtd", "amdvi"};

struct world {
	struct hwrig h;
	struct ats_fabric fabric;
	struct atc *atc;
	struct iotoll_dma_device *dev;
	bool gone;      /* nobody answers to DEVID any more */
	bool late;      /* completions are kept back until asked for */
	unsigned told;  /* invalidations */
	uint64_t last;  /* payload of the last */
	unsigned early; /* invalidations that came while the IOTLB held what they name */
	uint64_t live[PAGES], frame[PAGES];
};

static void complete(struct world *w)
{
	unsigned cc, messages;
	const uint32_t tags = atc_completed(w->atc, &cc, &messages);

	for (unsigned i = 0; tags != 0 && i < messages; i++)
		w->h.iommu->ops->ats->completion(w->h.iommu, DEVID, tags, cc);
}

/* Does the IOTLB hold any mapped page's translation that @payload covers? */
static bool iotlb_holds(const struct world *w, uint64_t payload)
{
	const struct iotoll_source source = {.devid = DEVID};
	const unsigned log2 = ats_range_log2(payload, ATS_INVALIDATE_S);
	const uint64_t first = payload & ATS_ADDRESS & ~ats_span(log2);
	struct iotoll_xlat x;

	for (unsigned i = 0; i < PAGES; i++)
		if (w->live[i] - first <= ats_span(log2) &&
		    iommu_probe(w->h.iommu, source, w->live[i], IOTOLL_WRITE, &x) == 0 && x.hit)
			return true;
	return false;
}

static bool on_invalidate(void *ctx, uint16_t devid, unsigned itag, uint64_t payload)
{
	struct world *w = ctx;

	assert_int_equal(devid, DEVID);
	w->told++;
	w->last = payload;
	w->early += iotlb_holds(w, payload);
	if (w->gone)
		return false;
	assert_int_equal(atc_invalidate(w->atc, itag, payload), 0); /* the tag was free */
	if (!w->late)
		complete(w);
	return true;
}

static void start(struct world *w, const char *model, const char *strategy)
{
	const struct iotoll_dma_config config = {.driver = model,
						 .strategy = strategy,
						 .allocator = "next-fit",
						 .table_entries = 8192,
						 .check_misuse = true};
	const struct iotlb_config cache = {
		.entries = 64, .ways = 4, .line_pages = 1, .policy = "lru"};
	const struct iommu_config hw = {.model = model, .iotlb = cache};
	const struct atc_config atc = {
		.cache = cache, .depth = DEPTH, .completions = 2, .ask = 1, .page_aligned = true};
	struct err err;

	memset(w, 0, sizeof(*w));
	hwrig_start_as(&w->h, &hw, &config);
	w->fabric = (struct ats_fabric){.ctx = w, .invalidate = on_invalidate};
	w->h.iommu->fabric = &w->fabric;
	assert_int_equal(atc_create(&w->atc, &atc, &err), 0);
	assert_int_equal(iotoll_dma_attach_ats(&w->dev, w->h.domain, DEVID, UINT32_MAX, DEPTH), 0);
	atc_config_write(w->atc, ATS_CONTROL, ATS_CTRL_ENABLE, 2);
	w->told = 0;
	memset(w->live, 0xFF, sizeof(w->live));
}

static void stop(struct world *w)
{
	iotoll_dma_detach(w->dev);
	atc_destroy(w->atc);
	hwrig_close(&w->h);
}

/* An access as the device makes it: out of its cache, or by asking. Where it got, or UINT64_MAX. */
static uint64_t reach(struct world *w, uint64_t iova, enum iotoll_access access)
{
	const struct iommu_ats_ops *ats = w->h.iommu->ops->ats;
	const struct iotoll_source source = {.devid = DEVID};
	struct atc_access x = {0};
	enum atc_verdict v = atc_begin(w->atc, &x, iova, access);
	uint64_t paddr = UINT64_MAX;
	struct iotoll_xlat out;

	if (v == ATC_ASK) {
		struct ats_completion c;
		struct ats_request request;

		atc_request(w->atc, &x, &request);
		request.source = source;
		assert_int_equal(ats->request(w->h.iommu, &request, &c), 0);
		v = atc_answer(w->atc, &x, &c);
	}
	if (v == ATC_TRANSLATED && ats->translated(w->h.iommu, source, x.paddr, access, &out) == 0)
		paddr = out.paddr;
	if (v == ATC_UNTRANSLATED && iommu_translate(w->h.iommu, source, iova, access, &out) == 0)
		paddr = out.paddr;
	atc_end(w->atc, &x);
	return paddr;
}

static uint64_t map(struct world *w, uint64_t paddr, size_t bytes)
{
	const iotoll_iova_t iova =
		iotoll_dma_map_page(w->dev, IOTOLL_PHYS(paddr), bytes, IOTOLL_DMA_FROM_DEVICE);

	assert_false(iotoll_dma_mapping_error(iova));
	return IOTOLL_IOVA_U64(iova);
}

static void unmap(struct world *w, uint64_t iova, size_t bytes)
{
	iotoll_dma_unmap_page(w->dev, IOTOLL_IOVA(iova), bytes, IOTOLL_DMA_FROM_DEVICE);
}

static void strict_tells_the_device_at_every_unmap(void **state)
{
	(void)state;
	for (unsigned m = 0; m < 2; m++) {
		static struct world w;
		uint64_t iova;

		start(&w, models[m], "strict");
		iova = map(&w, 0xA0A000, 4096);
		assert_int_equal(reach(&w, iova, IOTOLL_WRITE), 0xA0A000);
		assert_int_equal(reach(&w, iova, IOTOLL_READ), UINT64_MAX); /* no such right */
		assert_int_equal(w.told, 0);
		unmap(&w, iova, 4096);
		assert_int_equal(w.told, 1);
		assert_int_equal(w.last, iova);
		assert_int_equal(reach(&w, iova, IOTOLL_WRITE), UINT64_MAX);
		iova = map(&w, 0xA0A000, 3 * 4096); /* from an odd page: a block of four around */
		unmap(&w, iova, 3 * 4096);
		assert_int_equal(w.told, 2);
		assert_int_equal(hwrig_stats(&w.h).device_invalidations, 2);
		assert_int_equal(hwrig_stats(&w.h).invalidations, 2);
		assert_int_equal(hwrig_stats(&w.h).flush_timeouts, 0);
		assert_int_equal(w.early, 0);
		stop(&w);
	}
}

static void flush_queue_tells_the_whole_device_once_a_flush(void **state)
{
	(void)state;
	for (unsigned m = 0; m < 2; m++) {
		static struct world w;
		uint64_t iova[300];

		start(&w, models[m], "flush-queue");
		for (unsigned i = 0; i < 300; i++) {
			iova[i] = map(&w, 0xA00000 + i * 4096, 4096);
			assert_int_equal(reach(&w, iova[i], IOTOLL_WRITE), 0xA00000 + i * 4096);
		}
		unmap(&w, iova[299], 4096);
		assert_int_equal(w.told, 0);
		/* Stale in the device's own cache: that is the window of the lazy mode. */
		assert_int_equal(reach(&w, iova[299], IOTOLL_WRITE), 0xA00000 + 299 * 4096);
		for (unsigned i = 0; i < 299; i++)
			unmap(&w, iova[i], 4096);
		assert_int_equal(w.told, hwrig_stats(&w.h).flushes);
		assert_int_not_equal(w.told, 0);
		assert_int_equal(w.last, UINT64_C(0x7FFFFFFFFFFFF800));
		assert_int_equal(reach(&w, iova[299], IOTOLL_WRITE), UINT64_MAX);
		stop(&w);
	}
}

static void detaching_forgets_everything(void **state)
{
	(void)state;
	for (unsigned m = 0; m < 2; m++) {
		static struct world w;
		uint64_t iova, paddr;

		start(&w, models[m], "strict");
		iova = map(&w, 0xA0A000, 4096);
		assert_int_equal(reach(&w, iova, IOTOLL_WRITE), 0xA0A000);
		unmap(&w, iova, 4096);
		iova = map(&w, 0xA0A000, 4096);
		assert_int_equal(reach(&w, iova, IOTOLL_WRITE), 0xA0A000);
		w.told = 0;
		iotoll_dma_detach(w.dev);
		w.dev = NULL;
		assert_true(w.told >= 1);
		assert_int_equal(w.last, UINT64_C(0x7FFFFFFFFFFFF800));
		assert_false(atc_peek(w.atc, iova, IOTOLL_WRITE, &paddr));
		assert_int_equal(reach(&w, iova, IOTOLL_WRITE), UINT64_MAX);
		stop(&w);
	}
}

static void a_dead_device_does_not_hang_its_driver(void **state)
{
	(void)state;
	for (unsigned m = 0; m < 2; m++) {
		static struct world w;
		uint64_t iova;

		start(&w, models[m], "strict");
		iova = map(&w, 0xA0A000, 4096);
		w.gone = true;
		unmap(&w, iova, 4096);
		/* VT-d: ITE, cleared, submitted again, given up. AMD-Vi: an event, and on. */
		assert_int_equal(w.told, m == 0 ? 3 : 1);
		assert_int_equal(hwrig_stats(&w.h).flush_timeouts, m == 0 ? 1 : 0);
		w.gone = false;
		iova = map(&w, 0xA0A000, 4096);
		unmap(&w, iova, 4096);
		assert_int_equal(hwrig_stats(&w.h).flush_timeouts, m == 0 ? 1 : 0);
		stop(&w);
	}
}

static void units_without_device_tlbs_take_no_such_device(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct vtd_config config = vtd_xeon;
		struct iotoll_dma_device *dev;
		static struct hwrig h;

		config.device_tlb = i != 1;
		config.queued = i != 2;
		if (i == 0)
			hwrig_start(&h, "strict", 16, 0);
		else
			hwrig_start_vtd(&h, &config, "strict", 16, 0);
		assert_int_equal(iotoll_dma_attach_ats(&dev, h.domain, DEVID, UINT32_MAX, 4),
				 -EOPNOTSUPP);
		assert_null(dev);
		hwrig_close(&h);
	}
}

static void depths_out_of_range_are_refused(void **state)
{
	static struct world w;
	struct iotoll_dma_device *dev;

	(void)state;
	for (unsigned m = 0; m < 2; m++) {
		start(&w, models[m], "strict");
		assert_int_equal(iotoll_dma_attach_ats(&dev, w.h.domain, 0x18, UINT32_MAX, 33),
				 -EINVAL);
		assert_int_equal(iotoll_dma_attach_ats(&dev, w.h.domain, DEVID, UINT32_MAX, 4),
				 -EBUSY);
		w.told = 0;
		unmap(&w, map(&w, 0xA0A000, 4096), 4096);
		assert_int_equal(w.told, 1); /* once, not for each attempt to attach */
		stop(&w);
	}
}

/* ---- a random program ---- */

static void never_reaches_what_is_not_mapped(const char *model, uint64_t seed)
{
	static struct world w;
	struct rng rng;

	start(&w, model, "strict");
	rng_seed(&rng, seed);
	for (unsigned n = 0; n < 20000; n++) {
		const unsigned i = (unsigned)rng_below(&rng, PAGES);

		if (w.live[i] == UINT64_MAX) {
			w.frame[i] = 0x800000 + rng_below(&rng, 4096) * 4096;
			w.live[i] = map(&w, w.frame[i], 4096);
		} else if (rng_below(&rng, 3) == 0) {
			const uint64_t gone = w.live[i];

			unmap(&w, gone, 4096);
			w.live[i] = UINT64_MAX;
			assert_int_equal(reach(&w, gone, IOTOLL_WRITE), UINT64_MAX);
		} else {
			assert_int_equal(reach(&w, w.live[i] + 8, IOTOLL_WRITE), w.frame[i] + 8);
		}
		assert_true(atc_check(w.atc));
	}
	assert_int_equal(w.early, 0);
	assert_int_equal(hwrig_stats(&w.h).flush_timeouts, 0);
	for (unsigned i = 0; i < PAGES; i++)
		if (w.live[i] != UINT64_MAX)
			unmap(&w, w.live[i], 4096);
	stop(&w);
}

static void strict_leaves_nothing_reachable_and_tells_in_the_right_order(void **state)
{
	const uint64_t seed = 20070627;

	(void)state;
	print_message("seed %llu\n", (unsigned long long)seed);
	for (unsigned m = 0; m < 2; m++)
		never_reaches_what_is_not_mapped(models[m], seed + m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strict_tells_the_device_at_every_unmap),
		cmocka_unit_test(flush_queue_tells_the_whole_device_once_a_flush),
		cmocka_unit_test(detaching_forgets_everything),
		cmocka_unit_test(a_dead_device_does_not_hang_its_driver),
		cmocka_unit_test(units_without_device_tlbs_take_no_such_device),
		cmocka_unit_test(depths_out_of_range_are_refused),
		cmocka_unit_test(strict_leaves_nothing_reachable_and_tells_in_the_right_order),
	};

	return cmocka_run_group_tests_name("dma/ats", tests, NULL, NULL);
}
