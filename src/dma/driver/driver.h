/* SPDX-License-Identifier: MIT */
/*
 * The software half of an IOMMU: it writes tables into memory and pokes registers, and shares
 * with the hardware half only the layouts in src/spec. It allocates no addresses and decides
 * nothing about when to flush. set(), clear(), flush() and invalidate() are called under the
 * domain's lock, or, where that is split, as @overlaps and @orders_commands say.
 */
#ifndef IOTOLL_DMA_DRIVER_H
#define IOTOLL_DMA_DRIVER_H

#include <stdbool.h>

#include "base/err.h"
#include "dma/iova/iova.h"
#include "dma_env.h"
#include "iotoll/dma.h"

struct driver_ops;

/* Embedded first in every driver's own struct. */
struct dma_driver {
	const struct driver_ops *ops;
	struct dma_env *env;
	uint64_t entries;         /* of the table; 0 if there is none */
	uint64_t emergency_pages; /* from entry 0: withheld, and known as no mapping of anybody */
	iotoll_phys_t table;
	size_t table_bytes;
	/* invalidate() may say that no table has gone: caches of what leads to entries stay. */
	bool leaves_only;
	/*
	 * Changes asked for that whoever keeps the table has not carried out; and what to call when
	 * he has, under the domain's lock. NULL: nobody wants to know.
	 */
	unsigned unsent;
	void (*sent)(void *ctx);
	void *sent_ctx;
	/*
	 * A list is being mapped or unmapped, up to the next commit(): whoever has entries written
	 * elsewhere may do so all together then. Never with overlapping calls.
	 */
	bool together;
	/* Unused entries lead to one page, @dummy, instead of being invalid. */
	bool redirects;
	iotoll_phys_t dummy;
};

/* What one flush or invalidation took. */
struct driver_flush {
	uint64_t polls; /* reads of the register that says whether it may begin, or is over */
	bool timed_out; /* no read was left (so said at the last or not); done all the same */
	uint64_t device_invalidations; /* sent to devices that cache translations themselves */
};

/*
 * Hardware whose entries each name a buffer, of any bytes at any address, in place of a page. Then
 * a mapping is one entry, and where devices find it has nothing to do with where it lies in its
 * page.
 */
struct driver_bytewise {
	uint64_t max_bytes; /* of a mapping */
	/* The allocator of entries, which such hardware dictates: the configured one is not asked.
	 */
	const struct iova_ops *allocator;
	/* In place of driver_ops.set(): @bytes from @paddr on. */
	void (*set)(struct dma_driver *driver, uint64_t entry, iotoll_phys_t paddr, size_t bytes,
		    enum iotoll_dma_dir dir);
	/* The address that a device puts on the bus for the first byte of @entry. Pure. */
	uint64_t (*address)(const struct dma_driver *driver, uint64_t entry);
	/* The reverse; false if no entry begins at @iova. Pure. */
	bool (*entry_at)(const struct dma_driver *driver, uint64_t iova, uint64_t *entry);
	/* How many bytes @entry, which is set, has. Pure. */
	size_t (*bytes)(const struct dma_driver *driver, uint64_t entry);
};

