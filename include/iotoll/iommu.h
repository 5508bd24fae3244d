/* SPDX-License-Identifier: MIT */
/*
 * The hardware half of an IOMMU as an embedder sees it: what it is asked, what it answers, and the
 * memory it reads its tables from. The models behind it are src/hw's; they use these types as
 * they are.
 */
#ifndef IOTOLL_IOMMU_H
#define IOTOLL_IOMMU_H

#include <stdbool.h>

#include "iotoll/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How an IOMMU reads its tables (and, for some, writes status). */
struct iotoll_memory {
	void *ctx;
	/* Copy @bytes at physical @paddr into @to. 0, or -EFAULT if any byte lies outside. */
	int (*read)(void *ctx, uint64_t paddr, void *to, size_t bytes);
	/* The reverse. */
	int (*write)(void *ctx, uint64_t paddr, const void *from, size_t bytes);
	/*
	 * May be NULL. Where physical [0, @window_bytes) lies in this process, for as long as the
	 * IOMMU lives: what is in there is read without a call. read() would say the same of it.
	 */
	const uint8_t *window;
	uint64_t window_bytes;
};

enum iotoll_access { IOTOLL_READ = 1, IOTOLL_WRITE = 2 };

/* Who asks: the bus (host bridge) it sits on and its requester id there. */
struct iotoll_source {
	uint16_t bus;
	uint16_t devid;
};

struct iotoll_xlat {
	uint64_t paddr; /* where @iova's byte is */
	/* How many from there on follow contiguously: to the page's end; riommu, the mapping's. */
	uint64_t bytes;
	unsigned fetches; /* memory reads for table entries: one per 64-byte line of a table */
	unsigned ahead;   /* further ones, which the access did not wait for */
	bool hit;         /* answered by the IOTLB */
	bool bypass;      /* not translated at all */
	bool stale; /* answered by an IOTLB entry that the tables no longer back (see below) */
};

/* Told to whoever watches; every callback may be NULL. Called synchronously. */
struct iotoll_iommu_observer {
	void *ctx;
	/* The IOTLB no longer holds page @iova_pfn of @source.bus (eviction or invalidation). */
	void (*dropped)(void *ctx, struct iotoll_source source, uint64_t iova_pfn);
	/* may_start(@bus) changed: a register write or a reset stopped DMA there or allowed it. */
	void (*arbitration)(void *ctx, unsigned bus, bool enabled);
	/*
	 * translate() refused an access: it answered -EPERM or -EFAULT, every time. Models latch
	 * the first since their status was cleared (dart the latest); calgary latches none above 4
	 * GiB, for which its bridges take no part in the cycle. Not told: -ESHUTDOWN (the bus
	 * grants nothing, so there was no access), -ENODEV and -EINVAL (the embedder's mistakes).
	 */
	void (*fault)(void *ctx, struct iotoll_source source, uint64_t iova,
		      enum iotoll_access access);
	/* The IOMMU itself sends the message-signalled interrupt @data to @address. */
	void (*interrupt)(void *ctx, uint64_t address, uint32_t data);
};

#ifdef __cplusplus
}
#endif

#endif
