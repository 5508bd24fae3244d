/* SPDX-License-Identifier: MIT */
/*
 * Driver for Intel VT-d in legacy mode, as Linux 6.1 drives it (drivers/iommu/intel): one domain
 * with its tables and its id. Layouts are those of spec/vtd.h, the only thing shared with the
 * hardware half. Domains of one environment share a unit: see vtd_internal.h.
 *
 * A domain that does not translate lets its devices through with pass-through context entries where
 * the unit knows them; else nothing on the unit may translate while it is there.
 */
#include <errno.h>

#include "dma/driver/vtd_internal.h"

struct vtd {
	struct dma_driver base;
	struct vtd_unit *unit;
	struct radix tables;
	uint16_t did;
	bool translate, translating;
	struct ats_device *ats; /* devices with caches of their own */
};

static struct vtd *vtd_of(struct dma_driver *driver)
{
	return (struct vtd *)driver;
}

/* ---- entries ---- */

static int vtd_prepare(struct dma_driver *driver, uint64_t first, uint64_t count,
		       iotoll_phys_t paddr)
{
	return radix_prepare(&vtd_of(driver)->tables, first, count, paddr);
}

/* dma_info_to_prot(): exactly the rights asked for. */
static uint64_t pte_for(iotoll_phys_t paddr, enum iotoll_dma_dir dir)
{
	return vtd_pte(IOTOLL_PHYS_U64(paddr), dir != IOTOLL_DMA_FROM_DEVICE,
		       dir != IOTOLL_DMA_TO_DEVICE);
}

static void vtd_set(struct dma_driver *driver, uint64_t first, uint64_t count, iotoll_phys_t paddr,
		    enum iotoll_dma_dir dir)
{
	radix_store(&vtd_of(driver)->tables, first, count, pte_for(paddr, dir));
}

static void vtd_clear(struct dma_driver *driver, uint64_t first, uint64_t count)
{
	radix_store(&vtd_of(driver)->tables, first, count, 0);
}

/* Lists: lines are pushed out once, where the unit does not snoop. */
static void vtd_store(struct dma_driver *driver, uint64_t first, uint64_t count,
		      iotoll_phys_t paddr, enum iotoll_dma_dir dir)
{
	radix_store_unpushed(&vtd_of(driver)->tables, first, count, pte_for(paddr, dir));
}

static void vtd_erase(struct dma_driver *driver, uint64_t first, uint64_t count)
{
	radix_store_unpushed(&vtd_of(driver)->tables, first, count, 0);
}

static void vtd_push(struct dma_driver *driver, uint64_t first, uint64_t count, bool set)
{
	(void)set;
	radix_push(&vtd_of(driver)->tables, first, count);
}

static int vtd_entry(const struct dma_driver *driver, uint64_t index, struct iotoll_dma_entry *out)
{
	const struct vtd *v = (const struct vtd *)driver;
	const iotoll_phys_t at = radix_leaf(&v->tables, index);
	uint64_t pte;

	if (!IOTOLL_PHYS_U64(at))
		return -ENOENT;
	pte = vtd_unpack64(env_ptr(v->base.env, at, VTD_PTE_BYTES));
	*out = (struct iotoll_dma_entry){
		.paddr = at,
		.bytes = VTD_PTE_BYTES,
		.read = (pte & VTD_PTE_R) != 0,
		.write = (pte & VTD_PTE_W) != 0,
	};
	return 0;
}

/* __mapping_notify_one(): a unit with caching mode may hold that nothing was there. */
static bool vtd_mapped(struct dma_driver *driver, uint64_t first, uint64_t count,
		       struct driver_flush *out)
{
	const struct vtd *v = vtd_of(driver);

	if (!(v->unit->cap & VTD_CAP_CM)) {
		vtd_unit_write_buffer(v->unit);
		return false;
	}
	vtd_invalidate_pages(v->unit, v->did, first, count, false, out);
	return true;
}

/* ---- invalidation ---- */

