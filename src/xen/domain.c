// SPDX-License-Identifier: MIT
/*
 * The hypervisor's making and a domain's: memory, direct map, start_info, p2m and m2p, as a domain
 * builder leaves them to a paravirtual kernel. How domains end is in death.c.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xen/evtchn.h"
#include "xen/grant.h"
#include "xen/impl.h"

/* ---- the hypervisor ---- */

int region_alloc(struct xen *hv, uint64_t bytes, struct region *r)
{
	r->pages = (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
	if (memory_alloc(hv->board, r->pages, PAGE_BYTES, 0, &r->base) != 0) {
		r->pages = 0;
		return -ENOMEM;
	}
	hv->own_pages += r->pages;
	return 0;
}

void region_free(struct xen *hv, struct region *r)
{
	if (r->pages == 0)
		return;
	memory_free(hv->board, r->base, r->pages);
	hv->own_pages -= r->pages;
	r->pages = 0;
}

static int limits_complete(struct xen_limits *l)
{
	const struct xen_limits usual = {.grant_frames_initial = 4,
					 .grant_frames_max = GRANT_FRAMES_MAX,
					 .maptrack_max = XEN_MAPTRACK_USUAL,
					 .ports_max = EVTCHN_2L_NR_CHANNELS,
					 .preempt_after = 1024,
					 .unflushed_max = 16384};

	if (!l->grant_frames_max)
		l->grant_frames_max = usual.grant_frames_max;
	if (!l->grant_frames_initial)
		l->grant_frames_initial = usual.grant_frames_initial < l->grant_frames_max
						  ? usual.grant_frames_initial
						  : l->grant_frames_max;
	if (!l->maptrack_max)
		l->maptrack_max = usual.maptrack_max;
	if (!l->ports_max)
		l->ports_max = usual.ports_max;
	if (!l->preempt_after)
		l->preempt_after = usual.preempt_after;
	if (!l->unflushed_max)
		l->unflushed_max = usual.unflushed_max;
	return l->grant_frames_max > GRANT_FRAMES_MAX ||
			       l->grant_frames_initial > l->grant_frames_max ||
			       l->maptrack_max > usual.maptrack_max ||
			       l->ports_max > usual.ports_max || l->ports_max < 2 ||
			       l->preempt_after < 4
		       ? -EINVAL
		       : 0;
}

int xen_create(struct xen **out, struct memory *board, const struct xen_limits *limits)
{
	struct xen *hv = calloc(1, sizeof(*hv));
	int ret = -ENOMEM;

	if (!hv)
		return -ENOMEM;
	hv->board = board;
	hv->frames = memory_bytes(board) >> PAGE_SHIFT;
	if (limits)
		hv->limits = *limits;
	ret = limits_complete(&hv->limits);
	if (ret != 0)
		goto fail;
	ret = -ENOMEM;
	hv->frame = calloc(hv->frames, sizeof(*hv->frame));
	if (!hv->frame ||
	    region_alloc(hv, hv->frames * sizeof(*hv->frame), &hv->frame_table) != 0 ||
	    region_alloc(hv, hv->frames * 8, &hv->m2p) != 0)
		goto fail;
	hv->m2p_words = memory_ptr(board, hv->m2p.base, hv->frames * 8);
	for (uint64_t i = 0; i < hv->frames; i++)
		hv->m2p_words[i] = XEN_M2P_INVALID;
	*out = hv;
	return 0;
fail:
	xen_destroy(hv);
	return ret;
}

/* CPUs that will not run any more may have stopped inside calls: these hold no claims now. */
static bool abandon_calls(struct xen *hv)
{
	bool any = false;

	for (unsigned i = 0; i < XEN_DOMAINS_MAX; i++) {
		struct xen_domain *d = hv->domain[i];

		if (!d)
			continue;
		any |= d->calls != 0;
		d->calls = d->inside = 0;
	}
	return any;
}

void xen_destroy(struct xen *hv)
{
	bool abandoned;

	if (!hv)
		return;
	hv->ending = true;
	abandoned = abandon_calls(hv);
	for (unsigned i = 0; i < XEN_DOMAINS_MAX; i++)
		if (hv->domain[i] && !hv->domain[i]->dying)
			xen_domain_kill(hv->domain[i]);
	/* What such a call had taken and not yet written down is still counted. */
	if (abandoned)
		domains_forget(hv);
	assert(hv->zombies == 0);
	region_free(hv, &hv->m2p);
	region_free(hv, &hv->frame_table);
	assert(hv->own_pages == 0);
	free(hv->frame);
	free(hv);
}

phys_t xen_m2p(const struct xen *hv)
{
	return hv->m2p.base;
}

void xen_counters(const struct xen *hv, struct xen_counters *out)
{
	*out = hv->counters;
}

/* ---- questions ---- */

struct xen_domain *xen_domain_find(const struct xen *hv, unsigned id)
{
	return id < XEN_DOMAINS_MAX ? hv->domain[id] : NULL;
}

bool xen_domain_dying(const struct xen_domain *d)
{
	return d->dying;
}

uint16_t xen_domain_id(const struct xen_domain *d)
{
	return d->id;
}

struct xen *xen_domain_xen(const struct xen_domain *d)
{
	return d->hv;
}

phys_t xen_domain_l1(const struct xen_domain *d)
{
	return d->l1_first << PAGE_SHIFT;
}

uint64_t xen_domain_span(const struct xen_domain *d)
{
	return d->span;
}

uint64_t xen_domain_tot_pages(const struct xen_domain *d)
{
	return d->tot_pages;
}

uint64_t xen_domain_max_pages(const struct xen_domain *d)
{
	return d->max_pages;
}

void xen_domain_set_max_pages(struct xen_domain *d, uint64_t pages)
{
	d->max_pages = pages;
}

void xen_domain_free_memory(const struct xen_domain *d, uint64_t *first, uint64_t *end)
{
	*first = d->free_first;
	*end = d->free_end;
}

struct xen_domain *domain_alive(const struct xen *hv, unsigned id)
{
	struct xen_domain *d = xen_domain_find(hv, id);

	return d && !d->dying ? d : NULL;
}

int domain_named(struct xen_domain *caller, domid_t id, struct xen_domain **out)
{
	*out = caller;
	if (id == DOMID_SELF)
		return 0;
	if (!caller->privileged)
		return -EPERM;
	*out = domain_alive(caller->hv, id);
	return *out ? 0 : -ESRCH;
}

/* ---- a domain ---- */

/* Where the builder puts what. */
struct plan {
	uint64_t p2m_pages, l1_frames;
	uint64_t l1_pfn, free_pfn, end_pfn;
};

static struct plan plan_of(const struct xen_domain_config *config)
{
	struct plan p = {.p2m_pages = (config->span * 8 + PAGE_BYTES - 1) / PAGE_BYTES,
			 .l1_frames = (config->span + PTES - 1) / PTES};

	p.l1_pfn = (XEN_P2M_PADDR >> PAGE_SHIFT) + p.p2m_pages;
	p.free_pfn = p.l1_pfn + p.l1_frames;
	p.end_pfn = config->pages + 1; /* shared_info takes a number and is not counted */
	return p;
}

/* Page @pfn is @mfn: an entry that nobody has checked yet, and the m2p. */
static void place(struct xen_domain *d, uint64_t pfn, mfn_t mfn, bool write)
{
	d->l1[pfn] = pte_make(mfn, write);
	m2p_set(d->hv, NULL, mfn, pfn);
}

/*
 * Pages [pfn, end) are memory, empty, in as few pieces as there are: a kernel's larger allocations
 * must lie in one, as PV kernels find it at boot.
 */
static int place_memory(struct xen_domain *d, uint64_t pfn, uint64_t end)
{
	while (pfn < end) {
		uint64_t n = end - pfn;
		mfn_t mfn;
		int ret;

		while ((ret = frame_alloc(d, n, 0, false, &mfn)) != 0 && n > 1)
			n /= 2;
		if (ret != 0)
			return ret;
		memory_clear(d->hv->board, mfn << PAGE_SHIFT, n);
		for (uint64_t i = 0; i < n; i++)
			place(d, pfn + i, mfn + i, true);
		pfn += n;
	}
	return 0;
}

static int place_shared_info(struct xen_domain *d)
{
	const int ret = frame_alloc_heap(d->hv, d, &d->shared_info);

	if (ret == 0)
		place(d, XEN_SHARED_INFO_PADDR >> PAGE_SHIFT, d->shared_info, true);
	return ret;
}

static int build_memory(struct xen_domain *d, const struct plan *p)
{
	int ret = frame_alloc(d, p->l1_frames, 0, false, &d->l1_first);

	if (ret != 0)
		return ret;
	d->l1_frames = p->l1_frames;
	d->l1 = memory_ptr(d->hv->board, d->l1_first << PAGE_SHIFT, d->l1_frames << PAGE_SHIFT);
	memset(d->l1, 0, p->l1_frames << PAGE_SHIFT);
	ret = place_memory(d, 0, XEN_SHARED_INFO_PADDR >> PAGE_SHIFT);
	if (ret == 0)
		ret = place_shared_info(d);
	if (ret == 0)
		ret = place_memory(d, XEN_P2M_PADDR >> PAGE_SHIFT, p->l1_pfn);
	for (uint64_t i = 0; i < p->l1_frames && ret == 0; i++)
		place(d, p->l1_pfn + i, d->l1_first + i, false);
	if (ret == 0)
		ret = place_memory(d, p->free_pfn, p->end_pfn);
	/* From here on the entries hold their frames. */
	for (uint64_t i = 0; i < p->l1_frames && ret == 0; i++)
		ret = l1_pin(d, NULL, d->l1_first + i, FRAME_ROOT);
	return ret;
}

static int build_tables(struct xen_domain *d, const struct plan *p)
{
	start_info_t info = {.nr_pages = d->tot_pages,
			     .shared_info = d->shared_info << PAGE_SHIFT,
			     .mfn_list = XEN_PAGE_OFFSET + XEN_P2M_PADDR,
			     .first_p2m_pfn = XEN_P2M_PADDR >> PAGE_SHIFT,
			     .nr_p2m_frames = p->p2m_pages,
			     .pt_base = XEN_PAGE_OFFSET + (p->l1_pfn << PAGE_SHIFT),
			     .nr_pt_frames = p->l1_frames};
	vcpu_info_t *vcpus = memory_ptr(d->hv->board, d->shared_info << PAGE_SHIFT, PAGE_BYTES);
	int ret;

	if (d->privileged)
		info.flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
	snprintf(info.magic, sizeof(info.magic), "xen-3.1-x86_64");
	ret = guest_write(d, NULL, XEN_PAGE_OFFSET + XEN_START_INFO_PADDR, &info, sizeof(info));
	for (uint64_t pfn = 0; pfn < d->span && ret == 0; pfn++) {
		const uint64_t pte = d->l1[pfn];
		const uint64_t word = pte & PTE_PRESENT ? pte_mfn(pte) : UINT64_MAX;

		ret = guest_write(d, NULL, XEN_PAGE_OFFSET + XEN_P2M_PADDR + pfn * 8, &word, 8);
	}
	for (unsigned i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
		vcpus[i].evtchn_upcall_mask = 1; /* until the kernel is ready */
	memset(((shared_info_t *)(void *)vcpus)->evtchn_mask, 0xff,
	       sizeof(((shared_info_t *)(void *)vcpus)->evtchn_mask));
	return ret;
}

static int config_check(const struct xen *hv, const struct xen_domain_config *config,
			const struct plan *p)
{
	if (config->id >= XEN_DOMAINS_MAX || config->vcpus == 0 || config->vcpus > XEN_VCPUS_MAX ||
	    config->span > hv->frames * 16 || config->pages > hv->frames ||
	    config->pages > config->max_pages || p->end_pfn > config->span ||
	    p->free_pfn >= p->end_pfn)
		return -EINVAL;
	return hv->domain[config->id] ? -EEXIST : 0;
}

int xen_domain_create(struct xen *hv, const struct xen_domain_config *config,
		      struct xen_domain **out)
{
	struct plan p;
	struct xen_domain *d;
	int ret;

	if (config->span > hv->frames * 16) /* keeps the sums below from wrapping */
		return -EINVAL;
	p = plan_of(config);
	ret = config_check(hv, config, &p);
	if (ret != 0)
		return ret;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	*d = (struct xen_domain){.hv = hv,
				 .id = config->id,
				 .vcpus = config->vcpus,
				 .privileged = config->privileged,
				 .hardware = config->hardware,
				 .grants_reach_devices = config->grants_reach_devices,
				 .max_pages = config->max_pages,
				 .span = config->span,
				 .shared_info = MFN_NONE,
				 .free_first = p.free_pfn,
				 .free_end = p.end_pfn};
	hv->domain[d->id] = d;
	ret = build_memory(d, &p);
	if (ret == 0)
		ret = build_tables(d, &p);
	if (ret == 0)
		ret = grant_table_create(d);
	if (ret == 0)
		ret = evtchns_create(d);
	if (ret != 0) {
		xen_domain_kill(d);
		return ret;
	}
	*out = d;
	return 0;
}
