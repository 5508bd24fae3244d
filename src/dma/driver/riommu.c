/* SPDX-License-Identifier: MIT */
/*
 * The rIOMMU driver: the software of Malka, Amit and Tsafrir, "rIOMMU: Efficient IOMMU for I/O
 * Devices that Employ Ring Buffers" (ASPLOS 2015). It has no tree and no I/O addresses to allocate:
 * a map takes the entry at a ring's tail, an unmap clears its valid bit, and one invalidation takes
 * everything of a ring out of the hardware, however much was unmapped; so that, with the strategy
 * that knows bursts, one is enough at the end of each.
 *
 * What differs from the paper: all rings are under the domain's one lock, as everything in this
 * layer is; invalidations go through a register, which the paper leaves open, and are waited for by
 * reading it back, as a posted write says nothing.
 */
#include <errno.h>

#include "dma/chip.h"
#include "dma/driver/riommu_internal.h"

/* Twice what the NIC of the laboratory has in a ring, so that deferred frees have room. */
#define USUAL_LENGTH 1024u
/* Reads of a register until an invalidation is given up for: our choice. */
#define POLLS 1000u

static uint64_t read64(const struct riommu *d, uint32_t reg)
{
	return env_reg_read(d->base.env, reg, 8);
}

static void write64(const struct riommu *d, uint32_t reg, uint64_t value)
{
	env_reg_write(d->base.env, reg, value, 8);
}

/* ---- invalidation ---- */

static void command(const struct riommu *d, uint64_t what, struct driver_flush *out)
{
	unsigned polls = 0;
	bool busy;

	write64(d, RIOMMU_INVALIDATE, what);
	do {
		busy = (read64(d, RIOMMU_INVALIDATE) & RIOMMU_INV_BUSY) != 0;
		polls++;
	} while (busy && polls < POLLS);
	out->polls += polls;
	out->timed_out |= busy;
}

static void riommu_flush(struct dma_driver *driver, struct driver_flush *out)
{
	const struct riommu *d = riommu_of(driver);

	*out = (struct driver_flush){.polls = 0};
	for (const struct riommu_device *dev = d->devices; dev; dev = dev->next)
		command(d, riommu_invalidation(RIOMMU_INV_OF_DEVICE, dev->devid, 0), out);
}

/* Every ring that has one of these entries, once, for each device. */
static void riommu_invalidate(struct dma_driver *driver, uint64_t first, uint64_t count,
			      struct driver_flush *out)
{
	const struct riommu *d = riommu_of(driver);
	const uint16_t from = riommu_rid(d->length, first);
	const uint16_t to = riommu_rid(d->length, first + count - 1);

	*out = (struct driver_flush){.polls = 0};
	for (const struct riommu_device *dev = d->devices; dev; dev = dev->next)
		for (uint32_t rid = from; rid <= to; rid++)
			command(d, riommu_invalidation(RIOMMU_INV_RING, dev->devid, (uint16_t)rid),
				out);
}

/* All of a ring goes together. */
static void riommu_reach(const struct dma_driver *driver, uint64_t *first, uint64_t *count)
{
	const uint64_t length = riommu_of_const(driver)->length;
	const uint64_t last = *first + *count - 1;
	const uint64_t end = last < STREAM_RINGS * length ? (last / length + 1) * length : last + 1;

	*first -= riommu_rentry(length, *first);
	*count = end - *first;
}

/* ---- devices ---- */

static int riommu_attach(struct dma_driver *driver, uint16_t devid, unsigned ats)
{
	struct riommu *d = riommu_of(driver);
	struct riommu_device *dev;

	if (ats)
		return -EOPNOTSUPP;
	for (dev = d->devices; dev; dev = dev->next)
		if (dev->devid == devid)
			return -EBUSY;
	if (!d->base.entries)
		return 0;
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	*dev = (struct riommu_device){.next = d->devices, .devid = devid};
	d->devices = dev;
	riommu_link(d, devid, true);
	return 0;
}

static void riommu_detach(struct dma_driver *driver, uint16_t devid)
{
	struct riommu *d = riommu_of(driver);
	struct driver_flush ignored = {.polls = 0};

	for (struct riommu_device **link = &d->devices; *link; link = &(*link)->next) {
		struct riommu_device *dev = *link;

		if (dev->devid != devid)
			continue;
		*link = dev->next;
		free(dev);
		riommu_link(d, devid, false);
		command(d, riommu_invalidation(RIOMMU_INV_OF_DEVICE, devid, 0), &ignored);
		return;
	}
}

/* ---- set up ---- */

static int riommu_reserve(struct dma_driver *driver, struct iova *a)
{
	(void)driver;
	(void)a;
	return 0;
}

static void riommu_enable(struct dma_driver *driver)
{
	struct riommu *d = riommu_of(driver);
	struct driver_flush ignored = {.polls = 0};

	write64(d, RIOMMU_DEVICES, IOTOLL_PHYS_U64(driver->table));
	write64(d, RIOMMU_DEVICE_COUNT, RIOMMU_MAX_DEVICES);
	/* Whatever may still be held from before. */
	command(d, riommu_invalidation(RIOMMU_INV_ALL, 0, 0), &ignored);
	write64(d, RIOMMU_CONTROL, RIOMMU_CONTROL_ENABLE);
	d->translating = true;
}

