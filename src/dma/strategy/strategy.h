/* SPDX-License-Identifier: MIT */
/*
 * A strategy says what a mapping is: when the IOTLB is flushed and when entries may be used again,
 * or, for those that do not make and take down entries at every request, how a request is
 * answered at all. Independent of which IOMMU and which allocator. All hooks are called under the
 * domain's lock, unless that is split (see @overlaps); a hook that is NULL does nothing, or leaves
 * things to the ordinary way: entries allocated and set at each map, cleared and freed at each
 * unmap (mapping.c).
 */
#ifndef IOTOLL_DMA_STRATEGY_H
#define IOTOLL_DMA_STRATEGY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "iotoll/dma.h"

struct entry_run;
struct mapping;

/*
 * Memory that a strategy has buffers for drivers in: see iotoll_dma_buffer_alloc(). Called without
 * the domain's lock, by several CPUs at once; its strategy has own_locks.
 */
struct buffer_ops {
	/* 0 and where it lies; -ENOMEM, -ENOSPC; -EINVAL: it has none of that size or direction. */
	int (*alloc)(struct iotoll_dma_device *dev, size_t bytes, enum iotoll_dma_dir dir,
		     unsigned ring, uint64_t *paddr);
	/*
	 * Of the buffer that begins at @paddr, which is another device's if the answer is -EXDEV,
	 * and freed all the same. 0; -ENOENT: there is none.
	 */
	int (*free)(struct iotoll_dma_device *dev, uint64_t paddr);
	/* One more who keeps @paddr's page, or one less. 0; -ENOENT. */
	int (*hold)(struct iotoll_dma_device *dev, uint64_t paddr);
	int (*drop)(struct iotoll_dma_device *dev, uint64_t paddr);
	/* Is @paddr in memory of its own that devices may write? NULL: kernels need not ask. */
	bool (*changes)(const struct iotoll_dma_domain *domain, uint64_t paddr);
};

struct strategy_ops {
	const char *name;
	const char *title;
	/* For people, in whole sentences: what it does, what it protects, what it gives up. */
	const char *does, *protects, *gives_up;
	const char *source; /* where it was published, or whose it is */
	bool demonstration; /* nobody would use it: it is to show what goes wrong */
	/* false: addresses are physical ones, there is no table and no hook is called. */
	bool translates;
	/*
	 * With translates: create() makes every entry there will be, and requests are answered
	 * with where the memory lies: there is no allocator and no lock, and of the hooks only
	 * fits(), create(), destroy() and owns() are called, the last for maps as well.
	 */
	bool standing;
	/*
	 * With map(): it takes care of itself. Its hooks are called without the domain's lock, by
	 * several CPUs at once, and make or clear entries between domain_open_table() and
	 * domain_close_table() only.
	 */
	bool own_locks;
	/* With map(): devices find pages at their own physical addresses. */
	bool own_addresses;
	/* Can it be done here? 0, or -EINVAL with @err. Before create(); NULL: it can. */
	int (*fits)(const struct iotoll_dma_domain *domain, struct err *err);
	/*
	 * Whatever is invalidated page by page, only entries have changed; tables stay, since no
	 * driver gives them back while its domain lives.
	 */
	bool leaves_only;
	/*
	 * Its hooks may overlap, each CPU's with those of others, wherever one waits: it locks what
	 * is its own. Without it the domain cannot have split locks.
	 */
	bool overlaps;
	/* With @overlaps: also where those are real threads, wherever they are. */
	bool threads;
	/* Set up domain->strategy_data, if it needs any. 0 or -ENOMEM. */
	int (*create)(struct iotoll_dma_domain *domain);
	/* Only after a create() that succeeded. */
	void (*destroy)(struct iotoll_dma_domain *domain);
	/*
	 * A device comes or goes, with nothing else happening: what the strategy keeps for it is
	 * in dev->strategy_data. 0 or -ENOMEM; detached() only after an attached() that succeeded,
	 * with the entries of coherent memory and, where a book is kept, of all requests cleared.
	 */
	int (*attached)(struct iotoll_dma_device *dev);
	void (*detached)(struct iotoll_dma_device *dev);
	/*
	 * Another way to answer a request; all of map, unmap and owns, or none. map() finds or
	 * makes entries for @want at @paddr (a range that no entry can name is refused before) and
	 * sets want->iova; 0, -ENOSPC, -ENOMEM, -EINVAL. It makes entries by entries_set() and gets
	 * rid of them by entries_clear(), when it likes.
	 */
	int (*map)(struct iotoll_dma_domain *domain, struct mapping *want, uint64_t paddr);
	/* The request @what is over. */
	void (*unmap)(struct iotoll_dma_domain *domain, const struct mapping *what);
	/* Nobody keeps a book: could @what be a live request? Pure, free of charge. */
	bool (*owns)(const struct iotoll_dma_domain *domain, const struct mapping *what);
	/*
	 * A live request's memory, or a part of it, is handed to the CPU, or to the device. For
	 * strategies whose devices work on copies.
	 */
	void (*sync)(struct iotoll_dma_domain *domain, const struct mapping *what, bool for_cpu);
	/* NULL: drivers' buffers lie in what memory they like. */
	const struct buffer_ops *buffers;
	/* Entries lead to a request's pages also when it is over, and others may get the pages. */
	bool keeps_pages;
	/* See iotoll_dma_forget(). NULL in one that keeps pages: it goes only where none change. */
	void (*forget)(struct iotoll_dma_domain *domain, uint64_t paddr, uint64_t pages);
	/* The allocator goes back to the bottom of the table. */
	void (*wrapped)(struct iotoll_dma_domain *domain);
	/* These entries were just allocated; nothing has been written to them yet. */
	void (*allocated)(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count);
	/*
	 * These entries were just cleared. True: they may be allocated again from now on. False:
	 * the strategy keeps them, and hands each range back by one domain_release().
	 */
	bool (*cleared)(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count);
	/*
	 * The same for runs of a list that is unmapped together: all are cleared, and the IOTLB
	 * knows of none. True: all may be allocated again from now on. NULL: cleared() is called
	 * for one after the other.
	 */
	bool (*cleared_runs)(struct iotoll_dma_domain *domain, const struct entry_run *run,
			     unsigned n);
	/*
	 * The driver, which had said that more unmaps would follow at once, says that none do.
	 * NULL: the strategy does not listen to that.
	 */
	void (*end)(struct iotoll_dma_domain *domain);
	/* Does it keep any of these? Pure, free of charge. NULL: it never keeps any. */
	bool (*keeps)(const struct iotoll_dma_domain *domain, uint64_t first, uint64_t count);
	/* What domain_set_timer() asked for. NULL in a strategy that does not. */
	void (*timer)(struct iotoll_dma_domain *domain);
};

/* The registry: an explicit array, NULL-terminated, in display order. */
extern const struct strategy_ops *const dma_strategies[];

/* The row named @name, or NULL. */
const struct strategy_ops *strategy_find(const char *name);

#endif
