/* SPDX-License-Identifier: MIT */
/*
 * The rIOMMU driver's tables: map() and unmap() of the paper as far as they write memory, and its
 * sync_mem(): where the hardware does not look into CPU caches the line of an entry is pushed out
 * (the paper's rIOMMU-). The barriers around it are part of what a store and a flush cost here.
 *
 * An rPTE is written address first, then the word with size, direction and valid bit, so that no
 * walker on another thread sees half of one. Rings get memory when they are first used.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "dma/driver/riommu_internal.h"

#define FRAME_BYTES  4096u
#define LINE_BYTES   64u
#define DEVICE_PAGES (RIOMMU_MAX_DEVICES * RIOMMU_ENTRY_BYTES / FRAME_BYTES)

static iotoll_phys_t plus(iotoll_phys_t at, uint64_t bytes)
{
	return IOTOLL_PHYS(IOTOLL_PHYS_U64(at) + bytes);
}

static void store64(struct riommu *d, iotoll_phys_t at, uint64_t value)
{
	env_work(d->base.env, DMA_WORK_ENTRY_STORE, 1);
	__atomic_store_n((uint64_t *)env_ptr(d->base.env, at, sizeof(value)), htole64(value),
			 __ATOMIC_RELEASE);
	env_touch(d->base.env, at, sizeof(value), true);
}

static uint64_t load64(const struct riommu *d, iotoll_phys_t at)
{
	const uint64_t *from = env_ptr(d->base.env, at, sizeof(*from));

	return le64toh(__atomic_load_n(from, __ATOMIC_RELAXED));
}

/* sync_mem(). */
static void push_out(struct riommu *d, iotoll_phys_t at, size_t bytes)
{
	for (size_t done = 0; d->incoherent && done < bytes; done += LINE_BYTES)
		env_clflush(d->base.env, plus(at, done));
}

/* Where entry number @entry lies; its ring has memory. */
static iotoll_phys_t entry_at(const struct riommu *d, uint64_t entry)
{
	const uint16_t rid = riommu_rid(d->length, entry);

	if (rid >= STREAM_RINGS)
		return plus(d->lasting, (rid - STREAM_RINGS) * RIOMMU_ENTRY_BYTES);
	return plus(d->ring[rid], riommu_rentry(d->length, entry) * RIOMMU_ENTRY_BYTES);
}

static int zeroed(struct riommu *d, uint64_t pages, iotoll_phys_t *out)
{
	const int rc = env_alloc_pages(d->base.env, pages, FRAME_BYTES, 0, out);

	if (rc)
		return rc;
	memset(env_ptr(d->base.env, *out, pages * FRAME_BYTES), 0, pages * FRAME_BYTES);
	env_touch(d->base.env, *out, pages * FRAME_BYTES, true);
	push_out(d, *out, pages * FRAME_BYTES);
	return 0;
}

static uint64_t pages_of(const struct riommu *d)
{
	return (d->length * RIOMMU_ENTRY_BYTES + FRAME_BYTES - 1) / FRAME_BYTES;
}

/* The count is what makes an entry of the array of rings, or of devices, one: it comes last. */
static void describe(struct riommu *d, iotoll_phys_t at, iotoll_phys_t table, uint64_t count)
{
	if (count)
		store64(d, at, IOTOLL_PHYS_U64(table));
	store64(d, plus(at, 8), count);
	push_out(d, at, RIOMMU_ENTRY_BYTES);
}

int riommu_prepare(struct dma_driver *driver, uint64_t first, uint64_t count, iotoll_phys_t paddr)
{
	struct riommu *d = riommu_of(driver);
	const uint16_t rid = riommu_rid(d->length, first);
	int rc;

	(void)count, (void)paddr;
	if (rid >= STREAM_RINGS || IOTOLL_PHYS_U64(d->ring[rid]))
		return 0;
	rc = zeroed(d, pages_of(d), &d->ring[rid]);
	if (!rc)
		describe(d, plus(d->rings, rid * RIOMMU_ENTRY_BYTES), d->ring[rid], d->length);
	return rc;
}

