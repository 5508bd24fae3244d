/* SPDX-License-Identifier: MIT */
/* The parts of a run's result that tell of its DMA layer, IOMMU, IOTLB and exposure. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "study/result_exposure.h"
#include "study/result_parts.h"
#include "study/result_put.h"

static json_t *misuse(const struct iotoll_dma_stats *s)
{
	static const char *const names[IOTOLL_MISUSE_COUNT] = {
		[IOTOLL_MISUSE_UNMAP_UNKNOWN] = "unmap_unknown",
		[IOTOLL_MISUSE_WRONG_SIZE] = "wrong_size",
		[IOTOLL_MISUSE_WRONG_DIRECTION] = "wrong_direction",
		[IOTOLL_MISUSE_WRONG_DEVICE] = "wrong_device",
		[IOTOLL_MISUSE_WRONG_TYPE] = "wrong_type",
		[IOTOLL_MISUSE_SYNC_UNMAPPED] = "sync_unmapped",
		[IOTOLL_MISUSE_LEAK] = "leak",
	};
	json_t *o = json_object();

	for (int i = 0; i < IOTOLL_MISUSE_COUNT; i++)
		put(o, names[i], s->misuse[i]);
	return o;
}

/* The lowest size of which @permille of all calls have no more; longer ones count as the longest.
 */
static unsigned percentile(const struct iotoll_dma_batches *b, uint64_t calls, unsigned permille)
{
	uint64_t seen = 0;
	unsigned n = 0;

	while (n < IOTOLL_DMA_BATCH_SIZES && seen * 1000 < calls * permille)
		seen += b->of[++n];
	return n;
}

/* How many buffers the lists of one kind of call had; sizes by powers of two. */
static json_t *batches(const struct iotoll_dma_batches *b)
{
	uint64_t calls = b->of[0], buffers = b->beyond, of_class = 0;
	json_t *o = json_object(), *sizes = json_object();
	unsigned most = b->of[0] ? IOTOLL_DMA_BATCH_SIZES : 0;
	char name[24];

	for (unsigned n = 1, from = 1; n <= IOTOLL_DMA_BATCH_SIZES; n++) {
		calls += b->of[n];
		buffers += b->of[n] * n;
		of_class += b->of[n];
		most = b->of[n] && n > most ? n : most;
		if (n & (n - 1))
			continue;
		snprintf(name, sizeof(name), from < n ? "%u-%u" : "%u", from, n);
		if (of_class)
			put(sizes, name, of_class);
		of_class = 0;
		from = n + 1;
	}
	put(o, "calls", calls);
	put(o, "buffers", buffers);
	put_real(o, "mean", ratio((double)buffers, (double)calls));
	put(o, "p50", percentile(b, calls, 500));
	put(o, "p99", percentile(b, calls, 990));
	put(o, "max", most);
	json_object_set_new(o, "sizes", sizes);
	return o;
}

static json_t *all_batches(const struct iotoll_dma_domain *domain)
{
	struct iotoll_dma_batches map, unmap;
	json_t *o = json_object();

	iotoll_dma_domain_batches(domain, &map, &unmap);
	json_object_set_new(o, "map", batches(&map));
	json_object_set_new(o, "unmap", batches(&unmap));
	return o;
}

static uint64_t charged(const struct testbed *t, const struct measurement *m, enum charge what)
{
	uint64_t ps = 0;

	for (unsigned i = 0; i < testbed_cpus(&t->sut); i++)
		ps += m->cpu[0][i].ps[what];
	return ps;
}

json_t *result_dma(const struct testbed *t, const struct measurement *m,
		   const struct iotoll_dma_stats *s)
{
	json_t *o = json_object();

	put(o, "maps", s->maps);
	put(o, "unmaps", s->unmaps);
	put(o, "map_failures", s->map_failures);
	put(o, "reused_maps", s->reused_maps);
	put_real(o, "single_entry_fraction",
		 ratio((double)(s->single_entry_maps + s->single_entry_unmaps),
		       (double)(s->maps + s->unmaps)));
	put_real(o, "pages_per_map", ratio((double)s->mapped_pages_total, (double)s->maps));
	put(o, "pages_live", s->pages_live);
	put(o, "pages_peak", s->pages_peak);
	put(o, "kept_pages", s->kept_pages);
	put(o, "kept_peak_pages", s->kept_peak);
	put(o, "words_searched", s->words_searched);
	put(o, "wraps", s->wraps);
	put_real(o, "map_us", us(charged(t, m, CHARGE_MAP)));
	put_real(o, "unmap_us", us(charged(t, m, CHARGE_UNMAP)));
	json_object_set_new(o, "misuse", misuse(s));
	if (t->scenario->batch_drivers)
		json_object_set_new(o, "batches", all_batches(t->sut.rig->domain));
	return o;
}

static json_t *faults(const struct rig *r)
{
	json_t *list = json_array();

	for (uint64_t i = 0; i < r->faults && i < RIG_FAULTS; i++) {
		const struct rig_fault *f = &r->fault[i];
		char iova[24];

		snprintf(iova, sizeof(iova), "0x%" PRIx64, f->iova);
		json_array_append_new(list, json_pack("{s:f, s:s, s:s, s:i}", "at_us", us(f->at),
						      "iova", iova, "access",
						      f->access == IOTOLL_WRITE ? "write" : "read",
						      "devid", (int)f->devid));
	}
	return list;
}

