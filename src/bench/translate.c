/* SPDX-License-Identifier: MIT */
/*
 * Translations on one thread: hits, and walks by the number of tables they read, for every model,
 * beside a lock and a hash table.
 */
#include <errno.h>
#include <stdlib.h>

#include "bench/hash_iotlb.h"
#include "bench/row.h"
#include "bench/traffic.h"
#include "bench/world.h"
#include "iotoll/translator.h"
#include "spec/vtd.h"

struct translation {
	struct world *world;
	struct hash_iotlb *hash; /* the baseline's */
	struct iotoll_translator *translator;
	uint64_t sink; /* so that nothing is optimised away */
	unsigned at, tail;
};

static void translation_close(void *data)
{
	struct translation *x = data;

	iotoll_translator_destroy(x->translator);
	if (x->world)
		world_close(x->world);
	hash_iotlb_destroy(x->hash);
	free(x);
}

static int translation_open(void **data, const struct bench_setup *setup, const void *variant,
			    struct err *err)
{
	struct world_kind kind = *(const struct world_kind *)variant;
	struct translation *x = calloc(1, sizeof(*x));
	int rc;

	if (!x)
		return -ENOMEM;
	if (setup->entries) {
		kind.entries = setup->entries;
		kind.ways = setup->ways;
	}
	if (setup->iommu)
		kind.model = setup->iommu;
	rc = world_open(&x->world, &kind, err);
	if (rc)
		translation_close(x);
	else
		*data = x;
	return rc;
}

static bool translation_work(void *data, unsigned thread, uint64_t ops)
{
	struct translation *x = data;
	struct world *w = x->world;
	struct iotoll_xlat xlat;
	unsigned at = x->at;
	uint64_t sink = 0;

	(void)thread;
	for (uint64_t i = 0; i < ops; i++) {
		if (iommu_translate(w->iommu, w->source, w->address[at], IOTOLL_READ, &xlat))
			return false;
		sink += xlat.paddr;
		at = (at + 1) % WORLD_ACCESSES;
	}
	x->at = at;
	x->sink += sink;
	return true;
}

static bool translator_work(void *data, unsigned thread, uint64_t ops)
{
	struct translation *x = data;
	const uint64_t *address = x->world->address;
	struct iotoll_xlat xlat;
	unsigned at = x->at;
	uint64_t sink = 0;

	(void)thread;
	for (uint64_t i = 0; i < ops; i++) {
		if (iotoll_translator_translate(x->translator, address[at], IOTOLL_READ, &xlat))
			return false;
		sink += xlat.paddr;
		at = (at + 1) % WORLD_ACCESSES;
	}
	x->at = at;
	x->sink += sink;
	return true;
}

/* Once all is held nothing is asked of the IOMMU. */
static int see_hits(struct translation *x, struct err *err)
{
	struct iotoll_translator_stats before, after;

	if (!translator_work(x, 0, WORLD_ACCESSES))
		return err_set(err, -EPROTO, "a translation was refused");
	iotoll_translator_stats(x->translator, &before);
	if (!translator_work(x, 0, WORLD_ACCESSES))
		return err_set(err, -EPROTO, "a translation was refused");
	iotoll_translator_stats(x->translator, &after);
	return after.misses == before.misses
		       ? 0
		       : err_set(err, -EPROTO, "a translator does not hold what it has room for");
}

/* As large as the IOTLB, which it holds a part of. */
static int translator_open(void **data, const struct bench_setup *setup, const void *variant,
			   struct err *err)
{
	struct world_kind kind = *(const struct world_kind *)variant;
	struct translation *x;
	int rc;

	kind.shared = true;
	rc = translation_open(data, setup, &kind, err);
	if (rc)
		return rc;
	x = *data;
	rc = iotoll_translator_create(&x->translator, (struct iotoll_iommu *)x->world->iommu,
				      x->world->source, x->world->kind.entries);
	if (rc)
		rc = err_set(err, rc, "a translator of %u entries cannot be had",
			     x->world->kind.entries);
	else
		rc = see_hits(x, err);
	if (rc) {
		translation_close(x);
		*data = NULL;
	}
	return rc;
}

