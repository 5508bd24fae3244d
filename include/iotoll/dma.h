/* SPDX-License-Identifier: MIT */
/*
 * The DMA API: how a driver gets an address that its device may use, under the names Linux made
 * usual. A domain is one I/O address space (on Calgary one per host bridge, shared by every device
 * of the bus); a device is attached to one domain and maps through it. What a map or an unmap
 * does is the domain's strategy; which address it gets is its allocator; how tables are written
 * is its driver's affair.
 *
 * A NULL where the comment does not allow one is a wrong argument like any other: -EINVAL, the
 * answer of a failed map or allocation, or nothing happens. Undefined are only a pointer to what is
 * no such object, or no longer one (what is left of a domain's devices goes with it), a name that
 * is not a string, and a list shorter than its count.
 *
 * Errors of set-up calls are negative errno values. Streaming calls answer as their models in
 * Linux do: an address or IOTOLL_DMA_MAPPING_ERROR, a count or 0.
 *
 * Thread safety: streaming and coherent calls on one domain may run concurrently; creating,
 * attaching, detaching and destroying may not run concurrently with anything on that domain.
 */
#ifndef IOTOLL_DMA_H
#define IOTOLL_DMA_H

#include <stdbool.h>

#include "iotoll/types.h"

IOTOLL_DECLS_BEGIN

enum iotoll_dma_dir {
	IOTOLL_DMA_BIDIRECTIONAL = 0,
	IOTOLL_DMA_TO_DEVICE = 1,
	IOTOLL_DMA_FROM_DEVICE = 2,
};

/*
 * The answer of a map that failed. Never a valid address: a device that is given it all the same is
 * refused by the IOMMU (calgary: without a trace in its error registers).
 */
#define IOTOLL_DMA_MAPPING_ERROR IOTOLL_IOVA(UINT64_MAX)

struct dma_env; /* where the layer runs: see iotoll/env.h */

struct iotoll_dma_domain;
struct iotoll_dma_device;

/*
 * Driver "callbacks": where I/O address space is somebody else's to change, by calls (VFIO's and
 * iommufd's ioctls, a vfio-user server's messages). Called under the domain's lock, from any thread
 * that maps or unmaps. Must outlive the domain.
 */
struct iotoll_dma_callbacks {
	void *ctx;
	/*
	 * [iova, iova + bytes), whole pages that nothing is mapped at, leads to @paddr from now on.
	 * 0, or a negative errno value: then the request fails, and unmap() may be called for a
	 * part of this range all the same. A strategy that has a page's later requests use the
	 * mapping of its earlier ones, and needs more rights for them, has it unmapped and mapped
	 * again: what devices do there in between is refused.
	 */
	int (*map)(void *ctx, iotoll_iova_t iova, iotoll_phys_t paddr, uint64_t bytes,
		   enum iotoll_dma_dir dir);
	/*
	 * When this returns, no device reaches anything by [iova, iova + bytes). Called once for
	 * all of the address space when the domain is destroyed.
	 */
	void (*unmap)(void *ctx, iotoll_iova_t iova, uint64_t bytes);
	/* Addresses that mean something else (x86: messages, 0xfee00000 on): never handed out. */
	const struct iotoll_dma_hole {
		iotoll_iova_t iova; /* a multiple of 4096, as is bytes */
		uint64_t bytes;
	} * holes;
	unsigned hole_count;
};

