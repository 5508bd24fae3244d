/* SPDX-License-Identifier: MIT */
/* A domain that drives, one that grants, a bystander; a page granted and where it is mapped. */
#ifndef IOTOLL_TESTS_XEN_GRANT_SCENE_H
#define IOTOLL_TESTS_XEN_GRANT_SCENE_H

#include "world.h"

#include "xen/grant.h"
#include "xen/impl.h"

#define HOST   GNTMAP_host_map
#define DEV    GNTMAP_device_map
#define RO     GNTMAP_readonly
#define R_BUSY GTF_reading
#define W_BUSY GTF_writing

/* Domain 1 drives, domain 2 grants, domain 3 is a bystander. */
struct scene {
	struct world w;
	struct xen_domain *driver, *granter, *other;
	uint64_t page, mfn; /* a page of the granter's */
	uint64_t va;        /* where the driver maps */
};

static inline int setup(void **state)
{
	static const struct xen_limits limits = {
		.grant_frames_initial = 1, .grant_frames_max = 2, .maptrack_max = 200};
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	world_init(&s->w, 512, &limits);
	s->driver = world_domain(&s->w, 1, true);
	s->granter = world_domain(&s->w, 2, false);
	s->other = world_domain(&s->w, 3, true);
	s->page = free_pfn(s->granter, 5);
	s->mfn = guest_mfn(s->granter, s->page);
	s->va = va_of(hole_pfn(s->driver, 0));
	*state = s;
	return 0;
}

static inline int teardown(void **state)
{
	struct scene *s = *state;

	world_fini(&s->w);
	free(s);
	return 0;
}

static inline void check(struct scene *s)
{
	struct err err = {{0}};

	world_check(&s->w);
	if (xen_check_flags(s->w.hv, &err) != 0)
		fail_msg("%s", err.text);
}

static inline uint32_t pin_of(struct scene *s, unsigned ref)
{
	return s->granter->grants->active[ref].pin;
}

static inline struct frame *frame(struct scene *s)
{
	return frame_of(s->w.hv, s->mfn);
}

#endif