void riommu_set(struct dma_driver *driver, uint64_t entry, iotoll_phys_t paddr, size_t bytes,
		enum iotoll_dma_dir dir)
{
	struct riommu *d = riommu_of(driver);
	const iotoll_phys_t at = entry_at(d, entry);

	store64(d, at, IOTOLL_PHYS_U64(paddr));
	store64(d, plus(at, 8),
		riommu_rpte_hi(bytes, dir != IOTOLL_DMA_FROM_DEVICE, dir != IOTOLL_DMA_TO_DEVICE));
	push_out(d, at, RIOMMU_ENTRY_BYTES);
}

void riommu_clear(struct dma_driver *driver, uint64_t first, uint64_t count)
{
	struct riommu *d = riommu_of(driver);

	for (uint64_t i = first; i < first + count; i++) {
		store64(d, plus(entry_at(d, i), 8), 0);
		push_out(d, entry_at(d, i), RIOMMU_ENTRY_BYTES);
	}
}

size_t riommu_bytes(const struct dma_driver *driver, uint64_t entry)
{
	const struct riommu *d = riommu_of_const(driver);

	return load64(d, plus(entry_at(d, entry), 8)) & RIOMMU_RPTE_SIZE;
}

int riommu_read_entry(const struct dma_driver *driver, uint64_t index, struct iotoll_dma_entry *out)
{
	const struct riommu *d = riommu_of_const(driver);
	const uint16_t rid = riommu_rid(d->length, index);
	uint64_t hi;

	if (rid < STREAM_RINGS && !IOTOLL_PHYS_U64(d->ring[rid]))
		return -ENOENT;
	hi = load64(d, plus(entry_at(d, index), 8));
	*out = (struct iotoll_dma_entry){
		.paddr = entry_at(d, index),
		.bytes = RIOMMU_ENTRY_BYTES,
		.read = (hi & RIOMMU_RPTE_VALID) && (hi & RIOMMU_RPTE_READ),
		.write = (hi & RIOMMU_RPTE_VALID) && (hi & RIOMMU_RPTE_WRITE),
	};
	return 0;
}

void riommu_link(struct riommu *d, uint16_t devid, bool linked)
{
	describe(d, plus(d->base.table, (uint64_t)devid * RIOMMU_ENTRY_BYTES), d->rings,
		 linked ? RINGS : 0);
}

int riommu_get_memory(struct riommu *d)
{
	int rc = zeroed(d, DEVICE_PAGES, &d->base.table);

	if (rc)
		return rc;
	d->base.table_bytes = DEVICE_PAGES * FRAME_BYTES;
	_Static_assert(RINGS * RIOMMU_ENTRY_BYTES == FRAME_BYTES, "the array of rings is a page");
	rc = zeroed(d, 1, &d->rings);
	if (!rc)
		rc = zeroed(d, 1, &d->lasting);
	for (unsigned i = 0; !rc && i < LASTING_RINGS; i++)
		describe(d, plus(d->rings, (STREAM_RINGS + i) * RIOMMU_ENTRY_BYTES),
			 plus(d->lasting, i * RIOMMU_ENTRY_BYTES), 1);
	return rc;
}

static void give_back(struct riommu *d, iotoll_phys_t at, uint64_t pages)
{
	if (IOTOLL_PHYS_U64(at))
		env_free_pages(d->base.env, at, pages);
}

void riommu_free_memory(struct riommu *d)
{
	for (unsigned i = 0; i < STREAM_RINGS; i++)
		give_back(d, d->ring[i], pages_of(d));
	give_back(d, d->lasting, 1);
	give_back(d, d->rings, 1);
	give_back(d, d->base.table, DEVICE_PAGES);
}
