/* SPDX-License-Identifier: MIT */
/*
 * The hardware half of an IOMMU, whatever its kind, for whoever puts one into a machine of his own:
 * registers in, translations out. It reads its tables out of the embedder's memory and knows
 * neither time nor drivers. Fill in a struct iotoll_iommu_config (iotoll_iommu_defaults() begins
 * one), make the IOMMU from it, hand it its registers' accesses and the device's, destroy it.
 *
 * A NULL where the comment does not allow one is a wrong argument like any other: -EINVAL, false,
 * or nothing happens. Undefined are only a pointer to what is no such object, or no longer one, and
 * a name that is not a string.
 *
 * Errors are negative errno values; nothing is printed, nothing is kept outside the object. Not
 * thread safe unless it is created .shared: the embedder serialises calls on one IOMMU. Different
 * ones are independent.
 */
#ifndef IOTOLL_IOMMU_H
#define IOTOLL_IOMMU_H

#include <stdbool.h>

#include "iotoll/types.h"

IOTOLL_DECLS_BEGIN

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

struct iotoll_iommu;

struct iotoll_iommu_config {
	const char *model; /* a name that iotoll_iommu_model_name() gives: "vtd", "calgary", ... */
	/* Its tables' memory, read() at the least; where write is NULL, what it writes is lost. */
	struct iotoll_memory memory;
	/* The IOTLB, as iotoll_iommu_defaults() leaves it what is known of the hardware's. */
	unsigned iotlb_entries;    /* 0: none, every access walks the tables; up to 2^20 */
	unsigned iotlb_ways;       /* divides entries, in a power of two of sets; 0: fully */
	unsigned iotlb_line_pages; /* fetched and held together: 1, 2, 4, 8 or 16 */
	const char *iotlb_policy;  /* of replacement: "lru", "fifo", "tree-plru", ... */
	uint64_t seed;             /* for policies that draw */
	/* Compare each hit with the tables and say so in iotoll_xlat.stale; slower. */
	bool track_stale;
	/*
	 * Threads may call at once: every function below but _destroy() takes one lock, under which
	 * the functions of .memory and of the observer are called as well. For devices with threads
	 * of their own see iotoll/translator.h.
	 */
	bool shared;
};

struct iotoll_iommu_stats {
	uint64_t hits, misses, evictions; /* of the IOTLB */
	uint64_t invalidated;             /* lines that left because they were told to */
	uint64_t invalidations;           /* carried out, whatever each covered */
};

/* A piece of what a range of I/O addresses leads to. */
struct iotoll_piece {
	uint64_t paddr;
	uint64_t bytes;
};

/*
 * Fill in *@config for @model: its usual IOTLB, LRU, no memory. 0; -EINVAL for a NULL or a name
 * that no model has.
 */
int iotoll_iommu_defaults(struct iotoll_iommu_config *config, const char *model);
/*
 * Make the IOMMU that @config describes, in the state it has after a reset. @config is copied; what
 * its memory points to has to outlive the IOMMU. 0 and *@out; -EINVAL (unknown model, no way to
 * read memory, a window without an address, an impossible IOTLB), -ENOMEM. On failure *@out is
 * NULL, and
 * @why (may be NULL) gets one line that says what was expected.
 */
int iotoll_iommu_create(struct iotoll_iommu **out, const struct iotoll_iommu_config *config,
			char *why, size_t why_bytes);
/* NULL is allowed. */
void iotoll_iommu_destroy(struct iotoll_iommu *iommu);
/* As the hardware's reset line: registers and caches, not memory. */
void iotoll_iommu_reset(struct iotoll_iommu *iommu);
/* Tell @observer (copied; NULL: nobody) from here on. Its functions must not call back. */
void iotoll_iommu_observe(struct iotoll_iommu *iommu, const struct iotoll_iommu_observer *observer);

/*
 * A CPU's load or store of @width (4 or 8) bytes at @offset of the register window, the value as a
 * little-endian CPU sees it. Where there is no register a read gives 0 and a write does nothing, as
 * the models' documents say or do not say. 0; -EINVAL for another width, or an offset that is not a
 * multiple of it.
 */
int iotoll_iommu_reg_read(struct iotoll_iommu *iommu, uint64_t offset, unsigned width,
			  uint64_t *value);
int iotoll_iommu_reg_write(struct iotoll_iommu *iommu, uint64_t offset, uint64_t value,
			   unsigned width);

/*
 * Translate the byte at @iova for an access of @source; changes cache and fault state. 0 with
 * *@out, whose bytes say how far the answer holds; -EPERM if the tables refuse it or it lies
 * outside them; -EFAULT if a table itself lies outside memory; -ESHUTDOWN if the bus is shut off;
 * -ENODEV if the model has no such bus; -EINVAL if @access is neither read nor write. On failure
 * *@out says only what was fetched.
 */
int iotoll_iommu_translate(struct iotoll_iommu *iommu, struct iotoll_source source, uint64_t iova,
			   enum iotoll_access access, struct iotoll_xlat *out);
/* What iotoll_iommu_translate() would answer now. Changes nothing. */
int iotoll_iommu_probe(const struct iotoll_iommu *iommu, struct iotoll_source source, uint64_t iova,
		       enum iotoll_access access, struct iotoll_xlat *out);
/*
 * Translate [iova, iova + bytes) into up to *@count pieces of memory, neighbours joined; *@count
 * becomes how many there are, *@done how many bytes they have. 0: all of it, or as much as had room
 * (*@done < @bytes: go on from there). An error of iotoll_iommu_translate(): the bytes before
 * *@done were let through and are in @pieces, the next one was refused. -EINVAL besides: no bytes,
 * a range that goes past 2^64, no room for a piece.
 */
int iotoll_iommu_translate_range(struct iotoll_iommu *iommu, struct iotoll_source source,
				 uint64_t iova, uint64_t bytes, enum iotoll_access access,
				 struct iotoll_piece *pieces, unsigned *count, uint64_t *done);

/*
 * What arbitration needs: may a device on @bus start a transaction now; one went out, one is over.
 * Calgary and DART wait for those that are under way when they are told to flush.
 */
bool iotoll_iommu_may_start(const struct iotoll_iommu *iommu, unsigned bus);
void iotoll_iommu_begin(struct iotoll_iommu *iommu, unsigned bus);
void iotoll_iommu_end(struct iotoll_iommu *iommu, unsigned bus);

/* Since creation. */
void iotoll_iommu_stats(const struct iotoll_iommu *iommu, struct iotoll_iommu_stats *out);

/* Names and one-line titles of the models and of replacement policies; NULL past the last. */
const char *iotoll_iommu_model_name(unsigned index, const char **title);
const char *iotoll_iommu_policy_name(unsigned index, const char **title);

IOTOLL_DECLS_END

#endif
