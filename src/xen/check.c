// SPDX-License-Identifier: MIT
/*
 * Every invariant that the hypervisor promises, recomputed from tables, handles and devices without
 * a look at the counters they are compared with:
 *
 *  1. a frame without references has no owner, no type, no m2p entry;
 *  2. an allocated frame has an owner and a reference; an owner's frame that is not allocated is in
 *     somebody's use;
 *  3. a domain's frames are as many as tot_pages says;
 *  4. references = allocation + entries of page tables + device mappings of grants + entries of
 *     devices, waiting ones included, + pins;
 *  5. uses as writable = writable ones among those;
 *  6. what is a page table is writable nowhere;
 *  7. pins of a grant = live handles for it, by kind;
 *  9. a pinned grant's domain is the one that has the handles;
 * 10. free handles and live ones are all handles; live ones name a grant that there is;
 * 11. a device reaches frames of its domain's, or such as it has mapped by grant, with no more
 * rights; one whose table follows the page table reaches what that says, and nothing is missing;
 * 13. an interdomain channel's peer points back;
 *     and records of what is mapped, and of virtual and physical interrupts, agree with what they
 *     are records of.
 *
 * Not here: flags in shared pages (8), which are the guest's to write, see xen_check_flags(); what
 * an IOTLB holds (12), which the hypervisor cannot see; what a call may change (14, 15), which only
 * its caller can compare.
 */
#include <errno.h>
#include <stdlib.h>

#include "xen/evtchn.h"
#include "xen/grant.h"
#include "xen/impl.h"
#include "xen/iommu.h"

struct expected {
	uint32_t count, writes, tables;
};

struct checking {
	const struct xen *hv;
	struct err *err;
	struct expected *frame;
	uint32_t *pin[XEN_DOMAINS_MAX]; /* per grant of a domain */
};

#define BROKEN(k, ...) return err_set((k)->err, -EINVAL, __VA_ARGS__)

static void hold(struct checking *k, mfn_t mfn, bool write)
{
	k->frame[mfn].count++;
	k->frame[mfn].writes += write;
}

/* ---- what holds frames ---- */

static int count_table(struct checking *k, mfn_t table)
{
	const uint64_t *pte = memory_ptr(k->hv->board, table << PAGE_SHIFT, PAGE_BYTES);

	for (unsigned i = 0; i < PTES; i++) {
		if (!(pte[i] & PTE_PRESENT))
			continue;
		if (!frame_valid(k->hv, pte_mfn(pte[i])))
			BROKEN(k, "table %#lx, entry %u: beyond memory", table, i);
		hold(k, pte_mfn(pte[i]), (pte[i] & PTE_RW) != 0);
	}
	return 0;
}

static int count_frame(struct checking *k, mfn_t mfn)
{
	const struct frame *f = &k->hv->frame[mfn];
	struct expected *e = &k->frame[mfn];
	const unsigned held = ((f->flags & FRAME_PINNED) != 0) + ((f->flags & FRAME_ROOT) != 0);

	e->count += ((f->flags & FRAME_ALLOCATED) != 0) + held;
	e->tables += held;
	if (f->flags & FRAME_HEAP && f->flags & FRAME_ALLOCATED && f->owner)
		e->writes++;
	return f->type == TYPE_L1 ? count_table(k, mfn) : 0;
}

static int count_device(struct checking *k, const struct device *v)
{
	uint64_t live = 0;

	for (uint64_t bfn = 0; bfn < v->bfns; bfn++) {
		const uint64_t entry = v->entry[bfn];
		const mfn_t mfn = entry_mfn(entry);
		const struct xen_domain *owner;
		const struct mapped *m;

		if (entry == 0)
			continue;
		live += bfn >= window_limit(v);
		hold(k, mfn, (entry & ENTRY_W) != 0);
		owner = k->hv->frame[mfn].owner;
		if (owner == v->d && !(entry & ENTRY_GRANT))
			continue;
		m = owner && v->d->grants ? mapped_find(v->d, owner, mfn) : NULL;
		if (!m || (entry & ENTRY_W && m->writes == 0))
			BROKEN(k, "device %u, bfn %#lx: frame %#lx is not its domain's to reach",
			       v->id, bfn, mfn);
	}
	for (uint32_t i = 0; i < v->queued; i++)
		hold(k, v->queue[i].mfn, v->queue[i].write);
	if (!window_right(v, live))
		BROKEN(k, "device %u: bus addresses of grants are lost, or there twice", v->id);
	return v->follows ? follow_check(v, k->err) : 0;
}

