/* SPDX-License-Identifier: MIT */
/* Assembling IOMMU, bus, domain and watchers. */
#include "rig/rig.h"

#include <errno.h>
#include <string.h>

#include "dma/strategy/strategy.h"

static int memory_read(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	const struct machine *m = ctx;

	return memory_load(m->mem, paddr, to, bytes);
}

/* Whatever else writes to memory, CPUs must fetch it again. */
static int memory_write(void *ctx, uint64_t paddr, const void *from, size_t bytes)
{
	const struct machine *m = ctx;
	const int rc = memory_store(m->mem, paddr, from, bytes);

	if (!rc)
		cache_dma_write(m->cache, paddr, bytes);
	return rc;
}

static uint64_t rig_now(void *ctx)
{
	const struct rig *r = ctx;

	return machine_now(r->machine);
}

static void on_dropped(void *ctx, struct iotoll_source source, uint64_t iova_pfn)
{
	struct rig *r = ctx;

	exposure_dropped(r->exposure, source, iova_pfn);
}

static void on_fault(void *ctx, struct iotoll_source source, uint64_t iova,
		     enum iotoll_access access)
{
	struct rig *r = ctx;

	if (r->faults < RIG_FAULTS)
		r->fault[r->faults] = (struct rig_fault){
			.at = sim_now(r->machine->sim),
			.iova = iova,
			.access = access,
			.devid = source.devid,
		};
	r->faults++;
}

static int make_iommu(struct rig *r, const struct rig_config *c, struct err *err)
{
	const struct iommu_config config = {
		.model = c->model,
		.iotlb = c->iotlb,
		.memory = {.ctx = c->machine,
			   .read = memory_read,
			   .write = memory_write,
			   .window = memory_ptr(c->machine->mem, 0, memory_bytes(c->machine->mem)),
			   .window_bytes = memory_bytes(c->machine->mem)},
		.track_stale = c->track_stale,
		.dart = c->dart,
	};
	int rc;

	if (!strcmp(c->model, "none"))
		return 0;
	rc = iommu_create(&r->iommu, &config, err);
	if (!rc)
		iommu_regs_init(&r->regs, c->machine, r->iommu);
	return rc;
}

bool rig_translates(const struct rig_config *c)
{
	return strcmp(c->model, "none") && strcmp(c->strategy, "off");
}

bool rig_stands(const struct rig_config *c)
{
	const struct strategy_ops *strategy = strategy_find(c->strategy);

	return rig_translates(c) && strategy && strategy->standing;
}

static int make_domain(struct rig *r, const struct rig_config *c, const struct dma_env *env,
		       const char *driver, struct err *err)
{
	const struct iotoll_dma_config config = {
		.driver = driver,
		.strategy = c->strategy,
		.allocator = c->allocator,
		.bus = RIG_BUS,
		.table_entries = c->table_entries,
		.start_hint = c->start_hint,
		.quota = c->quota,
		.cached_ranges = c->cached_ranges,
		.split_locks = c->split_locks,
		.whole_lists = c->whole_lists,
		.check_misuse = c->check_misuse,
		.quiesce_system = c->quiesce_system,
		.unused_invalid = c->unused_invalid,
		.table_cached = c->table_cached,
		.incoherent_walker = c->incoherent_walker,
		.lean_driver = c->lean_driver,
		.multicall = c->multicall,
		.multicall_entries = c->multicall_entries,
		.superpages = c->superpages,
		.pages_change = c->pages_change,
	};
	char why[256] = "";
	int rc;

	r->env = *env;
	rc = iotoll_dma_domain_create(&r->domain, &r->env, &config, why, sizeof(why));
	return rc ? err_set(err, rc, "%s", why) : 0;
}

static void on_mapped(void *ctx, iotoll_iova_t iova, uint64_t pages, iotoll_phys_t paddr,
		      size_t bytes, enum iotoll_dma_dir dir)
{
	struct rig *r = ctx;

	for (unsigned i = 0; i < RIG_WATCHERS; i++)
		if (r->watcher[i].mapped)
			r->watcher[i].mapped(r->watcher[i].ctx, iova, pages, paddr, bytes, dir);
}

