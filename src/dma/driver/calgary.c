/* SPDX-License-Identifier: MIT */
/*
 * Driver for IBM Calgary, one host bridge (PHB) of a chip: the order of every register access
 * follows Linux's pci-calgary.c and tce.c of 2.6.21, the kernel of "The Price of Safety" (OLS
 * 2007); layouts are those of spec/calgary.h, the only thing shared with the hardware half.
 *
 * The chip and its tables are big-endian, the CPU is not: calgary_cpu32/64() stand where Linux
 * has be32_to_cpu() and its like. Arbitration and split queue are used raw, as there.
 *
 * What Linux does besides and this does not: look for chips and the buses behind them (the domain's
 * configuration names the bridge), choose a table size by the size of memory, give split
 * completions of bus 1 two seconds (the CCR, for a disk controller there), print (what it warns of
 * is counted).
 */
#include <errno.h>

#include "dma/chip.h"
#include "dma/driver/calgary_impl.h"

#define FRAME_BYTES 4096u
/* A table walk needs the bus idle: at most so many reads of the split queue (Linux). */
#define DRAIN_READS 100u
/*
 * EMERGENCY_PAGES in Linux, from its answer to a failed map (bad_dma_address, 0) on: the device of
 * a driver that ignores the failure faults there. Ours answers UINT64_MAX, which no table reaches:
 * the bridge takes no part in such a dual-address cycle, so the device aborts without an error in
 * the CSR; cut to 32 bits by a device it lies past every table but the largest. They are withheld
 * all the same, so that the same entries are left to allocate.
 */
#define EMERGENCY_PAGES 32u

static uint32_t read32(const struct calgary *c, uint32_t reg)
{
	return calgary_cpu32((uint32_t)env_reg_read(c->base.env, calgary_phb_reg(c->phb, reg), 4));
}

static void write32(const struct calgary *c, uint32_t reg, uint32_t value)
{
	env_reg_write(c->base.env, calgary_phb_reg(c->phb, reg), calgary_cpu32(value), 4);
}

/* ---- flush: calgary_tce_cache_blast() ---- */

/* Steps 1 to 3: nobody on @phb's bus is granted a transaction any more. */
static uint32_t stop_bus(const struct calgary *c, unsigned phb)
{
	struct dma_env *env = c->base.env;
	const uint64_t aer = calgary_phb_reg(phb, CALGARY_AER);
	const uint32_t saved = c->lean ? c->arbitration : (uint32_t)env_reg_read(env, aer, 4);

	env_reg_write(env, aer, 0, 4);
	/* A read cannot pass the posted write: once it is answered, arbitration is off. */
	(void)env_reg_read(env, calgary_phb_reg(phb, CALGARY_PLSSR), 4);
	return saved;
}

/*
 * Step 4: until no split transaction is outstanding. Linux looks at its count, not at the bus: it
 * warns after the last read whatever that said.
 */
static void drain_bus(const struct calgary *c, unsigned phb, struct driver_flush *out)
{
	const uint64_t idle = calgary_cpu64(CALGARY_SPLITQ_IDLE);
	const uint64_t reg = calgary_debug_reg(phb, CALGARY_DEBUG_SPLITQ);
	unsigned reads = 0;

	while (reads < DRAIN_READS) {
		reads++;
		out->polls++;
		if ((env_reg_read(c->base.env, reg, 8) & idle) == idle)
			break;
	}
	if (reads == DRAIN_READS)
		out->timed_out = true;
}

/* Steps 6 and 7. */
static void restart_bus(const struct calgary *c, unsigned phb, uint32_t saved)
{
	const uint64_t aer = calgary_phb_reg(phb, CALGARY_AER);

	env_reg_write(c->base.env, aer, saved, 4);
	/* Also when lean: until it is answered the write to the TAR may be on its way. */
	(void)env_reg_read(c->base.env, aer, 4);
}

/*
 * There is no way to drop one entry: writing the TAR, with whatever value, empties the bridge's
 * whole cache, and must not happen under a transaction. The driver stops its own bus only. The
 * paper's text speaks of all DMA in the system; quiesce_system takes it at its word and does
 * steps 1-4 on every bridge of the chip before the one TAR write, 6-7 on every one after it.
 * That sequence is ours, and so is the chip's lock around it.
 */
