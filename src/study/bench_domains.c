/* SPDX-License-Identifier: MIT */
/* The board with two domains, and what its first one asks of the hypervisor. */
#include "study/bench_domains.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "guest/xen_kernel.h"

#define MEMORY  (UINT64_C(128) << 20)
#define ENTRIES 32768u /* all of that */
#define SMALL   8192u
#define EMPTY   64u /* page numbers without memory */

static int add_domain(struct bench_domains *b, enum bench_domain which, struct err *err)
{
	static const char *const names[] = {"holder", "other"};
	static const unsigned physical[] = {0, 1};
	const struct hyper_domain_config config = {
		.name = names[which],
		.id = (uint16_t)which,
		.pages = BENCH_DOMAIN_PAGES,
		.empty = EMPTY,
		.vcpus = 1,
		.physical = &physical[which],
		.privileged = which == BENCH_HOLDER,
		.hardware = which == BENCH_HOLDER,
	};

	return hyper_add_domain(&b->hyper, &config, &b->domain[which], err);
}

static int build(struct bench_domains *b, const struct bench_domains_config *c, struct err *err)
{
	struct hyper_config config = {
		.rig = {.machine = b->board,
			.model = "calgary",
			.iotlb = iommu_find("calgary")->geometry,
			.strategy = c->strategy,
			.allocator = "next-fit",
			.table_entries = c->small ? SMALL : ENTRIES,
			.multicall = c->lists,
			.check_misuse = true},
		.tables = !strcmp(c->strategy, "preallocated") ? HYPER_WHOLE : HYPER_ASKED,
		.frozen = c->frozen,
		.unflushed = c->unflushed,
	};
	int rc;

	snprintf(config.rig.iotlb.policy, sizeof(config.rig.iotlb.policy), "lru");
	rc = hyper_init(&b->hyper, &config, err);
	for (int i = 0; i < BENCH_DOMAINS && !rc; i++)
		rc = add_domain(b, (enum bench_domain)i, err);
	if (!rc)
		rc = hyper_assign_bus(b->domain[BENCH_HOLDER], BENCH_DEVID, err);
	if (rc)
		return rc;
	rc = iotoll_dma_attach(&b->device, b->hyper.rig.domain, BENCH_DEVID, UINT32_MAX);
	return rc ? err_set(err, rc, "the device cannot be attached: %s", strerror(-rc)) : 0;
}

int bench_domains_init(struct bench_domains *b, const struct profile *profile,
		       const struct bench_domains_config *config, struct err *err)
{
	struct profile p = *profile;
	int rc;

	*b = (struct bench_domains){.sim = sim_create()};
	if (!b->sim)
		return err_set(err, -ENOMEM, "no memory");
	p.memory_bytes = MEMORY;
	rc = machine_create(&b->board, b->sim, &p, err);
	return rc ? rc : build(b, config, err);
}

void bench_domains_fini(struct bench_domains *b)
{
	iotoll_dma_detach(b->device);
	if (b->board)
		hyper_fini(&b->hyper);
	machine_destroy(b->board);
	sim_destroy(b->sim);
	*b = (struct bench_domains){0};
}

long bench_hypercall(struct bench_domains *b, unsigned long op, unsigned long a0, unsigned long a1,
		     unsigned long a2)
{
	const struct hyper_domain *d = b->domain[BENCH_HOLDER];
	const unsigned long args[6] = {a0, a1, a2};

	return xen_hypercall(d->xen, 0, cpu_current(d->machine), op, args);
}

bool bench_domains_page(struct bench_domains *b, phys_t *page)
{
	return !memory_alloc(b->domain[BENCH_HOLDER]->view, 1, PAGE_BYTES, 0, page);
}

int bench_domains_frames(struct bench_domains *b, phys_t scratch, uint64_t *mfn, unsigned n)
{
	struct memory *view = b->domain[BENCH_HOLDER]->view;
	struct xen_memory_reservation *r = memory_ptr(view, scratch, sizeof(*r));
	const phys_t list = scratch + 512;

	for (unsigned i = 0; i < n; i++) {
		*r = (struct xen_memory_reservation){.nr_extents = 1, .domid = DOMID_SELF};
		set_xen_guest_handle(r->extent_start, (xen_pfn_t *)(uintptr_t)(pv_va(list)));
		if (bench_hypercall(b, __HYPERVISOR_memory_op, XENMEM_increase_reservation,
				    pv_va(scratch), 0) != 1)
			return -ENOSPC;
		memcpy(&mfn[i], memory_ptr(view, list, sizeof(*mfn)), sizeof(*mfn));
	}
	return 0;
}

static long carry_out(struct bench_domains *b, multicall_entry_t *call, unsigned n)
{
	const phys_t at = memory_addr(b->domain[BENCH_HOLDER]->view, call);
	long ret;

	if (n == 1)
		return bench_hypercall(b, call->op, call->args[0], call->args[1], call->args[2]);
	ret = bench_hypercall(b, __HYPERVISOR_multicall, pv_va(at), n, 0);
	for (unsigned i = 0; i < n && !ret; i++)
		ret = (long)call[i].result;
	return ret;
}

int bench_domains_flip(struct bench_domains *b, phys_t scratch, const phys_t *page, uint64_t *mfn,
		       unsigned n)
{
	struct hyper_domain *d = b->domain[BENCH_HOLDER];
	multicall_entry_t *call = memory_ptr(d->view, scratch, BENCH_FLIPS * sizeof(*call));
	uint64_t old[BENCH_FLIPS];
	long ret;

	for (unsigned i = 0; i < n; i++) {
		old[i] = memory_machine(d->view, page[i]) >> PAGE_SHIFT;
		/* CPUs forget one page, or with the last of a list everything. */
		call[i] = (multicall_entry_t){.op = __HYPERVISOR_update_va_mapping,
					      .args = {pv_va(page[i]), pv_pte(mfn[i]),
						       n == 1       ? UVMF_INVLPG | UVMF_ALL
						       : i == n - 1 ? UVMF_TLB_FLUSH | UVMF_ALL
								    : 0}};
	}
	ret = carry_out(b, call, n);
	if (!ret)
		memcpy(mfn, old, n * sizeof(*mfn));
	return (int)ret;
}
