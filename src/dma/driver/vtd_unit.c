/* SPDX-License-Identifier: MIT */
/*
 * A remapping unit: bringing it up in the order of init_dmars() (drivers/iommu/intel/iommu.c and
 * dmar.c of Linux 6.1), its global commands, its domain-ids, and its fault records.
 *
 * The environment delivers no interrupts of the unit, so fault events stay masked and the records
 * are read when the domain's watchdog asks (ours; Linux reads them in the interrupt).
 */
#include <errno.h>
#include <string.h>

#include "dma/driver/vtd_internal.h"

#define POLLS    1000u /* of a command bit: Linux gives up after 10 s */
#define FIRST_ID 2u    /* 0 tags what caching mode caches, 1 is Linux's first-level default */

/* Until GSTS agrees with @want in @bit. */
static bool status_becomes(const struct vtd_unit *unit, uint32_t bit, uint32_t want)
{
	for (unsigned i = 0; i < POLLS; i++)
		if ((vtd_read32(unit, VTD_GSTS) & bit) == want)
			return true;
	return false;
}

/* Change one level. */
static bool set_level(struct vtd_unit *unit, uint32_t bit, bool on)
{
	unit->gcmd = on ? unit->gcmd | bit : unit->gcmd & ~bit;
	vtd_write32(unit, VTD_GCMD, unit->gcmd);
	return status_becomes(unit, bit, on ? bit : 0);
}

/* iommu_flush_write_buffer(). */
void vtd_unit_write_buffer(struct vtd_unit *unit)
{
	if (!(unit->cap & VTD_CAP_RWBF))
		return;
	vtd_lock(unit);
	vtd_write32(unit, VTD_GCMD, unit->gcmd | VTD_GCMD_WBF);
	(void)status_becomes(unit, VTD_GSTS_WBFS, 0);
	vtd_unlock(unit);
}

/* ---- bringing up ---- */

static int read_capabilities(struct vtd_unit *unit, struct err *err)
{
	unit->cap = vtd_read64(unit, VTD_CAP);
	unit->ecap = vtd_read64(unit, VTD_ECAP);
	unit->queued = (unit->ecap & VTD_ECAP_QI) != 0;
	unit->id_limit = UINT64_C(1) << vtd_domain_bits(unit->cap);
	if (vtd_domain_bits(unit->cap) > 16)
		return err_set(err, -EINVAL, "the VT-d unit's CAP %#llx has no legal ND",
			       (unsigned long long)unit->cap);
	if (vtd_aw_supported(unit->cap, VTD_AW_48))
		unit->aw = VTD_AW_48;
	else if (vtd_aw_supported(unit->cap, VTD_AW_39))
		unit->aw = VTD_AW_39;
	else
		return err_set(err, -EINVAL,
			       "the VT-d unit's CAP %#llx has tables of neither 3 nor 4 levels",
			       (unsigned long long)unit->cap);
	return 0;
}

static int get_memory(struct vtd_unit *unit)
{
	int rc;

	unit->ids = calloc((unit->id_limit + 63) / 64, sizeof(*unit->ids));
	if (!unit->ids)
		return -ENOMEM;
	rc = env_alloc_pages(unit->env, 3, VTD_PAGE_BYTES, 0, &unit->frames);
	if (rc) {
		free(unit->ids);
		return rc;
	}
	memset(env_ptr(unit->env, unit->frames, 3 * (size_t)VTD_PAGE_BYTES), 0,
	       3 * (size_t)VTD_PAGE_BYTES);
	env_touch(unit->env, unit->frames, 3 * (size_t)VTD_PAGE_BYTES, true);
	vtd_flush_lines(unit, vtd_root_table(unit), VTD_PAGE_BYTES);
	return 0;
}

/* What an earlier owner left on goes off, in the reverse order of switching on. */
static bool quiet(struct vtd_unit *unit)
{
	const uint32_t on = vtd_read32(unit, VTD_GSTS) & VTD_GSTS_LEVELS;
	struct iotoll_dma_fault ignored;

	unit->gcmd = on;
	if (on & VTD_GSTS_TES && !set_level(unit, VTD_GCMD_TE, false))
		return false;
	if (on & VTD_GSTS_QIES && !set_level(unit, VTD_GCMD_QIE, false))
		return false;
	(void)vtd_unit_faults(unit, &ignored);
	return true;
}

/* __dmar_enable_qi(): one page of 128-bit descriptors. */
static bool enable_queue(struct vtd_unit *unit)
{
	if (!unit->queued)
		return true;
	unit->head = 0;
	vtd_write32(unit, VTD_IQT, 0);
	vtd_write64(unit, VTD_IQA, IOTOLL_PHYS_U64(vtd_queue_page(unit)));
	return set_level(unit, VTD_GCMD_QIE, true);
}

/* iommu_set_root_entry(): the caches may hold what the last root led to. */
static bool set_root(struct vtd_unit *unit)
{
	struct driver_flush took = {.polls = 0};

	vtd_write64(unit, VTD_RTADDR, IOTOLL_PHYS_U64(vtd_root_table(unit)));
	vtd_write32(unit, VTD_GCMD, unit->gcmd | VTD_GCMD_SRTP);
	if (!status_becomes(unit, VTD_GSTS_RTPS, VTD_GSTS_RTPS))
		return false;
	if (unit->cap & VTD_CAP_ESRTPS)
		return true;
	vtd_invalidate_context(unit, VTD_GRAN_GLOBAL, 0, 0, &took);
	vtd_invalidate_iotlb(unit, VTD_GRAN_GLOBAL, 0, 0, &took);
	return !took.timed_out;
}