static int hash_open(void **data, const struct bench_setup *setup, const void *variant,
		     struct err *err)
{
	int rc = translation_open(data, setup, variant, err);

	if (rc)
		return rc;
	rc = hash_iotlb_create(&((struct translation *)*data)->hash, 0, WORLD_PAGES);
	if (rc) {
		translation_close(*data);
		*data = NULL;
	}
	return rc;
}

static bool hash_work(void *data, unsigned thread, uint64_t ops)
{
	struct translation *x = data;
	const uint64_t *address = x->world->address;
	uint64_t paddr = 0, sink = 0;
	unsigned at = x->at;

	(void)thread;
	for (uint64_t i = 0; i < ops; i++) {
		if (!hash_iotlb_translate(x->hash, 0, address[at], &paddr))
			return false;
		sink += paddr;
		at = (at + 1) % WORLD_ACCESSES;
	}
	x->at = at;
	x->sink += sink;
	return true;
}

/* A descriptor into the queue, and the doorbell: VT-d 6.5.2.3, page-selective. */
static bool invalidation_work(void *data, unsigned thread, uint64_t ops)
{
	struct translation *x = data;
	struct world *w = x->world;

	(void)thread;
	for (uint64_t i = 0; i < ops; i++) {
		const uint64_t iova = vtd_iva(w->address[x->at], 0, true);

		vtd_pack_pair(&w->memory[WORLD_QUEUE + 16 * x->tail],
			      vtd_desc_iotlb(VTD_GRAN_PAGE, 1, true, iova));
		x->tail = (x->tail + 1) % vtd_queue_entries(0);
		x->at = (x->at + 1) % WORLD_ACCESSES;
		world_poke(w, VTD_IQT, 16 * x->tail, 8);
	}
	return true;
}

static const struct subject translations = {
	.open = translation_open, .work = translation_work, .close = translation_close};
static const struct subject translators = {
	.open = translator_open, .work = translator_work, .close = translation_close};
static const struct subject hashed = {
	.open = hash_open, .work = hash_work, .close = translation_close};
static const struct subject invalidations = {
	.open = translation_open, .work = invalidation_work, .close = translation_close};

#define VTD_CACHES .paging = 16, .contexts = 256
#define KIND(...)  (&(const struct world_kind){__VA_ARGS__})
#define ROW(n, w, ...)                                                                     \
	.name = "translate." n, .group = "translate", .what = w, .subject = &translations, \
	.variant = KIND(__VA_ARGS__)
#define HIT(m, e, w)                                                                           \
	ROW(m ".hit." #e "x" #w, "hit, " #e " entries, " #w " ways", .model = m, .entries = e, \
	    .ways = w, VTD_CACHES),                                                            \
		.floor = "load-l1"
#define SHARED                                                                      \
	.iommu = "vtd", .strategy = "strict", .allocator = "magazines", .pages = 1, \
	.outstanding = 256, .entries = 512, .ways = 4
#define TRANSLATOR(e)                                                                              \
	{                                                                                          \
		.name = "translate.hit." #e, .group = "translate",                                 \
		.what = "hit, a thread's translator of " #e " entries, 4 ways (VT-d)",             \
		.subject = &translators,                                                           \
		.variant = KIND(.model = "vtd", .entries = e, .ways = 4, VTD_CACHES), .target = 3, \
		.floor = "load-l1", .rival = {                                                     \
			{.name = "the IOMMU itself", .subject = &translations},                    \
			{.name = "mutex and hash table", .subject = &hashed}                       \
		}                                                                                  \
	}

