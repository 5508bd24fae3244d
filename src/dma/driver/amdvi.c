/* SPDX-License-Identifier: MIT */
/*
 * Driver for AMD-Vi, as Linux 6.1 drives it (drivers/iommu/amd): one domain with its tables and
 * its id. Layouts are those of spec/amdvi.h, the only thing shared with the hardware half. Domains
 * of one environment share a unit: see amdvi_internal.h.
 *
 * Entries that become present need no invalidation: the unit is taken not to cache their absence
 * (NpCache is in its PCI capability, which the environment does not reach).
 */
#include <errno.h>

#include "dma/driver/amdvi_internal.h"

/* A table of 2^36 entries would span all that six levels and 48 bits of this layer ever use. */
#define ENTRIES_MAX (UINT64_C(1) << 36)

struct amdvi {
	struct dma_driver base;
	struct amdvi_unit *unit;
	struct radix tables;
	uint16_t id;
	bool translate, translating;
	struct ats_device *ats; /* devices with caches of their own */
};

static struct amdvi *amdvi_of(struct dma_driver *driver)
{
	return (struct amdvi *)driver;
}

/* ---- entries ---- */

static int amdvi_prepare(struct dma_driver *driver, uint64_t first, uint64_t count,
			 iotoll_phys_t paddr)
{
	return radix_prepare(&amdvi_of(driver)->tables, first, count, paddr);
}

/* Exactly the rights asked for; FC always, as iommu_v1_map_pages() has it. */
static void amdvi_set(struct dma_driver *driver, uint64_t first, uint64_t count,
		      iotoll_phys_t paddr, enum iotoll_dma_dir dir)
{
	radix_store(&amdvi_of(driver)->tables, first, count,
		    amdvi_pte(IOTOLL_PHYS_U64(paddr), dir != IOTOLL_DMA_FROM_DEVICE,
			      dir != IOTOLL_DMA_TO_DEVICE) |
			    AMDVI_PTE_FC);
}

static void amdvi_clear(struct dma_driver *driver, uint64_t first, uint64_t count)
{
	radix_store(&amdvi_of(driver)->tables, first, count, 0);
}

static int amdvi_entry(const struct dma_driver *driver, uint64_t index,
		       struct iotoll_dma_entry *out)
{
	const struct amdvi *a = (const struct amdvi *)driver;
	const iotoll_phys_t at = radix_leaf(&a->tables, index);
	uint64_t pte;

	if (!IOTOLL_PHYS_U64(at))
		return -ENOENT;
	pte = amdvi_unpack(env_ptr(a->base.env, at, AMDVI_PTE_BYTES));
	*out = (struct iotoll_dma_entry){
		.paddr = at,
		.bytes = AMDVI_PTE_BYTES,
		.read = (pte & AMDVI_IR) != 0,
		.write = (pte & AMDVI_IW) != 0,
	};
	return 0;
}

/* ---- invalidation ---- */

static void amdvi_invalidate(struct dma_driver *driver, uint64_t first, uint64_t count,
			     struct driver_flush *out)
{
	const struct amdvi *a = amdvi_of(driver);

	*out = (struct driver_flush){.polls = 0};
	amdvi_invalidate_pages(a->unit, a->id, first, count, a->ats, out);
}

/* amd_iommu_flush_iotlb_all(): this domain's translations, nobody else's. */
static void amdvi_flush(struct dma_driver *driver, struct driver_flush *out)
{
	const struct amdvi *a = amdvi_of(driver);

	*out = (struct driver_flush){.polls = 0};
	amdvi_invalidate_domain(a->unit, a->id, a->ats, out);
}

/* ---- devices ---- */

/*
 * set_dte_entry(): an untranslated domain has Mode 0 and both rights. That the unit serves ATS is
 * in its PCI capability (IotlbSup), which the environment does not reach: who asks for it knows.
 */
static int amdvi_attach(struct dma_driver *driver, uint16_t devid, unsigned ats)
{
	struct amdvi *a = amdvi_of(driver);
	struct driver_flush ignored = {.polls = 0};
	uint64_t q0 = AMDVI_DTE_V | AMDVI_DTE_TV | AMDVI_IR | AMDVI_IW;
	int rc;

	if (a->translate)
		q0 |= IOTOLL_PHYS_U64(a->tables.root) | (uint64_t)a->tables.levels
								<< AMDVI_DTE_MODE_SHIFT;
	if (ats) {
		rc = a->translate ? ats_devices_add(&a->ats, devid, ats) : -EOPNOTSUPP;
		if (rc)
			return rc;
	}
	rc = amdvi_device_set(a->unit, devid, q0, a->id | (ats ? AMDVI_DTE1_I : 0));
	if (rc && ats)
		ats_devices_remove(&a->ats, devid);
	if (rc || !a->unit->translating)
		return rc;
	amdvi_invalidate_device(a->unit, devid, &ignored);
	amdvi_invalidate_domain(a->unit, a->id, a->ats, &ignored);
	return 0;
}

