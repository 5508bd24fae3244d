// SPDX-License-Identifier: MIT
/*
 * Devices of domains: the record of what each one's I/O addresses lead to, the frames that wait for
 * a flush, and the entries that come and go with grant mappings.
 *
 * A frame in a device's table holds a reference, and a use as writable if the device may write.
 * When the entry is cleared both move to the device's queue, and only a flush lets go of them: what
 * the IOTLB might still reach is neither free, nor another domain's, nor a page table.
 *
 * Entries of grant mappings (domains created with grants_reach_devices) follow Xen as it came to
 * be: bus address is machine address; any handle counts, per granter and frame; the entry is
 * readable while there is a handle and writable while there is a writable one; each has references
 * of its own.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "xen/grant.h"
#include "xen/impl.h"
#include "xen/iommu.h"

#define BFNS_MAX (UINT64_C(1) << 28)

void device_lock(struct device *v, struct cpu *cpu)
{
	if (v->ops->lock)
		v->ops->lock(v->ctx, cpu, v->id);
}

void device_unlock(struct device *v, struct cpu *cpu)
{
	if (v->ops->unlock)
		v->ops->unlock(v->ctx, cpu, v->id);
}

/* ---- flushing ---- */

void device_flush(struct device *v, struct cpu *cpu)
{
	struct xen *hv = v->d->hv;

	v->ops->flush(v->ctx, cpu, v->id);
	v->stale = false;
	window_flushed(v);
	hv->counters.iommu_flushes++;
	while (v->queued != 0) {
		const struct unflushed u = v->queue[--v->queued];

		frame_unuse(hv, cpu, u.mfn, u.write);
	}
}

/* Is @mfn held back by a cleared entry? The one cleared last is the likeliest. */
static bool waits(const struct device *v, mfn_t mfn)
{
	for (uint32_t i = v->queued; i-- > 0;)
		if (v->queue[i].mfn == mfn)
			return true;
	return false;
}

/*
 * A domain that flushes late would otherwise be unable to give away a page that it has just
 * received into; one flush serves every page of its batch.
 */
bool device_frame_steal(struct call *c, mfn_t mfn)
{
	bool flushed = false;

	devices_settle(c->d, c->cpu);
	if (frame_steal(c->hv, c->cpu, mfn, c->d))
		return true;
	for (struct device *v = c->d->devices; v; v = v->next) {
		device_lock(v, c->cpu);
		if (waits(v, mfn)) {
			c->hv->counters.iommu_forced_flushes++;
			device_flush(v, c->cpu);
			flushed = true;
		}
		device_unlock(v, c->cpu);
	}
	return flushed && frame_steal(c->hv, c->cpu, mfn, c->d);
}

/* Room for one more, if there is to be. */
static bool queue_room(struct device *v)
{
	const uint32_t max = v->d->hv->limits.unflushed_max;
	const uint32_t room = v->room == 0 ? 64 : v->room * 2;
	struct unflushed *queue;

	if (v->queued < v->room)
		return true;
	if (v->room >= max)
		return false;
	queue = realloc(v->queue, (room < max ? room : max) * sizeof(*queue));
	if (!queue)
		return false;
	v->queue = queue;
	v->room = room < max ? room : max;
	return true;
}

void device_defer(struct device *v, struct cpu *cpu, mfn_t mfn, bool write)
{
	if (queue_room(v)) {
		v->queue[v->queued++] = (struct unflushed){mfn, write};
		return;
	}
	v->d->hv->counters.iommu_forced_flushes++;
	device_flush(v, cpu);
	frame_unuse(v->d->hv, cpu, mfn, write);
}

/* ---- devices ---- */

struct device *device_find(const struct xen_domain *d, uint32_t id)
{
	for (struct device *v = d->devices; v; v = v->next)
		if (v->id == id)
			return v;
	return NULL;
}