struct iotoll_dma_config {
	const char *driver;   /* "none", "calgary", "dart-u4", ... : a row of the registry */
	const char *strategy; /* "off", "strict", "deferred", ... : a row of the registry */
	/* "next-fit", "tree": a row of the registry; NULL will do for "off"; riommu: its rings,
	 * whatever is said here */
	const char *allocator;
	unsigned bus; /* calgary: the host bridge (PHB) of this domain: one domain each;
		     xen: the number of the device */
	/* translation entries; calgary: 8192 << n, n = 0..7; dart: a multiple of 1024; else any */
	uint64_t table_entries;
	/* where the allocator's first search begins: 0 = the bottom, and where there are no laps */
	uint64_t start_hint;
	/*
	 * on-demand, optimistic: pages kept mapped; shadow, swiotlb: of its copies; page-pool,
	 * damn: of its buffers; 0: as it was published
	 */
	uint64_t quota;
	uint64_t cached_ranges; /* eiovar: free ranges in front of its tree at the most; 0: all */
	/* xen: pages come from other domains and go to them, each announced: iotoll_dma_forget() */
	bool pages_change;
	/*
	 * No lock around each call: allocator, strategy and the hardware's queue have their own, as
	 * in kernels with vtd and amdvi; on calgary the flush has the driver's. Calls of several
	 * threads then overlap, and a map or unmap that needs no invalidation takes no lock at all:
	 * with allocator "magazines" the fastest there is. On real threads for drivers vtd, amdvi
	 * and calgary, strategies strict, deferred, deferred-tracked, flush-queue and unflushed,
	 * and all allocators but contiguous; others are refused. With check_misuse or an observer
	 * calls wait for each other all the same. Two threads that unmap one mapping at the same
	 * time are not told from one without check_misuse. Peaks in the statistics are told too low
	 * by up to 64 pages for each thread.
	 */
	bool split_locks;
	/*
	 * iotoll_dma_map_sg() gives a list one range of entries and unmap_sg takes it back in one
	 * piece, as Linux's iommu_dma_map_sg() does; where allocator and strategy are such as
	 * Linux has behind it, else as without
	 */
	bool whole_lists;
	bool check_misuse;   /* watch for double unmaps, wrong sizes and leaks */
	bool quiesce_system; /* calgary: stop every bus of the chip for a flush, not only its own */
	bool table_cached;   /* dart: stores reach the table through a cache, and are pushed out */
	/*
	 * calgary: leave out what Linux does and the hardware does not need, and allow no
	 * reading where a device is only to write. Entries of one cache
	 * line are pushed out to memory once; a flush knows the arbitration mask without reading
	 * it. Not with quiesce_system, where others' buses are stopped as well.
	 */
	bool lean_driver;
	bool multicall; /* xen: entries go to the hypervisor in lists, one a call of this API ... */
	/*
	 * ... or, if this is not 0, when a list has as many (at most 64), a flush is due, or the
	 * driver says so: iotoll_dma_publish(). Until then what was mapped cannot be reached, and
	 * what was unmapped can.
	 */
	unsigned multicall_entries;
	bool superpages; /* vtd, amdvi: 2 MiB entries where both addresses of a request allow it */
	bool unused_invalid; /* dart: unused entries are invalid, instead of naming a dummy page */
	/* riommu: the hardware does not look into CPU caches, so that lines are pushed out for it
	 */
	bool incoherent_walker;
	const struct iotoll_dma_callbacks *callbacks; /* of driver "callbacks", else NULL */
};

struct iotoll_sg {
	iotoll_phys_t paddr;
	size_t bytes;
	iotoll_iova_t dma_address; /* set by map_sg */
	size_t dma_bytes;          /* set by map_sg; 0 ends the list for unmap_sg */
};

/* What a driver may say of a mapping besides. Hints: nothing goes wrong without them. */
struct iotoll_dma_attrs {
	unsigned ring; /* which of its device's descriptor rings it is for, from 1; 0: not said */
	bool more;     /* another call for the same ring follows at once */
};

enum iotoll_misuse {
	IOTOLL_MISUSE_UNMAP_UNKNOWN, /* never mapped, or unmapped before */
	IOTOLL_MISUSE_WRONG_SIZE,
	IOTOLL_MISUSE_WRONG_DIRECTION,
	IOTOLL_MISUSE_WRONG_DEVICE,
	IOTOLL_MISUSE_WRONG_TYPE, /* page against sg against coherent */
	IOTOLL_MISUSE_SYNC_UNMAPPED,
	IOTOLL_MISUSE_LEAK, /* still mapped when its device was detached */
	IOTOLL_MISUSE_COUNT,
};

