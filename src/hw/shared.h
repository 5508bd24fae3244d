/* SPDX-License-Identifier: MIT */
/*
 * An IOMMU that several threads use: a lock around the model, and what translators
 * (include/iotoll/translator.h) must know to find out by themselves, without the lock, that
 * something they hold has been invalidated.
 *
 * That is a clock which every invalidation moves on, and the times of the last invalidation of a
 * page, of a region of 2 MiB, of a tag (a domain, a bus). What was filled in at time T still holds
 * if T is not before the times that concern it. Pages and regions share slots when their numbers
 * agree in the low bits: that drops more than was asked for, never less. Times are stored under the
 * lock and read without; they are 64 bits wide, so none comes again.
 *
 * For src/hw alone. Models say what was invalidated by the iommu_forget_...() below, whether or not
 * their own caches held it, before they report that the invalidation is done.
 */
#ifndef IOTOLL_HW_SHARED_H
#define IOTOLL_HW_SHARED_H

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>

#include "hw/ats.h"
#include "hw/iommu.h"

/* Powers of two. With pages of 4 KiB: 64 MiB of addresses and 2 GiB of them have slots apart. */
#define SHARED_PAGES   16384u
#define SHARED_REGIONS 1024u
#define SHARED_SCOPES  64u
/* A region is as large as a large page of VT-d and AMD-Vi is at the least, mostly. */
#define SHARED_REGION_ORDER 9u
/* Invalidations of more pages than this count as one of the whole tag. */
#define SHARED_PAGES_APART 512u

/* Of a tag, and of others that share its slot. Each has a cache line: another's is not disturbed.
 */
struct shared_scope {
	alignas(64) atomic_uint_least64_t flushed; /* the last invalidation of all it has */
	atomic_uint_least64_t paged;               /* ... of some page */
};

struct iommu_shared {
	/* What translators read. */
	struct shared_scope scope[SHARED_SCOPES];
	alignas(64) atomic_uint_least64_t page[SHARED_PAGES];
	alignas(64) atomic_uint_least64_t region[SHARED_REGIONS];
	/* Under @lock, with the model itself. */
	alignas(64) pthread_mutex_t lock;
	uint64_t clock;
	const struct iommu_ops *model; /* the model's own operations */
	struct iommu_ops ops;          /* those with the lock, which iommu.ops points to */
	/* Translators, for who waits for their transactions. */
	pthread_mutex_t list_lock;
	struct iotoll_translator *translators;
	bool expedited; /* membarrier(2) works here: begin and end of a transaction are stores */
};

/* Let threads use @iommu, fresh from iommu_create(). 0, -ENOMEM. Destroyed with the IOMMU. */
int iommu_share(struct iommu *iommu, struct err *err) MUST_CHECK;

/* The numbers by which a tag's invalidations are found. */
static inline size_t shared_scope_of(uint32_t tag)
{
	return tag % SHARED_SCOPES;
}

/* Different tags use the same low page numbers: set them apart. */
static inline uint64_t shared_mix_of(uint32_t tag)
{
	return (uint64_t)tag * 617;
}

static inline size_t shared_page_of(uint64_t mix, uint64_t pfn)
{
	return (size_t)(pfn + mix) % SHARED_PAGES;
}

static inline size_t shared_region_of(uint64_t mix, uint64_t pfn)
{
	return (size_t)((pfn >> SHARED_REGION_ORDER) + mix) % SHARED_REGIONS;
}

/* shared.c: what the functions below come to where there are threads. */
void iommu_shared_forget_pages(struct iommu_shared *s, uint32_t tag, uint64_t first,
			       uint64_t pages);
void iommu_shared_forget_tag(struct iommu_shared *s, uint32_t tag);
void iommu_shared_forget_all(struct iommu_shared *s);

/* Pages [@first, @first + @pages) of @tag were invalidated. */
static inline void iommu_forget_pages(struct iommu *i, uint32_t tag, uint64_t first, uint64_t pages)
{
	if (i->shared != NULL)
		iommu_shared_forget_pages(i->shared, tag, first, pages);
}

/* Everything of @tag was invalidated, or registers changed that say how it is translated. */
static inline void iommu_forget_tag(struct iommu *i, uint32_t tag)
{
	if (i->shared != NULL)
		iommu_shared_forget_tag(i->shared, tag);
}

/* The same of all there is. */
static inline void iommu_forget_all(struct iommu *i)
{
	if (i->shared != NULL)
		iommu_shared_forget_all(i->shared);
}

static inline void iommu_lock(struct iommu *i)
{
	if (i->shared != NULL)
		(void)pthread_mutex_lock(&i->shared->lock);
}

static inline void iommu_unlock(struct iommu *i)
{
	if (i->shared != NULL)
		(void)pthread_mutex_unlock(&i->shared->lock);
}

#endif