static int assign_check(const struct xen_domain *d, const struct xen_device_config *c)
{
	if (c->bfns == 0 || c->bfns > BFNS_MAX || d->dying)
		return -EINVAL;
	/* What grants give is a window of pseudo-physical pages, or goes by machine frames. */
	if (c->table == XEN_TABLE_PSEUDO && d->grants_reach_devices)
		return -EINVAL;
	if (c->grants_from != 0 && (c->table != XEN_TABLE_ASKED || d->grants_reach_devices ||
				    c->grants_from >= c->bfns || window_there(d)))
		return -EINVAL;
	if ((d->grants_reach_devices || c->table != XEN_TABLE_ASKED || c->grants_from != 0) &&
	    d->grants->live != 0)
		return -EBUSY;
	for (unsigned i = 0; i < XEN_DOMAINS_MAX; i++)
		if (d->hv->domain[i] && device_find(d->hv->domain[i], c->device))
			return -EEXIST;
	return follow_possible(d, c->table, c->bfns);
}

int xen_device_assign(struct xen_domain *d, const struct xen_device_config *config)
{
	struct device *v;
	int ret = assign_check(d, config);

	if (ret != 0)
		return ret;
	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->entry = calloc(config->bfns, sizeof(*v->entry));
	if (!v->entry) {
		free(v);
		return -ENOMEM;
	}
	v->d = d;
	v->id = config->device;
	v->bfns = config->bfns;
	v->table = config->table;
	v->ops = config->ops;
	v->ctx = config->ctx;
	v->next = d->devices;
	d->devices = v;
	if (config->grants_from != 0)
		ret = window_create(v, config->grants_from, config->grants_lazy);
	if (v->table != XEN_TABLE_ASKED)
		ret = follow_begin(v);
	if (ret != 0)
		device_remove(v);
	else if (config->frozen)
		follow_end(v);
	return ret;
}

void device_frame_leave(struct device *v, struct cpu *cpu, uint64_t entry)
{
	const mfn_t mfn = entry_mfn(entry);
	struct xen_domain *owner = frame_of(v->d->hv, mfn)->owner;

	if (entry & (ENTRY_GRANT | ENTRY_OWN))
		v->stale = true;
	else if (owner != v->d)
		mapped_dma(v->d, owner, mfn, (entry & ENTRY_W) != 0, -1);
	device_defer(v, cpu, mfn, (entry & ENTRY_W) != 0);
}

void device_entry_clear(struct device *v, struct cpu *cpu, uint64_t bfn)
{
	const uint64_t entry = v->entry[bfn];

	v->ops->unmap(v->ctx, cpu, v->id, bfn);
	v->entry[bfn] = 0;
	device_frame_leave(v, cpu, entry);
}

void device_remove(struct device *v)
{
	struct device **link = &v->d->devices;

	assert(v->d->inside == 0);
	if (v->ops->detach)
		v->ops->detach(v->ctx, v->id);
	for (uint64_t bfn = 0; bfn < v->bfns; bfn++)
		if (v->entry[bfn] != 0)
			device_entry_clear(v, NULL, bfn);
	device_flush(v, NULL);
	follow_end(v);
	while (*link != v)
		link = &(*link)->next;
	*link = v->next;
	window_destroy(v);
	free(v->queue);
	free(v->entry);
	free(v);
}

void xen_device_remove(struct xen *hv, uint32_t device)
{
	for (unsigned i = 0; i < XEN_DOMAINS_MAX; i++) {
		struct device *v = hv->domain[i] ? device_find(hv->domain[i], device) : NULL;

		if (v)
			device_remove(v);
	}
	domains_reap(hv);
}

/* ---- entries of grant mappings ---- */

