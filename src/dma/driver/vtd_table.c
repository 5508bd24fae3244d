/* SPDX-License-Identifier: MIT */
/*
 * Second-level page tables in memory, 4 KiB pages only: pfn_to_dma_pte(), __domain_mapping() and
 * dma_pte_clear_level() of Linux 6.1's drivers/iommu/intel/iommu.c. Tables come page by page as
 * addresses are first used and stay until the domain goes; Linux returns a table early only when
 * one unmap covers all that it spans (2 MiB or more), which no request here does.
 */
#include <errno.h>
#include <string.h>

#include "dma/driver/vtd_internal.h"

void vtd_store64(struct vtd_unit *unit, iotoll_phys_t at, uint64_t value)
{
	uint8_t bytes[8];
	uint64_t image;

	vtd_pack64(bytes, value);
	memcpy(&image, bytes, sizeof(image));
	env_work(unit->env, DMA_WORK_ENTRY_STORE, 1);
	/* Whole, so that a walker on another thread never sees half of it. */
	__atomic_store_n((uint64_t *)env_ptr(unit->env, at, sizeof(image)), image,
			 __ATOMIC_RELEASE);
	env_touch(unit->env, at, sizeof(image), true);
}

void vtd_flush_lines(struct vtd_unit *unit, iotoll_phys_t at, size_t bytes)
{
	const uint64_t end = IOTOLL_PHYS_U64(at) + bytes;

	if (unit->ecap & VTD_ECAP_C)
		return;
	for (uint64_t line = IOTOLL_PHYS_U64(at) & ~(uint64_t)(VTD_LINE - 1); line < end;
	     line += VTD_LINE)
		env_clflush(unit->env, IOTOLL_PHYS(line));
}

/* alloc_pgtable_page(). */
static int table_page(struct vtd_unit *unit, iotoll_phys_t *out)
{
	const int rc = env_alloc_pages(unit->env, 1, VTD_PAGE_BYTES, 0, out);

	if (rc)
		return rc;
	memset(env_ptr(unit->env, *out, VTD_PAGE_BYTES), 0, VTD_PAGE_BYTES);
	env_touch(unit->env, *out, VTD_PAGE_BYTES, true);
	vtd_flush_lines(unit, *out, VTD_PAGE_BYTES);
	return 0;
}

int vtd_tables_init(struct vtd_tables *t, struct vtd_unit *unit, uint64_t entries)
{
	const unsigned levels = vtd_levels(unit->aw);
	int rc;

	*t = (struct vtd_tables){.unit = unit};
	for (unsigned level = 1; level < levels; level++) {
		t->count[level] = ((entries - 1) >> (9 * level)) + 1;
		t->table[level] = calloc(t->count[level], sizeof(*t->table[level]));
		if (!t->table[level])
			goto free_lists;
	}
	rc = table_page(unit, &t->top);
	if (rc)
		goto free_lists;
	t->levels = levels;
	return 0;

free_lists:
	for (unsigned level = 1; level < levels; level++)
		free(t->table[level]);
	return -ENOMEM;
}

void vtd_tables_fini(struct vtd_tables *t)
{
	if (!t->levels)
		return;
	for (unsigned level = 1; level < t->levels; level++) {
		for (uint64_t i = 0; i < t->count[level]; i++)
			if (IOTOLL_PHYS_U64(t->table[level][i]))
				env_free_pages(t->unit->env, t->table[level][i], 1);
		free(t->table[level]);
	}
	env_free_pages(t->unit->env, t->top, 1);
	t->levels = 0;
}

/* The table of @level that decodes I/O page @page; the top level has one. */
static iotoll_phys_t table_of(const struct vtd_tables *t, unsigned level, uint64_t page)
{
	return level == t->levels ? t->top : t->table[level][page >> (9 * level)];
}

static iotoll_phys_t entry_of(const struct vtd_tables *t, unsigned level, uint64_t page)
{
	const unsigned index = vtd_level_index(page << VTD_PAGE_SHIFT, level);

	return vtd_offset(table_of(t, level, page), index * VTD_PTE_BYTES);
}

iotoll_phys_t vtd_tables_leaf(const struct vtd_tables *t, uint64_t page)
{
	return IOTOLL_PHYS_U64(table_of(t, 1, page)) ? entry_of(t, 1, page) : IOTOLL_PHYS(0);
}

/* Tables from the top down to the leaf of @page: pfn_to_dma_pte(). Linked once they are zero. */
static int prepare_page(struct vtd_tables *t, uint64_t page)
{
	for (unsigned level = t->levels - 1; level >= 1; level--) {
		iotoll_phys_t *table = &t->table[level][page >> (9 * level)];
		const iotoll_phys_t parent = entry_of(t, level + 1, page);
		iotoll_phys_t fresh;
		int rc;

		env_touch(t->unit->env, parent, VTD_PTE_BYTES, false);
		if (IOTOLL_PHYS_U64(*table))
			continue;
		rc = table_page(t->unit, &fresh);
		if (rc)
			return rc;
		*table = fresh;
		vtd_store64(t->unit, parent, vtd_pte(IOTOLL_PHYS_U64(fresh), true, true));
		vtd_flush_lines(t->unit, parent, VTD_PTE_BYTES);
	}
	return 0;
}

int vtd_tables_prepare(struct vtd_tables *t, uint64_t first, uint64_t count)
{
	const uint64_t last = first + count - 1;

	for (uint64_t leaf = first / VTD_TABLE_ENTRIES; leaf <= last / VTD_TABLE_ENTRIES; leaf++) {
		const int rc = prepare_page(t, leaf * VTD_TABLE_ENTRIES);

		if (rc)
			return rc;
	}
	return 0;
}

/*
 * Entries are stored one by one and their lines pushed out once for each run within a table, as
 * __domain_mapping() and dma_pte_clear_level() both do.
 */
void vtd_tables_store(struct vtd_tables *t, uint64_t first, uint64_t count, uint64_t pte)
{
	const uint64_t end = first + count;

	while (first < end) {
		const uint64_t next = (first / VTD_TABLE_ENTRIES + 1) * VTD_TABLE_ENTRIES;
		const uint64_t run = (next < end ? next : end) - first;
		const iotoll_phys_t at = entry_of(t, 1, first);

		for (uint64_t i = 0; i < run; i++) {
			vtd_store64(t->unit, vtd_offset(at, i * VTD_PTE_BYTES), pte);
			if (pte)
				pte += VTD_PAGE_BYTES;
		}
		vtd_flush_lines(t->unit, at, run * VTD_PTE_BYTES);
		first += run;
	}
}
