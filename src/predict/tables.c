/* SPDX-License-Identifier: MIT */
/* See tables.h. Layouts: VT-d specification 4.0, chapter 9, by way of spec/vtd.h. */
#include "predict/tables.h"

#include <string.h>

#include "spec/vtd.h"

#define LEVELS 4u

static int zeroed_page(struct tables *t, phys_t *out)
{
	const int rc = memory_alloc(t->memory, 1, VTD_PAGE_BYTES, 0, out);

	if (!rc)
		memset(memory_ptr(t->memory, *out, VTD_PAGE_BYTES), 0, VTD_PAGE_BYTES);
	return rc;
}

static uint64_t word(const struct tables *t, phys_t at)
{
	return vtd_unpack64(memory_ptr(t->memory, at, sizeof(uint64_t)));
}

static void put_word(struct tables *t, phys_t at, uint64_t value)
{
	vtd_pack64(memory_ptr(t->memory, at, sizeof(uint64_t)), value);
}

static phys_t root_entry(const struct tables *t, uint16_t sid)
{
	return t->root + (uint64_t)(sid >> 8) * VTD_ROOT_BYTES;
}

static phys_t context_entry(const struct tables *t, uint16_t sid)
{
	return (word(t, root_entry(t, sid)) & VTD_ROOT_CTP) +
	       (uint64_t)(sid & 0xFF) * VTD_CONTEXT_BYTES;
}

int tables_init(struct tables *t, struct memory *memory)
{
	*t = (struct tables){.memory = memory};
	return zeroed_page(t, &t->root);
}

int tables_context(struct tables *t, uint16_t sid, uint16_t did)
{
	phys_t page, at;
	int rc;

	if (!(word(t, root_entry(t, sid)) & VTD_ROOT_P)) {
		rc = zeroed_page(t, &page);
		if (rc)
			return rc;
		put_word(t, root_entry(t, sid), vtd_root(page).lo);
	}
	at = context_entry(t, sid);
	page = word(t, at) & VTD_CTX_SLPTPTR;
	rc = page ? 0 : zeroed_page(t, &page);
	if (rc)
		return rc;
	vtd_pack_pair(memory_ptr(t->memory, at, VTD_CONTEXT_BYTES),
		      vtd_context(page, VTD_TT_UNTRANSLATED, VTD_AW_48, did));
	return 0;
}

int tables_leaf(struct tables *t, uint16_t sid, uint64_t iova, uint64_t entry)
{
	phys_t table = word(t, context_entry(t, sid)) & VTD_CTX_SLPTPTR;

	for (unsigned level = LEVELS; level > 1; level--) {
		const phys_t at = table + (uint64_t)vtd_level_index(iova, level) * VTD_PTE_BYTES;
		int rc;

		if (!(word(t, at) & VTD_PTE_R)) {
			rc = zeroed_page(t, &table);
			if (rc)
				return rc;
			put_word(t, at, vtd_pte(table, true, true));
		}
		table = word(t, at) & VTD_PTE_ADDR;
	}
	put_word(t, table + (uint64_t)vtd_level_index(iova, 1) * VTD_PTE_BYTES, entry);
	return 0;
}