static void amdvi_detach(struct dma_driver *driver, uint16_t devid)
{
	struct amdvi *a = amdvi_of(driver);
	struct driver_flush ignored = {.polls = 0};

	amdvi_device_clear(a->unit, devid);
	if (a->unit->translating) {
		amdvi_invalidate_device(a->unit, devid, &ignored);
		amdvi_invalidate_domain(a->unit, a->id, a->ats, &ignored);
	}
	ats_devices_remove(&a->ats, devid);
}

/* ---- set up ---- */

static int reserve_bytes(struct iova *a, uint64_t entries, uint64_t first, uint64_t last)
{
	const uint64_t page = first >> AMDVI_PAGE_SHIFT;

	if (page >= entries)
		return 0;
	return a->ops->reserve(a, page, (last >> AMDVI_PAGE_SHIFT) - page + 1);
}

/*
 * Page 0 is never handed out (start_pfn of the generic code); interrupts and HyperTransport's
 * special ranges as amd_iommu_get_resv_regions() has them.
 */
static int amdvi_reserve(struct dma_driver *driver, struct iova *a)
{
	int rc = a->ops->reserve(a, 0, 1);

	if (!rc)
		rc = reserve_bytes(a, driver->entries, AMDVI_INT_FIRST, AMDVI_INT_LAST);
	if (!rc)
		rc = reserve_bytes(a, driver->entries, AMDVI_HT_FIRST, AMDVI_HT_LAST);
	return rc;
}

static void amdvi_enable(struct dma_driver *driver)
{
	struct amdvi *a = amdvi_of(driver);

	amdvi_unit_enable(a->unit);
	a->translating = true;
}

static int set_up_tables(struct amdvi *a, uint64_t entries, bool large, struct err *err)
{
	int rc;

	if (entries < 2 || entries > ENTRIES_MAX)
		return err_set(err, -EINVAL, "table_entries %llu: 2 to %llu expected",
			       (unsigned long long)entries, (unsigned long long)ENTRIES_MAX);
	rc = amdvi_tables_init(&a->tables, a->unit, entries, large);
	if (rc)
		return err_set(err, rc, "no memory for tables of %llu entries",
			       (unsigned long long)entries);
	a->base.entries = entries;
	a->base.table = a->tables.root;
	a->base.table_bytes = AMDVI_PAGE_BYTES;
	return 0;
}

static int amdvi_create(struct dma_driver **out, struct dma_env *env,
			const struct iotoll_dma_config *config, bool translate, struct err *err)
{
	struct amdvi *a;
	int rc;

	if (!env_has_regs(env))
		return err_set(err, -EINVAL, "driver amdvi needs the unit's registers");
	a = calloc(1, sizeof(*a));
	if (!a)
		return err_set(err, -ENOMEM, "no memory for the driver");
	a->base.env = env;
	a->translate = translate;
	rc = amdvi_unit_get(&a->unit, env, err);
	if (rc)
		goto free_driver;
	rc = amdvi_id_get(a->unit, &a->id);
	if (rc) {
		(void)err_set(err, rc, "the AMD-Vi unit has no domain id left");
		goto put_unit;
	}
	if (translate)
		rc = set_up_tables(a, config->table_entries, config->superpages, err);
	if (rc)
		goto put_id;
	*out = &a->base;
	return 0;

put_id:
	amdvi_id_put(a->unit, a->id);
put_unit:
	amdvi_unit_put(a->unit);
free_driver:
	free(a);
	return rc;
}

/* Devices are detached by now, so nothing leads to the tables, and nothing of them is cached. */
static void amdvi_destroy(struct dma_driver *driver)
{
	struct amdvi *a = amdvi_of(driver);

	if (a->translating)
		amdvi_unit_disable(a->unit);
	radix_fini(&a->tables);
	amdvi_id_put(a->unit, a->id);
	amdvi_unit_put(a->unit);
	free(a);
}

/* Linux prints events and goes on: what was refused harmed nobody. */
static int amdvi_watchdog(struct dma_driver *driver, struct iotoll_dma_fault *out)
{
	struct amdvi *a = amdvi_of(driver);
	bool taken;
	int found;

	if (!a->translating)
		return 0;
	taken = chip_lock(a->base.env);
	found = amdvi_unit_events(a->unit, out);
	chip_unlock(a->base.env, taken);
	return found;
}

const struct driver_ops amdvi_driver_ops = {
	.name = "amdvi",
	.title = "AMD-Vi, as Linux 6.1 drives it",
	.overlaps = true,
	.threads = true,
	.orders_commands = true,
	.translates = true,
	.max_paddr = AMDVI_FRAME | (AMDVI_PAGE_BYTES - 1),
	.usual_entries = UINT64_C(1) << 20, /* the 4 GiB that a 32-bit mask reaches */
	.create = amdvi_create,
	.destroy = amdvi_destroy,
	.reserve = amdvi_reserve,
	.enable = amdvi_enable,
	.attach = amdvi_attach,
	.detach = amdvi_detach,
	.superpages = true,
	.prepare = amdvi_prepare,
	.set = amdvi_set,
	.clear = amdvi_clear,
	.entry = amdvi_entry,
	.flush = amdvi_flush,
	.invalidate = amdvi_invalidate,
	.watchdog = amdvi_watchdog,
};
