// SPDX-License-Identifier: MIT
/* See hostile.h: a step of the stream, and what guests do besides calling the hypervisor. */
#include "hostile_choice.h"

#include "xen/grant.h"

/* ---- what guests do besides ---- */

static void write_grant(struct hostile *h, struct xen_domain *d)
{
	static const uint16_t flags[] = {0, 1, 1, 1, 1, 1, 5, 5, 2, 2, 2, 3, 6, 9, 0x19, 0x103};
	grant_entry_v1_t *e = entry_of(d, (unsigned)choose(h, rarely(h, 20) ? 512 : 6));

	*e = (grant_entry_v1_t){.flags = flags[choose(h, 16)],
				.domid = (domid_t)some_domid(h),
				.frame = (uint32_t)some_mfn(h, d)};
}

static void scribble(struct hostile *h, struct xen_domain *d)
{
	const uint64_t word = rarely(h, 2) ? odd_number(h) : some_pte(h, d);

	guest_store(d, va_of(some_pfn(h)) + choose(h, 512) * 8, &word, 8);
}

/* Another processor of the caller's, or of anyone's, while the hypervisor is at work. */
static void behind_its_back(void *ctx)
{
	struct hostile *h = ctx;
	struct xen_domain *d;

	if (!rarely(h, 16))
		return;
	d = rarely(h, 2) ? someone(h) : h->d[h->caller];
	if (!d)
		return;
	if (rarely(h, 2))
		write_grant(h, d);
	else
		scribble(h, d);
}

static void give_device(struct hostile *h, struct xen_domain *d, uint64_t bfns)
{
	const enum xen_table table = (enum xen_table)choose(h, 3);
	const struct xen_device_config like = {
		.bfns = bfns,
		.table = table,
		.grants_from = table == XEN_TABLE_ASKED && !rarely(h, 3) ? bfns / 2 : 0,
		.grants_lazy = rarely(h, 2),
	};

	(void)!world_device_as(&h->w, d, &like);
}

static void create(struct hostile *h, unsigned i)
{
	const struct xen_domain_config config = {
		.id = (uint16_t)i,
		.vcpus = 1 + (unsigned)choose(h, 2),
		.privileged = i == 0 && rarely(h, 2),
		.hardware = !rarely(h, 4),
		.pages = PAGES,
		.span = SPAN,
		.max_pages = PAGES + choose(h, 5),
		.grants_reach_devices = rarely(h, 2),
	};

	if (xen_domain_create(h->w.hv, &config, &h->d[i]) != 0) {
		h->d[i] = NULL; /* a zombie has the number, or memory is short */
		return;
	}
	/* A kernel that is ready for events. */
	if (rarely(h, 2))
		memset(((shared_info_t *)guest_page(h->d[i], 1))->evtchn_mask, 0, 512);
	if (rarely(h, 2))
		give_device(h, h->d[i], rarely(h, 4) ? 8 : 256);
	if (rarely(h, 4))
		(void)!xen_pirq_permit(h->d[i], 3);
}

static void lifecycle(struct hostile *h)
{
	const unsigned i = (unsigned)choose(h, HOSTILE_DOMAINS);

	if (!h->d[i]) {
		create(h, i);
	} else if (rarely(h, 3)) {
		xen_domain_kill(h->d[i]);
		h->d[i] = NULL;
		h->deaths++;
	} else if (rarely(h, 2)) {
		xen_domain_set_max_pages(h->d[i], PAGES - 4 + choose(h, 12));
	} else if (rarely(h, 2)) {
		xen_device_remove(h->w.hv, WORLD_DEVICE);
	} else {
		give_device(h, h->d[i], 64);
		h->w.iommu.full = rarely(h, 6);
	}
}

/* Remember what a map gave, wherever in the guest's memory it says so. */
static void learn(struct hostile *h, struct xen_domain *d, const struct planned *p)
{
	gnttab_map_grant_ref_t op;

	if (p->op != __HYPERVISOR_grant_table_op || p->args[0] != GNTTABOP_map_grant_ref)
		return;
	for (unsigned i = 0; i < p->args[2] && i < ELEMENTS; i++)
		if (guest_read(d, NULL, &op, p->args[1] + i * sizeof(op), sizeof(op)) == 0 &&
		    op.status == GNTST_okay && maptrack_of(d, op.handle)) {
			*known_of(h, d) = (struct known){op.host_addr, op.dev_bus_addr, op.handle};
			h->okay++;
		}
}

bool hostile_step(struct hostile *h)
{
	struct planned p = {0};
	struct xen_domain *d;
	long ret;

	if (!h->rng && h->left == 0)
		return false;
	if (rarely(h, h->patience)) {
		lifecycle(h);
		return true;
	}
	h->caller = (unsigned)choose(h, HOSTILE_DOMAINS);
	d = h->d[h->caller];
	if (!d) {
		create(h, h->caller);
		return true;
	}
	if (rarely(h, 3))
		write_grant(h, d);
	if (rarely(h, 8))
		scribble(h, d);
	hostile_plan(h, d, &p, 0);
	ret = xen_hypercall(d, 0, NULL, p.op, p.args);
	h->calls++;
	if (ret == CALL_RESTART || (ret < 0 && ret < -200))
		fail_msg("hypercall %lu says %ld", p.op, ret);
	learn(h, d, &p);
	return true;
}

/* ---- the whole ---- */

void hostile_init(struct hostile *h)
{
	static const struct xen_limits limits = {.grant_frames_initial = 1,
						 .grant_frames_max = 2,
						 .maptrack_max = 24,
						 .ports_max = 16,
						 .preempt_after = 8,
						 .unflushed_max = 16};

	world_init(&h->w, 96, &limits);
	h->patience = rarely(h, 2) ? 60 : 400;
	h->w.hv->race = behind_its_back;
	h->w.hv->race_ctx = h;
	for (unsigned i = 0; i < HOSTILE_DOMAINS; i++)
		create(h, i);
}

const char *hostile_broken(struct hostile *h, struct err *err)
{
	return world_broken(&h->w, err);
}

const char *hostile_end(struct hostile *h, struct err *err)
{
	const char *broken;

	for (unsigned i = 0; i < HOSTILE_DOMAINS; i++) {
		if (h->d[i])
			xen_domain_kill(h->d[i]);
		h->d[i] = NULL;
		broken = world_broken(&h->w, err);
		if (broken)
			return broken;
	}
	for (unsigned i = 0; i < XEN_DOMAINS_MAX; i++)
		if (xen_domain_find(h->w.hv, i))
			return "a domain outlives everyone who could use it";
	return NULL;
}

void hostile_fini(struct hostile *h)
{
	world_fini(&h->w);
}
