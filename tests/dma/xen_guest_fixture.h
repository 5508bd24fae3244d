/* SPDX-License-Identifier: MIT */
/*
 * A domain's DMA layer over a hypervisor that writes down what it is asked: which hypercalls, with
 * which bytes in the domain's memory.
 */
#ifndef IOTOLL_TESTS_DMA_XEN_GUEST_FIXTURE_H
#define IOTOLL_TESTS_DMA_XEN_GUEST_FIXTURE_H

#include <errno.h>

#include "../sim/guest_rig.h"
#include "dma_env.h"
#include "iotoll/dma.h"
#include "spec/xen.h"

#define MULTICALL 13u
#define DEVICE    3u
#define CALLS_MAX 128u

struct call {
	unsigned long op;
	struct xen_iommu_op element;
};

struct world {
	struct sim *sim;
	struct machine *board;
	struct domain guest;
	struct env_hypervisor hypervisor;
	struct dma_env env;
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device *dev;
	struct call call[CALLS_MAX];
	unsigned calls, crossings;
	unsigned refuse_from, refuse_to; /* map elements of these numbers get @refusal */
	unsigned maps;
	int refusal;
	long whole; /* what every call answers instead of doing anything */
	uint8_t table[64];
};

static const struct env_withheld withheld[] = {{0, 4}, {10, 2}};

static inline void *guest_pointer(struct world *w, unsigned long at, size_t bytes)
{
	void *p;

	assert_true(at >= XEN_PAGE_OFFSET);
	p = memory_ptr_write(w->guest.view, at - XEN_PAGE_OFFSET, bytes);
	assert_non_null(p);
	return p;
}

/* A hypervisor's table of one bit a page, which answers as spec/xen.h says. */
static inline void carry_out(struct world *w, struct xen_iommu_op *op)
{
	op->status = 0;
	op->done = op->count;
	if (op->what == XEN_IOMMU_MAP && w->maps++ >= w->refuse_from && w->maps <= w->refuse_to) {
		op->status = w->refusal;
		op->done = 0;
		return;
	}
	for (uint32_t i = 0; i < op->count && op->what != XEN_IOMMU_FLUSH; i++) {
		const bool here = w->table[op->bfn + i];

		assert_true(op->bfn + i < sizeof(w->table));
		if (op->what != XEN_IOMMU_MAP && !here) {
			op->status = -ENOENT;
			op->done = i;
			return;
		}
		if (op->what == XEN_IOMMU_MAP)
			assert_false(here);
		w->table[op->bfn + i] = op->what != XEN_IOMMU_UNMAP;
	}
}

static inline long iommu_op(struct world *w, unsigned long at, unsigned long count)
{
	struct xen_iommu_op *op = guest_pointer(w, at, count * sizeof(*op));

	assert_true(count > 0);
	assert_true(w->calls + count <= CALLS_MAX);
	for (unsigned long i = 0; i < count; i++) {
		w->call[w->calls++] = (struct call){XEN_HYPERCALL_IOMMU_OP, op[i]};
		carry_out(w, &op[i]);
	}
	return 0;
}

static inline long hypercall(void *ctx, struct cpu *cpu, unsigned long op,
			     const unsigned long args[6])
{
	struct world *w = ctx;
	uint64_t *entry;

	(void)cpu;
	w->crossings++;
	if (w->whole)
		return w->whole;
	if (op == XEN_HYPERCALL_IOMMU_OP)
		return iommu_op(w, args[0], args[1]);
	assert_int_equal(op, MULTICALL);
	for (unsigned long i = 0; i < args[1]; i++) {
		entry = guest_pointer(w, args[0] + i * 64, 64);
		assert_int_equal(entry[0], XEN_HYPERCALL_IOMMU_OP);
		entry[1] = (uint64_t)iommu_op(w, entry[2], entry[3]);
		memset(&entry[2], 0xAA, 48); /* as a debug build of Xen does */
		entry[0] = 0xAAAAAAAAAAAAAAAA;
	}
	return 0;
}

static inline void set_up_lists(struct world *w, const char *strategy, bool multicall,
				unsigned entries)
{
	const struct iotoll_dma_config config = {.driver = "xen",
						 .strategy = strategy,
						 .allocator = "next-fit",
						 .bus = DEVICE,
						 .table_entries = sizeof(w->table),
						 .multicall = multicall,
						 .multicall_entries = entries,
						 .check_misuse = true};
	const unsigned physical[] = {0};
	char why[200] = "";

	memset(w, 0, sizeof(*w));
	w->refuse_from = w->refuse_to = UINT32_MAX;
	w->sim = sim_create();
	w->board = guest_board(w->sim, 1);
	w->guest = guest_domain(w->board, 0, 1, physical);
	w->hypervisor = (struct env_hypervisor){
		.ctx = w, .call = hypercall, .withheld = withheld, .withheld_count = 2};
	w->env = (struct dma_env){.machine = w->guest.m, .hypervisor = &w->hypervisor};
	if (iotoll_dma_domain_create(&w->domain, &w->env, &config, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(iotoll_dma_attach(&w->dev, w->domain, 8, UINT32_MAX), 0);
	w->calls = w->crossings = 0;
}

static inline void set_up(struct world *w, const char *strategy, bool multicall)
{
	set_up_lists(w, strategy, multicall, 0);
}

static inline void tear_down(struct world *w)
{
	iotoll_dma_detach(w->dev);
	iotoll_dma_domain_destroy(w->domain);
	for (unsigned i = 0; i < sizeof(w->table); i++)
		assert_int_equal(w->table[i], 0);
	assert_int_equal(memory_allocated_pages(w->guest.view), 0);
	guest_destroy(&w->guest);
	machine_destroy(w->board);
	sim_destroy(w->sim);
}

static inline iotoll_phys_t page(unsigned n)
{
	return IOTOLL_PHYS((uint64_t)n * PAGE_BYTES);
}

static inline void assert_element(const struct call *c, unsigned what, unsigned flags, uint64_t bfn,
				  uint64_t frame, unsigned count)
{
	assert_int_equal(c->element.what, what);
	assert_int_equal(c->element.flags, flags);
	assert_int_equal(c->element.device, DEVICE);
	assert_int_equal(c->element.bfn, bfn);
	assert_int_equal(c->element.frame, frame);
	assert_int_equal(c->element.count, count);
	assert_int_equal(c->element.status, 0);
}

#endif
