/* SPDX-License-Identifier: MIT */
/*
 * AMD-Vi page tables, as Linux 6.1's drivers/iommu/amd/io_pgtable.c makes them:
 * three levels unless the addresses need more. The unit snoops, so no line is flushed. An entry of
 * 2 MiB is one of 4 KiB a level higher.
 *
 * Ours: the depth is fixed when the domain is made; Linux begins with three levels and adds one on
 * top when an address needs it, which addresses here, given out from the bottom, never do.
 */
#include "dma/driver/amdvi_internal.h"

#define LEVELS_MIN 3u

int amdvi_tables_init(struct radix *t, struct amdvi_unit *unit, uint64_t entries, bool large)
{
	unsigned levels = LEVELS_MIN;

	while (levels < AMDVI_LEVELS_MAX && (entries - 1) >> (AMDVI_LEVEL_BITS * levels) != 0)
		levels++;
	return radix_init(t, unit->env, levels, entries,
			  (struct radix_format){.pointer = amdvi_pde, .large = large});
}
