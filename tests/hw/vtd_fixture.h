/* SPDX-License-Identifier: MIT */
/*
 * The one unit of a test program: made before each test, gone after it. For programs that include
 * nothing else of the kind.
 */
#ifndef IOTOLL_TESTS_HW_VTD_FIXTURE_H
#define IOTOLL_TESTS_HW_VTD_FIXTURE_H

#include "vtd_rig.h"

static struct vrig rig;

/* cmocka's setup: standard tables, translation on. */
static inline int setup(void **state)
{
	(void)state;
	vrig_make(&rig, NULL, NULL, false);
	vrig_standard(&rig);
	return 0;
}

/* The same, and hits are compared with the tables. */
static inline int setup_tracking(void **state)
{
	(void)state;
	vrig_make(&rig, NULL, NULL, true);
	vrig_standard(&rig);
	return 0;
}

/* The same as setup(), with a queue. */
static inline int setup_queue(void **state)
{
	setup(state);
	vrig_queue(&rig);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	vrig_free(&rig);
	return 0;
}

/* Another unit instead, tracking. */
static inline void with(const struct vtd_config *config, const struct iotlb_config *iotlb)
{
	vrig_free(&rig);
	vrig_make(&rig, config, iotlb, true);
	vrig_standard(&rig);
}

/* The access is refused with @reason in record @n (records are used one after the other). */
static inline void refused_with(uint64_t iova, enum iotoll_access access, int ret, unsigned reason,
				unsigned n)
{
	struct iotoll_xlat x;

	assert_int_equal(vrig_dma(&rig, VRIG_SID, iova, access, &x), ret);
	assert_int_equal(x.paddr, 0);
	assert_int_equal(x.bytes, 0);
	assert_int_equal(vrig_take_fault(&rig, n), reason);
}

/* ---- the queue ---- */

#define STATUS UINT64_C(0x9000) /* where wait descriptors write */
#define QIE    0x04000000u
#define IQE    0x10u

static inline uint64_t head(void)
{
	return vrig_readq(&rig, 0x80);
}

static inline uint32_t status_word(void)
{
	return (uint32_t)vrig_peek(&rig, STATUS);
}

/* Wait, SW, @data to STATUS. */
static inline void put_wait(unsigned slot, uint32_t data)
{
	vrig_desc(&rig, slot, (uint64_t)data << 32 | 0x25, STATUS);
}

#endif
