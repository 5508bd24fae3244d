/* SPDX-License-Identifier: MIT */
/* See copyrig.h. */
#include "copyrig.h"

#include <stdio.h>

#define LIVE 24u

const char *copyrig_model(unsigned index)
{
	static const char *const models[] = {"calgary", "dart-u4", "vtd", "amdvi"};

	return index < sizeof(models) / sizeof(models[0]) ? models[index] : NULL;
}

uint8_t copyrig_mine(uint64_t paddr)
{
	return (uint8_t)(paddr * 7 + (paddr >> 12) * 13 + 1);
}

uint8_t *copyrig_memory(struct hwrig *h, uint64_t paddr)
{
	return memory_ptr(h->memory, paddr, 1);
}

bool copyrig_untouched(struct hwrig *h, uint64_t paddr, size_t bytes)
{
	for (uint64_t at = paddr; at < paddr + bytes; at++)
		if (*copyrig_memory(h, at) != copyrig_mine(at))
			return false;
	return true;
}

void copyrig_start(struct hwrig *h, const char *model, const char *strategy, uint64_t quota,
		   bool check_misuse)
{
	const struct iotoll_dma_config config = {.driver = model,
						 .strategy = strategy,
						 .allocator = "next-fit",
						 .table_entries = 8192,
						 .quota = quota,
						 .check_misuse = check_misuse};
	struct iommu_config hw = {.model = model, .iotlb = iommu_find(model)->geometry};

	snprintf(hw.iotlb.policy, sizeof(hw.iotlb.policy), "lru");
	hwrig_start_as(h, &hw, &config);
	for (uint64_t at = ARENA; at < ARENA + ARENA_BYTES; at++)
		*copyrig_memory(h, at) = copyrig_mine(at);
}

/* Page by page, as a device's requests are translated. */
static int move(struct hwrig *h, uint64_t iova, void *to, const void *from, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		const size_t left = 4096 - (iova + done) % 4096;
		const size_t n = bytes - done < left ? bytes - done : left;
		uint64_t paddr;
		const int rc =
			hwrig_access(h, iova + done, from ? IOTOLL_WRITE : IOTOLL_READ, &paddr);

		if (rc)
			return rc;
		if (from)
			memcpy(memory_ptr(h->memory, paddr, n), (const uint8_t *)from + done, n);
		else
			memcpy((uint8_t *)to + done, memory_ptr(h->memory, paddr, n), n);
		done += n;
	}
	return 0;
}

int copyrig_write(struct hwrig *h, uint64_t iova, const void *from, size_t bytes)
{
	return move(h, iova, NULL, from, bytes);
}

int copyrig_read(struct hwrig *h, uint64_t iova, void *to, size_t bytes)
{
	return move(h, iova, to, NULL, bytes);
}

uint64_t copyrig_map(struct hwrig *h, uint64_t paddr, size_t bytes, enum iotoll_dma_dir dir)
{
	const iotoll_iova_t iova = iotoll_dma_map_page(h->dev, IOTOLL_PHYS(paddr), bytes, dir);

	assert_false(iotoll_dma_mapping_error(iova));
	assert_int_equal(IOTOLL_IOVA_U64(iova) % 4096, paddr % 4096);
	return IOTOLL_IOVA_U64(iova);
}

void copyrig_unmap(struct hwrig *h, uint64_t iova, size_t bytes, enum iotoll_dma_dir dir)
{
	iotoll_dma_unmap_page(h->dev, IOTOLL_IOVA(iova), bytes, dir);
}

/* ---- a random program ---- */

struct request {
	uint64_t paddr, iova;
	size_t bytes;
	enum iotoll_dma_dir dir;
};

struct world {
	struct hwrig *h;
	struct rng *rng;
	struct request live[LIVE];
	unsigned n;
	uint8_t model[ARENA_BYTES]; /* what the driver's memory has to hold */
	uint8_t bytes[ARENA_BYTES];
};

/* Live requests do not overlap: drivers give a byte away once. */
static bool overlaps(const struct world *w, const struct request *r)
{
	for (unsigned i = 0; i < w->n; i++)
		if (r->paddr < w->live[i].paddr + w->live[i].bytes &&
		    w->live[i].paddr < r->paddr + r->bytes)
			return true;
	return false;
}