static void calgary_flush(struct dma_driver *driver, struct driver_flush *out)
{
	struct calgary *c = calgary_of(driver);
	const unsigned first = c->quiesce_system ? 0 : c->phb;
	const unsigned last = c->quiesce_system ? CALGARY_PHBS - 1 : c->phb;
	uint32_t saved[CALGARY_PHBS];
	bool taken;

	*out = (struct driver_flush){.polls = 0};
	taken = chip_lock(c->base.env);
	for (unsigned phb = first; phb <= last; phb++)
		saved[phb] = stop_bus(c, phb);
	for (unsigned phb = first; phb <= last; phb++)
		drain_bus(c, phb, out);
	env_reg_write(c->base.env, calgary_tar(c->phb), c->tar_raw, 8);
	for (unsigned phb = first; phb <= last; phb++)
		restart_bus(c, phb, saved[phb]);
	chip_unlock(c->base.env, taken);
}

/* ---- set up, in the order of calgary_setup_tar() and calgary_enable_translation() ---- */

/* [first, last] bytes, both included; partial pages count. */
static int reserve_bytes(struct iova *a, uint64_t first, uint64_t last)
{
	const uint64_t page = first >> CALGARY_PAGE_SHIFT;

	if (last < first)
		return 0;
	return a->ops->reserve(a, page, (last >> CALGARY_PAGE_SHIFT) - page + 1);
}

/*
 * A window whose registers are all zero was never set up by firmware and is closed, to the bridge
 * as well: ours, Linux would withhold the first megabyte for it.
 */
static int reserve_window(struct iova *a, uint32_t high, uint32_t low, uint32_t size_high,
			  uint32_t size_low)
{
	if ((high | low | size_high | size_low) == 0)
		return 0;
	return reserve_bytes(a, calgary_window_first(high, low),
			     calgary_window_last(size_high, size_low));
}

static int calgary_reserve(struct dma_driver *driver, struct iova *a)
{
	struct calgary *c = calgary_of(driver);
	uint32_t low, high, size_low, size_high;
	int rc = a->ops->reserve(a, 0, EMERGENCY_PAGES);

	if (!rc)
		rc = reserve_bytes(a, CALGARY_HOLE_START, CALGARY_HOLE_END - 1);
	if (rc)
		return rc;
	low = read32(c, CALGARY_MEM_1_LOW);
	high = read32(c, CALGARY_MEM_1_HIGH);
	size_low = read32(c, CALGARY_MEM_1_SIZE);
	rc = reserve_window(a, high, low, 0, size_low);
	if (rc || !(read32(c, CALGARY_CONFIG_RW) & CALGARY_MEM2_ENABLE))
		return rc;
	low = read32(c, CALGARY_MEM_2_LOW);
	high = read32(c, CALGARY_MEM_2_HIGH);
	size_low = read32(c, CALGARY_MEM_2_SIZE_LOW);
	size_high = read32(c, CALGARY_MEM_2_SIZE_HIGH);
	return reserve_window(a, high, low, size_high, size_low);
}

static void calgary_enable(struct dma_driver *driver)
{
	struct calgary *c = calgary_of(driver);
	const uint64_t tar = calgary_tar(c->phb);
	uint64_t value = calgary_cpu64(env_reg_read(c->base.env, tar, 8));

	value = calgary_tar_value(value, IOTOLL_PHYS_U64(c->base.table), c->size_code);
	c->tar_raw = calgary_cpu64(value);
	env_reg_write(c->base.env, tar, c->tar_raw, 8);
	(void)env_reg_read(c->base.env, tar, 8);

	write32(c, CALGARY_CONFIG_RW, read32(c, CALGARY_CONFIG_RW) | CALGARY_TRANSLATE_BITS);
	(void)read32(c, CALGARY_CONFIG_RW);
	if (c->lean)
		c->arbitration = (uint32_t)env_reg_read(c->base.env,
							calgary_phb_reg(c->phb, CALGARY_AER), 4);
	c->translating = true;
}

/* calgary_disable_translation(). */
static void disable_translation(struct calgary *c)
{
	write32(c, CALGARY_CONFIG_RW,
		read32(c, CALGARY_CONFIG_RW) & ~(uint32_t)CALGARY_TRANSLATE_BITS);
	(void)read32(c, CALGARY_CONFIG_RW);
	c->translating = false;
}

/* calgary_free_bus(): the TAR without any of software's bits. */
static void release_tar(struct calgary *c)
{
	const uint64_t tar = calgary_tar(c->phb);
	const uint64_t value = calgary_cpu64(env_reg_read(c->base.env, tar, 8));

	env_reg_write(c->base.env, tar, calgary_cpu64(value & ~CALGARY_TAR_SW_BITS), 8);
	(void)env_reg_read(c->base.env, tar, 8);
}

