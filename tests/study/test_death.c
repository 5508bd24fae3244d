/* SPDX-License-Identifier: MIT */
/*
 * The load's domain dies in the middle of a run, with the IOMMU on: dom0 and the wire carry on, the
 * hypervisor's books are right, no device reaches a frame that was freed, and no frame is lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "study/platform.h"
#include "study/testbed.h"
#include "xen/abi.h"

#include "spec/xen.h"

#define ENTRIES 8192u /* the smallest table: every address can be tried */
#define POISON  0x5a

struct world {
	struct scenario s;
	struct testbed t;
	struct hyper *h;
	uint64_t *mfn; /* the dying domain's frames */
	uint64_t frames;
	uint64_t others;     /* frames in use but for both domains' own */
	struct host *dead;   /* an empty shell: the load knows where its buffers lay */
	struct machine gone; /* the same for the host */
};

static const char *const models[][2] = {
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

static void start(struct world *w, const char *const model[2], const char *const *sets)
{
	static const struct run_options none = {0};
	struct err err = {{0}};
	int rc;

	memset(w, 0, sizeof(*w));
	assert_int_equal(scenario_init(&w->s), 0);
	assert_int_equal(scenario_read(&w->s, "domu", &err), 0);
	set(w, model[0]);
	set(w, model[1]);
	set(w, "iommu.table_entries=8192");
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

static void run_for(struct world *w, uint64_t ps)
{
	assert_int_equal(sim_run(w->t.sim, sim_now(w->t.sim) + ps), 0);
}

static void books_are_right(const struct world *w)
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

static void note_frames(struct world *w)
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

/* Every address the NIC can use: none leads to a frame that is nobody's. */
static void nothing_freed_is_reachable(const struct world *w)
{
	const struct iommu_source nic = {.bus = RIG_BUS, .devid = PLATFORM_NIC};

	for (uint64_t bfn = 0; bfn < ENTRIES; bfn++) {
		struct iommu_xlat x;

		if (!iommu_probe(w->t.sut.rig->iommu, nic, bfn * PAGE_BYTES, IOMMU_READ, &x) ||
		    !iommu_probe(w->t.sut.rig->iommu, nic, bfn * PAGE_BYTES, IOMMU_WRITE, &x))
			assert_true(x.bypass || !is_free(w, x.paddr / PAGE_BYTES));
	}
}

static uint8_t *page(const struct world *w, uint64_t mfn)
{
	return memory_ptr(w->t.sut.board->mem, mfn * PAGE_BYTES, PAGE_BYTES);
}

/* What was freed and is still free was written by nobody. */
static void nothing_freed_was_written(const struct world *w, const bool *freed)
{
	for (uint64_t i = 0; i < w->frames; i++)
		for (size_t at = 0; freed[i] && is_free(w, w->mfn[i]) && at < PAGE_BYTES; at++)
			assert_int_equal(page(w, w->mfn[i])[at], POISON);
}

/* ---- dying ---- */

/* Where it stands: its CPUs stop, its kernel is no more, its memory goes. */
static void kill_domu(struct world *w)
{
	struct testbed_side *sut = &w->t.sut;
	struct hyper_domain *d = &w->h->domain[1];

	while (sut->host->pv->calls) /* within a hypercall nobody dies */
		run_for(w, SIM_US / 10);
	note_frames(w);
	w->dead = sut->host;
	sut->host = NULL;
	pv_kernel_crash(w->dead->pv);
	netfront_close(w->dead->front);
	netstack_destroy(w->dead->stack);
	pv_kernel_destroy(w->dead->pv);
	kmalloc_destroy(w->dead->kmalloc);
	w->gone.mem = d->view;
	*w->dead = (struct host){.machine = &w->gone};
	machine_destroy(d->machine);
	d->machine = NULL;
	hyper_kill_domain(d);
}

static void remove_vif(void *ctx)
{
	struct world *w = ctx;
	struct testbed_side *sut = &w->t.sut;

	host_remove_guest(sut->nic_host, machine_cpu(sut->nic_host->machine, 0), sut->vif);
	sut->vif = NULL;
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

static void dies(const char *const model[2], const char *const *sets, sim_time at)
{
	struct world w;
	struct netback_stats back;
	struct tg3_stats before;
	struct err err = {{0}};
	bool *freed;

	start(&w, model, sets);
	run_for(&w, at);
	assert_true(load_ready(w.t.load));
	kill_domu(&w);
	books_are_right(&w);
	nothing_freed_is_reachable(&w);
	freed = calloc(w.frames, sizeof(*freed));
	assert_non_null(freed);
	for (uint64_t i = 0; i < w.frames; i++) {
		freed[i] = is_free(&w, w.mfn[i]);
		if (freed[i])
			memset(page(&w, w.mfn[i]), POISON, PAGE_BYTES);
	}
	before = *tg3_stats(w.t.sut.nic);
	/* What it had on its way comes back meanwhile. */
	for (unsigned i = 0; i < 20; i++) {
		run_for(&w, 50 * SIM_US);
		nothing_freed_is_reachable(&w);
	}
	assert_non_null(
		task_create(machine_cpu(w.h->domain[0].machine, 0), "xenbus", remove_vif, &w));
	run_for(&w, 4 * SIM_S); /* the client sends again and again */
	assert_null(w.t.sut.vif);
	nothing_freed_is_reachable(&w);
	nothing_freed_was_written(&w, freed);
	books_are_right(&w);
	/* dom0 still takes what comes from the wire, and the device was refused nothing. */
	assert_true(tg3_stats(w.t.sut.nic)->rx_frames > before.rx_frames);
	assert_int_equal(w.t.sut.rig->faults, 0);
	netback_stats(w.t.sut.nic_host->netback, &back);
	assert_int_equal(back.pending, 0);
	assert_int_equal(back.unmap_errors, 0);
	/* No frame is lost: after a flush nothing is left of it but what the others have. */
	flush(&w);
	assert_null(xen_domain_find(w.h->xen, 1));
	assert_true(xen_frames_in_use(w.h->xen) - xen_domain_tot_pages(w.h->domain[0].xen) <
		    w.others);
	books_are_right(&w);
	free(freed);
	free(w.mfn);
	load_destroy(w.t.load);
	w.t.load = NULL;
	host_destroy(w.dead);
	assert_int_equal(testbed_fini(&w.t, &err), 0);
	scenario_fini(&w.s);
}

static void dies_anywhere(const char *load, const char *receive)
{
	static const char *const strategy[] = {"dma.strategy=strict", "dma.strategy=deferred"};

	for (unsigned i = 0; i < 6; i++) {
		const char *const sets[] = {load, receive, strategy[i % 2], NULL};

		dies(models[i / 2], sets, 30 * SIM_MS + i * 7 * SIM_US);
	}
}

static void a_domain_that_receives_copies_dies(void **state)
{
	(void)state;
	dies_anywhere("load.name=tcp_stream", "platform.receive=copy");
}

static void a_domain_that_receives_pages_dies(void **state)
{
	(void)state;
	dies_anywhere("load.name=tcp_stream", "platform.receive=flip");
}

static void a_domain_that_sends_dies_with_its_pages_in_the_nics_hands(void **state)
{
	(void)state;
	dies_anywhere("load.name=tcp_maerts", "platform.receive=copy");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_domain_that_receives_copies_dies),
		cmocka_unit_test(a_domain_that_receives_pages_dies),
		cmocka_unit_test(a_domain_that_sends_dies_with_its_pages_in_the_nics_hands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
