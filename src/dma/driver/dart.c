/* SPDX-License-Identifier: MIT */
/*
 * Driver for DART, U3 (CPC925) and U4 (CPC945): what is stored and poked, in which order, follows
 * Linux's dart_iommu.c (names of its functions below), which changed little between 2.6.21 and 6.1;
 * layouts are those of spec/dart.h, the only thing shared with the hardware half.
 *
 * Two habits of that driver decide what DART protects. It ignores the direction, so every mapped
 * page may be read and written. And it never leaves an entry invalid, because the HyperTransport
 * bridge prefetches into pages beyond those asked for: unused entries name one dummy page, so
 * a stray DMA is redirected there and nobody hears of it. The alternative of invalid entries, as
 * Mac OS X has them, is a choice of ours to compare with.
 *
 * How stores reach the table is in dart_table.c.
 */
#include <errno.h>

#include "dma/chip.h"
#include "dma/driver/dart_impl.h"

/* 2 MiB of table, on U4 as well. */
#define LINUX_ENTRIES (DART_U3_MAX_PAGES * DART_PAGE_ENTRIES)
/* Rounds of an invalidation: 1, 2, 4, 8, 16 polls are waited for. Then Linux panics. */
#define ROUNDS 5u

static uint32_t read32(const struct dart *d, uint32_t reg)
{
	return (uint32_t)env_reg_read(d->base.env, reg, 4);
}

static void write32(const struct dart *d, uint32_t reg, uint32_t value)
{
	env_reg_write(d->base.env, reg, value, 4);
}

/* ---- invalidation ---- */

/* Poll until the chip has taken @bit down; false if it has not after @limit polls that count. */
static bool poll_down(const struct dart *d, uint32_t bit, unsigned limit, struct driver_flush *out)
{
	unsigned polls = 0;

	for (;;) {
		out->polls++;
		if ((read32(d, DART_U3_CNTL) & bit) == 0 || polls == limit)
			break;
		polls++;
	}
	/* Linux looks at the count alone: a bit that falls at the last poll is too late as well. */
	return polls < limit;
}

/*
 * dart_tlb_invalidate_all(). U3 sometimes misses that the bit was set: clear it, set it again and
 * wait twice as long. After the fifth round Linux panics; we report a timeout.
 */
static void invalidate_all(const struct dart *d, struct driver_flush *out)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		if (round)
			write32(d, DART_U3_CNTL, read32(d, DART_U3_CNTL) & ~d->invalidate_all);
		write32(d, DART_U3_CNTL, read32(d, DART_U3_CNTL) | d->invalidate_all);
		if (poll_down(d, d->invalidate_all, 1u << round, out))
			return;
	}
	out->timed_out = true;
}

static void dart_flush(struct dma_driver *driver, struct driver_flush *out)
{
	*out = (struct driver_flush){.polls = 0};
	invalidate_all(dart_of(driver), out);
}

/* dart_tlb_invalidate_one() of each page: a blind write, then the same rounds without rewriting. */
static void dart_u4_invalidate(struct dma_driver *driver, uint64_t first, uint64_t count,
			       struct driver_flush *out)
{
	const struct dart *d = dart_of(driver);

	*out = (struct driver_flush){.polls = 0};
	for (uint64_t page = first; page < first + count; page++) {
		unsigned round = 0;

		write32(d, DART_U4_CNTL,
			DART_U4_CNTL_ENABLE | DART_U4_CNTL_ONE |
				((uint32_t)page & DART_U4_CNTL_PAGE));
		while (round < ROUNDS && !poll_down(d, DART_U4_CNTL_ONE, 1u << round, out))
			round++;
		out->timed_out |= round == ROUNDS;
	}
}

static bool dart_u4_mapped(struct dma_driver *driver, uint64_t first, uint64_t count,
			   struct driver_flush *out)
{
	dart_u4_invalidate(driver, first, count, out);
	return true;
}

/* ---- set up: dart_init() ---- */

/*
 * The bridge prefetches beyond what is mapped, so the last entry is never used (the next-fit
 * allocator would not, either). Kernels that have the table cached withhold the first as well;
 * earlier ones give out address 0.
 */
static int dart_reserve(struct dma_driver *driver, struct iova *a)
{
	const int rc = dart_of(driver)->cached ? a->ops->reserve(a, 0, 1) : 0;

	return rc ? rc : a->ops->reserve(a, driver->entries - 1, 1);
}

static void dart_enable(struct dma_driver *driver)
{
	struct dart *d = dart_of(driver);
	const uint64_t base = IOTOLL_PHYS_U64(driver->table);
	const uint32_t pages = (uint32_t)(driver->entries / DART_PAGE_ENTRIES);
	struct driver_flush ignored = {.polls = 0};

	if (d->u4) {
		write32(d, DART_U4_BASE, (uint32_t)(base >> DART_PAGE_SHIFT));
		write32(d, DART_U4_SIZE, pages & DART_U4_SIZE_LINUX);
		write32(d, DART_U4_CNTL, DART_U4_CNTL_ENABLE);
	} else {
		write32(d, DART_U3_CNTL, dart_u3_cntl(base, pages));
	}
	/* Whatever the TLB may still hold from before. */
	invalidate_all(d, &ignored);
	d->translating = true;
}

/* Off and empty. The kernel never does this; the value is what firmware (SLOF) writes on U4. */
static void switch_off(struct dart *d)
{
	write32(d, DART_U3_CNTL, d->invalidate_all);
	(void)read32(d, DART_U3_CNTL);
	write32(d, DART_U3_CNTL, 0);
	(void)read32(d, DART_U3_CNTL);
	d->translating = false;
}