/* iommu_flush_dev_iotlb(): 2^@log2 bytes at @address, after the IOTLB has forgotten them. */
static void tell_devices(const struct vtd *v, uint64_t address, unsigned log2,
			 struct driver_flush *out)
{
	for (const struct ats_device *d = v->ats; d; d = d->next)
		vtd_invalidate_device(v->unit, d->devid, d->depth, address, log2, out);
}

static void vtd_invalidate(struct dma_driver *driver, uint64_t first, uint64_t count,
			   struct driver_flush *out)
{
	const struct vtd *v = vtd_of(driver);

	*out = (struct driver_flush){.polls = 0};
	vtd_invalidate_pages(v->unit, v->did, first, count, driver->leaves_only, out);
	tell_devices(v, first << VTD_PAGE_SHIFT, VTD_PAGE_SHIFT + vtd_block_mask(first, count),
		     out);
}

/* intel_flush_iotlb_all(): this domain's translations, nobody else's. */
static void vtd_flush(struct dma_driver *driver, struct driver_flush *out)
{
	const struct vtd *v = vtd_of(driver);

	*out = (struct driver_flush){.polls = 0};
	vtd_invalidate_iotlb(v->unit, VTD_GRAN_DOMAIN, v->did, 0, out);
	tell_devices(v, 0, 64, out);
}

/* ---- devices ---- */

static int vtd_attach(struct dma_driver *driver, uint16_t devid, unsigned ats)
{
	struct vtd *v = vtd_of(driver);
	const unsigned tt = ats ? VTD_TT_ATS : VTD_TT_UNTRANSLATED;
	/* Pass-through ignores the table; the width must be the largest there is. */
	const struct vtd_pair entry =
		v->translate ? vtd_context(IOTOLL_PHYS_U64(v->tables.root), tt, v->unit->aw, v->did)
			     : vtd_context(0, VTD_TT_PASS, v->unit->aw, v->did);

	int rc = 0;

	if (ats && (!v->translate || !v->unit->queued || !(v->unit->ecap & VTD_ECAP_DT)))
		return -EOPNOTSUPP;
	if (!v->translate && !(v->unit->ecap & VTD_ECAP_PT))
		return 0;
	if (ats)
		rc = ats_devices_add(&v->ats, devid, ats);
	if (rc)
		return rc;
	rc = vtd_context_set(v->unit, devid, entry, v->did);
	if (rc && ats)
		ats_devices_remove(&v->ats, devid);
	return rc;
}

static void vtd_detach(struct dma_driver *driver, uint16_t devid)
{
	struct driver_flush ignored = {.polls = 0};
	struct vtd *v = vtd_of(driver);

	if (v->translate || v->unit->ecap & VTD_ECAP_PT)
		vtd_context_clear(v->unit, devid, v->did);
	for (const struct ats_device *d = v->ats; d; d = d->next)
		if (d->devid == devid)
			vtd_invalidate_device(v->unit, devid, d->depth, 0, 64, &ignored);
	ats_devices_remove(&v->ats, devid);
}

/* ---- set up ---- */

/* What addresses the tables can tell apart, in pages. */
static uint64_t address_pages(const struct vtd_unit *unit)
{
	const unsigned guest = vtd_guest_bits(unit->cap), table = vtd_agaw_bits(unit->aw);

	return UINT64_C(1) << ((guest < table ? guest : table) - VTD_PAGE_SHIFT);
}

/*
 * Page 0 is never handed out (start_pfn), and writes to the interrupt window never reach the tables
 * (intel_iommu_get_resv_regions()). Bridge windows, which Linux withholds as well, are not known
 * here.
 */
static int vtd_reserve(struct dma_driver *driver, struct iova *a)
{
	const uint64_t first = VTD_INTERRUPT_FIRST >> VTD_PAGE_SHIFT;
	const uint64_t last = VTD_INTERRUPT_LAST >> VTD_PAGE_SHIFT;
	const int rc = a->ops->reserve(a, 0, 1);

	if (rc || driver->entries <= first)
		return rc;
	return a->ops->reserve(a, first, last - first + 1);
}

static void vtd_enable(struct dma_driver *driver)
{
	struct vtd *v = vtd_of(driver);

	vtd_unit_enable(v->unit);
	v->translating = true;
}