static void on_unmapped(void *ctx, iotoll_iova_t iova, uint64_t pages, size_t bytes)
{
	struct rig *r = ctx;

	for (unsigned i = 0; i < RIG_WATCHERS; i++)
		if (r->watcher[i].unmapped)
			r->watcher[i].unmapped(r->watcher[i].ctx, iova, pages, bytes);
}

static void on_granted(void *ctx, iotoll_iova_t iova, uint64_t pages, enum iotoll_dma_dir dir)
{
	struct rig *r = ctx;

	for (unsigned i = 0; i < RIG_WATCHERS; i++)
		if (r->watcher[i].granted)
			r->watcher[i].granted(r->watcher[i].ctx, iova, pages, dir);
}

static void on_withdrawn(void *ctx, iotoll_iova_t iova, uint64_t pages)
{
	struct rig *r = ctx;

	for (unsigned i = 0; i < RIG_WATCHERS; i++)
		if (r->watcher[i].withdrawn)
			r->watcher[i].withdrawn(r->watcher[i].ctx, iova, pages);
}

static void on_lasting(void *ctx, iotoll_iova_t iova, uint64_t pages)
{
	struct rig *r = ctx;

	for (unsigned i = 0; i < RIG_WATCHERS; i++)
		if (r->watcher[i].lasting)
			r->watcher[i].lasting(r->watcher[i].ctx, iova, pages);
}

/* One watcher is told directly. */
static void observe(struct rig *r)
{
	struct iotoll_dma_observer watch = r->watcher[0];

	for (unsigned i = 1; i < RIG_WATCHERS; i++)
		if (r->watcher[i].ctx)
			watch = (struct iotoll_dma_observer){r,          on_mapped,    on_unmapped,
							     on_granted, on_withdrawn, on_lasting};
	/* Who only asks for entries knows neither when they are there nor when they are gone. */
	if (r->remote) {
		watch.granted = NULL;
		watch.withdrawn = NULL;
	}
	iotoll_dma_domain_observe(r->domain, &watch);
}

int rig_watch(struct rig *r, const struct iotoll_dma_observer *observer, struct err *err)
{
	for (unsigned i = 1; i < RIG_WATCHERS; i++) {
		if (r->watcher[i].ctx)
			continue;
		r->watcher[i] = *observer;
		observe(r);
		return 0;
	}
	return err_set(err, -ENOSPC, "%d watch this domain, and no more can", RIG_WATCHERS);
}

void rig_unwatch(struct rig *r, const void *ctx)
{
	for (unsigned i = 1; i < RIG_WATCHERS; i++)
		if (r->watcher[i].ctx == ctx)
			r->watcher[i] = (struct iotoll_dma_observer){.ctx = NULL};
	if (r->domain)
		observe(r);
}

/* Entries that the strategy made before anybody watched: nothing is in the IOTLB yet. */
static void tell_entries(const struct rig *r, const struct exposure_config *c, uint64_t entries,
			 const struct iotoll_dma_observer *watch)
{
	struct iotoll_dma_stats stats;

	iotoll_dma_domain_stats(r->domain, &stats);
	for (uint64_t i = 0; c->iommu && stats.pages_live && i < entries; i++) {
		struct iotoll_xlat x;

		if (iommu_probe(c->iommu, c->source, i << 12, IOTOLL_READ, &x) &&
		    iommu_probe(c->iommu, c->source, i << 12, IOTOLL_WRITE, &x))
			continue;
		if (x.bypass || (c->redirects && x.paddr >> 12 == c->dummy_paddr >> 12))
			continue;
		watch->granted(watch->ctx, IOTOLL_IOVA(i << 12), 1, IOTOLL_DMA_BIDIRECTIONAL);
		stats.pages_live--;
	}
}

void rig_entry(struct rig *r, uint64_t page, bool set, enum iotoll_dma_dir dir)
{
	if (set)
		on_granted(r, IOTOLL_IOVA(page << 12), 1, dir);
	else
		on_withdrawn(r, IOTOLL_IOVA(page << 12), 1);
}

/* The watched device's own cache first. */
static int on_probe(void *ctx, uint64_t iova, enum iotoll_access access, struct iotoll_xlat *out)
{
	const struct rig *r = ctx;

	return bus_probe(r->bus, r->devid, iova, access, out);
}

