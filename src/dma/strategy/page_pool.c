/* SPDX-License-Identifier: MIT */
/*
 * The page pool (Linux: net/core/page_pool.c of 6.6): pages to receive into are mapped when a pool
 * takes them in and stay so while they go round between driver and stack; a pool for each ring, an
 * array of 128 that only its softirq touches, without a lock; a ring of pointers (ptr_ring.h), with
 * a lock for those who give back in other contexts or on other CPUs; new pages by 64. A page leaves
 * its pool, and is unmapped then, if somebody else holds it when its last buffer comes back, or if
 * the ring is full. Buffers smaller than a page are cut from one (page_pool_alloc_frag()).
 *
 * All machines modelled keep caches coherent with DMA: giving a page to the device again needs no
 * cache maintenance (PP_FLAG_DMA_SYNC_DEV). Where Linux's drivers read the address out of struct
 * page, ours ask the DMA API; where they only synchronise, ours unmap, which finds nothing to do:
 * one call more, charged, and who may use a buffer when stays known. What memory a kernel's page
 * allocator costs is charged nowhere, so not here.
 */
#include <errno.h>

#include "dma/strategy/owned.h"

#define CACHE_PAGES 128u  /* PP_ALLOC_CACHE_SIZE */
#define REFILL      64u   /* PP_ALLOC_CACHE_REFILL */
#define RING_PAGES  1024u /* what page_pool_init() takes where nothing is said */
#define POOLS       64u   /* rings beyond share: our choice */

/* Its home in memory: a line for the cache's count, the producers', the consumer's; the arrays. */
#define HOME_PAGES 4u
#define PRODUCER   64u
#define CONSUMER   128u
#define CACHE_AT   DMA_PAGE_BYTES
#define RING_AT    (2 * DMA_PAGE_BYTES)

_Static_assert(RING_AT + RING_PAGES * 8 <= HOME_PAGES * DMA_PAGE_BYTES, "the ring has its place");

struct pool {
	struct owned_device *device;
	unsigned ring, cpu; /* who took a page last */
	uint64_t home;
	struct dma_quiet quiet; /* in place of the softirq, on real threads */
	struct owned_carver carver;
	unsigned cached;
	uint32_t cache[CACHE_PAGES]; /* frames */
	struct dma_lock producer;
	uint32_t back[RING_PAGES]; /* frames + 1; 0: none */
	unsigned head, tail;       /* the consumer's, the producers' */
};

struct pools {
	struct owned_device device; /* first */
	struct dma_quiet quiet;     /* around making one */
	struct pool *pool[POOLS];
};

static struct owned *owned_of(const struct pool *p)
{
	return p->device->dev->domain->strategy_data;
}

static void touch(const struct pool *p, uint64_t at, bool write)
{
	env_touch(p->device->dev->domain->env, IOTOLL_PHYS(p->home + at), sizeof(uint64_t), write);
}

/* ---- the ring of pointers ---- */

/* True if there was room. */
static bool ring_put(struct pool *p, uint64_t frame)
{
	struct dma_env *env = p->device->dev->domain->env;
	bool room;

	env_lock(env, &p->producer);
	touch(p, RING_AT + p->tail * UINT64_C(8), true);
	room = !__atomic_load_n(&p->back[p->tail], __ATOMIC_ACQUIRE);
	if (room) {
		__atomic_store_n(&p->back[p->tail], (uint32_t)frame + 1, __ATOMIC_RELEASE);
		p->tail = (p->tail + 1) % RING_PAGES;
	}
	env_unlock(env, &p->producer);
	return room;
}

/* page_pool_refill_alloc_cache(). */
static void refill_from_ring(struct pool *p)
{
	uint32_t frame;

	touch(p, CONSUMER, true);
	while (p->cached < REFILL) {
		touch(p, RING_AT + p->head * UINT64_C(8), false);
		frame = __atomic_load_n(&p->back[p->head], __ATOMIC_ACQUIRE);
		if (!frame)
			return;
		touch(p, RING_AT + p->head * UINT64_C(8), true);
		__atomic_store_n(&p->back[p->head], 0, __ATOMIC_RELEASE);
		p->head = (p->head + 1) % RING_PAGES;
		touch(p, CACHE_AT + p->cached * UINT64_C(8), true);
		p->cache[p->cached++] = frame - 1;
	}
}

/* ---- pages ---- */