static int count_handle(struct checking *k, const struct xen_domain *d, uint32_t handle)
{
	const struct maptrack *m = &d->grants->track[handle];
	const struct xen_domain *rd = xen_domain_find(k->hv, m->domid);
	const bool write = !(m->flags & GNTMAP_readonly);
	const struct active *a;

	if (!(m->flags & (GNTMAP_host_map | GNTMAP_device_map)))
		BROKEN(k, "domain %u, handle %u: in use for nothing", d->id, handle);
	if (!rd || !rd->grants || m->ref >= grant_entries(rd))
		BROKEN(k, "domain %u, handle %u: of no grant", d->id, handle);
	a = &rd->grants->active[m->ref];
	if (a->domid != d->id)
		BROKEN(k, "domain %u, handle %u: pinned by domain %u", d->id, handle, a->domid);
	if (m->flags & GNTMAP_host_map)
		k->pin[rd->id][m->ref] += write ? PIN_HOST_WRITE : PIN_HOST_READ;
	if (m->flags & GNTMAP_device_map) {
		k->pin[rd->id][m->ref] += write ? PIN_DEV_WRITE : PIN_DEV_READ;
		hold(k, a->frame, write);
	}
	return 0;
}

/* ---- grant tables ---- */

static int check_maptrack(struct checking *k, const struct xen_domain *d)
{
	const struct grant_table *t = d->grants;
	uint32_t live = 0, free_handles = 0;
	uint64_t reads = 0, writes = 0;
	int ret = 0;

	for (uint32_t i = 0; i < t->tracks && ret == 0; i++) {
		if (!t->track[i].used)
			continue;
		live++;
		reads += (t->track[i].flags & GNTMAP_readonly) != 0;
		writes += !(t->track[i].flags & GNTMAP_readonly);
		ret = count_handle(k, d, i);
	}
	if (ret != 0)
		return ret;
	for (uint32_t i = t->track_free; i != HANDLE_NONE && free_handles <= t->tracks;
	     i = t->track[i].ref)
		free_handles++;
	if (live != t->live || live + free_handles != t->tracks)
		BROKEN(k, "domain %u: %u handles live, %u said, %u free, %u in all", d->id, live,
		       t->live, free_handles, t->tracks);
	for (uint32_t i = 0; i < t->tracks; i++) {
		if (!t->mapped[i].used)
			continue;
		reads -= t->mapped[i].reads;
		writes -= t->mapped[i].writes;
	}
	if (reads != 0 || writes != 0)
		BROKEN(k, "domain %u: records of what is mapped disagree with its handles", d->id);
	return 0;
}

/* Entries that rest on a record, counted anew. */
static int check_mapped(struct checking *k, const struct xen_domain *d)
{
	const struct grant_table *t = d->grants;

	for (uint32_t i = 0; i < t->tracks; i++) {
		const struct mapped *m = &t->mapped[i];
		uint32_t reads = 0, writes = 0;

		if (!m->used || m->dma_reads + m->dma_writes == 0)
			continue;
		for (const struct device *v = d->devices; v; v = v->next)
			for (uint64_t bfn = 0; bfn < v->bfns; bfn++) {
				const uint64_t entry = v->entry[bfn];

				if (entry == 0 || entry & ENTRY_GRANT ||
				    entry_mfn(entry) != m->mfn ||
				    k->hv->frame[m->mfn].owner != m->granter)
					continue;
				reads += !(entry & ENTRY_W);
				writes += (entry & ENTRY_W) != 0;
			}
		if (reads != m->dma_reads || writes != m->dma_writes)
			BROKEN(k, "domain %u: %u + %u entries rest on frame %#lx, %u + %u said",
			       d->id, reads, writes, m->mfn, m->dma_reads, m->dma_writes);
	}
	return 0;
}

