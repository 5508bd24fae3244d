/* SPDX-License-Identifier: MIT */
/*
 * DAMN, a DMA-aware allocator (Markuze, Smolyar, Morrison and Tsafrir, "DAMN: Overhead-Free IOMMU
 * Protection for Networking", ASPLOS 2018): packets' buffers come from chunks of 64 KiB that are
 * zeroed and mapped once, for a device and with the rights that it needs; a map says where that is,
 * an unmap is a test. For each device, rights, CPU and context (interrupts, or tasks: so that
 * neither comes in between the other) there are two allocators, one of bytes and one of pages, that
 * cut buffers from a chunk one behind the other; a chunk whose buffers have all come back goes
 * to a magazine. What the kernel reads of a packet it copies first: buffer_ops.changes, and the
 * stack's part. All other memory is mapped strictly.
 *
 * Where the paper has a bit of a 48-bit I/O address say that it is one of these, and other bits
 * whose, tables here are too small for that: it is a bit for each entry, and a line for each page
 * frame (owned.h). Buffers begin with a cache line and those smaller than a page lie in one: our
 * choice. There is one NUMA node, and no memory pressure: chunks stay until their device goes.
 */
#include <errno.h>

#include "dma/strategy/damn_magazine.h"
#include "dma/strategy/owned.h"

#define CHUNK_PAGES 16u
#define RIGHTS      3u
#define CONTEXTS    2u

struct cache {
	struct dma_quiet quiet; /* in place of the CPU, on real threads */
	uint64_t line;
	struct owned_carver bytes, pages;
	struct damn_pair pair;
};

struct damn {
	struct owned_device device; /* first */
	struct damn_store store;
	struct damn_depot depot[RIGHTS];
	unsigned caches;
	struct cache *cache;
	iotoll_phys_t lines; /* the caches', and the depots' locks' */
	uint64_t line_pages;
};

static struct owned *owned_of(const struct damn *d)
{
	return d->device.dev->domain->strategy_data;
}

static struct cache *enter(struct damn *d, enum iotoll_dma_dir dir)
{
	struct dma_env *env = d->device.dev->domain->env;
	const unsigned context = env_cpu(env) * CONTEXTS + env_in_interrupt(env);
	struct cache *c = &d->cache[context * RIGHTS + dir];

	env_quiet_lock(&c->quiet);
	env_touch(env, IOTOLL_PHYS(c->line), DMA_LINE_BYTES, true);
	return c;
}

static void leave(struct cache *c)
{
	env_quiet_unlock(&c->quiet);
}

/* Nobody uses the chunk any more. */
static void put_chunk(struct damn *d, struct cache *c, uint64_t frame, enum iotoll_dma_dir dir)
{
	if (!damn_put(&c->pair, &d->depot[dir], frame))
		owned_leave(owned_of(d), &d->device, frame);
}

/* A chunk to cut from, in place of what is used up: the same again, if all of it is back. */
static int next_chunk(struct damn *d, struct cache *c, struct owned_carver *carver,
		      const struct owned_want *want)
{
	struct owned *o = owned_of(d);
	uint64_t frame = carver->unit - 1;
	struct owned_page *page;
	int rc;

	if (!carver->unit || !owned_put(o, frame)) {
		carver->unit = 0;
		if (!damn_get(&c->pair, &d->depot[want->dir], &frame)) {
			rc = owned_make(o, &d->device, want, &frame);
			if (rc)
				return rc;
		}
	}
	page = lines_touch(&o->frames, frame, true);
	__atomic_store_n(&page->refs, 1, __ATOMIC_RELAXED);
	*carver = (struct owned_carver){.unit = frame + 1};
	return 0;
}

static int damn_alloc(struct iotoll_dma_device *dev, size_t bytes, enum iotoll_dma_dir dir,
		      unsigned ring, uint64_t *paddr)
{
	const bool whole = bytes >= DMA_PAGE_BYTES;
	const size_t align = whole ? DMA_PAGE_BYTES : DMA_LINE_BYTES;
	struct damn *d = dev->strategy_data;
	struct owned_carver *carver;
	struct cache *c;
	int rc = 0;

	if (bytes > (size_t)CHUNK_PAGES * DMA_PAGE_BYTES || (unsigned)dir >= RIGHTS)
		return -EINVAL;
	c = enter(d, dir);
	carver = whole ? &c->pages : &c->bytes;
	if (!owned_carve(owned_of(d), carver, bytes, align, paddr)) {
		rc = next_chunk(
			d, c, carver,
			&(struct owned_want){.owner = d, .dir = dir, .ring = ring, .clear = true});
		if (!rc)
			(void)owned_carve(owned_of(d), carver, bytes, align, paddr);
	}
	leave(c);
	return rc;
}

static void put(struct damn *d, uint64_t frame, enum iotoll_dma_dir dir)
{
	struct cache *c;

	if (!owned_put(owned_of(d), frame))
		return;
	c = enter(d, dir);
	put_chunk(d, c, frame, dir);
	leave(c);
}

