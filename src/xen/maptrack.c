// SPDX-License-Identifier: MIT
/*
 * What a domain has mapped: a table of handles that grows up to a limit, and for each pair of
 * granter and frame a count over all handles. The pair, not the frame alone: a grantee can destroy
 * the page-table entry of a mapping, its granter then frees the frame, and when the frame comes
 * back as another domain's, what was once allowed of it says nothing.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "xen/cost.h"
#include "xen/grant.h"
#include "xen/impl.h"
#include "xen/iommu.h"

/* One more page of handles, or as many as the limit leaves. */
static int grow(struct xen_domain *d)
{
	struct grant_table *t = d->grants;
	const uint32_t max = d->hv->limits.maptrack_max;
	const uint32_t more =
		max - t->tracks < HANDLES_PER_PAGE ? max - t->tracks : HANDLES_PER_PAGE;
	struct region page;
	struct maptrack *track;
	struct mapped *mapped;
	uint32_t *bus;

	if (more == 0)
		return -ENOSPC;
	track = realloc(t->track, (t->tracks + more) * sizeof(*track));
	if (!track)
		return -ENOMEM;
	t->track = track;
	bus = realloc(t->bus, (t->tracks + more) * sizeof(*bus));
	if (!bus)
		return -ENOMEM;
	t->bus = bus;
	mapped = realloc(t->mapped, (t->tracks + more) * sizeof(*mapped));
	if (!mapped)
		return -ENOMEM;
	t->mapped = mapped;
	if (region_alloc(d->hv, PAGE_BYTES, &page) != 0)
		return -ENOMEM;
	t->track_page[t->tracks / HANDLES_PER_PAGE] = page.base;
	for (uint32_t i = t->tracks + more; i-- > t->tracks;) {
		t->track[i] = (struct maptrack){.ref = t->track_free};
		t->track_free = i;
		t->mapped[i] = (struct mapped){.next = t->mapped_free};
		t->mapped_free = i;
	}
	t->tracks += more;
	return 0;
}

void maptrack_touch(const struct xen_domain *d, struct cpu *cpu, uint32_t handle, bool write)
{
	static_assert(sizeof(struct maptrack) == 8, "512 of them in a page");
	cost_touch(cpu,
		   d->grants->track_page[handle / HANDLES_PER_PAGE] +
			   handle % HANDLES_PER_PAGE * sizeof(struct maptrack),
		   sizeof(struct maptrack), write);
}

uint32_t maptrack_get(struct xen_domain *d)
{
	struct grant_table *t = d->grants;
	uint32_t handle;

	if (t->track_free == HANDLE_NONE && grow(d) != 0)
		return HANDLE_NONE;
	handle = t->track_free;
	t->track_free = t->track[handle].ref;
	t->track[handle] = (struct maptrack){.used = true};
	t->bus[handle] = BUS_NONE;
	t->live++;
	return handle;
}

void maptrack_put(struct xen_domain *d, uint32_t handle)
{
	struct grant_table *t = d->grants;

	assert(t->track[handle].used);
	t->track[handle] = (struct maptrack){.ref = t->track_free};
	t->track_free = handle;
	t->live--;
}

struct maptrack *maptrack_of(const struct xen_domain *d, uint32_t handle)
{
	struct maptrack *m;

	if (handle >= d->grants->tracks)
		return NULL;
	m = &d->grants->track[handle];
	return m->used && m->flags & (GNTMAP_host_map | GNTMAP_device_map) ? m : NULL;
}

/* ---- by granter and frame ---- */

static uint32_t *head_of(const struct xen_domain *d, const struct xen_domain *granter, mfn_t mfn)
{
	const uint64_t mixed = (mfn ^ (uint64_t)granter->id << 40) * UINT64_C(0x9e3779b97f4a7c15);

	return &d->grants->mapped_head[mixed >> 54];
}

static struct mapped *find(const struct xen_domain *d, const struct xen_domain *granter, mfn_t mfn,
			   uint32_t **link)
{
	uint32_t *at = head_of(d, granter, mfn);

	static_assert(GRANT_MAPPED_HEADS == 1u << (64 - 54), "the shift above");
	for (; *at != HANDLE_NONE; at = &d->grants->mapped[*at].next) {
		struct mapped *m = &d->grants->mapped[*at];

		if (m->granter == granter && m->mfn == mfn) {
			*link = at;
			return m;
		}
	}
	return NULL;
}

struct mapped *mapped_find(const struct xen_domain *d, const struct xen_domain *granter, mfn_t mfn)
{
	uint32_t *link;

	return find(d, granter, mfn, &link);
}

struct mapped *mapped_add(struct xen_domain *d, const struct xen_domain *granter, mfn_t mfn,
			  bool write)
{
	struct grant_table *t = d->grants;
	struct mapped *m = mapped_find(d, granter, mfn);
	uint32_t *head, i;

	if (!m) {
		/* There are as many records as handles, and every record has one. */
		i = t->mapped_free;
		assert(i != HANDLE_NONE);
		m = &t->mapped[i];
		t->mapped_free = m->next;
		head = head_of(d, granter, mfn);
		*m = (struct mapped){.granter = granter, .mfn = mfn, .next = *head, .used = true};
		*head = i;
	}
	if (write)
		m->writes++;
	else
		m->reads++;
	return m;
}

void mapped_drop(struct xen_domain *d, const struct xen_domain *granter, mfn_t mfn, bool write)
{
	struct grant_table *t = d->grants;
	uint32_t *link = NULL;
	struct mapped *m = find(d, granter, mfn, &link);
	const uint32_t i = *link;

	if (write)
		m->writes--;
	else
		m->reads--;
	if (m->reads + m->writes != 0)
		return;
	assert(m->dma_reads + m->dma_writes == 0);
	*link = m->next;
	*m = (struct mapped){.next = t->mapped_free};
	t->mapped_free = i;
}

void mapped_dma(struct xen_domain *d, const struct xen_domain *granter, mfn_t mfn, bool write,
		int by)
{
	struct mapped *m = mapped_find(d, granter, mfn);

	assert(m);
	if (write)
		m->dma_writes += (uint32_t)by;
	else
		m->dma_reads += (uint32_t)by;
}

/* ---- death ---- */

void maptrack_release_all(struct xen_domain *d)
{
	for (uint32_t handle = 0; handle < d->grants->tracks; handle++) {
		const struct maptrack *m = maptrack_of(d, handle);
		struct xen_domain *rd;
		bool write;
		uint32_t pins = 0;
		mfn_t frame;

		if (!m)
			continue;
		rd = d->hv->domain[m->domid];
		write = !(m->flags & GNTMAP_readonly);
		frame = rd->grants->active[m->ref].frame;
		if (m->flags & GNTMAP_host_map)
			pins += write ? PIN_HOST_WRITE : PIN_HOST_READ;
		if (m->flags & GNTMAP_device_map) {
			pins += write ? PIN_DEV_WRITE : PIN_DEV_READ;
			frame_unuse(d->hv, NULL, frame, write);
		}
		mapped_drop(d, rd, frame, write);
		grant_unpin(rd, NULL, m->ref, pins);
		maptrack_put(d, handle);
		rd->handles_on--;
	}
}