static int check_pins(struct checking *k, const struct xen_domain *d)
{
	uint64_t handles = 0;

	for (uint32_t ref = 0; ref < grant_entries(d); ref++)
		if (d->grants->active[ref].pin != k->pin[d->id][ref])
			BROKEN(k, "domain %u, grant %u: pinned %#x, handles say %#x", d->id, ref,
			       d->grants->active[ref].pin, k->pin[d->id][ref]);
	for (unsigned i = 0; i < XEN_DOMAINS_MAX; i++) {
		const struct xen_domain *g = k->hv->domain[i];

		for (uint32_t h = 0; g && g->grants && h < g->grants->tracks; h++)
			handles += g->grants->track[h].used && g->grants->track[h].domid == d->id;
	}
	if (handles != d->handles_on)
		BROKEN(k, "domain %u: %lu handles on it, %lu said", d->id, handles, d->handles_on);
	return 0;
}

/* ---- frames ---- */

static int check_frame(struct checking *k, mfn_t mfn, uint64_t *tot, uint64_t *heap)
{
	const struct frame *f = &k->hv->frame[mfn];
	const struct expected *e = &k->frame[mfn];
	const uint32_t types = f->type == TYPE_L1 ? e->tables : e->writes;

	if (f->count != e->count)
		BROKEN(k, "frame %#lx: %u references, %u accounted for", mfn, f->count, e->count);
	if (f->type_count != types || (f->type == TYPE_NONE && types != 0))
		BROKEN(k, "frame %#lx: type %u %u times, %u accounted for", mfn, f->type,
		       f->type_count, types);
	if ((e->tables != 0) != (f->type == TYPE_L1) || (e->tables != 0 && e->writes != 0))
		BROKEN(k, "frame %#lx: a page table that somebody writes", mfn);
	if (f->count == 0) {
		if (f->owner || f->flags || m2p_get(k->hv, mfn) != XEN_M2P_INVALID)
			BROKEN(k, "frame %#lx: free, but not forgotten", mfn);
		return 0;
	}
	if (!f->owner || k->hv->domain[f->owner->id] != f->owner)
		BROKEN(k, "frame %#lx: in use without an owner", mfn);
	if (f->flags & FRAME_HEAP)
		heap[f->owner->id]++;
	else
		tot[f->owner->id]++;
	return 0;
}

static int check_frames(struct checking *k)
{
	uint64_t tot[XEN_DOMAINS_MAX] = {0}, heap[XEN_DOMAINS_MAX] = {0};
	int ret = 0;

	for (mfn_t mfn = 0; mfn < k->hv->frames && ret == 0; mfn++)
		ret = check_frame(k, mfn, tot, heap);
	for (unsigned i = 0; i < XEN_DOMAINS_MAX && ret == 0; i++) {
		const struct xen_domain *d = k->hv->domain[i];

		if (d && (d->tot_pages != tot[i] || d->heap_pages != heap[i]))
			BROKEN(k, "domain %u: owns %lu + %lu frames, %lu + %lu said", i, tot[i],
			       heap[i], d->tot_pages, d->heap_pages);
	}
	return ret;
}

/* ---- event channels ---- */

static int check_port(struct checking *k, const struct xen_domain *d, uint32_t port)
{
	const struct evtchn *e = &d->evtchns->port[port], *peer;
	const struct xen_domain *rd;

	switch (e->state) {
	case EVTCHNSTAT_interdomain:
		rd = xen_domain_find(k->hv, e->remote_dom);
		peer = rd && rd->evtchns && e->remote_port < rd->evtchns->ports
			       ? &rd->evtchns->port[e->remote_port]
			       : NULL;
		if (!peer || peer->state != EVTCHNSTAT_interdomain || peer->remote_dom != d->id ||
		    peer->remote_port != port)
			BROKEN(k, "domain %u, port %u: its peer points elsewhere", d->id, port);
		return 0;
	case EVTCHNSTAT_virq: /* of vCPU 0 if it is the whole domain's, whichever is notified */
		if (d->evtchns->virq[e->vcpu][e->remote_port] == port ||
		    d->evtchns->virq[0][e->remote_port] == port)
			return 0;
		BROKEN(k, "domain %u, port %u: its virq is not bound to it", d->id, port);
	case EVTCHNSTAT_pirq:
		if (k->hv->pirq[e->remote_port].d == d && k->hv->pirq[e->remote_port].port == port)
			return 0;
		BROKEN(k, "domain %u, port %u: pirq %u is not bound to it", d->id, port,
		       e->remote_port);
	case EVTCHN_FREE:
		return 0;
	default:
		if (port >= d->evtchns->used)
			BROKEN(k, "domain %u, port %u: beyond those in use", d->id, port);
		return 0;
	}
}