static int check_config(const struct dma_env *env, const struct iotoll_dma_config *config,
			bool translate, bool u4, struct err *err)
{
	const uint64_t most = u4 ? DART_U4_SIZE_LINUX : DART_U3_MAX_PAGES;

	if (!env_has_regs(env))
		return err_set(err, -EINVAL, "driver dart needs the chip's registers");
	if (config->bus != 0)
		return err_set(err, -EINVAL, "bus %u: dart has one table for all, bus 0 expected",
			       config->bus);
	if (translate &&
	    (config->table_entries == 0 || config->table_entries % DART_PAGE_ENTRIES != 0 ||
	     config->table_entries / DART_PAGE_ENTRIES > most))
		return err_set(err, -EINVAL,
			       "table_entries %llu: a multiple of %u up to %llu expected",
			       (unsigned long long)config->table_entries, DART_PAGE_ENTRIES,
			       (unsigned long long)(most * DART_PAGE_ENTRIES));
	return 0;
}

static int dart_create(struct dma_driver **out, struct dma_env *env,
		       const struct iotoll_dma_config *config, bool translate, bool u4,
		       struct err *err)
{
	int rc = check_config(env, config, translate, u4, err);
	struct dart *d;

	if (rc)
		return rc;
	if (chip_claim(env, 0))
		return err_set(err, -EBUSY, "dart: its one table has a domain already");
	d = calloc(1, sizeof(*d));
	if (!d) {
		chip_release(env, 0);
		return err_set(err, -ENOMEM, "no memory for the driver");
	}
	d->base.env = env;
	d->u4 = u4;
	d->cached = config->table_cached;
	d->invalidate_all = u4 ? DART_U4_CNTL_ALL : DART_U3_CNTL_INVALIDATE;
	if (translate) {
		d->base.entries = config->table_entries;
		rc = dart_get_memory(d, !config->unused_invalid);
		if (rc) {
			(void)err_set(err, rc, "no memory for a table of %llu entries below 2 GiB",
				      (unsigned long long)config->table_entries);
			dart_free_memory(d);
			chip_release(env, 0);
			free(d);
			return rc;
		}
	} else if (read32(d, DART_U3_CNTL) & (u4 ? DART_U4_CNTL_ENABLE : DART_U3_CNTL_ENABLE)) {
		switch_off(d);
	}
	*out = &d->base;
	return 0;
}

static int dart_u3_create(struct dma_driver **out, struct dma_env *env,
			  const struct iotoll_dma_config *config, bool translate, struct err *err)
{
	return dart_create(out, env, config, translate, false, err);
}

static int dart_u4_create(struct dma_driver **out, struct dma_env *env,
			  const struct iotoll_dma_config *config, bool translate, struct err *err)
{
	return dart_create(out, env, config, translate, true, err);
}

static void dart_destroy(struct dma_driver *driver)
{
	struct dart *d = dart_of(driver);

	if (d->translating)
		switch_off(d);
	dart_free_memory(d);
	chip_release(d->base.env, 0);
	free(d);
}

/* ---- errors ---- */

/*
 * The DART driver looks at no error. On CPC925 the memory controller's (cpc925_edac.c) polls the
 * processor interface and logs a DART exception; nothing is shut off. On a U4 nobody looks.
 */
static int dart_u3_watchdog(struct dma_driver *driver, struct iotoll_dma_fault *out)
{
	const struct dart *d = dart_of(driver);
	uint32_t seen;

	if (!d->translating)
		return 0;
	seen = read32(d, DART_APIEXCP);
	if (!(seen & DART_API_DART))
		return 0;
	*out = (struct iotoll_dma_fault){.status = seen};
	return 1;
}

static int dart_u4_watchdog(struct dma_driver *driver, struct iotoll_dma_fault *out)
{
	(void)driver;
	(void)out;
	return 0;
}

const struct driver_ops dart_u3_driver_ops = {
	.name = "dart-u3",
	.title = "DART of U3, as Linux drives it: all flushed after every map",
	.translates = true,
	.max_paddr = DART_MAX_PADDR,
	.usual_entries = LINUX_ENTRIES,
	.flushes_maps = true,
	.create = dart_u3_create,
	.destroy = dart_destroy,
	.reserve = dart_reserve,
	.enable = dart_enable,
	.set = dart_set,
	.clear = dart_clear,
	.store = dart_store,
	.erase = dart_erase,
	.push = dart_push,
	.entry = dart_read_entry,
	.flush = dart_flush,
	.watchdog = dart_u3_watchdog,
};

const struct driver_ops dart_u4_driver_ops = {
	.name = "dart-u4",
	.title = "DART of U4, as Linux drives it: each page invalidated as it is mapped",
	.translates = true,
	.max_paddr = DART_MAX_PADDR,
	.usual_entries = LINUX_ENTRIES,
	.flushes_maps = true,
	.create = dart_u4_create,
	.destroy = dart_destroy,
	.reserve = dart_reserve,
	.enable = dart_enable,
	.set = dart_set,
	.mapped = dart_u4_mapped,
	.clear = dart_clear,
	.store = dart_store,
	.erase = dart_erase,
	.push = dart_push,
	.entry = dart_read_entry,
	.flush = dart_flush,
	.invalidate = dart_u4_invalidate,
	.watchdog = dart_u4_watchdog,
};
