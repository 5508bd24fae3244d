/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's IOMMU table: its own calls (struct xen_iommu_ops) carried out by the driver half
 * that a kernel on bare metal uses, on the board's memory and registers, one lock around them.
 */
#include <errno.h>

#include "rig/hyper_internal.h"

static enum iotoll_dma_dir direction(bool read, bool write)
{
	if (read && write)
		return IOTOLL_DMA_BIDIRECTIONAL;
	return read ? IOTOLL_DMA_TO_DEVICE : IOTOLL_DMA_FROM_DEVICE;
}

/* What the hardware wants before it may use a new entry (DART: its IOTLB holds unused ones, too).
 */
static void make_visible(struct dma_driver *driver, uint64_t bfn)
{
	struct driver_flush took;

	if (driver->ops->mapped)
		(void)driver->ops->mapped(driver, bfn, 1, &took);
	else if (driver->ops->flushes_maps)
		driver->ops->flush(driver, &took);
}

static int table_map(void *ctx, struct cpu *cpu, uint32_t device, uint64_t bfn, uint64_t mfn,
		     bool read, bool write)
{
	struct hyper *h = ctx;
	struct dma_driver *driver = h->driver;
	const uint64_t at = mfn << PAGE_SHIFT;
	bool before;
	int rc = 0;

	(void)device;
	if (at + (PAGE_BYTES - 1) > driver->ops->max_paddr)
		return -EIO;
	before = cpu_free_enter(cpu, true);
	if (driver->ops->prepare)
		rc = driver->ops->prepare(driver, bfn, 1, IOTOLL_PHYS(at));
	if (!rc) {
		driver->ops->set(driver, bfn, 1, IOTOLL_PHYS(at), direction(read, write));
		make_visible(driver, bfn);
		rig_entry(&h->rig, bfn, true, direction(read, write));
	}
	cpu_free_leave(cpu, before);
	return rc;
}

static void table_unmap(void *ctx, struct cpu *cpu, uint32_t device, uint64_t bfn)
{
	struct hyper *h = ctx;
	const bool before = cpu_free_enter(cpu, true);

	(void)device;
	h->driver->ops->clear(h->driver, bfn, 1);
	rig_entry(&h->rig, bfn, false, IOTOLL_DMA_BIDIRECTIONAL);
	cpu_free_leave(cpu, before);
}

static void table_flush(void *ctx, struct cpu *cpu, uint32_t device)
{
	struct hyper *h = ctx;
	const bool before = cpu_free_enter(cpu, true);
	struct driver_flush took;

	(void)device;
	if (!h->config.unflushed)
		h->driver->ops->flush(h->driver, &took);
	cpu_free_leave(cpu, before);
}

static void table_lock(void *ctx, struct cpu *cpu, uint32_t device)
{
	struct hyper *h = ctx;

	(void)device;
	vlock_acquire(&h->lock, cpu);
}

static void table_unlock(void *ctx, struct cpu *cpu, uint32_t device)
{
	struct hyper *h = ctx;

	(void)device;
	vlock_release(&h->lock, cpu);
}

const struct xen_iommu_ops hyper_table_ops = {
	.map = table_map,
	.unmap = table_unmap,
	.flush = table_flush,
	.lock = table_lock,
	.unlock = table_unlock,
};

/* ---- the driver ---- */

/* An allocator that only remembers what it is told to withhold, for the domain's own to know. */
struct listener {
	struct iova base;
	struct hyper *hyper;
};

static int note_range(struct iova *a, uint64_t first, uint64_t count)
{
	struct hyper *h = ((struct listener *)a)->hyper;

	if (!count)
		return 0;
	if (h->withheld_count == HYPER_RANGES)
		return -ENOSPC;
	h->withheld[h->withheld_count++] = (struct env_withheld){first, count};
	return 0;
}

static int list_withheld(struct hyper *h)
{
	static const struct iova_ops ops = {.name = "listener", .reserve = note_range};
	struct listener l = {.base = {.ops = &ops, .env = &h->env, .entries = h->driver->entries},
			     .hyper = h};

	return h->driver->ops->reserve(h->driver, &l.base);
}

int hyper_table_create(struct hyper *h, struct err *err)
{
	const struct rig_config *c = &h->config.rig;
	const struct driver_ops *ops = driver_find(c->model);
	const struct iotoll_dma_config config = {
		.bus = RIG_BUS,
		.table_entries = c->table_entries,
		.quiesce_system = c->quiesce_system,
		.unused_invalid = c->unused_invalid,
		.table_cached = c->table_cached,
		.lean_driver = c->lean_driver,
	};
	int rc = memory_alloc(c->machine->mem, 1, PAGE_BYTES, 0, &h->lock_line);

	if (rc)
		return err_set(err, rc, "no memory for the hypervisor's lock");
	vlock_init(&h->lock, c->machine, h->lock_line);
	h->env = (struct dma_env){.machine = c->machine, .regs = &h->rig.regs.window};
	rc = ops->create(&h->driver, &h->env, &config, true, err);
	if (rc)
		return rc;
	h->driver->ops = ops;
	rc = list_withheld(h);
	if (rc)
		return err_set(err, rc, "the IOMMU's driver withholds too many ranges");
	ops->enable(h->driver);
	return 0;
}

void hyper_table_destroy(struct hyper *h)
{
	if (h->driver)
		h->driver->ops->destroy(h->driver);
	h->driver = NULL;
	if (h->lock_line)
		memory_free(h->config.rig.machine->mem, h->lock_line, 1);
	h->lock_line = 0;
}
