/* SPDX-License-Identifier: MIT */
/*
 * Random programs for AMD-Vi. Each level of table has frames of its own, as in vtd_program.h.
 */
#ifndef IOTOLL_TESTS_ORACLE_AMDVI_PROGRAM_H
#define IOTOLL_TESTS_ORACLE_AMDVI_PROGRAM_H

#include "run.h"

#define AMDP_DEVICES     RUN_TABLES /* the device table: one page, 128 entries */
#define AMDP_LEVEL(l, n) (RUN_TABLES + (uint64_t)(l)*0x4000 + (uint64_t)(n)*0x1000)
#define AMDP_COMMANDS    (RUN_TABLES + 0x18000) /* 256 commands */
#define AMDP_STORE       (RUN_TABLES + 0x19000) /* of COMPLETION_WAIT */
#define AMDP_NOWHERE     UINT64_C(0x4000000000)

/* See struct target. */
int amdvi_generate(struct program *p, struct rng *rng, unsigned variant, unsigned ops);

#endif