struct iotoll_dma_stats {
	uint64_t maps;   /* map requests that succeeded (an sg element counts as one) */
	uint64_t unmaps; /* unmaps that took something down; coherent ones are counted apart */
	uint64_t map_failures;      /* calls that mapped nothing (a failed list counts once) */
	uint64_t reused_maps;       /* of maps: those that found their entries in the table */
	uint64_t single_entry_maps; /* of maps: those of one page */
	uint64_t single_entry_unmaps;
	uint64_t mapped_pages_total;     /* pages over all maps */
	uint64_t pages_live, pages_peak; /* table entries in use; 0 where there is no table */
	uint64_t kept_pages, kept_peak;  /* unmapped, not to be used again before a flush */
	uint64_t coherent_allocs, coherent_frees;
	uint64_t table_writes;   /* entries set or cleared by the driver half, boot excluded */
	uint64_t flushes;        /* whole-IOTLB flushes, boot excluded */
	uint64_t invalidations;  /* IOTLB invalidations of one range, where hardware has them */
	uint64_t flush_timeouts; /* the poll limit was reached, over at the last or not */
	uint64_t flush_polls;    /* reads of the status over all flushes and invalidations */
	uint64_t device_invalidations; /* sent to devices' own caches, for flushes and invalidations
					*/
	uint64_t flush_ps;             /* time in flushes and invalidations, 0 without a clock */
	uint64_t copied_bytes;         /* by strategies whose devices work on copies, both ways */
	uint64_t copy_ps;          /* time in copying them, 0 without a clock; of maps and unmaps */
	uint64_t timer_flushes;    /* of flushes: because time had passed */
	uint64_t wraps;            /* the allocator went back to the bottom */
	uint64_t words_searched;   /* bitmap words or tree nodes examined for room */
	uint64_t usable_entries;   /* table entries minus reservations */
	uint64_t emergency_unmaps; /* unmaps inside the emergency pages: ignored */
	/*
	 * of the domain's lock; split: of all its locks, and of the IOMMU's queue's, but not of
	 * what belongs to one thread
	 */
	uint64_t lock_acquisitions, lock_contended, lock_wait_ps;
	uint64_t misuse[IOTOLL_MISUSE_COUNT];
};

/* How long the lists of iotoll_dma_map_multi() or iotoll_dma_unmap_multi() were. */
#define IOTOLL_DMA_BATCH_SIZES 512
struct iotoll_dma_batches {
	/* Calls with so many buffers, from 1 on; [0]: with more than all others. */
	uint64_t of[IOTOLL_DMA_BATCH_SIZES + 1];
	uint64_t beyond; /* buffers of the calls that of[0] counts */
};

/*
 * What a watcher of a domain is told; each callback may be NULL. Calls for one domain never
 * overlap: they are made under its lock and must not call back into it.
 */
struct iotoll_dma_observer {
	void *ctx;
	/*
	 * [iova, iova + bytes), which lies in @pages pages of the device's address space, is from
	 * now on a request's for the memory at @paddr. A request whose memory is not in one piece
	 * to devices is told piece by piece.
	 */
	void (*mapped)(void *ctx, iotoll_iova_t iova, uint64_t pages, iotoll_phys_t paddr,
		       size_t bytes, enum iotoll_dma_dir dir);
	/*
	 * The request that had this is over, all pieces of it: from here on the device must not.
	 * Told last, after whatever the strategy does at an unmap.
	 */
	void (*unmapped)(void *ctx, iotoll_iova_t iova, uint64_t pages, size_t bytes);
	/*
	 * What the table says, which is not what requests say where a strategy keeps entries for
	 * later requests: entries for @pages from @iova on were set, before the request is told
	 * that wanted them; or were cleared, and what the strategy does about the IOTLB is done.
	 */
	void (*granted)(void *ctx, iotoll_iova_t iova, uint64_t pages, enum iotoll_dma_dir dir);
	void (*withdrawn)(void *ctx, iotoll_iova_t iova, uint64_t pages);
	/*
	 * Before mapped(): that it is memory which CPU and device share for as long as the device
	 * is in use.
	 */
	void (*lasting)(void *ctx, iotoll_iova_t iova, uint64_t pages);
};