static void check_memory(struct world *w)
{
	assert_memory_equal(w->model, copyrig_memory(w->h, ARENA), ARENA_BYTES);
}

/* The driver has new data in the range, before it gives it away. */
static void scribble(struct world *w, const struct request *r)
{
	uint8_t *mine = copyrig_memory(w->h, r->paddr);

	for (size_t i = 0; i < r->bytes; i++)
		mine[i] = w->model[r->paddr - ARENA + i] = (uint8_t)rng_below(w->rng, 256);
}

static void begin(struct world *w, size_t longest)
{
	const uint64_t kind = rng_below(w->rng, 8);
	const size_t most = kind < 4 ? 2048 : kind < 7 ? 16384 : longest;
	struct request r = {.bytes = 1 + rng_below(w->rng, most),
			    .dir = (enum iotoll_dma_dir)rng_below(w->rng, 3)};

	r.paddr = ARENA + rng_below(w->rng, ARENA_BYTES - r.bytes);
	if (rng_below(w->rng, 4) == 0) {
		r.paddr &= ~UINT64_C(4095);
		r.bytes = (r.bytes + 4095) & ~(size_t)4095;
		if (r.paddr + r.bytes > ARENA + ARENA_BYTES)
			return;
	}
	if (overlaps(w, &r))
		return;
	scribble(w, &r);
	r.iova = copyrig_map(w->h, r.paddr, r.bytes, r.dir);
	w->live[w->n++] = r;
}

/* The device reads what the driver gave it. */
static void device_reads(struct world *w, const struct request *r)
{
	if (r->dir == IOTOLL_DMA_FROM_DEVICE)
		return;
	assert_int_equal(copyrig_read(w->h, r->iova, w->bytes, r->bytes), 0);
	assert_memory_equal(w->bytes, &w->model[r->paddr - ARENA], r->bytes);
}

/* It fills all of it; the driver sees that at the latest when it has it back. */
static void device_writes(struct world *w, const struct request *r)
{
	if (r->dir == IOTOLL_DMA_TO_DEVICE)
		return;
	for (size_t i = 0; i < r->bytes; i++)
		w->bytes[i] = (uint8_t)rng_below(w->rng, 256);
	assert_int_equal(copyrig_write(w->h, r->iova, w->bytes, r->bytes), 0);
}

static void end(struct world *w, unsigned i)
{
	const struct request r = w->live[i];

	device_reads(w, &r);
	device_writes(w, &r);
	if (r.dir != IOTOLL_DMA_TO_DEVICE && rng_below(w->rng, 2)) {
		iotoll_dma_sync_single_for_cpu(w->h->dev, IOTOLL_IOVA(r.iova), r.bytes, r.dir);
		assert_memory_equal(copyrig_memory(w->h, r.paddr), w->bytes, r.bytes);
	}
	copyrig_unmap(w->h, r.iova, r.bytes, r.dir);
	if (r.dir != IOTOLL_DMA_TO_DEVICE)
		memcpy(&w->model[r.paddr - ARENA], w->bytes, r.bytes);
	w->live[i] = w->live[--w->n];
	check_memory(w);
	/* A late write: to nothing, or to what is the device's anyway. */
	memset(w->bytes, 0xee, r.bytes);
	for (unsigned k = 0; k < w->n; k++) /* its own requests it may of course spoil */
		if (r.iova / 4096 <= (w->live[k].iova + w->live[k].bytes) / 4096 &&
		    w->live[k].iova / 4096 <= (r.iova + r.bytes) / 4096)
			return;
	(void)copyrig_write(w->h, r.iova, w->bytes, r.bytes);
	check_memory(w);
}

void copyrig_random_program(struct hwrig *h, struct rng *rng, size_t longest)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->h = h;
	w->rng = rng;
	memcpy(w->model, copyrig_memory(h, ARENA), ARENA_BYTES);
	for (unsigned step = 0; step < 600; step++) {
		if (w->n < LIVE && rng_below(rng, 2))
			begin(w, longest);
		else if (w->n)
			end(w, (unsigned)rng_below(rng, w->n));
	}
	while (w->n)
		end(w, w->n - 1);
	assert_int_equal(hwrig_stats(h).misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 0);
	assert_int_equal(hwrig_stats(h).maps, hwrig_stats(h).unmaps);
	free(w);
}
