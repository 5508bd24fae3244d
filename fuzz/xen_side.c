/* SPDX-License-Identifier: MIT */
/* Building one side. */
#include "xen_side.h"

#include "input.h"
#include "mem/memory_view.h"
#include "sim/guest.h"

void xen_side_make(struct xen_side *s, struct xen *hv, struct machine *board, uint16_t id,
		   uint64_t pages, uint64_t empty)
{
	const struct xen_domain_config config = {
		.id = id,
		.vcpus = 1,
		.privileged = id == 0,
		.hardware = id == 0,
		.pages = pages,
		.span = pages + empty,
		.max_pages = pages + 128,
	};
	const unsigned cpu = id;
	const struct guest_vcpus vcpus = {.name = "fuzz", .count = 1, .physical = &cpu};
	struct err err = {{0}};
	uint64_t first, end;
	phys_t all;

	JUDGE(xen_domain_create(hv, &config, &s->d) == 0);
	s->view = memory_view_create(board->mem, xen_domain_l1(s->d), config.span);
	JUDGE(s->view);
	xen_domain_free_memory(s->d, &first, &end);
	JUDGE(memory_alloc(s->view, config.span - 1, PAGE_BYTES, 0, &all) == 0);
	memory_free(s->view, first * PAGE_BYTES, end - first);
	JUDGE(machine_create_guest(&s->machine, board, s->view, &vcpus, &err) == 0);
	s->kmalloc = kmalloc_create(s->view, false);
	JUDGE(s->kmalloc);
	JUDGE(pv_kernel_create(&s->k, s->machine, s->d, s->kmalloc, &err) == 0);
}

void xen_side_drop(struct xen_side *s)
{
	pv_kernel_destroy(s->k);
	kmalloc_destroy(s->kmalloc);
	machine_destroy(s->machine);
	xen_domain_kill(s->d);
	memory_destroy(s->view);
}

void xen_side_ignore(void *ctx, struct cpu *cpu)
{
	(void)ctx;
	(void)cpu;
}

grant_ref_t xen_side_grant(struct xen_side *s, void *page, bool readonly)
{
	const grant_ref_t ref = pv_grant_take(s->k->grants, NULL);

	JUDGE(ref != PV_GRANT_NONE);
	pv_grant_access(s->k->grants, NULL, ref, 0,
			pv_mfn(s->k, NULL, kmalloc_phys(s->kmalloc, page)), readonly);
	return ref;
}
