/* SPDX-License-Identifier: MIT */
/* A watcher over an IOMMU that is moved by hand, for tests of one rule at a time. */
#ifndef IOTOLL_TESTS_WATCH_SCENE_H
#define IOTOLL_TESTS_WATCH_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_iommu.h"
#include "watch/exposure.h"

#define MS ((uint64_t)1000000000) /* in ps */
#define RW (IOTOLL_READ | IOTOLL_WRITE)

struct scene {
	struct fake_iommu hw;
	uint64_t device[FAKE_PAGES]; /* what the device's own cache holds */
	struct exposure *e;
	struct iotoll_dma_observer watch;
	uint64_t now_ps;
};

static inline uint64_t scene_now(void *ctx)
{
	return ((struct scene *)ctx)->now_ps;
}

static inline void scene_make(struct scene *s, bool with_iommu)
{
	const struct exposure_config config = {
		.iommu = with_iommu ? &s->hw.base : NULL,
		.source = {.bus = FAKE_BUS, .devid = 8},
		.memory_bytes = 1 << 20,
		.now_ps = scene_now,
		.ctx = s,
	};
	struct err err;

	fake_init(&s->hw);
	s->now_ps = 5 * MS; /* a machine that has run for a while */
	assert_int_equal(exposure_create(&s->e, &config, &err), 0);
	s->watch = exposure_observer(s->e);
	s->hw.base.observer =
		(struct iotoll_iommu_observer){.ctx = s->e, .dropped = exposure_dropped};
}

static inline int setup(void **state)
{
	static struct scene s;

	scene_make(&s, true);
	*state = &s;
	return 0;
}

static inline int teardown(void **state)
{
	exposure_destroy(((struct scene *)*state)->e);
	return 0;
}

/* Map @pages from @pfn on to frames from @frame on, for @bytes. */
static inline void do_map(struct scene *s, uint64_t pfn, uint64_t pages, uint64_t frame,
			  size_t bytes, enum iotoll_dma_dir dir, unsigned rights)
{
	for (uint64_t i = 0; i < pages; i++)
		s->hw.table[pfn + i] = fake_entry(frame + i, rights);
	s->watch.mapped(s->watch.ctx, IOTOLL_IOVA(pfn << 12), pages, IOTOLL_PHYS(frame << 12),
			bytes, dir);
}

static inline void map1(struct scene *s, uint64_t pfn, uint64_t frame)
{
	do_map(s, pfn, 1, frame, 4096, IOTOLL_DMA_BIDIRECTIONAL, RW);
}

static inline void unmap(struct scene *s, uint64_t pfn, uint64_t pages, size_t bytes)
{
	for (uint64_t i = 0; i < pages; i++)
		s->hw.table[pfn + i] = 0;
	s->watch.unmapped(s->watch.ctx, IOTOLL_IOVA(pfn << 12), pages, bytes);
}

static inline struct exposure_stats stats(const struct scene *s)
{
	struct exposure_stats st;

	exposure_stats(s->e, &st);
	return st;
}

static inline bool near(double a, double b)
{
	const double d = a > b ? a - b : b - a;

	return d <= 1e-12 + 1e-9 * (b < 0 ? -b : b);
}

#endif
