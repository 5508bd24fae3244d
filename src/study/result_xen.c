/* SPDX-License-Identifier: MIT */
/* What the hypervisor did during a run, and what its domains' CPUs were busy with. */
#include <string.h>

#include "study/result_parts.h"
#include "study/result_put.h"

static json_t *hypercalls(const struct xen_counters *a, const struct xen_counters *b)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < XEN_HYPERCALLS; i++)
		if (xen_hypercall_name(i))
			put(o, xen_hypercall_name(i), b->calls[i] - a->calls[i]);
	return o;
}

static json_t *grants(const struct xen_counters *a, const struct xen_counters *b)
{
	json_t *o = json_object();

	put(o, "maps", b->grant_maps - a->grant_maps);
	put(o, "unmaps", b->grant_unmaps - a->grant_unmaps);
	put(o, "copies", b->grant_copies - a->grant_copies);
	put(o, "transfers", b->grant_transfers - a->grant_transfers);
	return o;
}

static json_t *tables(const struct xen_counters *a, const struct xen_counters *b)
{
	json_t *o = json_object();

	put(o, "maps", b->iommu_maps - a->iommu_maps);
	put(o, "unmaps", b->iommu_unmaps - a->iommu_unmaps);
	put(o, "flushes", b->iommu_flushes - a->iommu_flushes);
	put(o, "forced_flushes", b->iommu_forced_flushes - a->iommu_forced_flushes);
	put(o, "grants", b->iommu_grants - a->iommu_grants);
	put(o, "follows", b->iommu_follows - a->iommu_follows);
	return o;
}

static json_t *vcpu(const struct cpu_account *account, uint64_t elapsed)
{
	json_t *o = json_object();

	put_real(o, "percent", 100 * ratio((double)account->busy_ps, (double)elapsed));
	put_real(o, "busy_us", us(account->busy_ps));
	put_real(o, "steal_us", us(account->steal_ps));
	return o;
}

/* Domains in the order in which they were built, each with its virtual CPUs. */
static json_t *domains(const struct testbed *t, const struct measurement *m)
{
	json_t *list = json_array(), *vcpus = NULL;
	const char *last = NULL, *name;

	for (unsigned i = 0; i < testbed_cpus(&t->sut); i++) {
		(void)testbed_cpu(&t->sut, i, &name);
		if (!last || strcmp(last, name)) {
			vcpus = json_array();
			json_array_append_new(
				list, json_pack("{s:s, s:o}", "name", name, "vcpus", vcpus));
			last = name;
		}
		json_array_append_new(vcpus, vcpu(&m->cpu[0][i], m->ended - m->began));
	}
	return list;
}

/* Frames between dom0 and the load's domain, and those that never arrived. */
static json_t *interface(const struct measurement *m)
{
	const struct netback_vif_stats *a = &m->begin.vif, *b = &m->end.vif;
	const struct netfront_stats *c = &m->begin.front, *d = &m->end.front;
	json_t *o = json_object();

	put(o, "to_guest", b->rx_frames - a->rx_frames);
	put(o, "to_guest_queued", b->rx_queued - a->rx_queued);
	put(o, "to_guest_dropped", b->rx_dropped + b->rx_errors - a->rx_dropped - a->rx_errors);
	put(o, "from_guest", b->tx_frames - a->tx_frames);
	put(o, "from_guest_errors", b->tx_errors - a->tx_errors);
	put(o, "guest_tx_dropped", d->tx_dropped - c->tx_dropped);
	put(o, "guest_rx_dropped", d->rx_errors + d->rx_no_memory - c->rx_errors - c->rx_no_memory);
	put(o, "stopped", b->disabled + d->broken);
	return o;
}

/* The load's disk on its way to dom0: its own block layer, the ring, the backend. */
static json_t *disk(const struct measurement *m)
{
	const struct blk_stats *q = &m->begin.guest_blk, *r = &m->end.guest_blk;
	const struct blkfront_stats *a = &m->begin.blkfront, *b = &m->end.blkfront;
	const struct blkback_stats *c = &m->begin.blkback, *d = &m->end.blkback;
	const struct blkback_vbd_stats *e = &m->begin.vbd, *f = &m->end.vbd;
	json_t *o = json_object();

	put(o, "bios", r->bios - q->bios);
	put(o, "merges", r->back_merges + r->front_merges - q->back_merges - q->front_merges);
	put(o, "requests", b->requests - a->requests);
	put(o, "segments", b->segments - a->segments);
	put(o, "flushes", b->flushes - a->flushes);
	put(o, "failed", r->failed - q->failed);
	put(o, "ring_full", b->ring_full - a->ring_full);
	put(o, "to_dom0_events", b->notified - a->notified);
	put(o, "to_guest_events", f->notified - e->notified);
	put(o, "map_calls", d->map_calls - c->map_calls);
	put(o, "unmap_calls", d->unmap_calls - c->unmap_calls);
	put(o, "waited", d->waited - c->waited);
	put(o, "refused",
	    f->bad_requests + f->bad_grants + f->unsupported - e->bad_requests - e->bad_grants -
		    e->unsupported);
	put(o, "stopped", f->disabled + b->broken);
	return o;
}

json_t *result_xen(const struct testbed *t, const struct measurement *m)
{
	const struct xen_counters *a = &m->begin.xen, *b = &m->end.xen;
	json_t *o = json_object();

	put(o, "crossings", b->hypercalls - a->hypercalls);
	json_object_set_new(o, "hypercalls", hypercalls(a, b));
	put(o, "multicall_entries", b->multicall_entries - a->multicall_entries);
	json_object_set_new(o, "grants", grants(a, b));
	put(o, "events", b->events_sent - a->events_sent);
	json_object_set_new(o, "iommu", tables(a, b));
	if (t->sut.vif)
		json_object_set_new(o, "interface", interface(m));
	if (t->sut.vbd)
		json_object_set_new(o, "disk", disk(m));
	json_object_set_new(o, "domains", domains(t, m));
	return o;
}
