/* SPDX-License-Identifier: MIT */
/* A driver domain, one that grants and another, with an IOMMU whose entries can be looked at. */
#ifndef IOTOLL_TESTS_XEN_IOMMU_FIXTURE_H
#define IOTOLL_TESTS_XEN_IOMMU_FIXTURE_H

#include "world.h"

#include "xen/grant.h"
#include "xen/impl.h"
#include "xen/iommu.h"

#define MAP   XEN_IOMMU_MAP
#define UNMAP XEN_IOMMU_UNMAP
#define FLUSH XEN_IOMMU_FLUSH
#define R     XEN_IOMMU_R
#define W     XEN_IOMMU_W
#define RW    (R | W)
#define HOST  GNTMAP_host_map
#define DEV   GNTMAP_device_map
#define RO    GNTMAP_readonly

struct scene {
	struct world w;
	struct xen_domain *driver, *granter, *other;
	uint64_t own, foreign; /* frames of driver and granter */
};

static inline int setup_with(void **state, bool reach)
{
	static const struct xen_limits limits = {.grant_frames_initial = 1,
						 .grant_frames_max = 1,
						 .preempt_after = 8,
						 .unflushed_max = 64};
	struct xen_domain_config c = {.id = 1,
				      .vcpus = 1,
				      .hardware = true,
				      .pages = 32,
				      .span = 64,
				      .max_pages = 48,
				      .grants_reach_devices = reach};
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	world_init(&s->w, 512, &limits);
	assert_int_equal(xen_domain_create(s->w.hv, &c, &s->driver), 0);
	s->granter = world_domain(&s->w, 2, false);
	s->other = world_domain(&s->w, 3, true);
	assert_int_equal(world_device(&s->w, s->driver, reach ? 512 : 64), 0);
	s->own = guest_mfn(s->driver, free_pfn(s->driver, 4));
	s->foreign = guest_mfn(s->granter, free_pfn(s->granter, 4));
	*state = s;
	return 0;
}

static inline int setup(void **state)
{
	return setup_with(state, false);
}

static inline int setup_reach(void **state)
{
	return setup_with(state, true);
}

static inline int teardown(void **state)
{
	struct scene *s = *state;

	world_fini(&s->w);
	free(s);
	return 0;
}

static inline const struct frame *frame(struct scene *s, uint64_t mfn)
{
	return frame_of(s->w.hv, mfn);
}

#endif
