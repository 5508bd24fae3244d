/* SPDX-License-Identifier: MIT */
/*
 * The hardware half of an IOMMU, whatever its kind: registers in, translations out. It reads its
 * tables out of memory through an access interface given at creation, so an emulator can put it
 * over its own guest memory; it knows neither time nor drivers. What a translation took (hit,
 * entries fetched) is reported so that whoever cares about time can charge it.
 *
 * translate() changes cache state as hardware would; probe() never changes anything: exposure is
 * asked with it. Not thread safe; the embedder serialises calls on one IOMMU.
 */
#ifndef IOTOLL_HW_IOMMU_H
#define IOTOLL_HW_IOMMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "iotoll/iommu.h"

/*
 * The @bytes at physical @paddr: where they lie if that is in the window, else copied into
 * @scratch, which has room for them. NULL if memory has none there. For the models.
 */
static inline const uint8_t *iommu_memory_view(const struct iotoll_memory *m, uint64_t paddr,
					       size_t bytes, uint8_t *scratch)
{
	if (bytes <= m->window_bytes && paddr <= m->window_bytes - bytes)
		return m->window + paddr;
	return m->read(m->ctx, paddr, scratch, bytes) == 0 ? scratch : NULL;
}

struct iotlb;

/* Which bits of a line number pick the set: the low ones, or all of them and the tag, folded. */
enum iotlb_index { IOTLB_INDEX_MODULO, IOTLB_INDEX_HASHED };

/* What is fetched besides the page asked for (hw/iotlb_prefetch.c). */
enum iotlb_prefetch {
	IOTLB_PREFETCH_NONE,
	IOTLB_PREFETCH_NEXT,     /* the page after it */
	IOTLB_PREFETCH_ADJACENT, /* the other of its aligned pair */
	IOTLB_PREFETCH_STRIDE,   /* as far on as the tag's last two steps went */
};

/* Told what is asked of an IOTLB, whatever it holds; each may be NULL. Must not call back. */
struct iotlb_observer {
	void *ctx;
	void (*accessed)(void *ctx, const struct iotlb *t, uint32_t tag, uint64_t pfn);
	/* Asked to drop these pages; whether it held any is another matter. */
	void (*invalidated)(void *ctx, const struct iotlb *t, uint32_t tag, uint64_t first,
			    uint64_t pages);
	void (*invalidated_tag)(void *ctx, const struct iotlb *t, uint32_t tag);
	void (*invalidated_all)(void *ctx, const struct iotlb *t);
};

struct iotlb_config {
	unsigned entries; /* lines held; 0 = no IOTLB: every access walks */
	unsigned ways; /* divides entries; entries / ways a power of two; 0 = fully associative */
	unsigned line_pages; /* translations fetched and held as one line: 1, 2, 4, 8 or 16 */
	char policy[16];     /* name of a replacement policy: "lru", "fifo", "random", ... */
	uint64_t seed;       /* for policies that draw */
	/* The rest may be 0: sets by low bits, one partition, nothing fetched ahead, nobody told.
	 */
	enum iotlb_index index;
	unsigned partitions; /* groups of sets, taken by tag modulo this; a power of two */
	enum iotlb_prefetch prefetch;
	const struct iotlb_observer *observer; /* must outlive the IOTLB */
};

struct vtd_config; /* hw/vtd.h */

/* What DART is known for and a test or an experiment may ask for; other models ignore it. */
struct iommu_dart_config {
	unsigned busy_reads;    /* reads of the control register that still show an invalidation */
	uint64_t missed_one_in; /* one request to invalidate in so many is missed; 0: none */
	bool u3_rights;         /* U3 enforces the entries' read and write bits: not known */
};

struct iommu_config {
	const char *model; /* a row of the registry: "calgary", "vtd", "riommu" */
	struct iotlb_config iotlb;
	struct iotoll_memory memory;
	bool track_stale; /* compare each hit with the tables and report xlat.stale (slower) */
	const struct vtd_config *vtd; /* model "vtd": what it can do; NULL: vtd_xeon. Copied. */
	struct iommu_dart_config dart;
};

struct iotlb_stats {
	uint64_t hits, misses, evictions, invalidated, flushes;
	uint64_t prefetched; /* lines filled ahead of their use ... */
	uint64_t useful;     /* ... of which were used before they left */
};

/* 2^@order pages at @frame, as some cache of the unit holds them. */
struct iommu_held {
	uint32_t tag; /* what invalidations of it name: a domain, a bus */
	unsigned order;
	uint64_t frame;  /* where its first byte is */
	uint64_t rights; /* IOTOLL_READ, IOTOLL_WRITE */
};

