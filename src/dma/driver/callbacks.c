/* SPDX-License-Identifier: MIT */
/*
 * The driver half where there is no table of ours: what entries say is told to the embedder, run by
 * run, and he changes the address space in whatever way is his (VFIO_IOMMU_MAP_DMA, IOMMU_IOAS_MAP,
 * a message). His unmap() returns when no device reaches the range any more, so there is nothing to
 * flush. See struct iotoll_dma_callbacks.
 */
#include <errno.h>

#include "dma/domain.h"
#include "dma/driver/driver.h"

/* Usual size of the address space: what devices with 32 address lines see. */
#define USUAL_ENTRIES (UINT64_C(1) << 20)
/* So that the size of all of it fits into 64 bits. */
#define MOST_ENTRIES (UINT64_C(1) << 51)

struct callbacks {
	struct dma_driver base;
	const struct iotoll_dma_callbacks *told;
	int refused; /* by map(), since the last commit */
};

static struct callbacks *callbacks_of(struct dma_driver *driver)
{
	return (struct callbacks *)driver;
}

static int check_hole(const struct iotoll_dma_hole *hole, struct err *err)
{
	const uint64_t iova = IOTOLL_IOVA_U64(hole->iova);

	if (iova % DMA_PAGE_BYTES == 0 && hole->bytes % DMA_PAGE_BYTES == 0 && hole->bytes != 0 &&
	    iova <= UINT64_MAX - (hole->bytes - 1))
		return 0;
	return err_set(
		err, -EINVAL,
		"callbacks: hole of %llu bytes at 0x%llx: whole pages within 64 bits expected",
		(unsigned long long)hole->bytes, (unsigned long long)iova);
}

static int check_config(const struct iotoll_dma_config *config, struct err *err)
{
	const struct iotoll_dma_callbacks *told = config->callbacks;
	int rc = 0;

	if (!told || !told->map || !told->unmap)
		return err_set(err, -EINVAL,
			       "driver callbacks: config.callbacks expected, with map "
			       "and unmap");
	if (config->table_entries == 0 || config->table_entries > MOST_ENTRIES)
		return err_set(err, -EINVAL, "table_entries %llu: 1 to 2^51 pages expected",
			       (unsigned long long)config->table_entries);
	if (told->hole_count && !told->holes)
		return err_set(err, -EINVAL, "callbacks: %u holes expected, NULL given",
			       told->hole_count);
	for (unsigned i = 0; !rc && i < told->hole_count; i++)
		rc = check_hole(&told->holes[i], err);
	return rc;
}

static int callbacks_create(struct dma_driver **out, struct dma_env *env,
			    const struct iotoll_dma_config *config, bool translate, struct err *err)
{
	struct callbacks *c;
	int rc = 0;

	if (translate)
		rc = check_config(config, err);
	if (rc)
		return rc;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->base.env = env;
	c->base.entries = translate ? config->table_entries : 0;
	c->told = config->callbacks;
	*out = &c->base;
	return 0;
}

static int callbacks_reserve(struct dma_driver *driver, struct iova *a)
{
	const struct iotoll_dma_callbacks *told = callbacks_of(driver)->told;
	int rc = 0;

	for (unsigned i = 0; !rc && i < told->hole_count; i++) {
		const uint64_t first = IOTOLL_IOVA_U64(told->holes[i].iova) / DMA_PAGE_BYTES;
		uint64_t pages = told->holes[i].bytes / DMA_PAGE_BYTES;

		if (first >= driver->entries)
			continue;
		if (pages > driver->entries - first)
			pages = driver->entries - first;
		rc = a->ops->reserve(a, first, pages);
	}
	return rc;
}

static void callbacks_enable(struct dma_driver *driver)
{
	(void)driver;
}

static void callbacks_set(struct dma_driver *driver, uint64_t first, uint64_t count,
			  iotoll_phys_t paddr, enum iotoll_dma_dir dir)
{
	struct callbacks *c = callbacks_of(driver);
	int rc;

	if (c->refused) /* all of the call will be cleared: nothing more is asked for */
		return;
	rc = c->told->map(c->told->ctx, IOTOLL_IOVA(first * DMA_PAGE_BYTES),
			  IOTOLL_PHYS(IOTOLL_PHYS_U64(paddr) & ~(uint64_t)(DMA_PAGE_BYTES - 1)),
			  count * DMA_PAGE_BYTES, dir);
	c->refused = rc < 0 ? rc : rc > 0 ? -EIO : 0;
}

static int callbacks_commit(struct dma_driver *driver)
{
	struct callbacks *c = callbacks_of(driver);
	const int rc = c->refused;

	c->refused = 0;
	return rc;
}

static void callbacks_clear(struct dma_driver *driver, uint64_t first, uint64_t count)
{
	const struct iotoll_dma_callbacks *told = callbacks_of(driver)->told;

	told->unmap(told->ctx, IOTOLL_IOVA(first * DMA_PAGE_BYTES), count * DMA_PAGE_BYTES);
}

/* Strategies may have kept entries: what a table's end does to all of them at once, one call does.
 */
static void callbacks_destroy(struct dma_driver *driver)
{
	if (driver->entries)
		callbacks_clear(driver, 0, driver->entries);
	free(callbacks_of(driver));
}

static void callbacks_flush(struct dma_driver *driver, struct driver_flush *out)
{
	(void)driver;
	*out = (struct driver_flush){.polls = 0};
}

static int callbacks_watchdog(struct dma_driver *driver, struct iotoll_dma_fault *out)
{
	(void)driver;
	(void)out;
	return 0;
}

const struct driver_ops callbacks_driver_ops = {
	.name = "callbacks",
	.title = "the embedder's own calls: VFIO, iommufd, vfio-user",
	.translates = true,
	.sets_only_clear = true, /* neither VFIO nor iommufd changes what is mapped in one step */
	.max_paddr = UINT64_MAX,
	.usual_entries = USUAL_ENTRIES,
	.create = callbacks_create,
	.destroy = callbacks_destroy,
	.reserve = callbacks_reserve,
	.enable = callbacks_enable,
	.commit = callbacks_commit,
	.set = callbacks_set,
	.clear = callbacks_clear,
	.flush = callbacks_flush,
	.watchdog = callbacks_watchdog,
};