static int make_watchers(struct rig *r, const struct rig_config *c, bool remote, struct err *err)
{
	iotoll_phys_t dummy;
	const bool redirects = iotoll_dma_domain_dummy(r->domain, &dummy);
	const struct exposure_config config = {
		/* Where everything is always mapped there is nothing to ask. */
		.iommu = rig_translates(c) && !rig_stands(c) ? r->iommu : NULL,
		.source = {.bus = RIG_BUS, .devid = c->devid},
		.memory_bytes = memory_bytes(c->machine->mem),
		.redirects = redirects,
		.dummy_paddr = IOTOLL_PHYS_U64(dummy),
		.probe = c->ats ? on_probe : NULL,
		.now_ps = rig_now,
		.ctx = r,
	};
	const struct iotoll_iommu_observer observer = {
		.ctx = r, .dropped = on_dropped, .fault = on_fault};
	struct iotoll_dma_observer watch;
	int rc = exposure_create(&r->exposure, &config, err);

	if (rc)
		return rc;
	if (redirects)
		bus_count_redirected(r->bus, IOTOLL_PHYS_U64(dummy));
	r->watcher[0] = watch = exposure_observer(r->exposure);
	if (c->also)
		r->watcher[1] = *c->also;
	r->remote = remote;
	observe(r);
	tell_entries(r, &config, c->table_entries, &watch);
	return r->iommu ? bus_observe(r->bus, &observer) : 0;
}

int rig_init_hardware(struct rig *r, const struct rig_config *c, struct err *err)
{
	int rc;

	memset(r, 0, sizeof(*r));
	r->machine = c->machine;
	rc = make_iommu(r, c, err);
	if (rc)
		return rc;
	r->bus = bus_create(c->machine, r->iommu, RIG_BUS);
	if (!r->bus) {
		rig_fini(r);
		return err_set(err, -ENOMEM, "no memory for a bus");
	}
	return 0;
}

int rig_init_domain(struct rig *r, const struct rig_config *c, const struct dma_env *env,
		    const char *driver, struct err *err)
{
	int rc;

	r->devid = c->devid;
	rc = make_domain(r, c, env, driver, err);
	if (!rc)
		rc = make_watchers(r, c, !strcmp(driver, "xen"), err);
	if (rc)
		rig_fini_domain(r);
	return rc;
}

int rig_init(struct rig *r, const struct rig_config *c, struct err *err)
{
	int rc = rig_init_hardware(r, c, err);
	struct dma_env env = {.machine = c->machine, .snooped = c->snooped};

	if (rc)
		return rc;
	env.regs = r->iommu ? &r->regs.window : NULL;
	rc = rig_init_domain(r, c, &env, rig_translates(c) ? c->model : "none", err);
	if (rc)
		rig_fini(r);
	return rc;
}

uint64_t rig_dma_mask(const struct rig *r)
{
	return r->iommu && !iotoll_dma_domain_bytewise(r->domain) ? UINT32_MAX : UINT64_MAX;
}

int rig_attach_ats(struct rig *r, struct iotoll_dma_device **out, uint64_t dma_mask,
		   const struct atc_config *config, struct err *err)
{
	int rc = bus_ats_add(r->bus, r->devid, config, err);

	/* From here on it answers, so that it can be told to forget before it has learnt anything.
	 */
	if (rc)
		return rc;
	rc = iotoll_dma_attach_ats(out, r->domain, r->devid, dma_mask, config->depth);
	if (rc)
		return err_set(err, rc, "the device cannot be attached with ATS: %s",
			       strerror(-rc));
	bus_ats_switch(r->bus, r->devid, true);
	return 0;
}

void rig_quiet_ats(struct rig *r)
{
	if (r->bus)
		bus_ats_switch(r->bus, r->devid, false);
}

void rig_fini_domain(struct rig *r)
{
	iotoll_dma_domain_destroy(r->domain);
	r->domain = NULL;
}

/* The bus and the IOMMU tell the watcher until they are gone. */
void rig_fini(struct rig *r)
{
	rig_fini_domain(r);
	bus_destroy(r->bus);
	r->bus = NULL;
	exposure_destroy(r->exposure);
	r->exposure = NULL;
	if (r->iommu) {
		iommu_regs_fini(&r->regs);
		iommu_destroy(r->iommu);
		r->iommu = NULL;
	}
}
