/* SPDX-License-Identifier: MIT */
/* See swiotlb_pool.h. */
#include "dma/strategy/swiotlb_pool.h"

#include <errno.h>

#define PAGE_BYTES_ 4096u
#define PAGE_SLOTS  (PAGE_BYTES_ / SWIOTLB_SLOT_BYTES)
#define FOUR_GIB    (UINT64_C(1) << 32)

/* struct io_tlb_slot: 24 bytes. */
struct slot {
	uint64_t request[2]; /* Linux's orig_addr and alloc_size */
	uint16_t free;       /* slots from here on, up to the end of the segment; 0: taken */
	uint16_t end[3];     /* Linux's pad_slots, and to the next one */
};

/* struct io_tlb_area: four of them share a cache line. */
struct area {
	uint64_t used;
	uint32_t index; /* where the next search begins */
	uint32_t lock;  /* its word; held by @locks */
};

_Static_assert(sizeof(struct slot) == 24, "a slot is as large as Linux's");
_Static_assert(sizeof(struct area) == 16, "an area is as large as Linux's");

static iotoll_phys_t slot_paddr(const struct swiotlb_pool *pool, uint64_t i)
{
	return IOTOLL_PHYS(IOTOLL_PHYS_U64(pool->slot_list) + i * sizeof(struct slot));
}

static struct slot *slot_peek(const struct swiotlb_pool *pool, uint64_t i)
{
	return env_ptr(pool->env, slot_paddr(pool, i), sizeof(struct slot));
}

static struct slot *slot_touch(const struct swiotlb_pool *pool, uint64_t i, bool write)
{
	env_work(pool->env, DMA_WORK_BITMAP_WORD, 1);
	env_touch(pool->env, slot_paddr(pool, i), sizeof(struct slot), write);
	return slot_peek(pool, i);
}

static struct area *area_peek(const struct swiotlb_pool *pool, unsigned i)
{
	return env_ptr(pool->env,
		       IOTOLL_PHYS(IOTOLL_PHYS_U64(pool->area_list) + i * sizeof(struct area)),
		       sizeof(struct area));
}

static struct area *area_lock(struct swiotlb_pool *pool, unsigned i)
{
	locks_take(pool->locks, i);
	env_touch(pool->env,
		  IOTOLL_PHYS(IOTOLL_PHYS_U64(pool->area_list) + i * sizeof(struct area)),
		  sizeof(struct area), true);
	return area_peek(pool, i);
}

/* Those before slot @i, in its segment, begin runs that are @free slots longer than up to it. */
static void tell_those_before(struct swiotlb_pool *pool, uint64_t i, uint16_t free)
{
	while (i % SWIOTLB_SEGMENT_SLOTS != 0 && slot_touch(pool, i - 1, false)->free)
		slot_touch(pool, --i, true)->free = ++free;
}

/* The first place that has room, from where the last search ended; all places are whole pages. */
static bool find(struct swiotlb_pool *pool, unsigned number, const struct area *area, uint64_t want,
		 uint64_t *slot)
{
	uint64_t index = area->index;

	if (want > pool->area_slots - area->used)
		return false;
	for (uint64_t seen = 0; seen < pool->area_slots; seen += PAGE_SLOTS) {
		*slot = number * pool->area_slots + index;
		if (slot_touch(pool, *slot, false)->free >= want)
			return true;
		index = (index + PAGE_SLOTS) % pool->area_slots;
	}
	return false;
}

/* swiotlb_search_area(). */
static bool take_from(struct swiotlb_pool *pool, unsigned number, uint64_t want, uint64_t *slot)
{
	struct area *area = area_lock(pool, number);
	const bool found = find(pool, number, area, want, slot);

	if (found) {
		for (uint64_t i = *slot; i < *slot + want; i++)
			slot_touch(pool, i, true)->free = 0;
		tell_those_before(pool, *slot, 0);
		area->index = (uint32_t)((*slot + want) % pool->area_slots);
		area->used += want;
	}
	locks_release(pool->locks, number);
	return found;
}

int swiotlb_pool_take(struct swiotlb_pool *pool, uint64_t pages, uint64_t *at)
{
	const unsigned mine = env_cpu(pool->env) % pool->areas;
	uint64_t slot;

	if (pages > SWIOTLB_SEGMENT_SLOTS / PAGE_SLOTS)
		return -ENOSPC;
	for (unsigned i = 0; i < pool->areas; i++)
		if (take_from(pool, (mine + i) % pool->areas, pages * PAGE_SLOTS, &slot)) {
			*at = IOTOLL_PHYS_U64(pool->memory) + slot * SWIOTLB_SLOT_BYTES;
			return 0;
		}
	return -ENOSPC;
}

/* swiotlb_release_slots(). */
void swiotlb_pool_give_back(struct swiotlb_pool *pool, uint64_t at, uint64_t pages)
{
	const uint64_t first = (at - IOTOLL_PHYS_U64(pool->memory)) / SWIOTLB_SLOT_BYTES;
	const uint64_t end = first + pages * PAGE_SLOTS;
	const unsigned number = (unsigned)(first / pool->area_slots);
	struct area *area = area_lock(pool, number);
	uint16_t free = 0;

	if (end % SWIOTLB_SEGMENT_SLOTS != 0)
		free = slot_touch(pool, end, false)->free;
	for (uint64_t i = end; i-- > first;)
		slot_touch(pool, i, true)->free = ++free;
	tell_those_before(pool, first, free);
	area->used -= end - first;
	locks_release(pool->locks, number);
}