/* Under the names that the chip's registers have. */
static json_t *latched(const struct testbed *t, const struct measurement *m)
{
	const bool dart = !strncmp(t->scenario->iommu_model, "dart", 4);
	char status[24], detail[24];

	snprintf(status, sizeof(status), "0x%08" PRIx64, m->latched_status);
	snprintf(detail, sizeof(detail), "0x%08" PRIx64, m->latched_detail);
	return json_pack("{s:s, s:s}", dart ? "apiexcp" : "csr", status,
			 dart ? "dartexcp" : "plssr", detail);
}

static json_t *noticed(const struct watchdog *w)
{
	char status[24];

	if (!w->found_at)
		return json_null();
	snprintf(status, sizeof(status), "0x%08" PRIx64, w->fault.status);
	return json_pack("{s:f, s:s, s:i}", "at_us", us(w->found_at), "csr", status, "agent",
			 (int)w->fault.agent);
}

json_t *result_iommu(const struct testbed *t, const struct measurement *m,
		     const struct iotoll_dma_stats *s)
{
	const struct scenario *sc = t->scenario;
	const struct bus_stats *a = &m->begin.bus, *b = &m->end.bus;
	json_t *o = json_object();

	json_object_set_new(o, "model", json_string(sc->iommu_model));
	json_object_set_new(o, "strategy", json_string(sc->strategy));
	put(o, "flushes", s->flushes);
	put(o, "invalidations", s->invalidations);
	put(o, "timer_flushes", s->timer_flushes);
	put_real(o, "flush_us_mean",
		 ratio(us(s->flush_ps), (double)(s->flushes + s->invalidations)));
	put(o, "flush_polls", s->flush_polls);
	put(o, "flush_timeouts", s->flush_timeouts);
	put(o, "copied_bytes", s->copied_bytes);
	put_real(o, "copy_us", us(s->copy_ps));
	put(o, "table_writes", s->table_writes);
	put(o, "table_entries", t->sut.rig->iommu ? sc->table_entries : 0);
	put(o, "usable_entries", s->usable_entries);
	put(o, "translations", b->translations - a->translations);
	put(o, "table_reads", b->table_reads - a->table_reads);
	put_real(o, "translation_us", us(b->translation_ps - a->translation_ps));
	put(o, "stalls", b->stalls - a->stalls);
	put_real(o, "stall_us", us(b->stall_ps - a->stall_ps));
	put(o, "refused", b->refused - a->refused + b->shut - a->shut);
	put(o, "redirected", b->redirected - a->redirected);
	json_object_set_new(o, "faults", faults(t->sut.rig));
	json_object_set_new(o, "latched", latched(t, m));
	json_object_set_new(o, "watchdog", noticed(&m->watchdog));
	if (t->corrupted_iova != UINT64_MAX) {
		char iova[24];

		snprintf(iova, sizeof(iova), "0x%" PRIx64, t->corrupted_iova);
		json_object_set_new(o, "corrupted_iova", json_string(iova));
	}
	return o;
}

json_t *result_iotlb(const struct measurement *m)
{
	const struct iotlb_stats *a = &m->begin.iotlb, *b = &m->end.iotlb;
	const uint64_t hits = b->hits - a->hits, misses = b->misses - a->misses;
	json_t *o = json_object();

	put(o, "hits", hits);
	put(o, "misses", misses);
	put_real(o, "miss_ratio", ratio((double)misses, (double)(hits + misses)));
	put(o, "evictions", b->evictions - a->evictions);
	put(o, "invalidated", b->invalidated - a->invalidated);
	put(o, "prefetched", b->prefetched - a->prefetched);
	put(o, "prefetch_useful", b->useful - a->useful);
	put(o, "stale_reads", m->end.bus.stale_reads - m->begin.bus.stale_reads);
	put(o, "stale_writes", m->end.bus.stale_writes - m->begin.bus.stale_writes);
	return o;
}

/* Under a hypervisor: whose memory is reachable, and whose is not. */
static void put_scope(json_t *o, const struct hyper *h)
{
	json_t *scope = json_object(), *protects = json_array();
	struct hyper_scope s;

	hyper_scope(h, &s);
	put(scope, "probed", s.probed);
	put(scope, "own_live", s.own_live);
	put(scope, "own_other", s.own_other);
	put(scope, "granted", s.granted);
	put(scope, "foreign", s.foreign);
	put(scope, "hypervisor", s.hypervisor);
	put(scope, "nowhere", s.nowhere);
	json_object_set_new(o, "scope", scope);
	if (!s.own_other)
		json_array_append_new(protects, json_string("itself"));
	if (!s.foreign)
		json_array_append_new(protects, json_string("other domains"));
	if (!s.hypervisor)
		json_array_append_new(protects, json_string("hypervisor"));
	json_object_set_new(o, "protects", protects);
}

json_t *result_live_exposure(const struct testbed *t)
{
	static const uint64_t delays_ns[] = {10000, 100000, 1000000};
	struct exposure_stats s;
	json_t *o;

	exposure_stats(t->sut.rig->exposure, &s);
	o = result_exposure(&s);
	for (size_t i = 0; i < sizeof(delays_ns) / sizeof(delays_ns[0]); i++)
		result_reachable_after(
			o, delays_ns[i],
			exposure_reachable_after(t->sut.rig->exposure, delays_ns[i]));
	if (t->sut.hyper)
		put_scope(o, t->sut.hyper);
	return o;
}
