/* SPDX-License-Identifier: MIT */
/*
 * One domain of the library over memory and the hardware half of an IOMMU (or, of driver
 * "callbacks", an address space that is the test's own), made as an embedder makes it. See
 * stress.h.
 */
#include "stress.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY (UINT64_C(64) << 20)
#define TIGHT  2048u  /* less than eight threads want */
#define FEW    8192u  /* entries: table and allocator go round often */
#define SOME   16384u /* where a strategy keeps some for itself */
#define MANY   65536u /* where memory has its own addresses, and others besides */
#define READS  1u
#define WRITES 2u
#define DEVID  16u

void world_broken(const struct world *w, const char *format, ...)
{
	const struct combination *c = w->of;
	va_list args;

	fprintf(stderr, "stress: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr,
		"\nstress: again: --strategy %s --driver %s --allocator %s --threads %u --locks %s"
		" --misuse %s%s --each %llu --seed %llu\n",
		c->strategy, c->driver, c->allocator, c->threads, c->split ? "split" : "one",
		c->check_misuse ? "on" : "off", c->tight ? " --tight" : "",
		(unsigned long long)c->operations, (unsigned long long)c->seed);
	(void)fflush(stdout);
	abort();
}

/* ---- the hardware half ---- */

static int read_memory(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	const void *from = memory_ptr(ctx, paddr, bytes);

	if (!from)
		return -EFAULT;
	memcpy(to, from, bytes);
	return 0;
}

static int write_memory(void *ctx, uint64_t paddr, const void *from, size_t bytes)
{
	void *to = memory_ptr(ctx, paddr, bytes);

	if (!to)
		return -EFAULT;
	memcpy(to, from, bytes);
	return 0;
}

static uint64_t reg_read(void *ctx, uint64_t offset, unsigned width)
{
	struct world *w = ctx;
	uint64_t value = 0;

	(void)pthread_mutex_lock(&w->hardware);
	if (iotoll_iommu_reg_read(w->iommu, offset, width, &value))
		world_broken(w, "a driver reads %u bytes at register %#llx", width,
			     (unsigned long long)offset);
	(void)pthread_mutex_unlock(&w->hardware);
	return value;
}

static void reg_write(void *ctx, uint64_t offset, uint64_t value, unsigned width)
{
	struct world *w = ctx;

	(void)pthread_mutex_lock(&w->hardware);
	if (iotoll_iommu_reg_write(w->iommu, offset, value, width))
		world_broken(w, "a driver writes %u bytes at register %#llx", width,
			     (unsigned long long)offset);
	(void)pthread_mutex_unlock(&w->hardware);
}

static bool is_model(const char *name)
{
	const char *model;

	for (unsigned i = 0; (model = iotoll_iommu_model_name(i, NULL)) != NULL; i++)
		if (strcmp(model, name) == 0)
			return true;
	return false;
}

static void make_model(struct world *w)
{
	struct iotoll_iommu_config config;
	char why[200] = "";

	(void)pthread_mutex_init(&w->hardware, NULL);
	if (!is_model(w->of->driver))
		return;
	if (iotoll_iommu_defaults(&config, w->of->driver))
		world_broken(w, "model %s has no defaults", w->of->driver);
	config.memory = (struct iotoll_memory){.ctx = w->memory,
					       .read = read_memory,
					       .write = write_memory,
					       .window = w->window,
					       .window_bytes = MEMORY};
	if (iotoll_iommu_create(&w->iommu, &config, why, sizeof(why)))
		world_broken(w, "model %s: %s", w->of->driver, why);
}

/* ---- the embedder's own address space ---- */

static int space_map(void *ctx, iotoll_iova_t iova, iotoll_phys_t paddr, uint64_t bytes,
		     enum iotoll_dma_dir dir)
{
	struct world *w = ctx;
	const uint64_t first = IOTOLL_IOVA_U64(iova) / PAGE;
	const uint64_t rights = dir == IOTOLL_DMA_BIDIRECTIONAL ? READS | WRITES
				: dir == IOTOLL_DMA_TO_DEVICE   ? READS
								: WRITES;