/* What the hardware latched about a DMA it refused. */
struct iotoll_dma_fault {
	uint64_t status; /* calgary: CSR; dart-u3: APIEXCP; vtd: FSTS; amdvi: the first event's code
			  */
	uint64_t detail; /* calgary: PLSSR; vtd: the fault reason of the first record; amdvi: flags
			  */
	unsigned agent;  /* calgary: agent id of the CSR; vtd, amdvi: the requester's id */
	uint64_t iova;   /* vtd: the page; amdvi: the address; the others do not tell */
};

/*
 * Create a domain in @env (which must outlive it), write its table and switch translation on.
 * 0 and *@out; -EINVAL (unknown name, impossible table size); -EBUSY (the bus has a domain: one
 * would switch off what protects the other); -ENOMEM. On failure @why (may
 * be NULL) gets one line that says what was expected.
 */
int iotoll_dma_domain_create(struct iotoll_dma_domain **out, struct dma_env *env,
			     const struct iotoll_dma_config *config, char *why, size_t why_bytes);
/*
 * Switches translation off and frees the table. Every device must be detached before; those
 * that are not are freed with the domain. NULL is allowed.
 */
void iotoll_dma_domain_destroy(struct iotoll_dma_domain *domain);
/* Watch from here on (@observer is copied; NULL: nobody). Not while streaming calls run. */
void iotoll_dma_domain_observe(struct iotoll_dma_domain *domain,
			       const struct iotoll_dma_observer *observer);
/*
 * Ask the hardware whether it refused a DMA; a kernel does so every two seconds. 0: it did not
 * (or the domain is not translated, or its bus was shut off before). 1: it did; *@out is filled
 * (@out may be NULL) and the error is cleared. The Calgary driver then shuts the whole bus off for
 * good; with the others everything goes on. -EINVAL without a domain.
 */
int iotoll_dma_domain_watchdog(struct iotoll_dma_domain *domain, struct iotoll_dma_fault *out);
/*
 * For the native environment, which has no timers of its own: let what the strategy wanted done
 * after some time happen if that time has come; where the environment has no clock, it always has.
 * Call it every few milliseconds from any thread, also while streaming calls run. 1 if something
 * was done, 0 if not; -EINVAL without a domain. In the laboratory the machine's own timer does it.
 */
int iotoll_dma_domain_tick(struct iotoll_dma_domain *domain);
/* The counters now. Not while streaming calls run on other threads. */
void iotoll_dma_domain_stats(const struct iotoll_dma_domain *domain, struct iotoll_dma_stats *out);
/* The same for the sizes of lists, as they were asked for. */
void iotoll_dma_domain_batches(const struct iotoll_dma_domain *domain,
			       struct iotoll_dma_batches *map, struct iotoll_dma_batches *unmap);
/* Zero the counters (not the live ones; the peak starts again from what is live). */
void iotoll_dma_domain_stats_reset(struct iotoll_dma_domain *domain);
/* A table entry: where it lies in memory, and what it lets devices do. */
struct iotoll_dma_entry {
	iotoll_phys_t paddr;
	size_t bytes;
	bool read, write;
};

/*
 * Physical address and size of the translation table, vtd and amdvi: of the top-level one, from
 * which the others hang; 0 bytes if the domain has none.
 */
void iotoll_dma_domain_table(const struct iotoll_dma_domain *domain, iotoll_phys_t *paddr,
			     size_t *bytes);

/*
 * Does the hardware protect to the byte (riommu)? Then an address has nothing of the offset within
 * a page, and devices must drive 64 bits.
 */
