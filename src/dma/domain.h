/* SPDX-License-Identifier: MIT */
/*
 * A domain: one table, its lock, and the three choices (strategy, allocator, driver) that decide
 * what a mapping costs. Private to src/dma; the public face is include/iotoll/dma.h.
 */
#ifndef IOTOLL_DMA_DOMAIN_H
#define IOTOLL_DMA_DOMAIN_H

#include "dma/chip.h"
#include "dma/driver/driver.h"
#include "dma/iova/entry_set.h"
#include "dma/iova/iova.h"
#include "dma/misuse.h"
#include "dma/strategy/strategy.h"
#include "dma_env.h"
#include "iotoll/dma.h"

#define DMA_PAGE_SHIFT 12u
#define DMA_PAGE_BYTES 4096u
#define DMA_LINE_BYTES 64u
#define TALLY_SHARDS   16u

/*
 * Counters of a domain without a table, which takes no lock: one share per group of threads. An
 * atomic addition is most of what such a map costs, so a request of one page, nearly every one,
 * makes a single one; the rest is worked out when somebody asks.
 */
struct dma_tally {
	uint64_t maps, unmaps, map_failures;
	uint64_t long_maps, long_unmaps; /* of more than one page */
	uint64_t further_pages;          /* mapped by those beyond their first */
} __attribute__((aligned(64)));

/* Memory handed out by alloc_coherent. */
struct coherent {
	struct coherent *next;
	struct mapping mapping;
	iotoll_phys_t paddr;
	uint64_t pages;
	void *ptr;
	bool unmapped; /* by an unmap of another type: its address may be anybody's by now */
};

/* Mapped, and to be told of when the table has it. */
struct unannounced {
	struct mapping mapping;
	iotoll_phys_t paddr;
};

#define UNANNOUNCED_MAX 64u /* as many as a driver lets wait; more are told of at once */

struct dma_counts;

struct iotoll_dma_domain {
	struct dma_env *env;
	const struct strategy_ops *strategy;
	void *strategy_data;
	uint64_t quota; /* see iotoll_dma_config */
	bool pages_change, superpages, whole_lists;
	struct dma_driver *driver;
	struct iova *iova;     /* NULL: no table, addresses are physical */
	struct misuse *misuse; /* NULL: not watched for */
	struct iotoll_dma_observer observer;
	bool observed;
	bool straight; /* see straight.h */

	struct env_timer timer; /* the strategy's */
	bool timer_given;       /* not used: see domain_give_timer() */

	/*
	 * Everything below is under @lock where there is a table, else under @quiet. With @split
	 * calls of several CPUs overlap. In the laboratory nothing happens between two places where
	 * one may wait (a lock, a register), so what is below must make sense at each of these; on
	 * real threads it is one thread's, or atomic, or not written any more. @lock is then around
	 * commands to hardware whose driver does not order them itself.
	 */
	struct dma_lock lock;
	bool split;
	struct locks
		strategy_locks; /* the strategy's own: none if not @split, unless it has some */
	/*
	 * Entries that are being unmapped, and not to be unmapped twice meanwhile: of other calls
	 * where locks are split, else of the same list.
	 */
	struct entry_set leaving;
	/* Also around book and observer: inside @lock, or around it where the strategy takes it. */
	struct dma_quiet quiet;
	/* A mapping was made that only a flush makes visible: see driver_ops.flushes_maps. */
	bool flush_due;
	/* Of the unmap that is going on: its driver says that another follows at once. */
	bool more;
	struct unannounced unannounced[UNANNOUNCED_MAX];
	unsigned unannounced_count;
	/* A page whose lines stand for what every map and unmap shares: see domain.c. */
	iotoll_phys_t shared_lines;
	struct coherent *coherents;
	struct iotoll_dma_device *devices;
	struct iotoll_dma_stats stats;
	struct dma_counts *shares;            /* see counting.h; NULL: all is in @stats */
	struct iotoll_dma_batches batches[2]; /* of map_multi, of unmap_multi */
	/* What allocator and lock had counted at the last reset. */
	uint64_t words_before, wraps_before;
	uint64_t acquisitions_before, contended_before, wait_before;

	struct dma_tally tally[TALLY_SHARDS];
};

struct iotoll_dma_device {
	struct iotoll_dma_device *next;
	struct iotoll_dma_domain *domain;
	uint16_t devid;
	uint64_t dma_mask;
	void *strategy_data; /* what the strategy keeps for this device */
};

/* Entries one behind the other. */
struct entry_run {
	uint64_t first, count;
};

/* Is there a book or an observer to keep in order? */
static inline bool domain_watched(const struct iotoll_dma_domain *domain)
{
	return domain->misuse != NULL || domain->observed;
}