static void switch_off(struct riommu *d)
{
	struct driver_flush ignored = {.polls = 0};

	write64(d, RIOMMU_CONTROL, 0);
	command(d, riommu_invalidation(RIOMMU_INV_ALL, 0, 0), &ignored);
	d->translating = false;
}

static int check_config(const struct dma_env *env, const struct iotoll_dma_config *config,
			bool translate, struct err *err)
{
	if (!env_has_regs(env))
		return err_set(err, -EINVAL, "driver riommu needs the unit's registers");
	if (config->bus != 0)
		return err_set(err, -EINVAL, "bus %u: riommu has one table for all, bus 0 expected",
			       config->bus);
	if (translate && (config->table_entries < 2 || config->table_entries > RIOMMU_MAX_ENTRIES))
		return err_set(err, -EINVAL, "table_entries %llu: of each ring, 2 to %llu expected",
			       (unsigned long long)config->table_entries,
			       (unsigned long long)RIOMMU_MAX_ENTRIES);
	return 0;
}

static void release(struct riommu *d)
{
	riommu_free_memory(d);
	chip_release(d->base.env, 0);
	free(d);
}

static int riommu_create(struct dma_driver **out, struct dma_env *env,
			 const struct iotoll_dma_config *config, bool translate, struct err *err)
{
	int rc = check_config(env, config, translate, err);
	struct riommu *d;

	if (rc)
		return rc;
	if (chip_claim(env, 0))
		return err_set(err, -EBUSY, "riommu: its one table has a domain already");
	d = calloc(1, sizeof(*d));
	if (!d) {
		chip_release(env, 0);
		return err_set(err, -ENOMEM, "no memory for the driver");
	}
	d->base.env = env;
	d->incoherent = config->incoherent_walker;
	if (translate) {
		d->length = config->table_entries;
		d->base.entries = riommu_entries(d->length);
		rc = riommu_get_memory(d);
		if (rc) {
			release(d);
			return err_set(err, rc, "no memory for the table of devices");
		}
	} else if (read64(d, RIOMMU_CONTROL) & RIOMMU_CONTROL_ENABLE) {
		switch_off(d);
	}
	*out = &d->base;
	return 0;
}

static void riommu_destroy(struct dma_driver *driver)
{
	struct riommu *d = riommu_of(driver);

	if (d->translating)
		switch_off(d);
	while (d->devices) {
		struct riommu_device *dev = d->devices;

		d->devices = dev->next;
		free(dev);
	}
	release(d);
}

/* ---- addresses and errors ---- */

static uint64_t riommu_address(const struct dma_driver *driver, uint64_t entry)
{
	const uint64_t length = riommu_of_const(driver)->length;

	return riommu_iova(riommu_rid(length, entry), riommu_rentry(length, entry), 0);
}

static bool riommu_entry_at(const struct dma_driver *driver, uint64_t iova, uint64_t *entry)
{
	const uint64_t length = riommu_of_const(driver)->length;
	const uint64_t rid = riommu_iova_rid(iova), rentry = riommu_iova_rentry(iova);

	if (riommu_iova_offset(iova) != 0 || rid >= RINGS)
		return false;
	if (rid >= STREAM_RINGS) {
		*entry = STREAM_RINGS * length + (rid - STREAM_RINGS);
		return rentry == 0;
	}
	*entry = rid * length + rentry;
	return rentry < length;
}

static int riommu_watchdog(struct dma_driver *driver, struct iotoll_dma_fault *out)
{
	const struct riommu *d = riommu_of(driver);
	uint64_t fault;

	if (!d->translating)
		return 0;
	fault = read64(d, RIOMMU_FAULT);
	if (!(fault & RIOMMU_FAULT_PENDING))
		return 0;
	*out = (struct iotoll_dma_fault){
		.status = fault,
		.detail = (fault & RIOMMU_FAULT_REASON) >> RIOMMU_FAULT_REASON_SHIFT,
		.agent = (unsigned)(fault & RIOMMU_FAULT_DEVICE),
		.iova = read64(d, RIOMMU_FAULT_IOVA),
	};
	write64(d, RIOMMU_FAULT, RIOMMU_FAULT_PENDING);
	return 1;
}

static const struct driver_bytewise bytewise = {
	.max_bytes = RIOMMU_MAX_BYTES,
	.allocator = &riommu_rings_ops,
	.set = riommu_set,
	.address = riommu_address,
	.entry_at = riommu_entry_at,
	.bytes = riommu_bytes,
};

const struct driver_ops riommu_driver_ops = {
	.name = "riommu",
	.title = "rIOMMU (ASPLOS 2015): a ring of mappings for each of a device's rings",
	.translates = true,
	.bytewise = &bytewise,
	.max_paddr = UINT64_MAX,
	.usual_entries = USUAL_LENGTH,
	.create = riommu_create,
	.destroy = riommu_destroy,
	.reserve = riommu_reserve,
	.enable = riommu_enable,
	.attach = riommu_attach,
	.detach = riommu_detach,
	.prepare = riommu_prepare,
	.clear = riommu_clear,
	.entry = riommu_read_entry,
	.flush = riommu_flush,
	.invalidate = riommu_invalidate,
	.reach = riommu_reach,
	.watchdog = riommu_watchdog,
};