struct driver_ops {
	const char *name;
	const char *title;
	/* Can it write tables? If not, only strategies without one go with it. */
	bool translates;
	/* NULL: entries name pages. Else set() is NULL and strategies that keep pages do not go. */
	const struct driver_bytewise *bytewise;
	/* Highest physical address an entry can name. */
	uint64_t max_paddr;
	/* Entries of the table that its Linux driver uses on a machine with memory enough. */
	uint64_t usual_entries;
	/*
	 * A mapping is visible to devices only when its entries have been invalidated, as the
	 * IOTLB holds unused entries, too: the driver does so in mapped(), or, where that is NULL,
	 * the domain with one flush() at the end of the call. So nothing is ever reused with what
	 * it said before, and no strategy need flush for it.
	 */
	bool flushes_maps;
	bool superpages;      /* has entries of 2 MiB, for config->superpages */
	bool sets_only_clear; /* set() is for entries that are clear */
	/*
	 * set(), clear(), prepare() and mapped() of several CPUs may overlap: entries are all they
	 * share. Without it the domain cannot have split locks.
	 */
	bool overlaps;
	/* With @overlaps: also where those are real threads, wherever they are. */
	bool threads;
	/* flush() and invalidate() of several CPUs order themselves; else the domain does it. */
	bool orders_commands;
	/*
	 * For @translate: get a table of config->table_entries and clear it. Otherwise: make sure
	 * that the bus is not translated. 0; -EINVAL or -EBUSY with @err; -ENOMEM. The caller then
	 * fills in ops.
	 */
	int (*create)(struct dma_driver **out, struct dma_env *env,
		      const struct iotoll_dma_config *config, bool translate, struct err *err);
	/* Switch translation off, forget the table. */
	void (*destroy)(struct dma_driver *driver);
	/*
	 * Withhold from @a the entries that the hardware does not translate. 0, or the error of
	 * the allocator. This and everything below but watchdog() may be NULL in a driver that
	 * does not translate.
	 */
	int (*reserve)(struct dma_driver *driver, struct iova *a);
	/* Point the hardware at the table and switch translation on. */
	void (*enable)(struct dma_driver *driver);
	/*
	 * The device with requester id @devid belongs to this domain from now on. @ats: how many
	 * invalidations its own translation cache takes at a time (1..32), 0 if it has none. 0;
	 * -EINVAL for an id that the hardware cannot tell apart or a depth out of range,
	 * -EOPNOTSUPP if @ats is wanted and the unit or the domain serves none, -EBUSY if it has
	 * one already, -ENOMEM. Also called where nothing is translated. NULL: every device of the
	 * bus belongs to the domain, and none may have a cache of its own.
	 */
	int (*attach)(struct dma_driver *driver, uint16_t devid, unsigned ats);
	/* And no longer. Only after attach(); not NULL where that is not. */
	void (*detach)(struct dma_driver *driver, uint16_t devid);
	/*
	 * Get memory for whatever set() of these entries, to lead to @paddr, will need. 0 or
	 * -ENOMEM. NULL: the whole table was made at once.
	 */
	int (*prepare)(struct dma_driver *driver, uint64_t first, uint64_t count,
		       iotoll_phys_t paddr);
	/* Entries [first, first + count) name the pages from the one that holds @paddr on. */
	void (*set)(struct dma_driver *driver, uint64_t first, uint64_t count, iotoll_phys_t paddr,
		    enum iotoll_dma_dir dir);
	/*
	 * The call that set entries is about to say so to its caller, or ends. 0; if somebody else
	 * keeps the table and refused a set() since the last commit(), his reason (-EPERM, -ENOSPC,
	 * ...): the caller then clears all that the call had set, and what was refused may be
	 * cleared, too. NULL: whoever set()s writes the table himself.
	 */
	int (*commit)(struct dma_driver *driver);
	/*
	 * These entries were just set: whatever the hardware wants before it may use them. True if
	 * that was an invalidation, described by @out. NULL: nothing, but see flushes_maps.
	 */
	bool (*mapped)(struct dma_driver *driver, uint64_t first, uint64_t count,
		       struct driver_flush *out);
	void (*clear)(struct dma_driver *driver, uint64_t first, uint64_t count);
	/* set() over entries that are set. NULL: that is what set() does (but see sets_only_clear).
	 */
	void (*replace)(struct dma_driver *driver, uint64_t first, uint64_t count,
			iotoll_phys_t paddr, enum iotoll_dma_dir dir);
	/*
	 * Of a list that is mapped or unmapped together: as set() and clear(), but what was stored
	 * may stay in the CPU's caches until push() of all of it, entries one behind the other, of
	 * which each line then goes to memory once; @set: they were set. Always called before
	 * mapped() and invalidate(). All three, or NULL: set() and clear() are as good.
	 */
	void (*store)(struct dma_driver *driver, uint64_t first, uint64_t count,
		      iotoll_phys_t paddr, enum iotoll_dma_dir dir);
	void (*erase)(struct dma_driver *driver, uint64_t first, uint64_t count);
	void (*push)(struct dma_driver *driver, uint64_t first, uint64_t count, bool set);
	/*
	 * See iotoll_dma_domain_entry(); @index < entries. Pure, free of charge. NULL: this driver
	 * does not tell.
	 */
	int (*entry)(const struct dma_driver *driver, uint64_t index, struct iotoll_dma_entry *out);
	/* Empty the IOTLB of everything this driver's table ever said. */
	void (*flush)(struct dma_driver *driver, struct driver_flush *out);
	/*
	 * Make the IOTLB forget entries [first, first + count), which were just cleared, and wait
	 * until it has; it may forget more. NULL: the hardware can only flush().
	 */
	void (*invalidate)(struct dma_driver *driver, uint64_t first, uint64_t count,
			   struct driver_flush *out);
	/*
	 * What one invalidate() of these entries takes out of the IOTLB besides: the range is
	 * widened to all of that. Pure. NULL: nothing.
	 */
	void (*reach)(const struct dma_driver *driver, uint64_t *first, uint64_t *count);
	/*
	 * Carry out what is unsent. 0, or the first refusal of a set() that commit() did not tell.
	 * NULL: there never is anything.
	 */
	int (*publish)(struct dma_driver *driver);
	/*
	 * Is there an entry already for [paddr, paddr + bytes), which somebody else made and will
	 * clear when he likes? True and *@iova. NULL: there never is.
	 */
	bool (*lent)(struct dma_driver *driver, uint64_t paddr, size_t bytes, uint64_t *iova);
	/* Is entry @first one of those? Pure, free of charge. Not NULL where lent() is not. */
	bool (*is_lent)(const struct dma_driver *driver, uint64_t first);
	/* See iotoll_dma_domain_watchdog(): 0, or 1 with @out filled and the error cleared. */
	int (*watchdog)(struct dma_driver *driver, struct iotoll_dma_fault *out);
};

/* The registry: an explicit array, NULL-terminated, in display order. */
extern const struct driver_ops *const dma_drivers[];

/* The row named @name, or NULL. */
const struct driver_ops *driver_find(const char *name);

#endif
