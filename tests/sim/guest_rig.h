/* SPDX-License-Identifier: MIT */
/* A board with round costs and domains on it, whose pages lie where a test puts them. */
#ifndef IOTOLL_TESTS_SIM_GUEST_RIG_H
#define IOTOLL_TESTS_SIM_GUEST_RIG_H

#include "harness.h"

#include "mem/memory_view.h"
#include "sim/cpu.h"
#include "sim/guest.h"
#include "sim/task.h"

#define GUEST_PAGES 64u
#define GUEST_RW    (MEMORY_PRESENT | MEMORY_WRITABLE)

struct domain {
	struct machine *m;
	struct memory *view;
	uint64_t *entry;
};

/* Page p of domain @n lies on frame (@n + 1) * 256 + p, its table on frame n + 1. */
static inline struct domain guest_domain_of(struct machine *board, unsigned n,
					    const struct guest_vcpus *vcpus)
{
	const phys_t table = (n + 1) * PAGE_BYTES;
	struct err err = {{0}};
	struct domain d;

	d.entry = memory_ptr(board->mem, table, GUEST_PAGES * sizeof(*d.entry));
	for (unsigned p = 0; p < GUEST_PAGES; p++)
		d.entry[p] = (uint64_t)((n + 1) * 256 + p) << PAGE_SHIFT | GUEST_RW;
	d.view = memory_view_create(board->mem, table, GUEST_PAGES);
	assert_non_null(d.view);
	if (machine_create_guest(&d.m, board, d.view, vcpus, &err))
		fail_msg("%s", err.text);
	return d;
}

static inline struct domain guest_domain(struct machine *board, unsigned n, unsigned count,
					 const unsigned *physical)
{
	const struct guest_vcpus vcpus = {.name = "guest", .count = count, .physical = physical};

	return guest_domain_of(board, n, &vcpus);
}

static inline void guest_destroy(struct domain *d)
{
	machine_destroy(d->m);
	memory_destroy(d->view);
}

static inline struct profile guest_profile(unsigned cpus)
{
	struct profile p = harness_profile(cpus);

	p.has_xen = true;
	p.cost.syscall = 20000;
	p.cost.irq_flags = 50000;
	p.cost.xen_hypercall = 7000;
	p.cost.xen_syscall_bounce = 300000;
	p.cost.xen_context_switch = 11000;
	p.cost.xen_irq = 130000;
	p.cost.xen_upcall = 17000;
	p.cost.xen_event_send = 190000;
	p.cost.xen_vcpu_switch = 2300000;
	return p;
}

static inline struct machine *guest_board(struct sim *sim, unsigned cpus)
{
	const struct profile p = guest_profile(cpus);
	struct machine *m = NULL;
	struct err err = {{0}};

	assert_int_equal(machine_create(&m, sim, &p, &err), 0);
	return m;
}

#endif
