/* SPDX-License-Identifier: MIT */
/*
 * What AMD-Vi permits to happen to a DMA, as vtd_judge.h says it for VT-d: every outcome that the
 * tables and the entries which could be cached allow. Follows the AMD I/O Virtualization
 * Technology (IOMMU) Specification: device table, host page tables, commands. QEMU 7.2's amd-iommu
 * checks less than it should; what it lets through is marked as its departure.
 */
#ifndef IOTOLL_TESTS_ORACLE_AMDVI_JUDGE_H
#define IOTOLL_TESTS_ORACLE_AMDVI_JUDGE_H

#include "outcome.h"
#include "pair.h"

struct amdvi_judge;

/* Reads tables from our side of @pair; the device table is at @device_table. */
struct amdvi_judge *amdvi_judge_create(const struct pair *pair, uint64_t device_table,
				       unsigned line_pages);
void amdvi_judge_destroy(struct amdvi_judge *j);

void amdvi_judge_enable(struct amdvi_judge *j, bool on);
/* A command was carried out. */
void amdvi_judge_command(struct amdvi_judge *j, uint64_t lo, uint64_t hi);
/* As vtd_judge_access(). */
unsigned amdvi_judge_access(struct amdvi_judge *j, uint16_t devid, uint64_t iova, bool write,
			    struct outcome *out);

#endif