struct iommu;
struct iommu_shared;  /* hw/shared.h */
struct iommu_ats_ops; /* hw/ats.h */
struct ats_fabric;

struct iommu_ops {
	const char *name;  /* "calgary" */
	const char *title; /* one line for people */
	bool prefetches;   /* honours iotlb.prefetch; where false, anything but NONE is refused */
	/* What is known of its IOTLB, or what is taken where nothing is; policy and seed unused. */
	struct iotlb_config geometry;
	int (*create)(struct iommu **out, const struct iommu_config *config, struct err *err);
	void (*destroy)(struct iommu *iommu);
	void (*reset)(struct iommu *iommu);
	uint64_t (*reg_read)(struct iommu *iommu, uint64_t offset, unsigned width);
	void (*reg_write)(struct iommu *iommu, uint64_t offset, uint64_t value, unsigned width);
	int (*translate)(struct iommu *iommu, struct iotoll_source source, uint64_t iova,
			 enum iotoll_access access, struct iotoll_xlat *out);
	int (*probe)(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		     enum iotoll_access access, struct iotoll_xlat *out);
	/* May the device on @bus start a transaction now (arbitration, slot enabled)? */
	bool (*may_start)(const struct iommu *iommu, unsigned bus);
	/* A transaction of @bus went out / completed; the drain handshake counts them. */
	void (*begin)(struct iommu *iommu, unsigned bus);
	void (*end)(struct iommu *iommu, unsigned bus);
	void (*stats)(const struct iommu *iommu, struct iotlb_stats *out);
	/*
	 * Invalidations of the IOTLB carried out since creation, whatever they covered: each keeps
	 * the unit busy for a while. NULL: stats() counts them all as flushes.
	 */
	uint64_t (*invalidations)(const struct iommu *iommu);
	/*
	 * The error registers of @bus as they stand, without touching them (calgary: CSR, PLSSR;
	 * dart: APIEXCP, DARTEXCP).
	 */
	void (*latched)(const struct iommu *iommu, unsigned bus, uint64_t *status,
			uint64_t *detail);
	const struct iommu_ats_ops *ats; /* NULL: the model serves no ATS */
	/*
	 * What the caches hold of @iova for accesses of @source: true and *@out if each of its
	 * pages would be granted out of them, to who has the right, until something of @out->tag is
	 * invalidated. Called after a translation that was granted and not passed. Changes nothing.
	 * NULL: what the model holds goes by itself, nobody else may hold it.
	 */
	bool (*held)(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		     struct iommu_held *out);
};

/* Embedded first in every model's own struct. */
struct iommu {
	const struct iommu_ops *ops;
	struct iotoll_iommu_observer observer;
	const struct ats_fabric *fabric; /* of models that serve ATS; NULL: no device has any */
	struct ats_fabric *own_fabric;   /* an embedder's, freed with the IOMMU; or NULL */
	struct iommu_shared *shared; /* NULL: one thread at a time, who embeds it sees to that */
};

/* The registry: an explicit array, NULL-terminated, in display order. */
extern const struct iommu_ops *const iommu_models[];

/* The row named @name, or NULL. */
const struct iommu_ops *iommu_find(const char *name);

/*
 * Make the model @config names. 0; -EINVAL with @err for an unknown model or impossible IOTLB
 * geometry; -ENOMEM.
 */
int iommu_create(struct iommu **out, const struct iommu_config *config, struct err *err) MUST_CHECK;
/* NULL is allowed. */
void iommu_destroy(struct iommu *iommu);

/*
 * Translate the byte at @iova for an access; changes cache and fault state. 0 with *@out; -EPERM
 * if the tables refuse it or it lies outside them; -EFAULT if the table itself lies outside
 * memory; -ESHUTDOWN if the bus is shut off; -ENODEV if the model has no such bus; -EINVAL if
 * @access is neither of the two. On failure *@out says only what was fetched: the rest is 0.
 */
static inline int iommu_translate(struct iommu *i, struct iotoll_source source, uint64_t iova,
				  enum iotoll_access access, struct iotoll_xlat *out)
{
	return i->ops->translate(i, source, iova, access, out);
}

/* What translate() would answer now. Changes nothing; same return values. */
static inline int iommu_probe(const struct iommu *i, struct iotoll_source source, uint64_t iova,
			      enum iotoll_access access, struct iotoll_xlat *out)
{
	return i->ops->probe(i, source, iova, access, out);
}

#endif