/* __page_pool_alloc_pages_slow(): as many as can be had. 0, or why there is not one. */
static int refill_with_new(struct pool *p)
{
	const struct owned_want want = {.owner = p, .dir = IOTOLL_DMA_FROM_DEVICE, .ring = p->ring};
	uint64_t frame;
	int rc = 0;

	while (!rc && p->cached < REFILL) {
		rc = owned_make(owned_of(p), p->device, &want, &frame);
		if (rc)
			break;
		touch(p, CACHE_AT + p->cached * UINT64_C(8), true);
		p->cache[p->cached++] = (uint32_t)frame;
	}
	return p->cached ? 0 : rc;
}

/* A page for the carver to cut from. */
static int next_page(struct pool *p)
{
	struct owned_page *page;
	int rc = 0;

	touch(p, 0, true);
	if (!p->cached)
		refill_from_ring(p);
	if (!p->cached)
		rc = refill_with_new(p);
	if (rc)
		return rc;
	touch(p, CACHE_AT + (p->cached - 1) * UINT64_C(8), false);
	p->carver = (struct owned_carver){.unit = p->cache[--p->cached] + UINT64_C(1)};
	page = lines_touch(&owned_of(p)->frames, p->carver.unit - 1, true);
	__atomic_store_n(&page->refs, 1, __ATOMIC_RELAXED);
	return 0;
}

/*
 * page_pool_put_defragged_page(): the page's last buffer came back. @direct: by who may touch the
 * cache.
 */
static void recycle(struct pool *p, uint64_t frame, bool direct)
{
	const struct owned_page *page = lines_peek(&owned_of(p)->frames, frame);

	/* page_ref_count(page) == 1 */
	if (__atomic_load_n(&page->holds, __ATOMIC_ACQUIRE) != 1) {
		owned_leave(owned_of(p), p->device, frame);
	} else if (direct && p->cached < CACHE_PAGES) {
		touch(p, 0, true);
		touch(p, CACHE_AT + p->cached * UINT64_C(8), true);
		p->cache[p->cached++] = (uint32_t)frame;
	} else if (!ring_put(p, frame)) {
		owned_leave(owned_of(p), p->device, frame);
	}
}

/* The carver's page is used up: what is out of it comes back by itself. */
static void retire(struct pool *p)
{
	const uint64_t frame = p->carver.unit - 1;

	if (!p->carver.unit)
		return;
	p->carver.unit = 0;
	if (owned_put(owned_of(p), frame))
		recycle(p, frame, true);
}

/* ---- pools ---- */

static struct pool *make_pool(struct owned_device *device, unsigned ring)
{
	struct dma_env *env = device->dev->domain->env;
	struct pool *p = calloc(1, sizeof(*p));
	iotoll_phys_t home;

	if (!p || env_alloc_pages(env, HOME_PAGES, DMA_PAGE_BYTES, 0, &home)) {
		free(p);
		return NULL;
	}
	p->device = device;
	p->ring = ring;
	p->home = IOTOLL_PHYS_U64(home);
	env_quiet_init(&p->quiet);
	env_lock_init(env, &p->producer, IOTOLL_PHYS(p->home + PRODUCER));
	return p;
}

static void free_pool(struct pool *p)
{
	env_lock_fini(&p->producer);
	env_quiet_fini(&p->quiet);
	env_free_pages(p->device->dev->domain->env, IOTOLL_PHYS(p->home), HOME_PAGES);
	free(p);
}

static struct pool *pool_of(struct pools *all, unsigned ring)
{
	struct pool **at = &all->pool[ring % POOLS];
	struct pool *p = __atomic_load_n(at, __ATOMIC_ACQUIRE);

	if (p)
		return p;
	env_quiet_lock(&all->quiet);
	p = *at;
	if (!p) {
		p = make_pool(&all->device, ring);
		__atomic_store_n(at, p, __ATOMIC_RELEASE);
	}
	env_quiet_unlock(&all->quiet);
	return p;
}