	if (IOTOLL_IOVA_U64(iova) % PAGE || IOTOLL_PHYS_U64(paddr) % PAGE || bytes % PAGE ||
	    !bytes || first + bytes / PAGE > w->entries)
		world_broken(w, "map() of %#llx bytes at %#llx", (unsigned long long)bytes,
			     (unsigned long long)IOTOLL_IOVA_U64(iova));
	for (uint64_t i = 0; i < bytes / PAGE; i++)
		if (__atomic_exchange_n(&w->space[first + i],
					(IOTOLL_PHYS_U64(paddr) + i * PAGE) | rights,
					__ATOMIC_RELAXED) != 0)
			world_broken(w, "map() of page %#llx, which is mapped",
				     (unsigned long long)(first + i));
	return 0;
}

static void space_unmap(void *ctx, iotoll_iova_t iova, uint64_t bytes)
{
	struct world *w = ctx;
	const uint64_t first = IOTOLL_IOVA_U64(iova) / PAGE;

	if (first + bytes / PAGE > w->entries)
		world_broken(w, "unmap() of %#llx bytes at %#llx", (unsigned long long)bytes,
			     (unsigned long long)IOTOLL_IOVA_U64(iova));
	for (uint64_t i = 0; i < bytes / PAGE; i++)
		__atomic_store_n(&w->space[first + i], 0, __ATOMIC_RELAXED);
}

static int look_up(const struct world *w, uint64_t iova, enum iotoll_access access, uint64_t *paddr)
{
	const unsigned right = access == IOTOLL_READ ? READS : WRITES;
	uint64_t word;

	if (iova / PAGE >= w->entries)
		return -EPERM;
	word = __atomic_load_n(&w->space[iova / PAGE], __ATOMIC_RELAXED);
	if (!(word & right))
		return -EPERM;
	*paddr = (word & ~(PAGE - 1)) + iova % PAGE;
	return 0;
}

/* ---- both ---- */

bool world_has_hardware(const struct world *w)
{
	return w->iommu || w->space;
}

uint16_t world_requester(unsigned dev)
{
	return (uint16_t)(DEVID + dev);
}

/* The page that DART's unused entries lead to. */
static bool is_dummy(const struct world *w, uint64_t paddr)
{
	iotoll_phys_t dummy;

	return iotoll_dma_domain_dummy(w->domain, &dummy) &&
	       paddr / PAGE == IOTOLL_PHYS_U64(dummy) / PAGE;
}

int world_reach(struct world *w, unsigned dev, uint64_t iova, enum iotoll_access access,
		bool changes, uint64_t *paddr, bool *hit)
{
	const struct iotoll_source source = {.bus = 0, .devid = world_requester(dev)};
	struct iotoll_xlat x = {.paddr = 0};
	int rc;

	*hit = false;
	if (w->space)
		return look_up(w, iova, access, paddr);
	(void)pthread_mutex_lock(&w->hardware);
	rc = changes ? iotoll_iommu_translate(w->iommu, source, iova, access, &x)
		     : iotoll_iommu_probe(w->iommu, source, iova, access, &x);
	(void)pthread_mutex_unlock(&w->hardware);
	/* What passes as it is (Calgary: a PC's hole below 1 MiB), or to nobody's page, is nothing.
	 */
	if (!rc && ((x.bypass && !w->promise->same) || is_dummy(w, x.paddr)))
		return -EPERM;
	*paddr = x.paddr;
	*hit = x.hit;
	return rc;
}

uint8_t *world_ptr(struct world *w, uint64_t paddr)
{
	return w->window + paddr;
}

/* ---- the driver half ---- */

static uint64_t entries_for(const struct combination *c)
{
	static const struct {
		const char *strategy;
		uint64_t entries;
	} larger[] = {
		{"preallocated", MANY}, {"identity", MANY}, {"identity-deferred", MANY},
		{"shadow", SOME},       {"swiotlb", SOME},  {"page-pool", SOME},
		{"damn", SOME},
	};

	for (size_t i = 0; i < sizeof(larger) / sizeof(larger[0]); i++)
		if (strcmp(larger[i].strategy, c->strategy) == 0)
			return larger[i].entries;
	return c->tight && strcmp(c->driver, "calgary") != 0 ? TIGHT : FEW;
}