bool iotoll_dma_domain_bytewise(const struct iotoll_dma_domain *domain);

/* Is there a page that unused table entries lead to? Then where it is. */
bool iotoll_dma_domain_dummy(const struct iotoll_dma_domain *domain, iotoll_phys_t *paddr);

/*
 * The entry that stands in memory for @iova. 0 and *@out; -ENOENT if no table holds one (yet);
 * -ENOSYS if the driver does not tell. Changes nothing. Not while streaming calls run.
 */
int iotoll_dma_domain_entry(const struct iotoll_dma_domain *domain, iotoll_iova_t iova,
			    struct iotoll_dma_entry *out);

/*
 * Attach a device with requester id @devid. @dma_mask: the highest address it can drive, as
 * 2^n - 1. 0 and *@out; -EINVAL for a mask that is not of that form; -EIO if the domain cannot
 * address below it; -EBUSY if the IOMMU keeps a domain for each device and this one has one;
 * -ENOMEM.
 */
int iotoll_dma_attach(struct iotoll_dma_device **out, struct iotoll_dma_domain *domain,
		      uint16_t devid, uint64_t dma_mask);
/*
 * The same for a device with a translation cache of its own (ATS) that takes @queue_depth (1..32)
 * invalidations at a time: the IOMMU is told to serve it, and it is told whenever the IOMMU is, up
 * to detaching. Switch the device's ATS on only after this, and off before it is detached: that is
 * the caller's. Also -EOPNOTSUPP if driver, hardware or strategy serve none; -EINVAL for a depth
 * out of range. With 0 this is iotoll_dma_attach(). A device with ATS is trusted: it reaches
 * whatever memory it says was translated for it.
 */
int iotoll_dma_attach_ats(struct iotoll_dma_device **out, struct iotoll_dma_domain *domain,
			  uint16_t devid, uint64_t dma_mask, unsigned queue_depth);
/*
 * Mappings still live count as leaks and are taken down: coherent ones always (their memory is
 * freed), streaming ones if the domain checks misuse (else nobody knows of them). NULL is allowed.
 */
void iotoll_dma_detach(struct iotoll_dma_device *dev);
/* Change the mask; -EIO if the domain cannot satisfy it. */
int iotoll_dma_set_mask(struct iotoll_dma_device *dev, uint64_t dma_mask);

/*
 * Map [paddr, paddr + bytes), @bytes > 0, which need not be page aligned: the result has the
 * same offset within its page (but see iotoll_dma_domain_bytewise()). IOTOLL_DMA_MAPPING_ERROR if
 * there is no room.
 */
iotoll_iova_t iotoll_dma_map_page(struct iotoll_dma_device *dev, iotoll_phys_t paddr, size_t bytes,
				  enum iotoll_dma_dir dir);
/*
 * An unmap of what is not mapped is refused and counted (misuse). With check_misuse, an unmap whose
 * size, direction, device or type differ from the map's is counted and what was mapped is taken
 * down; without it the caller is trusted, as kernels do, within what is mapped.
 */
void iotoll_dma_unmap_page(struct iotoll_dma_device *dev, iotoll_iova_t iova, size_t bytes,
			   enum iotoll_dma_dir dir);
/* The same with hints; @attrs may be NULL, and is only read. */
iotoll_iova_t iotoll_dma_map_page_attrs(struct iotoll_dma_device *dev, iotoll_phys_t paddr,
					size_t bytes, enum iotoll_dma_dir dir,
					const struct iotoll_dma_attrs *attrs);
void iotoll_dma_unmap_page_attrs(struct iotoll_dma_device *dev, iotoll_iova_t iova, size_t bytes,
				 enum iotoll_dma_dir dir, const struct iotoll_dma_attrs *attrs);
/*
 * The last unmap said that more would follow at once (iotoll_dma_attrs.more), and now none does.
 * Free of charge with strategies that do not listen to that.
 */
