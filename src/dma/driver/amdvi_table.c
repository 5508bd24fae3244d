/* SPDX-License-Identifier: MIT */
/*
 * AMD-Vi page tables of 4 KiB pages: alloc_pte() and iommu_v1_map_pages() of Linux 6.1's
 * drivers/iommu/amd/io_pgtable.c. Three levels unless the addresses need more; tables come as
 * addresses are first used and stay until the domain goes. The unit snoops, so no line is flushed.
 *
 * Ours: the depth is fixed when the domain is made; Linux begins with three levels and adds one on
 * top when an address needs it, which addresses here, given out from the bottom, never do.
 */
#include <errno.h>
#include <string.h>

#include "dma/driver/amdvi_internal.h"

#define LEVELS_MIN 3u

static int table_page(struct amdvi_unit *unit, iotoll_phys_t *out)
{
	const int rc = env_alloc_pages(unit->env, 1, AMDVI_PAGE_BYTES, 0, out);

	if (rc)
		return rc;
	memset(env_ptr(unit->env, *out, AMDVI_PAGE_BYTES), 0, AMDVI_PAGE_BYTES);
	env_touch(unit->env, *out, AMDVI_PAGE_BYTES, true);
	return 0;
}

int amdvi_tables_init(struct amdvi_tables *t, struct amdvi_unit *unit, uint64_t entries)
{
	unsigned levels = LEVELS_MIN;
	int rc;

	while (levels < AMDVI_LEVELS_MAX && (entries - 1) >> (AMDVI_LEVEL_BITS * levels) != 0)
		levels++;
	*t = (struct amdvi_tables){.unit = unit};
	for (unsigned level = 1; level < levels; level++) {
		t->count[level] = ((entries - 1) >> (AMDVI_LEVEL_BITS * level)) + 1;
		t->table[level] = calloc(t->count[level], sizeof(*t->table[level]));
		if (!t->table[level])
			goto free_lists;
	}
	rc = table_page(unit, &t->root);
	if (rc)
		goto free_lists;
	t->levels = levels;
	return 0;

free_lists:
	for (unsigned level = 1; level < levels; level++)
		free(t->table[level]);
	return -ENOMEM;
}

void amdvi_tables_fini(struct amdvi_tables *t)
{
	if (!t->levels)
		return;
	for (unsigned level = 1; level < t->levels; level++) {
		for (uint64_t i = 0; i < t->count[level]; i++)
			if (IOTOLL_PHYS_U64(t->table[level][i]))
				env_free_pages(t->unit->env, t->table[level][i], 1);
		free(t->table[level]);
	}
	env_free_pages(t->unit->env, t->root, 1);
	t->levels = 0;
}

/* Where the entry of I/O page @page in the table of @level lies. */
static iotoll_phys_t entry_of(const struct amdvi_tables *t, unsigned level, uint64_t page)
{
	const uint64_t index = page >> (AMDVI_LEVEL_BITS * (level - 1));
	const iotoll_phys_t table =
		level == t->levels ? t->root : t->table[level][page >> (AMDVI_LEVEL_BITS * level)];

	return amdvi_offset(table, index % AMDVI_PTES_PER_TABLE * AMDVI_PTE_BYTES);
}

iotoll_phys_t amdvi_tables_leaf(const struct amdvi_tables *t, uint64_t page)
{
	if (!IOTOLL_PHYS_U64(t->table[1][page / AMDVI_PTES_PER_TABLE]))
		return IOTOLL_PHYS(0);
	return entry_of(t, 1, page);
}

/* Tables from the root down to the lowest for @page. Linked once they are zero. */
static int prepare_page(struct amdvi_tables *t, uint64_t page)
{
	for (unsigned level = t->levels - 1; level >= 1; level--) {
		iotoll_phys_t *table = &t->table[level][page >> (AMDVI_LEVEL_BITS * level)];
		const iotoll_phys_t parent = entry_of(t, level + 1, page);
		iotoll_phys_t fresh;
		int rc;

		env_touch(t->unit->env, parent, AMDVI_PTE_BYTES, false);
		if (IOTOLL_PHYS_U64(*table))
			continue;
		rc = table_page(t->unit, &fresh);
		if (rc)
			return rc;
		*table = fresh;
		amdvi_store64(t->unit, parent, amdvi_pde(IOTOLL_PHYS_U64(fresh), level));
	}
	return 0;
}

int amdvi_tables_prepare(struct amdvi_tables *t, uint64_t first, uint64_t count)
{
	const uint64_t last = (first + count - 1) / AMDVI_PTES_PER_TABLE;

	for (uint64_t leaf = first / AMDVI_PTES_PER_TABLE; leaf <= last; leaf++) {
		const int rc = prepare_page(t, leaf * AMDVI_PTES_PER_TABLE);

		if (rc)
			return rc;
	}
	return 0;
}

void amdvi_tables_store(struct amdvi_tables *t, uint64_t first, uint64_t count, uint64_t pte)
{
	for (uint64_t i = 0; i < count; i++)
		amdvi_store64(t->unit, entry_of(t, 1, first + i),
			      pte ? pte + i * AMDVI_PAGE_BYTES : 0);
}