/* Charge for a look at, or a change of, what all CPUs share of the domain's own data. */
void domain_touch(struct iotoll_dma_domain *domain, bool write);
/* Empty the IOTLB, charged and counted. Under the lock. */
void domain_flush(struct iotoll_dma_domain *domain);
/* Make the IOTLB forget just these entries; flush where the driver cannot. Under the lock. */
void domain_invalidate(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count);
/*
 * The same for several runs, none of them empty, with no more commands than they need: none for a
 * run that the one before it took out as well.
 */
void domain_invalidate_runs(struct iotoll_dma_domain *domain, const struct entry_run *run,
			    unsigned n);
/* What one invalidation of @run takes out of the IOTLB. Pure. */
struct entry_run domain_reach(const struct iotoll_dma_domain *domain, struct entry_run run);
/* Before entries that were cleared are reused: a flush, unless mapping them will do it. */
void domain_flush_for_reuse(struct iotoll_dma_domain *domain);
/*
 * Entries were set: what the driver has to do so that they count, or a note that a flush is due.
 * Under the lock.
 */
void domain_mapped(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count);
/* Everything set so far is in the table. Else why not: then it must be cleared. Under the lock. */
int domain_commit(struct iotoll_dma_domain *domain) MUST_CHECK;
/* The flush that domain_mapped() left to the end of the call, if it did. Under the lock. */
void domain_settle(struct iotoll_dma_domain *domain);
/* For strategies: entries that cleared() kept may be allocated again. Under the lock. */
void domain_release(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count);
/* For strategies: call strategy->timer() once, @delay_ps or a little more from now. */
void domain_set_timer(struct iotoll_dma_domain *domain, uint64_t delay_ps);
/*
 * Have @iova, made with ops for a table of this size, in place of the domain's own allocator, which
 * is destroyed; it is the domain's from here on. Before anything is mapped. 0, or what reserve()
 * says: then nothing has changed.
 */
int domain_replace_allocator(struct iotoll_dma_domain *domain, struct iova *iova) MUST_CHECK;
/*
 * From here on the strategy's timer never goes off by itself: whoever has a recording of when it
 * did calls domain_timer().
 */
void domain_give_timer(struct iotoll_dma_domain *domain);
/* The timer went off: takes the lock. */
void domain_timer(void *domain);

/*
 * Every streaming or coherent call is bracketed by these two: charge category, entry cost, lock.
 * The token goes from begin to end.
 */
int domain_begin(struct iotoll_dma_domain *domain, enum dma_phase phase);
void domain_end(struct iotoll_dma_domain *domain, int token);

/* NULL, or what entries that name buffers are handled with. */
static inline const struct driver_bytewise *domain_bytewise(const struct iotoll_dma_domain *domain)
{
	return domain->iova ? domain->driver->ops->bytewise : NULL;
}

/* Entries from the bottom on that a device with this mask reaches; 0: none. */
uint64_t domain_limit(const struct iotoll_dma_domain *domain, uint64_t dma_mask);
/* What a device puts on the bus for byte 0 of a page or a buffer that begins in entry @first. */
iotoll_iova_t domain_address(const struct iotoll_dma_domain *domain, uint64_t first);
/* The entry that holds @iova, or, if entries name buffers, begins there; false: none does. */
bool domain_entry_at(const struct iotoll_dma_domain *domain, iotoll_iova_t iova, uint64_t *entry);

/* Do map and unmap run under the domain's lock, or those that it was split into? */
static inline bool domain_locked(const struct iotoll_dma_domain *domain)
{
	return domain->iova && !domain->strategy->own_locks;
}

/* Add to a counter that several CPUs may be at. */
static inline void domain_count(uint64_t *counter, uint64_t n)
{
	(void)__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/*
 * For strategies with own_locks: from here to there the table is this CPU's. What was set counts
 * from domain_close_table() on; if it does not, why not: then it must be cleared, in the same way.
 */
void domain_open_table(struct iotoll_dma_domain *domain);
int domain_close_table(struct iotoll_dma_domain *domain) MUST_CHECK;

/* Pages that [address, address + bytes) touches; @bytes > 0 and the range must not wrap. */
static inline uint64_t dma_pages(uint64_t address, size_t bytes)
{
	return (((address & (DMA_PAGE_BYTES - 1)) + bytes - 1) >> DMA_PAGE_SHIFT) + 1;
}

/* Entries that a mapping of @bytes takes which lies, in memory or for devices, at @address. */
static inline uint64_t domain_entries(const struct iotoll_dma_domain *domain, uint64_t address,
				      size_t bytes)
{
	return domain_bytewise(domain) ? 1 : dma_pages(address, bytes);
}

#endif
