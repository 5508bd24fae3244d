/* SPDX-License-Identifier: MIT */
/*
 * What holds through every IOMMU that has a table for each domain and forgets single pages, driver
 * and hardware half together: cases that test_vtd_hw.c and test_amdvi_hw.c share. Each takes a rig
 * that was just started and leaves closing it to the caller.
 */
#ifndef IOTOLL_TESTS_DMA_PAGED_HW_H
#define IOTOLL_TESTS_DMA_PAGED_HW_H

#include "hwrig.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define OLD      UINT64_C(0x0A0A000)
#define NEW      UINT64_C(0x0B0B000)

/* Under strict: an unmap takes one page out of the IOTLB and leaves its neighbours there. */
void paged_one_page_is_forgotten(struct hwrig *h);
/* Under strict: a second domain of @driver with the same addresses sees its own pages alone. */
void paged_domains_do_not_see_each_other(struct hwrig *h, const char *driver);
/*
 * Whatever happens, a live mapping leads to its own pages, and under strict (@strict) nothing else
 * leads anywhere. With an IOTLB that never forgets by itself this is hardest.
 */
void paged_random_program(struct hwrig *h, bool strict, uint64_t seed);

#endif
