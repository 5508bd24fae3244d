/* SPDX-License-Identifier: MIT */
/* What tests of dying domains share; see death_world.h. */
#include "death_world.h"

#include <stdlib.h>
#include <string.h>

#include "spec/xen.h"
#include "xen/abi.h"

#define ENTRIES 8192u /* the smallest table: every address can be tried */
#define POISON  0x5a

const char *const death_models[3][2] = {
	{"iommu.model=calgary", "sut.profile=x460-2007"},
	{"iommu.model=vtd", "sut.profile=e3-1220-2015"},
	{"iommu.model=amdvi", "sut.profile=epyc-7742-2019"},
};

static void set(struct world *w, const char *what)
{
	struct err err = {{0}};

	if (scenario_set(&w->s, what, &err))
		fail_msg("%s: %s", what, err.text);
}

void death_start(struct world *w, const char *scenario, const char *const model[2],
		 const char *const *sets)
{
	static const struct run_options none = {0};
	struct err err = {{0}};
	int rc;

	memset(w, 0, sizeof(*w));
	assert_int_equal(scenario_init(&w->s), 0);
	assert_int_equal(scenario_read(&w->s, scenario, &err), 0);
	set(w, model[0]);
	set(w, model[1]);
	set(w, "iommu.table_entries=8192");
	set(w, "platform.kind=domu");
	set(w, "platform.dom0_memory=32 MiB");
	set(w, "platform.domu_memory=16 MiB");
	for (; *sets; sets++)
		set(w, *sets);
	rc = scenario_finish(&w->s, &err);
	if (!rc)
		rc = testbed_init(&w->t, &w->s, &none, &err);
	if (!rc)
		rc = load_start(w->t.load, &err);
	if (rc)
		fail_msg("%s", err.text);
	w->h = w->t.sut.hyper;
}

void death_run_for(struct world *w, uint64_t ps)
{
	assert_int_equal(sim_run(w->t.sim, sim_now(w->t.sim) + ps), 0);
}

void death_books_are_right(const struct world *w)
{
	struct err err = {{0}};

	if (xen_check(w->h->xen, &err))
		fail_msg("%s", err.text);
}

/* ---- frames ---- */

static bool is_free(const struct world *w, uint64_t mfn)
{
	const uint64_t *word =
		memory_ptr(w->t.sut.board->mem, xen_m2p(w->h->xen) + mfn * 8, sizeof(*word));

	return *word == XEN_M2P_INVALID;
}

void death_note_frames(struct world *w)
{
	const struct hyper_domain *d = &w->h->domain[1];
	const uint64_t span = xen_domain_span(d->xen);

	w->others = xen_frames_in_use(w->h->xen) - xen_domain_tot_pages(d->xen) -
		    xen_domain_tot_pages(w->h->domain[0].xen);
	w->mfn = calloc(span, sizeof(*w->mfn));
	assert_non_null(w->mfn);
	for (uint64_t pfn = 0; pfn < span; pfn++) {
		const phys_t at = memory_machine(d->view, pfn * PAGE_BYTES);

		if (at != MEMORY_NOWHERE && !is_free(w, at / PAGE_BYTES))
			w->mfn[w->frames++] = at / PAGE_BYTES;
	}
	assert_true(w->frames > 3000);
}

void death_nothing_freed_is_reachable(const struct world *w)
{
	const struct iotoll_source device = {.bus = RIG_BUS, .devid = w->t.sut.rig->devid};

	for (uint64_t bfn = 0; bfn < ENTRIES; bfn++) {
		struct iotoll_xlat x;

		if (!iommu_probe(w->t.sut.rig->iommu, device, bfn * PAGE_BYTES, IOTOLL_READ, &x) ||
		    !iommu_probe(w->t.sut.rig->iommu, device, bfn * PAGE_BYTES, IOTOLL_WRITE, &x))
			assert_true(x.bypass || !is_free(w, x.paddr / PAGE_BYTES));
	}
}

static uint8_t *page(const struct world *w, uint64_t mfn)
{
	return memory_ptr(w->t.sut.board->mem, mfn * PAGE_BYTES, PAGE_BYTES);
}

bool *death_poison_freed(const struct world *w)
{
	bool *freed = calloc(w->frames, sizeof(*freed));

	assert_non_null(freed);
	for (uint64_t i = 0; i < w->frames; i++) {
		freed[i] = is_free(w, w->mfn[i]);
		if (freed[i])
			memset(page(w, w->mfn[i]), POISON, PAGE_BYTES);
	}
	return freed;
}

void death_nothing_freed_was_written(const struct world *w, const bool *freed)
{
	for (uint64_t i = 0; i < w->frames; i++)
		for (size_t at = 0; freed[i] && is_free(w, w->mfn[i]) && at < PAGE_BYTES; at++)
			assert_int_equal(page(w, w->mfn[i])[at], POISON);
}

/* dom0 asks for a flush, which a strategy that defers would do some day. */
static void flush(struct world *w)
{
	struct hyper_domain *dom0 = &w->h->domain[0];
	struct xen_iommu_op *op;
	phys_t at;

	assert_int_equal(memory_alloc(dom0->view, 1, PAGE_BYTES, 0, &at), 0);
	op = memory_ptr_write(dom0->view, at, sizeof(*op));
	*op = (struct xen_iommu_op){.what = XEN_IOMMU_FLUSH, .device = HYPER_DEVICE};
	{
		const unsigned long args[6] = {XEN_PAGE_OFFSET + at, 1};

		assert_int_equal(xen_hypercall(dom0->xen, 0, NULL, XEN_HYPERCALL_IOMMU_OP, args),
				 0);
	}
	assert_int_equal(op->status, 0);
	memory_free(dom0->view, at, 1);
}

void death_nothing_is_left(struct world *w)
{
	flush(w);
	assert_null(xen_domain_find(w->h->xen, 1));
	assert_true(xen_frames_in_use(w->h->xen) - xen_domain_tot_pages(w->h->domain[0].xen) <
		    w->others);
	death_books_are_right(w);
}

void death_finish(struct world *w)
{
	struct err err = {{0}};

	assert_int_equal(testbed_fini(&w->t, &err), 0);
	scenario_fini(&w->s);
	free(w->mfn);
}