/* What a virq is bound to is a port that says so. */
static int check_virqs(struct checking *k, const struct xen_domain *d)
{
	for (unsigned i = 0; i < d->vcpus * NR_VIRQS; i++) {
		const uint32_t port = d->evtchns->virq[i / NR_VIRQS][i % NR_VIRQS];
		const struct evtchn *e = &d->evtchns->port[port];

		if (port && (e->state != EVTCHNSTAT_virq || e->remote_port != i % NR_VIRQS))
			BROKEN(k, "domain %u, port %u: a virq thinks it is its", d->id, port);
	}
	return 0;
}

/* ---- all of it ---- */

static int count_all(struct checking *k)
{
	int ret = 0;

	for (mfn_t mfn = 0; mfn < k->hv->frames && ret == 0; mfn++)
		if (k->hv->frame[mfn].flags != 0 || k->hv->frame[mfn].type == TYPE_L1)
			ret = count_frame(k, mfn);
	for (unsigned i = 0; i < XEN_DOMAINS_MAX && ret == 0; i++) {
		const struct xen_domain *d = k->hv->domain[i];

		for (const struct device *v = d ? d->devices : NULL; v && ret == 0; v = v->next)
			ret = count_device(k, v);
		if (d && d->grants && ret == 0)
			ret = check_maptrack(k, d);
		if (d && d->grants && ret == 0)
			ret = check_mapped(k, d);
	}
	return ret;
}

static int compare_all(struct checking *k)
{
	int ret = check_frames(k);

	for (unsigned i = 0; i < XEN_DOMAINS_MAX && ret == 0; i++) {
		const struct xen_domain *d = k->hv->domain[i];

		if (d && d->grants)
			ret = check_pins(k, d);
		for (uint32_t p = 0; d && d->evtchns && p < d->evtchns->used && ret == 0; p++)
			ret = check_port(k, d, p);
		ret = ret || !d || !d->evtchns ? ret : check_virqs(k, d);
	}
	return ret;
}

int xen_check(const struct xen *hv, struct err *err)
{
	struct checking k = {.hv = hv, .err = err};
	int ret = -ENOMEM;

	k.frame = calloc(hv->frames, sizeof(*k.frame));
	if (!k.frame)
		goto free;
	for (unsigned i = 0; i < XEN_DOMAINS_MAX; i++) {
		if (!hv->domain[i] || !hv->domain[i]->grants)
			continue;
		k.pin[i] = calloc(grant_entries(hv->domain[i]) + 1, sizeof(*k.pin[i]));
		if (!k.pin[i])
			goto free;
	}
	ret = count_all(&k);
	if (ret == 0)
		ret = compare_all(&k);
free:
	for (unsigned i = 0; i < XEN_DOMAINS_MAX; i++)
		free(k.pin[i]);
	free(k.frame);
	return ret;
}

int xen_check_flags(const struct xen *hv, struct err *err)
{
	for (unsigned i = 0; i < XEN_DOMAINS_MAX; i++) {
		const struct xen_domain *d = hv->domain[i];

		for (uint32_t ref = 0; d && d->grants && ref < grant_entries(d); ref++) {
			const uint32_t pin = d->grants->active[ref].pin;
			phys_t at;
			const uint16_t flags = grant_shared(d, ref, &at)->flags;

			if (((flags & GTF_reading) != 0) != (pin != 0) ||
			    ((flags & GTF_writing) != 0) != ((pin & PIN_WRITES) != 0))
				return err_set(err, -EINVAL,
					       "domain %u, grant %u: flags %#x, pinned %#x", i, ref,
					       flags, pin);
		}
	}
	return 0;
}

int xen_frame_domain(const struct xen *hv, uint64_t mfn)
{
	const struct frame *f;

	if (mfn >= hv->frames)
		return -EINVAL;
	f = &hv->frame[mfn];
	return f->owner && !(f->flags & FRAME_HEAP) ? xen_domain_id(f->owner) : -ENOENT;
}

uint64_t xen_frames_in_use(const struct xen *hv)
{
	uint64_t n = hv->own_pages;

	for (mfn_t mfn = 0; mfn < hv->frames; mfn++)
		n += hv->frame[mfn].count != 0;
	return n;
}