const struct row translate_rows[] = {
	TRANSLATOR(64),
	TRANSLATOR(512),
	TRANSLATOR(4096),
	{ROW("vtd.walk.4", "walk of four tables, all in the cache", .model = "vtd",
	     .pattern = WORLD_NEAR, .fetches = 4, .contexts = 256),
	 .target = 40, .floor = "load-l1"},
	{.name = "translate.shared",
	 .group = "translate",
	 .what = "hit, two threads with translators, while a third maps and unmaps (strict)",
	 .subject = &traffic_devices,
	 .setup = {SHARED, .threads = 3},
	 .target = 3,
	 .floor = "load-l1",
	 .flat = 1.2,
	 .rival = {{.name = "one thread, nobody else",
		    .subject = &traffic_devices_alone,
		    .setup = {.threads = 1}}}},
	{HIT("vtd", 64, 4)},
	{HIT("vtd", 512, 4)},
	{HIT("vtd", 4096, 4)},
	{HIT("vtd", 64, 1)},
	{HIT("vtd", 64, 8)},
	{HIT("vtd", 64, 0)},
	{HIT("vtd", 512, 8)},
	{HIT("vtd", 512, 0)},
	{ROW("vtd.walk.1", "walk, last table held", .model = "vtd", .pattern = WORLD_NEAR,
	     .fetches = 1, VTD_CACHES)},
	{ROW("vtd.walk.2", "walk of two tables (1 GiB page)", .model = "vtd", .pattern = WORLD_FAR,
	     .fetches = 2, .levels = 2, .contexts = 256)},
	{ROW("vtd.walk.3", "walk of three tables (2 MiB page)", .model = "vtd",
	     .pattern = WORLD_FAR, .fetches = 3, .levels = 3, .contexts = 256)},
	{ROW("vtd.walk.4.callback", "walk of four tables, read by callback", .model = "vtd",
	     .pattern = WORLD_NEAR, .fetches = 4, .contexts = 256, .callback = true)},
	{ROW("vtd.walk.6", "walk of root, context and four tables", .model = "vtd",
	     .pattern = WORLD_NEAR, .fetches = 6)},
	{HIT("calgary", 64, 4)},
	{HIT("calgary", 512, 4)},
	{ROW("calgary.hit.stale", "hit, 512 entries, checked for staleness", .model = "calgary",
	     .entries = 512, .ways = 4, .stale = true)},
	{ROW("calgary.walk.1", "walk of one table", .model = "calgary", .pattern = WORLD_NEAR,
	     .fetches = 1)},
	{HIT("dart-u4", 64, 4)},
	{HIT("dart-u4", 512, 4)},
	{ROW("dart-u4.walk.1", "walk of one table", .model = "dart-u4", .pattern = WORLD_NEAR,
	     .fetches = 1)},
	{HIT("amdvi", 64, 4)},
	{HIT("amdvi", 512, 4)},
	{ROW("amdvi.walk.1", "walk, last table held", .model = "amdvi", .pattern = WORLD_NEAR,
	     .fetches = 1)},
	{ROW("amdvi.walk.4", "walk of four tables", .model = "amdvi", .pattern = WORLD_FAR,
	     .fetches = 4, .levels = 4)},
	{ROW("amdvi.walk.6", "walk of six tables", .model = "amdvi", .pattern = WORLD_FAR,
	     .fetches = 6, .levels = 6)},
	{ROW("riommu.hit", "hit, the mapping used last", .model = "riommu", .entries = 64)},
	{ROW("riommu.hit.ring", "hit, moving on, next one fetched ahead", .model = "riommu",
	     .entries = 64, .pattern = WORLD_RING)},
	{ROW("riommu.walk.3", "walk: device, ring, mapping", .model = "riommu",
	     .pattern = WORLD_RING, .fetches = 3)},
	{.name = NULL},
};

const struct row invalidate_rows[] = {
	{.name = "invalidate.vtd.page",
	 .group = "invalidate",
	 .what = "page-selective invalidation through the queue, one a doorbell",
	 .subject = &invalidations,
	 .variant = KIND(.model = "vtd", .entries = 512, .ways = 4, VTD_CACHES)},
	{.name = NULL},
};
