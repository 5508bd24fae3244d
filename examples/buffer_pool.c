/* SPDX-License-Identifier: MIT */
/*
 * A user-space driver's buffers under strict protection: while a buffer is with the device it is
 * mapped, and when it comes back no address leads to it any more. The I/O address space is changed
 *by calls; with VFIO the two functions below are the ioctls VFIO_IOMMU_MAP_DMA and _UNMAP_DMA. So
 * that this runs without a device, an array of pages stands for the kernel's side, and "the device"
 * looks addresses up in it.
 *
 *	cc buffer_pool.c $(pkg-config --cflags --libs iotoll) -pthread -o buffer_pool &&
 *./buffer_pool
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <iotoll/dma.h>
#include <iotoll/env.h>

#define PAGE         UINT64_C(4096)
#define SPACE_PAGES  UINT64_C(0x100000) /* 4 GiB of I/O addresses */
#define BUFFER_BYTES 2048u
#define BUFFERS      64u
#define THREADS      2u
#define ROUNDS       20000u

/* What the kernel would know: where each page of the device's address space leads, 0: nowhere. */
struct container {
	_Atomic uint64_t page[SPACE_PAGES];
};

static int container_map(void *ctx, iotoll_iova_t iova, iotoll_phys_t vaddr, uint64_t bytes,
			 enum iotoll_dma_dir dir)
{
	struct container *c = ctx;

	(void)dir; /* VFIO_DMA_MAP_FLAG_READ and _WRITE */
	for (uint64_t at = 0; at < bytes; at += PAGE)
		atomic_store(&c->page[(IOTOLL_IOVA_U64(iova) + at) / PAGE],
			     IOTOLL_PHYS_U64(vaddr) + at);
	return 0;
}

static void container_unmap(void *ctx, iotoll_iova_t iova, uint64_t bytes)
{
	struct container *c = ctx;

	for (uint64_t at = 0; at < bytes; at += PAGE)
		atomic_store(&c->page[(IOTOLL_IOVA_U64(iova) + at) / PAGE], 0);
}

/* Where the device would write, or NULL: refused. */
static uint8_t *reachable(struct container *c, iotoll_iova_t iova)
{
	const uint64_t number = IOTOLL_IOVA_U64(iova);
	const uint64_t page = atomic_load(&c->page[number / PAGE]);

	return page != 0 ? (uint8_t *)(uintptr_t)(page + number % PAGE) : NULL;
}

struct worker {
	struct container *container;
	struct iotoll_dma_device *device;
	uint8_t *buffers; /* BUFFERS of them */
	unsigned long wrong;
};

static iotoll_phys_t address(const void *buffer)
{
	return IOTOLL_PHYS((uintptr_t)buffer);
}

/* Give each buffer to the device, have it write there, take the buffer back, have it try again. */
static void *work(void *arg)
{
	struct worker *w = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint8_t *const buffer = w->buffers + (size_t)(i % BUFFERS) * BUFFER_BYTES;
		const iotoll_iova_t iova = iotoll_dma_map_page(
			w->device, address(buffer), BUFFER_BYTES, IOTOLL_DMA_FROM_DEVICE);
		uint8_t *seen;

		if (iotoll_dma_mapping_error(iova)) {
			w->wrong++;
			continue;
		}
		seen = reachable(w->container, iova);
		if (seen != buffer)
			w->wrong++;
		else
			memset(seen, (int)(i & 0xff), BUFFER_BYTES);
		iotoll_dma_unmap_page(w->device, iova, BUFFER_BYTES, IOTOLL_DMA_FROM_DEVICE);
		if (buffer[0] != (uint8_t)i || buffer[BUFFER_BYTES - 1] != (uint8_t)i)
			w->wrong++;
	}
	return NULL;
}

/* Two threads at once. How many rounds went wrong, or a negative errno value. */
static long run(struct container *container, struct iotoll_dma_device *device)
{
	struct worker worker[THREADS];
	pthread_t thread[THREADS];
	long wrong = 0;

	for (unsigned i = 0; i < THREADS; i++) {
		worker[i] = (struct worker){.container = container, .device = device};
		worker[i].buffers = aligned_alloc(PAGE, BUFFERS * BUFFER_BYTES);
		if (worker[i].buffers == NULL ||
		    pthread_create(&thread[i], NULL, work, &worker[i]) != 0)
			return -ENOMEM;
	}
	for (unsigned i = 0; i < THREADS; i++) {
		(void)pthread_join(thread[i], NULL);
		wrong += (long)worker[i].wrong;
		free(worker[i].buffers);
	}
	return wrong;
}

int main(void)
{
	static const struct iotoll_dma_hole messages = {.iova = IOTOLL_IOVA(0xfee00000),
							.bytes = 0x100000};
	struct container *const container = calloc(1, sizeof(*container));
	const struct iotoll_dma_callbacks callbacks = {.ctx = container,
						       .map = container_map,
						       .unmap = container_unmap,
						       .holes = &messages,
						       .hole_count = 1};
	/* Memory of the layer's own, for the allocator's structures. */
	const struct iotoll_env_config env_config = {.memory_bytes = UINT64_C(16) << 20};
	const struct iotoll_dma_config config = {.driver = "callbacks",
						 .strategy = "strict",
						 .allocator = "magazines",
						 .table_entries = SPACE_PAGES,
						 .callbacks = &callbacks};
	struct dma_env *env = NULL;
	struct iotoll_dma_domain *domain = NULL;
	struct iotoll_dma_device *device = NULL;
	struct iotoll_dma_stats stats;
	unsigned long left = 0;
	char why[200] = "";
	long wrong;

	if (container == NULL || iotoll_env_create(&env, &env_config) != 0 ||
	    iotoll_dma_domain_create(&domain, env, &config, why, sizeof(why)) != 0 ||
	    iotoll_dma_attach(&device, domain, 0, UINT32_MAX) != 0) {
		fprintf(stderr, "cannot begin: %s\n", why);
		return 1;
	}
	wrong = run(container, device);
	iotoll_dma_domain_stats(domain, &stats);
	for (uint64_t i = 0; i < SPACE_PAGES; i++)
		left += atomic_load(&container->page[i]) != 0;
	printf("%u threads: %llu maps, %llu unmaps, %ld wrong, %lu pages left in reach\n", THREADS,
	       (unsigned long long)stats.maps, (unsigned long long)stats.unmaps, wrong, left);
	iotoll_dma_detach(device);
	iotoll_dma_domain_destroy(domain);
	iotoll_env_destroy(env);
	free(container);
	return wrong == 0 && left == 0 ? 0 : 1;
}