static int entry_install(struct device *v, struct cpu *cpu, const struct xen_domain *granter,
			 mfn_t mfn, bool write)
{
	struct xen *hv = v->d->hv;
	int ret;

	if (!frame_use(hv, cpu, mfn, granter, write))
		return -EBUSY;
	ret = v->ops->map(v->ctx, cpu, v->id, mfn, mfn, true, write);
	if (ret != 0) {
		frame_unuse(hv, cpu, mfn, write);
		return ret;
	}
	v->entry[mfn] = mfn << PAGE_SHIFT | ENTRY_GRANT | ENTRY_R | (write ? ENTRY_W : 0);
	hv->counters.iommu_grants++;
	return 0;
}

static int entry_upgrade(struct device *v, struct cpu *cpu, mfn_t mfn)
{
	struct xen *hv = v->d->hv;
	int ret;

	if (!frame_get_writable(hv, mfn))
		return -EBUSY;
	ret = v->ops->map(v->ctx, cpu, v->id, mfn, mfn, true, true);
	if (ret != 0) {
		frame_put_writable(hv, mfn);
		return ret;
	}
	v->entry[mfn] |= ENTRY_W;
	/* The IOTLB may have the read-only one. */
	device_flush(v, cpu);
	return 0;
}

static void entry_downgrade(struct device *v, struct cpu *cpu, mfn_t mfn)
{
	if (v->ops->map(v->ctx, cpu, v->id, mfn, mfn, true, false) != 0) {
		device_entry_clear(v, cpu, mfn); /* less than granted, never more */
		return;
	}
	v->entry[mfn] &= ~ENTRY_W;
	device_flush(v, cpu);
	frame_put_writable(v->d->hv, mfn);
}

/* Make the device's entry what the handles that there are allow. */
static int entry_follow(struct device *v, struct cpu *cpu, const struct xen_domain *granter,
			mfn_t mfn)
{
	const struct mapped *m = mapped_find(v->d, granter, mfn);
	const bool write = m && m->writes != 0;
	const uint64_t entry = mfn < v->bfns ? v->entry[mfn] : 0;

	if (!m) {
		/* A stale handle of a former owner's takes nothing of the present one's along. */
		if (entry & ENTRY_GRANT && frame_of(v->d->hv, mfn)->owner == granter)
			device_entry_clear(v, cpu, mfn);
		return 0;
	}
	if (mfn >= v->bfns)
		return -ENOSPC;
	if (entry == 0)
		return entry_install(v, cpu, granter, mfn, write);
	/* Made by the guest itself, or for a granter whose frame it no longer is. */
	if (!(entry & ENTRY_GRANT) || frame_of(v->d->hv, mfn)->owner != granter)
		return -EADDRINUSE;
	if (write && !(entry & ENTRY_W))
		return entry_upgrade(v, cpu, mfn);
	if (!write && entry & ENTRY_W)
		entry_downgrade(v, cpu, mfn);
	return 0;
}

int devices_grant_mapped(struct xen_domain *d, struct cpu *cpu, const struct xen_domain *granter,
			 mfn_t mfn)
{
	int ret = 0;

	if (!d->grants_reach_devices || granter == d)
		return 0;
	for (struct device *v = d->devices; v && ret == 0; v = v->next) {
		device_lock(v, cpu);
		ret = entry_follow(v, cpu, granter, mfn);
		device_unlock(v, cpu);
	}
	return ret;
}

void devices_grant_unmapped(struct xen_domain *d, struct cpu *cpu, const struct xen_domain *granter,
			    mfn_t mfn)
{
	if (!d->grants_reach_devices || granter == d)
		return;
	for (struct device *v = d->devices; v; v = v->next) {
		device_lock(v, cpu);
		/* Nothing to lose if this fails: it would only have given more. */
		(void)entry_follow(v, cpu, granter, mfn);
		device_unlock(v, cpu);
	}
}

void devices_grant_flush(struct xen_domain *d, struct cpu *cpu)
{
	for (struct device *v = d->devices; v; v = v->next) {
		if (!v->stale)
			continue;
		device_lock(v, cpu);
		device_flush(v, cpu);
		device_unlock(v, cpu);
	}
}
