/* SPDX-License-Identifier: MIT */
/*
 * The native environment: what an embedder gives the DMA layer so that it runs on real threads.
 * That is memory, the registers of an IOMMU as callbacks, and a clock if durations are wanted.
 * One environment stands for one IOMMU (one Calgary chip) and serves any number of its domains;
 * creating and destroying domains of one environment is the caller's to serialise.
 *
 * A NULL where the comment does not allow one is a wrong argument like any other: -EINVAL, NULL, or
 * nothing happens. Undefined is only a pointer to what is no environment, or no longer one.
 */
#ifndef IOTOLL_ENV_H
#define IOTOLL_ENV_H

#include "iotoll/types.h"

IOTOLL_DECLS_BEGIN

struct dma_env;
struct memory;

struct iotoll_env_config {
	/* Handed to every callback. */
	void *ctx;
	/*
	 * Read and write @width (4 or 8) bytes of the IOMMU's register window at @offset, as a
	 * little-endian CPU loads and stores them. Both or neither; without them only drivers that
	 * need no registers ("none") can be used. Called with a domain's lock held, or the chip's
	 * (config.split_locks), from any thread: calls for different domains may run concurrently.
	 */
	uint64_t (*reg_read)(void *ctx, uint64_t offset, unsigned width);
	void (*reg_write)(void *ctx, uint64_t offset, uint64_t value, unsigned width);
	/* Picoseconds since any fixed instant, for durations in statistics. NULL: they stay 0. */
	uint64_t (*now_ps)(void *ctx);
	/* Physical memory of this many bytes is made, and freed with the environment ... */
	uint64_t memory_bytes;
	/*
	 * ... unless it is there already, as a guest's is: then it begins here, page aligned, and
	 * stays its owner's. Page frames that the layer needs are taken out of it, so who wants
	 * some for himself asks for them by iotoll_env_alloc_pages() as well.
	 */
	void *window;
	/* For programs of this project, which have a struct memory: the two above are ignored. */
	struct memory *memory;
};

/*
 * 0 and *@out; -EINVAL (only one of the register callbacks, memory size not a multiple of 4096
 * in 4 KiB..64 GiB, a window that is not page aligned or goes past the end of the address space);
 * -ENOMEM. @config is copied.
 */
int iotoll_env_create(struct dma_env **out, const struct iotoll_env_config *config);
/* Every domain made in it must be destroyed. NULL is allowed. */
void iotoll_env_destroy(struct dma_env *env);

/* Host pointer to [paddr, paddr + bytes); NULL if any of it lies outside. Any thread. */
void *iotoll_env_ptr(struct dma_env *env, iotoll_phys_t paddr, size_t bytes);
/*
 * @pages contiguous page frames, first address a multiple of @align_bytes (a power of two, at
 * least 4096), wholly below @below (0: anywhere). 0 and *@out; -EINVAL (no pages, an alignment
 * that is not one); -ENOMEM. Contents are whatever was left there. Any thread.
 */
int iotoll_env_alloc_pages(struct dma_env *env, uint64_t pages, uint64_t align_bytes,
			   uint64_t below, iotoll_phys_t *out);
/*
 * Give back what iotoll_env_alloc_pages() handed out, with the same @pages. 0; -EINVAL, and nothing
 * changes, if one of these frames is not handed out (to whom is not known: frames that a domain
 * took are its own). Any thread.
 */
int iotoll_env_free_pages(struct dma_env *env, iotoll_phys_t paddr, uint64_t pages);

IOTOLL_DECLS_END

#endif