static int pool_alloc(struct iotoll_dma_device *dev, size_t bytes, enum iotoll_dma_dir dir,
		      unsigned ring, uint64_t *paddr)
{
	struct pool *p;
	int rc = 0;

	if (bytes > DMA_PAGE_BYTES || dir != IOTOLL_DMA_FROM_DEVICE)
		return -EINVAL;
	p = pool_of(dev->strategy_data, ring);
	if (!p)
		return -ENOMEM;
	env_quiet_lock(&p->quiet);
	p->cpu = env_cpu(dev->domain->env);
	if (!owned_carve(owned_of(p), &p->carver, bytes, DMA_LINE_BYTES, paddr)) {
		retire(p);
		rc = next_page(p);
		if (!rc)
			(void)owned_carve(owned_of(p), &p->carver, bytes, DMA_LINE_BYTES, paddr);
	}
	env_quiet_unlock(&p->quiet);
	return rc;
}

static int pool_free(struct iotoll_dma_device *dev, uint64_t paddr)
{
	struct dma_env *env = dev->domain->env;
	struct owned *o = dev->domain->strategy_data;
	struct iotoll_dma_device *its;
	struct pool *p;
	struct owned_page *page;
	uint64_t frame;

	page = owned_end(o, paddr, &frame);
	if (!page)
		return -ENOENT;
	its = page->dev;
	p = page->owner;
	if (owned_put(o, frame))
		recycle(p, frame, env_in_interrupt(env) && env_cpu(env) == p->cpu);
	return its == dev ? 0 : -EXDEV;
}

static int pool_hold(struct iotoll_dma_device *dev, uint64_t paddr)
{
	const struct owned *o = dev->domain->strategy_data;
	struct owned_page *page = owned_peek(o, paddr);

	if (!page)
		return -ENOENT;
	page = lines_atomic(&o->frames, owned_unit(o, paddr));
	(void)__atomic_fetch_add(&page->holds, 1, __ATOMIC_ACQ_REL);
	return 0;
}

static int pool_drop(struct iotoll_dma_device *dev, uint64_t paddr)
{
	struct owned *o = dev->domain->strategy_data;
	const struct owned_page *page = owned_peek(o, paddr);
	const struct pool *p = page ? page->owner : NULL;

	/* While it is mapped one hold is the pool's. */
	if (!page || __atomic_load_n(&page->holds, __ATOMIC_ACQUIRE) <= (page->entry != 0))
		return -ENOENT;
	owned_drop(o, p->device, owned_unit(o, paddr));
	return 0;
}

/* ---- hooks ---- */

static int pool_attached(struct iotoll_dma_device *dev)
{
	struct pools *all = calloc(1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	all->device.dev = dev;
	env_quiet_init(&all->quiet);
	dev->strategy_data = all;
	return 0;
}

static void pool_detached(struct iotoll_dma_device *dev)
{
	const int token = env_enter(dev->domain->env, DMA_PHASE_UNMAP);
	struct pools *all = dev->strategy_data;

	owned_leave_all(dev->domain->strategy_data, &all->device);
	for (unsigned i = 0; i < POOLS; i++)
		if (all->pool[i])
			free_pool(all->pool[i]);
	env_quiet_fini(&all->quiet);
	free(all);
	env_leave(dev->domain->env, token);
}

static int pool_create(struct iotoll_dma_domain *domain)
{
	return owned_create(domain, 1);
}

static const struct buffer_ops pool_buffers = {
	.alloc = pool_alloc,
	.free = pool_free,
	.hold = pool_hold,
	.drop = pool_drop,
};

const struct strategy_ops page_pool_ops = {
	.name = "page-pool",
	.title = "receive into pages that stay mapped and go round (Linux's page_pool)",
	.does = "Network drivers receive into pages of a pool for each ring. A page is mapped when "
		"it enters its pool and unmapped when it leaves it, because somebody else holds it "
		"or the pool is full. Everything else, what is sent among it, is mapped and "
		"unmapped "
		"strictly.",
	.protects =
		"All memory but the pools' pages, which are never used for anything but receiving "
		"while they are mapped.",
	.gives_up = "What was received can be changed by the device until it has been copied to "
		    "its "
		    "reader, headers included, and read by it where the IOMMU lets devices read "
		    "what they "
		    "may write; as can whatever lies in the pools.",
	.source = "Linux, net/core/page_pool.c (J. D. Brouer, 2018)",
	.translates = true,
	.own_locks = true,
	.create = pool_create,
	.destroy = owned_destroy,
	.attached = pool_attached,
	.detached = pool_detached,
	.map = owned_map,
	.unmap = owned_unmap,
	.owns = owned_owns,
	.buffers = &pool_buffers,
	.cleared = owned_cleared,
};
