/* SPDX-License-Identifier: MIT */
/*
 * What VT-d permits to happen to a DMA. Caches make that a set: an entry that some earlier access
 * could have brought into a cache may be used until an invalidation covers it, and need not be. The
 * judge keeps all entries that could be cached and answers with every outcome that tables in
 * memory and those entries allow; where no stale entry is around the set has one member.
 *
 * It follows the Intel VT-d Architecture Specification (translation structure formats, caching,
 * fault reasons of legacy mode) and shares no code and no header with our hardware half.
 */
#ifndef IOTOLL_TESTS_ORACLE_VTD_JUDGE_H
#define IOTOLL_TESTS_ORACLE_VTD_JUDGE_H

#include "outcome.h"
#include "pair.h"

struct vtd_judge;

/*
 * Reads tables from our side of @pair. @width: host and guest address bits, 39 or 48; @device_tlb:
 * ECAP.DT; @line_pages: a power of two, how many neighbouring leaves an access may bring in.
 */
struct vtd_judge *vtd_judge_create(const struct pair *pair, unsigned width, bool device_tlb,
				   unsigned line_pages);
void vtd_judge_destroy(struct vtd_judge *j);

void vtd_judge_enable(struct vtd_judge *j, bool on);
/* The root table pointer was taken over. */
void vtd_judge_root(struct vtd_judge *j, uint64_t rtaddr);
/* Granularity as in the registers: 1 global, 2 domain, 3 device; others do nothing. */
void vtd_judge_context(struct vtd_judge *j, unsigned granularity, uint16_t did, uint16_t sid,
		       unsigned fm);
/* 1 global, 2 domain, 3 page; @iva: address, IH and AM as in the IVA register. */
void vtd_judge_iotlb(struct vtd_judge *j, unsigned granularity, uint16_t did, uint64_t iva);
/*
 * What may become of an access to one page, at most OUTCOMES_MAX answers into @out; what it
 * may bring into a cache is remembered. Returns how many, never 0.
 */
unsigned vtd_judge_access(struct vtd_judge *j, uint16_t sid, uint64_t iova, bool write,
			  struct outcome *out);

#endif
