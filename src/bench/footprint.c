/* SPDX-License-Identifier: MIT */
/*
 * Memory that the library needs for each page that is mapped, beside the translation table, which
 * is the hardware's: what creating a domain and mapping so many pages in it takes from the heap and
 * from the environment's page frames, minus the frames that hold tables, by the pages.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "bench/footprint.h"
#include "bench/machine.h"
#include "dma_env.h"

#define PAGE    4096u
#define MAPPED  (1u << 18) /* pages, one by one: 1 GiB */
#define ENTRIES 512u       /* of a VT-d table: 9 bits a level, section 9.8 */

static uint64_t heap_bytes(void)
{
	const struct mallinfo2 now = mallinfo2();

	return (uint64_t)now.uordblks + (uint64_t)now.hblkhd;
}

/* A sanitizer's allocator does not say what it has handed out. */
static bool heap_tells(void)
{
	const uint64_t before = heap_bytes();
	void *volatile block = malloc(1 << 16);
	const uint64_t after = heap_bytes();

	free(block);
	return after >= before + (1 << 16);
}

/* Frames of the tables from the one at @paddr down; level 1 holds the leaves. */
static uint64_t table_frames(struct dma_env *env, uint64_t paddr, unsigned level)
{
	const uint64_t *entry = iotoll_env_ptr(env, IOTOLL_PHYS(paddr), PAGE);
	uint64_t frames = 1;

	for (unsigned i = 0; level > 1 && entry && i < ENTRIES; i++)
		if (entry[i] & 3)
			frames += table_frames(env, entry[i] & UINT64_C(0x000FFFFFFFFFF000),
					       level - 1);
	return frames;
}

static int map_all(struct machine *m, uint64_t buffers, struct err *err)
{
	for (unsigned i = 0; i < MAPPED; i++)
		if (iotoll_dma_mapping_error(iotoll_dma_map_page(
			    m->device[0], IOTOLL_PHYS(buffers + (uint64_t)i * PAGE), PAGE,
			    IOTOLL_DMA_BIDIRECTIONAL)))
			return err_set(err, -EIO, "page %u of %u could not be mapped", i, MAPPED);
	return 0;
}

static int footprint_count(const struct bench_setup *setup, double *figure, struct err *err)
{
	uint64_t heap, frames, buffers, tables;
	struct machine m;
	size_t bytes;
	int rc;

	if (!heap_tells())
		return err_set(err, -EOPNOTSUPP,
			       "this program's allocator does not say how much it "
			       "has handed out");
	heap = heap_bytes();
	rc = machine_open(&m, setup, MAPPED, 0, err);
	if (rc)
		return rc;
	rc = machine_frames(&m, MAPPED, &buffers, err);
	if (!rc)
		rc = map_all(&m, buffers, err);
	if (!rc) {
		iotoll_phys_t root;

		iotoll_dma_domain_table(m.domain, &root, &bytes);
		frames = memory_allocated_pages(m.env->memory) - MAPPED;
		tables = table_frames(m.env, IOTOLL_PHYS_U64(root), 4);
		*figure =
			((double)(heap_bytes() - heap) + (double)(frames - tables) * PAGE) / MAPPED;
	}
	machine_close(&m);
	return rc;
}

const struct subject footprint = {.count = footprint_count};