void iotoll_dma_unmap_end(struct iotoll_dma_device *dev);
static inline iotoll_iova_t iotoll_dma_map_single(struct iotoll_dma_device *dev,
						  iotoll_phys_t paddr, size_t bytes,
						  enum iotoll_dma_dir dir)
{
	return iotoll_dma_map_page(dev, paddr, bytes, dir);
}
static inline void iotoll_dma_unmap_single(struct iotoll_dma_device *dev, iotoll_iova_t iova,
					   size_t bytes, enum iotoll_dma_dir dir)
{
	iotoll_dma_unmap_page(dev, iova, bytes, dir);
}
static inline bool iotoll_dma_mapping_error(iotoll_iova_t iova)
{
	return iova == IOTOLL_DMA_MAPPING_ERROR;
}

/*
 * Map each element on its own (no merging, as on Calgary), or, with whole_lists, one behind the
 * other in one range. Returns @n, or 0 with nothing mapped. Unmap takes the list and count that
 * were given to map.
 */
int iotoll_dma_map_sg(struct iotoll_dma_device *dev, struct iotoll_sg *sg, int n,
		      enum iotoll_dma_dir dir);
void iotoll_dma_unmap_sg(struct iotoll_dma_device *dev, struct iotoll_sg *sg, int n,
			 enum iotoll_dma_dir dir);

/*
 * Many buffers that have nothing to do with each other in one call ("The Price of Safety", section
 * 4.3.3): one hold of the domain's lock, and, where allocator, strategy and driver can, one search
 * for addresses, one push of each cache line of the table, one invalidation for each run of
 * addresses, one call of the hypervisor's for up to 64 entries. Each counts as a mapping of its
 * own, to be unmapped in any other company or alone: iotoll_dma_unmap_page() of dma_address and
 * dma_bytes. Results and errors as for lists; what a strategy promises of an unmap holds for all of
 * the list when the call returns. @attrs may be NULL.
 */
int iotoll_dma_map_multi(struct iotoll_dma_device *dev, struct iotoll_sg *sg, int n,
			 enum iotoll_dma_dir dir, const struct iotoll_dma_attrs *attrs);
void iotoll_dma_unmap_multi(struct iotoll_dma_device *dev, struct iotoll_sg *sg, int n,
			    enum iotoll_dma_dir dir, const struct iotoll_dma_attrs *attrs);

/*
 * Before a doorbell: everything mapped so far can be reached from here on, and what was unmapped is
 * no longer in the table. Costs nothing but where entries go to a hypervisor in lists
 * (multicall_entries). 0, or why some map since the last time was refused after all: the device's
 * accesses there fail.
 */
int iotoll_dma_publish(struct iotoll_dma_device *dev);

/*
 * Memory for CPU and device alike: @bytes rounded up to pages, zeroed, mapped both ways. Returns
 * the host pointer (and its addresses) or NULL.
 */
void *iotoll_dma_alloc_coherent(struct iotoll_dma_device *dev, size_t bytes, iotoll_iova_t *iova,
				iotoll_phys_t *paddr);
void iotoll_dma_free_coherent(struct iotoll_dma_device *dev, size_t bytes, void *ptr,
			      iotoll_iova_t iova);

/*
 * Memory for a buffer of @bytes that @dev is going to use in direction @dir, out of what the
 * strategy keeps mapped for it; @attrs (may be NULL) as for the maps to come. It lies inside one
 * page, or begins with one, and no other buffer has a part of its cache lines. What is in it is
 * undefined. It is mapped and unmapped like any other memory, and faster; both are due, as they say
 * whose it is at which time. The host pointer and *@paddr; or NULL: the strategy has no memory of
 * its own, none for such a buffer, or none left. Then any memory does, mapped in the ordinary way.
 * Task or interrupt context. The buffer is the caller's until iotoll_dma_buffer_free(), which must
 * come before @dev is detached: what is left then is counted as leaks and freed.
 */
void *iotoll_dma_buffer_alloc(struct iotoll_dma_device *dev, size_t bytes, enum iotoll_dma_dir dir,
			      const struct iotoll_dma_attrs *attrs, iotoll_phys_t *paddr);
