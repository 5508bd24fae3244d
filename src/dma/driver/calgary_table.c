/* SPDX-License-Identifier: MIT */
/*
 * The Calgary driver's table (tce.c of Linux 2.6.21): one run of 8-byte entries, which are
 * big-endian, and who gets to see a store, and when.
 */
#include <string.h>

#include "dma/driver/calgary_impl.h"

#define FRAME_BYTES    4096u
#define CPU_LINE_BYTES 64u
#define TCES_IN_LINE   (CPU_LINE_BYTES / CALGARY_TCE_BYTES)
#define BELOW_4G       (UINT64_C(1) << 32)

static iotoll_phys_t tce_at(const struct calgary *c, uint64_t index)
{
	return IOTOLL_PHYS(IOTOLL_PHYS_U64(c->base.table) + index * CALGARY_TCE_BYTES);
}

/*
 * One entry: an 8-byte store. It is atomic so that a walker on another thread never sees half an
 * entry.
 */
static void put_tce(struct calgary *c, uint64_t index, uint64_t tce)
{
	uint8_t bytes[CALGARY_TCE_BYTES];
	uint64_t image;

	calgary_tce_pack(bytes, tce);
	memcpy(&image, bytes, sizeof(image));
	env_work(c->base.env, DMA_WORK_ENTRY_STORE, 1);
	__atomic_store_n(&c->tces[index], image, __ATOMIC_RELEASE);
	env_touch(c->base.env, tce_at(c, index), CALGARY_TCE_BYTES, true);
}

/*
 * And the line is pushed out to memory, where alone the bridge looks. Eight entries of one line are
 * pushed eight times, as tce_build() and tce_free() do, or, if so configured, once, with the last
 * of them that is written (@more: not this one).
 */
static void store_tce(struct calgary *c, uint64_t index, uint64_t tce, bool more)
{
	put_tce(c, index, tce);
	if (!more || !c->lean || (index + 1) % TCES_IN_LINE == 0)
		env_clflush(c->base.env, tce_at(c, index));
}

/*
 * Reading is always allowed; Linux never makes a write-only entry although the format has it. The
 * lean driver does.
 */
static uint64_t tce_for(const struct calgary *c, iotoll_phys_t paddr, uint64_t page,
			enum iotoll_dma_dir dir)
{
	return calgary_tce(IOTOLL_PHYS_U64(paddr) + page * CALGARY_PAGE_BYTES,
			   !c->lean || dir != IOTOLL_DMA_FROM_DEVICE, dir != IOTOLL_DMA_TO_DEVICE);
}

void calgary_set(struct dma_driver *driver, uint64_t first, uint64_t count, iotoll_phys_t paddr,
		 enum iotoll_dma_dir dir)
{
	struct calgary *c = calgary_of(driver);

	for (uint64_t i = 0; i < count; i++)
		store_tce(c, first + i, tce_for(c, paddr, i, dir), i + 1 < count);
}

void calgary_clear(struct dma_driver *driver, uint64_t first, uint64_t count)
{
	struct calgary *c = calgary_of(driver);

	for (uint64_t i = 0; i < count; i++)
		store_tce(c, first + i, 0, i + 1 < count);
}

/* Of a list each line is pushed once: what "The Price of Safety" expects of one, not in Linux. */
void calgary_store(struct dma_driver *driver, uint64_t first, uint64_t count, iotoll_phys_t paddr,
		   enum iotoll_dma_dir dir)
{
	struct calgary *c = calgary_of(driver);

	for (uint64_t i = 0; i < count; i++)
		put_tce(c, first + i, tce_for(c, paddr, i, dir));
}

void calgary_erase(struct dma_driver *driver, uint64_t first, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		put_tce(calgary_of(driver), first + i, 0);
}

void calgary_push(struct dma_driver *driver, uint64_t first, uint64_t count, bool set)
{
	const struct calgary *c = calgary_of(driver);
	const uint64_t end = IOTOLL_PHYS_U64(tce_at(c, first + count));
	uint64_t line = IOTOLL_PHYS_U64(tce_at(c, first)) & ~(uint64_t)(CPU_LINE_BYTES - 1);

	(void)set;
	for (; line < end; line += CPU_LINE_BYTES)
		env_clflush(c->base.env, IOTOLL_PHYS(line));
}

int calgary_entry(const struct dma_driver *driver, uint64_t index, struct iotoll_dma_entry *out)
{
	const struct calgary *c = (const struct calgary *)driver;
	const uint64_t tce = calgary_tce_unpack((const uint8_t *)&c->tces[index]);

	*out = (struct iotoll_dma_entry){
		.paddr = tce_at(c, index),
		.bytes = CALGARY_TCE_BYTES,
		.read = (tce & CALGARY_TCE_READ) != 0,
		.write = (tce & CALGARY_TCE_WRITE) != 0,
	};
	return 0;
}

/* Contiguous, aligned to its size, below 4 GiB, as alloc_tce_table() has it; all entries zero. */
int calgary_get_table(struct calgary *c)
{
	const size_t bytes = c->base.entries * CALGARY_TCE_BYTES;
	const int rc =
		env_alloc_pages(c->base.env, bytes / FRAME_BYTES, bytes, BELOW_4G, &c->base.table);

	if (rc)
		return rc;
	c->base.table_bytes = bytes;
	c->tces = env_ptr(c->base.env, c->base.table, bytes);
	memset(c->tces, 0, bytes);
	env_touch(c->base.env, c->base.table, bytes, true);
	for (size_t at = 0; at < bytes; at += CPU_LINE_BYTES)
		env_clflush(c->base.env, IOTOLL_PHYS(IOTOLL_PHYS_U64(c->base.table) + at));
	return 0;
}
