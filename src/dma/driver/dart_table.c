/* SPDX-License-Identifier: MIT */
/*
 * The DART driver's table: who gets to see a store, and when. The chip reads memory without
 * looking into the CPUs' caches. Linux of the paper's time (2.6.21) had the table mapped uncached:
 * every store goes to memory by itself, and after the stores of one mapping an uncached load of
 * the word behind them makes sure that they are there. Later kernels (6.1 is followed) have it
 * in cached memory and push the lines out (dcbf), both when mapping and when unmapping.
 */
#include <string.h>

#include "dma/driver/dart_impl.h"

#define FRAME_BYTES    4096u
#define CPU_LINE_BYTES 64u                  /* of every machine here; a 970's are 128 bytes long */
#define TABLE_ALIGN    (UINT64_C(16) << 20) /* what Linux sets aside for it, below 2 GiB */
#define TABLE_BELOW    (UINT64_C(2) << 30)

static iotoll_phys_t entry_at(const struct dart *d, uint64_t index)
{
	return IOTOLL_PHYS(IOTOLL_PHYS_U64(d->base.table) + index * DART_ENTRY_BYTES);
}

/* The store is atomic so that a walker on another thread never sees half an entry. */
static void store_entry(struct dart *d, uint64_t index, uint32_t entry)
{
	uint8_t bytes[DART_ENTRY_BYTES];
	uint32_t image;

	dart_entry_pack(bytes, entry);
	memcpy(&image, bytes, sizeof(image));
	env_work(d->base.env, DMA_WORK_ENTRY_STORE, 1);
	__atomic_store_n(&d->entries[index], image, __ATOMIC_RELEASE);
	if (d->cached)
		env_touch(d->base.env, entry_at(d, index), DART_ENTRY_BYTES, true);
	else
		env_store_uncached(d->base.env);
}

/*
 * dart_cache_sync() of 6.1: push out the lines of the entries written and of the one behind them,
 * which the memory controller may have prefetched; then, as CPC925's manual wants it, the line
 * behind that once more, and load from it. The very last entry is never allocated, so all of
 * this lies in the table but for one entry, which Linux's larger block of memory covers.
 */
static void push_out(struct dart *d, uint64_t first, uint64_t count)
{
	const uint64_t end = first + count + 1;
	const uint64_t last = end < d->base.entries ? end : d->base.entries - 1;
	const uint64_t to = IOTOLL_PHYS_U64(entry_at(d, end));
	uint64_t line = IOTOLL_PHYS_U64(entry_at(d, first)) & ~(uint64_t)(CPU_LINE_BYTES - 1);

	for (; line < to; line += CPU_LINE_BYTES)
		env_clflush(d->base.env, IOTOLL_PHYS(line));
	env_clflush(d->base.env, entry_at(d, last));
	env_touch(d->base.env, entry_at(d, last), DART_ENTRY_BYTES, false);
}

void dart_store(struct dma_driver *driver, uint64_t first, uint64_t count, iotoll_phys_t paddr,
		enum iotoll_dma_dir dir)
{
	struct dart *d = dart_of(driver);

	(void)dir;
	for (uint64_t i = 0; i < count; i++)
		store_entry(d, first + i,
			    dart_entry(IOTOLL_PHYS_U64(paddr) + i * DART_PAGE_BYTES, true, true));
}

void dart_erase(struct dma_driver *driver, uint64_t first, uint64_t count)
{
	struct dart *d = dart_of(driver);

	for (uint64_t i = 0; i < count; i++)
		store_entry(d, first + i, d->unused);
}

/* Of uncached stores those that clear are left to arrive when they do. */
void dart_push(struct dma_driver *driver, uint64_t first, uint64_t count, bool set)
{
	struct dart *d = dart_of(driver);

	if (d->cached)
		push_out(d, first, count);
	else if (set)
		env_load_uncached(d->base.env);
}

/* dart_build(): the direction plays no part. */
void dart_set(struct dma_driver *driver, uint64_t first, uint64_t count, iotoll_phys_t paddr,
	      enum iotoll_dma_dir dir)
{
	dart_store(driver, first, count, paddr, dir);
	dart_push(driver, first, count, true);
}

/* dart_free(). */
void dart_clear(struct dma_driver *driver, uint64_t first, uint64_t count)
{
	dart_erase(driver, first, count);
	dart_push(driver, first, count, false);
}

/* An unused entry that leads to the dummy page may be read and written like any other. */
int dart_read_entry(const struct dma_driver *driver, uint64_t index, struct iotoll_dma_entry *out)
{
	const struct dart *d = (const struct dart *)driver;
	const uint32_t entry = dart_entry_unpack((const uint8_t *)&d->entries[index]);
	const bool valid = (entry & DART_ENTRY_VALID) != 0;

	*out = (struct iotoll_dma_entry){
		.paddr = entry_at(d, index),
		.bytes = DART_ENTRY_BYTES,
		.read = valid && !(entry & DART_ENTRY_NO_READ),
		.write = valid && !(entry & DART_ENTRY_NO_WRITE),
	};
	return 0;
}

void dart_free_memory(struct dart *d)
{
	if (d->base.redirects)
		env_free_pages(d->base.env, d->base.dummy, 1);
	if (d->base.table_bytes)
		env_free_pages(d->base.env, d->base.table, d->base.table_bytes / FRAME_BYTES);
}

int dart_get_memory(struct dart *d, bool redirect)
{
	const size_t bytes = d->base.entries * DART_ENTRY_BYTES;
	int rc = 0;

	if (redirect) {
		rc = env_alloc_pages(d->base.env, 1, FRAME_BYTES, DART_MAX_PADDR + 1,
				     &d->base.dummy);
		if (rc)
			return rc;
		memset(env_ptr(d->base.env, d->base.dummy, FRAME_BYTES), 0, FRAME_BYTES);
		d->base.redirects = true;
		d->unused = dart_entry(IOTOLL_PHYS_U64(d->base.dummy), true, true);
	}
	rc = env_alloc_pages(d->base.env, bytes / FRAME_BYTES, TABLE_ALIGN, TABLE_BELOW,
			     &d->base.table);
	if (rc)
		return rc;
	d->base.table_bytes = bytes;
	d->entries = env_ptr(d->base.env, d->base.table, bytes);
	for (uint64_t i = 0; i < d->base.entries; i++)
		dart_entry_pack((uint8_t *)&d->entries[i], d->unused);
	env_touch(d->base.env, d->base.table, bytes, true);
	for (size_t at = 0; at < bytes; at += CPU_LINE_BYTES)
		env_clflush(d->base.env, IOTOLL_PHYS(IOTOLL_PHYS_U64(d->base.table) + at));
	return 0;
}
