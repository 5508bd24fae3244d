/* SPDX-License-Identifier: MIT */
/*
 * VT-d's second-level page tables, and which of the unit's structures in memory
 * have to be pushed out of the CPU's caches: all of them, unless its walks snoop.
 */
#include "dma/driver/vtd_internal.h"

void vtd_store64(struct vtd_unit *unit, iotoll_phys_t at, uint64_t value)
{
	radix_store64(unit->env, at, value);
}

void vtd_flush_lines(struct vtd_unit *unit, iotoll_phys_t at, size_t bytes)
{
	if (!(unit->ecap & VTD_ECAP_C))
		radix_flush(unit->env, at, bytes);
}

/* A table is named like a page, with both rights. */
static uint64_t pointer(uint64_t table, unsigned level)
{
	(void)level;
	return vtd_pte(table, true, true);
}

int vtd_tables_init(struct radix *t, struct vtd_unit *unit, uint64_t entries, bool large)
{
	return radix_init(t, unit->env, vtd_levels(unit->aw), entries,
			  (struct radix_format){.pointer = pointer,
						.flush = !(unit->ecap & VTD_ECAP_C),
						.large = large,
						.large_bit = VTD_PTE_PS});
}