static int set_up_table(struct vtd *v, uint64_t entries, bool large, struct err *err)
{
	const uint64_t limit = address_pages(v->unit);
	int rc;

	if (entries < 2 || entries > limit)
		return err_set(err, -EINVAL, "table_entries %llu: 2 to %llu expected",
			       (unsigned long long)entries, (unsigned long long)limit);
	if (large && !(v->unit->cap & VTD_CAP_SLLPS_2M))
		return err_set(err, -EINVAL,
			       "superpages: this VT-d unit has entries of 4 KiB only");
	rc = vtd_tables_init(&v->tables, v->unit, entries, large);
	if (rc)
		return err_set(err, rc, "no memory for tables of %llu entries",
			       (unsigned long long)entries);
	v->base.entries = entries;
	v->base.table = v->tables.root;
	v->base.table_bytes = VTD_PAGE_BYTES;
	return 0;
}

static int vtd_create(struct dma_driver **out, struct dma_env *env,
		      const struct iotoll_dma_config *config, bool translate, struct err *err)
{
	struct vtd *v;
	int rc;

	if (!env_has_regs(env))
		return err_set(err, -EINVAL, "driver vtd needs the unit's registers");
	v = calloc(1, sizeof(*v));
	if (!v)
		return err_set(err, -ENOMEM, "no memory for the driver");
	v->base.env = env;
	v->translate = translate;
	rc = vtd_unit_get(&v->unit, env, err);
	if (rc)
		goto free_driver;
	if (!translate && !(v->unit->ecap & VTD_ECAP_PT) && v->unit->translating) {
		rc = err_set(err, -EINVAL, "the VT-d unit translates and cannot pass through");
		goto put_unit;
	}
	rc = vtd_unit_id_get(v->unit, &v->did);
	if (rc) {
		(void)err_set(err, rc, "the VT-d unit has no domain-id left");
		goto put_unit;
	}
	if (translate)
		rc = set_up_table(v, config->table_entries, config->superpages, err);
	if (rc)
		goto put_id;
	*out = &v->base;
	return 0;

put_id:
	vtd_unit_id_put(v->unit, v->did);
put_unit:
	vtd_unit_put(v->unit);
free_driver:
	free(v);
	return rc;
}

/*
 * Devices are detached by now, so nothing leads to the tables any more; what the caches held of the
 * domain went with the last of them.
 */
static void vtd_destroy(struct dma_driver *driver)
{
	struct vtd *v = vtd_of(driver);

	if (v->translating)
		vtd_unit_disable(v->unit);
	radix_fini(&v->tables);
	vtd_unit_id_put(v->unit, v->did);
	vtd_unit_put(v->unit);
	free(v);
}

/* Unlike Calgary's, a unit goes on: what it refused harmed nobody. */
static int vtd_watchdog(struct dma_driver *driver, struct iotoll_dma_fault *out)
{
	struct vtd *v = vtd_of(driver);
	int found;

	if (!v->translating)
		return 0;
	vtd_lock(v->unit);
	found = vtd_unit_faults(v->unit, out);
	vtd_unlock(v->unit);
	return found;
}

const struct driver_ops vtd_driver_ops = {
	.name = "vtd",
	.title = "Intel VT-d in legacy mode, as Linux 6.1 drives it",
	.overlaps = true,
	.threads = true,
	.orders_commands = true,
	.translates = true,
	.max_paddr = VTD_PTE_ADDR | (VTD_PAGE_BYTES - 1),
	.usual_entries = UINT64_C(1) << 20, /* the 4 GiB that a 32-bit mask reaches */
	.create = vtd_create,
	.destroy = vtd_destroy,
	.reserve = vtd_reserve,
	.enable = vtd_enable,
	.attach = vtd_attach,
	.detach = vtd_detach,
	.superpages = true,
	.prepare = vtd_prepare,
	.set = vtd_set,
	.mapped = vtd_mapped,
	.clear = vtd_clear,
	.store = vtd_store,
	.erase = vtd_erase,
	.push = vtd_push,
	.entry = vtd_entry,
	.invalidate = vtd_invalidate,
	.flush = vtd_flush,
	.watchdog = vtd_watchdog,
};