/* ---- life ---- */

static uint64_t power_of_two_from(uint64_t n)
{
	uint64_t p = 1;

	while (p < n)
		p *= 2;
	return p;
}

/* swiotlb_init_remap(): half as much when there is not that much. */
static int get_memory(struct swiotlb_pool *pool, uint64_t below)
{
	while (env_alloc_pages(pool->env, pool->slots / PAGE_SLOTS, PAGE_BYTES_, below,
			       &pool->memory)) {
		if (pool->slots <= SWIOTLB_LEAST_PAGES * PAGE_SLOTS)
			return -ENOMEM;
		pool->slots /= 2;
	}
	return 0;
}

static uint64_t frames(uint64_t bytes)
{
	return (bytes + PAGE_BYTES_ - 1) / PAGE_BYTES_;
}

static void describe(struct swiotlb_pool *pool)
{
	for (uint64_t i = 0; i < pool->slots; i++)
		*slot_peek(pool, i) = (struct slot){
			.free = (uint16_t)(SWIOTLB_SEGMENT_SLOTS - i % SWIOTLB_SEGMENT_SLOTS)};
	for (unsigned i = 0; i < pool->areas; i++)
		*area_peek(pool, i) = (struct area){.used = 0};
}

/* What is known of slots and areas, for a pool that has memory. */
static int get_lists(struct swiotlb_pool *pool)
{
	int rc;

	pool->slot_list_frames = frames(pool->slots * sizeof(struct slot));
	pool->area_list_frames = frames(pool->areas * sizeof(struct area));
	rc = env_alloc_pages(pool->env, pool->slot_list_frames, PAGE_BYTES_, 0, &pool->slot_list);
	if (rc)
		return rc;
	rc = env_alloc_pages(pool->env, pool->area_list_frames, PAGE_BYTES_, 0, &pool->area_list);
	if (!rc) {
		rc = locks_init_at(pool->locks, pool->env, pool->areas, pool->area_list,
				   sizeof(struct area));
		if (!rc)
			return 0;
		env_free_pages(pool->env, pool->area_list, pool->area_list_frames);
	}
	env_free_pages(pool->env, pool->slot_list, pool->slot_list_frames);
	return rc;
}

int swiotlb_pool_create(struct swiotlb_pool *pool, struct dma_env *env, struct locks *locks,
			uint64_t pages, uint64_t below)
{
	const uint64_t areas = power_of_two_from(env_cpus(env));
	const uint64_t least = areas * SWIOTLB_SEGMENT_SLOTS;
	/* More than all memory comes down to what there is all the same. */
	const uint64_t all = env_memory_bytes(env) / PAGE_BYTES_;
	const uint64_t asked = (pages < all ? pages : all) * PAGE_SLOTS;
	int rc;

	*pool = (struct swiotlb_pool){.env = env, .locks = locks};
	pool->slots = power_of_two_from(asked > least ? asked : least);
	rc = get_memory(pool, below && below < FOUR_GIB ? below : FOUR_GIB);
	if (rc)
		return rc;
	pool->areas = (unsigned)areas;
	if (areas > pool->slots / SWIOTLB_SEGMENT_SLOTS)
		pool->areas = (unsigned)(pool->slots / SWIOTLB_SEGMENT_SLOTS);
	pool->area_slots = pool->slots / pool->areas;
	rc = get_lists(pool);
	if (rc)
		env_free_pages(env, pool->memory, pool->slots / PAGE_SLOTS);
	else
		describe(pool);
	return rc;
}

void swiotlb_pool_destroy(struct swiotlb_pool *pool)
{
	env_free_pages(pool->env, pool->area_list, pool->area_list_frames);
	env_free_pages(pool->env, pool->slot_list, pool->slot_list_frames);
	env_free_pages(pool->env, pool->memory, pool->slots / PAGE_SLOTS);
}

/* ---- invariants ---- */

bool swiotlb_pool_check(const struct swiotlb_pool *pool)
{
	for (unsigned k = 0; k < pool->areas; k++) {
		const struct area *area = area_peek(pool, k);
		const uint64_t end = (k + 1) * pool->area_slots;
		uint64_t used = 0;
		uint16_t free = 0;

		for (uint64_t i = end; i-- > end - pool->area_slots;) {
			if (i % SWIOTLB_SEGMENT_SLOTS == SWIOTLB_SEGMENT_SLOTS - 1)
				free = 0;
			free = slot_peek(pool, i)->free ? (uint16_t)(free + 1) : 0;
			used += free == 0;
			if (slot_peek(pool, i)->free != free)
				return false;
		}
		if (used != area->used || area->index >= pool->area_slots ||
		    area->index % PAGE_SLOTS != 0)
			return false;
	}
	return true;
}

uint64_t swiotlb_pool_used(const struct swiotlb_pool *pool)
{
	uint64_t used = 0;

	for (unsigned i = 0; i < pool->areas; i++)
		used += area_peek(pool, i)->used;
	return used;
}
