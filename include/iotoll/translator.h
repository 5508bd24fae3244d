/* SPDX-License-Identifier: MIT */
/*
 * Translations at the speed of a thread: a translator is what one thread (a device's queue) asks
 * instead of the IOMMU. It keeps translations of one requester for itself and answers from them
 * with plain loads, without a lock and without an atomic read-modify-write; what it does not hold
 * it asks the IOMMU, under the IOMMU's lock. The IOMMU is made with iotoll_iommu_config.shared.
 *
 * To the guest it is a cache of the IOMMU beside the IOTLB, told of every invalidation:
 *  - a translation that begins after an invalidation is complete never gives what that took away.
 *    Complete means: iotoll_iommu_reg_write() has returned, or the guest has seen the completion
 *    that the IOMMU wrote with iotoll_memory.write(), which then stores with release order (any
 *    store, on x86). "After" is by whatever order the two threads have: a lock, an acquired flag;
 *  - it holds only what the IOTLB held at that moment, with the same rights and the same size;
 *    refusals are never held, nor is what passes untranslated. It may keep a page that the IOTLB
 *    evicts, so an iotoll_iommu_observer's dropped() does not mean that no translator has it;
 *  - the IOTLB does not see the accesses that hit here: its statistics and its order of
 *    replacement are those of the misses;
 *  - nothing is held of an IOMMU without IOTLB or with track_stale (each access is compared with
 *    the tables), nor of model riommu, whose rIOTLB forgets by itself as a ring moves on.
 */
#ifndef IOTOLL_TRANSLATOR_H
#define IOTOLL_TRANSLATOR_H

#include "iotoll/iommu.h"

IOTOLL_DECLS_BEGIN

struct iotoll_translator;

struct iotoll_translator_stats {
	uint64_t hits;    /* answered here */
	uint64_t misses;  /* asked of the IOMMU, refusals included */
	uint64_t dropped; /* of the misses: was held, and an invalidation has come since */
};

/*
 * A translator of @iommu for @source with room for @entries pages (a power of two from 4 to 65536,
 * in sets of 4; large pages take one entry). 0 and *@out; -EINVAL for NULL, another number, or an
 * IOMMU that was not created with .shared; -ENOMEM. May be called by any thread.
 */
int iotoll_translator_create(struct iotoll_translator **out, struct iotoll_iommu *iommu,
			     struct iotoll_source source, unsigned entries);
/* Before the IOMMU's end, outside a transaction. NULL is allowed. */
void iotoll_translator_destroy(struct iotoll_translator *t);

/*
 * iotoll_iommu_translate() and iotoll_iommu_translate_range() for this source: the same answers, a
 * hit here being reported as one of the IOTLB. One thread at a time for each translator. No pointer
 * may be NULL here and below, which is not looked at: a hit is a dozen instructions.
 */
int iotoll_translator_translate(struct iotoll_translator *t, uint64_t iova,
				enum iotoll_access access, struct iotoll_xlat *out);
int iotoll_translator_translate_range(struct iotoll_translator *t, uint64_t iova, uint64_t bytes,
				      enum iotoll_access access, struct iotoll_piece *pieces,
				      unsigned *count, uint64_t *done);

/*
 * Who wants to wait until memory is no longer accessed by an old translation puts each access
 * (translate, then copy) between these two, which cost a store each; they do not nest. Where the
 * kernel refuses membarrier(2) they take and release an uncontended lock.
 */
void iotoll_translator_begin(struct iotoll_translator *t);
void iotoll_translator_end(struct iotoll_translator *t);
/*
 * Wait until every transaction of @iommu's translators that had begun when this was called is over;
 * later ones are not waited for. After an invalidation: nobody accesses what it took away, as after
 * one of hardware that drains. Not from inside a transaction, nor from a callback of the IOMMU; and
 * meanwhile nobody who is inside one may create or destroy a translator of the same IOMMU.
 * Any thread; translates nothing meanwhile. -EINVAL if @iommu is NULL or was not created with
 * .shared.
 */
int iotoll_iommu_drain(struct iotoll_iommu *iommu);

/* Since creation. Any thread; figures of a translator in use are those of some moment. */
void iotoll_translator_stats(const struct iotoll_translator *t,
			     struct iotoll_translator_stats *out);

IOTOLL_DECLS_END

#endif