static void free_memory(struct vtd_unit *unit)
{
	for (unsigned bus = 0; bus < VTD_BUSES; bus++)
		if (IOTOLL_PHYS_U64(unit->context[bus]))
			env_free_pages(unit->env, unit->context[bus], 1);
	env_free_pages(unit->env, unit->frames, 3);
	free(unit->ids);
}

static int bring_up(struct dma_env *env, struct err *err)
{
	struct vtd_unit *unit = calloc(1, sizeof(*unit));
	int rc;

	if (!unit)
		return err_set(err, -ENOMEM, "no memory for the driver");
	unit->env = env;
	rc = read_capabilities(unit, err);
	if (!rc) {
		rc = get_memory(unit);
		if (rc)
			(void)err_set(err, rc, "no memory for the VT-d unit's root table");
	}
	if (rc) {
		free(unit);
		return rc;
	}
	if (!quiet(unit) || !enable_queue(unit) || !set_root(unit)) {
		free_memory(unit);
		free(unit);
		return err_set(err, -EIO, "the VT-d unit does not carry out its commands");
	}
	env->chip.unit = unit;
	return 0;
}

int vtd_unit_get(struct vtd_unit **out, struct dma_env *env, struct err *err)
{
	int rc = chip_join(env);

	if (rc)
		return err_set(err, rc, "no memory for the chip's lock");
	if (!env->chip.unit) {
		rc = bring_up(env, err);
		if (rc) {
			chip_leave(env);
			return rc;
		}
	}
	*out = env->chip.unit;
	(*out)->users++;
	return 0;
}

void vtd_unit_put(struct vtd_unit *unit)
{
	struct dma_env *env = unit->env;

	if (--unit->users == 0) {
		if (unit->queued)
			(void)set_level(unit, VTD_GCMD_QIE, false);
		env->chip.unit = NULL;
		free_memory(unit);
		free(unit);
	}
	chip_leave(env);
}

/* iommu_enable_translation(), iommu_disable_protect_mem_regions(). */
void vtd_unit_enable(struct vtd_unit *unit)
{
	if (unit->translating++)
		return;
	(void)set_level(unit, VTD_GCMD_TE, true);
	if (unit->cap & (VTD_CAP_PLMR | VTD_CAP_PHMR)) {
		vtd_write32(unit, VTD_PMEN, vtd_read32(unit, VTD_PMEN) & ~VTD_PMEN_EPM);
		for (unsigned i = 0; i < POLLS && vtd_read32(unit, VTD_PMEN) & VTD_PMEN_PRS; i++)
			;
	}
}

void vtd_unit_disable(struct vtd_unit *unit)
{
	if (--unit->translating == 0)
		(void)set_level(unit, VTD_GCMD_TE, false);
}

/* ---- domain-ids ---- */

int vtd_unit_id_get(struct vtd_unit *unit, uint16_t *out)
{
	for (uint64_t id = FIRST_ID; id < unit->id_limit; id++) {
		if (unit->ids[id / 64] >> id % 64 & 1)
			continue;
		unit->ids[id / 64] |= UINT64_C(1) << id % 64;
		*out = (uint16_t)id;
		return 0;
	}
	return -ENOSPC;
}

void vtd_unit_id_put(struct vtd_unit *unit, uint16_t id)
{
	unit->ids[id / 64] &= ~(UINT64_C(1) << id % 64);
}

/* ---- faults: dmar_fault() ---- */

static bool take_record(struct vtd_unit *unit, unsigned index, struct iotoll_dma_fault *out)
{
	const uint32_t at = vtd_fault_block(unit->cap) + index * VTD_FRCD_BYTES;
	const uint32_t top = vtd_read32(unit, at + 12);
	uint64_t hi;

	if (!((uint64_t)top << 32 & VTD_FRCD_HI_F))
		return false;
	hi = (uint64_t)top << 32 | vtd_read32(unit, at + 8);
	out->detail = (hi & VTD_FRCD_HI_FR) >> VTD_FRCD_HI_FR_SHIFT;
	out->agent = (unsigned)(hi & VTD_FRCD_HI_SID);
	out->iova = vtd_read64(unit, at) & VTD_FRCD_LO_FI;
	vtd_write32(unit, at + 12, (uint32_t)(VTD_FRCD_HI_F >> 32));
	return true;
}

/* The first record is told, all are cleared. A record that a DMA fills behind us waits. */
int vtd_unit_faults(struct vtd_unit *unit, struct iotoll_dma_fault *out)
{
	const unsigned records = vtd_fault_records(unit->cap);
	const uint32_t fsts = vtd_read32(unit, VTD_FSTS);
	unsigned index = (fsts & VTD_FSTS_FRI) >> VTD_FSTS_FRI_SHIFT;
	struct iotoll_dma_fault *to = out, rest;

	if (!(fsts & (VTD_FSTS_PPF | VTD_FSTS_PFO)))
		return 0;
	*out = (struct iotoll_dma_fault){.status = fsts};
	for (unsigned i = 0; i < records; i++) {
		index %= records;
		if (!take_record(unit, index++, to))
			break;
		to = &rest;
	}
	vtd_write32(unit, VTD_FSTS, VTD_FSTS_PFO);
	return 1;
}