static void make_env(struct world *w)
{
	struct iotoll_env_config config = {.ctx = w};

	w->memory = memory_create(MEMORY);
	if (!w->memory)
		world_broken(w, "no memory");
	w->window = memory_ptr(w->memory, 0, MEMORY);
	make_model(w);
	config.memory = w->memory;
	config.reg_read = w->iommu ? reg_read : NULL;
	config.reg_write = w->iommu ? reg_write : NULL;
	if (iotoll_env_create(&w->env, &config))
		world_broken(w, "no environment");
	w->memory_pages = memory_allocated_pages(w->memory);
}

static void free_env(struct world *w)
{
	iotoll_env_destroy(w->env);
	iotoll_iommu_destroy(w->iommu);
	memory_destroy(w->memory);
	free(w->space);
	(void)pthread_mutex_destroy(&w->hardware);
}

void world_prepare(struct world *w, const struct combination *of)
{
	*w = (struct world){.of = of, .promise = promise_of(of->strategy)};
	if (!w->promise)
		world_broken(w, "strategy %s: what it promises is not in the oracle's table",
			     of->strategy);
	w->entries = entries_for(of);
	make_env(w);
	w->callbacks =
		(struct iotoll_dma_callbacks){.ctx = w, .map = space_map, .unmap = space_unmap};
	if (strcmp(of->driver, "callbacks") != 0 || strcmp(of->strategy, "off") == 0)
		return;
	w->space = calloc(w->entries, sizeof(*w->space));
	if (!w->space)
		world_broken(w, "no memory");
}

struct iotoll_dma_config world_config(const struct world *w)
{
	return (struct iotoll_dma_config){.driver = w->of->driver,
					  .strategy = w->of->strategy,
					  .allocator = w->of->allocator,
					  .table_entries = w->entries,
					  /* Of 16384 pages that there are. */
					  .quota = strcmp(w->of->strategy, "swiotlb") == 0 ? 4096
											   : 0,
					  .split_locks = w->of->split,
					  .check_misuse = w->of->check_misuse,
					  .callbacks = &w->callbacks};
}

static void attach(struct world *w)
{
	for (unsigned i = 0; i < DEVICES; i++)
		if (iotoll_dma_attach(&w->dev[i], w->domain, world_requester(i), UINT32_MAX))
			world_broken(w, "device %u cannot be attached", i);
	if (iotoll_env_alloc_pages(w->env, COMMON, PAGE, 0, &w->common))
		world_broken(w, "no common pages");
}

bool world_open(struct world *w, const struct combination *of, char *why, size_t why_bytes)
{
	struct iotoll_dma_config config;

	world_prepare(w, of);
	config = world_config(w);
	if (iotoll_dma_domain_create(&w->domain, w->env, &config, why, why_bytes)) {
		free_env(w);
		return false;
	}
	attach(w);
	oracle_init(&w->oracle, w->promise->same ? MEMORY / PAGE : w->entries, MEMORY);
	return true;
}

void world_close(struct world *w)
{
	uint64_t left;

	for (unsigned i = 0; i < DEVICES; i++)
		iotoll_dma_detach(w->dev[i]);
	iotoll_dma_domain_destroy(w->domain);
	(void)iotoll_env_free_pages(w->env, w->common, w->oracle.pages ? COMMON : 0);
	left = memory_allocated_pages(w->memory) - w->memory_pages;
	if (left)
		world_broken(w, "%llu page frames were not given back", (unsigned long long)left);
	if (!memory_check(w->memory))
		world_broken(w, "the page allocator's books are broken");
	for (uint64_t i = 0; w->space && i < w->entries; i++)
		if (w->space[i])
			world_broken(w, "page %#llx is still mapped", (unsigned long long)i);
	oracle_fini(&w->oracle);
	free_env(w);
}
