/* SPDX-License-Identifier: MIT */
/* A VT-d unit on a fabric that a test answers for, one device allowed ATS. */
#ifndef IOTOLL_TESTS_HW_VTD_ATS_FIXTURE_H
#define IOTOLL_TESTS_HW_VTD_ATS_FIXTURE_H

#include <errno.h>

#include "fabric.h"
#include "vtd_rig.h"

#define STATUS  UINT64_C(0x9000)
#define STATUS2 UINT64_C(0x9008)
#define IQE     0x10u
#define ICE     0x20u
#define ITE     0x40u
#define WINDOW  UINT64_C(0xFEE00000)

static struct vrig rig;
static struct fabric fabric;

static inline const struct iommu_ats_ops *ats(void)
{
	return rig.iommu->ops->ats;
}

/* TT 01 for VRIG_SID, domain 7, four levels. */
static inline int setup(void **state)
{
	(void)state;
	vrig_make(&rig, NULL, NULL, false);
	vrig_standard(&rig);
	vrig_context(&rig, VRIG_SID, VRIG_L4 | 1 | 1 << 2, 0x702);
	vrig_flush(&rig);
	vrig_queue(&rig);
	fabric_join(&fabric, rig.iommu);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	vrig_free(&rig);
	return 0;
}

static inline uint32_t fsts(void)
{
	return vrig_readl(&rig, 0x34);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
