/* SPDX-License-Identifier: MIT */
/*
 * Root and context entries: which device uses which tables. domain_context_mapping_one() and
 * domain_context_clear_one() of Linux 6.1's drivers/iommu/intel/iommu.c.
 */
#include <errno.h>
#include <string.h>

#include "dma/driver/vtd_internal.h"

/* The context entry of @sid; 0 while its bus has no table. */
static iotoll_phys_t entry_at(const struct vtd_unit *unit, uint16_t sid)
{
	const iotoll_phys_t table = unit->context[sid >> 8];

	return IOTOLL_PHYS_U64(table) ? vtd_offset(table, (sid & 0xFF) * VTD_CONTEXT_BYTES) : table;
}

static uint64_t low_of(const struct vtd_unit *unit, iotoll_phys_t entry)
{
	return vtd_unpack64(env_ptr(unit->env, entry, 8));
}

/* iommu_context_addr(): a context table for @bus, linked once it is zero. */
static int make_table(struct vtd_unit *unit, unsigned bus)
{
	const iotoll_phys_t root = vtd_offset(vtd_root_table(unit), bus * VTD_ROOT_BYTES);
	iotoll_phys_t table;
	int rc;

	if (IOTOLL_PHYS_U64(unit->context[bus]))
		return 0;
	rc = env_alloc_pages(unit->env, 1, VTD_PAGE_BYTES, 0, &table);
	if (rc)
		return rc;
	memset(env_ptr(unit->env, table, VTD_PAGE_BYTES), 0, VTD_PAGE_BYTES);
	env_touch(unit->env, table, VTD_PAGE_BYTES, true);
	vtd_flush_lines(unit, table, VTD_PAGE_BYTES);
	unit->context[bus] = table;
	vtd_store64(unit, root, vtd_root(IOTOLL_PHYS_U64(table)).lo);
	vtd_flush_lines(unit, root, VTD_ROOT_BYTES);
	return 0;
}

int vtd_context_set(struct vtd_unit *unit, uint16_t sid, struct vtd_pair entry, uint16_t did)
{
	struct driver_flush ignored = {.polls = 0};
	iotoll_phys_t at;
	int rc;

	vtd_lock(unit);
	rc = make_table(unit, sid >> 8);
	at = entry_at(unit, sid);
	if (!rc && low_of(unit, at) & VTD_CTX_P)
		rc = -EBUSY;
	if (!rc) {
		/* The present bit comes last. */
		vtd_store64(unit, vtd_offset(at, 8), entry.hi);
		vtd_store64(unit, at, entry.lo);
		vtd_flush_lines(unit, at, VTD_CONTEXT_BYTES);
	}
	vtd_unlock(unit);
	/* With caching mode the old absence may be cached, tagged with id 0. */
	if (!rc && unit->cap & VTD_CAP_CM) {
		vtd_invalidate_context(unit, VTD_GRAN_DEVICE, 0, sid, &ignored);
		vtd_invalidate_iotlb(unit, VTD_GRAN_DOMAIN, did, 0, &ignored);
	} else if (!rc) {
		vtd_unit_write_buffer(unit);
	}
	return rc;
}

void vtd_context_clear(struct vtd_unit *unit, uint16_t sid, uint16_t did)
{
	struct driver_flush ignored = {.polls = 0};
	const iotoll_phys_t at = entry_at(unit, sid);

	vtd_lock(unit);
	vtd_store64(unit, at, 0);
	vtd_store64(unit, vtd_offset(at, 8), 0);
	vtd_flush_lines(unit, at, VTD_CONTEXT_BYTES);
	vtd_unlock(unit);
	vtd_invalidate_context(unit, VTD_GRAN_DEVICE, did, sid, &ignored);
	vtd_invalidate_iotlb(unit, VTD_GRAN_DOMAIN, did, 0, &ignored);
}
