/* SPDX-License-Identifier: MIT */
/*
 * What the files of the rIOMMU driver share. Private to src/dma/driver/riommu*.c.
 *
 * A domain has one array of rings, which all of its devices share, as a domain is one I/O address
 * space. The first rings are for buffers on their way, one for each of a device's descriptor rings
 * and one, number 0, for whatever is said to belong to none; all are of the length that
 * table_entries says. Memory that CPU and device share for as long as the device is in use has a
 * ring of one entry each, so that the hardware holds all of them, however they are accessed. The
 * paper leaves both to the driver; these are our choices, and so are the numbers of rings.
 */
#ifndef IOTOLL_DMA_DRIVER_RIOMMU_INTERNAL_H
#define IOTOLL_DMA_DRIVER_RIOMMU_INTERNAL_H

#include "dma/driver/driver.h"
#include "spec/riommu.h"

#define STREAM_RINGS  60u
#define LASTING_RINGS 196u
#define RINGS         (STREAM_RINGS + LASTING_RINGS)

/* A device that is attached. */
struct riommu_device {
	struct riommu_device *next;
	uint16_t devid;
};

struct riommu {
	struct dma_driver base; /* its table is that of devices */
	bool incoherent, translating;
	uint64_t length;                  /* of a ring for buffers on their way */
	iotoll_phys_t rings;              /* the array of rings: a page */
	iotoll_phys_t ring[STREAM_RINGS]; /* 0: nobody has used it yet */
	iotoll_phys_t lasting;            /* entries of all rings of one: a page */
	struct riommu_device *devices;
};

static inline struct riommu *riommu_of(struct dma_driver *driver)
{
	return (struct riommu *)driver;
}

static inline const struct riommu *riommu_of_const(const struct dma_driver *driver)
{
	return (const struct riommu *)driver;
}

/* Entries of the domain, numbered through: the long rings first. */
static inline uint64_t riommu_entries(uint64_t length)
{
	return STREAM_RINGS * length + LASTING_RINGS;
}

/* Ring and place of entry number @entry. */
static inline uint16_t riommu_rid(uint64_t length, uint64_t entry)
{
	return (uint16_t)(entry < STREAM_RINGS * length
				  ? entry / length
				  : STREAM_RINGS + (entry - STREAM_RINGS * length));
}

static inline uint64_t riommu_rentry(uint64_t length, uint64_t entry)
{
	return entry < STREAM_RINGS * length ? entry % length : 0;
}

/* riommu_table.c */

/* The tables of a domain, empty. 0 or -ENOMEM. */
int riommu_get_memory(struct riommu *d) MUST_CHECK;
/* Also what a failed riommu_get_memory() has got. */
void riommu_free_memory(struct riommu *d);
/* Point @devid's entry in the table of devices to the rings, or to none. */
void riommu_link(struct riommu *d, uint16_t devid, bool linked);
/* As driver_ops and driver_bytewise say. */
int riommu_prepare(struct dma_driver *driver, uint64_t first, uint64_t count, iotoll_phys_t paddr);
void riommu_set(struct dma_driver *driver, uint64_t entry, iotoll_phys_t paddr, size_t bytes,
		enum iotoll_dma_dir dir);
void riommu_clear(struct dma_driver *driver, uint64_t first, uint64_t count);
int riommu_read_entry(const struct dma_driver *driver, uint64_t index,
		      struct iotoll_dma_entry *out);
size_t riommu_bytes(const struct dma_driver *driver, uint64_t entry);

/* riommu_rings.c */

extern const struct iova_ops riommu_rings_ops;

#endif