static int calgary_create(struct dma_driver **out, struct dma_env *env,
			  const struct iotoll_dma_config *config, bool translate, struct err *err)
{
	const int size_code = calgary_size_code(config->table_entries);
	struct calgary *c;
	int rc;

	if (!env_has_regs(env))
		return err_set(err, -EINVAL, "driver calgary needs the chip's registers");
	if (config->bus >= CALGARY_PHBS)
		return err_set(err, -EINVAL, "bus %u: calgary has host bridges 0..%d", config->bus,
			       CALGARY_PHBS - 1);
	if (translate && size_code < 0)
		return err_set(err, -EINVAL,
			       "table_entries %llu: 8192, 16384, ... or 1048576 expected",
			       (unsigned long long)config->table_entries);
	if (chip_claim(env, config->bus))
		return err_set(err, -EBUSY, "bus %u: has a domain already, expected one a bus",
			       config->bus);
	c = calloc(1, sizeof(*c));
	if (!c) {
		chip_release(env, config->bus);
		return err_set(err, -ENOMEM, "no memory for the driver");
	}
	c->base.env = env;
	c->phb = config->bus;
	c->quiesce_system = config->quiesce_system;
	c->lean = config->lean_driver && !config->quiesce_system;
	if (translate) {
		c->size_code = (unsigned)size_code;
		c->base.entries = config->table_entries;
		c->base.emergency_pages = EMERGENCY_PAGES;
		rc = calgary_get_table(c);
		if (rc) {
			(void)err_set(err, rc, "no memory for a table of %llu entries below 4 GiB",
				      (unsigned long long)config->table_entries);
			goto free_driver;
		}
		rc = c->quiesce_system ? chip_join(env) : 0;
		if (rc) {
			(void)err_set(err, rc, "no memory for the chip's lock");
			goto free_table;
		}
	} else if (read32(c, CALGARY_CONFIG_RW) & CALGARY_TCE_ENABLE) {
		disable_translation(c);
	}
	*out = &c->base;
	return 0;

free_table:
	env_free_pages(env, c->base.table, c->base.table_bytes / FRAME_BYTES);
free_driver:
	chip_release(env, config->bus);
	free(c);
	return rc;
}

static void calgary_destroy(struct dma_driver *driver)
{
	struct calgary *c = calgary_of(driver);

	if (c->translating) {
		disable_translation(c);
		release_tar(c);
	}
	if (c->base.table_bytes) {
		if (c->quiesce_system)
			chip_leave(c->base.env);
		env_free_pages(c->base.env, c->base.table, c->base.table_bytes / FRAME_BYTES);
	}
	chip_release(c->base.env, c->phb);
	free(c);
}

/* ---- calgary_watchdog(): the only error handling there is ---- */

static int calgary_watchdog(struct dma_driver *driver, struct iotoll_dma_fault *out)
{
	struct calgary *c = calgary_of(driver);
	uint32_t csr;

	if (!c->translating || c->shut)
		return 0;
	csr = read32(c, CALGARY_CSR);
	if (!(csr & CALGARY_CSR_ERRORS))
		return 0;
	out->status = csr;
	out->detail = read32(c, CALGARY_PLSSR);
	out->agent = (csr & CALGARY_CSR_AGENT) >> CALGARY_CSR_AGENT_SHIFT;
	write32(c, CALGARY_CSR, 0);
	write32(c, CALGARY_CONFIG_RW, read32(c, CALGARY_CONFIG_RW) | CALGARY_SLOT_DISABLE);
	(void)read32(c, CALGARY_CONFIG_RW);
	c->shut = true;
	return 1;
}

const struct driver_ops calgary_driver_ops = {
	.name = "calgary",
	.title = "IBM Calgary PCI-X bridge, as Linux 2.6.21 drives it",
	.overlaps = true,
	.threads = true,
	.translates = true,
	.max_paddr = CALGARY_TCE_RPN | (CALGARY_PAGE_BYTES - 1),
	.usual_entries = CALGARY_MIN_ENTRIES << (CALGARY_SIZE_CODES - 1),
	.create = calgary_create,
	.destroy = calgary_destroy,
	.reserve = calgary_reserve,
	.enable = calgary_enable,
	.set = calgary_set,
	.clear = calgary_clear,
	.store = calgary_store,
	.erase = calgary_erase,
	.push = calgary_push,
	.entry = calgary_entry,
	.flush = calgary_flush,
	.watchdog = calgary_watchdog,
};