static int damn_free(struct iotoll_dma_device *dev, uint64_t paddr)
{
	struct owned_page *page;
	struct damn *d;
	uint64_t frame;

	page = owned_end(dev->domain->strategy_data, paddr, &frame);
	if (!page)
		return -ENOENT;
	d = page->owner;
	put(d, frame, page->dir);
	return d->device.dev == dev ? 0 : -EXDEV;
}

static int damn_hold(struct iotoll_dma_device *dev, uint64_t paddr)
{
	const struct owned *o = dev->domain->strategy_data;
	struct owned_page *page = owned_peek(o, paddr);

	if (!page)
		return -ENOENT;
	page = lines_atomic(&o->frames, owned_unit(o, paddr));
	(void)__atomic_fetch_add(&page->holds, 1, __ATOMIC_RELAXED);
	(void)__atomic_fetch_add(&page->refs, 1, __ATOMIC_RELAXED);
	return 0;
}

static int damn_drop(struct iotoll_dma_device *dev, uint64_t paddr)
{
	const struct owned *o = dev->domain->strategy_data;
	struct owned_page *page = owned_peek(o, paddr);

	/* One is the strategy's own. */
	if (!page || __atomic_load_n(&page->holds, __ATOMIC_RELAXED) <= 1)
		return -ENOENT;
	(void)__atomic_fetch_sub(&page->holds, 1, __ATOMIC_RELAXED);
	put(page->owner, owned_unit(o, paddr), page->dir);
	return 0;
}

static bool damn_changes(const struct iotoll_dma_domain *domain, uint64_t paddr)
{
	const struct owned_page *page = owned_peek(domain->strategy_data, paddr);

	return page && page->dir != IOTOLL_DMA_TO_DEVICE;
}

/* ---- life ---- */

static void free_device(struct damn *d)
{
	for (unsigned i = 0; i < d->caches; i++)
		env_quiet_fini(&d->cache[i].quiet);
	for (unsigned i = 0; i < RIGHTS; i++)
		env_lock_fini(&d->depot[i].lock);
	damn_store_fini(&d->store);
	env_free_pages(d->device.dev->domain->env, d->lines, d->line_pages);
	free(d->cache);
	free(d);
}

static int damn_attached(struct iotoll_dma_device *dev)
{
	struct dma_env *env = dev->domain->env;
	const unsigned caches = env_cpus(env) * CONTEXTS * RIGHTS;
	struct damn *d = calloc(1, sizeof(*d));
	uint64_t line;

	if (!d)
		return -ENOMEM;
	d->device.dev = dev;
	d->caches = caches;
	d->line_pages = dma_pages(0, (size_t)(caches + RIGHTS) * DMA_LINE_BYTES);
	d->cache = calloc(caches, sizeof(*d->cache));
	if (!d->cache || env_alloc_pages(env, d->line_pages, DMA_PAGE_BYTES, 0, &d->lines)) {
		free(d->cache);
		free(d);
		return -ENOMEM;
	}
	line = IOTOLL_PHYS_U64(d->lines);
	for (unsigned i = 0; i < caches; i++, line += DMA_LINE_BYTES) {
		env_quiet_init(&d->cache[i].quiet);
		d->cache[i].line = line;
	}
	damn_store_init(&d->store, env);
	for (unsigned i = 0; i < RIGHTS; i++, line += DMA_LINE_BYTES) {
		d->depot[i].store = &d->store;
		env_lock_init(env, &d->depot[i].lock, IOTOLL_PHYS(line));
	}
	dev->strategy_data = d;
	return 0;
}

static void damn_detached(struct iotoll_dma_device *dev)
{
	const int token = env_enter(dev->domain->env, DMA_PHASE_UNMAP);
	struct damn *d = dev->strategy_data;

	owned_leave_all(owned_of(d), &d->device);
	free_device(d);
	env_leave(dev->domain->env, token);
}

static int damn_create(struct iotoll_dma_domain *domain)
{
	return owned_create(domain, CHUNK_PAGES);
}

static const struct buffer_ops damn_buffers = {
	.alloc = damn_alloc,
	.free = damn_free,
	.hold = damn_hold,
	.drop = damn_drop,
	.changes = damn_changes,
};

const struct strategy_ops damn_ops = {
	.name = "damn",
	.title = "packets in memory that is mapped once and used for nothing else (DAMN)",
	.does = "Network buffers are cut from chunks of 64 KiB that were zeroed and mapped once, "
		"for a "
		"device and a direction; mapping one says where it is, unmapping it does nothing. "
		"The "
		"kernel copies the headers of what was received before it reads them. Everything "
		"else is mapped and unmapped strictly.",
	.protects =
		"All memory but the chunks, which never hold anything but packets of their device; "
		"and what the kernel decides by headers.",
	.gives_up =
		"What was received can be changed by the device until it has been copied to its "
		"reader; what was sent stays readable, with whatever else lies in the "
		"chunks.",
	.source = "Markuze, Smolyar, Morrison and Tsafrir, ASPLOS 2018",
	.translates = true,
	.own_locks = true,
	.create = damn_create,
	.destroy = owned_destroy,
	.attached = damn_attached,
	.detached = damn_detached,
	.map = owned_map,
	.unmap = owned_unmap,
	.owns = owned_owns,
	.buffers = &damn_buffers,
	.cleared = owned_cleared,
};