/*
 * Give the buffer that begins at @paddr back, after the last unmap of it; also on another CPU than
 * that which took it, and in another context. What is no buffer's beginning is refused and counted
 * (IOTOLL_MISUSE_UNMAP_UNKNOWN); of another device, counted (IOTOLL_MISUSE_WRONG_DEVICE) and freed.
 */
void iotoll_dma_buffer_free(struct iotoll_dma_device *dev, iotoll_phys_t paddr);
/*
 * Somebody besides the buffer's owner keeps the page at @paddr, of a live buffer, beyond the
 * buffer's end (Linux: get_page()): until as many iotoll_dma_buffer_drop() it is neither used for
 * another buffer nor anybody else's memory. Refused and counted as above.
 */
void iotoll_dma_buffer_hold(struct iotoll_dma_device *dev, iotoll_phys_t paddr);
void iotoll_dma_buffer_drop(struct iotoll_dma_device *dev, iotoll_phys_t paddr);
/*
 * May the device change what lies at @paddr, in a buffer of its own, also after its unmap, and is
 * the kernel to guard against that? Then whatever it decides by is to be read from a copy that it
 * makes first, once (iotoll_dma_buffer_copy()). False: it may read what lies there; either that
 * stays as it is, or the strategy does not protect against this. Free of charge.
 */
bool iotoll_dma_buffer_changes(const struct iotoll_dma_device *dev, iotoll_phys_t paddr);
/*
 * Copy @bytes out of such a buffer, to where they do not overlap; charged as an unmap's work and
 * counted in copied_bytes. Nothing happens if either does not lie in memory.
 */
void iotoll_dma_buffer_copy(struct iotoll_dma_device *dev, iotoll_phys_t to, iotoll_phys_t from,
			    size_t bytes);

/*
 * [paddr, paddr + bytes) is about to be somebody else's memory: whatever the strategy keeps mapped
 * there for later requests is taken down, and the IOTLB has forgotten it on return. Live requests
 * are left alone. Nothing where nothing is kept.
 */
void iotoll_dma_forget(struct iotoll_dma_domain *domain, iotoll_phys_t paddr, size_t bytes);

/*
 * Ownership of a mapped buffer to the CPU, and back to the device. Memory is coherent on every
 * machine modelled, so these only check that the range is mapped; a strategy that has the device
 * work on a copy brings the range up to date.
 */
void iotoll_dma_sync_single_for_cpu(struct iotoll_dma_device *dev, iotoll_iova_t iova, size_t bytes,
				    enum iotoll_dma_dir dir);
void iotoll_dma_sync_single_for_device(struct iotoll_dma_device *dev, iotoll_iova_t iova,
				       size_t bytes, enum iotoll_dma_dir dir);

/* Names and one-line titles of the registries' rows; NULL past the last. */
const char *iotoll_dma_strategy_name(unsigned index, const char **title);
const char *iotoll_dma_allocator_name(unsigned index, const char **title);
const char *iotoll_dma_driver_name(unsigned index, const char **title);
/* What a strategy is about, in whole sentences. */
struct iotoll_dma_strategy_words {
	const char *title;
	const char *does, *protects, *gives_up;
	const char *source; /* where it was published */
};

/* Of strategy @name; -ENOENT if there is none, -EINVAL without @out. */
int iotoll_dma_strategy_words(const char *name, struct iotoll_dma_strategy_words *out);
/*
 * Do driver, strategy and allocator of @config go together? 0, or -EINVAL with a line in @why (may
 * be NULL) that says what was expected. Nothing is created; sizes and addresses are not looked at.
 */
int iotoll_dma_config_check(const struct iotoll_dma_config *config, char *why, size_t why_bytes);
/* Table entries that driver @name usually has; 0 if there is no table or no such driver. */
uint64_t iotoll_dma_driver_entries(const char *name);

IOTOLL_DECLS_END

#endif
