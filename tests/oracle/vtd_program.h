/* SPDX-License-Identifier: MIT */
/*
 * Random programs for VT-d. Small pools (addresses, domains, table frames) make collisions and
 * stale entries common. Each level of table has frames of its own, so that what a DMA stores is
 * never read as a table.
 */
#ifndef IOTOLL_TESTS_ORACLE_VTD_PROGRAM_H
#define IOTOLL_TESTS_ORACLE_VTD_PROGRAM_H

#include "run.h"

/* Where things lie. */
#define VTDP_ROOT(n)     (RUN_TABLES + (uint64_t)(n)*0x1000)          /* 2 root tables */
#define VTDP_CONTEXT(n)  (RUN_TABLES + 0x2000 + (uint64_t)(n)*0x1000) /* 2 context tables */
#define VTDP_LEVEL(l, n) (RUN_TABLES + (uint64_t)(l)*0x4000 + (uint64_t)(n)*0x1000) /* 4 each */
#define VTDP_QUEUE       (RUN_TABLES + 0x18000)
#define VTDP_STATUS      (RUN_TABLES + 0x19000)
#define VTDP_NOWHERE     UINT64_C(0x4000000000) /* neither memory nor a device */

/* See struct target. */
int vtd_generate(struct program *p, struct rng *rng, unsigned variant, unsigned ops);
void vtd_configure(unsigned variant, struct pair_config *config);
/* Of @variant: address bits, ECAP.DT, pages in a line of our IOTLB. */
unsigned vtd_width(unsigned variant);
bool vtd_device_tlb(unsigned variant);
unsigned vtd_line_pages(unsigned variant);

#define VTD_VARIANTS 5u

#endif
