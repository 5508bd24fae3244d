/* SPDX-License-Identifier: MIT */
/*
 * The load's domain dies in the middle of a run, with the IOMMU on: dom0 and the wire carry on, the
 * hypervisor's books are right, no device reaches a frame that was freed, and no frame is lost.
 */
#include <stdlib.h>
#include <string.h>

#include "death_world.h"

/* Where it stands: its CPUs stop, its kernel is no more, its memory goes. */
static void kill_domu(struct world *w)
{
	struct testbed_side *sut = &w->t.sut;
	struct hyper_domain *d = &w->h->domain[1];

	while (sut->host->pv->calls) /* within a hypercall nobody dies */
		death_run_for(w, SIM_US / 10);
	death_note_frames(w);
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

static void dies(const char *const model[2], const char *const *sets, sim_time at)
{
	struct world w;
	struct netback_stats back;
	struct tg3_stats before;
	bool *freed;

	death_start(&w, "domu", model, sets);
	death_run_for(&w, at);
	assert_true(load_ready(w.t.load));
	kill_domu(&w);
	death_books_are_right(&w);
	death_nothing_freed_is_reachable(&w);
	freed = death_poison_freed(&w);
	before = *tg3_stats(w.t.sut.nic);
	/* What it had on its way comes back meanwhile. */
	for (unsigned i = 0; i < 20; i++) {
		death_run_for(&w, 50 * SIM_US);
		death_nothing_freed_is_reachable(&w);
	}
	assert_non_null(
		task_create(machine_cpu(w.h->domain[0].machine, 0), "xenbus", remove_vif, &w));
	death_run_for(&w, 4 * SIM_S); /* the client sends again and again */
	assert_null(w.t.sut.vif);
	death_nothing_freed_is_reachable(&w);
	death_nothing_freed_was_written(&w, freed);
	death_books_are_right(&w);
	/* dom0 still takes what comes from the wire, and the device was refused nothing. */
	assert_true(tg3_stats(w.t.sut.nic)->rx_frames > before.rx_frames);
	assert_int_equal(w.t.sut.rig->faults, 0);
	netback_stats(w.t.sut.nic_host->netback, &back);
	assert_int_equal(back.pending, 0);
	assert_int_equal(back.unmap_errors, 0);
	death_nothing_is_left(&w);
	free(freed);
	load_destroy(w.t.load);
	w.t.load = NULL;
	host_destroy(w.dead);
	death_finish(&w);
}

static void dies_anywhere(const char *load, const char *receive)
{
	static const char *const strategy[] = {"dma.strategy=strict", "dma.strategy=deferred"};

	for (unsigned i = 0; i < 6; i++) {
		const char *const sets[] = {load, receive, strategy[i % 2], NULL};

		dies(death_models[i / 2], sets, 30 * SIM_MS + i * 7 * SIM_US);
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
