/* SPDX-License-Identifier: MIT */
/* Building one side, and both with what is below them. */
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

void xen_side_regrant(struct xen_side *s, void *page, grant_ref_t ref, unsigned how)
{
	const uint64_t mfn = pv_mfn(s->k, NULL, kmalloc_phys(s->kmalloc, page));

	if (pv_grant_end_access(s->k->grants, NULL, ref))
		return;
	if (how % 4)
		pv_grant_access(s->k->grants, NULL, ref, how % 4 == 3 ? 5 : 0, mfn, how & 4);
}

void xen_sides_make(struct xen_sides *x, uint64_t empty)
{
	struct profile profile = {.name = "fuzz",
				  .clock_mhz = 1000,
				  .cpus = 2,
				  .memory_bytes = 16 << 20,
				  .l2_bytes = 64 * 1024,
				  .l2_ways = 4,
				  .has_xen = true};
	struct err err = {{0}};

	x->sim = sim_create();
	JUDGE(machine_create(&x->board, x->sim, &profile, &err) == 0);
	JUDGE(xen_create(&x->hv, x->board->mem, NULL) == 0);
	xen_side_make(&x->back, x->hv, x->board, 0, 512, empty);
	xen_side_make(&x->front, x->hv, x->board, 1, 256, 320);
}

void xen_sides_drop(struct xen_sides *x)
{
	struct kmalloc_stats memory;

	xen_side_drop(&x->front);
	kmalloc_stats(x->back.kmalloc, &memory);
	JUDGE(memory.bad_frees == 0);
	xen_side_drop(&x->back);
	xen_destroy(x->hv);
	machine_destroy(x->board);
	sim_destroy(x->sim);
}
